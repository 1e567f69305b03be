"""The scripted user manager: the replies to attempts, and the records of them."""

from __future__ import annotations

import asyncio
import math
from pathlib import PurePosixPath
from typing import Any

import pytest

from ftpfixture.clock import Clock
from ftpfixture.errors import CommandRefused, ConfigurationError
from ftpfixture.server.users import ANY_PASSWORD, MemoryUserManager, Permission, User
from ftpfixture.server.users.login_script import LoginScript
from ftpfixture.server.users.scripted import ScriptedUserManager
from ftpfixture.testing import check_user_manager
from tests.support.logins import Response, answer, session

CERTIFICATE = {"subject": ((("commonName", "ann"),),)}


@pytest.mark.parametrize("login", ["ann", "any", "anonymous", "ftp", "open", "zoe", "", "a*", "\udcff"])
@pytest.mark.parametrize("password", ["secret", "wrong", ""])
@pytest.mark.parametrize("anonymous", [False, True])
async def test_without_a_script_it_is_the_manager_in_memory(login: str, password: str, anonymous: bool) -> None:
    """Names and passwords get the same replies with the same texts."""
    users = [User("ann", "secret"), User("any", ANY_PASSWORD), User("open"), *([User()] if anonymous else [])]

    for ask in (False, True):
        expected = await answer(MemoryUserManager(users, ask_anonymous=ask), login, password)
        assert await answer(ScriptedUserManager(users, ask_anonymous=ask), login, password) == expected


async def test_any_password_by_script() -> None:
    """A script also applies to users with any password; no password was compared."""
    manager = ScriptedUserManager([User("ann", ANY_PASSWORD)])
    manager.on("ann").reject().usual()
    assert [await answer(manager, "ann", "x") for _ in range(2)] == ["331 530 Login incorrect", "331 230"]
    assert [attempt.password_matched for attempt in manager.attempts] == [None, None]


@pytest.mark.parametrize(
    ("users", "known"),
    [
        ([User("ann", "secret")], {}),
        ([User("ann", "secret"), User("bob")], {"open_login": "bob"}),
        ([User("ann", "secret"), User()], {"open_login": "zoe", "unknown": None}),
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


async def test_it_does_so_with_a_script_for_another_login(manager: ScriptedUserManager) -> None:
    """A script for one login changes nothing for the others."""
    manager.on("bob").time_out()
    await check_user_manager(lambda: manager, open_login="open")


async def test_users_of_a_session_are_those_of_the_list(manager: ScriptedUserManager) -> None:
    """A session's user is equal to the listed one, and has all its attributes."""
    ann = manager.users[0]
    async with session(manager, "ann") as (_, first, _), session(manager, "ann") as (_, second, _):
        assert ann == first == second == ann
        assert len({ann, first, second}) == 1
        assert first != manager.users[1]
        assert (first.login, first.base_path, first.home_path) == ("ann", ann.base_path, ann.home_path)
        assert repr(first) == repr(ann)


async def test_a_user_that_it_did_not_return(manager: ScriptedUserManager) -> None:
    """A user of the list itself gets the result of a manager in memory."""
    ann = manager.users[0]
    manager.on("ann").reject()

    assert await manager.authenticate(ann, "secret")
    assert not await manager.check_account(User("ann", account="tax"), "x")
    await manager.get_user("ann")
    await manager.notify_logout(ann)
    assert manager.attempts == []


async def test_a_user_without_a_password(manager: ScriptedUserManager) -> None:
    """Steps at PASS ask for one; `usual` logs in at once, or after a question."""
    manager.on("open").usual().reject().ask_password("Your address?")
    assert await answer(manager, "open") == "230 Login without password"
    assert await answer(manager, "open") == "331 530 Login incorrect"
    assert (await manager.get_user("open"))[::2] == (Response.PASSWORD_REQUIRED, "Your address?")
    assert await answer(manager, "open") == "331 230"


async def test_the_text_of_the_question(manager: ScriptedUserManager) -> None:
    """`ask_password` sets it, for the steps that follow it."""
    manager.on("ann").ask_password("otp-md5 499 ke1234").reject().accept()

    for text, code in (("otp-md5 499 ke1234", "331 530 Login incorrect"), ("Password required", "331 230")):
        async with session(manager, "ann") as (_, _, reply_text):
            assert reply_text == text
        assert await answer(manager, "ann") == code


async def test_accounts_of_a_script(manager: ScriptedUserManager) -> None:
    """ACCT must send the script's account; another session is not asked."""
    manager.on("ann").ask_account("sales", times=1)
    async with session(manager, "ann") as (_, user, _), session(manager, "ann") as (_, other, _):
        assert await manager.authenticate(user, "x")
        assert not await manager.check_account(user, "4711")
        assert await manager.check_account(user, "sales")
        assert await manager.authenticate(other, "secret")
        assert other.account is None
    manager.assert_attempts("ann", "asked", "rejected", "accepted", "accepted")


async def test_accept_does_without_the_account_of_the_list() -> None:
    """`accept` asks for no account."""
    manager = ScriptedUserManager([User("ann", "secret", account="sales")])
    assert await answer(manager, "ann", "secret") == "331 332 account"
    manager.on("ann").accept()
    assert await answer(manager, "ann") == "331 230"


async def test_the_user_of_a_login_without_one() -> None:
    """It has the first user's files with all rights; a script may name another user."""
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
    """The cause of the 451 is the exception."""
    manager.on("ann").raises(cause)
    async with session(manager, "ann") as (_, user, _):
        for _ in range(2):
            with pytest.raises(CommandRefused, match="451") as raised:
                await manager.authenticate(user, "x")
            assert raised.value.__cause__ is cause


async def _after(clock: Clock, seconds: float, task: asyncio.Task[Any]) -> bool:
    """Whether a task ends within some seconds."""
    await asyncio.sleep(0)  # it begins
    clock.move(seconds)
    for _ in range(5):
        await asyncio.sleep(0)
    return task.done()


async def test_delay(manager: ScriptedUserManager, clock: Clock) -> None:
    """The reply to PASS waits by the server's clock; the attempt is recorded before."""
    manager.on("ann").delay(10).delay(20).reject().accept()
    async with session(manager, "ann") as (_, user, _):
        task = asyncio.create_task(manager.authenticate(user, "x"))
        assert not await _after(clock, 29, task)
        assert [(attempt.time, attempt.outcome) for attempt in manager.attempts] == [(1000, "rejected")]
        assert await _after(clock, 1, task)
        with pytest.raises(CommandRefused):
            await task
        assert await manager.authenticate(user, "x")


async def test_delay_before_the_question(manager: ScriptedUserManager, clock: Clock) -> None:
    """A delay before `ask_password` delays the 331, one after it the reply to PASS."""
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
    """Where USER decides, its reply waits."""
    manager.on("open").delay(10)
    task = asyncio.create_task(manager.get_user("open"))
    assert not await _after(clock, 9, task)
    assert await _after(clock, 1, task)
    assert (await task)[0] is Response.OK


async def test_a_client_that_does_not_wait_releases_its_slot(clock: Clock) -> None:
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
    """From that time on the right password is refused; it is given as a time or in seconds from now, and again."""
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


async def test_attempts_have_the_servers_time(manager: ScriptedUserManager, clock: Clock) -> None:
    """Each attempt has its time."""
    for _ in range(3):
        await answer(manager, "ann", "secret")
        clock.move(5)

    assert [attempt.time for attempt in manager.attempts] == [1000, 1005, 1010]


async def test_a_login_locks_after_failures_in_a_row(clock: Clock) -> None:
    """The right password in between resets the count; a locked login is refused with any password until unlocked."""
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
    """A login's own number has precedence over that of all; a lock may act at once; unknown names lock, too."""
    manager.lock(after=1)
    manager.lock("bob", after=2)
    for login in ("ann", "bob", "zoe"):
        await answer(manager, login, "x")

    answers = {login: await answer(manager, login, "dragon") for login in ("ann", "bob", "zoe")}
    assert answers == {"ann": "331 530 Account locked", "bob": "331 230", "zoe": "331 530 Account locked"}
    manager.lock("bob")
    assert await answer(manager, "bob", "dragon") == "331 530 Account locked"


async def test_failures_of_a_script_lock_and_a_lock_has_precedence(manager: ScriptedUserManager) -> None:
    """A lock applies before the script, and takes no step of it."""
    manager.lock("ann", after=2)
    manager.on("ann").reject(times=2).accept()

    answers = [await answer(manager, "ann", "x") for _ in range(3)]
    manager.unlock("ann")

    assert answers == ["331 530 Login incorrect"] * 2 + ["331 530 Account locked"]
    assert await answer(manager, "ann", "x") == "331 230"


async def test_failures_of_the_server_do_not_lock(manager: ScriptedUserManager) -> None:
    """A server that is busy, closes or fails is not counted; 430 is."""
    manager.lock("ann", after=1)
    script = manager.on("ann").reject("Disk full", code="452").close().raises(OSError("down"))

    assert [(await answer(manager, "ann"))[4:7] for _ in range(3)] == ["452", "421", "451"]
    script.reject(code="430").accept()
    answers = [await answer(manager, "ann") for _ in range(2)]
    assert answers == ["331 430 Login incorrect", "331 530 Account locked"]


async def test_limits(manager: ScriptedUserManager) -> None:
    """One session too many is refused at USER, until one ends; a lower limit leaves existing sessions alone."""
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


async def test_limits_of_users_of_a_script(manager: ScriptedUserManager) -> None:
    """They are counted from their login on."""
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


async def test_rights_change_during_a_session() -> None:
    """They apply to existing sessions, for that user only, and do not change the user object."""
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


async def test_a_certificate_replaces_the_password() -> None:
    """It logs in, unless a script, a lock or an expiry applies."""
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


@pytest.mark.parametrize(
    ("mistake", "text"),
    [
        (
            lambda manager: manager.limit("anm", 1),
            "no user has the login 'anm': use one of 'ann', 'bob', 'open', or accept",
        ),
        (lambda manager: manager.permit("anm"), r"accept it with on\('anm'\)"),
        (lambda manager: manager.expire("anm"), "no user has the login 'anm'"),
        (
            lambda manager: manager.limit("ann", -1),
            "count takes a whole number of connections, 0 or more, or None for any number, not -1",
        ),
        (lambda manager: manager.expire("ann", after=-1), "after takes a number of seconds, 0 or more, not -1"),
        (lambda manager: manager.expire("ann", at=1, after=1), "at=1, after=1: give one of the two"),
        (lambda manager: manager.lock(), r"lock\(\) needs a login, or a number of failures"),
        (lambda manager: manager.lock("ann", after=0), "after takes a whole number, 1 or more, not 0"),
        (
            lambda manager: ScriptedUserManager([], lock_after=0),
            "lock_after takes a whole number of failures, 1 or more, or None for never, not 0",
        ),
    ],
)
def test_an_impossible_setting(manager: ScriptedUserManager, mistake: Any, text: str) -> None:
    """The same goes for methods that name a user."""
    with pytest.raises(ConfigurationError, match=text):
        mistake(manager)


def test_reprs_hide_passwords(manager: ScriptedUserManager) -> None:
    """A script shows its login, and not its password."""
    script = manager.on("ann").when(password="hunter2").reject().ask_account("hunter2")

    assert isinstance(script, LoginScript)
    assert repr(script) == "<LoginScript on('ann').when(password=***), 2 steps>"
    assert repr(manager.on().accept()) == "<LoginScript on('*'), 1 steps>"
