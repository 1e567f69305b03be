"""Connections in memory beyond what every transport does: window, failing callbacks, and closed loops."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ftpfixture.net.memory import memory_pair


async def test_the_window() -> None:
    """One side may send `window` bytes ahead, and as many more as the other receives."""
    near, far = memory_pair(asyncio.get_running_loop(), window=10)
    assert near.send(bytes(8)) == 8
    assert near.send(bytes(8)) == 2
    with pytest.raises(BlockingIOError):
        near.send(b"x")
    assert far.recv(3) == bytes(3)
    assert near.send(bytes(8)) == 3
    assert far.send(bytes(100)) == 10
    assert repr(far) == "<MemoryTransport ('127.0.0.1', 2) to ('127.0.0.1', 1), 10 bytes unread>"
    far.close()
    assert repr(far).endswith("closed>")


async def test_a_callback_that_fails() -> None:
    """It is called again in the next turn, as with `loop.add_reader`, while there is something to receive."""
    loop, errors = asyncio.get_running_loop(), list[Any]()
    loop.set_exception_handler(lambda _, context: errors.append(context["exception"]))
    near, far = memory_pair(loop)

    def fail() -> None:
        raise ZeroDivisionError

    far.on_readable(fail)
    near.send(b"x")
    for _ in range(5):
        await asyncio.sleep(0)
    far.on_readable(None)
    assert len(errors) >= 3
    assert {type(error) for error in errors} == {ZeroDivisionError}


async def test_the_last_callback_counts() -> None:
    """There is one callback for each direction; a new one replaces the old one, also one that is scheduled."""
    near, far = memory_pair(asyncio.get_running_loop())
    called = list[str]()
    near.send(b"x")
    far.on_readable(called.append, "first")
    far.on_readable(called.append, "last")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    far.on_readable(None)
    assert set(called) == {"last"}


def test_after_the_loop() -> None:
    """Transports whose loop is closed can still be closed."""
    loop = asyncio.new_event_loop()
    near, far = memory_pair(loop)
    near.on_readable(print)
    loop.close()
    far.send(b"x")
    far.reset()
    near.close()
