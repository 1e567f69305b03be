"""check_client: a client that keeps its word passes, and each planted flaw is found, with a test that reproduces it."""

from __future__ import annotations

import ftplib
import io
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import settings

from ftpfixture import Client, ConfigurationError, MemoryPathIO, ProtocolError, StatusCodeError, check_client
from ftpfixture.testing.client_nemesis import NOTICES, Nemesis
from tests.support.planted_clients import FLAWS, RAISES, BelievesTheUpload, Careful, HidesErrors

# Clients that leak are among them, and scripts end with their failure, before they close anything.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")

LONG = settings(max_examples=1500, stateful_step_count=15, derandomize=True, database=None)
"""Examples enough for every flaw; the check ends with the first that finds it."""

SHORT = settings(max_examples=25, stateful_step_count=15, derandomize=True, database=None)


def found_in(adapter: Callable[..., Any], **options: Any) -> tuple[str, str]:
    """The verdict of a check that must fail, and its script, which must fail, too."""
    with pytest.raises(AssertionError) as caught:
        check_client(adapter, **{"raises": RAISES, "settings": LONG, **options})
    text = str(caught.value)
    script = text.partition("This test reproduces it:\n\n")[2].partition("\nThe dialogue:\n")[0]
    names: dict[str, Any] = {}
    exec(compile(script, "<script>", "exec"), names)
    with pytest.raises(Exception):  # noqa: B017, PT011 - what it raises depends on the verdict
        names["test_found"]()
    return text.partition(":")[0], script


def test_a_careful_client_passes() -> None:
    """It fails often, and cleanly; the report tells what was tried and what was not."""
    report = check_client(Careful, raises=RAISES, settings=SHORT)

    assert report.examples >= 20
    assert {"upload", "download", "resume_upload", "resume_download", "list"} <= set(report.operations)
    assert 0 < sum(report.failures.values()) < sum(report.operations.values())
    assert sum(report.faults.values()) > report.examples
    assert set(report.not_checked) == {"garble_data", "repeat_reply", "say"}
    assert "examples\ncalls: close " in str(report)
    assert "not checked: garble_data: only a client notices it of which it compares a checksum" in str(report)


@pytest.mark.parametrize("flawed", FLAWS, ids=lambda flawed: flawed.__name__)
def test_a_flaw_is_found(flawed: type[Careful]) -> None:
    """Each planted flaw is found, its script reproduces it, and is short."""
    verdict, script = found_in(flawed)

    assert verdict in FLAWS[flawed]
    assert script.count("client.") + script.count("server.files[") <= 8, script


def test_the_same_is_found_again() -> None:
    """Without settings of Hypothesis, two checks are the same."""
    assert found_in(HidesErrors, settings=None) == found_in(HidesErrors, settings=None)


# Kinds of adapters.


class Opened:
    """A connection of ftplib, with some methods."""

    def __init__(self, ftp: ftplib.FTP) -> None:
        self._ftp = ftp

    def upload(self, path: str, data: bytes) -> None:
        """Store, and compare nothing."""
        self._ftp.storbinary(f"STOR {path}", io.BytesIO(data))


@contextmanager
def opened(host: str, port: int, user: str, password: str) -> Iterator[Opened]:
    """A client that is a context manager."""
    with ftplib.FTP(timeout=10) as ftp:
        ftp.connect(host, port)
        ftp.login(user, password)
        yield Opened(ftp)


class Connects(Opened):
    """A client with `connect` and `close`."""

    def __init__(self, host: str, port: int, user: str, password: str) -> None:
        super().__init__(ftplib.FTP(timeout=10))
        self._arguments = (host, port, user, password)

    def connect(self) -> None:
        """Connect and log in, or close."""
        host, port, user, password = self._arguments
        try:
            self._ftp.connect(host, port)
            self._ftp.login(user, password)
        except BaseException:
            self._ftp.close()
            raise

    def close(self) -> None:
        """Close without QUIT."""
        self._ftp.close()


class Ours:
    """Our client."""

    verify = True

    def __init__(self, host: str, port: int, user: str, password: str) -> None:
        self._client = Client(connection_timeout=10, socket_timeout=10, path_io_factory=MemoryPathIO)
        self._arguments = (host, port, user, password)

    async def connect(self) -> None:
        """Connect and log in, or close."""
        host, port, user, password = self._arguments
        try:
            await self._client.connect(host, port)
            await self._client.login(user, password)
        except BaseException:
            self._client.close()
            raise

    async def close(self) -> None:
        """QUIT."""
        await self._client.quit()

    async def upload(self, path: str, data: bytes) -> None:
        """Upload from memory."""
        async with self._client.path_io.open(PurePosixPath("/local"), "wb") as file:
            await file.write(data)
        await self._client.upload("/local", path, write_into=True, verify=self.verify)


class OursWithoutComparing(Ours):
    """Our client, which believes the server."""

    verify = False


@asynccontextmanager
async def ours_opened(host: str, port: int, user: str, password: str) -> AsyncIterator[Ours]:
    """Our client as an asynchronous context manager; it compares nothing."""
    client = OursWithoutComparing(host, port, user, password)
    await client.connect()
    try:
        yield client
    finally:
        await client.close()


OURS = (OSError, EOFError, StatusCodeError, ProtocolError)


@pytest.mark.parametrize(
    ("adapter", "raises", "line"),
    [
        (opened, RAISES, "client = stack.enter_context(opened(*server.address, *server.credentials))"),
        (Connects, RAISES, "client.connect()"),
        (OursWithoutComparing, OURS, "await client.connect()"),
        (ours_opened, OURS, "client = await stack.enter_async_context(ours_opened("),
    ],
    ids=["context", "connect", "coroutines", "asynchronous-context"],
)
def test_kinds_of_adapters(adapter: Callable[..., Any], raises: Any, line: str) -> None:
    """Blocking and asynchronous clients, context managers and others, are checked, and opened so in the script."""
    verdict, script = found_in(adapter, raises=raises)

    assert verdict == "truncated"
    assert line in script


def test_an_asynchronous_client_passes() -> None:
    """Our client compares sizes when it is told to; what it has no method for is not checked."""
    report = check_client(Ours, raises=OURS, settings=SHORT)

    assert report.not_checked["rename"] == "the adapter has no such method"
    assert set(report.operations) == {"upload", "close"}


# Options.


class Replaces(Careful):
    """Uploads beside the file, and puts the new one in its place."""

    def upload(self, path: str, data: bytes) -> None:
        """Store, compare, rename."""
        super().upload(f"{path}.part", data)
        self.rename(f"{path}.part", path)


def test_an_atomic_upload() -> None:
    """What is half there under the final name is found with `atomic` only, and temporary files are no files."""
    check_client(Careful, raises=RAISES, settings=SHORT)
    verdict, script = found_in(Careful, atomic=True)
    assert verdict in ("truncated", "mixed")
    assert "server.files.get('/a') in (None, " in script

    check_client(Replaces, raises=RAISES, atomic=True, temporary="*.part", settings=SHORT)
    assert found_in(Replaces, atomic=True)[0] == "wrong"


def test_what_a_client_is_said_to_notice() -> None:
    """Comparing sizes does not show bits that flip; a client that compares nothing passes if it is not said to."""
    assert found_in(Careful, notices=("checksum",))[0] == "mixed"
    report = check_client(BelievesTheUpload, raises=RAISES, notices=(), settings=SHORT)
    assert "truncate" in report.not_checked


def test_faults_of_the_user_and_words_that_are_left_out() -> None:
    """More faults happen often; a word that is left out never happens."""
    words = {word for group in Nemesis(NOTICES).words for word in group}
    others = sorted(words - {"reset_data"})  # two words are left: what is drawn depends on the modules that are loaded
    report = check_client(Careful, raises=RAISES, faults=["RETR: slice_data 2"], leave_out=others, settings=SHORT)

    assert report.faults["slice_data"] > 0
    assert set(report.faults) <= {"slice_data", "reset_data"}
    assert report.not_checked["stall"] == "leave_out"


class Quick(Careful):
    """Has a timeout that fits real connections."""

    timeout = 0.2


def test_real_connections() -> None:
    """The same check runs on sockets, where a hang is a wait of `hang_after` seconds."""
    few = settings(SHORT, max_examples=6)
    report = check_client(Quick, raises=RAISES, simulate=False, settings=few, leave_out=("stall", "ignore"))

    assert report.examples >= 5


# Clients that are not even tried, or not as they say.


class Fails(Careful):
    """Raises a clean failure without a reason."""

    def delete(self, path: str) -> None:
        """Fail."""
        raise OSError("not today")


def test_a_failure_without_a_fault() -> None:
    """A client that fails when nothing went wrong does not pass."""
    verdict, script = found_in(Fails)

    assert verdict == "failed"
    assert "# delete of /a raised OSError: not today, and nothing had gone wrong" in script


class Moody(Careful):
    """Fails every few calls."""

    calls = count(1)

    def list(self, path: str) -> list[str]:
        """Fail once in a while."""
        if next(self.calls) % 7 == 0:
            raise KeyError(path)
        return super().list(path)


def test_a_client_that_is_not_deterministic() -> None:
    """It is told what was seen, and why there is no script."""
    with pytest.raises(AssertionError, match=r"^crashed, but not again with the same calls and faults: the client"):
        check_client(Moody, raises=RAISES, settings=LONG)


class Nothing:
    """Has no method."""

    def __init__(self, *address: object) -> None:
        """Take the address."""


class Refuses(Careful):
    """Cannot be made."""

    def __init__(self, *address: Any) -> None:
        raise OSError("no route")


@pytest.mark.parametrize(
    ("adapter", "options", "told"),
    [
        (Nothing, {}, "has no method that can be checked: give it some of upload, download"),
        (Refuses, {}, "cannot connect to a server without faults: OSError: no route"),
        (Careful, {"raises": (OSError, "EOFError")}, "raises has 'EOFError': use exception types"),
        (Careful, {"raises": ()}, "raises has nothing: use exception types"),
        (Careful, {"raises": Exception}, "raises has Exception, so nothing would be a crash"),
        (Careful, {"notices": "size"}, r"notices='size': use some of size, checksum, stray"),
        (Careful, {"notices": ("sizes",)}, r"use some of size, checksum, stray"),
        (Careful, {"leave_out": ("garbel",)}, "leave_out=.*known: answer, close"),
        (Careful, {"leave_out": "stall"}, "leave_out='stall': use words such as"),
        (Careful, {"faults": ["RETR: drop_dtaa"]}, "unknown word 'drop_dtaa'"),
    ],
)
def test_arguments_that_cannot_work(adapter: Callable[..., Any], options: dict[str, Any], told: str) -> None:
    """Each is told, with what would work."""
    with pytest.raises(ConfigurationError, match=told):
        check_client(adapter, **{"raises": RAISES, **options})


async def test_in_a_coroutine() -> None:
    """A check has an event loop of its own."""
    with pytest.raises(ConfigurationError, match="call it in a test that is none"):
        check_client(Careful, raises=RAISES)


def test_without_hypothesis(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says how to install it."""
    monkeypatch.delitem(sys.modules, "ftpfixture.testing.client_machine", raising=False)
    monkeypatch.delattr("ftpfixture.testing.client_machine", raising=False)
    monkeypatch.setitem(sys.modules, "hypothesis", None)

    with pytest.raises(ImportError, match=r"pip install 'ftpfixture\[hypothesis\]'"):
        check_client(Careful, raises=RAISES)
