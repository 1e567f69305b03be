"""Simulated event loops: asyncio's interface to virtual time and a network in memory, without descriptors or threads.

One rule: all loops of a test share one `VirtualTime`. The servers have a loop of their own, and so has each
`asyncio.run` of a client, which cancels the tasks of its own loop only.
"""

from __future__ import annotations

import asyncio
import math
import signal
import socket
from asyncio import events
from collections.abc import AsyncGenerator, Callable
from contextvars import Context
from functools import partial
from typing import Any, TypeVar, TypeVarTuple, Unpack
from weakref import WeakSet

from ftpfixture.errors import HangError
from ftpfixture.net.network import Network
from ftpfixture.sim.executor import Executor
from ftpfixture.sim.refused import RefusedMethods
from ftpfixture.sim.streams import connect_stream, serve_streams, start_tls
from ftpfixture.sim.time import VirtualTime
from ftpfixture.sim.waits import end_of, innermost

__all__ = ["SimulatedLoop"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_HANGS = 100
"""Proofs that a coroutine is given, one at each wait, before its run ends."""


class SimulatedLoop(RefusedMethods):
    """An event loop.

    Args:
        virtual: Its time, and that of other loops.
        network: Connects clients on this loop.

    Attributes:
        virtual: As given.
        network: As given.
    """

    def __init__(self, virtual: VirtualTime, network: Network) -> None:
        self.virtual = virtual
        self.network = network
        self._is_stopping = False
        super().__init__()
        self._generators: WeakSet[AsyncGenerator[Any, Any]] = WeakSet()
        self._executor = Executor(self)
        self._signals: dict[int, Any] = {}  # what handled them before

    def __del__(self, _warn: Any = None) -> None:
        """Do nothing: it has no descriptors, and nothing to close."""

    # Running.

    def run_until_complete(self, future: Any) -> Any:
        """Run until a future is done; the time goes by at once.

        Where nothing is ready and there is no timer, the innermost wait of the future raises HangError.

        Raises:
            HangError: So it is, and there is no such wait, or it was given a hundred of them; or something is repeated
                for ever.
            SimulationError: So it is, and the wait may end by what cannot be simulated.
        """
        task = asyncio.ensure_future(future, loop=self)
        hangs, virtual = 0, self.virtual
        with virtual.waiting(task.done):
            while not task.done():
                virtual.endless.check()
                if virtual.step():
                    continue
                if (due := virtual.due) != math.inf:
                    virtual.jump(due)
                    continue
                hangs += 1
                self._hung(task, hangs > _HANGS)
        return task.result()

    def _hung(self, future: asyncio.Future[Any], is_over: bool) -> None:
        """Raise HangError where a future waits, or here."""
        found = innermost(future)
        end = None if found is None else end_of(found[0])
        self.virtual.hang(end)
        place = "" if end is None else " on the connection from {}:{}".format(*end)
        error = HangError(f"hung: a coroutine waits{place} without a timeout, and nothing is left to happen")
        if found is None or is_over or found[1].get_loop() is not self:
            raise error
        found[1].set_exception(error)

    def run_forever(self) -> None:
        """Run until `stop`."""
        self._is_stopping = False
        while not self._is_stopping:
            self.virtual.advance()

    def stop(self) -> None:
        """See AbstractEventLoop."""
        self._is_stopping = True

    def is_running(self) -> bool:
        """See AbstractEventLoop."""
        return self in self.virtual.running

    # Callbacks.

    def time(self) -> float:
        """Virtual seconds."""
        return self.virtual.now

    def call_soon(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """See AbstractEventLoop."""
        handle = self._handle(callback, args, context)
        self.virtual.soon(self, handle)
        return handle

    def call_soon_threadsafe(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """See AbstractEventLoop.

        Raises:
            SimulationError: This is another thread.
        """
        self.virtual.check_thread()
        return self.call_soon(callback, *args, context=context)

    def call_when_polled(self, callback: Callable[[], object], *, context: Context | None = None) -> asyncio.Handle:
        """Call a callback of a connection that is ready."""
        handle = self._handle(callback, (), context)
        self.virtual.when_polled(self, handle)
        return handle

    def call_late(self, callback: Callable[[], None]) -> None:
        """Call when an answer of the other side arrives: at once, or, with a seed, in one of the next turns."""
        if self.virtual.choices is None:
            callback()
        else:
            self.call_when_polled(callback)

    def _handle(
        self, callback: Callable[..., object], args: tuple[Any, ...], context: Context | None
    ) -> asyncio.Handle:
        if self.is_closed():
            raise RuntimeError("Event loop is closed")
        return events.Handle(callback, args, self, context)

    def call_later(
        self, delay: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """See AbstractEventLoop."""
        return self.call_at(self.virtual.now + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """See AbstractEventLoop."""
        if self.is_closed():
            raise RuntimeError("Event loop is closed")
        timer = events.TimerHandle(when, callback, args, self, context)
        self.virtual.at(self, timer)
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Called by asyncio; a cancelled timer is dropped when it is the next."""

    # Futures, tasks and generators.

    def adopt(self, generator: AsyncGenerator[Any, Any], /) -> None:
        """See Owner."""
        self._generators.add(generator)

    def finish(self, generator: AsyncGenerator[Any, Any], /) -> None:
        """See Owner."""
        self._generators.discard(generator)
        if not self.is_closed():
            self.create_task(_aclose(generator))

    async def shutdown_asyncgens(self) -> None:
        """See AbstractEventLoop."""
        for generator in tuple(self._generators):
            await generator.aclose()

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """See AbstractEventLoop; there is none."""

    def run_in_executor(self, executor: Any, func: Callable[[Unpack[Ts]], T], *args: *Ts) -> asyncio.Future[T]:
        """Call a function in the thread of the test: another thread would make the order random."""
        future: asyncio.Future[T] = self.create_future()
        self._executor.submit(partial(func, *args), future)
        return future

    # Signals.

    def add_signal_handler(self, sig: int, callback: Callable[[Unpack[Ts]], object], *args: *Ts) -> None:
        """See AbstractEventLoop; only in the main thread."""
        try:
            before = signal.signal(sig, lambda number, frame: self.call_soon(callback, *args))
        except ValueError as error:
            raise RuntimeError(str(error)) from None
        self._signals.setdefault(sig, before)

    def remove_signal_handler(self, sig: int) -> bool:
        """See AbstractEventLoop; what was there before handles the signal again."""
        if sig not in self._signals:
            return False
        signal.signal(sig, self._signals.pop(sig))
        return True

    def close(self) -> None:
        """See AbstractEventLoop."""
        for number in tuple(self._signals):
            self.remove_signal_handler(number)
        super().close()

    # The network.

    async def getaddrinfo(self, host: Any, port: Any, **options: Any) -> Any:
        """See AbstractEventLoop."""
        return socket.getaddrinfo(host, port, **options)

    async def create_connection(self, protocol_factory: Any, host: Any = None, port: Any = None, **options: Any) -> Any:
        """See AbstractEventLoop."""
        return await connect_stream(self, self.network, protocol_factory, host, port, **options)

    async def create_server(self, protocol_factory: Any, host: Any = None, port: Any = None, **options: Any) -> Any:
        """See AbstractEventLoop."""
        return serve_streams(self, self.network, protocol_factory, host, port, **options)

    async def start_tls(self, transport: Any, protocol: Any, sslcontext: Any, **options: Any) -> Any:
        """See AbstractEventLoop."""
        return await start_tls(self, transport, protocol, sslcontext, **options)


async def _aclose(generator: AsyncGenerator[Any, Any]) -> None:
    await generator.aclose()
