"""The client as its parts see it.

One rule: a part reads a setting when it needs it, because a user may change an attribute at any time, and calls what a
subclass may override on the client. Settings are read-only here, so that a subclass may narrow their types.
"""

from __future__ import annotations

from ssl import SSLContext
from typing import Protocol

from ftpfixture.client.settings import Codes
from ftpfixture.net.network import Network
from ftpfixture.net.throttle import StreamThrottle
from ftpfixture.wire.reply import Code

__all__ = ["Answer", "ClientView"]

Answer = tuple[Code, list[str]]
"""A reply: its code, and its lines without the code."""


class ClientView(Protocol):
    """A client, as its control and data connections see it; `BaseClient` describes each name."""

    @property
    def socket_timeout(self) -> float | None:
        """Limit for one read or write, in seconds."""

    @property
    def connection_timeout(self) -> float | None:
        """Limit for opening a connection, TLS included, in seconds."""

    @property
    def encoding(self) -> str:
        """Of commands and replies."""

    @property
    def ask_utf8(self) -> bool:
        """Whether to send OPTS UTF8 ON when needed."""

    @property
    def keep_alive(self) -> float | None:
        """Seconds between two NOOPs while a transfer runs."""

    @property
    def trust_pasv_host(self) -> bool:
        """Whether to connect to the host in the reply to PASV."""

    @property
    def ssl(self) -> SSLContext | None:
        """The context of implicit TLS."""

    @property
    def network(self) -> Network:
        """The network in which to connect and listen."""

    @property
    def throttle(self) -> StreamThrottle:
        """Speed limits."""

    async def command(
        self,
        command: str | None = None,
        expected_codes: Codes = (),
        wait_codes: Codes = (),
        censor_after: int | None = None,
    ) -> Answer | None:
        """Send a command and read its reply."""

    async def ask(self, command: str, expected_codes: Codes, wait_codes: Codes = ()) -> Answer:
        """Send a command and read its reply, which is never None."""

    async def parse_line(self) -> tuple[Code, str]:
        """The next line of the server."""

    async def parse_response(self) -> Answer:
        """The next reply."""

    def check_codes(self, expected_codes: Codes, received_code: Code, info: list[str] | str) -> None:
        """Raise StatusCodeError unless a code matches one of the masks."""
