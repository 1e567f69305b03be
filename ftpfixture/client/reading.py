"""Lines of a listing become what is known of a directory, and facts become values.

One rule: what was not understood is kept and told; it is never taken for what is not there.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from operator import itemgetter
from pathlib import PurePosixPath

from ftpfixture.client.parsers import Info, info_of
from ftpfixture.client.settings import Parser
from ftpfixture.client.unread import UnreadEntry
from ftpfixture.wire.entry import DIRECTORIES, is_listable, parse_time
from ftpfixture.wire.listing import Reading, read_listing
from ftpfixture.wire.listing.format import NUMBER
from ftpfixture.wire.listing.headings import is_heading

__all__ = ["DirectoryListing", "Listed", "known_size", "known_time", "one_by_one", "together", "with_type"]

Listed = tuple[PurePosixPath, Info]

Numbered = list[tuple[int, str]]
"""Lines with their numbers."""

_THEMSELVES = (".", "..")


@dataclass(frozen=True, slots=True)
class DirectoryListing:
    """What a server told of a directory.

    Attributes:
        path: The directory.
        entries: What was understood: ``path / name``, and what is told of it.
        unread: The lines that were not.
    """

    path: PurePosixPath
    entries: Sequence[Listed]
    unread: tuple[UnreadEntry, ...]


class _Pile:
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

    @property
    def listing(self) -> DirectoryListing:
        """All of them, in the order of the lines."""
        entries = sorted(self._entries, key=itemgetter(0))
        unread = sorted(self._unread, key=itemgetter(0))
        return DirectoryListing(self._directory, [each for _, each in entries], tuple(each for _, each in unread))


def one_by_one(directory: PurePosixPath, lines: Iterable[str], parse: Parser) -> DirectoryListing:
    """Read each line by itself.

    Args:
        directory: What was listed.
        lines: Without their ends.
        parse: Reads one line in UTF-8, with an end; ValueError, KeyError or IndexError when it cannot.
    """
    pile = _Pile(directory)
    for number, line in enumerate(lines):
        if line.strip() and not is_heading(line) and (error := pile.parse(number, line, parse)):
            pile.add_unread(number, line, _reason(line, error))
    return pile.listing


def together(
    directory: PurePosixPath, lines: Sequence[str], custom: Parser | None, *, custom_first: bool
) -> DirectoryListing:
    """Read what LIST sent, in all known formats and by a parser of the user's.

    Args:
        directory: What was listed.
        lines: Without their ends.
        custom: Reads one line, as in `one_by_one`; None when there is none.
        custom_first: Let it read what it can, and not what is left over.
    """
    pile = _Pile(directory)
    numbered = list(enumerate(lines))
    if custom is not None and custom_first:
        headings = frozenset(_read(numbered).headings)
        numbered = [(n, line) for n, line in numbered if line in headings or pile.parse(n, line, custom)]
    reading = _read(numbered)
    numbers = chain(pile.add_reading(numbered, reading), repeat((len(lines), "")))
    for unread, (number, _) in zip(reading.unread, numbers, strict=False):
        if custom is None or custom_first or pile.parse(number, unread.line, custom):
            pile.add_unread(number, unread.line, unread.reason)
    return pile.listing


def _read(lines: Numbered) -> Reading:
    return read_listing([line for _, line in lines], now=time.time())


def _reason(line: str, error: Exception) -> str:
    """Why a line was not understood; without the line, which is told beside it."""
    text = str(error.args[0]) if isinstance(error, ValueError) and error.args else repr(error)
    for end in ("\r\n", ""):
        text = text.removeprefix(f"{line + end!r} ")
    return text


def with_type(info: Info) -> Info:
    """What is told of an entry, with a `type`: "unknown" where there is none (RFC 3659 7.2)."""
    return info if info.get("type") else {**info, "type": "unknown"}


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
