"""Lines of MLSD and MLST.

One rule: an unreadable fact is unknown, but its entry is listed (RFC 3659 7.2); the name is exact.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

from ftpfixture.errors import CommandSyntaxError, ReplySyntaxError
from ftpfixture.wire.listing.entry import DIRECTORIES, Entry
from ftpfixture.wire.listing.format import NUMBER, Clock, Format, broken, pattern, without_end
from ftpfixture.wire.timestamps import format_time, parse_time

__all__ = ["FACTS", "MLSX", "MLSX_FACTS", "mlsx_facts", "mlsx_line", "split_mlsx_line"]

# RFC 3659 7.2: facts without spaces, each followed by a semicolon, one space, and the name.
_STRICT = pattern(r"(?P<facts>(?:[^ ;=]+=[^ ;]*;)*) (?P<name>.*)")
# ProFTPD sends owners with spaces, as in Windows domains; an owner is never the first fact.
_WITH_SPACES = pattern(r"(?P<facts>[^ ;=]+=[^ ;]*;(?:[^ ;=]+=[^;]*;)*) (?P<name>.*)")
_WITH_FACTS = pattern(r" ?[^ ;=]+=[^ ;]*;(?:[^ ;=]+=[^;]*;)* ")
_LINK_TYPE = pattern(r"OS\.unix=(?:slink|symlink)(?::(?P<target>.*))?", re.IGNORECASE)
_KNOWN_TYPES = DIRECTORIES | {"file", "unknown"}
_MODE_DIGITS = re.compile(r"[0-7]{1,7}")


class _Row(NamedTuple):
    facts: list[tuple[str, str]]
    name: str


class _Mlsx(Format[_Row]):
    """A line of MLSD, or the middle line of the reply to MLST with or without the space before it.

    Facts may be in any case and order. Facts without a field in `Entry` are kept in `Entry.facts`, and so are a type
    that RFC 3659 does not define and an unreadable value. A fact with an empty value is left out, except ``perm``: an
    empty ``perm`` allows nothing. A line that begins with a space and has no facts is a name without facts;
    in such a line, a name that looks like facts is read as facts. The name may be empty, because some servers send an
    empty name for the root.

    Source: RFC 3659 7.2, 7.5.5.
    """

    name = "an entry of MLSD"
    needs = "it needs facts with semicolons, a space and a name"

    def match(self, text: str) -> _Row | None:
        indented = text.startswith(" ") and _WITH_FACTS().match(text) is not None
        text = text[1:] if indented else text
        found = _STRICT().fullmatch(text) or _WITH_SPACES().fullmatch(text)
        if found is None:
            return None
        pairs = [fact.partition("=") for fact in found["facts"].split(";")[:-1]]
        return _Row([(name, value) for name, _, value in pairs], found["name"])

    def read(self, rows: Sequence[_Row], clock: Clock) -> list[Entry | str]:
        return [_entry(row) for row in rows]


class _Facts(_Mlsx):
    """MLSD lines in a LIST: without facts, every line that begins with a space would be an entry."""

    needs = "it has no facts"

    def match(self, text: str) -> _Row | None:
        return super().match(text) if _WITH_FACTS().match(text) else None


MLSX = _Mlsx()
FACTS = _Facts()


def split_mlsx_line(line: str) -> tuple[list[tuple[str, str]], str]:
    """Split a line of MLSD or MLST, without interpreting the facts.

    Returns:
        Pairs of fact and value, both as sent, in their order; and the name.

    Raises:
        ReplySyntaxError: It has another form.

    Source: RFC 3659 7.2.
    """
    text = without_end(line)
    reason = broken(text)
    row = MLSX.match(text)
    if row is None or reason is not None:
        raise ReplySyntaxError(f"{line!r} is not {MLSX.name}: {reason or MLSX.needs}")
    return row.facts, row.name


def _entry(row: _Row) -> Entry:
    fields: dict[str, Any] = {"type": "unknown"}
    unknown = []
    for name, value in row.facts:
        known = _fields(name.lower(), value)
        fields |= known
        if not known and value:
            unknown.append((name, value))
    return Entry(name=row.name, facts=tuple(unknown), **fields)


def _fields(name: str, value: str) -> dict[str, Any]:
    """Return the fields of an entry that a fact fills; empty for an unknown fact."""
    match name:
        case "type":
            return _type_fields(value)
        case "size":
            return {"size": int(value)} if NUMBER.fullmatch(value) else {}
        case "modify" | "create":
            return _time_fields(name, value)
        case "unix.mode":  # some servers send the bits of the type too
            return {"mode": int(value, 8) & 0o7777} if _MODE_DIGITS.fullmatch(value) else {}
        case "unique" | "unix.owner" | "unix.group":
            return {name.removeprefix("unix."): value} if value else {}
        case "perm":
            return {name: value}
    return {}


def _type_fields(value: str) -> dict[str, Any]:
    if value.lower() in _KNOWN_TYPES:
        return {"type": value.lower()}
    link = _LINK_TYPE().fullmatch(value)
    return {} if link is None else {"type": "link", "target": link["target"] or None}


def _time_fields(name: str, value: str) -> dict[str, Any]:
    try:
        return {name: parse_time(value)}
    except CommandSyntaxError:
        return {}  # the value is kept among the facts without a field


# Writing.


def mlsx_line(entry: Entry, facts: Collection[str]) -> str:
    """Return the line of MLSD and MLST: ``fact=value;`` repeated, a space, and the name.

    Unknown facts are left out, and so are the size of a directory and any value that would break the line (with a
    space, a semicolon or a control character). A link has the type ``OS.unix=slink:target``, or ``OS.unix=slink``
    when the target holds one of these. Without facts the line is a space and the name.

    Args:
        entry: Its name follows the first space of the line.
        facts: Names of the requested facts, in any case and order; the line has the order of `MLSX_FACTS`.

    Source: RFC 3659 7.2.
    """
    values = ((name, _FACT_VALUES[name](entry)) for name in mlsx_facts(facts))
    return "".join(f"{name}={value};" for name, value in values if value is not None) + f" {entry.name}"


def mlsx_facts(facts: Collection[str]) -> list[str]:
    """Return those of `MLSX_FACTS` that are among `facts`, in any case and order."""
    wanted = {fact.lower() for fact in facts}
    return [name for name in MLSX_FACTS if name.lower() in wanted]


# RFC 3659 7.2: a value is any run of bytes without space, semicolon and control characters.
_UNFIT_FOR_FACTS = re.compile(r"[\x00-\x20;\x7f]")


def _fact(value: str | None) -> str | None:
    return None if value is None or _UNFIT_FOR_FACTS.search(value) else value


def _type_fact(entry: Entry) -> str | None:
    if entry.type != "link":
        return _fact(entry.type)
    target = _fact(entry.target)
    return f"OS.unix=slink:{target}" if target else "OS.unix=slink"


def _size_fact(entry: Entry) -> str | None:
    return None if entry.size is None or entry.type in DIRECTORIES else str(entry.size)


def _time_fact(timestamp: float | None) -> str | None:
    return None if timestamp is None else format_time(timestamp)


def _mode_fact(entry: Entry) -> str | None:
    return None if entry.mode is None else f"{entry.mode:04o}"


_FACT_VALUES: dict[str, Callable[[Entry], str | None]] = {
    "type": _type_fact,  # RFC 3659 7.5.1
    "size": _size_fact,  # RFC 3659 7.5.7
    "modify": lambda entry: _time_fact(entry.modify),  # RFC 3659 7.5.3
    "create": lambda entry: _time_fact(entry.create),  # RFC 3659 7.5.4
    "perm": lambda entry: _fact(entry.perm),  # RFC 3659 7.5.5
    "unique": lambda entry: _fact(entry.unique),  # RFC 3659 7.5.2
    "UNIX.mode": _mode_fact,
    "UNIX.owner": lambda entry: _fact(entry.owner),
    "UNIX.group": lambda entry: _fact(entry.group),
}

MLSX_FACTS: tuple[str, ...] = tuple(_FACT_VALUES)
"""The facts that `mlsx_line` knows, in its order."""
