"""What the parts of a client see of the client they belong to.

One rule: settings are looked at when they are needed, because a user may change an attribute at any time; and what a
subclass may override is called on the client. They are read-only here, so that a subclass may narrow their types.
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
"""A reply: its code, and its lines with what stands behind the code."""


class ClientView(Protocol):
    """A client, as its control connection and its data connections see it; `BaseClient` says what each name means."""

    @property
    def socket_timeout(self) -> float | None:
        """Seconds that one read or write may take."""

    @property
    def connection_timeout(self) -> float | None:
        """Seconds that a connection may take to open, TLS included."""

    @property
    def encoding(self) -> str:
        """Of commands and replies."""

    @property
    def ask_utf8(self) -> bool:
        """Whether to ask the server to speak UTF-8."""

    @property
    def keep_alive(self) -> float | None:
        """Seconds between two NOOPs while a transfer runs."""

    @property
    def trust_pasv_host(self) -> bool:
        """Whether to connect to the host that PASV names."""

    @property
    def ssl(self) -> SSLContext | None:
        """The context of implicit TLS."""

    @property
    def network(self) -> Network:
        """Where to connect and listen."""

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
        """Send a command that needs an answer."""

    async def parse_line(self) -> tuple[Code, str]:
        """The next line of the server."""

    async def parse_response(self) -> Answer:
        """The next reply."""

    def check_codes(self, expected_codes: Codes, received_code: Code, info: list[str] | str) -> None:
        """Raise StatusCodeError unless a code fits one of the masks."""
