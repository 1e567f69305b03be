"""Clocks and file calls that stay real while a test patches `time` and `os`: for the servers' thread, and for set-up.

freezegun, pyfakefs and `unittest.mock` replace names of the standard library for the whole process. One rule: what a
server needs to run comes from here or was bound at import; what a test wants to see changed does not.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from importlib.machinery import BuiltinImporter
from importlib.util import module_from_spec
from types import BuiltinFunctionType, FunctionType, ModuleType

__all__ = ["RealFiles", "monotonic", "wall_time"]


def _own_copy(name: str) -> ModuleType:
    """A second instance of a module that is compiled into Python: whoever patches the usual one does not reach it."""
    spec = BuiltinImporter.find_spec(name)
    if spec is None or spec.loader is None:
        raise ImportError(f"this Python has no built-in module {name!r}")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_TIME = _own_copy("time")

monotonic: Callable[[], float] = _TIME.monotonic
"""`time.monotonic` as it really is. freezegun looks for the usual function, and this is another with the same work."""

# freezegun puts functions in the place of this one, and takes them away; a mock that is met at import would stay.
_wall = time.time if isinstance(time.time, BuiltinFunctionType | FunctionType) else _TIME.time


def wall_time() -> float:
    """The time of day in POSIX seconds, as the test sees it: what freezegun and time-machine set.

    A mock of `time.time` does not count: it may give values for the code under test, one a call, and they are its own.
    """
    try:
        return float(_wall())
    except IndexError:
        return float(_TIME.time())  # another thread has just ended the last freeze


_SYSTEM = _own_copy(os.name)


class RealFiles:
    """Files on the disk, also while pyfakefs is active, which replaces functions of modules, but none of a class.

    The disk is needed for OpenSSL, which reads keys and authorities by name, and for other programs.
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
            FileExistsError: There is one of that name.
        """
        descriptor = cls._open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            while data:
                data = data[cls._write(descriptor, data) :]
        finally:
            cls._close(descriptor)

    @classmethod
    def exists(cls, path: str) -> bool:
        """Whether there is a file of that name."""
        try:
            cls._stat(path)
        except FileNotFoundError:
            return False
        return True

    @classmethod
    def remove(cls, path: str) -> None:
        """Remove a file."""
        cls._unlink(path)
