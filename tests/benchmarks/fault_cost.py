"""The cost of a server that could have faults and has none, beside the same server with the plain gate, in one run.

Run it with ``python -m tests.benchmarks.fault_cost`` on Linux. Each server has its own process, and only its CPU time
counts; all take turns in every round. A second server with the plain gate shows the noise, and each set has new
processes, so that no process has an advantage. Compare only the ratios.
"""

from __future__ import annotations

import ftplib
import socket
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain

SETS, ROUNDS, SIZE, PIECE = 4, 30, 1 << 25, 1 << 20
CONTENT = bytes(PIECE)

SERVER = """
import sys
from ftpfixture import FtpServer
from ftpfixture.net.gate import Gate
server = FtpServer(files={"/big": bytes(int(sys.argv[2])), "/small": b"x" * 100})
if sys.argv[1] == "plain":
    server.server.gate_factory = Gate
with server:
    print(server.port, flush=True)
    for _ in sys.stdin:
        server.log.clear()
        print(flush=True)
"""

KINDS = {"plain": "plain", "faults": "faults", "noise": "plain"}


class Served:
    """A server in its own process, and a session with it."""

    def __init__(self, process: subprocess.Popen[str], ftp: ftplib.FTP) -> None:
        self.ftp = ftp
        self._process = process
        self._clock = ~process.pid << 3 | 2  # CPU time of a process, as clock_getcpuclockid(3) names it on Linux

    def spent_on(self, work: Callable[[ftplib.FTP], object], times: int) -> float:
        """Return CPU seconds of the server for one of `times` calls, after clearing its log."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(file=self._process.stdin, flush=True)
        self._process.stdout.readline()
        began = time.clock_gettime(self._clock)
        for _ in range(times):
            work(self.ftp)
        return (time.clock_gettime(self._clock) - began) / times


@contextmanager
def served(kind: str) -> Iterator[Served]:
    """Run a server with a kind of gate."""
    command = [sys.executable, "-c", SERVER, kind, str(SIZE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            with ftplib.FTP() as ftp:
                ftp.connect("127.0.0.1", int(process.stdout.readline()))
                ftp.login("user", "password")
                ftp.voidcmd("TYPE I")
                assert ftp.sock is not None
                ftp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                yield Served(process, ftp)
        finally:
            process.kill()


# The measured work.


def noop(ftp: ftplib.FTP) -> None:
    """Send one command."""
    ftp.voidcmd("NOOP")


def small(ftp: ftplib.FTP) -> None:
    """Download 100 bytes, PASV included."""
    receive(ftp, "RETR /small")


def down(ftp: ftplib.FTP) -> None:
    """Download a large file."""
    receive(ftp, "RETR /big")


def up(ftp: ftplib.FTP) -> None:
    """Upload a large file."""
    with ftp.transfercmd("STOR /new") as data:
        for _ in range(SIZE // PIECE):
            data.sendall(CONTENT)
    ftp.voidresp()


def receive(ftp: ftplib.FTP, command: str) -> None:
    """Receive a file and drop it."""
    with ftp.transfercmd(command) as data:
        while data.recv(PIECE):
            pass
    ftp.voidresp()


WORK: dict[str, tuple[Callable[[ftplib.FTP], None], int]] = {
    "NOOP": (noop, 200),
    "RETR of 100 bytes": (small, 20),
    "RETR of 32 MiB": (down, 1),
    "STOR of 32 MiB": (up, 1),
}


def measure() -> Iterator[tuple[str, dict[str, float]]]:
    """Yield the title and the cost for every kind, for each round of each work, with one set of processes."""
    with ExitStack() as stack:
        servers = {kind: stack.enter_context(served(gate)) for kind, gate in KINDS.items()}
        order = list(servers)
        for number in range(ROUNDS + 1):
            for title, (work, times) in WORK.items():
                costs = {kind: servers[kind].spent_on(work, times) for kind in order}
                if number:  # the first round is for warming up
                    yield title, costs
            order.append(order.pop(0))


def main() -> None:
    """Measure, and print the cost with the plain gate and the ratios to it: of the minima, and the median of all."""
    rounds: dict[str, list[dict[str, float]]] = defaultdict(list)
    for title, costs in chain.from_iterable(measure() for _ in range(SETS)):
        rounds[title].append(costs)
    print(f"{'CPU of the server':20} {'plain':>14} {'no faults : plain':>22} {'plain : plain':>22}")
    print(f"{'':20} {'':>14}" + f" {'min':>11} {'median':>10}" * 2)
    for title, found in rounds.items():
        plain = statistics.median(costs["plain"] for costs in found)
        cost = f"{SIZE / plain / 1e6:.0f} MB/s" if "MiB" in title else f"{plain * 1e6:.1f} us"
        print(f"{title:20} {cost:>14}", end="")
        for kind in ("faults", "noise"):
            least = min(costs[kind] for costs in found) / min(costs["plain"] for costs in found)
            median = statistics.median(costs[kind] / costs["plain"] for costs in found)
            print(f" {least:11.3f} {median:10.3f}", end="")
        print()


if __name__ == "__main__":
    main()
