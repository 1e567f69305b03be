"""Recordings that cannot be played are errors with the reason."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ftpfixture import ConfigurationError
from ftpfixture.recording.format import Command, Reply
from ftpfixture.recording.steps import tracks_of
from tests.support.recordings import recorded
from tests.support.rows import table


@table(
    ("session", "loose", "text"),
    [
        ("< 220 Hi", ("RETR",), "recording, line 1: RETR cannot be loose, because later commands depend on it"),
        ("< 220 Hi", ("NOOP", "user"), "recording, line 1: USER cannot be loose"),
        (
            "< 220 Hi\n> PASV opens passive\n< 227 (127,0,0,1,9,9)",
            (),
            "recording, line 4: the reply to PASV names a port of the recorded server, where nothing listens now: "
            "write {address} in place of h1,h2,h3,h4,p1,p2",
        ),
        ("< 220 Hi\n> EPSV opens passive\n< 229 (|||{{port}}|)", (), "write {port} in place of the port"),
        ("> PASV opens passive\n< 227 ({port})", (), "write {address} in place of"),
        ("= down a eof", (), "recording, line 3: no command has this data connection"),
        (
            "> RETR a\n= down a eof\n= down b eof\n< 226 Done",
            (),
            "recording, line 5: no command has this data connection",
        ),
    ],
)
def test_what_cannot_be_played(session: str, loose: tuple[str, ...], text: str) -> None:
    """The error has the line, and what to write."""
    with pytest.raises(ConfigurationError, match=re.escape(text)):
        tracks_of(recorded(session, loose=loose))


def test_bytes_that_are_not_utf8() -> None:
    """Commands and replies keep them."""
    session: list[Any] = ["< 220 Hi", Command(session=1, raw=b"CWD \xff"), Reply(session=1, raw=b"250 \xff\r\n")]
    [track] = tracks_of(recorded(session))
    step = track.steps[1]

    assert (step.verb, step.argument, str(step)) == ("CWD", "\udcff", "CWD \\udcff")
    assert step.match("CWD", "\udcff") == {}
    assert step.match("CWD", "\udcfe") is None


def test_sessions_that_were_mixed() -> None:
    """Each has its own lines, with the numbers that they have in the file."""
    whole = recorded("< 220 Hi\n> CWD a\n< 250 OK", "< 220 Hi\n> CWD b\n< 250 OK")
    mixed = [whole.lines[index] for index in (0, 5, 1, 6, 7, 2, 8, 3, 9, 4)]
    tracks = tracks_of(type(whole)(whole.header, tuple(mixed), {}))

    assert [[(str(step), step.number) for step in track.steps[1:]] for track in tracks] == [
        [("CWD a", 7)],
        [("CWD b", 6)],
    ]
    assert tracks[0].steps[0] == tracks[1].steps[0]


@table(
    ("session", "whole"),
    [
        ("> RETR a\n< 150 Go\n= down a eof\n< 226 Done", True),
        ("> RETR a\n< 150 Go\n< 226 Early\n= down a eof", True),
        ("> RETR a\n< 150 Go\n> STAT\n< 213 Half\n= down a eof\n< 226 Done", True),
        ("> RETR a\n< 150 Go\n= down a rst\n< 426 Cut", False),
        ("> RETR a\n< 150 Go\n> ABOR\n= down a eof\n< 426 Cut\n< 226 OK", False),
        ("> RETR a\n< 150 Go\n= down a eof", False),
    ],
)
def test_whole_transfers(session: str, whole: bool) -> None:
    """A transfer is whole if a 2xx reply reports it, in its own step or a later one."""
    [track] = tracks_of(recorded(session))
    assert track.steps[1].whole is whole
