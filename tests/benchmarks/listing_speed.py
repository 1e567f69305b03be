"""The CPU time of listings on a server, ours beside pyftpdlib and vsftpd, and the waits of other sessions meanwhile.

Run it with ``python -m tests.benchmarks.listing_speed`` in an environment with the ``test`` extra. Our server has its
files in memory, the others on the disk. Each server has its own process. The rounds alternate; compare only the ratios.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.support.raw import RawClient
from tests.support.servers import Peer, Pyftpdlib, Vsftpd

ROUNDS, LISTINGS, NAMES, MANY = 3, 3, 10_000, 100_000
VERBS = ("NLST", "LIST", "MLSD")
OUR_NAME = "ftpfixture"

Rounds = list[dict[str, dict[str, float]]]  # of each round by server and verb: milliseconds of CPU

# Two servers on one loop. XTURN replies with the longest iteration of the loop since the last XTURN.
OURS = """
import asyncio, sys
from ftpfixture import MemoryPathIO, Server, User
from ftpfixture.log import CommandLog
from ftpfixture.server.dispatch import command
from tests.support.turns import watched
class Watched(Server):
    @command("XTURN")
    async def xturn(self, connection, rest):
        connection.response("200", str(max((turn.seconds for turn in TURNS.long), default=0)))
        TURNS.clear()
        return True
async def main():
    for _ in range(2):
        server = Watched([User("user", "password", base_path="/")], path_io_factory=MemoryPathIO)
        log = CommandLog(server.hub)
        tree = server.path_io_factory().state
        for number in range(int(sys.argv[1])):
            tree.write_file(f"/many/a name of some length {number}.txt", b"")
        await server.start()
        print(server.address[1], flush=True)
    await server.serve_forever()
if len(sys.argv) > 2:
    with watched(0) as TURNS:
        asyncio.run(main())
else:
    asyncio.run(main())
"""


def cpu_seconds(pids: list[int]) -> float:
    """Return the CPU time of processes so far: Linux has a clock for each (clock_getcpuclockid(3))."""
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)


@contextmanager
def ours(names: int, *watch: str) -> Iterator[tuple[int, list[int]]]:
    """Run our servers in a process; yield its ID and their ports."""
    command = [sys.executable, "-W", "ignore", "-c", OURS, str(names), *watch]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.pid, [int(process.stdout.readline()) for _ in range(2)]
        finally:
            process.kill()


def spent_on(client: RawClient, pids: Callable[[], list[int]], verbs: Iterable[str]) -> dict[str, float]:
    """Return milliseconds of the server's CPU time for one listing by each verb."""
    spent = {}
    for verb in verbs:
        began = cpu_seconds(pids())
        for _ in range(LISTINGS):
            codes, listing = client.fetch(f"{verb} /many")
            assert codes[-1] == "226", (verb, codes)
            assert listing.count(b"\n") in range(NAMES, NAMES + 3), verb  # with the directory itself and its parent
        spent[verb] = (cpu_seconds(pids()) - began) / LISTINGS * 1000
    return spent


@contextmanager
def peers(folder: Path) -> Iterator[list[Peer]]:
    """Run the installed foreign servers, each over a folder with the names."""
    with ExitStack() as stack:
        found = []
        for kind in (Pyftpdlib, Vsftpd):
            try:
                peer = kind(folder / kind.name)
            except pytest.skip.Exception as error:
                print(error)
                continue
            (peer.root / "many").mkdir()
            for number in range(NAMES):
                (peer.root / "many" / f"a name of some length {number}.txt").touch()
            found.append(stack.enter_context(peer))
        yield found


def speed(folder: Path) -> None:
    """Compare the CPU time of listings."""
    rounds: Rounds = []
    with peers(folder) as others, ours(NAMES) as (pid, ports):
        for _ in range(ROUNDS):
            spent = {}
            with RawClient(("127.0.0.1", ports[0]), 60) as client:
                spent[OUR_NAME] = spent_on(client.login(), lambda: [pid], VERBS)
            for peer in others:
                known = [verb for verb in VERBS if verb not in peer.lacks]
                with RawClient((peer.host, peer.port), 60) as client:
                    spent[peer.name] = spent_on(client.login(), partial(getattr, peer, "pids"), known)
            rounds.append(spent)
    print(f"CPU ms for {NAMES} names " + "".join(f"{verb:>16}" for verb in VERBS))
    for name, verbs in rounds[0].items():
        print(f"{name:24}" + "".join(f"{_cell(rounds, name, verb):>16}" if verb in verbs else "" for verb in VERBS))


def _cell(rounds: Rounds, name: str, verb: str) -> str:
    """Return the median time of a server, and the median ratio of our time to it."""
    spent = statistics.median(each[name][verb] for each in rounds)
    ratio = statistics.median(each[OUR_NAME][verb] / each[name][verb] for each in rounds)
    return f"{spent:.1f} ({ratio:.2f})"


def waits(client: RawClient, stop: threading.Event, found: list[float]) -> None:
    """Send NOOP until `stop` is set, and record the time to each reply, in milliseconds."""
    while not stop.is_set():
        began = time.perf_counter()
        client.ask("NOOP")
        found.append((time.perf_counter() - began) * 1000)


def longest_waits() -> None:
    """Show the waits of a session of another server during a listing of very many names."""
    print(f"ms while {MANY} names are listed: the wait of another server's session, and CPU of the loop's longest turn")
    with ours(MANY, "watched") as (_, ports), ExitStack() as stack:
        lister, other = (stack.enter_context(RawClient(("127.0.0.1", port), 60)).login() for port in ports)
        for verb in VERBS:
            stop, found = threading.Event(), list[float]()
            thread = threading.Thread(target=waits, args=(other, stop, found))
            lister.ask("XTURN")
            thread.start()
            began = time.perf_counter()
            codes, listing = lister.fetch(f"{verb} /many")
            seconds = time.perf_counter() - began
            stop.set()
            thread.join()
            assert codes[-1] == "226"
            assert listing.count(b"\n") >= MANY
            turn = 1000 * float(lister.ask("XTURN").text)
            found.sort()
            print(
                f"{verb} took {seconds:5.2f} s: {len(found)} waits, median {statistics.median(found):.2f},"
                f" 99 % {found[len(found) * 99 // 100]:.1f}, longest {found[-1]:.1f}; longest turn {turn:.1f}"
            )


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        speed(Path(folder))
    longest_waits()


if __name__ == "__main__":
    main()
