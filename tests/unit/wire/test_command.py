"""Command: parsed from a line, rendered as a line, and shown without its password."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftpfixture.errors import InvalidCommand
from ftpfixture.wire.command import Command, Secret, censor, render_line, verb_of
from ftpfixture.wire.lines import LineReader
from tests.support.rows import table

ENCODINGS = ["utf-8", "latin-1", "cp1251", "koi8-r", "gbk", "gb18030", "shift_jis", "euc_kr", "ascii"]


@table(
    ("line", "verb", "argument"),
    [
        (b"", "", ""),
        (b"   ", "", ""),
        (b"NOOP", "NOOP", ""),
        (b"noop", "NOOP", ""),
        (b"NoOp ", "NOOP", ""),
        (b"RETR a b", "RETR", "a b"),
        (b"RETR  a ", "RETR", " a "),
        (b"RETR   ", "RETR", "  "),
        (b"  RETR a", "RETR", "a"),
        (b"\tRETR a", "\tRETR", "a"),
        (b"RETR\ta b", "RETR\tA", "b"),
        (b"cwd \xc3\xa9", "CWD", "\u00e9"),
        (b"cwd \xe9", "CWD", "\udce9"),
        (b"cwd a\r\nb\0", "CWD", "a\r\nb\0"),
        ("qu\u0131t".encode(), "qu\u0131t", ""),
        (b"\xff\xfe x", "\udcff\udcfe", "x"),
    ],
)
def test_parse(line: bytes, verb: str, argument: str) -> None:
    """The verb is the text before the first space, in upper case; the argument is all after it, unchanged."""
    assert Command.parse(line) == (verb, argument)


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(line=st.binary(max_size=30))
def test_any_bytes_survive(line: bytes, encoding: str) -> None:
    """Parsing accepts any bytes in any encoding, and the argument keeps its bytes."""
    argument = Command.parse(b"CWD " + line, encoding).argument
    assert argument.encode(encoding, "surrogateescape") == line


@pytest.mark.parametrize("encoding", [*ENCODINGS, "utf-7", "hz", "iso2022_jp", "utf-16", "idna", "punycode"])
@given(line=st.binary(max_size=30))
def test_parse_never_raises(line: bytes, encoding: str) -> None:
    """A codec that cannot escape bytes does not make parsing fail."""
    command = Command.parse(line, encoding)
    assert isinstance(command.verb, str)
    assert isinstance(command.argument, str)


def test_bytes_that_a_codec_cannot_escape_are_read_as_ascii() -> None:
    """A line that the codec cannot escape is read as ASCII with escaped bytes."""
    assert Command.parse(b"CWD ~x\xe9", "hz") == ("CWD", "~x\udce9")


@table(
    ("command", "line"),
    [
        (Command("NOOP", ""), b"NOOP\r\n"),
        (Command("RETR", " a "), b"RETR  a \r\n"),
        (Command("RETR", "\u00e9\udce9"), b"RETR \xc3\xa9\xe9\r\n"),
        (Command("RETR", "a\r\nQUIT"), b"RETR a\r\0\nQUIT\r\n"),
        (Command("RETR", "a\nQUIT"), b"RETR a\0QUIT\r\n"),
    ],
)
def test_render(command: Command, line: bytes) -> None:
    """A command is one line with CRLF, whatever its argument holds."""
    assert command.render() == line
    assert len(LineReader().feed(line)) == 1


@given(st.text("ABCXYZ", min_size=1), st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"])))
def test_render_and_parse_round_trip(verb: str, argument: str) -> None:
    """A rendered command is parsed as the same command."""
    command = Command(verb, argument)
    (line,) = LineReader().feed(command.render())
    assert line is not None
    assert Command.parse(line) == command


@table("verb", ["A B", " ", "A\r", "\nA", "A\0", "A\t", "A\x7f", "PASS hidden"])
def test_verbs_that_would_break_the_line_are_refused(verb: str) -> None:
    """A verb with a space or control character raises InvalidCommand, and the message does not contain the rest."""
    with pytest.raises(InvalidCommand) as caught:
        Command(verb, "hidden").render()
    assert "hidden" not in str(caught.value)


def test_characters_the_encoding_lacks_are_refused() -> None:
    """A name is never sent in an altered form, and the error does not quote the argument."""
    with pytest.raises(InvalidCommand, match="latin-1 cannot express a character of PASS") as caught:
        Command("PASS", "hidden\u0416").render("latin-1")
    assert "hidden" not in str(caught.value)


@table(
    ("verb", "argument", "shown"),
    [
        ("PASS", "secret", "PASS ******"),
        ("pass", " x ", "pass ***"),
        ("ACCT", "me", "ACCT **"),
        ("PASS", "", "PASS"),
        ("USER", "ann", "USER ann"),
        ("NOOP", "", "NOOP"),
    ],
)
def test_censor(verb: str, argument: str, shown: str) -> None:
    """Passwords and accounts become asterisks, one per character; everything else is shown."""
    assert censor(verb, argument) == shown


@table("verb", ["PASS", "ACCT"])
def test_no_form_of_a_command_shows_a_password(verb: str) -> None:
    """str, repr, format and the censored text hide the password; the argument contains it."""
    command = Command(verb, "secret")
    assert command.censored == str(command) == f"{command}" == f"{verb} ******"
    assert repr(command) == f"Command(verb='{verb}', argument='******')"
    assert "secret" not in repr([command])
    assert command.argument == "secret"


def test_a_secret_is_a_str_with_a_starred_repr() -> None:
    """User managers compare, hash, encode and look up a secret as any str; only its repr is starred."""
    secret = Command.parse(b"pass s\xc3\xa9cret").argument
    assert isinstance(secret, Secret)
    assert secret == "s\u00e9cret"
    assert "s\u00e9cret" in {str(secret), secret}
    assert len({"s\u00e9cret", secret}) == 1
    assert secret.encode() == b"s\xc3\xa9cret"
    assert f"{secret}{secret[:1]}" == "s\u00e9crets"
    assert repr(secret) == ascii(secret) == f"{secret!r}" == "'******'"
    assert repr({"password": [secret]}) == "{'password': ['******']}"
    assert repr(pickle.loads(pickle.dumps(secret))) == "'******'"
    assert str(KeyError(secret)) == "'******'"
    for line in (b"PASS ", b"USER ann", b"PASV x"):
        assert type(Command.parse(line).argument) is str


def test_repr_without_a_secret() -> None:
    """The repr of a command without a secret looks like the call that made it."""
    assert repr(Command("USER", "ann")) == "Command(verb='USER', argument='ann')"


def test_commands_are_values() -> None:
    """Commands compare and hash by value, and are immutable."""
    command = Command("USER", "ann")
    assert {command} == {Command("USER", "ann")}
    with pytest.raises(AttributeError):
        command.verb = "QUIT"  # type: ignore[misc]


@table(
    ("line", "encoding", "data", "verb"),
    [
        ("NOOP", "utf-8", b"NOOP\r\n", "NOOP"),
        ("PASS ", "utf-8", b"PASS \r\n", "PASS"),
        (" site  X ", "utf-8", b" site  X \r\n", "SITE"),
        ("CWD ü", "latin-1", b"CWD \xfc\r\n", "CWD"),
        ("CWD \udcff", "utf-8", b"CWD \xff\r\n", "CWD"),
        ("a\tb\x1b", "utf-8", b"a\tb\x1b\r\n", "A"),
        ("\x1b[1m", "utf-8", b"\x1b[1m\r\n", "\\x1b[1M"),
        ("", "utf-8", b"\r\n", ""),
    ],
)
def test_lines_are_rendered_as_they_are(line: str, encoding: str, data: bytes, verb: str) -> None:
    """Case and spaces stay, and escaped bytes are restored; the verb is printable."""
    assert render_line(line, encoding) == data
    assert verb_of(line) == verb


@table("line", ["CWD a\rb", "CWD a\nDELE secret", "CWD \0", "CWD \u0416"])
def test_lines_that_cannot_be_sent_are_refused(line: str) -> None:
    """The error about a line break or a character without encoding names the verb and no other part of the line."""
    with pytest.raises(InvalidCommand, match="CWD") as caught:
        render_line(line, "latin-1")
    assert "secret" not in str(caught.value)
