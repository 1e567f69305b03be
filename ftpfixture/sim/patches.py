"""What is patched while simulated servers run, so that unmodified clients reach them.

One rule: everything that is not about a simulated server goes on as before; what cannot be simulated says so at once.
"""

from __future__ import annotations

import asyncio
import os
import re
import select
import selectors
import ssl
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from socket import AF_INET6
from typing import Any

from ftpfixture.errors import HangError, SimulationError
from ftpfixture.net.hosts import is_loopback, is_numeric, is_wildcard
from ftpfixture.net.sockets import PlainSocket, Socket
from ftpfixture.net.transport import Address, peer_name
from ftpfixture.sim import selecting, sockets, tls
from ftpfixture.sim.clocks import Clocks
from ftpfixture.sim.driver import SimulatedTime
from ftpfixture.sim.endless import EndlessLoop
from ftpfixture.sim.ends import FIRST_NUMBER, ends_of
from ftpfixture.sim.listeners import Listeners

__all__ = ["Patches"]

_MISSING = object()


class Patches:
    """The patches for the servers of a driver.

    Args:
        driver: Of the servers.
        with_time: Whether the clocks and pauses of the test's thread are virtual, too.
    """

    def __init__(self, driver: SimulatedTime, with_time: bool = False) -> None:
        self._driver = driver
        self._undo: list[tuple[Any, str, Any]] = []
        self._clocks = Clocks(driver) if with_time else None
        self._listeners = Listeners(driver, select.select)

    def apply(self) -> None:
        """Patch."""
        self._patch(PlainSocket, "connect", self._connect)
        guard = sys.modules.get("pytest_socket")
        if hasattr(guard, "_true_connect"):
            # pytest-socket allows hosts by its own `connect`, and at the end of a test puts this one back.
            self._put(guard, "_true_connect", PlainSocket.connect)
        self._patch(PlainSocket, "connect_ex", self._connect_ex)
        self._patch(PlainSocket, "listen", self._listen)
        self._patch(PlainSocket, "accept", self._accept)
        self._driver.network.on_unknown = self._listeners.adopt
        self._patch(ssl.SSLContext, "wrap_socket", self._wrap)
        self._patch(subprocess.Popen, "__init__", self._start)
        self._patch(select, "select", lambda real: partial(selecting.select, self._listeners, real))
        for name in ("poll", "epoll", "kqueue", "devpoll"):
            if hasattr(select, name):
                self._patch(select, name, lambda real: partial(selecting.Refusing, real))
        for kind in {selectors.DefaultSelector, selectors.SelectSelector}:
            self._patch(kind, "register", self._register)
        for module in (asyncio, asyncio.events):  # where `asyncio.run` and pytest-asyncio look for it
            self._put(module, "new_event_loop", self._driver.client_loop)
        if self._clocks is not None:
            self._clocks.apply()

    def undo(self) -> None:
        """Bring back what was there before, the last first."""
        if self._clocks is not None:
            self._clocks.undo()
        while self._undo:
            owner, name, value = self._undo.pop()
            if value is _MISSING:
                delattr(owner, name)
            else:
                setattr(owner, name, value)

    def _patch(self, owner: Any, name: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        self._put(owner, name, make(getattr(owner, name)))

    def _put(self, owner: Any, name: str, value: object) -> None:
        self._undo.append((owner, name, vars(owner).get(name, _MISSING)))
        setattr(owner, name, value)

    # Sockets.

    def _target(self, address: Any, family: int) -> Address | None:
        """The address of a simulated server; None for any other, and for one that a socket of this family refuses."""
        if not isinstance(address, tuple) or len(address) < 2 or not isinstance(address[0], str | bytes | bytearray):
            return None
        host, port = address[:2]
        if not isinstance(host, str):
            host = bytes(host).decode("ascii", "replace")
        if not isinstance(port, int) or port not in self._driver.network.ports:
            return None
        is_6 = family == AF_INET6
        name = ("::1" if is_6 else "127.0.0.1") if host == "localhost" else host
        if not is_numeric(name) or (":" in name) != is_6:
            return None
        if len(address) == 4 and address[3]:
            name = peer_name(address)[0]  # with its zone
        is_ours = is_loopback(name) or is_wildcard(name) or self._driver.network.knows((name, port))
        return (name, port) if is_ours else None

    def _connect(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def connect(sock: Any, address: Any) -> None:
            target = self._target(address, sock.family)
            if target is None or sockets.is_simulated(sock):
                real(sock, address)
                return
            try:
                sockets.connect(sock, self._driver, target)
            except (HangError, EndlessLoop):
                sock.close()  # socket.create_connection does so for an OSError only
                raise

        return connect

    def _connect_ex(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def connect_ex(sock: Any, address: Any) -> int:
            target = self._target(address, sock.family)
            if target is None or sockets.is_simulated(sock):
                return int(real(sock, address))
            try:
                sockets.connect(sock, self._driver, target)
            except OSError as error:
                return error.errno or -1
            return 0

        return connect_ex

    def _listen(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def listen(sock: Any, backlog: int = 128) -> None:
            if sockets.is_simulated(sock):
                sockets.check_listen(sock)
                return
            real(sock, backlog)
            # A client in active mode listens while it is connected to a simulated server. Sockets of real servers, and
            # of other threads, are none of it.
            if not isinstance(sock, Socket) and self._driver.virtual.is_own_thread and ends_of(self._driver):
                self._listeners.add(sock, backlog)

        return listen

    def _accept(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def accept(sock: Any) -> tuple[Any, Any]:
            if sock in self._listeners and self._driver.virtual.is_own_thread:
                self._listeners.wait(sock)
            result: tuple[Any, Any] = sock.accept() if sockets.is_simulated(sock) else real(sock)
            return result

        return accept

    @staticmethod
    def _wrap(real: Callable[..., Any]) -> Callable[..., Any]:
        def wrap_socket(context: ssl.SSLContext, sock: Any, *args: Any, **options: Any) -> Any:
            if sockets.is_simulated(sock):
                return tls.wrap(context, sock, *args, **options)
            return real(context, sock, *args, **options)

        return wrap_socket

    # What cannot be simulated.

    def _start(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def start(process: Any, args: Any, *others: Any, **options: Any) -> None:
            words = [args] if isinstance(args, str | bytes) or not hasattr(args, "__iter__") else list(args)
            line = " ".join(word.decode(errors="replace") if isinstance(word, bytes) else str(word) for word in words)
            told = f"{line} {' '.join(map(str, (options.get('env') or os.environ).values()))}"
            port = next((port for port in self._driver.network.ports if re.search(rf"(?<!\d){port}(?!\d)", told)), None)
            if port is not None:
                raise SimulationError(
                    f"{line.split()[0]!r} is another process, which cannot reach the simulated server on port {port}: "
                    "use real connections for this test, with simulate=False"
                )
            real(process, args, *others, **options)

        return start

    @staticmethod
    def _register(real: Callable[..., Any]) -> Callable[..., Any]:
        def register(selector: Any, fileobj: Any, *args: Any, **options: Any) -> Any:
            if sockets.is_simulated(fileobj) or (isinstance(fileobj, int) and fileobj >= FIRST_NUMBER):
                raise SimulationError(
                    "a selector, or an event loop that has one, waits for the connection to a simulated server: use "
                    "real connections for this test, with simulate=False"
                )
            return real(selector, fileobj, *args, **options)

        return register
