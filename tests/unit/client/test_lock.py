"""The lock of a conversation: one task at a time, as often as it likes, and any task may release it."""

from __future__ import annotations

import asyncio

import pytest

from ftpfixture.client.lock import ConversationLock


async def _is_free(lock: ConversationLock) -> bool:
    """Say whether another task gets the lock at once."""
    task = asyncio.create_task(lock.acquire())
    await asyncio.sleep(0)
    free = task.done()
    if free:
        lock.release()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return free


async def test_the_owner_may_take_it_again() -> None:
    """A task that talks may begin a conversation within the conversation; others wait for the end of the outer one."""
    lock = ConversationLock()
    async with lock:
        async with lock:
            assert not await _is_free(lock)
        assert not await _is_free(lock)

    assert await _is_free(lock)


async def test_tasks_talk_one_after_another() -> None:
    """Who waits longest comes next."""
    lock = ConversationLock()
    said = []

    async def talk(number: int) -> None:
        async with lock:
            said.append(f"{number} begins")
            await asyncio.sleep(0)
            said.append(f"{number} ends")

    await asyncio.gather(*(talk(number) for number in range(3)))

    assert said == ["0 begins", "0 ends", "1 begins", "1 ends", "2 begins", "2 ends"]


async def test_an_error_gives_it_back() -> None:
    """A conversation that fails ends all the same."""
    lock = ConversationLock()
    with pytest.raises(ZeroDivisionError):
        async with lock:
            raise ZeroDivisionError

    assert await _is_free(lock)


async def test_another_task_may_give_it_back() -> None:
    """What was taken in one task and given in another is free; neither owns it then."""
    lock = ConversationLock()
    await asyncio.create_task(lock.acquire())
    assert not await _is_free(lock)

    lock.release()

    assert await _is_free(lock)


async def test_the_last_owner_has_to_wait_like_others() -> None:
    """A task that released the lock does not slip in while another one talks."""
    lock = ConversationLock()
    async with lock:
        pass
    await asyncio.create_task(lock.acquire())

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await lock.acquire()


async def test_adoption() -> None:
    """A task to which the lock is transferred talks in place of the one that acquired it, which has to wait now."""
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
    """Who gives up waiting leaves the lock to who has it, and to those behind."""
    lock = ConversationLock()
    await lock.acquire()
    first, second = asyncio.create_task(lock.acquire()), asyncio.create_task(lock.acquire())
    await asyncio.sleep(0)

    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    lock.release()

    await second
    assert not await _is_free(lock)
