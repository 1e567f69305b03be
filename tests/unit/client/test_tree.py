"""Directories and names: create, remove, rename; an existing directory or a missing path may be no error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath

import pytest

from ftpfixture import Client, FtpServer, StatusCodeError
from tests.support.scripted import TYPE_I, Step, epsv, send, talk, transfer

NOOP: list[Step] = ["NOOP", b"200 fine\r\n"]


def mkd(path: str, code: int) -> list[Step]:
    """MKD and its reply."""
    return [f"MKD {path}", f"{code} x\r\n".encode()]


def is_dir(path: str, kind: str = "") -> list[Step]:
    """MLST and its reply."""
    return [f"MLST {path}", f"250 type={kind}; {path}\r\n".encode() if kind else b"550 no\r\n"]


# Creating.


@pytest.mark.parametrize("code", [257, 250, 200])
async def test_make(code: int) -> None:
    """One MKD is enough when the parent exists."""
    async with talk(*mkd("/a/b", code)) as client:
        await client.make_directory("/a/b")


async def test_make_with_parents() -> None:
    """Missing parents are created first, from the top down."""
    async with talk(
        *(*mkd("/a/b/c", 550), *is_dir("/a/b/c"), *is_dir("/a/b")),
        *(*mkd("/a/b", 550), *is_dir("/a/b"), *is_dir("/a"), *mkd("/a", 257), *mkd("/a/b", 257)),
        *mkd("/a/b/c", 257),
    ) as client:
        await client.make_directory(PurePosixPath("/a/b/c"))


async def test_existing_directory() -> None:
    """An existing directory is no error; a file is one, and so is a directory that cannot be created."""
    async with talk(
        *(*mkd("a", 550), *is_dir("a", "dir")),
        *(*mkd("a", 521), *is_dir("a", "cdir")),
        *(*mkd("a", 550), *is_dir("a", "file")),
        *(*mkd("a/b", 550), *is_dir("a/b"), *is_dir("a", "dir")),
    ) as client:
        await client.make_directory("a")
        await client.make_directory("a")
        for path in ("a", "a/b"):
            with pytest.raises(StatusCodeError, match="Waiting for 2xx but got 550"):
                await client.make_directory(path)


async def test_without_parents() -> None:
    """With parents=False one MKD is sent, and its refusal is raised."""
    async with talk(*mkd("a", 550)) as client:
        with pytest.raises(StatusCodeError, match="550"):
            await client.make_directory("a", parents=False)


async def test_a_temporary_refusal() -> None:
    """A 4xx does not show whether the directory exists, so it is raised at once."""
    async with talk(*mkd("a/b", 451)) as client:
        with pytest.raises(StatusCodeError, match="451"):
            await client.make_directory("a/b")


@pytest.mark.parametrize("path", ["", ".", "/"])
async def test_nothing_to_make(path: str) -> None:
    """The current directory and the root need not be created."""
    async with talk() as client:
        await client.make_directory(path)


async def test_a_parent_that_cannot_be_made() -> None:
    """When a parent cannot be created, that error is raised."""
    async with talk(*mkd("a/b", 550), *is_dir("a/b"), *is_dir("a"), *mkd("a", 550), *is_dir("a")) as client:
        with pytest.raises(StatusCodeError, match="550"):
            await client.make_directory("a/b")


# Removing, renaming, permissions.


async def test_single_commands() -> None:
    """Each of these operations is one command with the given path, and every 2xx is accepted."""
    async with talk(
        *("RMD a b", b"250 ok\r\n", "DELE /c", b"200 ok\r\n", "SITE CHMOD 640 d", b"200 ok\r\n"),
        *(
            "SITE CHMOD 007 d",
            b"250 ok\r\n",
            "SITE CHMOD 4755 d",
            b"200 ok\r\n",
            "RNFR e",
            b"350 go\r\n",
            "RNTO /f/g",
            b"250 ok\r\n",
        ),
    ) as client:
        await client.remove_directory("a b")
        await client.remove_file(PurePosixPath("/c"))
        await client.chmod("d", 0o640)
        await client.chmod("d", 0o7)
        await client.chmod("d", 0o4755)
        await client.rename("e", PurePosixPath("/f/g"))


async def test_single_commands_refused() -> None:
    """A refusal is an error."""
    async with talk(
        *("RMD a", b"550 no\r\n", "DELE a", b"550 no\r\n", "SITE CHMOD 640 a", b"502 no\r\n"),
        *("RNFR a", b"550 no\r\n", "RNFR a", b"350 go\r\n", "RNTO b", b"553 no\r\n", *NOOP),
    ) as client:
        for call in (
            client.remove_directory("a"),
            client.remove_file("a"),
            client.chmod("a", 0o640),
            client.rename("a", "b"),
            client.rename("a", "b"),
        ):
            with pytest.raises(StatusCodeError):
                await call
        await client.noop()


async def test_remove_a_file() -> None:
    """A path that is no directory is removed with DELE; a missing path needs no removal."""
    async with talk(
        *(*is_dir("f", "file"), "DELE f", b"250 ok\r\n"),
        *(*is_dir("l", "OS.unix=slink:/"), "DELE l", b"250 ok\r\n"),
        *is_dir("none"),
    ) as client:
        for path in ("f", "l", "none"):
            await client.remove(path)


def refused_dele(path: str) -> list[Step]:
    """DELE of a directory."""
    return [f"DELE {path}", b"550 is a directory\r\n"]


async def test_remove_a_tree() -> None:
    """A directory is removed with its content, deepest entries first; links are not followed, however they appear."""
    top = b"type=dir; sub\r\ntype=file; f\r\ntype=OS.unix=slink:/; l\r\ntype=dir; really a link\r\n"
    async with talk(
        *(*is_dir("d", "dir"), *transfer("MLSD d", send(top), first=True)),
        *transfer("MLSD d/sub", send(b"type=file; g\r\n")),
        *(*transfer("MLSD d/really a link", send(b"type=file; h\r\n")), *refused_dele("d"), *refused_dele("d/sub")),
        *("DELE d/sub/g", b"250 ok\r\n", "RMD d/sub", b"250 ok\r\n"),
        *("DELE d/f", b"250 ok\r\n", "DELE d/l", b"250 ok\r\n", "DELE d/really a link", b"250 ok\r\n"),
        *("RMD d", b"250 ok\r\n"),
    ) as client:
        await client.remove("d")


async def test_what_cannot_be_removed() -> None:
    """The first refusal within a tree is raised, and nothing above it is removed."""
    async with talk(
        *(*is_dir("d", "cdir"), *transfer("MLSD d", send(b"type=file; f\r\n"), first=True), *refused_dele("d")),
        *("DELE d/f", b"550 not allowed\r\n", *NOOP),
    ) as client:
        with pytest.raises(StatusCodeError, match="550"):
            await client.remove("d")
        await client.noop()


async def test_a_tree_without_mlsd() -> None:
    """Trees are removed with LIST too, when the server lacks MLSD."""
    back: list[Step] = ["PWD", b'257 "/"\r\n', "CWD d", b"250 ok\r\n"]
    async with talk(
        *(*is_dir("d", "dir"), *TYPE_I, epsv, "MLSD d", b"500 no\r\n", *back),
        *(*transfer("LIST", send(b"-rw-r--r-- 1 a b 1 Jan 31 2001 f\r\n")), "CWD /", b"250 ok\r\n"),
        *(*refused_dele("d"), "DELE d/f", b"250 ok\r\n", "RMD d", b"250 ok\r\n"),
    ) as client:
        await client.remove("d")


# On our own server.


@pytest.mark.ftp(files={"/d/f": b"1", "/d/e/g": b"2", "/keep/me": b"3"})
async def test_on_our_own_server(ftp_client: Client, ftp_server: FtpServer) -> None:
    """A tree with links is removed, and the targets of the links stay."""
    ftp_server.files.symlink("/d/link", "/keep")
    ftp_server.files.symlink("/d/e/loop", "/d")

    await ftp_client.remove("/d")
    await ftp_client.make_directory("/new/with/parents")
    await ftp_client.make_directory("/new/with/parents")
    await ftp_client.rename("/keep/me", "/new/with/name")
    await ftp_client.chmod("/new/with/name", 0o600)

    assert ftp_server.files == {"/new/with/name": b"3"}
    assert ftp_server.files.stat("/new/with/name").mode == 0o600
    assert ftp_server.files.directories == ["/keep", "/new", "/new/with", "/new/with/parents"]


DISABLED = pytest.mark.parametrize("disable", [[], ["MLST"], ["MLSD"], ["MLST", "MLSD"]])


@DISABLED
async def test_remove_on_servers_of_all_kinds(ftp_server_factory: Callable[..., FtpServer], disable: list[str]) -> None:
    """However a server lists links, they are removed and their targets stay."""
    server = ftp_server_factory(
        files={"/d/f": b"1", "/d/e/g": b"2", "/keep/me/k": b"3", "/file": b"4"}, disable=disable
    )
    for link, target in (("/d/dir", "/keep"), ("/d/e/up", "/"), ("/d/none", "/no"), ("/d/e/file", "/file")):
        server.files.symlink(link, target)
    server.files.symlink("/link", "/keep/me")
    server.files.symlink("/file link", "/file")
    async with Client.context(*server.address, *server.credentials) as client:
        for path in ("/d", "link", "/file link", "/nothing", "/keep/nothing", "/no/thing"):
            await client.remove(path)
    assert server.files == {"/keep/me/k": b"3", "/file": b"4"}
    assert server.files.directories == ["/keep", "/keep/me"]
    assert "/link" not in server.files
    assert "/file link" not in server.files


@DISABLED
async def test_make_on_servers_of_all_kinds(ftp_server_factory: Callable[..., FtpServer], disable: list[str]) -> None:
    """Directories are created with their parents, or exist already; where a file is, the call fails."""
    server = ftp_server_factory(files={"/file": b"1"}, disable=disable)
    async with Client.context(*server.address, *server.credentials) as client:
        await client.make_directory("a/b/c")
        await client.make_directory("/a/b/c")
        await client.make_directory("a")
        await client.make_directory(PurePosixPath("/a/x y"))
        await client.make_directory("/flat", parents=False)
        for path in ("/a", "/no/parent"):
            with pytest.raises(StatusCodeError, match="550"):
                await client.make_directory(path, parents=False)
        for path in ("/file", "/file/a", "/file/a/b"):
            with pytest.raises(StatusCodeError):
                await client.make_directory(path)
        await client.change_directory("/a/b")
        await client.make_directory("../made")
        await client.make_directory("..")
    assert server.files.directories == ["/a", "/a/b", "/a/b/c", "/a/made", "/a/x y", "/flat"]
    assert server.files == {"/file": b"1"}


@pytest.mark.ftp(files={"/d/f": b"1", "/e": b"2"})
async def test_refusals_of_our_own_server(ftp_client: Client, ftp_server: FtpServer) -> None:
    """An operation that fails is an error, and changes nothing."""
    for call in (
        ftp_client.remove_directory("/d"),
        ftp_client.remove_directory("/none"),
        ftp_client.remove_file("/d"),
        ftp_client.remove_file("/none"),
        ftp_client.rename("/none", "/x"),
        ftp_client.rename("/e", "/no/where"),
        ftp_client.chmod("/none", 0o600),
    ):
        with pytest.raises(StatusCodeError, match="55"):
            await call
    assert ftp_server.files == {"/d/f": b"1", "/e": b"2"}


@pytest.mark.ftp(disable=["SITE"], files={"/f": b""})
async def test_a_server_without_chmod(ftp_client: Client) -> None:
    """The refusal of a server without SITE CHMOD is raised."""
    with pytest.raises(StatusCodeError, match="Waiting for 2xx but got 50"):
        await ftp_client.chmod("/f", 0o600)
