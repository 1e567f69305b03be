"""The effects of faults, as values: the few operations that the code which performs faults must have.

One rule: an effect says completely what to do, and nothing of the reason. Programs (`ftpfixture.faults.program`) yield
effects in the order of the wire; the gate (`ftpfixture.net.faultgate`) performs them, and tests compare them.
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
    "NoFinalReply",
    "Send",
    "Use",
    "Wait",
    "Where",
    "unchanged",
]

T = TypeVar("T")

Where = Literal["control", "data"]
How = Literal["fin", "rst", "half", "lost"]


@dataclass(frozen=True, slots=True)
class Fired:
    """Log that a fault begins to act on the command, before the client can see any effect.

    Attributes:
        fault: The fault as text.
    """

    fault: str


@dataclass(frozen=True, slots=True)
class NoFinalReply:
    """Log that the final reply of the command is withheld.

    Attributes:
        if_held: Only if replies are held back at this moment: the final reply is then one of them.
    """

    if_held: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait for a number of seconds, or until the client closes the connection.

    Attributes:
        seconds: The time to wait; None for ever: the command ends when the client closes the connection.
        jitter: The longest random time in seconds to wait in addition.
        discard_input: Whether the session discards the client's input meanwhile, and only detects its end.
    """

    seconds: float | None
    jitter: float = 0
    discard_input: bool = False


@dataclass(frozen=True, slots=True)
class Send:
    """Send replies on the control connection, in one piece with those that were held back.

    Attributes:
        pieces: The replies, each as the log shows it, and its bytes.
        size: The largest number of bytes to send at once; None for all.
        pause: Seconds between two parts.
        drain: Whether to wait until the socket has accepted all bytes.
    """

    pieces: tuple[Piece, ...] = ()
    size: int | None = None
    pause: float = 0
    drain: bool = False


@dataclass(frozen=True, slots=True)
class Hold:
    """Hold replies back, and send them with the next ones."""

    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Data:
    """Send bytes on the data connection.

    Attributes:
        content: The bytes; in MODE Z the gate compresses them.
        flush: Whether to flush the compressor, so that it keeps no bytes back.
    """

    content: bytes | memoryview
    flush: bool = False


@dataclass(frozen=True, slots=True)
class End:
    """End a connection.

    Attributes:
        where: The connection.
        how: "fin" closes it, "rst" resets it, "half" sends FIN and still reads; for data also "lost": the connection
            stays open, but the rest of the file is discarded.
    """

    where: Where
    how: How


@dataclass(frozen=True, slots=True)
class Use:
    """Use another value for a parameter until the command ends.

    Attributes:
        name: A parameter of the session such as "list_style", "encoding", "absolute_names" or "path_io" (the value is a
            function of the true path layer); "data_port": how the next data connection fails ("refuse", "ignore",
            "unreachable"); or one of the data connection: "limit" (bytes per second), "small_packets", "close_notify".
        value: The other value.
    """

    name: str
    value: object


@dataclass(frozen=True, slots=True)
class Exists:
    """Check whether a path exists; the gate sends back True, False, or None if the user may not know.

    Attributes:
        path: The path as the client sent it.
        pattern: Whether it may be a pattern, as for LIST; it exists if any path matches.
    """

    path: str
    pattern: bool = False


Effect: TypeAlias = Fired | NoFinalReply | Wait | Send | Hold | Data | End | Use | Exists

Hook: TypeAlias = Generator[Effect, Any, T]
"""A generator that yields effects, receives the results of those that have one, and returns a value."""


def unchanged(value: T) -> Hook[T]:
    """Return a hook without effects that returns `value`."""
    return value
    yield  # makes the function a generator
