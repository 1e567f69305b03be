"""Mirrors: what is copied, what is unchanged, and what is removed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any

import pytest

from ftpfixture import (
    Client,
    FtpServer,
    IntegrityError,
    MemoryPathIO,
    Mirrored,
    PathIO,
    PathIOError,
    Retry,
    StatusCodeError,
    UnsafeName,
    on,
)
from tests.support.naps import Naps
from tests.support.scripted import Step, epsv, receive, send, talk, transfer

LONG_AGO, EARLIER, LATER = 1_000_000_000, 1_000_000_100, 1_000_000_200
TREE = {"f": b"one", "a b/g": b"two", "a b/deep/h": b"", "z/ü": b"four"}
NAMES = tuple(map(PurePosixPath, ("a b/deep/h", "a b/g", "f", "z/ü")))


def paths(*names: str) -> tuple[PurePosixPath, ...]:
    """Names as paths."""
    return tuple(map(PurePosixPath, names))


class LocalTree:
    """A local tree.

    Attributes:
        root: The directory of the tree.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, name: str, data: bytes = b"", when: int = EARLIER) -> None:
        """Create a file with this modification time."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (when, when))

    def times(self) -> dict[str, int]:
        """The modification time of each file."""
        return {name: int((self.root / name).stat().st_mtime) for name in self.files()}

    def files(self) -> dict[str, bytes]:
        """All files."""
        found = sorted(path for path in self.root.rglob("*") if path.is_file())
        return {path.relative_to(self.root).as_posix(): path.read_bytes() for path in found}

    def directories(self) -> list[str]:
        """All directories."""
        return sorted(path.relative_to(self.root).as_posix() for path in self.root.rglob("*") if path.is_dir())


class RemoteTree:
    """A tree on the server, below /m."""

    def __init__(self, server: FtpServer) -> None:
        self._server = server

    def put(self, name: str, data: bytes = b"", when: int = EARLIER) -> None:
        """Create a file with this modification time."""
        self._server.files.set(f"/m/{name}", data, modified=when)

    def times(self) -> dict[str, int]:
        """The modification time of each file."""
        return {name: int(self._server.files.stat(f"/m/{name}").modified) for name in self.files()}

    def files(self) -> dict[str, bytes]:
        """All files."""
        return {path.removeprefix("/m/"): data for path, data in self._server.files.as_dict().items()}

    def directories(self) -> list[str]:
        """All directories."""
        return [path.removeprefix("/m/") for path in self._server.files.directories if path != "/m"]


@pytest.fixture
def local_tree(tmp_path: Path) -> LocalTree:
    """A local tree."""
    return LocalTree(tmp_path / "m")


@pytest.fixture
def remote_tree(ftp_server: FtpServer) -> RemoteTree:
    """A tree on the server."""
    return RemoteTree(ftp_server)


class Direction:
    """A mirror in one direction, so that both directions can be tested alike."""

    def __init__(self, client: Client, local_tree: LocalTree, remote_tree: RemoteTree, up: bool) -> None:
        self.source: LocalTree | RemoteTree = local_tree if up else remote_tree
        self.target: LocalTree | RemoteTree = remote_tree if up else local_tree
        self._client = client
        self._here = local_tree.root
        self._up = up

    async def run(self, **settings: Any) -> Mirrored:
        """Mirror."""
        if self._up:
            return await self._client.mirror_up(self._here, "/m", **settings)
        return await self._client.mirror_down("/m", self._here, **settings)


@pytest.fixture(params=["up", "down"])
def direction(
    request: pytest.FixtureRequest, ftp_client: Client, local_tree: LocalTree, remote_tree: RemoteTree
) -> Direction:
    """A mirror in either direction."""
    return Direction(ftp_client, local_tree, remote_tree, request.param == "up")


# In both directions.


async def test_everything_is_new(direction: Direction) -> None:
    """All files are copied with their times, in order of their paths; a second mirror copies nothing."""
    for name, data in TREE.items():
        direction.source.put(name, data, LONG_AGO)

    assert await direction.run() == Mirrored(NAMES, (), ())

    assert direction.target.files() == TREE
    assert direction.target.times() == dict.fromkeys(TREE, LONG_AGO)
    assert await direction.run() == Mirrored((), NAMES, ())
    assert await direction.run(delete=True) == Mirrored((), NAMES, ())


async def test_what_differs_is_copied(direction: Direction) -> None:
    """A file is copied when its size differs or the source is newer, not when the source is older or equally old."""
    for name, size, source, target in (
        ("longer", b"12", EARLIER, LATER),
        ("newer", b"s", LATER, EARLIER),
        ("older", b"s", EARLIER, LATER),
        ("shorter", b"", EARLIER, LATER),
        ("the same", b"s", EARLIER, EARLIER),
    ):
        direction.source.put(name, size, source)
        direction.target.put(name, b"t", target)

    assert await direction.run() == Mirrored(paths("longer", "newer", "shorter"), paths("older", "the same"), ())

    assert direction.target.files() == {"longer": b"12", "newer": b"s", "older": b"t", "shorter": b"", "the same": b"t"}
    assert direction.target.times()["older"] == LATER
    assert direction.target.times()["newer"] == LATER


async def test_nothing_is_deleted(direction: Direction) -> None:
    """Without `delete`, surplus files stay."""
    direction.source.put("f", b"1")
    direction.target.put("g", b"2")
    direction.target.put("d/h", b"3")

    assert await direction.run() == Mirrored(paths("f"), (), ())
    assert direction.target.files() == {"f": b"1", "g": b"2", "d/h": b"3"}


async def test_delete(direction: Direction) -> None:
    """With `delete`, surplus files and directories are removed; of a directory only the top is reported."""
    direction.source.put("keep/f", b"1")
    for name in ("keep/g", "keep/d/h", "top", "tree/a", "tree/b/c/d"):
        direction.target.put(name, b"2")

    assert await direction.run(delete=True) == Mirrored(paths("keep/f"), (), paths("keep/d", "keep/g", "top", "tree"))
    assert direction.target.files() == {"keep/f": b"1"}
    assert direction.target.directories() == ["keep"]


async def test_nothing_is_deleted_before_all_has_arrived(direction: Direction, ftp_server: FtpServer) -> None:
    """When a transfer fails, surplus files still exist."""
    direction.source.put("new", b"1")
    direction.target.put("old", b"2")
    direction.target.put("tree/f", b"3")
    kept = {"old": b"2", "tree/f": b"3"}
    with ftp_server.faults(on("RETR", "STOR").answer(550, "No")), pytest.raises(StatusCodeError):
        await direction.run(delete=True)
    assert direction.target.files() == kept

    assert await direction.run(delete=True) == Mirrored(paths("new"), (), paths("old", "tree"))
    assert direction.target.files() == {"new": b"1"}


async def test_another_spelling_is_another_file(direction: Direction, ftp_server: FtpServer) -> None:
    """Where names are case-sensitive, a surplus name in another case is removed after all copies, like the others."""
    direction.source.put("A", b"new")
    direction.target.put("a", b"old")
    with ftp_server.faults(on("RETR", "STOR").answer(550, "No")), pytest.raises(StatusCodeError):
        await direction.run(delete=True)
    assert direction.target.files() == {"a": b"old"}

    assert await direction.run(delete=True) == Mirrored(paths("A"), (), paths("a"))
    assert direction.target.files() == {"A": b"new"}


class IgnoresCase(MemoryPathIO):
    """Files with case-insensitive names, as on Windows."""

    def _absolute(self, path: str | PurePath) -> PurePath:
        return super()._absolute(PurePosixPath(str(path).lower()))


@pytest.mark.parametrize("disable", [[], ["MLSD", "MLST"]])
async def test_a_server_that_ignores_case(
    ftp_server_factory: Callable[..., FtpServer], local_tree: LocalTree, disable: list[str]
) -> None:
    """Where case is ignored, removing the other spelling afterwards would remove the new copy."""
    local_tree.put("A", b"new")
    local_tree.put("D/f", b"new")
    server = ftp_server_factory(path_io_factory=IgnoresCase, disable=disable)
    async with Client.context(*server.address, *server.credentials) as client:
        await client.upload(local_tree.root / "A", "/m/a", write_into=True)
        assert (await client.mirror_up(local_tree.root, "/m", delete=True)).transferred == paths("A", "D/f")
        assert [path.name for path, _ in await client.list("/m", recursive=True)] == ["a", "d", "f"]


async def test_local_files_that_ignore_case(ftp_client: Client, remote_tree: RemoteTree) -> None:
    """Where local case is ignored, removing the other spelling afterwards would remove the new copy."""
    remote_tree.put("A", b"new")
    remote_tree.put("D/f", b"new")
    root = PurePosixPath("/here")
    ftp_client.path_io = layer = IgnoresCase()
    await ftp_client.download("/m/A", root / "a", write_into=True)
    assert (await ftp_client.mirror_down("/m", root, delete=True)).transferred == paths("A", "D/f")
    assert [path.name for path in await layer.list(root)] == ["a", "d"]


async def test_a_change_of_kind(direction: Direction) -> None:
    """With `delete` a directory replaces a file, and a file replaces a directory."""
    direction.source.put("x/f", b"1")
    direction.source.put("y", b"2")
    direction.target.put("x", b"3")
    direction.target.put("y/g", b"4")

    assert await direction.run(delete=True) == Mirrored(paths("x/f", "y"), (), paths("x", "y"))
    assert direction.target.files() == {"x/f": b"1", "y": b"2"}


async def test_a_change_of_kind_without_delete(direction: Direction) -> None:
    """Without `delete` a file in the place of a directory is an error, and stays."""
    direction.source.put("x/f", b"1")
    direction.target.put("x", b"3")
    with pytest.raises((StatusCodeError, PathIOError)):
        await direction.run()
    assert direction.target.files() == {"x": b"3"}


async def test_a_directory_in_the_place_of_a_file(direction: Direction) -> None:
    """Without `delete` a directory in the place of a file is an error, and stays."""
    direction.source.put("x", b"1")
    direction.target.put("x/f", b"3")
    with pytest.raises((StatusCodeError, PathIOError)):
        await direction.run()
    assert direction.target.files() == {"x/f": b"3"}


async def test_empty_directories(direction: Direction) -> None:
    """Directories are created, empty ones too; an existing directory is not an error."""
    direction.source.put("a/b/f")
    direction.source.put("c/g")
    for source in (direction.source,):
        if isinstance(source, LocalTree):
            (source.root / "empty" / "er").mkdir(parents=True)
        else:
            source._server.files.mkdir("/m/empty/er")
    direction.target.put("c/old")

    await direction.run()
    await direction.run()

    assert direction.target.directories() == ["a", "a/b", "c", "empty", "empty/er"]


async def test_progress_and_verify(direction: Direction, ftp_server: FtpServer) -> None:
    """Progress is reported, and the hash compared, for every file that is copied."""
    reported: list[tuple[str, int, int | None]] = []

    def progress(path: PurePath, done: int, total: int | None) -> None:
        reported.append((path.name, done, total))

    direction.source.put("f", b"123")
    direction.source.put("same", b"1")
    direction.target.put("same", b"1")
    await direction.run(progress=progress, verify=True)

    assert reported == [("f", 0, 3), ("f", 3, 3)]
    ftp_server.log.assert_sent("HASH", times=1)


# Up.


@pytest.mark.parametrize("name", ["missing", "file"])
async def test_no_directory_to_mirror(tmp_path: Path, name: str) -> None:
    """A source that is not a local directory is an error, and nothing is sent."""
    (tmp_path / "file").write_bytes(b"")
    async with talk() as client:
        with pytest.raises(NotADirectoryError) as caught:
            await client.mirror_up(str(tmp_path / name), "m")
    assert str(caught.value) == f"cannot mirror {tmp_path / name}: it is not an existing directory"


async def test_up_to_a_missing_directory(ftp_client: Client, ftp_server: FtpServer, local_tree: LocalTree) -> None:
    """The destination is created, with missing parent directories."""
    local_tree.put("f", b"1")
    await ftp_client.mirror_up(str(local_tree.root), "/x/y/z")
    assert ftp_server.files == {"/x/y/z/f": b"1"}


async def test_local_links_are_followed(
    ftp_client: Client, remote_tree: RemoteTree, local_tree: LocalTree, tmp_path: Path
) -> None:
    """Local links are treated as their targets; links that lead back and dangling links are left out."""
    local_tree.put("d/f", b"1")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "g").write_bytes(b"2")
    os.symlink("d", local_tree.root / "a link")
    os.symlink("d", local_tree.root / "z link")
    os.symlink(tmp_path / "outside", local_tree.root / "out")
    os.symlink("d/f", local_tree.root / "file")
    os.symlink("..", local_tree.root / "d" / "up")
    os.symlink("nowhere", local_tree.root / "dangling")

    await ftp_client.mirror_up(local_tree.root, "/m")

    assert remote_tree.files() == {"a link/f": b"1", "d/f": b"1", "file": b"1", "out/g": b"2", "z link/f": b"1"}
    assert (await ftp_client.mirror_up(local_tree.root, "/m", delete=True)).deleted == ()


@pytest.mark.ftp(disable=["MFMT"])
async def test_up_without_mfmt(
    ftp_client: Client, ftp_server: FtpServer, remote_tree: RemoteTree, local_tree: LocalTree
) -> None:
    """When the server cannot set times, a second mirror copies nothing: the copies are newer."""
    local_tree.put("f", b"1")
    local_tree.put("g", b"1")
    assert (await ftp_client.mirror_up(local_tree.root, "/m")).transferred == paths("f", "g")
    assert (await ftp_client.mirror_up(local_tree.root, "/m")).unchanged == paths("f", "g")


async def test_up_without_mfmt_and_mdtm(tmp_path: Path) -> None:
    """After one refusal the client does not set times any more on that connection."""
    for name in ("f", "g"):
        (tmp_path / name).write_bytes(b"1")
        os.utime(tmp_path / name, (LONG_AGO, LONG_AGO))
    script: list[Step] = [
        *("MKD m", b"257 ok\r\n", *transfer("MLSD m", send(b""), first=True), *transfer("STOR m/f", receive(b"1"))),
        *("MFMT 20010909014640 m/f", b"502 no\r\n", "MDTM 20010909014640 m/f", b"550 no\r\n"),
        *transfer("STOR m/g", receive(b"1")),
    ]
    async with talk(*script) as client:
        assert (await client.mirror_up(tmp_path, "m")).transferred == paths("f", "g")


async def test_links_on_the_server_are_not_followed(
    ftp_client: Client, ftp_server: FtpServer, local_tree: LocalTree
) -> None:
    """Surplus links on the server are removed, but not their targets."""
    local_tree.put("f", b"1")
    ftp_server.files["/keep/g"] = b"2"
    ftp_server.files["/m/d/x"] = b"3"
    ftp_server.files.symlink("/m/d/link", "/keep")
    ftp_server.files.symlink("/m/link", "/keep")

    await ftp_client.mirror_up(local_tree.root, "/m", delete=True)

    assert ftp_server.files == {"/keep/g": b"2", "/m/f": b"1"}


# Down.


async def test_down_from_a_missing_directory(ftp_client: Client, tmp_path: Path) -> None:
    """A missing source is an error, and nothing is created or removed locally."""
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "f").write_bytes(b"1")
    for name in ("m", "n"):
        with pytest.raises(StatusCodeError, match="550"):
            await ftp_client.mirror_down("/none", tmp_path / name, delete=True)
    assert os.listdir(tmp_path) == ["m"]
    assert os.listdir(tmp_path / "m") == ["f"]


async def test_down_to_a_missing_directory(ftp_client: Client, remote_tree: RemoteTree, tmp_path: Path) -> None:
    """The destination is created, with missing parent directories."""
    remote_tree.put("f", b"1")
    await ftp_client.mirror_down(PurePosixPath("/m"), str(tmp_path / "x" / "y"))
    assert (tmp_path / "x" / "y" / "f").read_bytes() == b"1"


@pytest.mark.ftp(disable=["MLSD"])
async def test_down_without_mlsd(
    ftp_client: Client, remote_tree: RemoteTree, local_tree: LocalTree, ftp_server: FtpServer
) -> None:
    """Times of LIST are imprecise and of unknown time zone: the client sends MDTM for each file."""
    remote_tree.put("f", b"1", LATER)
    remote_tree.put("d/g", b"1", LATER)
    local_tree.put("f", b"0", EARLIER)
    assert (await ftp_client.mirror_down("/m", local_tree.root)).transferred == paths("d/g", "f")
    assert local_tree.times() == {"d/g": LATER, "f": LATER}
    assert (await ftp_client.mirror_down("/m", local_tree.root)).transferred == ()
    ftp_server.log.assert_sent("MDTM", times=4)


@pytest.mark.ftp(disable=["MLSD", "MLST", "MDTM", "MFMT"])
async def test_without_any_times(direction: Direction) -> None:
    """Without times only sizes are compared, and copies get the time of the transfer."""
    direction.source.put("f", b"1", LATER)
    direction.source.put("g", b"12", LATER)
    direction.target.put("f", b"0", EARLIER)
    direction.target.put("g", b"0", EARLIER)
    await direction.run()
    assert direction.target.files()["g"] == b"12"


@pytest.mark.parametrize("facts", ["type=file;", "type=file;size=1;"])
async def test_facts_that_are_missing(local_tree: LocalTree, facts: str) -> None:
    """A file of unknown size is downloaded; one of unknown time, which MDTM does not report either, is not."""
    local_tree.put("f", b"1", LATER)
    async with talk(
        *transfer("MLSD m", send(f"{facts} f\r\n".encode()), first=True),
        *("MDTM m/f", b"550 no\r\n"),
        *([] if "size" in facts else transfer("RETR m/f", send(b"2"))),
    ) as client:
        result = await client.mirror_down("m", local_tree.root)
    assert result == (Mirrored((), paths("f"), ()) if "size" in facts else Mirrored(paths("f"), (), ()))


INVALID_FACTS = (
    *("size=;", "size=x;", "size=-1;", "size=99999999999999999999999;", "modify=;", "modify=yesterday;"),
    *("modify=20240230000000;", "modify=2024;", "size=;modify=;", "type=;", "type=sideways;", "unique=;", "perm=;"),
)


async def test_invalid_facts(
    ftp_server_factory: Callable[..., FtpServer], local_tree: LocalTree, tmp_path: Path
) -> None:
    """An empty or invalid fact is unknown: the file is downloaded, by a mirror and by a download."""
    names = [f"f{number}" for number in range(len(INVALID_FACTS))]
    lines = [f"type=file;{facts} {name}\r\n" for facts, name in zip(INVALID_FACTS, names, strict=True)]
    lines = [line.replace("type=file;type=", "type=") for line in lines]
    server = ftp_server_factory(
        files={f"/m/{name}": name.encode() for name in names},
        faults=[on("MLSD").truncate(after_bytes=0).pad("".join(lines).encode())],
    )
    async with Client.context(*server.address, *server.credentials) as client:
        result = await client.mirror_down("/m", local_tree.root, delete=True)
        await client.download("/m", tmp_path / "in")
    assert sorted(result.transferred) == sorted(paths(*names))
    assert local_tree.files() == {name: name.encode() for name in names}
    assert LocalTree(tmp_path / "in" / "m").files() == local_tree.files()


async def test_invalid_replies_to_size_and_mdtm(local_tree: LocalTree) -> None:
    """Replies to SIZE and MDTM that cannot be parsed do not end a mirror."""
    async with talk(
        *transfer("MLSD m", send(b"type=file; f\r\ntype=OS.unix=slink:f; l\r\n"), first=True),
        *("MDTM m/f", b"213 19101\r\n", "SIZE m/l", b"213 -1\r\n"),
        *(*transfer("RETR m/f", send(b"1")), *transfer("RETR m/l", send(b"2"))),
    ) as client:
        assert (await client.mirror_down("m", local_tree.root)).transferred == paths("f", "l")


# Links, and other entries that are no files.

LISTING_COMMANDS = pytest.mark.parametrize("disable", [[], ["MLSD"], ["MLSD", "MLST", "SIZE", "MDTM"]])


def linked(server: FtpServer) -> None:
    """Create a tree with links: to a file, to a directory, and dangling."""
    server.files["/m/v1.txt"] = b"one"
    server.files["/m/sub/f"] = b"two"
    for name, target in (("current.txt", "v1.txt"), ("dir", "sub"), ("nothing", "none")):
        server.files.symlink(f"/m/{name}", target)


@LISTING_COMMANDS
async def test_links_on_the_server(
    ftp_server_factory: Callable[..., FtpServer], tmp_path: Path, disable: list[str]
) -> None:
    """A download and a mirror give the same tree, and the mirror deletes neither its entries nor targets of links."""
    server = ftp_server_factory(disable=disable)
    linked(server)
    both = LocalTree(tmp_path / "m")
    async with Client.context(*server.address, *server.credentials) as client:
        await client.download("/m", tmp_path)
        downloaded = both.files()
        both.put("dir/only here", b"3")
        both.put("too much", b"4")
        result = await client.mirror_down("/m", both.root, delete=True)

    assert downloaded["current.txt"] == b"one"
    assert ("dir/f" in downloaded) is (not disable)
    assert result.left_out == (paths("nothing") if not disable else paths("dir", "nothing"))
    assert result.deleted == (paths("dir/only here", "too much") if not disable else paths("too much"))
    assert both.files() == downloaded | ({"dir/only here": b"3"} if disable else {})


@LISTING_COMMANDS
async def test_surplus_links_on_the_server(
    ftp_server_factory: Callable[..., FtpServer], local_tree: LocalTree, disable: list[str]
) -> None:
    """A mirror up removes surplus links, but not their targets."""
    server = ftp_server_factory(disable=disable)
    linked(server)
    local_tree.put("v1.txt", b"one", LONG_AGO)
    local_tree.put("sub/f", b"two", LONG_AGO)
    async with Client.context(*server.address, *server.credentials) as client:
        result = await client.mirror_up(local_tree.root, "/m", delete=True)
    assert result.deleted == paths("current.txt", "dir", "nothing")
    assert server.files == {"/m/v1.txt": b"one", "/m/sub/f": b"two"}
    assert "/m/nothing" not in server.files


async def test_entries_of_unknown_type(local_tree: LocalTree, caplog: pytest.LogCaptureFixture) -> None:
    """An entry that is neither file nor directory may be a file: it is downloaded, or reported as left out."""
    listing = b"type=OS.unix=chr-1/3; null\r\nsize=1; file\r\n"
    local_tree.put("null", b"kept")
    async with talk(
        *transfer("MLSD m", send(listing), first=True),
        *("SIZE m/null", b"550 no\r\n", "SIZE m/file", b"213 1\r\n", "MDTM m/file", b"550 no\r\n"),
        *(*transfer("RETR m/file", send(b"1")), epsv, "RETR m/null", b"550 not a plain file\r\n"),
    ) as client:
        result = await client.mirror_down("m", local_tree.root, delete=True)
    assert result == Mirrored(paths("file"), (), (), paths("null"))
    assert local_tree.files() == {"file": b"1", "null": b"kept"}
    assert "m/null is not downloaded: it is no file" in caplog.text


async def test_a_dangling_local_link(ftp_client: Client, ftp_server: FtpServer, local_tree: LocalTree) -> None:
    """A dangling local link protects its name on the server."""
    local_tree.put("f", b"1")
    os.symlink("nowhere", local_tree.root / "dangling")
    ftp_server.files["/m/dangling"] = b"precious"
    result = await ftp_client.mirror_up(local_tree.root, "/m", delete=True)
    assert result == Mirrored(paths("f"), (), (), paths("dangling"))
    assert ftp_server.files["/m/dangling"] == b"precious"


# Names.

WINDOWS_NAMES = ("..\\..\\evil.txt", "..\\evil", "C:x", "C:\\x", "\\\\host\\share\\x", "a:b", "NUL.txt", "dot.", "q?")


@pytest.mark.parametrize("disable", [[], ["MLSD"]])
async def test_names_of_another_system(
    ftp_server_factory: Callable[..., FtpServer], disable: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """With Windows paths nothing is written outside of the destination; names that are left out are reported."""
    names = [*WINDOWS_NAMES, "d\\e"]
    listed = [name for name in names if not (disable and name.startswith("."))]
    server = ftp_server_factory(files={"/d\\e/g": b"bad", "/good": b"1"}, disable=disable)
    for name in WINDOWS_NAMES:
        server.files.set(f"/{name}", b"bad")
    memory = MemoryPathIO()
    async with Client.context(*server.address, *server.credentials, path_io_factory=lambda **_: memory) as client:
        for delete in (False, True):
            result = await client.mirror_down("/", PureWindowsPath("C:/a/b/dest"), delete=delete)
            assert result.left_out == tuple(sorted(paths(*listed)))
        found = [str(path) async for path in memory.list(PureWindowsPath("C:/a/b/dest"))]
        assert [name.rpartition("\\")[2] for name in found] == ["good"]
        for name in names:
            with pytest.raises(UnsafeName, match="is no local file name: give another one with write_into=True"):
                await client.download(f"/{name}", PureWindowsPath("C:/a/b/dest"))
    assert caplog.text.count("it is no local name") == 2 * len(listed)


@pytest.mark.parametrize("disable", [["MLSD"], ["MLSD", "MLST"]])
async def test_dot_files_that_list_hides(
    ftp_server_factory: Callable[..., FtpServer], local_tree: LocalTree, disable: list[str]
) -> None:
    """A hidden name is looked up before something is deleted or overwritten because of it."""
    server = ftp_server_factory(files={"/m/.both": b"1", "/m/.newer": b"there"}, disable=disable)
    for name in (".both", ".here"):
        local_tree.put(name, b"1", LONG_AGO)
    local_tree.put(".newer", b"older", LONG_AGO)
    async with Client.context(*server.address, *server.credentials) as client:
        result = await client.mirror_down("/m", local_tree.root, delete=True)
        assert result == Mirrored((), (), paths(".here"), paths(".both", ".newer"))
        assert (await client.mirror_up(local_tree.root, "/m")).unchanged == paths(".both", ".newer")
    assert local_tree.files() == {".both": b"1", ".newer": b"older"}
    assert server.files == {"/m/.both": b"1", "/m/.newer": b"there"}


async def test_a_layer_that_cannot_set_times(
    ftp_server: FtpServer, remote_tree: RemoteTree, local_tree: LocalTree
) -> None:
    """When local times cannot be set, copies have the time of the transfer, and are not downloaded again."""

    class Timeless(PathIO):
        """A layer without times."""

        async def set_times(
            self,
            path: PurePath,
            *,
            modify: float | None = None,
            create: float | None = None,
            access: float | None = None,
        ) -> None:
            """Refuse."""
            raise NotImplementedError

    remote_tree.put("f", b"1", LONG_AGO)
    async with Client.context(*ftp_server.address, *ftp_server.credentials, path_io_factory=Timeless) as client:
        assert (await client.mirror_down("/m", local_tree.root)).transferred == paths("f")
        assert (await client.mirror_down("/m", local_tree.root)).unchanged == paths("f")


async def test_the_target_of_a_local_link_stays(
    ftp_client: Client, remote_tree: RemoteTree, local_tree: LocalTree, tmp_path: Path
) -> None:
    """A surplus local link is removed, but its target is not changed, inside or outside of the tree."""
    outside = LocalTree(tmp_path / "outside")
    outside.put("d/precious", b"1")
    outside.put("file", b"2")
    local_tree.put("d/f", b"3")
    remote_tree.put("d/f", b"3")
    os.symlink(outside.root, local_tree.root / "to a directory")
    os.symlink(outside.root / "file", local_tree.root / "to a file")
    os.symlink("..", local_tree.root / "d" / "loop")
    local_tree.put("gone/x", b"4")
    os.symlink(outside.root / "d", local_tree.root / "gone" / "link")

    result = await ftp_client.mirror_down("/m", local_tree.root, delete=True)

    assert result.deleted == paths("d/loop", "gone", "to a directory", "to a file")
    assert local_tree.files() == {"d/f": b"3"}
    assert outside.files() == {"d/precious": b"1", "file": b"2"}


async def test_nothing_is_removed_behind_a_local_link(
    ftp_client: Client, remote_tree: RemoteTree, local_tree: LocalTree, tmp_path: Path
) -> None:
    """When a directory of the server is a local link, files are written to its target, but nothing there is removed."""
    outside = LocalTree(tmp_path / "outside")
    outside.put("precious", b"1")
    outside.put("deep/er", b"2")
    remote_tree.put("d/f", b"3")
    local_tree.put("x", b"4")
    os.symlink(outside.root, local_tree.root / "d")

    result = await ftp_client.mirror_down("/m", local_tree.root, delete=True)

    assert (result.transferred, result.deleted) == (paths("d/f"), paths("x"))
    assert outside.files() == {"deep/er": b"2", "f": b"3", "precious": b"1"}


async def test_a_dangling_link_stays(ftp_client: Client, remote_tree: RemoteTree, local_tree: LocalTree) -> None:
    """A dangling local link is neither file nor directory, and is not removed."""
    remote_tree.put("f", b"1")
    local_tree.root.mkdir()
    os.symlink("nowhere", local_tree.root / "dangling")
    assert (await ftp_client.mirror_down("/m", local_tree.root, delete=True)).deleted == ()


# Errors.


async def test_verify_fails(local_tree: LocalTree) -> None:
    """With `verify` a copy that differs from its source is an error."""
    async with talk(
        *transfer("MLSD m", send(b"type=file;size=1;modify=20010909014640; f\r\n"), first=True),
        *(*transfer("RETR m/f", send(b"2")), "FEAT", b"502 no\r\n", "SIZE m/f", b"213 7\r\n"),
    ) as client:
        with pytest.raises(IntegrityError, match="differ in size: 7 there, 1 here"):
            await client.mirror_down("m", local_tree.root, verify=True)


async def test_retries(local_tree: LocalTree, tmp_path: Path, naps: Naps) -> None:
    """Listings, directories and files are retried."""
    (tmp_path / "up").mkdir()
    (tmp_path / "up" / "d").mkdir()
    async with talk(
        *("MKD up", b"450 busy\r\n", "MKD up", b"257 ok\r\n", *transfer("MLSD up", send(b""), first=True)),
        *("MKD up/d", b"450 busy\r\n", "MKD up/d", b"257 ok\r\n"),
        *("EPSV", b"425 busy\r\n", "PASV", b"425 busy\r\n", "PASV", b"425 busy\r\n"),
        retry=Retry(attempts=2),
    ) as client:
        await client.mirror_up(tmp_path / "up", "up")
        with pytest.raises(StatusCodeError, match="425"):
            await client.mirror_down("m", local_tree.root)
    assert naps.seconds == [0.5] * 3


@pytest.mark.ftp(disable=["MLSD", "MLST", "MDTM"])
async def test_a_mirror_without_times(ftp_client: Client, tmp_path: Path) -> None:
    """Times of LIST are not compared: a second mirror copies nothing."""
    (tmp_path / "a.txt").write_bytes(b"hi")

    assert len((await ftp_client.mirror_up(tmp_path, "/m")).transferred) == 1
    assert len((await ftp_client.mirror_up(tmp_path, "/m")).transferred) == 0
