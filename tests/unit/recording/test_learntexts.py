"""The words of a recorded server."""

from __future__ import annotations

from pathlib import PurePosixPath

from ftpfixture.recording.asked import Asked, asked_of
from ftpfixture.recording.format import Data, Line, body_of
from ftpfixture.recording.learntexts import persona_of, template
from ftpfixture.recording.tape import CREDENTIALS
from ftpfixture.recording.volatile import DEFAULTS
from ftpfixture.server.persona import Persona, TextTable
from tests.support.recordings import LOGIN, recorded
from tests.support.rows import table

KNOWN = [
    "USER",
    "PASS",
    "RETR",
    "TYPE",
    "NOOP",
    "DELE",
    "SYST",
    "SIZE",
    "MLST",
    "STAT",
    "FEAT",
    "EPSV",
    "REST",
    "LIST",
    "CWD",
]
VALUES = {**DEFAULTS, **CREDENTIALS}


def learnt(dialogue: str) -> Persona:
    """The persona of one session."""
    return persona_of(asked_of(recorded(LOGIN + dialogue), VALUES), VALUES, [], KNOWN)


def asked(command: str, directory: str = "/in", after: str = "", offset: int = 0, data: bytes | None = None) -> Asked:
    """A command in a session."""
    verb, _, argument = command.partition(" ")
    moved = None
    if data is not None:
        moved = Data(session=1, direction="down", number=1, type="I", offset=offset, end="eof", **body_of(data))
    before = PurePosixPath(directory)
    return Asked(verb, argument, "ann", None, before, PurePosixPath(after or directory), False, offset, data=moved)


@table(
    ("command", "code", "line", "made"),
    [
        (asked("RETR a.csv"), "550", "a.csv: No such file", "{file}: No such file"),
        (asked("RETR a.csv"), "550", "No /in/a.csv.", "No {path}."),
        (asked("RETR a"), "550", "can't open a", "can't open {file}"),  # neither the t nor the a of can't
        (asked("RETR t"), "550", "can't a-t .t t.x tt", "can't a-t .t t.x tt"),
        (asked("RETR s p"), "550", "'s p' (s p)", "'{file}' ({file})"),
        (asked("RETR x{y}"), "550", "x{{y}} is {{odd}}", "{file} is {{odd}}"),
        (
            asked("RETR a", data=b"12345678"),
            "150",
            "Opening BINARY for a (8 bytes)",
            "Opening {type} for {file} ({size} bytes)",
        ),
        (asked("RETR 8", data=b"12345678"), "150", "8 (8 bytes)", "{file} ({size} bytes)"),
        (asked("RETR a", offset=4, data=b"5678"), "150", "a: 8 bytes", "{file}: {whole_size} bytes"),
        (asked("RETR a", offset=4, data=b"5678"), "150", "a: 4 bytes", "{file}: {size} bytes"),
        (asked("RETR a", data=b"1"), "226", "8 bytes of a", "8 bytes of {file}"),
        (asked("REST 8"), "350", "Restarting at 8.", "Restarting at {argument}."),
        (asked("TYPE I"), "200", "TYPE set to I", "{verb} set to {argument}"),
        (asked("CWD b", after="/in/b"), "250", 'Now in "/in/b"', 'Now in "{directory}"'),
        (asked("CWD b"), "550", "b: /in/b is missing", "{file}: {path} is missing"),
        (asked("PWD", "/"), "257", '"/" is it', '"{directory}" is it'),
        (asked('MKD a"b'), "257", '"/in/a""b" made', '"{path}" made'),
        (asked("MKD d"), "257", '"d" made', '"{file}" made'),
        (asked("SITE CHMOD 644 a"), "200", "CHMOD 644 a of a", "CHMOD {word} {file} of {file}"),
        (asked("MFMT 2020 a"), "213", "Modify=2020; a", "Modify={word}; {file}"),
        (asked("USER ann"), "331", "Password for {user}, ann", "Password for {user}, ann"),
        (asked("PASV"), "227", "Here ({address}).", "Here ({address})."),
        (asked("EPSV"), "229", "Here (|||{port}|)", "Here (|||{data_port}|)"),
        (asked("DELE a"), "250", "{seconds} s, {password}, {token}", "0.001 s, password, token"),
        (
            asked(""),
            "220",
            "At {host}: {user} number {user_number} at {local_time}",
            "At {host}: user number {session} at {now:%H:%M}",
        ),
    ],
)
def test_values_of_a_command_become_placeholders(command: Asked, code: str, line: str, made: str) -> None:
    """A value is replaced as a whole word only, whatever characters it has."""
    assert template(line, code, command, VALUES) == made


def texts(persona: Persona, verb: str, argument: str, reply: str, is_known: bool = True) -> list[str]:
    """The texts for a reply of our own, the best first."""
    code, text = reply.split(" ", 1)
    found = TextTable(persona.replies).fitting(verb, argument, code, [text], is_known)
    return [f"{each.code} {'|'.join(each.lines)}" for each in found]


def test_contradictions() -> None:
    """A text for the same argument counts, then the more frequent one, then the first."""
    persona = learnt("""
> TYPE A
< 200 ASCII it is
> TYPE I
< 200 Binary it is
> NOOP
< 200 One
> NOOP
< 200 Two
> NOOP
< 200 Two
> DELE a
< 550 a: No such file
> DELE b
< 550 Permission denied to b
> SYST
< 215 First
> SYST
< 215 Second
""")

    assert texts(persona, "TYPE", "I", "200 Type set to I") == ["200 Binary it is"]
    assert texts(persona, "TYPE", "L 8", "200 Type set to L 8") == []
    assert texts(persona, "NOOP", "", "200 Nothing done") == ["200 Two", "200 One"]
    assert texts(persona, "DELE", "x", "550 Permission denied") == ["550 Permission denied to {file}"]
    assert texts(persona, "DELE", "x", "550 Is a directory") == []
    assert persona.system == "First"


def test_texts_of_similar_verbs_and_for_any_verb() -> None:
    """A verb that was not recorded has the texts of one that is like it, or of all."""
    persona = learnt("""
> EPSV opens passive
< 229 (|||{port}|)
> LIST
< 150 Listing for LIST
= down x\\r\\n eof
< 226 Sent
> RETR a
< 425 Use PASV first
> CWD in
< 250 CWD successful
> FOO
< 500 FOO not understood
> XCRC a
< 500 XCRC not understood
> SITE BAR x
< 500 'SITE BAR' not understood
""")

    assert texts(persona, "MLSD", "", "150 Here comes") == ["150 Listing for {verb}"]
    assert texts(persona, "CDUP", "", "250 Directory changed") == ["250 {verb} successful"]
    assert texts(persona, "STOR", "b", "425 Use PORT or PASV") == ["425 Use PASV first"]
    assert texts(persona, "BAZ", "", "502 BAZ is not implemented", is_known=False) == ["500 {verb} not understood"]
    assert texts(persona, "SITE BAR", "", "504 SITE BAR is not known", is_known=False) == [
        "500 '{verb} BAR' not understood",
        "500 {verb} not understood",
    ]
    assert persona.refused == {"FOO", "XCRC", "SITE BAR"}


def test_verbs_that_only_the_recorded_server_has() -> None:
    """The same command gets the same reply; another argument may do something else there, so it gets 502."""
    persona = learnt(
        "> PRET RETR a\n< 200 Ready for RETR a\n> SITE JOB 5\n< 250 Job 5 begins\n> PRET RETR c\n< 550 No such file"
    )

    assert texts(persona, "PRET", "RETR a", "502 PRET is not implemented", is_known=False) == [
        "200 Ready for {word} {file}"
    ]
    assert texts(persona, "PRET", "RETR b", "502 PRET is not implemented", is_known=False) == []
    assert texts(persona, "PRET", "RETR c", "502 PRET is not implemented", is_known=False) == ["550 No such file"]
    assert texts(persona, "SITE JOB", "5", "504 SITE JOB is not known", is_known=False) == ["250 Job {argument} begins"]


FEAT = "> FEAT\n< 211-Mine\n<  MDTM\n<  SIZE\n<  MLST type*;\n< 211 That is all\n"


@table(
    ("dialogue", "refused"),
    [
        ("> MLSD\n< 500 What?", "MLSD"),
        ("> MLSD\n< 502 Not here", "MLSD"),
        ("> MLSD\n< 501 Not a directory", ""),
        ("> NOOP\n< 500 Busy\n> NOOP\n< 200 OK", ""),
        ("> TYPE E\n< 500 No", ""),  # other types may be there
        ("> SITE CHMOD 1 a\n< 504 No", "SITE CHMOD"),
        ("> OPTS UTF8 ON\n< 501 No", ""),
        (FEAT, "HASH HOST LANG MFCT MFF MFMT"),
        (FEAT.replace("MLST type*;", "MFMT"), "HASH HOST LANG MFCT MFF MLSD MLST"),
        (FEAT + "> HOST a\n< 220 OK", "HASH LANG MFCT MFF MFMT"),
        ("> FEAT\n< 500 No", "FEAT"),
    ],
)
def test_verbs_that_are_off(dialogue: str, refused: str) -> None:
    """Those that were only refused, and those that FEAT would name."""
    assert " ".join(sorted(learnt(dialogue).refused)) == refused


def test_results_are_no_texts() -> None:
    """FEAT, MLST and STAT give their frame; numbers and dates none at all."""
    persona = learnt(
        FEAT
        + "> SIZE a\n< 213 5\n> SIZE b\n< 550 No b\n> MLST a\n< 250-List of a\n<  size=5; a\n< 250 End\n"
        + "> STAT a\n< 213-State of a\n<  x\n< 213 End of it\n> STAT\n< 211 http://pure\n> STOU\n< 502 No\n"
        + "> TYPE A\n< 200 A\n> SIZE a\n< 550 SIZE not allowed in ASCII mode"
    )

    assert persona.features == ("MDTM", "SIZE", "MLST type*;")
    assert texts(persona, "SIZE", "a", "213 8") == []
    assert texts(persona, "SIZE", "x", "550 No such file") == ["550 No {file}"]
    assert texts(persona, "FEAT", "", "211 Features") == ["211 Mine|That is all"]
    assert texts(persona, "MLST", "x", "250 Listing x") == ["250 List of {file}|End"]
    assert texts(persona, "STAT", "x", "212 Status of x") == ["213 State of {file}|End of it"]
    assert texts(persona, "STAT", "", "211 Status") == ["211 http://pure"]
    assert persona.refuse_size_in_ascii


def test_sizes_with_and_without_rest() -> None:
    """Where one text has the size of the whole file, all have it."""
    whole = "> REST 4\n< 350 From 4\n> EPSV opens passive\n< 229 (|||{port}|)\n> RETR a\n< 150 a has 8 bytes\n"
    dialogue: list[str | Line] = [
        *f"{LOGIN}> EPSV opens passive\n< 229 (|||{{port}}|)\n> RETR a\n< 150 a has 8 bytes".strip().split("\n"),
        Data(session=1, direction="down", number=1, type="I", end="eof", **body_of(b"12345678")),
        "< 226 Done",
        *whole.strip().split("\n"),
        Data(session=1, direction="down", number=2, type="I", offset=4, end="eof", **body_of(b"5678")),
        "< 226 Done",
    ]
    persona = persona_of(asked_of(recorded(dialogue), VALUES), VALUES, ["msdos"], KNOWN)

    singular = learnt(
        "> EPSV opens passive\n< 229 (|||{port}|)\n> RETR a\n< 150 a (8 bytes)\n= down 12345678 eof\n< 226 Done\n"
        "> EPSV opens passive\n< 229 (|||{port}|)\n> RETR b\n< 150 b (1 byte)\n= down 1 eof\n< 226 Done"
    )

    assert set(texts(singular, "RETR", "x", "150 Opening")) == {"150 {file} ({size} {unit})"}
    assert set(texts(persona, "RETR", "x", "150 Opening")) == {"150 {file} has {whole_size} bytes"}
    assert persona.list_style == "msdos"
