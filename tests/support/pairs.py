"""Two clients, one scenario: ours and aioftp's do the same on servers of their own, and what they saw is compared.

What is compared are values: what the scenario gave, what is on the server afterwards, and what is in the local folder.
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

__all__ = ["MADE", "AnyClient", "Place", "Refused", "Scenario", "Seen", "agree", "attempt", "ours", "tell", "theirs"]

AnyClient = Any
"""One of the two; neither is a subclass of the other."""

MADE = time.time() // 60 * 60
"""When all files of all servers were made, by their clocks: LIST has no seconds, so there shall be none."""


class Place:
    """Where a scenario takes place.

    Attributes:
        address: Of the server.
    """

    def __init__(self, address: tuple[str, int], cleanup: contextlib.ExitStack) -> None:
        self.address = address
        self._cleanup = cleanup

    @functools.cached_property
    def folder(self) -> Path:
        """A local folder of its own, made when it is first asked for."""
        return Path(self._cleanup.enter_context(tempfile.TemporaryDirectory()))

    @property
    def local(self) -> dict[str, bytes | None]:
        """All that is in the folder, by relative path; None for directories."""
        if "folder" not in vars(self):
            return {}
        return {
            PurePath(path.relative_to(self.folder)).as_posix(): path.read_bytes() if path.is_file() else None
            for path in sorted(self.folder.rglob("*"))
        }


Scenario = Callable[[AnyClient, Place], Awaitable[Any]]
"""What to do with a client."""


@dataclass(frozen=True)
class Refused:
    """A StatusCodeError of either client."""

    expected: tuple[str, ...]
    received: tuple[str, ...]
    info: Any

    @property
    def code(self) -> str:
        """The one code that was received."""
        [code] = self.received
        return code


@dataclass(frozen=True)
class Seen:
    """What there was after a scenario.

    Attributes:
        result: What it returned, or its error as `tell` has it.
        files: Of the server.
        directories: Of the server.
        local: What is in the local folder, by relative path; None for directories.
        said: Commands that the server heard, with the codes of their final replies.
    """

    result: Any
    files: dict[str, bytes]
    directories: list[str]
    local: dict[str, bytes | None]
    said: list[str]


class _TheirClient(aioftp.Client):
    """The client of aioftp, which forgets some of its connections; here they are all closed in the end."""

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


def tell(error: Exception) -> Any:
    """An error of either client as a value: of a StatusCodeError all it has, of others the nearest builtin class.

    Of what went wrong with local files it is the class of the error of the file.
    """
    if isinstance(error, aioftp.StatusCodeError | StatusCodeError):
        return Refused(error.expected_codes, error.received_codes, error.info)
    if isinstance(error, aioftp.PathIOError | PathIOError):
        assert error.reason is not None
        return error.reason[0]
    return next(kind for kind in type(error).__mro__ if kind.__module__ == "builtins")


async def attempt(call: Awaitable[Any]) -> Any:
    """What a call gives, or its error as `tell` has it."""
    try:
        return await call
    except Exception as error:
        return tell(error)


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
        client: One that is not connected.
        scenario: What to do.
        files: Of the server.
        prepare: Called before, with the server and the place.
        login: Connect and log in before.
        server_settings: Of the server.
    """
    with FtpServer(files=files, clock=lambda: MADE, **server_settings) as server, contextlib.ExitStack() as cleanup:
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
        said = [str(record) for record in server.log.commands]
        return Seen(result, server.files.as_dict(), server.files.directories, place.local, said)


async def ours(scenario: Scenario, *, client: Mapping[str, Any] | None = None, **settings: Any) -> Seen:
    """Run a scenario with our client, made with the settings `client`; see `_see` for the others."""
    return await _see(Client(**{"socket_timeout": 10, **(client or {})}), scenario, **settings)


async def theirs(scenario: Scenario, *, client: Mapping[str, Any] | None = None, **settings: Any) -> Seen:
    """Run a scenario with aioftp's client, as `ours` does."""
    return await _see(_TheirClient(**{"socket_timeout": 10, **(client or {})}), scenario, **settings)


async def agree(scenario: Scenario, **settings: Any) -> Seen:
    """Run a scenario with both, hold that all is the same but for what was said, and return what ours did."""
    __tracebackhide__ = True
    expected, found = await theirs(scenario, **settings), await ours(scenario, **settings)
    for name in ("result", "files", "directories", "local"):
        mine, other = getattr(found, name), getattr(expected, name)
        assert mine == other, f"{name} differ:\nours   {mine!r}\naioftp {other!r}"
    return found
