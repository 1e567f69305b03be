"""Lines of a listing that are not understood: they are reported, and their entries never taken for missing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from ftpfixture import Client, FtpServer, Mirrored, NotInListing, StatusCodeError, UnreadEntry, UnreadLinesError, on
from tests.support.scripted import TYPE_I, Step, epsv, send, talk, transfer

ODD = "?? f of 4 bytes ??"
GOOD = "-rw-r--r-- 1 ann staff 1 Jan 31 2001 good"
UNREAD = UnreadEntry(PurePosixPath("/d"), ODD, "it has no known form")
Factory = Callable[..., FtpServer]


@pytest.fixture
def odd(ftp_server_factory: Factory) -> Factory:
    """Creates servers without MLSD and MLST; their listing of /d has known lines and one that is not understood."""

    def make(*, lines: tuple[str, ...] = (GOOD, ODD), disable: tuple[str, ...] = (), path: str = "/d") -> FtpServer:
        listing = "".join(f"{line}\r\n" for line in lines).encode()
        return ftp_server_factory(
            files={"/d/f": b"four", "/d/good": b"1", "/d/sub/g": b"2"},
            disable=["MLSD", "MLST", *disable],
            faults=[on("LIST", path=path).truncate(after_bytes=0).pad(listing)],
        )

    return make


async def test_list(odd: Factory, caplog: pytest.LogCaptureFixture) -> None:
    """The entries that were understood are given; the lister has the other lines, and the log shows them."""
    server = odd()
    async with Client.context(*server.address, *server.credentials) as client:
        lister = client.list("/d")
        assert [str(path) for path, _ in await lister] == ["/d/good"]
        assert lister.unread == (UNREAD,)
        deep = client.list("/", recursive=True)
        assert [str(path) for path, _ in await deep] == ["/d", "/d/good"]
        assert deep.unread == (UNREAD,)
    warnings = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert warnings == 2 * [
        f"1 line of the listing of /d not understood: '{ODD}' (it has no known form); "
        "a parse_list_line_custom of the client could parse them"
    ]


@pytest.mark.parametrize("disable", [(), ("SIZE",), ("SIZE", "MDTM")])
async def test_one_path(odd: Factory, disable: tuple[str, ...]) -> None:
    """The client looks a path up with other commands, down to NLST; the current directory does not change."""
    server = odd(disable=disable)
    async with Client.context(*server.address, *server.credentials) as client:
        await client.change_directory("/d")
        for path, exists in (("/d/f", True), ("f", True), ("/d/good", True), ("/d/sub", True), ("/d/no", False)):
            assert await client.exists(path) is exists, path
        assert await client.is_dir("/d/sub")
        assert not await client.is_dir("/d/f")
        assert await client.is_file("/d/f") is (not disable)
        with pytest.raises(StatusCodeError, match="550"):
            await client.stat("/d/no")
        assert await client.get_current_directory() == PurePosixPath("/d")


async def test_unknown_existence(odd: Factory) -> None:
    """When no command answers, the error shows the lines and says what helps."""
    server = odd(disable=("SIZE", "MDTM", "NLST"))
    async with Client.context(*server.address, *server.credentials) as client:
        for call in (client.stat, client.exists, client.is_file, client.is_dir, client.remove):
            with pytest.raises(UnreadLinesError) as caught:
                await call("/d/f")
            assert caught.value.unread == (UNREAD,)
            assert str(caught.value) == (
                "it is unknown whether /d/f exists: "
                f"1 line of the listing of /d not understood: '{ODD}' (it has no known form); "
                "a parse_list_line_custom of the client could parse them"
            )
        assert await client.is_file("/d/good")
        assert await client.is_dir("/d/sub")
    assert server.files["/d/f"] == b"four"


async def test_remove(odd: Factory) -> None:
    """A file is removed whatever the listing shows; a directory is not removed when its content is not fully known."""
    server = odd()
    async with Client.context(*server.address, *server.credentials) as client:
        await client.remove("/d/f")
        assert "/d/f" not in server.files
        for path in ("/d", "/"):
            with pytest.raises(UnreadLinesError, match="is not removed, because its content is not fully known"):
                await client.remove(path)
    assert server.files == {"/d/good": b"1", "/d/sub/g": b"2"}
    server.log.assert_sent("DELE", times=1)
    server.log.assert_not_sent("RMD")


async def test_remove_by_mlsd(ftp_server_factory: Factory) -> None:
    """Nothing is removed before all directories were listed, also with MLSD."""
    fault = on("MLSD", path="/d/e/deep").truncate(after_bytes=0).pad(b"no facts\r\n")
    server = ftp_server_factory(files={"/d/a": b"1", "/d/e/deep/b": b"2"}, faults=[fault])
    async with Client.context(*server.address, *server.credentials) as client:
        with pytest.raises(UnreadLinesError, match="/d/e/deep"):
            await client.remove("/d")
    assert server.files == {"/d/a": b"1", "/d/e/deep/b": b"2"}
    server.log.assert_not_sent("DELE")


async def test_a_link_that_cwd_enters(ftp_server_factory: Factory) -> None:
    """A link in a line that is not understood is removed alone, not its target."""
    fault = on("LIST", path="/").truncate(after_bytes=0).pad(b"?? link ??\r\n")
    server = ftp_server_factory(files={"/keep/me": b"1"}, disable=["MLSD", "MLST"], faults=[fault])
    server.files.symlink("/link", "/keep")
    async with Client.context(*server.address, *server.credentials) as client:
        await client.remove("/link")
    assert server.files == {"/keep/me": b"1"}
    assert "/link" not in server.files


@pytest.mark.parametrize("direction", ["up", "down"])
async def test_mirror(odd: Factory, tmp_path: Path, direction: str) -> None:
    """With `delete` nothing is changed; without, known entries are copied, and the other lines reported."""
    server = odd()
    (tmp_path / "f").write_bytes(b"here")
    (tmp_path / "too much").write_bytes(b"here")
    async with Client.context(*server.address, *server.credentials) as client:

        async def mirror(delete: bool) -> Mirrored:
            if direction == "up":
                return await client.mirror_up(tmp_path, "/d", delete=delete)
            return await client.mirror_down("/d", tmp_path, delete=delete)

        with pytest.raises(UnreadLinesError, match="because its content on the server is not fully known"):
            await mirror(True)
        assert sorted(os.listdir(tmp_path)) == ["f", "too much"]
        assert server.files == {"/d/f": b"four", "/d/good": b"1", "/d/sub/g": b"2"}

        result = await mirror(False)
        assert result.unread == (UNREAD,)
    assert (tmp_path / "f").read_bytes() == b"here"
    assert (tmp_path / "good").exists() is (direction == "down")


@pytest.mark.parametrize(("disable", "stays"), [((), True), (("MDTM",), True), (("SIZE",), False)])
async def test_a_newer_file_is_not_overwritten(
    odd: Factory, tmp_path: Path, disable: tuple[str, ...], stays: bool
) -> None:
    """A file in a line that is not understood is still compared, when the server reports its size."""
    server = odd(disable=disable)
    (tmp_path / "f").write_bytes(b"here")
    async with Client.context(*server.address, *server.credentials) as client:
        await client.mirror_up(tmp_path, "/d")
    assert server.files["/d/f"] == (b"four" if stays else b"here")


async def test_no_upload_over_an_unknown_file(odd: Factory, tmp_path: Path) -> None:
    """A file is not uploaded when it is unknown whether the server has it."""
    server = odd(disable=("SIZE", "MDTM", "NLST"))
    (tmp_path / "f").write_bytes(b"here")
    async with Client.context(*server.address, *server.credentials) as client:
        with pytest.raises(UnreadLinesError, match="it is unknown whether /d/f exists"):
            await client.mirror_up(tmp_path, "/d")
    assert server.files["/d/f"] == b"four"


async def test_download(odd: Factory, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A directory is downloaded without the lines that were not understood, and the log shows them."""
    server = odd()
    async with Client.context(*server.address, *server.credentials) as client:
        await client.download("/d", tmp_path)
    assert [path.name for path in (tmp_path / "d").iterdir()] == ["good"]
    assert ODD in caplog.text


async def test_names_that_are_hidden(ftp_server_factory: Factory) -> None:
    """Many servers hide names that begin with a dot, so a listing without such a name proves nothing."""
    fault = on("LIST").truncate(after_bytes=0)
    server = ftp_server_factory(files={"/.hidden": b"1"}, disable=["MLSD", "MLST"], faults=[fault])
    async with Client.context(*server.address, *server.credentials) as client:
        assert await client.is_file("/.hidden")
        assert not await client.exists("/.none")
        assert not await client.exists("/hidden")


async def test_not_in_the_listing() -> None:
    """The error says that it comes from a listing, not from the server; it has the code 550."""
    async with talk(
        "MLST f", b"502 no\r\n", *TYPE_I, epsv, "MLSD", b"502 no\r\n", *transfer("LIST", send(b""))
    ) as client:
        with pytest.raises(NotInListing) as caught:
            await client.stat("f")
    assert caught.value.received_codes == ("550",)
    assert str(caught.value) == (
        "f is not in the listing of .: the server has no MLST to ask for one path, and sent no 550 itself"
    )


@pytest.mark.parametrize(
    ("replies", "outcome"),
    [
        ([*("SIZE f", b"213 5\r\n")], "file"),
        ([*("SIZE f", b"250 5\r\n")], "file"),
        ([*("SIZE f", b"250 took 3 ms\r\n", "MDTM f", b"253 20010909014640\r\n")], "unknown"),
        ([*("SIZE f", b"500 no\r\n", "MDTM f", b"213 what\r\n"), *("TYPE A", b"200 ok\r\n")], "unknown"),
    ],
)
async def test_replies_that_prove_existence(replies: list[Step], outcome: str) -> None:
    """A number or a time proves that the path exists, whatever the code; a text without them proves nothing."""
    names = transfer("NLST", send(b"./f\r\n")) if "TYPE A" in replies else []
    async with talk(
        *("MLST f", b"502 no\r\n", *transfer("MLSD", send(b"gibberish\r\n"), first=True)),
        *("PWD", b'250 "/"\r\n', "CWD f", b"550 no\r\n", *replies, *names),
    ) as client:
        assert (await client.stat("f"))["type"] == outcome


async def test_one_line_that_may_be_truncated(ftp_server_factory: Factory) -> None:
    """A single line without a line end is an entry, but the client looks up names that begin with its name."""
    server = ftp_server_factory(
        files={"/d/good.txt": b"1"},
        disable=["MLSD", "MLST"],
        faults=[on("LIST", path="/d").truncate(after_bytes=0).pad(GOOD.encode())],
    )
    async with Client.context(*server.address, *server.credentials) as client:
        assert [str(path) for path, _ in await client.list("/d")] == ["/d/good"]
        assert await client.exists("/d/good.txt")
        assert not await client.exists("/d/good.tx")
        assert not await client.exists("/d/other")


async def test_a_temporary_refusal() -> None:
    """A temporary refusal is raised."""
    async with talk(
        *("MLST f", b"502 no\r\n", *transfer("MLSD", send(b"gibberish\r\n"), first=True)),
        *("PWD", b'257 "/"\r\n', "CWD f", b"450 busy\r\n"),
    ) as client:
        with pytest.raises(StatusCodeError, match="450"):
            await client.exists("f")


async def test_a_type_that_the_listing_does_not_have() -> None:
    """When a listing gives no type, other commands prove whether the path is a directory or a file."""
    mlst: list[Step] = ["MLST x", b"250 size=3; x\r\n", "PWD", b'257 "/"\r\n', "CWD x"]
    async with talk(
        *(*mlst, b"250 ok\r\n", "CWD /", b"250 ok\r\n"),
        *(*mlst, b"550 no\r\n", *TYPE_I, "SIZE x", b"213 3\r\n"),
        *(*mlst, b"550 no\r\n", "SIZE x", b"550 no\r\n"),
        *("MLST x", b"250 size=3; x\r\n"),
    ) as client:
        assert await client.is_dir("x")
        assert await client.is_file("x")
        assert not await client.is_dir("x")
        assert await client.exists("x")


MLSD_LINE = b"type=file;size=1; good"
NO_END = "it has no line end, unlike the others, so its name may be longer"
NO_FACTS = "it has no facts, unlike the others, so it may be a message"


@pytest.mark.parametrize(
    ("verb", "listing", "names", "unread"),
    [
        ("LIST", f"{GOOD}\r\n{GOOD[:-1]}".encode(), ["/d/good", "/d/goo"], (GOOD[:-1], NO_END)),
        ("LIST", f"total 2\r\n{GOOD[:-1]}".encode(), ["/d/goo"], (GOOD[:-1], NO_END)),
        ("MLSD", MLSD_LINE + b"\r\ntype=file;size=4; f.t", ["/d/good", "/d/f.t"], ("type=file;size=4; f.t", NO_END)),
        ("MLSD", MLSD_LINE + b"\r\ntype=dir; ", ["/d/good"], ("type=dir; ", NO_END)),
        ("MLSD", MLSD_LINE + b"\r\n cannot read f\r\n", ["/d/good", "/d/cannot read f"], (" cannot read f", NO_FACTS)),
    ],
)
async def test_a_truncated_listing(
    ftp_server_factory: Factory,
    tmp_path: Path,
    verb: str,
    listing: bytes,
    names: list[str],
    unread: tuple[str, str],
) -> None:
    """After a truncated last line, or a message among facts, the files it may mean are not deleted as missing."""
    server = ftp_server_factory(
        files={"/d/f.txt": b"four", "/d/good": b"1"},
        disable=["MLSD", "MLST"] if verb == "LIST" else [],
        faults=[on(verb, path="/d").truncate(after_bytes=0).pad(listing)],
    )
    for name in ("f.txt", "good"):
        (tmp_path / name).write_bytes(b"mine")
    async with Client.context(*server.address, *server.credentials) as client:
        lister = client.list("/d")
        assert [str(path) for path, _ in await lister] == names
        assert [line[1:] for line in lister.unread] == [unread]
        assert await client.exists("/d/f.txt")
        with pytest.raises(UnreadLinesError):
            await client.mirror_down("/d", tmp_path, delete=True)
        with pytest.raises(UnreadLinesError):
            await client.mirror_up(tmp_path, "/d", delete=True)
        with pytest.raises(UnreadLinesError):
            await client.remove("/d")
    assert [(tmp_path / name).read_bytes() for name in ("f.txt", "good")] == [b"mine", b"mine"]
    assert server.files == {"/d/f.txt": b"four", "/d/good": b"1"}


async def test_a_name_alone_has_no_facts(ftp_server_factory: Factory) -> None:
    """Where no line of MLSD has facts, each line is a name (RFC 3659 7.2)."""
    with ftp_server_factory(faults=[on("MLSD").truncate(after_bytes=0).pad(b" a\r\n b c\r\n")]) as server:
        async with Client.context(*server.address, *server.credentials) as client:
            lister = client.list("/")
            assert [str(path) for path, _ in await lister] == ["/a", "/b c"]
            assert lister.unread == ()


@pytest.mark.parametrize("code", [550, 553])
async def test_a_listing_that_is_refused(ftp_server_factory: Factory, code: int) -> None:
    """Paths in a directory that may not be listed are looked up with other commands."""
    server = ftp_server_factory(
        files={"/d/f": b"four"},
        disable=["MLSD", "MLST"],
        faults=[on("LIST").reply(code, "Not for you"), on("NLST").reply(code, "Not for you")],
    )
    async with Client.context(*server.address, *server.credentials) as client:
        assert await client.stat("/d/f") == {"type": "file", "size": "4"}
        assert not await client.exists("/d/no")
        await client.remove("/d/f")
    assert server.files == {}


@pytest.mark.parametrize(
    ("listed", "path"),
    [
        ("DATA.CSV", "/data.csv"),
        ("cafe\N{COMBINING ACUTE ACCENT}", "/caf\N{LATIN SMALL LETTER E WITH ACUTE}"),
        ("NOTES.TXT;3", "/notes.txt"),
        ("data ", "/data"),
    ],
)
async def test_names_that_some_servers_treat_as_equal(ftp_server_factory: Factory, listed: str, path: str) -> None:
    """A listing with another spelling does not prove that the path is missing: the client looks it up."""
    line = f"{GOOD.removesuffix('good')}{listed}\r\n".encode()
    server = ftp_server_factory(
        files={path: b"four"}, disable=["MLSD", "MLST"], faults=[on("LIST").truncate(after_bytes=0).pad(line)]
    )
    async with Client.context(*server.address, *server.credentials) as client:
        assert await client.stat(path) == {"type": "file", "size": "4"}
        assert not await client.exists("/other")
        await client.remove(path)
        assert not await client.exists(path)
    assert server.files == {}
