"""The client without its operations: settings, and the control connection under the names of the extension API.

One rule: what a subclass may call or override is here, and delegates to the parts that do it.
"""

from __future__ import annotations

from ssl import create_default_context
from typing import Any, Unpack

from ftpfixture.client.control import ControlConnection
from ftpfixture.client.settings import BASE_CLIENT_SETTINGS, BaseClientSettings, Codes, Parser
from ftpfixture.client.view import Answer
from ftpfixture.compat.constants import DEFAULT_PORT
from ftpfixture.errors import ConfigurationError, StatusCodeError
from ftpfixture.net.channel import Channel
from ftpfixture.net.dial import ClientNetwork
from ftpfixture.net.network import Network
from ftpfixture.net.socks import SocksProxy
from ftpfixture.net.stream import ThrottleStreamIO
from ftpfixture.net.throttle import StreamThrottle
from ftpfixture.wire.reply import Code, wrap_into_codes, wrap_with_container

__all__ = ["BaseClient"]


@BASE_CLIENT_SETTINGS.describe
class BaseClient:
    """A control connection and nothing else; the operations are in `Client`.

    Several tasks may share a client: each call waits until the call before it has its reply.

    Args:
        settings: See `ftpfixture.client.settings.BaseClientSettings`.

    Raises:
        UnknownSetting: A setting does not exist; the message names the nearest one.
        ConfigurationError: A setting has a value that cannot work.
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
        self.passive_commands = tuple(chosen["passive_commands"])
        self.network = self._network(chosen)
        self.ssl = create_default_context() if chosen["ssl"] is True else chosen["ssl"] or None
        self.control = ControlConnection(self)

    @staticmethod
    def _network(chosen: BaseClientSettings) -> Network:
        """The network in which the client connects.

        Raises:
            ConfigurationError: Both `socks_host` and `network` are given, or python-socks is not installed.
        """
        host, network = chosen["socks_host"], chosen["network"]
        if host is None:
            return ClientNetwork() if network is None else network
        if network is not None:
            raise ConfigurationError("socks_host and network exclude each other: give only one of them")
        return SocksProxy(host, chosen["socks_port"], chosen["socks_version"], chosen["username"], chosen["password"])

    # The connection.

    @property
    def server_host(self) -> str:
        """The address of the server; "" before the first connection."""
        return self.control.server_host

    @property
    def server_port(self) -> int:
        """The port of the server."""
        return self.control.server_port

    @property
    def channel(self) -> Channel:
        """The control connection.

        Raises:
            ConnectionError: The client is not connected.
        """
        return self.control.channel

    @property
    def stream(self) -> ThrottleStreamIO:
        """The control connection as a stream, to send your own bytes; `parse_response` reads the replies.

        Raises:
            ConnectionError: The client is not connected.
        """
        return ThrottleStreamIO(self.control.channel)

    async def connect(self, host: str, port: int = DEFAULT_PORT) -> Any:
        """Open the control connection; close the previous one first.

        Args:
            host: Name or address; the addresses of a name are tried in turn.
            port: Of the server.

        Raises:
            OSError: The connection was refused, or the name cannot be resolved.
            TimeoutError: It took longer than `connection_timeout`.
        """
        self.close()  # so that no transfer keeps the lock
        async with self.control.lock:
            self.close()  # a connection that another task has opened meanwhile
            await self.control.open(host, port)

    def close(self) -> None:
        """Close the control connection and the data connections of unfinished transfers; without them, do nothing."""
        self.control.close("closed: await connect(host, port) to go on")

    # Commands and replies.

    async def command(
        self,
        command: str | None = None,
        expected_codes: Codes = (),
        wait_codes: Codes = (),
        censor_after: int | None = None,
    ) -> Answer | None:
        """Send a command and read its reply.

        Args:
            command: The line; None or "" to send nothing and only read.
            expected_codes: Masks; the reply must match one of them. Without masks every reply is accepted.
            wait_codes: Masks of replies to skip first.
            censor_after: How many characters of the line the log may show; the rest is starred.

        Returns:
            The code, and the lines without the code. None when neither `expected_codes` nor `wait_codes` is given: then
            no reply is read.

        Raises:
            InvalidCommand: The line has CR, LF or NUL, or characters that the encoding cannot express; nothing was
                sent.
            StatusCodeError: The reply has another code.
            ClientStateError: A transfer is not finished, and this command would have to wait for it.
            ConnectionError: The server closed the connection, or the client is not connected.
            TimeoutError: The server took longer than `socket_timeout`; the connection is closed.
        """
        return await self.control.command(command, expected_codes, wait_codes, censor_after)

    async def ask(self, command: str, expected_codes: Codes, wait_codes: Codes = ()) -> Answer:
        """Send a command and read its reply, as `command` does; the reply is never None."""
        answer = await self.command(command, expected_codes, wait_codes)
        assert answer is not None
        return answer

    async def parse_line(self) -> tuple[Code, str]:
        """The next line of the server: its first three characters, and the rest with its space or hyphen.

        Raises:
            ConnectionResetError: The server closed the connection.
            ConnectionAbortedError: The line is longer than a megabyte.
            TimeoutError: The server took longer than `socket_timeout`.
            TlsError: The server refused this client's certificate.
        """
        return await self.control.read_line()

    async def parse_response(self) -> Answer:
        """The next reply: its code and its lines.

        A line that begins with the code of the reply loses it; other lines stay as sent. Only a line with the code of
        the first line and a space ends a multi-line reply (RFC 959 4.2).

        Raises:
            StatusCodeError: The first line of the reply has no code.
            ConnectionResetError: The server closed the connection.
            TimeoutError: The server took longer than `socket_timeout`.
        """
        return await self.control.read_reply()

    def check_codes(self, expected_codes: Codes, received_code: Code, info: list[str] | str) -> None:
        """Compare a code with masks.

        Raises:
            StatusCodeError: The code matches no mask.
        """
        expected = wrap_into_codes(wrap_with_container(expected_codes))
        if not any(received_code.matches(mask) for mask in expected):
            raise StatusCodeError(tuple(expected), received_code, info)

    def __repr__(self) -> str:
        state = f"connected to {self.server_host}:{self.server_port}" if self.control.is_open else "not connected"
        return f"<{type(self).__name__} {state}>"
