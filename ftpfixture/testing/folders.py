"""A folder of the disk that a server shows, and the users that may see it.

One rule: a server shows no part of the disk that the caller did not name.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import Any

from ftpfixture.checks import wrong
from ftpfixture.errors import ConfigurationError
from ftpfixture.files.base import AbstractPathIO
from ftpfixture.files.disk import PathIO
from ftpfixture.files.memory import MemoryFiles
from ftpfixture.files.paths import is_within
from ftpfixture.server import AbstractUserManager, User

__all__ = ["check_layer", "check_manager", "folder", "within"]


def folder(root: Any) -> Path:
    """The setting `root` as the folder that it names, all links followed.

    Raises:
        ConfigurationError: There is no such folder.
    """
    if not isinstance(root, str | os.PathLike) or not os.fspath(root):
        raise wrong("root", "the path of a folder, as str or pathlib.Path", root)
    try:
        found = Path(root).resolve(strict=True)
    except (OSError, RuntimeError) as error:  # RuntimeError: before Python 3.13, links in a circle
        raise ConfigurationError(f"root={str(root)!r} cannot be served: {error}; make the folder first") from error
    if not found.is_dir():
        raise ConfigurationError(f"root={str(root)!r} is a file: use the path of a folder")
    return found


def within(users: Iterable[User], root: Path) -> list[User]:
    """The users with base paths in the folder: a relative one counts from there.

    A user whose base path changes is copied, because other servers may have the same user.

    Raises:
        ConfigurationError: A base path leads out of the folder, or is not there.
    """
    return [_moved(user, root) for user in users]


def _moved(user: User, root: Path) -> User:
    base = (root / user.base_path).resolve()
    _check_inside(user, base, root)
    if base == user.base_path:
        return user
    moved = copy.copy(user)
    moved.base_path = base
    return moved


def check_manager(manager: AbstractUserManager, root: Path) -> None:
    """Refuse a manager whose users would see more than the folder.

    Raises:
        ConfigurationError: They would, or the manager does not list its users.
    """
    users = getattr(manager, "users", None)
    if users is None:
        raise ConfigurationError(
            f"root= with a {type(manager).__name__}, which does not list its users: give them base_path={str(root)!r}, "
            "and set path_io_factory=PathIO in place of root="
        )
    for user in users:
        if not user.base_path.is_absolute():
            raise ConfigurationError(
                f"root= with a {type(manager).__name__}: give {user.login!r} base_path={str(root)!r} or a folder below"
            )
        _check_inside(user, Path(user.base_path).resolve(), root)


def _check_inside(user: User, base: Path, root: Path) -> None:
    given = f"base_path={str(user.base_path)!r} of {user.login!r}"
    if not is_within(base, root):
        raise ConfigurationError(f"{given} is not in root={str(root)!r}: leave it out, or name a folder below the root")
    if not base.is_dir():
        raise ConfigurationError(f"{given}: there is no folder {str(base)!r}; make it first")


def check_layer(layer: AbstractPathIO, root: Path | None, users: Iterable[User]) -> None:
    """Refuse a path layer that has nothing to do with the folder, or that shows the disk without one.

    Args:
        layer: As the server makes it.
        root: The folder; None for none.
        users: Those that are known.

    Raises:
        ConfigurationError: It is one of these.
    """
    kind = type(layer).__name__
    if root is not None and isinstance(layer.state, MemoryFiles):
        raise ConfigurationError(f"root= with path_io_factory={kind}, whose files are in memory: leave out one of them")
    if root is not None or not isinstance(layer, PathIO):
        return
    for user in users:
        shown = _unnamed(user.base_path)
        if shown is not None:
            raise ConfigurationError(
                f"path_io_factory={kind} would show {user.login!r} {shown}, to change and to delete: use root=tmp_path "
                "or root='/some/folder' in place of it, or give each User a base_path (root='/' for the whole disk)"
            )


def _unnamed(base: PurePath) -> str | None:
    """What a default base path shows: the current folder, or the whole disk; None for a base path that was chosen."""
    if base == PurePath():
        return "the current folder"
    return "the whole disk" if base.is_absolute() and base == type(base)(base.anchor) else None
