"""Lines of MLSD and MLST.

One rule: a fact that cannot be read is unknown, and its entry is there all the same (RFC 3659 7.2); the name is exact.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from ftpfixture.errors import CommandSyntaxError, ReplySyntaxError
from ftpfixture.wire.entry import DIRECTORIES, Entry, parse_time
from ftpfixture.wire.listing.format import NUMBER, Clock, Format, broken, pattern, without_end

__all__ = ["FACTS", "MLSX", "parse_mlsx_line", "split_mlsx_line"]

# RFC 3659 7.2: facts without spaces, each with a semicolon behind it, one space, and the name.
_STRICT = pattern(r"(?P<facts>(?:[^ ;=]+=[^ ;]*;)*) (?P<name>.*)")
# ProFTPD sends names of owners with the spaces that they have in Windows domains; the first fact is never one of them.
_WITH_SPACES = pattern(r"(?P<facts>[^ ;=]+=[^ ;]*;(?:[^ ;=]+=[^;]*;)*) (?P<name>.*)")
_WITH_FACTS = pattern(r" ?[^ ;=]+=[^ ;]*;(?:[^ ;=]+=[^;]*;)* ")
_LINK_TYPE = pattern(r"OS\.unix=(?:slink|symlink)(?::(?P<target>.*))?", re.IGNORECASE)
_KNOWN_TYPES = DIRECTORIES | {"file", "unknown"}
_MODE_DIGITS = re.compile(r"[0-7]{1,7}")


class _Row(NamedTuple):
    facts: list[tuple[str, str]]
    name: str


class _Mlsx(Format[_Row]):
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
    """Facts where no MLSD was said: without any, every line with a space at its head would be an entry."""

    needs = "it has no facts"

    def match(self, text: str) -> _Row | None:
        return super().match(text) if _WITH_FACTS().match(text) else None


MLSX = _Mlsx()
FACTS = _Facts()


def parse_mlsx_line(line: str) -> Entry:
    """Read a line of MLSD, or the middle line of the answer to MLST with or without the space before it.

    Facts may be in any case and order. Those that have no field here are kept in `Entry.facts`, and so are a type that
    RFC 3659 does not define and a value that cannot be read. A fact with an empty value is left out, except ``perm``,
    whose empty value says that nothing is allowed. A line that begins with a space and has no facts behind it is a
    name without facts; so of a line without facts, a name that itself looks like facts would be taken for them. The
    name may be empty, because some servers have it so for the root.

    Args:
        line: With or without its end.

    Raises:
        ReplySyntaxError: It has another form.

    Source: RFC 3659 7.2, 7.5.5.
    """
    return MLSX.read_line(line, Clock())


def split_mlsx_line(line: str) -> tuple[list[tuple[str, str]], str]:
    """Take a line of MLSD or MLST apart without asking what the facts mean.

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
    """The fields of an entry that a fact fills; none when it means nothing here."""
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
