"""When a call is retried, how long the client waits before, and what is not retried."""

from __future__ import annotations

import asyncio
import errno
from types import SimpleNamespace

import pytest

from ftpfixture import ConfigurationError, IntegrityError, PathIOError, Retry, StatusCodeError
from tests.support.rows import table


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the client would have waited; the tests do not wait."""
    seconds: list[float] = []

    async def sleep(delay: float) -> None:
        seconds.append(delay)

    monkeypatch.setattr("ftpfixture.client.retry.asyncio", SimpleNamespace(sleep=sleep))
    return seconds


class Attempt:
    """Fails with one error after the other, and then succeeds."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.calls = 0
        self.begun = asyncio.Event()

    async def __call__(self) -> str:
        """Raise the next error, or succeed."""
        self.begun.set()
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


# Delays.


@table(
    ("retry", "delays"),
    [
        (Retry(), [0.5, 1]),
        (Retry(attempts=1), []),
        (Retry(attempts=6), [0.5, 1, 2, 4, 8]),
        (Retry(attempts=5, delay=1, factor=3, longest=10), [1, 3, 9, 10]),
        (Retry(attempts=4, delay=8, longest=5), [5, 5, 5]),
        (Retry(attempts=4, delay=2, factor=1), [2, 2, 2]),
        (Retry(attempts=4, delay=2, factor=0.5), [2, 1, 0.5]),
        (Retry(attempts=3, delay=2, factor=0), [2, 0]),
        (Retry(attempts=3, delay=0), [0, 0]),
        (Retry(attempts=3, longest=0), [0, 0]),
    ],
)
def test_delays(retry: Retry, delays: list[float]) -> None:
    """There is a delay before every attempt but the first; it grows by the factor, up to the longest."""
    assert list(retry.delays()) == delays
    assert list(retry.delays()) == delays  # the second iterator begins again


@table(("name", "value"), [("attempts", 0), ("attempts", -1), ("delay", -0.1), ("factor", -1), ("longest", -1)])
def test_invalid_settings(name: str, value: float) -> None:
    """At least one attempt, and no negative number: the error shows all settings."""
    with pytest.raises(ConfigurationError, match=rf"^Retry\(.*{name}={value}\b.*\): use at least one attempt, and no "):
        Retry(**{name: value})  # type: ignore[arg-type]


# What is retried.


@table("code", ["421", "425", "426", "450", "451", "452"])
def test_replies_that_are_retried(code: str) -> None:
    """Replies 4xx mean "try again"."""
    assert Retry().is_worth_it(StatusCodeError("2xx", code, [" no"]))


@table("code", ["150", "226", "331", "500", "502", "530", "550", "552", "xyz"])
def test_replies_that_are_not_retried(code: str) -> None:
    """All other replies would be the same the next time."""
    assert not Retry().is_worth_it(StatusCodeError("2xx", code, [" no"]))


def test_codes() -> None:
    """`codes` are masks; they replace 4xx."""
    retry = Retry(codes=("550", "42x"))
    retried = {
        code for code in ("421", "426", "450", "550", "551") if retry.is_worth_it(StatusCodeError("2xx", code, []))
    }
    assert retried == {"421", "426", "550"}
    assert Retry().is_worth_it(StatusCodeError("2xx", ("550", "450"), []))
    assert not Retry(codes=()).is_worth_it(StatusCodeError("2xx", "421", []))


@table(
    "error",
    [
        OSError(errno.EHOSTUNREACH, "No route to host"),
        ConnectionRefusedError(errno.ECONNREFUSED, "refused"),
        ConnectionResetError("the server closed the control connection"),
        BrokenPipeError(errno.EPIPE, "Broken pipe"),
        ConnectionAbortedError(errno.ECONNABORTED, "Software caused connection abort"),
        ConnectionError("closed by the server: connect again"),
        TimeoutError(),
        EOFError(),
        asyncio.IncompleteReadError(b"", 1),
    ],
)
def test_errors_that_are_retried(error: Exception) -> None:
    """Lost connections and timeouts may not happen the next time."""
    assert Retry().is_worth_it(error)


@table(
    "error",
    [
        PathIOError("disk full"),
        IntegrityError("they differ"),
        ConnectionAbortedError("RETR f was aborted by another task, with abort()"),
        ValueError("odd"),
        ConfigurationError("odd"),
        RuntimeError("odd"),
        asyncio.CancelledError(),
        KeyboardInterrupt(),
    ],
)
def test_errors_that_are_not_retried(error: BaseException) -> None:
    """Local files, copies that differ, aborts by the client, and programming errors are not retried."""
    assert not Retry().is_worth_it(error)


# Running.


async def test_success(naps: list[float], caplog: pytest.LogCaptureFixture) -> None:
    """A call that succeeds is made once, and nothing is logged."""
    attempt = Attempt()
    assert await Retry().run(attempt) == "done"
    assert (attempt.calls, naps, caplog.messages) == (1, [], [])


async def test_second_and_third_attempt(naps: list[float], caplog: pytest.LogCaptureFixture) -> None:
    """The client waits before each further attempt, and logs the reason as a warning."""
    attempt = Attempt(StatusCodeError("2xx", "450", [" busy"]), TimeoutError())
    assert await Retry(delay=2.5).run(attempt) == "done"
    assert (attempt.calls, naps) == (3, [2.5, 5])
    assert caplog.record_tuples == [
        ("ftpfixture.client", 30, "Waiting for 2xx but got 450 [' busy']: retrying in 2.5 s"),
        ("ftpfixture.client", 30, "TimeoutError: retrying in 5 s"),
    ]


async def test_attempts_are_used_up(naps: list[float], caplog: pytest.LogCaptureFixture) -> None:
    """The error of the last attempt is raised, without a wait after it."""
    errors = [ConnectionResetError(str(number)) for number in range(3)]
    attempt = Attempt(*errors)
    with pytest.raises(ConnectionResetError) as caught:
        await Retry().run(attempt)
    assert caught.value is errors[2]
    assert (attempt.calls, naps) == (3, [0.5, 1])
    assert caplog.messages == ["0: retrying in 0.5 s", "1: retrying in 1 s"]


async def test_one_attempt(naps: list[float]) -> None:
    """With attempts=1 there is no retry."""
    attempt = Attempt(EOFError())
    with pytest.raises(EOFError):
        await Retry(attempts=1).run(attempt)
    assert (attempt.calls, naps) == (1, [])


@pytest.mark.parametrize("error", [ValueError("odd"), StatusCodeError("2xx", "550", []), asyncio.CancelledError()])
async def test_a_permanent_error(error: BaseException, naps: list[float], caplog: pytest.LogCaptureFixture) -> None:
    """A permanent error is raised at once, in every attempt."""
    attempt = Attempt(EOFError(), error)
    with pytest.raises(type(error)) as caught:
        await Retry(attempts=5).run(attempt)
    assert caught.value is error
    assert (attempt.calls, naps, caplog.messages) == (2, [0.5], ["EOFError: retrying in 0.5 s"])


async def test_the_delay() -> None:
    """The delay does not block the loop, and can be cancelled."""
    attempt = Attempt(EOFError())
    task = asyncio.create_task(Retry(delay=1000, longest=1000).run(attempt))
    await attempt.begun.wait()
    await asyncio.sleep(0)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert attempt.calls == 1
