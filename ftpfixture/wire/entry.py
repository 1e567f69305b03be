"""Placeholder until the real module lands (helper at work): just enough to start the server."""

from __future__ import annotations

import stat as _stat
import time
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

MLSX_FACTS = ("type", "size", "modify", "create", "perm", "unique", "UNIX.mode", "UNIX.owner", "UNIX.group")


@dataclass(frozen=True, slots=True)
class Entry:
    name: str
    type: str
    size: int | None = None
    modify: float | None = None
    create: float | None = None
    mode: int | None = None
    links: int | None = None
    owner: str | None = None
    group: str | None = None
    target: str | None = None
    unique: str | None = None
    perm: str | None = None
    facts: tuple = ()


def unix_line(entry, *, now, timezone=UTC):
    kind = {"dir": _stat.S_IFDIR, "link": _stat.S_IFLNK}.get(entry.type, _stat.S_IFREG)
    d = datetime.fromtimestamp(entry.modify, timezone)
    return f"{_stat.filemode(kind | entry.mode)} {entry.links} {entry.owner} {entry.group} {entry.size:8} {d:%b} {d.day:2} {d:%H:%M} {entry.name}"


msdos_line = eplf_line = unix_line


def nlst_line(entry):
    return entry.name


def is_listable(name):
    return bool(name) and not set(name) & set("\r\n\0/")


def format_time(t):
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(t))


def parse_time(s):
    return datetime.strptime(s[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp()


def mlsx_line(entry, facts):
    values = {
        "type": entry.type,
        "size": entry.size,
        "modify": format_time(entry.modify),
        "perm": entry.perm,
        "unique": entry.unique,
    }
    return "".join(f"{f}={values[f]};" for f in facts if values.get(f) is not None) + " " + entry.name
