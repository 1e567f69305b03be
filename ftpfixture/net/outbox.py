"""What one side of a control connection says, in order.

One rule: what was given first leaves first. Normally that is at once; three things can be in front of it, and each is
kept here and nowhere else:

- a **turn** that takes time, such as a reply that is delayed: what comes behind it is queued;
- what is **held** to leave together with what is said next;
- the **backlog**: bytes that were said, and that the socket has not taken or that are collected for one packet (cork).
"""

from __future__ import annotations

import asyncio
from asyncio import shield, wait
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

__all__ = ["LIMIT", "Outbox", "Said", "Sink", "Turn"]

LIMIT = 1 << 18
"""Bytes that the other side may leave unread before the outbox counts as full."""

Said = tuple[bytes, Callable[[], None]]
"""Bytes, and what to call when they leave: it tells of them."""

Turn = Callable[[], Awaitable[None]]
"""Says something, next to the wire, which takes time."""


class Sink(Protocol):
    """What an outbox needs of its connection."""

    closed: bool

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that drives it."""

    def send_now(self, data: bytes | bytearray | memoryview) -> int:
        """Send what can go at once; how many bytes that is."""

    def watch_room(self, callback: Callable[[], None]) -> None:
        """Call `callback` whenever more can go, and once when the connection is closed."""

    def unwatch_room(self) -> None:
        """Stop calling it."""

    def close_after_flush(self) -> None:
        """Close without destroying what is on its way."""


class Outbox:
    """The order of what is said on one connection.

    Args:
        sink: The connection.
        name: Of the task that takes the turns which need time.

    Attributes:
        busy: Whether a turn takes its time: what is given meanwhile waits for its own.
        full: Whether so many bytes are left unread that whoever can wait should (`drain`) before it says more.
        free: Whether what is said may go at once: nothing is in its turn or held, and the last word was not said.
        ended: Whether the last word was said: nothing leaves any more.
    """

    __slots__ = (
        "_backlog",
        "_corked",
        "_drained",
        "_held",
        "_name",
        "_queue",
        "_sink",
        "_task",
        "busy",
        "ended",
        "free",
        "full",
    )

    def __init__(self, sink: Sink, name: str = "outbox") -> None:
        self._sink = sink
        self._name = name
        self._queue: deque[Callable[[], Awaitable[None] | None]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._held: list[Said] = []
        self._backlog = bytearray()
        self._corked = False
        self._drained: asyncio.Future[None] | None = None
        self.busy = False
        self.full = False
        self.free = True
        self.ended = False

    # Bytes.

    def write(self, data: bytes) -> None:
        """Send now what the socket takes and keep the rest, in order, until it takes more.

        A broken connection is not an error here: the reading side will see it.
        """
        if self._corked or self._backlog:
            self._keep(data)
            return
        sent = self._sink.send_now(data)
        if sent < len(data):
            self._keep(memoryview(data)[sent:])
            self._sink.watch_room(self.flush)

    def _keep(self, data: bytes | memoryview) -> None:
        self._backlog += data
        self.full = len(self._backlog) > LIMIT

    def cork(self) -> None:
        """Collect what is written until `uncork`, or the loop's next turn at the latest: one packet for all of it."""
        if not self._corked and not self._sink.closed:
            self._corked = True
            self._sink.loop.call_soon(self.uncork)

    def uncork(self) -> None:
        """Send what was collected."""
        if self._corked:
            self._corked = False
            if self._backlog:
                self._sink.watch_room(self.flush)
                self.flush()

    def flush(self) -> None:
        """Send what the socket takes of the backlog, collected or not; a closed connection takes all.

        Whoever ends the connection does this first: what was just written must not be lost to a slow reader.
        """
        if self._sink.closed:
            self._backlog.clear()
        elif self._backlog:
            del self._backlog[: self._sink.send_now(self._backlog)]
        self.full = len(self._backlog) > LIMIT
        if not self._backlog:
            self._sink.unwatch_room()
            if self._drained is not None:
                self._drained.set_result(None)
                self._drained = None

    # Turns.

    def put(self, said: Callable[[], None]) -> None:
        """Call `said`, which says something, when all given before has been said; at once where that is now."""
        if self._task is None:
            said()
        else:
            self._queue.append(said)

    def take_turn(self, turn: Turn) -> None:
        """The same for what takes time: all that is given from now on waits until it is over."""
        self._queue.append(turn)
        if self._task is None:
            self._task = self._sink.loop.create_task(self._take_turns(), name=self._name)
            self._look()

    async def _take_turns(self) -> None:
        try:
            while self._queue:
                if (going := self._queue.popleft()()) is not None:
                    await going
        except ConnectionAbortedError:
            self.flush()
            self._sink.close_after_flush()  # it stood still until the other side was gone
        finally:
            self._forget_turns()

    def _forget_turns(self) -> None:
        self._queue.clear()
        self._task = None
        self._look()

    def say(self, pieces: Iterable[Said] = ()) -> None:
        """Send what was held and then `pieces`, and tell of them: for a turn, which stands in front of all others."""
        if data := self.release(pieces):
            self.write(data)

    def hold(self, pieces: Iterable[Said]) -> None:
        """Keep `pieces` until something else is said: one packet for both, if it fits."""
        self._held += pieces
        self._look()

    def release(self, pieces: Iterable[Said] = ()) -> bytes:
        """What `say` would send, told of; the caller sends it, as slowly as it likes.

        It is empty when the last word was said, or the connection is closed: nothing is told then.
        """
        if self.ended or self._sink.closed:
            return b""
        going = [*self._held, *pieces]
        self._held.clear()
        self._look()
        for _, tell in going:
            tell()
        return b"".join(data for data, _ in going)

    def end(self) -> None:
        """The last word was said: what is written is still sent, nothing else leaves."""
        self.ended = True
        self._held.clear()
        self._look()

    @property
    def holds(self) -> bool:
        """Whether something waits for what is said next."""
        return bool(self._held)

    def _look(self) -> None:
        self.busy = self._task is not None
        self.free = not self.busy and not self._held and not self.ended

    # Waiting.

    async def settle(self) -> None:
        """Wait until every turn is over."""
        if self._task is not None:
            await shield(self._task)

    def when_settled(self, callback: Callable[[], None]) -> None:
        """Call `callback` when every turn is over, which takes its time now."""
        if self._task is not None:
            self._task.add_done_callback(lambda _: callback())

    async def drain(self) -> None:
        """Wait until the socket has taken all that was written, or is closed: for a turn."""
        self.uncork()
        while self._backlog and not self._sink.closed:
            if self._drained is None:
                self._drained = self._sink.loop.create_future()
            await shield(self._drained)

    async def empty(self) -> None:
        """Wait until every turn is over and the socket has taken all, or is closed."""
        await self.settle()
        await self.drain()

    async def close(self) -> None:
        """Give up the turn that goes on and those behind it, and send what can still be sent; `flush` included."""
        if (task := self._task) is not None:
            task.cancel()
            await wait([task])
            self._forget_turns()  # a task that is cancelled before its first step never runs
        self.say()
        self.flush()
