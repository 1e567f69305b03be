"""Simulated event loops: asyncio's interface to virtual time and a network in memory, without descriptors or threads.

One rule: all loops of a test share one `VirtualTime`. The servers have a loop of their own, and so has each
`asyncio.run` of a client, which cancels the tasks of its own loop only.
"""

from __future__ import annotations

import asyncio
import socket
from asyncio import events
from collections.abc import AsyncGenerator, Callable
from contextvars import Context
from typing import Any, TypeVar, TypeVarTuple, Unpack
from weakref import WeakSet

from ftpfixture.net.network import Network
from ftpfixture.sim.streams import connect_stream, serve_streams, start_tls
from ftpfixture.sim.time import VirtualTime

__all__ = ["SimulatedLoop"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class SimulatedLoop(asyncio.BaseEventLoop):
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

    def __del__(self, _warn: Any = None) -> None:
        """Do nothing: it has no descriptors, and nothing to close."""

    # Running.

    def run_until_complete(self, future: Any) -> Any:
        """Run until a future is done; the time goes by at once.

        Raises:
            HangError: It will never be done: nothing is ready, and there is no timer.
        """
        task = asyncio.ensure_future(future, loop=self)
        while not task.done():
            self.virtual.advance()
        return task.result()

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
        """Call a function at once: a thread would make the order random."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future

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
