"""The commands of a recording with their replies."""

from __future__ import annotations

from pathlib import PurePosixPath

from ftpfixture.recording.asked import Asked, Spoken, asked_of
from ftpfixture.recording.tape import CREDENTIALS
from tests.support.recordings import LOGIN, recorded


def asked(session: str, loose: tuple[str, ...] = ()) -> list[Asked]:
    """The commands of one session, without its beginning."""
    return asked_of(recorded(session, loose=loose), CREDENTIALS)[0][1:]


def test_the_state_of_a_session_at_each_command() -> None:
    """The working directory is that of PWD, and follows CWD and CDUP that succeed; loose commands are no exception."""
    text = """
> CWD in
< 250 Yes
> TYPE I
< 200 Yes
> CWD nowhere
< 550 No
> REST 7
< 350 Yes
> EPSV opens passive
< 229 (|||{port}|)
> RETR a
< 150 Go
= down x eof
< 226 Done
> CDUP
< 250 Yes
> PWD
< 257 "/home/ann ""A"" b" is it
"""
    login = '> USER {user}\n< 331 Yes\n> PASS {password}\n< 230 Yes\n> PWD\n< 257 "/home"'
    first, *others = asked(login + text, loose=("TYPE",))

    assert (first.argument, first.user, first.directory) == ("user", "", PurePosixPath("/home"))
    found = [(each.verb, str(each.directory), str(each.directory_after), each.ascii, each.offset) for each in others]
    assert found == [
        ("PASS", "/home", "/home", True, 0),
        ("PWD", "/home", "/home", True, 0),
        ("CWD", "/home", "/home/in", True, 0),
        ("TYPE", "/home/in", "/home/in", True, 0),
        ("CWD", "/home/in", "/home/in", False, 0),
        ("REST", "/home/in", "/home/in", False, 0),
        ("EPSV", "/home/in", "/home/in", False, 7),
        ("RETR", "/home/in", "/home/in", False, 7),
        ("CDUP", "/home/in", "/home", False, 0),
        ("PWD", "/home", '/home/ann "A" b', False, 0),
    ]
    assert others[7].data is not None
    assert others[7].path == PurePosixPath("/home/in/a")
    assert {each.user for each in others} == {"user"}
    assert {each.password for each in others[1:]} == {"password"}


def test_replies_belong_to_their_commands() -> None:
    """The 426 of a transfer that ABOR stops is no reply to ABOR."""
    text = """
> EPSV opens passive
< 229 (|||{port}|)
> RETR a
< 150 Go
> NOOP
< 200 Yes
> ABOR
= down x rst
< 426 Aborted
< 226 Aborted, too
> STAT
< 211-First
<   indented
<  once
< 211 Last
> HELP
< 214-One
< 214-Two
< 214 Three
"""
    found = {each.verb: each.replies for each in asked(LOGIN + text)}

    assert found["RETR"] == [Spoken("150", ("Go",)), Spoken("426", ("Aborted",))]
    assert found["NOOP"] == [Spoken("200", ("Yes",))]
    assert found["ABOR"] == [Spoken("226", ("Aborted, too",))]
    assert found["STAT"] == [Spoken("211", ("First", " indented", "once", "Last"), listing=True)]
    assert found["HELP"] == [Spoken("214", ("One", "Two", "Three"))]
