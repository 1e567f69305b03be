"""A data connection on which things go wrong; without a fault it is the stream that it stands for."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Mapping
from typing import Protocol

from ftpfixture.faults.actions import Cut, Edit, Garble, How, Limit, Pad, Pause, Slice, Truncate, Unannounced
from ftpfixture.faults.armed import Claim, Plan, Step
from ftpfixture.faults.edits import edit_listing
from ftpfixture.net.channel import Channel
from ftpfixture.net.deflate import Deflated
from ftpfixture.net.gate import EXCHANGE, Exchange
from ftpfixture.net.outbox import Outbox
from ftpfixture.net.stream import DEFAULT_BLOCK_SIZE, ThrottleStreamIO
from ftpfixture.net.throttle import StreamThrottle
from ftpfixture.wire.states import LISTINGS

__all__ = ["FaultyStream", "flipped"]


class Director(Protocol):
    """What a stream needs of its gate."""

    outbox: Outbox

    def happens(self, claim: Claim, exchange: Exchange) -> bool:
        """Whether a fault may happen now."""

    async def phase(self, exchange: Exchange, phase: str) -> None:
        """Do what is to be done in a phase."""

    async def pause(self, seconds: float | None, jitter: float = 0) -> None:
        """Wait."""

    def cut(self, how: How) -> None:
        """End the control connection."""


class FaultyStream(ThrottleStreamIO):
    """A data connection of a server that has faults.

    What goes wrong is looked up when the stream is first used, by the command that uses it.

    Args:
        gate: Who says what happens.
        channel: The connection.
        throttles: Its limits.
    """

    def __init__(self, gate: Director, channel: Channel, throttles: Mapping[str, StreamThrottle]) -> None:
        super().__init__(channel, throttles=throttles)
        self.socket = channel
        self._gate = gate
        self._script: _Script | None = None
        self._asked = False

    def describe(self, direction: str, path: str, offset: int, transfer_type: str, size: int | None = None) -> None:
        """See StreamIO."""
        super().describe(direction, path, offset, transfer_type, size)
        self._look(size)

    def _look(self, size: int | None = None) -> _Script | None:
        if not self._asked:
            self._asked = True
            exchange = EXCHANGE.get()
            if exchange.plan is not None:
                self._script = _Script(self, self._gate, exchange, size)
        return self._script

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """See StreamIO."""
        script = self._look()
        if script is None:
            await super().write(data)
            return
        await self._ready()
        script.slice()
        view = memoryview(script.listing(data))
        while view:
            await script.reached(self.octets)
            if script.lost:
                return
            if script.slices is not None and self.octets:
                await self._gate.pause(script.slices.pause)
            piece = view[: script.room(self.octets)]
            await self.write_all(script.garbled(piece, self.octets))
            if script.slices is not None:
                await self.flush()
            view = view[len(piece) :]

    async def write_all(self, data: bytes | memoryview) -> None:
        """Send octets as they are."""
        view = memoryview(data)
        while view:
            sent = view[: await self._send(view)]
            self._moved("download", sent)
            view = view[len(sent) :]

    async def flush(self) -> None:
        """Keep back nothing of what was sent, compressed or not."""
        if isinstance(self.channel, Deflated):
            await self.channel.flush()

    async def receive(self, limit: int = DEFAULT_BLOCK_SIZE) -> bytes:
        """See StreamIO."""
        script = self._look()
        if script is None or self._buffer:
            return await super().receive(limit)
        await self._ready()
        await script.reached(self.octets)
        if script.lost:
            while await super().receive():
                pass  # the client shall be able to send it
            return b""
        start = self.octets
        return bytes(script.garbled(await super().receive(min(limit, script.room(start))), start))

    async def _send_end(self) -> None:
        script = self._look()
        if script is not None:
            await self._ready()
            await script.reached(self.octets)
            await script.end()
        await super()._send_end()

    async def _ready(self) -> None:
        """Wait until the replies before are on their way, and hands are shaken: octets are counted from there."""
        await self._gate.outbox.settle()
        await self.socket.secured()


class _Script:
    """What goes wrong with one transfer."""

    def __init__(self, stream: FaultyStream, gate: Director, exchange: Exchange, size: int | None) -> None:
        plan: Plan = exchange.plan
        self._stream = stream
        self._gate = gate
        self._exchange = exchange
        self._plan = plan
        # What is due after the whole is due at the end, wherever that is: nobody knows how long TYPE A makes a file.
        self._due = deque(pair for pair in plan.within(size) if pair[1].moment.fraction != 1)
        self._last = [step for step in plan.steps if step.moment.fraction == 1]
        self._garbles = [(claim, action) for claim, action in plan.of(Garble) if action.where == "data"]
        self.slices: Slice | None = None
        self.lost = False
        for claim, limit in plan.of(Limit):
            if gate.happens(claim, exchange):
                stream.throttles = {
                    **stream.throttles,
                    f"fault {id(claim)}": StreamThrottle.from_limits(limit.limit, limit.limit),
                }

    def slice(self) -> None:
        """Send in pieces from now on, if that is to happen."""
        for claim, cut in self._plan.of(Slice):
            if self.slices is None and cut.where == "data" and self._gate.happens(claim, self._exchange):
                self.slices = cut
                self._stream.socket.send_small()

    def room(self, octets: int) -> int:
        """How many octets may go before something happens."""
        room = self._due[0][0] - octets if self._due else DEFAULT_BLOCK_SIZE
        return max(1, room if self.slices is None else min(room, self.slices.size))

    async def reached(self, octets: int) -> None:
        """Do what is due after so many octets.

        Raises:
            ConnectionError: The data connection was ended.
        """
        while self._due and self._due[0][0] <= octets:
            await self._act(self._due.popleft()[1])

    async def _act(self, step: Step) -> None:
        if not self._gate.happens(step.claim, self._exchange):
            return
        await self._stream.flush()
        match step.action:
            case Pause(seconds=seconds, jitter=jitter):
                await self._gate.pause(seconds, jitter)
            case Truncate():
                self.lost = True
                self._stream.error = "the rest was lost on purpose"
            case Cut(where="control", how=how):
                self._gate.cut(how)
            case Cut() as cut:
                await self._cut(cut)

    async def _cut(self, cut: Cut) -> None:
        socket = self._stream.socket
        if cut.code:
            self._plan.verdict = (cut.code, (cut.text,))
        if cut.how == "half":
            socket.half_close()
            return
        if cut.how == "rst":
            await socket.sent()
            socket.reset()
        else:
            socket.cut()
        raise ConnectionAbortedError("the data connection was ended on purpose")

    async def end(self) -> None:
        """Do what is due between the last octet and the end."""
        for step in self._last:
            await self._act(step)
        for claim, pad in self._plan.of(Pad):
            if self._gate.happens(claim, self._exchange):
                await self._stream.write_all(pad.data)
        await self._gate.phase(self._exchange, "before_close")
        for claim, _ in self._plan.of(Unannounced):
            if self._stream.socket.is_tls and self._gate.happens(claim, self._exchange):
                self._stream.socket.unannounced = True

    def listing(self, data: bytes | bytearray | memoryview) -> bytes | memoryview:
        """What is sent in place of a listing; of files nothing is changed here."""
        octets = data if isinstance(data, bytes | memoryview) else bytes(data)
        if self._exchange.verb not in LISTINGS:
            return octets
        for claim, edit in self._plan.of(Edit):
            edited = edit_listing(edit, bytes(octets).decode("utf-8", "surrogateescape"))
            changed = edited.encode("utf-8", "surrogateescape")
            if changed != octets and self._gate.happens(claim, self._exchange):
                octets = changed
        return octets

    def garbled(self, data: bytes | memoryview, start: int) -> bytes | memoryview:
        """Octets of the file, the first of which is number `start`, with what flips their bits."""
        for claim, garble in self._garbles:
            changed = flipped(data, start, garble)
            if changed != data and self._gate.happens(claim, self._exchange):
                data = changed
        return data


def flipped(data: bytes | memoryview, start: int, garble: Garble) -> bytes:
    """Octets with bits flipped.

    Args:
        data: Some of the whole.
        start: Number of the first of them within the whole.
        garble: Which bits.
    """
    octets = bytearray(data)
    end = start + len(octets)
    step = garble.every or max(1, end)
    first = garble.first
    if first < start:
        first += -(-(start - first) // step) * step if garble.every else end
    chosen = slice(first - start, None, step)
    octets[chosen] = octets[chosen].translate(_flipping(garble.mask))
    return bytes(octets)


@functools.lru_cache
def _flipping(mask: int) -> bytes:
    """What each byte becomes."""
    return bytes(byte ^ mask for byte in range(256))
