"""What a long recording takes: the memory of a large transfer, and the time and memory of many commands.

Run it with ``python tests/benchmarks/recording_cost.py [MiB] [commands]``. Each step has a process of its own, and the
real server is another one. Memory is the peak of the process beside that of one that only starts a server.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

MIB, COMMANDS = 1024, 2000

PROGRAM = """
import ftplib, re, sys, time
from ftpfixture import FtpServer

step, path, address, size, count = sys.argv[1:]

def peak():
    with open("/proc/self/status") as file:
        return int(re.search(r"VmHWM:\\s+(\\d+)", file.read())[1]) / 1024

def transfer(server):
    received = 0
    def add(piece):
        nonlocal received
        received += len(piece)
    with ftplib.FTP(timeout=600) as ftp:
        ftp.connect(*server.address)
        ftp.login(*server.credentials)
        ftp.retrbinary("RETR /large", add, 1 << 18)
    assert received == int(size) << 20, received

def commands(server):
    with ftplib.FTP(timeout=600) as ftp:
        ftp.connect(*server.address)
        ftp.login(*server.credentials)
        for number in range(int(count)):
            ftp.sendcmd(f"MKD /{number}")

talk = transfer if path.endswith("large.ftp.jsonl") else commands
began = time.perf_counter()
if step == "start":
    with FtpServer() as server:
        pass
elif step == "record":
    with FtpServer(upstream=address) as server:
        with server.record(path):
            talk(server)
elif step == "load":
    from ftpfixture.recording.store import load
    load(path)
else:
    with FtpServer(recording=path) as server:
        talk(server)
print(time.perf_counter() - began, peak())
"""

UPSTREAM = """
import sys
from ftpfixture import FtpServer
with FtpServer(root=sys.argv[1]) as server:
    print(server.url, flush=True)
    sys.stdin.read()
"""


def _run(*arguments: object) -> tuple[float, float]:
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, *map(str, arguments)]
    seconds, peak = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return float(seconds), float(peak)


def main() -> None:
    """Measure each step and print the table."""
    size, count = [*map(int, sys.argv[1:3]), MIB, COMMANDS][0], [*map(int, sys.argv[2:3]), COMMANDS][0]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "root")
        root.mkdir()
        with (root / "large").open("wb") as file:
            file.truncate(size << 20)
        command = [sys.executable, "-W", "ignore", "-c", UPSTREAM, str(root)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as upstream:
            assert upstream.stdout is not None
            assert upstream.stdin is not None
            address = upstream.stdout.readline().strip()
            _, idle = _run("start", "", address, size, count)
            print(f"{'':28} {'seconds':>8} {'MiB':>8}")
            for name, what in (("large", f"{size} MiB"), ("many", f"{count} commands")):
                path = Path(folder, f"{name}.ftp.jsonl")
                for step in ("record", "load", "replay"):
                    seconds, peak = _run(step, path, address, size, count)
                    print(f"{step + ', ' + what:28} {seconds:8.2f} {peak - idle:8.1f}")
            upstream.stdin.close()


if __name__ == "__main__":
    main()
