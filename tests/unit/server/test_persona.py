"""Which text of a persona replaces a reply."""

from __future__ import annotations

from ftpfixture.server.persona import ANY_VERB, Persona, ReplyText, TextTable, failure_kind, full_verb, same_meaning
from tests.support.rows import table


@table(
    ("verb", "argument", "found"),
    [
        ("RETR", "a b", ("RETR", "a b")),
        ("SITE", "chmod 644 a", ("SITE CHMOD", "644 a")),
        ("OPTS", "utf8 on", ("OPTS UTF8", "on")),
        ("SITE", "", ("SITE", "")),
    ],
)
def test_subcommands_are_verbs_of_their_own(verb: str, argument: str, found: tuple[str, str]) -> None:
    """SITE and OPTS have the texts of their subcommands."""
    assert full_verb(verb, argument) == found


@table(
    ("code", "other", "is_known", "same"),
    [
        ("226", "226", True, True),
        ("226", "225", True, True),
        ("150", "125", True, True),
        ("550", "553", True, True),
        ("530", "430", True, True),
        ("229", "200", True, False),  # EPSV, and EPSV ALL
        ("331", "332", True, False),
        ("425", "426", True, False),
        ("550", "552", True, False),
        ("501", "502", True, False),
        ("501", "504", False, True),
        ("500", "502", False, True),
        ("500", "550", False, False),
    ],
)
def test_codes_with_the_same_meaning(code: str, other: str, is_known: bool, same: bool) -> None:
    """Servers differ in the code for one meaning, and never in the meaning."""
    assert same_meaning(code, other, is_known) is same
    assert same_meaning(other, code, is_known) is same


@table(
    ("code", "text", "kind"),
    [
        ("550", "No such file or directory", "missing"),
        ("550", "a.csv: The system cannot find the file specified.", "missing"),
        ("550", "File does not exist", "missing"),
        ("550", "File exists", "exists"),
        ("521", '"/a" directory already exists', "exists"),
        ("550", "Permission denied", "denied"),
        ("550", "Access is denied.", "denied"),
        ("550", "Not a directory", "not a directory"),
        ("550", "Directory not empty", "not empty"),
        ("550", "a: not a regular file", "not a file"),
        ("550", "Is a directory", "not a file"),
        ("552", "Exceeded storage allocation", "full"),
        ("550", "SIZE not allowed in ASCII mode", "type"),
        ("550", "SIZE needs TYPE I", "type"),
        ("550", "Failed to open file.", ""),
        ("250", "File exists, and was renamed", ""),
    ],
)
def test_the_reason_of_a_failure(code: str, text: str, kind: str) -> None:
    """The words of a failure name its reason, whatever server wrote them."""
    assert failure_kind(code, [text]) == kind


TEXTS = TextTable(
    [
        ReplyText("TYPE", "200", ("binary",), argument="I"),
        ReplyText("TYPE", "200", ("type {argument}",)),
        ReplyText("TYPE", "504", ("no X",), argument="X"),
        ReplyText("RETR", "550", ("{file}: No such file",)),
        ReplyText("RETR", "550", ("cannot open",)),
        ReplyText("DELE", "550", ("{file}: No such file",)),
        ReplyText("ABOR", "225", ("nothing",)),
        ReplyText("ABOR", "226", ("aborted",)),
        ReplyText(ANY_VERB, "500", ("what is {verb}?",)),
        ReplyText(ANY_VERB, "530", ("log in",)),
        ReplyText("SITE CHMOD", "500", ("no CHMOD",)),
    ]
)


def test_texts_by_the_type_of_a_transfer() -> None:
    """The text of the same TYPE comes first, and another one is better than none."""
    texts = TextTable([ReplyText("RETR", "226", (name,), transfer_type=name) for name in ("A", "I")])
    found = {name: texts.fitting("RETR", "a", "226", ["Done"], True, name) for name in ("A", "I")}

    assert {name: [text.lines[0] for text in each] for name, each in found.items()} == {
        "A": ["A", "I"],
        "I": ["I", "A"],
    }


@table(
    ("verb", "argument", "reply", "is_known", "texts"),
    [
        ("TYPE", "i", "200 Type set to I", True, ["binary", "type {argument}"]),
        ("TYPE", "A", "200 Type set to A", True, ["type {argument}"]),
        ("TYPE", "X", "501 Unknown type", True, ["no X"]),
        ("TYPE", "Y", "501 Unknown type", True, []),
        ("RETR", "a", "550 No such file or directory", True, ["{file}: No such file", "cannot open"]),
        ("RETR", "a", "550 Permission denied", True, ["cannot open"]),
        ("DELE", "a", "550 Permission denied", True, []),
        ("ABOR", "", "226 Nothing to abort", True, ["aborted", "nothing"]),
        ("FOO", "", "502 FOO is not implemented", False, ["what is {verb}?"]),
        ("SITE CHMOD", "", "504 SITE CHMOD is not known", False, ["no CHMOD", "what is {verb}?"]),
        ("OPTS X", "", "501 OPTS X is not known", False, ["what is {verb}?"]),
        ("MODE", "B", "504 Mode B is not offered", True, []),
        ("PWD", "", "530 Please login", True, ["log in"]),
        ("", "", "500 Command line too long", True, []),
    ],
)
def test_the_texts_that_fit_a_reply(verb: str, argument: str, reply: str, is_known: bool, texts: list[str]) -> None:
    """A text fits by verb, meaning, argument and reason; the nearest comes first."""
    code, text = reply.split(" ", 1)
    assert [found.lines[0] for found in TEXTS.fitting(verb, argument, code, [text], is_known)] == texts


def test_the_settings_of_a_persona_give_way_to_those_that_are_given() -> None:
    """Unknown verbs that it refuses are left out, and so are settings without a value."""
    persona = Persona(system="X", list_style="msdos", refused=frozenset({"MLSD", "XFOO"}))

    assert persona.settings({"mlsd"}, besides={"system"}) == {
        "list_style": "msdos",
        "refuse_size_in_ascii": False,
        "disable": ["MLSD"],
    }
