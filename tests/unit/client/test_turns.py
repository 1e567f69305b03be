"""Whose turn it is: one task at a time, as often as it likes, and anybody may give the turn back."""

from __future__ import annotations

import asyncio

import pytest

from ftpfixture.client.turns import Turns


async def _is_free(turns: Turns) -> bool:
    """Say whether another task gets the turn at once."""
    task = asyncio.create_task(turns.take())
    await asyncio.sleep(0)
    free = task.done()
    if free:
        turns.give()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return free


async def test_the_owner_may_take_it_again() -> None:
    """A task that talks may begin a conversation within the conversation; others wait for the end of the outer one."""
    turns = Turns()
    async with turns:
        async with turns:
            assert not await _is_free(turns)
        assert not await _is_free(turns)

    assert await _is_free(turns)


async def test_tasks_talk_one_after_another() -> None:
    """Who waits longest comes next."""
    turns = Turns()
    said = []

    async def talk(number: int) -> None:
        async with turns:
            said.append(f"{number} begins")
            await asyncio.sleep(0)
            said.append(f"{number} ends")

    await asyncio.gather(*(talk(number) for number in range(3)))

    assert said == ["0 begins", "0 ends", "1 begins", "1 ends", "2 begins", "2 ends"]


async def test_an_error_gives_it_back() -> None:
    """A conversation that fails ends all the same."""
    turns = Turns()
    with pytest.raises(ZeroDivisionError):
        async with turns:
            raise ZeroDivisionError

    assert await _is_free(turns)


async def test_another_task_may_give_it_back() -> None:
    """What was taken in one task and given in another is free; neither owns it then."""
    turns = Turns()
    await asyncio.create_task(turns.take())
    assert not await _is_free(turns)

    turns.give()

    assert await _is_free(turns)


async def test_the_last_owner_has_to_wait_like_others() -> None:
    """A task that gave the turn back does not slip in while another one talks."""
    turns = Turns()
    async with turns:
        pass
    await asyncio.create_task(turns.take())

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await turns.take()


async def test_adoption() -> None:
    """A task that adopts a turn talks in place of the one that took it, which has to wait now."""
    turns = Turns()
    await turns.take()

    async def go_on() -> None:
        turns.adopt()
        async with turns:
            pass

    await asyncio.create_task(go_on())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await turns.take()

    turns.give()

    assert await _is_free(turns)


async def test_a_cancelled_wait_changes_nothing() -> None:
    """Who gives up waiting leaves the turn to who has it, and to those behind."""
    turns = Turns()
    await turns.take()
    first, second = asyncio.create_task(turns.take()), asyncio.create_task(turns.take())
    await asyncio.sleep(0)

    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    turns.give()

    await second
    assert not await _is_free(turns)
