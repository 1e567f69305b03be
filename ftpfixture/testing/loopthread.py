"""The driver of servers that blocking code uses: an asyncio loop in its own thread, in real time.

One rule: a server gets its driver as an argument; only `FtpServer` and the plugin ask for the shared thread.
"""

from __future__ import annotations

import asyncio
from asyncio import gather, to_thread
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Thread, current_thread
from typing import Any, TypeVar

from ftpfixture.driver import Driver, RealTime
from ftpfixture.errors import ServerStateError
from ftpfixture.forks import rlock
from ftpfixture.testing.serverloop import ServerLoop

__all__ = ["LoopThread", "shared_thread"]

T = TypeVar("T")


class LoopThread(RealTime, Driver):
    """A thread that runs a selector loop while there is a lease on it.

    The first lease starts the thread, and the release of the last one ends it. A forked child does not have the thread,
    and begins without leases.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = rlock()
        self._leases = 0
        self._thread: Thread | None = None
        self._loop: ServerLoop | None = None

    def acquire(self) -> None:
        """Take a lease: the loop runs when this returns."""
        with self._lock:
            if self._leases == 0:
                started: Future[ServerLoop] = Future()
                self._thread = Thread(target=self._run, args=(started,), name="ftpfixture", daemon=True)
                self._thread.start()
                self._loop = started.result()
            self._leases += 1

    def release(self) -> None:
        """Release a lease; after the last one, the thread has ended when this returns."""
        with self._lock:
            self._leases -= 1
            if self._leases == 0 and self._loop is not None and self._thread is not None:
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._thread.join()
                self._thread = self._loop = None

    @contextmanager
    def leased(self) -> Iterator[None]:
        """Hold a lease during a block; a child that is forked within it has none to release."""
        self.acquire()
        loop = self._loop
        try:
            yield
        finally:
            if self._loop is loop:
                self.release()

    def abandon(self) -> None:
        """Begin without a thread in a forked child; the thread of the parent continues in the parent."""
        super().abandon()
        loop, self._loop, self._thread, self._leases = self._loop, None, None, 0
        if loop is not None:
            loop.abandon()

    def await_(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop and wait for its result.

        Raises:
            ServerStateError: The loop does not run, or the caller is its own thread, which would wait for itself.
        """
        if self._loop is None or current_thread() is self._thread:
            coroutine.close()
            raise ServerStateError("the blocking API cannot be used here: the loop is stopped, or this is its thread")
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def call(self, function: Callable[[], T]) -> T:
        """Call a function in the thread of the loop, and wait for its result."""
        if current_thread() is self._thread:
            return function()
        result: Future[T] = Future()

        def run() -> None:
            try:
                result.set_result(function())
            except BaseException as error:
                result.set_exception(error)

        with self._lock:  # after a release the loop would not call it any more
            if self._loop is None:
                run()
            else:
                self._loop.call_soon_threadsafe(run)
        return result.result()

    def wait_until(self, holds: Callable[[], bool], timeout: float) -> bool:
        """See TimeSource.

        Raises:
            ServerStateError: The caller is the thread of the loop, and the condition is false: it cannot change.
        """
        if current_thread() is not self._thread:
            return super().wait_until(holds, timeout)
        held = holds()
        if not held and timeout > 0:
            raise ServerStateError("a handler cannot wait for its own server, because both run in this thread")
        return held

    def settle(self) -> None:
        """See TimeSource; in the loop's own thread nothing can come to rest."""
        loop = self._loop
        if loop is not None and current_thread() is not self._thread:
            self.run_to_rest(loop, lambda: None)

    async def settle_async(self) -> None:
        """See TimeSource."""
        await to_thread(self.settle)

    def run_to_rest(self, loop: asyncio.AbstractEventLoop, action: Callable[[], object]) -> None:
        """See TimeSource; the loop does not end meanwhile."""
        with self._lock:
            own = loop is self._loop and current_thread() is not self._thread
            self._leases += own
        try:
            super().run_to_rest(loop, action)
        finally:
            if own:
                self.release()

    @staticmethod
    def _run(started: Future[ServerLoop]) -> None:
        try:
            loop = ServerLoop()
        except BaseException as error:
            started.set_exception(error)
            return
        loop.call_soon(started.set_result, loop)
        try:
            loop.run_forever()
            loop.run_until_complete(_cancel_all())
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(loop.shutdown_default_executor())
        finally:
            loop.close()


async def _cancel_all() -> None:
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await gather(*left, return_exceptions=True)


_SHARED = LoopThread()


def shared_thread() -> LoopThread:
    """Return the driver of every server of this process that gets no other."""
    return _SHARED
