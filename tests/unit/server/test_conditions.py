"""Conditions of handlers: connection, path and rights; and the frame of transfer workers."""

from __future__ import annotations

import asyncio
import errno
import sys
from pathlib import PurePath, PurePosixPath
from typing import Any

import pytest

from ftpfixture.errors import CommandRefused, PathIOError
from ftpfixture.files.memory import MemoryPathIO
from ftpfixture.net.gate import EXCHANGE, Exchange
from ftpfixture.server import User
from ftpfixture.server.conditions import (
    ConnectionConditions,
    PathConditions,
    PathPermissions,
    argument_required,
    demand,
    worker,
)
from ftpfixture.server.connection import Connection
from ftpfixture.server.users import Permission
from tests.support.rows import table

Answers = list[tuple[str, str]]


class Paths:
    """The part of a server that conditions use."""

    def get_paths(self, connection: Connection, path: str | PurePosixPath) -> tuple[PurePath, PurePosixPath]:
        """Real and virtual path are equal here, except for the base."""
        virtual = PurePosixPath("/", path)
        return connection.user.base_path.joinpath(*virtual.parts[1:]), virtual


def _connection(*permissions: Permission, base: str = "/", **values: Any) -> tuple[Connection, Answers]:
    """A connection over a small tree in memory, and its replies."""
    answers: Answers = []
    layer = MemoryPathIO()
    for path in ("/a.txt", "/dir/b.txt", "/base/c.txt"):
        layer.state.write_file(path, b"x")
    layer.state.make_link("/to-file", "/a.txt")
    layer.state.make_link("/gone", "/nothing")
    layer.state.make_link("/base/out", "/a.txt")
    layer.state.make_link("/base/in", "/base/c.txt")
    layer.state.make_link("/base/circle", "/base/circle")
    user = User(base_path=PurePosixPath(base), permissions=permissions or None)
    connection = Connection(user=user, path_io=layer, wait_future_timeout=0.001, **values)

    def respond(code: str, lines: str | list[str] | tuple[str, ...] = "", list: bool = False) -> None:  # noqa: A002
        answers.append((code, str(lines)))

    connection.response = respond
    return connection, answers


RAN = ("200", "ran")


# ConnectionConditions.


@pytest.mark.parametrize(
    ("field", "name", "answer"),
    [
        (ConnectionConditions.user_required, "login", ("503", "Login with USER first")),
        (ConnectionConditions.login_required, "logged", ("530", "Please login with USER and PASS")),
        (ConnectionConditions.passive_server_started, "passive_server", ("503", "Use PASV or EPSV first")),
        (ConnectionConditions.data_connection_made, "data_connection", ("425", "Can't open data connection")),
        (ConnectionConditions.data_source_chosen, "data_source", ("425", "Use PORT or PASV first")),
        (ConnectionConditions.rename_from_required, "rename_from", ("503", "Use RNFR first")),
    ],
)
async def test_each_field_has_its_reply(field: tuple[str, str], name: str, answer: tuple[str, str]) -> None:
    """When it is missing the handler does not run and the field's reply is sent once; when it is set it runs."""

    @ConnectionConditions(field)
    async def handler(server: Paths, connection: Connection, rest: str) -> bool:
        connection.response(*RAN)
        return False

    connection, answers = _connection()
    assert await handler(Paths(), connection, "rest") is True
    assert answers == [answer]

    setattr(connection, name, None)
    assert await handler(Paths(), connection, "rest") is False
    assert answers == [answer, RAN]


async def test_the_first_missing_field_is_named() -> None:
    """Fields are checked in order, and there is one reply."""

    @ConnectionConditions(ConnectionConditions.login_required, ConnectionConditions.rename_from_required)
    async def handler(server: Paths, connection: Connection, rest: str) -> bool:
        return True

    connection, answers = _connection(logged=True)
    await handler(Paths(), connection, "")

    assert answers == [("503", "Use RNFR first")]


async def test_a_users_own_field() -> None:
    """A pair of name and text is a field; its code is 503."""

    @ConnectionConditions(("licence", "Show your licence"))
    async def handler(server: Paths, connection: Connection, rest: str) -> bool:
        return True

    connection, answers = _connection()
    await handler(Paths(), connection, "")

    assert answers == [("503", "Show your licence")]


async def test_code_and_text_can_be_given() -> None:
    """`fail_code` and `fail_info` replace those of every field."""

    @ConnectionConditions(ConnectionConditions.login_required, fail_code="550", fail_info="Not for you")
    async def handler(server: Paths, connection: Connection, rest: str) -> bool:
        return True

    connection, answers = _connection()
    await handler(Paths(), connection, "")

    assert answers == [("550", "Not for you")]


async def test_without_wait_no_opener_is_called() -> None:
    """A condition without `wait` only checks, also when an opener could make the value."""

    @ConnectionConditions(ConnectionConditions.data_connection_made)
    async def handler(server: Paths, connection: Connection, rest: str) -> bool:
        return True

    connection, answers = _connection()

    async def opener(timeout: float | None) -> object:
        raise AssertionError("the opener must not be called")

    connection.when_wanted("data_connection", opener)
    await handler(Paths(), connection, "")

    assert answers == [("425", "Can't open data connection")]


@ConnectionConditions(ConnectionConditions.data_connection_made, wait=True)
async def _waiting(server: Paths, connection: Connection, rest: str) -> bool:
    connection.response("200", f"{connection.data_connection} {rest}")
    return True


async def test_wait_runs_the_handler_when_the_value_is_set() -> None:
    """A condition with `wait` runs the handler after the value is set."""
    connection, answers = _connection()
    connection.wait_future_timeout = None
    task = asyncio.create_task(_waiting(Paths(), connection, "rest"))
    await asyncio.sleep(0)
    assert not task.done()

    connection.data_connection = "stream"  # type: ignore[assignment]
    await task

    assert answers == [("200", "stream rest")]


async def test_wait_times_out() -> None:
    """After `wait_future_timeout` seconds the server sends the field's reply."""
    connection, answers = _connection()
    await _waiting(Paths(), connection, "")

    assert answers == [("425", "Can't open data connection")]


async def test_wait_calls_the_opener() -> None:
    """The opener gets the connection's timeout, and then the handler runs."""
    connection, answers = _connection()
    asked: list[float | None] = []

    async def opener(timeout: float | None) -> str:
        asked.append(timeout)
        return "dialled"

    connection.when_wanted("data_connection", opener)
    await _waiting(Paths(), connection, "rest")

    assert (asked, answers) == ([0.001], [("200", "dialled rest")])


async def test_an_opener_that_fails_is_a_missing_field() -> None:
    """A refused connection gets the same reply as none."""
    connection, answers = _connection()

    async def opener(timeout: float | None) -> str:
        raise ConnectionRefusedError("no server there")

    connection.when_wanted("data_connection", opener)
    await _waiting(Paths(), connection, "")

    assert answers == [("425", "Can't open data connection")]


async def test_arguments_are_passed_on() -> None:
    """A handler with more parameters than the usual ones gets all of them, under every decorator."""

    @ConnectionConditions(ConnectionConditions.login_required)
    @PathConditions(PathConditions.path_must_exists)
    @PathPermissions(PathPermissions.readable)
    async def handler(server: Paths, connection: Connection, rest: str, mode: str, *, offset: int) -> bool:
        connection.response("200", f"{rest} {mode} {offset}")
        return True

    connection, answers = _connection(logged=True)
    await handler(Paths(), connection, "a.txt", "rb", offset=3)

    assert answers == [("200", "a.txt rb 3")]
    assert handler.__name__ == "handler"


async def test_a_missing_argument() -> None:
    """A handler that needs a path does not run without one; the reply is 501."""

    @argument_required
    async def handler(server: Paths, connection: Connection, rest: str) -> bool:
        connection.response(*RAN)
        return True

    connection, answers = _connection()
    await handler(Paths(), connection, "")
    await handler(Paths(), connection, " ")

    assert answers == [("501", "A path is needed"), RAN]


# PathConditions.


@pytest.mark.parametrize(
    ("condition", "path", "text"),
    [
        (PathConditions.path_must_exists, "a.txt", None),
        (PathConditions.path_must_exists, "dir", None),
        (PathConditions.path_must_exists, "missing", "No such file or directory"),
        (PathConditions.path_must_exists, "gone", "No such file or directory"),
        (PathConditions.path_must_not_exists, "missing", None),
        (PathConditions.path_must_not_exists, "a.txt", "File exists"),
        (PathConditions.path_must_be_dir, "dir", None),
        (PathConditions.path_must_be_dir, "a.txt", "Not a directory"),
        (PathConditions.path_must_be_dir, "missing", "Not a directory"),
        (PathConditions.path_must_be_file, "a.txt", None),
        (PathConditions.path_must_be_file, "to-file", None),
        (PathConditions.path_must_be_file, "dir", "Not a regular file"),
    ],
)
async def test_path_conditions(condition: Any, path: str, text: str | None) -> None:
    """If a condition does not hold, the reply is 550 with its text; else the handler runs."""

    @PathConditions(condition)
    async def handler(server: Paths, connection: Connection, rest: str) -> bool:
        connection.response(*RAN)
        return True

    connection, answers = _connection()
    assert await handler(Paths(), connection, path) is True

    assert answers == [RAN if text is None else ("550", text)]


async def test_path_conditions_are_checked_in_order() -> None:
    """Only the first that fails is reported."""

    @PathConditions(PathConditions.path_must_exists, PathConditions.path_must_be_dir)
    async def handler(server: Paths, connection: Connection, rest: str) -> bool:
        return True

    connection, answers = _connection()
    await handler(Paths(), connection, "missing")
    await handler(Paths(), connection, "a.txt")

    assert answers == [("550", "No such file or directory"), ("550", "Not a directory")]


@pytest.mark.parametrize(("path", "answer"), [("out", "550"), ("circle", "550"), ("in", "200"), ("c.txt", "200")])
async def test_a_link_out_of_the_base_is_missing(path: str, answer: str) -> None:
    """A path out of the user's base, or in a circle of links, is reported as missing; links within it are followed."""

    @PathConditions(PathConditions.path_must_exists)
    async def handler(server: Paths, connection: Connection, rest: str) -> bool:
        connection.response(*RAN)
        return True

    connection, answers = _connection(base="/base")
    await handler(Paths(), connection, path)

    assert [code for code, _ in answers] == [answer]
    assert answer == "200" or answers[0][1] == "No such file or directory"


async def test_errors_of_the_path_layer_are_raised() -> None:
    """An error of a path layer is not taken for a result."""

    class Broken(MemoryPathIO):
        async def exists(self, path: PurePath) -> bool:
            try:
                raise OSError(errno.EIO, "disk is broken")
            except OSError as error:
                raise PathIOError(reason=sys.exc_info()) from error

    @PathConditions(PathConditions.path_must_exists)
    async def handler(server: Paths, connection: Connection, rest: str) -> bool:
        return True

    connection, answers = _connection()
    connection.path_io = Broken()

    with pytest.raises(PathIOError, match="disk is broken"):
        await handler(Paths(), connection, "a.txt")
    assert answers == []


# PathPermissions.


RIGHTS = {
    "readable": PathPermissions.readable,
    "writable": PathPermissions.writable,
    "list": PathPermissions.listable,
    "create": PathPermissions.creatable,
    "overwrite": PathPermissions.overwritable,
    "append": PathPermissions.appendable,
    "delete": PathPermissions.deletable,
    "rename": PathPermissions.renamable,
    "mkdir": PathPermissions.mkdirable,
}


@pytest.mark.parametrize("name", RIGHTS)
async def test_each_right_is_required(name: str) -> None:
    """Without the right the reply is 550, with it the handler runs."""

    @PathPermissions(RIGHTS[name])
    async def handler(server: Paths, connection: Connection, rest: str) -> bool:
        connection.response(*RAN)
        return True

    connection, answers = _connection(Permission("/dir", **{name: False}))
    await handler(Paths(), connection, "dir/b.txt")
    await handler(Paths(), connection, "a.txt")

    assert answers == [("550", "Permission denied"), RAN]


@pytest.mark.parametrize("missing", [{"readable": False}, {"writable": False}])
@pytest.mark.parametrize("order", [1, -1])
async def test_all_rights_are_required(missing: dict[str, bool], order: int) -> None:
    """Each of several rights is required, in any order."""

    @PathPermissions(*[PathPermissions.readable, PathPermissions.writable][::order])
    async def handler(server: Paths, connection: Connection, rest: str) -> bool:
        connection.response(*RAN)
        return True

    connection, answers = _connection(Permission("/", **missing))
    await handler(Paths(), connection, "a.txt")

    assert answers == [("550", "Permission denied")]


async def test_rights_out_of_the_base() -> None:
    """Rights to the content follow links and end at the base; rights to the name do not follow the last link."""

    @PathPermissions(PathPermissions.readable)
    async def read(server: Paths, connection: Connection, rest: str) -> bool:
        connection.response(*RAN)
        return True

    @PathPermissions(PathPermissions.deletable)
    async def delete(server: Paths, connection: Connection, rest: str) -> bool:
        connection.response(*RAN)
        return True

    connection, answers = _connection(base="/base")
    await read(Paths(), connection, "out")
    await delete(Paths(), connection, "out")

    assert answers == [("550", "No such file or directory"), RAN]


def test_no_right_at_all_is_an_error() -> None:
    """A decorator without a right is refused when it is made."""
    with pytest.raises(ValueError, match=r"at least one right, such as PathPermissions\.readable"):
        PathPermissions()


@table("name", ["readble", "listable", ""])
def test_an_unknown_right_is_an_error(name: str) -> None:
    """An unknown right is refused when the decorator is made, not when a command arrives."""
    with pytest.raises(ValueError, match=f"unknown right '{name}'"):
        PathPermissions(PathPermissions.readable, name)


async def test_demand_refuses() -> None:
    """Handlers that choose a right while they run raise a refusal, which becomes the reply."""
    connection, _ = _connection(Permission("/", overwrite=False))

    with pytest.raises(CommandRefused) as caught:
        await demand(Paths(), connection, "a.txt", PathPermissions.readable, PathPermissions.overwritable)
    assert (caught.value.code, caught.value.text) == ("550", "Permission denied")

    await demand(Paths(), connection, "a.txt", PathPermissions.readable)


# worker.


@worker
async def _transfer(server: Paths, connection: Connection, rest: str) -> bool:
    await asyncio.get_running_loop().create_future()
    return True


async def test_a_cancelled_worker_replies_426_and_226() -> None:
    """After ABOR the worker sends both replies of RFC 959, and then ends without an error."""
    connection, answers = _connection()
    task = asyncio.create_task(_transfer(Paths(), connection, "a.txt"))
    await asyncio.sleep(0)
    task.cancel()

    assert await task is True
    assert [code for code, _ in answers] == ["426", "226"]


async def test_a_worker_after_its_final_reply_only_replies_to_abor() -> None:
    """When the transfer already has its final reply, only that of ABOR follows."""
    exchange = Exchange(1, "RETR")
    EXCHANGE.set(exchange)
    connection, answers = _connection()
    task = asyncio.create_task(_transfer(Paths(), connection, "a.txt"))
    await asyncio.sleep(0)
    exchange.finals = 1
    task.cancel()
    await task

    assert [code for code, _ in answers] == ["226"]


async def test_a_worker_finds_its_connection_among_keywords() -> None:
    """The connection may be given by name."""
    connection, answers = _connection()
    task = asyncio.create_task(_transfer(Paths(), connection=connection, rest="a.txt"))
    await asyncio.sleep(0)
    task.cancel()
    await task

    assert len(answers) == 2


@pytest.mark.parametrize("error", [ConnectionResetError(), BrokenPipeError(), TimeoutError("no data for 5 seconds")])
async def test_a_worker_with_a_broken_data_connection(error: OSError) -> None:
    """A broken or silent data connection is 426, in every worker."""

    @worker
    async def broken(connection: Connection) -> bool:
        raise error

    connection, _ = _connection()
    with pytest.raises(CommandRefused) as caught:
        await broken(connection)
    assert (caught.value.code, caught.value.text) == ("426", "Data connection closed, transfer aborted")
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", [PathIOError("tape jam"), OSError(errno.ENOSPC, "full")])
async def test_a_worker_with_a_broken_storage(error: OSError) -> None:
    """An error of the storage is no error of the data connection: it is raised."""

    @worker
    async def broken(connection: Connection) -> bool:
        raise error

    connection, _ = _connection()
    with pytest.raises(type(error)) as caught:
        await broken(connection)
    assert caught.value is error


async def test_a_worker_without_an_error() -> None:
    """Without a cancellation a worker behaves as the function that it wraps, with its result and its errors."""

    @worker
    async def fine(connection: Connection) -> bool:
        return False

    @worker
    async def broken(connection: Connection) -> bool:
        raise RuntimeError("boom")

    connection, answers = _connection()
    assert await fine(connection) is False
    with pytest.raises(RuntimeError, match="boom"):
        await broken(connection)
    assert answers == []
