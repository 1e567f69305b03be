"""check_user_manager: a correct manager passes, and each broken rule is reported."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import PurePosixPath
from typing import Any

import pytest

from examples.sqlite_users import SCHEMA, SqliteUserManager, add_user
from ftpfixture.server.users import AbstractUserManager, MemoryUserManager, Permission, User
from ftpfixture.testing import check_user_manager

RESPONSES = AbstractUserManager.GetUserResponse
OK, REQUIRED, ERROR = RESPONSES.OK, RESPONSES.PASSWORD_REQUIRED, RESPONSES.ERROR

ANN = User("ann", "secret")


# Correct managers.


@pytest.mark.parametrize(
    ("users", "known"),
    [
        ([ANN], {}),
        ([ANN, User("bob")], {"open_login": "bob"}),
        ([ANN, User()], {"open_login": "whoever", "unknown": None}),
        ([User("ann", "secret", maximum_connections=1)], {}),
        ([User("ann", "secret", maximum_connections=3, read_speed_limit=10, account="sales")], {}),
        ([User("ann", "secret", maximum_connections=1000)], {}),
        ([User("%", "x", write_speed_limit=10)], {"login": "%", "password": "x", "unknown": "ann"}),
        ([User("jürgen", "Geheim wörd")], {"login": "jürgen", "password": "Geheim wörd"}),
    ],
)
async def test_users_in_memory_pass(users: list[User], known: dict[str, Any]) -> None:
    """The manager of the package passes with users of every kind, and holds no slot afterwards."""
    manager = MemoryUserManager(users)
    await check_user_manager(lambda: manager, **known)

    slots = manager.available_connections.values()
    assert [slot.value for slot in slots] == [user.maximum_connections for user in users]


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    """A database with one user."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(SCHEMA)
        add_user(database, "ann", "secret")
        yield database


async def test_users_in_a_database_pass(database: sqlite3.Connection) -> None:
    """A manager that hashes passwords, and makes a user anew each time, passes."""
    await check_user_manager(lambda: SqliteUserManager(database))

    assert database.execute("SELECT sessions FROM users").fetchall() == [(0,)]


class Own(AbstractUserManager):
    """A manager with the two required methods only; unknown names are refused."""

    def __init__(self) -> None:
        super().__init__()
        self.user = User("ann", "secret")

    async def get_user(self, login: str) -> tuple[AbstractUserManager.GetUserResponse, User | None, str]:
        """Know one name."""
        if login == "ann":
            return REQUIRED, self.user, "Password"
        return ERROR, None, "Who is that?"

    async def authenticate(self, user: User, password: str) -> bool:
        """Know one password."""
        return password == user.password


async def test_the_least_that_passes() -> None:
    """Two methods are enough; the others may be inherited."""
    await check_user_manager(Own)


class Decoy(Own):
    """A manager that has a user for every name, so that a client cannot find out which exist."""

    async def get_user(self, login: str) -> tuple[AbstractUserManager.GetUserResponse, User | None, str]:
        """Return a user for whom every password is wrong."""
        return REQUIRED, self.user if login == "ann" else User(login), "Password"


async def test_a_decoy_passes() -> None:
    """An unknown name may get a user for whom every password is wrong."""
    await check_user_manager(Decoy)


async def test_the_manager_is_made_once() -> None:
    """The factory is called once, and every slot that was taken is given back."""
    counts = {"made": 0, "taken": 0, "given back": 0}

    class Counting(Own):
        def __init__(self) -> None:
            super().__init__()
            counts["made"] += 1

        async def get_user(self, login: str) -> tuple[AbstractUserManager.GetUserResponse, User | None, str]:
            answer = await super().get_user(login)
            counts["taken"] += answer[1] is not None
            return answer

        async def notify_logout(self, user: User) -> None:
            counts["given back"] += 1

    await check_user_manager(Counting)

    assert counts["made"] == 1
    assert counts["taken"] == counts["given back"] > 20


# Managers that are broken in one place.

Method = Callable[..., Any]


def gives(value: Any) -> Method:
    """A coroutine that returns one value for all arguments."""

    async def method(self: Any, *args: Any) -> Any:
        return value

    return method


def raises(error: Exception) -> Method:
    """A coroutine that raises."""

    async def method(self: Any, *args: Any) -> Any:
        raise error

    return method


def when(name: str, condition: Callable[[Any], bool], instead: Method, base: type = Own) -> dict[str, Method]:
    """Replace a method where the condition holds for its last argument."""
    original = getattr(base, name)

    async def method(self: Any, *args: Any) -> Any:
        return await (instead if condition(args[-1]) else original)(self, *args)

    return {name: method}


def named(*names: str) -> Callable[[Any], bool]:
    """A condition: the last argument is one of these."""
    return lambda value: value in names


def unreadable(value: str) -> bool:
    """A condition: no encoding has these characters."""
    return any(0xD800 <= ord(letter) < 0xE000 for letter in value)


def compares(key: Callable[[str], str]) -> dict[str, Method]:
    """Compare passwords after a change."""

    async def method(self: Any, user: User, password: str) -> bool:
        return key(password) == key(str(user.password))

    return {"authenticate": method}


def finds(key: Callable[[str], str]) -> dict[str, Method]:
    """Find a user under another name."""

    async def method(self: Any, login: str) -> Any:
        return await Own.get_user(self, key(login))

    return {"get_user": method}


class Slots(Own):
    """Counts sessions; each subclass counts wrongly in its own way."""

    def __init__(self) -> None:
        super().__init__()
        self.free = 5

    async def get_user(self, login: str) -> tuple[AbstractUserManager.GetUserResponse, User | None, str]:
        """Take a slot, if there is one."""
        answer = await super().get_user(login)
        if answer[1] is None:
            return answer
        if self.free <= 0:
            return ERROR, None, "Full"
        self.free -= 1
        return answer


class FreedByPassword(Slots):
    """Gives a slot back only when a password was accepted."""

    async def authenticate(self, user: User, password: str) -> bool:
        """Remember it."""
        right = await super().authenticate(user, password)
        self.free += right
        return right


class FreedTwice(Own):
    """Fails for a session that ends before its password."""

    def __init__(self) -> None:
        super().__init__()
        self.logged_in: set[User] = set()

    async def authenticate(self, user: User, password: str) -> bool:
        """Record the user."""
        right = await super().authenticate(user, password)
        if right:
            self.logged_in.add(user)
        return right

    async def notify_logout(self, user: User) -> None:
        """Remove the user."""
        self.logged_in.remove(user)


class LeaksWithPassword(Slots):
    """Takes a second slot for a user who is logged in."""

    def __init__(self) -> None:
        super().__init__()
        self.free = 8
        self.user = User("ann", "secret", maximum_connections=8)

    async def authenticate(self, user: User, password: str) -> bool:
        """Count once more."""
        right = await super().authenticate(user, password)
        self.free -= right
        return right

    async def notify_logout(self, user: User) -> None:
        """Give one back."""
        self.free += 1


class LeaksWithoutPassword(LeaksWithPassword):
    """Takes a second slot for a user who is refused."""

    async def authenticate(self, user: User, password: str) -> bool:
        """Count once more."""
        right = await Own.authenticate(self, user, password)
        self.free -= not right
        return right


class LeaksAfterFailure(LeaksWithPassword):
    """Keeps the slot of a session whose last password was wrong."""

    failed = False

    async def get_user(self, login: str) -> tuple[AbstractUserManager.GetUserResponse, User | None, str]:
        """Begin anew."""
        self.failed = False
        return await super().get_user(login)

    async def authenticate(self, user: User, password: str) -> bool:
        """Record the result."""
        right = await Own.authenticate(self, user, password)
        self.failed = not right
        return right

    async def notify_logout(self, user: User) -> None:
        """Give one back, if all was well."""
        self.free += not self.failed


class CountsTheRefused(Own):
    """Takes a slot even for a login that finds none free."""

    def __init__(self) -> None:
        super().__init__()
        self.user = User("ann", "secret", maximum_connections=3)
        self.sessions = 0

    async def get_user(self, login: str) -> tuple[AbstractUserManager.GetUserResponse, User | None, str]:
        """Count first, and check the limit afterwards."""
        answer = await super().get_user(login)
        self.sessions += answer[1] is not None
        return answer if self.sessions <= 3 else (ERROR, None, "Full")

    async def notify_logout(self, user: User) -> None:
        """Count back."""
        self.sessions -= 1


class Forgetful(Own):
    """Finds a user only once."""

    async def notify_logout(self, user: User) -> None:
        """Forget."""
        self.user = None  # type: ignore[assignment]


class CarelessDecoy(Decoy):
    """Has users without a password for unknown names, and takes an empty one for that."""

    async def authenticate(self, user: User, password: str) -> bool:
        """Take nothing for an empty text."""
        return password == (user.password or "")


class LastOne(Own):
    """Keeps only the last user."""

    current: User | None = None

    async def get_user(self, login: str) -> tuple[AbstractUserManager.GetUserResponse, User | None, str]:
        """Keep the user."""
        _, self.current, _ = answer = await super().get_user(login)
        return answer

    async def authenticate(self, user: User, password: str) -> bool:
        """Check the password of the last user."""
        return self.current is not None and self.current.password == password


class OneAtATime(Own):
    """Raises when two tasks call it at once."""

    busy = False

    async def authenticate(self, user: User, password: str) -> bool:
        """Be busy for a while."""
        if self.busy:
            raise RuntimeError("another query is running")
        self.busy = True
        try:
            await asyncio.sleep(0)
            return await super().authenticate(user, password)
        finally:
            self.busy = False


class Crowded(MemoryUserManager):
    """Loses a slot when two sessions end at once."""

    def __init__(self) -> None:
        super().__init__([User("ann", "secret", maximum_connections=4)])

    async def notify_logout(self, user: User) -> None:
        """Ignore the sessions that began meanwhile."""
        slots = self.available_connections[user]
        assert slots.value is not None
        left = slots.value + 1
        await asyncio.sleep(0)
        slots.value = left


class Unhashable(User):
    """A user that is equal to another one, and so has no hash."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, User) and other.login == self.login

    __hash__ = None  # type: ignore[assignment]


class Permitted(User):
    """A user with a `get_permissions` of the test."""

    def __init__(self, method: Method) -> None:
        super().__init__("ann", "secret")
        self.get_permissions = method.__get__(self)  # type: ignore[method-assign]


def knows(make: Callable[[], User]) -> dict[str, Method]:
    """A user of another kind, made anew each time."""

    async def method(self: Any, login: str) -> Any:
        return (REQUIRED, make(), "Password") if login == "ann" else (ERROR, None, "No")

    return {"get_user": method}


BROKEN: list[tuple[type | dict[str, Any], str]] = [
    # Shapes.
    (
        {"get_user": lambda self, login: (ERROR, None, "no")},
        "methods of user managers and users are coroutines; but get_user('ann') gave (<GetUserResponse.ERROR",
    ),
    ({"authenticate": lambda self, user, password: True}, "but authenticate with the right password gave True, which"),
    ({"notify_logout": lambda self, user: None}, "but notify_logout gave None, which cannot be awaited"),
    ({"get_user": gives((REQUIRED, ANN))}, "get_user returns a response, the user and a text; but it gave ("),
    ({"get_user": gives([REQUIRED, ANN, "Password"])}, "a response, the user and a text; but it gave ["),
    ({"get_user": gives(None)}, "get_user returns a response, the user and a text; but it gave None"),
    ({"get_user": gives((True, ANN, "Password"))}, "the response is one of GetUserResponse; but it gave True"),
    ({"get_user": gives((REQUIRED, "ann", "Password"))}, "the user is a User or None; but it gave 'ann'"),
    ({"get_user": gives((REQUIRED, ANN, None))}, "the text is a str; but it gave None"),
    (when("get_user", named("nobody"), gives((ERROR, ANN, "No"))), "ERROR comes without a user; but it gave User('ann"),
    (when("get_user", named("nobody"), gives((OK, None, "Yes"))), "OK comes with a user; but it gave None"),
    # Names.
    ({"get_user": gives((OK, ANN, "Yes"))}, "'ann', who needs a password, gets PASSWORD_REQUIRED and a user; but it"),
    ({"get_user": gives((ERROR, None, "No"))}, "return that; or give a login who needs a password"),
    ({"get_user": gives((REQUIRED, None, "Password"))}, "but the user is None. To do: return the user"),
    (
        when("get_user", named("nobody"), raises(KeyError("nobody"))),
        "get_user returns for every name; but get_user('nobody') raised KeyError: 'nobody'",
    ),
    (when("get_user", named(""), raises(ValueError("empty"))), "but get_user('') raised ValueError: empty"),
    (when("get_user", named("ann "), raises(ValueError("space"))), "but get_user('ann ') raised ValueError: space"),
    (when("get_user", unreadable, raises(UnicodeError("bytes"))), "raised UnicodeError: bytes"),
    (when("get_user", lambda name: len(name) > 255, raises(OSError("long"))), "raised OSError: long. To do: return"),
    (
        when("get_user", named("nobody"), gives((OK, User(), "Yes"))),
        "the unknown name 'nobody' is not logged in; but it",
    ),
    (
        finds(lambda name: "ann" if name in ("%", "ann") else name),
        "the unknown name '%' is not logged in; but the pass",
    ),
    (finds(lambda name: "ann" if name in ("___", "ann") else name), "the unknown name '___' is not logged in"),
    (CarelessDecoy, "the unknown name 'nobody' is not logged in; but an empty password is taken for it"),
    # Passwords.
    ({"authenticate": gives(False)}, "the right password is taken; but it is refused"),
    ({"authenticate": gives("yes")}, "authenticate returns True or False; but with the right password it gave 'yes'"),
    ({"authenticate": gives(None)}, "authenticate returns True or False; but with the right password it gave None"),
    ({"authenticate": gives(True)}, "a wrong password is refused; but an empty password is taken"),
    (when("authenticate", named(""), gives(True)), "a wrong password is refused; but an empty password is taken"),
    (compares(str.strip), "a wrong password is refused; but a space after the right one is taken"),
    (compares(str.lower), "a wrong password is refused; but the other case of the right one is taken"),
    (compares(lambda text: text[:6]), "a wrong password is refused; but one letter more is taken"),
    (compares(lambda text: text.partition("\0")[0]), "but NUL and a letter after the right one is taken"),
    (
        compares(lambda text: text.encode(errors="ignore").decode()),
        "but an undecodable byte after the right one is taken",
    ),
    (
        compares(lambda text: text.encode().decode()),
        "authenticate returns for every password; but authenticate with an undecodable byte after",
    ),
    (when("authenticate", lambda text: not text, raises(ValueError("none"))), "with an empty password raised ValueErr"),
    (when("authenticate", lambda text: len(text) > 72, raises(ValueError("long"))), "with 5000 letters raised"),
    # Users.
    (knows(lambda: Unhashable("ann", "secret")), "a user can be the key of a dict; but unhashable type"),
    (knows(lambda: Permitted(gives(None))), "get_permissions of a user gives a Permission; but it gave None"),
    (knows(lambda: Permitted(raises(KeyError("/")))), "a user has permissions; but get_permissions of the user raised"),
    (knows(lambda: Permitted(lambda self, path: Permission())), "but get_permissions of the user gave Permission("),
    (
        knows(lambda: User("ann", "secret", write_speed_limit=100)),
        "a user with a limit for all sessions (write_speed_limit) is the same in each of them; but it is another",
    ),
    (knows(lambda: User("ann", "secret", maximum_connections=2)), "maximum_connections=2 is kept; but it gave <GetUs"),
    (
        knows(lambda: User("ann", "secret", account="sales")) | {"check_account": gives(True)},
        "check_account takes the user's account and no other; but it gave True instead of False. To do: return False",
    ),
    (
        knows(lambda: User("ann", "secret", account="sales")) | {"check_account": gives(1)},
        "check_account returns True or False; but it gave 1",
    ),
    (
        knows(lambda: User("ann", "secret", account="sales")) | {"check_account": raises(OSError("gone"))},
        "check_account returns for every account; but check_account with 'sales' raised OSError: gone",
    ),
    # Slots.
    (
        {"notify_logout": raises(ValueError("unknown"))},
        "notify_logout may be called once for every get_user that returned",
    ),
    (
        FreedTwice,
        "notify_logout may be called once for every get_user that returned a user; but notify_logout raised KeyE",
    ),
    (Slots, "a session that is over gives back its slot; but"),
    (FreedByPassword, "a session that is over gives back its slot; but"),
    (LeaksWithPassword, "a session that is over gives back its slot; but login"),
    (LeaksWithoutPassword, "a session that is over gives back its slot; but"),
    (
        LeaksAfterFailure,
        "a session that is over gives back its slot; but login 9 with an empty password got GetUserResponse.ERROR",
    ),
    (
        CountsTheRefused,
        "but session 3 of 3 at once, which maximum_connections allows, once more, got GetUserResponse.ERROR",
    ),
    (Forgetful, "a session that is over gives back its slot; but a second login got GetUserResponse.PASSWORD_REQ"),
    # Several at once.
    (LastOne, "sessions at once do not disturb each other; but it gave False instead of True"),
    (OneAtATime, "but authenticate with one letter more raised RuntimeError: another query is running"),
    (Crowded, "a session that is over gives back its slot; but "),
]


def ids(wanted: str) -> str:
    """The text of a broken rule, as the name of a test."""
    return re.sub(r"\W+", "-", wanted)[:60]


@pytest.mark.parametrize(("broken", "wanted"), BROKEN, ids=[ids(wanted) for _, wanted in BROKEN])
async def test_broken_managers(broken: type | dict[str, Any], wanted: str) -> None:
    """Each broken rule is found, and the message has the remedy."""
    factory = type("Broken", (Own,), broken) if isinstance(broken, dict) else broken
    with pytest.raises(AssertionError) as caught:
        await check_user_manager(factory)

    assert wanted in str(caught.value)
    assert "To do: " in str(caught.value)
    assert "secret" not in str(caught.value)


async def test_an_open_login_needs_no_password() -> None:
    """A name given as `open_login` must get OK."""
    with pytest.raises(AssertionError, match="'ann', who needs no password, gets OK; but it gave"):
        await check_user_manager(Own, open_login="ann")


async def test_an_unknown_name_that_has_a_user() -> None:
    """Where an anonymous user accepts every name, the message names the argument that allows this."""
    with pytest.raises(AssertionError, match="or give unknown=None if every name has a user"):
        await check_user_manager(lambda: MemoryUserManager([ANN, User()]))


async def test_no_user_manager_at_all() -> None:
    """What the factory makes must be a user manager."""
    with pytest.raises(AssertionError, match="the factory makes a user manager; but it made <object"):
        await check_user_manager(object)  # type: ignore[arg-type]


async def test_users_that_are_equal_are_the_same_user() -> None:
    """Equal objects count as one user, so a manager may make them anew if the class has `__eq__`."""

    class Equal(User):
        def __eq__(self, other: object) -> bool:
            return isinstance(other, Equal)

        def __hash__(self) -> int:
            return 1

    manager = type("Making", (Own,), knows(lambda: Equal("ann", "secret", read_speed_limit=10)))
    await check_user_manager(manager)


async def test_get_permissions_gets_the_root() -> None:
    """A user's own `get_permissions` gets a virtual path, as from the server."""
    asked: list[object] = []

    async def get_permissions(self: User, path: object) -> Permission:
        asked.append(path)
        return Permission()

    manager = type("Asking", (Own,), knows(lambda: Permitted(get_permissions)))
    await check_user_manager(manager)

    assert asked == [PurePosixPath("/")]
