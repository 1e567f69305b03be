"""The CPU time of a NOOP on a server, ours beside pyftpdlib, in one run.

Run it with ``python tests/benchmarks/noop_cost.py`` in an environment with the ``test`` extra. Each server has its own
process. The rounds alternate; compare only the ratio.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys

ROUNDS, COMMANDS = 5, 20_000

OURS = """
import asyncio
from ftpfixture import Server, User, MemoryPathIO
from ftpfixture.log import CommandLog
async def main():
    server = Server([User("user", "password", base_path="/")], path_io_factory=MemoryPathIO)
    log = CommandLog(server.hub)
    await server.start()
    print(server.address[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""

THEIRS = """
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer
import logging
logging.disable()
FTPHandler.authorizer = DummyAuthorizer()
FTPHandler.authorizer.add_user("user", "password", "/tmp", perm="elradfmwMT")
server = FTPServer(("127.0.0.1", 0), FTPHandler)
print(server.address[1], flush=True)
server.serve_forever(handle_exit=False)
"""


def cpu_seconds(pid: int) -> float:
    """Return user and system time of a process so far."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def spent_on(program: str) -> float:
    """Return CPU seconds of the server for one NOOP."""
    with subprocess.Popen([sys.executable, "-W", "ignore", "-c", program], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            with socket.create_connection(("127.0.0.1", int(server.stdout.readline()))) as control:
                control.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for line in (b"", b"USER user\r\n", b"PASS password\r\n"):
                    control.sendall(line)
                    control.recv(4096)
                began = cpu_seconds(server.pid)
                for _ in range(COMMANDS):
                    control.sendall(b"NOOP\r\n")
                    control.recv(4096)
                return (cpu_seconds(server.pid) - began) / COMMANDS
        finally:
            server.kill()


def main() -> None:
    """Measure in turn and print the medians and their ratio."""
    rounds = [(spent_on(OURS), spent_on(THEIRS)) for _ in range(ROUNDS)]
    ours, theirs = (statistics.median(column) * 1e6 for column in zip(*rounds, strict=True))
    print(f"CPU per NOOP: ftpfixture {ours:.1f} us, pyftpdlib {theirs:.1f} us, ratio {ours / theirs:.2f}")


if __name__ == "__main__":
    main()
