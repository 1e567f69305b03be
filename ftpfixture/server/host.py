"""What a session needs of its server."""

from __future__ import annotations

from collections.abc import Callable
from ssl import SSLContext
from typing import Protocol

from ftpfixture.log.events import Hub
from ftpfixture.net.gate import Gate, SessionView
from ftpfixture.net.outbox import Outbox
from ftpfixture.server.connection import Connection, SessionControl
from ftpfixture.server.dispatch import CommandSpec, Handler

__all__ = ["SessionHost"]


class SessionHost(Protocol):
    """A server, as its sessions see it."""

    hub: Hub
    encoding: str
    gate_factory: Callable[[SessionView, Outbox], Gate]
    commands_mapping: dict[str, Handler]
    specs: dict[str, CommandSpec]

    def new_connection(self, session: SessionControl) -> Connection:
        """What handlers will see of the session."""

    def context_from_the_start(self, connection: Connection) -> SSLContext | None:
        """What to make the TLS handshake with before the greeting; None to begin in clear."""

    async def path_exists(self, connection: Connection, path: str, *, pattern: bool = False) -> bool:
        """Whether there is something at a path, or that matches it."""

    async def greeting(self, connection: Connection, rest: str) -> bool:
        """Say the first reply; False to close."""

    async def release(self, connection: Connection) -> None:
        """Give back what the connection held."""
