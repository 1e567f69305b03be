"""A check that any transport does what a TCP connection on the loopback of Linux does.

One rule: every failure names the rule that was broken, what was seen, and what to do about it.
"""

from __future__ import annotations

import asyncio
from asyncio import timeout
from collections.abc import Awaitable, Callable
from contextvars import ContextVar

from ftpfixture.aio import next_turn
from ftpfixture.net.transport import Transport
from ftpfixture.testing.rules import hold, same

__all__ = ["check_transport"]

Check = Callable[[Transport, Transport], Awaitable[None]]

_LIMIT = 10  # seconds for one step, which takes no time in a transport that works
_TURNS = 100  # of the loop, after which nothing more happens by itself
_TOO_MUCH = 1 << 26  # bytes that the peer does not receive
_BLOCK = bytes(range(256)) * 256
_CALLER: ContextVar[str] = ContextVar("ftpfixture_check", default="")


async def check_transport(connect: Callable[[], Awaitable[tuple[Transport, Transport]]]) -> None:
    """Check that two connected transports do what a `Channel` relies on.

    Each rule has its own pair, and is checked from both ends. Sockets of Windows and macOS do not satisfy all rules.

    Args:
        connect: Makes two transports of the running loop that are connected with each other.

    Raises:
        AssertionError: A rule is broken. The text says which, what was seen, and what to do.
    """
    for check in _CHECKS:
        for turned in (False, True):
            near, far = await connect()
            try:
                await check(*((far, near) if turned else (near, far)))
            except OSError as error:
                raise AssertionError(
                    f"the common operations of a channel succeed; but {type(error).__name__} was raised: {error}. "
                    "To do: see the traceback above for the call"
                ) from error
            finally:
                near.close()
                far.close()


# Small steps.


def _refused(rule: str, call: Callable[[], object], *kinds: type[OSError]) -> None:
    """Call what must raise one of these."""
    __tracebackhide__ = True
    names = " or ".join(kind.__name__ for kind in kinds)
    try:
        result = call()
    except kinds:
        return
    except OSError as error:
        raise AssertionError(f"{rule}; but it raised {type(error).__name__}: {error}. To do: raise {names}") from error
    raise AssertionError(f"{rule}; but it gave {result!r:.100}. To do: raise {names}")


async def _ready(rule: str, ask: Callable[..., None]) -> None:
    """Wait until `on_readable` or `on_writable` calls back."""
    __tracebackhide__ = True
    called = asyncio.Event()
    ask(called.set)
    try:
        async with timeout(_LIMIT):
            await called.wait()
    except TimeoutError as error:
        text = f"{rule}; but no callback came for {_LIMIT} s. To do: call back in each iteration in which it holds"
        raise AssertionError(text) from error
    finally:
        ask(None)


async def _receive(transport: Transport, count: int) -> bytes:
    """Receive `count` bytes, or those before the end."""
    data = bytearray()
    while len(data) < count:
        await _ready("what was sent can be received", transport.on_readable)
        try:
            piece = transport.recv(count - len(data))
        except BlockingIOError:
            continue
        except ConnectionError:
            break
        if not piece:
            break
        data += piece
    return bytes(data)


async def _turns() -> None:
    for _ in range(_TURNS):
        await next_turn()


async def _end_comes(rule: str, transport: Transport) -> None:
    await _ready(rule, transport.on_readable)
    for _ in range(2):
        same(rule, transport.recv(1), b"", "give b'', again and again")


# The checks.


async def _check_names(near: Transport, far: Transport) -> None:
    rule = "each end has the address of the other as its peer"
    same(rule, (near.peer, far.peer), (far.local, near.local), "give both ends both addresses")
    same("both ends are of one family", near.family, far.family, "give both ends the same")


async def _check_bytes(near: Transport, far: Transport) -> None:
    for call in (far.recv, far.peek):
        _refused("nothing to receive is BlockingIOError", lambda call=call: call(1), BlockingIOError)  # type: ignore[misc]
    for piece in (b"012", bytearray(b"345"), memoryview(b"678")):
        same("few bytes can be sent, as any buffer", near.send(piece), 3, "take them, and return their number")
    await _ready("what was sent can be received", far.on_readable)
    rule = "peek gives what recv will give"
    same(rule, far.peek(3), b"012", "give the first bytes, and leave them")
    same(rule, far.recv(3), b"012", "leave them")
    same("bytes arrive in order", await _receive(far, 6), b"345678", "keep the order")


async def _check_readiness(near: Transport, far: Transport) -> None:
    called: list[str] = []
    _CALLER.set("the caller")
    far.on_readable(lambda: called.append(_CALLER.get()))
    _CALLER.set("the sender")
    await _turns()
    same("no callback comes when there is nothing to receive", called, [], "call when recv does not have to wait")
    near.send(b"x")
    await _ready("the callback of a waiting task comes", far.on_readable)
    far.on_readable(lambda: called.append(_CALLER.get()))
    await _turns()
    rule = "the callback comes in each iteration until the bytes are received"
    hold(rule, len(called) > 10, f"it came {len(called)} times in {_TURNS} iterations", "call again while it holds")
    far.recv(1)
    await next_turn()
    before = len(called)
    await _turns()
    same("no callback comes any more when all is received", len(called), before, "look again before each call")
    _CALLER.set("")


async def _check_contexts(near: Transport, far: Transport) -> None:
    called = asyncio.Event()
    seen: list[str] = []
    _CALLER.set("the caller")

    def note(text: str) -> None:
        seen.append(_CALLER.get() + text)
        called.set()

    far.on_readable(note, "!")
    _CALLER.set("the sender")
    near.send(b"x")
    async with timeout(_LIMIT):
        await called.wait()
    far.on_readable(None)
    _CALLER.set("")
    rule = "a callback has the arguments and the context of the code that asked for it"
    same(rule, seen[0], "the caller!", "copy the context when it is asked for, as loop.add_reader does")


async def _check_shutdown_write(near: Transport, far: Transport) -> None:
    near.send(b"all")
    near.shutdown_write()
    same("the end comes behind what was sent", await _receive(far, 4), b"all", "deliver that first")
    await _end_comes("after shutdown_write the other side has its end", far)
    far.send(b"answer")
    rule = "the other direction goes on after shutdown_write"
    same(rule, await _receive(near, 6), b"answer", "end one direction only")
    _refused("send after shutdown_write is BrokenPipeError", lambda: near.send(b"x"), BrokenPipeError)


async def _check_close(near: Transport, far: Transport) -> None:
    near.send(b"all")
    near.close()
    same("bytes that were sent before close arrive", await _receive(far, 4), b"all", "deliver it")
    await _end_comes("after close the other side has its end", far)
    for call in (
        lambda: near.recv(1),
        lambda: near.send(b"x"),
        lambda: near.peek(1),
        near.shutdown_write,
        lambda: near.on_readable(lambda: None),
        lambda: near.on_writable(lambda: None),
    ):
        _refused("a call on a transport closed on this side is an OSError", call, OSError)
    for harmless in (near.close, near.reset, lambda: near.on_readable(None), lambda: near.on_writable(None)):
        harmless()


async def _check_send_to_closed(near: Transport, far: Transport) -> None:
    near.close()
    await _end_comes("after close the other side has its end", far)
    far.send(b"x")  # to which the answer is RST
    await _ready("a send that can only fail does not wait for room", far.on_writable)
    _refused("every send but the first to a closed peer is BrokenPipeError", lambda: far.send(b"x"), BrokenPipeError)
    await _end_comes("the end stays the end, whatever is sent", far)


async def _check_close_unread(near: Transport, far: Transport) -> None:
    far.send(b"unread")
    await _ready("what was sent can be received", near.on_readable)
    near.send(b"queued")
    near.close()
    await _is_reset("a close with bytes unread", far, b"queued")


async def _check_reset(near: Transport, far: Transport) -> None:
    near.send(b"queued")
    await _ready("what was sent can be received", far.on_readable)
    near.reset()
    await _is_reset("a reset", far, b"queued")


async def _is_reset(what: str, transport: Transport, queued: bytes) -> None:
    same(f"bytes from before {what} can be received", await _receive(transport, len(queued)), queued, "keep it")
    await _ready(f"{what} can be received", transport.on_readable)
    rule = f"{what} is ConnectionResetError once"
    _refused(rule, lambda: transport.recv(1), ConnectionResetError)
    await _end_comes(f"after {what} comes the end", transport)
    _refused(f"send after {what} was received is BrokenPipeError", lambda: transport.send(b"x"), BrokenPipeError)


async def _check_reset_of_sender(near: Transport, far: Transport) -> None:
    near.reset()
    await _ready("a reset can be received", far.on_readable)
    _refused("a sender gets a reset, too", lambda: far.send(b"x"), ConnectionResetError)
    _refused("a sender gets a reset once, then BrokenPipeError", lambda: far.send(b"x"), BrokenPipeError)
    await _end_comes("a sender gets a reset once, and a receiver then gets the end", far)


async def _check_reset_after_end(near: Transport, far: Transport) -> None:
    near.shutdown_write()
    await _end_comes("after shutdown_write the other side has its end", far)
    near.reset()
    await _ready("a send that can only fail does not wait for room", far.on_writable)
    await _end_comes("a reset after the end is not received", far)
    _refused("send after that is BrokenPipeError", lambda: far.send(b"x"), BrokenPipeError)


async def _check_backpressure(near: Transport, far: Transport) -> None:
    sent = _fill(near)
    called: list[bool] = []
    near.on_writable(called.append, True)
    await _turns()
    more = 0
    while called:  # a system may have moved what it had
        more += _fill(near)
        called.clear()
        await _turns()
    near.on_writable(None)
    same("bytes arrive whole, however many wait", await _receive_pattern(far, sent + more), "", "keep the order")
    await _ready("there is room when the other side has received", near.on_writable)
    hold("send takes bytes when there is room", near.send(b"x") == 1, "it did not", "take them")


def _fill(transport: Transport) -> int:
    sent = 0
    while sent < _TOO_MUCH:
        try:
            count = transport.send(_BLOCK[sent % 256 :])
        except BlockingIOError:
            return sent
        hold("send takes at least one byte, or raises", count >= 1, f"it took {count}", "raise BlockingIOError")
        sent += count
    raise AssertionError(
        f"send raises BlockingIOError without a receiver; but {sent} bytes went. To do: have a window that fills"
    )


async def _receive_pattern(transport: Transport, count: int) -> str:
    """Where the received bytes differ from those that `_fill` has sent; "" when they are equal."""
    place = 0
    while place < count:
        piece = await _receive(transport, min(1 << 20, count - place))
        if not piece:
            return f"the end after {place} bytes"
        start = place % 256
        if piece != (_BLOCK * (len(piece) // len(_BLOCK) + 2))[start : start + len(piece)]:
            return f"other bytes after {place}"
        place += len(piece)
    return ""


async def _check_reset_when_full(near: Transport, far: Transport) -> None:
    _fill(near)
    far.reset()
    await _ready("a send that can only fail does not wait for room", near.on_writable)
    _refused("a sender gets a reset, too", lambda: near.send(b"x"), ConnectionResetError)


async def _check_sent(near: Transport, far: Transport) -> None:
    near.send(b"all")
    if near.writable_when_sent():
        await _ready("there is room when all that was sent is on its way", near.on_writable)
    near.reset()
    same(
        "bytes on their way before a reset arrive", await _receive(far, 3), b"all", "report room when all was received"
    )


async def _check_urgent(near: Transport, far: Transport) -> None:
    near.no_delay()
    far.urgent_inline()
    near.send(b"AB")
    same("without urgent data none is pending", far.urgent_pending(), False, "report only urgent data")
    near.send_urgent(b"CD")
    near.send(b"E")
    near.shutdown_write()
    same(
        "after urgent_inline urgent bytes are between the others", await _receive(far, 5), b"ABCDE", "leave them there"
    )
    same("urgent data that was received is not pending", far.urgent_pending(), False, "report it until it is received")


async def _check_urgent_apart(near: Transport, far: Transport) -> None:
    near.send_urgent(b"AB")
    near.send(b"C")
    near.shutdown_write()
    same("without urgent_inline the urgent byte is not received", await _receive(far, 2), b"AC", "leave it out")


_CHECKS: tuple[Check, ...] = (
    _check_names,
    _check_bytes,
    _check_readiness,
    _check_contexts,
    _check_shutdown_write,
    _check_close,
    _check_send_to_closed,
    _check_close_unread,
    _check_reset,
    _check_reset_of_sender,
    _check_reset_after_end,
    _check_backpressure,
    _check_reset_when_full,
    _check_sent,
    _check_urgent,
    _check_urgent_apart,
)
