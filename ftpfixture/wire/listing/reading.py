"""A whole listing, whatever server it came from.

One rule: a line that was not understood is never dropped. Every line is an entry, a line that is known to be none
(`Reading.headings`), or unread. Lines of one format are read together: a line alone is often ambiguous.
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

__all__ = ["Reading", "UnreadLine", "formats_of", "read_listing", "without_ends"]

Formats = Sequence[Format[Any]]

# The most specific format comes first.
_FORMATS: Formats = (EPLF, MSDOS, UNIX, FACTS, VMS, OS400, VXWORKS, OS2)


@dataclass(frozen=True, slots=True)
class UnreadLine:
    """A line of a listing that was not understood.

    Attributes:
        line: Without its end; for an entry on two lines both, with a space between them.
        reason: Why, as the end of a sentence about the line.
    """

    line: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reading:
    """The result of reading a listing; each part is in the order of the lines.

    Attributes:
        entries: Entries of the directory, as far as the lines were understood.
        unread: Lines that may hold entries, but were not understood.
        headings: Lines that are known to hold none, such as ``total 12`` and empty lines.
    """

    entries: tuple[Entry, ...]
    unread: tuple[UnreadLine, ...]
    headings: tuple[str, ...] = ()


def read_listing(lines: Iterable[str], *, now: float, timezone: tzinfo = UTC) -> Reading:
    """Read the lines of LIST.

    An entry on two lines, as VMS sends it, becomes one line. Lines of other directories from ``ls -R`` are unread.

    Args:
        lines: All lines of the listing, with or without their ends.
        now: POSIX seconds, for dates without a year.
        timezone: Of dates without one.
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


def formats_of(lines: Iterable[str]) -> list[str]:
    """Return the names of the formats that the lines of LIST have, each line alone; "unknown" for any other line."""
    texts = without_ends(lines, _is_blank_or_heading)
    shapes = [_matched(text, _FORMATS)[0] for text in texts if not _is_blank_or_heading(text)]
    return sorted({"unknown" if shape is None else shape.name for shape in shapes})


class _Pile:
    """The lines of one listing by format, before those of each format are read together."""

    def __init__(self) -> None:
        self.elsewhere: str | None = None  # why the following lines are no entries of this directory
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
        """Add a line that is known to be no entry."""
        self._headings.append(text)
        self._above = ""

    def add(self, text: str, formats: Formats) -> None:
        """Add a line that may be an entry, or the second half of one."""
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
        """Return the result of reading all lines together."""
        for shape, rows in self._rows.items():
            self._outcomes.update(zip(rows, shape.read([*rows.values()], clock), strict=True))
        found = [(text, self._outcomes[number]) for number, text in enumerate(self._texts)]
        return Reading(
            tuple(outcome for _, outcome in found if isinstance(outcome, Entry)),
            tuple(UnreadLine(text, outcome) for text, outcome in found if isinstance(outcome, str)),
            tuple(self._headings),
        )


def _matched(text: str, formats: Formats) -> tuple[Format[Any] | None, Any]:
    """Return the first format that matches a line and its row, or None and a reason."""
    reason = broken(text)
    for shape in formats if reason is None else ():
        found = shape.match(text)
        if isinstance(found, str):
            reason = reason or f"as {shape.name}, {found}"
        elif found is not None:
            return shape, found
    return None, reason or "it has no known form"


def _begins_directory(texts: Sequence[str], number: int, formats: Formats) -> bool:
    """Return whether a line names the directory that contains the entries below it.

    Such a line is the first, or follows an empty line. A message, which may end with a colon too, has no total, entry
    or directory below it.
    """
    text = texts[number]
    if listed_directory(text) is None or (number and not _is_blank(texts[number - 1])):
        return False
    if _matched(text, formats)[0] is not None:
        return False  # the entry of a name that ends with a colon
    if not text.endswith(":"):
        return True  # VMS and DIR, which are unambiguous
    following = next((text for text in texts[number + 1 : number + 3] if not _is_blank(text)), "")
    known = is_heading(following) or listed_directory(following) is not None
    return known or _matched(following, formats)[0] is not None


def _is_blank(text: str) -> bool:
    return not text.strip()


def _is_blank_or_heading(text: str) -> bool:
    return _is_blank(text) or is_heading(text)


def without_ends(lines: Iterable[str], is_none: Callable[[str], bool] = _is_blank) -> list[str]:
    """Return the lines without their ends: LF, CR LF, or CR CR LF where every line has it.

    Some servers translate line ends twice; elsewhere a second CR is the last letter of a name. The last line may be
    cut off, and headings may have other ends.

    Args:
        lines: All lines of a listing.
        is_none: Returns True for lines that may end in another way.
    """
    texts = [line.removesuffix("\n") for line in lines]
    bare = [text.rstrip("\r") for text in texts]
    ends = [len(text) - len(short) for text, short in zip(texts, bare, strict=True) if not is_none(short)]
    width = max(min(ends[:-1] or ends, default=1), 1)
    return [
        short if is_none(short) else text[: max(len(short), len(text) - width)]
        for text, short in zip(texts, bare, strict=True)
    ]
