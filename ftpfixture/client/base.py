"""The client's control connection: lines out, replies in, codes checked.

One rule: a conversation that breaks off leaves nothing half said. When a call is cancelled, times out or meets a broken
connection between a command and its reply, the connection is closed, because the next reply would belong to nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from ssl import SSLCertVerificationError, SSLContext, SSLSession, create_default_context
from typing import Any, Protocol, Unpack

from ftpfixture.client.settings import BASE_CLIENT_SETTINGS, BaseClientSettings, Codes, Parser
from ftpfixture.client.turns import Turns
from ftpfixture.compat.constants import DEFAULT_PORT
from ftpfixture.errors import ClientStateError, ConfigurationError, InvalidCommand, StatusCodeError, TlsError
from ftpfixture.net.channel import Channel
from ftpfixture.net.dial import ClientNetwork
from ftpfixture.net.network import Network
from ftpfixture.net.outbox import Outbox
from ftpfixture.net.socks import SocksProxy
from ftpfixture.net.stream import ThrottleStreamIO
from ftpfixture.net.throttle import StreamThrottle
from ftpfixture.net.tls import refusal
from ftpfixture.wire.command import censor
from ftpfixture.wire.lines import LineReader, printable
from ftpfixture.wire.reply import Code, wrap_into_codes, wrap_with_container

__all__ = ["BaseClient"]

logger = logging.getLogger("ftpfixture.client")

_RECEIVE = 1 << 16
_LINE_LIMIT = 1 << 20  # replies of 17 kB are seen; a line that never ends must not eat the memory
_STRAYS = 16  # pieces of what nobody asked for, after which a server that never ends is not listened to any more
_FORBIDDEN = frozenset("\r\n\0")
_BESIDE = frozenset({"ABOR", "STAT", "NOOP", "QUIT"})  # RFC 959 4.1.3: these may be said while a transfer runs


class Transfer(Protocol):
    """What a client must know of the transfer that runs."""

    said: str
    finished: bool

    def hand_over(self) -> None:
        """Leave its replies to the current task, which will abandon it."""

    def abandon(self) -> int:
        """Close its data connection at once, and count the replies that nobody will read."""


@BASE_CLIENT_SETTINGS.describe
class BaseClient:
    """A control connection and nothing else; the operations are in `Client`.

    Several tasks may share a client: each call waits until the one before it has its answer.

    Args:
        settings: Those of `ftpfixture.client.settings.BaseClientSettings`.

    Raises:
        UnknownSetting: There is no such setting; the text names the nearest.
        ConfigurationError: A setting cannot work.
    """

    parse_list_line_custom: Parser | None = None

    def __init__(self, **settings: Unpack[BaseClientSettings]) -> None:
        chosen = BASE_CLIENT_SETTINGS.complete(settings, type(self))
        self.socket_timeout = chosen["socket_timeout"]
        self.connection_timeout = chosen["connection_timeout"]
        self.throttle = StreamThrottle.from_limits(chosen["read_speed_limit"], chosen["write_speed_limit"])
        self.path_timeout = chosen["path_timeout"]
        self.path_io = chosen["path_io_factory"](timeout=self.path_timeout)
        self.encoding = chosen["encoding"]
        self.ask_utf8 = chosen["ask_utf8"]
        if chosen["parse_list_line_custom"] is not None:
            self.parse_list_line_custom = chosen["parse_list_line_custom"]
        self.parse_list_line_custom_first = chosen["parse_list_line_custom_first"]
        self.trust_pasv_host = chosen["trust_pasv_host"]
        self.keep_alive = chosen["keep_alive"]
        self._passive_commands = tuple(chosen["passive_commands"])
        self.network = self._network(chosen)
        self.ssl = create_default_context() if chosen["ssl"] is True else chosen["ssl"] or None
        self.server_host = ""
        self.server_port = 0
        self._host_name = ""
        self._channel: Channel | None = None
        self._outbox: Outbox | None = None
        self._why_closed = "not connected: await connect(host, port) first"
        self._lost = False  # the connection, and nobody wanted it
        self._turns = Turns()
        self._transfer: Transfer | None = None
        self._open: set[Transfer] = set()  # that one, and data connections whose command is still to be said
        self._watcher: Callable[[], None] | None = None
        self._reader = LineReader(_LINE_LIMIT)
        self._lines: deque[bytes | None] = deque()
        self._due = 0  # final replies that are still to be read
        self._owed: list[int] = []  # transfers that were closed and not finished: how many NOOPs were said in each

    @staticmethod
    def _network(chosen: BaseClientSettings) -> Network:
        """Where to connect.

        Raises:
            ConfigurationError: There are two answers, or python-socks is not installed.
        """
        host, network = chosen["socks_host"], chosen["network"]
        if host is None:
            return ClientNetwork() if network is None else network
        if network is not None:
            raise ConfigurationError("socks_host is a way into a network of its own: give either that or network")
        return SocksProxy(host, chosen["socks_port"], chosen["socks_version"], chosen["username"], chosen["password"])

    # The connection.

    async def connect(self, host: str, port: int = DEFAULT_PORT) -> Any:
        """Open the control connection; one that was open is closed.

        Args:
            host: Name or address; the addresses of a name are tried in turn.
            port: Of the server.

        Raises:
            OSError: Nobody listens there, or the name is not known.
            TimeoutError: It took longer than `connection_timeout`.
        """
        self.close()  # so that no transfer keeps the turn
        async with self._turns:
            self.close()  # what another task has opened meanwhile
            self._reader.clear()
            self._lines.clear()
            self._due = 1  # the greeting
            self._owed.clear()
            self._forget("")
            async with self._in_time(self.connection_timeout, f"connecting to {host}:{port}"):
                await self._open_control(host, port)
            logger.info("connected to %s:%d", self.server_host, self.server_port)

    async def _open_control(self, host: str, port: int) -> None:
        self._channel = await self._open_channel(host, port)
        self._outbox = Outbox(self._channel)
        self._channel.set_control_options()
        self._host_name = host
        self.server_host, self.server_port = self._channel.peer
        if self.ssl is not None:
            with self._whole():
                await self._encrypt(self._channel, self.ssl, "control")

    @contextlib.asynccontextmanager
    async def _in_time(self, seconds: float | None, what: str) -> AsyncIterator[None]:
        """Bound all that is done here; the control connection is closed when it takes too long.

        Raises:
            TimeoutError: It took longer.
        """
        try:
            async with asyncio.timeout(seconds) as limit:
                yield
        except TimeoutError as error:
            if not limit.expired():
                raise  # a limit of something within
            self._close("")
            self._why_closed = f"closed, because {what} took longer than {seconds:g} s: connect again"
            raise TimeoutError(f"{what} took longer than {seconds:g} s") from error

    def _unless_bounded(self, seconds: float | None) -> float | None:
        """A limit for something that is bounded already when there is a `socket_timeout`."""
        return None if self.socket_timeout is not None else seconds

    async def _open_channel(self, host: str, port: int) -> Channel:
        async with asyncio.timeout(self.connection_timeout):
            transport = await self.network.connect(None, (host, port))
        return Channel(transport, self.socket_timeout)

    async def _encrypt(
        self, channel: Channel, context: SSLContext, what: str, session: SSLSession | None = None
    ) -> None:
        """Shake hands on a connection, and close it when that fails.

        Raises:
            TlsError: The certificate was refused, or the other side cannot or will not.
            TimeoutError: It took longer than `connection_timeout`.
        """
        place = f"{what} connection to {self._host_name}:{channel.peer[1]}"
        try:
            async with asyncio.timeout(self.connection_timeout):
                channel.start_tls(context, server_side=False, server_hostname=self._host_name, session=session)
                await channel.secured()
        except SSLCertVerificationError as error:
            channel.close()
            raise TlsError(f"the certificate of the {place} was refused: {error.verify_message}") from error
        except TimeoutError as error:
            channel.close()
            raise TimeoutError(f"no TLS on the {place}: the handshake took too long") from error
        except OSError as error:
            channel.close()
            if refusal(error):
                raise _own_certificate_refused(place, error) from error
            raise TlsError(f"no TLS on the {place}: {getattr(error, 'reason', '') or error}") from error
        except BaseException:
            channel.close()
            raise

    def close(self) -> None:
        """Close the control connection, if there is one, and the data connection of a transfer that is not finished."""
        self._close("closed: await connect(host, port) to go on")
        self._lost = False

    def _close(self, why: str) -> None:
        for transfer in tuple(self._open):
            transfer.abandon()
        if self._channel is not None:
            logger.info("closing connection to %s:%d", self.server_host, self.server_port)
            self.outbox.flush()
            self._channel.close()
            self._channel = self._outbox = None
            self._why_closed = why
            self._lost = True
            if self._watcher is not None:
                self._watcher()

    def _watch(self, callback: Callable[[], None]) -> None:
        """Call `callback` when a reply is there or the connection ends, until `_unwatch`."""
        if self._lines:
            callback()
        self.channel.watch(callback)
        self._watcher = callback

    def _unwatch(self) -> None:
        """Stop calling the callback of `_watch`."""
        self._watcher = None
        if self._channel is not None:
            self._channel.unwatch()

    @property
    def channel(self) -> Channel:
        """The control connection.

        Raises:
            ConnectionError: There is none.
        """
        if self._channel is None:
            raise ConnectionError(self._why_closed)
        return self._channel

    @property
    def outbox(self) -> Outbox:
        """What this client says on the control connection.

        Raises:
            ConnectionError: There is none.
        """
        if self._outbox is None:
            raise ConnectionError(self._why_closed)
        return self._outbox

    @property
    def stream(self) -> ThrottleStreamIO:
        """The control connection as a stream, for octets of one's own; what is answered, `parse_response` reads.

        Raises:
            ConnectionError: There is none.
        """
        return ThrottleStreamIO(self.channel)

    # Talking.

    async def command(
        self,
        command: str | None = None,
        expected_codes: Codes = (),
        wait_codes: Codes = (),
        censor_after: int | None = None,
    ) -> tuple[Code, list[str]] | None:
        """Send a command and read its reply.

        Args:
            command: The line; None or "" to send nothing and only read.
            expected_codes: Masks of which the reply must fit one; any reply will do when there is none.
            wait_codes: Masks of replies to pass over first.
            censor_after: How many characters of the line the log may show; the rest is starred.

        Returns:
            The code, and the lines with what stands behind the code; None when no codes are given at all, in which
            case nothing is read.

        Raises:
            InvalidCommand: The line holds CR, LF or NUL, or what the encoding has no octets for; nothing was sent.
            StatusCodeError: Another code came.
            ClientStateError: A transfer is not finished, and this command would have to wait for it.
            ConnectionError: The server closed the connection, or there is none.
            TimeoutError: The server took longer than `socket_timeout`; the connection is closed.
        """
        expected = wrap_into_codes(wrap_with_container(expected_codes))
        passed = wrap_into_codes(wrap_with_container(wait_codes))
        line = self._encode(command) if command else b""
        async with self._turns:
            self._check_free(command)
            if command:
                await self._before(command)
            with self._whole():
                if command:
                    await self._send(line, command, censor_after)
                if not expected and not passed:
                    return None
                code, info = await self._reply(passed)
            if not command and self._owed:
                self._owed.pop(0)  # it was the reply that a closed transfer had left
            if code == "421":
                self._close("closed by the server (421): connect again")
            if expected:
                self.check_codes(expected, code, info)
            return code, info

    async def ask(self, command: str, expected_codes: Codes, wait_codes: Codes = ()) -> tuple[Code, list[str]]:
        """Send a command that needs an answer, see `command`."""
        answer = await self.command(command, expected_codes, wait_codes)
        assert answer is not None
        return answer

    async def _ask_for_content(self, command: str, code: str, also: str = "2xx") -> tuple[Code, list[str]]:
        """Send a command whose answer is proved by its text, or by what follows: some servers use another code.

        Args:
            command: The line.
            code: What the standard has, and an error names.
            also: What is taken, too.

        Raises:
            StatusCodeError: Another code came.
        """
        received, info = await self.ask(command, "xxx")
        if not received.matches(also):
            self.check_codes(code, received, info)
        return received, info

    async def _before(self, command: str) -> None:
        """Called before a command is said, to say something else; subclasses extend it."""

    async def _next_reply(self, wait_codes: Codes = ()) -> tuple[Code, list[str]]:
        """The next reply, whatever its code; those that fit one of `wait_codes` are passed over."""
        async with self._turns:
            with self._whole():
                return await self._reply(wrap_into_codes(wrap_with_container(wait_codes)))

    @contextlib.contextmanager
    def _whole(self) -> Iterator[None]:
        """Close the connection when what is done here breaks off."""
        try:
            yield
        except StatusCodeError:
            raise
        except asyncio.CancelledError:
            self._close("closed, because a call was cancelled before its reply had come: connect again")
            raise
        except BaseException as error:
            reason = f" ({error})" if str(error) else ""
            self._close(f"closed after {type(error).__name__}{reason}: connect again")
            raise

    def _encode(self, command: str) -> bytes:
        if not _FORBIDDEN.isdisjoint(command):
            raise InvalidCommand(f"CR, LF or NUL in {_verb(command)} would end the command early")
        try:
            return command.encode(self.encoding, "surrogateescape") + b"\r\n"
        except UnicodeEncodeError as error:
            # From None: the original holds the whole line, and with it perhaps a password.
            text = f"{self.encoding} cannot express a character of {_verb(command)} ({error.reason})"
            raise InvalidCommand(f"{text}: give the client another encoding") from None

    def _check_free(self, command: str | None) -> None:
        if self._transfer is None or not command:
            return
        verb = _verb(command)
        if verb not in _BESIDE:
            raise ClientStateError(
                f"{verb} has to wait for the transfer that runs ({self._transfer.said}): finish or abort it first, "
                "or use a second client"
            )

    async def _send(self, line: bytes, command: str, censor_after: int | None = None) -> None:
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("%s", _shown(command, censor_after))
        outbox = self.outbox
        await self._pay_debts()
        if not self._due:
            self._drop_strays()
        self._due += 1
        self._forget(_verb(command))
        outbox.write(line)
        async with asyncio.timeout(self.socket_timeout):
            await outbox.drain()

    def _forget(self, verb: str) -> None:
        """Drop what is known of the server and a command changes, or a new connection (""); subclasses extend it."""

    def _drop_strays(self) -> None:
        """Throw away what the server said unasked, or it would be taken for an answer; but for its good-bye (421)."""
        for _ in range(_STRAYS):
            if not (data := self._received_now()):
                break
            self._lines.extend(self._reader.feed(data))
        while self._lines and not (self._lines[0] or b"").startswith(b"421"):
            logger.warning("nobody asked for %s", printable((self._lines.popleft() or b"").decode("utf-8", "replace")))
        if not self._lines:
            self._reader.clear()

    async def _pay_debts(self) -> None:
        """Read the replies that nobody read, before a command is said; subclasses with transfers say which."""

    async def _reply(self, passed: Iterable[str]) -> tuple[Code, list[str]]:
        code, info = await self.parse_response()
        while any(code.matches(mask) for mask in passed):
            code, info = await self.parse_response()
        return code, info

    async def parse_line(self) -> tuple[Code, str]:
        """The next line of the server: its first three characters, and the rest with its space or hyphen.

        Raises:
            ConnectionResetError: The server closed the connection.
            ConnectionAbortedError: The line is longer than a megabyte.
            TimeoutError: It took longer than `socket_timeout`.
            TlsError: The server refuses this client's certificate.
        """
        while not self._lines:
            data = await self._received()
            if not data:
                self._close("closed by the server: connect again")
                raise ConnectionResetError("the server closed the control connection")
            self._lines.extend(self._reader.feed(data))
        line = self._lines.popleft()
        if line is None:
            raise ConnectionAbortedError("the server sent a line that does not end")
        text = line.decode(self.encoding, "surrogateescape")
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("%s", printable(text))
        return Code(text[:3]), text[3:]

    async def _received(self) -> bytes:
        channel = self.channel
        with self._told_why():
            try:
                return await channel.receive(_RECEIVE)
            except TimeoutError:
                raise TimeoutError(f"the server said nothing for {channel.timeout:g} seconds") from None

    def _received_now(self) -> bytes | None:
        with self._told_why():
            return self.channel.receive_now(_RECEIVE)

    @contextlib.contextmanager
    def _told_why(self) -> Iterator[None]:
        try:
            yield
        except ConnectionAbortedError as error:
            if not refusal(error.__cause__):
                raise
            # With TLS 1.3 hands are shaken, for a client, before the server has seen its certificate.
            place = f"control connection to {self._host_name}:{self.server_port}"
            raise _own_certificate_refused(place, error.__cause__) from error.__cause__

    async def parse_response(self) -> tuple[Code, list[str]]:
        """The next reply: its code and its lines.

        Lines lose their code where they have that of the reply; others are as sent. Only a line with the code of the
        first and a space ends a reply of several lines (RFC 959 4.2).

        Raises:
            StatusCodeError: The line where a reply begins has no code.
            ConnectionResetError: The server closed the connection.
            TimeoutError: It took longer than `socket_timeout`.
        """
        code, rest = await self.parse_line()
        if not code.startswith("1"):
            self._due = max(0, self._due - 1)
        if not (len(code) == 3 and code.isascii() and code.isdigit()):
            raise StatusCodeError("xxx", code, [code + rest])
        info = [rest]
        closed = not rest.startswith("-")
        while not closed:
            current, rest = await self.parse_line()
            same = current == code and rest[:1] in ("", " ", "-")
            info.append(rest if same else current + rest)
            closed = same and not rest.startswith("-")
        return code, info

    def check_codes(self, expected_codes: Codes, received_code: Code, info: list[str] | str) -> None:
        """Compare a code with masks.

        Raises:
            StatusCodeError: None fits.
        """
        expected = wrap_into_codes(wrap_with_container(expected_codes))
        if not any(received_code.matches(mask) for mask in expected):
            raise StatusCodeError(tuple(expected), received_code, info)

    def __repr__(self) -> str:
        state = f"connected to {self.server_host}:{self.server_port}" if self._channel else "not connected"
        return f"<{type(self).__name__} {state}>"


def _verb(command: str) -> str:
    """The verb of a line, fit to be shown; nothing of the rest, which may be a password."""
    return printable(next(iter(command.upper().split()), ""))


def _shown(command: str, censor_after: int | None) -> str:
    if censor_after is None:
        verb, _, argument = command.partition(" ")
        return printable(censor(verb, argument))
    return printable(command[:censor_after]) + "*" * len(command[censor_after:])


def _own_certificate_refused(place: str, error: BaseException | None) -> TlsError:
    return TlsError(f"the server refused this client's certificate on the {place}: {refusal(error)}")
