"""Security: TLS for the control connection and for data connections (RFC 2228, RFC 4217).

One rule: after a TLS handshake nothing counts that was received before it.
"""

from __future__ import annotations

from ftpfixture.errors import CommandRefused
from ftpfixture.server.commands.access import AccessCommands
from ftpfixture.server.connection import Connection
from ftpfixture.server.dispatch import command
from ftpfixture.wire.numbers import parse_number

__all__ = ["SecurityCommands"]

# Mechanism to the protection of data connections that it implies (RFC 4217 17, and for SSL its draft).
_MECHANISMS = {"TLS": "C", "TLS-C": "C", "TLS-P": "P", "SSL": "P"}


class SecurityCommands(AccessCommands):
    """AUTH PBSZ PROT CCC REIN."""

    @command("AUTH", feat=("AUTH TLS", "AUTH SSL"))
    async def auth(self, connection: Connection, rest: str) -> bool:
        """AUTH <SP> TLS | TLS-C | TLS-P | SSL: encrypt the control connection from the next byte on.

        The user is logged out, and all parameters are reset.

        Replies: 234 begin the TLS handshake, 503 encrypted already, 504 unknown mechanism. Source: RFC 4217 4.
        """
        mechanism = rest.upper()
        if connection.session.channel.tls is not None:
            raise CommandRefused("503", "The connection is encrypted already")
        if mechanism not in _MECHANISMS:
            raise CommandRefused("504", "Unknown mechanism: use TLS")
        self.forget_data(connection)
        connection.response("234", f"AUTH {mechanism} successful")
        if not await connection.session.encrypt(self.context_for(connection)):
            return False
        await self._log_out(connection)
        self.reset(connection)
        connection.protection = _MECHANISMS[mechanism]
        return True

    @command("PBSZ", feat="PBSZ")
    async def pbsz(self, connection: Connection, rest: str) -> bool:
        """PBSZ <SP> 0: set the size of protected blocks, which TLS does not use.

        Replies: 200, 501 not a number, 503 AUTH first. Source: RFC 4217 8.
        """
        self._encrypted_only(connection)
        parse_number(rest, "The size of PBSZ, which is 0 for TLS,", most=(1 << 32) - 1)
        connection.block_size_agreed = True
        connection.response("200", "PBSZ=0")
        return True

    @command("PROT", feat="PROT")
    async def prot(self, connection: Connection, rest: str) -> bool:
        """PROT <SP> C | P: choose clear or private data connections, from the next transfer on.

        Replies: 200, 503 PBSZ first, 504 unknown, 534 C is not allowed, 536 not with TLS. Source: RFC 4217 9.
        """
        self._encrypted_only(connection)
        if not connection.block_size_agreed:
            raise CommandRefused("503", "Use PBSZ 0 first")
        level = rest.upper()
        if level in ("S", "E"):
            raise CommandRefused("536", f"Level {level} is not for TLS: use P or C")
        if level not in ("C", "P"):
            raise CommandRefused("504", "Unknown level: use P or C")
        if level == "C" and "data" in self.require_tls:
            raise CommandRefused("534", "Data connections must be encrypted")
        self.protect(connection, level)
        connection.response("200", f"Protection set to {'Private' if level == 'P' else 'Clear'}")
        return True

    @command("CCC", feat=lambda server, _: "" if server.stays_encrypted else "CCC")
    async def ccc(self, connection: Connection, rest: str) -> bool:
        """CCC: return to clear text on the control connection; data connections do not change.

        Implicit TLS has no command to encrypt again, so it cannot be ended.

        Replies: 200, 533 already clear text, 534 not allowed. Source: RFC 2228 3, RFC 4217 12.3.
        """
        if connection.session.channel.tls is None:
            raise CommandRefused("533", "The control connection is not encrypted")
        if self.stays_encrypted:
            raise CommandRefused("534", "The control connection must stay encrypted")
        connection.response("200", "Clearing the control connection")
        return await connection.session.decrypt()

    @command("REIN")
    async def rein(self, connection: Connection, rest: str) -> bool:
        """REIN: log out, reset all parameters and return to clear text, unless TLS is implicit.

        Replies: 220, the last one inside TLS. Source: RFC 959 4.1.1, RFC 4217 11.
        """
        await super().rein(connection, rest)
        if self.implicit_tls:
            return True
        del connection.secured
        return await connection.session.decrypt()

    @property
    def stays_encrypted(self) -> bool:
        """Whether an encrypted control connection may not return to clear text."""
        return self.implicit_tls or "login" in self.require_tls

    def reset(self, connection: Connection) -> None:
        """See BaseServer."""
        super().reset(connection)
        del connection.block_size_agreed

    def _encrypted_only(self, connection: Connection) -> None:
        if not connection.secured:
            raise CommandRefused("503", "Use AUTH TLS first")
