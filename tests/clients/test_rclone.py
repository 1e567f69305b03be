"""The program rclone, which has only passive mode."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ftpfixture import FtpServer
from tests.clients.encrypted import BIG, check_tls
from tests.clients.encrypted import ftp_config as ftp_config
from tests.clients.programs import Outcome, Program
from tests.clients.samples import MODIFIED, TREE, below, check

Run = Callable[..., Outcome]

EMPTY_TOO = "--create-empty-src-dirs"
OPTIONS = {
    "none": [],
    "old": ["--ftp-disable-epsv", "--ftp-disable-mlsd"],
    "explicit": ["--ftp-explicit-tls"],
    "implicit": ["--ftp-tls"],
}
"""Without TLS with new commands and with old ones, and with TLS of both kinds."""


@pytest.fixture(params=OPTIONS)
def variant(request: pytest.FixtureRequest) -> str:
    """One of OPTIONS."""
    name: str = request.param
    return name


@pytest.fixture
def server(ftp_server_factory: Callable[..., FtpServer], variant: str) -> FtpServer:
    """A server with a tree and a large file."""
    server = ftp_server_factory(files={**TREE, "/big.bin": BIG}, tls=variant if variant.endswith("plicit") else None)
    server.files.set("/tree/a.txt", b"alpha\n", modified=MODIFIED)
    return server


@pytest.fixture
def rclone(tmp_path: Path, server: FtpServer) -> Program:
    """The program without a settings file; it trusts the certificate authority of the server."""
    program = Program("rclone", tmp_path, "--config", "", "--retries", "1", "--low-level-retries", "1")
    program.environment["SSL_CERT_FILE"] = str(server.tls.ca_file)
    return program


@pytest.fixture
def run(rclone: Program, server: FtpServer, variant: str) -> Run:
    """Runs the program; ":ftp:" is the server."""
    user, password = server.credentials
    obscured = rclone("obscure", password).output.decode().strip()
    address = ["--ftp-host", server.host, "--ftp-port", str(server.port)]
    login = [*address, "--ftp-user", user, "--ftp-pass", obscured, *OPTIONS[variant]]
    return lambda *arguments, code=0: rclone(*login, *arguments, code=code)


def below_up(server: FtpServer) -> dict[str, bytes]:
    """The files below /up on the server, by relative path."""
    files = server.files.as_dict()
    return {path.removeprefix("/up/"): data for path, data in files.items() if path.startswith("/up/")}


def check_variant(server: FtpServer, variant: str) -> None:
    """Check that all transfers used the commands and the TLS of the variant."""
    assert all(record.completed for record in server.log.transfers)
    server.log.assert_sent("PASV -> 227" if variant == "old" else "EPSV -> 229")
    server.log.assert_sent("LIST -> 226" if variant == "old" else "MLSD -> 226")
    if variant in ("explicit", "implicit"):
        check_tls(server, None)


def test_lists_and_copies(server: FtpServer, rclone: Program, run: Run, variant: str) -> None:
    """A tree is listed, copied both ways with empty directories, and compared as equal."""
    listed = sorted(run("lsf", "-R", "--format", "pst", ":ftp:/tree").output.decode().splitlines())
    assert listed[0] == "a.txt;6;2020-09-13 12:26:40"
    assert [line.rpartition(";")[0] for line in listed] == [
        "a.txt;6",
        "empty.bin;0",
        "hollow/;-1",
        "sub/;-1",
        "sub/deep/;-1",
        "sub/deep/\u00fcn\u00efc\u00f6de \u65e5\u672c.txt;6",
        "sub/with space.bin;256",
    ]
    run("copy", EMPTY_TOO, ":ftp:/tree", "down")
    assert rclone.tree("down") == below("/tree")
    assert (rclone.folder / "down" / "hollow").is_dir()
    rclone.write("down/big.bin", BIG)
    run("copy", EMPTY_TOO, "down", ":ftp:/up")
    expected = {**below("/tree"), "big.bin": BIG}
    assert below_up(server) == expected
    assert "/up/hollow" in server.files.directories
    for name, data in expected.items():
        [sent] = [record for record in server.log.transfers if record.path == f"/up/{name}"]
        check(sent, data)
    assert "0 differences found" in run("check", "--download", "down", ":ftp:/up").text
    server.files["/up/a.txt"] = b"ALPHA\n"  # of the same size
    assert "1 differences found" in run("check", "--download", "down", ":ftp:/up", code=1).text
    assert run("cat", "--offset", "1400001", ":ftp:/big.bin").output == BIG[1_400_001:]
    check_variant(server, variant)


def test_syncs_and_moves(server: FtpServer, rclone: Program, run: Run, variant: str) -> None:
    """A sync uploads new files and removes surplus ones, a second sync transfers nothing; moves are renames."""
    server.files["/up/gone.txt"] = b"gone"
    for name, data in below("/tree").items():
        rclone.write(f"up/{name}", data, MODIFIED)
    run("sync", "up", ":ftp:/up")
    run("sync", "up", ":ftp:/up")
    assert [record.verb for record in server.log.transfers if record.direction == "upload"] == ["STOR"] * 4
    assert below_up(server) == below("/tree")
    run("moveto", ":ftp:/up/a.txt", ":ftp:/new.txt")
    run("move", ":ftp:/up", ":ftp:/moved")
    server.log.assert_sequence("DELE /up/gone.txt -> 250", "RNTO /new.txt -> 250", "RNTO /moved -> 250", session="any")
    run("deletefile", ":ftp:/big.bin")
    run("purge", ":ftp:/tree")
    moved = {f"/moved/{name}": data for name, data in below("/tree").items() if name != "a.txt"}
    assert server.files == {"/new.txt": b"alpha\n", **moved}
    check_variant(server, variant)
