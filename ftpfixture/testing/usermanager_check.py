"""A check that any user manager does what the server relies on.

One rule: every failure names the rule that was broken, what was seen, and what to do about it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from ftpfixture.server.users import AbstractUserManager, Permission, User
from ftpfixture.testing.rules import hold, same

__all__ = ["check_user_manager"]

Answer = tuple[AbstractUserManager.GetUserResponse, User | None]
Check = Callable[["_Asked", "_Known"], Awaitable[None]]

_ROUNDS = 20  # logins one after another; a leak of slots shows within these and as many as the limit is
_AT_ONCE = 8  # tasks
_LARGEST_LIMIT = 64  # connections that are opened to check that one more is refused

_ANSWERS_ANY_NAME = "get_user returns for every name"
_ANSWERS_ANY_PASSWORD = "authenticate returns for every password"


@dataclass(frozen=True)
class _Known:
    """What the caller says about the manager; see `check_user_manager`."""

    login: str
    password: str
    open_login: str | None
    unknown: str | None


async def check_user_manager(
    factory: Callable[[], AbstractUserManager],
    *,
    login: str = "ann",
    password: str = "secret",
    open_login: str | None = None,
    unknown: str | None = "nobody",
) -> None:
    """Check that the user manager a factory makes does what the server relies on.

    The manager is made once, and used as sessions use it: each `get_user` that returns a user is followed by
    `notify_logout`. Dozens of wrong passwords are tried: make a manager that locks users out without that ability.

    Args:
        factory: Called without arguments: a class, or anything that makes a manager.
        login: Name of a user who needs a password, and who may be connected eight times at once, or as often as the
            user's `maximum_connections` says.
        password: The right password.
        open_login: Name of a user who needs no password; None if there is none.
        unknown: A name without a user; None if every name has one, as with an anonymous user who has no login.

    Raises:
        AssertionError: A rule is broken. The text says which, what was seen, and what to do.
    """
    manager = factory()
    hold(
        "the factory makes a user manager",
        isinstance(manager, AbstractUserManager),
        f"it made {manager!r:.200}",
        "derive it from AbstractUserManager",
    )
    known = _Known(login, password, open_login, unknown)
    for check in _CHECKS:
        await check(_Asked(manager), known)


class _Asked:
    """Calls a manager as the server does, and checks everything that it returns.

    Args:
        manager: The manager that is checked.
    """

    def __init__(self, manager: AbstractUserManager) -> None:
        self._manager = manager
        self.responses = manager.GetUserResponse

    async def get_user(self, login: str) -> Answer:
        """Return what the manager returns for a name: response, user and text."""
        advice = "return ERROR for names that cannot be"
        answer = await _done(_ANSWERS_ANY_NAME, self._manager.get_user, (login,), f"get_user({login!r:.50})", advice)
        hold(
            "get_user returns a response, the user and a text",
            isinstance(answer, tuple) and len(answer) == 3,
            f"it gave {answer!r:.200}",
            "return a tuple of these three",
        )
        response, user, text = answer
        self._look_at(response, user, text)
        return response, user

    def _look_at(self, response: object, user: object, text: object) -> None:
        hold(
            "the response is one of GetUserResponse",
            isinstance(response, self.responses),
            f"it gave {response!r:.200}",
            "return self.GetUserResponse.OK, PASSWORD_REQUIRED or ERROR",
        )
        hold(
            "the user is a User or None",
            user is None or isinstance(user, User),
            f"it gave {user!r:.200}",
            "return a User, or an object of a class derived from it",
        )
        hold(
            "the text is a str",
            isinstance(text, str),
            f"it gave {text!r:.200}",
            "return one: it becomes the text of the reply",
        )
        if response is self.responses.ERROR:
            hold("ERROR comes without a user", user is None, f"it gave {user!r:.200}", "return None with ERROR")
        if response is self.responses.OK:
            hold("OK comes with a user", user is not None, "it gave None", "return the user who is logged in")

    async def authenticate(self, user: User, password: str, label: str) -> bool:
        """Whether a password is accepted; messages have `label` in place of it."""
        advice = "return False for passwords that cannot be"
        call = f"authenticate with {label}"
        taken = await _done(_ANSWERS_ANY_PASSWORD, self._manager.authenticate, (user, password), call, advice)
        hold(
            "authenticate returns True or False",
            isinstance(taken, bool),
            f"with {label} it gave {taken!r:.50}",
            "return a bool: the server logs in a user for any true value",
        )
        return bool(taken)

    async def check_account(self, user: User, account: str) -> bool:
        """Whether an account is taken."""
        taken = await _done(
            "check_account returns for every account",
            self._manager.check_account,
            (user, account),
            f"check_account with {account!r:.50}",
            "return False for accounts that cannot be",
        )
        hold("check_account returns True or False", isinstance(taken, bool), f"it gave {taken!r:.50}", "return a bool")
        return bool(taken)

    async def get_permissions(self, user: User) -> object:
        """What a user may do at the root."""
        call = "get_permissions of the user"
        advice = "answer Permission() where everything is allowed"
        return await _done("a user has permissions", user.get_permissions, (PurePosixPath("/"),), call, advice)

    @asynccontextmanager
    async def session(self, login: str) -> AsyncIterator[Answer]:
        """Log in a name for the length of a block; a user that it gave is logged out at the end."""
        response, user = await self.get_user(login)
        try:
            yield response, user
        finally:
            if user is not None:
                await self.log_out(user)

    @asynccontextmanager
    async def session_of(self, known: _Known, label: str) -> AsyncIterator[User]:
        """A session of the user who needs a password; `maximum_connections` allows it."""
        async with self.session(known.login) as (response, user):
            if user is None or response is not self.responses.PASSWORD_REQUIRED:
                raise AssertionError(
                    f"a session that is over gives back its slot; but {label} got {response} and {user!r:.100}. "
                    "To do: free in notify_logout what get_user took"
                )
            yield user

    async def log_out(self, user: User) -> None:
        """Report that a session is over."""
        rule = "notify_logout may be called once for every get_user that returned a user"
        await _done(rule, self._manager.notify_logout, (user,), "notify_logout", "accept it, password or not")


async def _done(rule: str, method: Callable[..., Any], arguments: tuple[object, ...], call: str, advice: str) -> Any:
    """Call a method of the manager or of a user, which must be a coroutine and must not raise."""
    __tracebackhide__ = True
    try:
        answer = method(*arguments)
        coroutine = isinstance(answer, Awaitable)
        if coroutine:
            answer = await answer
    except Exception as error:
        raise AssertionError(f"{rule}; but {call} raised {type(error).__name__}: {error}. To do: {advice}") from error
    hold(
        "the methods of user managers and users are coroutines",
        coroutine,
        f"{call} gave {answer!r:.50}, which cannot be awaited",
        "define them with async def",
    )
    return answer


# Responses to names.


async def _check_login(manager: _Asked, known: _Known) -> None:
    rule = f"{known.login!r}, who needs a password, gets PASSWORD_REQUIRED and a user"
    async with manager.session(known.login) as (response, user):
        advice = "return that; or give a login who needs a password"
        same(rule, response, manager.responses.PASSWORD_REQUIRED, advice)
        if user is None:
            raise AssertionError(f"{rule}; but the user is None. To do: return the user, so that authenticate gets it")
        taken = await manager.authenticate(user, known.password, "the right password")
        hold("the right password is taken", taken, "it is refused", "return True")
        await _check_user(manager, user)


async def _check_user(manager: _Asked, user: User) -> None:
    """Check what the server does with a user that it was given."""
    try:
        hash(user)
    except TypeError as error:
        raise AssertionError(
            f"a user can be the key of a dict; but {error}. To do: give the class a __hash__, limits are kept by user"
        ) from error
    permission = await manager.get_permissions(user)
    hold(
        "get_permissions of a user gives a Permission",
        isinstance(permission, Permission),
        f"it gave {permission!r:.200}",
        "return one, Permission() where everything is allowed",
    )
    if user.account is not None:
        for account, wanted in [(user.account, True), (f"{user.account}x", False), ("", False), ("\udcff", False)]:
            rule = "check_account takes the user's account and no other"
            same(rule, await manager.check_account(user, account), wanted, f"return {wanted} for {account!r}")


async def _check_open_login(manager: _Asked, known: _Known) -> None:
    if known.open_login is not None:
        async with manager.session(known.open_login) as (response, _):
            rule = f"{known.open_login!r}, who needs no password, gets OK"
            same(rule, response, manager.responses.OK, "return that, and the user")


async def _check_any_name(manager: _Asked, known: _Known) -> None:
    login = known.login
    near = ["", " ", f"{login} ", f" {login}", login.swapcase(), f"{login}\0", f"{login}\r\n", f"{login}\udcff"]
    far = ["\udcff\udcfe", "\0", "ünï cödé", "名前", "../../etc/passwd", f"{login}' OR '1'='1", "x" * 5000]
    for name in near + far:
        async with manager.session(name):
            pass  # whether this name has a user is for the manager to decide


async def _check_unknown(manager: _Asked, known: _Known) -> None:
    """A name without a user; one that looks like a pattern matches none."""
    if known.unknown is None:
        return
    patterns = {"%", "_" * len(known.login), "*", "?" * len(known.login), ".*"} - {known.login, known.open_login}
    for name in (known.unknown, *sorted(patterns)):
        rule = f"the unknown name {name!r} is not logged in"
        async with manager.session(name) as (response, user):
            let_in = response is manager.responses.OK
            advice = "return ERROR; or give unknown=None if every name has a user"
            hold(rule, not let_in, f"it gave OK and {user!r:.100}", advice)
            if user is None:
                continue
            for password, label in ((known.password, f"the password of {known.login!r}"), ("", "an empty password")):
                taken = await manager.authenticate(user, password, label)
                hold(
                    rule, not taken, f"{label} is taken for it", "compare names as they are, and refuse every password"
                )


# Passwords.


def _wrong_passwords(password: str) -> list[tuple[str, str]]:
    """Wrong passwords, each with a description: a message must not show a password."""
    wrong = [
        ("", "an empty password"),
        (" ", "a space"),
        (f"{password}x", "one letter more"),
        (password[:-1], "one letter less"),
        (f"{password} ", "a space after the right one"),
        (f" {password}", "a space before the right one"),
        (password.swapcase(), "the other case of the right one"),
        (f"{password}\0x", "NUL and a letter after the right one"),  # HMAC, and so scrypt, ignores a NUL alone
        (f"{password}\udcff", "an undecodable byte after the right one"),
        ("\udcff\udcfe", "undecodable bytes"),
        ("\0", "NUL"),
        ("pässwörd 密码", "letters outside ASCII"),
        ("%", "a pattern"),
        ("' OR '1'='1", "quotes"),
        ("x" * 5000, "5000 letters"),
    ]
    return [(text, label) for text, label in wrong if text != password]


async def _check_passwords(manager: _Asked, known: _Known) -> None:
    async with manager.session_of(known, "a second login") as user:
        for password, label in _wrong_passwords(known.password):
            taken = await manager.authenticate(user, password, label)
            hold("a wrong password is refused", not taken, f"{label} is taken", "compare the whole password")
        taken = await manager.authenticate(user, known.password, "the right password")
        hold(
            "the right password is taken after wrong ones", taken, "it is refused", "keep no state of earlier attempts"
        )


async def _check_same_user(manager: _Asked, known: _Known) -> None:
    users = []
    for label in ("a third login", "a fourth login"):
        async with manager.session_of(known, label) as user:
            users.append(user)
    limits = ("read_speed_limit", "write_speed_limit")
    limited = [name for name in limits if getattr(users[0], name) is not None]
    hold(
        f"a user with a limit for all sessions ({', '.join(limited)}) is the same in each of them",
        not limited or users[0] == users[1],
        "it is another object each time",
        "keep the objects: the server counts by user",
    )


# Slots.


async def _limit(manager: _Asked, known: _Known) -> int | None:
    async with manager.session_of(known, "another login") as user:
        return user.maximum_connections


async def _check_slots(manager: _Asked, known: _Known) -> None:
    limit = min(await _limit(manager, known) or 0, _LARGEST_LIMIT)
    for number in range(_ROUNDS + limit):
        async with manager.session_of(known, f"login {number + 1} without a password"):
            pass
    for password, label in ((known.password, "the right password"), ("", "an empty password")):
        for number in range(min(limit, _AT_ONCE) + 2):
            async with manager.session_of(known, f"login {number + 1} with {label}") as user:
                await manager.authenticate(user, password, label)


async def _check_at_once(manager: _Asked, known: _Known) -> None:
    limit = await _limit(manager, known)
    count = _AT_ONCE if limit is None else min(_AT_ONCE, limit)
    sessions = [_session_at_once(manager, known, wanted=number % 2 == 0) for number in range(count)]
    sessions += [_log_in_and_out(manager, name) for name in (known.unknown, known.open_login, "") if name is not None]
    for failed in await asyncio.gather(*sessions, return_exceptions=True):
        if failed is not None:
            raise failed


async def _session_at_once(manager: _Asked, known: _Known, *, wanted: bool) -> None:
    label = "the right password" if wanted else "one letter more"
    async with manager.session_of(known, "one of several logins at once") as user:
        await asyncio.sleep(0)  # the other tasks run
        same(
            "sessions at once do not disturb each other",
            await manager.authenticate(user, known.password if wanted else f"{known.password}x", label),
            wanted,
            "keep no state of a session in the manager: authenticate gets the user",
        )
        await asyncio.sleep(0)


async def _log_in_and_out(manager: _Asked, name: str) -> None:
    async with manager.session(name):
        await asyncio.sleep(0)


async def _check_limit(manager: _Asked, known: _Known) -> None:
    limit = await _limit(manager, known)
    if limit is None or limit > _LARGEST_LIMIT:
        return
    for again in ("", ", once more,"):  # a refused login must not have taken a slot
        async with AsyncExitStack() as held:
            for number in range(limit):
                label = f"session {number + 1} of {limit} at once, which maximum_connections allows{again or ','}"
                await held.enter_async_context(manager.session_of(known, label))
            response, _ = await held.enter_async_context(manager.session(known.login))
            same(
                f"maximum_connections={limit} is kept",
                response,
                manager.responses.ERROR,
                "count in get_user and notify_logout, as MemoryUserManager does; or remove the limit",
            )


_CHECKS: tuple[Check, ...] = (
    _check_login,
    _check_open_login,
    _check_any_name,
    _check_unknown,
    _check_passwords,
    _check_same_user,
    _check_slots,
    _check_at_once,
    _check_limit,  # after the logins at once: it finds slots that these lost
)
