"""Parses the lines of a listing into entries, and facts into values.

One rule: a line that was not understood is kept and reported, never dropped. A line that may be truncated, or may be a
message in the form of an entry, is given as an entry and reported too.
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
_CUT = "it has no line end, unlike the others, so its name may be longer"
_THEMSELVES = (".", "..")


@dataclass(frozen=True, slots=True)
class DirectoryListing:
    """The parsed listing of a directory.

    Attributes:
        path: The directory.
        entries: ``path / name`` and the facts of each entry.
        unread: The lines that were not understood.
    """

    path: PurePosixPath
    entries: Sequence[Listed]
    unread: tuple[UnreadEntry, ...]


class Lines(NamedTuple):
    """The lines of a listing.

    Attributes:
        texts: All lines without their line ends.
        cut: The last line when it has no line end, although others have one; else "". It may be truncated.
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
        """Parse a line; return the error when the parser does not understand it."""
        try:
            name, info = parse(line.encode("utf-8", "surrogateescape") + b"\r\n")
        except (ValueError, KeyError, IndexError) as error:
            return error
        self.add(number, line, str(name), info)
        return None

    def add(self, number: int, line: str, name: str, info: Info) -> None:
        """Add an entry, unless it is the directory itself or its parent."""
        info = with_type(info)
        if info["type"] in ("cdir", "pdir"):  # RFC 3659 7.5.1: these may have paths
            return
        if name in _THEMSELVES and (info["type"] in DIRECTORIES or line.endswith(f" {name}")):
            return
        if name not in _THEMSELVES and is_listable(name):
            self._entries.append((number, (self._directory / name, info)))
        else:  # a client that downloads it might write outside of the destination
            self.add_unread(number, line, f"{name!r} is no name")

    def add_unread(self, number: int, line: str, reason: str) -> None:
        """Add a line that was not understood."""
        self._unread.append((number, UnreadEntry(self._directory, line, reason)))

    def add_reading(self, lines: Numbered, reading: Reading) -> Numbered:
        """Add the entries of many lines; return the lines that were not understood, with their numbers."""
        others = {*reading.headings, *(unread.line for unread in reading.unread)}
        numbers = chain((number for number, line in lines if line not in others), repeat(len(lines)))
        for number, entry in zip(numbers, reading.entries, strict=False):
            name, info = info_of(entry)
            self.add(number, entry.name, str(name), info)
        unread = frozenset(unread.line for unread in reading.unread)
        return [(number, line) for number, line in lines if line in unread]

    def doubt(self, number: int, line: str, reason: str) -> None:
        """Report a line that is given as an entry, but may be none, or be truncated."""
        if not any(unread.line == line for _, unread in self._unread):
            self.add_unread(number, line, reason)

    @property
    def listing(self) -> DirectoryListing:
        """The entries and unread lines, in the order of the lines."""
        entries = sorted(self._entries, key=itemgetter(0))
        unread = sorted(self._unread, key=itemgetter(0))
        return DirectoryListing(self._directory, [each for _, each in entries], tuple(each for _, each in unread))


def lines_of(text: str) -> Lines:
    """Split the text of a listing into lines."""
    *whole, last = text.split("\n")
    texts = without_ends([*whole, last])
    return Lines(texts, last if whole and last.strip() and not is_heading(last) else "")


def parse_lines(directory: PurePosixPath, lines: Lines, parse: Parser) -> DirectoryListing:
    """Parse each line by itself.

    Args:
        directory: The listed directory.
        lines: The lines of the listing.
        parse: Parses one line in UTF-8 with its line end; raises ValueError, KeyError or IndexError when it cannot.
    """
    return _parse_lines(directory, lines, parse).listing


def parse_mlsd(directory: PurePosixPath, lines: Lines, parse: Parser) -> DirectoryListing:
    """Parse the lines of MLSD; arguments as for `parse_lines`.

    A line without facts is only a name (RFC 3659 7.2), but among lines with facts it may be a message.
    """
    parsed = _parse_lines(directory, lines, parse)
    bare = [(n, line) for n, line in enumerate(lines.texts) if line.strip() and FACTS.match(line) is None]
    if len(bare) < sum(1 for line in lines.texts if line.strip()):
        for number, line in bare:
            parsed.doubt(number, line, "it has no facts, unlike the others, so it may be a message")
    return parsed.listing


def _parse_lines(directory: PurePosixPath, lines: Lines, parse: Parser) -> _Entries:
    parsed = _Entries(directory)
    for number, line in enumerate(lines.texts):
        if line.strip() and not is_heading(line) and (error := parsed.parse(number, line, parse)):
            parsed.add_unread(number, line, _reason(line, error))
    if lines.cut:
        parsed.doubt(len(lines.texts), lines.cut, _CUT)
    return parsed


def parse_list(
    directory: PurePosixPath, lines: Lines, custom: Parser | None, *, custom_first: bool
) -> DirectoryListing:
    """Parse the lines of LIST, in all known formats and with the user's parser.

    Args:
        directory: The listed directory.
        lines: The lines of the listing.
        custom: The user's parser of one line, as in `parse_lines`; None for none.
        custom_first: Try it before the known formats, not after them.
    """
    parsed = _Entries(directory)
    numbered = list(enumerate(lines.texts))
    if custom is not None and custom_first:
        headings = frozenset(_read(numbered).headings)
        numbered = [(n, line) for n, line in numbered if line in headings or parsed.parse(n, line, custom)]
    reading = _read(numbered)
    numbers = chain(parsed.add_reading(numbered, reading), repeat((len(lines.texts), "")))
    for unread, (number, _) in zip(reading.unread, numbers, strict=False):
        if custom is None or custom_first or parsed.parse(number, unread.line, custom):
            parsed.add_unread(number, unread.line, unread.reason)
    if lines.cut:
        parsed.doubt(len(lines.texts), lines.cut, _CUT)
    return parsed.listing


def _read(lines: Numbered) -> Reading:
    return read_listing([line for _, line in lines], now=time.time())


def _reason(line: str, error: Exception) -> str:
    """Why a line was not understood, without the line itself."""
    text = str(error.args[0]) if isinstance(error, ValueError) and error.args else repr(error)
    for end in ("\r\n", ""):
        text = text.removeprefix(f"{line + end!r} ")
    return text


def with_type(info: Info) -> Info:
    """The facts of an entry with a `type`: "unknown" when there is none (RFC 3659 7.2)."""
    return info if info.get("type") else {**info, "type": "unknown"}


def folded(name: str) -> str:
    """A key that is equal for all names which some server or disk may treat as the same name.

    Some ignore case (Windows, VMS), Unicode normalization (macOS), dots and spaces at the end (Windows), and versions
    (VMS).
    """
    return unicodedata.normalize("NFC", _VERSION.sub("", name).casefold()).rstrip(" .")


def known_size(info: Info) -> int | None:
    """The size in bytes; None when the fact is missing or is no number, such as the -1 of some servers."""
    found = NUMBER.fullmatch(str(info.get("size", "")))
    return int(found[0]) if found else None


def known_time(info: Info) -> int | None:
    """The modification time in POSIX seconds; None when the fact is missing or is no time."""
    try:
        return int(parse_time(str(info.get("modify", ""))))
    except ValueError:
        return None
