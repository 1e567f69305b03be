"""Lines of a listing become what is known of a directory, and facts become values.

One rule: what was not understood is kept and reported; it is never taken for what is not there. What may be half of a
line, or a message in the shape of a line, is both given and reported.
"""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from operator import itemgetter
from pathlib import PurePosixPath
from typing import NamedTuple

from ftpfixture.client.parsers import Info, info_of
from ftpfixture.client.settings import Parser
from ftpfixture.client.unread import UnreadEntry
from ftpfixture.wire.listing import Reading, read_listing, without_ends
from ftpfixture.wire.listing.entry import DIRECTORIES, is_listable
from ftpfixture.wire.listing.format import NUMBER
from ftpfixture.wire.listing.headings import is_heading
from ftpfixture.wire.listing.mlsx import FACTS
from ftpfixture.wire.timestamps import parse_time

__all__ = [
    "DirectoryListing",
    "Lines",
    "Listed",
    "folded",
    "known_size",
    "known_time",
    "lines_of",
    "parse_lines",
    "parse_list",
    "parse_mlsd",
    "with_type",
]

Listed = tuple[PurePosixPath, Info]

Numbered = list[tuple[int, str]]
"""Lines with their numbers."""

_VERSION = re.compile(r";[0-9]{0,5}\Z")
_CUT = "it has no end as the others have, so its name may be longer"
_THEMSELVES = (".", "..")


@dataclass(frozen=True, slots=True)
class DirectoryListing:
    """What a server listed of a directory.

    Attributes:
        path: The directory.
        entries: What was understood: ``path / name``, and what is known of it.
        unread: The lines that were not.
    """

    path: PurePosixPath
    entries: Sequence[Listed]
    unread: tuple[UnreadEntry, ...]


class Lines(NamedTuple):
    """What a listing sent.

    Attributes:
        texts: All lines without their ends.
        cut: The last line when it has no end, though others have one; else "". What came with it may be cut off.
    """

    texts: Sequence[str]
    cut: str


class _Entries:
    """Entries and unread lines of a directory, each with the number of its line."""

    def __init__(self, directory: PurePosixPath) -> None:
        self._directory = directory
        self._entries: list[tuple[int, Listed]] = []
        self._unread: list[tuple[int, UnreadEntry]] = []

    def parse(self, number: int, line: str, parse: Parser) -> Exception | None:
        """Let a parser read a line; why it cannot."""
        try:
            name, info = parse(line.encode("utf-8", "surrogateescape") + b"\r\n")
        except (ValueError, KeyError, IndexError) as error:
            return error
        self.add(number, line, str(name), info)
        return None

    def add(self, number: int, line: str, name: str, info: Info) -> None:
        """An entry, unless it is the directory itself or its parent."""
        info = with_type(info)
        if info["type"] in ("cdir", "pdir"):  # RFC 3659 7.5.1: these may have paths
            return
        if name in _THEMSELVES and (info["type"] in DIRECTORIES or line.endswith(f" {name}")):
            return
        if name not in _THEMSELVES and is_listable(name):
            self._entries.append((number, (self._directory / name, info)))
        else:  # whoever downloads it could be made to write anywhere
            self.add_unread(number, line, f"{name!r} is no name")

    def add_unread(self, number: int, line: str, reason: str) -> None:
        """A line that was not understood."""
        self._unread.append((number, UnreadEntry(self._directory, line, reason)))

    def add_reading(self, lines: Numbered, reading: Reading) -> Numbered:
        """The entries that were read of many lines; the numbers of the lines that were not understood."""
        others = {*reading.headings, *(unread.line for unread in reading.unread)}
        numbers = chain((number for number, line in lines if line not in others), repeat(len(lines)))
        for number, entry in zip(numbers, reading.entries, strict=False):
            name, info = info_of(entry)
            self.add(number, entry.name, str(name), info)
        unread = frozenset(unread.line for unread in reading.unread)
        return [(number, line) for number, line in lines if line in unread]

    def doubt(self, number: int, line: str, reason: str) -> None:
        """A line that looks like an entry, and may be none: it is given, and reported as not understood."""
        if not any(unread.line == line for _, unread in self._unread):
            self.add_unread(number, line, reason)

    @property
    def listing(self) -> DirectoryListing:
        """All of them, in the order of the lines."""
        entries = sorted(self._entries, key=itemgetter(0))
        unread = sorted(self._unread, key=itemgetter(0))
        return DirectoryListing(self._directory, [each for _, each in entries], tuple(each for _, each in unread))


def lines_of(text: str) -> Lines:
    """What a listing sent, line by line."""
    *whole, last = text.split("\n")
    texts = without_ends([*whole, last])
    return Lines(texts, last if whole and last.strip() and not is_heading(last) else "")


def parse_lines(directory: PurePosixPath, lines: Lines, parse: Parser) -> DirectoryListing:
    """Read each line by itself.

    Args:
        directory: What was listed.
        lines: What was sent.
        parse: Reads one line in UTF-8, with an end; ValueError, KeyError or IndexError when it cannot.
    """
    return _parse_lines(directory, lines, parse).listing


def parse_mlsd(directory: PurePosixPath, lines: Lines, parse: Parser) -> DirectoryListing:
    """Read what MLSD sent; see `parse_lines`.

    A line without facts is a name alone (RFC 3659 7.2), but among lines that have some it may be a message.
    """
    pile = _parse_lines(directory, lines, parse)
    bare = [(n, line) for n, line in enumerate(lines.texts) if line.strip() and FACTS.match(line) is None]
    if len(bare) < sum(1 for line in lines.texts if line.strip()):
        for number, line in bare:
            pile.doubt(number, line, "it has no facts as the others have, so it may be a message")
    return pile.listing


def _parse_lines(directory: PurePosixPath, lines: Lines, parse: Parser) -> _Entries:
    pile = _Entries(directory)
    for number, line in enumerate(lines.texts):
        if line.strip() and not is_heading(line) and (error := pile.parse(number, line, parse)):
            pile.add_unread(number, line, _reason(line, error))
    if lines.cut:
        pile.doubt(len(lines.texts), lines.cut, _CUT)
    return pile


def parse_list(
    directory: PurePosixPath, lines: Lines, custom: Parser | None, *, custom_first: bool
) -> DirectoryListing:
    """Read what LIST sent, in all known formats and by a parser of the user's.

    Args:
        directory: What was listed.
        lines: What was sent.
        custom: Reads one line, as in `parse_lines`; None when there is none.
        custom_first: Let it read what it can, and not what is left over.
    """
    pile = _Entries(directory)
    numbered = list(enumerate(lines.texts))
    if custom is not None and custom_first:
        headings = frozenset(_read(numbered).headings)
        numbered = [(n, line) for n, line in numbered if line in headings or pile.parse(n, line, custom)]
    reading = _read(numbered)
    numbers = chain(pile.add_reading(numbered, reading), repeat((len(lines.texts), "")))
    for unread, (number, _) in zip(reading.unread, numbers, strict=False):
        if custom is None or custom_first or pile.parse(number, unread.line, custom):
            pile.add_unread(number, unread.line, unread.reason)
    if lines.cut:
        pile.doubt(len(lines.texts), lines.cut, _CUT)
    return pile.listing


def _read(lines: Numbered) -> Reading:
    return read_listing([line for _, line in lines], now=time.time())


def _reason(line: str, error: Exception) -> str:
    """Why a line was not understood; without the line, which is shown beside it."""
    text = str(error.args[0]) if isinstance(error, ValueError) and error.args else repr(error)
    for end in ("\r\n", ""):
        text = text.removeprefix(f"{line + end!r} ")
    return text


def with_type(info: Info) -> Info:
    """What is known of an entry, with a `type`: "unknown" where there is none (RFC 3659 7.2)."""
    return info if info.get("type") else {**info, "type": "unknown"}


def folded(name: str) -> str:
    """The name in a spelling that it shares with all that some server or disk may take for the same.

    There are those that ignore case (Windows, VMS), Unicode normalization (macOS), dots and spaces at the end
    (Windows), and versions (VMS).
    """
    return unicodedata.normalize("NFC", _VERSION.sub("", name).casefold()).rstrip(" .")


def known_size(info: Info) -> int | None:
    """Bytes; None when the fact is missing or no number, as the -1 of some servers is none."""
    found = NUMBER.fullmatch(str(info.get("size", "")))
    return int(found[0]) if found else None


def known_time(info: Info) -> int | None:
    """When it was modified, in POSIX seconds; None when the fact is missing or no time."""
    try:
        return int(parse_time(str(info.get("modify", ""))))
    except ValueError:
        return None
