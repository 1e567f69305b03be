"""Lines of a recording as text for readers."""

from __future__ import annotations

from typing import Any

from ftpfixture.recording.format import Command, Data, Note, Reply, body_of
from ftpfixture.recording.texts import command_text, data_text, note_text, reply_code, reply_texts, verb_of
from tests.support.rows import table


@table(
    ("line", "verb", "text"),
    [
        (b"noop", "NOOP", "noop"),
        (b"USER {user}", "USER", "USER {user}"),
        (b"PASS {password}", "PASS", "PASS {password}"),
        (b"PASS secret", "PASS", "PASS ******"),
        (b"ACCT {account}x", "ACCT", "ACCT **********"),
        (b"CWD {{a}}", "CWD", "CWD {a}"),
        (b"CWD \xff\x00", "CWD", r"CWD \udcff\x00"),
    ],
)
def test_a_command(line: bytes, verb: str, text: str) -> None:
    """Placeholders are shown, passwords in clear and control characters are not."""
    command = Command(session=1, raw=line)
    assert (verb_of(command), command_text(command)) == (verb, text)


@table(
    ("content", "code", "texts"),
    [
        (b"200 OK\r\n", "200", ["200 OK"]),
        (b"211-a\r\n  b {host}\r\n211 c\r\n", "211", ["211-a", "  b {host}", "211 c"]),
        (b"200 \xff\x1b\r\n", "200", [r"200 \xff\x1b"]),
        (b"2 \r\n", "2", ["2 "]),
        (b"", "", [""]),
    ],
)
def test_a_reply(content: bytes, code: str, texts: list[str]) -> None:
    """All lines are shown as sent."""
    reply = Reply(session=1, raw=content)
    assert (reply_code(reply), reply_texts(reply)) == (code, texts)


@table(
    ("values", "text"),
    [
        ({}, "download, TYPE I, 3 bytes"),
        ({"direction": "up", "type": "A", "offset": 5}, "upload from byte 5, TYPE A, 3 bytes"),
        (
            {"mode": "Z", "tls": "TLSv1.3", "end": "no-close-notify"},
            "download, TYPE I, MODE Z, encrypted, closed without close_notify, 3 bytes",
        ),
        ({"end": "rst"}, "download, TYPE I, reset, 3 bytes"),
        ({"end": "half-close"}, "download, TYPE I, half closed, 3 bytes"),
    ],
)
def test_a_data_connection(values: dict[str, Any], text: str) -> None:
    """What it was for, how it ended, and its size."""
    usual = {"session": 1, "direction": "down", "number": 1, "type": "I", "end": "eof", **body_of(b"abc")}
    assert data_text(Data(**{**usual, **values})) == text


@table(
    ("values", "text"),
    [
        ({"what": "connected"}, "connected"),
        ({"what": "tls", "version": "TLSv1.3"}, "control connection encrypted: TLSv1.3"),
        ({"what": "clear"}, "control connection not encrypted"),
        ({"what": "closed", "by": "server", "end": "rst"}, "reset by server"),
        ({"what": "closed", "by": "client", "end": "eof"}, "closed by client"),
        ({"what": "closed"}, "closed"),
    ],
)
def test_a_note(values: dict[str, Any], text: str) -> None:
    """What happened, and by whom."""
    assert note_text(Note(session=1, **values)) == text
