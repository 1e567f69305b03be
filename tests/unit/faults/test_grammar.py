"""Faults as text: a fault that is written is read back as the same fault, and an error marks the mistake."""

from __future__ import annotations

import contextlib
import itertools
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftpfixture import Fault, on
from ftpfixture.errors import ConfigurationError
from ftpfixture.faults.grammar import parse
from ftpfixture.faults.presets import PRESETS
from ftpfixture.wire.verbs import GROUPS
from tests.support.faults import SECRETS, WORDS, call_of, faults, parameters_of, pointed_at, texts
from tests.support.rows import check_rows, table


def _error(text: str) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        parse(text)
    return caught.value


# Round trips.


@given(faults())
def test_the_text_of_a_fault_is_read_as_that_fault(fault: Fault) -> None:
    """`str` and `parse` are inverse, for all words, values and triggers."""
    again = parse(str(fault))

    assert again == fault
    assert str(again) == str(fault)


@given(faults())
def test_the_repr_of_a_fault_is_the_line_that_makes_it(fault: Fault) -> None:
    """`repr` and `eval` are inverse, for all words, values and triggers."""
    again = eval(repr(fault), {"on": on})

    assert again == fault
    assert repr(again) == repr(fault)


@settings(max_examples=10)
@given(data=st.data())
def test_every_word_is_written_and_read_back(data: st.DataObject) -> None:
    """Every word and every parameter is written and read back."""

    def check(name: str) -> None:
        args, named = data.draw(call_of(WORDS[name]))

        fault = getattr(on("RETR"), name)(*args, **named)

        assert parse(str(fault)) == eval(repr(fault), {"on": on}) == fault

    check_rows(WORDS, check)


@given(texts, texts)
def test_names_of_any_form(path: str, user: str) -> None:
    """A path and a user may look like any other part of the grammar."""
    fault = on("RETR", path=path, user=user).not_implemented()

    assert parse(str(fault)) == fault
    assert parse(f"RETR path={path!r} user={user!r}: not_implemented") == fault


# The meaning of the text.


@table(
    ("text", "fault"),
    [
        ("RETR: not_implemented", on("RETR").not_implemented()),
        ("  retr  :  not_implemented  ", on("RETR").not_implemented()),
        ("RETR:\n    not_implemented", on("RETR").not_implemented()),
        ("*: delay 1.5", on("*").delay(1.5)),
        ("PASV|epsv: refuse_data", on("PASV", "EPSV").refuse_data()),
        ("PASSIVE: refuse_data", on("PASV", "EPSV").refuse_data()),
        ("RETR *.csv #2: drop_data after_bytes=1024", on("RETR", path="*.csv").nth(2).drop_data(after_bytes=1024)),
        ("RETR #1,3: drop_data 1024", on("RETR").nth(1, 3).drop_data(1024)),
        ("RETR nth=2: not_implemented", on("RETR").nth(2).not_implemented()),
        ("RETR '/a b/c;d: e.csv': not_implemented", on("RETR", path="/a b/c;d: e.csv").not_implemented()),
        ('RETR "it\'s": not_implemented', on("RETR", path="it's").not_implemented()),
        ("RETR [ab]*.csv: not_implemented", on("RETR", path="[ab]*.csv").not_implemented()),
        ("RETR a:b: not_implemented", on("RETR", path="a:b").not_implemented()),
        ("RETR 5: not_implemented", on("RETR", path="5").not_implemented()),
        ("RETR none: not_implemented", on("RETR", path="none").not_implemented()),
        ("RETR b'a': not_implemented", on("RETR", path="b'a'").not_implemented()),
        ("RETR path=none user=true: not_implemented", on("RETR", path="none", user="true").not_implemented()),
        ("RETR user=007: not_implemented", on("RETR", user="007").not_implemented()),
        (
            "RETR user='a b' session=2 type=A: not_implemented",
            on("RETR", user="a b", session=2, type="A").not_implemented(),
        ),
        ("RETR times=2 skip=3 every=4: not_implemented", on("RETR").times(2).skip(3).every(4).not_implemented()),
        ("RETR since=1 until=2.5: not_implemented", on("RETR").since(1).until(2.5).not_implemented()),
        ("RETR probability=50% seed=3: not_implemented", on("RETR").probability(0.5, 3).not_implemented()),
        ("RETR probability=.25: not_implemented", on("RETR").probability(0.25).not_implemented()),
        ("RETR optional: not_implemented", on("RETR").optional().not_implemented()),
        ("RETR 'optional': not_implemented", on("RETR", path="optional").not_implemented()),
        ("RETR: answer 550 'no such file'", on("RETR").answer(550, "no such file")),
        ("RETR: answer code=550 text=gone", on("RETR").answer(550, "gone")),
        ("RETR: answer 550 text='a b'", on("RETR").answer(550, "a b")),
        ("RETR: answer 550 text=", on("RETR").answer(550, "")),
        ("RETR: answer 550 not_implemented", on("RETR").answer(550, "not_implemented")),
        ("RETR: answer 550 [{[]}]", on("RETR").answer(550, "[{[]}]")),
        ("RETR: answer 550 'C:\\d'", on("RETR").answer(550, "C:\\d")),
        ("FEAT: answer 211 ['a', 'b c']", on("FEAT").answer(211, ["a", "b c"])),
        ("FEAT: answer 211 text=['a', 'b;: c']", on("FEAT").answer(211, ["a", "b;: c"])),
        ("PWD: answer_raw b'257\\r\\n'", on("PWD").answer_raw(b"257\r\n")),
        ('PWD: answer_raw data=B"x"', on("PWD").answer_raw(b"x")),
        ("CWD: answer 042 x", on("CWD").answer("042", "x")),
        ("RETR: drop_data at=50%", on("RETR").drop_data(at=0.5)),
        ("RETR: drop_data none 0.5", on("RETR").drop_data(None, 0.5)),
        ("STOR: disk_full 10 keep=false", on("STOR").disk_full(10, keep=False)),
        ("RETR: delay 1; drop_data 5", on("RETR").delay(1).drop_data(5)),
        ("RETR: ;; delay 1 ;; drop_data 5 ;", on("RETR").delay(1).drop_data(5)),
    ],
)
def test_what_the_text_means(text: str, fault: Fault) -> None:
    """Each form of the grammar returns the same fault as the Python words."""
    assert parse(text) == fault


@table("name", PRESETS)
def test_presets_by_name(name: str) -> None:
    """The name of a preset stands for its text."""
    assert parse(f" {name} ") == parse(PRESETS[name].text)


@table(
    ("name", "hint"),
    [
        ("pasv-behind-nta", "did you mean 'pasv-behind-nat'?"),
        ("qqq-zzz", "see the table of presets in the documentation"),
    ],
)
def test_unknown_names(name: str, hint: str) -> None:
    """The error for a wrong name suggests the nearest one."""
    assert str(_error(name)) == f"unknown preset {name!r}: {hint}"


@table("group", GROUPS)
def test_groups_stand_for_their_verbs(group: str) -> None:
    """The name of a group means its verbs, in both forms."""
    assert parse(f"{group}: delay 1") == on(group).delay(1) == on(*GROUPS[group]).delay(1)


# Mistakes.

MISTAKES = [
    # the text, the marked part, the message
    ("RETR: dropdata after_bytes=5", "dropdata", "unknown word 'dropdata': did you mean 'drop_data'?"),
    ("RETR: not_implemented; dely 5; deny", "dely", "did you mean 'delay'?"),
    ("RETR: xyzzy", "xyzzy", "use one of absolute_names, answer,"),
    ("RETR: nth 2", "nth", "unknown word 'nth'"),
    (
        "RETR: drop_data aftr_bytes=5",
        "aftr_bytes=5",
        "unknown parameter of drop_data 'aftr_bytes': did you mean 'after_bytes'?",
    ),
    ("RETR: delay 1 colour=5", "colour=5", "use one of duration, jitter, phase, after_bytes, at"),
    ("RETR: not_implemented now=1", "now=1", "unknown parameter of not_implemented 'now': it takes no parameters"),
    ("RETR: drop_data after_bytes=-1", "after_bytes=-1", "after_bytes takes a whole number, 0 or more, not -1"),
    ("RETR: drop_data 1.5", "1.5", "after_bytes takes a whole number, 0 or more, not 1.5"),
    ("RETR: delay 1 1 after_bytes=x", "after_bytes=x", "after_bytes takes a whole number, 0 or more, not 'x'"),
    ("RETR: drop_data at=150%", "at=150%", "at takes a number from 0 to 1, or 0% to 100% in text, not 1.5"),
    ("RETR: drop_data at=1.2.3%", "at=1.2.3%", "not '1.2.3%'"),
    ("RETR: drop_data 1 0.5", "0.5", "at cannot be combined with after_bytes: give only one of them"),
    ("RETR: answer 55 gone", "55", "code takes three digits, such as 550, not 55"),
    ("RETR: answer 550 5", "5", "text takes text, or a list of lines, not 5"),
    ("RETR: answer 550 [1,2]", "[1,2]", "text takes text, or a list of lines, not [1, 2]"),
    ("RETR: answer_raw abc", "abc", "data takes bytes, such as b'226 Done\\r\\n', not 'abc'"),
    ("RETR: answer 550 'gone", "'gone", "the quotes do not match"),
    ("RETR: answer 550 'a b", "'a", "the quotes do not match"),
    ("RETR 'a.csv: not_implemented", "'a.csv", "the quotes do not match"),
    ("RETR: answer 550 code=551", "code=551", "code of answer is given twice"),
    ("RETR: answer 550 text=a text=b", "text=b", "text of answer is given twice"),
    ("RETR: answer", "answer", "answer takes code, text='': missing a required argument: 'code'"),
    ("LIST: list_style VMS", "VMS", "style takes one of unix, msdos, msdos4, eplf, full-iso, unix-de, "),
    ("LIST: list_style ['unix']", "['unix']", "style takes one of"),
    ("PASV: wrong_address ::1", "::1", "host takes an IPv4 address, such as 10.0.0.1, not '::1'"),
    (
        "LIST: encoding martian",
        "martian",
        "encoding takes the name of an encoding of Python, such as latin-1, not 'martian'",
    ),
    (
        "LIST: encoding utf-16",
        "utf-16",
        "encoding takes an encoding that contains ASCII, such as latin-1, not 'utf-16'",
    ),
    ("LIST: encoding undefined", "undefined", "encoding takes the name of an encoding of Python"),
    ("LIST: encoding 437", "437", "encoding takes the name of an encoding of Python, such as latin-1, not 437"),
    ("RETR drop_data after_bytes=5", "drop_data", "a fault is a verb, a colon and a space, and a word"),
    ("RETR: ", "", "after the colon, say what goes wrong: one of absolute_names,"),
    ("RETR: ; ;", "", "after the colon, say what goes wrong: one of absolute_names,"),
    ("RETR:not_implemented", "RETR:not_implemented", "a colon and a space"),
    ("RETR a.csv", "", "a colon and a space"),
    (": not_implemented", ":", "a fault is a verb, a colon and a space, and a word"),
    ("", "", "a fault is a verb, a colon and a space, and a word"),
    ("RETR a.csv b.csv: not_implemented", "b.csv", "path is given twice; a value with spaces needs quotes"),
    ("RETR path=a path=b: not_implemented", "path=b", "path is given twice"),
    ("RETR user=a user=b: not_implemented", "user=b", "user is given twice"),
    ("RETR #x: not_implemented", "#x", "# takes one or more numbers, such as #2 or #1,3"),
    ("RETR #1,: not_implemented", "#1,", "# takes one or more numbers, such as #2 or #1,3"),
    ("RETR #\u0663: not_implemented", "#\u0663", "# takes one or more numbers, such as #2 or #1,3"),
    ("RETR #0: not_implemented", "#0", "nth takes a whole number, 1 or more, not 0"),
    ("RETR times=0: not_implemented", "times=0", "times takes a whole number, 1 or more, not 0"),
    ("RETR every=x: not_implemented", "every=x", "every takes a whole number, 1 or more, not 'x'"),
    ("RETR since=-1: not_implemented", "since=-1", "since takes a number of seconds, 0 or more, not -1"),
    ("RETR until=nan: not_implemented", "until=nan", "until takes a number of seconds, 0 or more, not 'nan'"),
    ("RETR probability=2: not_implemented", "probability=2", "probability takes a number from 0 to 1"),
    ("RETR probability=often: not_implemented", "probability=often", "probability takes a number from 0 to 1"),
    ("RETR probability=0.5 seed=x: not_implemented", "seed=x", "seed takes a whole number, 0 or more, not 'x'"),
    ("RETR seed=1 probability=0.5: not_implemented", "seed=1", "seed= must follow probability="),
    (
        "RETR optional=yes: not_implemented",
        "optional=yes",
        "optional takes no parameters: too many positional arguments",
    ),
    ("RETR sesion=1: not_implemented", "sesion=1", "unknown trigger 'sesion': did you mean 'session'?"),
    ("RETR a=b: not_implemented", "a=b", "unknown trigger 'a': use one of path, user,"),
    ("RETR session=0: not_implemented", "session=0", "session takes a whole number, 1 or more, not 0"),
    ("RETR type=X: not_implemented", "type=X", "type takes one of A, I, not 'X'"),
    (
        "RE-TR: not_implemented",
        "RE-TR",
        "'RE-TR' is not a verb: give the path as path=, as in on('RETR', path='*.csv')",
    ),
    (
        "RETR: not_implemented not_implemented",
        "not_implemented",
        "too many positional arguments; put a semicolon before the next word",
    ),
    ("RETR: delay 1 answer 550", "answer", "put a semicolon before the next word"),
    ("RETR: say not_implemented", "not_implemented", "put a semicolon before the next word"),
    ("RETR: slice 3 0 4", "4", "slice takes size, pause=0: too many positional arguments"),
]


@table(("text", "wrong", "message"), MISTAKES)
def test_mistakes_are_marked(text: str, wrong: str, message: str) -> None:
    """The error says what is wrong and what would work, and marks the wrong part."""
    error = _error(text)

    assert message in str(error)
    assert pointed_at(error).strip() == wrong


WRONG = {"text": "5", "lines": "5"}  # for text, a number is wrong
LEGAL = {"code": "226", "bytes": "b'x'", "int": "1", "float": "1"}


@table("name", WORDS)
def test_every_wrong_value_is_marked(name: str) -> None:
    """For every parameter of a word, by position or by name, the error names and marks it."""
    parameters = parameters_of(WORDS[name])
    for index, parameter in enumerate(parameters):
        wrong = WRONG.get(parameter.name, "wrong")
        needed = [one for one in parameters[:index] if one.default is one.empty]
        before = " ".join(LEGAL.get(one.name) or LEGAL[one.annotation] for one in needed)

        by_name = _error(f"*: deny; {name} {before} {parameter.name}={wrong}")

        assert str(by_name).startswith(f"{parameter.name} takes "), by_name
        assert pointed_at(by_name) == f"{parameter.name}={wrong}"
        if index == len(needed):
            assert pointed_at(_error(f"*: deny; {name} {before} {wrong}")) == wrong


def test_the_right_one_of_two_equal_words_is_marked() -> None:
    """The position decides, not the text."""
    text = "RETR: not_implemented; not_implemented not_implemented"

    assert str(_error(text)).endswith(
        f"{text}\n    {' ' * text.rindex('not_implemented')}{'^' * len('not_implemented')}"
    )


@given(st.text(max_size=40) | st.lists(st.sampled_from(list("RETR: ;=#'\"[]{}b,%0.1\\")), max_size=30).map("".join))
def test_no_text_makes_anything_but_a_fault_or_an_error(text: str) -> None:
    """Every text is a fault or raises ConfigurationError, and there is no warning."""
    for tried in (text, f"RETR {text}: not_implemented", f"RETR: answer 550 {text}"):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with contextlib.suppress(ConfigurationError):
                fault = parse(tried)
                assert parse(str(fault)) == fault


# Passwords.


BEHIND_A_VERB = [
    "dragon",
    "dragon deny",
    "dragon:deny",
    "dragon not_implemented: deny",
    "dragon: dony",
    "dragon: answer 530 'a: b' x=1",
    "path=dragon #x: deny",
    "user=dragon path=dragon path=dragon: deny",
    "dragon=dragon: deny",
    "'dragon: deny",
    "'dragon: deny': dony",
    "dragon #2 times=0: deny",
]


@table(("verb", "rest"), itertools.product([*SECRETS, "pass", "USER|PASS", "  PASS"], BEHIND_A_VERB))
def test_no_error_shows_a_password(verb: str, rest: str) -> None:
    """A password is starred in the text, and not repeated in the message."""
    error = _error(f"{verb} {rest}")

    assert "dragon" not in str(error)
    assert pointed_at(error)


def test_an_error_shows_all_but_the_password() -> None:
    """The mistake is still marked."""
    assert str(_error("PASS dragon: deny; dony")) == (
        "unknown word 'dony': did you mean 'deny'?\n    PASS ******: deny; dony\n                       ^^^^"
    )


def test_a_password_is_starred_in_both_forms() -> None:
    """The fault compares the password, and never shows it."""
    fault = parse("PASS dragon: deny")

    assert fault == on("PASS", path="dragon").deny()
    assert str(fault) == "PASS ******: deny"
    assert repr(fault) == "on('PASS', path='******').deny()"
