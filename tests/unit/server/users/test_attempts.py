"""Login attempts: recorded, asserted, and waited for."""

from __future__ import annotations

import asyncio
import threading

import pytest

from ftpfixture.errors import ConfigurationError
from ftpfixture.server.users.scripted import ScriptedUserManager
from tests.support.logins import answer, session


async def test_what_is_recorded(manager: ScriptedUserManager) -> None:
    """Outcome and code of each attempt, and whether the password was right, but never the password."""
    manager.on("bob").accept().reject().reject(stage="USER").close("x").time_out().raises(KeyError())
    for login, password in [
        ("ann", "hunter2"),
        ("ann", "secret"),
        ("zoe", "x"),
        ("open", ""),
        *[("bob", "dragon")] * 6,
    ]:
        await answer(manager, login, password)

    assert [(a.login, a.outcome, a.code, a.password_matched) for a in manager.attempts] == [
        ("ann", "rejected", "530", False),
        ("ann", "accepted", "230", True),
        ("zoe", "rejected", "530", None),
        ("open", "accepted", "230", None),
        ("bob", "accepted", "230", True),
        ("bob", "rejected", "530", True),
        ("bob", "rejected", "530", None),
        ("bob", "closed", "421", True),
        ("bob", "timed out", "", True),
        ("bob", "raised", "451", True),
    ]
    assert "hunter2" not in repr(manager.attempts)
    assert str(manager.attempts[0]) == "ann rejected (530), wrong password"


async def test_logouts(manager: ScriptedUserManager) -> None:
    """Sessions that were logged in are recorded when they end, in that order; others are not."""
    async with session(manager, "ann") as (_, user, _):
        async with session(manager, "open"):
            await answer(manager, "bob", "x")
        await manager.authenticate(user, "secret")
        assert manager.logouts == ["open"]
    assert manager.logouts == ["open", "ann"]


def test_assertions_on_attempts(manager: ScriptedUserManager) -> None:
    """They return the attempts, and the error shows the differences."""
    for password in ("x", "secret"):
        asyncio.run(answer(manager, "ann", password))
    assert [attempt.code for attempt in manager.assert_attempts("ann", "rejected", "accepted")] == ["530", "230"]
    manager.assert_attempts("bob")

    seen = "seen rejected, accepted"
    tries = "\n\n    +0.000 ann rejected (530), wrong password\n    +0.000 ann accepted (230), right password"
    for outcomes, text in [
        (("accepted",), f"expected accepted; {seen}\nnumber 1 differs: ann rejected (530), wrong password"),
        (("rejected",), f"expected rejected; {seen}\nnumber 2 is one too many: ann accepted (230), right password"),
        (
            ("rejected", "accepted", "locked"),
            f"expected rejected, accepted, locked; {seen}\nnumber 3 is missing: locked",
        ),
    ]:
        with pytest.raises(AssertionError) as raised:
            manager.assert_attempts("ann", *outcomes)
        assert str(raised.value) == f"attempts of 'ann': {text}{tries}"
    with pytest.raises(AssertionError, match=r"^attempts of 'anm': expected locked; seen none\nnearest: 'ann'\n"):
        manager.assert_attempts("anm", "locked")


def test_assertions_on_nothing(manager: ScriptedUserManager) -> None:
    """Without an attempt the error says so."""
    with pytest.raises(
        AssertionError, match=r"^attempts of 'ann': expected accepted; seen none\nno login was attempted$"
    ):
        manager.assert_attempts("ann", "accepted")
    with pytest.raises(AssertionError, match=r"^'ann' logged out 0 of 1 times within 0 s; logouts: none$"):
        manager.wait_for_logout("ann", timeout=0)
    with pytest.raises(
        ConfigurationError, match="'refused' is no outcome: use accepted, asked, rejected, closed, full"
    ):
        manager.assert_attempts("ann", "refused")


def test_waiting_from_another_thread(manager: ScriptedUserManager) -> None:
    """A waiting thread continues when the attempt is recorded."""
    waiting = threading.Event()

    def log_in() -> None:
        waiting.wait(10)
        asyncio.run(answer(manager, "ann", "x"))
        asyncio.run(answer(manager, "ann", "secret"))

    thread = threading.Thread(target=log_in)
    thread.start()
    waiting.set()
    try:
        manager.wait_for_attempts("ann", "rejected", "accepted")
        manager.wait_for_logout("ann")
    finally:
        thread.join()
