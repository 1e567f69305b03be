"""What a server writes differently in every run: placeholders in a recording, and their values when it is replayed.

One rule: pure, and a text gets a placeholder only where a known server writes such a value, or for a recent date.

A date within a day of the recording is recent: the file was made by the session, or just before. On replay it is the
time of the replay, in the same format and width, so that the file is as new as it was, and listings have their sizes.
Older dates stay as they are. Values of the fact ``unique`` are numbered in the order in which they come, because
clients only compare them with each other (RFC 3659 7.5.2); so are the names that servers make up for STOU.

The text of commands and replies has its placeholders for secrets already, and doubled braces.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC
from typing import NamedTuple

from ftpfixture.errors import CommandSyntaxError, ReplySyntaxError
from ftpfixture.recording.redact import escape, fill
from ftpfixture.wire.listing.dates import SKEW, parse_ls_date
from ftpfixture.wire.listing.mlsx import FACTS
from ftpfixture.wire.listing.msdos import msdos_date, parse_msdos_line
from ftpfixture.wire.listing.unix import ls_date
from ftpfixture.wire.timestamps import format_time, local_time, parse_time

__all__ = ["DEFAULTS", "MOST", "NAMES", "Normalizer", "date_values", "filled"]

MOST = 1 << 20
"""Bytes of the longest listing that gets placeholders; a longer one is recorded as it was sent."""

DEFAULTS: Mapping[str, str] = {
    "user_number": "1",
    "seconds": "0.001",
    "rate": "1.00 Mbytes",
    "server_port": "21",
    "client_port": "20",
}
"""Values of placeholders that are no dates, until the replay has better ones."""


class _Form(NamedTuple):
    """A format of dates in listings.

    Attributes:
        pattern: A date in it.
        text: Returns POSIX seconds in it.
    """

    pattern: str
    text: Callable[[float], str]


_DATES: Mapping[str, _Form] = {
    "date_ls": _Form(
        r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ 0-3][0-9] [0-2][0-9]:[0-5][0-9]",
        lambda now: ls_date(now, now, UTC),  # vsftpd writes "Dec 01", and others "Dec  1"
    ),
    "date_iso": _Form(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}", lambda now: f"{local_time(now, UTC):%Y-%m-%d %H:%M}"
    ),
    "date_msdos": _Form(r"[0-9]{2}-[0-9]{2}-[0-9]{2}  [0-9]{2}:[0-9]{2}[AP]M", lambda now: msdos_date(now, UTC)),
    "date_msdos_long": _Form(
        r"[0-9]{2}-[0-9]{2}-[0-9]{4}  [0-9]{2}:[0-9]{2}[AP]M",
        lambda now: msdos_date(now, UTC, four_digit_year=True),
    ),
}
_GROUPS = {name: f"(?P<{name}>{form.pattern})" for name, form in _DATES.items()}
_ENTRY = re.compile(
    # The first date behind a size is that of the entry; one with a year is old, and what follows is the name.
    r" *(?:[-bcdlpsDP?][-A-Za-z]{9}.*?[0-9][KMGTPEkB]? +"
    rf"(?:{_GROUPS['date_ls']}|{_GROUPS['date_iso']}|(?P<old>[A-Z][a-z]{{2}} [ 0-3][0-9]  [0-9]{{4}})) "
    rf"|(?:{_GROUPS['date_msdos']}|{_GROUPS['date_msdos_long']}) +(?:<[A-Z]+>|[0-9.,]+) )(?=.)"
)


class _Text(NamedTuple):
    """A text of a known server.

    Attributes:
        code: Of the reply.
        pattern: The group "head", the part that changes, and what follows it.
        name: The placeholder in place of that part.
    """

    code: str
    pattern: re.Pattern[str]
    name: str


def _text(code: str, head: str, part: str, tail: str, name: str) -> _Text:
    return _Text(code, re.compile(f"(?P<head>{head}){part}(?={tail})", re.MULTILINE), name)


_RATE = r"[0-9]+(?:[.,][0-9]+)* ?[KMG]?(?:bytes|B)"
_TEXTS = (
    # Pure-FTPd: the greeting, an active data connection, and the end of a transfer.
    _text("220", r"^220-You are (?:user|\{user\}) number ", "[0-9]+", " of ", "user_number"),
    _text("220", r"^220-Local time is now ", "[0-9]{2}:[0-9]{2}", r"\.", "local_time"),
    _text("220", r"\. Server port: ", "[0-9]+", r"\.\r$", "server_port"),
    _text("150", "Connecting to port ", "[0-9]+", r"\r$", "client_port"),
    _text("226", "", r"[0-9]+\.[0-9]+", r" seconds \(measured here\)", "seconds"),
    # Pure-FTPd and Serv-U.
    _text("226", "", _RATE, r" per second|/s(?:ec)?\b", "rate"),
    # z/OS.
    _text(
        "220", "^220-.* at [^ ]+, ", "[0-9]{2}:[0-9]{2}:[0-9]{2} on [0-9]{4}-[0-9]{2}-[0-9]{2}", r"\.", "time_on_date"
    ),
    # STAT of vsftpd that accepts connections itself, and of pyftpdlib.
    _text("211", "At session startup, client count was ", "[0-9]+", r"\r$", "user_number"),
    _text("211", "^ Connected to: [^ ]+:", "[0-9]+", r"\r$", "server_port"),
)

_FILE = re.compile(r"1[0-9]{2}[- ]FILE: (?P<name>[^\r\n]+)")
_RANDOM_NAMES = (
    (re.compile(r"(?P<head>ftp)[A-Za-z0-9]{6}"), 6),  # ProFTPD
    (re.compile(r"(?P<head>.+\.)[a-z0-9_]{8}"), 8),  # pyftpdlib
    (re.compile(r"(?P<head>pureftpd\.)[0-9a-f]{8}\.[0-9a-f]{1,2}\.[0-9a-f]{4}"), 16),  # Pure-FTPd
)
"""Names of files that servers make up for STOU, and the digits that replace their random parts."""

_CODE = re.compile(r"[0-9]{3}[- ]")
_UTC = re.compile(r"[0-9]{14}(?:\.[0-9]+)?")
_MDTM = re.compile(rf"213 {_UTC.pattern}\r\n")
_SETS_TIME = re.compile(r"(?:MDTM|MFMT|MFF|SITE UTIME) ", re.IGNORECASE)
_FACT = re.compile(r"\b(?P<name>modify|create|unique)=(?P<value>[^;]+)(?=;)", re.IGNORECASE)


def date_values(now: float) -> dict[str, str]:
    """The values of all placeholders for dates.

    Args:
        now: POSIX seconds.
    """
    moment = local_time(now, UTC)
    return {
        **{name: form.text(now) for name, form in _DATES.items()},
        "date_utc": format_time(int(now)),
        "client_time": format_time(int(now)),
        "local_time": f"{moment:%H:%M}",
        "time_on_date": f"{moment:%H:%M:%S on %Y-%m-%d}",
    }


_EPOCH = date_values(0.0)

NAMES = frozenset({*DEFAULTS, *_EPOCH})
"""All names of these placeholders."""


def filled(content: bytes, values: Mapping[str, str] | None = None) -> bytes:
    """A listing with placeholders as bytes of the wire.

    Args:
        content: As it is recorded.
        values: Of the placeholders, see `date_values`; None for those of 1970.
    """
    return fill(content.decode("utf-8", "surrogateescape"), _EPOCH if values is None else values).encode(
        "utf-8", "surrogateescape"
    )


class Normalizer:
    """Puts placeholders into the commands, replies and listings of one recording, in their order.

    Args:
        began: When the recording began, in POSIX seconds.
        ended: When it ended.
    """

    def __init__(self, began: float, ended: float) -> None:
        self._first, self._last = began - SKEW, ended + SKEW
        self._dates: dict[str, bool] = {}
        self._numbers: dict[str, int] = {}
        self._sent: set[str] = set()
        self._names: dict[str, str] = {}
        self._asked = ""

    def command(self, text: str) -> str:
        """A command; a recent time that it gives to a file is a placeholder, here and where the server repeats it."""
        text = self._with_numbered_names(text)
        if text.startswith("STOU "):
            self._asked = text.removeprefix("STOU ")
        if not _SETS_TIME.match(text):
            return text
        self._sent.update(time for found in _UTC.finditer(text) if self._is_recent(time := found[0]))
        return self._times_of_client(text)

    def reply(self, text: str) -> str:
        """A reply, with the ends of its lines."""
        self._number_name(text)
        text = self._with_numbered_names(text)
        for code, pattern, name in _TEXTS:
            if text.startswith(code):
                text = pattern.sub(rf"\g<head>{{{name}}}", text)
        if self._sent:
            text = self._times_of_client(text)
        if _MDTM.fullmatch(text):
            return f"213 {self._time(text[4:-2])}\r\n"
        return "\n".join(
            [line[:4] + self._line(line[4:]) if _CODE.match(line) else self._line(line) for line in text.split("\n")]
        )

    def listing(self, content: bytes) -> tuple[bytes, bool]:
        """A listing as it is recorded, and whether it has placeholders."""
        text = self._with_numbered_names(escape(content.decode("utf-8", "surrogateescape")))
        text = "\n".join([self._line(line) for line in text.split("\n")])
        plain = fill(text, {})
        changes = fill(text, _EPOCH) != plain
        return (text if changes else plain).encode("utf-8", "surrogateescape"), changes

    # Parts of a text.

    def _number_name(self, reply: str) -> None:
        """Give the name that a server has made up for STOU a number in place of its random part."""
        found = _FILE.match(reply)
        if found is None or found["name"] == self._asked:
            return
        for pattern, digits in _RANDOM_NAMES:
            name = pattern.fullmatch(found["name"])
            if name is not None:
                self._names.setdefault(name[0], f"{name['head']}{len(self._names) + 1:0{digits}}")
                return

    def _with_numbered_names(self, text: str) -> str:
        for name, numbered in self._names.items():
            text = text.replace(name, numbered)
        return text

    def _times_of_client(self, text: str) -> str:
        return _UTC.sub(lambda found: "{client_time}" if found[0] in self._sent else found[0], text)

    def _is_recent(self, text: str) -> bool:
        """Whether a date is recent, in UTC or in a format of listings; many entries have the same one."""
        known = self._dates.get(text)
        if known is None:
            try:
                known = self._first <= _stamp(text, self._last - SKEW) <= self._last
            except (CommandSyntaxError, ReplySyntaxError):
                known = False
            self._dates[text] = known
        return known

    def _time(self, text: str) -> str:
        """A time in UTC; fractions of seconds are zeros then."""
        if text in self._sent:
            return "{client_time}"
        return "{date_utc}" + re.sub("[0-9]", "0", text[14:]) if self._is_recent(text) else text

    def _line(self, line: str) -> str:
        """A line; one that is no entry of a listing is unchanged."""
        text = line.removesuffix("\r")
        facts = FACTS.match(text)
        if facts is not None:
            end = len(text) - len(facts.name)
            return _FACT.sub(self._fact, line[:end]) + line[end:]
        entry = _ENTRY.match(text)
        name = entry.lastgroup if entry is not None else None
        if entry is None or name is None or name == "old":
            return line
        start, end = entry.span(name)
        return f"{line[:start]}{{{name}}}{line[end:]}" if self._is_recent(entry[name]) else line

    def _fact(self, found: re.Match[str]) -> str:
        name, value = found["name"], found["value"]
        if name.lower() == "unique":
            return f"{name}={self._numbers.setdefault(value, len(self._numbers) + 1)}"
        return f"{name}={self._time(value)}"


def _stamp(text: str, now: float) -> float:
    """The POSIX seconds of a date in one of the formats.

    Raises:
        CommandSyntaxError: There is no such time in UTC.
        ReplySyntaxError: There is no such day or hour.
    """
    if _UTC.fullmatch(text):
        return parse_time(text)
    if not text.endswith("M"):
        return parse_ls_date(text, now=now)
    modify = parse_msdos_line(f"{text}  0 name").modify
    assert modify is not None
    return modify
