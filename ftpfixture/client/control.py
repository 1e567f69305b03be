"""The client's control connection: it sends lines, reads replies, and assigns them to commands.

One rule: no command is left without its reply. When a call is cancelled, times out or fails between the two, the
connection is closed, because the next reply would be taken for that of another command.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Protocol

from ftpfixture.client.connector import Connector
from ftpfixture.client.incoming import IncomingLines
from ftpfixture.client.lock import ConversationLock
from ftpfixture.client.open_transfers import OpenTransfers
from ftpfixture.client.resync import Resync
from ftpfixture.client.settings import Codes
from ftpfixture.client.traits import ServerTraits, SessionHistory, SessionParameters
from ftpfixture.client.utf8 import Utf8Negotiation
from ftpfixture.client.view import Answer, ClientView
from ftpfixture.errors import ClientStateError, ReplySyntaxError, StatusCodeError
from ftpfixture.net.channel import Channel
from ftpfixture.net.outbox import Outbox
from ftpfixture.wire.command import censor, render_line, verb_of
from ftpfixture.wire.lines import printable
from ftpfixture.wire.reply import Code, ReplyParser, decode_line, wrap_into_codes, wrap_with_container

__all__ = ["ControlConnection", "Controlled"]

logger = logging.getLogger("ftpfixture.client")

_DURING_TRANSFER = frozenset({"ABOR", "STAT", "NOOP", "QUIT"})  # RFC 959 4.1.3: these may be sent while one runs


class ControlConnection:
    """The control connection of a client: at most one at a time; `open` replaces one that was closed.

    Args:
        client: Gives the settings, and the methods that a subclass may override.

    Attributes:
        server_host: The address of the server; "" before the first connection.
        server_port: The port of the server.
        lost: Whether the connection ended without a call of `close`.
        lock: Held by the task that sends commands or transfers.
        pending_replies: Final replies that are still to be read.
        transfers: The unfinished transfers.
        traits: What the server lacks.
        parameters: The current settings of the session.
        history: What is repeated on a new connection.
        incoming: Lines that were received and not read.
        connector: Opens this connection and the data connections.
        resync: Synchronizes commands and replies after an aborted transfer.
        utf8: Asks the server to use UTF-8.
    """

    def __init__(self, client: ClientView) -> None:
        self.server_host = ""
        self.server_port = 0
        self.lost = False
        self.lock = ConversationLock()
        self.pending_replies = 0
        self.transfers = OpenTransfers()
        self.traits = ServerTraits()
        self.parameters = SessionParameters(tls_context=client.ssl)
        self.history = SessionHistory()
        self.connector = Connector(client)
        self.incoming = IncomingLines(self.connector)
        self.resync = Resync(self)
        self.utf8 = Utf8Negotiation(client, self)
        self._client = client
        self._channel: Channel | None = None
        self._outbox: Outbox | None = None
        self._why_closed = "not connected: await connect(host, port) first"
        self._watcher: Callable[[], None] | None = None

    # Opening and closing.

    async def open(self, host: str, port: int) -> None:
        """Open the control connection; the greeting is still to be read.

        Raises:
            OSError: The connection was refused, or the name cannot be resolved.
            TimeoutError: It took longer than `connection_timeout`.
        """
        self.incoming.clear()
        self.pending_replies = 1  # the greeting
        self.transfers.abandoned.clear()
        self.traits = ServerTraits()
        self.parameters = SessionParameters.of_new_session(self._client.ssl)
        async with self.time_limit(self._client.connection_timeout, f"connecting to {host}:{port}"):
            self._channel = channel = await self.connector.open(host, port)
            self._outbox = Outbox(channel)
            channel.set_control_options()
            self.connector.host_name = host
            self.server_host, self.server_port = channel.peer
            if self._client.ssl is not None:
                with self.closed_on_error():
                    await self.connector.encrypt(channel, self._client.ssl, "control")
        logger.info("connected to %s:%d", self.server_host, self.server_port)

    @property
    def is_open(self) -> bool:
        """Whether the client is connected."""
        return self._channel is not None

    @property
    def channel(self) -> Channel:
        """The connection.

        Raises:
            ConnectionError: The client is not connected; the message gives the reason.
        """
        if self._channel is None:
            raise ConnectionError(self._why_closed)
        return self._channel

    @property
    def outbox(self) -> Outbox:
        """The queue of lines to send.

        Raises:
            ConnectionError: The client is not connected; the message gives the reason.
        """
        if self._outbox is None:
            raise ConnectionError(self._why_closed)
        return self._outbox

    def close(self, reason: str) -> None:
        """Close the connection on request of the user, and the data connections of unfinished transfers.

        Args:
            reason: The text of the ConnectionError that later calls raise.
        """
        self.lose(reason)
        self.lost = False

    def lose(self, reason: str) -> None:
        """Close the connection after an error, or because the server closed it; `lost` becomes True.

        Args:
            reason: The text of the ConnectionError that later calls raise.
        """
        self.transfers.abandon_all()
        if self._channel is not None:
            logger.info("closing connection to %s:%d", self.server_host, self.server_port)
            self.outbox.flush()
            self._channel.close()
            self._channel = self._outbox = None
            self._why_closed = reason
            self.lost = True
            if self._watcher is not None:
                self._watcher()

    @contextlib.asynccontextmanager
    async def time_limit(self, seconds: float | None, what: str) -> AsyncIterator[None]:
        """Limit the time of the body; the connection is closed when it takes longer.

        Args:
            seconds: The limit; None for no limit.
            what: What the body does, for the error message.

        Raises:
            TimeoutError: The body took longer.
        """
        try:
            async with asyncio.timeout(seconds) as limit:
                yield
        except TimeoutError as error:
            if not limit.expired():
                raise  # another timeout, inside the body
            self.lose("")
            self._why_closed = f"closed, because {what} took longer than {seconds:g} s: connect again"
            raise TimeoutError(f"{what} took longer than {seconds:g} s") from error

    @contextlib.contextmanager
    def closed_on_error(self) -> Iterator[None]:
        """Close the connection when the body raises anything but StatusCodeError, or is cancelled."""
        try:
            yield
        except StatusCodeError:
            raise
        except asyncio.CancelledError:
            self.lose("closed, because a call was cancelled before its reply arrived: connect again")
            raise
        except BaseException as error:
            reason = f" ({error})" if str(error) else ""
            self.lose(f"closed after {type(error).__name__}{reason}: connect again")
            raise

    @contextlib.contextmanager
    def watched(self, callback: Callable[[], None]) -> Iterator[None]:
        """Call `callback` during the body, when data arrive or the connection ends."""
        if self.incoming:
            callback()
        self.channel.watch(callback)
        self._watcher = callback
        try:
            yield
        finally:
            self._watcher = None
            if self._channel is not None:
                self._channel.unwatch()

    # Commands.

    async def command(
        self, command: str | None, expected_codes: Codes, wait_codes: Codes, censor_after: int | None
    ) -> Answer | None:
        """Send a command and read its reply; arguments, result and errors as in `BaseClient.command`."""
        expected = wrap_into_codes(wrap_with_container(expected_codes))
        skipped = wrap_into_codes(wrap_with_container(wait_codes))
        line = self.render(command) if command else b""
        async with self.lock:
            self._check_allowed(command)
            if command and not command.isascii():
                await self.utf8.before(command)
            with self.closed_on_error():
                if command:
                    await self.send(line, command, censor_after)
                if not expected and not skipped:
                    return None
                code, info = await self._client.parse_response()
                while any(code.matches(mask) for mask in skipped):
                    code, info = await self._client.parse_response()
            if not command and self.transfers.abandoned:
                self.transfers.abandoned.pop(0)  # that was the final reply of a closed transfer
            if code == "421":
                self.lose("closed by the server (421): connect again")
            if expected:
                self._client.check_codes(expected, code, info)
            return code, info

    async def query(self, command: str, code: str, also: str = "2xx") -> Answer:
        """Send a command to which some servers reply with another code; the text, or the next reply, proves success.

        Args:
            command: The line.
            code: The code of the standard, which an error names.
            also: A mask of other codes to accept.

        Raises:
            StatusCodeError: The reply has another code.
        """
        received, info = await self._client.ask(command, "xxx")
        if not received.matches(also):
            self._client.check_codes(code, received, info)
        return received, info

    def render(self, command: str) -> bytes:
        """A command as bytes.

        Raises:
            InvalidCommand: The line has CR, LF or NUL, or characters that the encoding cannot express.
        """
        return render_line(command, self._client.encoding)

    def _check_allowed(self, command: str | None) -> None:
        if self.transfers.running is None or not command:
            return
        verb = verb_of(command)
        if verb not in _DURING_TRANSFER:
            raise ClientStateError(
                f"{verb} has to wait for the running transfer ({self.transfers.running.command}): finish or abort it "
                "first, or use a second client"
            )

    async def send(self, line: bytes, command: str, censor_after: int | None = None) -> None:
        """Send a line; its reply is still to be read.

        Args:
            line: The bytes.
            command: The line as text, for the log and for the parameters that it changes.
            censor_after: How many characters of it the log may show; None to hide only secrets.
        """
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("%s", _shown(command, censor_after))
        outbox = self.outbox
        if self.transfers.abandoned:
            await self.resync.drain_abandoned()
        if not self.pending_replies:
            self.incoming.discard_unsolicited(self.channel)
        self.pending_replies += 1
        self.parameters.forget(verb_of(command), self._client.ssl)
        outbox.write(line)
        async with asyncio.timeout(self._client.socket_timeout):
            await outbox.drain()

    def send_noop(self) -> None:
        """Send NOOP now; the transfer that calls this counts it and reads its reply later."""
        if self._channel is not None:
            logger.debug("NOOP")
            self.pending_replies += 1
            self.outbox.write(b"NOOP\r\n")

    # Replies.

    async def next_reply(self) -> Answer:
        """The next reply, whatever its code."""
        async with self.lock:
            with self.closed_on_error():
                return await self._client.parse_response()

    async def read_reply(self) -> Answer:
        """Read a reply; result and errors as in `BaseClient.parse_response`."""
        parser = ReplyParser()
        code, rest = await self._client.parse_line()
        if not code.startswith("1"):
            self.pending_replies = max(0, self.pending_replies - 1)
        try:
            is_complete = parser.feed_text(code + rest)
        except ReplySyntaxError:
            raise StatusCodeError("xxx", code, [code + rest]) from None
        while not is_complete:
            is_complete = parser.feed_text("".join(await self._client.parse_line()))
        return code, parser.tails

    async def read_line(self) -> tuple[Code, str]:
        """Read a line; result and errors as in `BaseClient.parse_line`."""
        while not self.incoming:
            if not await self.incoming.receive(self.channel):
                self.lose("closed by the server: connect again")
                raise ConnectionResetError("the server closed the control connection")
        text = decode_line(self.incoming.pop(), self._client.encoding)
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("%s", printable(text))
        return Code(text[:3]), text[3:]


class Controlled(ClientView, Protocol):
    """A client with its control connection."""

    @property
    def control(self) -> ControlConnection:
        """The control connection."""


def _shown(command: str, censor_after: int | None) -> str:
    if censor_after is None:
        verb, _, argument = command.partition(" ")
        return printable(censor(verb, argument))
    return printable(command[:censor_after]) + "*" * len(command[censor_after:])
