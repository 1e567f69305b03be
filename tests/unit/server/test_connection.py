"""The state of a session for handlers: attributes that are set and deleted, and waiting for them."""

from __future__ import annotations

import asyncio

import pytest

from ftpfixture.net.gate import EXCHANGE, Exchange
from ftpfixture.server.connection import Connection, Workers


def test_attributes_are_plain() -> None:
    """An attribute that was set is there, by name and in `in`; keyword arguments are set."""
    connection = Connection(client_host="127.0.0.1")
    connection.own_flag = 5

    assert (connection.client_host, connection.own_flag) == ("127.0.0.1", 5)
    assert "own_flag" in connection
    assert "other" not in connection


def test_a_missing_attribute_is_an_attribute_error() -> None:
    """The AttributeError names it, so that getattr with a default and hasattr work."""
    connection = Connection()

    with pytest.raises(AttributeError, match="connection has no 'rename_from' yet"):
        _ = connection.rename_from
    assert not hasattr(connection, "rename_from")
    assert getattr(connection, "rename_from", None) is None


def test_del() -> None:
    """After `del` the attribute is missing; `del` of a missing one does nothing."""
    connection = Connection(rename_from="/a")
    del connection.rename_from
    assert "rename_from" not in connection

    del connection.rename_from


def test_none_is_a_value() -> None:
    """An attribute that is None is set."""
    assert "x" in Connection(x=None)


async def test_an_item_is_a_future_that_is_done_when_set() -> None:
    """`connection["x"]` is done at once when x is set."""
    connection = Connection(x=1)

    assert connection["x"].done()
    assert await connection["x"] == 1


async def test_an_item_waits_for_its_value() -> None:
    """The future of a missing attribute is the same for all callers, and is done when it is set."""
    connection = Connection()
    future = connection["x"]
    assert not future.done()
    assert connection["x"] is future

    connection.x = 2

    assert await future == 2


async def test_a_value_may_be_set_again() -> None:
    """Setting an attribute after a wait replaces the value, and new futures have the new one."""
    connection = Connection()
    first = connection["x"]
    connection.x = 1
    connection.x = 2

    assert (await first, await connection["x"], connection.x) == (1, 2, 2)


async def test_a_cancelled_future_is_replaced() -> None:
    """After a caller cancelled the future, setting does not fail and the next caller gets a new future."""
    connection = Connection()
    connection["x"].cancel()
    fresh = connection["x"]
    assert not fresh.done()
    connection["y"].cancel()
    connection.x = connection.y = 3

    assert await fresh == 3


async def test_future_is_a_view_of_the_attributes() -> None:
    """`connection.future.x` is `connection["x"]`, and `del` there deletes the value."""
    connection = Connection()
    assert connection.future.x is connection["x"]
    connection.x = 1
    assert await connection.future.x == 1

    del connection.future.x

    assert "x" not in connection
    assert not connection["x"].done()


async def test_wait_for_a_set_attribute() -> None:
    """It returns at once."""
    assert await Connection(x=1).wait_for("x", 0) == 1


async def test_wait_for_a_later_attribute() -> None:
    """Every waiting task gets the value when it is set."""
    connection = Connection()
    tasks = [asyncio.create_task(connection.wait_for("x", None)) for _ in range(2)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in tasks)

    connection.x = 1

    assert await asyncio.gather(*tasks) == [1, 1]


async def test_wait_for_times_out() -> None:
    """After the timeout it raises TimeoutError, and other tasks continue to wait."""
    connection = Connection()
    patient = asyncio.create_task(connection.wait_for("x", None))
    with pytest.raises(TimeoutError):
        await connection.wait_for("x", 0.001)

    connection.x = 1

    assert await patient == 1


async def test_a_cancelled_wait_does_not_disturb_others() -> None:
    """A cancelled task does not take the value from another."""
    connection = Connection()
    tasks = [asyncio.create_task(connection.wait_for("x", None)) for _ in range(2)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    await asyncio.sleep(0)

    connection.x = 1

    assert await tasks[1] == 1


async def test_an_opener_makes_the_value() -> None:
    """With an opener the value is made when a task waits, not before, within its timeout, and is then set."""
    connection = Connection()
    asked: list[float | None] = []

    async def opener(timeout: float | None) -> str:
        asked.append(timeout)
        return "made"

    connection.when_wanted("x", opener)
    assert "x" not in connection

    assert await connection.wait_for("x", 3) == "made"

    assert (asked, connection.x) == ([3], "made")
    assert await connection.wait_for("x", 3) == "made"
    assert asked == [3]


async def test_an_opener_that_fails() -> None:
    """The waiting task gets the opener's error, and nothing is set."""
    connection = Connection()

    async def opener(timeout: float | None) -> str:
        raise ConnectionRefusedError("no server there")

    connection.when_wanted("x", opener)

    with pytest.raises(ConnectionRefusedError):
        await connection.wait_for("x", 3)
    assert "x" not in connection


async def test_an_opener_can_be_withdrawn() -> None:
    """None removes the opener, and is no error without one."""
    connection = Connection()

    async def opener(timeout: float | None) -> str:
        return "made"

    connection.when_wanted("x", opener)
    connection.when_wanted("x", None)
    connection.when_wanted("x", None)

    with pytest.raises(TimeoutError):
        await connection.wait_for("x", 0)


def test_repr_names_the_client() -> None:
    """The repr has the client's address, and works without one."""
    assert repr(Connection(client_host="127.0.0.1", client_port=5)) == "<Connection of 127.0.0.1:5>"
    assert repr(Connection()) == "<Connection of None:None>"


# Workers.


class Ends:
    """Records the ends of tasks, and the command of each."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []
        self.workers = Workers(self)

    def __call__(self, task: asyncio.Task[object], exchange: Exchange) -> None:
        """Record one."""
        self.seen.append((task.get_name(), exchange.seq))


async def _for_ever() -> None:
    await asyncio.get_running_loop().create_future()


async def _at_once() -> None:
    return


async def test_workers_are_removed() -> None:
    """A task that ends leaves the set, and its end is reported with the command that started it."""
    ends = Ends()
    EXCHANGE.set(Exchange(7, "RETR"))
    ends.workers.add(asyncio.create_task(_at_once(), name="first"))
    EXCHANGE.set(Exchange(9, "NOOP"))
    assert len(ends.workers) == 1

    await ends.workers.idle()

    assert (ends.seen, set(ends.workers)) == ([("first", 7)], set())


async def test_idle_waits_for_all() -> None:
    """`idle` returns after the last task, including those added meanwhile; at once without one."""
    ends = Ends()
    await ends.workers.idle()
    release = asyncio.get_running_loop().create_future()

    async def chain() -> None:
        await release
        ends.workers.add(asyncio.create_task(_at_once(), name="second"))

    ends.workers.add(asyncio.create_task(chain(), name="first"))
    waiters = [asyncio.create_task(ends.workers.idle()) for _ in range(2)]
    await asyncio.sleep(0)
    assert not any(waiter.done() for waiter in waiters)
    release.set_result(None)

    await asyncio.gather(*waiters)

    assert [name for name, _ in ends.seen] == ["first", "second"]


async def test_a_cancelled_idle_does_not_disturb_others() -> None:
    """A cancelled wait does not end another."""
    ends = Ends()
    task = asyncio.create_task(_for_ever())
    ends.workers.add(task)
    one, other = (asyncio.create_task(ends.workers.idle()) for _ in range(2))
    await asyncio.sleep(0)
    one.cancel()
    await asyncio.sleep(0)
    assert not other.done()
    task.cancel()

    await other


async def test_cancel_cancels_all_for_the_current_command() -> None:
    """While tasks are cancelled `abort` is the command that caused it; afterwards it is None."""
    ends = Ends()
    during: list[Exchange | None] = []

    async def work() -> None:
        try:
            await _for_ever()
        finally:
            during.append(ends.workers.abort)

    for name in ("one", "two"):
        ends.workers.add(asyncio.create_task(work(), name=name))
    await asyncio.sleep(0)
    abort = Exchange(5, "ABOR")
    EXCHANGE.set(abort)

    await ends.workers.cancel()

    assert during == [abort, abort]
    assert (ends.workers.abort, set(ends.workers)) == (None, set())
    assert sorted(name for name, _ in ends.seen) == ["one", "two"]
