"""The outgoing bytes of one side of a control connection, in order.

One rule: what is given first is sent first, normally at once. Three things can be in front of it, and only this module
keeps them:

- a **turn** that takes time, such as a delayed reply: what comes after it is queued;
- what is **held** to be sent together with the next bytes;
- the **backlog**: bytes that the socket has not accepted, or that are collected for one packet (cork).
"""

from __future__ import annotations

import asyncio
from asyncio import shield, wait
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

__all__ = ["LIMIT", "Outbox", "Outgoing", "Sink", "Turn"]

LIMIT = 1 << 18
"""Bytes that the other side may leave unread before the outbox counts as full."""

Outgoing = tuple[bytes, Callable[[], None]]
"""Bytes, and what to call just before they are sent: it emits their event."""

Turn = Callable[[], Awaitable[None]]
"""Sends something and takes time."""


class Sink(Protocol):
    """The part of a connection that an outbox uses."""

    closed: bool

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that drives it."""

    def send_now(self, data: bytes | bytearray | memoryview) -> int:
        """Send what the connection accepts at once; the number of bytes."""

    def watch_room(self, callback: Callable[[], None]) -> None:
        """Call `callback` whenever the connection accepts more, and once when it is closed."""

    def unwatch_room(self) -> None:
        """Stop calling the callback of `watch_room`."""

    def close_after_flush(self) -> None:
        """Close after all that was sent."""


class Outbox:
    """Keeps the order of what is sent on one connection.

    Args:
        sink: The connection.
        name: Name of the task that runs the turns.

    Attributes:
        busy: Whether a turn runs: what is given now is queued behind it.
        full: Whether more than `LIMIT` bytes wait: a sender that can wait calls `drain` before it sends more.
        free: Whether bytes may be sent at once: no turn runs, nothing is held, and `end` was not called.
        ended: Whether `end` was called: nothing new is sent.
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
        self._held: list[Outgoing] = []
        self._backlog = bytearray()
        self._corked = False
        self._drained: asyncio.Future[None] | None = None
        self.busy = False
        self.full = False
        self.free = True
        self.ended = False

    # Bytes.

    def write(self, data: bytes) -> None:
        """Send at once what the socket accepts, and keep the rest, in order, until it accepts more.

        A broken connection is not an error here: the next receive raises it.
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
        """Collect what is written until `uncork`, or until the loop's next turn, for one packet."""
        if not self._corked and not self._sink.closed:
            self._corked = True
            self._sink.loop.call_soon(self.uncork)

    def uncork(self) -> None:
        """Send the collected bytes."""
        if self._corked:
            self._corked = False
            if self._backlog:
                self._sink.watch_room(self.flush)
                self.flush()

    def flush(self) -> None:
        """Send what the socket accepts of the backlog, collected or not; a closed connection discards all.

        Call it before ending the connection, so that what was just written is not lost.
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

    def put(self, send: Callable[[], None]) -> None:
        """Call `send` after everything that was given before; at once when no turn runs."""
        if self._task is None:
            send()
        else:
            self._queue.append(send)

    def take_turn(self, turn: Turn) -> None:
        """Run `turn` after everything that was given before; what is given from now on waits until it ends."""
        self._queue.append(turn)
        if self._task is None:
            self._task = self._sink.loop.create_task(self._take_turns(), name=self._name)
            self._update()

    async def _take_turns(self) -> None:
        try:
            while self._queue:
                if (waiting := self._queue.popleft()()) is not None:
                    await waiting
        except ConnectionAbortedError:
            self.flush()
            self._sink.close_after_flush()  # a stall that lasted until the other side left
        finally:
            self._forget_turns()

    def _forget_turns(self) -> None:
        self._queue.clear()
        self._task = None
        self._update()

    def send(self, pieces: Iterable[Outgoing] = ()) -> None:
        """Send what was held and then `pieces`, and emit their events; for a turn, which is in front of all others."""
        if data := self.release(pieces):
            self.write(data)

    def hold(self, pieces: Iterable[Outgoing]) -> None:
        """Keep `pieces` until something else is sent: one packet for both, if they fit."""
        self._held += pieces
        self._update()

    def release(self, pieces: Iterable[Outgoing] = ()) -> bytes:
        """The bytes that `send` would send, after their events; the caller sends them at its own pace.

        They are empty after `end`, or when the connection is closed: then no event is emitted.
        """
        if self.ended or self._sink.closed:
            return b""
        leaving = [*self._held, *pieces]
        self._held.clear()
        self._update()
        for _, record in leaving:
            record()
        return b"".join(data for data, _ in leaving)

    def end(self) -> None:
        """Send what was written, and nothing that is given from now on."""
        self.ended = True
        self._held.clear()
        self._update()

    @property
    def holds(self) -> bool:
        """Whether something is held until the next bytes."""
        return bool(self._held)

    def _update(self) -> None:
        self.busy = self._task is not None
        self.free = not self.busy and not self._held and not self.ended

    # Waiting.

    async def settle(self) -> None:
        """Wait until every turn has ended."""
        if self._task is not None:
            await shield(self._task)

    def when_settled(self, callback: Callable[[], None]) -> None:
        """Call `callback` when every turn has ended; do nothing if no turn runs."""
        if self._task is not None:
            self._task.add_done_callback(lambda _: callback())

    async def drain(self) -> None:
        """Wait until the socket has accepted all that was written, or is closed; for a turn."""
        self.uncork()
        while self._backlog and not self._sink.closed:
            if self._drained is None:
                self._drained = self._sink.loop.create_future()
            await shield(self._drained)

    async def empty(self) -> None:
        """Wait until every turn has ended and the socket has accepted everything, or is closed."""
        await self.settle()
        await self.drain()

    async def close(self) -> None:
        """Cancel all turns, then send what is held and what the socket accepts of the backlog."""
        if (task := self._task) is not None:
            task.cancel()
            await wait([task])
            self._forget_turns()  # a task that is cancelled before its first step never runs
        self.send()
        self.flush()
