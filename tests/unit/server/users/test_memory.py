"""The manager in memory: users, passwords and slots."""

from __future__ import annotations

import pytest

from ftpfixture.errors import ConfigurationError
from ftpfixture.server.users import (
    ANY_PASSWORD,
    AbstractUserManager,
    MemoryUserManager,
    User,
)
from tests.support.rows import table

Response = AbstractUserManager.GetUserResponse


@pytest.mark.parametrize("users", [None, []])
async def test_without_users_there_is_an_anonymous_one(users: list[User] | None) -> None:
    """None and an empty list mean one user for every name, without a password."""
    response, user, _ = await MemoryUserManager(users).get_user("zoe")

    assert response is Response.OK
    assert user is not None
    assert (user.login, user.password) == (None, None)


async def test_names() -> None:
    """Names with a password need it, those without are logged in, and others belong to the anonymous user."""
    ann, bob, anonymous = User("ann", "secret"), User("bob"), User()
    manager = MemoryUserManager([anonymous, ann, bob])

    assert await manager.get_user("ann") == (Response.PASSWORD_REQUIRED, ann, "Password required")
    assert await manager.get_user("bob") == (Response.OK, bob, "Login without password")
    assert await manager.get_user("zoe") == (Response.OK, anonymous, "Anonymous login")


async def test_any_password() -> None:
    """With `ANY_PASSWORD` the server asks, and accepts any; under "anonymous" it is the user of both names."""
    ann, guest = User("ann", ANY_PASSWORD), User("anonymous", ANY_PASSWORD)
    manager = MemoryUserManager([ann, guest])
    hint = "Anonymous login: give your e-mail address as the password"

    assert await manager.get_user("ann") == (Response.PASSWORD_REQUIRED, ann, "Password required")
    assert await manager.get_user("anonymous") == (Response.PASSWORD_REQUIRED, guest, hint)
    assert await manager.get_user("ftp") == (Response.PASSWORD_REQUIRED, guest, hint)
    assert (await manager.get_user("FTP"))[1] is None
    assert [await manager.authenticate(user, word) for user in (ann, guest) for word in ("", "x")] == [True] * 4


async def test_every_name_with_any_password() -> None:
    """A user without a name and with `ANY_PASSWORD` gets every name, and the server asks."""
    everybody = User(None, ANY_PASSWORD)
    manager = MemoryUserManager([everybody, User("ann", "secret")])
    assert await manager.get_user("zoe") == (Response.PASSWORD_REQUIRED, everybody, "Password required")


@pytest.mark.parametrize("ask", [False, True])
@pytest.mark.parametrize("login", [None, "anonymous"])
async def test_ask_anonymous(login: str | None, ask: bool) -> None:
    """The server asks a user without a password for none, unless `ask_anonymous` is set."""
    user = User(login)
    manager = MemoryUserManager([user], ask_anonymous=ask)
    response, found, _ = await manager.get_user("anonymous")
    assert (response, found) == (Response.PASSWORD_REQUIRED if ask else Response.OK, user)
    assert await manager.authenticate(user, "me@example.org")


async def test_ftp_may_be_another_user() -> None:
    """The second name of the anonymous user yields to a user with that name, and to a real password."""
    ftp, guest = User("ftp", "secret"), User("anonymous", ANY_PASSWORD)
    assert (await MemoryUserManager([ftp, guest]).get_user("ftp"))[1] is ftp
    assert (await MemoryUserManager([User("anonymous", "secret")]).get_user("ftp"))[1] is None


async def test_unknown_names_are_not_revealed() -> None:
    """An unknown name gets the same reply as a known one: the server asks for the password."""
    manager = MemoryUserManager([User("ann", "secret")])

    known, unknown = await manager.get_user("ann"), await manager.get_user("zoe")

    assert (unknown[0], unknown[2]) == (known[0], known[2])
    assert unknown[1] is None


async def test_names_are_compared_with_case() -> None:
    """Another case is another name."""
    assert (await MemoryUserManager([User("ann")]).get_user("Ann"))[1] is None


@pytest.mark.parametrize(
    ("password", "given", "right"),
    [
        ("secret", "secret", True),
        ("secret", "Secret", False),
        ("secret", "", False),
        ("", "", True),
        ("grün", "grün", True),
        ("\udcff", "\udcff", True),
        (None, "anything", True),
    ],
)
async def test_passwords(password: str | None, given: str, right: bool) -> None:
    """A password is compared exactly, in any characters; a user without one accepts any."""
    user = User("ann", password)

    assert await MemoryUserManager([user]).authenticate(user, given) is right


@pytest.mark.parametrize(("given", "right"), [("4711", True), ("4712", False), ("", False)])
async def test_accounts(given: str, right: bool) -> None:
    """ACCT must send the user's account."""
    user = User("ann", "secret", account="4711")

    assert await MemoryUserManager([user]).check_account(user, given) is right


async def test_a_slot_is_taken_with_the_name_and_released_at_logout() -> None:
    """A user with as many sessions as allowed is refused, until one ends."""
    user = User("ann", "secret", maximum_connections=1)
    manager = MemoryUserManager([user])
    await manager.get_user("ann")

    assert await manager.get_user("ann") == (Response.ERROR, None, "Too many connections for ann")
    await manager.notify_logout(user)
    assert (await manager.get_user("ann"))[0] is Response.PASSWORD_REQUIRED


async def test_a_refused_name_takes_no_slot() -> None:
    """A refused login takes no slot."""
    user = User("ann", "secret", maximum_connections=1)
    manager = MemoryUserManager([user])
    for _ in range(3):
        await manager.get_user("ann")

    await manager.notify_logout(user)

    assert manager.available_connections[user].value == 1


async def test_a_user_may_be_added_later() -> None:
    """A user that is added to the list while the server runs can log in, and has slots."""
    manager = MemoryUserManager([User("ann")])
    late = User("late", maximum_connections=1)
    manager.users.append(late)

    assert (await manager.get_user("late"))[1] is late
    assert (await manager.get_user("late"))[0] is Response.ERROR
    await manager.notify_logout(late)


@table("login", ["ann", None])
def test_a_login_that_two_users_have_is_refused(login: str | None) -> None:
    """Two users with the same name are refused, and so are two anonymous ones."""
    with pytest.raises(ConfigurationError, match=f"two users have the login {login!r}"):
        MemoryUserManager([User(login), User("other"), User(login)])


def test_the_list_of_users_is_a_copy() -> None:
    """The manager does not change with the list that it was made of."""
    users = [User("ann")]
    manager = MemoryUserManager(users)
    users.clear()

    assert [user.login for user in manager.users] == ["ann"]


def test_the_timeout_is_stored() -> None:
    """`timeout` is there for managers that query another service."""
    assert MemoryUserManager(None, timeout=3).timeout == 3


async def test_a_manager_need_not_handle_logouts() -> None:
    """The two methods that decide are enough for a user's own manager."""

    class Own(AbstractUserManager):
        async def get_user(self, login: str) -> tuple[AbstractUserManager.GetUserResponse, User | None, str]:
            return self.GetUserResponse.OK, User(login), "welcome"

        async def authenticate(self, user: User, password: str) -> bool:
            return True

    manager = Own()
    _, user, _ = await manager.get_user("ann")
    assert user is not None
    await manager.notify_logout(user)
