"""Files of recordings: the same bytes again, whole or not at all, and damage is an error with its line."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import Mock

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftpfixture import RecordingError
from ftpfixture.recording.bodies import Body, FileBody
from ftpfixture.recording.format import Command, Data, Header, Line, Note, Reply, body_of
from ftpfixture.recording.redact import Secrets
from ftpfixture.recording.schema import schema
from ftpfixture.recording.store import Recording, blob_folder, load, save
from tests.support.rows import check_rows
from tests.unit.recording.test_format import LINES

HEADER = Header(version=1, source="server")
LONG = b"x" * 5000


def _data(content: bytes) -> Data:
    return Data(session=1, direction="down", number=1, type="I", end="eof", **body_of(content))


def _recording(*lines: Line, blobs: Mapping[str, bytes | Body] | None = None) -> Recording:
    return Recording(HEADER, (Note(session=1, what="connected"), *lines, Note(session=1, what="closed")), blobs or {})


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """Written again it is the same file; long bodies are files beside it, named by their digests."""
    path = tmp_path / "deep" / "feed.ftp.jsonl"
    data = _data(LONG)
    recording = _recording(Reply(session=1, lines=("220 Hi",)), data, _data(b"hello"), blobs={data.sha256: LONG})

    save(path, recording)
    first = path.read_bytes()
    save(path, load(path))

    assert load(path) == recording
    assert path.read_bytes() == first
    assert blob_folder(path) == tmp_path / "deep" / "feed.ftp.blobs"
    assert [blob.read_bytes() for blob in blob_folder(path).iterdir()] == [LONG]
    assert [load(path).content(line) for line in load(path).lines if isinstance(line, Data)] == [LONG, b"hello"]


def test_an_unused_body_is_removed(tmp_path: Path) -> None:
    """A recording that replaces another removes the files of its bodies."""
    path = tmp_path / "feed.ftp.jsonl"
    data = _data(LONG)
    save(path, _recording(data, blobs={data.sha256: LONG}))
    save(path, _recording())

    assert os.listdir(tmp_path) == ["feed.ftp.jsonl"]


def test_what_cannot_be_written_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full in the middle, the old file stays, and no other one is left."""
    path = tmp_path / "feed.ftp.jsonl"
    save(path, _recording())
    before = path.read_bytes()

    def fail(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space"):
        save(path, _recording(Command(session=1, text="NOOP")))

    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["feed.ftp.jsonl"]


def test_a_disk_that_is_full_behind_the_bodies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the lines cannot be written after the bodies, the old recording is whole, and only that is there."""
    path, old, new = tmp_path / "feed.ftp.jsonl", _data(LONG), _data(LONG * 2)
    save(path, _recording(old, blobs={old.sha256: LONG}))
    whole = load(path)
    replace = os.replace

    def fail(source: str, target: Path) -> None:
        if target == path:
            raise OSError("No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space"):
        save(path, _recording(new, blobs={new.sha256: LONG * 2}))

    assert load(path) == whole
    assert os.listdir(blob_folder(path)) == [old.sha256]
    assert sorted(os.listdir(tmp_path)) == ["feed.ftp.blobs", "feed.ftp.jsonl"]


def test_bodies_in_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a loaded recording are copied, temporary ones linked or copied; a file that is in its place stays."""
    path, data = tmp_path / "feed.ftp.jsonl", _data(LONG)
    source = tmp_path / "body"
    source.write_bytes(LONG)
    for owner, links in ((None, 1), (object(), 2)):
        save(path, _recording(data, blobs={data.sha256: FileBody(source, len(LONG), owner)}))
        blob = blob_folder(path) / data.sha256
        assert (blob.read_bytes(), blob.stat().st_nlink) == (LONG, links)
        save(path, load(path))
        assert blob.stat().st_nlink == links
        blob.unlink()
    monkeypatch.setattr(os, "link", Mock(side_effect=OSError("no links here")))
    save(path, _recording(data, blobs={data.sha256: FileBody(source, len(LONG), object())}))
    assert blob.read_bytes() == LONG


def test_a_secret_across_pieces_of_a_body(tmp_path: Path) -> None:
    """A body is searched in pieces of 1 MiB, and a secret across two of them is found."""
    path = tmp_path / "feed.ftp.jsonl"
    content = b"x" * ((1 << 20) - 4) + b" s3cret! " + b"y" * 100
    secrets = Secrets()
    secrets.add("password", "s3cret!")
    data = _data(content)
    with pytest.raises(RecordingError, match=":3: nothing was written: this line would have the password as it is"):
        save(path, _recording(data, blobs={data.sha256: content}), secrets)
    assert os.listdir(tmp_path) == []


START = b'{"ftp-recording": 1, "from": "server"}\n{"s": 1, "*": "connected"}\n'
END = b'{"s": 1, "*": "closed"}\n'


DAMAGE = [
    (b"", "1: the file is truncated in this line"),
    (START + END[:-1], "3: the file is truncated in this line"),
    (START, "2: the file ends here and session 1 has no end: it is truncated"),
    (START + b'{"s": 1, ">": "NO\n' + END, "3: no JSON"),
    (START + END + b'{"s": 1, ">": "NOOP"}\n', "4: session 1 has ended before"),
    (START + b'{"s": 2, ">": "NOOP"}\n' + END, "3: session 2 has not connected"),
    (START + b'{"s": 1, "*": "connected"}\n' + END, "3: session 1 is open"),
    (START + b"<<<<<<< HEAD\n" + END, "3: a conflict of a merge"),
    (b"hello\n", "1: no JSON"),
]


def test_damage_is_an_error_with_its_line(tmp_path: Path) -> None:
    """Truncated anywhere, edited or merged: nothing of it is taken for a recording."""
    path = tmp_path / "bad.ftp.jsonl"

    def check(row: tuple[bytes, str]) -> None:
        path.write_bytes(row[0])
        with pytest.raises(RecordingError, match=re.escape(f"{path}:{row[1]}")):
            load(path)

    check_rows(DAMAGE, check)


def test_a_body_is_missing_or_damaged(tmp_path: Path) -> None:
    """The error names the file."""
    path, data = tmp_path / "feed.ftp.jsonl", _data(LONG)
    save(path, _recording(data, blobs={data.sha256: LONG}))
    blob = blob_folder(path) / data.sha256

    blob.write_bytes(LONG[1:])
    with pytest.raises(RecordingError, match=f":3: {blob} is damaged"):
        load(path)
    blob.unlink()
    with pytest.raises(RecordingError, match=f":3: its content is not there: {blob} is missing"):
        load(path)


VERSION_1 = Path(__file__).parent / "data" / "version_1.ftp.jsonl"


def test_files_of_version_1(tmp_path: Path) -> None:
    """The file has every key of the version; it is read for ever, and as long as this version is written, unchanged."""
    recording = load(VERSION_1)
    keys = {key for line in VERSION_1.read_text().splitlines() for key in json.loads(line)}
    assert keys == {key for kind in schema()["$defs"].values() for key in kind["properties"]}
    assert [recording.content(line) for line in recording.lines if isinstance(line, Data)] == [
        b"-rw-r--r--    1 ann      ann             8 Jan  1 00:00 a.csv\r\n",
        b"b\n1,2\n",
        b"\x00\xff",
        b"".join(b"%d,row\n" % number for number in range(700)),
        b"a\r\nb\r\n",
    ]

    copy = tmp_path / VERSION_1.name
    save(copy, recording)
    assert copy.read_bytes() == VERSION_1.read_bytes()
    assert os.listdir(blob_folder(copy)) == os.listdir(blob_folder(VERSION_1))


dialogues = st.lists(st.tuples(st.integers(0, 2), LINES.filter(lambda line: not isinstance(line, Note))), max_size=12)
headers = st.builds(
    Header,
    version=st.just(1),
    source=st.sampled_from(["server", "proxy", "import"]),
    tls=st.sampled_from(["", "explicit", "implicit"]),
    redacted=st.lists(st.from_regex("[a-z_]+", fullmatch=True), max_size=3).map(tuple),
    loose=st.lists(st.sampled_from(["NOOP", "SYST"]), max_size=2).map(tuple),
)


@settings(max_examples=30)
@given(headers, dialogues, st.lists(st.binary(min_size=4097, max_size=4200), max_size=2))
def test_any_dialogue_to_a_file_and_back(header: Header, dialogue: list[tuple[int, Line]], long: list[bytes]) -> None:
    """Sessions that are mixed, with any lines and long bodies: the same values again, and the same bytes."""
    order = [session for session, _ in dialogue]
    lines: list[Line] = [Note(session=session + 1, what="connected") for session in dict.fromkeys(order)]
    lines += [msgspec.structs.replace(line, session=session + 1) for session, line in dialogue]
    lines += [Note(session=session + 1, what="closed", by="client", end="rst") for session in set(order)]
    bodies = [msgspec.structs.replace(_data(content), session=9) for content in long]
    lines += [Note(session=9, what="connected"), *bodies, Note(session=9, what="closed")]
    recording = Recording(header, tuple(lines), {hashlib.sha256(content).hexdigest(): content for content in long})

    with TemporaryDirectory() as folder:
        path = Path(folder) / "feed.ftp.jsonl"
        save(path, recording)
        first = path.read_bytes()
        loaded = load(path)
        assert loaded == recording
        assert [loaded.content(body) for body in bodies] == long
        save(path, loaded)
        assert path.read_bytes() == first
