"""A program that forks, spawns and ends while servers run: ``python -m tests.support.forking METHOD``.

It prints "well" at its end; a failure is a traceback and an exit status other than 0.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

from ftpfixture import FtpServer
from tests.support.ftps import FtpsClient
from tests.support.raw import RawClient

__all__ = ["fetch", "own_server"]

FILES = {"/a.txt": b"a"}
Address = tuple[str, int]


def fetch(address: Address) -> bytes:
    """Download a file from a server of any process."""
    with RawClient(address) as client:
        return client.login().fetch("RETR a.txt")[1]


def own_server(address: Address) -> bytes:
    """Start a server here, with TLS, use it, and fetch from one at `address`."""
    with FtpServer(files={"/own.txt": b"own"}, tls="explicit") as server, FtpsClient(server.address) as client:
        assert client.enter().download("RETR own.txt") == b"own"
        server.log.assert_sent("RETR own.txt -> 226")
    return fetch(address)


def _leave(server: FtpServer) -> None:
    """Fork, and let the child leave the block of the server as any code does, by `sys.exit`."""
    child = os.fork()
    if child == 0:
        with server:
            own_server(_ADDRESS[0])
            sys.exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


_ADDRESS: list[Address] = []


def _process() -> None:
    process = multiprocessing.get_context("fork").Process(target=own_server, args=_ADDRESS)
    process.start()
    process.join()
    assert process.exitcode == 0


def _executor(method: str) -> None:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as pool:
        assert list(pool.map(own_server, _ADDRESS * 2)) == [b"a", b"a"]


def _subprocess() -> None:
    # It inherits no socket of ours, even if it is let.
    inherited = (
        "import os, stat\n"
        "for number in range(3, 256):\n"
        "    try:\n"
        "        print(number) if stat.S_ISSOCK(os.fstat(number).st_mode) else None\n"
        "    except OSError:\n"
        "        pass\n"
    )
    done = subprocess.run([sys.executable, "-c", inherited], capture_output=True, check=True, close_fds=False)
    assert done.stdout == b""


METHODS: dict[str, Callable[[FtpServer], None]] = {
    "exit": _leave,
    "process": lambda server: _process(),
    "fork": lambda server: _executor("fork"),
    "spawn": lambda server: _executor("spawn"),
    "forkserver": lambda server: _executor("forkserver"),
    "subprocess": lambda server: _subprocess(),
}


def main(method: str) -> None:
    """Run one of the methods while sessions of this process are open; they continue."""
    with FtpServer(files=FILES, tls="explicit") as server:
        _ADDRESS.append(server.address)
        with RawClient(server.address) as clear, FtpsClient(server.address) as encrypted:
            clear.login()
            encrypted.enter()
            METHODS[method](server)
            assert clear.fetch("RETR a.txt")[1] == b"a"
            assert encrypted.download("RETR a.txt") == b"a"
            assert [session.closed_at for session in server.sessions] == [None, None]
    print("well")


if __name__ == "__main__":
    main(sys.argv[1])
