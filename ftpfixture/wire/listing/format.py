"""What every format of a listing offers, and how a line is refused.

One rule: a format never looks at the end of a line, and gives an entry or a reason for each line that it takes.
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
"""A size or a count of links: no system has longer ones, and `int` refuses very long ones with an error of its own."""

_BREAKING = re.compile(r"[\r\n\0]")


def pattern(text: str, flags: int = 0) -> Callable[[], re.Pattern[str]]:
    """A regular expression that is compiled when it is first used: most tests never read a listing of most formats."""
    return cache(lambda: re.compile(text, flags))


class Clock(NamedTuple):
    """What the dates of a listing are measured by.

    Attributes:
        now: POSIX seconds, for dates without a year; the default is after all dates.
        timezone: Of dates that do not say theirs.
    """

    now: float = math.inf
    timezone: tzinfo = UTC


class Format(ABC, Generic[Row]):
    """A format of listings. A row is what a line of it is taken apart into, before the lines are judged together."""

    name: ClassVar[str]
    """What a line of it is: "an entry of …"."""

    needs: ClassVar[str]
    """What every line of it has, said to whoever has a line without it."""

    @abstractmethod
    def match(self, text: str) -> Row | str | None:
        """Take a line apart.

        Returns:
            None when the line has another format; a reason when it begins like this one and then breaks off.
        """

    @abstractmethod
    def read(self, rows: Sequence[Row], clock: Clock) -> list[Entry | str]:
        """Make an entry of every row, or say why that cannot be done; the rows of one listing are judged together."""

    def read_line(self, line: str, clock: Clock) -> Entry:
        """Read one line, with or without its end.

        Raises:
            ReplySyntaxError: It is something else; the text has the line and the reason.
        """
        text = without_end(line)
        row = broken(text) or self.match(text)
        found = row or self.needs if row is None or isinstance(row, str) else self.read([row], clock)[0]
        if isinstance(found, Entry):
            return found
        raise ReplySyntaxError(f"{line!r} is not {self.name}: {found}")


def without_end(line: str) -> str:
    """The line without its end, which is LF, CR LF, or CR CR LF of servers that translate line ends twice."""
    return line.removesuffix("\n").rstrip("\r")


def broken(text: str) -> str | None:
    """Why this cannot be a line, or None."""
    return "it holds CR, LF or NUL" if _BREAKING.search(text) else None


def outcome(make: Callable[P, Entry], *args: P.args, **kwargs: P.kwargs) -> Entry | str:
    """The entry that `make` returns, or the reason why it raised."""
    try:
        entry = make(*args, **kwargs)
    except (CommandSyntaxError, ReplySyntaxError) as error:
        return str(error)
    return entry if entry.name else "it has no name"
