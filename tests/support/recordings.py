r"""Recordings made by hand, from the dialogue as text.

A line of a session is one of:

- ``> RETR a``: a command; those that open a data connection say so: ``> EPSV opens passive``;
- ``< 150 Go``: a line of a reply; a reply ends with the line that has a space behind its code;
- ``= down abc\n rst``: a data connection, what was sent on it as an escaped text, and how it ended;
- ``* tls``, ``* closed server``: the life of the session. It begins with "connected", and ends with "closed client".
"""

from __future__ import annotations

import re
from typing import Any

from ftpfixture.recording.format import Command, Data, Header, Line, Note, Reply, body_of
from ftpfixture.recording.store import Recording

__all__ = ["LOGIN", "recorded"]

LOGIN = """
< 220 Hello
> USER {user}
< 331 Password
> PASS {password}
< 230 Welcome
"""
"""How sessions begin."""

_LAST_LINE = re.compile("< [0-9]{3} ")


def recorded(*sessions: str | list[str | Line], tls: str = "", loose: tuple[str, ...] = (), data_tls: str = "") -> Any:
    """A recording of sessions, one after another; a list may have lines of the format, too."""
    lines: list[Line] = []
    blobs: dict[str, bytes] = {}
    for number, session in enumerate(sessions, 1):
        lines += _session(number, session, data_tls, blobs)
    header: dict[str, Any] = {"version": 1, "source": "proxy", "tls": tls, "loose": loose}
    return Recording(Header(**header), tuple(lines), blobs)


def _session(number: int, session: str | list[str | Line], data_tls: str, blobs: dict[str, bytes]) -> list[Line]:
    found: list[Line] = [Note(session=number, what="connected")]
    reply: list[str] = []
    count = 0
    rows: list[str | Line] = [*filter(None, session.split("\n"))] if isinstance(session, str) else session
    for row in rows:
        if not isinstance(row, str):
            found.append(row)
        elif row.startswith("<"):
            reply.append(row[2:])
            if _LAST_LINE.match(row):
                found.append(Reply(session=number, lines=tuple(reply)))
                reply = []
        elif row.startswith("="):
            count += 1
            found.append(_data(number, count, row, data_tls, blobs))
        else:
            found.append(_other(number, row))
    assert not reply, reply
    last = found[-1]
    if not (isinstance(last, Note) and last.what == "closed"):
        found.append(Note(session=number, what="closed", by="client", end="eof"))
    return found


def _other(session: int, row: str) -> Line:
    sign, _, text = row.partition(" ")
    if sign == ">":
        line, _, opens = text.partition(" opens ")
        values: dict[str, Any] = {"opens": opens}
        return Command(session=session, text=line, **values)
    what, _, by = text.partition(" ")
    note: dict[str, Any] = {"what": what, "by": by}
    return Note(session=session, **note)


def _data(session: int, number: int, row: str, tls: str, blobs: dict[str, bytes]) -> Data:
    _, direction, rest = row.split(" ", 2)
    text, _, end = rest.rpartition(" ")
    content = text.encode("latin-1").decode("unicode_escape").encode("latin-1")
    body = body_of(content)
    if "blob" in body:
        blobs[body["sha256"]] = content
    values: dict[str, Any] = {"direction": direction, "type": "I", "end": end, "tls": tls, **body}
    return Data(session=session, number=number, **values)
