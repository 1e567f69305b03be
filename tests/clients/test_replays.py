"""Sessions of client programs are recorded once, and replayed to the same programs without the server's files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ftpfixture import FtpServer
from tests.clients.programs import Program

FILES = {"/out/a.csv": b"a,b\n1,2\n", "/out/large.bin": bytes(range(256)) * 5000, "/in/": None}
TLS: Any = {"tls": "explicit"}


def _curl(folder: Path, server: FtpServer, *options: str) -> list[bytes]:
    curl = Program(
        "curl", folder, "-q", "-sS", "--noproxy", "*", "--connect-timeout", "5", "--max-time", "15", *options
    )
    if server.server.ssl is not None:
        curl = Program(
            "curl", folder, "-q", "-sS", "--noproxy", "*", "--ssl-reqd", "--cacert", server.tls.ca_file, *options
        )
    curl.write("up.bin", b"x" * 100_000)
    listed = curl(f"{server.url}/out/").output
    got = curl(f"{server.url}/out/large.bin").output
    curl("-T", "up.bin", f"{server.url}/in/")
    return [listed, got]


def _lftp(folder: Path, server: FtpServer, *options: str) -> list[bytes]:
    lftp = Program("lftp", folder, "--norc")
    trust = f"set ssl:ca-file {server.tls.ca_file};" if server.server.ssl is not None else ""
    login = f"open -u {','.join(server.credentials)} {server.host}:{server.port}"
    lftp("-c", f"set net:max-retries 1; {trust} {' '.join(options)} {login}; mirror /out here")
    return [(lftp.folder / "here" / name).read_bytes() for name in ("a.csv", "large.bin")]


def _wget(folder: Path, server: FtpServer, *options: str) -> list[bytes]:
    wget = Program("wget", folder, "-q", "--no-config", "--tries=1", "--timeout=10", *options)
    wget("-O", "got", f"{server.url}/out/a.csv")
    return [(wget.folder / "got").read_bytes()]


def _noon() -> float:
    """The time of all servers, so that listings are the same."""
    return 1_800_000_000.0


@pytest.mark.parametrize(
    ("client", "options", "settings"),
    [
        (_curl, (), {}),
        (_curl, ("--disable-epsv",), {}),
        (_curl, ("-P", "127.0.0.1"), {}),
        (_curl, (), TLS),
        (_lftp, (), {}),
        (_lftp, ("set ftp:passive-mode off;",), {}),
        (_lftp, ("set ftp:ssl-force yes;", "set ftp:ssl-protect-data yes;"), TLS),
        (_wget, (), {}),
    ],
    ids=["curl", "curl PASV", "curl active", "curl TLS", "lftp", "lftp active", "lftp TLS", "wget"],
)
def test_programs(client: Callable[..., list[bytes]], options: tuple[str, ...], settings: Any, tmp_path: Path) -> None:
    """They get the same bytes, and send the same commands."""
    path = tmp_path / "feed.ftp.jsonl"
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    with FtpServer(files=FILES, clock=_noon, **settings) as server, server.record(path):
        first = client(tmp_path / "first", server, *options)

    with FtpServer(recording=path, clock=_noon) as server:
        assert client(tmp_path / "second", server, *options) == first
