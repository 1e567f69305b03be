"""Translate the paths of clients into real paths, never out of the base directory.

One rule: everything here is text; other modules check whether a path exists or is a link.
"""

from __future__ import annotations

import errno
import re
import sys
from pathlib import PurePath, PurePosixPath, PureWindowsPath

from ftpfixture.errors import PathIOError

__all__ = ["is_within", "resolve_virtual", "to_real"]

# Names that Windows does not read as the name of one file: separators, drives and streams, names that lose their end
# (".. " becomes ".."), and devices, which exist in every directory.
_NOT_ON_WINDOWS = re.compile(
    r".*[\\:\0]|.*[. ]\Z|(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\..*)?\Z", re.IGNORECASE | re.DOTALL
)


def resolve_virtual(current: PurePosixPath, argument: str) -> PurePosixPath:
    """Return the absolute path that an argument means in a current directory.

    ``.``, ``..``, doubled and trailing slashes are resolved as text, and ``..`` stops at "/".

    Args:
        current: Absolute path of the current directory.
        argument: As the client sent it; empty for the current directory.
    """
    parts: list[str] = []
    for part in (argument if argument.startswith("/") else f"{current}/{argument}").split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return PurePosixPath("/", *parts)


def _is_windows(path: PurePath) -> bool:
    """Whether a path is one of Windows, by the name of its class: pyfakefs has another one of that name."""
    return any(kind.__name__ == PureWindowsPath.__name__ for kind in type(path).__mro__)


def to_real(base: PurePath, virtual: PurePosixPath) -> PurePath:
    r"""Return the path below `base` for a virtual path, of the same class as `base`.

    Raises:
        PathIOError: The base is a Windows path and a part of the virtual path is not a plain name there (``C:``,
            ``a\b``, ``NUL``, a dot or a space at the end): it could lead out of the base.
    """
    parts = virtual.parts[1:] if virtual.is_absolute() else virtual.parts
    if ".." in parts:
        parts = resolve_virtual(PurePosixPath("/"), "/".join(parts)).parts[1:]
    if _is_windows(base):
        for part in parts:
            if _NOT_ON_WINDOWS.match(part):
                try:
                    raise OSError(errno.EINVAL, "Not a file name on Windows", part)
                except OSError as error:
                    raise PathIOError(reason=sys.exc_info()) from error
    return base.joinpath(*parts)


def is_within(path: PurePath, base: PurePath) -> bool:
    """Return True when `path` is `base` or below it, as text; links are not followed.

    A relative path is not within an absolute base, nor an absolute path within a relative base.
    """
    path, base = _flattened(path), _flattened(base)
    return path.is_relative_to(base) and ".." not in path.relative_to(base).parts


def _flattened(path: PurePath) -> PurePath:
    if ".." not in path.parts:
        return path
    names: list[str] = []
    for part in path.parts[bool(path.anchor) :]:
        if part != ".." or (not path.root and names in ([], [".."] * len(names))):
            names.append(part)
        else:
            del names[-1:]
    return type(path)(path.anchor, *names)
