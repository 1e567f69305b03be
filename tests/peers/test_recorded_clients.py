"""Sessions of client programs with real servers are recorded, and replayed to the same programs without the servers."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from ftpfixture.recording.store import load
from tests.clients.samples import needs_ipv6
from tests.support.encrypted_servers import IMPLICIT
from tests.support.kept_recordings import record, replay
from tests.support.pairwise import pairwise
from tests.support.recorded_clients import CLIENTS, TASKS, Work
from tests.support.servers import Proftpd, PureFtpd, Vsftpd

HOSTS = {"IPv4": "127.0.0.1", "IPv6": "::1"}

Row = tuple[str, Any, str, str, str, str]


def _is_possible(row: Row) -> bool:
    client, kind, tls, mode, family, task = row
    if tls == "implicit" and (kind not in IMPLICIT or client == "ftplib"):
        return False
    if client == "lftp" and (mode, family) == ("active", "IPv6"):  # it sends "::" with EPRT
        return False
    if client == "curl" and tls and mode == "active":  # curl 7.88 makes no TLS handshake there
        return False
    if client == "ftplib" and tls and task == "abort":  # Python sends no urgent data over TLS
        return False
    return task in TASKS[client]


def _covered(row: Row) -> frozenset[Any]:
    return frozenset(itertools.combinations(enumerate(row), 2))


_POSSIBLE = [
    row
    for row in itertools.product(
        CLIENTS,
        (Vsftpd, Proftpd, PureFtpd),
        ("", "explicit", "implicit"),
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
        id="-".join([row[0], row[1].name, row[2] or "plain", *row[3:]]).replace(" ", "-"),
        marks=() if index in _NEEDED else pytest.mark.exhaustive,
    )
    for index, row in enumerate(_POSSIBLE)
]


@needs_ipv6
@pytest.mark.illegal_replies
@pytest.mark.parametrize("row", ROWS)
def test_replayed(row: Row, tmp_path: Path) -> None:
    """The program gets the same bytes, replies, exit codes and times of files; the same is recorded again."""
    client, kind, tls, mode, family, task = row
    host, work = HOSTS[family], Work(task, mode == "active")
    paths = [tmp_path / "real.ftp.jsonl", tmp_path / "replayed.ftp.jsonl"]
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    first = record(client, kind, tls, work, paths[0], tmp_path / "first", host)

    assert replay(client, work, paths[0], paths[1], tmp_path / "second", host) == first
    if task != "abort":  # how much was sent until then differs
        assert load(paths[1]).lines == load(paths[0]).lines
