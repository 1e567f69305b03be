"""When a client counts as hanging: by the time of the loop, while something is withheld and no byte goes."""

from __future__ import annotations

import pytest

from ftpfixture import FtpServer, HangError, ScriptedUserManager, User
from ftpfixture.log.events import ClientHung
from tests.support.raw import RawClient

LIMIT = 30.0


def _hung(server: FtpServer) -> list[str]:
    return [str(event) for event in server.log.events if isinstance(event, ClientHung)]


def _passes(server: FtpServer, seconds: float) -> None:
    assert not server.driver.wait_until(lambda: False, seconds)


@pytest.mark.parametrize(
    ("fault", "commands", "where"),
    [
        ("NOOP: stall", ("NOOP",), "NOOP"),
        ("NOOP: no_reply", ("NOOP",), "NOOP"),
        ("CWD: ignore", ("CWD /in",), "CWD /in"),
        ("SIZE: delay_to_next", ("SIZE /a",), "SIZE /a"),
        ("CONNECT: stall", (), "CONNECT"),
        ("PASS: no_reply", ("USER user", "PASS password"), "PASS ********"),
    ],
)
def test_a_client_that_waits(fault: str, commands: tuple[str, ...], where: str) -> None:
    """After the limit, and not before, the session is reset; the error names the command, secrets starred."""
    with FtpServer(simulate=True, hang_after=LIMIT, files={"/a": b"a", "/in/": None}, faults=[fault]) as server:
        with RawClient(server.address, timeout=1000) as client:
            if not where.startswith(("CONNECT", "PASS")):
                client.login()
            if commands:
                client.send("\r\n".join(commands))  # in one packet
            _passes(server, LIMIT - 1)
            assert _hung(server) == []
            _passes(server, 2)
            assert _hung(server) == [f"the client waited 30 s at {where} without giving up"]
            assert [session.reason for session in server.log.sessions] == ["client hung"]
        with pytest.raises(HangError, match=r"the client waited 30 s .* give the client a timeout\n\nsession 1\n"):
            server.check()
        server.check()


def test_a_script_that_never_answers() -> None:
    """The reply that a login script withholds is as that of a fault."""
    users = ScriptedUserManager([User("ann", "secret")])
    users.on("ann").time_out()
    with (
        FtpServer(simulate=True, hang_after=LIMIT, users=users) as server,
        RawClient(server.address) as client,
    ):
        client.send("USER ann\r\nPASS secret")
        _passes(server, LIMIT + 1)
        assert _hung(server) == ["the client waited 30 s at PASS ****** without giving up"]
        server.log.wait_idle()
        with pytest.raises(HangError):
            server.check()


def test_time_that_is_frozen_or_moved() -> None:
    """The clock of the server does not count: neither does a frozen one stop the guard, nor a moved one set it off."""
    with (
        FtpServer(simulate=True, hang_after=LIMIT, faults=["NOOP: stall"]) as server,
        RawClient(server.address) as client,
    ):
        client.login()
        server.clock.freeze()
        client.send("NOOP")
        server.clock.move(1000)
        assert _hung(server) == []
        _passes(server, LIMIT + 1)
        assert len(_hung(server)) == 1
        with pytest.raises(HangError):
            server.check()


@pytest.mark.parametrize(
    ("fault", "commands"),
    [
        ("NOOP: stall 20", ("NOOP",)),  # it ends by itself
        ("NOOP: no_reply", ("NOOP", "PWD")),  # the client goes on without the reply
        ("PWD: answer 550", ("PWD", "NOOP")),
        ("PASV: ignore_data", ("PASV",)),  # it has sent no command that needs the connection
        ("RETR: stall_data", ("NOOP",)),
    ],
)
def test_a_client_that_is_only_connected(fault: str, commands: tuple[str, ...]) -> None:
    """A client may be idle for as long as it likes when nothing is withheld from it."""
    with FtpServer(simulate=True, hang_after=LIMIT, faults=[fault, "QUIT: reset"]) as server:
        with RawClient(server.address, timeout=100) as client:
            client.login()
            client.send("\r\n".join(commands))
            _passes(server, 10 * LIMIT)
            assert _hung(server) == []
        server.check()
        server.faults.clear()


def test_bytes_restart_the_time() -> None:
    """A client that goes on talking beside a stalled transfer does not hang; one that stops then does."""
    with FtpServer(
        simulate=True, hang_after=LIMIT, files={"/a": b"aaaa"}, faults=["RETR: stall_data after_bytes=2"]
    ) as server:
        with RawClient(server.address, timeout=100) as client:
            client.login()
            with client.passive() as data:
                client.send("RETR /a")
                assert client.reply().code == "150"
                assert data.recv(10) == b"aa"
                for _ in range(5):
                    _passes(server, LIMIT - 1)
                    assert client.code("NOOP") == "200"
                _passes(server, LIMIT - 1)
                assert _hung(server) == []
                _passes(server, 2)
                assert _hung(server) == ["the client waited 30 s at RETR /a without giving up"]
        with pytest.raises(HangError):
            server.check()


@pytest.mark.parametrize("limit", [None, 100.0])
def test_the_limit_is_a_setting(limit: float | None) -> None:
    """None is no limit; `reset` may change it for one test."""
    with FtpServer(simulate=True, hang_after=limit, faults=["NOOP: stall"]) as server:
        for hangs in (False, True):
            with RawClient(server.address, timeout=1000) as client:
                client.login()
                client.send("NOOP")
                _passes(server, LIMIT + 1)
                assert bool(_hung(server)) is hangs
            if not hangs:
                server.reset(hang_after=LIMIT)
        with pytest.raises(HangError):
            server.check()


def test_nothing_is_left_behind() -> None:
    """When the client goes, or the session ends, there is no timer and no subscriber any more."""
    with FtpServer(simulate=True, hang_after=LIMIT, faults=["NOOP: stall"]) as server:
        before = len(server.server.hub._subscribers)
        with RawClient(server.address) as client:
            client.login()
            client.send("NOOP")
            _passes(server, 1)
            assert len(server.server.hub._subscribers) == before + 1
        _passes(server, 1)
        assert len(server.server.hub._subscribers) == before
        _passes(server, 100)
        assert _hung(server) == []


def test_virtual_time_has_no_limit_by_default() -> None:
    """A client with a timeout of minutes waits that long in virtual time, which is no hang."""
    with FtpServer(simulate=True, faults=["NOOP: stall"]) as server, RawClient(server.address) as client:
        client.login()
        client.send("NOOP")
        _passes(server, 1000 * LIMIT)
        assert _hung(server) == []
