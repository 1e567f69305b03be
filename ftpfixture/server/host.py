"""The part of a server that its sessions use."""

from __future__ import annotations

from collections.abc import Callable
from ssl import SSLContext
from typing import Protocol

from ftpfixture.log.events import Hub
from ftpfixture.net.gate import Gate, SessionView
from ftpfixture.net.outbox import Outbox
from ftpfixture.server.connection import Connection, SessionControl
from ftpfixture.server.dispatch import CommandSpec, Handler
from ftpfixture.server.wording import Wording

__all__ = ["SessionHost"]


class SessionHost(Protocol):
    """A server for its sessions."""

    hub: Hub
    encoding: str
    gate_factory: Callable[[SessionView, Outbox], Gate]
    commands_mapping: dict[str, Handler]
    specs: dict[str, CommandSpec]
    wording: Wording | None

    def new_connection(self, session: SessionControl) -> Connection:
        """The `Connection` that the handlers of the session get."""

    def context_from_the_start(self, connection: Connection) -> SSLContext | None:
        """The SSLContext of the TLS handshake before the greeting; None if the session begins in clear text."""

    async def path_exists(self, connection: Connection, path: str, *, pattern: bool = False) -> bool:
        """Whether a file is at a client's path, or matches it as a pattern."""

    async def greeting(self, connection: Connection, rest: str) -> bool:
        """Send the greeting; False to close the session."""

    def client_left(self, connection: Connection) -> None:
        """Called when the session ends after its current step, as when the client has closed the connection."""

    async def release(self, connection: Connection) -> None:
        """Release what the connection holds."""
