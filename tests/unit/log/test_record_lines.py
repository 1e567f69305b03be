"""Records as lines."""

from __future__ import annotations

from ftpfixture.log.record_lines import command_line, session_line, some, transfer_line
from tests.support.story import Story, payload_of


def test_of_many_lines_the_first_are_shown() -> None:
    """Twelve lines are shown, and the number of the others."""
    assert some(["a", "b"]) == ["    a", "    b"]
    assert some(["a"] * 15) == [*["    a"] * 12, "    and 3 more"]


def test_a_command_as_a_line(story: Story) -> None:
    """It has the time, the code and the session; a password is starred."""
    story.login()

    assert command_line(story.log.commands[1]) == "1.000 PASS ****** -> 230 (session 1)"


def test_a_transfer_as_a_line(story: Story) -> None:
    """It has the file, the offset, and how the transfer ended."""
    story.connect()
    story.transfer("STOR /a", b"ab")
    number = story.command("RETR /b")
    story.open(number, "/b", offset=7)
    stored, running = story.log.transfers
    assert transfer_line(stored) == "0.750 passive upload of /a (STOR): 2 bytes, complete (session 1)"
    assert transfer_line(running).endswith(
        " passive download of /b from byte 7 (RETR): 0 bytes, still running (session 1)"
    )

    story.shut(number, payload_of(), completed=False, error="Connection reset by peer")

    assert "0 bytes, aborted: Connection reset by peer (session 1)" in transfer_line(running)


def test_a_session_as_a_line(story: Story) -> None:
    """It has the user, and how it ended."""
    story.login(1)
    story.connect(2)
    story.disconnect(2, "idle")

    assert [session_line(record) for record in story.log.sessions] == [
        "session 1, user ann, still open",
        "session 2, not logged in, ended: idle",
    ]
