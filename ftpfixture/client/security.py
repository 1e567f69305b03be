"""TLS for the client: AUTH TLS, PROT for data connections, and CCC for the return to clear text (RFC 4217).

One rule: data received in clear text are never taken for encrypted data.
"""

from __future__ import annotations

import contextlib
import ssl

from ftpfixture.client.operations import Operations
from ftpfixture.errors import ClientStateError, StatusCodeError, TlsError

__all__ = ["SecurityOperations", "protect_if_known"]


class SecurityOperations:
    """Operations of a client that encrypt its connections."""

    @property
    def encrypted(self: Operations) -> bool:
        """Whether the control connection is encrypted now."""
        return self.control.is_open and self.control.channel.tls is not None

    async def upgrade_to_tls(self: Operations, sslcontext: ssl.SSLContext | None = None) -> None:
        """Encrypt the control connection from now on, and data connections too: AUTH TLS, PBSZ 0, PROT P.

        Call it before `login`: many servers refuse AUTH after the login, others require a new login.

        Args:
            sslcontext: The trusted certificates and the client's own certificate; None for the default context of this
                machine.

        Raises:
            ClientStateError: The connection is encrypted already.
            StatusCodeError: The server refused.
            TimeoutError: The server sent nothing for `socket_timeout`, or the whole exchange took longer than
                `connection_timeout`; the connection is closed.
            TlsError: A certificate was refused, the server's or the client's, or the handshake failed; the connection
                is closed.

        Source: RFC 4217 4 and 9.
        """
        if self.ssl is not None or self.encrypted:
            raise ClientStateError("the control connection is encrypted already")
        control = self.control
        seconds = None if self.socket_timeout is not None else self.connection_timeout  # a limit for each step, or all
        async with control.lock, control.time_limit(seconds, "AUTH TLS"):
            await control.query("AUTH TLS", "234")
            if control.incoming.has_begun:
                control.lose("closed, because the server sent data in clear text after its reply to AUTH TLS")
                raise TlsError("the server sent data in clear text after its reply to AUTH TLS")
            context = sslcontext if sslcontext is not None else ssl.create_default_context()
            control.parameters.tls_context, control.parameters.tls_session = context, None
            with control.closed_on_error():
                await control.connector.encrypt(control.channel, context, "control")
            await control.query("PBSZ 0", "200")
            await self.protect("P")

    async def protect(self: Operations, level: str = "P") -> None:
        """Choose whether data connections are encrypted: "P" (private) or "C" (clear).

        Raises:
            StatusCodeError: The server refused.

        Source: RFC 2228 3, RFC 4217 9.
        """
        await self.control.query(f"PROT {level}", "200")
        self.control.parameters.protection = level.upper()

    async def clear_command_channel(self: Operations) -> None:
        """Return to clear text on the control connection; data connections stay as they are.

        Raises:
            ClientStateError: The control connection is not encrypted.
            StatusCodeError: The server refused.
            TlsError: The server did not end TLS with close_notify; the connection is closed.

        Source: RFC 4217 12.3.
        """
        if not self.encrypted:
            raise ClientStateError("the control connection is not encrypted")
        control = self.control
        async with control.lock:
            await control.query("CCC", "200")
            control.parameters.tls_session = control.channel.session
            with control.closed_on_error():
                try:
                    await control.channel.end_tls()
                except ssl.SSLError as error:
                    reason = error.reason or error
                    raise TlsError(f"TLS did not end properly on the control connection: {reason}") from error


async def protect_if_known(client: Operations) -> None:
    """Ask for encrypted data connections after implicit TLS.

    vsftpd starts with clear data connections even then. Servers that refuse PBSZ or PROT have only encrypted ones.
    """
    with contextlib.suppress(StatusCodeError):
        await client.control.query("PBSZ 0", "200")
        await client.protect("P")
