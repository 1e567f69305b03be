"""Intended differences between our client and that of aioftp: both behaviours, one difference per test.

Most are defects of aioftp's client; some are choices. Everything else is meant to be the same, see
`test_our_client_and_aioftp.py`; the parsers of lines and replies are in `test_our_client_parsers.py`.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aioftp
import pytest

import ftpfixture
from ftpfixture import Client, Code, Connection, FtpServer, Permission, Server, User
from ftpfixture.client.connector import Connector
from ftpfixture.net.channel import Channel
from tests.clients.samples import TREE
from tests.support.pairs import AnyClient, Place, Refused, Scenario, Seen, attempt, ours, theirs

FILES: dict[str, bytes | None] = {**TREE, "/top.txt": b"0123456789"}

GONE = Refused(("2xx",), ("550",), [" No such file or directory"])


def one(call: Callable[[AnyClient], Awaitable[Any]]) -> Scenario:
    """A scenario of one call."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        return await call(client)

    return scenario


async def both(scenario: Scenario, **settings: Any) -> tuple[Seen, Seen]:
    """What our client saw, and what that of aioftp saw."""
    return await ours(scenario, **settings), await theirs(scenario, **settings)


async def results(scenario: Scenario, **settings: Any) -> tuple[Any, Any]:
    """The result of our client, and that of aioftp."""
    mine, other = await both(scenario, **settings)
    return mine.result, other.result


async def lines(client: AnyClient, path: str = "", raw_command: str = "LIST") -> list[tuple[str, Any]]:
    """Names and facts, with LIST unless another command is given."""
    return [(str(name), info) for name, info in await client.list(path, raw_command=raw_command)]


class FixedList(Server):
    """A server with fixed lines in LIST."""

    listing: tuple[str, ...] = ()

    async def list_lines(self, connection: Connection, flags: Any, argument: str) -> AsyncIterator[str]:
        """The lines."""
        for line in self.listing:
            yield line


def listing_server(*listing: str) -> type[Server]:
    """A class of server with these lines in LIST."""
    return type("Listing", (FixedList,), {"listing": listing})


# Names and settings.


def test_names_of_only_one_client() -> None:
    """Of aioftp's names only the upgrade to TLS is missing; two settings have other names; ours has more of both."""

    def names(kind: type) -> set[str]:
        return {name for name in dir(kind) if not name.startswith("_")}

    def settings(kind: type) -> set[str]:
        return set(inspect.signature(kind).parameters)

    assert names(aioftp.Client) - names(Client) <= {"upgrade_to_tls"}
    assert {"chmod", "features", "hash", "mirror_down", "mirror_up", "modified", "nlst", "noop", "reconnect"} <= (
        names(Client) - names(aioftp.Client)
    )
    assert settings(aioftp.BaseClient) - settings(ftpfixture.BaseClient) <= {
        "ssl",
        "trust_server_pasv_ipv4_address",  # ours: trust_pasv_host
        "siosocks_asyncio_kwargs",  # ours have names: socks_host and so on
    }


def test_blocks_are_larger() -> None:
    """Files are copied in blocks of a mebibyte; the 8 KiB of aioftp would halve the speed."""
    for name in ("upload", "download"):
        sizes = [
            inspect.signature(getattr(kind, name)).parameters["block_size"].default for kind in (Client, aioftp.Client)
        ]
        assert sizes == [1 << 20, 8192]


def test_unknown_settings_are_refused_at_once() -> None:
    """An unknown or invalid setting is an error when the client is created, not when it connects."""
    aioftp.Client(no_such_setting=1)
    aioftp.Client(passive_commands=("epsw",))
    with pytest.raises(TypeError, match="no_such_setting"):
        Client(no_such_setting=1)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="epsw"):
        Client(passive_commands=("epsw",))


def test_errors_have_builtin_bases() -> None:
    """An error of the local disk is an OSError, and an invalid reply a ValueError."""
    assert not issubclass(aioftp.PathIOError, OSError)
    assert issubclass(ftpfixture.PathIOError, OSError)
    assert issubclass(ftpfixture.ReplySyntaxError, ValueError)


# Sessions.


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Channel]:
    """The connections that our clients open in a test."""
    channels: list[Channel] = []
    original = Connector.open

    async def remember(self: Connector, host: str, port: int) -> Channel:
        channel = await original(self, host, port)
        channels.append(channel)
        return channel

    monkeypatch.setattr(Connector, "open", remember)
    return channels


def closed(client: AnyClient, opened: list[Channel]) -> list[bool]:
    """Whether the connections of a client are closed, in the order in which they were opened."""
    if isinstance(client, Client):
        return [channel.closed for channel in opened]
    return [writer.is_closing() for writer in client.writers]


async def test_connecting_twice_closes_the_first_connection(opened: list[Channel]) -> None:
    """The first connection is closed; aioftp leaves it open."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        await client.connect(*place.address)
        return closed(client, opened)

    assert await results(scenario) == ([True, False], [False, False])


async def test_a_refusing_greeting_closes(opened: list[Channel]) -> None:
    """The connection is closed; aioftp leaves it open."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        with pytest.raises((ftpfixture.StatusCodeError, aioftp.StatusCodeError)):
            await client.connect(*place.address)
        return closed(client, opened)

    assert await results(scenario, login=False, maximum_connections=0) == ([True], [False])


async def test_202_after_the_password_logs_in() -> None:
    """RFC 959 4.2.1: superfluous at this site. aioftp treats it as a refusal."""

    class Superfluous(Server):
        async def pass_(self, connection: Connection, rest: str) -> bool:
            connection.response("202", "No password is needed")
            return True

    scenario = one(lambda c: c.login("user", "password"))

    async def connect_and_login(client: AnyClient, place: Place) -> Any:
        await client.connect(*place.address)
        return await scenario(client, place)

    mine, other = await results(connect_and_login, login=False, server_class=Superfluous)
    assert (mine, other) == (None, Refused(("230", "33x"), ("202",), [" No password is needed"]))


class _RefusesQuit(Server):
    """A server that refuses QUIT."""

    async def quit(self, connection: Connection, rest: str) -> bool:
        """Refuse."""
        connection.response("500", "No")
        return True


async def test_quit_always_closes(opened: list[Channel]) -> None:
    """When QUIT is refused, aioftp leaves the connection open."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        return (await attempt(client.quit())).code, closed(client, opened)

    assert await results(scenario, server_class=_RefusesQuit) == (("500", [True]), ("500", [False]))


async def test_the_error_of_a_context_hides_that_of_quit() -> None:
    """When the body of the context raises and QUIT fails too, aioftp raises the second error."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        async with type(client).context(*place.address, "user", "password"):
            raise LookupError

    mine, other = await results(scenario, login=False, server_class=_RefusesQuit)
    assert (mine, other.code) == (LookupError, "500")


async def test_the_error_of_a_closed_client() -> None:
    """After `close` a call is a ConnectionError with advice; aioftp reports a lost connection."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        client.close()
        try:
            return await client.command("NOOP", "2xx")
        except ConnectionError as error:
            return type(error), str(error)

    mine, other = await results(scenario)
    assert mine == (ConnectionError, "closed: await connect(host, port) to go on")
    assert other[0] is ConnectionResetError


async def test_a_client_is_closed_after_a_timeout(opened: list[Channel]) -> None:
    """After TimeoutError the pending reply would be taken for that of the next command; aioftp continues."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        client.socket_timeout = 0.01
        return await attempt(client.command(None, "2xx")), closed(client, opened)

    settings = {"client": {"socket_timeout": 0.5}}  # aioftp does not notice a later change, and logs in within it
    assert await results(scenario, **settings) == ((TimeoutError, [True]), (TimeoutError, [False]))


# Replies.


async def test_expected_codes_of_refusals() -> None:
    """Any 2xx is success for MKD and RMD, and 202 for PASS; for LIST of a path CWD is refused."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        calls = {
            "MKD": client.make_directory("/a/b", parents=False),
            "RMD": client.remove_directory("/tree"),
            "LIST": client.list("missing", raw_command="LIST"),
            "PASS": client.login("user", "wrong"),
        }
        return {verb: await attempt(call) for verb, call in calls.items()}

    mine, other = await results(scenario, files=FILES)
    assert {verb: refused.expected for verb, refused in mine.items()} == {
        "PASS": ("230", "202", "33x"),
        "MKD": ("2xx",),
        "RMD": ("2xx",),
        "LIST": ("2xx",),
    }
    assert {verb: refused.expected for verb, refused in other.items()} == {
        "PASS": ("230", "33x"),
        "MKD": ("257",),
        "RMD": ("250",),
        "LIST": ("1xx",),
    }
    for verb, refused in mine.items():
        assert (refused.received, refused.info) == (other[verb].received, other[verb].info)
    assert mine["PASS"].received == ("530",)


def replying(*reply: tuple[str, str]) -> Scenario:
    """Let a client read a reply with these lines, as `parse_line` would return them."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        left = list(reply)

        async def parse_line() -> tuple[str, str]:
            code, rest = left.pop(0)
            return (aioftp.Code if isinstance(client, aioftp.Client) else Code)(code), rest

        client.parse_line = parse_line
        return await client.parse_response()

    return scenario


async def test_other_codes_within_a_reply() -> None:
    """Only the code of the first line ends a multi-line reply (RFC 959 4.2); aioftp fails at any other code."""
    mine, other = await results(replying(("211", "-Status"), ("226", " files"), ("211", " End")), login=False)
    assert mine == ("211", ["-Status", "226 files", " End"])
    assert (other.expected, other.received) == (("211",), ("226",))


async def test_a_reply_without_a_code_is_refused() -> None:
    """A line without a code is no reply; aioftp reads on, and takes the next reply for more lines of this one."""
    mine, other = await results(replying(("Hel", "lo"), ("220", " ready")), login=False)
    assert mine == Refused(("xxx",), ("Hel",), ["Hello"])
    assert (other.expected, other.received, other.info) == (("Hel",), ("220",), ["lo", " ready"])


async def test_spaces_at_the_end_of_lines_stay() -> None:
    """Lines of replies are unchanged; aioftp strips them."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        return await client.connect(*place.address)

    mine, other = await results(scenario, login=False, welcome_message="hello  ")
    assert (mine, other) == ([" hello  "], [" hello"])


async def test_quotes_in_directories() -> None:
    """Doubled quotes are one quote everywhere; aioftp loses those at the end of a name, and the text after them."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        found = []
        for name in ('end"', '"', 'a""b'):
            await client.change_directory(f"/{name}")
            found.append(str(await client.get_current_directory()))
        return found

    mine, other = await results(scenario, files={'/end"/': None, '/"/': None, '/a""b/': None})
    assert mine == ['/end"', '/"', '/a""b']
    assert other == ["/end is the current directory", "/ is the current directory", "/ab is the current directory"]


async def test_names_that_cannot_be_decoded() -> None:
    """Names that cannot be decoded are listed and used as they are; aioftp cannot read or send them."""
    name = "caf\udce9"
    files: dict[str, bytes | None] = {f"/in/{name}": b"data", "/in/other": b"x"}

    async def scenario(client: AnyClient, place: Place) -> Any:
        listed = await attempt(lines(client, "/in", "MLSD"))
        stat = await attempt(client.stat(f"/in/{name}"))
        return [found for found, _ in listed] if isinstance(listed, list) else listed, isinstance(stat, dict)

    mine, other = await results(scenario, files=files)
    assert mine == ([f"/in/{name}", "/in/other"], True)
    assert other == (UnicodeDecodeError, False)


async def test_nul_is_not_sent() -> None:
    """A NUL would end the line for some servers, so it is refused like CR and LF."""
    mine, other = await results(one(lambda c: c.command("NOOP \0", "200")))
    assert (mine, other) == (ValueError, ("200", [" Nothing done"]))


# Listings and paths.


@pytest.mark.parametrize("disable", [[], ["MLST", "MLSD"]], ids=["MLST", "LIST"])
async def test_is_file_of_a_missing_path(disable: list[str]) -> None:
    """A missing path is neither file nor directory; aioftp raises an error."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        return await attempt(client.is_file("missing")), await attempt(client.is_dir("tree/missing"))

    mine, other = await results(scenario, files=FILES, disable=disable)
    assert mine == (False, False)
    assert [refused.code for refused in other] == ["550", "550"]


async def test_stat_of_a_missing_path_without_mlst() -> None:
    """The error has lines like a reply, although there is no reply; with aioftp it has a text instead."""
    mine, other = await results(one(lambda c: c.stat("missing")), disable=["MLST"])
    assert mine == Refused(("2xx",), ("550",), [" missing is not in the listing of ."])
    assert other == Refused(("2xx",), ("550",), "path does not exists")


@pytest.mark.parametrize("path", ["", "/", ".", "..", "tree/.."])
async def test_stat_of_the_root_without_mlst(path: str) -> None:
    """The root is in no listing, but it exists; aioftp does not find it."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        return await attempt(client.stat(path)), await client.exists(path), await attempt(client.is_dir(path))

    mine, other = await results(scenario, files=FILES, disable=["MLST"])
    assert mine == ({"type": "dir"}, True, True)
    assert (other[0].code, other[1], other[2].code) == ("550", False, "550")


async def test_make_directory_above_without_mlst() -> None:
    """A path with ".." is created too; aioftp takes a path that is in no listing for missing."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        return await attempt(client.make_directory("a/../b"))

    mine, other = await both(scenario, disable=["MLST", "MLSD"])
    assert (mine.result, mine.directories) == (None, ["/b"])
    assert (other.result.code, other.directories) == ("550", ["/a"])


@pytest.mark.parametrize("raw_command", [None, "LIST"])
async def test_list_of_a_file(raw_command: str | None) -> None:
    """A file cannot be listed; aioftp sends LIST, and gives the file itself."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        return await attempt(client.list("tree/a.txt", raw_command=raw_command))

    mine, other = await results(scenario, files=FILES)
    assert mine.code == ("501" if raw_command is None else "550")
    [(path, info)] = other
    assert (path.name, info["type"]) == ("a.txt", "file")


async def test_commands_for_lists_in_any_case() -> None:
    """`raw_command` may be "mlsd"; aioftp requires upper case."""
    mine, other = await results(one(lambda c: lines(c, "/", "mlsd")), files={"/a": b""})
    assert ([name for name, _ in mine], other) == (["/a"], ValueError)


@pytest.mark.parametrize("list_style", ["msdos", "msdos4", "eplf"])
async def test_styles_of_list(list_style: str) -> None:
    """LIST is read in all styles of our server; aioftp reads that of Unix, and one of Windows that IIS does not use."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        found = await client.list("/", recursive=True, raw_command="LIST")
        return {str(path): (info["type"], info.get("size")) for path, info in found}

    mine, other = await results(scenario, files=FILES, list_style=list_style)
    assert mine["/tree/sub/with space.bin"] == ("file", "256")
    assert mine["/tree/hollow"] == ("dir", None)
    assert other is ValueError


async def test_unknown_lines_are_skipped(caplog: pytest.LogCaptureFixture) -> None:
    """A line that is not understood is left out, with a warning; with aioftp the whole listing is a ValueError."""
    listing = ("total 12", "-rw-r--r-- 1 a b 5 Jan  1  2018 good", "what is this?", "")
    mine, other = await results(one(lines), server_class=listing_server(*listing))
    assert ([name for name, _ in mine], other) == (["good"], ValueError)
    [warning] = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert "what is this?" in warning


async def test_marks_of_access_control_lists() -> None:
    """A plus sign after the mode is no error (POSIX ls); with aioftp it is."""
    mine, other = await results(one(lines), server_class=listing_server("drwxr-xr-x+ 2 a b 4096 Jan  1  2018 in"))
    assert (mine[0][0], mine[0][1]["unix.mode"], other) == ("in", 0o755, ValueError)


async def test_links_in_list() -> None:
    """A link is a link, whatever its target; aioftp shows a directory or a file, by the last letter of the target."""
    listing = [f"lrwxrwxrwx 1 a b 6 Jan  1  2018 {name} -> {target}" for name, target in (("x", "y"), ("d", "sub/"))]
    mine, other = await results(one(lines), server_class=listing_server(*listing))
    assert [(name, info["type"], info["link_dst"]) for name, info in mine] == [
        ("x", "link", "y"),
        ("d", "link", "sub/"),
    ]
    assert [(name, info["type"]) for name, info in other] == [("x", "file"), ("d", "dir")]


def linked(server: FtpServer, place: Place) -> None:
    """A directory with links: to a file, to a directory, and dangling."""
    server.files["/in/file"] = b"data"
    server.files["/other/file"] = b"kept"
    for name, target in (("to_file", "/other/file"), ("to_dir", "/other"), ("to_nothing", "/nowhere")):
        server.files.symlink(f"/in/{name}", target)


async def test_spaces_at_the_ends_of_listed_names_stay() -> None:
    """Names are unchanged; aioftp strips them, and then does not find the file."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        found = [sorted(name for name, _ in await lines(client, "/in", command)) for command in ("MLSD", "LIST")]
        return found, await attempt(client.download("/in", place.folder))

    mine, other = await both(scenario, files={"/in/ lead": b"1", "/in/trail ": b"2"})
    assert mine.result == ([["/in/ lead", "/in/trail "]] * 2, None)
    assert mine.local == {"in": None, "in/ lead": b"1", "in/trail ": b"2"}
    assert other.result[0] == [["/in/ lead", "/in/trail"], ["/in/lead", "/in/trail"]]
    assert other.result[1].code == "550"


async def test_names_that_are_paths_are_not_listed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A server cannot make the client write outside of the destination: paths are left out. aioftp follows them."""
    listing = [f"-rw-r--r-- 1 a b 4 Jan  1  2018 {name}" for name in ("good", "../../evil")]

    async def scenario(client: AnyClient, place: Place) -> Any:
        await client.download("/in/a", place.folder / "deep" / "er", write_into=True)
        return sorted(place.local)

    files: dict[str, bytes | None] = {"/in/a/good": b"good", "/evil": b"evil", "/in/evil": b"evil"}
    settings = {"files": files, "server_class": listing_server(*listing), "disable": ["MLSD"]}
    mine, other = await results(scenario, **settings)
    assert mine == ["deep", "deep/er", "deep/er/good"]
    assert "'../../evil'" in caplog.text
    assert other is ValueError or "evil" in other


async def test_the_client_is_free_during_a_listing() -> None:
    """Within `async for` other calls work, because the listing was read completely; aioftp mixes up replies."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        return [(await client.stat(path))["type"] async for path, _ in client.list("/")]

    mine, other = await results(scenario, files=FILES)
    assert mine == ["file", "dir"]
    assert not isinstance(other, list)


async def test_list_is_sent_without_a_path() -> None:
    """LIST gets no path, because servers treat some as options or patterns; aioftp sends such paths."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        await client.change_directory("in")
        return [name for name, _ in await lines(client, "-a")]

    mine, other = await both(scenario, files={"/in/-a/inside": b""})
    assert mine.result == other.result == ["-a/inside"]
    commands = [[line for line in seen.commands if line.startswith(("CWD", "LIST"))][1:] for seen in (mine, other)]
    assert commands == [["CWD -a -> 250", "LIST -> 226", "CWD /in -> 250"], ["LIST -a -> 226"]]


# Directories and names.


@pytest.mark.parametrize("path", ["/top.txt", "/top.txt/x"])
async def test_make_directory_where_a_file_is(path: str) -> None:
    """A file is no directory, so it is an error; aioftp accepts any entry of that name."""
    mine, other = await results(one(lambda c: c.make_directory(path)), files=FILES)
    assert mine == Refused(("2xx",), ("550",), [" File exists"])
    assert other is None or other.info == [" Not a directory"]


async def test_make_directory_without_parents() -> None:
    """Without `parents` an existing directory is an error, as for mkdir; not for aioftp."""
    mine, other = await results(one(lambda c: c.make_directory("/tree", parents=False)), files=FILES)
    assert (mine.code, other) == ("550", None)


async def test_remove_of_links() -> None:
    """A tree is removed with its links, and their targets stay; aioftp removes the targets, and not the links."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        return await attempt(client.remove("/in"))

    mine, other = await both(scenario, prepare=linked)
    assert (mine.result, mine.files, mine.directories) == (None, {"/other/file": b"kept"}, ["/other"])
    assert (other.result.code, other.files, other.directories) == ("550", {}, ["/in", "/other"])


# Transfers.


def source(server: FtpServer, place: Place) -> None:
    """A local tree."""
    (place.folder / "src" / "sub").mkdir(parents=True)
    (place.folder / "src" / "a").write_bytes(b"a")
    (place.folder / "src" / "sub" / "b").write_bytes(b"b")


@pytest.mark.parametrize(
    ("destination", "write_into", "right", "wrong"),
    [
        ("dst", False, "/dst/src", "/src"),
        ("a/b", False, "/a/b/src", "/src"),
        ("a/b", True, "/a/b", "/b"),
        ("/a/b", True, "/a/b", "/b"),
    ],
)
async def test_nested_destinations_of_uploaded_directories(
    destination: str, write_into: bool, right: str, wrong: str
) -> None:
    """All files go below the destination; aioftp creates it, and puts the files next to it."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        await client.upload(place.folder / "src", destination, write_into=write_into)

    mine, other = await both(scenario, prepare=source)
    assert mine.files == {f"{right}/a": b"a", f"{right}/sub/b": b"b"}
    assert other.files == {f"{wrong}/a": b"a", f"{wrong}/sub/b": b"b"}
    assert right in other.directories


async def test_upload_of_a_missing_file() -> None:
    """A missing source is FileNotFoundError; aioftp does nothing and raises nothing."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        return await attempt(client.upload(place.folder / "missing", "/x"))

    mine, other = await both(scenario)
    assert (mine.result, other.result) == (FileNotFoundError, None)
    assert (mine.directories, other.directories) == ([], [])


async def test_upload_into_a_file() -> None:
    """A file cannot become a directory, so MKD fails; with aioftp STOR fails."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        return await attempt(client.upload(place.folder / "src" / "a", "/top.txt"))

    mine, other = await both(scenario, files=FILES, prepare=source)
    assert (mine.result.expected, mine.result.code) == (("2xx",), "550")
    assert (other.result.expected, other.result.code) == (("1xx",), "553")
    assert mine.files == other.files


async def test_links_that_lead_up_are_not_uploaded(caplog: pytest.LogCaptureFixture) -> None:
    """A link to a directory above itself is left out, with a warning; aioftp follows it until the system stops it."""

    def prepare(server: FtpServer, place: Place) -> None:
        (place.folder / "src").mkdir()
        (place.folder / "src" / "a").write_bytes(b"a")
        (place.folder / "src" / "up").symlink_to(".")

    async def scenario(client: AnyClient, place: Place) -> Any:
        await client.upload(place.folder / "src", "/")

    mine, other = await both(scenario, prepare=prepare)
    assert (mine.files, mine.directories) == ({"/src/a": b"a"}, ["/src"])
    assert "directory above itself" in caplog.text
    assert "/src/up/up/up/up/up/up/up/up/a" in other.files


async def test_links_are_downloaded(caplog: pytest.LogCaptureFixture) -> None:
    """A link to a file is downloaded as its content; links that lead to no file are left out with a warning.

    aioftp leaves out all of them, without a warning.
    """

    async def scenario(client: AnyClient, place: Place) -> Any:
        await client.download("/in", place.folder)

    mine, other = await both(scenario, prepare=linked)
    assert {name for name, data in mine.local.items() if data is not None} >= {"in/file", "in/to_file"}
    assert mine.local["in/to_file"] == b"kept"
    assert "to_nothing" not in mine.local
    assert "leads to no file" in caplog.text
    assert "in/file" in other.local
    assert "in/to_nothing" not in other.local


async def test_a_download_that_is_refused_leaves_the_local_file() -> None:
    """The local file is opened after the server has accepted; aioftp has truncated it by then."""
    users = [User("user", "password", permissions=[Permission(), Permission("/secret", readable=False)])]

    class Shown(Server):
        """Lists files that it does not send."""

        async def retr(self, connection: Connection, rest: str) -> bool:
            connection.response("550", "Not for you")
            return True

    async def scenario(client: AnyClient, place: Place) -> Any:
        (place.folder / "a").write_bytes(b"old")
        return (await attempt(client.download("/a", place.folder))).code

    mine, other = await both(scenario, files={"/a": b"new"}, users=users, server_class=Shown)
    assert (mine.result, mine.local) == ("550", {"a": b"old"})
    assert (other.result, other.local) == ("550", {"a": b""})


async def test_data_connections_of_refused_transfers_are_closed(opened: list[Channel]) -> None:
    """They are closed; aioftp leaves them open until they are garbage-collected."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        for call in (client.download_stream("missing"), client.upload_stream("/no/where")):
            with pytest.raises((ftpfixture.StatusCodeError, aioftp.StatusCodeError)):
                await call
        return closed(client, opened)

    assert await results(scenario) == ([False, True, True], [False, False, False])


async def test_data_connections_of_listings_that_fall_back_are_closed(opened: list[Channel]) -> None:
    """The data connection of MLSD is closed; aioftp leaves it open."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        await client.list("")
        return closed(client, opened)

    mine, other = await results(scenario, disable=["MLSD"])
    assert (mine, other) == ([False, True, True], [False, False, True])


async def current_directory(client: AnyClient) -> Any:
    """The current directory, or the received code when replies are out of sync."""
    found = await attempt(client.get_current_directory())
    return found.received if isinstance(found, Refused) else str(found)


async def test_after_an_error_in_the_body_of_a_stream() -> None:
    """The final reply is still read, so that the next command gets its own; aioftp leaves it unread."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        async def fails() -> None:
            async with client.download_stream("top.txt") as stream:
                await stream.read()
                raise LookupError

        return await attempt(fails()), await current_directory(client)

    assert await results(scenario, files=FILES) == ((LookupError, "/"), (LookupError, ("226",)))


async def test_after_a_stream_was_closed_and_not_finished() -> None:
    """The next command skips the unread reply; aioftp takes it for that of the command."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        stream = await client.download_stream("top.txt")
        await stream.read()
        stream.close()
        return await current_directory(client)

    assert await results(scenario, files=FILES) == ("/", ("226",))


async def test_after_an_unexpected_first_reply() -> None:
    """After an unexpected 1xx, the final reply is skipped; aioftp takes it for that of the next command."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        refused = await attempt(client.get_stream("RETR top.txt", "3xx"))
        return refused.received, await current_directory(client)

    assert await results(scenario, files=FILES) == ((("150",), "/"), (("150",), ("226",)))


async def test_after_an_abort_of_a_completed_transfer() -> None:
    """When the transfer had completed before ABOR, there is one more reply, which is read; aioftp leaves it unread."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        stream = await client.download_stream("top.txt")
        await stream.read()
        await client.abort()
        stream.close()
        return await current_directory(client)

    assert await results(scenario, files=FILES) == ("/", ("226",))


async def test_commands_inside_of_a_transfer() -> None:
    """A command that must wait for the transfer is ClientStateError at once; aioftp gives it the transfer's reply."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        async with client.download_stream("top.txt") as stream:
            await stream.read()
            return await attempt(client.stat("top.txt"))

    mine, other = await results(scenario, files=FILES)
    assert mine is RuntimeError
    assert other is not RuntimeError


async def test_tasks_share_a_client() -> None:
    """Calls of several tasks run one after another; with aioftp tasks get replies of each other, or fail."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        return await asyncio.gather(*[client.stat(f"/tree/{name}") for name in ("a.txt", "empty.bin", "sub")])

    answers = (await ours(scenario, files=FILES)).result
    assert [(info["type"], info.get("size")) for info in answers] == [("file", "6"), ("file", "0"), ("dir", None)]


async def test_type_is_sent_once() -> None:
    """TYPE I is sent before the first transfer and not before each, which saves a round trip."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        for _ in range(3):
            async with client.download_stream("top.txt") as stream:
                await stream.read()

    mine, other = await both(scenario, files=FILES)
    assert [mine.commands.count("TYPE I -> 200"), other.commands.count("TYPE I -> 200")] == [1, 3]


async def test_refused_commands_are_not_repeated() -> None:
    """A server without EPSV and MLSD gets each of them once; aioftp sends them every time."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        for _ in range(3):
            await client.list("")

    mine, other = await both(scenario, disable=["EPSV", "MLSD"])
    assert [mine.commands.count("EPSV -> 502"), mine.commands.count("MLSD -> 502")] == [1, 1]
    assert [other.commands.count("EPSV -> 502"), other.commands.count("MLSD -> 502")] == [6, 3]


async def test_no_passive_command() -> None:
    """An empty list of passive commands is an error; aioftp uses its default."""
    mine, other = await results(one(lambda c: c.get_passive_connection(commands=[])))
    assert (mine, isinstance(other, tuple)) == (ValueError, True)


async def test_a_passive_connection_is_one_stream() -> None:
    """`get_passive_connection` returns one object to read, write and finish; aioftp a reader and a writer."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        connection = await client.get_passive_connection()
        if isinstance(connection, tuple):
            return [type(part).__name__ for part in connection]
        await client.command("STOR new", "1xx")
        await connection.write(b"data")
        await connection.finish()
        return type(connection).__name__

    mine, other = await both(scenario)
    assert (mine.result, mine.files) == ("DataConnectionThrottleStreamIO", {"/new": b"data"})
    assert other.result == ["StreamReader", "StreamWriter"]


async def test_blocks_are_full() -> None:
    """`iter_by_block` gives full blocks, except the last; those of aioftp are as large as what was received."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        async with client.download_stream("a") as stream:
            return [len(block) async for block in stream.iter_by_block(16)]

    # At this rate the server sends ten at once, and the next ones later.
    mine, other = await results(scenario, files={"/a": bytes(20)}, write_speed_limit=200)
    assert mine == [16, 4]
    assert sum(other) == 20


async def test_speed_limits_are_for_data_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control connection is not limited; aioftp also counts commands and replies."""

    async def scenario(client: AnyClient, place: Place) -> Any:
        counted: list[bytes] = []
        with monkeypatch.context() as patched:
            patched.setattr(type(client.throttle.read), "append", lambda self, data, start: counted.append(data))
            await client.command("NOOP", "200")
        return len(counted)

    mine, other = await results(scenario, client={"read_speed_limit": 1e9})
    assert mine == 0
    assert other >= 1
