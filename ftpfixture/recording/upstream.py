"""The connections of a proxy to the real server: one control connection for each session, and its data connections.

One rule: replies of the server are passed on byte for byte; `ReplyOrder` assigns them to commands.
"""

from __future__ import annotations

import asyncio
from asyncio import timeout, wait
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from functools import cached_property
from ssl import CERT_NONE, PROTOCOL_TLS_CLIENT, SSLContext, SSLSession
from typing import Any, Protocol

from ftpfixture.client import BaseClient
from ftpfixture.errors import ReplySyntaxError, TlsError
from ftpfixture.faults.pieces import reply_of
from ftpfixture.net.channel import Channel
from ftpfixture.net.network import Listener, Network
from ftpfixture.net.transport import Transport
from ftpfixture.recording.answers import Answers, RawReply, ReplyOrder
from ftpfixture.recording.target import Target
from ftpfixture.wire.hostport import render_eprt, render_port
from ftpfixture.wire.lines import LineReader
from ftpfixture.wire.reply import ReplyParser

__all__ = ["Opener", "Transfer", "Upstream"]

Opener = Callable[[], Awaitable[Channel]]
"""Opens, or awaits, the next data connection to the server."""

_RECEIVE = 1 << 16
_PATIENCE = 1  # seconds for the reply to ABOR, before a reply of the proxy itself
_SHOWN = 80  # bytes of no reply in an error
_LINE_LIMIT = 1 << 20
_REPLY_LIMIT = 1 << 24  # bytes of one reply: a server that never ends one must not fill the memory
_SWITCHING = ("AUTH", "CCC")  # after a 2xx reply to them TLS begins or ends
_IP_AND_DATA_MARK = b"\xff\xf4\xff\xf2"  # Telnet's interrupt process and Synch; the last byte is urgent (RFC 959 4.1.3)


class Transfer(Protocol):
    """A transfer that uses the data connections."""

    @property
    def moved(self) -> int:
        """The number of bytes so far."""

    def abort(self) -> None:
        """The client has sent ABOR."""

    def cancel(self) -> None:
        """Close the data connections."""


@dataclass
class Upstream:
    """The control connection of one session.

    Args:
        target: The server.
        network: The network of the server; None for the sockets of this machine.
        unsolicited: Called with each reply to no command, and with None when the server closed the connection.

    Attributes:
        order: Assigns the replies to commands.
        opener: Opens the negotiated data connection; None before PASV or PORT.
        private: Whether data connections are encrypted (PROT P).
        transfer: The running transfer; None without one.
    """

    target: Target
    network: Network | None
    unsolicited: Callable[[RawReply | None], None]
    order: ReplyOrder = field(default_factory=ReplyOrder)
    opener: Opener | None = None
    private: bool = False
    transfer: Transfer | None = None
    _lines: LineReader = field(default_factory=LineReader)
    _parser: ReplyParser = field(default_factory=ReplyParser)
    _raw: bytearray = field(default_factory=bytearray)
    _session: SSLSession | None = None
    _listener: Listener | None = None
    _received: int = 0
    _beside: set[asyncio.Task[None]] = field(default_factory=set)
    _leaving: asyncio.TimerHandle | None = None

    def __post_init__(self) -> None:
        implicit = self.context if self.target.tls == "implicit" else None
        self.client = BaseClient(
            network=self.network, ssl=implicit, connection_timeout=self.target.timeout, socket_timeout=None
        )

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
        greeting = self.order.expect("CONNECT")
        self._listen()
        return greeting

    @property
    def channel(self) -> Channel:
        """The control connection."""
        return self.client.control.channel

    @property
    def beginning(self) -> bytes:
        """The first bytes that the server has sent after its last reply."""
        return bytes(self._raw[:_SHOWN])

    # Commands and replies.

    async def send(self, line: bytes, verb: str, *, urgent: bool = False) -> Answers:
        """Send a command.

        Args:
            line: With CRLF.
            verb: Its verb.
            urgent: Whether to send Telnet's signals before it, with urgent data; under TLS there is none.

        Raises:
            EOFError: The server has closed the connection.
        """
        answers = self.order.expect(verb)
        outbox = self.client.control.outbox
        if urgent and not self.channel.is_tls:
            await outbox.drain()
            self.channel.send_urgent(_IP_AND_DATA_MARK)
        outbox.write(line)
        await outbox.drain()
        return answers

    def run(self, passing: Coroutine[Any, Any, None]) -> None:
        """Run something beside the commands of the session, at most until its end."""
        task = asyncio.get_running_loop().create_task(passing)
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    async def settle(self) -> None:
        """Wait for what runs beside the commands, but not for ever: a server may send no reply to ABOR."""
        if self._beside:
            await wait(self._beside, timeout=_PATIENCE)

    def _listen(self) -> None:
        """Read replies, until one after which TLS begins or ends, or until the server closes."""
        self._lines, self._parser, self._raw = LineReader(_LINE_LIMIT), ReplyParser(), bytearray()
        self.channel.watch(self._readable)
        self._readable()  # TLS may have buffered bytes, for which the loop calls nothing

    def _readable(self) -> None:
        try:
            data = self.channel.receive_now(_RECEIVE)
        except OSError:
            data = b""
        if data is None:
            return
        self._received += len(data)
        for piece in data.splitlines(keepends=True):
            self._raw += piece
            for line in self._lines.feed(piece):
                if self._ends_reading(line):
                    self.channel.unwatch()
                    return
        if not data or len(self._raw) > _REPLY_LIMIT:
            self.channel.unwatch()
            self._end(bytes(self._raw))

    def _ends_reading(self, line: bytes | None) -> bool:
        """Take a line; whether TLS begins or ends after it. A line of no reply is passed on with the next reply."""
        try:
            reply = None if line is None else self._parser.feed_line(line)
        except ReplySyntaxError:
            return False
        if reply is None:
            return False
        complete = RawReply(reply.code, reply.lines, raw=bytes(self._raw))
        self._raw.clear()
        verb = self.order.take(complete)
        if verb is None:
            self.unsolicited(complete)
        return verb in _SWITCHING and reply.code[0] == "2"

    def _end(self, rest: bytes) -> None:
        """Pass on the end of the connection, and what the server sent after its last reply."""
        reason = "the server closed the control connection"
        if rest:
            reason += f" after {rest[:_SHOWN]!r}, which is no reply"
        if rest and self.order.begun:
            part = reply_of(rest)
            self.unsolicited(RawReply(part.code, part.lines, raw=rest))
        self.order.end(reason)
        self.unsolicited(None)

    # TLS.

    async def encrypt(self) -> None:
        """Make the TLS handshake on the control connection, after 234, with which reading has ended; read again.

        Raises:
            OSError: It failed.
        """
        await self.client.control.connector.encrypt(self.channel, self.context, "control")
        self._listen()

    async def decrypt(self) -> None:
        """Return to clear text on the control connection, after 200 to CCC, with which reading has ended; read again.

        Raises:
            OSError: It failed.
        """
        self._session = self.channel.session  # data connections still resume it
        await self.channel.end_tls()
        self._listen()

    async def protect(self) -> None:
        """Send the commands of a client for FTPS: AUTH TLS unless TLS is implicit, PBSZ 0, PROT P.

        With implicit TLS, vsftpd begins with clear data connections, and a server that refuses PBSZ or PROT has only
        encrypted ones.

        Raises:
            TlsError: The server refuses explicit TLS.
        """
        explicit = self.target.tls != "implicit"
        for line in ("AUTH TLS", "PBSZ 0", "PROT P") if explicit else ("PBSZ 0", "PROT P"):
            answers = await self.send(f"{line}\r\n".encode(), line.split()[0])
            reply = await answers.final()
            self.order.passed_on(answers)  # the client has not sent it
            if explicit and reply.code[0] != "2":
                raise TlsError(f"the server refused {line}: {reply.code} {reply.text}")
            if line == "AUTH TLS":
                await self.encrypt()
        self.private = True

    # Data connections.

    @property
    def is_ipv6(self) -> bool:
        """Whether the control connection is IPv6."""
        return ":" in self.channel.local[0]

    def connect_to(self, port: int) -> None:
        """Prepare a passive data connection: to this port of the host of the control connection."""
        host = self.client.control.server_host
        self.forget()

        async def open_passive() -> Channel:
            return await self.client.control.connector.open(host, port)

        self.opener = open_passive

    def listen(self, verb: str) -> bytes:
        """Listen for an active data connection.

        Args:
            verb: PORT or EPRT, as the client sent it; IPv6 needs EPRT.

        Returns:
            The command with the address.
        """
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
        address = self._listener.host, self._listener.port
        text = (
            f"PORT {render_port(*address)}" if verb == "PORT" and not self.is_ipv6 else f"EPRT {render_eprt(*address)}"
        )
        return f"{text}\r\n".encode()

    async def secure(self, channel: Channel) -> None:
        """Make the TLS handshake on a data connection, if data connections are encrypted; after the 1xx.

        It resumes the newest session of the control connection, which each data connection may renew.

        Raises:
            OSError: It failed.
        """
        if self.private:
            session = self.channel.session or self._session
            await self.client.control.connector.encrypt(channel, self.context, "data", session)

    def forget(self) -> None:
        """Close the prepared data connection, if there is one."""
        self.opener = None
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    # The end.

    def leave(self) -> None:
        """The client has left: end everything after `target.timeout` seconds without a reply or data of the server.

        Before the greeting, the client has sent nothing that the server could still do.
        """
        if not self.order.begun:
            self.order.end("the client has left")
            return
        if self._leaving is not None:
            self._leaving.cancel()
        before = self._progress

        def look() -> None:
            if self._progress != before:
                self.leave()
                return
            self.order.end("the client has left")
            if self.transfer is not None:
                self.transfer.cancel()

        self._leaving = asyncio.get_running_loop().call_later(self.target.timeout, look)

    @property
    def _progress(self) -> tuple[int, int]:
        return self._received, 0 if self.transfer is None else self.transfer.moved

    def close(self) -> None:
        """Close everything."""
        self.order.end("the session of the proxy ended")
        self.forget()
        for waiting in (self._leaving, *self._beside):
            if waiting is not None:
                waiting.cancel()
        self.client.control.close("the session of the proxy ended")
