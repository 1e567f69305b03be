"""The time of `FtpServer.reset`, beside that of a new server, in one run.

Run it with ``python tests/benchmarks/reset_cost.py``. Compare only the ratios, because machines differ and are noisy.
"""

from __future__ import annotations

import ftplib
import statistics
import time
from collections.abc import Callable

from ftpfixture import FtpServer

ROUNDS = 300
FILES = {"/out/a.txt": b"hi", "/in/": None}


def _median(act: Callable[[], object], before: Callable[[], object] = lambda: None) -> float:
    """Return the median time of a call, in milliseconds; `before` is not measured."""
    spent = []
    for _ in range(ROUNDS):
        before()
        began = time.perf_counter()
        act()
        spent.append(time.perf_counter() - began)
    return statistics.median(spent) * 1000


def _new() -> None:
    with FtpServer(files=FILES):
        pass


def _session(server: FtpServer) -> None:
    with ftplib.FTP() as ftp:
        ftp.connect(*server.address)
        ftp.login(*server.credentials)


def main() -> None:
    """Print the times."""
    with FtpServer(files=FILES) as server, FtpServer(files={f"/{n}": b"" for n in range(102)}) as full:
        print(f"a new server                {_median(_new):.3f} ms")
        print(f"reset                       {_median(server.reset):.3f} ms")
        print(f"reset after a session       {_median(server.reset, lambda: _session(server)):.3f} ms")
        print(f"reset of a hundred files    {_median(full.reset):.3f} ms")
        print(f"reset with other settings   {_median(lambda: server.reset(system='X')):.3f} ms")


if __name__ == "__main__":
    main()
