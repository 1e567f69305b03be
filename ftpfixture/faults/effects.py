"""What a fault makes happen, as values: the few things that whoever performs a fault must be able to do.

One rule: an effect says all that is to be done, and nothing of why. Programs (`ftpfixture.faults.program`) yield
effects in the order of the wire; the gate performs them (`ftpfixture.net.faultgate`), tests compare them.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeVar

from ftpfixture.faults.pieces import Piece

__all__ = [
    "Data",
    "Effect",
    "End",
    "Exists",
    "Fired",
    "Hold",
    "Hook",
    "How",
    "Send",
    "Silent",
    "Use",
    "Wait",
    "Where",
    "passed",
]

T = TypeVar("T")

Where = Literal["control", "data"]
How = Literal["fin", "rst", "half", "lost"]


@dataclass(frozen=True, slots=True)
class Fired:
    """A fault begins to act on the command: tell of it, before anything of it can be seen.

    Attributes:
        fault: In its text form.
    """

    fault: str


@dataclass(frozen=True, slots=True)
class Silent:
    """The command is left without its final reply: tell of it.

    Attributes:
        if_held: Only if replies are held back at this moment, as that reply is then one of them.
    """

    if_held: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """Go on after so many seconds, or when the client is gone.

    Attributes:
        seconds: None for never; when the client is gone then, all of the command ends there.
        jitter: Up to so many seconds more.
        deaf: Whether the session hears nothing meanwhile but the end of the connection.
    """

    seconds: float | None
    jitter: float = 0
    deaf: bool = False


@dataclass(frozen=True, slots=True)
class Send:
    """Send replies on the control connection, in one piece with those that were held back.

    Attributes:
        pieces: Each as the log shows it, and its bytes.
        size: Send at most so many bytes at once; None for all.
        pause: Seconds between them.
        drain: Whether to go on only when the socket has taken everything that was sent.
    """

    pieces: tuple[Piece, ...] = ()
    size: int | None = None
    pause: float = 0
    drain: bool = False


@dataclass(frozen=True, slots=True)
class Hold:
    """Hold replies back; they leave with the next ones that are sent."""

    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Data:
    """Send bytes on the data connection.

    Attributes:
        content: The bytes, compressed where the mode says so.
        flush: Whether nothing that was sent may be kept back by a compressor any more.
    """

    content: bytes | memoryview
    flush: bool = False


@dataclass(frozen=True, slots=True)
class End:
    """End a connection.

    Attributes:
        where: Which.
        how: "fin" for an end of file, "rst" for a reset, "half" for an end of file on a connection that is read on;
            for data also "lost": the connection stays, but no more of the file goes through it.
    """

    where: Where
    how: How


@dataclass(frozen=True, slots=True)
class Use:
    """Use another value for a parameter, for as long as the command lasts.

    Attributes:
        name: A parameter of the session such as "list_style", "encoding", "absolute_names" or "path_io" (the value is a
            function of the one there is); "data_port": where data connections shall come about, they do not ("refuse",
            "ignore", "unreachable"); or one of the data connection: "limit" (bytes per second), "small_packets",
            "close_notify".
        value: The other value.
    """

    name: str
    value: object


@dataclass(frozen=True, slots=True)
class Exists:
    """Find out whether there is something at a path; True, False or None, where nobody may know, is the answer.

    Attributes:
        path: As a client names it.
        pattern: Whether it may be a pattern, as those of LIST, and is there when anything matches.
    """

    path: str
    pattern: bool = False


Effect: TypeAlias = Fired | Silent | Wait | Send | Hold | Data | End | Use | Exists

Hook: TypeAlias = Generator[Effect, Any, T]
"""Yields effects, is sent the answers of those that have one, and returns a value."""


def passed(value: T) -> Hook[T]:
    """A hook without effects."""
    return value
    yield  # what makes it a generator
