"""`on`, which starts a fault, and the table of all words."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

from ftpfixture import Fault, on
from ftpfixture.errors import ConfigurationError
from ftpfixture.faults.builder import TRIGGERS
from ftpfixture.faults.dsl import Row
from ftpfixture.faults.dsl import table as table_of_words
from ftpfixture.faults.grammar import parse
from ftpfixture.faults.trigger import Trigger
from ftpfixture.faults.validation import check_fault
from tests.support.faults import WORDS
from tests.support.rows import table

# The start of a fault.


@table(
    ("verbs", "names"),
    [
        (["RETR"], ("RETR",)),
        (["retr", " Stor "], ("RETR", "STOR")),
        (["PASV|epsv"], ("PASV", "EPSV")),
        (["PASV | EPSV", "PASV"], ("PASV", "EPSV")),
        (["*"], ("*",)),
        (["CONNECT"], ("CONNECT",)),
        (["X_Y2"], ("X_Y2",)),
        (["PASSIVE"], ("PASV", "EPSV")),
        (["LOGIN"], ("USER", "PASS", "ACCT")),
        (["DOWNLOADS|UPLOADS"], ("RETR", "STOR", "STOU", "APPE")),
        (["passive|PORT", "ACTIVE"], ("PASV", "EPSV", "PORT", "EPRT")),
    ],
)
def test_verbs(verbs: list[str], names: tuple[str, ...]) -> None:
    """Verbs may be in any case, single or together, and each of them is stored once."""
    assert on(*verbs) == Fault(Trigger(names))


def test_all_conditions() -> None:
    """The trigger has all conditions."""
    fault = on("RETR", path="*.csv", user="ann", session=2, type="A")

    assert fault.trigger == Trigger(("RETR",), "*.csv", "ann", 2, "A")


@table(
    ("verbs", "named", "text"),
    [
        ([], {}, r"on needs a verb: on\('RETR'\), or on\('\*'\) for all"),
        ([""], {}, "'' is not a verb"),
        (["RETR|"], {}, "'' is not a verb"),
        (["RETR a.csv"], {}, r"'RETR a.csv' is not a verb: give the path as path=, as in on\('RETR', path='\*.csv'\)"),
        (["RETR*"], {}, r"'RETR\*' is not a verb"),
        (["L\u0131ST"], {}, "'L\u0131ST' is not a verb"),
        (["X" * 65], {}, "is not a verb"),
        (["RETR"], {"path": 5}, "path takes text, not 5"),
        (["RETR"], {"path": b"a"}, "path takes text, not b'a'"),
        (["RETR"], {"user": 5}, "user takes text, not 5"),
        (["RETR"], {"session": 0}, "session takes a whole number, 1 or more, not 0"),
        (["RETR"], {"session": "1"}, "session takes a whole number, 1 or more, not '1'"),
        (["RETR"], {"type": "E"}, "type takes one of A, I, not 'E'"),
    ],
)
def test_invalid_conditions(verbs: list[str], named: dict[str, Any], text: str) -> None:
    """An invalid verb, path, user, session or type is refused."""
    with pytest.raises(ConfigurationError, match=text):
        on(*verbs, **named)


@table("text", ["PASS dragon", "pass dragon", "PASS|ACCT dragon"])
def test_a_path_in_the_wrong_place_is_starred(text: str) -> None:
    """The error for a verb with a password after it stars the password."""
    with pytest.raises(ConfigurationError, match="is not a verb") as caught:
        on(text)
    assert "dragon" not in str(caught.value)


@table("text", ["?XYZZ: delay 1", "RETR|?XYZZ|?ABCD: delay 1"])
def test_verbs_that_no_server_knows(text: str) -> None:
    """A question mark in front marks a verb that no server has; the text form keeps it."""
    fault = parse(text)

    assert "XYZZ" in fault.trigger.verbs
    assert str(fault) == text
    assert repr(fault) == f"on({', '.join(map(repr, text.partition(':')[0].split('|')))}).delay(1)"
    check_fault(fault, frozenset())


# The table.


def test_every_word_is_in_the_table_once() -> None:
    """The table has each word for what goes wrong once, and no trigger."""
    names = [row.name.partition("(")[0] for row in table_of_words()]

    assert sorted(names) == sorted(WORDS)
    assert not set(names) & set(TRIGGERS)


@table("row", table_of_words())
def test_every_row_is_complete(row: Row) -> None:
    """A row has the word with its parameters, its text, and its source."""
    word = WORDS[row.name.partition("(")[0]]
    text = " ".join((inspect.getdoc(word) or "").split())

    assert row.text
    assert row.text[0].isupper()
    assert row.text.endswith(".")
    assert "Seen in" not in row.text + row.source
    assert text == (f"{row.text} Seen in: {row.source}." if row.source else row.text)


def test_a_row_shows_parameters() -> None:
    """Parameters are shown with their defaults; a word without parameters has empty brackets."""
    names = [row.name for row in table_of_words()]

    assert {"not_implemented()", "answer(code, text='')", "slice_data(size, pause=0)"} <= set(names)
    assert not [name for name in names if "self" in name]


def test_sources_can_be_looked_up() -> None:
    """Each source is an issue of a project, or a test of curl."""
    source = re.compile(r"[\w./-]*#[0-9]+|curl test[0-9]+")

    assert not [
        row for row in table_of_words() if row.source and not all(map(source.fullmatch, row.source.split(", ")))
    ]
