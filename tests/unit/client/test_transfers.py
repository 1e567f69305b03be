"""Uploads and downloads of files and trees: destinations, resuming, progress, and verification."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import socket
import zlib
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any

import pytest

from ftpfixture import (
    AbstractPathIO,
    Client,
    Connection,
    FtpServer,
    IntegrityError,
    MemoryPathIO,
    PathIO,
    PathIOError,
    Retry,
    Server,
    StatusCodeError,
)
from ftpfixture.errors import CommandRefused
from ftpfixture.files.content import MemoryFile
from tests.support.naps import Naps
from tests.support.scripted import (
    GREETING,
    TYPE_I,
    ScriptedServer,
    Step,
    epsv,
    expect_data_reset,
    receive,
    reset,
    reset_data,
    send,
    talk,
    transfer,
)

NOOP: list[Step] = ["NOOP", b"200 fine\r\n"]
TREE = {"f": b"one", "a b/g": b"two", "a b/deep/er/h": b"", "z/ü": b"four"}
MISSING = b"550 no such file\r\n"


class ProgressLog:
    """Records the calls of a progress function."""

    def __init__(self) -> None:
        self.calls: list[tuple[PurePath, int, int | None]] = []
        self._thresholds: list[tuple[int, asyncio.Event]] = []

    def __call__(self, path: PurePath, done: int, total: int | None) -> None:
        """Record the call."""
        self.calls.append((path, done, total))
        for least, event in self._thresholds:
            if done >= least:
                event.set()

    def reached(self, done: int) -> asyncio.Event:
        """An event that is set as soon as `done` bytes were reported."""
        event = asyncio.Event()
        self._thresholds.append((done, event))
        return event

    def __len__(self) -> int:
        return len(self.calls)

    @property
    def steps(self) -> list[tuple[int, int | None]]:
        """The calls without their paths."""
        return [(done, total) for _, done, total in self.calls]


def create_files(root: Path, tree: dict[str, bytes]) -> None:
    """Create files below a directory."""
    root.mkdir(parents=True, exist_ok=True)
    for name, data in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def files_below(root: Path) -> dict[str, bytes]:
    """All files below a directory."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def below(prefix: str, tree: dict[str, bytes]) -> dict[str, bytes]:
    """A tree with a path before its names."""
    return {str(PurePosixPath(prefix) / name): data for name, data in tree.items()}


def mlst(path: str, facts: str) -> list[Step]:
    """MLST and its reply."""
    return [f"MLST {path}", f"250-x\r\n {facts} {path}\r\n250 End\r\n".encode()]


def size(path: str, number: int | None) -> list[Step]:
    """SIZE and its reply."""
    return [f"SIZE {path}", MISSING if number is None else f"213 {number}\r\n".encode()]


# Destinations.

DESTINATIONS = [
    ("", False, "src"),
    ("", True, "."),
    (".", False, "src"),
    ("dst", False, "dst/src"),
    ("dst", True, "dst"),
    ("a/b", False, "a/b/src"),
    ("a/b", True, "a/b"),
    ("/x/y", False, "/x/y/src"),
    ("/x/y", True, "/x/y"),
    ("/", False, "/src"),
    ("/", True, "/"),
    ("../up", True, "/up"),
]


@pytest.mark.parametrize(("destination", "write_into", "root"), DESTINATIONS)
@pytest.mark.parametrize("kind", [str, PurePosixPath])
async def test_the_destination_of_an_uploaded_tree(
    ftp_client: Client,
    ftp_server: FtpServer,
    tmp_path: Path,
    destination: str,
    write_into: bool,
    root: str,
    kind: Callable[[str], str | PurePosixPath],
) -> None:
    """A directory is put into the destination, or gets its name; missing parents and empty directories are created."""
    create_files(tmp_path / "src", TREE)
    (tmp_path / "src" / "empty").mkdir()
    await ftp_client.make_directory("/here")
    await ftp_client.change_directory("/here")

    await ftp_client.upload(tmp_path / "src", kind(destination), write_into=write_into)

    where = PurePosixPath("/here") / root
    assert ftp_server.files == below(str(where), TREE)
    assert str(where / "empty") in ftp_server.files.directories


@pytest.mark.parametrize(("destination", "write_into", "root"), DESTINATIONS)
async def test_the_destination_of_a_downloaded_tree(
    ftp_client: Client,
    ftp_server: FtpServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    destination: str,
    write_into: bool,
    root: str,
) -> None:
    """A directory is put into the destination, or gets its name; missing parents and empty directories are created."""
    for path, data in below("/top/src", TREE).items():
        ftp_server.files[path] = data
    ftp_server.files.mkdir("/top/src/empty")
    (tmp_path / "work" / "here").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work" / "here")
    if destination.startswith("/"):
        destination, root = str(tmp_path) + destination, str(tmp_path) + root
    elif destination.startswith(".."):
        root = "../up"
    await ftp_client.change_directory("/top")

    await ftp_client.download("src", destination, write_into=write_into)

    assert (Path(root) / "empty").is_dir()
    (Path(root) / "empty").rmdir()
    assert files_below(Path(root)) == TREE


@pytest.mark.parametrize(
    ("destination", "write_into", "target"),
    [("", False, "f"), ("dst", False, "dst/f"), ("a/b", False, "a/b/f"), ("g", True, "g"), ("a/b/g", True, "a/b/g")],
)
async def test_the_destination_of_a_file(
    ftp_client: Client, ftp_server: FtpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    destination: str, write_into: bool, target: str,
) -> None:  # fmt: skip
    """A file is put into the destination, or gets its name, both ways; an existing file is replaced."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f").write_bytes(b"data")
    await ftp_client.upload("f", destination, write_into=write_into)
    await ftp_client.upload(Path("f"), destination, write_into=write_into)
    assert ftp_server.files == {f"/{target}": b"data"}

    ftp_server.files.set("/f", b"new")
    (tmp_path / "back").mkdir()
    monkeypatch.chdir(tmp_path / "back")
    await ftp_client.download("/f", destination, write_into=write_into)
    await ftp_client.download(PurePosixPath("/f"), PurePath(destination), write_into=write_into)
    assert (tmp_path / "back" / target).read_bytes() == b"new"


# Missing sources, and entries that are no files.


async def test_nothing_to_upload(tmp_path: Path) -> None:
    """A missing local source is an error with its name, and nothing is sent."""
    os.symlink("nowhere", tmp_path / "dangling")
    async with talk() as client:
        for name in ("missing", "dangling"):
            with pytest.raises(FileNotFoundError, match="there is nothing to upload") as caught:
                await client.upload(tmp_path / name)
            assert (caught.value.errno, caught.value.filename) == (errno.ENOENT, str(tmp_path / name))


async def test_nothing_to_download(tmp_path: Path) -> None:
    """A missing source on the server is an error, and nothing is created locally."""
    async with talk("MLST f", MISSING) as client:
        with pytest.raises(StatusCodeError, match="550"):
            await client.download("f", tmp_path / "dst")
    assert not (tmp_path / "dst").exists()


async def test_links_and_pipes_in_a_local_tree(
    ftp_client: Client, ftp_server: FtpServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Links are followed, except those that lead back; entries that are no files are left out; the log reports both."""
    src = tmp_path / "src"
    create_files(src, {"d/f": b"data"})
    os.symlink("d", src / "again")
    os.symlink("d/f", src / "file")
    os.symlink("..", src / "d" / "up")
    os.symlink(".", src / "self")
    os.symlink("nowhere", src / "dangling")
    os.mkfifo(src / "pipe")

    await ftp_client.upload(src, "/in", write_into=True)

    assert ftp_server.files == {"/in/again/f": b"data", "/in/d/f": b"data", "/in/file": b"data"}
    warnings = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert warnings == [
        f"{src / 'again' / 'up'} is not uploaded: it leads to a directory above itself",
        f"{src / 'd' / 'up'} is not uploaded: it leads to a directory above itself",
        f"{src / 'dangling'} is not uploaded: it is no file, nor a link that leads to one",
        f"{src / 'pipe'} is not uploaded: it is no file, nor a link that leads to one",
        f"{src / 'self'} is not uploaded: it leads to a directory above itself",
    ]


async def test_links_of_the_server(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A link on the server is downloaded as its file; a link that leads to no file is left out, and logged."""
    listing = b"type=OS.unix=slink:f; good\r\ntype=OS.unix=slink:d; bad\r\ntype=file; f\r\n"
    got = transfer("RETR d/good", send(b"data"))
    async with talk(
        *(*mlst("d", "type=dir;"), *transfer("MLSD d", send(listing), first=True), *got),
        *(epsv, "RETR d/bad", MISSING, *transfer("RETR d/f", send(b"data"))),
    ) as client:
        await client.download("d", tmp_path)
    assert files_below(tmp_path / "d") == {"good": b"data", "f": b"data"}
    [warning] = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert warning == "d/bad is not downloaded: it is a link that leads to no file"


@pytest.mark.parametrize(("kind", "code"), [("file", b"550"), ("OS.unix=slink:x", b"451")])
async def test_a_file_that_may_not_be_read(kind: str, code: bytes, tmp_path: Path) -> None:
    """A refused file in a tree is an error, and so is a link that is refused for another reason."""
    async with talk(
        *(*mlst("d", "type=cdir;"), *transfer("MLSD d", send(f"type={kind}; f\r\n".encode()), first=True)),
        *(epsv, "RETR d/f", code + b" no\r\n", *NOOP),
    ) as client:
        with pytest.raises(StatusCodeError, match=code.decode()):
            await client.download("d", tmp_path)
        await client.noop()


async def test_hostile_names(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A server cannot make a client write outside of the destination."""
    listing = b"type=file; ../evil\r\ntype=dir; ..\r\ntype=file; /tmp/evil\r\ntype=file; good\r\n"
    async with talk(
        *(*mlst("d", "type=dir;"), *transfer("MLSD d", send(listing), first=True)),
        *transfer("RETR d/good", send(b"data")),
    ) as client:
        await client.download("d", tmp_path / "in")
    assert files_below(tmp_path) == {"in/d/good": b"data"}
    assert caplog.text.count("is no name") == 2


class WindowsPathIO(MemoryPathIO):
    """Files in memory with Windows paths."""

    async def mkdir(self, path: PurePath, *, parents: bool = False, exist_ok: bool = False) -> None:
        """Create a directory."""
        await super().mkdir(PurePosixPath(path.as_posix()), parents=parents, exist_ok=exist_ok)

    async def _open(self, path: PurePath, mode: str = "rb") -> MemoryFile:
        return await super()._open(PurePosixPath(path.as_posix()), mode)


async def test_names_of_another_system(caplog: pytest.LogCaptureFixture) -> None:
    """A name that is locally a path, or on another drive, is left out, and logged."""
    listing = b"type=file; ..\\evil\r\ntype=dir; C:\\x\r\ntype=file; d:y\r\ntype=file; good\r\n"
    async with talk(
        *(*mlst("d", "type=dir;"), *transfer("MLSD d", send(listing), first=True)),
        *transfer("RETR d/good", send(b"data")),
        path_io_factory=WindowsPathIO,
    ) as client:
        await client.download("d", PureWindowsPath("in"))
        paths = [str(path) async for path in client.path_io.list(PurePosixPath("/in/d"))]
    assert paths == ["/in/d/good"]
    warnings = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert warnings == [
        rf"{name} is not downloaded: it is no local name" for name in (r"'..\\evil'", r"'C:\\x'", "'d:y'")
    ]


# Local files that fail.


async def test_a_destination_that_cannot_be_written(ftp_client: Client, ftp_server: FtpServer, tmp_path: Path) -> None:
    """When a local file cannot be created, that error is raised, the transfer is reset, and the session continues."""
    ftp_server.files["/f"] = b"data"
    (tmp_path / "f").mkdir()
    with pytest.raises(PathIOError):
        await ftp_client.download("/f", tmp_path)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(PathIOError):
        await ftp_client.download("/f", tmp_path / "file" / "below")
    await ftp_client.noop()


async def test_a_source_that_cannot_be_read(tmp_path: Path) -> None:
    """When a local file cannot be opened, STOR is not sent, so the file on the server is not changed."""

    class Locked(PathIO):
        """Opens no file."""

        async def _open(self, path: PurePath, mode: str = "rb") -> Any:
            raise PathIOError("locked")

    (tmp_path / "f").write_bytes(b"data")
    async with talk(*NOOP, path_io_factory=Locked) as client:
        with pytest.raises(PathIOError, match="locked"):
            await client.upload(tmp_path / "f")
        await client.noop()


class Failing(PathIO):
    """Fails in the middle of a file."""

    async def read(self, file: Any, n: int = -1) -> bytes:
        """Read, but not beyond the first four bytes."""
        if file.tell() >= 4:
            raise PathIOError("bad sector")
        data: bytes = file.read(4)
        return data

    async def write(self, file: Any, data: bytes | bytearray | memoryview) -> int:
        """Write nothing."""
        raise PathIOError("disk full")


async def test_a_source_that_fails(tmp_path: Path, naps: Naps) -> None:
    """When a local file cannot be read to its end, the upload is reset and not retried."""
    (tmp_path / "f").write_bytes(b"123456789")
    async with talk(
        *(*TYPE_I, epsv, "STOR f", b"150 go\r\n", expect_data_reset, b"426 broken\r\n", *NOOP),
        path_io_factory=Failing,
        retry=Retry(),
    ) as client:
        with pytest.raises(PathIOError, match="bad sector"):
            await client.upload(tmp_path / "f", block_size=4)
        await client.noop()
    assert naps.seconds == []


async def test_a_destination_that_fails(tmp_path: Path, naps: Naps) -> None:
    """When a local file cannot be written, the download is reset and not retried."""
    async with talk(
        *(*mlst("f", "type=file;"), *TYPE_I, epsv, "RETR f", b"150 go\r\n", send(b"x", end=False), expect_data_reset),
        *(b"426 broken\r\n", *NOOP),
        path_io_factory=Failing,
        retry=Retry(),
    ) as client:
        with pytest.raises(PathIOError, match="disk full"):
            await client.download("f", tmp_path)
        await client.noop()
    assert naps.seconds == []


# Progress.


async def test_progress_of_a_download(tmp_path: Path) -> None:
    """Progress is reported before the first byte and after every block, with the source path and the size."""
    progress = ProgressLog()
    async with talk(
        *(*mlst("/d/f", "type=file;"), *TYPE_I, *size("/d/f", 10)),
        *(epsv, "RETR /d/f", send(b"0123456789"), b"150 x\r\n226 done\r\n"),
    ) as client:
        await client.download("/d/f", tmp_path, block_size=4, progress=progress)
    path = PurePosixPath("/d/f")
    assert progress.calls == [(path, 0, 10), (path, 4, 10), (path, 8, 10), (path, 10, 10)]


@pytest.mark.parametrize("reply", [MISSING, b"502 no\r\n"])
async def test_progress_without_a_size(tmp_path: Path, reply: bytes) -> None:
    """When the size is unknown, it is reported as None."""
    progress = ProgressLog()
    more = mlst("f", "type=file;") if reply.startswith(b"502") else []
    async with talk(
        *(*mlst("f", "type=file;"), *TYPE_I, "SIZE f", reply, *more),
        *(epsv, "RETR f", send(b"0123"), b"150 x\r\n226 done\r\n"),
    ) as client:
        await client.download("f", tmp_path, progress=progress)
    assert progress.steps == [(0, None), (4, None)]


async def test_size_refused(tmp_path: Path) -> None:
    """Any other refusal of SIZE is an error."""
    async with talk(*mlst("f", "type=file;"), *TYPE_I, "SIZE f", b"530 log in\r\n") as client:
        with pytest.raises(StatusCodeError, match="530"):
            await client.download("f", tmp_path, progress=ProgressLog())


async def test_no_progress_no_size(tmp_path: Path) -> None:
    """Without a progress function, SIZE is not sent."""
    async with talk(*mlst("f", "type=file;"), *transfer("RETR f", send(b"data"), first=True)) as client:
        await client.download("f", tmp_path)
    assert files_below(tmp_path) == {"f": b"data"}


async def test_progress_of_an_upload(tmp_path: Path) -> None:
    """Progress of an upload is reported with the local path."""
    progress = ProgressLog()
    (tmp_path / "f").write_bytes(b"0123456789")
    async with talk(*transfer("STOR f", receive(b"0123456789"), first=True)) as client:
        await client.upload(tmp_path / "f", block_size=4, progress=progress)
    path = tmp_path / "f"
    assert progress.calls == [(path, 0, 10), (path, 4, 10), (path, 8, 10), (path, 10, 10)]


async def test_progress_of_trees(ftp_client: Client, tmp_path: Path) -> None:
    """In a tree progress is reported for every file, once for empty ones; uploads are in order of their paths."""
    up, down = ProgressLog(), ProgressLog()
    create_files(tmp_path / "src", TREE)
    await ftp_client.upload(tmp_path / "src", progress=up)
    await ftp_client.download("src", tmp_path / "back", progress=down)

    assert up.calls == [
        (tmp_path / "src" / name, done, total)
        for name, done, total in (
            *(("a b/deep/er/h", 0, 0), ("a b/g", 0, 3), ("a b/g", 3, 3)),
            *(("f", 0, 3), ("f", 3, 3), ("z/ü", 0, 4), ("z/ü", 4, 4)),
        )
    ]
    assert sorted(down.calls) == sorted(
        (PurePosixPath("src") / path.relative_to(tmp_path / "src").as_posix(), done, total)
        for path, done, total in up.calls
    )


# Resuming.


@pytest.mark.parametrize(
    ("local", "steps", "result"),
    [
        (None, [(0, 6), (6, 6)], b"012345"),
        (b"", [(0, 6), (6, 6)], b"012345"),
        (b"abc", [(3, 6), (6, 6)], b"abc345"),
        (b"abcdef", [(6, 6)], b"abcdef"),
        (b"abcdefg", [(0, 6), (6, 6)], b"012345"),
    ],
)
async def test_resume_a_download(
    ftp_client: Client,
    ftp_server: FtpServer,
    tmp_path: Path,
    local: bytes | None,
    steps: list[tuple[int, int]],
    result: bytes,
) -> None:
    """A partial local file is resumed; a complete one stays; one longer than the source is replaced."""
    ftp_server.files["/f"] = b"012345"
    if local is not None:
        (tmp_path / "f").write_bytes(local)
    progress = ProgressLog()

    await ftp_client.download("/f", tmp_path, resume=True, progress=progress)

    assert progress.steps == steps
    assert (tmp_path / "f").read_bytes() == result
    assert [record.argument for record in ftp_server.log.commands if record.verb == "REST"] == (
        ["3"] if local == b"abc" else []
    )


@pytest.mark.parametrize(
    ("remote", "steps", "result"),
    [
        (None, [(0, 6), (6, 6)], b"012345"),
        (b"", [(0, 6), (6, 6)], b"012345"),
        (b"abc", [(3, 6), (6, 6)], b"abc345"),
        (b"abcdef", [(6, 6)], b"abcdef"),
        (b"abcdefg", [(0, 6), (6, 6)], b"012345"),
    ],
)
async def test_resume_an_upload(
    ftp_client: Client,
    ftp_server: FtpServer,
    tmp_path: Path,
    remote: bytes | None,
    steps: list[tuple[int, int]],
    result: bytes,
) -> None:
    """A partial remote file is resumed with APPE; a complete one stays; one longer than the source is replaced."""
    if remote is not None:
        ftp_server.files["/f"] = remote
    (tmp_path / "f").write_bytes(b"012345")
    progress = ProgressLog()

    await ftp_client.upload(tmp_path / "f", "/", resume=True, progress=progress)

    assert progress.steps == steps
    assert ftp_server.files == {"/f": result}
    verbs = {record.verb for record in ftp_server.log.commands} & {"STOR", "APPE"}
    assert verbs == ({"APPE"} if remote == b"abc" else set() if remote == b"abcdef" else {"STOR"})


async def test_resume_without_progress(ftp_client: Client, ftp_server: FtpServer, tmp_path: Path) -> None:
    """Resuming works without a progress function, and does not copy complete files, in trees too."""
    create_files(tmp_path / "d", {"whole": b"123", "half": b"45", "empty": b""})
    ftp_server.files["/d/half"] = b"456"
    ftp_server.files["/d/whole"] = b"abc"
    ftp_server.files["/d/empty"] = b""

    await ftp_client.download("/d", tmp_path, resume=True)
    assert files_below(tmp_path / "d") == {"whole": b"123", "half": b"456", "empty": b""}
    await ftp_client.upload(tmp_path / "d", "/up", write_into=True, resume=True)
    ftp_server.files["/up/half"] = b"4"
    await ftp_client.upload(tmp_path / "d", "/up", write_into=True, resume=True)
    assert ftp_server.files["/up/half"] == b"456"


async def test_a_server_without_rest(tmp_path: Path) -> None:
    """When REST is refused, the file is downloaded from its beginning."""
    progress = ProgressLog()
    (tmp_path / "f").write_bytes(b"abc")
    async with talk(
        *(*mlst("f", "type=file;"), *TYPE_I, *size("f", 6), epsv, "REST 3", b"502 no\r\n", receive(b"")),
        *(epsv, "RETR f", send(b"012345"), b"150 x\r\n226 done\r\n"),
    ) as client:
        await client.download("f", tmp_path, resume=True, progress=progress)
    assert progress.steps == [(0, 6), (6, 6)]
    assert files_below(tmp_path) == {"f": b"012345"}


async def test_refused_after_rest(tmp_path: Path) -> None:
    """When the file is refused after REST, that error is raised, and the local file stays."""
    (tmp_path / "f").write_bytes(b"abc")
    async with talk(
        *(*mlst("f", "type=file;"), *TYPE_I, *size("f", 6), epsv, "REST 3", b"350 ok\r\n", "RETR f", b"550 no\r\n")
    ) as client:
        with pytest.raises(StatusCodeError, match="550"):
            await client.download("f", tmp_path, resume=True)
    assert files_below(tmp_path) == {"f": b"abc"}


async def test_resume_without_a_size(tmp_path: Path) -> None:
    """When the size on the server is unknown, a download resumes at the end of the local file."""
    (tmp_path / "f").write_bytes(b"abc")
    async with talk(
        *(*mlst("f", "type=file;"), *TYPE_I, "SIZE f", b"550 no\r\n", epsv, "REST 3", b"350 ok\r\n"),
        *("RETR f", b"150 x\r\n", send(b"345"), b"226 done\r\n"),
    ) as client:
        await client.download("f", tmp_path, resume=True)
    assert files_below(tmp_path) == {"f": b"abc345"}


# Retries.


async def connected_client(server: ScriptedServer, **settings: Any) -> Client:
    """A client that is logged in to a scripted server, and retries."""
    client = Client(retry=Retry(delay=1), socket_timeout=20, **settings)
    await client.connect(*server.address)
    await client.login("ann")
    return client


LOGIN: list[Step] = [GREETING, "USER ann", b"230 in\r\n"]


async def test_a_download_is_resumed(tmp_path: Path, naps: Naps) -> None:
    """A download resumes where its connection failed, on a new control connection if necessary."""
    progress = ProgressLog()
    begin: list[Step] = [*mlst("f", "type=file;"), *TYPE_I, *size("f", 6)]
    async with ScriptedServer(
        [
            *(*LOGIN, *begin, epsv, "RETR f", b"150 x\r\n", send(b"01", end=False), progress.reached(2), reset_data),
            *(b"426 broken\r\n", epsv, "REST 2", b"350 ok\r\n", "RETR f", b"150 x\r\n", send(b"23", end=False)),
            *(progress.reached(4), reset),
        ],
        [*LOGIN, *TYPE_I, epsv, "REST 4", b"350 ok\r\n", "RETR f", b"150 x\r\n", send(b"45"), b"226 done\r\n"],
    ) as server:
        client = await connected_client(server)
        await client.download("f", tmp_path, progress=progress)
        client.close()
    assert files_below(tmp_path) == {"f": b"012345"}
    assert progress.steps == [(0, 6), (2, 6), (2, 6), (4, 6), (4, 6), (6, 6)]
    assert naps.seconds == [1, 2]


async def test_a_temporary_refusal_of_a_download(tmp_path: Path, naps: Naps) -> None:
    """After a 4xx, each step of a download is retried."""
    async with talk(
        *("MLST f", b"450 busy\r\n", *mlst("f", "type=file;"), *TYPE_I, epsv, "RETR f", b"450 busy\r\n"),
        *transfer("RETR f", send(b"data")),
        retry=Retry(),
    ) as client:
        await client.download("f", tmp_path)
    assert files_below(tmp_path) == {"f": b"data"}
    assert naps.seconds == [0.5, 0.5]


@pytest.mark.parametrize(
    ("arrived", "command", "rest"),
    [
        ([b"213 3\r\n"], "APPE f", b"345"),
        ([b"213 0\r\n"], "STOR f", b"012345"),
        ([b"550 gone\r\n"], "STOR f", b"012345"),
        ([b"213 7\r\n"], "STOR f", b"012345"),
        ([b"213 6\r\n"], "APPE f", b""),
        ([b"502 no\r\n", "MLST f", b"250 type=file;size=4; f\r\n"], "APPE f", b"45"),
        ([b"502 no\r\n", "MLST f", b"550 gone\r\n"], "STOR f", b"012345"),
    ],
)
async def test_an_upload_is_resumed(tmp_path: Path, naps: Naps, arrived: list[Step], command: str, rest: bytes) -> None:
    """An upload that fails resumes after the bytes that the server has, or begins again."""
    progress = ProgressLog()
    (tmp_path / "f").write_bytes(b"012345")
    async with talk(
        *(*TYPE_I, epsv, "STOR f", b"150 go\r\n", receive(b"012345"), b"426 broken\r\n"),
        *("SIZE f", *arrived, *transfer(command, receive(rest))),
        retry=Retry(),
    ) as client:
        await client.upload(tmp_path / "f", progress=progress)
    assert naps.seconds == [0.5]
    begin = 6 - len(rest)
    assert progress.steps == [(0, 6), (6, 6), (begin, 6), *([(6, 6)] if rest else [])]


async def test_an_upload_on_a_new_connection(tmp_path: Path, naps: Naps) -> None:
    """An upload also resumes after the control connection was lost."""
    (tmp_path / "f").write_bytes(b"012345")
    async with ScriptedServer(
        [*LOGIN, *TYPE_I, epsv, "STOR f", b"150 go\r\n", receive(b"012345"), reset],
        [*LOGIN, *TYPE_I, *size("f", 2), *transfer("APPE f", receive(b"2345"))],
    ) as server:
        client = await connected_client(server)
        await client.upload(tmp_path / "f")
        client.close()


async def test_a_temporary_refusal_of_an_upload(tmp_path: Path, naps: Naps) -> None:
    """Before an upload has begun, the size on the server is not used: it may be that of an old file."""
    (tmp_path / "f").write_bytes(b"data")
    async with talk(
        *(*TYPE_I, epsv, "STOR f", b"450 busy\r\n", *transfer("STOR f", receive(b"data"))), retry=Retry()
    ) as client:
        await client.upload(tmp_path / "f")
    assert naps.seconds == [0.5]


async def test_attempts_used_up(tmp_path: Path, naps: Naps) -> None:
    """The last error is raised, and the session continues."""
    refused: list[Step] = [epsv, "RETR f", b"425 busy\r\n"]
    async with talk(*(*mlst("f", "type=file;"), *TYPE_I, *refused, *refused, *refused, *NOOP), retry=Retry()) as client:
        with pytest.raises(StatusCodeError, match="425"):
            await client.download("f", tmp_path)
        await client.noop()
    assert naps.seconds == [0.5, 1]


async def test_the_steps_of_a_tree_are_retried(ftp_server: FtpServer, tmp_path: Path, naps: Naps) -> None:
    """Directories and listings of a tree are retried too."""
    create_files(tmp_path / "d", {"f": b"data"})
    async with talk(
        *("MKD d", b"450 busy\r\n", "MKD d", b"257 ok\r\n", *transfer("STOR d/f", receive(b"data"), first=True)),
        *(*mlst("d", "type=dir;"), epsv, "MLSD d", b"450 busy\r\n", *transfer("MLSD d", send(b"type=file; f\r\n"))),
        *transfer("RETR d/f", send(b"data")),
        *("MKD in", b"450 busy\r\n", "MKD in", b"257 ok\r\n", *transfer("STOR in/f", receive(b"data"))),
        retry=Retry(),
    ) as client:
        await client.upload(tmp_path / "d")
        await client.download("d", tmp_path / "back")
        await client.upload(tmp_path / "d" / "f", "in")
    assert files_below(tmp_path / "back") == {"d/f": b"data"}
    assert naps.seconds == [0.5] * 3


# Verification.


def feat(*lines: str) -> list[Step]:
    """A reply to FEAT."""
    return ["FEAT", "".join(["211-x\r\n", *(f" {line}\r\n" for line in lines), "211 End\r\n"]).encode()]


CRC = f"{zlib.crc32(b'data'):08X}"


@pytest.mark.parametrize(
    ("script", "algorithm", "local"),
    [
        ([*feat("HASH SHA-256"), *feat("HASH SHA-256"), "OPTS HASH SHA-256", b"200 ok\r\n", "HASH f"], "SHA-256", ""),
        ([*feat("XMD5"), *feat("XMD5"), "XMD5 f"], "MD5", "8d777f385d3dfec8815d20f7496026dc"),
        ([*feat("XCRC"), *feat("XCRC"), "XCRC f"], "CRC32", CRC),
        ([*feat("SIZE"), "SIZE f"], "size", "4"),
        (["FEAT", b"502 no\r\n", "SIZE f"], "size", "4"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("whole", [True, False])
async def test_verify(tmp_path: Path, script: list[Step], algorithm: str, local: str, whole: bool) -> None:
    """Copies are compared with the server's strongest hash, or by size; a difference is an error that shows both."""
    local = local or sha256(b"data").hexdigest()
    remote = local if whole else local.translate(str.maketrans("0123456789abcdefABCDEF", "1234567890bcdefaBCDEFA"))
    reply = f"213 {remote}\r\n".encode()
    text = f"f on the server and {tmp_path / 'f'} differ in {algorithm}: {remote.lower()} there, {local.lower()} here"

    async with talk(
        *(*mlst("f", "type=file;"), *transfer("RETR f", send(b"data"), first=True), *script, reply),
        *(*transfer("STOR f", receive(b"data")), *script, reply),
    ) as client:
        for call in (client.download("f", tmp_path, verify=True), client.upload(tmp_path / "f", verify=True)):
            if whole:
                await call
            else:
                with pytest.raises(IntegrityError) as caught:
                    await call
                assert str(caught.value) == text


async def test_verify_large_files(ftp_client: Client, tmp_path: Path) -> None:
    """Hashes of files with several blocks are compared."""
    (tmp_path / "f").write_bytes(bytes(range(256)) * 10_000)
    await ftp_client.upload(tmp_path / "f", verify=True)
    await ftp_client.download("f", tmp_path / "back", verify=True)


async def test_verify_is_retried(tmp_path: Path, naps: Naps) -> None:
    """A temporary refusal of the hash is retried; a difference is not."""
    (tmp_path / "f").write_bytes(b"data")
    async with talk(
        *(*transfer("STOR f", receive(b"data"), first=True), "FEAT", b"421 x\r\n"),
        retry=Retry(attempts=1),
    ) as client:
        with pytest.raises(StatusCodeError, match="421"):
            await client.upload(tmp_path / "f", verify=True)
    async with talk(
        *(*transfer("STOR f", receive(b"data"), first=True), "FEAT", b"450 busy\r\n", "FEAT", b"500 x\r\n"),
        *size("f", 3),
        retry=Retry(),
    ) as client:
        with pytest.raises(IntegrityError):
            await client.upload(tmp_path / "f", verify=True)
    assert naps.seconds == [0.5]


async def test_verify_a_complete_file(tmp_path: Path) -> None:
    """With `resume` a file of the right size is not copied, but compared."""
    (tmp_path / "f").write_bytes(b"data")
    async with talk(
        *(
            *mlst("f", "type=file;"),
            *TYPE_I,
            *size("f", 4),
            *feat("XCRC"),
            *feat("XCRC"),
            "XCRC f",
            b"250 DEADBEEF\r\n",
        ),
        *(*size("f", 4), *feat("XCRC"), *feat("XCRC"), "XCRC f", b"250 DEADBEEF\r\n"),
    ) as client:
        with pytest.raises(IntegrityError, match="CRC32"):
            await client.download("f", tmp_path, resume=True, verify=True)
        with pytest.raises(IntegrityError, match="CRC32"):
            await client.upload(tmp_path / "f", resume=True, verify=True)


async def test_verify_without_hash_and_size(tmp_path: Path) -> None:
    """When a server has neither hash nor size, that is an error: nothing was compared."""
    (tmp_path / "f").write_bytes(b"data")
    async with talk(
        *(*transfer("STOR f", receive(b"data"), first=True), "FEAT", b"502 x\r\n", "SIZE f", b"502 no\r\n"),
        *("MLST f", b"550 no\r\n"),
    ) as client:
        with pytest.raises(StatusCodeError, match="550"):
            await client.upload(tmp_path / "f", verify=True)


# Streams.


async def test_the_commands_of_streams() -> None:
    """Each stream sends its command, with the given path."""
    async with talk(
        *transfer("RETR /a b", send(b"down"), first=True),
        *transfer("STOR /a b", receive(b"up")),
        *transfer("APPE /a b", receive(b"more")),
    ) as client:
        async with client.download_stream(PurePosixPath("/a b")) as stream:
            assert await stream.read() == b"down"
        async with client.upload_stream("/a b") as stream:
            await stream.write(b"up")
        async with client.append_stream("/a b") as stream:
            await stream.write(b"more")


def test_the_layer_of_local_files_is_a_setting() -> None:
    """The client accesses local files with its own path layer."""
    assert isinstance(Client().path_io, AbstractPathIO)


async def test_a_layer_in_memory(ftp_server: FtpServer) -> None:
    """Transfers use the path layer of the client, both ways."""
    ftp_server.files["/d/f"] = b"data"
    async with Client.context(*ftp_server.address, *ftp_server.credentials, path_io_factory=MemoryPathIO) as client:
        await client.download("/d", "/mine")
        await client.upload("/mine/d", "/back", verify=True)
    assert ftp_server.files == {"/d/f": b"data", "/back/d/f": b"data"}


# On our own server.

DIGITS = b"0123456789"
DIGESTS = ["HASH", "XSHA512", "XSHA256", "XSHA1", "XSHA", "XMD5", "XCRC"]
STRONGEST = [
    ([], "SHA-512", "HASH"),
    (DIGESTS[1:], "SHA-512", "HASH"),
    (DIGESTS[:1], "SHA-512", "XSHA512"),
    (DIGESTS[:2], "SHA-256", "XSHA256"),
    (DIGESTS[:3], "SHA-1", "XSHA1"),
    (DIGESTS[:5], "MD5", "XMD5"),
    (DIGESTS[:6], "CRC32", "XCRC"),
    (DIGESTS, "size", "SIZE"),
    ([*DIGESTS, "SIZE"], "size", "MLST"),
]


def commands(server: FtpServer, *verbs: str) -> list[str]:
    """The commands with these verbs, and their replies."""
    return [str(record) for record in server.log.commands if record.verb in verbs]


def as_shown(algorithm: str, data: bytes) -> object:
    """A digest as errors show it."""
    if algorithm == "size":
        return len(data)
    if algorithm == "CRC32":
        return f"{zlib.crc32(data):08x}"
    return hashlib.new(algorithm.replace("-", ""), data).hexdigest()


class Corrupting(Server):
    """Changes each file once, when FEAT is sent."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.whole = ["/f", "/g"]

    async def feat(self, connection: Connection, rest: str) -> bool:
        """Append a byte to the first file that is still unchanged, if it exists."""
        if self.whole and await connection.path_io.exists(PurePosixPath(self.whole[0])):
            async with connection.path_io.open(PurePosixPath(self.whole.pop(0)), mode="ab") as file:
                await file.write(b"x")
        return await super().feat(connection, rest)


@pytest.mark.parametrize(("disable", "algorithm", "command"), STRONGEST)
async def test_the_strongest_of_a_server(
    disable: list[str], algorithm: str, command: str, ftp_server_factory: Callable[..., FtpServer], tmp_path: Path
) -> None:
    """The server's strongest digest is compared: changed files are reported; unchanged ones pass, empty ones too."""
    files = {"/f": DIGITS, "/in/none": b"", "/in/big": bytes(range(256)) * 1000}
    server = ftp_server_factory(server_class=Corrupting, disable=disable, files=files)
    local = tmp_path / "f"
    changed, whole = as_shown(algorithm, DIGITS + b"x"), as_shown(algorithm, DIGITS)
    async with Client.context(*server.address, *server.credentials, retry=Retry()) as client:
        with pytest.raises(IntegrityError) as caught:
            await client.download("/f", tmp_path, verify=True)
        assert str(caught.value) == f"/f on the server and {local} differ in {algorithm}: {changed} there, {whole} here"
        with pytest.raises(IntegrityError) as caught:
            await client.upload(local, "/g", write_into=True, verify=True)
        assert str(caught.value) == f"/g on the server and {local} differ in {algorithm}: {changed} there, {whole} here"
        await client.download("/in", tmp_path, verify=True)
        await client.upload(tmp_path / "in", "/out", verify=True)
    assert len([line for line in commands(server, command) if "-> 2" in line]) >= 6
    assert len(commands(server, "RETR")) + len(commands(server, "STOR")) == 6


class Interrupting(Server):
    """Ends transfers as planned: each after a number of bytes, with a code. Without a plan they complete with 226."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.plan: list[tuple[int, str]] = []

    async def _send(self, connection: Connection, first: int, count: int | None, stream: Any, file: Any) -> None:
        count, code = self.plan.pop(0) if self.plan else (count, "")
        await super()._send(connection, first, count, stream, file)
        if code:
            raise CommandRefused(code, "Interrupted")

    async def _receive(self, connection: Connection, offset: int, stream: Any, file: Any) -> None:
        if not self.plan:
            await super()._receive(connection, offset, stream, file)
            return
        count, code = self.plan.pop(0)
        await file.write(await stream.readexactly(count))
        await stream.read()  # closing with unread bytes would be a reset, which may overtake the reply
        raise CommandRefused(code, "Interrupted")


@pytest.fixture
def plan(ftp_server: FtpServer) -> list[tuple[int, str]]:
    """The transfers that the server interrupts; to be filled before a client connects."""
    assert isinstance(ftp_server.server, Interrupting)
    return ftp_server.server.plan


@pytest.mark.ftp(server_class=Interrupting, files={"/f": DIGITS})
async def test_a_download_resumes_repeatedly(
    plan: list[tuple[int, str]], ftp_server: FtpServer, tmp_path: Path, naps: Naps
) -> None:
    """A download resumes repeatedly where it stopped, and every byte is transferred once."""
    plan += [(3, "426"), (0, "451"), (4, "426")]
    progress = ProgressLog()
    async with Client.context(*ftp_server.address, *ftp_server.credentials, retry=Retry(attempts=4)) as client:
        await client.download("/f", tmp_path, progress=progress, verify=True)
    assert commands(ftp_server, "REST", "RETR") == [
        *("RETR /f -> 426", "REST 3 -> 350", "RETR /f -> 451"),
        *("REST 3 -> 350", "RETR /f -> 426", "REST 7 -> 350", "RETR /f -> 226"),
    ]
    assert [done for done, _ in progress.steps] == [0, 3, 3, 3, 7, 7, 10]
    assert [record.size for record in ftp_server.log.transfers] == [3, 0, 4, 3]


@pytest.mark.ftp(server_class=Interrupting)
async def test_an_upload_resumes_repeatedly(
    plan: list[tuple[int, str]], ftp_server: FtpServer, tmp_path: Path, naps: Naps
) -> None:
    """An upload resumes repeatedly with the bytes that the server does not have."""
    plan += [(3, "426"), (0, "451"), (4, "426")]
    (tmp_path / "f").write_bytes(DIGITS)
    async with Client.context(*ftp_server.address, *ftp_server.credentials, retry=Retry(attempts=4)) as client:
        await client.upload(tmp_path / "f", "/", verify=True)
    assert commands(ftp_server, "STOR", "APPE") == [
        *("STOR /f -> 426", "APPE /f -> 451", "APPE /f -> 426", "APPE /f -> 226")
    ]
    assert ftp_server.files == {"/f": DIGITS}


@pytest.mark.ftp(server_class=Interrupting, files={"/f": DIGITS}, disable=["REST"])
async def test_a_download_restarts_without_rest(
    plan: list[tuple[int, str]], ftp_server: FtpServer, tmp_path: Path, naps: Naps
) -> None:
    """Without REST the next attempt begins again, and no data are duplicated."""
    plan.append((3, "426"))
    progress = ProgressLog()
    async with Client.context(*ftp_server.address, *ftp_server.credentials, retry=Retry()) as client:
        await client.download("/f", tmp_path, progress=progress)
    assert commands(ftp_server, "REST", "RETR") == ["RETR /f -> 426", "REST 3 -> 502", "RETR /f -> 226"]
    assert [done for done, _ in progress.steps] == [0, 3, 0, 10]
    assert files_below(tmp_path) == {"f": DIGITS}


@pytest.mark.parametrize("code", ["421", "450"])
async def test_a_temporary_refusal_of_rest(code: str, tmp_path: Path) -> None:
    """A temporary refusal of REST is raised, and the local file stays."""
    (tmp_path / "f").write_bytes(b"abc")
    async with talk(
        *(*mlst("f", "type=file;"), *TYPE_I, *size("f", 6), epsv, "REST 3", f"{code} not now\r\n".encode())
    ) as client:
        with pytest.raises(StatusCodeError, match=f"Waiting for 350 but got {code}"):
            await client.download("f", tmp_path, resume=True)
    assert files_below(tmp_path) == {"f": b"abc"}


async def test_progress_that_fails(ftp_client: Client, ftp_server: FtpServer, tmp_path: Path) -> None:
    """An error of the progress function is raised unchanged and not retried, and the session continues."""

    def fail(path: PurePath, done: int, total: int | None) -> None:
        raise ZeroDivisionError

    ftp_server.files["/f"] = DIGITS
    (tmp_path / "g").write_bytes(DIGITS)
    ftp_client.retry = Retry()
    with pytest.raises(ZeroDivisionError):
        await ftp_client.download("/f", tmp_path, progress=fail)
    with pytest.raises(ZeroDivisionError):
        await ftp_client.upload(tmp_path / "g", progress=fail)
    assert await ftp_client.get_current_directory() == PurePosixPath("/")
    assert (len(commands(ftp_server, "RETR")), len(commands(ftp_server, "STOR"))) == (1, 1)


async def test_sockets_and_devices(
    ftp_client: Client,
    ftp_server: FtpServer,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Sockets and devices in a tree are left out, and logged."""
    (tmp_path / "f").write_bytes(DIGITS)
    (tmp_path / "null").symlink_to(os.devnull)
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind("sock")
        await ftp_client.upload(tmp_path, "/in", write_into=True)
    assert ftp_server.files == {"/in/f": DIGITS}
    assert caplog.messages == [
        f"{tmp_path / name} is not uploaded: it is no file, nor a link that leads to one" for name in ("null", "sock")
    ]


async def test_the_order_of_trees(ftp_client: Client, ftp_server: FtpServer, tmp_path: Path) -> None:
    """Entries are copied in order of their paths, a directory with its content in its place, both ways."""
    names = ["a", "b/c/d", "b/c/e", "b/f", "g"]
    create_files(tmp_path / "in", dict.fromkeys(reversed(names), b""))
    await ftp_client.upload(tmp_path / "in", "/")
    await ftp_client.download("/in", tmp_path / "back")
    for verb in ("STOR", "RETR"):
        assert [record.argument for record in ftp_server.log.find(verb)] == [f"/in/{name}" for name in names]


@pytest.mark.ftp(files={"/in/f": DIGITS, "/in/sub/g": b"g"}, disable=["MLSD", "MLST"])
async def test_down_by_list(
    ftp_client: Client, ftp_server: FtpServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Trees are downloaded with LIST too; a link to a directory, which LIST shows as a link, is not followed."""
    ftp_server.files.symlink("/in/dir", "sub")
    ftp_server.files.symlink("/in/link", "f")
    await ftp_client.download("/in", tmp_path)
    await ftp_client.download("/in/f", tmp_path)
    assert files_below(tmp_path) == {"f": DIGITS, "in/f": DIGITS, "in/link": DIGITS, "in/sub/g": b"g"}
    assert caplog.messages == ["/in/dir is not downloaded: it is a link that leads to no file"]


@pytest.mark.ftp(files={"/f": DIGITS, "/sub/g": b"g"})
async def test_sources_without_a_name(ftp_client: Client, tmp_path: Path) -> None:
    """The root and the current directory have no name: their content is put into the destination itself."""
    await ftp_client.download("/", tmp_path / "root")
    await ftp_client.change_directory("sub")
    await ftp_client.download("", tmp_path / "here")
    assert files_below(tmp_path) == {"root/f": DIGITS, "root/sub/g": b"g", "here/g": b"g"}
