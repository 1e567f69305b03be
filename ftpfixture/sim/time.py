"""Virtual time, and everything that is to happen in it, for all simulated event loops of a test.

One rule: it never waits. It runs what is ready; when nothing is, the caller decides how far the time jumps.

The order is always the same. With a seed, connections become ready in another order, and later: as on a real network,
where only the order of each direction of one connection is fixed.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
import sys
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any, Protocol

from ftpfixture.errors import HangError, SimulationError
from ftpfixture.net.transport import Address
from ftpfixture.sim.endless import Endless
from ftpfixture.sim.threads import Threads

__all__ = ["Owner", "VirtualTime"]

_DAYS = 366  # virtual days, after which something never ends
_LATE = 0.4  # probability, with a seed, that what is ready on a connection is seen in a later turn only


class Owner(Protocol):
    """The event loop of a callback."""

    def adopt(self, generator: AsyncGenerator[Any, Any], /) -> None:
        """Called when an asynchronous generator begins."""

    def finish(self, generator: AsyncGenerator[Any, Any], /) -> None:
        """Called when one is dropped before its end."""

    def is_closed(self) -> bool:
        """Whether its callbacks are not called any more."""


Entry = tuple[Any, asyncio.Handle]


class VirtualTime:
    """What is to happen, in order, for the loops of one thread.

    Args:
        seed: Chooses the order in which connections become ready; None for the order of events.

    Attributes:
        now: Virtual seconds.
        choices: What the seed decides; None without one.
        running: The loops whose callbacks are being called, the innermost last.
        on_hang: Called when a wait would never end, with the address of the client's end of the connection it waits on;
            None where that is not known.
        endless: Finds loops that never end.
    """

    def __init__(self, seed: int | None = None) -> None:
        self.now = 0.0
        self.choices = None if seed is None else Random(seed)
        self.running: list[Any] = []
        self.on_hang: list[Callable[[Address | None], object]] = []
        self._ready: deque[Entry] = deque()
        self._arrivals: list[Entry] = []
        self._timers: list[tuple[float, int, Entry]] = []
        self._count = itertools.count()
        self.endless = Endless()
        self._open: list[deque[Entry]] = []  # what is left of the turns in whose callbacks there are others
        self._waits: list[Callable[[], bool]] = []
        self._thread = threading.get_ident()
        self._threads = Threads()
        self._refused = ""

    # What is to happen.

    def soon(self, owner: Owner, handle: asyncio.Handle) -> None:
        """Call in the next turn."""
        self._ready.append((owner, handle))

    def when_polled(self, owner: Owner, handle: asyncio.Handle) -> None:
        """Call in the next turn, or, with a seed, in one of the next turns."""
        self._arrivals.append((owner, handle))

    def at(self, owner: Owner, handle: asyncio.TimerHandle) -> None:
        """Call at the moment of a timer."""
        heapq.heappush(self._timers, (handle.when(), next(self._count), (owner, handle)))

    @property
    def due(self) -> float:
        """The moment of the next timer; infinity without one."""
        timers = self._timers
        while timers and timers[0][2][1].cancelled():
            heapq.heappop(timers)
        return timers[0][0] if timers else math.inf

    # What happens.

    def step(self) -> bool:
        """Take a turn: run what is ready now; False when nothing was.

        Inside a callback of a loop the callbacks of that loop wait, as they do on a real one.

        Raises:
            HangError: There were a million turns, in which clients did nothing.
        """
        self.endless.turns()
        for rest in self._open:
            self._ready.extendleft(reversed(rest))
            rest.clear()
        while self.due <= self.now:
            self._ready.append(heapq.heappop(self._timers)[2])
        if self._arrivals:
            self._ready.extend(self._arrived())
        turn, self._ready = self._ready, deque()
        if self.running:
            turn, self._ready = self._split(turn)
        if not turn:
            return False
        self._run(turn)
        return True

    def _split(self, turn: deque[Entry]) -> tuple[deque[Entry], deque[Entry]]:
        free = deque(entry for entry in turn if entry[0] not in self.running)
        return free, deque(entry for entry in turn if entry[0] in self.running)

    def _run(self, turn: deque[Entry]) -> None:
        before, hooks = asyncio._get_running_loop(), sys.get_asyncgen_hooks()
        self._open.append(turn)
        try:
            while turn:
                owner, handle = turn.popleft()
                if handle.cancelled() or owner.is_closed():
                    continue
                asyncio._set_running_loop(owner)
                sys.set_asyncgen_hooks(owner.adopt, owner.finish)
                self.running.append(owner)
                try:
                    handle._run()
                finally:
                    self.running.pop()
        finally:
            self._open.pop()
            asyncio._set_running_loop(before)
            sys.set_asyncgen_hooks(*hooks)
            self._ready.extendleft(reversed(turn))  # an exception such as KeyboardInterrupt has ended the turn

    def _arrived(self) -> list[Entry]:
        """What is ready on connections, in the order of the events, or in one that the seed has chosen."""
        arrivals, self._arrivals = self._arrivals, []
        choices = self.choices
        if choices is None:
            return arrivals
        choices.shuffle(arrivals)
        now = [entry for entry in arrivals if choices.random() >= _LATE]
        if not now and not self._ready:
            now.append(arrivals[0])  # nothing else is ready: time must not go by
        self._arrivals = [entry for entry in arrivals if entry not in now]
        return now

    def rest(self) -> None:
        """Run all that needs no time."""
        while self.step():
            pass

    def advance(self) -> None:
        """Take a turn, or, when nothing is ready, let the time go by up to the next timer.

        Raises:
            HangError: There is no timer either.
        """
        if not self.step():
            due = self.due
            if due == math.inf:
                raise HangError("nothing is ready and there is no timer: what is awaited will never happen")
            self.jump(due)

    def jump(self, moment: float) -> None:
        """Let the time go by.

        Raises:
            HangError: A year has gone by.
        """
        if moment > _DAYS * 86400:
            raise HangError(f"{_DAYS} virtual days have gone by: something waits and tries again for ever")
        if moment > self.now:
            self.now = moment

    # Waits.

    @contextmanager
    def beside(self, owner: Owner) -> Iterator[None]:
        """Run a block as in a thread beside a loop, of which this is a callback: when it waits, the loop goes on."""
        before, hooks = asyncio._get_running_loop(), sys.get_asyncgen_hooks()
        self.running.remove(owner)
        asyncio._set_running_loop(None)
        try:
            yield
        finally:
            self.running.append(owner)
            asyncio._set_running_loop(before)
            sys.set_asyncgen_hooks(*hooks)

    @contextmanager
    def waiting(self, holds: Callable[[], bool]) -> Iterator[None]:
        """Know of a wait, below which others may run."""
        self._waits.append(holds)
        try:
            yield
        finally:
            self._waits.pop()

    def hang(self, end: Address | None) -> None:
        """Tell that a wait never ends.

        Args:
            end: See `on_hang`.

        Raises:
            SimulationError: It may end, by what cannot be simulated.
        """
        if self._refused:
            raise SimulationError(self._refused)
        if any(holds() for holds in self._waits[:-1]):
            raise SimulationError(
                "a function of an executor waits for ever, while another one could go on and does not: in a simulation "
                "the last that began goes on first; use real connections for this test, with simulate=False"
            )
        if names := self._threads.running():
            raise SimulationError(
                f"nothing is left to happen in the simulation, but the thread {names[0]!r} runs and may end the wait, "
                "so that it is no proof of a hang: use real connections for this test, with simulate=False"
            )
        for callback in tuple(self.on_hang):
            callback(end)

    # Threads.

    @property
    def has_other_threads(self) -> bool:
        """Whether a thread that the test has begun may do something."""
        return bool(self._threads.running())

    @property
    def is_own_thread(self) -> bool:
        """Whether the caller is in the thread of the test."""
        return threading.get_ident() == self._thread

    def check_thread(self) -> None:
        """Check that the caller is in the thread of the test.

        Raises:
            SimulationError: It is not.
        """
        if not self.is_own_thread:
            name = threading.current_thread().name
            self._refused = (
                f"the thread {name!r} uses a simulated server or loop, which runs in the thread of its test only: "
                "use real connections for this test, with simulate=False"
            )
            raise SimulationError(self._refused)
