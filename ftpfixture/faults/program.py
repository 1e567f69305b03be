"""What goes wrong with one command: the hooks of its actions, folded, as effects.

A `Program` is asked at each step of the command's life: `phase("command")` when it comes, `command` before it is
carried out, `reply` for each of its replies, `handshake` when a connection of its is encrypted, `transfer` for its data
connection. Each of these is a generator of effects (`ftpfixture.faults.effects` says what they mean), which are
performed one after another; what it returns goes on: the argument, the piece of a file. What passes goes through the
actions in the order in which they were added.

One rule: values in, effects out. Nothing here waits, sends or knows a server: it is tested by what it yields, and works
in front of anything that has commands and replies.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from ftpfixture.faults.action import Action, Claim, Outcome, Pace, State, Step, Timed
from ftpfixture.faults.effects import Data, Effect, End, Hook, Send, Silent, Wait
from ftpfixture.faults.moments import Moment
from ftpfixture.faults.pieces import Content, Piece, cut_up
from ftpfixture.faults.trigger import Situation
from ftpfixture.wire.reply import Reply
from ftpfixture.wire.states import LISTINGS

__all__ = ["Program", "Transfer"]

_ROOM = 1 << 20  # bytes that go at once where nothing is to happen between them


class Program:
    """All that is to go wrong with one command.

    Args:
        actions: Of all its faults, in the order in which they were added, each with its claim; those that cannot happen
            to the command do not.
        situation: The command.
    """

    __slots__ = ("_state", "_steps", "_timed")

    def __init__(self, actions: Iterable[tuple[Claim, Action]], situation: Situation) -> None:
        self._state = State(situation, situation.argument, situation.encoding)
        verb = situation.verb
        self._steps = [Step(action, claim, self._state) for claim, action in actions if action.is_for(verb)]
        self._timed = [(action, step) for step in self._steps if isinstance(action := step.action, Timed)]

    # The command.

    @property
    def fails_handshakes(self) -> bool:
        """Whether a TLS handshake may be made to fail."""
        return bool(_having("handshake", self._steps))

    def handshake(self) -> Hook[str | None]:
        """A TLS handshake begins; returns how it fails: "refuse", "cut", "stall", or None."""
        for step in _having("handshake", self._steps):
            if how := (yield from step.action.handshake(step)):
                return how
        return None

    def phase(self, name: str) -> Hook[None]:
        """What acts in a phase that has no reply: "command" or "before_close"."""
        for action, step in self._at(name):
            if (yield from step.happens()):
                yield from action.act(step)

    def command(self) -> Hook[Outcome]:
        """The command is about to be carried out; returns what becomes of it."""
        state = self._state
        for step in _having("command", self._steps):
            state.argument = yield from step.action.command(step, state.argument)
        outcome: Outcome = state.argument
        for step in _having("instead", self._steps):
            outcome = yield from step.action.instead(step, outcome)
        if isinstance(outcome, bytes):
            state.raw = outcome
        return outcome

    # Its replies.

    def reply(self, reply: Reply) -> Hook[None]:
        """The true reply is about to be sent."""
        before, after = ("before_150", "after_150") if reply.is_preliminary else ("before_reply", "after_reply")
        pieces = yield from self._led_up(before)
        pieces += yield from self._pieces(reply)
        following = yield from self._following(after)
        while following and all(isinstance(effect, Send) for effect in following[0]):
            pieces += _sent(following.popleft())
        held = yield from self._leave(pieces, reply)
        if not reply.is_preliminary:
            yield from self._silence(pieces, held=held)
        if following:
            yield Send(drain=True)
        for effects in following:
            yield from effects

    def _led_up(self, phase: str) -> Hook[list[Piece]]:
        """What comes before a reply; what is said last of it is returned, and leaves in one piece with the reply."""
        pieces: list[Piece] = []
        for action, step in self._at(phase):
            if not (yield from step.happens()):
                continue
            for effect in action.act(step):
                if isinstance(effect, Send):
                    pieces += effect.pieces
                    continue
                if pieces:
                    yield Send(tuple(pieces))
                    pieces = []
                yield effect
        return pieces

    def _following(self, phase: str) -> Hook[deque[list[Effect]]]:
        """What comes behind a reply, told of now already: the client may be gone before anything else is."""
        following: deque[list[Effect]] = deque()
        for action, step in self._at(phase):
            if (yield from step.happens()):
                following.append(list(action.act(step)))
        return following

    def _silence(self, pieces: list[Piece], *, held: bool) -> Hook[None]:
        """Tell of a final reply that is not sent: withheld, held back, or said with a preliminary one that waits."""
        if held or not (self._state.ended_early or any(not piece.is_preliminary for piece, _ in pieces)):
            yield Silent()
        elif not pieces:
            yield Silent(if_held=True)

    def _pieces(self, reply: Reply) -> Hook[list[Piece]]:
        """What is really sent in place of a reply."""
        state = self._state
        content: Content = reply if state.raw is None else state.raw
        if state.verdict is not None and not reply.is_preliminary:
            content = state.verdict
        for step in _having("reply", self._steps):
            content = yield from step.action.reply(step, content, reply)
        pieces = cut_up(content, state.encoding)
        for step in _having("pieces", self._steps):
            pieces = yield from step.action.pieces(step, pieces, reply)
        return pieces

    def _leave(self, pieces: list[Piece], reply: Reply) -> Hook[bool]:
        """Send what answers a command, or hold it back; returns whether it is held back."""
        left = pieces
        for step in _having("hold", self._steps):
            left = yield from step.action.hold(step, left, reply)
        held = bool(pieces) and not left
        for step in _having("transmit", self._steps):
            left = yield from step.action.transmit(step, left)
        if left:
            yield Send(tuple(left))
        return held

    def _at(self, phase: str) -> list[tuple[Timed, Step]]:
        return [pair for pair in self._timed if not pair[0].moment.is_within and pair[0].moment.phase == phase]

    # Its data connection.

    def transfer(self, size: int | None = None) -> Transfer:
        """What goes wrong with a data connection of the command.

        Args:
            size: Bytes that a download will have; None when nobody knows.
        """
        return Transfer(self, self._state.situation.verb, self._steps, self._timed, size)


class Transfer:
    """What is to go wrong with one data connection; see `Program.transfer`.

    Attributes:
        lost: Whether nothing more of the file goes through.
        pace: How a download is cut into pieces; None when it is not.
    """

    __slots__ = ("_due", "_is_listing", "_last", "_program", "_steps", "lost", "pace")

    def __init__(
        self, program: Program, verb: str, steps: list[Step], timed: list[tuple[Timed, Step]], size: int | None
    ) -> None:
        self._program = program
        self._steps = steps
        self._is_listing = verb in LISTINGS
        # What is due after the whole is due at the end, wherever that is: nobody knows how long TYPE A makes a file.
        self._last = [pair for pair in timed if pair[0].moment.at == 1]
        found = [(threshold, pair) for pair in timed if (threshold := _threshold(pair[0].moment, size)) is not None]
        self._due = deque(sorted(found, key=lambda due: due[0]))
        self.lost = False
        self.pace: Pace | None = None

    def start(self) -> Hook[None]:
        """The data connection is there; nothing has been sent yet, and nothing waits here."""
        for step in _having("start", self._steps):
            yield from step.action.start(step)

    def send(self, content: bytes | memoryview, start: int) -> Hook[None]:
        """Bytes are about to be sent, the first of which is number `start`: all of a listing, or some of a file."""
        for step in _having("pace", self._steps) if self.pace is None else ():
            self.pace = self.pace or (yield from step.action.pace(step))
        for step in _having("listing", self._steps) if self._is_listing else ():
            content = yield from step.action.listing(step, bytes(content), start)
        view = memoryview(content)
        while view:
            yield from self.reach(start)
            if self.lost:
                return
            if self.pace is not None and start:
                yield Wait(self.pace.pause)
            piece = view[: self.room(start)]
            yield Data((yield from self.passing(piece, start)), flush=self.pace is not None)
            start += len(piece)
            view = view[len(piece) :]

    def reach(self, number: int) -> Hook[None]:
        """So many bytes have gone: what is due then; afterwards `lost` tells whether the rest shall be dropped."""
        while self._due and self._due[0][0] <= number:
            yield from self._act(*self._due.popleft()[1])

    def room(self, number: int) -> int:
        """How many bytes may go behind so many before something happens."""
        room = self._due[0][0] - number if self._due else _ROOM
        return max(1, room if self.pace is None else min(room, self.pace.size))

    def passing(self, content: bytes | memoryview, start: int) -> Hook[bytes | memoryview]:
        """Bytes of the file, the first of which is number `start`; returns what they become."""
        for step in _having("data", self._steps):
            content = yield from step.action.data(step, content, start)
        return content

    def end(self, number: int, encrypted: bool) -> Hook[None]:
        """So many bytes have gone, and the sender is about to close the connection."""
        yield from self.reach(number)
        for pair in self._last:
            yield from self._act(*pair)
        for step in _having("end", self._steps):
            yield from step.action.end(step)
        yield from self._program.phase("before_close")
        for step in _having("closing", self._steps):
            yield from step.action.closing(step, encrypted)

    def _act(self, action: Timed, step: Step) -> Hook[None]:
        if not (yield from step.happens()):
            return
        yield Data(b"", flush=True)
        for effect in action.act(step):
            self.lost = self.lost or effect == End("data", "lost")
            yield effect


def _having(hook: str, steps: list[Step]) -> list[Step]:
    """Those whose action has a hook of its own: most have one, and the others let everything pass."""
    return [step for step in steps if hook in step.action.hooks]


def _threshold(moment: Moment, size: int | None) -> int | None:
    return None if moment.at == 1 else moment.threshold(size)


def _sent(effects: Iterable[Effect]) -> list[Piece]:
    return [piece for effect in effects if isinstance(effect, Send) for piece in effect.pieces]
