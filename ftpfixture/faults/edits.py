"""Changes within replies, listings and arguments, as functions of text."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from ftpfixture.errors import ReplySyntaxError
from ftpfixture.faults.actions import Edit
from ftpfixture.wire.hostport import parse_227, parse_229, render_227, render_229, render_port
from ftpfixture.wire.reply import Reply

__all__ = ["SHAPES", "edit_argument", "edit_listing", "edit_reply"]

# Facts end with a semicolon; names may look like them, but for that.
_SIZE = re.compile(r"(?:(?<=\()(?=[0-9]+ bytes\))|(?<=size=)(?=[0-9]+;))([0-9]+)", re.IGNORECASE)
_LINKS = re.compile(r"^([-a-z][-a-zA-Z]{9})\s+[0-9]+\s", re.MULTILINE)
_TIME = re.compile(r"(?:\A(?=[0-9]{14}\Z)|(?<=modify=)|(?<=create=))[0-9]{14}(?=;|\Z)", re.IGNORECASE)
_TIME_FORM = "%Y%m%d%H%M%S"
_NUMBER = re.compile(r"([0-9]{1,18})")
_SIZE_REPLY = re.compile(r"213 (?![0-9]{14}\Z)([0-9]{1,18})")  # with fourteen digits it is a time

Rendered = str | bytes
"""The text of a reply, or all its octets."""


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


def edit_reply(edit: Edit, reply: Reply, host: str, encoding: str) -> Reply | bytes:
    """A reply with something changed, or its octets where it is no reply any more; unchanged where nothing fits.

    Args:
        edit: What to change.
        reply: The true one.
        host: Of the server, for 229 that becomes 227.
        encoding: Of the octets.
    """
    if edit.kind == "mismatched":
        return _mismatched(reply, encoding)
    if edit.kind == "address" or edit.kind in SHAPES:
        return _readdressed(edit, reply, host)
    if edit.kind == "size" and (size := _SIZE_REPLY.fullmatch(f"{reply.code} {reply.text}")):
        return Reply(reply.code, (_increased(edit.by, size),))
    return Reply(reply.code, tuple(_edited(edit, line) for line in reply.lines), reply.listing)


def edit_listing(edit: Edit, text: str) -> str:
    """A listing with something changed."""
    if edit.kind == "total":
        return f"total {4 * text.count(chr(10))}\r\n{text}"
    if edit.kind == "no-links":
        return _LINKS.sub(r"\1 ", text)
    return _edited(edit, text)


def edit_argument(edit: Edit, argument: str) -> str:
    """The argument of REST with another number; any other as it is."""
    number = _NUMBER.fullmatch(argument) if edit.kind == "offset" else None
    return _increased(edit.by, number) if number else argument


def _edited(edit: Edit, text: str) -> str:
    if edit.kind == "size":
        return _SIZE.sub(partial(_increased, edit.by), text)
    if edit.kind == "time":
        return _TIME.sub(lambda found: _moved(found[0], edit.by), text)
    return text


def _increased(by: float, number: re.Match[str]) -> str:
    return str(max(0, int(number[1]) + int(by)))


def _moved(text: str, by: float) -> str:
    try:
        return (datetime.strptime(text, _TIME_FORM) + timedelta(seconds=by)).strftime(_TIME_FORM).zfill(14)
    except (ValueError, OverflowError):
        return text  # fourteen digits that are no time


def _mismatched(reply: Reply, encoding: str) -> bytes:
    other = f"{reply.code[:2]}{(int(reply.code[2]) + 1) % 10}"
    first, *rest = reply.lines or ("",)
    octets = Reply(reply.code, (first, *rest, "End"), reply.listing).render(encoding)
    return octets.removesuffix(f"{reply.code} End\r\n".encode()) + f"{other} End\r\n".encode()


def _readdressed(edit: Edit, reply: Reply, host: str) -> Reply | bytes:
    try:
        if reply.code == "227":
            true_host, port = parse_227(reply.text)
        elif reply.code == "229":
            true_host, port = host, parse_229(reply.text)
        else:
            return reply
    except ReplySyntaxError:
        return reply
    extended = reply.code == "229"
    if edit.kind == "address":
        port = port if edit.port is None else edit.port
        text: Rendered = render_229(port) if extended else render_227(edit.host, port)
    else:
        text = SHAPES[edit.kind](true_host, port, extended)
    return text if isinstance(text, bytes) else Reply(reply.code, (text,))
