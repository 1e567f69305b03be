"""A whole listing, whatever server it came from.

One rule: what was not understood is never taken for what is not there. Every line is an entry, a line that is known to
be none (`Reading.headings`), or unread. Lines of one format are judged together: one line alone often can be read in
two ways.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any

from ftpfixture.wire.listing.entry import Entry
from ftpfixture.wire.listing.eplf import EPLF
from ftpfixture.wire.listing.format import Clock, Format, broken
from ftpfixture.wire.listing.headings import is_heading, listed_directory
from ftpfixture.wire.listing.mlsx import FACTS
from ftpfixture.wire.listing.msdos import MSDOS
from ftpfixture.wire.listing.mvs import section_of
from ftpfixture.wire.listing.os400 import OS400
from ftpfixture.wire.listing.small_systems import OS2, VXWORKS
from ftpfixture.wire.listing.unix import UNIX
from ftpfixture.wire.listing.vms import VMS, continued

__all__ = ["Reading", "UnreadLine", "read_listing", "without_ends"]

Formats = Sequence[Format[Any]]

# The format that needs most comes first.
_FORMATS: Formats = (EPLF, MSDOS, UNIX, FACTS, VMS, OS400, VXWORKS, OS2)


@dataclass(frozen=True, slots=True)
class UnreadLine:
    """A line of a listing that was not understood.

    Attributes:
        line: Without its end; of an entry on two lines both, with a space between them.
        reason: Why, as the end of a sentence about the line.
    """

    line: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a listing says; each part is in the order of the lines.

    Attributes:
        entries: What is in the directory, as far as it was understood.
        unread: Lines that may hold entries, but were not understood.
        headings: Lines that are known to hold none, such as ``total 12`` and empty lines.
    """

    entries: tuple[Entry, ...]
    unread: tuple[UnreadLine, ...]
    headings: tuple[str, ...] = ()


def read_listing(lines: Iterable[str], *, now: float, timezone: tzinfo = UTC) -> Reading:
    """Read what LIST sent.

    An entry on two lines, as VMS has them, is one line here. What ``ls -R`` adds from other directories is unread.

    Args:
        lines: All lines of the listing, with or without their ends.
        now: POSIX seconds, for dates without a year.
        timezone: Of dates that do not say theirs.
    """
    texts = without_ends(lines, _is_blank_or_heading)
    pile = _Pile()
    formats = _FORMATS
    for number, text in enumerate(texts):
        section = section_of(text)
        if section is not None:
            formats = (section,)
        if section is not None or _is_blank_or_heading(text):
            pile.add_heading(text)
        elif _begins_directory(texts, number, formats):
            pile.add_heading(text)
            if pile.has_entries:
                pile.elsewhere = f"it is not in this directory, but in {listed_directory(text)}"
        else:
            pile.add(text, formats)
    return pile.judged(Clock(now, timezone))


class _Pile:
    """The lines of one listing by their formats, before those of each format are judged together."""

    def __init__(self) -> None:
        self.elsewhere: str | None = None  # why what follows is no entry of this directory
        self._above = ""  # the line above, unless it was a heading
        self._headings: list[str] = []
        self._texts: list[str] = []
        self._outcomes: dict[int, Entry | str] = {}
        self._rows: dict[Format[Any], dict[int, Any]] = {}

    @property
    def has_entries(self) -> bool:
        """Whether there was anything but headings."""
        return bool(self._texts)

    def add_heading(self, text: str) -> None:
        """A line that is known to be no entry."""
        self._headings.append(text)
        self._above = ""

    def add(self, text: str, formats: Formats) -> None:
        """A line that may be an entry, or the second half of one."""
        above, self._above = self._above, text
        if VMS in formats and self.elsewhere is None and continued(above, text):
            text = f"{self._texts.pop().rstrip()} {text.strip()}"
        number = len(self._texts)
        self._texts.append(text)
        shape, found = _matched(text, formats)
        if shape is None or self.elsewhere is not None:
            self._outcomes[number] = self.elsewhere or found
        else:
            self._outcomes.pop(number, None)
            self._rows.setdefault(shape, {})[number] = found

    def judged(self, clock: Clock) -> Reading:
        """What the lines say together."""
        for shape, rows in self._rows.items():
            self._outcomes.update(zip(rows, shape.read([*rows.values()], clock), strict=True))
        found = [(text, self._outcomes[number]) for number, text in enumerate(self._texts)]
        return Reading(
            tuple(outcome for _, outcome in found if isinstance(outcome, Entry)),
            tuple(UnreadLine(text, outcome) for text, outcome in found if isinstance(outcome, str)),
            tuple(self._headings),
        )


def _matched(text: str, formats: Formats) -> tuple[Format[Any] | None, Any]:
    """The first format that a line has, and its row there; or None, and a reason."""
    reason = broken(text)
    for shape in formats if reason is None else ():
        found = shape.match(text)
        if isinstance(found, str):
            reason = reason or f"as {shape.name}, {found}"
        elif found is not None:
            return shape, found
    return None, reason or "it has no known form"


def _begins_directory(texts: Sequence[str], number: int, formats: Formats) -> bool:
    """Say whether a line names the directory that the lines below it are in.

    It is the first, or has an empty line before it; and a message, which may end with a colon too, has no total, no
    entry and no directory below it.
    """
    text = texts[number]
    if listed_directory(text) is None or (number and not _is_blank(texts[number - 1])):
        return False
    if _matched(text, formats)[0] is not None:
        return False  # the entry of a name that ends with a colon
    if not text.endswith(":"):
        return True  # VMS and DIR, which nothing else looks like
    following = next((text for text in texts[number + 1 : number + 3] if not _is_blank(text)), "")
    known = is_heading(following) or listed_directory(following) is not None
    return known or _matched(following, formats)[0] is not None


def _is_blank(text: str) -> bool:
    return not text.strip()


def _is_blank_or_heading(text: str) -> bool:
    return _is_blank(text) or is_heading(text)


def without_ends(lines: Iterable[str], is_none: Callable[[str], bool] = _is_blank) -> list[str]:
    """The lines without their ends: LF, CR LF, or CR CR LF where every line has it.

    Some servers translate line ends twice; elsewhere a second CR is the last letter of a name. The last line may have
    been cut off, and headings may come from elsewhere.

    Args:
        lines: All lines of a listing.
        is_none: Says which of them need not end as the others do.
    """
    texts = [line.removesuffix("\n") for line in lines]
    bare = [text.rstrip("\r") for text in texts]
    ends = [len(text) - len(short) for text, short in zip(texts, bare, strict=True) if not is_none(short)]
    width = max(min(ends[:-1] or ends, default=1), 1)
    return [
        short if is_none(short) else text[: max(len(short), len(text) - width)]
        for text, short in zip(texts, bare, strict=True)
    ]
