"""Virtual time: order, jumps, seeds, and work that never ends."""

from __future__ import annotations

import asyncio
import threading

import pytest

from ftpfixture.errors import HangError, SimulationError
from ftpfixture.net.memory_network import MemoryNetwork
from ftpfixture.sim.loop import SimulatedLoop
from ftpfixture.sim.time import VirtualTime


def _loop(virtual: VirtualTime) -> SimulatedLoop:
    return SimulatedLoop(virtual, MemoryNetwork())


def test_order_of_callbacks_and_timers() -> None:
    """What is ready is called in order, and timers at their moments; cancelled ones are not."""
    virtual, seen = VirtualTime(), list[tuple[str, float]]()
    loop = _loop(virtual)

    def note(name: str) -> None:
        seen.append((name, virtual.now))

    loop.call_later(2, note, "later")
    loop.call_later(1, note, "sooner")
    loop.call_later(1.5, note, "cancelled").cancel()
    loop.call_soon(note, "soon")
    loop.call_soon(loop.call_soon, note, "next turn")
    virtual.rest()
    assert seen == [("soon", 0), ("next turn", 0)]
    assert virtual.due == 1
    virtual.advance()
    virtual.advance()
    assert seen[2:] == [("sooner", 1)]
    virtual.jump(0.5)
    assert virtual.now == 1  # it never goes back
    virtual.jump(2)
    virtual.rest()
    assert seen[3:] == [("later", 2)]
    assert virtual.due == float("inf")
    assert not virtual.step()


def _arrivals(seed: int | None) -> list[int]:
    virtual, seen = VirtualTime(seed), list[int]()
    loop = _loop(virtual)
    for number in range(8):
        loop.call_when_polled(lambda number=number: seen.append(number))  # type: ignore[misc]
    virtual.rest()
    return seen


def test_a_seed_chooses_the_order_of_connections() -> None:
    """Without a seed it is that of the events; each seed repeats its own, and nothing is lost."""
    assert _arrivals(None) == list(range(8))
    orders = [_arrivals(seed) for seed in range(20)]
    assert orders == [_arrivals(seed) for seed in range(20)]
    assert all(sorted(order) == list(range(8)) for order in orders)
    assert len({tuple(order) for order in orders}) > 15


def test_a_turn_that_is_interrupted() -> None:
    """An interrupt leaves the rest of the turn for the next one."""
    virtual, seen = VirtualTime(), list[int]()
    loop = _loop(virtual)

    def interrupt() -> None:
        raise KeyboardInterrupt

    loop.call_soon(interrupt)
    loop.call_soon(seen.append, 1)
    with pytest.raises(KeyboardInterrupt):
        virtual.rest()
    assert virtual.running == []
    virtual.rest()
    assert seen == [1]


def test_loops_wait_for_themselves_only() -> None:
    """Inside a callback of one loop, the callbacks of others run, and its own wait."""
    virtual, seen = VirtualTime(), list[str]()
    servers, client = _loop(virtual), _loop(virtual)

    def blocks() -> None:
        assert client.is_running()
        servers.call_soon(seen.append, "server")
        client.call_soon(seen.append, "client")
        virtual.rest()
        seen.append("end of the call")
        assert asyncio.get_running_loop() is client

    client.call_soon(blocks)
    virtual.rest()
    assert seen == ["server", "end of the call", "client"]
    assert not client.is_running()


def test_callbacks_of_the_same_turn() -> None:
    """A callback that waits does not keep back what was ready with it."""
    virtual, seen = VirtualTime(), list[str]()
    servers, client = _loop(virtual), _loop(virtual)

    def blocks() -> None:
        servers.call_soon(seen.append, "new")
        virtual.rest()
        assert seen == ["same turn", "new"]

    client.call_soon(blocks)
    servers.call_soon(seen.append, "same turn")
    client.call_soon(seen.append, "client")
    virtual.rest()
    assert seen == ["same turn", "new", "client"]


def test_what_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Callbacks in circles, retries for more than a year, and a wait for nothing are errors."""
    virtual = VirtualTime()
    loop = _loop(virtual)
    with pytest.raises(HangError, match="nothing is ready and there is no timer"):
        virtual.advance()

    def again() -> None:
        loop.call_later(86400, again)

    again()
    with pytest.raises(HangError, match="366 virtual days have gone by"):
        loop.run_forever()

    monkeypatch.setattr("ftpfixture.sim.endless._TURNS", 1000)
    circles = VirtualTime()
    other = _loop(circles)

    def circle() -> None:
        other.call_soon(circle)

    circle()
    with pytest.raises(HangError, match="1000 turns and pauses, in which no client connected or sent a command"):
        circles.rest()


def test_threads() -> None:
    """Another thread is refused by its name."""
    virtual, found = VirtualTime(), list[str]()

    def use() -> None:
        with pytest.raises(SimulationError) as refused:
            virtual.check_thread()
        found.append(str(refused.value))

    thread = threading.Thread(target=use, name="worker 7")
    thread.start()
    thread.join()
    assert found[0].startswith("the thread 'worker 7' uses a simulated server")
    virtual.check_thread()
    with pytest.raises(SimulationError, match="worker 7"):
        virtual.hang(None)
