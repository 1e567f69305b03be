"""Verbs as tests write them, and groups of them."""

from __future__ import annotations

import pytest

from ftpfixture.errors import ConfigurationError
from ftpfixture.wire.states import DOWNLOADS, LEGAL_REPLIES, LISTINGS, TRANSFERS, UPLOADS
from ftpfixture.wire.verbs import GROUPS, STANDARD_VERBS, Verbs
from tests.support.rows import table


def test_groups_are_those_of_the_protocol() -> None:
    """A group has the verbs that the tables of the protocol have under that name, and no group is a verb."""
    for name, verbs in {
        "TRANSFERS": TRANSFERS,
        "UPLOADS": UPLOADS,
        "DOWNLOADS": DOWNLOADS,
        "LISTINGS": LISTINGS,
    }.items():
        assert set(GROUPS[name]) == verbs
    assert {verb for verbs in GROUPS.values() for verb in verbs} <= STANDARD_VERBS
    assert not set(GROUPS) & set(LEGAL_REPLIES)


@table(
    ("texts", "words", "names"),
    [
        (["retr"], ("RETR",), ("RETR",)),
        (["PASV | epsv", "PASV"], ("PASV", "EPSV"), ("PASV", "EPSV")),
        (["passive", "EPSV"], ("PASSIVE", "EPSV"), ("PASV", "EPSV")),
        (["*"], ("*",), ("*",)),
        (["?xyzz"], ("?XYZZ",), ("XYZZ",)),
        (["?UPLOADS"], ("?UPLOADS",), ("UPLOADS",)),
    ],
)
def test_words_and_names(texts: list[str], words: tuple[str, ...], names: tuple[str, ...]) -> None:
    """Words stay as written, in upper case and once; names are the verbs that they mean."""
    verbs = Verbs.read(*texts)

    assert (verbs.words, verbs.names, str(verbs)) == (words, names, "|".join(words))
    assert all(verbs.fit(name) for name in names)
    assert verbs.fit("NOOP") is ("*" in words)


@table("word", ["", "RETR a", "RETR*", "**", "?*", "L\u0131ST", "X" * 65])
def test_what_is_no_verb(word: str) -> None:
    """A verb is letters, digits and underscores."""
    with pytest.raises(ConfigurationError, match="is not a verb"):
        Verbs.read(word)
