"""Waiting for what happens on a server: in blocking code, and in coroutines, whose loop must run meanwhile."""

from __future__ import annotations

import asyncio
import ftplib
import sys
from collections.abc import Callable
from io import BytesIO
from types import ModuleType, SimpleNamespace

import pytest

from ftpfixture import Client, ConfigurationError, FtpServer, ScriptedUserManager, ServerStateError
from ftpfixture.log import CommandLog
from ftpfixture.log.events import Disconnected, Event
from ftpfixture.server import Server
from tests.support.story import Story


def is_end(event: Event) -> bool:
    """Whether a session has ended."""
    return isinstance(event, Disconnected)


async def test_a_coroutine_waits_for_its_own_client(ftp_server: FtpServer) -> None:
    """While one task waits, the client in another one runs; commands, events, conditions and rest can be waited for."""
    log = ftp_server.log

    async def talk() -> None:
        async with Client.context(*ftp_server.address, *ftp_server.credentials) as client:
            await client.make_directory("/in")

    waiting = asyncio.gather(
        log.wait_for_async("MKD /in -> 257"),
        log.wait_for_async(is_end),
        log.wait_until_async(lambda: "/in" in ftp_server.files, 5),
    )
    await talk()
    made, ended, there = await waiting

    assert (made.verb, ended.reason, there) == ("MKD", "quit", True)
    await ftp_server.wait_idle_async()
    assert [record.reason for record in log.sessions] == ["quit"]


async def test_what_does_not_come_in_time_fails(ftp_server: FtpServer) -> None:
    """The twins fail with the texts of the blocking methods."""
    log = ftp_server.log
    with pytest.raises(AssertionError, match=r"^NOOP: not seen within 0.01 s \(wanted once, seen never\)"):
        await log.wait_for_async("NOOP", timeout=0.01)
    with pytest.raises(AssertionError, match=r"^the event was not seen within 0 s"):
        await log.wait_for_async(is_end, timeout=0)
    assert not await log.wait_until_async(lambda: False, 0)


async def test_what_is_busy_is_named() -> None:
    """A command without its reply fails the wait by its name."""
    story = Story()
    story.connect()
    story.command("NOOP")

    with pytest.raises(AssertionError, match=r"^still busy after 0 s with NOOP"):
        await story.log.wait_idle_async(0)


BLOCKING: list[tuple[str, Callable[[CommandLog], object]]] = [
    ("log.wait_for", lambda log: log.wait_for("QUIT")),
    ("log.wait_for", lambda log: log.wait_for(is_end)),
    ("log.wait_until", lambda log: log.wait_until(lambda: False, 1)),
]


@pytest.mark.parametrize(("name", "wait"), BLOCKING)
async def test_a_blocking_wait_in_a_coroutine_names_its_twin(
    ftp_server: FtpServer, name: str, wait: Callable[[CommandLog], object]
) -> None:
    """It would block the loop, and with it the client: the error says so at once, and what to write instead."""
    with pytest.raises(ServerStateError) as caught:
        wait(ftp_server.log)

    assert str(caught.value) == (
        f"{name}(...) was called inside a running event loop, which it would block, and with it the client: "
        f"write `await {name}_async(...)`"
    )


async def test_wait_idle_in_a_coroutine_names_its_twin() -> None:
    """As the other waits; a log that is idle needs none."""
    story = Story()
    story.connect()
    story.log.wait_idle()
    story.command("NOOP")

    with pytest.raises(ServerStateError, match=r"write `await log\.wait_idle_async\(\.\.\.\)`"):
        story.log.wait_idle()


async def test_what_has_happened_needs_no_wait(ftp_server: FtpServer) -> None:
    """A blocking call that finds what it wants at once blocks nothing, and neither does one without time."""
    async with Client.context(*ftp_server.address, *ftp_server.credentials):
        pass

    assert ftp_server.log.wait_for("USER").verb == "USER"
    with pytest.raises(AssertionError, match="not seen within 0 s"):
        ftp_server.log.wait_for("NOOP", timeout=0)


def test_in_trio_a_thread_waits(ftp_server: FtpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trio tells sniffio that it runs; the errors name a thread of trio, where the blocking call works."""
    sniffio = ModuleType("sniffio")
    sniffio.__dict__["thread_local"] = SimpleNamespace(name="trio")
    monkeypatch.setitem(sys.modules, "sniffio", sniffio)

    with pytest.raises(ServerStateError, match=r"write `await trio\.to_thread\.run_sync\(log\.wait_for, \.\.\.\)`"):
        ftp_server.log.wait_for("NOOP")
    with pytest.raises(ServerStateError, match=r"asyncio only; in trio write `await trio\.to_thread\.run_sync"):
        ftp_server.log.wait_until_async(lambda: False, 1).send(None)

    sniffio.__dict__["thread_local"].name = None
    with pytest.raises(AssertionError, match=r"not seen within 0\.01 s"):
        ftp_server.log.wait_for("NOOP", timeout=0.01)


async def test_a_server_on_the_loop_of_the_test() -> None:
    """A log of one's own server waits on the same loop."""
    server = Server()
    log = CommandLog(server.hub)
    await server.start("127.0.0.1", 0)
    try:
        async with Client.context(*server.address):
            pass
        assert (await log.wait_for_async("QUIT")).verb == "QUIT"
        await log.wait_idle_async()
        assert [record.reason for record in log.sessions] == ["quit"]
    finally:
        await server.close()


@pytest.mark.parametrize("quit_", [True, False], ids=["quit", "closed"])
def test_the_reason_is_there_when_the_server_is_idle(ftp_server: FtpServer, quit_: bool) -> None:
    """A client that has quit, or closed its connection, before `wait_idle` has a session that ended, each time."""
    for number in range(20):
        ftp = ftplib.FTP(timeout=10)
        ftp.connect(*ftp_server.address)
        ftp.login(*ftp_server.credentials)
        ftp.storbinary("STOR /a", BytesIO(b"a"))
        if quit_:
            ftp.quit()
        ftp.close()
        ftp_server.wait_idle()

        last = ftp_server.log.sessions[-1]
        assert (last.number, last.reason, last.closed_at is None) == (
            number + 1,
            "quit" if quit_ else "client closed",
            False,
        )


async def test_a_logout_in_a_coroutine(ftp_server: FtpServer, ftp_users: ScriptedUserManager) -> None:
    """It is waited for as in blocking code, which names the twin."""
    with pytest.raises(ServerStateError, match=r"write `await users\.wait_for_logout_async\(\.\.\.\)`"):
        ftp_users.wait_for_logout(ftp_server.user)
    with pytest.raises(AssertionError, match=r"logged out 0 of 1 times within 0 s"):
        await ftp_users.wait_for_logout_async(ftp_server.user, timeout=0)
    async with Client.context(*ftp_server.address, *ftp_server.credentials):
        pass

    await ftp_users.wait_for_logout_async(ftp_server.user)


async def test_attempts_in_a_coroutine(ftp_server: FtpServer, ftp_users: ScriptedUserManager) -> None:
    """They are waited for as in blocking code, which names the twin."""
    login = ftp_server.user
    with pytest.raises(ServerStateError, match=r"write `await users\.wait_for_attempts_async\(\.\.\.\)`"):
        ftp_users.wait_for_attempts(login, "accepted")
    with pytest.raises(AssertionError, match=r"expected accepted; seen none"):
        await ftp_users.wait_for_attempts_async(login, "accepted", timeout=0)
    with pytest.raises(ConfigurationError, match="'refused' is no outcome: use"):
        await ftp_users.wait_for_attempts_async(login, "refused")
    async with Client.context(*ftp_server.address, *ftp_server.credentials):
        pass

    [attempt] = await ftp_users.wait_for_attempts_async(login, "accepted")
    assert attempt.login == login
