"""The dialogue as text."""

from __future__ import annotations

import pytest

from ftpfixture.log.events import HandlerFailed
from tests.support.story import Story, payload_of


def test_transcript_of_one_session(story: Story) -> None:
    """With a number the text has only that session; without, all of them one after another."""
    story.connect(1)
    story.connect(2)
    story.say("NOOP", "200", session=2)
    story.say("PWD", "257", session=1)

    assert [line[10:] for line in story.log.transcript(2).splitlines()[1:]] == [
        "* connected from 127.0.0.1:50001",
        "> NOOP",
        "< 200 ok",
    ]
    assert [line for line in story.log.transcript().splitlines() if line.startswith("session")] == [
        "session 1",
        "session 2",
    ]


def test_transcript_of_an_unknown_session(story: Story) -> None:
    """The text reports that no client connected."""
    story.connect(1)

    assert story.log.transcript(7) == "(no client connected)"


@pytest.mark.parametrize("verb", ["PASS", "pass", "ACCT"])
def test_no_text_of_the_log_shows_a_password(story: Story, verb: str) -> None:
    """Transcript, records and events show a password as stars, one for each character."""
    story.connect()
    story.say(f"{verb} secret", "503")

    texts = [story.log.transcript(), repr(story.log.commands), str(story.log.commands[0]), repr(story.log.events)]

    assert not [text for text in texts if "secret" in text]
    assert f"> {verb} ******" in texts[0]


def test_transcript_makes_control_characters_visible(story: Story) -> None:
    """Characters that would break the lines of a report are escaped."""
    story.connect()
    story.say("CWD a\nb\x1b[31m\udcff", "550")

    assert r"> CWD a\nb\x1b[31m\udcff" in story.log.transcript()


def test_transcript_has_faults(story: Story) -> None:
    """A fault has its line at its begin, after its command; control characters are escaped."""
    story.connect()
    number = story.command("NOOP")
    story.spoil("NOOP: answer 200 'a\x1b[31m'", to=number)
    story.withhold(to=number)

    lines = [line[10:] for line in story.log.transcript().splitlines()[2:]]

    assert lines == ["> NOOP", r"! NOOP: answer 200 'a\x1b[31m'"]


def test_transcript_has_transfers(story: Story) -> None:
    """A data connection has lines with begin, offset, size and end, and the reason of an abort."""
    story.connect()
    number = story.command("RETR /a.bin")
    story.open(number, offset=100)
    story.shut(number, payload_of(b"abc"), completed=False, error="timed out")
    story.reply("426", to=number)

    lines = [line[10:] for line in story.log.transcript().splitlines()]

    assert "= passive download of /a.bin from byte 100" in lines
    assert "= 3 bytes, aborted: timed out" in lines


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("no such table"), "* LIST raised ValueError: no such table"),
        (ValueError("two\nlines"), "* LIST raised ValueError: two ..."),
        (KeyError(), "* LIST raised KeyError: "),
    ],
)
def test_an_exception_is_one_line(story: Story, error: Exception, line: str) -> None:
    """The message of the failure has all lines; the transcript has the first."""
    story.connect()
    story.hub.emit(HandlerFailed(*story.hub.stamp(1), "LIST", error))

    assert story.log.transcript().splitlines()[-1].endswith(line)
