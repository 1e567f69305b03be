"""TLS handshakes that are made to fail, on the control connection and on data connections.

One rule: which one fails, and how, is said by the programs of the commands that it belongs to.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NoReturn

from ftpfixture.faults.dsl import GROUPS
from ftpfixture.faults.effects import Hook
from ftpfixture.net.channel import Channel
from ftpfixture.net.gate import Exchange, SessionView
from ftpfixture.net.pauses import Pauses

__all__ = ["FaultyHandshakes"]

_REFUSED = bytes.fromhex("15030300020228")  # a TLS alert: fatal, handshake_failure (RFC 8446 6)
_ANNOUNCING = frozenset(GROUPS["PASSIVE"] + GROUPS["ACTIVE"])

Ask = Callable[[Hook[str | None], Exchange], str | None]
"""Performs a hook that takes no time; what it returns."""


class FaultyHandshakes:
    """The handshakes of one session.

    Args:
        view: The session.
        pauses: Its pauses.
        ask: Performs what programs yield.
        expected: Where the commands are kept that may yet have a handshake on a data connection.
    """

    def __init__(self, view: SessionView, pauses: Pauses, ask: Ask, expected: list[Exchange]) -> None:
        self._view = view
        self._pauses = pauses
        self._ask = ask
        self._expected = expected
        self._hanging: set[Channel] = set()

    def expect(self, exchange: Exchange) -> None:
        """A command has come, whose program may make a handshake fail."""
        if exchange.program is None or not exchange.program.fails_handshakes:
            return
        if exchange.verb in ("CONNECT", "AUTH"):
            self._view.channel.on_handshake = partial(self._begun, self._view.channel, [exchange])
        else:
            self._expected.append(exchange)

    def forget(self, verb: str) -> None:
        """Leave the next data connection alone: that for which a handshake should have failed was another.

        What belongs to PASV and the like waits until the next of them, what belongs to a transfer until its end.
        """
        if verb in _ANNOUNCING:
            self._expected.clear()
        elif not self._view.transferring:
            self._expected[:] = [exchange for exchange in self._expected if exchange.verb in _ANNOUNCING]

    def guard(self, channel: Channel) -> None:
        """A data connection is there, on which the handshake may fail."""
        channel.on_handshake = partial(self._begun, channel, self._expected)

    async def _begun(self, channel: Channel, exchanges: list[Exchange]) -> None:
        """The other side begins the handshake, on a connection that belongs to these commands."""
        for exchange in tuple(exchanges):
            how = self._ask(exchange.program.handshake(), exchange) if exchange.program is not None else None
            if how is not None:
                exchanges.clear()
                await self._fail(channel, how)

    async def _fail(self, channel: Channel, how: str) -> NoReturn:
        if how == "stall" and channel is self._view.channel:
            channel.watch_end(partial(self._view.disconnect, "client closed"), drop=True)
            await self._pauses.wait(None)
        elif how == "stall" and not self._pauses.abandoned:
            self._hanging.add(channel)
            try:
                await channel.wait_closed()
            finally:
                self._hanging.discard(channel)
        elif how == "refuse":
            channel.send_raw(_REFUSED)
        channel.abort_fin()
        raise ConnectionAbortedError("the handshake was made to fail")

    def abandon(self) -> None:
        """The client is gone, or wants to go: no data connection needs to wait for its end."""
        for channel in self._hanging:
            channel.abort_fin()
