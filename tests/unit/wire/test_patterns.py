"""The language of patterns: what a pattern means, which texts are none, and what differs in a command."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftpfixture import Pattern, sent
from ftpfixture.errors import ConfigurationError
from ftpfixture.wire.patterns import parse_pattern, pattern_of
from ftpfixture.wire.verbs import GROUPS, STANDARD_VERBS
from tests.support.rows import table


@dataclass(frozen=True)
class Line:
    """A command and its reply."""

    verb: str
    argument: str = ""
    code: str = ""
    path: str = ""
    session: int = 1
    user: str = "ann"
    encrypted: bool = False
    offset: int | None = None
    faults: tuple[str, ...] = ()


def error_of(text: object, known: tuple[str, ...] = ()) -> str:
    """What is wrong with a pattern."""
    with pytest.raises(ConfigurationError) as caught:
        pattern_of(text, known)
    return str(caught.value)


@table(
    ("text", "expected"),
    [
        ("QUIT", sent("QUIT")),
        ("quit", sent("QUIT")),
        ("  RETR  ", sent("RETR")),
        ("RETR /a.txt", sent("RETR", path="/a.txt")),
        ("RETR /a.txt -> 226", sent("RETR", path="/a.txt", reply=226)),
        ("RETR /a.txt->226", sent("RETR", path="/a.txt", reply="226")),
        ("RETR -> 2xx", sent("RETR", reply="2xx")),
        ("RETR -> 2XX", sent("RETR", reply="2xx")),
        ("RETR -> xxx", sent("RETR", reply="xxx")),
        ("* -> 5xx", sent(reply="5xx")),
        ("STOR two words.txt -> 226", sent("STOR", path="two words.txt", reply="226")),
        ("RETR a -> b.txt -> 226", sent("RETR", path="a -> b.txt", reply="226")),
        ("mkd|XMKD /a", sent("MKD", "XMKD", path="/a")),
        ("MKD|MKD", sent("MKD")),
        ("UPLOADS *.csv", sent("UPLOADS", path="*.csv")),
        ("?xyzz", sent("?XYZZ")),
        ("EPRT |2|::1|*| -> 200", sent("EPRT", path="|2|::1|*|", reply=200)),
        ("SITE CHMOD 644 /a", sent("SITE", path="CHMOD 644 /a")),
    ],
)
def test_grammar(text: str, expected: Pattern) -> None:
    """A pattern is verbs, perhaps an argument, perhaps an arrow and a code."""
    assert parse_pattern(text) == expected


@table(
    ("text", "message"),
    [
        ("", "'' is not a pattern: begin with a verb, as in 'RETR /a.txt -> 226'"),
        ("-> 226", "'-> 226' is not a pattern: begin with a verb, as in 'RETR /a.txt -> 226'"),
        ("RETR ->", "'RETR ->': behind the arrow must stand the code of a final reply, such as 226 or 2xx, alone"),
        ("DELE -> 25", "behind the arrow must stand the code"),
        ("DELE -> 2yy", "behind the arrow must stand the code"),
        ("DELE -> 2260", "behind the arrow must stand the code"),
        ("DELE -> xx", "behind the arrow must stand the code"),
        ("MKD /x -> 257 Created", "behind the arrow must stand the code of a final reply, such as 226 or 2xx, alone"),
        ("MKD /x -> Created", "behind the arrow must stand the code"),
        ("RETR a -> b.txt", "(a name with an arrow is written sent('RETR', path='a -> b'))"),
        ("RETR -> 150", "1xx is preliminary: behind the arrow must stand the code of a final reply"),
        ("MKD /x => 257", "'MKD /x => 257': the arrow in front of the code is '->'"),
        ("MKD /x ==> 257", "the arrow in front of the code is '->'"),
        ("MKD | XMKD", "'MKD | XMKD': verbs are written without spaces, as in 'MKD|XMKD'"),
        ("MKD |XMKD /a", "verbs are written without spaces"),
        ("MKD| XMKD /a", "verbs are written without spaces"),
        ("MKD|", "verbs are written without spaces"),
        ("|MKD", "'' is not a verb; begin with one"),
        ("M-KD /a", "'M-KD' is not a verb; begin with one, as in 'RETR /a.txt -> 226'"),
        ("L\u0131ST", "is not a verb"),
        (
            "STORR",
            "the server has no command 'STORR': did you mean 'STOR'? (write '?STORR' for a command ",
        ),
        ("MKD|MDK", "the server has no command 'MDK': did you mean 'MKD'?"),
        ("GET /a", "the server has no command 'GET': did you mean 'RETR'?"),
        ("UPLOAD", "the server has no command 'UPLOAD': did you mean 'UPLOADS'?"),
        ("QQQQQ", "the server has no command 'QQQQQ': write '?QQQQQ' for a command that no server knows"),
        ("CONNECT", "the server has no command 'CONNECT'"),
        (["USER", "PASS"], "['USER', 'PASS'] is no pattern: give patterns one by one, as in assert_sequence("),
        (None, "None is no pattern: give text such as 'STOR /in/*.csv -> 226', or sent('STOR', path="),
        (error_of, "is no pattern: sent('STOR') makes a pattern (the decorator command marks a handler)"),
    ],
)
def test_patterns_that_match_nothing_are_errors(text: object, message: str) -> None:
    """Text that can match no command is refused, and the message says what would work."""
    assert message in error_of(text)


@table("text", ["STOR", "?STORR", "MKD|?XYZZ", "*", "UPLOADS|FOO", "foo /a", "XMKD", "LPRT"])
def test_known_verbs(text: str) -> None:
    """Verbs of the standards, groups, verbs of the server, and those marked with "?" are accepted."""
    assert pattern_of(text, ("FOO",)) == parse_pattern(text)


broken: Any = sent  # a type checker would refuse these calls


@table(
    ("make", "message"),
    [
        (
            lambda: broken("STOR /a"),
            "'STOR /a' is not a verb: give the path as path=, as in sent('RETR', path='*.csv')",
        ),
        (lambda: broken("PASS dragon"), "'PASS*******' is not a verb"),
        (lambda: broken(5), "verb takes text, not 5"),
        (lambda: broken("STOR", reply="2x"), "reply takes the code of a final reply, such as 226, or a mask such as "),
        (lambda: broken("STOR", reply=150), "reply takes the code of a final reply"),
        (lambda: broken("STOR", path=5), "path takes text, not 5"),
        (lambda: broken("STOR", argument=b"a"), "argument takes text, not b'a'"),
        (lambda: broken("STOR", session=0), "session takes a whole number, 1 or more, not 0"),
        (lambda: broken("STOR", user=1), "user takes text, not 1"),
        (lambda: broken("STOR", encrypted="no"), "encrypted takes True or False, not 'no'"),
        (lambda: broken("STOR", offset=-1), "offset takes a whole number, 0 or more, not -1"),
        (lambda: broken("STOR", faults="reset"), "faults takes True or False, not 'reset'"),
        (
            lambda: sent("STOR") and sent("RETR"),
            "patterns are combined with &, | and ~, not with 'and', 'or' and 'not'",
        ),
        (lambda: not sent("STOR"), "patterns are combined with &, | and ~"),
    ],
)
def test_objects_that_cannot_be(make: Any, message: str) -> None:
    """What no command can have is refused where the object is made."""
    with pytest.raises(ConfigurationError) as caught:
        make()
    assert message in str(caught.value)


def test_patterns_combine_with_patterns_only() -> None:
    """Text on one side of an operator is an error of Python's own kind."""
    with pytest.raises(TypeError, match="unsupported operand"):
        sent("STOR") & "RETR"
    with pytest.raises(TypeError, match="unsupported operand"):
        sent("STOR") | "RETR"


STOR = Line("STOR", "a.csv", "226", "/out/a.csv", 2, "ann", True, 5, ("STOR: fail 451",))


@table(
    ("pattern", "line"),
    [
        ("retr", Line("RETR", "/a", "226")),
        ("RETR", Line("RETR", "/a")),
        ("*", Line("NOOP")),
        ("*", Line("")),
        ("* -> 2xx", Line("NOOP", "", "200")),
        ("MKD|XMKD", Line("XMKD")),
        ("UPLOADS", Line("APPE")),
        ("DOWNLOADS|LISTINGS", Line("MLSD")),
        ("?XYZZ", Line("XYZZ")),
        ("RETR /in/*.csv", Line("RETR", "/in/a.csv")),
        ("RETR /in/?.csv", Line("RETR", "/in/a.csv")),
        ("RETR /in/[ab].csv", Line("RETR", "/in/b.csv")),
        ("RETR /in/[ab].csv", Line("RETR", "/in/[ab].csv")),
        ("RETR * -> 226", Line("RETR", "a b", "226")),
        ("RETR -> 22x", Line("RETR", "/a", "226")),
        ("PASS secret", Line("PASS", "secret")),
        ("STOR a.csv", STOR),
        ("STOR /out/a.csv", STOR),
        ("STOR /out/*", STOR),
        ("MKD /out/", Line("MKD", "out", path="/out")),
        ("LIST /", Line("LIST", "", path="/")),
        (sent("STOR", argument="a.*"), STOR),
        (sent("UPLOADS", session=2, user="a*", encrypted=True, offset=5, faults=True, reply=226), STOR),
        (sent(encrypted=False, faults=False), Line("NOOP")),
        (sent("STOR") & sent(session=2), STOR),
        (sent("RETR") | sent("STOR"), STOR),
        (~sent("RETR"), STOR),
        (sent("STOR") & ~sent(path="/in/*"), STOR),
    ],
)
def test_what_matches(pattern: str | Pattern, line: Line) -> None:
    """Verbs match without case or as a group, arguments as sent or as the path they mean, codes by their mask."""
    wanted = pattern_of(pattern, ())

    assert wanted.matches(line)
    assert wanted.differences(line) == []


@table(
    ("pattern", "line", "differences"),
    [
        (
            "RETR /a -> 226",
            Line("STOR", "/b", "550"),
            [
                "the verb is STOR, not RETR",
                "the argument differs: sent '/b', expected '/a'",
                "the reply was 550, not 226",
            ],
        ),
        ("RETR /A", Line("RETR", "/a", "226"), ["the argument differs: sent '/a', expected '/A'"]),
        ("RETR /a", Line("RETR"), ["the argument differs: sent '', expected '/a'"]),
        ("RETR /a -> 2xx", Line("RETR", "/a"), ["the reply was not there yet, not 2xx"]),
        ("* -> 5xx", Line("NOOP", "", "200"), ["the reply was 200, not 5xx"]),
        ("MKD|XMKD", Line("RMD"), ["the verb is RMD, not MKD|XMKD"]),
        ("UPLOADS", Line("RETR"), ["the verb is RETR, not UPLOADS"]),
        ("CWD /", Line("CWD", "", path=""), ["the argument differs: sent '', expected '/'"]),
        (sent("STOR", argument="/out/a.csv"), STOR, ["the argument differs: sent 'a.csv', expected '/out/a.csv'"]),
        (
            sent(session=1, user="bob", encrypted=False, offset=0, faults=False),
            STOR,
            [
                "the session is 2, not 1",
                "the user was 'ann', not 'bob'",
                "it was encrypted",
                "the offset was 5, not 0",
                "the fault STOR: fail 451 happened to it",
            ],
        ),
        (
            sent(encrypted=True, offset=0, faults=True),
            Line("NOOP"),
            ["it was not encrypted", "it had no transfer, so no offset 0", "no fault happened to it"],
        ),
        (sent("RETR", path="/a") & sent("RETR", session=1), STOR, None),
        (sent("RETR", session=1) | sent("STOR", session=1), STOR, ["the session is 2, not 1"]),
        (~sent("STOR"), STOR, ["it matches STOR"]),
    ],
)
def test_all_differences_are_named(pattern: str | Pattern, line: Line, differences: list[str] | None) -> None:
    """Each field that differs has a text: of two patterns both, once; of alternatives those of the nearer."""
    wanted = pattern_of(pattern, ())
    expected = differences or [
        "the verb is STOR, not RETR",
        "the argument differs: sent 'a.csv', expected '/a'",
        "the session is 2, not 1",
    ]

    assert wanted.differences(line) == expected
    assert not wanted.matches(line)


@table("verb", ["PASS", "ACCT", "LOGIN", "?PASS"])
def test_passwords_are_never_shown(verb: str) -> None:
    """Neither the text of a pattern nor a difference nor an error shows a password, expected or sent."""
    wanted, name = parse_pattern(f"{verb} wanted-secret -> 230"), "ACCT" if verb == "ACCT" else "PASS"
    texts = [
        str(wanted),
        repr(wanted),
        *wanted.differences(Line(name, "sent-secret")),
        *parse_pattern("* wanted-secret").differences(Line(name, "sent-secret")),
    ]

    assert not [text for text in texts if "secret" in text]
    assert texts[:2] == [f"{verb} ************* -> 230", f"sent({verb!r}, path='*************', reply='230')"]


@table("text", ["PASS secret => 230", "PASS secret -> ", "ACCT secret -> 230 ok", "PASS | secret"])
def test_errors_show_no_password(text: str) -> None:
    """The error of a pattern that is wrong behind its verb stars what may be a password."""
    assert "secret" not in error_of(text)


@table(
    ("pattern", "shown"),
    [
        ("retr  ->  226", "RETR -> 226"),
        ("RETR /a -> 2XX", "RETR /a -> 2xx"),
        ("mkd|xmkd a b", "MKD|XMKD a b"),
        ("PASS *", "PASS *"),
        ("*", "*"),
        ("?xyzz", "?XYZZ"),
        (sent("RETR", path="a -> b"), "sent('RETR', path='a -> b')"),
        (sent("RETR", path=" a "), "sent('RETR', path=' a ')"),
        (sent("RETR", path=""), "sent('RETR', path='')"),
        (sent("RETR", argument="a", reply=226), "sent('RETR', argument='a', reply='226')"),
        (sent(encrypted=False), "sent('*', encrypted=False)"),
        (sent("STOR") & ~sent(session=1), "(sent('STOR') & ~sent('*', session=1))"),
        (sent("STOR") | sent("RETR"), "(sent('STOR') | sent('RETR'))"),
    ],
)
def test_a_pattern_reads_as_it_is_written(pattern: str | Pattern, shown: str) -> None:
    """The text of a pattern is one that can be parsed, or the expression that makes it."""
    assert str(pattern_of(pattern, ())) == shown


VERBS = st.lists(st.sampled_from(["*", "?XYZZ", *GROUPS, *sorted(STANDARD_VERBS)]), max_size=3)
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=12)
WORDS = st.one_of(NAMES, st.sampled_from(["/in/*.csv", "a -> b", "a -> 226", "a => b", "| a", "?", "[ab]", " a "]))
MASKS = st.one_of(st.from_regex(r"\A[02-9][0-9]{2}\Z"), st.sampled_from(["2xx", "xxx", "45x"]))
FIELDS = st.builds(
    sent,
    st.just("STOR"),
    path=st.none() | WORDS,
    argument=st.none() | WORDS,
    reply=st.none() | MASKS,
    session=st.none() | st.integers(1, 3),
    user=st.none() | WORDS,
    encrypted=st.none() | st.booleans(),
    offset=st.none() | st.integers(0, 3),
    faults=st.none() | st.booleans(),
)
PATTERNS = st.recursive(
    FIELDS | VERBS.map(lambda verbs: sent(*verbs)),
    lambda parts: st.one_of(
        st.tuples(parts, parts).map(lambda pair: pair[0] & pair[1]),
        st.tuples(parts, parts).map(lambda pair: pair[0] | pair[1]),
        parts.map(lambda part: ~part),
    ),
    max_leaves=4,
)
LINES = st.builds(
    Line,
    st.sampled_from(["", "STOR", "RETR", "XYZZ", "NOOP"]),
    WORDS,
    st.just("") | st.from_regex(r"\A[2-5][0-9]{2}\Z"),
    st.just("") | WORDS.map(lambda word: f"/{word}"),
    st.integers(1, 3),
    WORDS,
    st.booleans(),
    st.none() | st.integers(0, 3),
    st.sampled_from([(), ("STOR: fail 451",)]),
)


@given(VERBS, st.none() | WORDS, st.none() | MASKS)
def test_patterns_render_and_parse_back(verbs: list[str], path: str | None, reply: str | None) -> None:
    """The text of a pattern that is no password parses to the same pattern, or is the expression that makes it."""
    pattern = sent(*verbs, path=path, reply=reply)
    text = str(pattern)

    if {"PASS", "ACCT", "LOGIN"} & set(verbs) and path:
        assert path == "*" or path not in text.removeprefix(str(pattern).split()[0]) or not path.strip("*")
    elif text.startswith("sent("):
        assert eval(text, {"sent": sent}) == pattern
    else:
        assert parse_pattern(text) == pattern


@given(PATTERNS, LINES)
def test_operators_are_those_of_logic(pattern: Pattern, line: Line) -> None:
    """A command matches exactly when nothing differs; &, | and ~ do what they do with truth; repr makes it again."""
    matches, other = pattern.matches(line), sent("STOR", "NOOP")

    assert matches == (pattern.differences(line) == [])
    assert (~pattern).matches(line) != matches
    assert (pattern & other).matches(line) == (matches and other.matches(line))
    assert (pattern | other).matches(line) == (matches or other.matches(line))
    assert eval(repr(pattern), {"sent": sent}) == pattern


@given(LINES)
def test_what_was_sent_matches_its_own_pattern(line: Line) -> None:
    """The pattern that has all fields of a command literally matches it, and not one of which a field differs."""
    argument = line.argument.replace("[", "[[]") if set(line.argument) & set("*?") else line.argument
    pattern = sent(path=argument, session=line.session, encrypted=line.encrypted)

    assert pattern.matches(line)
    assert not pattern.matches(dataclasses.replace(line, session=line.session + 1))
    assert not pattern.matches(dataclasses.replace(line, encrypted=not line.encrypted))
