"""Path names in 257 replies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftpfixture.errors import ReplySyntaxError
from ftpfixture.wire.pathname import parse_257, quote_257
from tests.support.rows import table


@table(
    ("path", "quoted"),
    [
        ("/", '"/"'),
        ("/a b", '"/a b"'),
        ('/say "hi"', '"/say ""hi"""'),
        ('"', '""""'),
        ("", '""'),
    ],
)
def test_quote(path: str, quoted: str) -> None:
    """The path is in quotes and its own quotes are doubled."""
    assert quote_257(path) == quoted


@table(
    ("text", "path"),
    [
        ('"/a" is the current directory', "/a"),
        ('/a is "/a"', "/a"),
        ('"/a""b" created, "quoted" too', '/a"b'),
        ('""', ""),
        ('"/a\r\nb"', "/a\r\nb"),
        ('"/a"x"', "/a"),
    ],
)
def test_parse(text: str, path: str) -> None:
    """The path goes from the first quote to the next single one, whatever the text around it."""
    assert parse_257(text) == path


@table("text", ["", "/a", '"', '"/a', '"/a""', '"/a""b', 'is "/a""b'])
def test_parse_refuses(text: str) -> None:
    """Without quotes, or without the closing quote, parsing fails; no part of a path is guessed."""
    with pytest.raises(ReplySyntaxError):
        parse_257(text)


@given(st.text(st.sampled_from('"/a \r\n\u00e9\udce9')), st.text(st.characters(exclude_characters='"')), st.text())
def test_round_trip(path: str, before: str, after: str) -> None:
    """Every path is parsed unchanged, between any texts that do not touch a quote."""
    assert parse_257(quote_257(path)) == path
    assert parse_257(f"{before}{quote_257(path)} {after}") == path
