"""Recordings as files: read whole and checked, written whole or not at all.

One rule: a recording that is read and written again has the same bytes; a damaged file is an error with its line.
"""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from tempfile import mkstemp

import msgspec

from ftpfixture.errors import RecordingError
from ftpfixture.recording.bodies import Body, FileBody, MemoryBody, digest_of, pieces_of
from ftpfixture.recording.format import Command, Data, Header, Line, Note, Reply, content_of, line_of, read_line
from ftpfixture.recording.redact import Secrets, without_placeholders

__all__ = ["Recording", "blob_folder", "load", "replace_file", "save", "secrets_in"]


@dataclass(frozen=True, slots=True)
class Recording:
    """The dialogues of some sessions.

    Attributes:
        header: Their format, and where they come from.
        lines: Session by session, each in the order of the wire; those of a file may be mixed.
        blobs: Long bodies, by SHA-256 in hexadecimal; those of a loaded recording stay in their files.
    """

    header: Header
    lines: tuple[Line, ...]
    blobs: Mapping[str, bytes | Body] = field(default_factory=dict, repr=False, compare=False)

    def content(self, data: Data, values: Mapping[str, str] | None = None) -> bytes:
        """The bytes of a data connection of this recording, see `content_of`; a long body is read into memory."""
        body = self.body(data, values)
        return body.read(0, body.size)

    def body(self, data: Data, values: Mapping[str, str] | None = None) -> Body:
        """The bytes of a data connection, to be read in parts."""
        content = content_of(data, values)
        return _body(self.blobs[data.sha256] if content is None else content)

    def with_date(self, day: date) -> Recording:
        """This recording with the day on which it was made."""
        return replace(self, header=msgspec.structs.replace(self.header, on=day))

    def with_loose(self, verbs: tuple[str, ...]) -> Recording:
        """This recording with these loose verbs."""
        return replace(self, header=msgspec.structs.replace(self.header, loose=verbs))


def _body(content: bytes | Body) -> Body:
    return MemoryBody(content) if isinstance(content, bytes) else content


def blob_folder(path: Path) -> Path:
    """The folder with the long bodies of a recording: ``feed.ftp.jsonl`` has ``feed.ftp.blobs``."""
    return path.with_suffix(".blobs")


def load(path: str | os.PathLike[str]) -> Recording:
    """Read a recording.

    Raises:
        RecordingError: It is damaged, or of an unknown version; the text has the line and what to do.
        OSError: There is no such file.
    """
    place = Path(path)
    content = place.read_bytes()
    if not content.endswith(b"\n"):
        number = content.count(b"\n") + 1
        raise RecordingError(place, number, "the file is truncated in this line: restore it, or record again")
    rows = content.split(b"\n")[:-1]
    header = _read(place, 1, rows[0], first=True)
    assert isinstance(header, Header)
    lines = [_read(place, number, row) for number, row in enumerate(rows[1:], 2)]
    events = tuple(line for line in lines if not isinstance(line, Header))
    _check_sessions(place, events)
    blobs = {
        line.sha256: _blob(place, number, line)
        for number, line in enumerate(events, 2)
        if isinstance(line, Data) and line.blob
    }
    return Recording(header, events, blobs)


def _read(place: Path, number: int, row: bytes, first: bool = False) -> Header | Line:
    try:
        return read_line(row, first)
    except ValueError as error:
        raise RecordingError(place, number, str(error)) from None


def _check_sessions(place: Path, lines: Iterable[Line]) -> None:
    """Check that every session begins with its connection and ends, so that a truncated file is an error."""
    live: dict[int, bool] = {}
    number = 1
    for number, line in enumerate(lines, 2):
        what = line.what if isinstance(line, Note) else ""
        known = line.session in live
        if known is (what == "connected") or (known and not live[line.session]):
            text = "has not connected" if not known else "has ended before" if not live[line.session] else "is open"
            raise RecordingError(place, number, f"session {line.session} {text}")
        live[line.session] = what != "closed"
    missing = [session for session, lives in live.items() if lives]
    if missing:
        raise RecordingError(place, number, f"the file ends here and session {missing[0]} has no end: it is truncated")


def _blob(place: Path, number: int, data: Data) -> Body:
    path = blob_folder(place) / data.sha256
    try:
        body = FileBody(path, path.stat().st_size)
    except FileNotFoundError:
        raise RecordingError(place, number, f"its content is not there: {path} is missing") from None
    if (body.size, digest_of(body)) != (data.size, data.sha256):
        raise RecordingError(place, number, f"{path} is damaged: its bytes do not have this digest and size")
    return body


def save(path: str | os.PathLike[str], recording: Recording, secrets: Secrets | None = None) -> None:
    """Write a recording; a file that is there is replaced in one step, and stays as it is when this fails.

    Args:
        path: Such as ``feed.ftp.jsonl``.
        recording: What is written.
        secrets: Texts that must not be in it, in any encoding.

    Raises:
        RecordingError: A secret is in it; nothing is written.
        OSError: It cannot be written.
    """
    place = Path(path)
    if secrets is not None:
        for number, text in secrets_in(recording, secrets):
            raise RecordingError(place, number, f"nothing was written: this line would have {text}")
    place.parent.mkdir(parents=True, exist_ok=True)
    folder = blob_folder(place)
    there = _names(folder)
    try:
        for digest, content in recording.blobs.items():
            folder.mkdir(exist_ok=True)
            _store(folder / digest, _body(content))
        replace_file(place, map(line_of, (recording.header, *recording.lines)))
    except BaseException:
        _keep(folder, there)
        raise
    _keep(folder, recording.blobs)


def _names(folder: Path) -> list[str]:
    return os.listdir(folder) if folder.is_dir() else []


def _keep(folder: Path, names: Container[str]) -> None:
    """Remove all other files of a folder, and a folder that is empty."""
    for other in _names(folder):
        if other not in names:
            (folder / other).unlink()
    if folder.is_dir() and not _names(folder):
        folder.rmdir()


def _store(target: Path, body: Body) -> None:
    """Write a body to its file: a temporary file gets a second name, where the file system can do that."""
    if isinstance(body, FileBody):
        if body.path == target:
            return
        if body.owner is not None and not target.exists():
            with suppress(OSError):
                os.link(body.path, target)
                return
    replace_file(target, pieces_of(body))


def secrets_in(recording: Recording, secrets: Secrets) -> Iterator[tuple[int, str]]:
    """Each line that has a secret: its number in the file, and what it has, in words."""
    for number, line in enumerate(recording.lines, 2):
        found = secrets.found_in_pieces(_pieces(recording, line))
        if found is not None:
            name, form = found
            yield number, f"the {name} {form}: {_shown(line)}"


def _pieces(recording: Recording, line: Line) -> Iterator[bytes]:
    """The content of a line, as it is before base64 and JSON, without placeholders."""
    match line:
        case Data():
            yield from pieces_of(recording.body(line))
        case Command():
            yield without_placeholders(line.line())
        case Reply():
            yield without_placeholders(line.content())


def _shown(line: Line) -> str:
    """Describe a line without its content, which may have the secret anywhere."""
    match line:
        case Data():
            return f"the data of transfer {line.number} in session {line.session}; use other test data"
        case Command():
            return f"a command of session {line.session}"
        case Reply():
            return f"a reply of session {line.session}"
        case _:
            return f"session {line.session}"


def replace_file(place: Path, pieces: Iterable[bytes]) -> None:
    """Write a file, in one step for its readers.

    Raises:
        OSError: It cannot be written; a file of that name stays as it is.
    """
    handle, name = mkstemp(dir=place.parent, prefix=f".{place.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(pieces)
        os.chmod(name, 0o644)
        os.replace(name, place)
    except BaseException:
        os.unlink(name)
        raise
