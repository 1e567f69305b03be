"""Sessions with real servers are recorded by a proxy once, and replayed without these servers."""

from __future__ import annotations

import ftplib
import io
from pathlib import Path

import pytest

from ftpfixture import FtpServer
from ftpfixture.recording.recorder import Recorder
from ftpfixture.recording.store import load, save
from tests.support.servers import PEERS, Peer

LARGE = bytes(range(256)) * 4000


def _session(server: FtpServer, peer: Peer, way: str) -> list[object]:
    """What ftplib gets."""
    with ftplib.FTP(timeout=10) as ftp:
        got: list[object] = [ftp.connect(*server.address), ftp.login(*server.credentials)]
        ftp.set_pasv(way != "active")
        got.append(ftp.storbinary("STOR up.bin", io.BytesIO(LARGE)))
        got += [] if "SIZE" in peer.lacks else [ftp.size("up.bin"), ftp.nlst()]
        ftp.retrlines("LIST", got.append)
        content = io.BytesIO()
        got += [ftp.retrbinary("RETR up.bin", content.write, rest=1000), content.getvalue() == LARGE[1000:]]
        with pytest.raises(ftplib.error_perm) as refused:
            ftp.retrbinary("RETR missing", content.write)
        got += [str(refused.value), ftp.delete("up.bin"), ftp.quit()]
    return got


@pytest.mark.illegal_replies
@pytest.mark.parametrize(
    ("kind", "way"),
    [*((kind, "passive") for kind in PEERS), *((kind, "active") for kind in PEERS if "active" not in kind.lacks)],
    indirect=["kind"],
)
def test_ftplib(peer: Peer, way: str, tmp_path: Path) -> None:
    """The same replies, word for word, and the same bytes."""
    path, recorder = tmp_path / "real.ftp.jsonl", Recorder("proxy")
    with FtpServer(upstream=f"ftp://{peer.user}:{peer.password}@{peer.host}:{peer.port}") as proxy:
        proxy.server.hub.subscribe(recorder)
        first = _session(proxy, peer, way)
        proxy.log.wait_until(lambda: not proxy.sessions, 5)
        save(path, proxy.driver.call(recorder.recording))

    with FtpServer(recording=path) as server:
        assert _session(server, peer, way) == first
    assert load(path).header.source == "proxy"
