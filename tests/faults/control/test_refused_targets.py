"""A server that does not let clients replace a path: commands are refused only if their target exists."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ftpfixture import FtpServer
from tests.support.raw import RawClient
from tests.support.ways import Way, contents, every_way, make_server, replies, send_commands, upload

FILES: dict[str, bytes | None] = {"/a.txt": b"a", "/b.txt": b"b", "/dir/": None}


async def _stor(server: FtpServer, way: Way, target: str) -> str:
    return await upload(server, way, f"STOR {target}", b"new")


async def _mkd(server: FtpServer, way: Way, target: str) -> str:
    return (await send_commands(server, way, f"MKD {target}"))[0]


async def _rnto(server: FtpServer, way: Way, target: str) -> str:
    return (await send_commands(server, way, f"RNFR {'a.txt' if target == 'new' else 'new'}", f"RNTO {target}"))[1]


COMMANDS = {"STOR": (_stor, "226"), "MKD": (_mkd, "257"), "RNTO": (_rnto, "250")}
"""The commands that create a path, and the code of success."""


@every_way
@pytest.mark.parametrize("verb", COMMANDS)
@pytest.mark.parametrize("there", ["b.txt", "dir", "/dir/../b.txt"])
async def test_only_existing_targets_are_refused(
    ftp_server_factory: Callable[..., FtpServer],
    tmp_path: Path,
    verb: str,
    there: str,
    program: str,
    kind: str,
    mode: str,
    type_: str,
    layer: str,
) -> None:
    """The first command creates the path, and the fault waits; the second is refused, and has changed nothing."""
    server = make_server(ftp_server_factory, layer, tmp_path, FILES)
    way, (make, success) = Way(program, kind, mode, type_), COMMANDS[verb]
    fault = server.faults.add(f"{verb} times=1: refuse_if_exists 553")

    codes = [await make(server, way, "new")]
    counts = [fault.fired]
    before = contents(server, tmp_path)
    codes.append(await make(server, way, there))
    counts.append(fault.fired)

    assert (codes, counts) == ([success, "553"], [0, 1])
    assert contents(server, tmp_path) == before
    assert replies(server, verb)[1] == [("553", "File exists")]


def test_without_a_result_the_server_replies(ftp_server: FtpServer) -> None:
    """Before the login, without a path, or with an invalid path nothing is known, and the fault does not happen."""
    ftp_server.faults.add("MKD|STOR|RNTO optional: refuse_if_exists 553")

    with RawClient(ftp_server.address) as client:
        assert client.reply().code == "220"
        assert client.code("MKD dir") == "530"
    with RawClient(ftp_server.address).login() as client:
        assert client.code("MKD") == "501"
        assert client.code(b"MKD a\0b") == "501"
        assert client.code("MKD no/dir") == "550"
    assert ftp_server.faults.fired == []


@pytest.mark.ftp(files={"/a.txt": b"a", "/b.txt": b"b"})
def test_commands_that_replace_nothing(ftp_server: FtpServer) -> None:
    """APPE and STOU replace no path."""
    ftp_server.faults.add("* optional: refuse_if_exists 553")

    with RawClient(ftp_server.address).login() as client:
        assert client.store("APPE a.txt", b"b") == ["150", "226"]
        assert client.store("STOU a.txt", b"c") == ["150", "226"]
    assert ftp_server.files["/a.txt"] == b"ab"
    assert ftp_server.faults.fired == []


@pytest.mark.ftp(files={"/a.txt": b"a", "/b.txt": b"b"})
def test_broken_links_exist(ftp_server: FtpServer) -> None:
    """The link exists, although its target does not."""
    ftp_server.files.symlink("/link", "/nowhere")
    ftp_server.faults.add("MKD: refuse_if_exists 521 'Directory exists'")

    with RawClient(ftp_server.address).login() as client:
        reply = client.ask("MKD link")
    assert (reply.code, reply.text) == ("521", "Directory exists")
