"""Permission bits from the nine letters of ls.

One rule: a letter is valid only at the positions where ls writes it.
"""

from __future__ import annotations

from ftpfixture.errors import ReplySyntaxError

__all__ = ["parse_unix_mode"]

_TRIPLET = {"-": 0, "r": 4, "w": 2, "x": 1}
_SPECIAL = (
    {"s": 0o4100, "S": 0o4000},
    {"s": 0o2010, "S": 0o2000, "l": 0o2000, "L": 0o2000},  # l: mandatory locking of System V, setgid without x
    {"t": 0o1001, "T": 0o1000},
)
_MODE_LETTERS: tuple[dict[str, int], ...] = tuple(
    {letter: _TRIPLET[letter] << shift for letter in f"-{right}"} | (special if right == "x" else {})
    for shift, special in zip((6, 3, 0), _SPECIAL, strict=True)
    for right in "rwx"
)
"""For each of nine positions, its letters and their bits."""


def parse_unix_mode(text9: str) -> int:
    """Return the permission bits of ``rwxr-xr-x``, with s, S, t and T for setuid, setgid and sticky.

    Raises:
        ReplySyntaxError: Not nine letters, or a letter that is not valid at its position.
    """
    if len(text9) != len(_MODE_LETTERS):
        raise ReplySyntaxError(f"{text9!r} is not a mode: it needs nine letters")
    mode = 0
    for letter, bits in zip(text9, _MODE_LETTERS, strict=True):
        if letter not in bits:
            raise ReplySyntaxError(f"{text9!r} is not a mode: {letter!r} is not valid at its position")
        mode |= bits[letter]
    return mode
