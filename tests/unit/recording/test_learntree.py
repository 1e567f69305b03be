"""The files of a recorded server before its clients changed them."""

from __future__ import annotations

from typing import Any

from ftpfixture.files.stored import Stored
from ftpfixture.recording.asked import asked_of
from ftpfixture.recording.format import Data, body_of
from ftpfixture.recording.learntree import Tree, tree_of
from ftpfixture.recording.tape import CREDENTIALS
from ftpfixture.recording.volatile import date_values
from tests.support.recordings import LOGIN, recorded
from tests.support.rows import table

NOW = 1_767_225_600.0  # 2026-01-01
Y2K = 946_684_800.0


def learnt(*sessions: Any) -> Tree:
    """The tree of some sessions."""
    recording = recorded(*sessions)
    values = {**CREDENTIALS, **date_values(NOW)}
    return tree_of(recording, asked_of(recording, values), values, NOW)


def transfer(command: str, row: str) -> str:
    """A complete transfer."""
    return f"> EPSV opens passive\n< 229 (|||{{port}}|)\n> {command}\n< 150 Go\n= {row}\n< 226 Done\n"


def paths(tree: Tree) -> str:
    """The paths of a tree; directories end in a slash."""
    names = [f"{path}/" if entry.kind == "dir" else path for path, entry in tree.entries.items()]
    return " ".join(sorted(names))


LINE = "-rw-r--r-- 1 ann staff 8 Jan 01 2000"


@table(
    ("dialogue", "found"),
    [
        ("", ""),
        (transfer("LIST", rf"down {LINE} a\r\ndrwxr-xr-x 2 ann staff 0 Jan 01 2000 d\r\n eof"), "/a /d/"),
        (transfer("LIST in", rf"down {LINE} a\r\n eof"), "/in/ /in/a"),
        (transfer("LIST a", rf"down {LINE} a\r\n eof"), "/a"),
        ("> CWD a\n< 250 Yes\n> CDUP\n< 250 Yes\n" + transfer("LIST a", rf"down {LINE} a\r\n eof"), "/a/ /a/a"),
        (transfer("LIST in/*.x", rf"down {LINE} in/a.x\r\n eof").replace("in/a.x", "a.x"), "/in/ /in/a.x"),
        (transfer("LIST -R", rf"down .:\r\n{LINE} a\r\n\r\n./d:\r\n{LINE} b\r\n eof"), "/a /d/ /d/b"),
        (transfer("MLSD", r"down type=cdir; .\r\ntype=file;size=1; a\r\ntype=dir; b\r\n eof"), "/a /b/"),
        ("> MLST in/a\n< 250-Here\n<  type=file;size=4; /in/a\n< 250 End", "/in/ /in/a"),
        (transfer("NLST", r"down a\r\nb\r\n..\r\n eof"), "/a /b"),
        (transfer("NLST in", r"down in/a\r\nin/b\r\n eof"), "/in/ /in/a /in/b"),
        (transfer("NLST a", r"down a\r\n eof"), "/a"),
        (transfer("RETR in/a", "down x eof"), "/in/ /in/a"),
        ("> SIZE in/a\n< 213 5", "/in/ /in/a"),
        ("> SIZE a\n< 550 No", ""),
        ("> CWD in\n< 250 Yes", "/in/"),
        ("> DELE a\n< 250 Yes\n> RMD d\n< 250 Yes", "/a /d/"),
        ("> MKD d\n< 257 Yes\n> CWD d\n< 250 Yes\n" + transfer("STOR a", "up x eof"), ""),
        ("> MKD d\n< 550 d: File exists", "/d/"),
        ("> MKD d\n< 550 Permission denied", ""),
        (transfer("STOR in/a", "up x eof") + transfer("NLST in", r"down a\r\nb\r\n eof"), "/in/ /in/b"),
        (transfer("STOR a", "up x eof") + "> SIZE a\n< 213 1\n> DELE a\n< 250 Yes", ""),
        ("> RNFR a\n< 350 Yes\n> RNTO b\n< 250 Yes\n> SIZE b\n< 213 9", "/a"),
        ("> RNFR a\n< 350 Yes\n> RNTO b\n< 553 No\n> SIZE b\n< 213 9", "/a /b"),
        ("> RNFR d\n< 350 Yes\n> RNTO e/f\n< 250 Yes\n> SIZE e/f/x\n< 213 9", "/d/ /d/x /e/"),
        (transfer("STOR up", "up x eof") + "> RNFR up\n< 350 Yes\n> RNTO b\n< 250 Yes\n> SIZE b\n< 213 9", ""),
    ],
)
def test_a_path_is_there_for_a_reason(dialogue: str, found: str) -> None:
    """What was seen is there, and what a client made itself is not."""
    assert paths(learnt(LOGIN + dialogue)) == found


@table(
    ("dialogue", "entry"),
    [
        ("> SIZE a\n< 213 3", Stored(size=3)),
        ("> MDTM a\n< 213 20000101000000", Stored(modified=Y2K)),
        ("> MDTM a\n< 213 {date_utc}", Stored()),
        (transfer("RETR a", "down abc eof"), Stored(content=((0, b"abc"),), size=3)),
        (
            transfer("RETR a", "down ab rst").replace("226", "426") + "> SIZE a\n< 213 4",
            Stored(content=((0, b"ab"),), size=4),
        ),
        (
            "> REST 2\n< 350 Yes\n" + transfer("STOR a", "up cd eof"),
            Stored(size=2),
        ),
        (
            transfer("LIST", rf"down {LINE} a\r\n eof"),
            Stored(size=8, modified=Y2K, mode=0o644, owner="ann", group="staff"),
        ),
        (
            transfer("MLSD", r"down type=file;size=1;modify=20000101000000;unix.mode=0600; a\r\n eof"),
            Stored(size=1, modified=Y2K, mode=0o600),
        ),
        (
            "> MDTM a\n< 213 20000101000001\n" + transfer("LIST", rf"down {LINE} a\r\n eof"),  # exact times count
            Stored(size=8, modified=Y2K + 1, mode=0o644, owner="ann", group="staff"),
        ),
        (
            transfer("LIST", r"down lrwxrwxrwx 1 ann staff 1 Jan 01 2000 a -> in/b\r\n eof"),
            Stored("link", target="in/b"),
        ),
        (
            transfer("LIST", r"down lrwxrwxrwx 1 ann staff 1 Jan 01 2000 a -> in/b\r\n eof")
            + transfer("RETR a", "down xyz eof"),
            Stored(content=((0, b"xyz"),), size=3),
        ),
    ],
)
def test_what_is_known_of_a_file(dialogue: str, entry: Stored) -> None:
    """Size, time, content and attributes come from whatever command showed them."""
    assert learnt(LOGIN + dialogue).entries["/a"] == entry


def test_contents_of_several_transfers_are_put_together() -> None:
    """A resumed download gives the rest, and the longest of one offset counts; TYPE A is translated."""
    resumed = Data(session=1, direction="down", number=3, type="I", offset=4, end="eof", **body_of(b"efgh"))
    text = Data(session=1, direction="down", number=1, type="A", end="eof", **body_of(b"x\r\ny\r\n"))
    first = transfer("RETR a", "down abcdef rst").replace("226 Done", "426 Lost")
    second = transfer("RETR a", "down abc rst").replace("226 Done", "426 Lost")
    third, last = transfer("RETR a", "?").split("= ?\n")
    fourth = transfer("RETR t", "?").split("= ?\n")[0].strip()

    tree = learnt([*f"{LOGIN}{first}{second}{third}".strip().split("\n"), resumed, *last.strip().split("\n")])
    texts = learnt([*f"{LOGIN}{fourth}".strip().split("\n"), text, "< 226 Done"])

    assert tree.entries["/a"] == Stored(content=((0, b"abcdef"), (4, b"efgh")), size=8)
    assert texts.entries["/t"] == Stored(content=((0, b"x\ny\n"),))


def test_changes_of_one_session_are_known_in_the_next() -> None:
    """All sessions were with one server."""
    tree = learnt(LOGIN + transfer("STOR a", "up x eof"), LOGIN + transfer("NLST", r"down a\r\nb\r\n eof"))

    assert paths(tree) == "/b"


def test_lines_that_are_not_understood_are_told() -> None:
    """They are no files, and nothing that is lost in silence."""
    tree = learnt(LOGIN + transfer("LIST", rf"down {LINE} a\r\nwhat is this\r\n eof"))

    assert paths(tree) == "/a"
    assert [line.partition(":")[0] for line in tree.unread] == ["what is this"]


def test_directories_come_last() -> None:
    """Their times are set after the files in them are stored, those in front of them later."""
    tree = learnt(LOGIN + transfer("RETR x/y/a", "down a eof") + transfer("RETR b", "down b eof"))

    assert [*tree.entries] == ["/x/y/a", "/b", "/x/y", "/x"]
