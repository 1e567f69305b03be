"""The cost of our client beside those of aioftp and ftplib: CPU time of its process and wall time, in one run.

Run it with ``python tests/benchmarks/client_speed.py`` in an environment with the ``test`` extra. All clients use the
same server of ours; server and clients have their own processes. The rounds alternate. Compare only the ratios, because
machines differ and are noisy.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

ROUNDS = 5

SERVER = """
import asyncio, os
from pathlib import PurePosixPath
from ftpfixture import MemoryPathIO, Server, User
async def main():
    server = Server([User("user", "password", base_path="/")], path_io_factory=MemoryPathIO)
    tree = server.path_io_factory().state
    tree.write_file("/large", os.urandom(1 << 28))
    tree.make_directory("/small")
    for number in range(10_000):
        tree.write_file(f"/many/a name of some length {number}.txt", b"")
    await server.start()
    print(server.address[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""

# The work of an asynchronous client; both have the same calls.
ASYNC = """
import asyncio, json, sys, time
from MODULE import Client
BLOCK, LARGE, PIECE, SMALL = BLOCK_SIZE, 1 << 28, bytes(1 << 20), bytes(1000)
async def retr(client):
    async with client.download_stream("/large") as stream:
        assert sum([len(block) async for block in stream.iter_by_block(BLOCK)]) == LARGE
async def stor(client):
    async with client.upload_stream("/new") as stream:
        for _ in range(LARGE // BLOCK):
            await stream.write(PIECE[:BLOCK])
async def small_up(client):
    for number in range(1000):
        async with client.upload_stream(f"/small/{number}") as stream:
            await stream.write(SMALL)
async def small_down(client):
    for number in range(1000):
        async with client.download_stream(f"/small/{number}") as stream:
            assert await stream.read() == SMALL
async def listing(client):
    for _ in range(3):
        assert len(await client.list("/many")) == 10_000
async def main():
    spent = {}
    async with Client.context("127.0.0.1", int(sys.argv[1]), "user", "password") as client:
        for name in sys.argv[2:]:
            cpu, wall = time.process_time(), time.perf_counter()
            await globals()[name](client)
            spent[name] = time.process_time() - cpu, time.perf_counter() - wall
    print(json.dumps(spent))
asyncio.run(main())
"""

FTPLIB = """
import ftplib, io, json, sys, time
BLOCK, LARGE, PIECE, SMALL = BLOCK_SIZE, 1 << 28, bytes(1 << 20), bytes(1000)
class Zeros:
    left = LARGE
    def read(self, size):
        self.left -= size
        return PIECE[:size] if self.left >= 0 else b""
def retr(ftp):
    received = 0
    def take(block):
        nonlocal received
        received += len(block)
    ftp.retrbinary("RETR /large", take, BLOCK)
    assert received == LARGE
def stor(ftp):
    ftp.storbinary("STOR /new", Zeros(), BLOCK)
def small_up(ftp):
    for number in range(1000):
        ftp.storbinary(f"STOR /small/{number}", io.BytesIO(SMALL))
def small_down(ftp):
    for number in range(1000):
        blocks = []
        ftp.retrbinary(f"RETR /small/{number}", blocks.append)
        assert b"".join(blocks) == SMALL
def listing(ftp):
    for _ in range(3):
        # Two are the directory itself and its parent.
        assert len(list(ftp.mlsd("/many"))) == 10_002
spent = {}
with ftplib.FTP() as ftp:
    ftp.connect("127.0.0.1", int(sys.argv[1]))
    ftp.login("user", "password")
    for name in sys.argv[2:]:
        cpu, wall = time.process_time(), time.perf_counter()
        globals()[name](ftp)
        spent[name] = time.process_time() - cpu, time.perf_counter() - wall
print(json.dumps(spent))
"""

OURS, BLOCKS = "ftpfixture", "in blocks of 1 MiB"

# The programs of the clients, the default size of their blocks, and the titles of the work.
CLIENTS = {
    OURS: ASYNC.replace("MODULE", "ftpfixture"),
    "aioftp": ASYNC.replace("MODULE", "aioftp"),
    "ftplib": FTPLIB,
}
OWN_BLOCKS = {OURS: 1 << 20, "aioftp": 8192, "ftplib": 8192}
TITLES = {
    "retr": "RETR of 256 MiB",
    "stor": "STOR of 256 MiB",
    "small_up": "1000 files of 1 kB up",
    "small_down": "1000 files of 1 kB down",
    "listing": "10 000 names, MLSD, 3 times",
}

Spent = dict[str, dict[str, tuple[float, float]]]  # by work and client: seconds of CPU, seconds of wall time


def measure(port: str) -> Spent:
    """Measure one round: all work, by all clients in turn."""
    spent: Spent = {}
    for title, names, sizes in (
        ("", list(TITLES), OWN_BLOCKS),
        (f", {BLOCKS}", ["retr", "stor"], dict.fromkeys(CLIENTS, 1 << 20)),
    ):
        for name in names:
            for client, program in CLIENTS.items():
                code = program.replace("BLOCK_SIZE", str(sizes[client]))
                command = [sys.executable, "-W", "ignore", "-c", code, port, name]
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                if done.returncode:
                    raise SystemExit(f"{client}: {TITLES[name]} failed\n{done.stderr}")
                spent.setdefault(TITLES[name] + title, {})[client] = tuple(json.loads(done.stdout)[name])
    return spent


def main() -> None:
    """Measure in rounds and print the medians, and the ratios of the others to ours, of the same round each."""
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            port = server.stdout.readline().strip()
            rounds = [measure(port) for _ in range(ROUNDS)]
        finally:
            server.kill()
    print(f"{'':40}{'':11} {'ms, median':>15} {'times ours, median':>23}")
    print(f"{'':40}{'':11} {'CPU':>7} {'wall':>7} {'CPU':>11} {'wall':>11}")
    for title in rounds[0]:
        for client in CLIENTS:
            spent = [statistics.median(each[title][client][kind] for each in rounds) for kind in (0, 1)]
            ratios = [
                statistics.median(each[title][client][kind] / each[title][OURS][kind] for each in rounds)
                for kind in (0, 1)
            ]
            print(f"{title if client == OURS else '':40}{client:11}", end=" ")
            print(" ".join(f"{1000 * value:7.0f}" for value in spent), " ".join(f"{ratio:11.2f}" for ratio in ratios))


if __name__ == "__main__":
    main()
