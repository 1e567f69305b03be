"""What the parts of a client see of the client they belong to.

One rule: settings are looked at when they are needed, because a user may change an attribute at any time; and what a
subclass may override is called on the client.
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

    socket_timeout: float | None
    connection_timeout: float | None
    encoding: str
    ask_utf8: bool
    keep_alive: float | None
    trust_pasv_host: bool
    ssl: SSLContext | None
    network: Network
    throttle: StreamThrottle

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
