"""Data connections, passive and active, that are prepared before a command uses them.

One rule: the function that prepares a data connection uses it or closes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Protocol

from ftpfixture.client.control import Controlled
from ftpfixture.errors import StatusCodeError
from ftpfixture.net.channel import Channel
from ftpfixture.net.deflate import Deflated
from ftpfixture.net.hosts import same_host
from ftpfixture.net.transport import Transport
from ftpfixture.wire.hostport import parse_227, parse_229, render_eprt, render_port

__all__ = ["ActiveChannel", "DataChannel", "DataChannels", "PassiveChannel"]

# Replies of a server that does not have the command, or cannot execute it now (RFC 959 5.4, RFC 2428 2 and 3).
_REFUSALS = ("425", "500", "501", "502", "503", "504", "522", "550")


class DataChannel(Protocol):
    """A prepared data connection."""

    async def connected(self) -> Channel:
        """Return the connection; in active mode wait for the server, which connects after it has the command."""

    def close(self) -> None:
        """Close the connection, or stop listening for it."""


class PassiveChannel:
    """A data connection that the client opened."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    async def connected(self) -> Channel:
        """Return the connection, which is open already."""
        return self._channel

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()


class ActiveChannel:
    """A data connection that the server will open when it has the command.

    Attributes:
        address: Host and port to which the server must connect.
    """

    def __init__(self, client: Controlled) -> None:
        self._client = client
        self._control = client.control
        self._wake_up = asyncio.Event()
        self._accepted: Channel | None = None
        self._listener = client.network.listen(client.control.channel.local[0], 0, self._on_connection)
        self.address = self._listener.host, self._listener.port

    def _on_connection(self, transport: Transport) -> None:
        if self._accepted is None and same_host(transport.peer[0], self._control.channel.peer[0]):
            self._accepted = Channel(transport, self._client.socket_timeout)
            self._wake_up.set()
        else:
            transport.close()

    async def connected(self) -> Channel:
        """Wait until the server has connected.

        Raises:
            StatusCodeError: The server sent a final reply instead.
            TimeoutError: It took longer than `connection_timeout`.
        """
        async with asyncio.timeout(self._client.connection_timeout):
            return await self._accept()

    async def _accept(self) -> Channel:
        while (channel := self._accept_now()) is None:
            if not self._wake_up.is_set():
                with self._control.watched(self._wake_up.set):
                    await self._wake_up.wait()
            else:
                # No connection, so it is a reply: a preliminary one before the connection, or a failure.
                self._wake_up.clear()
                self._client.check_codes("1xx", *await self._control.next_reply())
        return channel

    def _accept_now(self) -> Channel | None:
        self._listener.accept_now()
        channel, self._accepted = self._accepted, None
        if channel is not None:
            self._listener.close()
        return channel

    def close(self) -> None:
        """Stop listening, and close the connection if the server has opened it."""
        self._listener.close()
        if self._accepted is not None:
            self._accepted.close()


class DataChannels:
    """Prepares data connections with PASV, EPSV, PORT or EPRT, and encrypts and compresses them as the session asks."""

    def __init__(self, client: Controlled) -> None:
        self._client = client
        self._control = client.control
        self._commands: dict[str, Callable[[], Awaitable[DataChannel]]] = {
            "epsv": self._epsv,
            "pasv": self._pasv,
            "eprt": partial(self._listen, "EPRT", render_eprt),
            "port": partial(self._listen, "PORT", render_port),
        }

    async def prepare(self, names: Iterable[str]) -> DataChannel:
        """Prepare a data connection with the first of the commands that works.

        Args:
            names: Of "epsv", "pasv", "eprt" and "port", in the order to try them.

        Raises:
            StatusCodeError: The server refused the last of them.
            OSError: A connection could not be opened.
        """
        refused = self._control.traits.refused_data_commands
        *others, last = [name for name in names if name not in refused] or list(names)
        for name in others:
            try:
                return await self._commands[name]()
            except StatusCodeError as error:
                if error.received_codes[0] not in _REFUSALS:
                    raise
            except (OSError, ValueError):  # a reply that cannot be parsed, PORT over IPv6, active mode behind a proxy
                if not self._control.is_open:
                    raise
            refused.add(name)
        return await self._commands[last]()

    async def _epsv(self) -> DataChannel:
        _, info = await self._control.query("EPSV", "229")
        return await self._connected(self._control.server_host, parse_229("\n".join(info)))

    async def _pasv(self) -> DataChannel:
        _, info = await self._control.query("PASV", "227")
        host, port = parse_227("\n".join(info))
        trusted = self._client.trust_pasv_host and host != "0.0.0.0"
        return await self._connected(host if trusted else self._control.server_host, port)

    async def _connected(self, host: str, port: int) -> DataChannel:
        return PassiveChannel(await self._control.connector.open(host, port))

    async def _listen(self, verb: str, render: Callable[[str, int], str]) -> DataChannel:
        active = ActiveChannel(self._client)
        try:
            await self._client.command(f"{verb} {render(*active.address)}", "2xx")
        except BaseException:
            active.close()
            raise
        return active

    async def encrypt(self, channel: Channel) -> None:
        """Encrypt a data connection after PROT P; it resumes the TLS session of the control connection.

        Many servers begin the handshake only when they have the command: call this after its first reply.
        """
        parameters = self._control.parameters
        if parameters.protection == "P" and parameters.tls_context is not None:
            session = self._control.channel.session or parameters.tls_session
            await self._control.connector.encrypt(channel, parameters.tls_context, "data", session)

    def start_tls(self, channel: Channel) -> None:
        """Begin to encrypt a data connection before the command is sent; reads and writes wait for the handshake."""
        parameters = self._control.parameters
        if parameters.protection == "P" and parameters.tls_context is not None:
            session = self._control.channel.session or parameters.tls_session
            self._control.connector.start_tls(channel, parameters.tls_context, session)

    def compressed(self, channel: Channel) -> Channel | Deflated:
        """The connection with compression in MODE Z, without in MODE S."""
        level = self._control.parameters.deflate_level
        return channel if level is None else Deflated(channel, level)
