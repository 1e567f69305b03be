"""Names and trees of files, drawn from a seed: those that partners send, and those that code stumbles over.

One rule: the same seed gives the same names and bytes on every Python and every machine; so only `Random.random` and
`Random.getrandbits` are used, whose results the documentation of Python promises to keep.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import TypeVar

from ftpfixture.errors import ConfigurationError

__all__ = ["HOSTILE", "MOST", "SENDABLE", "RandomFiles", "below", "feed_name", "hostile_name", "one", "tree", "word"]

T = TypeVar("T")

MOST = 100_000
"""Files that one tree may have: more take seconds."""

_TEXT = re.compile(r"random:([0-9]+)")
_DAY = date(2020, 1, 1)
_DAYS = 3653
_LARGEST = 16  # bits of the size of a file
_DEPTH = 3
_LONGEST = 255  # bytes of a name, as most file systems have it


@dataclass(frozen=True, slots=True)
class RandomFiles:
    """The setting ``files="random:50"``.

    Attributes:
        count: Number of files.
    """

    count: int

    @classmethod
    def parse(cls, text: str) -> RandomFiles:
        """Read the setting.

        Raises:
            ConfigurationError: It is none; the text says what would work.
        """
        found = _TEXT.fullmatch(text)
        if found is None or not 1 <= int(found[1]) <= MOST:
            raise ConfigurationError(f'files takes "random:N" with a number of files from 1 to {MOST}, not {text!r}')
        return cls(int(found[1]))

    def drawn(self, seed: int) -> dict[str, bytes]:
        """The files, by absolute path."""
        return tree(Random(seed), self.count)


def below(rng: Random, end: int) -> int:
    """A number from 0 to `end` - 1."""
    return int(rng.random() * end)


def one(rng: Random, values: Sequence[T]) -> T:
    """One of some values."""
    return values[below(rng, len(values))]


# Names.

_WORDS = (
    *("orders", "invoices", "stock", "prices", "sales", "shipments", "returns", "customers", "articles", "payments"),
    *(
        "ledger",
        "forecast",
        "budget",
        "assets",
        "tracking",
        "labels",
        "images",
        "backup",
        "export",
        "report",
        "archive",
    ),
)
_PARTNERS = ("acme", "globex", "initech", "umbrella", "hooli", "stark", "wayne", "tyrell", "cyberdyne", "soylent")
_FOLDERS = ("in", "out", "archive", "error", "tmp", "done", "export", "import", "2025", "2026", "eu", "us")


def word(rng: Random) -> str:
    """A word of business."""
    return one(rng, _WORDS)


def _digits(rng: Random, count: int) -> str:
    return "".join(str(below(rng, 10)) for _ in range(count))


def _date(rng: Random) -> date:
    return _DAY + timedelta(days=below(rng, _DAYS))


_FEEDS: tuple[Callable[[Random], str], ...] = (
    lambda r: f"{word(r).upper()}_{_date(r):%Y%m%d}_{_digits(r, 6)}.csv",
    lambda r: f"{one(r, _PARTNERS)}-{word(r)}-{_date(r):%Y-%m-%d}.csv.gz",
    lambda r: f"{one(r, ('ORDERS', 'INVOIC', 'DESADV', 'INVRPT'))}.D{_date(r):%m%d}.T{_digits(r, 4)}",
    lambda r: f"{one(r, ('ORDERS', 'DESADV', 'RECADV'))}_40{_digits(r, 11)}_{_digits(r, 8)}.edi",
    lambda r: f"camt.053_{_date(r):%Y-%m-%d}_{_digits(r, 3)}.xml",
    lambda r: f"MT940_{_date(r):%Y%m%d}_{_digits(r, 2)}.sta",
    lambda r: f"idoc_{_digits(r, 16)}.xml",
    lambda r: f"{word(r)}_{_date(r):%Y}W{1 + below(r, 52):02}.xlsx",
    lambda r: f"{word(r)}.{_date(r):%Y%m%d}-{_digits(r, 4)}.txt",
    lambda r: f"{word(r)} ({1 + below(r, 20)}).csv",
    lambda r: f"{word(r)}_v{1 + below(r, 9)}_final.pdf",
    lambda r: f"{_digits(r, 13)}.jpg",
)


def feed_name(rng: Random) -> str:
    """The name of a file as partners send it, with a date or a sequence number."""
    return one(rng, _FEEDS)(rng)


def _long(rng: Random, piece: str, size: int) -> str:
    """A name of `size` bytes."""
    name = piece
    while len(name.encode()) < size:
        name += word(rng)[0]
    return name


HOSTILE: dict[str, Callable[[Random], str]] = {
    "space at the beginning": lambda r: f" {word(r)}.csv",
    "space at the end": lambda r: f"{word(r)}.csv ",
    "several spaces": lambda r: f"{word(r)}  {word(r)}   a.csv",
    "tab": lambda r: f"{word(r)}\t{word(r)}",
    "double quotes": lambda r: f'"{word(r)}".csv',
    "one double quote": lambda r: f'{word(r)}".csv',
    "single quote": lambda r: f"{word(r)}'s.csv",
    "backslash": lambda r: f"{word(r)}\\{word(r)}",
    "dot at the end": lambda r: f"{word(r)}.",
    "three dots": lambda r: "...",
    "two dots and more": lambda r: f"..{word(r)}",
    "hidden": lambda r: f".{word(r)}",
    "an option": lambda r: f"-{one(r, 'alRrf')}",
    "a long option": lambda r: f"--{word(r)}=1",
    "glob": lambda r: f"{word(r)}[{_digits(r, 1)}]*?.csv",
    "braces": lambda r: f"{word(r)}{{a,b}}",
    "shell": lambda r: f"{word(r)};$HOME&|<>`{word(r)}`",
    "percent": lambda r: f"{word(r)}%20%s.csv",
    "tilde": lambda r: f"~{word(r)}",
    "hash": lambda r: f"#{word(r)}#",
    "arrow of a link": lambda r: f"{word(r)} -> {word(r)}",
    "line of a listing": lambda r: f"-rw-r--r--   1 ftp ftp {_digits(r, 4)} Jan  1  2020 {word(r)}",
    "digits": lambda r: _digits(r, 12),
    "device of Windows": lambda r: f"{one(r, ('CON', 'NUL', 'aux', 'COM1'))}.txt",
    "composed letters (NFC)": lambda r: f"caf\u00e9-{word(r)}",
    "decomposed letters (NFD)": lambda r: f"cafe\u0301-{word(r)}",
    "right to left": lambda r: f"\u05e9\u05dc\u05d5\u05dd-{word(r)}",
    "beyond 16 bits": lambda r: f"{word(r)}-\U0001f4c1",
    "space without a break": lambda r: f"{word(r)}\u00a0{word(r)}",
    "no UTF-8": lambda r: f"caf\udce9-{word(r)}",
    "telnet IAC": lambda r: f"{word(r)}\udcff{word(r)}",
    "255 bytes": lambda r: _long(r, word(r), _LONGEST),
    "255 bytes, two for a letter": lambda r: _long(r, "\u00e9" * 120, _LONGEST),
    "upper case": lambda r: f"{word(r).upper()}.CSV",
    "control character": lambda r: f"{word(r)}\x07{word(r)}",
    "line feed": lambda r: f"{word(r)}\n{word(r)}",
    "carriage return": lambda r: f"{word(r)}\r{word(r)}",
}
"""What is hostile in a name, and how one is made."""

SENDABLE = tuple(kind for kind in HOSTILE if kind not in ("line feed", "carriage return"))
"""Those that a command can carry: a line end is its end."""


def hostile_name(rng: Random, kind: str | None = None, sendable: bool = True) -> str:
    """A name that code stumbles over.

    Args:
        rng: Draws it.
        kind: A key of `HOSTILE`; None for any.
        sendable: Whether it can be sent in a command, which a line end cannot.
    """
    kinds = SENDABLE if sendable else tuple(HOSTILE)
    return HOSTILE[one(rng, kinds) if kind is None else kind](rng)


# Trees.


def tree(rng: Random, count: int) -> dict[str, bytes]:
    """Some files, by absolute path: names of feeds in a few folders, with sizes from 0 to 64 KiB.

    Args:
        rng: Draws it.
        count: Number of files.
    """
    found: dict[str, bytes] = {}
    while len(found) < count:
        depth = below(rng, _DEPTH + 1)
        folders = "".join(f"/{one(rng, _FOLDERS)}" for _ in range(depth))
        found.setdefault(f"{folders}/{feed_name(rng)}", _content(rng))
    return found


def _content(rng: Random) -> bytes:
    """Bytes of any size, small ones more often: lines of CSV, or anything."""
    bits = below(rng, _LARGEST + 1)
    size = rng.getrandbits(bits) if bits else 0
    if rng.random() < 0.5:
        return rng.getrandbits(8 * size).to_bytes(size, "little") if size else b""
    line = f"{word(rng)};{_digits(rng, 4)};{_date(rng)}\r\n".encode()
    return (line * (size // len(line) + 1))[:size]
