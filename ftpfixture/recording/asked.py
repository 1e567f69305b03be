"""The commands of a recording, each with its replies, its data, and the state of the session at that time.

One rule: pure. `ftpfixture.recording.learn` finds out from them what kind of server was recorded.

A reply belongs to the command before it, except that of a transfer which another command, such as ABOR, has overtaken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from ftpfixture.errors import ReplySyntaxError
from ftpfixture.files.paths import resolve_virtual
from ftpfixture.recording.format import Data, Line, Reply
from ftpfixture.recording.redact import fill
from ftpfixture.recording.steps import Step, tracks_of
from ftpfixture.recording.store import Recording
from ftpfixture.wire.pathname import parse_257, path_in
from ftpfixture.wire.states import TRANSFERS, legal_reply

__all__ = ["Asked", "Spoken", "asked_of"]


@dataclass(frozen=True, slots=True)
class Spoken:
    """A reply.

    Attributes:
        code: Three digits.
        lines: Without code, with the placeholders of the recording.
        listing: Whether lines between the first and the last had no code; they are without their indentation.
    """

    code: str
    lines: tuple[str, ...]
    listing: bool = False

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(self.lines)


@dataclass(slots=True)
class Asked:
    """A command, or the beginning of a session.

    Attributes:
        verb: Upper case; "" for the beginning.
        argument: As the client of the learnt server sends it.
        user: Login of the session; "" before USER.
        password: What PASS has sent in this session.
        directory: Working directory before the command.
        directory_after: Working directory behind it.
        ascii: Whether TYPE A is set.
        offset: Bytes that REST skips.
        replies: In order; the last one is final.
        data: The data connection; None without one.
    """

    verb: str
    argument: str
    user: str
    password: str | None
    directory: PurePosixPath
    directory_after: PurePosixPath
    ascii: bool
    offset: int
    replies: list[Spoken] = field(default_factory=list)
    data: Data | None = None

    @property
    def code(self) -> str:
        """Of the final reply; "" without one."""
        return self.replies[-1].code if self.replies else ""

    @property
    def is_done(self) -> bool:
        """Whether the final reply reports success."""
        return self.code[:1] == "2"

    @property
    def path(self) -> PurePosixPath | None:
        """The absolute path of its argument; None without one."""
        path = path_in(self.verb, self.argument)
        return None if path is None else resolve_virtual(self.directory, path)


def asked_of(recording: Recording, values: Mapping[str, str]) -> list[list[Asked]]:
    """The commands of each session.

    Args:
        recording: With loose commands, or without.
        values: Of placeholders in commands.

    Raises:
        ConfigurationError: A reply names a port of the recorded server.
    """
    strict = recording.with_loose(())  # a loose command is one at its place, too
    return [list(_session(track.steps, values)) for track in tracks_of(strict)]


def _session(steps: tuple[Step, ...], values: Mapping[str, str]) -> Iterator[Asked]:
    directory = _home(steps)
    user, password, is_ascii, offset = "", None, True, 0
    transfer: Asked | None = None
    for step in steps:
        verb, argument = fill(step.verb, values), fill(step.argument, values)
        asked = Asked(verb, argument, user, password, directory, directory, is_ascii, offset, data=step.data)
        for spoken in _spoken(step.lines):
            owner = asked if transfer is None or not _overtakes(asked, spoken) else transfer
            owner.replies.append(spoken)
            if owner is transfer:
                transfer = None
        if verb in TRANSFERS and asked.code[:1] == "1":
            transfer = asked
        directory = asked.directory_after = _directory_after(asked)
        user, password = (argument, None) if verb == "USER" else (user, argument if verb == "PASS" else password)
        if verb == "TYPE" and asked.is_done:
            is_ascii = argument.upper().startswith("A")
        if verb == "REST" or verb in TRANSFERS:
            offset = int(argument) if asked.code == "350" and argument.isdecimal() else 0
        yield asked


def _overtakes(asked: Asked, spoken: Spoken) -> bool:
    """Whether a reply after a command belongs to the transfer before it."""
    return (asked.verb == "ABOR" and spoken.code[0] == "4") or not legal_reply(asked.verb, asked.argument, spoken.code)


def _home(steps: tuple[Step, ...]) -> PurePosixPath:
    """The first directory of a session: that of the first PWD before any change, or else the root."""
    for step in steps:
        spoken = next(_spoken(step.lines), None)
        if step.verb in ("CWD", "CDUP", "XCWD", "XCUP") and spoken is not None and spoken.code[0] == "2":
            break
        if step.verb in ("PWD", "XPWD") and spoken is not None and spoken.code == "257":
            return _quoted(spoken) or PurePosixPath("/")
    return PurePosixPath("/")


def _quoted(spoken: Spoken) -> PurePosixPath | None:
    try:
        path = parse_257(fill(spoken.lines[0], {}))
    except ReplySyntaxError:
        return None
    return PurePosixPath(path) if path.startswith("/") else None


def _directory_after(asked: Asked) -> PurePosixPath:
    if not asked.is_done:
        return asked.directory
    if asked.verb in ("PWD", "XPWD"):
        return _quoted(asked.replies[-1]) or asked.directory
    if asked.verb in ("CDUP", "XCUP"):
        return asked.directory.parent
    if asked.verb in ("CWD", "XCWD"):
        return resolve_virtual(asked.directory, asked.argument)
    return asked.directory


def _spoken(lines: tuple[Line, ...]) -> Iterator[Spoken]:
    for line in lines:
        if isinstance(line, Reply):
            yield _parsed(line.content().decode("utf-8", "surrogateescape").split("\r\n"))


def _parsed(rows: list[str]) -> Spoken:
    code = rows[0][:3]
    last = max(number for number, row in enumerate(rows) if row or not number)
    between = rows[1:last]
    has_codes = all(row.startswith(f"{code}-") for row in between)
    texts = [row[4:] if row.startswith(f"{code}-") else row.removeprefix(" ") for row in between]
    if not last:
        return Spoken(code, (rows[0][4:],))
    return Spoken(code, (rows[0][4:], *texts, rows[last][4:]), listing=not has_codes)
