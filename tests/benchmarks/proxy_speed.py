"""The throughput of a proxy in front of vsftpd beside that of vsftpd alone, and the cost of one command.

Run it with ``python -m tests.benchmarks.proxy_speed`` in an environment with the ``test`` extra, as root, with vsftpd
installed, or unpacked below the folder that ``FTPFIXTURE_TEST_SERVERS`` names. The client, the proxy and vsftpd share
the processors, so the ratio of the wall times also depends on their number. The rounds alternate; compare the ratios.
"""

from __future__ import annotations

import ftplib
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ftpfixture import FtpServer
from ftpfixture.recording.target import Target
from tests.support.raw import RawClient
from tests.support.servers import Peer, Vsftpd

ROUNDS, SIZE, COMMANDS = 5, 1 << 27, 2000

Address = tuple[str, int]


def opened(address: Address) -> ftplib.FTP:
    """Return a session in type I."""
    ftp = ftplib.FTP(timeout=60)
    ftp.connect(*address)
    ftp.login(Peer.user, Peer.password)
    ftp.voidcmd("TYPE I")
    return ftp


def download(address: Address) -> float:
    """Return bytes per second."""
    buffer = bytearray(1 << 18)
    with opened(address) as ftp, ftp.transfercmd("RETR big") as data:
        start, received = time.perf_counter(), 0
        while count := data.recv_into(buffer):
            received += count
        data.close()
        ftp.voidresp()
        assert received == SIZE
        return SIZE / (time.perf_counter() - start)


def upload(address: Address) -> float:
    """Return bytes per second."""
    content = bytes(SIZE)
    with opened(address) as ftp:
        start = time.perf_counter()
        with ftp.transfercmd("STOR up") as data:
            data.sendall(content)
        ftp.voidresp()
        return SIZE / (time.perf_counter() - start)


def commands(address: Address) -> float:
    """Return commands per second, one after another."""
    with RawClient(address) as client:
        client.login(Peer.user, Peer.password)
        start = time.perf_counter()
        for _ in range(COMMANDS):
            client.ask("NOOP")
        return COMMANDS / (time.perf_counter() - start)


def main() -> None:
    """Print a row for each measurement."""
    measurements: list[tuple[str, Callable[[Address], float], float, str]] = [
        ("download", download, 1e6, "MB/s"),
        ("upload", upload, 1e6, "MB/s"),
        ("NOOP", commands, 1, "commands/s"),
    ]
    with tempfile.TemporaryDirectory() as folder, Vsftpd(Path(folder) / "peer") as peer:
        (peer.root / "big").write_bytes(bytes(SIZE))
        target = Target(peer.host, peer.port, user=peer.user, password=peer.password)
        with FtpServer(upstream=target) as proxy:
            for name, measure, unit, text in measurements:
                direct, through = [], []
                for _ in range(ROUNDS):
                    direct.append(measure((peer.host, peer.port)))
                    through.append(measure(proxy.address))
                one, other = statistics.median(direct), statistics.median(through)
                print(f"{name}: direct {one / unit:.0f} {text}, proxy {other / unit:.0f}, ratio {other / one:.2f}")


if __name__ == "__main__":
    main()
