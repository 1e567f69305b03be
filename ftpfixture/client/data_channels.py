"""Data connections that client and server agreed on, before a command uses them: passive and active.

One rule: whoever has one takes it or drops it.
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

# What a server answers that has not this command, or cannot follow it just now (RFC 959 5.4, RFC 2428 2 and 3).
_REFUSALS = ("425", "500", "501", "502", "503", "504", "522", "550")


class DataChannel(Protocol):
    """A data connection that was agreed on."""

    async def take(self) -> Channel:
        """The connection, once the command that uses it was accepted."""

    def drop(self) -> None:
        """Give it up."""


class PassiveChannel:
    """A connection that we made."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    async def take(self) -> Channel:
        """See DataChannel."""
        return self._channel

    def drop(self) -> None:
        """See DataChannel."""
        self._channel.close()


class ActiveChannel:
    """A connection that the server will make, when it has the command.

    Attributes:
        address: Where the server must connect to.
    """

    def __init__(self, client: Controlled) -> None:
        self._client = client
        self._control = client.control
        self._something = asyncio.Event()
        self._accepted: Channel | None = None
        self._listener = client.network.listen(client.control.channel.local[0], 0, self._arrived)
        self.address = self._listener.host, self._listener.port

    def _arrived(self, transport: Transport) -> None:
        if self._accepted is None and same_host(transport.peer[0], self._control.channel.peer[0]):
            self._accepted = Channel(transport, self._client.socket_timeout)
            self._something.set()
        else:
            transport.close()

    async def take(self) -> Channel:
        """Wait for the server, but no longer than until it says that it gives up."""
        async with asyncio.timeout(self._client.connection_timeout):
            return await self._arrival()

    async def _arrival(self) -> Channel:
        while (channel := self._taken()) is None:
            if not self._something.is_set():
                with self._control.watched(self._something.set):
                    await self._something.wait()
            else:
                # No connection, so it is a reply: one that came before it, or the end of hope.
                self._something.clear()
                self._client.check_codes("1xx", *await self._control.next_reply())
        return channel

    def _taken(self) -> Channel | None:
        self._listener.accept_now()
        channel, self._accepted = self._accepted, None
        if channel is not None:
            self._listener.close()
        return channel

    def drop(self) -> None:
        """See DataChannel."""
        self._listener.close()
        if self._accepted is not None:
            self._accepted.close()


class DataChannels:
    """Agrees with the server on data connections, and makes them what was agreed on: encrypted, compressed."""

    def __init__(self, client: Controlled) -> None:
        self._client = client
        self._control = client.control
        self._commands: dict[str, Callable[[], Awaitable[DataChannel]]] = {
            "epsv": self._epsv,
            "pasv": self._pasv,
            "eprt": partial(self._listen, "EPRT", render_eprt),
            "port": partial(self._listen, "PORT", render_port),
        }

    async def agree(self, names: Iterable[str]) -> DataChannel:
        """A data connection, by the first of the commands that works.

        Raises:
            StatusCodeError: The server refused the last of them.
            OSError: A connection could not be made.
        """
        refused = self._control.traits.refused_data_commands
        *others, last = [name for name in names if name not in refused] or list(names)
        for name in others:
            try:
                return await self._commands[name]()
            except StatusCodeError as error:
                if error.received_codes[0] not in _REFUSALS:
                    raise
            except (OSError, ValueError):  # a reply that is not understood, PORT over IPv6, active mode behind a proxy
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
            active.drop()
            raise
        return active

    async def encrypt(self, channel: Channel) -> None:
        """Encrypt a data connection, if that is agreed on; it resumes the session of the control connection.

        Many servers begin the handshake only when they have the command, so this comes after its first reply.
        """
        parameters = self._control.parameters
        if parameters.protection == "P" and parameters.tls_context is not None:
            session = self._control.channel.session or parameters.tls_session
            await self._control.connector.encrypt(channel, parameters.tls_context, "data", session)

    def start_tls(self, channel: Channel) -> None:
        """The same before the command is sent: whoever uses the connection waits for the handshake."""
        parameters = self._control.parameters
        if parameters.protection == "P" and parameters.tls_context is not None:
            session = self._control.channel.session or parameters.tls_session
            self._control.connector.start_tls(channel, parameters.tls_context, session)

    def compressed(self, channel: Channel) -> Channel | Deflated:
        """The connection as MODE Z or MODE S has it."""
        level = self._control.parameters.deflate_level
        return channel if level is None else Deflated(channel, level)
