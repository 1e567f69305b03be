"""Actions on data connections, on TLS, and on parameters of the session.

One rule: see `ftpfixture.faults.action`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ftpfixture.faults.action import Action, Context, Timed
from ftpfixture.faults.effects import Data, Effect, End, Hook, Use
from ftpfixture.faults.pieces import Content
from ftpfixture.wire.reply import LENIENT, Reply
from ftpfixture.wire.states import DOWNLOADS, LISTINGS, TRANSFERS

__all__ = [
    "Encode",
    "FixedListing",
    "Handshake",
    "LimitRate",
    "NoCloseNotify",
    "NoDataConnection",
    "Override",
    "TrailingBytes",
    "Truncate",
]

_ANNOUNCING = frozenset({"PASV", "EPSV", "PORT", "EPRT"})


@dataclass(frozen=True, slots=True)
class LimitRate(Action):
    """The transfer moves at most `limit` bytes per second."""

    limit: float

    verbs = TRANSFERS

    def start(self, context: Context) -> Hook[None]:
        """See Action."""
        if (yield from context.happens()):
            yield Use("limit", self.limit)


@dataclass(frozen=True, slots=True)
class Truncate(Timed):
    """The rest of the file is lost: the data connection is closed in order, and the reply reports success."""

    verbs = TRANSFERS

    def act(self, context: Context) -> Iterator[Effect]:
        """See Timed."""
        yield End("data", "lost")


@dataclass(frozen=True, slots=True)
class TrailingBytes(Action):
    """Bytes follow the end of the file."""

    extra: bytes

    verbs = DOWNLOADS | LISTINGS

    def end(self, context: Context) -> Hook[None]:
        """See Action."""
        if (yield from context.happens()):
            yield Data(self.extra)


@dataclass(frozen=True, slots=True)
class NoCloseNotify(Action):
    """An encrypted connection ends without close_notify."""

    verbs = TRANSFERS

    def closing(self, context: Context, encrypted: bool) -> Hook[None]:
        """See Action."""
        if encrypted and (yield from context.happens()):
            yield Use("close_notify", False)


@dataclass(frozen=True, slots=True)
class NoDataConnection(Action):
    """The announced data connection fails: in passive mode the server does not accept it, in active mode not open it.

    Attributes:
        how: "refuse" for a closed port, "ignore" for a connection that the server never uses, "unreachable" for a
            connect that times out.
    """

    how: Literal["refuse", "ignore", "unreachable"]

    verbs = _ANNOUNCING

    def reply(self, context: Context, content: Content, true: Reply) -> Hook[Content]:
        """See Action."""
        announced = true.code[0] == "2" and context.state.argument.upper() != "ALL"  # EPSV ALL announces no address
        if announced and (yield from context.happens()):
            yield Use("data_port", self.how)
        return content


@dataclass(frozen=True, slots=True)
class Handshake(Action):
    """A TLS handshake fails: "refuse" with an alert, "cut" with a close, "stall" with no answer."""

    how: Literal["refuse", "cut", "stall"]

    def handshake(self, context: Context) -> Hook[str | None]:
        """See Action."""
        return self.how if (yield from context.happens()) else None


@dataclass(frozen=True, slots=True)
class Override(Action):
    """A parameter of the session has another value for this command.

    Attributes:
        name: The name of the parameter.
        value: The other value.
        verbs: The commands that use the parameter; None for all.
    """

    name: str
    value: object
    verbs: frozenset[str] | None = None

    in_front = "listing(...) with the lines, or with bytes"

    def command(self, context: Context, argument: str) -> Hook[str]:
        """See Action."""
        if (yield from context.happens()):
            yield Use(self.name, self.value)
        return argument


@dataclass(frozen=True, slots=True)
class Encode(Action):
    """Listings and replies are sent in this encoding."""

    encoding: str

    in_front = "listing(...) with the lines, or with bytes"

    def command(self, context: Context, argument: str) -> Hook[str]:
        """See Action."""
        if (yield from context.happens()):
            context.state.encoding = self.encoding
            yield Use("encoding", self.encoding)
        return argument


@dataclass(frozen=True, slots=True)
class FixedListing(Action):
    """These lines or bytes are sent in place of a listing."""

    content: tuple[str, ...] | bytes

    verbs = LISTINGS

    def listing(self, context: Context, content: bytes, start: int) -> Hook[bytes]:
        """See Action."""
        if not (yield from context.happens()):
            return content
        if start:
            return b""  # the handler sends its listing in parts; the first part was replaced
        if isinstance(self.content, bytes):
            return self.content
        return "".join([f"{line}\r\n" for line in self.content]).encode(context.state.encoding, LENIENT)
