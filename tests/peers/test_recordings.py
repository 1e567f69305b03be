"""The same session with a real server, recorded twice and replayed, is the same file: no byte depends on the run."""

from __future__ import annotations

import ftplib
import io
import os
import time
from pathlib import Path

import pytest

from ftpfixture import FtpServer
from ftpfixture.recording.format import Command, Data
from ftpfixture.recording.store import load
from ftpfixture.recording.target import Target
from tests.support.encrypted_servers import IMPLICIT, context, encrypted
from tests.support.servers import Aioftp, Peer

AGES = {"now.txt": 0, "earlier today.txt": 1, "{old}.txt": 10_000}  # in hours
LARGE = bytes(range(256)) * 40


def _create_files(root: Path, hours: int) -> None:
    """Create a tree with files of some ages; recent ones are older by `hours`."""
    (root / "folder").mkdir()
    now = time.time()
    for name, age in AGES.items():
        path = root / "folder" / name
        path.write_bytes(b"text\r\n")
        changed = 1_600_000_000 if age > 24 else now - 3600 * (age + hours)
        os.utime(path, (changed, changed))
    for path in (root / "folder", root):
        os.utime(path, (now - 3600 * hours,) * 2)


def _ask(ftp: ftplib.FTP, line: str) -> str:
    """A reply, whatever its code."""
    try:
        return ftp.sendcmd(line)
    except ftplib.Error as refused:
        return str(refused)


def _store_unique(ftp: ftplib.FTP, server: FtpServer) -> None:
    """Store two files under names that the server makes up, and remove them."""
    for _ in range(2):
        ftp.storbinary("STOU", io.BytesIO(b"unique"))
        _, text = server.log.find("STOU")[-1].replies[0]
        assert _ask(ftp, f"DELE {text.splitlines()[0].removeprefix('FILE: ')}").startswith("250")


def _session(server: FtpServer, peer: Peer, tls: bool) -> None:
    """What makes servers talk: their texts, listings of each kind, both ways of transfers, refusals, both modes."""
    ftp = ftplib.FTP_TLS(context=server.tls.client_context(), timeout=20) if tls else ftplib.FTP(timeout=20)
    with ftp:
        ftp.connect(*server.address)
        ftp.login(*server.credentials)
        if isinstance(ftp, ftplib.FTP_TLS):
            ftp.prot_p()
        for line in ("SYST", "FEAT", "STAT", "HELP", "PWD", "SITE HELP"):
            _ask(ftp, line)
        for is_passive in (True, False) if "active" not in peer.lacks else (True,):
            ftp.set_pasv(is_passive)
            ftp.storbinary("STOR new.bin", io.BytesIO(LARGE))
            ftp.retrbinary("RETR new.bin", io.BytesIO().write, rest=100 if "rest-early" not in peer.lacks else None)
            for line in ("LIST", "LIST folder", "NLST", "MLSD", "MLSD folder", "RETR missing"):
                if line.split(maxsplit=1)[0] not in peer.lacks:
                    try:
                        ftp.retrlines(line, str)
                    except ftplib.error_perm:
                        assert line == "RETR missing"
        if "STOU" not in peer.lacks:
            _store_unique(ftp, server)
        for name in ("new.bin", *(f"folder/{name}" for name in AGES)):
            for verb in ("MDTM", "MLST", "STAT", "SIZE"):
                _ask(ftp, f"{verb} {name}")
        for line in ("STAT folder", "MKD other", "CWD other", "PWD", "CDUP", "RMD other", "DELE new.bin", "STAT"):
            _ask(ftp, line)
        ftp.quit()


@pytest.mark.illegal_replies
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
def test_the_same_file(kind: type[Peer], tls: bool, tmp_path: Path) -> None:
    """Two runs of a server, on different ports, with other inodes, and files of another time; and the replay."""
    paths = [tmp_path / f"{name}.ftp.jsonl" for name in ("one", "two", "replayed")]
    for hours, path in enumerate(paths[:2]):
        folder = tmp_path / path.name[:3]
        folder.mkdir()
        implicit = tls and kind is Aioftp
        with encrypted(kind, folder, *(IMPLICIT[kind] if implicit else ())) if tls else kind(folder) as peer:
            _create_files(peer.root, hours)
            target = Target(
                *(peer.host, peer.port, "implicit" if implicit else "client", context()),
                user=peer.user,
                password=peer.password,
            )
            with FtpServer(upstream=target, tls="explicit" if tls else None) as proxy, proxy.record(path):
                _session(proxy, peer, tls)

    with FtpServer(recording=paths[0]) as replayed, replayed.record(paths[2], redact={"host": replayed.host}):
        _session(replayed, peer, tls)

    assert paths[0].read_text() == paths[1].read_text()
    assert load(paths[0]).lines == load(paths[2]).lines
    lines = load(paths[0]).lines
    assert {"RETR new.bin", "QUIT"} <= {line.text for line in lines if isinstance(line, Command)}
    assert any(line.placeholders for line in lines if isinstance(line, Data))
