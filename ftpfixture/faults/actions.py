"""Actions on commands, on replies, and on the control connection.

One rule: see `ftpfixture.faults.action`; a new action is a class here or in a sibling module, and a word that makes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ftpfixture.faults.action import Action, Context, Outcome, Pace, Timed
from ftpfixture.faults.effects import Effect, End, Hold, Hook, NoFinalReply, Send, Use, Wait, Where
from ftpfixture.faults.pieces import Content, Piece, flip_bits, reply_of, split_replies
from ftpfixture.wire.command import starred
from ftpfixture.wire.reply import Reply
from ftpfixture.wire.states import DOWNLOADS, LISTINGS, TRANSFERS

__all__ = [
    "Coalesce",
    "EarlyFinalReply",
    "EndConnection",
    "FixedReply",
    "FlipBits",
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
"""The preliminary reply (1xx) or the final reply."""


def _stage_of(reply: Reply) -> Stage:
    return "preliminary" if reply.is_preliminary else "final"


def _with_stage(stage: Stage) -> frozenset[str] | None:
    """The commands that have such a reply; only transfers have a preliminary reply."""
    return TRANSFERS if stage == "preliminary" else None


@dataclass(frozen=True, slots=True)
class Pause(Timed):
    """A pause of `seconds`, plus a random time of at most `jitter` seconds; None for ever.

    Before or after a reply the session pauses: replies keep their order, so all later replies wait, also those to ABOR
    and QUIT. Within a transfer only the transfer pauses, and ABOR aborts it. A pause for ever ends when the client
    closes the connection, or sends QUIT during the transfer, which is then aborted. Every pause ends when the client
    closes the connection.
    """

    seconds: float | None
    jitter: float = 0

    def act(self, context: Context) -> Iterator[Effect]:
        """See Timed."""
        for_ever = self.seconds is None and not self.moment.is_within
        if for_ever:
            yield NoFinalReply()
        # No reply will follow, so only the end of the client's input matters.
        yield Wait(self.seconds, self.jitter, discard_input=for_ever and self.moment.phase != "before_close")


@dataclass(frozen=True, slots=True)
class FixedReply(Action):
    """This reply, or these bytes, in place of carrying out the command."""

    code: str = ""
    lines: tuple[str, ...] = ()
    raw: bytes | None = None

    def instead(self, context: Context, outcome: Outcome) -> Hook[Outcome]:
        """See Action."""
        if isinstance(outcome, str) and (yield from context.happens()):
            return Reply(self.code, self.lines) if self.raw is None else self.raw
        return outcome


@dataclass(frozen=True, slots=True)
class Ignore(Action):
    """The command is not carried out and gets no reply."""

    def instead(self, context: Context, outcome: Outcome) -> Hook[Outcome]:
        """See Action."""
        if isinstance(outcome, str) and (yield from context.happens()):
            yield NoFinalReply()
            return None
        return outcome


@dataclass(frozen=True, slots=True)
class UnsolicitedReply(Timed):
    """A reply, or bytes, to no command."""

    code: str = ""
    lines: tuple[str, ...] = ()
    raw: bytes | None = None

    def act(self, context: Context) -> Iterator[Effect]:
        """See Timed."""
        content = Reply(self.code, self.lines) if self.raw is None else self.raw
        yield Send(tuple(split_replies(content, context.state.situation.encoding)))


@dataclass(frozen=True, slots=True)
class Rewrite(Action):
    """The command is carried out, and its reply is changed.

    Attributes:
        stage: The reply that is changed.
        code: The new code; None for the true one.
        text: The new text; ``{text}`` is the true text, ``{argument}`` the argument of the command, a password starred;
            None for the true text.
        raw: Bytes in place of code and text.
    """

    stage: Stage
    code: str | None = None
    text: tuple[str, ...] | None = None
    raw: bytes | None = None

    @property
    def verbs(self) -> frozenset[str] | None:
        """See Action."""
        return _with_stage(self.stage)

    def reply(self, context: Context, content: Content, true: Reply) -> Hook[Content]:
        """See Action."""
        if _stage_of(true) != self.stage or not (yield from context.happens()):
            return content
        return self._rewritten(content, context) if self.raw is None else self.raw

    def _rewritten(self, content: Content, context: Context) -> Reply:
        reply = reply_of(content) if isinstance(content, bytes) else content
        text = reply.text
        # Logs and transcripts show replies, so a password in a reply is starred as in its command.
        _, argument = starred(context.state.situation.verb, context.state.argument)
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
        return _with_stage(self.stage)

    def pieces(self, context: Context, pieces: list[Piece], true: Reply) -> Hook[list[Piece]]:
        """See Action."""
        return [] if _stage_of(true) == self.stage and (yield from context.happens()) else pieces


@dataclass(frozen=True, slots=True)
class Repeat(Action):
    """The final reply is sent twice."""

    def pieces(self, context: Context, pieces: list[Piece], true: Reply) -> Hook[list[Piece]]:
        """See Action."""
        return pieces * 2 if _stage_of(true) == "final" and (yield from context.happens()) else pieces


@dataclass(frozen=True, slots=True)
class EarlyFinalReply(Action):
    """The reply for success is sent directly after the 150, before the data, and not again."""

    code: str
    text: str

    verbs = TRANSFERS

    def pieces(self, context: Context, pieces: list[Piece], true: Reply) -> Hook[list[Piece]]:
        """See Action."""
        if true.is_preliminary and (yield from context.happens()):
            context.state.ended_early = True
            return [*pieces, *split_replies(Reply(self.code, (self.text,)), context.state.encoding)]
        return [] if context.state.ended_early else pieces


@dataclass(frozen=True, slots=True)
class Coalesce(Action):
    """A reply is held back, and sent in one piece with the next one."""

    stage: Stage

    @property
    def verbs(self) -> frozenset[str] | None:
        """See Action."""
        return _with_stage(self.stage)

    def hold(self, context: Context, pieces: list[Piece], true: Reply) -> Hook[list[Piece]]:
        """See Action."""
        if not pieces or _stage_of(true) != self.stage or not (yield from context.happens()):
            return pieces
        yield Hold(tuple(pieces))
        return []


@dataclass(frozen=True, slots=True)
class EndConnection(Timed):
    """The server ends a connection.

    Attributes:
        where: The connection.
        how: "fin" closes it, "rst" resets it, "half" sends FIN and keeps it open.
        code: For data: the code of the final reply; "" for 426.
        text: For data: the text of the final reply.
    """

    where: Where
    how: Literal["fin", "rst", "half"]
    code: str = ""
    text: str = ""

    @property
    def verbs(self) -> frozenset[str] | None:
        """See Action."""
        return TRANSFERS if self.where == "data" else None

    def act(self, context: Context) -> Iterator[Effect]:
        """See Timed."""
        if self.code:
            context.state.failure = Reply(self.code, (self.text,))
        yield End(self.where, self.how)


@dataclass(frozen=True, slots=True)
class Slice(Action):
    """Replies or downloads are sent in pieces of `size` bytes, with `pause` seconds between them."""

    where: Where
    size: int
    pause: float = 0

    @property
    def verbs(self) -> frozenset[str] | None:
        """See Action."""
        return DOWNLOADS | LISTINGS if self.where == "data" else None

    def transmit(self, context: Context, pieces: list[Piece]) -> Hook[list[Piece]]:
        """See Action."""
        if self.where == "control" and pieces and (yield from context.happens()):
            yield Send(tuple(pieces), self.size, self.pause)
            return []
        return pieces

    def pace(self, context: Context) -> Hook[Pace | None]:
        """See Action."""
        if self.where == "data" and (yield from context.happens()):
            yield Use("small_packets", True)
            return Pace(self.size, self.pause)
        return None


@dataclass(frozen=True, slots=True)
class FlipBits(Action):
    """The bits of `mask` are flipped in byte `first` and, with `every`, in every `every`-th byte after it."""

    where: Where
    first: int = 0
    every: int | None = None
    mask: int = 1

    @property
    def verbs(self) -> frozenset[str] | None:
        """See Action."""
        return TRANSFERS if self.where == "data" else None

    def pieces(self, context: Context, pieces: list[Piece], true: Reply) -> Hook[list[Piece]]:
        """See Action."""
        if self.where == "data":
            return pieces
        flipped = [self._flipped(raw, 0) for _, raw in pieces]
        if flipped != [raw for _, raw in pieces] and (yield from context.happens()):
            return [piece for raw in flipped for piece in split_replies(raw, context.state.encoding)]
        return pieces

    def data(self, context: Context, content: bytes | memoryview, start: int) -> Hook[bytes | memoryview]:
        """See Action."""
        if self.where == "control":
            return content
        changed = self._flipped(content, start)
        return changed if changed != content and (yield from context.happens()) else content

    def _flipped(self, content: bytes | memoryview, start: int) -> bytes:
        return flip_bits(content, start, self.first, self.every, self.mask)
