"""The idle timeout of a session."""

from __future__ import annotations

import asyncio

from ftpfixture import Connection
from ftpfixture.clock import Clock
from ftpfixture.server.idle import IdleTimer


class Watch:
    """An idle timer on a stopped clock, and the texts that it reported."""

    def __init__(self, limit: float | None) -> None:
        self.clock = Clock(lambda: 0.0)
        self.clock.freeze()
        self.connection = Connection(clock=self.clock, idle_timeout=limit)
        self.idle = True
        self.texts: list[str] = []
        self.timer = IdleTimer(self.connection, lambda: self.idle, self.texts.append)

    async def wait(self, seconds: float) -> list[str]:
        """Let time pass; the texts reported until then."""
        self.clock.move(seconds)
        for _ in range(3):
            await asyncio.sleep(0)
        return self.texts


async def test_timeout() -> None:
    """After the limit the text is reported once; activity restarts the time."""
    watch = Watch(10)
    watch.timer.touch()
    assert await watch.wait(9) == []
    watch.timer.touch()
    assert await watch.wait(9) == []
    assert await watch.wait(1) == ["Idle timeout: no command for 10 seconds"]
    assert await watch.wait(100) == ["Idle timeout: no command for 10 seconds"]


async def test_the_time_of_the_server_does_not_count() -> None:
    """While the server works, no time passes; the timer checks again after the limit."""
    watch = Watch(10)
    watch.idle = False
    watch.timer.touch()
    assert await watch.wait(35) == []
    watch.idle = True
    assert await watch.wait(10) == ["Idle timeout: no command for 10 seconds"]


async def test_the_limit_may_change() -> None:
    """A new limit counts when the old one has passed, and from the next command on; None is no limit."""
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


async def test_a_stopped_timer_reports_nothing() -> None:
    """Neither a running one, nor one that would start."""
    watch = Watch(10)
    watch.timer.touch()
    watch.timer.stop()
    watch.timer.touch()
    assert await watch.wait(100) == []

    untouched = Watch(10)
    untouched.timer.stop()
    untouched.timer.touch()
    assert await untouched.wait(100) == []
