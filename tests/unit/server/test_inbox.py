"""Received commands: read as they arrive, kept until their turn, and limited in number."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ftpfixture.server.dispatch import CommandSpec
from ftpfixture.server.inbox import Inbox
from ftpfixture.wire.command import Command

SPECS = {
    "noop": CommandSpec(("NOOP",), during_transfer=True),
    "abor": CommandSpec(("ABOR",), during_transfer=True, overtakes=True),
    "retr": CommandSpec(("RETR",)),
}


class FakeChannel:
    """Returns what a test makes arrive: bytes, nothing yet, the end, or an error."""

    def __init__(self) -> None:
        self.coming: list[bytes | OSError | None] = []
        self.reading: Callable[[], None] | None = None
        self.watching_end: Callable[[], None] | None = None

    def receive_now(self, size: int) -> bytes | None:
        """See Channel."""
        if not self.coming:
            return None
        piece = self.coming.pop(0)
        if isinstance(piece, OSError):
            raise piece
        return piece

    def watch(self, callback: Callable[[], None]) -> None:
        """See Channel."""
        self.reading = callback

    def watch_end(self, callback: Callable[[], None]) -> None:
        """See Channel."""
        self.watching_end = callback

    def unwatch(self) -> None:
        """See Channel."""
        self.reading = self.watching_end = None


class Desk:
    """An inbox and its calls."""

    def __init__(self) -> None:
        self.channel = FakeChannel()
        self.calls: list[str] = []
        self.inbox = Inbox(self.channel, "utf-8", lambda: self.calls.append("received"), self.calls.append)  # type: ignore[arg-type]

    def receive(self, *pieces: bytes | OSError | None) -> None:
        """Let something arrive, each while the loop watches."""
        for piece in pieces:
            self.channel.coming.append(piece)
            assert self.channel.reading is not None
            self.channel.reading()

    def verbs(self) -> list[str | None]:
        """The verbs that wait."""
        return [command and command.verb for command in self.inbox]


@pytest.fixture
def desk() -> Desk:
    """An inbox that reads."""
    desk = Desk()
    desk.inbox.listen()
    return desk


def test_commands_come_in_order(desk: Desk) -> None:
    """Lines become commands, in pieces or many at once; a line that is too long is None."""
    desk.receive(b"USER an", None, b"n\r\nPASS x\r\nNO", b"OP " + b"x" * 9000, b"\r\nPWD\r\n")

    assert list(desk.inbox) == [Command("USER", "ann"), Command("PASS", "x"), None, Command("PWD", "")]
    assert desk.calls == ["received"] * 4


def test_bytes_that_have_arrived_are_read_at_once() -> None:
    """`listen` does not wait for the loop: TLS may have buffered bytes."""
    desk = Desk()
    desk.channel.coming.append(b"NOOP\r\n")
    desk.inbox.listen()

    assert desk.verbs() == ["NOOP"]


@pytest.mark.parametrize(("piece", "reason"), [(b"", "client closed"), (OSError(), "connection reset")])
def test_the_end_is_reported_with_its_reason(desk: Desk, piece: bytes | OSError, reason: str) -> None:
    """Commands before it stay."""
    desk.receive(b"NOOP\r\n", piece)

    assert (desk.calls, desk.verbs()) == (["received", reason], ["NOOP"])


def test_the_end_is_noticed_without_reading(desk: Desk) -> None:
    """`watch_end` reports it, and after `stop` nothing is reported."""
    desk.inbox.watch_end()
    assert desk.channel.watching_end is not None
    desk.channel.watching_end()
    assert desk.calls == ["client closed"]

    desk.inbox.stop()
    assert [desk.channel.reading, desk.channel.watching_end] == [None, None]


def test_a_full_inbox_reads_nothing_until_half_of_it_is_taken(desk: Desk) -> None:
    """A client that never stops sending has to wait."""
    desk.receive(b"NOOP\r\n" * 1024)
    assert desk.channel.reading is not None
    desk.receive(b"NOOP\r\n")
    assert desk.channel.reading is None

    while len(desk.inbox) > 512:
        desk.inbox.take(0)
    assert desk.channel.reading is None
    desk.inbox.take(0)
    assert desk.channel.reading is not None


def test_taking_restarts_reading_only_after_a_full_inbox(desk: Desk) -> None:
    """Otherwise an inbox that was stopped stays stopped."""
    desk.receive(b"NOOP\r\n" * 1025 + b"QUIT\r\n")
    while len(desk.inbox) > 3:
        desk.inbox.take(0)
    desk.inbox.stop()
    assert desk.inbox.take(2) == Command("QUIT", "")
    assert desk.channel.reading is None

    fresh = Desk()
    fresh.inbox.listen()
    fresh.receive(b"NOOP\r\n")
    fresh.inbox.stop()
    assert (fresh.inbox.take(0), fresh.channel.reading) == (Command("NOOP", ""), None)


def test_what_is_discarded(desk: Desk) -> None:
    """`drop_line` discards the beginning of a line, `clear` also the commands."""
    desk.receive(b"NOOP\r\nUS")
    desk.inbox.drop_line()
    desk.receive(b"PWD\r\nUS")
    assert desk.verbs() == ["NOOP", "PWD"]

    desk.inbox.clear()
    desk.receive(b"QUIT\r\n")
    assert desk.verbs() == ["QUIT"]


def test_commands_during_a_transfer(desk: Desk) -> None:
    """The first if its marker allows it and the transfer has its 150; a command that overtakes, anywhere; no other."""
    rows = [
        (b"NOOP\r\nABOR\r\n", False, 0),
        (b"NOOP\r\nABOR\r\n", True, 1),
        (b"RETR a\r\nNOOP\r\nXYZ\r\nABOR\r\n", False, 3),
        (b"RETR a\r\nNOOP\r\n", False, None),
        (b"XYZ\r\nNOOP\r\n", False, None),
        (b"NOOP\r\n", True, None),
        (b"", False, None),
    ]
    for lines, awaits_preliminary, index in rows:
        desk.inbox.clear()
        if lines:
            desk.receive(lines)
        assert desk.inbox.overtaking(SPECS, awaits_preliminary) == index, (lines, awaits_preliminary)
