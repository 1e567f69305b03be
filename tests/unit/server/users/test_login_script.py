"""Scripts of a login: which step comes when, and which script applies."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from ftpfixture.errors import CommandRefused, ConfigurationError
from ftpfixture.server.users.scripted import ScriptedUserManager
from tests.support.logins import answer, session


@pytest.mark.parametrize(
    ("script", "answers"),
    [
        (lambda on: on.accept(), "331 230"),
        (lambda on: on.accept(stage="USER"), "230 Login successful"),
        (lambda on: on.reject(), "331 530 Login incorrect"),
        (lambda on: on.reject("Go away"), "331 530 Go away"),
        (lambda on: on.reject("Go away", code="430", stage="USER"), "430 Go away"),
        (lambda on: on.close(), "331 421 Too many users"),
        (lambda on: on.close("Full", stage="USER"), "421 Full"),
        (lambda on: on.ask_account("sales"), "331 332 account"),
        (lambda on: on.ask_account("sales", stage="USER"), "332 account"),
        (lambda on: on.time_out(), "331 silence"),
        (lambda on: on.time_out(stage="USER"), "silence"),
        (lambda on: on.raises(KeyError("x")), "331 451 Requested action aborted: internal error of the server"),
        (lambda on: on.raises(FileNotFoundError("x"), stage="USER"), "550 No such file or directory"),
        (lambda on: on.usual(), "331 530"),
        (lambda on: on.ask_password().accept(), "331 230"),
    ],
)
@pytest.mark.parametrize("login", ["ann", "zoe"])
async def test_each_step(manager: ScriptedUserManager, script: Any, answers: str, login: str) -> None:
    """Each step gives its reply, without limit, whether a user has the login or not, with any password."""
    script(manager.on(login))

    assert [await answer(manager, login, "wrong") for _ in range(3)] == [answers] * 3


async def test_steps_come_in_sequence_and_the_last_one_stays(manager: ScriptedUserManager) -> None:
    """Each step is for one attempt, or for `times`; the last one for all that follow."""
    manager.on("ann").reject("Too busy", code="430").reject(times=2).accept()

    answers = [await answer(manager, "ann", "wrong") for _ in range(6)]

    assert answers == ["331 430 Too busy", *["331 530 Login incorrect"] * 2, *["331 230"] * 3]


async def test_a_script_may_end(manager: ScriptedUserManager) -> None:
    """When the last step has its times, the less specific script continues, and then the list."""
    manager.on().reject("all", times=1)
    manager.on("ann").reject("ann", times=2)

    answers = [await answer(manager, "ann", "secret") for _ in range(4)]

    assert answers == ["331 530 ann", "331 530 ann", "331 530 all", "331 230"]


async def test_sessions_at_once_share_the_sequence(manager: ScriptedUserManager) -> None:
    """The n-th password gets the n-th step, in any order of the sessions; a name alone takes none."""
    manager.on("ann").reject("one").reject("two").accept()
    async with session(manager, "ann") as (_, first, _), session(manager, "ann") as (_, second, _):
        for user, text in ((second, "one"), (first, "two")):
            with pytest.raises(CommandRefused, match=text):
                await manager.authenticate(user, "x")
        assert await manager.authenticate(second, "x")


async def test_a_step_for_user_may_come_to_its_turn_at_pass(manager: ScriptedUserManager) -> None:
    """When a client sends another password without a name, the next step replies to it, also one for USER."""
    manager.on("ann").reject().close("Enough", stage="USER")
    async with session(manager, "ann") as (_, user, _):
        with pytest.raises(CommandRefused, match="530"):
            await manager.authenticate(user, "x")
        with pytest.raises(CommandRefused, match="421"):
            await manager.authenticate(user, "x")


@pytest.mark.parametrize(
    ("login", "text"),
    [("ann", "its name"), ("anna", "a pattern"), ("bob", "all"), ("a*", "a pattern"), ("", "all"), ("[x]", "odd")],
)
async def test_the_nearest_script_counts(manager: ScriptedUserManager, login: str, text: str) -> None:
    """The name has precedence over a pattern, a pattern over all, in any order of the calls."""
    manager.on("ann").reject("its name")
    manager.on("a*").reject("a pattern")
    manager.on("[x]").reject("odd")
    manager.on().reject("all")

    assert await answer(manager, login) == f"331 530 {text}"


async def test_of_two_patterns_the_last_counts(manager: ScriptedUserManager) -> None:
    """The last one of equals counts, and a script replaces the one for the same login."""
    manager.on("a*").reject("first")
    manager.on("*n").reject("second")
    assert await answer(manager, "ann") == "331 530 second"

    manager.on("a*").reject("third")
    assert await answer(manager, "ann") == "331 530 third"
    assert await answer(manager, "bn") == "331 530 second"


async def test_a_script_counts_from_its_first_step(manager: ScriptedUserManager) -> None:
    """Beginning a script removes nothing; a script that has ended may be continued."""
    script = manager.on("ann").reject("one")
    manager.on("ann")
    assert await answer(manager, "ann") == "331 530 one"

    script.reject("two")
    assert [await answer(manager, "ann") for _ in range(2)] == ["331 530 two"] * 2


async def test_a_script_for_one_password(manager: ScriptedUserManager) -> None:
    """It has precedence over the others of that login, which get all other passwords."""
    manager.on("ann").usual().when(password="old").reject("Password expired")
    manager.on("bob").when(password="dragon").reject("one", times=1)

    assert await answer(manager, "ann", "old") == "331 530 Password expired"
    assert await answer(manager, "ann", "secret") == "331 230"
    assert await answer(manager, "ann", "x") == "331 530"
    assert [await answer(manager, "bob", "dragon") for _ in range(2)] == ["331 530 one", "331 230"]


async def test_a_script_for_a_password_asks_for_it(manager: ScriptedUserManager) -> None:
    """The server asks a user without a password for one when it decides the step, and accepts any."""
    manager.on("open").when(password="x").reject()

    assert await answer(manager, "open", "x") == "331 530 Login incorrect"
    assert await answer(manager, "open", "y") == "331 230"


async def test_steps_may_be_added_while_others_are_taken(manager: ScriptedUserManager) -> None:
    """With a thread that adds, no step is lost, and none acts twice."""
    script = manager.on("ann").reject("0", times=1)
    thread = threading.Thread(target=lambda: [script.reject(str(n), times=1) for n in range(1, 500)])
    thread.start()
    seen: list[str] = []
    while len(seen) < 500:
        codes = await answer(manager, "ann", "x")
        if codes != "331 530":  # the other thread had not added the step
            seen.append(codes.rpartition(" ")[2])
    thread.join()

    assert seen == [str(number) for number in range(500)]


@pytest.mark.parametrize(
    ("mistake", "text"),
    [
        (
            lambda on: on.reject(code="200"),
            r"code takes 4xx or 5xx, such as 530 or 430 \(for 421 use close()\), not '200'",
        ),
        (lambda on: on.reject(code="421"), "code takes 4xx or 5xx"),
        (lambda on: on.accept(stage="QUIT"), "stage takes 'USER' or 'PASS', not 'QUIT'"),
        (
            lambda on: on.accept(times=0),
            "times takes a whole number, 1 or more, or None for one try, or all if no step follows, not 0",
        ),
        (lambda on: on.delay(-1), "delay takes a number of seconds, 0 or more, not -1"),
        (lambda on: on.delay("1"), "delay takes a number of seconds, 0 or more, not '1'"),
        (lambda on: on.raises("boom"), r"raises\('boom'\): give an exception, as in raises"),
        (lambda on: on.when(password="x").accept(stage="USER"), "the password comes later, so omit stage="),
        (lambda on: on.when(password="x").ask_password(), "the 331 comes first, so call it on"),
        (lambda on: on.ask_password().accept(stage="USER"), "omit stage=, or do not call"),
        (lambda on: on.ask_password().ask_password(), "first add the step for PASS"),
    ],
)
def test_an_impossible_step(manager: ScriptedUserManager, mistake: Any, text: str) -> None:
    """A mistake raises where it is made, with what would work."""
    with pytest.raises(ConfigurationError, match=text.replace("()", r"\(\)")):
        mistake(manager.on("ann"))
