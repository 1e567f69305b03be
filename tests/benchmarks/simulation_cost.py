"""The cost of simulated connections beside real ones: sessions per CPU second, a timeout of five minutes, memory.

Run it with ``python tests/benchmarks/simulation_cost.py``. Compare only the ratios, because machines differ and are
noisy. The real sessions run in the same process, so the CPU time of the server's thread counts for both.
"""

from __future__ import annotations

import ftplib
import io
import statistics
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

from ftpfixture import FtpServer
from ftpfixture.testing.loopthread import shared_thread

ROUNDS, SESSIONS = 7, 40
CONTENT = bytes(4096)


def session(server: FtpServer) -> None:
    """Twelve commands: login, PWD, CWD, a listing, an upload, a download, QUIT."""
    with ftplib.FTP(timeout=60) as ftp:
        ftp.connect(*server.address)
        ftp.login(*server.credentials)
        ftp.pwd()
        ftp.cwd("/")
        ftp.nlst()
        ftp.storbinary("STOR /a", io.BytesIO(CONTENT))
        ftp.retrbinary("RETR /a", lambda block: None)


def fresh(settings: dict[str, Any]) -> None:
    """A server of its own for one session."""
    with FtpServer(**settings) as server:
        session(server)


def timeout(settings: dict[str, Any]) -> None:
    """A client that waits for five minutes, in virtual time."""
    with FtpServer(faults=["NOOP: stall"], **settings) as server, ftplib.FTP(timeout=300) as ftp:
        ftp.connect(*server.address)
        ftp.login(*server.credentials)
        try:
            ftp.sendcmd("NOOP")
        except TimeoutError:
            return


def spent(call: Callable[[], object], times: int = SESSIONS) -> float:
    """CPU seconds of one call."""
    began = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - began) / times


def peak(call: Callable[[], object]) -> int:
    """Bytes that a call needs at most."""
    call()
    tracemalloc.start()
    call()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def main() -> None:
    """Measure in turns and print the medians."""
    kinds: dict[str, dict[str, Any]] = {"real": {}, "simulated": {"simulate": True}}
    figures: dict[str, list[float]] = {name: [] for name in kinds}
    with shared_thread().leased():
        for _ in range(ROUNDS):
            for name, settings in kinds.items():
                figures[name].append(spent(lambda: fresh(settings)))  # noqa: B023 (called at once)
        real, simulated = (statistics.median(figures[name]) for name in kinds)
        wait = spent(lambda: timeout(kinds["simulated"]))
        memory = {name: peak(lambda: fresh(settings)) for name, settings in kinds.items()}  # noqa: B023
    print(f"12 commands, fresh server: {1 / simulated:.0f} a CPU second simulated, {1 / real:.0f} real")
    print(f"real / simulated: {real / simulated:.2f}")
    print(f"a timeout of 300 s: {wait * 1000:.1f} ms, {wait / simulated:.2f} of a session")
    print(f"peak memory: {memory['simulated'] / 1024:.0f} KiB simulated, {memory['real'] / 1024:.0f} KiB real")


if __name__ == "__main__":
    main()
