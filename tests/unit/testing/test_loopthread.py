"""The thread of all servers: what ends it, and when."""

from __future__ import annotations

import asyncio
import threading

from ftpfixture import FtpServer
from ftpfixture.testing.loopthread import LoopThread, shared_thread


def test_a_loop_does_not_end_while_it_settles() -> None:
    """A clock that moves while the last server stops is served, and the thread ends after that."""
    thread = LoopThread()
    thread.acquire()
    loop = thread.call(asyncio.get_running_loop)
    amidst, go = threading.Event(), threading.Event()

    def action() -> None:
        amidst.set()
        assert go.wait(10)

    mover = threading.Thread(target=thread.run_to_rest, args=(loop, action))
    mover.start()
    assert amidst.wait(10)
    thread.release()
    assert loop.is_running()
    go.set()
    mover.join(10)
    assert not mover.is_alive()
    assert loop.is_closed()


def test_servers_share_a_thread_unless_they_are_given_another() -> None:
    """Servers share one thread, and those with their own driver use another."""
    own = LoopThread()
    with FtpServer() as first, FtpServer() as second, FtpServer(driver=own, files={"/a": b"a"}) as third:
        assert first.driver is second.driver is shared_thread()
        loops = {id(server.driver.call(asyncio.get_running_loop)) for server in (first, second, third)}
        assert len(loops) == 2
        assert third.files["/a"] == b"a"
