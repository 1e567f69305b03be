"""The connections of a proxy to the real server: one control connection for each session, and its data connections.

One rule: replies of the server are passed on byte for byte; each belongs to the first command that waits for one.
"""

from __future__ import annotations

import asyncio
from asyncio import Event, Queue, timeout, wait
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property
from ssl import CERT_NONE, PROTOCOL_TLS_CLIENT, SSLContext

from ftpfixture.client import BaseClient
from ftpfixture.errors import ReplySyntaxError, TlsError
from ftpfixture.net.channel import Channel
from ftpfixture.net.network import Listener, Network
from ftpfixture.net.transport import Address, Transport
from ftpfixture.recording.target import Target
from ftpfixture.wire.hostport import render_eprt, render_port
from ftpfixture.wire.reply import Reply, ReplyParser

__all__ = ["Answers", "Opener", "RawReply", "Upstream"]

Opener = Callable[[], Awaitable[Channel]]
"""Opens, or awaits, the next data connection to the server."""


@dataclass(frozen=True)
class RawReply(Reply):
    """A reply with its own bytes.

    Attributes:
        raw: As received, each line with CRLF.
    """

    raw: bytes = b""

    def render(self, encoding: str = "utf-8") -> bytes:
        """The bytes as received."""
        return self.raw


class Answers:
    """The replies to one command, in order.

    Attributes:
        passed_on: Set when the client has the final one.
    """

    def __init__(self) -> None:
        self._queue: Queue[RawReply | EOFError] = Queue()
        self.passed_on = Event()

    def put(self, reply: RawReply | EOFError) -> None:
        """Add the next reply, or the end of the connection."""
        self._queue.put_nowait(reply)

    async def next(self) -> RawReply:
        """Wait for the next reply.

        Raises:
            EOFError: The server closed the control connection.
        """
        reply = await self._queue.get()
        if isinstance(reply, EOFError):
            self._queue.put_nowait(reply)
            raise reply
        return reply

    async def final(self) -> RawReply:
        """Wait for the final reply, past preliminary ones; raises as `next` does."""
        while (reply := await self.next()).is_preliminary:
            pass
        return reply


@dataclass
class Upstream:
    """The control connection of one session.

    Args:
        target: The server.
        network: The network of the server; None for the sockets of this machine.
        unsolicited: Called with each reply to no command, and with None when the server closed the connection.

    Attributes:
        opener: Opens the negotiated data connection; None before PASV or PORT.
        private: Whether data connections are encrypted (PROT P).
    """

    target: Target
    network: Network | None
    unsolicited: Callable[[RawReply | None], None]
    opener: Opener | None = None
    private: bool = False
    _waiting: deque[Answers] = field(default_factory=deque)
    _answered: list[Answers] = field(default_factory=list)
    _reader: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        implicit = self.context if self.target.tls == "implicit" else None
        self.client = BaseClient(
            network=self.network, ssl=implicit, connection_timeout=self.target.timeout, socket_timeout=None
        )
        self._listener: Listener | None = None

    @cached_property
    def context(self) -> SSLContext:
        """For TLS to the server."""
        if self.target.context is not None:
            return self.target.context
        context = SSLContext(PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = CERT_NONE
        return context

    async def open(self) -> Answers:
        """Connect; the result has the greeting.

        Raises:
            OSError: The server cannot be reached, or the TLS handshake failed.
        """
        await self.client.control.open(self.target.host, self.target.port)
        self.private = self.target.tls == "implicit"
        greeting = Answers()
        self._waiting.append(greeting)
        self._reader = asyncio.get_running_loop().create_task(self._read())
        return greeting

    @property
    def channel(self) -> Channel:
        """The control connection."""
        return self.client.control.channel

    async def send(self, line: bytes) -> Answers:
        """Send a command.

        Args:
            line: With CRLF.

        Raises:
            OSError: The connection is broken.
        """
        answers = Answers()
        self._waiting.append(answers)
        view = memoryview(line)
        while view:
            view = view[await self.channel.send(view) :]
        return answers

    async def _read(self) -> None:
        parser, incoming, lines = ReplyParser(), self.client.control.incoming, list[bytes]()
        while True:
            while not incoming:
                try:
                    alive = await incoming.receive(self.channel)
                except OSError:
                    alive = False
                if not alive:
                    self._end()
                    return
            line = incoming.pop()
            lines.append(line + b"\r\n")
            try:
                reply = parser.feed_line(line)
            except ReplySyntaxError:
                continue  # no reply: it is passed on with the next one
            if reply is not None:
                self._take(RawReply(reply.code, reply.lines, raw=b"".join(lines)))
                lines.clear()

    def _take(self, reply: RawReply) -> None:
        if not self._waiting:
            self.unsolicited(reply)
            return
        self._waiting[0].put(reply)
        if not reply.is_preliminary:
            self._answered.append(self._waiting.popleft())

    async def turn(self, answers: Answers) -> None:
        """Wait until every reply that the server sent before the final one to this command is passed on."""
        while self._answered and self._answered[0] is not answers:
            await self._answered[0].passed_on.wait()

    def passed_on(self, answers: Answers) -> None:
        """Record that the client has the final reply to this command, or another one in its place."""
        if answers in self._answered:
            self._answered.remove(answers)
        answers.passed_on.set()

    def _end(self) -> None:
        for answers in self._waiting:
            answers.put(EOFError("the server closed the control connection"))
        self._waiting.clear()
        self.unsolicited(None)

    # TLS.

    async def encrypt(self) -> None:
        """Make the TLS handshake on the control connection, after 234; reading goes on afterwards.

        Raises:
            OSError: It failed.
        """
        await self._between(self.client.control.connector.encrypt(self.channel, self.context, "control"))

    async def _between(self, change: Awaitable[None]) -> None:
        """Await a change of the connection while nothing is read from it."""
        if self._reader is not None:
            self._reader.cancel()
            await wait([self._reader])
        await change
        self._reader = asyncio.get_running_loop().create_task(self._read())

    async def protect(self) -> None:
        """Send the commands of a client for FTPS: AUTH TLS, PBSZ 0, PROT P.

        Raises:
            TlsError: The server refuses.
        """
        for line in (b"AUTH TLS", b"PBSZ 0", b"PROT P"):
            answers = await self.send(line + b"\r\n")
            reply = await answers.final()
            self.passed_on(answers)  # the client has not sent it
            if reply.code[0] != "2":
                raise TlsError(f"the server refused {line.decode()}: {reply.code} {reply.text}")
            if line == b"AUTH TLS":
                await self.encrypt()
        self.private = True

    # Data connections.

    def connect_to(self, port: int) -> None:
        """Prepare a passive data connection: to this port of the host of the control connection."""
        host = self.client.control.server_host
        self.forget()

        async def open_passive() -> Channel:
            return await self.client.control.connector.open(host, port)

        self.opener = open_passive

    def listen(self) -> Address:
        """Listen for an active data connection, and return the address for PORT or EPRT."""
        self.forget()
        arrived: asyncio.Future[Channel] = asyncio.get_running_loop().create_future()

        def on_connection(transport: Transport) -> None:
            if arrived.done():
                transport.close()
            else:
                arrived.set_result(Channel(transport))

        self._listener = self.client.network.listen(self.channel.local[0], 0, on_connection)

        async def await_active() -> Channel:
            async with timeout(self.target.timeout):
                return await arrived

        self.opener = await_active
        return self._listener.host, self._listener.port

    @staticmethod
    def port_line(verb: str, address: Address) -> bytes:
        """Return PORT or EPRT with this address."""
        render = render_port if verb == "PORT" else render_eprt
        return f"{verb} {render(*address)}\r\n".encode()

    async def secure(self, channel: Channel) -> None:
        """Make the TLS handshake on a data connection, if data connections are encrypted; after the 1xx.

        Raises:
            OSError: It failed.
        """
        if self.private:
            await self.client.control.connector.encrypt(channel, self.context, "data", self.channel.session)

    def forget(self) -> None:
        """Close the prepared data connection, if there is one."""
        self.opener = None
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def close(self) -> None:
        """Close everything."""
        self.forget()
        if self._reader is not None:
            self._reader.cancel()
        self.client.control.close("the session of the proxy ended")
