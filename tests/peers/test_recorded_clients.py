"""Sessions of client programs with real servers are recorded, and replayed to the same programs without the servers."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from ftpfixture import FtpServer
from ftpfixture.recording.store import load
from ftpfixture.recording.target import Target
from tests.clients.samples import needs_ipv6
from tests.support.encrypted_servers import IMPLICIT, context, encrypted
from tests.support.pairwise import pairwise
from tests.support.recorded_clients import CLIENTS, TASKS, create_files
from tests.support.servers import Peer, Proftpd, PureFtpd, Vsftpd

HOSTS = {"IPv4": "127.0.0.1", "IPv6": "::1"}

Row = tuple[str, Any, str, str, str, str]


def _is_possible(row: Row) -> bool:
    client, kind, tls, mode, family, task = row
    if tls == "implicit" and (kind not in IMPLICIT or client == "ftplib"):
        return False
    if client == "lftp" and (mode, family) == ("active", "IPv6"):  # it sends "::" with EPRT
        return False
    if client == "curl" and tls != "plain" and mode == "active":  # curl 7.88 makes no TLS handshake there
        return False
    if client == "ftplib" and tls != "plain" and task == "abort":  # Python sends no urgent data over TLS
        return False
    return task in TASKS[client]


def _covered(row: Row) -> frozenset[Any]:
    return frozenset(itertools.combinations(enumerate(row), 2))


_POSSIBLE = [
    row
    for row in itertools.product(
        CLIENTS,
        (Vsftpd, Proftpd, PureFtpd),
        ("plain", "explicit", "implicit"),
        ("passive", "active"),
        HOSTS,
        ("files", "resume", "mirror", "abort"),
    )
    if _is_possible(row)
]
_NEEDED = {*pairwise([_covered(row) for row in _POSSIBLE])}
ROWS = [
    pytest.param(
        row,
        id="-".join([row[0], row[1].name, *row[2:]]).replace(" ", "-"),
        marks=() if index in _NEEDED else pytest.mark.exhaustive,
    )
    for index, row in enumerate(_POSSIBLE)
]


def _started(kind: type[Peer], tls: str, folder: Path, host: str) -> Peer:
    """The server; with TLS, vsftpd and ProFTPD require session reuse."""
    if tls == "plain":
        return kind(folder / "peer", host=host)
    return encrypted(kind, folder, *(IMPLICIT[kind] if tls == "implicit" else ()), host=host)


@needs_ipv6
@pytest.mark.illegal_replies
@pytest.mark.parametrize("row", ROWS)
def test_replayed(row: Row, tmp_path: Path) -> None:
    """The program gets the same bytes, replies, exit codes and times of files; the same is recorded again."""
    client, kind, tls, mode, family, task = row
    run, host, is_active = CLIENTS[client], HOSTS[family], mode == "active"
    paths = [tmp_path / "real.ftp.jsonl", tmp_path / "replayed.ftp.jsonl"]
    settings: Any = {"host": host, **({} if tls == "plain" else {"tls": tls})}
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    with _started(kind, tls, tmp_path, host) as peer:
        create_files(peer.root)
        behind: Any = "implicit" if tls == "implicit" else "client"
        target = Target(host, peer.port, behind, context(), user=peer.user, password=peer.password)
        with FtpServer(upstream=target, **settings) as proxy, proxy.record(paths[0]):
            first = run(task, proxy, tmp_path / "first", is_active)

    with FtpServer(recording=paths[0], host=host) as server, server.record(paths[1], redact={"host": host}):
        assert run(task, server, tmp_path / "second", is_active) == first
    if task != "abort":  # how much was sent until then differs
        assert load(paths[1]).lines == load(paths[0]).lines
