"""The files of a recorded server, as they were before the clients of the recording changed them.

One rule: pure, and a file is there only for a reason: it was listed, measured, transferred, renamed or removed. What a
client stored or made itself is not there at the beginning.

Bytes that were never transferred are zeros. A recent date, which the recording has a placeholder for, is the time at
which the learnt server begins.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from ftpfixture.errors import CommandSyntaxError
from ftpfixture.files.paths import resolve_virtual
from ftpfixture.files.stored import Stored
from ftpfixture.recording.asked import Asked
from ftpfixture.recording.redact import fill
from ftpfixture.recording.store import Recording
from ftpfixture.server.persona import failure_kind
from ftpfixture.wire.listing.entry import Entry
from ftpfixture.wire.listing.headings import listed_directory
from ftpfixture.wire.listing.reading import read_listing
from ftpfixture.wire.pathname import path_in
from ftpfixture.wire.timestamps import parse_time

__all__ = ["Tree", "tree_of"]

_ROOT = PurePosixPath("/")
_RECENT = 90.0  # seconds around "now" that a date without seconds may be away
_PATTERN = re.compile(r"[*?\[]")


@dataclass(slots=True)
class _Known:
    """What is known of a file, directory or link."""

    kind: str = ""
    size: int | None = None
    modified: float | None = None
    is_exact: bool = False
    mode: int | None = None
    owner: str | None = None
    group: str | None = None
    target: str = ""
    pieces: dict[int, bytes] = field(default_factory=dict)
    text: bytes | None = None

    def stored(self, has_children: bool) -> Stored:
        """The entry to store."""
        kind = "dir" if has_children or self.kind == "dir" else "file"
        if self.kind == "link" and kind == "file" and self.target and not self.pieces and self.text is None:
            return Stored("link", target=self.target)
        if kind == "dir":
            return Stored("dir", modified=self.modified, mode=self.mode, owner=self.owner, group=self.group)
        pieces = self.pieces or ({} if self.text is None else {0: self.text})
        size = None if self.text is not None and not self.pieces else self.size
        return Stored("file", tuple(sorted(pieces.items())), size, "", self.modified, self.mode, self.owner, self.group)


@dataclass(frozen=True, slots=True)
class Tree:
    """The files of a server.

    Attributes:
        entries: By absolute path; directories come last, those farthest from the root first, because storing a file
            changes the times of its directory.
        unread: Lines of listings that were not understood, each with the reason.
    """

    entries: Mapping[str, Stored]
    unread: tuple[str, ...] = ()


def tree_of(recording: Recording, sessions: Iterable[Iterable[Asked]], values: Mapping[str, str], now: float) -> Tree:
    """The files of a recorded server.

    Args:
        recording: It has the contents.
        sessions: The commands of each session.
        values: Of placeholders, for the time `now`.
        now: POSIX seconds.
    """
    builder = _Builder(recording, values, now)
    for session in sessions:
        for asked in session:
            builder.take(asked)
    return builder.tree()


class _Builder:
    def __init__(self, recording: Recording, values: Mapping[str, str], now: float) -> None:
        self._recording = recording
        self._values = values
        self._now = now
        self._known: dict[PurePosixPath, _Known] = {_ROOT: _Known("dir")}
        self._moved: dict[PurePosixPath, PurePosixPath | None] = {}
        self._unread: dict[str, None] = {}
        self._renamed: PurePosixPath | None = None

    def tree(self) -> Tree:
        """All that is known now."""
        parents = {parent for path in self._known for parent in path.parents}
        for parent in parents:
            self._known.setdefault(parent, _Known("dir"))
        entries = {path: known.stored(path in parents) for path, known in self._known.items() if path != _ROOT}
        order = sorted(entries, key=lambda path: (entries[path].kind == "dir", -len(path.parts), path))
        return Tree({str(path): entries[path] for path in order}, tuple(self._unread))

    def take(self, asked: Asked) -> None:
        """Learn from one command."""
        if asked.verb in ("CWD", "XCWD", "CDUP", "XCUP", "PWD", "XPWD") and asked.is_done:
            self._exists(asked.directory_after, "dir")
            return
        take = _TAKERS.get(asked.verb)
        path = asked.path
        if take is not None and path is not None:
            take(self, asked, path)

    # Paths.

    def _initial(self, path: PurePosixPath) -> PurePosixPath | None:
        """The path of the same file before all changes; None for a file that a client has made."""
        for above in (path, *path.parents):
            if above in self._moved:
                before = self._moved[above]
                return None if before is None else before / path.relative_to(above)
        return path

    def _exists(self, path: PurePosixPath, kind: str = "") -> _Known | None:
        """What is known of a path that exists now; None when it was not there at the beginning."""
        initial = self._initial(path)
        if initial is None:
            return None
        known = self._known.setdefault(initial, _Known())
        known.kind = kind or known.kind
        return known

    def _made(self, path: PurePosixPath) -> None:
        self._exists(path.parent, "dir")
        self._moved[path] = None

    # Commands.

    def _sized(self, asked: Asked, path: PurePosixPath) -> None:
        size = asked.replies[-1].text if asked.code == "213" else ""
        known = self._exists(path, "file") if size.isdecimal() else None
        if known is not None and (known.size is None or not asked.ascii):
            known.size = int(size)

    def _dated(self, asked: Asked, path: PurePosixPath) -> None:
        if asked.code != "213" or (known := self._exists(path)) is None:
            return
        try:
            self._date(known, parse_time(fill(asked.replies[-1].text, self._values)), is_exact=True)
        except CommandSyntaxError:
            return  # the reply to a command that set the time

    def _date(self, known: _Known, modified: float | None, is_exact: bool) -> None:
        if modified is None or (known.is_exact and not is_exact):
            return
        known.is_exact = is_exact
        known.modified = None if abs(modified - self._now) < _RECENT else modified

    def _described(self, asked: Asked, path: PurePosixPath) -> None:
        """MLST."""
        if asked.code == "250" and len(asked.replies[-1].lines) > 2:
            for entry in self._read(asked.replies[-1].lines[1:-1]):
                self._enter(path, entry, is_exact=True)

    def _read(self, lines: Iterable[str]) -> tuple[Entry, ...]:
        reading = read_listing([fill(line, self._values) for line in lines], now=self._now)
        self._unread.update({f"{unread.line}: {unread.reason}": None for unread in reading.unread})
        return reading.entries

    def _enter(self, path: PurePosixPath, entry: Entry, is_exact: bool) -> None:
        kind = {"cdir": "dir", "pdir": "dir", "unknown": ""}.get(entry.type, entry.type)
        known = self._exists(path, kind)
        if known is None:
            return
        known.target = entry.target or known.target
        if kind == "link":
            return  # its other facts are not those of the file that clients see
        if entry.size is not None and kind == "file":
            known.size = entry.size
        known.mode = known.mode if entry.mode is None else entry.mode
        known.owner, known.group = entry.owner or known.owner, entry.group or known.group
        self._date(known, entry.modify, is_exact)

    def _listed(self, asked: Asked, path: PurePosixPath) -> None:
        """LIST and MLSD."""
        lines = self._lines(asked)
        if lines is None:
            return
        for directory, section in self._sections(asked, path, lines):
            entries = [entry for entry in self._read(section) if entry.name not in (".", "..")]
            alone = len(entries) == 1 and entries[0].type != "dir" and self._is_itself(asked, path, entries[0].name)
            if not alone and not _has_pattern(asked):
                self._exists(directory, "dir")
            for entry in entries:
                place = path if alone else resolve_virtual(directory, entry.name)
                if entry.type not in ("cdir", "pdir"):
                    self._enter(place, entry, is_exact=asked.verb == "MLSD")

    def _lines(self, asked: Asked) -> list[str] | None:
        """The lines of a complete listing."""
        if asked.data is None or not asked.is_done or asked.data.end not in ("eof", "no-close-notify"):
            return None
        content = self._recording.content(asked.data, self._values)
        return content.decode("utf-8", "surrogateescape").replace("\r\n", "\n").split("\n")[:-1]

    def _sections(
        self, asked: Asked, path: PurePosixPath, lines: list[str]
    ) -> Iterator[tuple[PurePosixPath, list[str]]]:
        """The directories of a listing, each with its lines."""
        directory, section = path.parent if _has_pattern(asked) else path, list[str]()
        is_recursive = re.match(r"(?:-\S+ )*-\S*R", asked.argument) is not None
        for number, line in enumerate(lines):
            below = listed_directory(line) if is_recursive and (not number or not lines[number - 1]) else None
            if below is None:
                section.append(line)
                continue
            yield directory, section
            directory, section = resolve_virtual(asked.directory, below), []
        yield directory, section

    def _is_itself(self, asked: Asked, path: PurePosixPath, name: str) -> bool:
        """Whether a listing with one name is that of a file, and not of a directory with one file."""
        initial = self._initial(path)
        known = None if initial is None else self._known.get(initial)
        is_dir = known is not None and known.kind == "dir"
        return bool(path_in(asked.verb, asked.argument)) and not is_dir and PurePosixPath(name).name == path.name

    def _named(self, asked: Asked, path: PurePosixPath) -> None:
        """NLST."""
        given = path_in(asked.verb, asked.argument) or ""
        names = [name for name in self._lines(asked) or () if name and PurePosixPath(name).name not in (".", "..", "")]
        if names == [given]:
            self._exists(path)
            return
        base = path.parent if _has_pattern(asked) else path
        for name in names:
            if not name.startswith("/"):
                name = str(base / PurePosixPath(name).name)
            self._exists(resolve_virtual(_ROOT, name))

    def _downloaded(self, asked: Asked, path: PurePosixPath) -> None:
        data = asked.data
        if data is None or (known := self._exists(path, "file")) is None:
            return
        content = self._recording.content(data)
        if data.type == "I":
            known.pieces[data.offset] = max(known.pieces.get(data.offset, b""), content, key=len)
            if asked.is_done and data.end in ("eof", "no-close-notify"):
                known.size = data.offset + len(content)
        elif asked.is_done and data.end in ("eof", "no-close-notify") and not data.offset:
            known.text = content.replace(b"\r\n", b"\n")

    def _uploaded(self, asked: Asked, path: PurePosixPath) -> None:
        if asked.data is None and not asked.is_done:
            return
        if asked.offset and (known := self._exists(path, "file")) is not None:
            known.size = max(known.size or 0, asked.offset)  # the client goes on with a file that is there
        self._made(path)

    def _made_directory(self, asked: Asked, path: PurePosixPath) -> None:
        if asked.is_done:
            self._made(path)
        elif asked.replies and failure_kind(asked.code, asked.replies[-1].lines) == "exists":
            self._exists(path, "dir")

    def _removed(self, asked: Asked, path: PurePosixPath) -> None:
        if asked.is_done:
            self._exists(path, "dir" if "RMD" in asked.verb else "")
            self._moved[path] = None

    def _rename_from(self, asked: Asked, path: PurePosixPath) -> None:
        if asked.code == "350":
            self._exists(path)
            self._renamed = path

    def _rename_to(self, asked: Asked, path: PurePosixPath) -> None:
        if asked.is_done and self._renamed is not None:
            self._exists(path.parent, "dir")
            self._moved[path], self._moved[self._renamed] = self._initial(self._renamed), None
        self._renamed = None


_Taker = Callable[[_Builder, Asked, PurePosixPath], None]
_B = _Builder

_TAKERS: Mapping[str, _Taker] = {
    "SIZE": _B._sized,
    "MDTM": _B._dated,
    "MLST": _B._described,
    "LIST": _B._listed,
    "MLSD": _B._listed,
    "NLST": _B._named,
    "RETR": _B._downloaded,
    "STOR": _B._uploaded,
    "APPE": _B._uploaded,
    "STOU": _B._uploaded,
    "MKD": _B._made_directory,
    "XMKD": _B._made_directory,
    "RMD": _B._removed,
    "XRMD": _B._removed,
    "DELE": _B._removed,
    "RNFR": _B._rename_from,
    "RNTO": _B._rename_to,
}


def _has_pattern(asked: Asked) -> bool:
    """Whether a listing is of a pattern such as ``*.csv``."""
    return _PATTERN.search(path_in(asked.verb, asked.argument) or "") is not None
