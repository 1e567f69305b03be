"""Directories and names: made, removed, renamed; what is there already, or gone, is no error where a state is meant."""

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


# Making.


@pytest.mark.parametrize("code", [257, 250, 200])
async def test_make(code: int) -> None:
    """One MKD is enough where the parent is there."""
    async with talk(*mkd("/a/b", code)) as client:
        await client.make_directory("/a/b")


async def test_make_with_parents() -> None:
    """What is missing above is made first, from the top down."""
    async with talk(
        *(*mkd("/a/b/c", 550), *is_dir("/a/b/c"), *is_dir("/a/b")),
        *(*mkd("/a/b", 550), *is_dir("/a/b"), *is_dir("/a"), *mkd("/a", 257), *mkd("/a/b", 257)),
        *mkd("/a/b/c", 257),
    ) as client:
        await client.make_directory(PurePosixPath("/a/b/c"))


async def test_there_already() -> None:
    """A directory that is there is no error; a file is; and so is a directory that cannot be made."""
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
    """With parents=False there is one MKD, and its refusal is the error."""
    async with talk(*mkd("a", 550)) as client:
        with pytest.raises(StatusCodeError, match="550"):
            await client.make_directory("a", parents=False)


async def test_a_refusal_that_may_pass() -> None:
    """A 4xx says nothing about what is there, so nothing is asked."""
    async with talk(*mkd("a/b", 451)) as client:
        with pytest.raises(StatusCodeError, match="451"):
            await client.make_directory("a/b")


@pytest.mark.parametrize("path", ["", ".", "/"])
async def test_nothing_to_make(path: str) -> None:
    """Where the client is, and the root, need not be made."""
    async with talk() as client:
        await client.make_directory(path)


async def test_a_parent_that_cannot_be_made() -> None:
    """When a parent cannot be made, that is the error."""
    async with talk(*mkd("a/b", 550), *is_dir("a/b"), *is_dir("a"), *mkd("a", 550), *is_dir("a")) as client:
        with pytest.raises(StatusCodeError, match="550"):
            await client.make_directory("a/b")


# Removing, renaming, permissions.


async def test_acts() -> None:
    """Acts are one command each, with a path as it was given, and any 2xx is right."""
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


async def test_acts_refused() -> None:
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
    """What is no directory is removed with DELE; what is not there needs no removal."""
    async with talk(
        *(*is_dir("f", "file"), "DELE f", b"250 ok\r\n"),
        *(*is_dir("l", "OS.unix=slink:/"), "DELE l", b"250 ok\r\n"),
        *is_dir("none"),
    ) as client:
        for path in ("f", "l", "none"):
            await client.remove(path)


def no_file(path: str) -> list[Step]:
    """DELE of a directory."""
    return [f"DELE {path}", b"550 is a directory\r\n"]


async def test_remove_a_tree() -> None:
    """A directory goes with all that is in it, what is deepest first; links are not followed, however they are told."""
    top = b"type=dir; sub\r\ntype=file; f\r\ntype=OS.unix=slink:/; l\r\ntype=dir; really a link\r\n"
    async with talk(
        *(*is_dir("d", "dir"), *transfer("MLSD d", send(top), first=True)),
        *transfer("MLSD d/sub", send(b"type=file; g\r\n")),
        *(*transfer("MLSD d/really a link", send(b"type=file; h\r\n")), *no_file("d"), *no_file("d/sub")),
        *("DELE d/sub/g", b"250 ok\r\n", "RMD d/sub", b"250 ok\r\n"),
        *("DELE d/f", b"250 ok\r\n", "DELE d/l", b"250 ok\r\n", "DELE d/really a link", b"250 ok\r\n"),
        *("RMD d", b"250 ok\r\n"),
    ) as client:
        await client.remove("d")


async def test_what_cannot_be_removed() -> None:
    """The first refusal within a tree is the error, and nothing above it is touched."""
    async with talk(
        *(*is_dir("d", "cdir"), *transfer("MLSD d", send(b"type=file; f\r\n"), first=True), *no_file("d")),
        *("DELE d/f", b"550 not allowed\r\n", *NOOP),
    ) as client:
        with pytest.raises(StatusCodeError, match="550"):
            await client.remove("d")
        await client.noop()


async def test_a_tree_without_mlsd() -> None:
    """Trees are removed on servers that have only LIST, too."""
    back: list[Step] = ["PWD", b'257 "/"\r\n', "CWD d", b"250 ok\r\n"]
    async with talk(
        *(*is_dir("d", "dir"), *TYPE_I, epsv, "MLSD d", b"500 no\r\n", *back),
        *(*transfer("LIST", send(b"-rw-r--r-- 1 a b 1 Jan 31 2001 f\r\n")), "CWD /", b"250 ok\r\n"),
        *(*no_file("d"), "DELE d/f", b"250 ok\r\n", "RMD d", b"250 ok\r\n"),
    ) as client:
        await client.remove("d")


# On our own server.


@pytest.mark.ftp(files={"/d/f": b"1", "/d/e/g": b"2", "/keep/me": b"3"})
async def test_on_our_own_server(ftp_client: Client, ftp_server: FtpServer) -> None:
    """A tree with links in it is removed, and what the links lead to stays."""
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


ASKED = pytest.mark.parametrize("disable", [[], ["MLST"], ["MLSD"], ["MLST", "MLSD"]])


@ASKED
async def test_remove_on_servers_of_all_kinds(ftp_server_factory: Callable[..., FtpServer], disable: list[str]) -> None:
    """However a server tells of links, they go and what they lead to stays: in a tree, and asked for by name."""
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


@ASKED
async def test_make_on_servers_of_all_kinds(ftp_server_factory: Callable[..., FtpServer], disable: list[str]) -> None:
    """Directories are made with their parents, or are there already; where a file is, none can be."""
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
    """What cannot be done is an error, and changes nothing."""
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
    """A server that has no SITE CHMOD says so."""
    with pytest.raises(StatusCodeError, match="Waiting for 2xx but got 50"):
        await ftp_client.chmod("/f", 0o600)
