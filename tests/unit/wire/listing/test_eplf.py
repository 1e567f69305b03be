"""Lines of the easily parsed LIST format."""

from __future__ import annotations

import pytest

from ftpfixture.errors import ReplySyntaxError
from ftpfixture.wire.listing import parse_eplf_line, read_listing
from tests.support.listings import EPLF_LINES, NOW
from tests.support.rows import table


def test_eplf_lines() -> None:
    """Facts are read in any order, unknown ones are kept, and the name begins behind the first tab."""
    for line, entry in EPLF_LINES.items():
        for end in ("", "\r\n"):
            assert parse_eplf_line(line + end) == entry
            assert read_listing([line + end], now=NOW).entries == (entry,)


@table(
    ("line", "why"),
    [
        ("", "plus sign and a tab"),
        ("+r,s5, x", "plus sign and a tab"),
        ("r,\tx", "plus sign and a tab"),
        ("+r,\t", "it has no name"),
        ("+sx,\tx", "'sx' is not a number"),
        ("+s-1,\tx", "'s-1' is not a number"),
        ("+m1.5,\tx", "'m1.5' is not a number"),
        ("+m1234567890123,\tx", "'m1234567890123' is not a number"),
        ("+r,\tx\0", "CR, LF or NUL"),
    ],
)
def test_lines_that_are_not_eplf(line: str, why: str) -> None:
    """Anything else is refused with the line and the reason."""
    with pytest.raises(ReplySyntaxError) as refusal:
        parse_eplf_line(line)
    assert repr(line) in str(refusal.value)
    assert why in str(refusal.value)
