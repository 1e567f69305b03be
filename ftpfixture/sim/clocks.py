"""The clocks and pauses of the test's thread in virtual time, wherever its code has them from.

One rule: other threads keep real time, and a function that code has kept is a real one when the simulation is over.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from types import FrameType, ModuleType
from typing import Any
from weakref import ReferenceType, ref

from ftpfixture.sim.driver import SimulatedTime

__all__ = ["Clocks"]

Function = Callable[..., Any]

_SPARED = ("_pytest", "pytest", "pluggy", "xdist", "execnet", "freezegun", "time_machine", "ftpfixture.", "coverage")
"""How the names of modules begin that keep the functions which they imported: they measure tests, or replace time."""

_REAL_WAITS = frozenset({"ftpfixture.driver", "ftpfixture.testing.loopthread"})
"""Modules that wait for the thread of real servers."""


class Clocks:
    """Virtual functions in the place of those of `time`, and waits with a timeout on conditions of `threading`.

    Args:
        driver: Has the time.
    """

    def __init__(self, driver: SimulatedTime) -> None:
        self._driver = driver
        self._functions: dict[str, tuple[Function, Function]] = {}  # the real ones and ours
        self._is_on = False
        self._wait: Function = threading.Condition.wait

    def apply(self) -> None:
        """Put them in the place of the real ones, in `time` and in each module that has imported one by name."""
        driver, self._is_on = self._driver, True
        for name, virtual in (
            ("sleep", lambda seconds: self._pause(seconds)),
            ("monotonic", driver.monotonic),
            ("perf_counter", driver.monotonic),
            ("time", driver.wall),
            ("monotonic_ns", lambda: round(driver.monotonic() * 1e9)),
            ("perf_counter_ns", lambda: round(driver.monotonic() * 1e9)),
            ("time_ns", lambda: round(driver.wall() * 1e9)),
        ):
            real = getattr(time, name)
            self._functions[name] = real, self._in_own_thread(real, virtual)
            setattr(time, name, self._functions[name][1])
        _replace({id(real): ours for real, ours in self._functions.values()})
        self._wait = threading.Condition.wait
        threading.Condition.wait = self._waiting(self._wait)  # type: ignore[method-assign]

    def undo(self) -> None:
        """Put back the real ones, also where a module was imported meanwhile."""
        if not self._is_on:
            return
        self._is_on = False
        threading.Condition.wait = self._wait  # type: ignore[method-assign]
        for name, (real, _) in self._functions.items():
            setattr(time, name, real)
        _replace({id(ours): real for real, ours in self._functions.values()})

    def _in_own_thread(self, real: Function, virtual: Function) -> Function:
        def function(*args: Any) -> Any:
            return virtual(*args) if self._is_on and self._driver.virtual.is_own_thread else real(*args)

        function.__name__ = real.__name__
        return function

    def _pause(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        self._driver.wait_until(lambda: False, seconds)

    def _waiting(self, real: Function) -> Function:
        """`Condition.wait`, on which `Event.wait`, `Queue.get` and `Future.result` stand."""

        def wait(condition: Any, timeout: float | None = None) -> bool:
            virtual = self._driver.virtual
            if timeout is None or not virtual.is_own_thread or virtual.running or _is_real(sys._getframe(1)):
                return bool(real(condition, timeout))
            if virtual.has_other_threads:  # one of them may end it, in real time
                found = bool(real(condition, timeout))
                if not found:
                    self._pause(max(timeout, 0))
                return found
            return self._wait_alone(condition, max(timeout, 0))

        return wait

    def _wait_alone(self, condition: Any, timeout: float) -> bool:
        """As `Condition.wait`, when only what happens in virtual time could end it."""
        if not condition._is_owned():
            raise RuntimeError("cannot wait on un-acquired lock")
        waiter = threading.Lock()
        waiter.acquire()
        condition._waiters.append(waiter)
        saved = condition._release_save()
        found = False
        try:
            found = self._driver.wait(lambda: not waiter.locked(), timeout, "a condition")
        finally:
            condition._acquire_restore(saved)
            if not found and waiter in condition._waiters:
                condition._waiters.remove(waiter)
        return found


_SEEN: dict[str, int] = {}  # the identities of modules that were searched, by name
_PLACES: list[tuple[ReferenceType[ModuleType], str]] = []  # where functions of `time` are global names


def _replace(by_id: dict[int, Function]) -> None:
    """Replace functions by others where a module has them as global names.

    A module is searched once: searching all of them costs as much as a test.
    """
    for name, module in tuple(sys.modules.items()):
        if _SEEN.get(name) != id(module):
            _search(name, module, by_id)
    for reference, key in _PLACES:
        names = getattr(reference(), "__dict__", {})
        if id(names.get(key)) in by_id:
            names[key] = by_id[id(names[key])]


def _search(name: str, module: object, by_id: dict[int, Function]) -> None:
    names = getattr(module, "__dict__", None)
    if name == "time" or name.startswith(_SPARED) or not isinstance(module, ModuleType) or type(names) is not dict:
        _SEEN[name] = id(module)
        return
    if not getattr(names.get("__spec__"), "_initializing", False):
        _SEEN[name] = id(module)
    known = {key for reference, key in _PLACES if reference() is module}
    _PLACES.extend((ref(module), key) for key, value in names.items() if id(value) in by_id and key not in known)


def _is_real(frame: FrameType | None) -> bool:
    """Whether a wait is for a real server: the driver, or a future, has called from the frame."""
    for _ in range(4):
        if frame is None:
            return False
        if frame.f_globals.get("__name__") in _REAL_WAITS:
            return True
        frame = frame.f_back
    return False
