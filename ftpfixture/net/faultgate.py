"""The gate that performs faults on the control connection.

For each command the faults return a `Program`, or None. The gate calls its hooks when the command arrives, before the
handler runs, and for each reply; the data connection calls them in `ftpfixture.net.faultstream`. Each hook yields
effects, and `FaultGate.perform` performs them. `ftpfixture.faults.effects` defines the effects; this module knows no
action.

One rule: every effect of a fault on a control connection is performed here, in the order of the wire, and logged before
the other side can see it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial
from typing import Any, TypeVar, cast

from ftpfixture.clock import Clock
from ftpfixture.faults.active import ActiveFaults
from ftpfixture.faults.effects import Data, Effect, End, Exists, Fired, Hold, Hook, How, NoFinalReply, Send, Use, Wait
from ftpfixture.faults.pieces import reply_of
from ftpfixture.faults.program import Program
from ftpfixture.faults.trigger import Situation
from ftpfixture.log.events import FaultApplied
from ftpfixture.log.records import meant_path
from ftpfixture.net.channel import Channel
from ftpfixture.net.faulthandshakes import FaultyHandshakes
from ftpfixture.net.faultstream import FaultyStream, block_data
from ftpfixture.net.gate import EXCHANGE, Exchange, Gate, SessionView
from ftpfixture.net.hangs import HangGuard, Hangs
from ftpfixture.net.outbox import Outbox
from ftpfixture.net.pauses import Pauses
from ftpfixture.net.stream import ThrottleStreamIO
from ftpfixture.net.throttle import StreamThrottle
from ftpfixture.wire.reply import Reply

__all__ = ["FaultGate"]

T = TypeVar("T")


class FaultGate(Gate):
    """The gate of one session of a server that has faults; without a fault everything passes unchanged.

    Args:
        rules: The faults.
        clock: Measures delays.
        view: The session.
        outbox: Sends what the session writes, in order.
        hangs: The limit for clients that hang, and those that did; None for no limit.
    """

    def __init__(
        self, rules: ActiveFaults, clock: Clock, view: SessionView, outbox: Outbox, *, hangs: Hangs | None = None
    ) -> None:
        super().__init__(view, outbox)
        self._rules = rules
        self._clock = clock
        self._pauses = Pauses(clock, self.channel.loop)
        self._client_closed = partial(view.disconnect, "client closed")
        self._restore: list[Callable[[], None]] = []
        self._expected: list[Exchange] = []
        self._guard = HangGuard(hangs or Hangs(), view.hub, view.number, self.channel.loop, self._reset)
        self._handshakes = FaultyHandshakes(view, self._pauses, self._guard, self.perform_now, self._expected)
        self._data: Channel | None = None

    # Incoming.

    async def accept(self) -> Exchange:
        """See Gate."""
        self._guard.begin()
        exchange = Exchange(0, "CONNECT")
        EXCHANGE.set(exchange)  # the greeting replies to it
        self._find_program(exchange)
        if exchange.program is not None:
            self.channel.watch_end(self._client_closed)
            await self._begin(exchange.program, exchange)
            self.channel.unwatch()
        return exchange

    def command(self, verb: str, argument: str, too_long: bool = False) -> Coroutine[Any, Any, Exchange]:
        """See Gate."""
        command = super().command(verb, argument, too_long)
        # A second coroutine only where it is needed: otherwise every command of every server would take longer.
        return self._with_program(command) if self._rules.active or self._restore or self._expected else command

    async def _with_program(self, command: Coroutine[Any, Any, Exchange]) -> Exchange:
        exchange = await command
        for restore in self._restore:
            restore()
        self._restore.clear()
        if self._expected:
            self._handshakes.forget(exchange.verb)
        self._find_program(exchange)
        return exchange

    def _find_program(self, exchange: Exchange) -> None:
        if not self._rules.active:
            return
        view, verb, argument = self.view, exchange.verb, exchange.argument
        path = meant_path(view.current_directory, verb, argument)
        user = argument if verb == "USER" else view.login
        age = self._rules.age(self._clock.monotonic())
        situation = Situation(
            verb, argument, path, user, self.session, view.transfer_type, age, view.server_host, self.encoding
        )
        exchange.program = self._rules.program(situation)
        self._handshakes.expect(exchange)

    async def begin(self, exchange: Exchange) -> bool:
        """See Gate."""
        program = exchange.program
        if program is None:
            return True
        if exchange.seq:
            await self._begin(program, exchange)
        if self.channel.closed:
            return False
        outcome = await self.perform(program.command(), exchange)
        if isinstance(outcome, str):
            exchange.argument = outcome
            return True
        if isinstance(outcome, bytes):
            exchange.finals += 1  # the fault's bytes count as its final reply, whatever they contain
            outcome = reply_of(outcome)
        if outcome is not None:
            self.reply(outcome, exchange)
        return False

    async def _begin(self, program: Program, exchange: Exchange) -> None:
        """Perform the effects before the command itself; if one of them ends the command, the channel is closed."""
        try:
            await self.perform(program.phase("command"), exchange)
        except ConnectionAbortedError:
            self.outbox.flush()
            self.channel.close_after_flush()

    # Outgoing.

    def queue(self, reply: Reply, exchange: Exchange) -> None:
        """See Gate."""
        program = exchange.program
        if program is None:
            super().queue(reply, exchange)
        else:
            self.outbox.take_turn(lambda: self.perform(program.reply(reply), exchange))

    # Effects.

    async def perform(self, hook: Hook[T], exchange: Exchange, stream: FaultyStream | None = None) -> T:
        """Perform all effects that a hook of a command yields, on its data connection if it has one.

        Returns:
            What the hook returns.

        Raises:
            ConnectionAbortedError: The client has closed the control connection, or a fault ended the data connection.
        """
        answer: object = None
        while True:
            try:
                waiting = self._do(hook.send(answer), exchange, stream)
            except StopIteration as done:
                return cast(T, done.value)
            answer = None if waiting is None else await waiting

    def perform_now(self, hook: Hook[T], exchange: Exchange, stream: FaultyStream | None = None) -> T:
        """Perform all effects of a hook that never waits; what the hook returns."""
        performing = self.perform(hook, exchange, stream)
        try:
            performing.send(None)
        except StopIteration as done:
            return cast(T, done.value)
        performing.close()
        raise RuntimeError("a hook that must not wait yielded an effect that waits")

    def _do(self, effect: Effect, exchange: Exchange, stream: FaultyStream | None) -> Awaitable[object] | None:
        """Perform one effect; what the caller awaits, if the effect takes time."""
        match effect, stream:
            case Fired(fault), _:
                self.hub.emit(FaultApplied(*self.hub.stamp(self.session), exchange.seq, fault))
            case NoFinalReply(if_held), _:
                if not if_held or self.outbox.holds:
                    self.withhold(exchange)
            case Wait(seconds, jitter, discard_input), _:
                if discard_input:
                    self.channel.watch_end(self._client_closed, drop=True)
                return self._stall(exchange) if seconds is None else self._pauses.wait(seconds, jitter)
            case Send() as sending, _:
                return self._send(sending, exchange)
            case Hold(pieces), _:
                self.outbox.hold(self.outgoing(pieces, exchange))
            case End("control", how), _:
                self._end_control(how)
            case End(_, how), FaultyStream() as data:
                return data.end(how)
            case Data(content, flush), FaultyStream() as data:
                return data.put(content, flush=flush)
            case Use(name, value), FaultyStream() as data:
                data.use(name, value)
            case Exists(path, pattern), _:
                return self.view.exists(path, pattern=pattern)
            case Use(name, value), _:
                self._use(name, value, exchange)
            case _:
                raise TypeError(f"{effect} needs a data connection, and there is none")
        return None

    def _use(self, name: str, value: Any, exchange: Exchange) -> None:
        """Give a parameter another value until the next command."""
        if name == "data_port":
            lasts = block_data(self.view, value, self._pauses)
            self._guard.no_connection(exchange, lasts)
            return
        if name == "path_io":
            value = value(self.view.path_io, partial(self.perform_now, exchange=exchange))
        self._restore.insert(0, self.view.override(name, value))

    async def _stall(self, exchange: Exchange) -> None:
        """Wait without limit."""
        with self._guard.stall(exchange):
            await self._pauses.wait(None)

    async def _send(self, sending: Send, exchange: Exchange) -> None:
        if sending.size is None and sending.pieces:
            self.send(sending.pieces, exchange)
        elif sending.size is not None:
            data = self.release(sending.pieces, exchange)
            for start in range(0, len(data), sending.size):
                if start:
                    await self._pauses.wait(sending.pause)
                self.outbox.write(data[start : start + sending.size])
                await self.outbox.drain()
        if sending.drain:
            await self.outbox.drain()

    def withhold(self, exchange: Exchange) -> None:
        """See Gate."""
        super().withhold(exchange)
        self._guard.no_reply(exchange)

    def _end_control(self, how: How) -> None:
        """End the control connection."""
        if how != "rst":
            self.outbox.send()
        self.outbox.end()
        self.outbox.flush()
        if how == "half":
            self.channel.shutdown_write()
            return
        if how == "rst":
            self.channel.reset()
        self.channel.close_after_flush()
        # In the next turn of the loop: the session itself may have called this.
        self.channel.loop.call_soon(self.view.disconnect, "cut off")

    # Data connections, and the end.

    def looks_at_all(self) -> bool:
        """See Gate: faults count bytes from either end, and change listings as a whole."""
        return EXCHANGE.get().program is not None

    def data(self, channel: Channel, throttles: Mapping[str, StreamThrottle], mode: str) -> ThrottleStreamIO:
        """See Gate."""
        self._handshakes.guard(channel)
        self._data = channel
        return self.with_tap(FaultyStream(self, channel, throttles), mode)

    def abandon(self) -> None:
        """See Gate."""
        self._guard.stop()
        self._pauses.abandon()
        self._handshakes.abandon()

    def _reset(self) -> None:
        """Reset all connections of the session: its client hangs."""
        self.outbox.end()
        self.channel.reset()
        if self._data is not None:
            self._data.reset()
        self.view.disconnect("client hung")
