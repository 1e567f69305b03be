"""The check of transports passes those of the package, and finds each broken rule."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ftpfixture.net.memory import MemoryTransport, memory_pair
from ftpfixture.testing.transport_check import check_transport
from tests.support.transport_pairs import TransportPair, memory, narrow_memory, sockets


@pytest.mark.parametrize("connect", [sockets, memory, narrow_memory], ids=["sockets", "memory", "narrow memory"])
async def test_transports(connect: Callable[[], Awaitable[TransportPair]]) -> None:
    """Sockets do what the check expects, and so does memory, whatever its window."""
    await check_transport(connect)


def _recv_nothing(self: MemoryTransport, size: int) -> bytes:
    """Return the end, where nothing has come yet."""
    try:
        return MemoryTransport.recv(self, size)
    except BlockingIOError:
        return b""


def _peek_takes(self: MemoryTransport, size: int) -> bytes:
    data = MemoryTransport.peek(self, size)
    del self._arrived[: len(data)]
    return data


def _send_backwards(self: MemoryTransport, data: Any) -> int:
    return MemoryTransport.send(self, bytes(data)[::-1])


def _close_without_reset(self: MemoryTransport) -> None:
    if not self._closed:
        self._arrived.clear()
        MemoryTransport.close(self)


def _move_and_join(self: MemoryTransport, far: MemoryTransport) -> None:
    self.local = ("127.0.0.1", 3)
    MemoryTransport.join(self, far)


def _forgetful_reset(self: MemoryTransport) -> None:
    self._far._arrived.clear()
    MemoryTransport.reset(self)


def _call_once(self: MemoryTransport, callback: Callable[..., object] | None, *args: object) -> None:
    def once() -> None:
        MemoryTransport.on_readable(self, None)
        assert callback is not None
        callback(*args)

    MemoryTransport.on_readable(self, callback and once)


def _never_writable(self: MemoryTransport, callback: Callable[..., object] | None, *args: object) -> None:
    """No callback is called."""


BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"recv": _recv_nothing}, "nothing to receive is BlockingIOError; but it gave b''"),
    ({"peek": _peek_takes}, "peek gives what recv will give; but"),
    ({"send": _send_backwards}, "peek gives what recv will give; but it gave b'210'"),
    ({"send": lambda self, data: MemoryTransport.send(self, data) and 0}, "few bytes can be sent"),
    ({"on_readable": _call_once}, "in each iteration until the bytes are received; but it came 1 times"),
    ({"on_writable": _never_writable}, "a call on a transport closed on this side is an OSError"),
    ({"shutdown_write": MemoryTransport.close}, "the common operations of a channel succeed; but OSError was raised"),
    ({"close": MemoryTransport.shutdown_write}, "a call on a transport closed on this side is an OSError"),
    ({"close": _close_without_reset}, "a close with bytes unread is ConnectionResetError once"),
    ({"reset": _close_without_reset}, "a close with bytes unread is ConnectionResetError once; but it gave b''"),
    ({"reset": _forgetful_reset}, "bytes from before a close with bytes unread can be received; but it gave b''"),
    ({"urgent_inline": lambda self: None}, "after urgent_inline urgent bytes are between the others"),
    ({"urgent_pending": lambda self: True}, "without urgent data none is pending"),
    ({"send_urgent": MemoryTransport.send}, "without urgent_inline the urgent byte is not received"),
    ({"join": _move_and_join}, "each end has the address of the other as its peer"),
]


@pytest.mark.parametrize(("members", "wanted"), BROKEN)
async def test_broken_transports(members: dict[str, Any], wanted: str) -> None:
    """Each broken rule is found, and the message has the remedy."""
    kind = type("Broken", (MemoryTransport,), members)

    async def connect() -> TransportPair:
        loop = asyncio.get_running_loop()
        here, there = ("127.0.0.1", 1), ("127.0.0.1", 2)
        near, far = kind(loop, here, there, 1 << 20), kind(loop, there, here, 1 << 20)
        near.join(far)
        return near, far

    with pytest.raises(AssertionError, match=wanted) as caught:
        await check_transport(connect)
    assert "To do: " in str(caught.value)


async def test_a_transport_that_takes_everything() -> None:
    """A window that never fills is an error, and the check does not wait for it."""

    async def connect() -> TransportPair:
        return memory_pair(asyncio.get_running_loop(), window=1 << 40)

    with pytest.raises(AssertionError, match="send raises BlockingIOError without a receiver; but 67"):
        await check_transport(connect)
