"""Inputs for parsers, made at random from what real servers and clients send.

One rule: the same state of the random numbers gives the same input.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from ftpfixture.wire.listing.entry import Entry, is_listable
from tests.support.listings import EPLF_LINES, LISTINGS, MLSX_LINES, MSDOS_LINES, NOW, UNIX_LINES

__all__ = ["entries", "like", "list_line", "listing", "mlsx_listing", "telnet"]

Random = random.Random

_PIECES = (
    *("", " ", "  ", "-", ";", "=", ",", "/", ":", ".", "\t", "\0", "\r", "\n", "\r\n", '"', '""', "(", ")", "|", "+"),
    *("0", "1", "9", "12", "31", "99", "2023", "9" * 21, "9" * 5000, "\u0663", "\udcff", "é", "\u2028", "\x85"),
    *("Jan", "Mai", "lis", "3月", "12:30", "2023-05-28", "28.05.2023", "05/28/2023", "<DIR>", "[X]", "*FILE", ";1"),
    *("type=", "size=", "modify=", "total 5", "Directory D:[X]", "x:", " -> ", "drwxr-xr-x", "?", "%RMS-E-PRV"),
)
_LETTERS = "abcXYZ019 .-_;=,/:'\"()[]<>|+*?\t\r\n\0é\udc80\u0130月"


def _words(chance: Random, most: int = 30) -> str:
    return "".join(chance.choice(_LETTERS) for _ in range(chance.randrange(most)))


def _mutated(text: str, chance: Random, others: Sequence[str]) -> str:
    """A text with up to three pieces of it replaced, removed, repeated, or mixed with another text."""
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
        first = chance.randrange(len(text) + 1)
        last = min(len(text), first + chance.choice((0, 0, 1, 1, 2, 5, 20)))
        what = chance.randrange(6)
        if what < 3:
            middle = chance.choice(_PIECES)
        elif what == 3:
            middle = text[first:last] * 2
        elif what == 4:
            middle = _words(chance, 6)
        else:
            other = chance.choice(others)
            middle = other[chance.randrange(len(other) + 1) :]
        text = text[:first] + middle + text[last:]
    return text


def like(*texts: str) -> Callable[[Random], str]:
    """Texts like these, and now and then none of the kind."""

    def make(chance: Random) -> str:
        return _words(chance) if chance.random() < 0.05 else _mutated(chance.choice(texts), chance, texts)

    return make


_LIST_LINES = (*UNIX_LINES, *MSDOS_LINES, *EPLF_LINES, *(line for lines in LISTINGS.values() for line in lines))
list_line = like(*_LIST_LINES, *MLSX_LINES)
_WHOLE = (list(UNIX_LINES), list(MSDOS_LINES), list(EPLF_LINES), *LISTINGS.values())


def listing(chance: Random) -> list[str]:
    """Some lines of one system, most of them as they were; now and then lines of anything."""
    lines = chance.choice(_WHOLE)
    first = chance.randrange(len(lines))
    few = lines[first : first + chance.randrange(1, 8)]
    end = chance.choice(("", "\n", "\r\n", "\r\r\n"))
    return [(list_line(chance) if chance.random() < 0.2 else line) + end for line in (*lines[:1], *few)]


def mlsx_listing(chance: Random) -> list[str]:
    """Some lines of MLSD."""
    make = like(*MLSX_LINES)
    return [make(chance) + "\r\n" for _ in range(chance.randrange(1, 5))]


_TELLING = b"\r\n\0\xff\xef\xf0\xf9\xfa\xfb\xfeAB"


def telnet(chance: Random) -> bytes:
    """Bytes that mean something on a control connection, now and then many of them."""
    return bytes(chance.choices(_TELLING, k=chance.randrange(40))) * chance.choice((1, 1, 1, 40))


def _entry(chance: Random) -> Entry:
    """An entry as a server may have it."""
    kind = chance.choice(("file", "dir", "link"))
    name = _words(chance, 12) if chance.random() < 0.5 else _mutated("2023 report.txt", chance, _LIST_LINES)
    word = chance.choice(("ann", "1000", "staff", "Jun", "x;y"))
    return Entry(
        name,
        kind,
        None if kind == "dir" else chance.choice((0, 7, 4711, 1 << 40)),
        float(chance.choice((int(NOW), int(NOW) - chance.randrange(400 * 86400), chance.randrange(86400, 4000000000)))),
        mode=chance.randrange(0o10000),
        links=chance.randrange(1, 99),
        owner=word,
        group=chance.choice(("ann", "group 12", "staff")),
        target="t" if kind == "link" else None,
    )


def entries(chance: Random) -> list[Entry]:
    """What a server may have in one directory."""
    made = (_entry(chance) for _ in range(chance.randrange(1, 6)))
    return [entry for entry in made if is_listable(entry.name)]
