"""TLS for the client: AUTH TLS, the protection of data connections, and the way back to clear text (RFC 4217).

One rule: nothing that came in clear is taken for something that came encrypted.
"""

from __future__ import annotations

import contextlib
import ssl
from typing import Unpack

from ftpfixture.client.settings import BaseClientSettings
from ftpfixture.client.utf8 import Utf8Client
from ftpfixture.errors import ClientStateError, StatusCodeError, TlsError
from ftpfixture.net.channel import Channel

__all__ = ["SecureClient"]


class SecureClient(Utf8Client):
    """A client that can encrypt its connections."""

    def __init__(self, **settings: Unpack[BaseClientSettings]) -> None:
        super().__init__(**settings)
        self._context: ssl.SSLContext | None = self.ssl
        self._session: ssl.SSLSession | None = None
        self._level = "C"

    def _forget(self, verb: str) -> None:
        super()._forget(verb)
        if verb == "":
            self._context = self.ssl
            self._session = None
        if verb in ("", "REIN"):
            self._level = "C" if self.ssl is None else "P"

    @property
    def encrypted(self) -> bool:
        """Whether the control connection is encrypted now."""
        return self._channel is not None and self._channel.tls is not None

    async def upgrade_to_tls(self, sslcontext: ssl.SSLContext | None = None) -> None:
        """Encrypt the control connection from now on, and data connections too: AUTH TLS, PBSZ 0, PROT P.

        Do so before `login`: many servers do not let a user who is logged in change it, others want a new login.

        Args:
            sslcontext: Whom to trust, and which certificate to show; None trusts what this machine trusts.

        Raises:
            ClientStateError: The connection is encrypted already.
            StatusCodeError: The server refused.
            TimeoutError: The server said nothing for `socket_timeout`, or all of it took longer than
                `connection_timeout`; the connection is closed.
            TlsError: A certificate was refused, the server's or this client's, or the handshake failed; the connection
                is closed.

        Source: RFC 4217 4 and 9.
        """
        if self.ssl is not None or self.encrypted:
            raise ClientStateError("the control connection is encrypted already")
        async with self._turns, self._in_time(self._unless_bounded(self.connection_timeout), "AUTH TLS"):
            await self._ask_for_content("AUTH TLS", "234")
            if self._lines or self._reader.pending:
                self._close("closed, because the server sent something in clear behind its answer to AUTH TLS")
                raise TlsError("the server sent something in clear behind its answer to AUTH TLS")
            self._context = sslcontext if sslcontext is not None else ssl.create_default_context()
            self._session = None
            with self._whole():
                await self._encrypt(self.channel, self._context, "control")
            await self._ask_for_content("PBSZ 0", "200")
            await self.protect("P")

    async def protect(self, level: str = "P") -> None:
        """Choose whether data connections are encrypted: "P" (private) or "C" (clear).

        Raises:
            StatusCodeError: The server refused.

        Source: RFC 2228 3, RFC 4217 9.
        """
        await self._ask_for_content(f"PROT {level}", "200")
        self._level = level.upper()

    async def _protect_if_known(self) -> None:
        """Ask for encrypted data connections where all is encrypted from the first octet.

        vsftpd begins with clear ones even then. Servers that refuse this know nothing but encrypted ones.
        """
        with contextlib.suppress(StatusCodeError):
            await self._ask_for_content("PBSZ 0", "200")
            await self.protect("P")

    async def clear_command_channel(self) -> None:
        """Go back to clear text on the control connection; data connections stay as they are.

        Raises:
            ClientStateError: It is not encrypted.
            StatusCodeError: The server refused.
            TlsError: The server did not end TLS in order; the connection is closed.

        Source: RFC 4217 12.3.
        """
        if not self.encrypted:
            raise ClientStateError("the control connection is not encrypted")
        async with self._turns:
            await self._ask_for_content("CCC", "200")
            self._session = self.channel.session
            with self._whole():
                try:
                    await self.channel.end_tls()
                except ssl.SSLError as error:
                    raise TlsError(f"no end of TLS on the control connection: {error.reason or error}") from error

    async def _secure_data(self, channel: Channel) -> None:
        """Encrypt a data connection, if that is agreed on; it resumes the session of the control connection.

        Many servers shake hands only when they have the command, so this comes after its first reply.
        """
        if self._level == "P" and self._context is not None:
            await self._encrypt(channel, self._context, "data", self.channel.session or self._session)

    def _secure_later(self, channel: Channel) -> None:
        """The same before the command is said: hands are shaken meanwhile, and whoever uses the connection waits."""
        if self._level == "P" and self._context is not None:
            session = self.channel.session or self._session
            channel.start_tls(self._context, server_side=False, server_hostname=self._host_name, session=session)
