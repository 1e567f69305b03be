"""Clients that wait for something that a fault or a login script withholds for ever, and the end of their wait.

One rule: nothing runs here while nothing is withheld: no timer, and no subscriber of events. Only where all silence
counts, a session is watched from its beginning.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from ftpfixture.log.events import ClientHung, CommandReceived, Event, Hub
from ftpfixture.net.gate import Exchange
from ftpfixture.wire.command import censor
from ftpfixture.wire.lines import printable

__all__ = ["HangGuard", "Hangs"]

_SOON = 0.0005  # seconds that a timer of the loop may be early


class Hangs:
    """The clients of a server that hung.

    Args:
        limit: Seconds without a byte in either direction after which a client hangs; None for never.

    Attributes:
        limit: As given; may be assigned.
        always: Whether sessions are watched although nothing is withheld from their clients: then a client hangs when
            there is silence in all sessions.
        found: What happened, in order; the caller may clear it.
    """

    def __init__(self, limit: float | None = None) -> None:
        self.limit = limit
        self.always = False
        self.found: list[ClientHung] = []


@dataclass(eq=False, slots=True)
class _Withheld:
    """Something that a client may wait for.

    Attributes:
        command: The number and the text of the command at which the client waits; None for the latest.
        lasts: Whether it is still withheld.
    """

    command: tuple[int, str] | None
    lasts: Callable[[], bool]


class HangGuard:
    """Watches one session from the moment at which something is withheld from its client.

    The time is the loop's, so a frozen clock of the server does not matter. Every event of the session restarts it, and
    there is an event for all bytes that the server sends or reads.

    Args:
        hangs: Where the limit is, and hung clients are recorded.
        hub: Tells of the session.
        session: Its number.
        loop: Of the session.
        end: Ends the session.
    """

    __slots__ = (
        "_commands",
        "_end",
        "_hangs",
        "_hub",
        "_latest",
        "_loop",
        "_quiet_since",
        "_session",
        "_stopped",
        "_timer",
        "_withheld",
    )

    def __init__(
        self, hangs: Hangs, hub: Hub, session: int, loop: asyncio.AbstractEventLoop, end: Callable[[], None]
    ) -> None:
        self._hangs = hangs
        self._hub = hub
        self._session = session
        self._loop = loop
        self._end = end
        self._withheld: list[_Withheld] = []
        self._timer: asyncio.TimerHandle | None = None
        self._quiet_since = 0.0
        self._commands = 0
        self._latest = (0, "CONNECT")
        self._stopped = False

    def begin(self) -> None:
        """A session begins: watch it if all silence counts."""
        if self._hangs.always:
            self._watch(_Withheld(None, _always))

    @contextmanager
    def stall(self, exchange: Exchange) -> Iterator[None]:
        """Watch during a block that waits without limit for a command."""
        withheld = _Withheld(_shown(exchange), _always)
        self._watch(withheld)
        try:
            yield
        finally:
            if withheld in self._withheld:
                self._withheld.remove(withheld)

    def no_reply(self, exchange: Exchange) -> None:
        """Watch a command that gets no final reply, until the client sends another command."""
        self._watch(_Withheld(_shown(exchange), partial(self._is_latest, self._commands)))

    def no_connection(self, exchange: Exchange, lasts: Callable[[], bool]) -> None:
        """Watch a session whose data connection a fault prevents.

        Args:
            exchange: The command that announced the data connection.
            lasts: Whether the fault still prevents it.
        """
        self._latest = _shown(exchange)
        self._watch(_Withheld(None, lasts))

    def stop(self) -> None:
        """End the watch, now and later: the session ends."""
        self._stopped = True
        self._rest()

    def _rest(self) -> None:
        self._withheld.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._hub.unsubscribe(self._on_event)

    def _watch(self, withheld: _Withheld) -> None:
        limit = self._hangs.limit
        if limit is None or self._stopped:
            return
        self._withheld.append(withheld)
        self._quiet_since = self._loop.time()
        if self._timer is None:
            self._hub.subscribe(self._on_event)
            self._timer = self._loop.call_later(limit, self._check)

    def _on_event(self, event: Event) -> None:
        if self._hangs.always:
            self._quiet_since = self._loop.time()
        if event.session == self._session:
            self._quiet_since = self._loop.time()
            if isinstance(event, CommandReceived):
                self._commands += 1
                self._latest = event.seq, printable(censor(event.verb, event.argument))

    def _is_latest(self, commands: int) -> bool:
        return self._commands == commands

    def _check(self) -> None:
        self._withheld[:] = [withheld for withheld in self._withheld if withheld.lasts()]
        limit = self._hangs.limit
        if not self._withheld or limit is None:
            self._rest()
            return
        left = self._quiet_since + limit - self._loop.time()
        if left > _SOON:
            self._timer = self._loop.call_later(left, self._check)
        else:
            self._end_session(self._withheld[-1].command or self._latest, limit)

    def _end_session(self, command: tuple[int, str], limit: float) -> None:
        self.stop()
        event = ClientHung(*self._hub.stamp(self._session), *command, limit)
        self._hangs.found.append(event)
        self._hub.emit(event)
        self._end()


def _always() -> bool:
    return True


def _shown(exchange: Exchange) -> tuple[int, str]:
    """The number and the text of a command."""
    return exchange.seq, printable(censor(exchange.verb, exchange.argument))
