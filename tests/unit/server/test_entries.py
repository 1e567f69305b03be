"""What listings use of a server: its entries, the rights of users, and the path layer."""

from __future__ import annotations

import hashlib
import stat
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

import pytest

from ftpfixture import AsyncPathIO, FtpServer, MemoryPathIO, PathIO, PathIOError, Permission, Server, User, on
from ftpfixture.files.base import AbstractPathIO
from ftpfixture.server.connection import Connection
from ftpfixture.wire.listing.entry import Entry
from ftpfixture.wire.listing.styles import LIST_STYLES
from tests.support.raw import RawClient

Factory = Callable[..., FtpServer]
LONG = {f"/long/{number:0100}": b"" for number in range(4000)}  # more than is complete before the 150


@pytest.fixture
def client(ftp_server_factory: Factory) -> Iterator[Callable[..., RawClient]]:
    """Makes a client, logged in, of a server with these settings."""
    clients: list[RawClient] = []

    def make(**settings: Any) -> RawClient:
        server = ftp_server_factory(**settings)
        clients.append(RawClient(server.address))
        return clients[-1].login()

    yield make
    for each in clients:
        each.close()


def lines(client: RawClient, line: str) -> list[str]:
    """The lines of a listing, which must succeed."""
    codes, data = client.fetch(line)
    assert codes == ["150", "226"], line
    return data.decode().splitlines()


def last_words(client: RawClient, line: str) -> list[str]:
    """The names at the ends of a listing's lines."""
    return [each.rpartition(" ")[2] for each in lines(client, line)]


class Shouting(Server):
    """A server that shows names in upper case, and hides some."""

    async def entry(self, connection: Connection, name: str, real: PurePath, virtual: PurePosixPath) -> Entry:
        """Show it otherwise."""
        if name == "hidden":
            raise PathIOError from FileNotFoundError(2, "hidden")
        return await super().entry(connection, name.upper(), real, virtual)


def test_entries_of_a_subclass_are_shown(client: Callable[..., RawClient]) -> None:
    """An override of `entry` is called for every file, by each verb that lists, and by patterns."""
    shouting = client(server_class=Shouting, files={"/d/a": b"", "/d/hidden": b"", "/d/sub/b": b""})
    assert last_words(shouting, "LIST /d") == ["A", "SUB"]
    assert last_words(shouting, "NLST /d") == ["/d/A", "/d/SUB"]
    assert last_words(shouting, "MLSD /d")[2:] == ["A", "SUB"]
    assert last_words(shouting, "NLST /d/*") == ["/d/A", "/d/SUB"]
    assert [line for line in lines(shouting, "LIST -R /d") if line.endswith(":")] == ["/d:", "/d/sub:"]


def test_lines_of_a_subclass_are_sent(client: Callable[..., RawClient]) -> None:
    """LIST and STAT send the lines of an override of `list_lines`, which may use ours."""

    class Numbered(Server):
        """Numbers the lines."""

        async def list_lines(self, connection: Connection, flags: str, argument: str) -> AsyncIterator[str]:
            """Our lines after numbers."""
            number = 0
            async for line in super().list_lines(connection, flags, argument):
                number += 1
                yield f"{number} {line}"

    numbered = client(server_class=Numbered, files={"/d/a": b"", "/d/b": b""})
    assert [line[:4] for line in lines(numbered, "LIST /d")] == ["1 -r", "2 -r"]
    assert [line[:5] for line in numbered.ask("STAT /d").lines[1:-1]] == [" 1 -r", " 2 -r"]


def test_a_name_may_have_different_rights(client: Callable[..., RawClient]) -> None:
    """The fact perm is that of the name, where the rest of the directory has another one."""
    rights = [Permission("/", writable=False), Permission("/d/mine"), Permission("/d/mine/below", readable=False)]
    user = User("user", "password", base_path="/", permissions=rights)
    with_rights = client(users=[user], files={"/d/a": b"", "/d/mine": b"", "/d/z/": None})
    assert with_rights.code("OPTS MLST perm;") == "200"
    assert lines(with_rights, "MLSD /d") == ["perm=r; a", "perm=adfrw; mine", "perm=el; z"]


def test_subclasses_may_compute_rights(client: Callable[..., RawClient]) -> None:
    """An override of `get_permissions`, or of `Permission.is_parent`, is called for every name."""

    class Odd(User):
        """Files with an x are read only."""

        async def get_permissions(self, path: str | PurePosixPath) -> Permission:
            return Permission(writable="x" not in str(path))

    class Ending(Permission):
        """Covers names with this ending."""

        def is_parent(self, other: PurePosixPath) -> bool:
            return other.suffix == ".x"

    ending = [Permission(), Ending("/somewhere/deep", writable=False)]
    for user in (
        Odd("user", "password", base_path="/"),
        User("user", "password", base_path="/", permissions=ending),
    ):
        odd = client(users=[user], files={"/d/a": b"", "/d/b.x": b""})
        assert odd.code("OPTS MLST perm;") == "200"
        assert lines(odd, "MLSD /d") == ["perm=adfrw; a", "perm=r; b.x"]


def test_a_users_own_style_gets_whole_entries(client: Callable[..., RawClient]) -> None:
    """A handler may set `connection.list_style`; the built-in styles show the same with and without rows."""

    class Own(Server):
        """Has a LIST of perms."""

        async def list(self, connection: Connection, rest: str) -> bool:
            """Set the style, and list."""
            connection.list_style = lambda entry, *, now, timezone: f"{entry.perm} {entry.name}"
            return await super().list(connection, rest)

    assert lines(client(server_class=Own, files={"/d/a": b"", "/d/b/": None}), "LIST /d") == ["adfrw a", "cdeflmp b"]


@pytest.mark.parametrize("style", LIST_STYLES)
def test_rows_are_the_lines_of_entries(ftp_server_factory: Factory, style: str) -> None:
    """With an override of `entry` that changes nothing, every line stays equal."""

    class Same(Server):
        """Makes each entry unchanged."""

        async def entry(self, connection: Connection, name: str, real: PurePath, virtual: PurePosixPath) -> Entry:
            """As ever."""
            return await super().entry(connection, name, real, virtual)

    shown = []
    for kind in (Server, Same):
        server = ftp_server_factory(server_class=kind, list_style=style)
        server.clock.freeze(at=1.8e9)
        server.files.mkdir("/d/sub")
        server.files.set("/d/old file", b"1", modified=1e9, mode=0o4755, owner="ann", group="a b%s")
        server.files.set("/d/b.txt", b"12345", modified=1.79e9)
        server.files.symlink("/d/link", "/d/sub")
        with RawClient(server.address) as client:
            client.login()
            assert client.code("OPTS MLST type;size;modify;perm;UNIX.mode;UNIX.owner;UNIX.group;") == "200"
            shown.append([lines(client, line) for line in ("LIST -a /d", "MLSD /d", "NLST /d", "LIST -R /")])
    assert shown[0] == shown[1]
    assert len(shown[0][0]) == (5 if style in ("mvs", "pds") else 4)  # they have a heading


# The path layer.


def test_names_need_no_stat(client: Callable[..., RawClient]) -> None:
    """NLST reads names and nothing else; LIST reads many files at once."""
    asked: Counter[str] = Counter()

    class Counting(MemoryPathIO):
        """Counts its calls."""

        async def resolve(self, path: PurePath) -> PurePath:
            """See AbstractPathIO."""
            asked["resolve"] += 1
            return await super().resolve(path)

        async def list_names(self, path: PurePath) -> tuple[str, ...]:
            """See AbstractPathIO."""
            asked["list_names"] += 1
            return await super().list_names(path)

        async def lstat_many(self, path: PurePath, names: Any) -> Any:
            """See AbstractPathIO."""
            asked["lstat_many"] += 1
            async for batch in super().lstat_many(path, names):
                yield batch

    counting = client(path_io_factory=Counting)
    assert counting.code("MKD /d") == "257"
    for number in range(300):
        assert counting.code(f"MKD /d/{number}") == "257"
    for verb, wanted in (("NLST", {"list_names": 1}), ("LIST", {"list_names": 1, "lstat_many": 1})):
        asked.clear()
        assert len(lines(counting, f"{verb} /d")) == 300
        assert asked["resolve"] < 10
        del asked["resolve"]
        assert asked == wanted


@pytest.mark.parametrize("method", ["list", "lstat", "stat"])
def test_overrides_of_the_old_methods_are_called(client: Callable[..., RawClient], method: str) -> None:
    """`list_names` and `lstat_many` only add speed: a path layer need not override them."""
    original: Any = getattr(MemoryPathIO, method)

    def other_list(self: Any, path: PurePath) -> Any:
        return original(self, path / "other" if path.name == "d" else path)

    async def other_stats(self: Any, path: PurePath) -> Any:
        return (await original(self, path))._replace(st_nlink=777)

    changed = client(
        path_io_factory=type("Changed", (MemoryPathIO,), {method: other_list if method == "list" else other_stats})
    )
    for name in ("/d", "/d/other", "/d/other/file"):
        assert changed.code(f"MKD {name}") == "257"
    if method == "list":
        assert last_words(changed, "NLST /d") == ["/d/file"]
    else:
        assert [line.split()[1] for line in lines(changed, "LIST /d")] == ["777"]


@pytest.mark.parametrize("kind", [PathIO, AsyncPathIO])
def test_the_disk_is_listed_in_batches(
    client: Callable[..., RawClient], tmp_path: Path, kind: type[AbstractPathIO]
) -> None:
    """More names than one batch holds, in order, and broken links are shown as links."""
    for number in range(300):
        (tmp_path / f"{number:03}").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    on_disk = client(path_io_factory=kind, users=[User("user", "password", base_path=tmp_path)])
    names = [f"{number:03}" for number in range(300)]
    assert lines(on_disk, "NLST") == [*names, "dangling"]
    assert [line.split()[8] for line in lines(on_disk, "LIST")] == [*names, "dangling"]
    assert last_words(on_disk, "MLSD")[1:] == [*names, "dangling"]


async def test_missing_files_are_left_out_and_bugs_are_not() -> None:
    """A file that vanishes meanwhile is no error; an error that is none of files is one."""

    class Layer(MemoryPathIO):
        """Some files fail."""

        async def lstat(self, path: PurePath) -> Any:
            """See AbstractPathIO."""
            if path.name in ("gone", "mistake"):
                raise PathIOError from FileNotFoundError(2, "gone") if path.name == "gone" else ZeroDivisionError()
            return await super().lstat(path)

    layer = Layer()
    for name in ("a", "gone", "z"):
        await layer.mkdir(PurePosixPath("/") / name)
    found = [each async for batch in layer.lstat_many(PurePosixPath("/"), ["a", "gone", "z"]) for each in batch]
    assert [name for name, _ in found] == ["a", "z"]
    assert all(stat.S_ISDIR(stats.st_mode) for _, stats in found)
    with pytest.raises(PathIOError):
        await anext(layer.lstat_many(PurePosixPath("/"), ["mistake"]))


# Listings that are made while they are sent.


def test_a_long_listing_is_logged_whole(client: Callable[..., RawClient], ftp_server_factory: Factory) -> None:
    """Bytes and digest are those that the client received."""
    server = ftp_server_factory(files=LONG)
    with RawClient(server.address) as raw:
        codes, data = raw.login().fetch("LIST /long")
    assert codes == ["150", "226"]
    assert data.count(b"\r\n") == len(LONG)
    [transfer] = server.log.transfers
    assert (transfer.size, transfer.completed) == (len(data), True)
    assert transfer.sha256 == hashlib.sha256(data).hexdigest()


def test_faults_see_a_long_listing_as_a_whole(ftp_server_factory: Factory) -> None:
    """A fault may count from the end, and change any line."""
    server = ftp_server_factory(files=LONG)
    with RawClient(server.address) as raw:
        whole = raw.login().fetch("NLST /long")[1]
        server.faults.add(on("NLST").truncate(at=0.5))
        assert raw.fetch("NLST /long")[1] == whole[: len(whole) // 2]


def test_a_long_listing_without_a_data_connection(ftp_server_factory: Factory) -> None:
    """It is refused as a short one is, and the next one is complete."""
    server = ftp_server_factory(files=LONG)
    with RawClient(server.address) as raw:
        assert raw.login().code("LIST /long") == "425"
        assert len(lines(raw, "NLST /long")) == len(LONG)


def test_a_late_refusal_of_a_listing(ftp_server_factory: Factory) -> None:
    """-R reaches a directory that may not be listed after many others: 550 all the same, after the 150."""
    user = User("user", "password", base_path="/", permissions=[Permission(), Permission("/z", list=False)])
    server = ftp_server_factory(users=[user], files={**LONG, "/z/file": b""})
    with RawClient(server.address) as raw:
        codes, data = raw.login().fetch("LIST -R /")
        assert codes == ["150", "550"]
        assert data.startswith(b"/:\r\n")
        assert raw.fetch("LIST -R /z")[0] == ["550"]
    assert [transfer.completed for transfer in server.log.transfers] == [False]
