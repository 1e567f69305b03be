"""Data connections that client and server agreed on, before a command uses them: passive ones, and active ones.

One rule: whoever has one takes it or drops it.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from ftpfixture.client.endings import EndingClient
from ftpfixture.net.channel import Channel
from ftpfixture.net.hosts import same_host
from ftpfixture.net.transport import Transport

__all__ = ["Active", "Agreed", "Passive"]


class Agreed(Protocol):
    """A data connection that was agreed on."""

    async def take(self) -> Channel:
        """The connection, once the command that uses it was accepted."""

    def drop(self) -> None:
        """Give it up."""


class Passive:
    """A connection that we made."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    async def take(self) -> Channel:
        """See Agreed."""
        return self._channel

    def drop(self) -> None:
        """See Agreed."""
        self._channel.close()


class Active:
    """A connection that the server will make, when it has the command."""

    def __init__(self, client: EndingClient) -> None:
        self._client = client
        self._something = asyncio.Event()
        self._accepted: Channel | None = None
        self._listener = client.network.listen(client.channel.local[0], 0, self._arrived)
        self.address = self._listener.host, self._listener.port

    def _arrived(self, transport: Transport) -> None:
        if self._accepted is None and same_host(transport.peer[0], self._client.channel.peer[0]):
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
                await self._wait()
            else:
                # No connection, so it is a reply: one that came before it, or the end of hope.
                self._something.clear()
                self._client.check_codes("1xx", *await self._client._next_reply())
        return channel

    def _taken(self) -> Channel | None:
        self._listener.accept_now()
        channel, self._accepted = self._accepted, None
        if channel is not None:
            self._listener.close()
        return channel

    async def _wait(self) -> None:
        self._client._watch(self._something.set)
        try:
            await self._something.wait()
        finally:
            self._client._unwatch()

    def drop(self) -> None:
        """See Agreed."""
        self._listener.close()
        if self._accepted is not None:
            self._accepted.close()
