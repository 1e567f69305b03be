"""What goes wrong with one command: the hooks of its actions, combined, as effects.

The gate calls a `Program` at each point of a command: `phase("command")` when it is received, `command` before the
handler runs, `reply` for each of its replies, `handshake` when one of its connections begins TLS, `transfer` for its
data connection. Each of these is a generator. It yields effects (`ftpfixture.faults.effects`), which the gate performs
one after another, and returns the value to use: the argument, or the bytes of the file. Every value passes the actions
in the order in which they were added.

One rule: values in, effects out. Nothing here waits, sends or knows a server: tests compare the effects, and it works
in front of any code that has commands and replies.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from ftpfixture.faults.action import Action, Claim, CommandState, Context, Outcome, Pace, Timed
from ftpfixture.faults.effects import Data, Effect, End, Hook, NoFinalReply, Send, Wait
from ftpfixture.faults.moments import Moment
from ftpfixture.faults.pieces import Content, Piece, split_replies
from ftpfixture.faults.trigger import Situation
from ftpfixture.wire.reply import Reply
from ftpfixture.wire.states import LISTINGS

__all__ = ["Program", "TransferProgram"]

_BLOCK = 1 << 20  # bytes to send at once if no action is due between them


class Program:
    """Everything that goes wrong with one command.

    Args:
        actions: The actions of all its faults, in the order in which they were added, each with its claim; actions that
            cannot apply to the command are ignored.
        situation: The command.
    """

    __slots__ = ("_contexts", "_state", "_timed")

    def __init__(self, actions: Iterable[tuple[Claim, Action]], situation: Situation) -> None:
        self._state = CommandState(situation, situation.argument, situation.encoding)
        verb = situation.verb
        self._contexts = [Context(action, claim, self._state) for claim, action in actions if action.is_for(verb)]
        self._timed = [(action, context) for context in self._contexts if isinstance(action := context.action, Timed)]

    # The command.

    @property
    def fails_handshakes(self) -> bool:
        """Whether an action may make a TLS handshake fail."""
        return bool(_with_hook("handshake", self._contexts))

    def handshake(self) -> Hook[str | None]:
        """A TLS handshake begins; returns how it fails: "refuse", "cut", "stall", or None for no failure."""
        for context in _with_hook("handshake", self._contexts):
            if how := (yield from context.action.handshake(context)):
                return how
        return None

    def phase(self, name: str) -> Hook[None]:
        """Run the actions of a phase without a reply: "command" or "before_close"."""
        for action, context in self._at(name):
            if (yield from context.happens()):
                yield from action.act(context)

    def command(self) -> Hook[Outcome]:
        """The command is about to be carried out; returns the outcome."""
        state = self._state
        for context in _with_hook("command", self._contexts):
            state.argument = yield from context.action.command(context, state.argument)
        outcome: Outcome = state.argument
        for context in _with_hook("instead", self._contexts):
            outcome = yield from context.action.instead(context, outcome)
        if isinstance(outcome, bytes):
            state.raw = outcome
        return outcome

    # Its replies.

    def reply(self, reply: Reply) -> Hook[None]:
        """The true reply is about to be sent."""
        before, after = ("before_150", "after_150") if reply.is_preliminary else ("before_reply", "after_reply")
        pieces = yield from self._before(before)
        pieces += yield from self._pieces(reply)
        following = yield from self._after(after)
        while following and all(isinstance(effect, Send) for effect in following[0]):
            pieces += _sent(following.popleft())
        held = yield from self._transmit(pieces, reply)
        if not reply.is_preliminary:
            yield from self._report_missing(pieces, held=held)
        if following:
            yield Send(drain=True)
        for effects in following:
            yield from effects

    def _before(self, phase: str) -> Hook[list[Piece]]:
        """Run the actions before a reply; returns the replies that are sent in one piece with it."""
        pieces: list[Piece] = []
        for action, context in self._at(phase):
            if not (yield from context.happens()):
                continue
            for effect in action.act(context):
                if isinstance(effect, Send):
                    pieces += effect.pieces
                    continue
                if pieces:
                    yield Send(tuple(pieces))
                    pieces = []
                yield effect
        return pieces

    def _after(self, phase: str) -> Hook[deque[list[Effect]]]:
        """Return the effects after a reply, each already logged: the client may close the connection before them."""
        following: deque[list[Effect]] = deque()
        for action, context in self._at(phase):
            if (yield from context.happens()):
                following.append(list(action.act(context)))
        return following

    def _report_missing(self, pieces: list[Piece], *, held: bool) -> Hook[None]:
        """Yield `NoFinalReply` if the final reply is not sent now: it is withheld, or held back."""
        if held or not (self._state.ended_early or any(not piece.is_preliminary for piece, _ in pieces)):
            yield NoFinalReply()
        elif not pieces:
            yield NoFinalReply(if_held=True)

    def _pieces(self, reply: Reply) -> Hook[list[Piece]]:
        """Return what is sent in place of a reply."""
        state = self._state
        content: Content = reply if state.raw is None else state.raw
        if state.failure is not None and not reply.is_preliminary:
            content = state.failure
        for context in _with_hook("reply", self._contexts):
            content = yield from context.action.reply(context, content, reply)
        pieces = split_replies(content, state.encoding)
        for context in _with_hook("pieces", self._contexts):
            pieces = yield from context.action.pieces(context, pieces, reply)
        return pieces

    def _transmit(self, pieces: list[Piece], reply: Reply) -> Hook[bool]:
        """Send a reply, or hold it back; returns whether it is held back."""
        left = pieces
        for context in _with_hook("hold", self._contexts):
            left = yield from context.action.hold(context, left, reply)
        held = bool(pieces) and not left
        for context in _with_hook("transmit", self._contexts):
            left = yield from context.action.transmit(context, left)
        if left:
            yield Send(tuple(left))
        return held

    def _at(self, phase: str) -> list[tuple[Timed, Context]]:
        return [pair for pair in self._timed if not pair[0].moment.is_within and pair[0].moment.phase == phase]

    # Its data connection.

    def transfer(self, size: int | None = None) -> TransferProgram:
        """Return what goes wrong with a data connection of the command.

        Args:
            size: The size of a download in bytes; None if it is not known.
        """
        return TransferProgram(self, self._state.situation.verb, self._contexts, self._timed, size)


class TransferProgram:
    """What goes wrong with one data connection; made by `Program.transfer`.

    Attributes:
        lost: Whether the rest of the file is discarded.
        pace: The size of the pieces of a download; None for any size.
    """

    __slots__ = ("_at_end", "_contexts", "_due", "_is_listing", "_program", "lost", "pace")

    def __init__(
        self, program: Program, verb: str, contexts: list[Context], timed: list[tuple[Timed, Context]], size: int | None
    ) -> None:
        self._program = program
        self._contexts = contexts
        self._is_listing = verb in LISTINGS
        # An action at the end of the file has no number of bytes: the size of a file in TYPE A is not known before.
        self._at_end = [pair for pair in timed if pair[0].moment.at == 1]
        found = [(threshold, pair) for pair in timed if (threshold := _threshold(pair[0].moment, size)) is not None]
        self._due = deque(sorted(found, key=lambda due: due[0]))
        self.lost = False
        self.pace: Pace | None = None

    def start(self) -> Hook[None]:
        """The data connection is established, and nothing has been transferred yet; no effect of this hook waits."""
        for context in _with_hook("start", self._contexts):
            yield from context.action.start(context)

    def send(self, content: bytes | memoryview, start: int) -> Hook[None]:
        """Bytes are about to be sent, from byte `start` on: a whole listing, or a part of a file."""
        for context in _with_hook("pace", self._contexts) if self.pace is None else ():
            self.pace = self.pace or (yield from context.action.pace(context))
        for context in _with_hook("listing", self._contexts) if self._is_listing else ():
            content = yield from context.action.listing(context, bytes(content), start)
        view = memoryview(content)
        while view:
            yield from self.reach(start)
            if self.lost:
                return
            if self.pace is not None and start:
                yield Wait(self.pace.pause)
            piece = view[: self.largest_piece(start)]
            yield Data((yield from self.data(piece, start)), flush=self.pace is not None)
            start += len(piece)
            view = view[len(piece) :]

    def reach(self, number: int) -> Hook[None]:
        """`number` bytes have been transferred: run the actions that are due; then `lost` is up to date."""
        while self._due and self._due[0][0] <= number:
            yield from self._act(*self._due.popleft()[1])

    def largest_piece(self, number: int) -> int:
        """The number of bytes that may follow `number` bytes before an action is due."""
        size = self._due[0][0] - number if self._due else _BLOCK
        return max(1, size if self.pace is None else min(size, self.pace.size))

    def data(self, content: bytes | memoryview, start: int) -> Hook[bytes | memoryview]:
        """Bytes of the file are transferred, from byte `start` on; returns the bytes in their place."""
        for context in _with_hook("data", self._contexts):
            content = yield from context.action.data(context, content, start)
        return content

    def end(self, number: int, encrypted: bool) -> Hook[None]:
        """All `number` bytes have been transferred, and the sender is about to close the connection."""
        yield from self.reach(number)
        for pair in self._at_end:
            yield from self._act(*pair)
        for context in _with_hook("end", self._contexts):
            yield from context.action.end(context)
        yield from self._program.phase("before_close")
        for context in _with_hook("closing", self._contexts):
            yield from context.action.closing(context, encrypted)

    def _act(self, action: Timed, context: Context) -> Hook[None]:
        if not (yield from context.happens()):
            return
        yield Data(b"", flush=True)
        for effect in action.act(context):
            self.lost = self.lost or effect == End("data", "lost")
            yield effect


def _with_hook(hook: str, contexts: list[Context]) -> list[Context]:
    """Return the contexts whose action overrides a hook; the others would change nothing."""
    return [context for context in contexts if hook in context.action.hooks]


def _threshold(moment: Moment, size: int | None) -> int | None:
    return None if moment.at == 1 else moment.threshold(size)


def _sent(effects: Iterable[Effect]) -> list[Piece]:
    return [piece for effect in effects if isinstance(effect, Send) for piece in effect.pieces]
