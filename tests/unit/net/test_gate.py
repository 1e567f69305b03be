"""The gate between the wire and the server: its events are exactly what was received and sent."""

from __future__ import annotations

import asyncio
import socket
from pathlib import PurePosixPath
from typing import Any, TypeVar, cast

import pytest

from ftpfixture.log.events import (
    CommandReceived,
    DataClosed,
    DataMoved,
    DataOpened,
    Event,
    Hub,
    ReplySent,
    ReplyWithheld,
    TlsEstablished,
)
from ftpfixture.net.channel import Channel
from ftpfixture.net.gate import EXCHANGE, UNASKED, Exchange, Gate
from ftpfixture.net.outbox import Outbox
from ftpfixture.net.stream import ThrottleStreamIO
from ftpfixture.net.transport import TlsInfo
from ftpfixture.server.connection import Connection
from ftpfixture.server.view import View
from ftpfixture.wire.reply import Reply
from tests.support.transports import socket_channel

E = TypeVar("E", bound=Event)


class Wire:
    """Stands for a channel: records what is written, between the events."""

    def __init__(self, events: list[object]) -> None:
        self.peer = ("127.0.0.1", 50001)
        self.closed = False
        self.tls: TlsInfo | None = None
        self._emitted = events

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The running one."""
        return asyncio.get_running_loop()

    def send_now(self, data: bytes) -> int:
        """Record it, and accept all."""
        self._emitted.append(data)
        return len(data)

    async def receive(self, size: int) -> bytes:
        """Something small."""
        return b"upload"[:size]

    async def send(self, data: bytes) -> int:
        """Accept all."""
        return len(data)

    async def send_eof(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Close."""
        self.closed = True


class Host:
    """Stands for a server without files.

    Args:
        hub: Gets every event.
    """

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    async def path_exists(self, connection: Connection, path: str, *, pattern: bool = False) -> bool:
        """No file exists."""
        return False


def gate_on(hub: Hub, channel: Any) -> Gate:
    """The gate of session 7 on a connection."""
    connection = Connection(encoding="utf-8", server_host="127.0.0.1", current_directory=PurePosixPath("/home"))
    return Gate(View(7, Host(hub), channel, connection, lambda reason: None), Outbox(channel))


class Crossing:
    """A gate, with its events and what is written in one list."""

    def __init__(self) -> None:
        self.emitted: list[object] = []
        hub = Hub(lambda: 0.0)
        hub.subscribe(self.emitted.append)
        self.wire = Wire(self.emitted)
        self.gate = gate_on(hub, self.wire)

    def stream(self, mode: str = "passive") -> ThrottleStreamIO:
        """A data connection that has passed the gate."""
        return self.gate.data(cast(Channel, Wire(self.emitted)), {}, mode)

    def events(self, kind: type[E]) -> list[E]:
        """The events of one kind."""
        return [event for event in self.emitted if isinstance(event, kind)]


@pytest.fixture
def crossing() -> Crossing:
    """A gate of session 7."""
    return Crossing()


async def test_the_event_of_a_command(crossing: Crossing) -> None:
    """A command becomes an event with its session, verb and argument, and an exchange of its number."""
    exchange = await crossing.gate.command("CWD", "/in")

    assert crossing.emitted == [CommandReceived(7, 1, 0.0, "CWD", "/in", False, PurePosixPath("/home"))]
    assert (exchange.seq, exchange.verb, exchange.finals) == (1, "CWD", 0)


async def test_the_event_of_a_line_that_was_too_long(crossing: Crossing) -> None:
    """The event records that the text of the line is lost."""
    await crossing.gate.command("", "", too_long=True)

    assert crossing.events(CommandReceived)[0].too_long


async def test_the_event_of_a_withheld_reply(crossing: Crossing) -> None:
    """A command without a reply becomes an event."""
    exchange = await crossing.gate.command("PASS", "x")

    crossing.gate.withhold(exchange)

    assert crossing.emitted[1:] == [ReplyWithheld(7, 2, 0.0, 1)]


async def test_workers_inherit_the_exchange(crossing: Crossing) -> None:
    """A task that a handler starts replies to the command of the handler, also after the next command."""
    first = await crossing.gate.command("RETR", "/a")

    async def worker() -> Exchange:
        await asyncio.sleep(0)
        return EXCHANGE.get()

    task = asyncio.create_task(worker())
    second = await crossing.gate.command("NOOP", "")

    assert EXCHANGE.get() is second
    assert await task is first


def test_the_default_exchange() -> None:
    """The default exchange is that of no command."""
    assert EXCHANGE.get() is UNASKED
    assert (UNASKED.seq, UNASKED.verb) == (0, "")


async def test_the_event_of_a_reply(crossing: Crossing) -> None:
    """A reply becomes an event with its bytes, for the command that it belongs to, and is written."""
    exchange = await crossing.gate.command("FEAT", "")
    raw = b"211-Features\r\n SIZE\r\n211 End\r\n"

    crossing.gate.reply(Reply("211", ("Features", "SIZE", "End"), True), exchange)

    assert crossing.emitted[1:] == [ReplySent(7, 2, 0.0, "211", ("Features", "SIZE", "End"), 1, raw), raw]


async def test_a_reply_is_written_in_the_encoding(crossing: Crossing) -> None:
    """Its bytes have the gate's encoding."""
    crossing.gate.encoding = "latin-1"
    crossing.gate.reply(Reply("257", ('"/ü"',)), Exchange(3, "PWD"))

    assert crossing.emitted[1] == b'257 "/\xfc"\r\n'


@pytest.mark.parametrize(("code", "finals"), [("150", 0), ("226", 1), ("350", 1), ("550", 1)])
async def test_final_replies_are_counted(crossing: Crossing, code: str, finals: int) -> None:
    """All replies but preliminary ones are final for their command."""
    exchange = Exchange(1, "RETR")
    crossing.gate.reply(Reply(code, ("text",)), exchange)

    assert exchange.finals == finals


async def test_an_unsolicited_reply_is_not_counted(crossing: Crossing) -> None:
    """A greeting or an unsolicited 421 belongs to no command, so another reply may follow it."""
    exchange = Exchange(0, "")
    crossing.gate.reply(Reply("220", ("hi",)), exchange)

    assert exchange.finals == 0
    assert crossing.events(ReplySent)[0].command_seq == 0


async def test_the_events_of_a_download(crossing: Crossing) -> None:
    """Description, pieces and end of a stream become events for the command that uses it."""
    exchange = await crossing.gate.command("RETR", "/a")
    stream = crossing.stream()
    stream.describe("download", "/a", 5, "I")
    await stream.write(b"abc")
    await stream.finish()

    opened, moved, closed = crossing.emitted[1:]
    assert opened == DataOpened(
        7, 2, 0.0, exchange.seq, "passive", ("127.0.0.1", 50001), "download", "RETR", "/a", 5, "I"
    )
    assert moved == DataMoved(7, 3, 0.0, exchange.seq, 3)
    assert isinstance(closed, DataClosed)
    assert (closed.command_seq, closed.completed, closed.error, closed.payload.size) == (exchange.seq, True, "", 3)


async def test_the_mode_in_the_event(crossing: Crossing) -> None:
    """The event of an active data connection has the mode "active"."""
    await crossing.gate.command("RETR", "/a")
    crossing.stream("active").describe("download", "/a", 0, "I")

    assert crossing.events(DataOpened)[0].mode == "active"


async def test_a_stream_without_a_description(crossing: Crossing) -> None:
    """A user's command may use the stream without one: the first piece gives the direction; the path is empty."""
    await crossing.gate.command("COLL", "5")
    stream = crossing.stream()
    await stream.read(3)
    stream.close()

    assert [type(event) for event in crossing.emitted] == [CommandReceived, DataOpened, DataMoved, DataClosed]
    opened = crossing.events(DataOpened)[0]
    assert (opened.direction, opened.verb, opened.path, opened.offset) == ("upload", "COLL", "", 0)


async def test_an_encrypted_stream_without_a_description(crossing: Crossing) -> None:
    """The event of TLS comes before that of the first piece."""
    exchange = await crossing.gate.command("COLL", "5")
    stream = crossing.stream()
    stream.channel.tls = TlsInfo("TLSv1.3", "suite", True, None)  # type: ignore[misc]
    await stream.read(3)
    await stream.read(3)
    stream.close()

    kinds = [CommandReceived, DataOpened, TlsEstablished, DataMoved, DataMoved, DataClosed]
    assert [type(event) for event in crossing.emitted] == kinds
    encrypted = crossing.events(TlsEstablished)[0]
    assert (encrypted.where, encrypted.command_seq, encrypted.version, encrypted.resumed) == (
        "data",
        exchange.seq,
        "TLSv1.3",
        True,
    )


async def test_an_unused_stream_has_no_events(crossing: Crossing) -> None:
    """A data connection that is closed before a command used it has no events."""
    crossing.stream().close()

    assert crossing.emitted == []


async def test_the_error_of_a_broken_stream(crossing: Crossing) -> None:
    """The event of the end has the error."""
    await crossing.gate.command("STOR", "/a")
    stream = crossing.stream()
    stream.describe("upload", "/a", 0, "I")
    stream.error = "timed out"
    stream.close()

    closed = crossing.events(DataClosed)[0]
    assert (closed.completed, closed.error) == (False, "timed out")


async def test_the_gate_works_over_a_real_channel() -> None:
    """What the gate writes arrives at the other end."""
    ours, theirs = socket.socketpair()
    channel = socket_channel(ours)
    with theirs:
        gate_on(Hub(lambda: 0.0), channel).reply(Reply("220", ("hi",)), UNASKED)
        assert theirs.recv(100) == b"220 hi\r\n"
        channel.close()


async def test_replies_after_a_turn(crossing: Crossing) -> None:
    """A reply is emitted and written after everything that the outbox was given before."""
    outbox, go = crossing.gate.outbox, asyncio.Event()
    first, second = Exchange(1, "NOOP"), Exchange(2, "PWD")

    async def later() -> None:
        await go.wait()
        crossing.gate.send([(Reply("200", ("a",)), b"200 a\r\n")], first)

    outbox.take_turn(later)
    crossing.gate.reply(Reply("257", ("b",)), second)
    assert (crossing.emitted, second.finals) == ([], 1)
    go.set()
    await outbox.settle()

    sent = [event.command_seq if isinstance(event, ReplySent) else event for event in crossing.emitted]
    assert sent == [1, b"200 a\r\n", 2, b"257 b\r\n"]


async def test_a_reply_after_the_end_is_withheld(crossing: Crossing) -> None:
    """When nothing is sent any more, the event records a withheld reply."""
    crossing.gate.outbox.end()
    crossing.gate.reply(Reply("200", ("a",)), Exchange(4, "NOOP"))

    assert crossing.emitted == [ReplyWithheld(7, 1, 0.0, 4)]
