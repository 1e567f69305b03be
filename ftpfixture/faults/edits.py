"""Something within a reply, a listing or an argument is changed: as text, exactly what was meant.

One rule: see `ftpfixture.faults.action`. What is changed here are functions of text, each with its own tests.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from ftpfixture.errors import ReplySyntaxError
from ftpfixture.faults.action import Action, Step
from ftpfixture.faults.effects import Hook
from ftpfixture.faults.pieces import Content
from ftpfixture.wire.hostport import parse_227, parse_229, render_227, render_229, render_port
from ftpfixture.wire.reply import Reply

__all__ = [
    "SHAPES",
    "Edit",
    "Mismatch",
    "NoLinks",
    "OtherAddress",
    "OtherOffset",
    "OtherShape",
    "OtherSize",
    "OtherTime",
    "Total",
]

# Facts end with a semicolon; names may look like them, but for that.
_SIZE = re.compile(r"(?:(?<=\()(?=[0-9]+ bytes\))|(?<=size=)(?=[0-9]+;))([0-9]+)", re.IGNORECASE)
_LINKS = re.compile(r"^([-a-z][-a-zA-Z]{9})\s+[0-9]+\s", re.MULTILINE)
_TIME = re.compile(r"(?:\A(?=[0-9]{14}\Z)|(?<=modify=)|(?<=create=))[0-9]{14}(?=;|\Z)", re.IGNORECASE)
_TIME_FORM = "%Y%m%d%H%M%S"
_NUMBER = re.compile(r"([0-9]{1,18})")
_SIZE_REPLY = re.compile(r"213 (?![0-9]{14}\Z)([0-9]{1,18})")  # with fourteen digits it is a time

_PASSIVE = frozenset({"PASV", "EPSV"})

Rendered = str | bytes
"""The text of a reply, or all its bytes."""


class Edit(Action):
    """What a command gets in or gives out is changed; unchanged where nothing fits, and then nothing has happened."""

    __slots__ = ()

    def edit_argument(self, argument: str) -> str:
        """The argument, changed."""
        return argument

    def edit_reply(self, reply: Reply, host: str, encoding: str) -> Content:
        """A reply, changed, or its bytes where it is no reply any more.

        Args:
            reply: The true one.
            host: Of the server, for 229 that becomes 227.
            encoding: Of the bytes.
        """
        return reply

    def edit_listing(self, text: str) -> str:
        """A listing, changed."""
        return text

    def command(self, step: Step, argument: str) -> Hook[str]:
        """See Action."""
        edited = self.edit_argument(argument)
        return edited if edited != argument and (yield from step.happens()) else argument

    def reply(self, step: Step, content: Content, true: Reply) -> Hook[Content]:
        """See Action."""
        if isinstance(content, bytes):
            return content
        situation = step.state.situation
        edited = self.edit_reply(content, situation.host, situation.encoding)
        return edited if edited != content and (yield from step.happens()) else content

    def listing(self, step: Step, content: bytes, start: int) -> Hook[bytes]:
        """See Action."""
        edited = self.edit_listing(content.decode("utf-8", "surrogateescape"))
        changed = edited.encode("utf-8", "surrogateescape")
        return changed if changed != content and (yield from step.happens()) else content


@dataclass(frozen=True, slots=True)
class Mismatch(Edit):
    """The reply has many lines, and the last has another code than the first."""

    def edit_reply(self, reply: Reply, host: str, encoding: str) -> Content:
        """See Edit."""
        other = f"{reply.code[:2]}{(int(reply.code[2]) + 1) % 10}"
        first, *rest = reply.lines or ("",)
        raw = Reply(reply.code, (first, *rest, "End"), reply.listing).render(encoding)
        return raw.removesuffix(f"{reply.code} End\r\n".encode()) + f"{other} End\r\n".encode()


# Addresses.


class _Address(Edit, ABC):
    """The address in 227 or 229 is told wrong; refusals, and what handlers of users say otherwise, are not touched."""

    __slots__ = ()

    verbs = _PASSIVE

    @abstractmethod
    def address(self, host: str, port: int, extended: bool) -> Rendered:
        """What is told in place of the true host and port; `extended` in 229."""

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
        told = self.address(host, port, reply.code == "229")
        return told if isinstance(told, bytes) else Reply(reply.code, (told,))


@dataclass(frozen=True, slots=True)
class OtherAddress(_Address):
    """PASV names this host, PASV and EPSV this port; None for the true one."""

    host: str
    port: int | None = None

    def address(self, host: str, port: int, extended: bool) -> Rendered:
        """See _Address."""
        port = port if self.port is None else self.port
        return render_229(port) if extended else render_227(self.host, port)


@dataclass(frozen=True, slots=True)
class OtherShape(_Address):
    """227 and 229 are not as they should be; one of `SHAPES`."""

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
"""Shapes of 227 and 229 that are not as they should be: made from the true host and port."""


# Numbers.


@dataclass(frozen=True, slots=True)
class OtherOffset(Edit):
    """REST goes to an offset that is wrong by so many bytes."""

    by: int

    verbs = frozenset({"REST"})

    def edit_argument(self, argument: str) -> str:
        """See Edit."""
        number = _NUMBER.fullmatch(argument)
        return _increased(self.by, number) if number else argument


class _Fact(Edit):
    """A fact is told wrong, in replies as in listings."""

    __slots__ = ()

    def edit_reply(self, reply: Reply, host: str, encoding: str) -> Content:
        """See Edit."""
        return Reply(reply.code, tuple(map(self.edit_listing, reply.lines)), reply.listing)


@dataclass(frozen=True, slots=True)
class OtherSize(_Fact):
    """The size is told wrong by so many bytes."""

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
class OtherTime(_Fact):
    """Times are wrong by so many seconds."""

    by: float

    verbs = frozenset({"MDTM", "MLST", "MLSD", "MFMT", "MFCT", "MFF"})

    def edit_listing(self, text: str) -> str:
        """See Edit."""
        return _TIME.sub(lambda found: _moved(found[0], self.by), text)


def _increased(by: float, number: re.Match[str]) -> str:
    return str(max(0, int(number[1]) + int(by)))


def _moved(text: str, by: float) -> str:
    try:
        return (datetime.strptime(text, _TIME_FORM) + timedelta(seconds=by)).strftime(_TIME_FORM).zfill(14)
    except (ValueError, OverflowError):
        return text  # fourteen digits that are no time


# Lines of LIST.


@dataclass(frozen=True, slots=True)
class Total(Edit):
    """LIST begins with a line that is no entry."""

    verbs = frozenset({"LIST"})

    def edit_listing(self, text: str) -> str:
        """See Edit."""
        return f"total {4 * text.count(chr(10))}\r\n{text}"


@dataclass(frozen=True, slots=True)
class NoLinks(Edit):
    """LIST has no count of links."""

    verbs = frozenset({"LIST"})

    def edit_listing(self, text: str) -> str:
        """See Edit."""
        return _LINKS.sub(r"\1 ", text)
