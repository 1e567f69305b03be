"""Which recorded step answers a command: playbooks without a server."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from ftpfixture import ReplayError
from ftpfixture.recording.format import Reply
from ftpfixture.recording.steps import Step
from ftpfixture.recording.tape import CREDENTIALS, Playback, Tape
from tests.support.recordings import LOGIN, recorded
from tests.support.rows import table

FEED = """
> EPSV opens passive
< 229 Entering Extended Passive Mode (|||{port}|)
> RETR /out/a.csv
< 150 Opening
= down a,b\\n eof
< 226 Done
> QUIT
< 221 Bye
* closed server
"""


def codes(step: Step) -> str:
    """The codes of the replies of a step."""
    return " ".join(line.content()[:3].decode() for line in step.lines if isinstance(line, Reply))


def play(playback: Playback, *commands: str) -> list[str]:
    """The codes that answer each command."""
    played = []
    for command in commands:
        verb, _, argument = command.partition(" ")
        played.append(codes(playback.command(verb, argument)))
    return played


def missed(playback: Playback, command: str) -> str:
    """Return the error for a command."""
    with pytest.raises(ReplayError) as caught:
        play(playback, command)
    return str(caught.value)


def logged_in(tape: Tape) -> Playback:
    """Return a connection whose login is played."""
    playback = tape.connect()
    assert codes(playback.beginning) == "220"
    assert play(playback, "USER ann", "PASS secret") == ["331", "230"]
    return playback


def test_a_session_is_played_in_sequence() -> None:
    """Each command gets the lines up to the next one; the credentials of a client replace their placeholders."""
    tape = Tape(recorded(LOGIN + FEED))
    playback = tape.connect()

    assert codes(playback.beginning) == "220"
    assert CREDENTIALS.items() <= playback.values.items()
    answers = ["331", "230", "229", "150 226", "221"]
    assert play(playback, "USER ann", "PASS a b", "EPSV", "RETR /out/a.csv", "QUIT") == answers
    assert {**CREDENTIALS, "user": "ann", "password": "a b"}.items() <= playback.values.items()
    playback.close()
    assert tape.unplayed() == []


def test_all_sessions_have_one_date() -> None:
    """That of the first session, until the tape is rewound."""
    tape = Tape(recorded(LOGIN, LOGIN))
    first, second = tape.connect(0.0), tape.connect(1e9)
    assert [playback.values["date_utc"] for playback in (first, second)] == ["19700101000000"] * 2
    first.close()
    second.close()
    tape.rewind()
    assert tape.connect(1e9).values["date_utc"] == "20010909014640"


@table(
    ("recorded_as", "sent", "answer"),
    [
        ("EPSV opens passive", "PASV", True),
        ("EPSV opens passive", "EPSV 1", True),
        ("EPSV opens passive", "EPRT |1|127.0.0.1|99|", True),
        ("EPSV opens passive", "EPSV ALL", False),
        ("EPSV opens passive", "LIST", False),
        ("EPSV ALL", "EPSV ALL", True),
        ("EPSV ALL", "EPSV", False),
        ("PORT {address} opens active", "EPSV", True),
        ("PORT {address} opens active", "PORT 127,0,0,1,9,9", True),
        ("PASS {password}", "PASS", True),
        ("USER {user}", "USER a b", True),
        ("USER {user}@{host}", "USER ann@ftp.example.com", True),
        ("USER {user}@{host}", "USER ann", False),
        ("CWD /home/{user}/in", "CWD /home/ann/in", True),
        ("CWD /home/{user}/in", "CWD /home/ann/out", False),
        ("SITE {user} {user}", "SITE a a", True),
        ("SITE {user} {user}", "SITE a b", False),
        ("STOR {{user}}", "STOR {user}", True),
        ("STOR {{user}}", "STOR ann", False),
        ("stor a", "STOR a", True),
        ("RETR a", "RETR A", False),
        ("RETR a", "RETR a ", False),
        ("PWD", "PWD x", False),
    ],
)
def test_what_fits(recorded_as: str, sent: str, answer: bool) -> None:
    """Everything but placeholders and the address of a data connection must be as recorded."""
    reply = "229 (|||{port}|)" if "passive" in recorded_as else "200 OK"
    playback = Tape(recorded(f"< 220 Hi\n> {recorded_as}\n< {reply}")).connect()
    if answer:
        assert play(playback, sent) == [reply[:3]]
    else:
        assert f"{sent} was not recorded here" in missed(playback, sent)


def test_a_refused_command_opens_nothing() -> None:
    """An EPSV that the server refused is an ordinary command, and so is EPSV ALL."""
    tape = Tape(recorded("< 220 Hi\n> EPSV opens passive\n< 500 ?\n> PASV opens passive\n< 227 ({address})"))
    playback = tape.connect()

    assert "goes on with EPSV (line 4)" in missed(playback, "PASV")
    assert play(playback, "EPSV", "EPSV") == ["500", "227"]
    playback = Tape(recorded("< 220 Hi\n> EPSV ALL opens passive\n< 200 OK")).connect()
    assert "goes on with EPSV ALL (line 4)" in missed(playback, "EPSV")
    assert play(playback, "EPSV ALL") == ["200"]


def test_what_happens_before_the_next_command_belongs_to_the_one_before() -> None:
    """A data connection that ABOR ended is that of the RETR, and ends where it was recorded."""
    tape = Tape(recorded("< 220 Hi\n> RETR a\n< 150 Go\n> ABOR\n= down abc rst\n< 426 Cut\n< 226 Aborted"))
    playback = tape.connect()
    retr, abor = playback.command("RETR", "a"), playback.command("ABOR", "")

    assert (codes(retr), codes(abor)) == ("150", "426 226")
    assert retr.data is not None
    assert (retr.data.text, abor.data) == ("abc", None)
    assert abor.lines[0] == retr.data


def test_a_transfer_without_a_preliminary_reply_has_its_data() -> None:
    """The data connection belongs to the last command."""
    playback = Tape(
        recorded("< 220 Hi\n> RETR a\n< 150 Go\n= down a eof\n< 226 .\n> LIST\n= down b eof\n< 226 .")
    ).connect()

    assert [step.data and step.data.text for step in (playback.command("RETR", "a"), playback.command("LIST", ""))] == [
        "a",
        "b",
    ]


LOOSE = """
> PWD
< 257 "/" one
> CWD a
< 250 OK
> NOOP
< 200 Still here
> PWD
< 257 "/a" two
> RETR b
< 150 Go
> NOOP
= down abc eof
< 226 Done
< 200 Late
> DELE b
< 250 Gone
"""


@table(
    ("commands", "answers"),
    [
        (["CWD a", "RETR b", "DELE b"], ["OK", "Go Done", "Gone"]),
        (
            ["NOOP", "PWD", "CWD a", "PWD", "RETR b", "DELE b", "PWD"],
            ["Still", '"/"', "OK", '"/a"', "Go Done", "Gone", '"/a"'],
        ),
        (["PWD", "PWD", "CWD a", "RETR b", "NOOP", "DELE b"], ['"/"', '"/"', "OK", "Go Done", "Late", "Gone"]),
    ],
)
def test_loose_commands(commands: list[str], answers: list[str]) -> None:
    """A client may send them any number of times; the reply is the nearest earlier one."""
    tape = Tape(recorded(LOGIN + LOOSE, loose=("NOOP", "PWD")))
    playback = logged_in(tape)

    for command, answer in zip(commands, answers, strict=True):
        verb, _, argument = command.partition(" ")
        lines = [line for line in playback.command(verb, argument).lines if isinstance(line, Reply)]
        assert " ".join(line.content().decode().split()[1] for line in lines) == answer
    playback.close()
    assert tape.unplayed() == []


def test_loose_commands_that_were_never_recorded() -> None:
    """NOOP and QUIT have a default reply; others have none."""
    playback = Tape(recorded("< 220 Hi\n> CWD a\n< 250 OK", loose=("noop", "FEAT"))).connect()

    assert play(playback, "NOOP", "QUIT") == ["200", "221"]
    assert "FEAT is loose, but this one was never recorded, so there is no reply to send" in missed(playback, "FEAT")


def test_loose_is_the_setting_of_the_recording() -> None:
    """Without the setting a NOOP is an ordinary command."""
    playback = Tape(recorded("< 220 Hi\n> NOOP\n< 200 OK\n> CWD a\n< 250 OK")).connect()

    assert "goes on with NOOP" in missed(playback, "CWD a")


def test_a_loose_command_that_ended_the_session() -> None:
    """A command that ended the session is a step."""
    tape = Tape(recorded("< 220 Hi\n> NOOP\n< 421 Bye\n* closed server", loose=("NOOP",)))
    playback = tape.connect()

    assert tape.unplayed() == ["session 1 ended before NOOP (line 4)"]
    assert play(playback, "NOOP") == ["421"]


# Sessions.

UPLOAD, DOWNLOAD = f"{LOGIN}> STOR a\n< 550 No\n> QUIT\n< 221 Bye", f"{LOGIN}> RETR b\n< 550 No"


def test_sessions_are_played_again() -> None:
    """When all are played, the next client plays the first one, and not all are needed another time, but whole ones."""
    tape = Tape(recorded(DOWNLOAD, UPLOAD), repeats=True)
    playing = logged_in(tape)
    assert tape.unplayed()[1] == "no client connected for session 2, which begins with USER {user} (line 13)"
    assert play(playing, "RETR b") == ["550"]
    playing.close()
    playing = logged_in(tape)
    assert play(playing, "STOR a", "QUIT") == ["550", "221"]
    again = logged_in(tape)  # while the second client is still connected
    playing.close()
    assert tape.unplayed() == ["session 1 ended before RETR b (line 8)"]
    assert play(again, "RETR b") == ["550"]
    again.close()
    assert tape.unplayed() == []

    tape.rewind()
    assert len(tape.unplayed()) == 2


def test_sessions_are_assigned_late() -> None:
    """A client that downloads first, although the upload was recorded first, is right: both began in the same way."""
    tape = Tape(recorded(UPLOAD, DOWNLOAD))
    first = logged_in(tape)
    assert play(first, "RETR b") == ["550"]
    first.close()
    second = logged_in(tape)
    assert play(second, "STOR a", "QUIT") == ["550", "221"]
    second.close()

    assert tape.unplayed() == []
    with pytest.raises(ReplayError, match="the client connected once more than was recorded: 2 sessions"):
        tape.connect()
    tape.rewind()
    assert play(logged_in(tape), "RETR b") == ["550"]


def test_sessions_at_the_same_time_are_exchanged() -> None:
    """Both have played the same steps, so each may go on with either session."""
    tape = Tape(recorded(UPLOAD, DOWNLOAD))
    first, second = logged_in(tape), tape.connect()

    assert play(first, "RETR b") == ["550"]
    assert play(second, "USER x", "PASS x", "STOR a") == ["331", "230", "550"]


def test_different_sessions_are_not_exchanged() -> None:
    """A session with another greeting, or one that has gone on, is not exchanged."""
    tape = Tape(recorded(UPLOAD, DOWNLOAD.replace("Hello", "Hi")))
    assert "goes on with STOR a" in missed(logged_in(tape), "RETR b")

    tape = Tape(recorded(UPLOAD, DOWNLOAD))
    first, second = logged_in(tape), logged_in(tape)
    play(first, "STOR a")
    assert "the same command, at another place" in missed(second, "STOR a")


def test_a_client_that_only_connects() -> None:
    """A connection without a command plays nothing, unless that was recorded."""
    tape = Tape(recorded(DOWNLOAD, "< 220 Hello"))
    tape.connect().close()
    assert tape.unplayed() == ["no client connected for session 1, which begins with USER {user} (line 4)"]
    playback = logged_in(tape)
    play(playback, "RETR b")
    playback.close()
    assert tape.unplayed() == []

    tape = Tape(recorded(DOWNLOAD))
    tape.connect().close()
    assert play(logged_in(tape), "RETR b") == ["550"]


@table(
    ("commands", "text"),
    [
        ([], ["session 1 ended before USER {user} (line 4) and 2 more"]),
        (["USER a", "PASS b"], ["session 1 ended before STOR a (line 8)"]),
        (["USER a", "PASS b", "STOR a"], []),
    ],
)
def test_what_was_not_played(commands: list[str], text: list[str]) -> None:
    """Each session with the command that should have come; QUIT may be missing."""
    tape = Tape(recorded(UPLOAD))
    assert tape.unplayed() == ["no client connected for session 1, which begins with USER {user} (line 4)"]
    play(tape.connect(), *commands)
    assert tape.unplayed() == text


# Misses.


@table(
    ("sent", "lines"),
    [
        (
            "RETR /out/b.csv",
            [
                "RETR /out/b.csv was not recorded here: session 1 of the recording goes on with EPSV (line 8)",
                "nearest: RETR /out/a.csv (line 10): the argument is '/out/b.csv', recorded '/out/a.csv'",
            ],
        ),
        (
            "RETR /out/a.csv",
            ["nearest: RETR /out/a.csv (line 10): the same command, at another place"],
        ),
        (
            "XYZZ",
            ["XYZZ was not recorded here", "nearest: ", "the verb is XYZZ, recorded "],
        ),
        ("PASS hidden", ["PASS ****** was not recorded here", "nearest: PASS {password} (line 6): the same command"]),
    ],
)
def test_a_miss(sent: str, lines: Iterable[str]) -> None:
    """The command that was due, the nearest of all, and every field that differs; no secret."""
    text = missed(logged_in(Tape(recorded(LOGIN + FEED))), sent)
    for line in lines:
        assert line in text
    assert text.endswith("record again if the client is right")


def test_a_miss_where_both_differ() -> None:
    """The text has all fields."""
    playback = Tape(recorded("< 220 Hi\n> SIZE a\n< 213 5")).connect()
    assert "nearest: SIZE a (line 4): the verb is MDTM, recorded SIZE; the argument is 'b', recorded 'a'" in missed(
        playback, "MDTM b"
    )


def test_a_miss_at_the_end() -> None:
    """The text reports that the session has no more commands."""
    playback = Tape(recorded("< 220 Hi")).connect()
    assert "session 1 of the recording has no more commands" in missed(playback, "MDTM b")


def test_all_verbs() -> None:
    """The verbs of loose commands are among them."""
    assert Tape(recorded("< 220 Hi\n> noop\n< 200 OK\n> XSHA a\n< 250 b", loose=("NOOP",))).verbs == {"NOOP", "XSHA"}
