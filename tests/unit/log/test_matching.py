"""The language of patterns: what they mean, what is wrong with others, and what is said of a command that differs."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from ftpfixture.errors import ConfigurationError
from ftpfixture.log.matching import Pattern, nearest
from tests.support.rows import table


@dataclass(frozen=True)
class Line:
    """A command and its answer."""

    verb: str
    argument: str = ""
    code: str = ""


@table(
    ("text", "expected"),
    [
        ("QUIT", Pattern("QUIT")),
        ("quit", Pattern("QUIT")),
        ("  RETR  ", Pattern("RETR")),
        ("RETR /a.txt", Pattern("RETR", "/a.txt")),
        ("RETR /a.txt -> 226", Pattern("RETR", "/a.txt", "226")),
        ("RETR /a.txt->226", Pattern("RETR", "/a.txt", "226")),
        ("RETR -> 2xx", Pattern("RETR", None, "2xx")),
        ("RETR -> 2XX", Pattern("RETR", None, "2XX")),
        ("* -> 5xx", Pattern("*", None, "5xx")),
        ("STOR two words.txt -> 226", Pattern("STOR", "two words.txt", "226")),
        ("RETR a -> b.txt", Pattern("RETR", "a -> b.txt")),
        ("RETR a -> b.txt -> 226", Pattern("RETR", "a -> b.txt", "226")),
    ],
)
def test_grammar(text: str, expected: Pattern) -> None:
    """A pattern is a verb, perhaps an argument, perhaps an arrow and a code; an arrow without code is of the name."""
    assert Pattern.parse(text) == expected


@table("text", ["", "   ", "-> 226", " -> 2xx"])
def test_a_pattern_needs_a_verb(text: str) -> None:
    """A pattern without a verb is refused, with an example of a right one."""
    with pytest.raises(ConfigurationError, match=r"is not a pattern: begin with a verb, as in 'RETR /a\.txt -> 226'"):
        Pattern.parse(text)


@table("text", ["RETR ->", "RETR /a.txt -> ", "DELE -> 25", "DELE -> 2yy", "DELE -> 2260", "DELE -> xx"])
def test_an_arrow_needs_a_code(text: str) -> None:
    """An arrow with nothing behind it is refused, and the text shows what may stand there."""
    with pytest.raises(ConfigurationError, match="a code such as 226 or 2xx must follow the arrow"):
        Pattern.parse(text)


@table(
    ("pattern", "line"),
    [
        ("retr", Line("RETR", "/a", "226")),
        ("RETR", Line("RETR", "/a")),
        ("*", Line("NOOP")),
        ("* -> 2xx", Line("NOOP", "", "200")),
        ("RETR /in/*.csv", Line("RETR", "/in/a.csv")),
        ("RETR /in/?.csv", Line("RETR", "/in/a.csv")),
        ("RETR /in/[ab].csv", Line("RETR", "/in/b.csv")),
        ("RETR /in/[ab].csv", Line("RETR", "/in/[ab].csv")),
        ("RETR * -> 226", Line("RETR", "a b", "226")),
        ("RETR -> 22x", Line("RETR", "/a", "226")),
        ("PASS secret", Line("PASS", "secret")),
    ],
)
def test_what_matches(pattern: str, line: Line) -> None:
    """Verbs match without case, arguments literally or as a shell pattern, codes by their mask."""
    wanted = Pattern.parse(pattern)

    assert wanted.matches(line)
    assert wanted.difference(line) is None


@table(
    ("pattern", "line", "difference"),
    [
        ("RETR /a", Line("STOR", "/b", "226"), "the verb is STOR, not RETR"),
        ("RETR /a", Line("RETR", "/b", "226"), "the argument differs: sent '/b', expected '/a'"),
        ("RETR /A", Line("RETR", "/a", "226"), "the argument differs: sent '/a', expected '/A'"),
        ("RETR /a", Line("RETR"), "the argument differs: sent '', expected '/a'"),
        ("RETR /a -> 226", Line("RETR", "/b", "550"), "the argument differs: sent '/b', expected '/a'"),
        ("RETR /a -> 226", Line("RETR", "/a", "550"), "the reply was 550, not 226"),
        ("RETR /a -> 2xx", Line("RETR", "/a"), "the reply was not there yet, not 2xx"),
        ("* -> 5xx", Line("NOOP", "", "200"), "the reply was 200, not 5xx"),
    ],
)
def test_the_first_difference_is_named(pattern: str, line: Line, difference: str) -> None:
    """The text tells the first field that differs, in the order verb, argument, code."""
    wanted = Pattern.parse(pattern)

    assert wanted.difference(line) == difference
    assert not wanted.matches(line)


@table("verb", ["PASS", "ACCT"])
def test_passwords_are_never_shown(verb: str) -> None:
    """Neither the text of a pattern nor that of a difference shows a password, be it wanted or sent."""
    wanted = Pattern.parse(f"{verb} wanted-secret -> 230")
    texts = [
        str(wanted),
        wanted.difference(Line(verb, "sent-secret")),
        Pattern.parse("* wanted-secret").difference(Line(verb, "sent-secret")),
    ]

    assert not [text for text in texts if text is None or "secret" in text]
    assert texts[0] == f"{verb} ************* -> 230"


@table(
    ("text", "shown"),
    [
        ("retr  ->  226", "RETR -> 226"),
        ("RETR /a -> 2xx", "RETR /a -> 2xx"),
        ("PASS *", "PASS *"),
        ("*", "*"),
        ("CWD", "CWD"),
    ],
)
def test_a_pattern_reads_as_it_is_written(text: str, shown: str) -> None:
    """The text of a pattern is one that can be parsed again; the star that stands for any password stays."""
    assert str(Pattern.parse(text)) == shown


def test_nearest_prefers_the_same_verb() -> None:
    """A command with the verb of the pattern is nearer than any other with its argument."""
    lines = [Line("STOR", "/in/a.csv"), Line("RETR", "/zzz"), Line("NOOP")]

    assert nearest(Pattern.parse("RETR /in/a.csv"), lines) == lines[1]


def test_nearest_then_looks_at_the_argument() -> None:
    """Among commands of one verb the most similar argument wins."""
    lines = [Line("RETR", "/other"), Line("RETR", "/in/b.csv"), Line("RETR", "/x")]

    assert nearest(Pattern.parse("RETR /in/a.csv"), lines) == lines[1]


def test_nearest_then_looks_at_the_likeness_of_the_verb() -> None:
    """Where no verb is the same, the most similar one wins."""
    lines = [Line("QUIT"), Line("XPWD"), Line("NOOP")]

    assert nearest(Pattern.parse("PWD"), lines) == lines[1]


def test_nearest_of_equals_is_the_first() -> None:
    """Of commands that are equally near the one that was sent first is told."""
    lines = [Line("RETR", "/a", "550"), Line("RETR", "/a", "451")]

    assert nearest(Pattern.parse("RETR /a -> 226"), lines) is lines[0]


def test_nearest_of_nothing_is_none() -> None:
    """Without commands there is no nearest one."""
    assert nearest(Pattern.parse("RETR"), []) is None
