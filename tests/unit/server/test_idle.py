"""How long a client may say nothing."""

from __future__ import annotations

import asyncio

from ftpfixture import Connection
from ftpfixture.clock import Clock
from ftpfixture.server.idle import IdleTimer


class Watch:
    """An idle timer on a clock that stands, and what it said."""

    def __init__(self, limit: float | None) -> None:
        self.clock = Clock(lambda: 0.0)
        self.clock.freeze()
        self.connection = Connection(clock=self.clock, idle_timeout=limit)
        self.idle = True
        self.said: list[str] = []
        self.timer = IdleTimer(self.connection, lambda: self.idle, self.said.append)

    async def wait(self, seconds: float) -> list[str]:
        """Let time go by; what was said until then."""
        self.clock.move(seconds)
        for _ in range(3):
            await asyncio.sleep(0)
        return self.said


async def test_silence_runs_out() -> None:
    """After the limit it is said, once; whatever happens begins the time anew."""
    watch = Watch(10)
    watch.timer.touch()
    assert await watch.wait(9) == []
    watch.timer.touch()
    assert await watch.wait(9) == []
    assert await watch.wait(1) == ["Idle timeout: no command for 10 seconds"]
    assert await watch.wait(100) == ["Idle timeout: no command for 10 seconds"]


async def test_it_is_not_always_the_clients_turn() -> None:
    """While the server works, time goes by for nobody; it looks again after the limit."""
    watch = Watch(10)
    watch.idle = False
    watch.timer.touch()
    assert await watch.wait(35) == []
    watch.idle = True
    assert await watch.wait(10) == ["Idle timeout: no command for 10 seconds"]


async def test_the_limit_may_change() -> None:
    """A new limit counts when the old one is over, and from the next command on; None is none."""
    watch = Watch(10)
    watch.timer.touch()
    watch.connection.idle_timeout = 30
    assert await watch.wait(10) == []
    watch.connection.idle_timeout = None
    assert await watch.wait(100) == []
    watch.timer.touch()
    assert await watch.wait(100) == []
    watch.connection.idle_timeout = 1
    watch.timer.touch()
    assert await watch.wait(1) == ["Idle timeout: no command for 1 seconds"]


async def test_a_stopped_timer_says_nothing() -> None:
    """Neither the one that runs, nor one that would begin."""
    watch = Watch(10)
    watch.timer.touch()
    watch.timer.stop()
    watch.timer.touch()
    assert await watch.wait(100) == []

    untouched = Watch(10)
    untouched.timer.stop()
    untouched.timer.touch()
    assert await untouched.wait(100) == []
