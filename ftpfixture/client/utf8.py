"""Names in UTF-8, on servers that speak it only when they are asked.

One rule: a server is asked when it matters, once, and its refusal is no error: then it speaks what it speaks.
"""

from __future__ import annotations

from typing import Unpack

from ftpfixture.checks import is_utf8
from ftpfixture.client.endings import EndingClient
from ftpfixture.client.settings import BaseClientSettings
from ftpfixture.errors import StatusCodeError

__all__ = ["Utf8Client"]

_IN_BETWEEN = frozenset(
    {"RNTO", "PASS", "ACCT", "USER"}
)  # commands that belong to the one before them, or before login


class Utf8Client(EndingClient):
    """A client that asks for UTF-8.

    IIS has names in the code page of its machine until it hears OPTS UTF8 ON; most other servers need no word of it,
    and some do not know the command. So it is said after a login, when the first name with a character beyond ASCII is
    to be said, or when the server said something that is no UTF-8.
    """

    def __init__(self, **settings: Unpack[BaseClientSettings]) -> None:
        super().__init__(**settings)
        self._may_ask = False

    def _forget(self, verb: str) -> None:
        super()._forget(verb)
        if verb in ("", "USER", "REIN"):
            self._may_ask = False

    def _logged_in(self) -> None:
        """From now on the server may be asked."""
        self._may_ask = self.ask_utf8 and is_utf8(self.encoding)

    async def _before(self, command: str) -> None:
        await super()._before(command)
        if not command.isascii() and command.partition(" ")[0].upper() not in _IN_BETWEEN:
            await self._ask_for_utf8()

    async def _ask_for_utf8(self) -> bool:
        """Ask, unless that was done, or cannot be done now; whether the server speaks UTF-8 since this call.

        Source: draft-ietf-ftpext-utf-8-option-00. RFC 2640 makes it needless, FEAT of many servers shows UTF8.
        """
        if not self._may_ask or self._transfer is not None:
            return False
        self._may_ask = False
        try:
            await self.command("OPTS UTF8 ON", "2xx")
        except StatusCodeError:
            return False
        return True
