"""Actions that change one value within a reply, a listing or an argument.

One rule: see `ftpfixture.faults.action`. Each change is a function of text, with its own tests.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from ftpfixture.errors import ReplySyntaxError
from ftpfixture.faults.action import Action, Context
from ftpfixture.faults.effects import Hook
from ftpfixture.faults.pieces import Content
from ftpfixture.wire.hostport import parse_227, parse_229, render_227, render_229, render_port
from ftpfixture.wire.reply import Reply

__all__ = [
    "SHAPES",
    "Edit",
    "MalformedAddress",
    "MismatchedLines",
    "NoLinkCounts",
    "ShiftOffset",
    "ShiftTime",
    "TotalLine",
    "WrongAddress",
    "WrongSize",
]

# Facts end with a semicolon; a name may look like a fact, but has none.
_SIZE = re.compile(r"(?:(?<=\()(?=[0-9]+ bytes\))|(?<=size=)(?=[0-9]+;))([0-9]+)", re.IGNORECASE)
_LINKS = re.compile(r"^([-a-z][-a-zA-Z]{9})\s+[0-9]+\s", re.MULTILINE)
_TIME = re.compile(r"(?:\A(?=[0-9]{14}\Z)|(?<=modify=)|(?<=create=))[0-9]{14}(?=;|\Z)", re.IGNORECASE)
_TIME_FORM = "%Y%m%d%H%M%S"
_NUMBER = re.compile(r"([0-9]{1,18})")
_SIZE_REPLY = re.compile(r"213 (?![0-9]{14}\Z)([0-9]{1,18})")  # fourteen digits are a time

_PASSIVE = frozenset({"PASV", "EPSV"})

Rendered = str | bytes
"""The text of a reply, or its complete bytes."""


class Edit(Action):
    """A value in an argument, a reply or a listing is changed; if there is none, the fault does not happen."""

    __slots__ = ()

    def edit_argument(self, argument: str) -> str:
        """Return the changed argument."""
        return argument

    def edit_reply(self, reply: Reply, host: str, encoding: str) -> Content:
        """Return the changed reply, or bytes if the result is not a reply.

        Args:
            reply: The true reply.
            host: The host of the server, for a 229 that becomes 227.
            encoding: The encoding of the bytes.
        """
        return reply

    def edit_listing(self, text: str) -> str:
        """Return the changed listing."""
        return text

    def command(self, context: Context, argument: str) -> Hook[str]:
        """See Action."""
        edited = self.edit_argument(argument)
        return edited if edited != argument and (yield from context.happens()) else argument

    def reply(self, context: Context, content: Content, true: Reply) -> Hook[Content]:
        """See Action."""
        if isinstance(content, bytes):
            return content
        situation = context.state.situation
        edited = self.edit_reply(content, situation.host, situation.encoding)
        return edited if edited != content and (yield from context.happens()) else content

    def listing(self, context: Context, content: bytes, start: int) -> Hook[bytes]:
        """See Action."""
        edited = self.edit_listing(content.decode("utf-8", "surrogateescape"))
        changed = edited.encode("utf-8", "surrogateescape")
        return changed if changed != content and (yield from context.happens()) else content


@dataclass(frozen=True, slots=True)
class MismatchedLines(Edit):
    """The reply has several lines, and the last line has another code than the first."""

    def edit_reply(self, reply: Reply, host: str, encoding: str) -> Content:
        """See Edit."""
        other = f"{reply.code[:2]}{(int(reply.code[2]) + 1) % 10}"
        first, *rest = reply.lines or ("",)
        raw = Reply(reply.code, (first, *rest, "End"), reply.listing).render(encoding)
        return raw.removesuffix(f"{reply.code} End\r\n".encode()) + f"{other} End\r\n".encode()


# Addresses.


class _Address(Edit, ABC):
    """The address in 227 or 229 is wrong; other replies are not changed."""

    __slots__ = ()

    verbs = _PASSIVE

    @abstractmethod
    def address(self, host: str, port: int, extended: bool) -> Rendered:
        """Return the reply in place of the true one; `extended` for 229."""

    def edit_reply(self, reply: Reply, host: str, encoding: str) -> Content:
        """See Edit."""
        try:
            if reply.code == "227":
                host, port = parse_227(reply.text)
            elif reply.code == "229":
                port = parse_229(reply.text)
            else:
                return reply
        except ReplySyntaxError:
            return reply
        rendered = self.address(host, port, reply.code == "229")
        return rendered if isinstance(rendered, bytes) else Reply(reply.code, (rendered,))


@dataclass(frozen=True, slots=True)
class WrongAddress(_Address):
    """The reply to PASV has this host, the replies to PASV and EPSV this port; None for the true port."""

    host: str
    port: int | None = None

    def address(self, host: str, port: int, extended: bool) -> Rendered:
        """See _Address."""
        port = port if self.port is None else self.port
        return render_229(port) if extended else render_227(self.host, port)


@dataclass(frozen=True, slots=True)
class MalformedAddress(_Address):
    """227 and 229 have a wrong form, one of `SHAPES`."""

    shape: str

    def address(self, host: str, port: int, extended: bool) -> Rendered:
        """See _Address."""
        return SHAPES[self.shape](host, port, extended)


def _multi_line(host: str, port: int, extended: bool) -> bytes:
    if extended:
        return f"229-Entering\r\n229 Extended Passive Mode (|||{port}|)\r\n".encode()
    return f"227-Entering Passive Mode\r\n227 ({render_port(host, port)})\r\n".encode()


def _out_of_range(host: str, port: int, extended: bool) -> str:
    if extended:
        return f"Entering Extended Passive Mode (|||{port + 65536}|)"
    return f"Entering Passive Mode ({host.replace('.', ',')},{port // 256 + 256},{port % 256})."


def _no_delimiter(host: str, port: int, extended: bool) -> str:
    if extended:
        return f"Entering Extended Passive Mode (|||{port})"
    return f"Entering Passive Mode ({host.replace('.', ',')},{port // 256}{port % 256})."


def _swapped(host: str, port: int, extended: bool) -> bytes:
    if extended:
        return f"227 {render_227('127.0.0.1' if ':' in host else host, port)}\r\n".encode()
    return f"229 {render_229(port)}\r\n".encode()


SHAPES: dict[str, Callable[[str, int, bool], Rendered]] = {
    "no-parentheses": lambda host, port, extended: (
        f"Entering Extended Passive Mode |||{port}|" if extended else f"Entering Passive Mode {render_port(host, port)}"
    ),
    "no-delimiter": _no_delimiter,
    "out-of-range": _out_of_range,
    "multi-line": _multi_line,
    "swapped": _swapped,
    "port-zero": lambda host, port, extended: render_229(0) if extended else render_227(host, 0),
    "empty": lambda host, port, extended: "Entering Passive Mode",
}
"""Functions that render 227 and 229 in a wrong form, from the true host and port."""


# Numbers.


@dataclass(frozen=True, slots=True)
class ShiftOffset(Edit):
    """REST sets an offset that is wrong by `by` bytes."""

    by: int

    verbs = frozenset({"REST"})

    def edit_argument(self, argument: str) -> str:
        """See Edit."""
        number = _NUMBER.fullmatch(argument)
        return _increased(self.by, number) if number else argument


class _Fact(Edit):
    """A fact is wrong, in replies and in listings."""

    __slots__ = ()

    def edit_reply(self, reply: Reply, host: str, encoding: str) -> Content:
        """See Edit."""
        return Reply(reply.code, tuple(map(self.edit_listing, reply.lines)), reply.listing)


@dataclass(frozen=True, slots=True)
class WrongSize(_Fact):
    """Sizes are wrong by `by` bytes."""

    by: int

    verbs = frozenset({"SIZE", "MLST", "MLSD", "RETR", "AVBL"})

    def edit_reply(self, reply: Reply, host: str, encoding: str) -> Content:
        """See Edit."""
        if size := _SIZE_REPLY.fullmatch(f"{reply.code} {reply.text}"):
            return Reply(reply.code, (_increased(self.by, size),))
        return _Fact.edit_reply(self, reply, host, encoding)

    def edit_listing(self, text: str) -> str:
        """See Edit."""
        return _SIZE.sub(partial(_increased, self.by), text)


@dataclass(frozen=True, slots=True)
class ShiftTime(_Fact):
    """Times are wrong by `by` seconds."""

    by: float

    verbs = frozenset({"MDTM", "MLST", "MLSD", "MFMT", "MFCT", "MFF"})

    def edit_listing(self, text: str) -> str:
        """See Edit."""
        return _TIME.sub(lambda found: _shifted(found[0], self.by), text)


def _increased(by: float, number: re.Match[str]) -> str:
    return str(max(0, int(number[1]) + int(by)))


def _shifted(text: str, by: float) -> str:
    try:
        return (datetime.strptime(text, _TIME_FORM) + timedelta(seconds=by)).strftime(_TIME_FORM).zfill(14)
    except (ValueError, OverflowError):
        return text  # fourteen digits that are not a time


# Lines of LIST.


@dataclass(frozen=True, slots=True)
class TotalLine(Edit):
    """LIST begins with a line that is not an entry."""

    verbs = frozenset({"LIST"})

    def edit_listing(self, text: str) -> str:
        """See Edit."""
        return f"total {4 * text.count(chr(10))}\r\n{text}"


@dataclass(frozen=True, slots=True)
class NoLinkCounts(Edit):
    """LIST has no column of link counts."""

    verbs = frozenset({"LIST"})

    def edit_listing(self, text: str) -> str:
        """See Edit."""
        return _LINKS.sub(r"\1 ", text)
