"""Names in UTF-8, on servers that speak it only when they are asked.

One rule: a server is asked when it matters, once, and its refusal is no error: then it speaks what it speaks.
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

_IN_BETWEEN = frozenset(
    {"RNTO", "PASS", "ACCT", "USER"}
)  # commands that belong to the one before them, or before login


class _Control(Protocol):
    parameters: SessionParameters
    transfers: OpenTransfers


class Utf8Negotiation:
    """Asks for UTF-8.

    IIS has names in the code page of its machine until it hears OPTS UTF8 ON; most other servers need no word of it,
    and some do not know the command. So it is sent after a login, when the first name with a character beyond ASCII is
    to be sent, or when the server sent something that is no UTF-8.
    """

    def __init__(self, client: ClientView, control: _Control) -> None:
        self._client = client
        self._control = control

    def logged_in(self) -> None:
        """From now on the server may be asked."""
        self._control.parameters.may_ask_utf8 = self._client.ask_utf8 and is_utf8(self._client.encoding)

    async def before(self, command: str) -> None:
        """Ask before a command that has a name beyond ASCII."""
        if not command.isascii() and verb_of(command) not in _IN_BETWEEN:
            await self.ask()

    async def ask(self) -> bool:
        """Ask, unless that was done, or cannot be done now; whether the server speaks UTF-8 since this call.

        Source: draft-ietf-ftpext-utf-8-option-00. RFC 2640 makes it needless, FEAT of many servers shows UTF8.
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
