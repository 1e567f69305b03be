"""One scenario with two clients: ours and that of aioftp run it, each on its own server, and the results are compared.

The results are values: the result of the scenario, the files on the server afterwards, and the local folder.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, ClassVar

import aioftp

from ftpfixture import Client, FtpServer, PathIOError, StatusCodeError

__all__ = [
    "CREATED",
    "AnyClient",
    "Place",
    "Refused",
    "Scenario",
    "Seen",
    "agree",
    "attempt",
    "described",
    "ours",
    "theirs",
]

AnyClient = Any
"""One of the two clients; neither is a subclass of the other."""

CREATED = time.time() // 60 * 60
"""The time of all files and clocks of the servers, without seconds, which LIST does not have."""


class Place:
    """The environment of a scenario.

    Attributes:
        address: The address of the server.
    """

    def __init__(self, address: tuple[str, int], cleanup: contextlib.ExitStack) -> None:
        self.address = address
        self._cleanup = cleanup

    @functools.cached_property
    def folder(self) -> Path:
        """A local folder, created when it is first used."""
        return Path(self._cleanup.enter_context(tempfile.TemporaryDirectory()))

    @property
    def local(self) -> dict[str, bytes | None]:
        """The content of the folder, by relative path; None for directories."""
        if "folder" not in vars(self):
            return {}
        return {
            PurePath(path.relative_to(self.folder)).as_posix(): path.read_bytes() if path.is_file() else None
            for path in sorted(self.folder.rglob("*"))
        }


Scenario = Callable[[AnyClient, Place], Awaitable[Any]]
"""Operations on a client."""


@dataclass(frozen=True)
class Refused:
    """A StatusCodeError of either client."""

    expected: tuple[str, ...]
    received: tuple[str, ...]
    info: Any

    @property
    def code(self) -> str:
        """The single code that was received."""
        [code] = self.received
        return code


@dataclass(frozen=True)
class Seen:
    """The results of a scenario.

    Attributes:
        result: Its return value, or its error in the form of `described`.
        files: Files on the server.
        directories: Directories on the server.
        local: The content of the local folder, by relative path; None for directories.
        commands: Commands that the server received, with the codes of their final replies.
    """

    result: Any
    files: dict[str, bytes]
    directories: list[str]
    local: dict[str, bytes | None]
    commands: list[str]


class _TheirClient(aioftp.Client):
    """The client of aioftp, which does not close some of its connections; here all are closed at the end."""

    opened: ClassVar[list[asyncio.StreamWriter]] = []  # by all clients of a scenario

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.writers: list[asyncio.StreamWriter] = []

    async def _open_connection(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await super()._open_connection(host, port)
        self.writers.append(writer)
        self.opened.append(writer)
        return reader, writer

    async def close_all(self) -> None:
        while self.opened:
            writer = self.opened.pop()
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def described(error: Exception) -> Any:
    """An error of either client as a value: a StatusCodeError with all attributes, else the nearest builtin class.

    For errors of local files it is the class of the original error.
    """
    if isinstance(error, aioftp.StatusCodeError | StatusCodeError):
        return Refused(error.expected_codes, error.received_codes, error.info)
    if isinstance(error, aioftp.PathIOError | PathIOError):
        assert error.reason is not None
        return error.reason[0]
    return next(kind for kind in type(error).__mro__ if kind.__module__ == "builtins")


async def attempt(call: Awaitable[Any]) -> Any:
    """The result of a call, or its error in the form of `described`."""
    try:
        return await call
    except Exception as error:
        return described(error)


async def _see(
    client: AnyClient,
    scenario: Scenario,
    *,
    files: Mapping[str, bytes | None] | None = None,
    prepare: Callable[[FtpServer, Place], None] | None = None,
    login: bool = True,
    **server_settings: Any,
) -> Seen:
    """Run a scenario on a fresh server.

    Args:
        client: A client that is not connected.
        scenario: The operations.
        files: Files of the server.
        prepare: Called before, with the server and the place.
        login: Connect and log in before.
        server_settings: Settings of the server.
    """
    with FtpServer(files=files, clock=lambda: CREATED, **server_settings) as server, contextlib.ExitStack() as cleanup:
        place = Place(server.address, cleanup)
        if prepare is not None:
            prepare(server, place)
        try:
            if login:
                await client.connect(*server.address)
                await client.login(*server.credentials)
            result = await attempt(scenario(client, place))
        finally:
            client.close()
            if isinstance(client, _TheirClient):
                await client.close_all()
        commands = [str(record) for record in server.log.commands]
        return Seen(result, server.files.as_dict(), server.files.directories, place.local, commands)


async def ours(scenario: Scenario, *, client: Mapping[str, Any] | None = None, **settings: Any) -> Seen:
    """Run a scenario with our client, created with the settings `client`; the other arguments are those of `_see`."""
    return await _see(Client(**{"socket_timeout": 10, **(client or {})}), scenario, **settings)


async def theirs(scenario: Scenario, *, client: Mapping[str, Any] | None = None, **settings: Any) -> Seen:
    """Run a scenario with aioftp's client; arguments as for `ours`."""
    return await _see(_TheirClient(**{"socket_timeout": 10, **(client or {})}), scenario, **settings)


async def agree(scenario: Scenario, **settings: Any) -> Seen:
    """Run a scenario with both, check that all results except the commands are equal, and return ours."""
    __tracebackhide__ = True
    expected, found = await theirs(scenario, **settings), await ours(scenario, **settings)
    for name in ("result", "files", "directories", "local"):
        mine, other = getattr(found, name), getattr(expected, name)
        assert mine == other, f"{name} differ:\nours   {mine!r}\naioftp {other!r}"
    return found
