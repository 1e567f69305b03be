"""What a living server needs to be the one that was recorded: files, users, words, verbs that are off.

One rule: pure. `ftpfixture.testing.learning` makes a server of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from ftpfixture.files.stored import Stored
from ftpfixture.recording.asked import Asked, asked_of
from ftpfixture.recording.learntexts import persona_of
from ftpfixture.recording.learntree import tree_of
from ftpfixture.recording.store import Recording
from ftpfixture.recording.tape import CREDENTIALS, Tape
from ftpfixture.recording.volatile import DEFAULTS, date_values
from ftpfixture.server import Server
from ftpfixture.server.dispatch import build_table
from ftpfixture.server.persona import GREETING, Persona
from ftpfixture.server.settings import TlsMode
from ftpfixture.wire.listing.eplf import EPLF
from ftpfixture.wire.listing.format import Format, pattern
from ftpfixture.wire.listing.msdos import MSDOS
from ftpfixture.wire.listing.os400 import OS400
from ftpfixture.wire.listing.reading import formats_of
from ftpfixture.wire.listing.small_systems import OS2, VXWORKS
from ftpfixture.wire.listing.styles import ListStyleName
from ftpfixture.wire.listing.unix import UNIX
from ftpfixture.wire.listing.vms import VMS

__all__ = ["Account", "Learnt", "learn"]


_KNOWN = frozenset([verb.upper() for verb in build_table(Server)]) | {GREETING}


@dataclass(frozen=True, slots=True)
class Account:
    """A user that has logged in.

    Attributes:
        login: Name.
        password: None when the server asked for none.
        account: What ACCT has sent; None where the server asked for none.
        home: First directory.
    """

    login: str
    password: str | None = field(repr=False)
    account: str | None = field(repr=False)
    home: PurePosixPath


@dataclass(frozen=True, slots=True)
class Learnt:
    """A recorded server.

    Attributes:
        persona: Its words.
        files: Its files before the recording, by absolute path.
        users: Those who have logged in.
        tls: How its clients ask for TLS; None for not at all.
        unread: Lines of listings that were not understood, each with the reason.
    """

    persona: Persona
    files: Mapping[str, Stored]
    users: tuple[Account, ...]
    tls: TlsMode | None
    unread: tuple[str, ...]


def learn(recording: Recording, now: float) -> Learnt:
    """Find out what kind of server was recorded.

    Args:
        recording: Of any number of sessions.
        now: POSIX seconds, for recent dates.

    Raises:
        ConfigurationError: The recording contradicts itself; the text has the line.
    """
    secrets = {name: name for name in recording.header.redacted}
    values = {**secrets, **CREDENTIALS, **DEFAULTS, **date_values(now)}
    sessions = asked_of(recording, values)
    tree = tree_of(recording, sessions, values, now)
    persona = persona_of(sessions, values, _styles(recording, sessions, values), _KNOWN)
    return Learnt(persona, tree.entries, tuple(_users(sessions)), Tape(recording).tls, tree.unread)


def _users(sessions: Iterable[list[Asked]]) -> Iterator[Account]:
    seen = set()
    for session in sessions:
        account = None
        for asked in session:
            account = asked.argument if asked.verb == "ACCT" else account
            if asked.verb not in ("USER", "PASS", "ACCT") or asked.code not in ("230", "232"):
                continue
            login = asked.argument if asked.verb == "USER" else asked.user
            password = asked.argument if asked.verb == "PASS" else asked.password
            if login and login not in seen:
                seen.add(login)
                yield Account(login, password, account if asked.verb == "ACCT" else None, asked.directory)


def _styles(
    recording: Recording, sessions: Iterable[list[Asked]], values: Mapping[str, str]
) -> Iterable[ListStyleName]:
    """The styles of LIST, the most frequent first; those that a server cannot write are left out."""
    found: Counter[ListStyleName] = Counter()
    for asked in [asked for session in sessions for asked in session if asked.verb == "LIST"]:
        if asked.data is not None and asked.is_done:
            content = recording.content(asked.data, values).decode("utf-8", "surrogateescape")
            found.update(_style_of(line) for line in content.splitlines() if line)
    return [style for style, _ in found.most_common()]


def _style_of(line: str) -> ListStyleName:
    """The nearest style of a server for a line of LIST."""
    formats = formats_of([line])
    for style, form in _FORMATS.items():
        if form.name in formats:
            return style
    if MSDOS.name in formats:
        return "msdos4" if line[8:9].isdigit() else "msdos"
    if UNIX.name in formats and line[1:3] == " [":
        return "netware"
    return "full-iso" if UNIX.name in formats and _FULL_ISO().search(line) else "unix"


_FORMATS: Mapping[ListStyleName, Format[Any]] = {
    "eplf": EPLF,
    "os400": OS400,
    "vxworks": VXWORKS,
    "os2": OS2,
    "vms": VMS,
}
_FULL_ISO = pattern(r" [0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}\.[0-9]{9} [+-][0-9]{4} ")
