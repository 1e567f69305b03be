"""Which names a listing can show."""

from __future__ import annotations

from ftpfixture.wire.listing.entry import is_listable
from tests.support.rows import table


@table("name", ["a", " ", " a ", ";=", "a -> b", "-x", "ä", "\udcff", "\t", "\x85", "\u2028", ".."])
def test_listable_names(name: str) -> None:
    """Any name that stays in one line of its own directory can be listed."""
    assert is_listable(name)


@table("name", ["", "/", "a/b", "\r", "a\nb", "a\r\nb", "a\0b"])
def test_names_that_cannot_be_listed(name: str) -> None:
    """Names that would break a line, or that are paths, cannot be listed."""
    assert not is_listable(name)
