"""The gate at which things go wrong: it asks the faults of a server, and carries out what they say.

One rule: whatever a fault does to a control connection is done here, in the order of the wire, and told before it can
be seen on the other side.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any, NoReturn

from ftpfixture.clock import Clock
from ftpfixture.errors import ReplySyntaxError
from ftpfixture.faults.actions import (
    Answer,
    Cut,
    Deaf,
    Disk,
    Early,
    Edit,
    Garble,
    Handshake,
    How,
    Ignore,
    Join,
    Pause,
    Repeat,
    Rewrite,
    Say,
    Set,
    Slice,
    Stage,
    Withhold,
)
from ftpfixture.faults.armed import Claim, Plan, Rules, Step
from ftpfixture.faults.catalog import GROUPS
from ftpfixture.faults.edits import edit_argument, edit_reply
from ftpfixture.faults.when import Situation
from ftpfixture.files.paths import resolve_virtual
from ftpfixture.log.events import FaultApplied
from ftpfixture.net.channel import Channel
from ftpfixture.net.faultyfiles import FaultyFiles
from ftpfixture.net.faultystream import FaultyStream, flipped
from ftpfixture.net.gate import EXCHANGE, Exchange, Gate, Piece, SessionView
from ftpfixture.net.outbox import Outbox
from ftpfixture.net.stream import ThrottleStreamIO
from ftpfixture.net.throttle import StreamThrottle
from ftpfixture.wire.command import starred
from ftpfixture.wire.reply import Reply, ReplyParser

__all__ = ["FaultGate"]

_LINES = re.compile(rb"[^\n]*\n|[^\n]+")
_REFUSED = bytes.fromhex("15030300020228")  # a TLS alert: fatal, handshake_failure (RFC 8446 6)
_ANNOUNCING = frozenset(GROUPS["PASSIVE"] + GROUPS["ACTIVE"])
_JITTER = 0x5EED  # of the random numbers that jitter is made of, the same in every session


class FaultGate(Gate):
    """The gate of one session of a server that has faults; without any it lets everything pass.

    Args:
        rules: The faults.
        clock: By which delays are counted.
        view: The session.
        outbox: What the session says.
    """

    def __init__(self, rules: Rules, clock: Clock, view: SessionView, outbox: Outbox) -> None:
        super().__init__(view, outbox)
        self._rules = rules
        self._clock = clock
        self._random = random.Random(_JITTER)
        self._alarms: set[asyncio.Future[None]] = set()
        self._abandoned = False
        self._restore: list[Callable[[], None]] = []
        self._handshakes: list[Exchange] = []
        self._hanging: set[Channel] = set()

    # What comes in.

    async def accept(self) -> Exchange:
        """See Gate."""
        exchange = Exchange(0, "CONNECT")
        EXCHANGE.set(exchange)  # the greeting is an answer to it
        self._find_plan(exchange)
        if exchange.plan is not None and exchange.plan.at("command"):
            self.channel.watch_end(self._client_closed)
            await self._begin(exchange)
            self.channel.unwatch()
        return exchange

    def _client_closed(self) -> None:
        self.view.hang_up("client closed")

    def command(self, verb: str, argument: str, too_long: bool = False) -> Coroutine[Any, Any, Exchange]:
        """See Gate."""
        command = super().command(verb, argument, too_long)
        # No coroutine around that one for nothing: every command of every server would pay for it.
        return self._look_at(command) if self._rules.armed or self._restore or self._handshakes else command

    async def _look_at(self, command: Coroutine[Any, Any, Exchange]) -> Exchange:
        exchange = await command
        for restore in self._restore:
            restore()
        self._restore.clear()
        if self._handshakes:
            self._forget_handshakes(exchange.verb)
        self._find_plan(exchange)
        return exchange

    def _find_plan(self, exchange: Exchange) -> None:
        if not self._rules.armed:
            return
        view, argument = self.view, exchange.argument
        situation = Situation(
            exchange.verb,
            argument,
            str(resolve_virtual(view.current_directory, argument)),
            argument if exchange.verb == "USER" else view.login,
            self.session,
            view.transfer_type,
            self._rules.age(self._clock.monotonic()),
        )
        plan = exchange.plan = self._rules.plan(situation)
        if plan is not None and plan.of(Handshake):
            if exchange.verb in ("CONNECT", "AUTH"):
                self.channel.before_handshake = partial(self._shake_hands, self.channel, [exchange])
            else:
                self._handshakes.append(exchange)

    async def begin(self, exchange: Exchange) -> bool:
        """See Gate."""
        plan: Plan | None = exchange.plan
        if plan is None:
            return True
        if exchange.seq:
            await self._begin(exchange)
        if self.channel.closed:
            return False
        for claim, action in plan.of(Set):
            if self.happens(claim, exchange):
                self._set(action.name, action.value)
        for claim, disk in plan.of(Disk):
            self._set("path_io", FaultyFiles(self.view.path_io, disk, partial(self.happens, claim, exchange)))
        for claim, edit in plan.of(Edit):
            edited = edit_argument(edit, exchange.argument)
            if edited != exchange.argument and self.happens(claim, exchange):
                exchange.argument = edited
        for claim, instead in plan.steps:
            if isinstance(instead, Answer | Ignore) and self.happens(claim, exchange):
                if isinstance(instead, Answer):
                    self._answer(instead, exchange)
                else:
                    self.silence(exchange)
                return False
        return True

    async def _begin(self, exchange: Exchange) -> None:
        """Do what is to be done before anything else; the channel is closed when nothing else shall be done."""
        try:
            await self.phase(exchange, "command")
        except ConnectionAbortedError:
            self.outbox.flush()
            self.channel.close_gently()

    def _set(self, name: str, value: Any) -> None:
        """Another value for as long as the command lasts."""
        self._restore.insert(0, self.view.override(name, value))

    def _answer(self, answer: Answer, exchange: Exchange) -> None:
        if answer.raw is None:
            self.reply(Reply(answer.code, answer.lines), exchange)
        else:
            exchange.finals += 1
            exchange.plan.raw = answer.raw
            self.reply(_reply_of(answer.raw), exchange)

    # What goes out.

    def reply(self, reply: Reply, exchange: Exchange) -> None:
        """See Gate."""
        plan: Plan | None = exchange.plan
        if plan is None:
            Gate.reply(self, reply, exchange)  # super() takes longer than all else that is done here
            return
        if exchange.seq and not reply.is_preliminary:
            exchange.finals += 1
        self.outbox.take_turn(partial(self._deliver, reply, exchange, plan))

    async def _deliver(self, reply: Reply, exchange: Exchange, plan: Plan) -> None:
        opening = reply.is_preliminary
        pieces = await self._lead_up(exchange, plan.at("before_150" if opening else "before_reply"))
        pieces += self._pieces(reply, exchange, plan)
        # What follows at once is told now: the client may be gone before anything else is.
        after = plan.at("after_150" if opening else "after_reply")
        begun = deque(step for step in after if self.happens(step.claim, exchange))
        while begun and isinstance(action := begun[0].action, Say):
            pieces += self._said(action)
            begun.popleft()
        if pieces:
            await self._send(pieces, exchange, plan, opening)
        answered = plan.ended_early or any(not piece.is_preliminary for piece, _ in pieces)
        if not opening and (self.outbox.holds or not answered):
            self.silence(exchange)
        if begun:
            await self.outbox.drain()  # what is behind a reply comes when all of it has gone
        for step in begun:
            await self._act(step, exchange)

    async def _lead_up(self, exchange: Exchange, steps: list[Step]) -> list[Piece]:
        """Do what comes before a reply; what is said last of it is for the same piece."""
        pieces: list[Piece] = []
        for step in steps:
            if not self.happens(step.claim, exchange):
                continue
            if isinstance(step.action, Say):
                pieces += self._said(step.action)
                continue
            if pieces:
                self.say(pieces, exchange)
                pieces = []
            await self._act(step, exchange)
        return pieces

    async def _send(self, pieces: list[Piece], exchange: Exchange, plan: Plan, opening: bool) -> None:
        """Hand what answers a command to the socket: at once, piece by piece, or with the next reply."""
        for claim, join in plan.of(Join):
            if opening == (join.stage == "opening") and self.happens(claim, exchange):
                self.outbox.hold(self.said(pieces, exchange))
                return
        for claim, how in plan.of(Slice):
            if how.where == "control" and self.happens(claim, exchange):
                await self._send_slowly(self.release(pieces, exchange), how)
                return
        self.say(pieces, exchange)

    def _pieces(self, reply: Reply, exchange: Exchange, plan: Plan) -> list[Piece]:
        """What is really sent in place of a reply."""
        opening = reply.is_preliminary
        changed: Reply | bytes = reply if plan.raw is None else plan.raw
        if plan.verdict is not None and not opening:
            changed = Reply(*plan.verdict)
        for claim, action in plan.steps:
            match action:
                case Rewrite() if self._is_of(reply, action.stage) and self.happens(claim, exchange):
                    changed = _rewritten(action, changed, exchange)
                case Edit() if isinstance(changed, Reply):
                    edited = edit_reply(action, changed, self.view.server_host, self.encoding)
                    if edited != changed and self.happens(claim, exchange):
                        changed = edited
                case Deaf() if self._is_announced(reply, exchange) and self.happens(claim, exchange):
                    self._deafen(action.how)
        encoding = self.view.encoding
        pieces = _cut_up(changed, encoding)
        for claim, action in plan.steps:
            match action:
                case Garble(where="control"):
                    spoilt = [flipped(raw, 0, action) for _, raw in pieces]
                    if spoilt != [raw for _, raw in pieces] and self.happens(claim, exchange):
                        pieces = [piece for raw in spoilt for piece in _cut_up(raw, encoding)]
                case Repeat() if self._is_of(reply, action.stage) and self.happens(claim, exchange):
                    pieces = pieces * 2
                case Withhold() if self._is_of(reply, action.stage) and self.happens(claim, exchange):
                    pieces = []
                case Early() if opening and self.happens(claim, exchange):
                    plan.ended_early = True
                    pieces += _cut_up(Reply(action.code, (action.text,)), encoding)
                case Early() if plan.ended_early:
                    pieces = []
        return pieces

    @staticmethod
    def _is_of(reply: Reply, stage: Stage) -> bool:
        return reply.is_preliminary == (stage == "opening")

    def _said(self, action: Say) -> list[Piece]:
        return _cut_up(Reply(action.code, action.lines) if action.raw is None else action.raw, self.encoding)

    async def _send_slowly(self, octets: bytes, how: Slice) -> None:
        for start in range(0, len(octets), how.size):
            if start:
                await self.pause(how.pause)
            self.outbox.write(octets[start : start + how.size])
            await self.outbox.drain()

    # What happens.

    def happens(self, claim: Claim, exchange: Exchange) -> bool:
        """Whether a fault may happen to a command now; tells of it when it begins."""
        taken = claim.take()
        if taken:
            fault = str(claim.armed.fault)
            self.hub.emit(FaultApplied(*self.hub.stamp(self.session), exchange.seq, fault))
        return taken is not False

    async def phase(self, exchange: Exchange, phase: str) -> None:
        """Do what is to be done in a phase of a command."""
        plan: Plan | None = exchange.plan
        if plan is not None:
            for step in plan.at(phase):
                if self.happens(step.claim, exchange):
                    await self._act(step, exchange)

    async def _act(self, step: Step, exchange: Exchange) -> None:
        match step.action:
            case Pause(moment=moment, seconds=seconds, jitter=jitter):
                if seconds is None:
                    self.silence(exchange)
                    if moment.phase != "before_close":
                        # Nothing will be answered, so of what is said only the end is of interest.
                        self.channel.watch_end(self._client_closed, drop=True)
                await self.pause(seconds, jitter)
            case Say() as action:
                self.say(self._said(action), exchange)
            case Cut(where="control", how=how):
                self.cut(how)

    async def pause(self, seconds: float | None, jitter: float = 0) -> None:
        """Wait, for ever with None; but no longer than the client does.

        Raises:
            ConnectionAbortedError: The client is gone, and what would come next never comes.
        """
        if not self._abandoned:
            await self._rest(seconds, jitter)
        if seconds is None:
            raise ConnectionAbortedError("the client is gone")

    async def _rest(self, seconds: float | None, jitter: float) -> None:
        alarm = self.channel.loop.create_future()
        self._alarms.add(alarm)
        timer = None
        if seconds is not None:
            timer = self._clock.call_later(seconds + jitter * self._random.random(), partial(_wake, alarm))
        try:
            await alarm
        finally:
            self._alarms.discard(alarm)
            if timer is not None:
                timer.cancel()

    def cut(self, how: How) -> None:
        """End the control connection."""
        if how != "rst":
            self.outbox.say()
        self.outbox.end()
        self.outbox.flush()
        if how == "rst":
            self.channel.reset()
        if how == "half":
            self.channel.half_close()
        else:
            self.channel.close_gently()
            # Not now: the session may be in the middle of something, and this be called from there.
            self.channel.loop.call_soon(self.view.hang_up, "cut off")

    @staticmethod
    def _is_announced(reply: Reply, exchange: Exchange) -> bool:
        return reply.code[0] == "2" and exchange.argument.upper() != "ALL"  # EPSV ALL says how, and not where

    def _deafen(self, how: str) -> None:
        """Let no data connection come about."""
        listener = self.view.passive_listener
        if listener is None:
            self.view.open_data_with(_refuse if how == "refuse" else self._never)
        elif how == "refuse":
            listener.close()
        else:
            listener.ignore(unreachable=how == "unreachable")

    async def _never(self, timeout: float | None) -> NoReturn:
        await self.pause(timeout)
        raise TimeoutError("nobody answers")

    # Encryption.

    def _forget_handshakes(self, verb: str) -> None:
        """Leave the next data connection alone: that for which a handshake should have failed was another.

        What belongs to PASV and the like waits until the next of them, what belongs to a transfer until its end.
        """
        if verb in _ANNOUNCING:
            self._handshakes.clear()
        elif not self.view.transferring:
            self._handshakes[:] = [exchange for exchange in self._handshakes if exchange.verb in _ANNOUNCING]

    async def _shake_hands(self, channel: Channel, exchanges: list[Exchange]) -> None:
        """The other side begins to shake hands, on a connection that belongs to these commands."""
        for exchange in tuple(exchanges):
            for claim, action in exchange.plan.of(Handshake):
                if self.happens(claim, exchange):
                    exchanges.clear()
                    await self._fail_handshake(channel, action)

    async def _fail_handshake(self, channel: Channel, action: Handshake) -> NoReturn:
        if action.how == "stall" and channel is self.channel:
            channel.watch_end(self._client_closed, drop=True)
            await self.pause(None)
        elif action.how == "stall" and not self._abandoned:
            self._hanging.add(channel)
            try:
                await channel.gone()
            finally:
                self._hanging.discard(channel)
        elif action.how == "refuse":
            channel.send_raw(_REFUSED)
        channel.cut()
        raise ConnectionAbortedError("the handshake was made to fail")

    # Data connections.

    def looks_at_all(self) -> bool:
        """See Gate; faults count bytes from either end, and change listings as a whole."""
        return EXCHANGE.get().plan is not None

    def data(self, channel: Channel, throttles: Mapping[str, StreamThrottle], mode: str) -> ThrottleStreamIO:
        """See Gate."""
        channel.before_handshake = partial(self._shake_hands, channel, self._handshakes)
        return self.tapped(FaultyStream(self, channel, throttles), mode)

    # The end.

    def abandon(self) -> None:
        """See Gate."""
        self._abandoned = True
        for alarm in self._alarms:
            _wake(alarm)
        for channel in self._hanging:
            channel.cut()


def _wake(alarm: asyncio.Future[None]) -> None:
    if not alarm.done():
        alarm.set_result(None)


async def _refuse(timeout: float | None) -> NoReturn:
    raise ConnectionRefusedError("the data connection is refused")


def _cut_up(content: Reply | bytes, encoding: str) -> list[Piece]:
    """A reply, or octets cut into the replies that a client finds in them; what is none is not lost."""
    if isinstance(content, Reply):
        return [(content, content.render(encoding))]
    pieces: list[Piece] = []
    held, parser = list[bytes](), ReplyParser()
    for line in _LINES.findall(content):
        held.append(line)
        try:
            reply = parser.feed_line(line.rstrip(b"\r\n"), encoding)
        except ReplySyntaxError:
            continue
        if reply is not None:
            pieces.append((reply, b"".join(held)))
            held.clear()
    if held:
        rest = b"".join(held)
        pieces.append((_reply_of(rest), rest))
    return pieces


def _reply_of(raw: bytes) -> Reply:
    """Octets as the log shows them: with the code that they begin or end with, if there is one."""
    text = raw.decode("utf-8", "backslashreplace").rstrip("\r\n")
    lines = text.split("\r\n")
    code = lines[-1][:3]
    known = len(code) == 3 and code.isascii() and code.isdigit()
    return Reply(code if known else "000", tuple(lines))


def _rewritten(action: Rewrite, reply: Reply | bytes, exchange: Exchange) -> Reply | bytes:
    if action.raw is not None:
        return action.raw
    if isinstance(reply, bytes):
        reply = _reply_of(reply)
    text = reply.text
    lines = action.text or ("{text}",)
    # A reply is in every log and transcript: a password in it is starred as in its command.
    _, argument = starred(exchange.verb, exchange.argument)
    filled = [line.replace("{text}", text).replace("{argument}", argument) for line in lines]
    return Reply(action.code or reply.code, tuple("\n".join(filled).split("\n")), reply.listing)
