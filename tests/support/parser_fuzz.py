"""Makes random inputs for the parsers of `wire`, and reports those that are parsed wrongly.

One rule: the seed alone determines a run, and a report contains the input.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ftpfixture.client.parsers import Parsers
from ftpfixture.errors import CommandSyntaxError, InvalidCommand, ReplySyntaxError
from ftpfixture.wire.command import Command
from ftpfixture.wire.hostport import parse_227, parse_229, parse_eprt, parse_port, render_eprt, render_port
from ftpfixture.wire.lines import LineReader, escape_line
from ftpfixture.wire.listing import (
    parse_eplf_line,
    parse_ls_date,
    parse_msdos_line,
    parse_unix_line,
    parse_unix_mode,
    read_listing,
)
from ftpfixture.wire.listing.entry import DIRECTORIES, Entry
from ftpfixture.wire.listing.eplf import eplf_line
from ftpfixture.wire.listing.mlsx import MLSX_FACTS, mlsx_line
from ftpfixture.wire.listing.msdos import msdos_line
from ftpfixture.wire.listing.unix import unix_line
from ftpfixture.wire.pathname import parse_257, quote_257
from ftpfixture.wire.reply import Reply, ReplyParser
from ftpfixture.wire.timestamps import format_time, parse_time
from tests.support.listings import EPLF_LINES, MLSX_LINES, MSDOS_LINES, NOW, parse_mlsx_line
from tests.support.parser_inputs import entries, like, list_line, listing, telnet

__all__ = ["TARGETS", "Finding", "Target", "fuzz", "slow"]

Random = random.Random


class Target(NamedTuple):
    """Something to fuzz.

    Attributes:
        name: What it is.
        make: An input for it, at random.
        check: Raises whatever is wrong with how the input is treated.
    """

    name: str
    make: Callable[[Random], Any]
    check: Callable[[Any], None]


class Finding(NamedTuple):
    """An input that is not treated as it should be.

    Attributes:
        target: Of what.
        seed: With which it comes up again, as the input of this number.
        number: From 0.
        input: What was given.
        why: What is wrong.
    """

    target: str
    seed: int
    number: int
    input: Any
    why: str


def fuzz(target: Target, seed: int, inputs: int) -> list[Finding]:
    """Give a target `count` inputs; one in 500 is also enlarged, to check how the time grows with the length."""
    chance = Random(seed)
    found = []
    for number in range(inputs):
        value = target.make(chance)
        pumped = _pumped(value, chance) if number % 500 == 0 else None
        try:
            target.check(value)
            why = None if pumped is None else slow(target.check, *pumped)
        except Exception as error:
            why = repr(error)
        if why is not None:
            found.append(Finding(target.name, seed, number, value, why))
    return found


# How long things take.

_SHORT, _LONG = 3000, 24000  # bytes or letters: eight times as long
_ENOUGH = 0.05  # seconds of the processor, below which nothing is slow
_TOO_MANY = 24  # times as long: three times the eight, where a square would be 64


def slow(check: Callable[[Any], None], short: Any, long: Any) -> str | None:
    """Report it if the time grows faster than the length; each time is the best of several."""
    if _seconds(check, long) < _ENOUGH:
        return None
    times = [min(_seconds(check, value) for _ in range(3)) for value in (short, long)]
    if times[1] < _ENOUGH or times[1] < times[0] * _TOO_MANY:
        return None
    return f"{times[0]:.4f} s for {len(short)}, {times[1]:.4f} s for {len(long)} of {long[:60]!r}..."


def _seconds(check: Callable[[Any], None], value: Any) -> float:
    start = time.process_time()
    check(value)
    return time.process_time() - start


def _pumped(value: Any, chance: Random) -> tuple[Any, Any]:
    """The input with a piece of it repeated until it is long, and until it is eight times as long."""
    first = chance.randrange(len(value) + 1)
    last = min(len(value), first + chance.choice((1, 1, 2, 3, 8, 30)))
    piece = value[first:last] or value[:1]
    if not piece:
        return value, value
    whole = _SHORT if isinstance(value, str | bytes) else _SHORT // 30
    return tuple(
        value[:first] + piece * max(whole * times // len(piece), 1) + value[last:] for times in (1, _LONG // _SHORT)
    )


# What must be true.


def _refuses(*errors: type[Exception]) -> Callable[[Callable[[Any], Any]], Callable[[Any], None]]:
    """A check that nothing but these errors comes out of a parser."""

    def of(parse: Callable[[Any], Any]) -> Callable[[Any], None]:
        def check(value: Any) -> None:
            try:
                parse(value)
            except errors:
                pass

        return check

    return of


def _part(name: str, lines: Sequence[str]) -> None:
    assert any(name in line for line in lines), f"{name!r} does not stand in any line"


def _check_line(parse: Callable[[str], Entry]) -> Callable[[str], None]:
    def check(line: str) -> None:
        try:
            entry = parse(line)
        except ReplySyntaxError:
            return
        _part(entry.name, [line])

    return check


def _check_listing(lines: list[str]) -> None:
    reading = read_listing(lines, now=NOW)
    reported = len(reading.entries) + len(reading.unread) + len(reading.headings)
    versions = [entry for entry in reading.entries if ";" in entry.name or entry.type == "dir"]
    broken = [line for line in reading.unread if ";" in line.line]
    halves = len(versions) + len(broken)  # these may be on two lines
    assert len(lines) - halves <= reported <= len(lines), f"{reported} of {len(lines)} lines are reported"
    for entry in reading.entries:
        _part(entry.name, lines)
    for line in reading.unread:
        assert line.reason, "there is no reason"


def _check_unix_round_trip(entries: list[Entry]) -> None:
    reading = read_listing([unix_line(entry, now=NOW) for entry in entries], now=NOW)
    assert reading.unread == ()
    for entry, read in zip(entries, reading.entries, strict=True):
        name, arrow, _ = f"{entry.name} -> t".rpartition(" -> ") if entry.type == "link" else (entry.name, "", "")
        assert (read.name, read.type, read.size or 0) == (name, entry.type, entry.size or 0)
        assert (read.mode, read.links, bool(read.target)) == (entry.mode, entry.links, bool(arrow))
        assert read.modify is not None
        assert 0 <= (entry.modify or 0) - read.modify < 86400


def _check_msdos_round_trip(entries: list[Entry]) -> None:
    for four in (False, True):
        written = [entry for entry in entries if not four or entry.name.strip(" ")]
        reading = read_listing([msdos_line(entry, four_digit_year=four) for entry in written], now=NOW)
        assert reading.unread == ()
        kinds = [(entry.name, "dir" if entry.type == "dir" else "file", entry.size) for entry in written]
        assert [(entry.name, entry.type, entry.size) for entry in reading.entries] == kinds


def _check_eplf_round_trip(entries: list[Entry]) -> None:
    reading = read_listing(map(eplf_line, entries), now=NOW)
    assert reading.unread == ()
    assert [(entry.name, entry.size, entry.modify) for entry in reading.entries] == [
        (entry.name, entry.size, entry.modify) for entry in entries
    ]


def _check_mlsx_round_trip(entries: list[Entry]) -> None:
    reading = read_listing([mlsx_line(entry, MLSX_FACTS) for entry in entries], now=NOW)
    assert reading.unread == ()
    assert [(entry.name, entry.type, entry.modify, entry.mode) for entry in reading.entries] == [
        (entry.name, entry.type, entry.modify, entry.mode) for entry in entries
    ]
    assert all(entry.size is None for entry in reading.entries if entry.type in DIRECTORIES)


def _check_lines(data: bytes) -> None:
    """Chunks do not matter, and no line is longer than the limit."""
    for limit in (8, 8192):
        whole = LineReader(limit).feed(data + b"\r\nZ\r\n")
        reader = LineReader(limit)
        size = len(data) // 3 + 1
        chunks = [data[start : start + size] for start in range(0, len(data), size)]
        assert [line for chunk in (*chunks, b"\r\nZ\r\n") for line in reader.feed(chunk)] == whole
        assert whole[-1] in (b"Z", None) or b"\n" in (whole[-1] or b"")
        assert all(line is None or len(line) <= limit for line in whole)


def _check_replies(text: str) -> None:
    parser = ReplyParser()
    for line in text.encode("utf-8", "surrogateescape").split(b"\n"):
        try:
            reply = parser.feed_line(line)
        except ReplySyntaxError:
            continue
        if reply is not None and not reply.listing:
            _check_reply(reply)


def _check_reply(reply: Reply) -> None:
    parser = ReplyParser()
    again = [parser.feed_line(line or b"") for line in LineReader(1 << 20).feed(reply.render())]
    text = "\n".join(reply.lines).replace("\n", "").replace("\0", "")
    assert again[-1] is not None, "a reply that was sent does not end"
    assert "".join(again[-1].lines).replace("\0", "").replace("\n", "") == text or "\udcff" in text


def _check_command(text: str) -> None:
    line = text.encode("utf-8", "surrogateescape")
    command = Command.parse(line)
    assert str(command) is not None
    try:
        sent = command.render()
    except InvalidCommand:
        return
    (read,) = LineReader(1 << 20).feed(sent)
    assert read is not None
    if "\n" not in text and "\udcff" not in text:
        assert Command.parse(read) == command, "a command that was sent comes back as another"


def _check_port(text: str) -> None:
    try:
        host, port = parse_port(text)
    except CommandSyntaxError:
        return
    assert parse_port(render_port(host, port)) == (host, port)


def _check_eprt(text: str) -> None:
    try:
        family, host, port = parse_eprt(text)
    except CommandSyntaxError:
        return
    if family in (1, 2) and "|" not in host:
        assert parse_eprt(render_eprt(host, port)) == (family, host, port)


def _check_path(text: str) -> None:
    assert parse_257(quote_257(text)) == text
    try:
        path = parse_257(text)
    except ReplySyntaxError:
        return
    assert path.replace('"', "") in text.replace('"', "")


def _check_time(text: str) -> None:
    try:
        moment = parse_time(text)
    except CommandSyntaxError:
        return
    assert abs(parse_time(format_time(moment)) - moment) < 0.0006 or text.startswith(("0001", "9999"))


def _check_escaped(text: str) -> None:
    data = text.encode("utf-8", "surrogateescape").replace(b"\xff", b"")
    assert len(LineReader(1 << 20).feed(escape_line(data) + b"\r\n")) == 1


_DATES = ("Jan 31 12:30", "31 Jan 2024", "2024-01-31 12:30:59.5 +0100", "Sun May 28 19:50:01 2023", "3月 28 2023")
_REPLIES = ("220 ready", "220-a\n b\n220 c", "211-x\n 211 y\n211 end", "227 (127,0,0,1,4,210)", "250", "999-\n999 ")
_COMMANDS = (
    "RETR a b",
    "USER anonymous",
    "PASS secret",
    "PORT 127,0,0,1,4,210",
    "EPRT |2|::1|99|",
    "  LIST -la  ",
    "X",
)

TARGETS = (
    Target("unix line", list_line, _check_line(lambda line: parse_unix_line(line, now=NOW))),
    Target("msdos line", like(*MSDOS_LINES), _check_line(parse_msdos_line)),
    Target("eplf line", like(*EPLF_LINES), _check_line(parse_eplf_line)),
    Target("mlsx line", like(*MLSX_LINES), _check_line(parse_mlsx_line)),
    Target("any line", list_line, lambda line: _check_listing([line])),
    Target("listing", listing, _check_listing),
    Target("unix round trip", entries, _check_unix_round_trip),
    Target("msdos round trip", entries, _check_msdos_round_trip),
    Target("eplf round trip", entries, _check_eplf_round_trip),
    Target("mlsx round trip", entries, _check_mlsx_round_trip),
    Target("date", like(*_DATES), _refuses(ReplySyntaxError)(lambda text: parse_ls_date(text, now=NOW))),
    Target("mode", like("rwxr-xr-x", "--s--S--T"), _refuses(ReplySyntaxError)(parse_unix_mode)),
    Target("client's line", list_line, _refuses(ValueError)(Parsers.parse_list_line_unix)),
    Target("lines", telnet, _check_lines),
    Target("escaped line", like(*_COMMANDS, "a\r\nb\n"), _check_escaped),
    Target("reply", like(*_REPLIES), _check_replies),
    Target("command", like(*_COMMANDS), _check_command),
    Target("PORT", like("127,0,0,1,4,210", "0,0,0,0,0,0", "255,255,255,255,255,255"), _check_port),
    Target("EPRT", like("|1|127.0.0.1|1234|", "|2|::1|99|", "!2!fe80::1%eth0!1!", "|3|x|1|"), _check_eprt),
    Target("227", like("Entering (127,0,0,1,4,210).", "=1,2,3,4,5,6"), _refuses(ReplySyntaxError)(parse_227)),
    Target("229", like("Entering (|||6446|)", "(!!!1!)"), _refuses(ReplySyntaxError)(parse_229)),
    Target("257", like('"/" is it', '"/a ""b"" c" done', "/none"), _check_path),
    Target("time", like("20240131123059", "20240131123059.125", "99991231235960", "00010101000000"), _check_time),
)
"""Everything that reads what a peer sent."""
