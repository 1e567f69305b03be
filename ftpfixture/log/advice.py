"""What the sessions of a log could do better: a lint of the dialogue, from the log alone.

One rule: advice names the lines that it is about, and each rule is one function of the table at the end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ftpfixture import checks
from ftpfixture.errors import ConfigurationError
from ftpfixture.log.events import Event
from ftpfixture.log.record_lines import command_line, session_line, some, transfer_line
from ftpfixture.log.records import CommandRecord, SessionRecord, TransferRecord
from ftpfixture.log.round_trips import round_trips
from ftpfixture.log.uploads import Uploads
from ftpfixture.wire.states import LISTINGS

__all__ = ["ADVICE_RULES", "Advice", "Sessions", "advise"]

_NEAR, _FAR = 0.05, 0.2  # seconds of a round trip: to another city, to another continent
_BINARY = (
    frozenset(range(9)) | frozenset(range(14, 26)) | frozenset(range(28, 32))
)  # characters that no text has: C0 without \t to \r
_EXAMINED = 8192  # bytes of a file that show what it is
_ANONYMOUS = ("anonymous", "ftp")  # RFC 1635: the password is no secret


@dataclass(frozen=True, slots=True)
class Advice:
    """An improvement that the client could make.

    Attributes:
        rule: Name of the rule.
        text: What is wrong, and what to do.
        lines: The commands, transfers or sessions that it is about.
    """

    rule: str
    text: str
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join([f"{self.rule}: {self.text}", *some(self.lines)])


@dataclass(frozen=True, slots=True)
class Sessions:
    """The data that rules examine.

    Attributes:
        commands: In order.
        sessions: In order.
        events: In order.
        offers: Verbs that the server answers, as far as they are known.
    """

    commands: Sequence[CommandRecord]
    sessions: Sequence[SessionRecord]
    events: Sequence[Event]
    offers: Collection[str]

    def files(self) -> list[tuple[CommandRecord, TransferRecord]]:
        """The transfers of files, each with its command."""
        return [
            (record, record.transfer)
            for record in self.commands
            if record.transfer is not None and record.verb not in LISTINGS
        ]

    def by_session(self) -> Iterator[list[CommandRecord]]:
        """The commands of each session."""
        for session in self.sessions:
            yield [record for record in self.commands if record.session == session.number]


Found = tuple[str, Iterable[str]]


def _done(record: CommandRecord) -> bool:
    return record.code.startswith("2")


def _clear_password(seen: Sessions) -> Found:
    lines = [
        command_line(record)
        for record in seen.commands
        if record.verb == "PASS" and not record.encrypted and record.user.lower() not in _ANONYMOUS
    ]
    text = "the password went over the network in clear, and the server offers TLS: send AUTH TLS before USER"
    return text, lines if "AUTH" in seen.offers else ()


def _ascii_binary(seen: Sessions) -> Found:
    lines = [
        transfer_line(transfer)
        for _, transfer in seen.files()
        if transfer.transfer_type == "A" and not _BINARY.isdisjoint((transfer.kept_content or b"")[:_EXAMINED])
    ]
    return "TYPE A changes the bytes of a file that is not text: send TYPE I before the transfer", lines


def _straight_upload(seen: Sessions) -> Found:
    lines = [transfer_line(one) for _, one in Uploads(seen.commands).straight() if one.verb == "STOR"]
    return "a reader may see half of a file: upload under another name, then rename (RNFR, RNTO)", lines


def _no_quit(seen: Sessions) -> Found:
    quitted = {record.session for record in seen.commands if record.verb == "QUIT" and _done(record)}
    left = ("", "client closed", "connection reset")
    lines = [session_line(one) for one in seen.sessions if one.number not in quitted and one.reason in left]
    return "the session did not end with QUIT, so the server cannot tell it from a lost connection: send QUIT", lines


def _login_per_file(seen: Sessions) -> Found:
    complete: dict[int, int] = defaultdict(int)
    for _, transfer in seen.files():
        complete[transfer.session] += bool(transfer.completed)
    single = [one for one in seen.sessions if one.user and complete[one.number] == 1]
    last = {record.session: record.time for record in seen.commands}
    one_by_one = [one for before, one in pairwise(single) if one.time >= last[before.number]]
    lines = [session_line(one) for one in single] if one_by_one else []
    return "a login for each file: transfer all files in one session", lines


def _list_without_mlsd(seen: Sessions) -> Found:
    lines = [command_line(record) for record in seen.commands if record.verb == "LIST" and _done(record)]
    text = "the lines of LIST have no standard format, and the server offers MLSD (RFC 3659 7): send MLSD"
    return text, lines if "MLSD" in seen.offers else ()


def _ascii_size(seen: Sessions) -> Found:
    lines = []
    for commands in seen.by_session():
        current = "A"  # RFC 959 3.1.1.1: the default
        for record in commands:
            if record.verb == "TYPE" and _done(record):
                current = record.argument[:1].upper()
            elif record.verb == "REIN":
                current = "A"
            elif record.verb == "SIZE" and current == "A":
                lines.append(command_line(record))
    return "SIZE in TYPE A is not the size of the file, and servers refuse it: send TYPE I before SIZE", lines


def _no_rest(seen: Sessions) -> Found:
    lines, cut = [], dict[tuple[str, str], TransferRecord]()
    for record, transfer in seen.files():
        before = cut.pop((transfer.direction, transfer.path), None)
        if before is not None and transfer.offset == 0 and record.verb in ("RETR", "STOR"):
            lines += [transfer_line(before), transfer_line(transfer)]
        if transfer.completed is False and transfer.size:
            cut[transfer.direction, transfer.path] = transfer
    text = "the transfer began again at byte 0 after a part had come: send REST (or APPE), which the server offers"
    return text, lines if "REST" in seen.offers else ()


def _round_trips(seen: Sessions) -> Found:
    spare = [record for commands in seen.by_session() for record in _spare(commands)]
    total = round_trips(seen.events).total
    text = f"{len(spare)} of {total} round trips could be saved: {_cost(len(spare))}; all of them take {_cost(total)}"
    return text, [command_line(record) for record in spare]


def _cost(count: int) -> str:
    return f"{count * _NEAR:.3g} s at {_NEAR * 1000:g} ms, {count * _FAR:.3g} s at {_FAR * 1000:g} ms"


def _spare(commands: list[CommandRecord]) -> Iterator[CommandRecord]:
    """The commands of a session whose effect or reply the client already had."""
    state: dict[str, str] = {}
    for index, record in enumerate(commands):
        following = commands[index + 1].verb if index + 1 < len(commands) else ""
        if record.verb in ("PASV", "EPSV", "PORT", "EPRT") and following in ("PASV", "EPSV", "PORT", "EPRT"):
            yield record
        if record.verb == "NOOP":
            yield record
        if record.verb in ("USER", "REIN", "AUTH"):
            state.clear()
        if not _done(record):
            continue
        key, value = _effect(record)
        if key and state.get(key) == value:
            yield record
        if key == "directory":
            state.pop("PWD", None)
        if key:
            state[key] = value


def _effect(record: CommandRecord) -> tuple[str, str]:
    """What a command sets or queries, and the value; "" for a command without a lasting effect."""
    if record.verb in ("TYPE", "MODE", "STRU", "PROT", "PBSZ"):
        return record.verb, record.argument.upper()
    if record.verb == "CWD":
        return "directory", record.path
    if record.verb == "CDUP":
        return "directory", f"(above) {record.seq}"
    if record.verb in ("PWD", "SYST", "FEAT", "HELP"):
        return record.verb, record.argument
    return "", ""


ADVICE_RULES: dict[str, Callable[[Sessions], Found]] = {
    "clear-password": _clear_password,
    "ascii-binary": _ascii_binary,
    "straight-upload": _straight_upload,
    "no-quit": _no_quit,
    "login-per-file": _login_per_file,
    "list-without-mlsd": _list_without_mlsd,
    "ascii-size": _ascii_size,
    "no-rest": _no_rest,
    "round-trips": _round_trips,
}
"""The rules, by name."""


def advise(seen: Sessions, ignore: Collection[str] = ()) -> list[Advice]:
    """Judge sessions.

    Args:
        seen: The sessions.
        ignore: Names of rules to leave out.

    Raises:
        ConfigurationError: A rule is unknown, or there is nothing to judge.
    """
    for name in checks.list_of("rules", "['no-quit']")("ignore", ignore):
        if name not in ADVICE_RULES:
            raise ConfigurationError(f"no rule {name!r}: {checks.suggest(name, ADVICE_RULES)}")
    if not seen.commands:
        raise ConfigurationError(
            "no command was sent, so there is nothing to judge: ask for advice after the client ran"
        )
    found = ((name, *rule(seen)) for name, rule in ADVICE_RULES.items() if name not in ignore)
    return [Advice(name, text, kept) for name, text, lines in found if (kept := tuple(lines))]
