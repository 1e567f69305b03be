"""The interface of every listing format, and the reasons for refusing a line.

One rule: a format never looks at the end of a line, and returns an entry or a reason for each line that matches it.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import UTC, tzinfo
from functools import cache
from typing import ClassVar, Generic, NamedTuple, ParamSpec, TypeVar

from ftpfixture.errors import CommandSyntaxError, ReplySyntaxError
from ftpfixture.wire.listing.entry import Entry

__all__ = ["NUMBER", "Clock", "Format", "broken", "outcome", "pattern", "without_end"]

P = ParamSpec("P")
Row = TypeVar("Row")

NUMBER = re.compile(r"[0-9]{1,20}")
"""A size or a count of links: no system has longer ones, and `int` raises an error of its own for very long ones."""

_BREAKING = re.compile(r"[\r\n\0]")


def pattern(text: str, flags: int = 0) -> Callable[[], re.Pattern[str]]:
    """Return a regular expression that is compiled on first use: most tests never read most formats of listings."""
    return cache(lambda: re.compile(text, flags))


class Clock(NamedTuple):
    """The current time and the time zone for the dates of a listing.

    Attributes:
        now: POSIX seconds, for dates without a year; the default is after all dates.
        timezone: Of dates without one.
    """

    now: float = math.inf
    timezone: tzinfo = UTC


class Format(ABC, Generic[Row]):
    """A format of listings. A row is the parsed form of a line, before the lines are read together."""

    name: ClassVar[str]
    """Name for one line of it: "an entry of …"."""

    needs: ClassVar[str]
    """What every line of it has, for the message about a line without it."""

    @abstractmethod
    def match(self, text: str) -> Row | str | None:
        """Parse a line.

        Returns:
            None when the line has another format; a reason when it begins like this one but is incomplete.
        """

    @abstractmethod
    def read(self, rows: Sequence[Row], clock: Clock) -> list[Entry | str]:
        """Return an entry, or the reason for none, for every row; the rows of one listing are read together."""

    def read_line(self, line: str, clock: Clock) -> Entry:
        """Read one line, with or without its end.

        Raises:
            ReplySyntaxError: The line has another format; the message holds the line and the reason.
        """
        text = without_end(line)
        row = broken(text) or self.match(text)
        found = row or self.needs if row is None or isinstance(row, str) else self.read([row], clock)[0]
        if isinstance(found, Entry):
            return found
        raise ReplySyntaxError(f"{line!r} is not {self.name}: {found}")


def without_end(line: str) -> str:
    """Return the line without its end: LF, CR LF, or CR CR LF of servers that translate line ends twice."""
    return line.removesuffix("\n").rstrip("\r")


def broken(text: str) -> str | None:
    """Return the reason why this cannot be a line, or None."""
    return "it holds CR, LF or NUL" if _BREAKING.search(text) else None


def outcome(make: Callable[P, Entry], *args: P.args, **kwargs: P.kwargs) -> Entry | str:
    """Return the entry that `make` returns, or the reason of its exception."""
    try:
        entry = make(*args, **kwargs)
    except (CommandSyntaxError, ReplySyntaxError) as error:
        return str(error)
    return entry if entry.name else "it has no name"
