"""Clocks and file calls that stay real while a test patches `time` and `os`: for the thread of the servers and set-up.

freezegun, pyfakefs and `unittest.mock` replace names of the standard library for the whole process. One rule: names
that a server needs to run come from here or were bound at import; names that a test may want to patch do not.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from importlib.machinery import BuiltinImporter
from importlib.util import module_from_spec
from types import BuiltinFunctionType, FunctionType, ModuleType

__all__ = ["RealFiles", "is_travelling", "monotonic", "wall_time"]


def _own_copy(name: str) -> ModuleType:
    """Return a second instance of a module that is compiled into Python; patches of the first do not reach it."""
    spec = BuiltinImporter.find_spec(name)
    if spec is None or spec.loader is None:
        raise ImportError(f"this Python has no built-in module {name!r}")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_TIME = _own_copy("time")

monotonic: Callable[[], float] = _TIME.monotonic
"""The real `time.monotonic`. freezegun replaces the function of `time`, and this is another one."""

# freezegun replaces this function and restores it; a mock that was there at import would stay.
_wall = time.time if isinstance(time.time, BuiltinFunctionType | FunctionType) else _TIME.time


def wall_time() -> float:
    """Return the time of day in POSIX seconds as the test sees it, with freezegun and time-machine.

    A mock of `time.time` is ignored: it may return one value a call, meant for the code under test.
    """
    try:
        return float(_wall())
    except IndexError:
        return float(_TIME.time())  # another thread just ended the last freeze


def is_travelling() -> bool:
    """Return whether freezegun or time-machine has set the time of day."""
    freezegun, machine = sys.modules.get("freezegun.api"), sys.modules.get("time_machine")
    frozen = bool(getattr(freezegun, "freeze_factories", ()))
    return frozen or (machine is not None and bool(machine.escape_hatch.is_travelling()))


_SYSTEM = _own_copy(os.name)


class RealFiles:
    """Files on the disk, also while pyfakefs is active: it replaces functions of modules, not of classes.

    OpenSSL, which reads keys and authorities by file name, and other programs need the disk.
    """

    _open = staticmethod(_SYSTEM.open)
    _write = staticmethod(_SYSTEM.write)
    _close = staticmethod(_SYSTEM.close)
    _stat = staticmethod(_SYSTEM.stat)
    _unlink = staticmethod(_SYSTEM.unlink)

    @classmethod
    def create(cls, path: str, data: bytes) -> None:
        """Make a file that only this user may read.

        Raises:
            FileExistsError: A file of that name exists.
        """
        descriptor = cls._open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            while data:
                data = data[cls._write(descriptor, data) :]
        finally:
            cls._close(descriptor)

    @classmethod
    def exists(cls, path: str) -> bool:
        """Return whether there is a file of that name."""
        try:
            cls._stat(path)
        except FileNotFoundError:
            return False
        return True

    @classmethod
    def remove(cls, path: str) -> None:
        """Remove a file."""
        cls._unlink(path)
