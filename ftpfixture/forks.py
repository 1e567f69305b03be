"""Objects that a forked child inherits and cannot use: locks of missing threads, servers and sockets of the parent.

One rule: the child drops them without sending a byte, because the sessions of the parent continue.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Protocol, TypeVar, cast
from weakref import WeakSet

from ftpfixture.errors import ServerStateError

__all__ = ["Origin", "in_child", "lock", "rlock"]

C = TypeVar("C", bound=Callable[[], None])


class _Renewable(Protocol):
    def _at_fork_reinit(self) -> None: ...


_LOCKS: WeakSet[_Renewable] = WeakSet()
_HANDLERS: list[Callable[[], None]] = []


def lock() -> threading.Lock:
    """Return a lock that is free in a forked child, whichever thread of the parent held it."""
    made = _new_lock()
    _LOCKS.add(cast(_Renewable, made))
    return made


def rlock() -> threading.RLock:
    """Return a reentrant lock that is free in a forked child."""
    made = _new_rlock()
    _LOCKS.add(cast(_Renewable, made))
    return made


_new_lock, _new_rlock = threading.Lock, threading.RLock


def in_child(handler: C) -> C:
    """Call a function in every forked child, after the functions registered before it; usable as a decorator."""
    _HANDLERS.append(handler)
    return handler


class Origin:
    """The process of a server and all its parts: this process, or the parent that it was forked from.

    Attributes:
        parent: ID of the process in which the server runs, if this process inherited it; None for this process.
    """

    __slots__ = ("parent",)

    def __init__(self) -> None:
        self.parent: int | None = None

    def check(self) -> None:
        """Refuse a server that was inherited.

        Raises:
            ServerStateError: It runs in the parent.
        """
        if self.parent is not None:
            raise ServerStateError(
                f"this server runs in process {self.parent}, of which this one is a fork, and is closed here: connect "
                "to its address, read its files and log there, or start a new FtpServer() here"
            )


def _after_fork() -> None:
    for held in tuple(_LOCKS):
        held._at_fork_reinit()
    for handler in _HANDLERS:
        handler()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_after_fork)
