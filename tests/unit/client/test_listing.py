"""Listings, and the facts of one path: with MLSD and MLST, with LIST, and without both."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from typing import Any

import pytest

from ftpfixture import (
    Client,
    Connection,
    FtpServer,
    InvalidCommand,
    ReplySyntaxError,
    Server,
    StatusCodeError,
    on,
)
from ftpfixture.client.listing import Lister
from ftpfixture.wire.listing.styles import LIST_STYLES
from tests.support.rows import table
from tests.support.scripted import (
    GREETING,
    TYPE_I,
    ScriptedServer,
    Session,
    Step,
    epsv,
    reset,
    send,
    slowly,
    talk,
    transfer,
)

NOOP: list[Step] = ["NOOP", b"200 fine\r\n"]
PWD: list[Step] = ["PWD", b'257 "/here" is current\r\n']
BACK: list[Step] = ["CWD /here", b"250 back\r\n"]
NO_MLSD: list[Step] = [epsv, "MLSD", b"500 what?\r\n"]
NO_MLST: list[Step] = ["MLST f", b"502 no\r\n"]
UNIX = b"-rw-r--r-- 1 ann staff 12 Jan 31 2001 f\r\ndrwxr-xr-x 2 ann staff 4096 Jan 31 2001 d\r\n"


def listed(command: str, data: bytes, *, first: bool = False) -> list[Step]:
    """A listing over the data connection."""
    return transfer(command, send(data), first=first)


async def _all(lister: Lister) -> list[tuple[PurePosixPath, Any]]:
    return await lister


def in_directory(directory: str, data: bytes) -> list[Step]:
    """A listing with LIST, in the directory and back."""
    return [*PWD, f"CWD {directory}", b"250 there\r\n", *listed("LIST", data), *BACK]


def names(entries: Sequence[tuple[PurePosixPath, Any]]) -> list[str]:
    """The paths of a listing as strings."""
    return [str(path) for path, _ in entries]


# MLSD.


async def test_mlsd() -> None:
    """Entries have their facts, in the order of the server; the directory and its parent are left out."""
    data = (
        b"type=cdir; /here\r\ntype=pdir; /\r\nType=cdir; .\r\nType=dir;perm=el; b c\r\ntype=file;size=1; a\r\n"
        b"type=dir; .\r\ntype=dir; ..\r\n"
    )
    async with talk(*listed("MLSD", data, first=True), *listed("MLSD /x/y", data)) as client:
        assert await client.list() == [
            (PurePosixPath("b c"), {"type": "dir", "perm": "el"}),
            (PurePosixPath("a"), {"type": "file", "size": "1"}),
        ]
        assert names([entry async for entry in client.list(PurePosixPath("/x/y"))]) == ["/x/y/b c", "/x/y/a"]


async def test_paths_of_the_directory_itself(caplog: pytest.LogCaptureFixture) -> None:
    """Servers may send the full path of the directory and its parent (RFC 3659 7.5.1): no warning is logged."""
    data = b"type=cdir; /x/y\r\nType=PDIR; /x\r\ntype=file; f\r\n"
    async with talk(*listed("MLSD", data, first=True)) as client:
        assert names(await client.list()) == ["f"]
    assert [record for record in caplog.records if record.levelname == "WARNING"] == []


async def test_names_with_a_mark(caplog: pytest.LogCaptureFixture) -> None:
    """A slash after a name, as in ``ls -F``, and "./" before it are not part of it."""
    data = b"type=dir; a/\r\ntype=file; ./b\r\ntype=dir; \r\n"
    async with talk(*listed("MLSD /d", data, first=True)) as client:
        assert names(await client.list("/d")) == ["/d/a", "/d/b"]
    assert "WARNING" not in [record.levelname for record in caplog.records]


async def test_an_empty_directory() -> None:
    """An empty directory gives an empty listing."""
    async with talk(*listed("MLSD", b"", first=True), *listed("MLSD", b"\r\n\n")) as client:
        assert await client.list() == []
        assert [entry async for entry in client.list(".")] == []


async def test_a_listing_in_many_segments() -> None:
    """Lines may arrive byte by byte; the last one may lack its line end."""

    async def send_byte_by_byte(session: Session) -> None:
        sock = await session.accept()
        for byte in b"type=file; a\ntype=file; b":
            await asyncio.get_running_loop().sock_sendall(sock, bytes([byte]))
            await asyncio.sleep(0)
        session.close_data()

    async with talk(*transfer("MLSD", send_byte_by_byte, first=True)) as client:
        assert names(await client.list()) == ["a", "b"]


async def test_names_with_spaces() -> None:
    """Spaces at both ends belong to a name."""
    async with talk(*listed("MLSD", b"type=file;  a \r\ntype=file; \t\r\n", first=True)) as client:
        assert names(await client.list()) == [" a ", "\t"]


@pytest.mark.parametrize(("encoding", "data"), [("utf-8", b"\xc3\xbc"), ("latin-1", b"\xfc"), ("cp1251", b"\xe6")])
@pytest.mark.parametrize("command", ["MLSD", "LIST"])
async def test_encodings(encoding: str, data: bytes, command: str) -> None:
    """Names are decoded with the client's encoding, in listings of both kinds."""
    line = b"type=file; " if command == "MLSD" else b"-rw-r--r-- 1 ann staff 12 Jan 31 2001 "

    async with talk(*listed(command, line + data + b"\r\n", first=True), encoding=encoding) as client:
        assert names(await client.list(raw_command=command)) == [data.decode(encoding)]


async def test_undecodable_names_can_be_used() -> None:
    """A name that cannot be decoded can be sent back as it came."""
    async with talk(
        *listed("MLSD", b"type=file; \xe9\xe8\r\n", first=True), "DELE \udce9\udce8", b"250 ok\r\n"
    ) as client:
        [(path, _)] = await client.list()
        await client.remove_file(path)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/b", "a/../../b", "a\0b"])
@pytest.mark.parametrize("command", ["MLSD", "LIST"])
async def test_a_name_that_contains_a_path(name: str, command: str, caplog: pytest.LogCaptureFixture) -> None:
    """A name that contains a path is left out with a warning: a download would write outside of the destination."""
    head = "type=file; " if command == "MLSD" else "-rw-r--r-- 1 ann staff 12 Jan 31 2001 "
    data = f"{head}good\r\n{head}{name}\r\n".encode()

    async with talk(*listed(command, data, first=True)) as client:
        assert names(await client.list(raw_command=command)) == ["good"]
    [warning] = [record for record in caplog.records if record.levelname == "WARNING"]
    assert warning.name == "ftpfixture.client"
    if "\0" not in name:
        assert f"({name!r} is no name)" in warning.message


async def test_a_line_that_is_not_understood(caplog: pytest.LogCaptureFixture) -> None:
    """A line that is no entry is skipped, and the log shows the line and the directory in printable characters."""
    data = b"type=file; a\r\nwhat\x1b is this\r\ntype=file; b\r\n"

    async with talk(*listed("MLSD /d", data, first=True)) as client:
        assert names(await client.list("/d")) == ["/d/a", "/d/b"]
    [warning] = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert warning.startswith("1 line of the listing of /d not understood: ")
    assert r"what\x1b is this" in warning
    assert warning.isprintable()


async def test_a_missing_type() -> None:
    """`type` is always present."""
    async with talk(*listed("MLSD", b"size=1; a\r\n b\r\n", first=True)) as client:
        assert [info["type"] for _, info in await client.list()] == ["unknown", "unknown"]


# The lister.


async def test_recursive() -> None:
    """Listing is level by level; paths stay relative to the given path."""
    async with talk(
        *listed("MLSD top", b"type=dir; b\r\ntype=file; f\r\ntype=dir; a\r\n", first=True),
        *listed("MLSD top/b", b"type=dir; c\r\ntype=OS.unix=slink:/; link\r\n"),
        *listed("MLSD top/a", b"type=file; g\r\n"),
        *listed("MLSD top/b/c", b""),
    ) as client:
        assert names(await client.list("top", recursive=True)) == [
            *("top/b", "top/f", "top/a", "top/b/c", "top/b/link", "top/a/g")
        ]


async def test_the_client_is_free_between_entries() -> None:
    """A listing is read to its end before its first entry, so the client can be used between entries."""
    async with talk(
        *listed("MLSD", b"type=dir; a\r\ntype=file; b\r\n", first=True),
        *("DELE a", b"250 ok\r\n", "DELE b", b"250 ok\r\n"),
        *listed("MLSD a", b""),
    ) as client:
        async for path, _ in client.list(recursive=True):
            await client.remove_file(path)


async def test_one_lister_is_one_listing() -> None:
    """An iteration that was interrupted can be continued."""
    async with talk(*listed("MLSD", b"type=file; a\r\ntype=file; b\r\n", first=True), path_timeout=7) as client:
        lister = client.list()
        assert lister.timeout == 7
        async for path, _ in lister:
            assert path.name == "a"
            break
        assert names(await lister) == ["b"]
        assert await lister == []


async def test_the_chosen_command_is_for_all_levels() -> None:
    """`raw_command` is used for directories on all levels."""
    async with talk(
        *listed("LIST", UNIX, first=True), *in_directory("d", b"-rw-r--r-- 1 a b 1 Jan 31 2001 g\r\n")
    ) as client:
        assert names(await client.list(raw_command="LIST", recursive=True)) == ["f", "d", "d/g"]


async def test_a_directory_that_vanishes() -> None:
    """When a directory below is refused, that is the error; earlier entries were given before."""
    async with talk(
        *listed("MLSD", b"type=dir; a\r\ntype=file; f\r\n", first=True), epsv, "MLSD a", b"550 gone\r\n", *NOOP
    ) as client:
        lister = client.list(recursive=True)
        assert names([await anext(lister), await anext(lister)]) == ["a", "f"]
        with pytest.raises(StatusCodeError, match="550"):
            await anext(lister)
        await client.noop()


@pytest.mark.parametrize("command", ["NLST", "", "MLST"])
async def test_unknown_raw_command(command: str) -> None:
    """Only MLSD and LIST can be chosen: otherwise the listing raises an error when it begins."""
    async with talk() as client:
        lister = client.list(raw_command=command)
        with pytest.raises(ValueError, match=f"^raw_command takes 'MLSD', 'LIST' or None, not '{command}'$"):
            await lister


async def test_a_path_with_a_line_end() -> None:
    """A path with a line end is an error before anything is sent."""
    async with talk() as client:
        with pytest.raises(InvalidCommand):
            await client.list("a\nDELE b")


async def test_missing_directory() -> None:
    """A refusal of the server is an error, with every command; the current directory does not change."""
    async with talk(
        *(*TYPE_I, epsv, "MLSD no", b"550 no such directory\r\n"),
        *(*PWD, "CWD no", b"550 no such directory\r\n"),
        *(*PWD, "CWD no", b"250 ok\r\n", epsv, "LIST", b"450 busy\r\n", *BACK),
        *NOOP,
    ) as client:
        for command, code in ((None, "550"), ("LIST", "550"), ("list", "450")):
            with pytest.raises(StatusCodeError, match=code):
                await client.list("no", raw_command=command)
        await client.noop()


# LIST.


@pytest.mark.parametrize("code", [b"500", b"502", b"504"])
async def test_no_mlsd(code: bytes) -> None:
    """For a server without MLSD the client sends LIST from then on."""
    async with talk(
        *(*TYPE_I, epsv, "MLSD", code + b" what?\r\n"), *listed("LIST", UNIX), *listed("LIST", UNIX)
    ) as client:
        for _ in range(2):
            assert names(await client.list()) == ["f", "d"]


async def test_no_mlsd_although_it_was_chosen() -> None:
    """With raw_command="MLSD" the refusal is an error, and later calls try MLSD again."""
    async with talk(*TYPE_I, *NO_MLSD, *listed("MLSD", b"")) as client:
        with pytest.raises(StatusCodeError, match="500"):
            await client.list(raw_command="mlsd")
        assert await client.list() == []


async def test_list_changes_the_directory_and_back() -> None:
    """LIST treats some paths as options, so the client changes to the directory and back."""
    script = [*TYPE_I, epsv, "MLSD -l", b"500 no\r\n", *in_directory("-l", UNIX), *in_directory("/a b", UNIX)]

    async with talk(*script, *listed("LIST", UNIX)) as client:
        assert names(await client.list("-l")) == ["-l/f", "-l/d"]
        assert names(await client.list("/a b")) == ["/a b/f", "/a b/d"]
        assert names(await client.list("", raw_command="LIST")) == ["f", "d"]


async def test_a_new_connection_may_have_mlsd() -> None:
    """Missing commands are forgotten with the connection, MLSD and MLST alike."""
    without = [GREETING, *TYPE_I, *NO_MLSD, *listed("LIST", UNIX), *NO_MLST, *listed("LIST", UNIX)]
    having = [GREETING, *listed("MLSD", b"type=file; g\r\n", first=True), "MLST g", b"250 type=file; g\r\n"]
    async with ScriptedServer(without, having) as server:
        client = Client()
        await client.connect(*server.address)
        assert names(await client.list()) == ["f", "d"]
        assert (await client.stat("f"))["size"] == "12"
        await client.connect(*server.address)
        assert names(await client.list()) == ["g"]
        assert await client.stat("g") == {"type": "file"}
        client.close()


async def test_changing_back_is_refused() -> None:
    """When the client cannot change back, that is an error: relative paths would lead elsewhere."""
    async with talk(
        *PWD, "CWD d", b"250 ok\r\n", *listed("LIST", UNIX, first=True), "CWD /here", b"550 gone\r\n", *NOOP
    ) as client:
        with pytest.raises(StatusCodeError, match="gone"):
            await client.list("d", raw_command="LIST")
        await client.noop()


async def test_other_tasks_wait_for_a_listing() -> None:
    """Other tasks wait until the client has changed back."""

    async def other(session: Session) -> None:
        for _ in range(5):
            await asyncio.sleep(0)
        session.check_no_command()

    script = [*PWD, "CWD d", other, b"250 ok\r\n", *listed("LIST", UNIX, first=True), *BACK, *NOOP]
    async with talk(*script) as client:
        task = asyncio.create_task(_all(client.list("d", raw_command="LIST")))
        await asyncio.sleep(0)
        await client.noop()
        await task


async def test_the_session_ends_in_the_directory() -> None:
    """When the session ends in the directory, that is the error, and nothing more is sent."""
    async with talk(*PWD, "CWD d", b"250 ok\r\n", *TYPE_I, epsv, "LIST", reset) as client:
        with pytest.raises(ConnectionResetError):
            await client.list("d", raw_command="LIST")


@pytest.mark.parametrize(
    ("data", "entries"),
    [
        (UNIX, [("f", "file", "12"), ("d", "dir", "4096")]),
        (b"total 8\r\n" + UNIX, [("f", "file", "12"), ("d", "dir", "4096")]),
        (b"Total 8\n" + UNIX.replace(b"\r", b""), [("f", "file", "12"), ("d", "dir", "4096")]),
        (
            b"01-31-01  12:30PM       <DIR>          d\r\n01-31-01  12:30PM                   12 f\r\n",
            [("d", "dir", None), ("f", "file", "12")],
        ),
        (b"+i1,m980944200,/,\td\r\n+i2,m980944200,r,s12,\tf\r\n", [("d", "dir", None), ("f", "file", "12")]),
        (UNIX + b"01-31-01  12:30PM  12 g\r\n", [("f", "file", "12"), ("d", "dir", "4096"), ("g", "file", "12")]),
        (b"drwxr-xr-x 2 a b 1 Jan 31 2001 .\r\ndrwxr-xr-x 2 a b 1 Jan 31 2001 ..\r\n", []),
    ],
)
async def test_the_formats_of_list(data: bytes, entries: list[tuple[str, str, str | None]]) -> None:
    """Unix, MS-DOS and EPLF are understood, even mixed; the total and the directory itself are no entries."""
    async with talk(*listed("LIST", data, first=True)) as client:
        found = await client.list(raw_command="LIST")
    assert [(str(path), info["type"], info.get("size")) for path, info in found] == entries


async def test_no_known_format(caplog: pytest.LogCaptureFixture) -> None:
    """A line in no known format is skipped with a warning."""
    async with talk(*listed("LIST", b"hello\r\n" + UNIX, first=True)) as client:
        assert names(await client.list(raw_command="LIST")) == ["f", "d"]
    assert "1 line of the listing of . not understood: 'hello' (it has no known form)" in caplog.text


async def test_line_ends_that_were_translated_twice() -> None:
    """CR CR LF ends a line in every kind of listing."""
    unix, mlsd = UNIX.replace(b"\r\n", b"\r\r\n"), b"type=file; f\r\r\ntype=dir; d\r\r\n"
    async with talk(
        *(*listed("LIST", unix, first=True), *listed("MLSD", mlsd), *listed("MLSD", mlsd)),
        *("TYPE A", b"200 ok\r\n", *listed("NLST", b"f\r\r\nd\r\r\n")),
    ) as client:
        assert names(await client.list(raw_command="LIST")) == ["f", "d"]
        assert names(await client.list()) == ["f", "d"]
        lister = client.list()
        assert [(str(path), info["type"]) for path, info in await lister] == [("f", "file"), ("d", "dir")]
        assert lister.unread == ()
        assert await client.nlst() == ["f", "d"]


async def test_lines_are_parsed_together() -> None:
    """Formats of whole systems, entries on two lines, and dates that other lines explain are understood."""
    as400 = b"QSYS            77824 02/23/00 15:09:55 *STMF      data.csv\r\n"
    vms = b"LONG.NAME;1\r\n                 4/9   2-JUN-1998 07:32:04  [A,B]  (RWED,RWED,RE,)\r\n"
    async with talk(*listed("LIST", as400, first=True), *listed("LIST", vms)) as client:
        lister = client.list(raw_command="LIST")
        assert names(await lister) == ["data.csv"]
        [(path, info)] = await client.list(raw_command="LIST")
        assert (path.name.upper().partition(";")[0], info["type"]) == ("LONG.NAME", "file")
        assert lister.unread == ()


# A user's own parsers.


def read_equals(line: bytes) -> tuple[PurePosixPath, dict[str, Any]]:
    """Parse lines of the form ``=name``."""
    if not line.startswith(b"="):
        raise ValueError("no equals sign")
    return PurePosixPath(line[1:].strip().decode()), {"type": "file"}


class Own(Client):
    """Parses one form only."""

    def parse_list_line(self, b: bytes) -> tuple[PurePosixPath, dict[str, Any]]:
        """Parse a line."""
        return read_equals(b)


class OwnUnix(Client):
    """Replaces the parser of the Unix format."""

    @staticmethod
    def parse_list_line_unix(b: bytes | str) -> tuple[PurePosixPath, dict[str, Any]]:
        """Parse a line."""
        return read_equals(b if isinstance(b, bytes) else b.encode())


class OwnFacts(Client):
    """Replaces the parser of MLSD."""

    @staticmethod
    def parse_mlsx_line(b: bytes | str) -> tuple[PurePosixPath, dict[str, Any]]:
        """Parse a line."""
        return read_equals(b if isinstance(b, bytes) else b.encode())


async def test_parsers_that_are_overridden() -> None:
    """An override gets every line except headings, also on an instance; lines it does not understand are unread."""
    data = b"total 3\r\n=a\r\n-?- b\r\n=c\r\n"
    for kind, command in ((Own, "LIST"), (OwnUnix, "LIST"), (OwnFacts, "MLSD"), (Client, "LIST")):
        lines = data if command == "LIST" else data.partition(b"\n")[2]
        async with talk(*listed(command, lines, first=True), client_class=kind) as client:
            if kind is Client:
                vars(client)["parse_list_line"] = read_equals
            lister = client.list(raw_command=command)
            assert names(await lister) == ["a", "c"], kind
            assert [unread.line for unread in lister.unread] == ["-?- b"], kind


@pytest.mark.parametrize("first", [True, False])
async def test_a_custom_parser_beside_the_known_formats(first: bool) -> None:
    """Entries stay in the order of their lines, and the custom parser does not get headings."""
    data = b"total 3\r\n=a\r\n" + UNIX + b"what?\r\n=z\r\n"
    settings: dict[str, Any] = {"parse_list_line_custom": read_equals, "parse_list_line_custom_first": first}
    async with talk(*listed("LIST", data, first=True), **settings) as client:
        lister = client.list(raw_command="LIST")
        assert names(await lister) == ["a", "f", "d", "z"]
        assert [unread.line for unread in lister.unread] == ["what?"]


# The custom parser.


def parse_pipe(line: bytes) -> tuple[str, dict[str, Any]]:
    """Parse lines of the form ``name|type``."""
    name, kind = line.decode().split("|")
    return name, {"kind": kind}


async def test_a_custom_parser() -> None:
    """Lines in the user's own format go to the custom parser, with line ends; it may return the path as text."""
    async with talk(*listed("LIST", b"a|x\r\n" + UNIX, first=True), parse_list_line_custom=parse_pipe) as client:
        found = await client.list(raw_command="LIST")
        assert found[0] == (PurePosixPath("a"), {"kind": "x\r\n", "type": "unknown"})
        assert names(found) == ["a", "f", "d"]


class Pipes(Client):
    """A client with its own method for another format."""

    def parse_list_line_custom(self, line: bytes) -> tuple[str, dict[str, Any]]:
        """Parse lines of the form ``name|type``."""
        return parse_pipe(line)


async def test_a_custom_parser_of_a_subclass(ftp_server_factory: Callable[..., FtpServer]) -> None:
    """A method of the subclass is used; a parser in the settings replaces it."""
    listing = on("LIST").truncate(after_bytes=0).pad(b"a|x\r\n")
    server = ftp_server_factory(disable=["MLSD"], faults=[listing])
    given: dict[str, Any] = {"parse_list_line_custom": lambda line: ("given", {"type": "file"})}
    cases: list[tuple[dict[str, Any], str]] = [({}, "a"), (given, "given")]
    for settings, name in cases:
        async with Pipes.context(*server.address, *server.credentials, **settings) as client:
            assert names(await client.list("/")) == [f"/{name}"]


async def test_a_custom_parser_and_another_encoding() -> None:
    """Parsers get UTF-8, whatever encoding the server uses."""
    seen = []

    def note(line: bytes) -> tuple[str, dict[str, Any]]:
        seen.append(line)
        raise ValueError

    async with talk(
        *listed("LIST", b"\xfc\r\n", first=True), encoding="latin-1", parse_list_line_custom=note
    ) as client:
        assert await client.list(raw_command="LIST") == []
    assert seen == ["ü\r\n".encode()]


@table("first", [True, False])
def test_the_order_of_parsers(first: bool) -> None:
    """The custom parser is tried before the known formats, or after them."""
    client = Client(parse_list_line_custom=lambda line: ("mine", {}), parse_list_line_custom_first=first)
    path, _ = client.parse_list_line(UNIX.splitlines(keepends=True)[0])
    assert path == PurePosixPath("mine" if first else "f")
    assert client.parse_list_line(b"hello") == (PurePosixPath("mine"), {})


@table("error", [ValueError, KeyError, IndexError])
def test_what_a_custom_parser_may_raise(error: type[Exception]) -> None:
    """With these errors a parser rejects a line; when all reject it, the error has the line and all reasons."""

    def refuse(line: bytes) -> tuple[str, dict[str, Any]]:
        raise error("not mine")

    client = Client(parse_list_line_custom=refuse)
    client.parse_list_line(UNIX.splitlines()[0])
    with pytest.raises(ValueError, match="no parser understands") as caught:
        client.parse_list_line(b"hello")
    text, line, errors = caught.value.args
    assert (text, line) == ("no parser understands this line of LIST", b"hello")
    assert [type(reason).__name__ for reason in errors] == [error.__name__, *["ReplySyntaxError"] * 3]


def test_a_custom_parser_that_is_broken() -> None:
    """Any other error of a parser is raised."""

    def fail(line: bytes) -> tuple[str, dict[str, Any]]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Client(parse_list_line_custom=fail).parse_list_line(b"hello")


async def test_an_overridden_parser() -> None:
    """Parsers of a subclass are used."""

    class Mine(Client):
        """Gives every entry the same name."""

        @staticmethod
        def parse_mlsx_line(b: bytes | str) -> tuple[PurePosixPath, dict[str, Any]]:
            """Return a fixed entry."""
            return PurePosixPath("mine"), {"type": "mine"}

    async with talk(*listed("MLSD", b"x\r\n", first=True), client_class=Mine) as client:
        assert await client.list() == [(PurePosixPath("mine"), {"type": "mine"})]


# One path.


@pytest.mark.parametrize(
    "reply",
    [
        b"250-Listing f\r\n type=file;size=12; /f\r\n250 End\r\n",
        b"250-Listing f\r\n250-type=file;size=12; /f\r\n250 End\r\n",
        b"250- Listing\r\n  type=file;size=12; /f\r\n250 End\r\n",
        b"250 type=file;size=12; /f\r\n",
        b"250-type=file;size=12; /f\r\n250 End\r\n",
        b"200-begin\r\n type=file;size=12; /f\r\n200 End\r\n",
    ],
)
async def test_mlst(reply: bytes) -> None:
    """The facts of a path are in the middle line, or in the only line."""
    async with talk("MLST f", slowly(reply)) as client:
        assert await client.stat("f") == {"type": "file", "size": "12"}


async def test_mlst_without_facts() -> None:
    """A reply without facts is an error that shows it, and the session continues."""
    async with talk("MLST f", b"250 ok\r\n", *NOOP) as client:
        with pytest.raises(ReplySyntaxError, match="'ok' is not an entry of MLSD"):
            await client.stat("f")
        await client.noop()


async def test_mlst_refused() -> None:
    """A missing path is an error, and the next call sends MLST again."""
    async with talk("MLST f", b"550 no\r\n", "MLST f", b"501 no\r\n", "MLST f", b"250 type=file; f\r\n") as client:
        for code in ("550", "501"):
            with pytest.raises(StatusCodeError, match=code):
                await client.stat("f")
        assert await client.stat("f") == {"type": "file"}


async def test_no_mlst() -> None:
    """For a server without MLST the client lists the parent directory from then on; a path not in it does not exist."""
    async with talk(
        *(*NO_MLST, *TYPE_I, epsv, "MLSD", b"502 no\r\n"),
        *listed("LIST", UNIX),
        *in_directory("/a", UNIX),
        *in_directory("/a", UNIX),
    ) as client:
        assert (await client.stat("f"))["size"] == "12"
        assert (await client.stat("/a/d"))["type"] == "dir"
        with pytest.raises(StatusCodeError) as caught:
            await client.stat("/a/g")
    assert (caught.value.expected_codes, caught.value.received_codes) == (("2xx",), ("550",))
    assert caught.value.info == [" g is not in the listing of /a"]


@pytest.mark.parametrize(
    ("path", "absolute"), [(".", "/"), ("..", "/"), ("../x", "/x"), ("d/../f", "/here/f"), ("../../..", "/")]
)
async def test_no_mlst_and_a_relative_path(path: str, absolute: str) -> None:
    """A relative path is resolved with the current directory; "/" is certainly a directory."""
    parent, name = str(PurePosixPath(absolute).parent), PurePosixPath(absolute).name
    script: list[Step] = [*PWD, *listed(f"MLSD {parent}", f"type=dir;x=1; {name}\r\n".encode(), first=True)]
    if path == ".":
        script = [*PWD, *listed("MLSD /", b"type=dir;x=1; here\r\n", first=True)]
    elif absolute == "/":
        script = [*PWD]

    async with talk(f"MLST {path}", b"502 no\r\n", *script) as client:
        info = await client.stat(path)
    assert info == ({"type": "dir"} if absolute == "/" and path != "." else {"type": "dir", "x": "1"})


async def test_no_mlst_of_the_root() -> None:
    """The root is in no listing, and needs none."""
    async with talk("MLST /", b"502 no\r\n", *PWD) as client:
        assert await client.stat("/") == {"type": "dir"}


@pytest.mark.parametrize(
    ("reply", "answers"),
    [
        (b"250 type=file; f\r\n", (True, True, False)),
        (b"250 type=dir; f\r\n", (True, False, True)),
        (b"250 type=cdir; f\r\n", (True, False, True)),
        (b"250 type=pdir; f\r\n", (True, False, True)),
        (b"250 type=OS.unix=slink:g; f\r\n", (True, False, False)),
        (b"550 no\r\n", (False, False, False)),
    ],
)
async def test_what_a_path_is(reply: bytes, answers: tuple[bool, ...]) -> None:
    """`exists`, `is_file` and `is_dir` return False when the path does not exist."""
    script: list[Step] = ["MLST f", reply]
    async with talk(*script * 3) as client:
        assert (await client.exists("f"), await client.is_file("f"), await client.is_dir("f")) == answers


async def test_other_refusals_of_mlst() -> None:
    """Any other refusal than 550 is an error."""
    script: list[Step] = ["MLST f", b"530 log in first\r\n"]
    async with talk(*script * 3) as client:
        for call in (client.exists, client.is_file, client.is_dir):
            with pytest.raises(StatusCodeError, match="530"):
                await call("f")


@pytest.mark.parametrize(
    ("reply", "path"),
    [
        (b'257 "/a ""b"" c" is current\r\n', '/a "b" c'),
        (b"257 hello\r\n", "."),
        (b'257-hello\r\n257 "/x"\r\n', "/x"),
    ],
)
async def test_the_current_directory(reply: bytes, path: str) -> None:
    """The path in the quotes of the PWD reply is the current directory."""
    async with talk("PWD", reply) as client:
        assert await client.get_current_directory() == PurePosixPath(path)


# On our own server.

TREE = {"/top/b/c/deep": b"1", "/top/a/g": b"22", "/top/f": b"333"}
LISTED = ["top/a", "top/b", "top/f", "top/a/g", "top/b/c", "top/b/c/deep"]
Connect = Callable[..., contextlib.AbstractAsyncContextManager[Client]]


@pytest.fixture
def client_of(ftp_server_factory: Callable[..., FtpServer]) -> Connect:
    """Connects to a new server with these settings; `client` are the settings of the client."""

    def connect(
        client: dict[str, Any] | None = None, **settings: Any
    ) -> contextlib.AbstractAsyncContextManager[Client]:
        server = ftp_server_factory(**settings)
        return Client.context(*server.address, *server.credentials, **(client or {}))

    return connect


@pytest.mark.parametrize(
    ("style", "files"),
    [
        ("vms", ["A.TXT;12", "A_NAME_THAT_IS_LONG_ENOUGH.DAT;1"]),
        ("mvs", ["MIA.LETTERS", "PAYROLL"]),
        ("pds", ["A", "PAYROLL"]),
    ],
)
async def test_lists_without_sizes(ftp_server_factory: Callable[..., FtpServer], style: str, files: list[str]) -> None:
    """The names of OpenVMS and z/OS can be retrieved."""
    server = ftp_server_factory(
        files={f"/{name}": name.encode() for name in files}, list_style=style, disable=["MLSD", "MLST"]
    )
    async with Client.context(*server.address, *server.credentials) as client:
        assert names(await client.list("/")) == [f"/{name}" for name in files]
        for name in files:
            async with client.download_stream(f"/{name}") as stream:
                assert await stream.read() == name.encode()


INEXACT = ("vms", "mvs", "pds")  # they show no sizes in bytes, and other names


@pytest.mark.parametrize(
    ("disable", "style"),
    [([], "unix"), *[(["MLSD"], style) for style in LIST_STYLES if style not in INEXACT]],
)
async def test_a_tree(ftp_server_factory: Callable[..., FtpServer], disable: list[str], style: str) -> None:
    """A tree is the same in every list format of the server, and the current directory does not change."""
    server = ftp_server_factory(files=TREE, disable=disable, list_style=style)
    async with Client.context(*server.address, *server.credentials) as client:
        await client.change_directory("/top")
        await client.change_directory("..")
        found = await client.list("top", recursive=True)
        assert names(found) == LISTED
        assert [info["type"] for _, info in found] == ["dir", "dir", "file", "file", "dir", "file"]
        assert [info["size"] for _, info in found if info["type"] == "file"] == ["3", "2", "1"]
        assert await client.get_current_directory() == PurePosixPath("/")
    assert len(server.log.find("MLSD")) == (1 if disable else 4)


@pytest.mark.parametrize("disable", [[], ["MLSD"]])
async def test_using_the_client_while_listing(client_of: Connect, disable: list[str]) -> None:
    """During a recursive listing files can be read and removed, and the current directory can be changed."""
    contents = []
    async with client_of(files=TREE, disable=disable) as client:
        async for path, info in client.list("/top", recursive=True):
            if info["type"] == "file":
                async with client.download_stream(path) as stream:
                    contents.append(await stream.read())
                await client.change_directory(path.parent)
                await client.remove_file(path.name)
        assert contents == [b"333", b"22", b"1"]
        assert names(await client.list("/top")) == ["/top/a", "/top/b"]


@pytest.mark.parametrize("name", ["-l", "-a b", "*", "[x]", " lead", "trail ", 'quo"te', "ü", "total 3", "a -> b"])
@pytest.mark.parametrize("disable", [[], ["MLSD"]])
async def test_names_of_all_kinds(client_of: Connect, name: str, disable: list[str]) -> None:
    """Names that look like options, patterns or other things are names, of directories and of files."""
    async with client_of(files={f"/{name}/{name}": b"x", "/other": b""}, disable=disable) as client:
        assert names(await client.list(name)) == [f"{name}/{name}"]
        assert await client.is_dir(name)


@pytest.mark.parametrize(("encoding", "name"), [("latin-1", "Grüße"), ("cp1251", "Привет"), ("utf-8", "日本")])
@pytest.mark.parametrize("disable", [[], ["MLSD", "MLST"]])
async def test_servers_of_other_encodings(client_of: Connect, encoding: str, name: str, disable: list[str]) -> None:
    """Names in the encoding of the server are decoded, and can be sent."""
    settings = {"encoding": encoding}
    async with client_of(settings, files={f"/{name}/{name}": b"x"}, encoding=encoding, disable=disable) as client:
        assert names(await client.list(name)) == [f"{name}/{name}"]
        assert await client.is_file(f"{name}/{name}")


@pytest.mark.parametrize("disable", [[], ["MLSD", "MLST"]])
async def test_bytes_beyond_the_encoding(client_of: Connect, disable: list[str]) -> None:
    """A client that cannot decode a name can still list, look up and remove it."""
    async with client_of(files={"/ü/ü": b"x"}, encoding="latin-1", disable=disable) as client:
        [(directory, _)] = await client.list()
        assert ascii(str(directory)) == r"'\udcfc'"
        [(path, _)] = await client.list(directory)
        assert await client.is_file(path)
        await client.remove_file(path)
        assert await client.list(directory) == []


@pytest.mark.parametrize("disable", [[], ["MLST"], ["MLST", "MLSD"]])
async def test_one_path_in_three_ways(ftp_server_factory: Callable[..., FtpServer], disable: list[str]) -> None:
    """The facts of a path do not depend on the available commands; each missing command is tried only once."""
    server = ftp_server_factory(files=TREE, disable=disable)
    async with Client.context(*server.address, *server.credentials) as client:
        await client.change_directory("/top/b")
        for path in ("/", ".", "..", "c", "/top/a", "../../..", "../a", "c/.."):
            assert (await client.exists(path), await client.is_file(path), await client.is_dir(path)) == (
                *(True, False, True),
            ), path
        for path in ("/top/f", "c/deep", "../f", "c/../../a/g"):
            assert (await client.exists(path), await client.is_file(path), await client.is_dir(path)) == (
                *(True, True, False),
            ), path
        for path in ("/none", "none", "/none/none", "../none", "c/deeper"):
            assert (await client.exists(path), await client.is_file(path), await client.is_dir(path)) == (
                *(False, False, False),
            ), path
            with pytest.raises(StatusCodeError, match="550"):
                await client.stat(path)
        assert (await client.stat("../f"))["size"] == "3"
        assert await client.get_current_directory() == PurePosixPath("/top/b")
    for verb in disable:
        assert len(server.log.find(verb)) == 1


@pytest.mark.parametrize(("disable", "kinds"), [([], ["link", "dir"]), (["MLSD"], ["link", "link"])])
async def test_links(ftp_server_factory: Callable[..., FtpServer], disable: list[str], kinds: list[str]) -> None:
    """A dangling link is a link with its target; a link to a directory may be shown as the directory."""
    server = ftp_server_factory(files={"/d/": None}, disable=disable)
    server.files.symlink("/l1", "/none")
    server.files.symlink("/l2", "/d")
    async with Client.context(*server.address, *server.credentials) as client:
        [_, (_, first), (_, second)] = await client.list()
    assert [first["type"], second["type"]] == kinds
    assert first["link_dst"] == "/none"


@pytest.mark.parametrize("disable", [[], ["MLSD"]])
async def test_missing_on_our_own_server(client_of: Connect, disable: list[str]) -> None:
    """A missing directory is an error with every command, and so is a file; the current directory does not change."""
    async with client_of(files=TREE, disable=disable) as client:
        await client.change_directory("/top")
        for path in ("none", "f"):
            with pytest.raises(StatusCodeError):
                await client.list(path)
        assert names(await client.list()) == ["a", "b", "f"]


class WithoutPath(Server):
    """Does not report the current directory."""

    async def pwd(self, connection: Connection, rest: str) -> bool:
        """PWD, without a path."""
        connection.response("257", "here")
        return True


@pytest.mark.ftp(server_class=WithoutPath, disable=["MLSD"], files={"/d/a.txt": b"hi"})
async def test_without_a_current_directory_list_gets_the_path(ftp_client: Client, ftp_server: FtpServer) -> None:
    """Without a path from PWD the client does not change the directory: it sends LIST with the path."""
    assert [str(path) for path, _ in await ftp_client.list("d")] == ["d/a.txt"]

    ftp_server.log.assert_sent("LIST d -> 226")
    ftp_server.log.assert_not_sent("CWD")
