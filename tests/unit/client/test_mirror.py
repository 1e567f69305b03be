"""Two trees made equal: what is copied, what is left alone, and what is removed."""

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


class Here:
    """A local tree.

    Attributes:
        root: Of the tree.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, name: str, data: bytes = b"", when: int = EARLIER) -> None:
        """Make a file that was modified then."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (when, when))

    def times(self) -> dict[str, int]:
        """When each file was modified."""
        return {name: int((self.root / name).stat().st_mtime) for name in self.files()}

    def files(self) -> dict[str, bytes]:
        """All files."""
        found = sorted(path for path in self.root.rglob("*") if path.is_file())
        return {path.relative_to(self.root).as_posix(): path.read_bytes() for path in found}

    def directories(self) -> list[str]:
        """All directories."""
        return sorted(path.relative_to(self.root).as_posix() for path in self.root.rglob("*") if path.is_dir())


class There:
    """A tree on the server, below /m."""

    def __init__(self, server: FtpServer) -> None:
        self._server = server

    def put(self, name: str, data: bytes = b"", when: int = EARLIER) -> None:
        """Make a file that was modified then."""
        self._server.files.set(f"/m/{name}", data, modified=when)

    def times(self) -> dict[str, int]:
        """When each file was modified."""
        return {name: int(self._server.files.stat(f"/m/{name}").modified) for name in self.files()}

    def files(self) -> dict[str, bytes]:
        """All files."""
        return {path.removeprefix("/m/"): data for path, data in self._server.files.as_dict().items()}

    def directories(self) -> list[str]:
        """All directories."""
        return [path.removeprefix("/m/") for path in self._server.files.directories if path != "/m"]


@pytest.fixture
def here(tmp_path: Path) -> Here:
    """A local tree."""
    return Here(tmp_path / "m")


@pytest.fixture
def there(ftp_server: FtpServer) -> There:
    """A tree on the server."""
    return There(ftp_server)


class Way:
    """A mirror in one direction, so that both can be held to the same."""

    def __init__(self, client: Client, here: Here, there: There, up: bool) -> None:
        self.source: Here | There = here if up else there
        self.target: Here | There = there if up else here
        self._client = client
        self._here = here.root
        self._up = up

    async def run(self, **settings: Any) -> Mirrored:
        """Mirror."""
        if self._up:
            return await self._client.mirror_up(self._here, "/m", **settings)
        return await self._client.mirror_down("/m", self._here, **settings)


@pytest.fixture(params=["up", "down"])
def way(request: pytest.FixtureRequest, ftp_client: Client, here: Here, there: There) -> Way:
    """A mirror in either direction."""
    return Way(ftp_client, here, there, request.param == "up")


# In both directions.


async def test_everything_is_new(way: Way) -> None:
    """All files are copied with their times, in the order of the alphabet; then nothing is left to do."""
    for name, data in TREE.items():
        way.source.put(name, data, LONG_AGO)

    assert await way.run() == Mirrored(NAMES, (), ())

    assert way.target.files() == TREE
    assert way.target.times() == dict.fromkeys(TREE, LONG_AGO)
    assert await way.run() == Mirrored((), NAMES, ())
    assert await way.run(delete=True) == Mirrored((), NAMES, ())


async def test_what_differs_is_copied(way: Way) -> None:
    """Another size, or a newer file in the source, is a difference; an older one, and the same time, is none."""
    for name, size, source, target in (
        ("longer", b"12", EARLIER, LATER),
        ("newer", b"s", LATER, EARLIER),
        ("older", b"s", EARLIER, LATER),
        ("shorter", b"", EARLIER, LATER),
        ("the same", b"s", EARLIER, EARLIER),
    ):
        way.source.put(name, size, source)
        way.target.put(name, b"t", target)

    assert await way.run() == Mirrored(paths("longer", "newer", "shorter"), paths("older", "the same"), ())

    assert way.target.files() == {"longer": b"12", "newer": b"s", "older": b"t", "shorter": b"", "the same": b"t"}
    assert way.target.times()["older"] == LATER
    assert way.target.times()["newer"] == LATER


async def test_nothing_is_deleted(way: Way) -> None:
    """What is too much stays, unless `delete` is wanted."""
    way.source.put("f", b"1")
    way.target.put("g", b"2")
    way.target.put("d/h", b"3")

    assert await way.run() == Mirrored(paths("f"), (), ())
    assert way.target.files() == {"f": b"1", "g": b"2", "d/h": b"3"}


async def test_delete(way: Way) -> None:
    """What is too much goes, directories with all that is in them, of which only the topmost is named."""
    way.source.put("keep/f", b"1")
    for name in ("keep/g", "keep/d/h", "top", "tree/a", "tree/b/c/d"):
        way.target.put(name, b"2")

    assert await way.run(delete=True) == Mirrored(paths("keep/f"), (), paths("keep/d", "keep/g", "top", "tree"))
    assert way.target.files() == {"keep/f": b"1"}
    assert way.target.directories() == ["keep"]


async def test_nothing_is_deleted_before_all_has_arrived(way: Way, ftp_server: FtpServer) -> None:
    """When a transfer fails, what is too much is still there."""
    way.source.put("new", b"1")
    way.target.put("old", b"2")
    way.target.put("tree/f", b"3")
    kept = {"old": b"2", "tree/f": b"3"}
    with ftp_server.faults(on("RETR", "STOR").answer(550, "No")), pytest.raises(StatusCodeError):
        await way.run(delete=True)
    assert way.target.files() == kept

    assert await way.run(delete=True) == Mirrored(paths("new"), (), paths("old", "tree"))
    assert way.target.files() == {"new": b"1"}


async def test_another_spelling_is_another_file(way: Way, ftp_server: FtpServer) -> None:
    """Where names differ in case, what is too much goes when all has arrived, as everything else."""
    way.source.put("A", b"new")
    way.target.put("a", b"old")
    with ftp_server.faults(on("RETR", "STOR").answer(550, "No")), pytest.raises(StatusCodeError):
        await way.run(delete=True)
    assert way.target.files() == {"a": b"old"}

    assert await way.run(delete=True) == Mirrored(paths("A"), (), paths("a"))
    assert way.target.files() == {"A": b"new"}


class IgnoresCase(MemoryPathIO):
    """Files of which all spellings of a name are one, as on Windows."""

    def _absolute(self, path: str | PurePath) -> PurePath:
        return super()._absolute(PurePosixPath(str(path).lower()))


@pytest.mark.parametrize("disable", [[], ["MLSD", "MLST"]])
async def test_another_spelling_of_the_same_file_there(
    ftp_server_factory: Callable[..., FtpServer], here: Here, disable: list[str]
) -> None:
    """Where case counts for nothing, removing the other spelling afterwards would remove what has arrived."""
    here.put("A", b"new")
    here.put("D/f", b"new")
    server = ftp_server_factory(path_io_factory=IgnoresCase, disable=disable)
    async with Client.context(*server.address, *server.credentials) as client:
        await client.upload(here.root / "A", "/m/a", write_into=True)
        assert (await client.mirror_up(here.root, "/m", delete=True)).transferred == paths("A", "D/f")
        assert [path.name for path, _ in await client.list("/m", recursive=True)] == ["a", "d", "f"]


async def test_another_spelling_of_the_same_file_here(ftp_client: Client, there: There) -> None:
    """The same on this side."""
    there.put("A", b"new")
    there.put("D/f", b"new")
    root = PurePosixPath("/here")
    ftp_client.path_io = layer = IgnoresCase()
    await ftp_client.download("/m/A", root / "a", write_into=True)
    assert (await ftp_client.mirror_down("/m", root, delete=True)).transferred == paths("A", "D/f")
    assert [path.name for path in await layer.list(root)] == ["a", "d"]


async def test_a_change_of_kind(way: Way) -> None:
    """With `delete` a file gives way to a directory, and a directory to a file."""
    way.source.put("x/f", b"1")
    way.source.put("y", b"2")
    way.target.put("x", b"3")
    way.target.put("y/g", b"4")

    assert await way.run(delete=True) == Mirrored(paths("x/f", "y"), (), paths("x", "y"))
    assert way.target.files() == {"x/f": b"1", "y": b"2"}


async def test_a_change_of_kind_without_delete(way: Way) -> None:
    """Without `delete` that is an error, and what is there stays."""
    way.source.put("x/f", b"1")
    way.target.put("x", b"3")
    with pytest.raises((StatusCodeError, PathIOError)):
        await way.run()
    assert way.target.files() == {"x": b"3"}


async def test_a_directory_where_a_file_shall_be(way: Way) -> None:
    """The other way round it is an error, too."""
    way.source.put("x", b"1")
    way.target.put("x/f", b"3")
    with pytest.raises((StatusCodeError, PathIOError)):
        await way.run()
    assert way.target.files() == {"x/f": b"3"}


async def test_empty_directories(way: Way) -> None:
    """Directories are copied, empty ones too, and one that is there already is left alone."""
    way.source.put("a/b/f")
    way.source.put("c/g")
    for source in (way.source,):
        if isinstance(source, Here):
            (source.root / "empty" / "er").mkdir(parents=True)
        else:
            source._server.files.mkdir("/m/empty/er")
    way.target.put("c/old")

    await way.run()
    await way.run()

    assert way.target.directories() == ["a", "a/b", "c", "empty", "empty/er"]


async def test_progress_and_verify(way: Way, ftp_server: FtpServer) -> None:
    """Every file that is copied is told of, and compared."""
    told: list[tuple[str, int, int | None]] = []

    def progress(path: PurePath, done: int, total: int | None) -> None:
        told.append((path.name, done, total))

    way.source.put("f", b"123")
    way.source.put("same", b"1")
    way.target.put("same", b"1")
    await way.run(progress=progress, verify=True)

    assert told == [("f", 0, 3), ("f", 3, 3)]
    ftp_server.log.assert_sent("HASH", times=1)


# Up.


@pytest.mark.parametrize("name", ["missing", "file"])
async def test_no_directory_to_mirror(tmp_path: Path, name: str) -> None:
    """What is no directory here is an error, and nothing is said."""
    (tmp_path / "file").write_bytes(b"")
    async with talk() as client:
        with pytest.raises(NotADirectoryError) as caught:
            await client.mirror_up(str(tmp_path / name), "m")
    assert str(caught.value) == f"cannot mirror {tmp_path / name}: it is not an existing directory"


async def test_up_to_a_place_that_is_not_there(ftp_client: Client, ftp_server: FtpServer, here: Here) -> None:
    """The destination is made, with what is missing above it."""
    here.put("f", b"1")
    await ftp_client.mirror_up(str(here.root), "/x/y/z")
    assert ftp_server.files == {"/x/y/z/f": b"1"}


async def test_local_links_are_followed(ftp_client: Client, there: There, here: Here, tmp_path: Path) -> None:
    """On the way up links are what they lead to, wherever that is; circles are left, dangling ones are left out."""
    here.put("d/f", b"1")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "g").write_bytes(b"2")
    os.symlink("d", here.root / "a link")
    os.symlink("d", here.root / "z link")
    os.symlink(tmp_path / "outside", here.root / "out")
    os.symlink("d/f", here.root / "file")
    os.symlink("..", here.root / "d" / "up")
    os.symlink("nowhere", here.root / "dangling")

    await ftp_client.mirror_up(here.root, "/m")

    assert there.files() == {"a link/f": b"1", "d/f": b"1", "file": b"1", "out/g": b"2", "z link/f": b"1"}
    assert (await ftp_client.mirror_up(here.root, "/m", delete=True)).deleted == ()


@pytest.mark.ftp(disable=["MFMT"])
async def test_up_without_mfmt(ftp_client: Client, ftp_server: FtpServer, there: There, here: Here) -> None:
    """Where times cannot be set there, nothing is left to do after a mirror: what is there is newer."""
    here.put("f", b"1")
    here.put("g", b"1")
    assert (await ftp_client.mirror_up(here.root, "/m")).transferred == paths("f", "g")
    assert (await ftp_client.mirror_up(here.root, "/m")).unchanged == paths("f", "g")


async def test_up_without_any_way_to_set_times(tmp_path: Path) -> None:
    """After one refusal no time is set on that connection any more."""
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


async def test_links_on_the_server_are_not_followed(ftp_client: Client, ftp_server: FtpServer, here: Here) -> None:
    """What is too much goes, and what a link there leads to stays."""
    here.put("f", b"1")
    ftp_server.files["/keep/g"] = b"2"
    ftp_server.files["/m/d/x"] = b"3"
    ftp_server.files.symlink("/m/d/link", "/keep")
    ftp_server.files.symlink("/m/link", "/keep")

    await ftp_client.mirror_up(here.root, "/m", delete=True)

    assert ftp_server.files == {"/keep/g": b"2", "/m/f": b"1"}


# Down.


async def test_down_from_a_place_that_is_not_there(ftp_client: Client, tmp_path: Path) -> None:
    """A source that is missing is an error, and nothing is made or removed here."""
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "f").write_bytes(b"1")
    for name in ("m", "n"):
        with pytest.raises(StatusCodeError, match="550"):
            await ftp_client.mirror_down("/none", tmp_path / name, delete=True)
    assert os.listdir(tmp_path) == ["m"]
    assert os.listdir(tmp_path / "m") == ["f"]


async def test_down_to_a_place_that_is_not_there(ftp_client: Client, there: There, tmp_path: Path) -> None:
    """The destination is made, with what is missing above it."""
    there.put("f", b"1")
    await ftp_client.mirror_down(PurePosixPath("/m"), str(tmp_path / "x" / "y"))
    assert (tmp_path / "x" / "y" / "f").read_bytes() == b"1"


@pytest.mark.ftp(disable=["MLSD"])
async def test_down_without_mlsd(ftp_client: Client, there: There, here: Here, ftp_server: FtpServer) -> None:
    """The times of LIST are coarse and of any time zone: MDTM is asked for each file."""
    there.put("f", b"1", LATER)
    there.put("d/g", b"1", LATER)
    here.put("f", b"0", EARLIER)
    assert (await ftp_client.mirror_down("/m", here.root)).transferred == paths("d/g", "f")
    assert here.times() == {"d/g": LATER, "f": LATER}
    assert (await ftp_client.mirror_down("/m", here.root)).transferred == ()
    ftp_server.log.assert_sent("MDTM", times=4)


@pytest.mark.ftp(disable=["MLSD", "MLST", "MDTM", "MFMT"])
async def test_without_any_times(way: Way) -> None:
    """A server that tells no times at all is compared by size alone, and files get the time of the transfer."""
    way.source.put("f", b"1", LATER)
    way.source.put("g", b"12", LATER)
    way.target.put("f", b"0", EARLIER)
    way.target.put("g", b"0", EARLIER)
    await way.run()
    assert way.target.files()["g"] == b"12"


@pytest.mark.parametrize("facts", ["type=file;", "type=file;size=1;"])
async def test_facts_that_are_missing(here: Here, facts: str) -> None:
    """A file whose size is not told is brought; one whose time is not told, and that nobody can ask for, is not."""
    here.put("f", b"1", LATER)
    async with talk(
        *transfer("MLSD m", send(f"{facts} f\r\n".encode()), first=True),
        *("MDTM m/f", b"550 no\r\n"),
        *([] if "size" in facts else transfer("RETR m/f", send(b"2"))),
    ) as client:
        result = await client.mirror_down("m", here.root)
    assert result == (Mirrored((), paths("f"), ()) if "size" in facts else Mirrored(paths("f"), (), ()))


ODD_FACTS = (
    *("size=;", "size=x;", "size=-1;", "size=99999999999999999999999;", "modify=;", "modify=yesterday;"),
    *("modify=20240230000000;", "modify=2024;", "size=;modify=;", "type=;", "type=sideways;", "unique=;", "perm=;"),
)


async def test_odd_facts(ftp_server_factory: Callable[..., FtpServer], here: Here, tmp_path: Path) -> None:
    """A fact that is empty or cannot be read is unknown: the file is brought, by a mirror and by a download."""
    names = [f"f{number}" for number in range(len(ODD_FACTS))]
    lines = [f"type=file;{facts} {name}\r\n" for facts, name in zip(ODD_FACTS, names, strict=True)]
    lines = [line.replace("type=file;type=", "type=") for line in lines]
    server = ftp_server_factory(
        files={f"/m/{name}": name.encode() for name in names},
        faults=[on("MLSD").truncate(after_bytes=0).pad("".join(lines).encode())],
    )
    async with Client.context(*server.address, *server.credentials) as client:
        result = await client.mirror_down("/m", here.root, delete=True)
        await client.download("/m", tmp_path / "in")
    assert sorted(result.transferred) == sorted(paths(*names))
    assert here.files() == {name: name.encode() for name in names}
    assert Here(tmp_path / "in" / "m").files() == here.files()


async def test_replies_that_tell_no_facts(here: Here) -> None:
    """Replies to SIZE and MDTM that cannot be read do not end a mirror either."""
    async with talk(
        *transfer("MLSD m", send(b"type=file; f\r\ntype=OS.unix=slink:f; l\r\n"), first=True),
        *("MDTM m/f", b"213 19101\r\n", "SIZE m/l", b"213 -1\r\n"),
        *(*transfer("RETR m/f", send(b"1")), *transfer("RETR m/l", send(b"2"))),
    ) as client:
        assert (await client.mirror_down("m", here.root)).transferred == paths("f", "l")


# Links, and what is no file.

WAYS_TO_LIST = pytest.mark.parametrize("disable", [[], ["MLSD"], ["MLSD", "MLST", "SIZE", "MDTM"]])


def linked(server: FtpServer) -> None:
    """A tree with links: to a file, to a directory, to nothing."""
    server.files["/m/v1.txt"] = b"one"
    server.files["/m/sub/f"] = b"two"
    for name, target in (("current.txt", "v1.txt"), ("dir", "sub"), ("nothing", "none")):
        server.files.symlink(f"/m/{name}", target)


@WAYS_TO_LIST
async def test_links_there(ftp_server_factory: Callable[..., FtpServer], tmp_path: Path, disable: list[str]) -> None:
    """A download and a mirror bring the same, and a mirror deletes nothing of it: not what a link leads to either."""
    server = ftp_server_factory(disable=disable)
    linked(server)
    both = Here(tmp_path / "m")
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


@WAYS_TO_LIST
async def test_links_that_are_too_much_there(
    ftp_server_factory: Callable[..., FtpServer], here: Here, disable: list[str]
) -> None:
    """On the way up they are removed, and what they lead to stays."""
    server = ftp_server_factory(disable=disable)
    linked(server)
    here.put("v1.txt", b"one", LONG_AGO)
    here.put("sub/f", b"two", LONG_AGO)
    async with Client.context(*server.address, *server.credentials) as client:
        result = await client.mirror_up(here.root, "/m", delete=True)
    assert result.deleted == paths("current.txt", "dir", "nothing")
    assert server.files == {"/m/v1.txt": b"one", "/m/sub/f": b"two"}
    assert "/m/nothing" not in server.files


async def test_what_is_no_file(here: Here, caplog: pytest.LogCaptureFixture) -> None:
    """What a listing calls neither file nor directory may be a file: it is brought, or left out and told."""
    listing = b"type=OS.unix=chr-1/3; null\r\nsize=1; file\r\n"
    here.put("null", b"kept")
    async with talk(
        *transfer("MLSD m", send(listing), first=True),
        *("SIZE m/null", b"550 no\r\n", "SIZE m/file", b"213 1\r\n", "MDTM m/file", b"550 no\r\n"),
        *(*transfer("RETR m/file", send(b"1")), epsv, "RETR m/null", b"550 not a plain file\r\n"),
    ) as client:
        result = await client.mirror_down("m", here.root, delete=True)
    assert result == Mirrored(paths("file"), (), (), paths("null"))
    assert here.files() == {"file": b"1", "null": b"kept"}
    assert "m/null is not downloaded: it is no file" in caplog.text


async def test_what_cannot_be_sent(ftp_client: Client, ftp_server: FtpServer, here: Here) -> None:
    """A local link that leads nowhere keeps its name on the server, whatever is there."""
    here.put("f", b"1")
    os.symlink("nowhere", here.root / "dangling")
    ftp_server.files["/m/dangling"] = b"precious"
    result = await ftp_client.mirror_up(here.root, "/m", delete=True)
    assert result == Mirrored(paths("f"), (), (), paths("dangling"))
    assert ftp_server.files["/m/dangling"] == b"precious"


# Names.

WINDOWS_NAMES = ("..\\..\\evil.txt", "..\\evil", "C:x", "C:\\x", "\\\\host\\share\\x", "a:b", "NUL.txt", "dot.", "q?")


@pytest.mark.parametrize("disable", [[], ["MLSD"]])
async def test_names_of_another_system(
    ftp_server_factory: Callable[..., FtpServer], disable: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is written outside of the destination, where paths are those of Windows; what is left out is told."""
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
    ftp_server_factory: Callable[..., FtpServer], here: Here, disable: list[str]
) -> None:
    """What a listing leaves out is asked for before something is deleted or overwritten because of it."""
    server = ftp_server_factory(files={"/m/.both": b"1", "/m/.newer": b"there"}, disable=disable)
    for name in (".both", ".here"):
        here.put(name, b"1", LONG_AGO)
    here.put(".newer", b"older", LONG_AGO)
    async with Client.context(*server.address, *server.credentials) as client:
        result = await client.mirror_down("/m", here.root, delete=True)
        assert result == Mirrored((), (), paths(".here"), paths(".both", ".newer"))
        assert (await client.mirror_up(here.root, "/m")).unchanged == paths(".both", ".newer")
    assert here.files() == {".both": b"1", ".newer": b"older"}
    assert server.files == {"/m/.both": b"1", "/m/.newer": b"there"}


async def test_a_layer_that_cannot_set_times(ftp_server: FtpServer, there: There, here: Here) -> None:
    """Where times cannot be set here, files are as new as the transfer, and are not brought again."""

    class Timeless(PathIO):
        """Sets no times."""

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

    there.put("f", b"1", LONG_AGO)
    async with Client.context(*ftp_server.address, *ftp_server.credentials, path_io_factory=Timeless) as client:
        assert (await client.mirror_down("/m", here.root)).transferred == paths("f")
        assert (await client.mirror_down("/m", here.root)).unchanged == paths("f")


async def test_what_a_local_link_leads_to_stays(ftp_client: Client, there: There, here: Here, tmp_path: Path) -> None:
    """A link here that is too much is removed, and what it leads to, inside or outside, is not touched."""
    outside = Here(tmp_path / "outside")
    outside.put("d/precious", b"1")
    outside.put("file", b"2")
    here.put("d/f", b"3")
    there.put("d/f", b"3")
    os.symlink(outside.root, here.root / "to a directory")
    os.symlink(outside.root / "file", here.root / "to a file")
    os.symlink("..", here.root / "d" / "loop")
    here.put("gone/x", b"4")
    os.symlink(outside.root / "d", here.root / "gone" / "link")

    result = await ftp_client.mirror_down("/m", here.root, delete=True)

    assert result.deleted == paths("d/loop", "gone", "to a directory", "to a file")
    assert here.files() == {"d/f": b"3"}
    assert outside.files() == {"d/precious": b"1", "file": b"2"}


async def test_nothing_is_removed_behind_a_local_link(
    ftp_client: Client, there: There, here: Here, tmp_path: Path
) -> None:
    """Where a directory of the server is a link here, files go where it leads to, but nothing is removed there."""
    outside = Here(tmp_path / "outside")
    outside.put("precious", b"1")
    outside.put("deep/er", b"2")
    there.put("d/f", b"3")
    here.put("x", b"4")
    os.symlink(outside.root, here.root / "d")

    result = await ftp_client.mirror_down("/m", here.root, delete=True)

    assert (result.transferred, result.deleted) == (paths("d/f"), paths("x"))
    assert outside.files() == {"deep/er": b"2", "f": b"3", "precious": b"1"}


async def test_a_dangling_link_stays(ftp_client: Client, there: There, here: Here) -> None:
    """A link here that leads nowhere is neither file nor directory, and is left alone."""
    there.put("f", b"1")
    here.root.mkdir()
    os.symlink("nowhere", here.root / "dangling")
    assert (await ftp_client.mirror_down("/m", here.root, delete=True)).deleted == ()


# What goes wrong.


async def test_verify_fails(here: Here) -> None:
    """With `verify` a file that differs after all is an error."""
    async with talk(
        *transfer("MLSD m", send(b"type=file;size=1;modify=20010909014640; f\r\n"), first=True),
        *(*transfer("RETR m/f", send(b"2")), "FEAT", b"502 no\r\n", "SIZE m/f", b"213 7\r\n"),
    ) as client:
        with pytest.raises(IntegrityError, match="differ in size: 7 there, 1 here"):
            await client.mirror_down("m", here.root, verify=True)


async def test_retries(here: Here, tmp_path: Path, naps: Naps) -> None:
    """Listings, directories and files are tried again."""
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
            await client.mirror_down("m", here.root)
    assert naps.seconds == [0.5] * 3


@pytest.mark.ftp(disable=["MLSD", "MLST", "MDTM"])
async def test_a_mirror_without_times(ftp_client: Client, tmp_path: Path) -> None:
    """Times of LIST are not compared: what was mirrored is not mirrored again."""
    (tmp_path / "a.txt").write_bytes(b"hi")

    assert len((await ftp_client.mirror_up(tmp_path, "/m")).transferred) == 1
    assert len((await ftp_client.mirror_up(tmp_path, "/m")).transferred) == 0
