"""The cost of a point of a sweep beside the plain test, simulated and with real connections: CPU time in the same run.

Run it with ``python tests/benchmarks/sweep_cost.py``. Compare only the ratios, because machines differ and are noisy.
The time that pytest takes to start, and to make the map, is taken off.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

REPEATS, ROUNDS = 150, 3

SOURCE = """
import ftplib, io, pytest

def session(server):
    with ftplib.FTP(timeout=30) as ftp:
        ftp.connect(*server.address)
        ftp.login(*server.credentials)
        ftp.pwd()
        ftp.cwd("/")
        ftp.nlst()
        ftp.storbinary("STOR /b", io.BytesIO(bytes(4096)))
        content = io.BytesIO()
        ftp.retrbinary("RETR /a", content.write)
        if content.tell() != 4096:
            raise EOFError

pytestmark = pytest.mark.ftp(files={{"/a": bytes(4096)}}, simulate={simulate}, simulate_time={simulate})

@pytest.mark.parametrize("number", range({repeats}))
def test_plain(ftp_server, number):
    session(ftp_server)

@pytest.mark.ftp_sweep(points={points!r})
def test_swept(ftp_server):
    session(ftp_server)
"""

# Real stalls take the timeout of the client; what they cost is waiting, not work.
SIMULATED, REAL = "standard", ["reset", "close", "answer", "service_unavailable", "truncate", "reset_data", "reply"]


def _run(folder: Path, *options: str) -> float:
    """CPU seconds of a run."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "--tb=no", *options]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print the table."""
    print("                 plain test   point      over it     ratio   points a CPU second")
    for name, simulate, points in (("simulated", True, SIMULATED), ("real", False, REAL)):
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made)
            (folder / "test_it.py").write_text(SOURCE.format(simulate=simulate, repeats=REPEATS, points=points))
            _run(folder, "--ftp-sweep=map", "-k", "swept")
            rows = []
            for _ in range(ROUNDS):
                idle = _run(folder, "-k", "plain and 77")
                plain = (_run(folder, "-k", "plain") - idle) / REPEATS
                out = folder / "out.json"
                swept = _run(folder, "-k", "swept and not real", f"--ftp-sweep-json={out}") - idle
                count = len(json.loads(out.read_text())["points"])
                rows.append((plain, swept / count))
            plain, point = (statistics.median(values) * 1000 for values in zip(*rows, strict=True))
            over = f"{point - plain:9.2f} ms {point / plain:8.2f} {1000 / point:12.0f}"
            print(f"{name:<15} {plain:7.2f} ms {point:7.2f} ms {over}")


if __name__ == "__main__":
    main()
