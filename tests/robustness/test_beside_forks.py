"""Processes that fork, spawn and end beside running servers: a child has no server, and does not disturb any."""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from ftpfixture import Clock, Connection, FtpServer, Server, ServerStateError
from ftpfixture.forks import Origin, lock, rlock
from ftpfixture.testing.loopthread import LoopThread, shared_thread
from tests.support import forking
from tests.support.raw import RawClient, read_all

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

ROOT = Path(__file__).parents[2]


class Child:
    """A forked child that calls a function and waits for the end of the parent's pipe.

    Args:
        work: The function; its exception is the report of the child.
    """

    def __init__(self, work: Callable[[], object]) -> None:
        report, self._report = os.pipe()
        self._end, end = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of threads
            self._pid = os.fork()
        if self._pid == 0:
            self._run(work, end)
        os.close(self._report)
        os.close(self._end)
        self._report, self._end = report, end
        with os.fdopen(os.dup(report), "rb") as pipe:
            self.report = pipe.read().decode()

    def _run(self, work: Callable[[], object], end: int) -> None:
        os.close(end)
        try:
            work()
            text = "done"
        except BaseException:
            text = traceback.format_exc()
        os.write(self._report, text.encode())
        os.close(self._report)
        os.read(self._end, 1)
        os._exit(0)

    def end(self) -> None:
        """End the child, and wait for its end."""
        os.close(self._end)
        os.close(self._report)
        os.waitpid(self._pid, 0)


def in_a_child(work: Callable[[], object]) -> str:
    """Call a function in a child and return "done" or a traceback."""
    child = Child(work)
    child.end()
    return child.report


USES: dict[str, Callable[[FtpServer], object]] = {
    "start": FtpServer.start,
    "restart": FtpServer.restart,
    "reset": FtpServer.reset,
    "pause": FtpServer.pause,
    "resume": FtpServer.resume,
    "wait_idle": FtpServer.wait_idle,
    "files": lambda server: server.files["/a.txt"],
    "files, written": lambda server: server.files.set("/b.txt", b""),
    "log": lambda server: server.log.commands,
    "log.clear": lambda server: server.log.clear(),
    "log.wait_for": lambda server: server.log.wait_for("NOOP", timeout=0),
    "transcript": lambda server: server.log.transcript(),
    "faults": lambda server: server.faults.add("NOOP: reset"),
    "assert_fired": lambda server: server.faults.assert_fired(),
    "clock": lambda server: server.clock.move(1),
    "throttle": lambda server: server.throttle,
    "session_throttle": lambda server: server.session_throttle(1),
    "sessions": lambda server: server.sessions,
}


def refuses(server: FtpServer) -> None:
    """Check that every use of an inherited server raises, and that leaving its context does not."""
    for name, use in USES.items():
        with pytest.raises(ServerStateError) as caught:
            use(server)
        assert f"runs in process {os.getppid()}, of which this one is a fork" in str(caught.value), name
        assert "start a new FtpServer() here" in str(caught.value), name
    server.stop()
    server.check()
    assert server.inherited
    assert repr(server) == f"<FtpServer of process {os.getppid()}>"
    with suppress(ZeroDivisionError), server:
        raise ZeroDivisionError


def test_an_inherited_server_is_refused() -> None:
    """Every call in the child raises ServerStateError; in the parent the server works."""
    with FtpServer(files={"/a.txt": b"a"}) as server, RawClient(server.address) as client:
        client.login()
        assert in_a_child(lambda: refuses(server)) == "done"
        assert client.code("NOOP") == "200"
        assert not server.inherited


def test_a_child_connects_to_a_server_of_its_parent() -> None:
    """A client in a forked child needs only the address of the server."""

    def work() -> None:
        with RawClient(server.address) as client:
            client.login()
        assert server.url == url
        assert (server.host, server.port) == server.address

    with FtpServer() as server:
        url = server.url
        assert in_a_child(work) == "done"
        server.log.assert_sent("PASS -> 230")


def test_a_child_starts_its_own_servers() -> None:
    """A child starts new servers, and servers that the parent made and did not start, with a shared clock."""
    clock = Clock()
    waiting = FtpServer(files={"/a.txt": b"a"}, clock=clock, idle_timeout=300)

    def work(address: tuple[str, int]) -> None:
        assert forking.own_server(address) == b"a"
        with waiting, RawClient(waiting.address) as client:
            client.login()
            clock.move(300)
            assert client.reply().code == "421"
            waiting.log.assert_sent("USER user -> 331")

    with FtpServer(files={"/a.txt": b"a"}, clock=clock) as server:
        address = server.address
        assert in_a_child(lambda: work(address)) == "done"
    waiting.start()
    waiting.stop()


def test_ports_and_sessions_while_a_child_lives() -> None:
    """Transfers continue, sessions end, and the port is free after the stop in the parent."""
    with FtpServer(files={"/big.bin": bytes(1 << 24)}) as server:
        client = RawClient(server.address).login()
        data = client.passive()
        assert client.code("RETR big.bin") == "150"

        child = Child(lambda: None)
        try:
            assert len(read_all(data)) == 1 << 24
            assert client.reply().code == "226"
            assert client.code("QUIT") == "221"
            assert client.is_closed()
            address = server.address
            server.restart()
            assert server.address == address
            server.stop()
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(address)
        finally:
            child.end()
        client.close()
    assert child.report == "done"


def test_a_child_of_a_child() -> None:
    """Each process has its own loop, and the grandchild inherits the server of the child."""

    def middle() -> None:
        with FtpServer() as own, RawClient(own.address) as client:
            client.login()
            assert in_a_child(lambda: refuses(own)) == "done"
            assert client.code("NOOP") == "200"

    with FtpServer():
        assert in_a_child(middle) == "done"


class Forking(Server):
    """A server with a command that forks in the thread of the servers."""

    async def fork(self, connection: Connection, rest: str) -> bool:
        """FORK: start a server in a child, and reply with the report."""
        connection.response("200", in_a_child(_has_a_server))
        return True


def _has_a_server() -> None:
    with FtpServer(files=forking.FILES) as server:
        assert forking.fetch(server.address) == b"a"


def test_a_fork_in_the_thread_of_the_servers() -> None:
    """A handler may fork."""
    with FtpServer(server_class=Forking) as server, RawClient(server.address) as client:
        client.login()
        assert client.ask("FORK").text == "done"
        assert client.code("NOOP") == "200"


def test_a_fork_while_other_threads_hold_locks() -> None:
    """In the child all locks are free, those of the log and of the loop included."""
    plain, again = lock(), rlock()
    taken, go = threading.Event(), threading.Event()

    def hold() -> None:
        with plain, again, shared_thread()._lock:
            taken.set()
            go.wait()

    def work() -> None:
        assert plain.acquire(timeout=5)
        assert again.acquire(timeout=5)
        _has_a_server()

    holder = threading.Thread(target=hold)
    holder.start()
    taken.wait()
    report = in_a_child(work)
    go.set()
    holder.join()
    assert report == "done"


def test_an_inherited_lease_is_not_released() -> None:
    """Leaving the block in the child does not end the loop of a server of the child."""

    def work() -> None:
        server = FtpServer(files={"/a.txt": b"a"})
        server.start()
        leased.__exit__(None, None, None)
        assert forking.fetch(server.address) == b"a"
        server.stop()

    leased = shared_thread().leased()
    with leased:
        assert in_a_child(work) == "done"


def test_an_abandoned_loop() -> None:
    """In the child the loop is closed and runs nothing; the next lease makes a new loop."""
    thread = LoopThread()
    thread.acquire()
    loop, runner = thread._loop, thread._thread
    assert loop is not None
    assert runner is not None

    def work() -> None:
        assert (loop.is_closed(), loop.is_running()) == (True, False)
        with pytest.raises(ServerStateError, match="loop is stopped"):
            thread.await_(_nothing())
        thread.acquire()
        assert thread.call(lambda: 7) == 7
        thread.release()

    assert in_a_child(work) == "done"
    assert thread.call(lambda: loop.is_running())
    thread.release()


def test_a_custom_driver_in_a_child() -> None:
    """A child can use a driver of its parent, which starts a new thread, and not its server."""
    driver = LoopThread()

    def work() -> None:
        refuses(server)
        with FtpServer(files=forking.FILES, driver=driver) as own:
            assert forking.fetch(own.address) == b"a"

    with FtpServer(files=forking.FILES, driver=driver) as server:
        assert in_a_child(work) == "done"
        assert forking.fetch(server.address) == b"a"


def test_a_fork_while_another_thread_waits() -> None:
    """In the child no thread waits, and its servers notify no missing thread."""
    checked = threading.Event()

    def seen() -> bool:
        checked.set()
        return bool(server.log.find("RETR -> 226"))

    def work() -> None:
        assert server.driver._waiting == set()  # type: ignore[attr-defined]
        with FtpServer(files=forking.FILES) as own:
            assert forking.fetch(own.address) == b"a"
            own.log.wait_for("RETR -> 226")
            own.wait_idle()

    with FtpServer(files=forking.FILES) as server:
        results: list[bool] = []
        waiter = threading.Thread(target=lambda: results.append(server.log.wait_until(seen, 30)))
        waiter.start()
        checked.wait(10)
        assert in_a_child(work) == "done"
        assert forking.fetch(server.address) == b"a"
        waiter.join(10)
    assert results == [True]


async def _nothing() -> None:
    pass


def test_a_server_cannot_be_sent_to_another_process() -> None:
    """Pickling a server raises TypeError, with what can be sent."""
    with pytest.raises(TypeError, match=r"pass server\.url or server\.address"):
        pickle.dumps(FtpServer())


def test_the_origin_of_this_process() -> None:
    """An object of this process is not refused."""
    Origin().check()


@pytest.mark.parametrize("method", forking.METHODS)
def test_a_program_that_starts_processes(method: str) -> None:
    """With os.fork, multiprocessing, executors and subprocess, sessions continue and every process ends."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", "-m", "tests.support.forking", method],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("well\n", "", 0)
