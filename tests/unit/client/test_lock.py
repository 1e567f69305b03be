"""The lock of a conversation: one task at a time, reentrant, and any task may release it."""

from __future__ import annotations

import asyncio

import pytest

from ftpfixture.client.lock import ConversationLock


async def _is_free(lock: ConversationLock) -> bool:
    """Whether another task gets the lock at once."""
    task = asyncio.create_task(lock.acquire())
    await asyncio.sleep(0)
    free = task.done()
    if free:
        lock.release()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return free


async def test_the_owner_may_acquire_it_again() -> None:
    """The owner may acquire the lock again; other tasks wait until it is released as often as it was acquired."""
    lock = ConversationLock()
    async with lock:
        async with lock:
            assert not await _is_free(lock)
        assert not await _is_free(lock)

    assert await _is_free(lock)


async def test_first_come_first_served() -> None:
    """Waiting tasks get the lock in the order in which they asked."""
    lock = ConversationLock()
    order = []

    async def hold(number: int) -> None:
        async with lock:
            order.append(f"{number} begins")
            await asyncio.sleep(0)
            order.append(f"{number} ends")

    await asyncio.gather(*(hold(number) for number in range(3)))

    assert order == ["0 begins", "0 ends", "1 begins", "1 ends", "2 begins", "2 ends"]


async def test_an_error_releases_it() -> None:
    """An error in the block releases the lock."""
    lock = ConversationLock()
    with pytest.raises(ZeroDivisionError):
        async with lock:
            raise ZeroDivisionError

    assert await _is_free(lock)


async def test_another_task_may_release_it() -> None:
    """A lock that one task acquired and another released is free, with no owner."""
    lock = ConversationLock()
    await asyncio.create_task(lock.acquire())
    assert not await _is_free(lock)

    lock.release()

    assert await _is_free(lock)


async def test_the_last_owner_has_to_wait_like_others() -> None:
    """A task that released the lock waits for it like all others."""
    lock = ConversationLock()
    async with lock:
        pass
    await asyncio.create_task(lock.acquire())

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await lock.acquire()


async def test_transfer() -> None:
    """A task to which the lock is transferred is its owner; the task that acquired it has to wait."""
    lock = ConversationLock()
    await lock.acquire()

    async def go_on() -> None:
        lock.transfer()
        async with lock:
            pass

    await asyncio.create_task(go_on())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await lock.acquire()

    lock.release()

    assert await _is_free(lock)


async def test_a_cancelled_wait_changes_nothing() -> None:
    """A cancelled wait changes neither the owner nor the other waiting tasks."""
    lock = ConversationLock()
    await lock.acquire()
    first, second = asyncio.create_task(lock.acquire()), asyncio.create_task(lock.acquire())
    await asyncio.sleep(0)

    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    lock.release()

    await second
    assert not await _is_free(lock)
