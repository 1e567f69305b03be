"""Compares an upload with the recorded one while it is received.

One rule: pure, and nothing of the upload is kept.
"""

from __future__ import annotations

from typing import Literal, get_args

from ftpfixture.recording.bodies import Body

__all__ = ["COMPARISONS", "Comparison", "UploadCheck"]

Comparison = Literal["exact", "size", "ignore"]
"""The part of an upload that must be as recorded: its bytes, their number, or nothing."""

COMPARISONS = get_args(Comparison)

_SHOWN = 40  # bytes of a line that are shown


class UploadCheck:
    """Takes the pieces of an upload, and reports how it differs from the recorded one.

    Args:
        recorded: The recorded bytes.
        how: The part that is compared.

    Attributes:
        size: Number of bytes received.
    """

    def __init__(self, recorded: Body, how: Comparison) -> None:
        self._recorded = recorded
        self._how = how
        self._first = ""
        self._lines = 0  # ends of lines that were compared, and where the last one is
        self._line = 0
        self.size = 0

    def add(self, piece: bytes) -> None:
        """Take the next bytes."""
        start, self.size = self.size, self.size + len(piece)
        if self._how == "exact" and not self._first:
            expected = self._recorded.read(start, self.size)
            same = len(expected) if piece.startswith(expected) else _common(piece, expected)
            self._lines += expected.count(b"\n", 0, same)
            if ends := expected.rfind(b"\n", 0, same) + 1:
                self._line = start + ends
            if same < len(expected):
                self._first = self._where(start, piece, same)

    def _where(self, start: int, piece: bytes, same: int) -> str:
        """The first byte that differs, with the line around it."""
        place = start + same
        begin = max(self._line, place - _SHOWN // 2)
        recorded = self._recorded.read(begin, place + _SHOWN // 2)
        sent = recorded[: place - begin] + piece[same : same + _SHOWN // 2]
        return (
            f"byte {place + 1}, in line {self._lines + 1}, is different: sent {_one_line(sent)}, "
            f"recorded {_one_line(recorded)}"
        )

    def difference(self) -> str:
        """How the upload, which has ended, differs; "" when it does not."""
        if self._first or self._how == "ignore" or self.size == self._recorded.size:
            return self._first
        return f"{self.size} bytes were sent, {self._recorded.size} were recorded"


def _common(one: bytes, other: bytes) -> int:
    """Number of equal bytes at the head."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _one_line(content: bytes) -> str:
    return repr(content.partition(b"\n")[0].removesuffix(b"\r").decode("utf-8", "backslashreplace"))
