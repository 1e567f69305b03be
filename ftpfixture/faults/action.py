"""What every action is made of: hooks through which all that belongs to a command passes.

One rule: an action is one class. It says by its hooks what it does, by `verbs` to which commands that can happen, and
nobody else asks of which class it is.

A hook is given what passes and returns what goes on to the next action; on the way it yields effects. Each of them here
lets everything pass. In the order of a command's life they are: `handshake`; `act` (of a `Timed`, whenever its moment
is); `command` and `instead`; `reply`, `pieces`, `hold` and `leave` for each of its replies; `start`, `listing`, `pace`,
`data`, `end` and `closing` for its data connection. A hook that is about to change something asks `Step.happens` first:
the fault may have happened as often as it may.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol, TypeAlias

from ftpfixture.faults.effects import Effect, Fired, Hook, passed
from ftpfixture.faults.moments import TRANSFER_PHASES, Moment
from ftpfixture.faults.pieces import Content, Piece
from ftpfixture.faults.trigger import Situation
from ftpfixture.wire.reply import Reply
from ftpfixture.wire.states import DOWNLOADS, LEGAL_REPLIES, LISTINGS, TRANSFERS

__all__ = ["Action", "Claim", "Outcome", "Pace", "State", "Step", "Timed"]

Outcome: TypeAlias = str | Content | None
"""What becomes of a command: it is carried out with this argument, it is answered with this, or not at all."""


class Claim(Protocol):
    """A fault and the one command that it is for."""

    @property
    def name(self) -> str:
        """The fault in its text form."""

    def take(self) -> bool | None:
        """Let it happen, if it still may: True when it begins now, None when it had begun, False when it may not."""


@dataclass(slots=True)
class State:
    """What the actions of one command share.

    Attributes:
        situation: The command, as it came.
        argument: Of the command, as it is carried out.
        raw: Bytes that are the answer; None when it is a reply.
        verdict: The final reply, when the transfer was made to fail with one.
        ended_early: Whether the final reply has come before the data.
        encoding: Of its replies and listings.
    """

    situation: Situation
    argument: str
    encoding: str
    raw: bytes | None = None
    verdict: Reply | None = None
    ended_early: bool = False


class Step:
    """An action in the life of one command: what its hooks may know and ask.

    Args:
        action: What happens.
        claim: Whether it may.
        state: Of the command.
    """

    __slots__ = ("action", "claim", "state")

    def __init__(self, action: Action, claim: Claim, state: State) -> None:
        self.action = action
        self.claim = claim
        self.state = state

    def happens(self) -> Hook[bool]:
        """Whether the action may do something now; tells of the fault when it begins."""
        taken = self.claim.take()
        if taken:
            yield Fired(self.claim.name)
        return taken is not False


class Pace(NamedTuple):
    """How a download is cut into pieces.

    Attributes:
        size: Bytes of one.
        pause: Seconds before each but the first.
    """

    size: int
    pause: float


class Action:
    """Something that goes wrong; without hooks of its own, nothing does.

    Attributes:
        hooks: Names of the hooks that its class has not from here.
    """

    __slots__ = ()

    hooks: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls) -> None:
        cls.hooks = frozenset(name for name in vars(Action) if getattr(cls, name) is not getattr(Action, name))

    @property
    def verbs(self) -> frozenset[str] | None:
        """The commands to which it can happen; None for all."""
        return None

    @property
    def fits(self) -> frozenset[str] | None:
        """The same, its moment considered."""
        return self.verbs

    def is_for(self, verb: str) -> bool:
        """Whether it can happen to a command; to one that no RFC has, anything may."""
        return self.fits is None or verb in self.fits or verb not in LEGAL_REPLIES

    @property
    def counted(self) -> int | None:
        """Bytes of a transfer after which it acts; None for an action that does not count them."""
        return None

    # The command.

    def handshake(self, step: Step) -> Hook[str | None]:
        """A TLS handshake begins; returns how it fails, "refuse", "cut" or "stall", None when it does not."""
        return passed(None)

    def command(self, step: Step, argument: str) -> Hook[str]:
        """The command is about to be carried out; returns its argument."""
        return passed(argument)

    def instead(self, step: Step, outcome: Outcome) -> Hook[Outcome]:
        """The same, when all have been asked for the argument; returns what happens in place of that."""
        return passed(outcome)

    # Its replies.

    def reply(self, step: Step, content: Content, true: Reply) -> Hook[Content]:
        """A reply is about to be said, in place of the `true` one; returns what is said."""
        return passed(content)

    def pieces(self, step: Step, pieces: list[Piece], true: Reply) -> Hook[list[Piece]]:
        """The same as bytes; returns what is sent."""
        return passed(pieces)

    def hold(self, step: Step, pieces: list[Piece], true: Reply) -> Hook[list[Piece]]:
        """They are about to be sent, with all that is said behind them at once; returns what is not held back."""
        return passed(pieces)

    def transmit(self, step: Step, pieces: list[Piece]) -> Hook[list[Piece]]:
        """They leave; returns what has not been sent yet."""
        return passed(pieces)

    # Its data connection.

    def start(self, step: Step) -> Hook[None]:
        """A data connection is there, and nothing has been sent yet."""
        return passed(None)

    def listing(self, step: Step, content: bytes, start: int) -> Hook[bytes]:
        """A listing is about to be sent, or what follows its first `start` bytes; returns what is sent."""
        return passed(content)

    def pace(self, step: Step) -> Hook[Pace | None]:
        """A download begins; returns how it is cut into pieces, None when it is not."""
        return passed(None)

    def data(self, step: Step, content: bytes | memoryview, start: int) -> Hook[bytes | memoryview]:
        """Bytes of a file pass, the first of which is number `start`; returns what they become."""
        return passed(content)

    def end(self, step: Step) -> Hook[None]:
        """All of a transfer has been sent; more may follow."""
        return passed(None)

    def closing(self, step: Step, encrypted: bool) -> Hook[None]:
        """The data connection is about to be closed."""
        return passed(None)


@dataclass(frozen=True, slots=True)
class Timed(Action, ABC):
    """An action that acts at a moment."""

    moment: Moment

    @property
    def fits(self) -> frozenset[str] | None:
        """See Action."""
        if self.moment.at is not None:
            return DOWNLOADS | LISTINGS  # nobody knows the size of an upload before its end
        if self.verbs is None and (self.moment.is_within or self.moment.phase in TRANSFER_PHASES):
            return TRANSFERS
        return self.verbs

    @property
    def counted(self) -> int | None:
        """See Action."""
        return self.moment.after_bytes

    @abstractmethod
    def act(self, step: Step) -> Iterator[Effect]:
        """Its moment has come, and it happens."""
