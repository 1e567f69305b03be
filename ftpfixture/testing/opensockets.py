"""Sockets of blocking clients that a test has left open.

One rule: a socket counts when it is that of a control or data connection which a server of the test has accepted. Those
of asyncio do not: their loop closes them after the test, and warns of those that it had to.
"""

from __future__ import annotations

import gc
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from ftpfixture.log.events import Connected, DataOpened
from ftpfixture.net.sockets import PlainSocket
from ftpfixture.sim.driver import SimulatedTime
from ftpfixture.sim.ends import ENDS, ends_of, state_of
from ftpfixture.testing.ftpserver import FtpServer

__all__ = ["close_left_open", "new_objects_only"]


@contextmanager
def new_objects_only() -> Iterator[None]:
    """Let searches and collections pass over what there was before: a process of tests has 100 000 objects."""
    if gc.get_freeze_count():  # the program has frozen its own, and only all can be thawed together
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def close_left_open(servers: Iterable[FtpServer]) -> list[str]:
    """Close the sockets that clients have not closed, so that no later test is warned of them.

    Returns:
        A description of each, and of those that were freed without being closed; sessions that the servers still
        have are not among them.
    """
    found = []
    for server in servers:
        if isinstance(server.driver, SimulatedTime):
            found += [f"a socket that was not closed {text}" for text in server.driver.abandoned]
        sessions = {session.peer for session in server.sessions}
        opened = {event.peer: event for event in server.log.events if isinstance(event, Connected | DataOpened)}
        for sock, address in list(_open_sockets(server)):
            event = opened.get(address)
            if event is None:
                continue
            if address not in sessions:
                kind = "data" if isinstance(event, DataOpened) else "control"
                found.append(f"the {kind} connection of session {event.session}, from {address[0]}:{address[1]}")
            _close(sock)
    return found


def _close(sock: socket.socket) -> None:
    """Close a socket, also under the files that `makefile` has made of it."""
    if sock in ENDS:
        state_of(sock).close()
    else:
        socket.close(sock.detach())


def _open_sockets(server: FtpServer) -> Iterator[tuple[socket.socket, tuple[str, int]]]:
    """The open sockets of blocking clients, each with its own address."""
    if isinstance(server.driver, SimulatedTime):
        for sock in ends_of(server.driver):
            end = state_of(sock)
            if end.transport is not None and end.timeout != 0:
                yield sock, end.transport.local
        return
    for one in gc.get_objects():
        if issubclass(type(one), PlainSocket):
            with suppress(OSError):  # it is closed
                if one.family in (socket.AF_INET, socket.AF_INET6) and one.gettimeout() != 0:
                    yield one, one.getsockname()[:2]
