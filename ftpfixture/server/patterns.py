"""The argument of LIST and NLST: a path, or a pattern and all paths that match it.

One rule: one pattern could cost more time than the server has, so the names that it is compared with are counted.
"""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import ClassVar

from ftpfixture.aio import take_turns
from ftpfixture.errors import CommandRefused
from ftpfixture.files.base import batches
from ftpfixture.server.conditions import confined
from ftpfixture.server.connection import Connection
from ftpfixture.server.entries import Entries

__all__ = ["Patterns", "prefix_of"]

_GLOB = frozenset("*?[")
_LONGEST = 1024  # characters: a name on a disk has at most 255, and compiling 8000 takes 50 ms


class Patterns(Entries):
    """Finds the paths that match a pattern.

    Attributes:
        pattern_limit: Names that one command may compare with a pattern before it gets 550; each searched directory
            counts as 100. vsftpd has such a limit, too, and ends the listing there.
    """

    pattern_limit: ClassVar[int] = 1_000_000

    async def path_exists(self, connection: Connection, path: str, *, pattern: bool = False) -> bool:
        """See BaseServer."""
        return bool(await self.matches(connection, path)) if pattern else await super().path_exists(connection, path)

    async def matches(self, connection: Connection, argument: str) -> list[str]:
        """The argument of LIST or NLST itself if it exists, else all paths that match it as a pattern.

        A pattern may have ``*``, ``?`` and ``[...]`` in any part of the path. Sorted; empty when nothing matches.

        Raises:
            CommandRefused: 550; the pattern is too long, or exceeds `pattern_limit`.
        """
        return await _Search(self, connection).matches(argument)

    async def _flags(self, connection: Connection, rest: str) -> tuple[str, str]:
        """The letters of leading words such as -la, and the rest; an existing path is never a flag.

        Raises:
            CommandRefused: As `matches`.
        """
        search, flags = _Search(self, connection), ""
        while rest.startswith("-") and not await search.matches(rest):
            word, _, rest = rest.partition(" ")
            flags += word[1:]
        return flags, rest


class _Search:
    """The search of one command.

    Args:
        server: Resolves paths, and has the limit.
        connection: The session.
    """

    def __init__(self, server: Patterns, connection: Connection) -> None:
        self._server = server
        self._connection = connection
        self._left = server.pattern_limit

    async def matches(self, argument: str) -> list[str]:
        """See Patterns."""
        await take_turns()
        if await self._is_there(argument):
            return [argument]
        if not _GLOB.intersection(argument):
            return []
        found = ["/" if argument.startswith("/") else ""]
        for part in PurePosixPath(argument).parts[argument.startswith("/") :]:
            expand = self._matching if _GLOB.intersection(part) else self._named
            parents, found = found, []
            for parent in parents:
                found += await expand(parent, part)
        return found

    async def _named(self, parent: str, name: str) -> list[str]:
        await take_turns()
        path = prefix_of(parent) + name
        return [path] if await self._is_there(path) else []

    async def _matching(self, parent: str, pattern: str) -> list[str]:
        connection = self._connection
        real, virtual = self._server.get_paths(connection, parent)
        fits, hidden = _compiled(pattern), pattern.startswith(".")
        self._count(100 + len(pattern))
        await take_turns()
        if not await confined(connection, real) or not (await connection.user.get_permissions(virtual)).list:
            return []
        prefix, found = prefix_of(parent), list[str]()
        for batch in batches(await self._server.names(connection, real, virtual, hidden=hidden)):
            self._count(len(batch))
            found += [prefix + name for name in batch if fits(name)]
            await take_turns()
        return found

    def _count(self, names: int) -> None:
        self._left -= names
        if self._left < 0:
            raise CommandRefused("550", "The pattern has too many names to compare with: name more of the path")

    async def _is_there(self, argument: str) -> bool:
        return await self._server.path_exists(self._connection, argument)


@functools.lru_cache
def _compiled(pattern: str) -> Callable[[str], object]:
    if len(pattern) > _LONGEST:
        raise CommandRefused("550", f"The pattern is too long: a part of the path may have {_LONGEST} characters")
    return re.compile(fnmatch.translate(pattern)).match


def prefix_of(directory: str) -> str:
    """The prefix that makes paths in the client's form from the names in a directory."""
    return "" if directory in ("", ".") else f"{directory.rstrip('/')}/"
