"""The scripted user manager: what is answered to which try, and what is noted of it."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import PurePosixPath
from typing import Any

import pytest

from ftpfixture.clock import Clock
from ftpfixture.errors import CommandRefused, ConfigurationError, NoReply
from ftpfixture.server.users import ANY_PASSWORD, AbstractUserManager, MemoryUserManager, Permission, User
from ftpfixture.server.users.login_script import LoginScript
from ftpfixture.server.users.scripted import ScriptedUserManager
from ftpfixture.testing import check_user_manager

Response = AbstractUserManager.GetUserResponse

CERTIFICATE = {"subject": ((("commonName", "ann"),),)}


@pytest.fixture
def clock() -> Clock:
    """A clock that stands at 1000."""
    clock = Clock()
    clock.freeze(at=1000)
    return clock


@pytest.fixture
def manager(clock: Clock) -> ScriptedUserManager:
    """A manager with two users with a password, and one without."""
    manager = ScriptedUserManager([User("ann", "secret"), User("bob", "dragon"), User("open")])
    manager.use_clock(clock)
    return manager


@asynccontextmanager
async def session(manager: AbstractUserManager, login: str) -> AsyncIterator[tuple[Response, User, str]]:
    """What a server does with a name that gets a user, the logout included."""
    response, user, text = await manager.get_user(login)
    assert user is not None
    yield response, user, text
    await manager.notify_logout(user)


async def answer(manager: AbstractUserManager, login: str, password: str | None = None) -> str:
    """What one session with one password is answered, as the server would: codes and the last text."""
    try:
        response, user, text = await manager.get_user(login)
    except CommandRefused as refusal:
        return f"{refusal.code} {refusal.text}"
    except NoReply:
        return "silence"
    if user is None:
        return f"530 {text}" if response is Response.ERROR else "331 530"
    try:
        return await _answer_password(manager, response, user, password, text)
    finally:
        await manager.notify_logout(user)


async def _answer_password(
    manager: AbstractUserManager, response: Response, user: User, password: str | None, text: str
) -> str:
    needed = "332 account" if user.account is not None else ""
    if response is Response.OK:
        return needed or f"230 {text}"
    try:
        right = await manager.authenticate(user, password or "")
    except CommandRefused as refusal:
        return f"331 {refusal.code} {refusal.text}"
    except NoReply:
        return "331 silence"
    if not right:
        return "331 530"
    return "331 332 account" if user.account is not None else "331 230"


# Without a script.


@pytest.mark.parametrize("login", ["ann", "any", "anonymous", "ftp", "open", "zoe", "", "a*", "\udcff"])
@pytest.mark.parametrize("password", ["secret", "wrong", ""])
@pytest.mark.parametrize("anonymous", [False, True])
async def test_without_a_script_it_is_the_manager_in_memory(login: str, password: str, anonymous: bool) -> None:
    """Names and passwords get the same answers with the same texts."""
    users = [User("ann", "secret"), User("any", ANY_PASSWORD), User("open"), *([User()] if anonymous else [])]

    for ask in (False, True):
        expected = await answer(MemoryUserManager(users, ask_anonymous=ask), login, password)
        assert await answer(ScriptedUserManager(users, ask_anonymous=ask), login, password) == expected


async def test_any_password_by_script() -> None:
    """A script steers who may give any password as everybody else; no password was compared."""
    manager = ScriptedUserManager([User("ann", ANY_PASSWORD)])
    manager.on("ann").reject().usual()
    assert [await answer(manager, "ann", "x") for _ in range(2)] == ["331 530 Login incorrect", "331 230"]
    assert [attempt.password_matched for attempt in manager.attempts] == [None, None]


@pytest.mark.parametrize(
    ("users", "known"),
    [
        ([User("ann", "secret")], {}),
        ([User("ann", "secret"), User("bob")], {"open_login": "bob"}),
        ([User("ann", "secret"), User()], {"open_login": "whoever", "unknown": None}),
        ([User("ann", "secret", maximum_connections=1)], {}),
        ([User("ann", "secret", maximum_connections=3, read_speed_limit=10, account="sales")], {}),
    ],
)
async def test_it_does_what_the_server_relies_on(users: list[User], known: dict[str, Any]) -> None:
    """The check of user managers passes, and no slot is held afterwards."""
    manager = ScriptedUserManager(users)
    await check_user_manager(lambda: manager, **known)

    slots = manager.available_connections.values()
    assert {slot.value for slot in slots} == {user.maximum_connections for user in users}


async def test_it_does_so_with_a_script_for_somebody_else(manager: ScriptedUserManager) -> None:
    """A script for one login changes nothing for the others."""
    manager.on("bob").time_out()
    await check_user_manager(lambda: manager, open_login="open")


async def test_users_of_a_session_are_those_of_the_list(manager: ScriptedUserManager) -> None:
    """What a session has of a user is equal to it, and has all that it has."""
    ann = manager.users[0]
    async with session(manager, "ann") as (_, first, _), session(manager, "ann") as (_, second, _):
        assert ann == first == second == ann
        assert len({ann, first, second}) == 1
        assert first != manager.users[1]
        assert (first.login, first.base_path, first.home_path) == ("ann", ann.base_path, ann.home_path)
        assert repr(first) == repr(ann)


async def test_a_user_that_it_did_not_give(manager: ScriptedUserManager) -> None:
    """Whoever hands it a user of the list gets what a manager in memory says."""
    ann = manager.users[0]
    manager.on("ann").reject()

    assert await manager.authenticate(ann, "secret")
    assert not await manager.check_account(User("ann", account="tax"), "x")
    await manager.get_user("ann")
    await manager.notify_logout(ann)
    assert manager.attempts == []


# Steps.


@pytest.mark.parametrize(
    ("script", "answers"),
    [
        (lambda on: on.accept(), "331 230"),
        (lambda on: on.accept(at="USER"), "230 Login successful"),
        (lambda on: on.reject(), "331 530 Login incorrect"),
        (lambda on: on.reject("Go away"), "331 530 Go away"),
        (lambda on: on.reject("Go away", code="430", at="USER"), "430 Go away"),
        (lambda on: on.close(), "331 421 Too many users"),
        (lambda on: on.close("Full", at="USER"), "421 Full"),
        (lambda on: on.ask_account("sales"), "331 332 account"),
        (lambda on: on.ask_account("sales", at="USER"), "332 account"),
        (lambda on: on.time_out(), "331 silence"),
        (lambda on: on.time_out(at="USER"), "silence"),
        (lambda on: on.raises(KeyError("x")), "331 451 Requested action aborted: internal error of the server"),
        (lambda on: on.raises(FileNotFoundError("x"), at="USER"), "550 No such file or directory"),
        (lambda on: on.usual(), "331 530"),
        (lambda on: on.ask_password().accept(), "331 230"),
    ],
)
@pytest.mark.parametrize("login", ["ann", "zoe"])
async def test_each_step(manager: ScriptedUserManager, script: Any, answers: str, login: str) -> None:
    """Each step is what it says, for ever, whether somebody has the login or not; the password does not count."""
    script(manager.on(login))

    assert [await answer(manager, login, "wrong") for _ in range(3)] == [answers] * 3


async def test_steps_come_in_sequence_and_the_last_one_stays(manager: ScriptedUserManager) -> None:
    """Each step answers one try, or as many as it says; the last one all that follow."""
    manager.on("ann").reject("Too busy", code="430").reject(times=2).accept()

    answers = [await answer(manager, "ann", "wrong") for _ in range(6)]

    assert answers == ["331 430 Too busy", *["331 530 Login incorrect"] * 2, *["331 230"] * 3]


async def test_a_script_may_be_over(manager: ScriptedUserManager) -> None:
    """When the last step has its times, the less specific script goes on, and then the list."""
    manager.on().reject("all", times=1)
    manager.on("ann").reject("ann", times=2)

    answers = [await answer(manager, "ann", "secret") for _ in range(4)]

    assert answers == ["331 530 ann", "331 530 ann", "331 530 all", "331 230"]


async def test_sessions_at_once_share_the_sequence(manager: ScriptedUserManager) -> None:
    """The n-th password gets the n-th step, whoever came first; a name alone takes none."""
    manager.on("ann").reject("one").reject("two").accept()
    async with session(manager, "ann") as (_, first, _), session(manager, "ann") as (_, second, _):
        for user, text in ((second, "one"), (first, "two")):
            with pytest.raises(CommandRefused, match=text):
                await manager.authenticate(user, "x")
        assert await manager.authenticate(second, "x")


async def test_a_step_for_user_may_come_to_its_turn_at_pass(manager: ScriptedUserManager) -> None:
    """When a client sends another password without a name, the next step answers it, wherever it was meant to stand."""
    manager.on("ann").reject().close("Enough", at="USER")
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
    """The name goes before a pattern, a pattern before all, whatever was said last."""
    manager.on("ann").reject("its name")
    manager.on("a*").reject("a pattern")
    manager.on("[x]").reject("odd")
    manager.on().reject("all")

    assert await answer(manager, login) == f"331 530 {text}"


async def test_of_two_patterns_the_last_counts(manager: ScriptedUserManager) -> None:
    """What was said last holds among equals, and a script takes the place of the one for the same login."""
    manager.on("a*").reject("first")
    manager.on("*n").reject("second")
    assert await answer(manager, "ann") == "331 530 second"

    manager.on("a*").reject("third")
    assert await answer(manager, "ann") == "331 530 third"
    assert await answer(manager, "bn") == "331 530 second"


async def test_a_script_counts_from_its_first_step(manager: ScriptedUserManager) -> None:
    """Beginning a script takes nothing away; a script that ran may be continued."""
    script = manager.on("ann").reject("one")
    manager.on("ann")
    assert await answer(manager, "ann") == "331 530 one"

    script.reject("two")
    assert [await answer(manager, "ann") for _ in range(2)] == ["331 530 two"] * 2


async def test_a_script_for_one_password(manager: ScriptedUserManager) -> None:
    """It goes before the others of that login, and leaves other passwords to them."""
    manager.on("ann").usual().when(password="old").reject("Password expired")
    manager.on("bob").when(password="dragon").reject("one", times=1)

    assert await answer(manager, "ann", "old") == "331 530 Password expired"
    assert await answer(manager, "ann", "secret") == "331 230"
    assert await answer(manager, "ann", "x") == "331 530"
    assert [await answer(manager, "bob", "dragon") for _ in range(2)] == ["331 530 one", "331 230"]


async def test_a_script_for_a_password_asks_for_it(manager: ScriptedUserManager) -> None:
    """A user without a password is asked for one when it decides what follows, and may still give any."""
    manager.on("open").when(password="x").reject()

    assert await answer(manager, "open", "x") == "331 530 Login incorrect"
    assert await answer(manager, "open", "y") == "331 230"


async def test_a_user_without_a_password(manager: ScriptedUserManager) -> None:
    """Steps at PASS ask for one; `usual` lets in at once, or after a question."""
    manager.on("open").usual().reject().ask_password("Your address?")
    assert await answer(manager, "open") == "230 Login without password"
    assert await answer(manager, "open") == "331 530 Login incorrect"
    assert (await manager.get_user("open"))[::2] == (Response.PASSWORD_REQUIRED, "Your address?")
    assert await answer(manager, "open") == "331 230"


async def test_the_text_of_the_question(manager: ScriptedUserManager) -> None:
    """`ask_password` says it, for the steps that follow it."""
    manager.on("ann").ask_password("otp-md5 499 ke1234").reject().accept()

    for text, code in (("otp-md5 499 ke1234", "331 530 Login incorrect"), ("Password required", "331 230")):
        async with session(manager, "ann") as (_, _, said):
            assert said == text
        assert await answer(manager, "ann") == code


async def test_accounts_of_a_script(manager: ScriptedUserManager) -> None:
    """What the script asks for is what ACCT must bring; another session is not asked."""
    manager.on("ann").ask_account("sales", times=1)
    async with session(manager, "ann") as (_, user, _), session(manager, "ann") as (_, other, _):
        assert await manager.authenticate(user, "x")
        assert not await manager.check_account(user, "4711")
        assert await manager.check_account(user, "sales")
        assert await manager.authenticate(other, "secret")
        assert other.account is None
    manager.assert_attempts("ann", "asked", "rejected", "accepted", "accepted")


async def test_accept_does_without_the_account_of_the_list() -> None:
    """Let in is let in."""
    manager = ScriptedUserManager([User("ann", "secret", account="sales")])
    assert await answer(manager, "ann", "secret") == "331 332 account"
    manager.on("ann").accept()
    assert await answer(manager, "ann") == "331 230"


async def test_who_is_let_in() -> None:
    """A login that nobody has sees what the first user sees, with everything allowed; a script may bring its own."""
    guest = User("guest", permissions=[Permission("/", writable=False)], home_path="/guest")
    manager = ScriptedUserManager([User("ann", "secret", base_path="/srv", permissions=[Permission(writable=False)])])
    manager.on("zoe").accept()
    manager.on("eve").accept(user=guest)
    manager.on("ann").accept(user=guest)

    async with session(manager, "zoe") as (_, user, _):
        assert await manager.authenticate(user, "x")
        assert (user.login, str(user.base_path), str(user.home_path)) == ("zoe", "/srv", "/")
        assert (await user.get_permissions("/a")).writable
    for login in ("eve", "ann"):
        async with session(manager, login) as (_, user, _):
            assert await manager.authenticate(user, "x")
            assert user == guest
            assert user.home_path == PurePosixPath("/guest")
            assert not (await user.get_permissions("/a")).writable
    assert {slots.value for slots in manager.available_connections.values()} == {None}


@pytest.mark.parametrize("cause", [OSError("database is down"), ValueError("typo")])
async def test_what_the_manager_raises_is_the_cause(manager: ScriptedUserManager, cause: Exception) -> None:
    """Whoever looks behind the 451 finds the exception."""
    manager.on("ann").raises(cause)
    async with session(manager, "ann") as (_, user, _):
        for _ in range(2):
            with pytest.raises(CommandRefused, match="451") as raised:
                await manager.authenticate(user, "x")
            assert raised.value.__cause__ is cause


# Time.


async def _after(clock: Clock, seconds: float, task: asyncio.Task[Any]) -> bool:
    """Whether a task ends within so many seconds."""
    await asyncio.sleep(0)  # it begins
    clock.move(seconds)
    for _ in range(5):
        await asyncio.sleep(0)
    return task.done()


async def test_delay(manager: ScriptedUserManager, clock: Clock) -> None:
    """The answer to PASS waits by the server's clock; the try is noted before."""
    manager.on("ann").delay(10).delay(20).reject().accept()
    async with session(manager, "ann") as (_, user, _):
        task = asyncio.create_task(manager.authenticate(user, "x"))
        assert not await _after(clock, 29, task)
        assert [(attempt.at, attempt.outcome) for attempt in manager.attempts] == [(1000, "rejected")]
        assert await _after(clock, 1, task)
        with pytest.raises(CommandRefused):
            await task
        assert await manager.authenticate(user, "x")


async def test_delay_before_the_question(manager: ScriptedUserManager, clock: Clock) -> None:
    """What stands before `ask_password` delays the 331, what stands behind it the answer to PASS."""
    manager.on("ann").delay(10).ask_password("Now?").delay(20)
    naming = asyncio.create_task(manager.get_user("ann"))
    assert not await _after(clock, 9, naming)
    assert await _after(clock, 1, naming)
    _, user, text = await naming
    assert user is not None
    assert text == "Now?"
    proving = asyncio.create_task(manager.authenticate(user, "secret"))
    assert not await _after(clock, 19, proving)
    assert await _after(clock, 1, proving)
    assert await proving  # nothing follows: the list decides


async def test_delay_at_user(manager: ScriptedUserManager, clock: Clock) -> None:
    """Where USER is answered, USER waits."""
    manager.on("open").delay(10)
    task = asyncio.create_task(manager.get_user("open"))
    assert not await _after(clock, 9, task)
    assert await _after(clock, 1, task)
    assert (await task)[0] is Response.OK


async def test_a_client_that_does_not_wait_gives_its_place_back(clock: Clock) -> None:
    """A session that ends while USER is delayed holds no slot."""
    ann = User("ann", maximum_connections=1)
    manager = ScriptedUserManager([ann])
    manager.use_clock(clock)
    manager.on("ann").delay(10)
    task = asyncio.create_task(manager.get_user("ann"))
    await asyncio.sleep(0)
    assert manager.available_connections[ann].value == 0

    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert manager.available_connections[ann].value == 1


async def test_users_expire(manager: ScriptedUserManager, clock: Clock) -> None:
    """From the moment on the right password is refused; it may be said as time or as seconds from now, and anew."""
    manager.expire("ann", after=60)
    manager.expire("bob", at=1030)
    assert [await answer(manager, *known) for known in (("ann", "secret"), ("bob", "dragon"))] == ["331 230"] * 2

    clock.move(59)
    assert await answer(manager, "ann", "secret") == "331 230"
    assert await answer(manager, "bob", "dragon") == "331 530 Account expired"
    clock.move(1)
    assert await answer(manager, "ann", "secret") == "331 530 Account expired"
    manager.assert_attempts("ann", "accepted", "accepted", "expired")

    manager.expire("ann", at=math.inf)
    assert await answer(manager, "ann", "secret") == "331 230"
    manager.expire("open")
    assert await answer(manager, "open") == "530 Account expired"


async def test_attempts_have_the_server_s_time(manager: ScriptedUserManager, clock: Clock) -> None:
    """Each try has its moment."""
    for _ in range(3):
        await answer(manager, "ann", "secret")
        clock.move(5)

    assert [attempt.at for attempt in manager.attempts] == [1000, 1005, 1010]


# Locks.


async def test_a_login_locks_after_failures_in_a_row(clock: Clock) -> None:
    """The right password in between begins the count anew; locked, it is refused like any other; until unlocked."""
    manager = ScriptedUserManager([User("ann", "secret"), User("bob", "dragon")], lock_after=2)
    for password in ("x", "secret", "x"):
        await answer(manager, "ann", password)
    assert await answer(manager, "ann", "x") == "331 530"

    assert [await answer(manager, "ann", word) for word in ("secret", "x")] == ["331 530 Account locked"] * 2
    assert await answer(manager, "bob", "dragon") == "331 230"
    manager.assert_attempts("ann", "rejected", "accepted", "rejected", "rejected", "locked", "locked")
    manager.unlock("ann")
    assert [await answer(manager, "ann", word) for word in ("x", "secret")] == ["331 530", "331 230"]


async def test_locks_of_one_login_and_of_all(manager: ScriptedUserManager) -> None:
    """A number of its own goes before that of all; a lock may come at once; names that nobody has lock, too."""
    manager.lock(after=1)
    manager.lock("bob", after=2)
    for login in ("ann", "bob", "zoe"):
        await answer(manager, login, "x")

    answers = {login: await answer(manager, login, "dragon") for login in ("ann", "bob", "zoe")}
    assert answers == {"ann": "331 530 Account locked", "bob": "331 230", "zoe": "331 530 Account locked"}
    manager.lock("bob")
    assert await answer(manager, "bob", "dragon") == "331 530 Account locked"


async def test_failures_of_a_script_lock_too_and_a_lock_goes_before_the_script(manager: ScriptedUserManager) -> None:
    """What is said of the login holds, and takes no step of its script."""
    manager.lock("ann", after=2)
    manager.on("ann").reject(times=2).accept()

    answers = [await answer(manager, "ann", "x") for _ in range(3)]
    manager.unlock("ann")

    assert answers == ["331 530 Login incorrect"] * 2 + ["331 530 Account locked"]
    assert await answer(manager, "ann", "x") == "331 230"


async def test_what_is_not_the_client_s_failure_locks_nobody(manager: ScriptedUserManager) -> None:
    """A server that is busy, closes or breaks is not counted; 430 is."""
    manager.lock("ann", after=1)
    script = manager.on("ann").reject("Disk full", code="452").close().raises(OSError("down"))

    assert [(await answer(manager, "ann"))[4:7] for _ in range(3)] == ["452", "421", "451"]
    script.reject(code="430").accept()
    answers = [await answer(manager, "ann") for _ in range(2)]
    assert answers == ["331 430 Login incorrect", "331 530 Account locked"]


# Limits.


async def test_limits(manager: ScriptedUserManager) -> None:
    """One session too many is refused at USER, until one ends; a lower limit leaves those who are there alone."""
    manager.limit("ann", 2)
    async with session(manager, "ann"):
        async with session(manager, "ann"):
            assert await answer(manager, "ann", "secret") == "530 Too many connections for ann"
            manager.limit("ann", 1)
        assert await answer(manager, "ann", "secret") == "530 Too many connections for ann"
        manager.limit("ann", None)
        assert await answer(manager, "ann", "secret") == "331 230"
        manager.limit("ann", 1)
        manager.on("ann").accept()
        assert await answer(manager, "ann", "secret") == "530 Too many connections for ann"
    assert await answer(manager, "ann", "secret") == "331 230"
    manager.assert_attempts("ann", "full", "full", "accepted", "full", "accepted")


async def test_limits_of_those_whom_a_script_lets_in(manager: ScriptedUserManager) -> None:
    """They are counted from when they are in."""
    guest = User("guest", maximum_connections=1)
    manager.on("zoe").accept()
    manager.on("eve").accept(user=guest)
    manager.limit("zoe", 1)
    for login in ("zoe", "eve"):
        async with session(manager, login) as (_, user, _):
            assert await manager.authenticate(user, "x")
            assert await answer(manager, login) == f"331 530 Too many connections for {login}"
        assert await answer(manager, login) == "331 230"
    manager.limit("guest", 0)
    assert await answer(manager, "eve") == "331 530 Too many connections for eve"


# Rights.


async def test_rights_change_in_the_middle_of_a_session() -> None:
    """They hold for sessions that are there, for that user only, and leave the user as it was."""
    ann = User("ann", "secret")
    manager = ScriptedUserManager([ann, User("bob", "dragon")])
    async with session(manager, "ann") as (_, user, _), session(manager, "bob") as (_, other, _):
        assert (await user.get_permissions("/out")).writable

        manager.permit("ann", Permission("/"), Permission("/out", writable=False))

        assert not (await user.get_permissions("/out")).writable
        assert (await user.get_permissions("/in")).writable
        assert (await other.get_permissions("/out")).writable
        manager.permit("ann")
        assert (await user.get_permissions("/out")).writable
    manager.permit("ann", Permission("/", readable=False))
    assert (await ann.get_permissions("/")).readable


# Certificates.


async def test_a_certificate_stands_for_the_password() -> None:
    """It lets in, unless a script, a lock or an expiry has something to say."""
    manager = ScriptedUserManager([User("ann", "secret", certificate="ann")])
    async with session(manager, "ann") as (_, user, _):
        assert await manager.authenticate_certificate(user, CERTIFICATE)
        assert not await manager.authenticate_certificate(user, {})
        manager.on("ann").usual(times=1).reject()
        assert await manager.authenticate_certificate(user, CERTIFICATE)
        assert not await manager.authenticate_certificate(user, CERTIFICATE)
        manager.on("ann").usual()
        manager.lock("ann")
        assert not await manager.authenticate_certificate(user, CERTIFICATE)
        manager.unlock("ann")
        manager.expire("ann")
        assert not await manager.authenticate_certificate(user, CERTIFICATE)
    async with session(manager, "zoe") as (_, user, _):
        assert not await manager.authenticate_certificate(user, CERTIFICATE)
    assert [attempt.code for attempt in manager.assert_attempts("ann", "accepted", "accepted")] == ["232", "232"]


# What is seen.


async def test_what_is_noted(manager: ScriptedUserManager) -> None:
    """Outcome and code of each try, and whether the password was right, but never which it was."""
    manager.on("bob").accept().reject().reject(at="USER").close("x").time_out().raises(KeyError())
    for login, password in [
        ("ann", "hunter2"),
        ("ann", "secret"),
        ("zoe", "x"),
        ("open", ""),
        *[("bob", "dragon")] * 6,
    ]:
        await answer(manager, login, password)

    assert [(a.login, a.outcome, a.code, a.password_matched) for a in manager.attempts] == [
        ("ann", "rejected", "530", False),
        ("ann", "accepted", "230", True),
        ("zoe", "rejected", "530", None),
        ("open", "accepted", "230", None),
        ("bob", "accepted", "230", True),
        ("bob", "rejected", "530", True),
        ("bob", "rejected", "530", None),
        ("bob", "closed", "421", True),
        ("bob", "timed out", "", True),
        ("bob", "raised", "451", True),
    ]
    assert "hunter2" not in repr(manager.attempts)
    assert str(manager.attempts[0]) == "ann rejected (530), wrong password"


async def test_who_is_out(manager: ScriptedUserManager) -> None:
    """Those who were in are noted when their session ends, in that order; the others are not."""
    async with session(manager, "ann") as (_, user, _):
        async with session(manager, "open"):
            await answer(manager, "bob", "x")
        await manager.authenticate(user, "secret")
        assert manager.logouts == ["open"]
    assert manager.logouts == ["open", "ann"]


def test_assertions_on_attempts(manager: ScriptedUserManager) -> None:
    """They give the tries, and say where those differ from what was expected."""
    for password in ("x", "secret"):
        asyncio.run(answer(manager, "ann", password))
    assert [attempt.code for attempt in manager.assert_attempts("ann", "rejected", "accepted")] == ["530", "230"]
    manager.assert_attempts("bob")

    seen = "seen rejected, accepted"
    tries = "\n\n    +0.000 ann rejected (530), wrong password\n    +0.000 ann accepted (230), right password"
    for outcomes, text in [
        (("accepted",), f"expected accepted; {seen}\nnumber 1 differs: ann rejected (530), wrong password"),
        (("rejected",), f"expected rejected; {seen}\nnumber 2 is one too many: ann accepted (230), right password"),
        (
            ("rejected", "accepted", "locked"),
            f"expected rejected, accepted, locked; {seen}\nnumber 3 is missing: locked",
        ),
    ]:
        with pytest.raises(AssertionError) as raised:
            manager.assert_attempts("ann", *outcomes)
        assert str(raised.value) == f"attempts of 'ann': {text}{tries}"
    with pytest.raises(AssertionError, match=r"^attempts of 'anm': expected locked; seen none\nnearest: 'ann'\n"):
        manager.assert_attempts("anm", "locked")


def test_assertions_on_nothing(manager: ScriptedUserManager) -> None:
    """When nobody came, they say so."""
    with pytest.raises(AssertionError, match=r"^attempts of 'ann': expected accepted; seen none\nnobody has tried$"):
        manager.assert_attempts("ann", "accepted")
    with pytest.raises(AssertionError, match=r"^'ann' logged out 0 of 1 times within 0 s; out are: nobody$"):
        manager.wait_for_logout("ann", timeout=0)
    with pytest.raises(
        ConfigurationError, match="'refused' is no outcome: use accepted, asked, rejected, closed, full"
    ):
        manager.assert_attempts("ann", "refused")


def test_waiting_from_another_thread(manager: ScriptedUserManager) -> None:
    """Whoever waits is told when it happens."""
    waiting = threading.Event()

    def log_in() -> None:
        waiting.wait(10)
        asyncio.run(answer(manager, "ann", "x"))
        asyncio.run(answer(manager, "ann", "secret"))

    thread = threading.Thread(target=log_in)
    thread.start()
    waiting.set()
    try:
        manager.wait_for_attempts("ann", "rejected", "accepted")
        manager.wait_for_logout("ann")
    finally:
        thread.join()


async def test_steps_may_be_added_while_others_are_taken(manager: ScriptedUserManager) -> None:
    """With a thread that adds, no step is lost, and none acts twice."""
    script = manager.on("ann").reject("0", times=1)
    thread = threading.Thread(target=lambda: [script.reject(str(n), times=1) for n in range(1, 500)])
    thread.start()
    seen: list[str] = []
    while len(seen) < 500:
        said = await answer(manager, "ann", "x")
        if said != "331 530":  # the other thread was slower
            seen.append(said.rpartition(" ")[2])
    thread.join()

    assert seen == [str(number) for number in range(500)]


# Mistakes.


@pytest.mark.parametrize(
    ("mistake", "text"),
    [
        (
            lambda on: on.reject(code="200"),
            r"code takes 4xx or 5xx, such as 530 or 430 \(for 421 use close()\), not '200'",
        ),
        (lambda on: on.reject(code="421"), "code takes 4xx or 5xx"),
        (lambda on: on.accept(at="QUIT"), "at takes 'USER' or 'PASS', not 'QUIT'"),
        (
            lambda on: on.accept(times=0),
            "times takes a whole number, 1 or more, or None for one try, or all if no step follows, not 0",
        ),
        (lambda on: on.delay(-1), "delay takes a number of seconds, 0 or more, not -1"),
        (lambda on: on.delay("1"), "delay takes a number of seconds, 0 or more, not '1'"),
        (lambda on: on.raises("boom"), r"raises\('boom'\): give an exception, as in raises"),
        (lambda on: on.when(password="x").accept(at="USER"), "the password comes later, so leave at= away"),
        (lambda on: on.when(password="x").ask_password(), "the 331 comes first, so say it before"),
        (lambda on: on.ask_password().accept(at="USER"), "leave at= away, or do not ask"),
        (lambda on: on.ask_password().ask_password(), "say what follows the password"),
    ],
)
def test_a_step_that_cannot_be(manager: ScriptedUserManager, mistake: Any, text: str) -> None:
    """A mistake is told where it is made, with what would be right."""
    with pytest.raises(ConfigurationError, match=text.replace("()", r"\(\)")):
        mistake(manager.on("ann"))


@pytest.mark.parametrize(
    ("mistake", "text"),
    [
        (
            lambda manager: manager.limit("anm", 1),
            "nobody has the login 'anm': use one of 'ann', 'bob', 'open', or let",
        ),
        (lambda manager: manager.permit("anm"), r"let it in with on\('anm'\)"),
        (lambda manager: manager.expire("anm"), "nobody has the login 'anm'"),
        (
            lambda manager: manager.limit("ann", -1),
            "count takes a whole number of connections, 0 or more, or None for any number, not -1",
        ),
        (lambda manager: manager.expire("ann", after=-1), "after takes a number of seconds, 0 or more, not -1"),
        (lambda manager: manager.expire("ann", at=1, after=1), "at=1, after=1: give one of the two"),
        (lambda manager: manager.lock(), r"lock\(\) of nobody: name a login, or a number of failures"),
        (lambda manager: manager.lock("ann", after=0), "after takes a whole number, 1 or more, not 0"),
        (
            lambda manager: ScriptedUserManager([], lock_after=0),
            "lock_after takes a whole number of failures, 1 or more, or None for never, not 0",
        ),
    ],
)
def test_a_setting_that_cannot_be(manager: ScriptedUserManager, mistake: Any, text: str) -> None:
    """So with what is said of users."""
    with pytest.raises(ConfigurationError, match=text):
        mistake(manager)


def test_reprs_hide_passwords(manager: ScriptedUserManager) -> None:
    """A script tells for whom it is, and not for which password."""
    script = manager.on("ann").when(password="hunter2").reject().ask_account("hunter2")

    assert isinstance(script, LoginScript)
    assert repr(script) == "<LoginScript on('ann').when(password=***), 2 steps>"
    assert repr(manager.on().accept()) == "<LoginScript on('*'), 1 steps>"
