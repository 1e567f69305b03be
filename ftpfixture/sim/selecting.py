"""`select.select` for simulated sockets, and the refusal of what waits for descriptors.

One rule: what is waited for together has one time, that of the simulation or the real one.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from math import inf
from typing import Any

from ftpfixture.errors import SimulationError
from ftpfixture.sim.ends import ENDS, FIRST_NUMBER
from ftpfixture.sim.listeners import Listeners, Select
from ftpfixture.sim.sockets import is_simulated

__all__ = ["Refusing", "select"]

_USE = "use real connections for this test, with simulate=False"


def select(
    listeners: Listeners,
    real: Select,
    reading: Iterable[Any],
    writing: Iterable[Any],
    failing: Iterable[Any],
    timeout: float | None = None,
) -> tuple[list[Any], list[Any], list[Any]]:
    """As `select.select`, also for simulated sockets, their numbers, and files that are made of them.

    Raises:
        SimulationError: Only some of the sockets are simulated.
        ValueError: A socket is closed.
    """
    lists = [list(reading), list(writing), list(failing)]
    known = {id(one): sock for many in lists for one in many if (sock := _socket_of(one, listeners)) is not None}
    simulated = [sock for sock in known.values() if is_simulated(sock)]
    if not simulated:
        return real(*lists, timeout)
    if any(id(one) not in known for many in lists for one in many):
        raise SimulationError(
            f"select waits for connections to a simulated server and for others: they have different times; {_USE}"
        )

    def is_readable(sock: socket.socket) -> bool:
        return listeners.has_come(sock) if sock in listeners else ENDS[sock].is_readable()

    def ready() -> tuple[list[Any], list[Any], list[Any]]:
        return (
            [one for one in lists[0] if is_readable(known[id(one)])],
            [one for one in lists[1] if known[id(one)] not in listeners and ENDS[known[id(one)]].is_writable()],
            [],
        )

    limit = inf if timeout is None else timeout
    ENDS[simulated[0]].driver.wait(lambda: any(ready()), limit, "select")
    return ready()


def _socket_of(one: Any, listeners: Listeners) -> socket.socket | None:
    """The simulated socket that a value stands for, or a listener; None for any other."""
    if is_simulated(one):
        if one.fileno() < 0:
            raise ValueError("file descriptor cannot be a negative integer (-1)")
        return one  # type: ignore[no-any-return]
    if one in listeners:
        return one  # type: ignore[no-any-return]
    number = one if isinstance(one, int) else _number_of(one)
    if number < FIRST_NUMBER:
        return None
    return next((sock for sock, end in ENDS.items() if end.number == number), None)


def _number_of(one: Any) -> int:
    """The number of an object with `fileno`; -1 without one."""
    fileno = getattr(one, "fileno", None)
    return int(fileno()) if callable(fileno) else -1


class Refusing:
    """A poll object that refuses simulated sockets, and else is a real one.

    Args:
        make: Makes a real one.
        args: Its arguments.
        options: Its named arguments.
    """

    def __init__(self, make: Callable[..., Any], *args: Any, **options: Any) -> None:
        self._real = make(*args, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def __enter__(self) -> Refusing:
        self._real.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._real.__exit__(*error)

    def register(self, one: Any, *args: Any, **options: Any) -> Any:
        """As that of the real object.

        Raises:
            SimulationError: It is a simulated socket.
        """
        if is_simulated(one) or (one if isinstance(one, int) else _number_of(one)) >= FIRST_NUMBER:
            raise SimulationError(
                f"poll waits for the connection to a simulated server: use select.select, which works, or {_USE}"
            )
        return self._real.register(one, *args, **options)
