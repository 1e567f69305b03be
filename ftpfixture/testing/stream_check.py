"""A check that any two-way stream of bytes does what the server and the client rely on.

One rule: every failure names the rule that was broken, what was seen, and what to do about it.
"""

from __future__ import annotations

import asyncio
import random
from asyncio import gather, timeout
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from ftpfixture.aio import next_turn
from ftpfixture.testing.rules import hold, same

__all__ = ["TwoWayStream", "check_two_way_stream"]

_LIMIT = 10  # seconds for one step, which takes no time in a stream that works
_TURNS = 100  # of the loop, after which nothing more happens by itself
_TOO_MUCH = 1 << 26  # bytes that the peer does not receive
_BLOCK = random.Random(1).randbytes(1 << 16)  # which cannot be compressed


class TwoWayStream(Protocol):
    """What is checked: the part of a `Duplex` that all kinds of streams have."""

    async def receive(self, size: int) -> bytes:
        """The next bytes, 1 to `size` of them; b"" at the end."""

    async def send(self, data: bytes | memoryview) -> int:
        """Send some of `data`, after a wait for room; return the number of bytes sent."""

    async def send_eof(self) -> None:
        """Signal the end of the data to the other side; where only a close can do that, do nothing."""

    async def close_when_peer_closes(self) -> None:
        """Close when the other side has received everything."""

    def close(self) -> None:
        """Close both directions."""

    def reset(self) -> None:
        """Close so that the other side sees an error."""


Pair = tuple[TwoWayStream, TwoWayStream]
Connect = Callable[[], Awaitable[Pair]]
Check = Callable[[TwoWayStream, TwoWayStream], Awaitable[None]]


async def check_two_way_stream(connect: Connect, *, both_at_once: bool = True) -> None:
    """Check that two connected streams do what the server and the client rely on.

    Each rule has its own pair, and is checked from both ends.

    Args:
        connect: Makes two streams that are connected with each other.
        both_at_once: Whether bytes may go both ways at once; on a compressed data connection they may not.

    Raises:
        AssertionError: A rule is broken. The text says which, what was seen, and what to do.
    """
    for check in (*_CHECKS, *([_check_both_at_once] if both_at_once else [])):
        for turned in (False, True):
            near, far = await connect()
            try:
                await check(*((far, near) if turned else (near, far)))
            finally:
                near.close()
                far.close()


# Small steps.


async def _in_time(rule: str, call: Awaitable[Any], advice: str) -> Any:
    """Await what must end soon, and must not fail."""
    __tracebackhide__ = True
    try:
        async with timeout(_LIMIT):
            return await call
    except TimeoutError as error:
        raise AssertionError(f"{rule}; but that took longer than {_LIMIT} s. To do: {advice}") from error
    except OSError as error:
        raise AssertionError(f"{rule}; but it raised {type(error).__name__}: {error}. To do: {advice}") from error


async def _broken(rule: str, call: Awaitable[Any], advice: str) -> None:
    """Await what must raise an OSError, and soon."""
    __tracebackhide__ = True
    try:
        async with timeout(_LIMIT):
            result = await call
    except TimeoutError as error:
        raise AssertionError(f"{rule}; but it waited for {_LIMIT} s. To do: {advice}") from error
    except OSError:
        return
    raise AssertionError(f"{rule}; but it gave {result!r:.100}. To do: {advice}")


async def _send_all(stream: TwoWayStream, data: bytes) -> None:
    view = memoryview(data)
    while view:
        sent = await stream.send(view)
        hold(
            "send returns the number of bytes sent, at least one",
            1 <= sent <= len(view),
            f"it gave {sent!r} for {len(view)}",
            "wait until there is room",
        )
        view = view[sent:]


async def _arrived(rule: str, sender: TwoWayStream, data: bytes, receiver: TwoWayStream, size: int = 1 << 16) -> bytes:
    """What the receiver has received when the sender has sent `data` and closed."""
    __tracebackhide__ = True

    advice = "let receive give b'' at the end, again and again"

    async def send() -> None:
        await _send_all(sender, data)
        await sender.close_when_peer_closes()

    async def receive() -> bytes:
        received = await _receive_all(receiver, size)
        same("the end is still there when it was received", await receiver.receive(1), b"", advice)
        receiver.close()
        return received

    received: bytes = (await _in_time(rule, gather(receive(), send()), f"keep the order; {advice}"))[0]
    return received


async def _receive_all(stream: TwoWayStream, size: int = 1 << 16) -> bytes:
    data = bytearray()
    while piece := await stream.receive(size):
        hold("receive gives at most `size` bytes", len(piece) <= size, f"it gave {len(piece)} for {size}", "give fewer")
        data += piece
    return bytes(data)


async def _rest() -> None:
    """Let every task run to the point where it waits."""
    for _ in range(_TURNS):
        await next_turn()


def _begun(call: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    return asyncio.get_running_loop().create_task(call)


# The checks.


async def _check_whole(near: TwoWayStream, far: TwoWayStream) -> None:
    rule, data = "all bytes arrive, in order, and then the end", _BLOCK * 5 + b"the last"
    received = await _arrived(rule, near, data, far)
    hold(rule, received == data, f"{len(received)} bytes came of {len(data)}, or others", "lose and change nothing")


async def _check_pieces(near: TwoWayStream, far: TwoWayStream) -> None:
    rule = "bytes are received in pieces of any size"
    received = await _arrived(rule, near, b"0123456789", far, 3)
    same(rule, received, b"0123456789", "keep what is left of a piece for the next receive")


async def _check_nothing(near: TwoWayStream, far: TwoWayStream) -> None:
    rule = "a stream on which nothing was sent ends without a byte"
    same(rule, await _arrived(rule, near, b"", far), b"", "give b'' at once")


async def _check_waiting(near: TwoWayStream, far: TwoWayStream) -> None:
    receiving = _begun(far.receive(1))
    await _rest()
    hold("receive waits until something comes", not receiving.done(), "it was over at once", "wait")
    rule = "a receive that waits gets what comes"
    await _in_time("few bytes can be sent at once", _send_all(near, b"late"), "have room for them")
    await _in_time("few bytes can be sent at once", near.send_eof(), "have room for the end")
    same(rule, await _in_time(rule, receiving, "wake it"), b"l", "give it what was sent")


async def _check_cancelled(near: TwoWayStream, far: TwoWayStream) -> None:
    receiving = _begun(far.receive(100))
    await _rest()
    receiving.cancel()
    await gather(receiving, return_exceptions=True)
    rule = "a receive that was cancelled takes nothing with it"
    same(rule, await _arrived(rule, near, b"kept", far), b"kept", "take bytes only when they are given")


async def _check_backpressure(near: TwoWayStream, far: TwoWayStream) -> None:
    sent, enough = 0, False

    async def send() -> None:
        nonlocal sent
        while not enough:
            sent += await near.send(memoryview(_BLOCK)[sent % len(_BLOCK) :])
        await near.send_eof()

    rule = "a sender waits when the other side does not receive"
    sending, before = _begun(send()), -1
    while sent != before and not sending.done():
        before = sent
        await _rest()
        hold(rule, sent < _TOO_MUCH, f"{sent} bytes went", "let send wait when much is on its way")
    hold(rule, not sending.done(), "it was over", "let send wait")
    enough, received = True, 0
    rule, advice = "waiting bytes arrive when the other side receives again", "wake the sender, and keep the order"
    while not sending.done() or received < sent:
        piece = await _in_time(rule, far.receive(1 << 20), advice)
        expected = (_BLOCK * (len(piece) // len(_BLOCK) + 2))[received % len(_BLOCK) :][: len(piece)]
        hold(rule, piece == expected and piece != b"", f"other bytes came after {received}", advice)
        received += len(piece)
        await next_turn()
    await _in_time(rule, sending, advice)


async def _check_closed_here(near: TwoWayStream, far: TwoWayStream) -> None:
    receiving = _begun(near.receive(1))
    await _rest()
    near.close()
    await _broken("close wakes a receive on this side, with an OSError", receiving, "wake it")
    await _broken("receive on a stream closed on this side is an OSError", near.receive(1), "raise it")
    await _broken("send on a stream closed on this side is an OSError", _flooding(near), "raise it")
    near.close()
    near.reset()


async def _check_closed_there(near: TwoWayStream, far: TwoWayStream) -> None:
    near.close()
    await _broken("a sender gets an error when the other side is closed", _flooding(far), "raise a ConnectionError")


async def _flooding(stream: TwoWayStream) -> None:
    for _ in range(_TOO_MUCH // len(_BLOCK)):
        await stream.send(_BLOCK)
        await next_turn()


async def _check_reset(near: TwoWayStream, far: TwoWayStream) -> None:
    receiving = _begun(far.receive(1))
    await _rest()
    near.reset()
    await _broken("reset is an error on the other side, not an end", receiving, "raise a ConnectionError there")


async def _check_both_at_once(near: TwoWayStream, far: TwoWayStream) -> None:
    rule, advice = "bytes go both ways at once", "let neither direction wait for the other"
    data = _BLOCK * 100

    async def one_way(sender: TwoWayStream, receiver: TwoWayStream) -> bytes:
        sending, received = _begun(_send_all(sender, data)), bytearray()
        while len(received) < len(data):
            received += await receiver.receive(1 << 20)
        await sending
        return bytes(received)

    there, back = await _in_time(rule, gather(one_way(near, far), one_way(far, near)), advice)
    hold(rule, there == back == data, "other bytes came", advice)


_CHECKS: tuple[Check, ...] = (
    _check_whole,
    _check_pieces,
    _check_nothing,
    _check_waiting,
    _check_cancelled,
    _check_backpressure,
    _check_closed_here,
    _check_closed_there,
    _check_reset,
)
