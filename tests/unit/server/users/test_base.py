"""Users, their permissions and their connection slots."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import pytest

from ftpfixture.errors import ConfigurationError, PathIsNotAbsolute
from ftpfixture.server.users import (
    ANY_PASSWORD,
    AbstractUserManager,
    AnyPassword,
    AvailableConnections,
    MemoryUserManager,
    Permission,
    User,
)
from tests.support.rows import table

Response = AbstractUserManager.GetUserResponse


READING = ("list",)


WRITING = ("create", "overwrite", "append", "delete", "rename", "mkdir")


@pytest.mark.parametrize("readable", [True, False])
@pytest.mark.parametrize("writable", [True, False])
def test_finer_rights_follow_the_whole(readable: bool, writable: bool) -> None:
    """A finer right that is not given follows `readable` or `writable`."""
    permission = Permission(readable=readable, writable=writable)

    assert {getattr(permission, name) for name in READING} == {readable}
    assert {getattr(permission, name) for name in WRITING} == {writable}


def test_by_default_everything_is_allowed() -> None:
    """A permission without settings is for "/" and grants all rights."""
    permission = Permission()

    assert permission.path == PurePosixPath("/")
    assert all(getattr(permission, name) for name in ("readable", "writable", *READING, *WRITING))


@pytest.mark.parametrize("name", [*READING, *WRITING])
@pytest.mark.parametrize("whole", [True, False])
def test_a_finer_right_that_is_given_counts(name: str, whole: bool) -> None:
    """A given right differs from the default, and only that one."""
    permission = Permission(readable=whole, writable=whole, **{name: not whole})  # type: ignore[arg-type]

    assert getattr(permission, name) is not whole
    assert all(getattr(permission, other) is whole for other in (*READING, *WRITING) if other != name)


@table(
    ("path", "other", "covers"),
    [
        ("/", "/", True),
        ("/", "/a/b", True),
        ("/a", "/a", True),
        ("/a", "/a/b/c", True),
        ("/a", "/ab", False),
        ("/a/b", "/a", False),
        ("/a", "/b/a", False),
    ],
)
def test_is_parent(path: str, other: str, covers: bool) -> None:
    """A permission covers its path and the paths below, by whole names."""
    assert Permission(path).is_parent(PurePosixPath(other)) is covers


def test_repr_of_a_permission_shows_every_right() -> None:
    """The repr has the path and all rights."""
    text = repr(Permission("/in", writable=False, create=True))

    assert text.startswith("Permission('/in', readable=True, writable=False, list=True, create=True, overwrite=False")


async def test_the_deepest_permission_wins() -> None:
    """Of all permissions that cover a path the deepest counts, in any order."""
    root, middle, deep = Permission("/"), Permission("/a", writable=False), Permission("/a/b/c")
    for permissions in ([root, middle, deep], [deep, middle, root]):
        user = User(permissions=permissions)

        assert await user.get_permissions("/x") is root
        assert await user.get_permissions("/a") is middle
        assert await user.get_permissions(PurePosixPath("/a/b")) is middle
        assert await user.get_permissions("/a/b/c/d") is deep


@pytest.mark.parametrize("permissions", [None, [], [Permission("/a", readable=False)]])
async def test_where_no_permission_covers_everything_is_allowed(permissions: list[Permission] | None) -> None:
    """Without permissions, or outside of all that are listed, the user has all rights."""
    permission = await User(permissions=permissions).get_permissions("/b")

    assert permission.readable
    assert permission.writable


def test_user_paths() -> None:
    """A base path as text is a path of this system; other path classes stay; the home is a virtual path."""
    assert User().base_path == Path()
    assert User(base_path="x").base_path == Path("x")
    assert User(base_path=PureWindowsPath("C:/x")).base_path == PureWindowsPath("C:/x")
    assert User(home_path="/home").home_path == PurePosixPath("/home")


@table(
    ("path", "meant"),
    [
        ("", "/"),
        ("home", "/home"),
        ("./home", "/home"),
        (PurePosixPath("a/b"), "/a/b"),
        ("/a/../b", "/b"),
        ("//home", "/home"),
    ],
)
def test_a_path_of_no_file_is_refused(path: str | PurePosixPath, meant: str) -> None:
    """Home and permissions are for absolute paths without ".."; the error names the path that was perhaps meant."""
    text = f"must be absolute, without '..': did you mean {meant!r} for {str(path)!r}?"
    with pytest.raises(PathIsNotAbsolute) as caught:
        User(home_path=path)
    assert caught.value.args == (path,)
    assert str(caught.value) == f"home_path {text}"
    with pytest.raises(PathIsNotAbsolute) as caught:
        Permission(path)
    assert str(caught.value) == f"the path of a permission {text}"


@table("permissions", [Permission("/in"), ["/in"], 5])
def test_permissions_are_a_list_of_permissions(permissions: Any) -> None:
    """Anything else is an error that shows a list."""
    text = re.escape(
        f"permissions takes a list of Permission objects, such as [Permission('/in')], not {permissions!r}"
    )
    with pytest.raises(ConfigurationError, match=text):
        User(permissions=permissions)


def test_users_are_equal_only_if_they_are_the_same_object() -> None:
    """Limits belong to the object, so equal settings do not make users equal."""
    one, other = User("ann", "secret"), User("ann", "secret")

    assert one != other
    assert len({one, other}) == 2


def test_repr_of_a_user_hides_the_password() -> None:
    """The repr shows whether there is a password, but not its text."""
    text = repr(User("ann", "secret", base_path=PurePosixPath("/base"), home_path="/in"))

    assert text == "User('ann', '***', base_path='/base', home_path='/in')"
    assert repr(User("ann")).startswith("User('ann', None, ")


def test_repr_of_a_user_shows_any_password() -> None:
    """Any password is shown by its name in code."""
    assert repr(User("ann", ANY_PASSWORD)).startswith("User('ann', ANY_PASSWORD, ")


@table("password", [5, b"secret", True, AnyPassword])
def test_a_password_of_a_wrong_type(password: Any) -> None:
    """Another type is refused with what would work, and without showing it."""
    with pytest.raises(ConfigurationError, match="use a str, ANY_PASSWORD to accept any, or None not") as caught:
        User("ann", password)
    assert repr(password) not in str(caught.value)


@table(
    ("settings", "wanted"),
    [
        ({"maximum_connections": "2"}, "a whole number, 0 or more, or None for no limit"),
        ({"maximum_connections": True}, "a whole number, 0 or more, or None for no limit"),
        ({"read_speed_limit": "1"}, "a number of bytes per second, 0 or more, or None for no limit"),
        ({"write_speed_limit": -1}, "a number of bytes per second, 0 or more, or None for no limit"),
        ({"read_speed_limit_per_connection": b""}, "a number of bytes per second, 0 or more, or None for no limit"),
        ({"write_speed_limit_per_connection": []}, "a number of bytes per second, 0 or more, or None for no limit"),
    ],
)
def test_wrong_limits(settings: dict[str, Any], wanted: str) -> None:
    """They are refused when the user is made, and not at a login."""
    ((name, value),) = settings.items()
    with pytest.raises(ConfigurationError) as caught:
        User("ann", **settings)
    assert str(caught.value) == f"{name} takes {wanted}, not {value!r}"


@table("right", ["readable", "writable", *READING, *WRITING])
def test_a_right_is_true_or_false(right: str) -> None:
    """Other values are refused: the text "no" would be true."""
    for value in ("no", 0, 1, *([None] if right in ("readable", "writable") else [])):
        settings: dict[str, Any] = {right: value}
        with pytest.raises(ConfigurationError) as caught:
            Permission("/", **settings)
        assert str(caught.value) == f"{right} takes True or False, not {value!r}"


def test_slots_are_taken_and_released() -> None:
    """The count goes down and up between its bounds, and `locked` is true when none is left."""
    slots = AvailableConnections(2)
    slots.acquire()
    assert (slots.value, slots.maximum_value, slots.locked()) == (1, 2, False)
    slots.acquire()
    assert slots.locked()
    slots.release()

    assert (slots.value, slots.locked()) == (1, False)


def test_no_more_slots_than_there_are() -> None:
    """Taking a slot when none is free is an error, and changes nothing."""
    slots = AvailableConnections(0)
    assert slots.locked()

    with pytest.raises(ValueError, match="no connection slot is free"):
        slots.acquire()
    assert slots.value == 0


def test_no_more_slots_released_than_taken() -> None:
    """Releasing a slot that was not taken is an error, and changes nothing."""
    slots = AvailableConnections(1)

    with pytest.raises(ValueError, match="no connection slot is taken"):
        slots.release()
    assert slots.value == 1


def test_slots_without_limit() -> None:
    """Without a limit any number may be taken and released."""
    slots = AvailableConnections()
    slots.acquire()
    slots.release()
    slots.release()

    assert (slots.value, slots.locked()) == (None, False)


def test_the_number_of_slots_may_change() -> None:
    """Taken slots stay taken, also when there are fewer slots, or had been any number."""
    slots = AvailableConnections()
    for _ in range(3):
        slots.acquire()
    slots.maximum_value = 2
    assert (slots.value, slots.locked()) == (-1, True)
    slots.release()
    slots.release()
    assert (slots.value, slots.locked()) == (1, False)


@table(("maximum", "free"), [(3, 1), (None, None)])
def test_the_count_may_be_set(maximum: int | None, free: int | None) -> None:
    """A user's own manager may keep the count itself."""
    slots = AvailableConnections(maximum)
    slots.value = free

    assert (slots.value, slots.maximum_value) == (free, maximum)


async def test_slots_of_users_are_separate() -> None:
    """One user's slots do not affect another's."""
    manager = MemoryUserManager([User("ann", maximum_connections=1), User("bob", maximum_connections=1)])
    await manager.get_user("ann")

    assert (await manager.get_user("bob"))[0] is Response.OK
