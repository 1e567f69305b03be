"""What goes wrong with data connections, with TLS, and with parameters of the session.

One rule: see `ftpfixture.faults.action`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ftpfixture.faults.action import Action, Step, Timed
from ftpfixture.faults.effects import Data, Effect, End, Hook, Use
from ftpfixture.faults.pieces import Content
from ftpfixture.wire.reply import LENIENT, Reply
from ftpfixture.wire.states import DOWNLOADS, LISTINGS, TRANSFERS

__all__ = [
    "Encode",
    "Handshake",
    "Limit",
    "Listed",
    "NoCloseNotify",
    "NoDataConnection",
    "Override",
    "TrailingBytes",
    "Truncate",
]

_ANNOUNCING = frozenset({"PASV", "EPSV", "PORT", "EPRT"})


@dataclass(frozen=True, slots=True)
class Limit(Action):
    """The transfer is held to so many bytes per second."""

    limit: float

    verbs = TRANSFERS

    def start(self, step: Step) -> Hook[None]:
        """See Action."""
        if (yield from step.happens()):
            yield Use("limit", self.limit)


@dataclass(frozen=True, slots=True)
class Truncate(Timed):
    """The rest of the file is lost, and nobody says so: the end is in order, and the reply is one of success."""

    verbs = TRANSFERS

    def act(self, step: Step) -> Iterator[Effect]:
        """See Timed."""
        yield End("data", "lost")


@dataclass(frozen=True, slots=True)
class TrailingBytes(Action):
    """Bytes follow the end of the file."""

    extra: bytes

    verbs = DOWNLOADS | LISTINGS

    def end(self, step: Step) -> Hook[None]:
        """See Action."""
        if (yield from step.happens()):
            yield Data(self.extra)


@dataclass(frozen=True, slots=True)
class NoCloseNotify(Action):
    """An encrypted connection ends without close_notify."""

    verbs = TRANSFERS

    def closing(self, step: Step, encrypted: bool) -> Hook[None]:
        """See Action."""
        if encrypted and (yield from step.happens()):
            yield Use("close_notify", False)


@dataclass(frozen=True, slots=True)
class NoDataConnection(Action):
    """Nobody answers where the client is told to connect for data, and nobody connects where it listens.

    Attributes:
        how: "refuse" for a closed port, "ignore" for connections that nobody takes, "unreachable" for none at all.
    """

    how: Literal["refuse", "ignore", "unreachable"]

    verbs = _ANNOUNCING

    def reply(self, step: Step, content: Content, true: Reply) -> Hook[Content]:
        """See Action."""
        announced = true.code[0] == "2" and step.state.argument.upper() != "ALL"  # EPSV ALL says how, and not where
        if announced and (yield from step.happens()):
            yield Use("data_port", self.how)
        return content


@dataclass(frozen=True, slots=True)
class Handshake(Action):
    """A TLS handshake fails: "refuse" with an alert, "cut" with an end of file, "stall" with silence."""

    how: Literal["refuse", "cut", "stall"]

    def handshake(self, step: Step) -> Hook[str | None]:
        """See Action."""
        return self.how if (yield from step.happens()) else None


@dataclass(frozen=True, slots=True)
class Override(Action):
    """A parameter of the session is another for this command.

    Attributes:
        name: Of the parameter.
        value: What it is.
        verbs: The commands that look at it; None for all.
    """

    name: str
    value: object
    verbs: frozenset[str] | None = None

    def command(self, step: Step, argument: str) -> Hook[str]:
        """See Action."""
        if (yield from step.happens()):
            yield Use(self.name, self.value)
        return argument


@dataclass(frozen=True, slots=True)
class Encode(Action):
    """Names in listings and replies are in this encoding."""

    encoding: str

    def command(self, step: Step, argument: str) -> Hook[str]:
        """See Action."""
        if (yield from step.happens()):
            step.state.encoding = self.encoding
            yield Use("encoding", self.encoding)
        return argument


@dataclass(frozen=True, slots=True)
class Listed(Action):
    """This is sent in place of a listing: lines, or bytes."""

    content: tuple[str, ...] | bytes

    verbs = LISTINGS

    def listing(self, step: Step, content: bytes, start: int) -> Hook[bytes]:
        """See Action."""
        if not (yield from step.happens()):
            return content
        if start:
            return b""  # of a handler that sends its listing in parts
        if isinstance(self.content, bytes):
            return self.content
        return "".join([f"{line}\r\n" for line in self.content]).encode(step.state.encoding, LENIENT)
