"""Names in UTF-8, on servers that use it only after OPTS UTF8 ON.

One rule: the client sends OPTS UTF8 ON once, when a name needs it, and a refusal is no error.
"""

from __future__ import annotations

from typing import Protocol

from ftpfixture.checks import is_utf8
from ftpfixture.client.open_transfers import OpenTransfers
from ftpfixture.client.traits import SessionParameters
from ftpfixture.client.view import ClientView
from ftpfixture.errors import StatusCodeError
from ftpfixture.wire.command import verb_of

__all__ = ["Utf8Negotiation"]

_IN_BETWEEN = frozenset({"RNTO", "PASS", "ACCT", "USER"})  # they follow another command directly, or precede the login


class _Control(Protocol):
    parameters: SessionParameters
    transfers: OpenTransfers


class Utf8Negotiation:
    """Sends OPTS UTF8 ON when it is needed.

    IIS sends names in the code page of its machine until it receives OPTS UTF8 ON; most other servers do not need the
    command, and some do not have it. So it is sent after a login, before the first name with a character beyond ASCII,
    or when the server sent something that is not UTF-8.
    """

    def __init__(self, client: ClientView, control: _Control) -> None:
        self._client = client
        self._control = control

    def logged_in(self) -> None:
        """Allow the command, after a login."""
        self._control.parameters.may_ask_utf8 = self._client.ask_utf8 and is_utf8(self._client.encoding)

    async def before(self, command: str) -> None:
        """Send OPTS UTF8 ON before a command that has a name beyond ASCII."""
        if not command.isascii() and verb_of(command) not in _IN_BETWEEN:
            await self.ask()

    async def ask(self) -> bool:
        """Send OPTS UTF8 ON, unless it was sent already or a transfer runs; whether the server accepted it now.

        Source: draft-ietf-ftpext-utf-8-option-00. RFC 2640 makes it unnecessary; FEAT of many servers lists UTF8.
        """
        parameters = self._control.parameters
        if not parameters.may_ask_utf8 or self._control.transfers.running is not None:
            return False
        parameters.may_ask_utf8 = False
        try:
            await self._client.command("OPTS UTF8 ON", "2xx")
        except StatusCodeError:
            return False
        return True
