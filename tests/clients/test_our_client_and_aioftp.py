"""Our client and that of aioftp, call by call, each against our server with the same files: the results are the same.

Intended differences are in `test_our_client_unlike_aioftp.py`, and the parsers in `test_our_client_parsers.py`.
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from ftpfixture import Connection, FtpServer, Permission, Server, User
from tests.clients.samples import HOSTILE, LARGE, NAMES, TREE
from tests.support.pairs import CREATED, AnyClient, Place, Refused, Scenario, agree, attempt, theirs

FILES: dict[str, bytes | None] = {**TREE, "/top.txt": b"0123456789"}

Call = Callable[[AnyClient], Awaitable[Any]]


def each(*calls: Call) -> Scenario:
    """Make all calls, whatever the result of earlier ones, and a last one that shows whether replies are in sync."""

    async def scenario(client: AnyClient, place: Place) -> list[Any]:
        found = [await attempt(call(client)) for call in calls]
        return [*found, await attempt(client.command("PWD", "257"))]

    return scenario


async def read(client: AnyClient, path: str, offset: int = 0) -> bytes:
    """Content of a file from an offset on."""
    async with client.download_stream(path, offset=offset) as stream:
        return b"".join([block async for block in stream.iter_by_block(1 << 16)])


async def write(stream: Any, *pieces: bytes) -> None:
    """Write the pieces to a stream that is not open yet, and finish it."""
    async with stream as opened:
        for piece in pieces:
            await opened.write(piece)


async def make_directory(path: str | PurePosixPath, client: AnyClient) -> Any:
    """Create a directory, as a call."""
    return await client.make_directory(path)


# Sessions.


@pytest.mark.parametrize("message", ["welcome", ["one", "two", "three"]], ids=["line", "lines"])
async def test_connect(message: str | list[str]) -> None:
    """`connect` returns the lines of the greeting, each with the space or hyphen before it."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        return await client.connect(*place.address)

    seen = await agree(scenario, login=False, welcome_message=message)
    assert seen.result == (["-one", "-two", " three"] if isinstance(message, list) else [f" {message}"])


async def test_connect_is_refused() -> None:
    """A greeting with 421 is a StatusCodeError."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        return await client.connect(*place.address)

    seen = await agree(scenario, login=False, maximum_connections=0)
    assert seen.result == Refused(("220",), ("421",), [" Too many connections, try again later"])


async def test_connect_without_a_server() -> None:
    """A port without a server is ConnectionRefusedError."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))

        async def scenario(client: AnyClient, place: Place) -> Any:
            return await client.connect(*closed.getsockname())

        seen = await agree(scenario, login=False)
    assert seen.result is ConnectionRefusedError


async def test_before_connect() -> None:
    """A client that is not connected can be closed; every other call is ConnectionError."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        client.close()
        return [
            await attempt(client.command("NOOP", "2xx")),
            await attempt(client.login()),
            await attempt(client.list("/")),
            await attempt(client.quit()),
        ]

    seen = await agree(scenario, login=False)
    assert seen.result == [ConnectionError] * 4


async def test_connect_again() -> None:
    """A client that has quit or was closed connects again and works."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        found: list[Any] = []
        for ending in ("close", "quit", "close"):
            await client.connect(*place.address)
            await client.login("user", "password")
            found.append(await read(client, "top.txt"))
            outcome = getattr(client, ending)()
            found.append(outcome if outcome is None else await outcome)
        return found

    seen = await agree(scenario, login=False, files=FILES)
    assert seen.result == [b"0123456789", None] * 3


class _NeedsAccount(Server):
    """A server that asks for an account after the password (RFC 959 5.4)."""

    async def pass_(self, connection: Connection, rest: str) -> bool:
        """Keep the password, and ask for the account."""
        connection.kept = rest
        connection.response("332", "Account?")
        return True

    async def acct(self, connection: Connection, rest: str) -> bool:
        """Log in with the right account and password."""
        return await super().pass_(connection, connection.kept if rest == "department" else "")


@pytest.mark.parametrize(
    "arguments",
    [("ann", "secret", "department"), ("bob",), ("bob", "anything"), (), ("anonymous", "me@home")],
    ids=["account", "no password", "needless password", "defaults", "anonymous"],
)
async def test_login(arguments: tuple[str, ...]) -> None:
    """Users log in with password and account, with one of them or none, by name or anonymously."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        await client.connect(*place.address)
        return await client.login(*arguments), await client.get_current_directory()

    users = [User("ann", "secret"), User("bob"), User()]
    server = {"server_class": _NeedsAccount} if len(arguments) == 3 else {}
    seen = await agree(scenario, login=False, users=users, **server)
    assert seen.result == (None, PurePosixPath("/"))


async def test_login_as_another_user() -> None:
    """Another user can log in on the same connection, which begins a new session."""
    users = [User("user", "password", home_path="/"), User("ann", "secret", home_path="/tree")]
    seen = await agree(
        each(lambda c: c.change_directory("/tree/sub"), lambda c: c.login("ann", "secret")), users=users, files=FILES
    )
    assert seen.result[-1] == ("257", [' "/tree" is the current directory'])


async def test_quit() -> None:
    """`quit` sends QUIT and returns None."""
    seen = await agree(lambda client, place: client.quit())
    assert (seen.result, seen.commands[-1]) == (None, "QUIT -> 221")


async def test_context() -> None:
    """The context connects, logs in, and sends QUIT, also when its body raises; that error is raised."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        async with type(client).context(*place.address, "user", "password") as other:
            content = await read(other, "top.txt")

        async def fails() -> None:
            async with type(client).context(*place.address, "user", "password"):
                raise LookupError

        return content, isinstance(other, type(client)), await attempt(fails())

    expected = await theirs(scenario, login=False, files=FILES)
    seen = await agree(scenario, login=False, files=FILES)
    assert seen.result == (b"0123456789", True, LookupError)
    assert [seen.commands.count("QUIT -> 221"), expected.commands.count("QUIT -> 221")] == [2, 2]


async def test_attributes() -> None:
    """Settings can be read and changed under the same names, and the server's address is known after connecting."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        assert (client.server_host, client.server_port) == place.address
        client.throttle.write.limit = 7
        names = ("socket_timeout", "connection_timeout", "path_timeout", "encoding", "parse_list_line_custom_first")
        return (
            [getattr(client, name) for name in names],
            [client.throttle.read.limit, client.throttle.write.limit, client.path_io.timeout],
        )

    settings = {"socket_timeout": 5, "connection_timeout": 6, "path_timeout": 7, "read_speed_limit": 1 << 30}
    seen = await agree(scenario, client=settings)
    assert seen.result == ([5, 6, 7, "utf-8", True], [1 << 30, 7, 7])


# Listings and paths.


@pytest.mark.parametrize("raw_command", [None, "MLSD", "LIST"])
@pytest.mark.parametrize("recursive", [False, True], ids=["flat", "recursive"])
async def test_list(raw_command: str | None, recursive: bool) -> None:
    """Listings have the same paths in the same order, relative where the path is relative, and the same facts."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        return {
            str(path): await client.list(path, recursive=recursive, raw_command=raw_command)
            for path in ("", ".", "/", "/tree", "tree", "/tree/", "tree/sub", PurePosixPath("tree/hollow"))
        }

    seen = await agree(scenario, files=FILES)
    listed = {str(path) for path, _ in seen.result["/tree"]}
    assert ("/tree/sub/deep" in listed) is recursive
    assert "/tree/a.txt" in listed


@pytest.mark.parametrize("list_style", ["unix", "msdos", "msdos4", "eplf"])
async def test_list_with_every_style(list_style: str) -> None:
    """The style of the server's LIST does not matter for MLSD and `stat`."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        return await client.list("/", recursive=True), await client.stat("/tree/sub")

    assert len((await agree(scenario, files=FILES, list_style=list_style)).result[0]) == 9


async def test_list_falls_back() -> None:
    """When the server does not have MLSD, `list` and `stat` use LIST."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        return await client.list("/", recursive=True), await client.stat("tree/a.txt"), await client.is_dir("/tree/sub")

    seen = await agree(scenario, files=FILES, disable=["MLSD", "MLST"])
    assert {info["unix.owner"] for _, info in seen.result[0]} == {"ftp"}


async def test_list_lazily() -> None:
    """A listing can be iterated with `async for`, and the client can be used afterwards."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        found = [str(path) async for path, _ in client.list("/tree", recursive=True)]
        return found, await client.get_current_directory()

    assert "/tree/sub/deep" in (await agree(scenario, files=FILES)).result[0]


async def test_list_of_a_missing_directory() -> None:
    """A missing directory is 550, and a command that is neither MLSD nor LIST is ValueError."""
    seen = await agree(each(lambda c: c.list("missing"), lambda c: c.list("/", raw_command="NLST")), files=FILES)
    assert seen.result[:2] == [Refused(("1xx",), ("550",), [" No such file or directory"]), ValueError]


@pytest.mark.parametrize("raw_command", ["MLSD", "LIST"])
async def test_list_of_odd_names(raw_command: str) -> None:
    """Names with any characters, and names that imitate a line of a listing, are listed unchanged."""
    names = [name for name in [*NAMES, *HOSTILE] if raw_command == "MLSD" or name != ".hidden"]  # LIST hides it
    files: dict[str, bytes | None] = {f"/in/{name}": b"data" for name in names}

    async def scenario(client: AnyClient, place: Place) -> Any:
        return await client.list("/in", raw_command=raw_command)

    seen = await agree(scenario, files=files)
    assert {str(path) for path, _ in seen.result} == set(files)


async def test_list_of_old_and_new_times() -> None:
    """Times of this year and of others are the same in both kinds of listing."""

    def prepare(server: FtpServer, place: Place) -> None:
        for number, days in enumerate((0, 1, 30, 150, 200, 400, 4000)):
            server.files.set(f"/{number}", b"", modified=CREATED - days * 86400)

    async def scenario(client: AnyClient, place: Place) -> Any:
        return await client.list("/"), await client.list("/", raw_command="LIST")

    facts, lines = (await agree(scenario, prepare=prepare)).result
    assert [info["modify"][:8] for _, info in lines] == [info["modify"][:8] for _, info in facts]


@pytest.mark.parametrize("first", [True, False])
async def test_list_with_a_custom_parser(first: bool) -> None:
    """A custom parser gets each line with its line end, before or after the others; its result is listed."""
    received: list[bytes] = []

    def parse(line: bytes) -> tuple[PurePosixPath, dict[str, str]]:
        received.append(line)
        if b"empty" in line:
            raise ValueError
        return PurePosixPath(f"mine {line.split()[-1].decode()}"), {"type": "file", "size": "1", "modify": ""}

    async def scenario(client: AnyClient, place: Place) -> Any:
        received.clear()
        return await client.list("/tree", raw_command="LIST"), received.copy()

    settings = {"parse_list_line_custom": parse, "parse_list_line_custom_first": first}
    seen = await agree(scenario, files={"/tree/empty": b"", "/tree/full": b"x"}, client=settings)
    assert len(seen.result[1]) == (2 if first else 0)


@pytest.mark.parametrize("disable", [[], ["MLST"], ["MLST", "MLSD"]], ids=["MLST", "MLSD", "LIST"])
async def test_stat(disable: list[str]) -> None:
    """The facts of existing files and directories are the same, with every command."""
    paths = ["/tree", "/tree/", "tree/a.txt", "/top.txt", "tree/sub/../a.txt", PurePosixPath("tree/sub/with space.bin")]

    async def scenario(client: AnyClient, place: Place) -> Any:
        return {
            str(path): (
                await client.stat(path),
                await client.exists(path),
                await client.is_file(path),
                await client.is_dir(path),
            )
            for path in paths
        }

    seen = await agree(scenario, files=FILES, disable=disable)
    assert [answers[1:] for answers in seen.result.values()] == [(True, False, True)] * 2 + [(True, True, False)] * 4


@pytest.mark.parametrize("path", ["", "/", ".", "..", "tree/.."])
async def test_stat_of_the_root(path: str) -> None:
    """The root is a directory, however its path is written."""
    seen = await agree(each(lambda c: c.stat(path), lambda c: c.exists(path), lambda c: c.is_dir(path)), files=FILES)
    assert (seen.result[0]["type"], *seen.result[1:3]) == ("dir", True, True)


@pytest.mark.parametrize("disable", [[], ["MLST"], ["MLST", "MLSD"]], ids=["MLST", "MLSD", "LIST"])
@pytest.mark.parametrize("path", ["missing", "/missing/x", "tree/b.txt"])
async def test_missing_paths(path: str, disable: list[str]) -> None:
    """A missing path does not exist, with every command."""
    seen = await agree(each(lambda c: c.exists(path)), files=FILES, disable=disable)
    assert seen.result[0] is False


# Directories and names.


@pytest.mark.parametrize("disable", [[], ["MLST", "MLSD"]], ids=["MLST", "LIST"])
async def test_make_directory(disable: list[str]) -> None:
    """A directory is created with missing parents, and an existing one is not changed."""
    paths: list[str | PurePosixPath] = [
        "new",
        "/a/b/c",
        "/tree",
        "tree/sub/deep/er/and/er",
        "",
        "/",
        ".",
        'q"uo"te/x',
        PurePosixPath("pp/q"),
    ]
    seen = await agree(each(*(partial(make_directory, path) for path in paths)), files=FILES, disable=disable)
    assert seen.result[:-1] == [None] * len(paths)
    assert {str(PurePosixPath("/", path)) for path in paths} <= {*seen.directories, "/"}


async def test_make_directory_without_parents() -> None:
    """One directory is created when its parent exists."""
    seen = await agree(each(lambda c: c.make_directory("/tree/x", parents=False)), files=FILES)
    assert "/tree/x" in seen.directories


@pytest.mark.parametrize("path", ["/tree", "tree/", "/top.txt", "missing", "tree/hollow", "/tree/sub/deep/.."])
async def test_remove(path: str) -> None:
    """Files are removed, directories with their content, and a missing path is no error."""
    seen = await agree(each(lambda c: c.remove(path)), files=FILES)
    assert seen.result[0] is None
    assert not any(name.startswith("/tree/sub") for name in seen.files) or path in (
        "/top.txt",
        "missing",
        "tree/hollow",
    )


async def test_remove_a_tree_of_odd_names() -> None:
    """A tree is removed whatever its names are; without MLSD, hidden files are not listed and prevent it."""
    names = [*NAMES, *HOSTILE]
    for disable in ([], ["MLSD"]):
        if disable:
            names.remove(".hidden")
        files: dict[str, bytes | None] = {f"/tree/{name}": b"x" for name in names}
        files |= {f"/tree/-d {name}/{name}": b"x" for name in names}
        seen = await agree(each(lambda c: c.remove("tree")), files=files, disable=disable)
        assert (seen.files, seen.directories) == ({}, [])


async def test_remove_file_and_directory() -> None:
    """Each call removes only its kind: files, or empty directories."""
    seen = await agree(
        each(
            lambda c: c.remove_file("/top.txt"),
            lambda c: c.remove_directory("/tree/hollow"),
            lambda c: c.remove_file("/tree/sub"),
            lambda c: c.remove_file("/missing"),
            lambda c: c.remove_file(""),
        ),
        files=FILES,
    )
    assert seen.result[:2] == [None, None]
    assert [refused.code for refused in seen.result[2:5]] == ["550", "550", "501"]


@pytest.mark.parametrize(
    ("source", "destination"),
    [
        ("/top.txt", "/other.txt"),
        ("top.txt", "tree/a.txt"),
        ("/tree", "/wood"),
        ("tree/sub", "/tree/deep er"),
        (PurePosixPath("tree/a.txt"), PurePosixPath("b")),
        ("top.txt", "top.txt"),
        ("/tree", "/tree/sub/x"),
        ("missing", "x"),
        ("/top.txt", "/nowhere/x"),
        ("/tree", "/top.txt"),
        ("top.txt", "tree"),
        ("/", "/x"),
    ],
    ids=str,
)
async def test_rename(source: str | PurePosixPath, destination: str | PurePosixPath) -> None:
    """Files and directories are renamed, moved and replaced, or unchanged with the same refusal."""
    await agree(each(lambda c: c.rename(source, destination)), files=FILES)


async def test_change_directory() -> None:
    """Directories are entered and left, or not, with the same refusals; the current one is known afterwards."""
    walks: list[list[str | PurePosixPath]] = [
        ["tree", "sub"],
        ["tree/sub", ".."],
        ["tree/sub", PurePosixPath("..")],
        ["/tree/sub/", "../.."],
        ["tree", "missing"],
        ["top.txt"],
        ["tree", ""],
        ["tree", "."],
        ["tree", "sub", "deep", "..", "/tree/hollow"],
    ]

    async def scenario(client: AnyClient, place: Place) -> Any:
        found = []
        for walk in walks:
            steps = [await attempt(client.change_directory(path)) for path in walk]
            found.append((steps, await client.get_current_directory(), await client.list()))
            await client.change_directory()  # and up
            found.append(await client.get_current_directory())
            await client.change_directory("/")
        return found

    seen = await agree(scenario, files=FILES)
    assert seen.result[-2][:2] == ([None] * 5, PurePosixPath("/tree/hollow"))
    assert seen.result[-1] == PurePosixPath("/tree")


async def test_get_current_directory() -> None:
    """Directories with any name are reported unchanged; see `test_quotes_in_directories` for differences."""
    names = [*NAMES, *HOSTILE, " lead", "trail ", "\u2028", "a\\", "'x'", 'in"side', '"in front', "per%20cent"]

    async def scenario(client: AnyClient, place: Place) -> Any:
        found = []
        for name in names:
            await client.change_directory(f"/{name}")
            found.append(await client.get_current_directory())
        return found

    seen = await agree(scenario, files={f"/{name}/": None for name in names})
    assert seen.result == [PurePosixPath("/", name) for name in names]


# Streams.


@pytest.mark.parametrize("offset", [0, 3, 10, 11, 1 << 40, -1])
async def test_download_stream(offset: int) -> None:
    """A file is read from an offset to its end; an offset beyond the end or below 0 is refused."""

    async def awaited(client: AnyClient) -> bytes:
        stream = await client.download_stream("top.txt", offset=offset)
        data = bytes(await stream.read())
        await stream.finish()
        return data

    seen = await agree(each(lambda c: read(c, "top.txt", offset), awaited), files=FILES)
    assert (seen.result[0] == b"0123456789"[offset:]) is (0 <= offset <= 10)


@pytest.mark.parametrize("path", ["top.txt", "new.txt"])
@pytest.mark.parametrize("offset", [0, 3, 10, 11])
async def test_upload_stream(path: str, offset: int) -> None:
    """A file is written from an offset on, which must not be beyond its end."""
    seen = await agree(each(lambda c: write(c.upload_stream(path, offset=offset), b"abc", b"", b"def")), files=FILES)
    if seen.result[0] is None:
        kept, after = (b"0123456789"[:offset], b"0123456789"[offset + 6 :]) if offset else (b"", b"")
        assert seen.files[f"/{path}"] == kept + b"abcdef" + after


@pytest.mark.parametrize("path", ["top.txt", "new.txt"])
@pytest.mark.parametrize("offset", [0, 3])
async def test_append_stream(path: str, offset: int) -> None:
    """Appended data are written after the end; an offset has the same effect for both clients."""
    await agree(each(lambda c: write(c.append_stream(path, offset=offset), b"abc")), files=FILES)


@pytest.mark.parametrize("call", ["download_stream", "upload_stream", "append_stream"])
@pytest.mark.parametrize("path", ["/tree", "/nowhere/x", ""])
async def test_streams_that_are_refused(call: str, path: str) -> None:
    """A path that cannot be read or written is refused before the body, and the session continues."""

    async def use(client: AnyClient) -> None:
        async with getattr(client, call)(path):
            raise AssertionError("the stream was opened")

    seen = await agree(each(use), files=FILES)
    assert isinstance(seen.result[0], Refused)


@pytest.mark.parametrize("data", [b"", b"x", LARGE], ids=["empty", "one", "large"])
async def test_streams_of_all_sizes(data: bytes) -> None:
    """Data are uploaded and downloaded byte for byte, in blocks of any size."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        async with client.upload_stream("a.bin") as stream:
            for start in range(0, len(data), 77_777):
                await stream.write(data[start : start + 77_777])
        return await read(client, "a.bin") == data

    assert (await agree(scenario)).result is True


async def test_reading_a_stream() -> None:
    """Blocks, lines and exact numbers of bytes are read from a stream; missing bytes are IncompleteReadError."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        async with client.get_stream("RETR a.txt", "1xx") as stream:
            lines = [line async for line in stream.iter_by_line()]
        async with client.get_stream("RETR a.txt", "1xx") as stream:
            mixed = [await stream.readexactly(2), await stream.readline(), await stream.readexactly(3)]
            mixed.append(await attempt(stream.readexactly(100)))
        async with client.get_stream("RETR a.txt", "1xx") as stream:
            blocks = [block async for block in stream.iter_by_block(4)]
        return lines, mixed, blocks

    seen = await agree(scenario, files={"/a.txt": b"one\ntwo\r\nthree"})
    assert seen.result[:2] == ([b"one\n", b"two\r\n", b"three"], [b"on", b"e\n", b"two", EOFError])


async def test_get_stream() -> None:
    """Any data command can be sent: with or without codes for its first reply, or after the connection is open."""

    async def without_codes(client: AnyClient) -> Any:
        async with client.get_stream("RETR top.txt") as stream:
            return await stream.read()

    async def sent_later(client: AnyClient) -> Any:
        async with client.get_stream() as stream:
            return await client.command("RETR top.txt", "1xx"), await stream.read()

    async def listing(client: AnyClient) -> Any:
        async with client.get_stream("NLST /tree", "1xx", conn_type="A") as stream:
            return [line async for line in stream.iter_by_line()]

    async def with_offset(client: AnyClient) -> Any:
        async with client.get_stream("RETR top.txt", "1xx", offset=8) as stream:
            return await stream.read()

    async def finished_with_a_code(client: AnyClient) -> Any:
        stream = await client.get_stream("RETR top.txt", ("3xx", "150"))
        data = await stream.read()
        return data, await stream.finish("226")

    async def refused(client: AnyClient) -> Any:
        async with client.get_stream("XYZZY", "1xx"):
            raise AssertionError("the stream was opened")

    async def ended_otherwise(client: AnyClient) -> Any:
        stream = await client.get_stream("RETR top.txt", "1xx")
        await stream.read()
        return await stream.finish("3xx")

    seen = await agree(
        each(without_codes, sent_later, listing, with_offset, finished_with_a_code, refused, ended_otherwise),
        files=FILES,
    )
    assert seen.result[0] == b"0123456789"
    assert [refused.code for refused in seen.result[5:7]] == ["502", "226"]


@pytest.mark.parametrize("disable", [[], ["EPSV"], ["EPSV", "PASV"]], ids=["EPSV", "PASV", "neither"])
async def test_get_passive_connection(disable: list[str]) -> None:
    """A passive connection is opened with the first command that works, after the type is set."""

    def use(**settings: Any) -> Call:
        async def call(client: AnyClient) -> Any:
            connection = await client.get_passive_connection(**settings)
            # aioftp gives two objects, of which the second writes and closes; ours is both.
            reader, writer = connection if isinstance(connection, tuple) else (connection, connection)
            first, data = await client.command("RETR a.txt", "1xx"), await reader.read()
            writer.close()
            return first, data, await client.command(None, "2xx")

        return call

    seen = await agree(
        each(
            use(),
            use(conn_type="A"),
            use(conn_type="Z"),
            use(commands=["pasv"]),
            use(commands=["EPSV"]),
            use(commands=["bad"]),
        ),
        files={"/a.txt": b"one\n"},
        disable=disable,
    )
    if len(disable) < 2:
        assert (seen.result[0][1], seen.result[1][1], seen.result[5]) == (b"one\n", b"one\r\n", ValueError)


@pytest.mark.parametrize("commands", [("epsv",), ("pasv",), ("pasv", "epsv"), ("EPSV", "PASV")], ids=str)
async def test_passive_commands(commands: tuple[str, ...]) -> None:
    """The passive commands are used in their order."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        return await read(client, "top.txt")

    settings = {"passive_commands": commands}
    expected = await theirs(scenario, files=FILES, client=settings)
    seen = await agree(scenario, files=FILES, client=settings)
    assert seen.result == b"0123456789"
    assert [line for line in seen.commands if "PSV" in line or "PASV" in line] == [
        line for line in expected.commands if "PSV" in line or "PASV" in line
    ]


# Files and trees.


def local_files(server: FtpServer | None, place: Place) -> None:
    """Files to upload."""
    folder = place.folder
    for name, data in {"src/a.txt": b"a", "src/sub/b.bin": b"bb", "src/sub/deep/c": b"c" * 900, "one": b"1"}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / "src" / "hollow").mkdir()


DESTINATIONS = ["", "/", "dst", "a/b", "/a/b/", "/tree", "/tree/sub", ".", "..", "dst/.."]


@pytest.mark.parametrize("write_into", [False, True], ids=["below", "into"])
@pytest.mark.parametrize("destination", DESTINATIONS)
async def test_upload_a_file(destination: str, write_into: bool) -> None:
    """A file gets the same path as with aioftp, with missing parents; it never replaces a directory."""
    seen = await agree(
        lambda client, place: client.upload(place.folder / "one", destination, write_into=write_into),
        files=FILES,
        prepare=local_files,
    )
    assert (b"1" in seen.files.values()) is (seen.result is None)


@pytest.mark.parametrize("destination", ["top.txt", "tree/a.txt"])
async def test_upload_over_a_file(destination: str) -> None:
    """With `write_into` a file replaces another."""
    seen = await agree(
        lambda client, place: client.upload(place.folder / "one", destination, write_into=True),
        files=FILES,
        prepare=local_files,
    )
    assert seen.files[f"/{destination}"] == b"1"


# `test_nested_destinations_of_uploaded_directories` has the others.
@pytest.mark.parametrize(
    ("destination", "write_into"),
    [("", False), ("", True), ("/", False), ("/", True), ("dst", True), ("/tree", True), (".", False), (".", True)],
)
async def test_upload_a_directory(destination: str, write_into: bool) -> None:
    """A directory is uploaded with its content, empty directories included."""
    seen = await agree(
        lambda client, place: client.upload(place.folder / "src", destination, write_into=write_into),
        files=FILES,
        prepare=local_files,
    )
    top = PurePosixPath("/") / destination / ("" if write_into else "src")
    assert {str(top / "a.txt"), str(top / "sub/b.bin"), str(top / "sub/deep/c")} <= set(seen.files)
    assert str(top / "hollow") in seen.directories


async def test_upload_of_links() -> None:
    """A link to a file is uploaded as its content, and dangling links are left out."""

    def prepare(server: FtpServer, place: Place) -> None:
        local_files(server, place)
        (place.folder / "src" / "link").symlink_to("sub/b.bin")
        (place.folder / "src" / "broken").symlink_to("nowhere")

    seen = await agree(lambda client, place: client.upload(place.folder / "src"), prepare=prepare)
    assert seen.files == {
        "/src/a.txt": b"a",
        "/src/link": b"bb",
        "/src/sub/b.bin": b"bb",
        "/src/sub/deep/c": b"c" * 900,
    }


async def test_upload_of_an_unreadable_file() -> None:
    """When a local file cannot be opened, the file on the server is not changed."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        layer = type(client.path_io)

        class Locked(layer):  # type: ignore[misc, valid-type]
            """Opens no file, and raises the error of its layer."""

            async def _open(self, path: Path, *args: Any, **kwargs: Any) -> Any:
                return await super()._open(path / "below a file", *args, **kwargs)

        client.path_io = Locked()
        return await attempt(client.upload(place.folder / "one", "/top.txt", write_into=True))

    seen = await agree(scenario, files=FILES, prepare=local_files)
    assert (seen.result, seen.files["/top.txt"]) == (NotADirectoryError, b"0123456789")


@pytest.mark.parametrize("block_size", [1, 7, 8192, 1 << 20])
async def test_block_size(block_size: int) -> None:
    """The block size does not change the data, up or down."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        await client.upload(str(place.folder / "src" / "sub" / "deep" / "c"), "up", block_size=block_size)
        await client.download("/up/c", place.folder / "down", block_size=block_size)

    seen = await agree(scenario, prepare=local_files)
    assert (seen.files, seen.local["down/c"]) == ({"/up/c": b"c" * 900}, b"c" * 900)


@pytest.mark.parametrize("write_into", [False, True], ids=["below", "into"])
@pytest.mark.parametrize("source", ["/tree", "tree/sub/", "top.txt", "tree/sub/../a.txt", "/"])
async def test_download(source: str, write_into: bool) -> None:
    """Files and directories get the same paths as with aioftp; conflicting local files are the same errors."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        found = {}
        for number, destination in enumerate(["", "dst", "a/b", "old", "src", "src/old", "."]):
            folder = place.folder / str(number)
            (folder / "src").mkdir(parents=True)
            (folder / "old").write_bytes(b"old")
            (folder / "src" / "old").write_bytes(b"old")
            call = client.download(source, folder / destination, write_into=write_into)
            found[destination] = await attempt(call), await client.get_current_directory()
        return found

    seen = await agree(scenario, files=FILES)
    assert seen.result["a/b"][0] is None
    assert any(name.startswith("2/a/b") for name in seen.local)


async def test_download_of_a_missing_file() -> None:
    """A missing file is 550, and nothing is created locally."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        return await attempt(client.download("missing", place.folder / "x"))

    seen = await agree(scenario)
    assert (seen.result, seen.local) == (Refused(("2xx",), ("550",), [" No such file or directory"]), {})


async def test_round_trip_of_trees_with_odd_names(tmp_path: Path) -> None:
    """A tree with names of all kinds is uploaded and downloaded unchanged."""
    for name in [*NAMES, *HOSTILE]:
        (tmp_path / "odd" / f"in {name}").mkdir(parents=True)
        (tmp_path / "odd" / f"in {name}" / name).write_bytes(name.encode())

    async def scenario(client: AnyClient, place: Place) -> Any:
        await client.upload(tmp_path / "odd", "/")
        await client.download("/odd", place.folder)

    seen = await agree(scenario)
    assert seen.files == {f"/{name}": data for name, data in seen.local.items() if data is not None}
    assert len(seen.files) == len(NAMES) + len(HOSTILE)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp1251"])
async def test_encoding(encoding: str) -> None:
    """Names are sent in the client's encoding, and listings are decoded with it."""
    name = {"utf-8": "\u65e5\u672c", "latin-1": "caf\xe9", "cp1251": "\u0444\u0430\u0439\u043b"}[encoding]

    async def scenario(client: AnyClient, place: Place) -> Any:
        await client.make_directory(f"/{name}")
        await write(client.upload_stream(f"/{name}/{name}"), b"x")
        await client.change_directory(name)
        listed = [await client.list(raw_command=raw_command) for raw_command in ("MLSD", "LIST")]
        return listed, await client.get_current_directory(), await read(client, name)

    seen = await agree(scenario, encoding=encoding, client={"encoding": encoding})
    assert seen.files == {f"/{name}/{name}": b"x"}


# ABOR, and single commands.


async def test_abort() -> None:
    """A running transfer is aborted in either direction, and the session continues with the next one."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        stream = await client.download_stream("big")
        first = await stream.readexactly(10)
        await client.abort()
        stream.close()
        stream = await client.upload_stream("up")  # nothing is written: it might arrive before the abort, or not
        await client.abort()
        stream.close()
        return first, await client.get_current_directory(), await read(client, "small")

    seen = await agree(scenario, files={"/big": bytes(1 << 24), "/small": b"small"})
    assert seen.result == (bytes(10), PurePosixPath("/"), b"small")


async def test_abort_without_waiting() -> None:
    """With wait=False ABOR is only sent: the stream ends with 426, and 226 can be read."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        stream = await client.download_stream("big")
        await stream.readexactly(10)
        await client.abort(wait=False)
        refused = await attempt(stream.finish())
        code, _ = await client.command(None, "226")
        return refused.expected, refused.received, code, await client.get_current_directory()

    seen = await agree(scenario, files={"/big": bytes(1 << 24)})
    assert seen.result == (("2xx",), ("426",), "226", PurePosixPath("/"))


async def test_abort_without_a_transfer() -> None:
    """Without a transfer there is nothing to abort, and that is no error."""

    async def only_sent(client: AnyClient) -> Any:
        return await client.abort(wait=False), await client.command(None, "226")

    seen = await agree(each(lambda c: c.abort(), only_sent))
    assert seen.result[0] is None


COMMANDS: list[tuple[Any, ...]] = [
    ("NOOP", "200"),
    ("NOOP", "2xx"),
    ("NOOP", "20x"),
    ("NOOP", "x00"),
    ("NOOP", "2"),
    ("NOOP", "xxx"),
    ("NOOP", ("3xx", "2xx")),
    ("NOOP", "3xx"),
    ("NOOP", "201"),
    ("NOOP", ("201", "3xx", "21x")),
    ("NOOP", (), "3xx"),
    ("NOOP", "2xx", ("1xx", "3xx")),
    ("noop", "200"),
    ("NOOP with an argument", "2xx"),
    ("NOOP", "200", (), 2),
    (None,),
    ("",),
    ("SYST", "215"),
    ("FEAT", "2xx"),
    ("MLST top.txt", "250"),
    ("STAT /tree", "2xx"),
    ("XYZZY", "2xx"),
    ("XYZZY", "5xx"),
    ("RETR", "1xx"),
    ("CWD missing", ("250", "550")),
    ("NOOP\r\nDELE top.txt", "2xx"),
    ("NOOP\n", "2xx"),
    ("\r", "2xx"),
]


async def test_command() -> None:
    """A command gives the code and lines of its reply, or None without codes, or the same refusal."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        return [(arguments, await attempt(client.command(*arguments))) for arguments in COMMANDS]

    seen = await agree(scenario, files=FILES)
    assert seen.result[-1] == (("\r", "2xx"), ValueError)


async def test_command_that_is_only_sent() -> None:
    """Without codes no reply is read: the next calls read the replies in order."""
    seen = await agree(
        each(
            lambda c: c.command("NOOP"),
            lambda c: c.command("SYST"),
            lambda c: c.command(None, "200"),
            lambda c: c.command(None, "215"),
        )
    )
    assert seen.result[:3] == [None, None, ("200", [" Nothing done"])]


async def test_wait_codes_are_skipped() -> None:
    """Replies that match `wait_codes` are skipped until another one comes."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        stream = await client.get_stream("RETR top.txt", ())
        await stream.read()
        stream.close()
        return await client.command(None, "2xx", "1xx")

    seen = await agree(scenario, files=FILES)
    assert seen.result[0] == "226"


async def test_refusals_have_the_same_attributes() -> None:
    """Expected codes, received codes and lines are those of the reply; codes are compared with the same masks."""
    permissions = [Permission(writable=True), Permission("/locked", readable=False, writable=False)]
    seen = await agree(
        each(
            lambda c: c.remove_file("/missing"),
            lambda c: c.change_directory("/locked"),
            lambda c: write(c.upload_stream("/locked/x"), b"x"),
            lambda c: read(c, "/locked/in"),
            lambda c: c.rename("/locked/in", "/out"),
            lambda c: c.rename("top.txt", "/locked/out"),
            lambda c: c.stat("/missing"),
            lambda c: c.list("/locked"),
            lambda c: c.command("MODE B", ("200", "3xx")),
            lambda c: c.command("HELP", "2x1"),
        ),
        files={**FILES, "/locked/in": b"secret"},
        users=[User("user", "password", permissions=permissions)],
    )
    *refusals, _ = seen.result
    assert "".join(refused.code for refused in refusals) == "550" * 8 + "504" + "214"
