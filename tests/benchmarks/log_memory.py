"""What a million commands on one server take: memory per command, and how the rate holds.

Run it with ``python tests/benchmarks/log_memory.py [commands]``. Each case has a process of its own. Memory is that of
the process, per command, after the first tenth of them; the rate of the last tenth beside that of the first says
whether a long log is a slow one. Only these ratios mean anything: machines differ, and are noisy.
"""

from __future__ import annotations

import subprocess
import sys

COMMANDS = 1_000_000
CASES = {"all kept": "None", "log_limit=10000": "10000"}

MEASURE = """
import os, socket, sys, time
from ftpfixture import FtpServer

COUNT, LIMIT, BATCH = int(sys.argv[1]), eval(sys.argv[2]), 100

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

def talk(control, count):
    began = time.process_time()
    for _ in range(count // BATCH):
        control.sendall(b"NOOP\\r\\n" * BATCH)
        seen = 0
        while seen < BATCH:
            seen += control.recv(65536).count(b"\\n")
    return count / (time.process_time() - began)

with FtpServer(log_limit=LIMIT) as server, socket.create_connection(server.address) as control:
    for line in (b"", b"USER user\\r\\n", b"PASS password\\r\\n"):
        control.sendall(line)
        control.recv(4096)
    tenth = COUNT // 10
    first = talk(control, tenth)
    before = resident()
    talk(control, 8 * tenth)
    last = talk(control, tenth)
    memory = (resident() - before) / (9 * tenth)
    kept = len(server.log.commands)
    print(memory, first, last, kept)
"""


def main() -> None:
    """Measure each case and print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COMMANDS
    print(f"{'':20} {'bytes a command':>16} {'a CPU second':>13} {'last : first':>13} {'kept':>10}")
    for name, limit in CASES.items():
        command = [sys.executable, "-W", "ignore", "-c", MEASURE, str(count), limit]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        memory, first, last, kept = map(float, done.stdout.split())
        print(f"{name:20} {memory:16.0f} {last:13.0f} {last / first:13.2f} {kept:10.0f}")


if __name__ == "__main__":
    main()
