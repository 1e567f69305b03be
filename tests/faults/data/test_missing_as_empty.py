"""A server that lists a missing path as an empty directory, as vsftpd does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ftpfixture import ConfigurationError, FtpServer
from tests.support.faulty import begin, enter, goes_on
from tests.support.ftps import FtpsClient
from tests.support.ways import Way, download, every_way, make_server, replies

FILES: dict[str, bytes | None] = {"/a.txt": b"a", "/full/b.txt": b"b", "/empty/": None}
EMPTY = [("150", "Here comes the listing"), ("226", "Transfer complete")]
MISSING = [("550", "No such file or directory")]


@every_way
@pytest.mark.parametrize(
    "command",
    ["LIST missing", "NLST missing", "LIST -la missing/", "NLST full/none/deeper", "LIST no*", "NLST a.txt/below"],
)
async def test_clients_see_an_empty_directory(
    ftp_server_factory: Callable[..., FtpServer],
    tmp_path: Path,
    command: str,
    program: str,
    kind: str,
    mode: str,
    type_: str,
    layer: str,
) -> None:
    """No data are sent, and the replies are those of an empty listing; existing paths are listed."""
    server = make_server(ftp_server_factory, layer, tmp_path, FILES)
    way, verb = Way(program, kind, mode, type_), command.partition(" ")[0]
    fault = server.faults.add(f"{verb} times=1: missing_as_empty")

    assert b"b.txt" in (await download(server, way, f"{verb} full"))[1]
    came, counts = [], []
    for line in (f"{verb} empty", command, command):
        came.append(await download(server, way, line))
        counts.append(fault.fired)
    assert came == [("226", b""), ("226", b""), ("550", b"")]
    assert counts == [0, 1, 1]
    assert replies(server, verb) == [EMPTY, EMPTY, EMPTY, MISSING]


def test_the_log_has_the_missing_path(ftp_server: FtpServer, client: FtpsClient) -> None:
    """The log has the missing path and a complete transfer; the files are unchanged."""
    before = dict(ftp_server.files)
    ftp_server.faults.add("LIST: missing_as_empty")

    assert begin(client, "LIST -a gone").rest().content == b""
    assert client.reply().code == "226"
    (transfer,) = ftp_server.log.transfers
    assert (transfer.path, transfer.completed) == ("/gone", True)
    assert dict(ftp_server.files) == before
    assert goes_on(client, ftp_server)


@pytest.mark.parametrize("command", ["LIST", "LIST -la", "LIST few", "LIST few/a.txt", "LIST few/*.txt", "NLST *"])
def test_existing_paths_are_listed(ftp_server: FtpServer, client: FtpsClient, command: str) -> None:
    """The listing is normal, and the fault does not happen."""
    listed = begin(client, command).rest().content
    assert client.reply().code == "226"
    ftp_server.faults.add("LIST|NLST optional: missing_as_empty")

    assert begin(client, command).rest().content == listed
    assert client.reply().code == "226"
    assert ftp_server.faults.fired == []


def test_mlsd_is_refused(ftp_server: FtpServer) -> None:
    """Its 550 is how clients distinguish a missing directory from an empty one; a fault for it is refused."""
    with pytest.raises(ConfigurationError, match="it can happen only with LIST, NLST, not with MLSD"):
        ftp_server.faults.add("MLSD: missing_as_empty")
    ftp_server.faults.add("* optional: missing_as_empty")

    with enter(ftp_server, "clear") as client:
        assert client.code("MLSD gone") == "550"
    assert ftp_server.faults.fired == []


def test_before_the_login(ftp_server: FtpServer) -> None:
    """The command is refused as usual, and the fault has not happened."""
    ftp_server.faults.add("LIST optional: missing_as_empty")

    with FtpsClient(ftp_server.address) as client:
        assert client.reply().code == "220"
        assert client.code("LIST gone") == "530"
    assert ftp_server.faults.fired == []
