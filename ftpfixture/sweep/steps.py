"""The steps of a session: where something can go wrong.

One rule: a step is named by what the client said, its verb and which one it is, and never by a path, a port or a time,
so that its name is the same in every run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ftpfixture.log.events import Connected, Event, TlsEstablished
from ftpfixture.log.records import CommandRecord
from ftpfixture.wire.states import TRANSFERS, UPLOADS

__all__ = ["CONNECT", "Step", "steps_of", "total_bytes"]

CONNECT = "CONNECT"
"""The verb of the step at which a client connects, as in the text form of faults."""


@dataclass(frozen=True, slots=True)
class Step:
    """A command of a client, or its connection.

    Attributes:
        server: Number of the server among those of the test, from 1.
        session: Number of the control connection, from 1.
        verb: Upper case; "CONNECT" for the connection itself.
        nth: Which command with this verb of this session it is, from 1.
        total: Which command with this verb of this server it is, from 1.
        shown: The command as text, secrets starred.
        code: Code of the final reply; "" without one.
        size: Bytes of its transfer; None without a transfer.
        handshake: Whether a TLS handshake belongs to it.
        site: Where the code of the client was; empty where that is not known.
        is_sized: Whether the server knows the size of a download before its end.
    """

    server: int
    session: int
    verb: str
    nth: int
    total: int
    shown: str
    code: str
    size: int | None = None
    handshake: bool = False
    site: tuple[str, ...] = field(default=(), compare=False)
    is_sized: bool = True

    @property
    def name(self) -> str:
        """Such as "RETR.1", "s2.RETR.1" in the second session, "srv2.RETR.1" on the second server."""
        server = "" if self.server == 1 else f"srv{self.server}."
        session = "" if self.session == 1 or self.verb == CONNECT else f"s{self.session}."
        return f"{server}{session}{self.verb}.{self.total if self.verb == CONNECT else self.nth}"

    @property
    def is_transfer(self) -> bool:
        """Whether it has a data connection that was used."""
        return self.size is not None

    @property
    def is_upload(self) -> bool:
        """Whether it sends a file to the server."""
        return self.verb in UPLOADS

    @property
    def succeeded(self) -> bool:
        """Whether its reply is positive: preliminary, final, or one that asks for more (RFC 959 4.2.1)."""
        return self.code[:1] in ("1", "2", "3")


def steps_of(
    events: Iterable[Event],
    commands: Iterable[CommandRecord],
    sites: Mapping[int, tuple[str, ...]] | None = None,
    server: int = 1,
    is_sized: bool = True,
) -> list[Step]:
    """Return the steps of a run, in the order of the wire.

    Args:
        events: The events of a log.
        commands: Its commands.
        sites: Where the client was at each command, by the number of its event.
        server: Number of the server among those of the test.
        is_sized: Whether the server knows the sizes of downloads before their end: one in memory does.
    """
    events, commands, sites = list(events), list(commands), sites or {}
    encrypted = {event.command_seq for event in events if isinstance(event, TlsEstablished)}
    connected = {event.seq: event for event in events if isinstance(event, Connected)}
    records = {command.seq: command for command in commands}
    counted: Counter[object] = Counter()
    steps = []
    for seq in sorted(connected | records):
        record = records.get(seq)
        session = connected[seq].session if record is None else record.session
        verb = CONNECT if record is None else record.verb
        if not verb.isalnum():  # an empty line, or bytes that are no command: no fault can name it
            continue
        counted.update([verb, (session, verb)])
        steps.append(
            Step(
                server,
                session,
                verb,
                counted[session, verb],
                counted[verb],
                CONNECT if record is None else str(record).partition(" ->")[0],
                "220" if record is None else record.code,
                _size(record),
                seq in encrypted,
                sites.get(seq, ()),
                is_sized,
            )
        )
    return steps


def _size(record: CommandRecord | None) -> int | None:
    used = record is not None and record.verb in TRANSFERS and record.transfer is not None
    return record.transfer.size if used and record is not None and record.transfer is not None else None


def total_bytes(commands: Iterable[CommandRecord]) -> int:
    """The bytes of all transfers of files."""
    return sum(command.transfer.size for command in commands if command.transfer is not None)
