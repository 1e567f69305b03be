"""An upload is compared piece by piece, in pieces of any size."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ftpfixture.recording.bodies import MemoryBody
from ftpfixture.recording.uploads import Comparison, UploadCheck
from tests.support.rows import table

LINES = b"first\nsecond line\r\nthird\n"


def _difference(content: bytes, size: int, how: Comparison = "exact", recorded: bytes = LINES) -> str:
    check = UploadCheck(MemoryBody(recorded), how)
    for start in range(0, len(content), size):
        check.add(content[start : start + size])
    return check.difference()


@table(
    ("content", "text"),
    [
        (LINES, ""),
        (b"", "0 bytes were sent, 25 were recorded"),
        (LINES[:20], "20 bytes were sent, 25 were recorded"),
        (LINES + b"x", "26 bytes were sent, 25 were recorded"),
        (
            LINES.replace(b"line", b"lime"),
            "byte 16, in line 2, is different: sent 'second lime', recorded 'second line'",
        ),
        (b"F" + LINES[1:], "byte 1, in line 1, is different: sent 'First', recorded 'first'"),
        (
            LINES.replace(b"third", b"thir\xff"),
            "byte 24, in line 3, is different: sent 'thir\\\\xff', recorded 'third'",
        ),
    ],
)
def test_the_first_difference(content: bytes, text: str) -> None:
    """The text has the line that differs, or the number of bytes."""
    assert _difference(content, 1 << 20) == text


def test_a_long_line_is_cut() -> None:
    """The text has the bytes around the one that differs."""
    recorded, sent = b"a" * 500 + b"b" + b"c" * 500, b"a" * 500 + b"x" + b"c" * 500
    text = _difference(sent, 100, recorded=recorded)
    assert text == f"byte 501, in line 1, is different: sent '{'a' * 20}x{'c' * 19}', recorded '{'a' * 20}b{'c' * 19}'"


@given(recorded=st.binary(max_size=30), sent=st.binary(max_size=30), size=st.integers(1, 8))
def test_pieces_do_not_count(recorded: bytes, sent: bytes, size: int) -> None:
    """The result is the same for pieces of any size."""
    whole, pieces = (_difference(sent, step, recorded=recorded) for step in (1 << 20, size))
    assert (not pieces) is (sent == recorded)
    assert pieces.partition(",")[0] == whole.partition(",")[0]


@table(("how", "content", "equal"), [("size", b"x" * 25, True), ("size", b"x", False), ("ignore", b"x", True)])
def test_less_may_be_compared(how: Comparison, content: bytes, equal: bool) -> None:
    """The number of bytes is compared, or nothing."""
    assert (_difference(content, 10, how) == "") is equal
