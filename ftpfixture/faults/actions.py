"""What a fault does: a closed set of values, which `ftpfixture.net.faultgate` and its neighbours carry out.

One rule: an action says what happens, never how; a new one is a class here and a case there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from ftpfixture import checks
from ftpfixture.errors import ConfigurationError

__all__ = [
    "PHASES",
    "Action",
    "Answer",
    "Cut",
    "Deaf",
    "Disk",
    "Early",
    "Edit",
    "Garble",
    "Handshake",
    "How",
    "Ignore",
    "Join",
    "Limit",
    "Moment",
    "Pad",
    "Pause",
    "Phase",
    "Repeat",
    "Rewrite",
    "Say",
    "Set",
    "Slice",
    "Stage",
    "Truncate",
    "Unannounced",
    "Where",
    "Withhold",
    "moment_of",
]

Phase = Literal["command", "before_150", "after_150", "before_close", "before_reply", "after_reply"]
PHASES: tuple[Phase, ...] = ("command", "before_150", "after_150", "before_close", "before_reply", "after_reply")
"""Where in the life of a command something may happen.

`command` is before anything is done, and before TLS if a connection begins with that; `before_150` and `after_150`
stand around the preliminary reply; `before_close` is after the last octet of a transfer, before the server closes the
data connection; `before_reply` and `after_reply` stand around the final reply.
"""

Stage = Literal["opening", "final"]
"""Which reply: the preliminary one (1xx), or the final one."""

Where = Literal["control", "data"]
How = Literal["fin", "rst", "half"]


@dataclass(frozen=True, slots=True)
class Moment:
    """When an action acts within its command.

    Attributes:
        phase: One of `PHASES`; not looked at when one of the others is set.
        octets: After so many octets of the transfer.
        fraction: After this part of the file, from 0 to 1; for downloads, whose size is known.
    """

    phase: Phase = "command"
    octets: int | None = None
    fraction: float | None = None

    @property
    def is_within(self) -> bool:
        """Whether it is counted in octets of a transfer."""
        return self.octets is not None or self.fraction is not None

    def threshold(self, size: int | None) -> int | None:
        """After how many octets of a transfer of `size` it is there; None for never."""
        if self.fraction:
            return None if size is None else math.ceil(self.fraction * size)
        return self.octets if self.fraction is None else 0

    @classmethod
    def of(cls, phase: str, after: int | None = None, at: float | None = None) -> Moment:
        """Check what a user gave.

        Raises:
            ConfigurationError: An unknown phase, a negative number, or both a number and a fraction.
        """
        if after is not None and at is not None:
            raise ConfigurationError("give after= (octets) or at= (a part of the file), not both")
        if after is not None:
            checks.whole("after", after)
        if at is not None:
            checks.part("at", at)
        return cls(checks.one_of("phase", phase, PHASES), after, at)


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing goes on for `seconds`, and up to `jitter` more; None for ever.

    Around a reply the session stands still: replies keep their order, so whatever comes behind it waits, ABOR and QUIT
    too. Within a transfer it alone stands still, and ABOR ends it. For ever is until the client is gone, or says QUIT
    during the transfer: what had not begun by then never does, and the transfer is broken off. When the client is gone,
    nothing waits for seconds either.
    """

    moment: Moment
    seconds: float | None
    jitter: float = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """The command is not carried out; it gets this reply, or these octets."""

    code: str = ""
    lines: tuple[str, ...] = ()
    raw: bytes | None = None


@dataclass(frozen=True, slots=True)
class Ignore:
    """The command is not carried out, and gets no reply."""


@dataclass(frozen=True, slots=True)
class Say:
    """A reply, or octets, that nobody asked for."""

    moment: Moment
    code: str = ""
    lines: tuple[str, ...] = ()
    raw: bytes | None = None


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The command is carried out, and its reply is another.

    Attributes:
        stage: Which of its replies.
        code: None for the code it has.
        text: ``{text}`` stands for the text it has, ``{argument}`` for the command's, where a
            password is starred; None for the text it has.
        raw: Octets in place of both.
    """

    stage: Stage
    code: str | None = None
    text: tuple[str, ...] | None = None
    raw: bytes | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """Something within a reply, a listing or an argument is changed; see `ftpfixture.faults.edits`."""

    kind: str
    by: float = 0
    host: str = ""
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Withhold:
    """A reply is not sent."""

    stage: Stage


@dataclass(frozen=True, slots=True)
class Repeat:
    """A reply is sent once more."""

    stage: Stage = "final"


@dataclass(frozen=True, slots=True)
class Early:
    """The reply for success comes right behind the 150, before the data, and not again."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Join:
    """A reply waits, and leaves in one piece with the next one."""

    stage: Stage


@dataclass(frozen=True, slots=True)
class Cut:
    """A connection ends.

    Attributes:
        moment: When.
        where: Which.
        how: "fin" for an end of file, "rst" for an error on the other side, "half" for an end of file on a connection
            that stays open.
        code: For data: what the command is answered after it, in place of 426; "" for that.
        text: Of that reply.
    """

    moment: Moment
    where: Where
    how: How
    code: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Slice:
    """What is sent leaves in pieces of `size` octets, with `pause` seconds between them."""

    where: Where
    size: int
    pause: float = 0


@dataclass(frozen=True, slots=True)
class Garble:
    """Bits are flipped: those of `mask` in octet `first` and, with `every`, in each so-many-th after it."""

    where: Where
    first: int = 0
    every: int | None = None
    mask: int = 1


@dataclass(frozen=True, slots=True)
class Limit:
    """The transfer is held to so many octets per second."""

    limit: float


@dataclass(frozen=True, slots=True)
class Truncate:
    """The rest of the file is lost, and nobody says so: the end is in order, and the reply is one of success."""

    moment: Moment


@dataclass(frozen=True, slots=True)
class Pad:
    """Octets follow the end of the file."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Deaf:
    """Nobody answers where the client is told to connect for data, and nobody connects where it listens.

    Attributes:
        how: "refuse" for a closed port, "ignore" for connections that nobody takes, "unreachable" for none at all.
    """

    how: Literal["refuse", "ignore", "unreachable"]


@dataclass(frozen=True, slots=True)
class Handshake:
    """A TLS handshake fails: "refuse" with an alert, "cut" with an end of file, "stall" with silence."""

    how: Literal["refuse", "cut", "stall"]


@dataclass(frozen=True, slots=True)
class Unannounced:
    """An encrypted connection ends without close_notify."""


@dataclass(frozen=True, slots=True)
class Disk:
    """A file fails.

    Attributes:
        error: errno.
        reading: Whether it fails when it is read, and not when it is written.
        after: Octets after which it fails.
        keep: Whether what was written before stays.
    """

    error: int
    reading: bool
    after: int = 0
    keep: bool = True


@dataclass(frozen=True, slots=True)
class Set:
    """A setting of the connection is another for this command."""

    name: str
    value: object


Action = (
    Pause
    | Answer
    | Ignore
    | Say
    | Rewrite
    | Edit
    | Withhold
    | Repeat
    | Early
    | Join
    | Cut
    | Slice
    | Garble
    | Limit
    | Truncate
    | Pad
    | Deaf
    | Handshake
    | Unannounced
    | Disk
    | Set
)


def moment_of(action: Action) -> Moment | None:
    """When an action acts; None for one that has its own time."""
    return getattr(action, "moment", None)
