"""The crossing between the wire and the server: what is told there is what was said."""

from __future__ import annotations

import asyncio
import socket
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
    """Stands for a channel: notes what is written, between the events."""

    def __init__(self, told: list[object]) -> None:
        self.peer = ("127.0.0.1", 50001)
        self.closed = False
        self.tls: TlsInfo | None = None
        self._told = told

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The running one."""
        return asyncio.get_running_loop()

    def send_now(self, data: bytes) -> int:
        """Note it, and take all."""
        self._told.append(data)
        return len(data)

    async def receive(self, size: int) -> bytes:
        """Something small."""
        return b"upload"[:size]

    async def send(self, data: bytes) -> int:
        """Take all."""
        return len(data)

    async def send_eof(self) -> None:
        """Nothing to say."""

    def close(self) -> None:
        """Close."""
        self.closed = True


class Host:
    """Stands for a server without files.

    Args:
        hub: Is told of everything.
    """

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    async def path_exists(self, connection: Connection, path: str, *, pattern: bool = False) -> bool:
        """Nothing is there."""
        return False


def gate_on(hub: Hub, channel: Any) -> Gate:
    """The gate of session 7 on a connection."""
    connection = Connection(encoding="utf-8", server_host="127.0.0.1")
    return Gate(View(7, Host(hub), channel, connection, lambda reason: None), Outbox(channel))


class Crossing:
    """A gate, with all that is told and written there in one list."""

    def __init__(self) -> None:
        self.told: list[object] = []
        hub = Hub(lambda: 0.0)
        hub.subscribe(self.told.append)
        self.wire = Wire(self.told)
        self.gate = gate_on(hub, self.wire)

    def stream(self, mode: str = "passive") -> ThrottleStreamIO:
        """A data connection that has come through the gate."""
        return self.gate.data(cast(Channel, Wire(self.told)), {}, mode)

    def events(self, kind: type[E]) -> list[E]:
        """The events of one kind."""
        return [event for event in self.told if isinstance(event, kind)]


@pytest.fixture
def crossing() -> Crossing:
    """A gate of session 7."""
    return Crossing()


async def test_a_command_is_told(crossing: Crossing) -> None:
    """A command becomes an event with its session, verb and argument, and an exchange of its number."""
    exchange = await crossing.gate.command("CWD", "/in")

    assert crossing.told == [CommandReceived(7, 1, 0.0, "CWD", "/in", False)]
    assert (exchange.seq, exchange.verb, exchange.finals) == (1, "CWD", 0)


async def test_a_line_that_was_too_long_is_told_as_such(crossing: Crossing) -> None:
    """The event says that the text of the line is lost."""
    await crossing.gate.command("", "", too_long=True)

    assert crossing.events(CommandReceived)[0].too_long


async def test_a_command_without_a_reply_is_told(crossing: Crossing) -> None:
    """What is left unanswered on purpose becomes an event for its command."""
    exchange = await crossing.gate.command("PASS", "x")

    crossing.gate.withhold(exchange)

    assert crossing.told[1:] == [ReplyWithheld(7, 2, 0.0, 1)]


async def test_workers_inherit_the_exchange(crossing: Crossing) -> None:
    """A task that a handler starts answers the command that was handled then, also when the next one has come."""
    first = await crossing.gate.command("RETR", "/a")

    async def worker() -> Exchange:
        await asyncio.sleep(0)
        return EXCHANGE.get()

    task = asyncio.create_task(worker())
    second = await crossing.gate.command("NOOP", "")

    assert EXCHANGE.get() is second
    assert await task is first


def test_outside_of_a_command_nothing_is_answered() -> None:
    """The default exchange is that of no command."""
    assert EXCHANGE.get() is UNASKED
    assert (UNASKED.seq, UNASKED.verb) == (0, "")


async def test_a_reply_is_told_and_written(crossing: Crossing) -> None:
    """A reply becomes an event with the octets that go out, for the command that it answers, and is written."""
    exchange = await crossing.gate.command("FEAT", "")
    raw = b"211-Features\r\n SIZE\r\n211 End\r\n"

    crossing.gate.reply(Reply("211", ("Features", "SIZE", "End"), True), exchange)

    assert crossing.told[1:] == [ReplySent(7, 2, 0.0, "211", ("Features", "SIZE", "End"), 1, raw), raw]


async def test_a_reply_is_written_in_the_encoding(crossing: Crossing) -> None:
    """Octets are those of the gate's encoding."""
    crossing.gate.encoding = "latin-1"
    crossing.gate.reply(Reply("257", ('"/ü"',)), Exchange(3, "PWD"))

    assert crossing.told[1] == b'257 "/\xfc"\r\n'


@pytest.mark.parametrize(("code", "finals"), [("150", 0), ("226", 1), ("350", 1), ("550", 1)])
async def test_final_replies_are_counted(crossing: Crossing, code: str, finals: int) -> None:
    """All replies but preliminary ones are final for their command."""
    exchange = Exchange(1, "RETR")
    crossing.gate.reply(Reply(code, ("text",)), exchange)

    assert exchange.finals == finals


async def test_a_reply_that_nobody_asked_for_is_not_counted(crossing: Crossing) -> None:
    """A greeting or a 421 of its own accord answers no command, so it can be followed by another one."""
    exchange = Exchange(0, "")
    crossing.gate.reply(Reply("220", ("hi",)), exchange)

    assert exchange.finals == 0
    assert crossing.events(ReplySent)[0].command_seq == 0


async def test_a_download_is_told(crossing: Crossing) -> None:
    """Description, pieces and end of a stream become events for the command that uses it."""
    exchange = await crossing.gate.command("RETR", "/a")
    stream = crossing.stream()
    stream.describe("download", "/a", 5, "I")
    await stream.write(b"abc")
    await stream.finish()

    opened, moved, closed = crossing.told[1:]
    assert opened == DataOpened(
        7, 2, 0.0, exchange.seq, "passive", ("127.0.0.1", 50001), "download", "RETR", "/a", 5, "I"
    )
    assert moved == DataMoved(7, 3, 0.0, exchange.seq, 3)
    assert isinstance(closed, DataClosed)
    assert (closed.command_seq, closed.completed, closed.error, closed.payload.size) == (exchange.seq, True, "", 3)


async def test_the_mode_is_told(crossing: Crossing) -> None:
    """An active data connection is told to be one."""
    await crossing.gate.command("RETR", "/a")
    crossing.stream("active").describe("download", "/a", 0, "I")

    assert crossing.events(DataOpened)[0].mode == "active"


async def test_a_stream_that_nobody_described(crossing: Crossing) -> None:
    """A user's own command may just use the stream: the first piece tells the direction, nothing tells the path."""
    await crossing.gate.command("COLL", "5")
    stream = crossing.stream()
    await stream.read(3)
    stream.close()

    assert [type(event) for event in crossing.told] == [CommandReceived, DataOpened, DataMoved, DataClosed]
    opened = crossing.events(DataOpened)[0]
    assert (opened.direction, opened.verb, opened.path, opened.offset) == ("upload", "COLL", "", 0)


async def test_an_encrypted_stream_that_nobody_described(crossing: Crossing) -> None:
    """Such a stream is told to be encrypted, before its first piece."""
    exchange = await crossing.gate.command("COLL", "5")
    stream = crossing.stream()
    stream.channel.tls = TlsInfo("TLSv1.3", "suite", True, None)  # type: ignore[misc]
    await stream.read(3)
    await stream.read(3)
    stream.close()

    kinds = [CommandReceived, DataOpened, TlsEstablished, DataMoved, DataMoved, DataClosed]
    assert [type(event) for event in crossing.told] == kinds
    encrypted = crossing.events(TlsEstablished)[0]
    assert (encrypted.where, encrypted.command_seq, encrypted.version, encrypted.resumed) == (
        "data",
        exchange.seq,
        "TLSv1.3",
        True,
    )


async def test_a_stream_that_nobody_used_is_not_told(crossing: Crossing) -> None:
    """A data connection that is closed before a command took it leaves no trace."""
    crossing.stream().close()

    assert crossing.told == []


async def test_a_broken_stream_tells_why(crossing: Crossing) -> None:
    """The end of a stream that failed is told with its error."""
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


async def test_replies_behind_what_takes_time(crossing: Crossing) -> None:
    """A reply is told and written when all that was given to the outbox before has been said."""
    outbox, go = crossing.gate.outbox, asyncio.Event()
    first, second = Exchange(1, "NOOP"), Exchange(2, "PWD")

    async def later() -> None:
        await go.wait()
        crossing.gate.send([(Reply("200", ("a",)), b"200 a\r\n")], first)

    outbox.take_turn(later)
    crossing.gate.reply(Reply("257", ("b",)), second)
    assert (crossing.told, second.finals) == ([], 1)
    go.set()
    await outbox.settle()

    sent = [event.command_seq if isinstance(event, ReplySent) else event for event in crossing.told]
    assert sent == [1, b"200 a\r\n", 2, b"257 b\r\n"]


async def test_a_reply_behind_the_last_word_is_told_to_be_missing(crossing: Crossing) -> None:
    """When nothing leaves any more, the command is told to be left without its reply."""
    crossing.gate.outbox.end()
    crossing.gate.reply(Reply("200", ("a",)), Exchange(4, "NOOP"))

    assert crossing.told == [ReplyWithheld(7, 1, 0.0, 4)]
