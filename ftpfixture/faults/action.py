"""The base of every action: hooks, which a command, its replies and its data pass.

One rule: an action is one class. Its hooks are what it does, `verbs` are the commands to which it can apply, and no
other code asks for its class.

A hook receives a value, yields effects, and returns the value for the next action. The hooks of `Action` return it
unchanged. In the order of a command they are: `handshake`; `act` (of a `Timed`, at its moment); `command` and
`instead`; `reply`, `pieces`, `hold` and `transmit` for each reply; `start`, `listing`, `pace`, `data`, `end` and
`closing` for the data connection. Before a hook changes anything it calls `Context.happens`: the fault may have reached
its limit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol, TypeAlias

from ftpfixture.faults.effects import Effect, Fired, Hook, unchanged
from ftpfixture.faults.moments import TRANSFER_PHASES, Moment
from ftpfixture.faults.pieces import Content, Piece
from ftpfixture.faults.trigger import Situation
from ftpfixture.wire.reply import Reply
from ftpfixture.wire.states import DOWNLOADS, LEGAL_REPLIES, LISTINGS, TRANSFERS

__all__ = ["Action", "Claim", "CommandState", "Context", "Outcome", "Pace", "Timed"]

Outcome: TypeAlias = str | Content | None
"""The result for a command: the argument to carry it out with, the reply in its place, or None for no reply."""


class Claim(Protocol):
    """A fault that applies to one command."""

    @property
    def name(self) -> str:
        """The fault as text."""

    def take(self) -> bool | None:
        """Count the fault unless its limit is reached: True if it begins now, None if it has begun, False if not."""


@dataclass(slots=True)
class CommandState:
    """The state that the actions of one command share.

    Attributes:
        situation: The command as received.
        argument: The argument with which it is carried out.
        encoding: The encoding of its replies and listings.
        raw: Bytes in place of its reply; None for a reply.
        failure: The final reply of a transfer that a fault ended; None for the handler's reply.
        ended_early: Whether the final reply was sent before the data.
    """

    situation: Situation
    argument: str
    encoding: str
    raw: bytes | None = None
    failure: Reply | None = None
    ended_early: bool = False


class Context:
    """An action applied to one command: what its hooks may use.

    Args:
        action: The action.
        claim: Whether it may happen.
        state: The state of the command.
    """

    __slots__ = ("action", "claim", "state")

    def __init__(self, action: Action, claim: Claim, state: CommandState) -> None:
        self.action = action
        self.claim = claim
        self.state = state

    def happens(self) -> Hook[bool]:
        """Whether the action may act now; yields `Fired` when the fault begins."""
        taken = self.claim.take()
        if taken:
            yield Fired(self.claim.name)
        return taken is not False


class Pace(NamedTuple):
    """The size of the pieces of a download, and the pause between them.

    Attributes:
        size: Bytes of a piece.
        pause: Seconds before each piece except the first.
    """

    size: int
    pause: float


class Action:
    """Something that goes wrong; the hooks of this base change nothing.

    Attributes:
        hooks: Names of the hooks that the class overrides.
    """

    __slots__ = ()

    hooks: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls) -> None:
        cls.hooks = frozenset(name for name in vars(Action) if getattr(cls, name) is not getattr(Action, name))

    in_front: ClassVar[str] = ""
    """What to use in front of another server, if it changes files or settings, which a proxy does not have; else ""."""

    @property
    def verbs(self) -> frozenset[str] | None:
        """The commands to which it can apply; None for all."""
        return None

    @property
    def fits(self) -> frozenset[str] | None:
        """The commands to which it can apply at its moment; None for all."""
        return self.verbs

    def is_for(self, verb: str) -> bool:
        """Whether it can apply to a command; every action can apply to a command of no RFC."""
        return self.fits is None or verb in self.fits or verb not in LEGAL_REPLIES

    def advice(self, verb: str) -> str:
        """What would work for a command to which it cannot apply at its moment; "" for nothing."""
        return ""

    @property
    def after_bytes(self) -> int | None:
        """The number of bytes of a transfer after which it acts; None for an action that does not count them."""
        return None

    # The command.

    def handshake(self, context: Context) -> Hook[str | None]:
        """A TLS handshake begins; returns how it fails, "refuse", "cut" or "stall", or None for no failure."""
        return unchanged(None)

    def command(self, context: Context, argument: str) -> Hook[str]:
        """The command is about to be carried out; returns its argument."""
        return unchanged(argument)

    def instead(self, context: Context, outcome: Outcome) -> Hook[Outcome]:
        """The argument is final; returns it, or the reply in place of carrying out the command."""
        return unchanged(outcome)

    # Its replies.

    def reply(self, context: Context, content: Content, true: Reply) -> Hook[Content]:
        """A reply is about to be sent in place of the `true` one; returns the reply to send."""
        return unchanged(content)

    def pieces(self, context: Context, pieces: list[Piece], true: Reply) -> Hook[list[Piece]]:
        """A reply is about to be sent, as bytes; returns the bytes to send."""
        return unchanged(pieces)

    def hold(self, context: Context, pieces: list[Piece], true: Reply) -> Hook[list[Piece]]:
        """A reply and what follows it at once are about to be sent; returns what is not held back."""
        return unchanged(pieces)

    def transmit(self, context: Context, pieces: list[Piece]) -> Hook[list[Piece]]:
        """A reply is sent now; returns what the hook has not sent itself."""
        return unchanged(pieces)

    # Its data connection.

    def start(self, context: Context) -> Hook[None]:
        """The data connection is established, and nothing has been transferred yet."""
        return unchanged(None)

    def listing(self, context: Context, content: bytes, start: int) -> Hook[bytes]:
        """A listing is about to be sent, or its part from byte `start` on; returns the bytes to send."""
        return unchanged(content)

    def pace(self, context: Context) -> Hook[Pace | None]:
        """A download begins; returns the size of its pieces, or None for any size."""
        return unchanged(None)

    def data(self, context: Context, content: bytes | memoryview, start: int) -> Hook[bytes | memoryview]:
        """Bytes of a file are transferred, from byte `start` on; returns the bytes in their place."""
        return unchanged(content)

    def end(self, context: Context) -> Hook[None]:
        """The whole file has been transferred; more bytes may follow."""
        return unchanged(None)

    def closing(self, context: Context, encrypted: bool) -> Hook[None]:
        """The data connection is about to be closed."""
        return unchanged(None)


@dataclass(frozen=True, slots=True)
class Timed(Action, ABC):
    """An action that acts at a moment."""

    moment: Moment

    @property
    def fits(self) -> frozenset[str] | None:
        """See Action."""
        if self.moment.at is not None:
            return DOWNLOADS | LISTINGS  # the size of an upload is unknown before its end
        if self.verbs is None and (self.moment.is_within or self.moment.phase in TRANSFER_PHASES):
            return TRANSFERS
        return self.verbs

    def advice(self, verb: str) -> str:
        """See Action."""
        is_upload = self.moment.at is not None and verb in TRANSFERS and verb not in DOWNLOADS | LISTINGS
        return "the size of an upload is unknown, so use after_bytes= in place of at=" if is_upload else ""

    @property
    def after_bytes(self) -> int | None:
        """See Action."""
        return self.moment.after_bytes

    @abstractmethod
    def act(self, context: Context) -> Iterator[Effect]:
        """The moment is reached; yields the effects of the action."""
