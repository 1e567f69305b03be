"""What depends on whether something is there: actions that ask for that, and do nothing where it is not known.

One rule: a fault that had nothing to do has not happened, and is there for the next command.
"""

from __future__ import annotations

import re
import stat
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from pathlib import PurePath
from types import SimpleNamespace
from typing import Any

from ftpfixture.faults.action import Action, Outcome, Step
from ftpfixture.faults.effects import Exists, Hook, Use
from ftpfixture.files.base import AbstractPathIO, Batch
from ftpfixture.wire.reply import Reply

__all__ = ["MissingAsEmpty", "RefuseExisting"]


@dataclass(frozen=True, slots=True)
class RefuseExisting(Action):
    """A command that makes something is refused with this reply where there is something already.

    APPE and STOU are left alone: they do not replace what is there.
    """

    code: str
    lines: tuple[str, ...]

    verbs = frozenset({"MKD", "XMKD", "RNTO", "STOR"})

    def instead(self, step: Step, outcome: Outcome) -> Hook[Outcome]:
        """See Action."""
        if not isinstance(outcome, str) or not outcome:
            return outcome
        there = yield Exists(outcome)
        if not there or not (yield from step.happens()):
            return outcome
        return Reply(self.code, self.lines)


_FLAGS = re.compile(r"(-\S*( |\Z))+")


@dataclass(frozen=True, slots=True)
class MissingAsEmpty(Action):
    """What is not there is listed as if it were an empty directory.

    MLSD is left alone: by its 550 clients tell a missing directory from an empty one.
    """

    verbs = frozenset({"LIST", "NLST"})

    def command(self, step: Step, argument: str) -> Hook[str]:
        """See Action."""
        flags = _FLAGS.match(argument)
        path = argument[flags.end() :] if flags else argument
        there = yield Exists(path, pattern=True)
        if there is not False or not (yield from step.happens()):
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
        yield []  # what makes it a generator
