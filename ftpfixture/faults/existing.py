"""Actions that depend on whether a path exists; they do nothing if this is not known.

One rule: a fault that changed nothing has not happened, and stays active for the next command.
"""

from __future__ import annotations

import re
import stat
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from pathlib import PurePath
from types import SimpleNamespace
from typing import Any

from ftpfixture.faults.action import Action, Context, Outcome
from ftpfixture.faults.effects import Exists, Hook, Use
from ftpfixture.files.base import AbstractPathIO, Batch
from ftpfixture.wire.reply import Reply

__all__ = ["MissingAsEmpty", "RefuseExisting"]


@dataclass(frozen=True, slots=True)
class RefuseExisting(Action):
    """A command that creates a path is refused with this reply if the path exists.

    APPE and STOU are not refused: they do not replace a file.
    """

    code: str
    lines: tuple[str, ...]

    in_front = "answer(550) with path="
    verbs = frozenset({"MKD", "XMKD", "RNTO", "STOR"})

    def instead(self, context: Context, outcome: Outcome) -> Hook[Outcome]:
        """See Action."""
        if not isinstance(outcome, str) or not outcome:
            return outcome
        exists = yield Exists(outcome)
        if not exists or not (yield from context.happens()):
            return outcome
        return Reply(self.code, self.lines)


_FLAGS = re.compile(r"(-\S*( |\Z))+")


@dataclass(frozen=True, slots=True)
class MissingAsEmpty(Action):
    """A missing path is listed as an empty directory.

    MLSD is not changed: its 550 is how clients distinguish a missing directory from an empty one.
    """

    in_front = "listing([])"
    verbs = frozenset({"LIST", "NLST"})

    def command(self, context: Context, argument: str) -> Hook[str]:
        """See Action."""
        flags = _FLAGS.match(argument)
        path = argument[flags.end() :] if flags else argument
        exists = yield Exists(path, pattern=True)
        if exists is not False or not (yield from context.happens()):
            return argument
        yield Use("path_io", lambda inner, now: _EmptyFolders(inner))
        return path


class _EmptyFolders:
    """A path layer in which every path is an empty directory.

    Args:
        inner: The true layer.
    """

    def __init__(self, inner: AbstractPathIO) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def is_dir(self, path: PurePath) -> bool:
        """See AbstractPathIO."""
        return True

    async def lstat(self, path: PurePath) -> Any:
        """See AbstractPathIO."""
        return SimpleNamespace(st_mode=stat.S_IFDIR | 0o755, st_size=0, st_nlink=2, st_mtime=0, st_ctime=0)

    async def list_names(self, path: PurePath) -> list[str]:
        """See AbstractPathIO."""
        return []

    async def lstat_many(self, path: PurePath, names: Iterable[str]) -> AsyncGenerator[Batch, None]:
        """See AbstractPathIO."""
        return
        yield []  # makes the function a generator
