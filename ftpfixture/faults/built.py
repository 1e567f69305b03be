"""The faults that a test builds, to find one that no server was given.

One rule: nothing is kept unless something watches.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from ftpfixture.faults.builder import FaultBuilder

F = TypeVar("F", bound="FaultBuilder")

__all__ = ["Built", "made", "unwatched", "used", "watched"]


class Built:
    """Faults that were built while this watched, and not used so far."""

    def __init__(self) -> None:
        self._faults: dict[int, FaultBuilder] = {}
        self._used: list[object] = []

    def add(self, fault: FaultBuilder) -> None:
        """A fault was built."""
        self._faults[id(fault)] = fault  # which keeps it, and so its number is of no other

    def discard(self, fault: object) -> None:
        """A fault was part of another one, or used."""
        self._faults.pop(id(fault), None)

    def use(self, fault: object) -> None:
        """A fault was used; so are those that are equal, such as one that a test compares with it."""
        self.discard(fault)
        self._used.append(fault)

    def unused(self) -> list[FaultBuilder]:
        """Those that say what goes wrong, in the order in which they were built; not the optional ones."""
        built = (fault for fault in self._faults.values() if fault.actions and not fault.trigger.optional)
        return [fault for fault in built if fault not in self._used]


_watching: list[Built | None] = [None]


@contextmanager
def watched() -> Iterator[Built]:
    """Keep the faults that are built inside the context, in any thread; only the innermost context does."""
    built = Built()
    _watching.append(built)
    try:
        yield built
    finally:
        _watching.remove(built)


@contextmanager
def unwatched() -> Iterator[None]:
    """Keep no faults that are built inside the context: their text is used."""
    _watching.append(None)
    try:
        yield
    finally:
        _watching.pop()


def made(fault: F, *of: F) -> F:
    """Note that a fault was built, out of others; returns it."""
    built = _watching[-1]
    if built is not None:
        for other in of:
            built.discard(other)
        built.add(fault)
    return fault


def used(fault: object) -> None:
    """Note that a fault was given to a server, compared with the faults of one, or written as text."""
    for built in _watching:
        if built is not None:
            built.use(fault)
