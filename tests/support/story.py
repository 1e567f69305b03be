"""A log, and the events of a session for it to record."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import PurePosixPath

import pytest

from ftpfixture.driver import RealTime
from ftpfixture.log import CommandLog
from ftpfixture.log.events import (
    CommandReceived,
    Connected,
    DataClosed,
    DataMoved,
    DataOpened,
    Disconnected,
    FaultApplied,
    Hub,
    LoggedIn,
    ReplySent,
    ReplyWithheld,
)
from ftpfixture.log.payload import Payload
from ftpfixture.log.records import TransferRecord

__all__ = ["LOCAL", "PEER", "Story", "Watched", "failure_of", "payload_of"]

PEER, LOCAL = ("127.0.0.1", 50001), ("127.0.0.1", 2121)


class Watched(RealTime):
    """Real time that reports when a waiting thread has checked its condition: later events wake it.

    Attributes:
        looked: Set after each look.
    """

    def __init__(self) -> None:
        super().__init__()
        self.looked = threading.Event()

    def wait_until(self, holds: Callable[[], bool], timeout: float) -> bool:
        """As for real time."""

        def look() -> bool:
            try:
                return holds()
            finally:
                self.looked.set()

        return super().wait_until(look, timeout)


class Story:
    """Emits the events of a server to a log, one each quarter of a second.

    Args:
        limit: As of `CommandLog`.
    """

    def __init__(self, limit: int | None = None) -> None:
        self._now = 0.0
        self.hub = Hub(self._clock)
        self.time = Watched()
        self.log = CommandLog(self.hub, time_source=self.time, limit=limit)

    def _clock(self) -> float:
        now, self._now = self._now, self._now + 0.25
        return now

    def connect(self, session: int = 1) -> None:
        """A client connects."""
        self.hub.emit(Connected(*self.hub.stamp(session), PEER, LOCAL))

    def disconnect(self, session: int = 1, reason: str = "client closed") -> None:
        """A session ends."""
        self.hub.emit(Disconnected(*self.hub.stamp(session), reason))

    def command(self, line: str, session: int = 1, *, too_long: bool = False, directory: str = "/") -> int:
        """A command comes in; its number."""
        stamp = self.hub.stamp(session)
        verb, _, argument = line.partition(" ")
        self.hub.emit(CommandReceived(*stamp, verb, argument, too_long, PurePosixPath(directory)))
        return stamp[1]

    def reply(self, code: str, text: str = "ok", *, to: int, session: int = 1) -> None:
        """A reply goes out; lines are separated by a newline."""
        lines = tuple(text.split("\n"))
        raw = "".join(f"{code} {line}\r\n" for line in lines).encode()
        self.hub.emit(ReplySent(*self.hub.stamp(session), code, lines, to, raw))

    def say(self, line: str, code: str, session: int = 1) -> int:
        """A command with its one reply; its number."""
        number = self.command(line, session)
        self.reply(code, to=number, session=session)
        return number

    def spoil(self, fault: str, to: int, session: int = 1) -> None:
        """A fault begins to happen."""
        self.hub.emit(FaultApplied(*self.hub.stamp(session), to, fault))

    def withhold(self, to: int, session: int = 1) -> None:
        """A command is left without its final reply."""
        self.hub.emit(ReplyWithheld(*self.hub.stamp(session), to))

    def open(
        self, to: int, path: str = "/a.bin", verb: str = "RETR", session: int = 1, offset: int = 0, kind: str = "I"
    ) -> None:
        """A data connection opens, and the 150 goes out."""
        direction = "upload" if verb in ("STOR", "APPE") else "download"
        stamp = self.hub.stamp(session)
        self.hub.emit(DataOpened(*stamp, to, "passive", PEER, direction, verb, path, offset, kind))
        self.reply("150", to=to, session=session)

    def move(self, to: int, size: int, session: int = 1) -> None:
        """Bytes go over the data connection."""
        self.hub.emit(DataMoved(*self.hub.stamp(session), to, size))

    def shut(self, to: int, payload: Payload, completed: bool = True, error: str = "", session: int = 1) -> None:
        """The data connection closes."""
        self.hub.emit(DataClosed(*self.hub.stamp(session), to, payload, completed, error))

    def transfer(self, line: str, piece: bytes | memoryview, session: int = 1) -> TransferRecord:
        """A whole transfer of one piece."""
        number = self.command(line, session)
        verb, _, path = line.partition(" ")
        payload = payload_of(piece)
        self.open(number, path, verb, session)
        self.move(number, len(piece), session)
        self.shut(number, payload, session=session)
        self.reply("226", to=number, session=session)
        return self.log.transfers[-1]

    def login(self, session: int = 1, user: str = "ann") -> None:
        """A client connects, and logs in with the password "secret"."""
        self.connect(session)
        self.say(f"USER {user}", "331", session)
        number = self.command("PASS secret", session)
        self.hub.emit(LoggedIn(*self.hub.stamp(session), user))
        self.reply("230", to=number, session=session)


def payload_of(*pieces: bytes | memoryview) -> Payload:
    """What a transfer carried, in these pieces."""
    payload = Payload()
    for piece in pieces:
        payload.add(piece)
    return payload


def failure_of(check: Callable[[], object]) -> str:
    """The message of an assertion that fails."""
    with pytest.raises(AssertionError) as caught:
        check()
    return str(caught.value)
