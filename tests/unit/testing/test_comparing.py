"""Why files, transcripts and logs are not equal."""

from __future__ import annotations

from ftpfixture import FtpServer
from ftpfixture.testing.comparing import compared
from tests.support.raw import RawClient
from tests.support.rows import table
from tests.support.story import Story

LONG = b"line\n" * 100


def test_files_that_differ() -> None:
    """Each path that differs is listed, with what only one side has and the first byte that differs."""
    with FtpServer(files={"/same": b"1", "/more": b"12", "/text": LONG + b"here" + LONG}) as server:
        expected = {"/same": b"1", "/less": b"123", "/text": LONG + b"HERE" + LONG}

        assert compared(server.files, expected) == [
            "files == files (the server has 3, expected 3)",
            "/less: only expected it: 3 bytes",
            "/more: only the server has it: 2 bytes",
            "/text: differs",
            "    from byte 500 on, which is in line 101",
            r"    the server has ...b'line\nline\nline\nline\nhereline\nline\nline\nl'... (1004 bytes)",
            r"    expected       ...b'line\nline\nline\nline\nHEREline\nline\nline\nl'... (1004 bytes)",
        ]
        explained = compared(expected, server.files)
        assert explained is not None
        assert explained[1:3] == ["/less: only expected it: 3 bytes", "/more: only the server has it: 2 bytes"]


@table(
    ("content", "lines"),
    [
        (
            b"",
            [
                "    from byte 0 on, which is in line 1",
                "    the server has b'hi' (2 bytes)",
                "    expected       b'' (0 bytes)",
            ],
        ),
        ("hi", ["    files hold bytes, not str: use b'...'"]),
    ],
)
def test_contents_that_differ(content: object, lines: list[str]) -> None:
    """Content that is shorter differs after its end; text is no content."""
    with FtpServer(files={"/a": b"hi"}) as server:
        explained = compared(server.files, {"/a": content})

    assert explained is not None
    assert explained[1:] == ["/a: differs", *lines]


def test_many_files_that_differ() -> None:
    """After twenty paths the others are counted."""
    with FtpServer() as server:
        explained = compared(server.files, {f"/{number}": b"" for number in range(50)})

    assert explained is not None
    assert len(explained) == 22
    assert explained[-1] == "... and 30 more paths that differ"


def test_transcripts_that_differ() -> None:
    """The lines that differ are shown without their times; pytest explains other texts."""
    story = Story()
    story.connect()
    one = story.log.transcript()
    story.say("NOOP", "200")
    two = story.log.transcript()

    explained = compared(one, two)

    assert explained is not None
    assert explained[0] == "transcript == transcript (without the times)"
    assert explained[-2:] == ["+    > NOOP", "+    < 200 ok"]
    later = compared(one, one.replace("0.250", "7.250"))
    assert later == [
        "transcript == transcript",
        "only the times differ: compare log.commands, or use assert_sequence(...)",
    ]
    assert compared("session", "sessions") is None


def test_logs_that_differ() -> None:
    """A log equals itself only; the explanation shows what differs, or what to compare."""
    with FtpServer() as one, FtpServer() as two, RawClient(two.address) as client:
        client.login().code("QUIT")
        two.wait_idle()
        logs = compared(one.log, two.log)
        listed = compared(one.log, ["USER"])

    assert logs is not None
    assert logs[0] == "a log equals only itself; the dialogues:"
    assert listed is not None
    assert "log.assert_exactly([...])" in listed[1]


def test_other_objects_are_left_to_pytest() -> None:
    """There is no explanation of objects that pytest explains."""
    assert compared({"/a": b""}, {"/b": b""}) is None
    assert compared(1, 2) is None
