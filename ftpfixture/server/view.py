"""The part of a session that its gate uses.

One rule: a gate uses nothing else of a session, so that it works with any other object that has the same members.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import PurePosixPath
from typing import Protocol

from ftpfixture.errors import CommandRefused, CommandSyntaxError, PathIOError
from ftpfixture.files.base import AbstractPathIO
from ftpfixture.log.events import Hub
from ftpfixture.net.channel import Channel
from ftpfixture.net.ports import PassiveListener
from ftpfixture.net.stream import ThrottleStreamIO
from ftpfixture.server.connection import Connection

__all__ = ["View"]


class Host(Protocol):
    """The part of a server that a view uses."""

    hub: Hub

    async def path_exists(self, connection: Connection, path: str, *, pattern: bool = False) -> bool:
        """Whether a file is at a client's path, or matches it as a pattern."""


class View:
    """A session for its gate; `ftpfixture.net.gate.SessionView` describes the members.

    Args:
        number: Number of the session.
        host: The server.
        channel: The control connection.
        connection: The state of the session for handlers.
        disconnect: Ends the session with a reason.
    """

    def __init__(
        self, number: int, host: Host, channel: Channel, connection: Connection, disconnect: Callable[[str], None]
    ) -> None:
        self.number = number
        self.hub = host.hub
        self.channel = channel
        self.server_host = connection.server_host
        self.disconnect = disconnect
        self._host = host
        self._connection = connection

    @property
    def encoding(self) -> str:
        """See SessionView."""
        return self._connection.encoding

    @property
    def current_directory(self) -> PurePosixPath:
        """See SessionView."""
        return self._connection.current_directory

    @property
    def login(self) -> str:
        """See SessionView."""
        return self._connection.login

    @property
    def transfer_type(self) -> str:
        """See SessionView."""
        return self._connection.transfer_type

    @property
    def path_io(self) -> AbstractPathIO:
        """See SessionView."""
        return self._connection.path_io

    @property
    def transferring(self) -> bool:
        """See SessionView."""
        return bool(self._connection.extra_workers)

    @property
    def passive_listener(self) -> PassiveListener | None:
        """See SessionView."""
        connection = self._connection
        return connection.passive_server if connection.data_source == "passive" else None

    async def exists(self, path: str, *, pattern: bool) -> bool | None:
        """See SessionView."""
        if not self._connection.login_state.is_in or "user" not in self._connection:
            return None
        try:
            return await self._host.path_exists(self._connection, path, pattern=pattern)
        except (CommandRefused, CommandSyntaxError, PathIOError):
            return None  # the command's own reply gives the error

    def override(self, name: str, value: object) -> Callable[[], None]:
        """See SessionView."""
        connection, before = self._connection, getattr(self._connection, name)
        setattr(connection, name, value)
        return lambda: setattr(connection, name, before)

    def open_data_with(self, opener: Callable[[float | None], Awaitable[ThrottleStreamIO]]) -> None:
        """See SessionView."""
        self._connection.when_wanted("data_connection", opener)
