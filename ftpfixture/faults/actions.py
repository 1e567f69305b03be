"""What goes wrong with commands, with replies, and with the control connection.

One rule: see `ftpfixture.faults.action`; a new action is a class here or in a neighbour, and a word that makes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ftpfixture.faults.action import Action, Outcome, Pace, Step, Timed
from ftpfixture.faults.effects import Effect, End, Hold, Hook, Send, Silent, Use, Wait, Where
from ftpfixture.faults.pieces import Content, Piece, cut_up, flipped, reply_of
from ftpfixture.wire.command import starred
from ftpfixture.wire.reply import Reply
from ftpfixture.wire.states import DOWNLOADS, LISTINGS, TRANSFERS

__all__ = [
    "Answer",
    "Coalesce",
    "Cut",
    "EarlyFinalReply",
    "Garble",
    "Ignore",
    "Pause",
    "Repeat",
    "Rewrite",
    "Slice",
    "Stage",
    "UnsolicitedReply",
    "Withhold",
]

Stage = Literal["preliminary", "final"]
"""Which reply: the preliminary one (1xx), or the final one."""


def _stage_of(reply: Reply) -> Stage:
    return "preliminary" if reply.is_preliminary else "final"


def _having(stage: Stage) -> frozenset[str] | None:
    """The commands that have such a reply; no other command of ours than a transfer has a preliminary one."""
    return TRANSFERS if stage == "preliminary" else None


@dataclass(frozen=True, slots=True)
class Pause(Timed):
    """Nothing goes on for `seconds`, and up to `jitter` more; None for ever.

    Around a reply the session stands still: replies keep their order, so whatever comes behind it waits, ABOR and QUIT
    too. Within a transfer it alone stands still, and ABOR ends it. For ever is until the client is gone, or says QUIT
    during the transfer: what had not begun by then never does, and the transfer is broken off. When the client is gone,
    nothing waits for seconds either.
    """

    seconds: float | None
    jitter: float = 0

    def act(self, step: Step) -> Iterator[Effect]:
        """See Timed."""
        for_ever = self.seconds is None and not self.moment.is_within
        if for_ever:
            yield Silent()
        # Nothing will be answered, so of what the client says only the end is of interest.
        yield Wait(self.seconds, self.jitter, deaf=for_ever and self.moment.phase != "before_close")


@dataclass(frozen=True, slots=True)
class Answer(Action):
    """The command is not carried out; it gets this reply, or these bytes."""

    code: str = ""
    lines: tuple[str, ...] = ()
    raw: bytes | None = None

    def instead(self, step: Step, outcome: Outcome) -> Hook[Outcome]:
        """See Action."""
        if isinstance(outcome, str) and (yield from step.happens()):
            return Reply(self.code, self.lines) if self.raw is None else self.raw
        return outcome


@dataclass(frozen=True, slots=True)
class Ignore(Action):
    """The command is not carried out, and gets no reply."""

    def instead(self, step: Step, outcome: Outcome) -> Hook[Outcome]:
        """See Action."""
        if isinstance(outcome, str) and (yield from step.happens()):
            yield Silent()
            return None
        return outcome


@dataclass(frozen=True, slots=True)
class UnsolicitedReply(Timed):
    """A reply, or bytes, that nobody asked for."""

    code: str = ""
    lines: tuple[str, ...] = ()
    raw: bytes | None = None

    def act(self, step: Step) -> Iterator[Effect]:
        """See Timed."""
        content = Reply(self.code, self.lines) if self.raw is None else self.raw
        yield Send(tuple(cut_up(content, step.state.situation.encoding)))


@dataclass(frozen=True, slots=True)
class Rewrite(Action):
    """The command is carried out, and its reply is another.

    Attributes:
        stage: Which of its replies.
        code: None for the code it has.
        text: ``{text}`` stands for the text it has, ``{argument}`` for the command's, where a
            password is starred; None for the text it has.
        raw: Bytes in place of both.
    """

    stage: Stage
    code: str | None = None
    text: tuple[str, ...] | None = None
    raw: bytes | None = None

    @property
    def verbs(self) -> frozenset[str] | None:
        """See Action."""
        return _having(self.stage)

    def reply(self, step: Step, content: Content, true: Reply) -> Hook[Content]:
        """See Action."""
        if _stage_of(true) != self.stage or not (yield from step.happens()):
            return content
        return self._rewritten(content, step) if self.raw is None else self.raw

    def _rewritten(self, content: Content, step: Step) -> Reply:
        reply = reply_of(content) if isinstance(content, bytes) else content
        text = reply.text
        # A reply is in every log and transcript: a password in it is starred as in its command.
        _, argument = starred(step.state.situation.verb, step.state.argument)
        lines = self.text or ("{text}",)
        filled = [line.replace("{text}", text).replace("{argument}", argument) for line in lines]
        return Reply(self.code or reply.code, tuple("\n".join(filled).split("\n")), reply.listing)


@dataclass(frozen=True, slots=True)
class Withhold(Action):
    """A reply is not sent."""

    stage: Stage

    @property
    def verbs(self) -> frozenset[str] | None:
        """See Action."""
        return _having(self.stage)

    def pieces(self, step: Step, pieces: list[Piece], true: Reply) -> Hook[list[Piece]]:
        """See Action."""
        return [] if _stage_of(true) == self.stage and (yield from step.happens()) else pieces


@dataclass(frozen=True, slots=True)
class Repeat(Action):
    """The final reply is sent once more."""

    def pieces(self, step: Step, pieces: list[Piece], true: Reply) -> Hook[list[Piece]]:
        """See Action."""
        return pieces * 2 if _stage_of(true) == "final" and (yield from step.happens()) else pieces


@dataclass(frozen=True, slots=True)
class EarlyFinalReply(Action):
    """The reply for success comes right behind the 150, before the data, and not again."""

    code: str
    text: str

    verbs = TRANSFERS

    def pieces(self, step: Step, pieces: list[Piece], true: Reply) -> Hook[list[Piece]]:
        """See Action."""
        if true.is_preliminary and (yield from step.happens()):
            step.state.ended_early = True
            return [*pieces, *cut_up(Reply(self.code, (self.text,)), step.state.encoding)]
        return [] if step.state.ended_early else pieces


@dataclass(frozen=True, slots=True)
class Coalesce(Action):
    """A reply waits, and leaves in one piece with the next one."""

    stage: Stage

    @property
    def verbs(self) -> frozenset[str] | None:
        """See Action."""
        return _having(self.stage)

    def hold(self, step: Step, pieces: list[Piece], true: Reply) -> Hook[list[Piece]]:
        """See Action."""
        if not pieces or _stage_of(true) != self.stage or not (yield from step.happens()):
            return pieces
        yield Hold(tuple(pieces))
        return []


@dataclass(frozen=True, slots=True)
class Cut(Timed):
    """A connection ends.

    Attributes:
        where: Which.
        how: "fin" for an end of file, "rst" for an error on the other side, "half" for an end of file on a connection
            that stays open.
        code: For data: what the command is answered after it, in place of 426; "" for that.
        text: Of that reply.
    """

    where: Where
    how: Literal["fin", "rst", "half"]
    code: str = ""
    text: str = ""

    @property
    def verbs(self) -> frozenset[str] | None:
        """See Action."""
        return TRANSFERS if self.where == "data" else None

    def act(self, step: Step) -> Iterator[Effect]:
        """See Timed."""
        if self.code:
            step.state.verdict = Reply(self.code, (self.text,))
        yield End(self.where, self.how)


@dataclass(frozen=True, slots=True)
class Slice(Action):
    """What is sent leaves in pieces of `size` bytes, with `pause` seconds between them."""

    where: Where
    size: int
    pause: float = 0

    @property
    def verbs(self) -> frozenset[str] | None:
        """See Action."""
        return DOWNLOADS | LISTINGS if self.where == "data" else None

    def transmit(self, step: Step, pieces: list[Piece]) -> Hook[list[Piece]]:
        """See Action."""
        if self.where == "control" and pieces and (yield from step.happens()):
            yield Send(tuple(pieces), self.size, self.pause)
            return []
        return pieces

    def pace(self, step: Step) -> Hook[Pace | None]:
        """See Action."""
        if self.where == "data" and (yield from step.happens()):
            yield Use("small_packets", True)
            return Pace(self.size, self.pause)
        return None


@dataclass(frozen=True, slots=True)
class Garble(Action):
    """Bits are flipped: those of `mask` in byte `first` and, with `every`, in each so-many-th after it."""

    where: Where
    first: int = 0
    every: int | None = None
    mask: int = 1

    @property
    def verbs(self) -> frozenset[str] | None:
        """See Action."""
        return TRANSFERS if self.where == "data" else None

    def pieces(self, step: Step, pieces: list[Piece], true: Reply) -> Hook[list[Piece]]:
        """See Action."""
        if self.where == "data":
            return pieces
        spoilt = [self._flipped(raw, 0) for _, raw in pieces]
        if spoilt != [raw for _, raw in pieces] and (yield from step.happens()):
            return [piece for raw in spoilt for piece in cut_up(raw, step.state.encoding)]
        return pieces

    def data(self, step: Step, content: bytes | memoryview, start: int) -> Hook[bytes | memoryview]:
        """See Action."""
        if self.where == "control":
            return content
        changed = self._flipped(content, start)
        return changed if changed != content and (yield from step.happens()) else content

    def _flipped(self, content: bytes | memoryview, start: int) -> bytes:
        return flipped(content, start, self.first, self.every, self.mask)
