"""Faults in TLS handshakes, on the control connection and on data connections.

One rule: the programs of the commands that a handshake belongs to decide whether it fails, and how.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NoReturn

from ftpfixture.faults.effects import Hook
from ftpfixture.net.channel import Channel
from ftpfixture.net.gate import Exchange, SessionView
from ftpfixture.net.hangs import HangGuard
from ftpfixture.net.pauses import Pauses
from ftpfixture.wire.verbs import GROUPS

__all__ = ["FaultyHandshakes"]

_REFUSED = bytes.fromhex("15030300020228")  # a TLS alert: fatal, handshake_failure (RFC 8446 6)
_ANNOUNCING = frozenset(GROUPS["PASSIVE"] + GROUPS["ACTIVE"])

Ask = Callable[[Hook[str | None], Exchange], str | None]
"""Performs a hook that never waits; what the hook returns."""


class FaultyHandshakes:
    """The TLS handshakes of one session.

    Args:
        view: The session.
        pauses: Its pauses.
        guard: Watches for a client that hangs.
        ask: Performs the effects that programs yield.
        expected: Commands whose data connection may still have a handshake.
    """

    def __init__(self, view: SessionView, pauses: Pauses, guard: HangGuard, ask: Ask, expected: list[Exchange]) -> None:
        self._view = view
        self._pauses = pauses
        self._guard = guard
        self._ask = ask
        self._expected = expected
        self._stalled: set[Channel] = set()

    def expect(self, exchange: Exchange) -> None:
        """Register a command whose program may make a handshake fail."""
        if exchange.program is None or not exchange.program.fails_handshakes:
            return
        if exchange.verb in ("CONNECT", "AUTH"):
            self._view.channel.on_handshake = partial(self._begun, self._view.channel, [exchange])
        else:
            self._expected.append(exchange)

    def forget(self, verb: str) -> None:
        """Drop the programs whose data connection never came, so that they do not fail the next handshake.

        A program of PASV or its kind lasts until the next such command, one of a transfer until the transfer ends.
        """
        if verb in _ANNOUNCING:
            self._expected.clear()
        elif not self._view.transferring:
            self._expected[:] = [exchange for exchange in self._expected if exchange.verb in _ANNOUNCING]

    def guard(self, channel: Channel) -> None:
        """Let the registered programs decide about the handshake of a new data connection."""
        channel.on_handshake = partial(self._begun, channel, self._expected)

    async def _begun(self, channel: Channel, exchanges: list[Exchange]) -> None:
        """Ask the programs of `exchanges` when the other side begins the handshake."""
        for exchange in tuple(exchanges):
            how = self._ask(exchange.program.handshake(), exchange) if exchange.program is not None else None
            if how is not None:
                exchanges.clear()
                await self._fail(channel, how, exchange)

    async def _fail(self, channel: Channel, how: str, exchange: Exchange) -> NoReturn:
        if how == "stall":
            with self._guard.stall(exchange):
                await self._stall(channel)
        elif how == "refuse":
            channel.send_raw(_REFUSED)
        channel.abort_fin()
        raise ConnectionAbortedError("a fault made the TLS handshake fail")

    async def _stall(self, channel: Channel) -> None:
        if channel is self._view.channel:
            channel.watch_end(partial(self._view.disconnect, "client closed"), drop=True)
            await self._pauses.wait(None)
        elif not self._pauses.abandoned:
            self._stalled.add(channel)
            try:
                await channel.wait_closed()
            finally:
                self._stalled.discard(channel)

    def abandon(self) -> None:
        """Close the data connections whose handshake stalls: the client has left, or has sent QUIT."""
        for channel in self._stalled:
            channel.abort_fin()
