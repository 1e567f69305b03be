"""Each step of a scripted user manager, on the wire and with client programs; and the next session works normally."""

from __future__ import annotations

import ftplib
import io
import re
import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ftpfixture import Client, FtpServer, LoginScript, Permission, Retry, ScriptedUserManager, StatusCodeError, User
from ftpfixture.clock import Clock
from ftpfixture.log.events import Disconnected
from tests.clients.programs import Program
from tests.support.leaks import held
from tests.support.raw import RawClient

pytestmark = pytest.mark.illegal_replies  # 430 is in no RFC, and in use

LOGIN_DENIED = 67
TIMED_OUT = 28

INTERNAL_ERROR = "451 Requested action aborted: internal error of the server"


@dataclass(frozen=True)
class Case:
    """A script, and the result of a login with the right password.

    Attributes:
        script: Adds the steps.
        user: Reply to USER.
        password: Reply to PASS; "" when it is not requested, or not answered.
        outcome: The recorded outcome of the attempt.
        curl: Exit code of curl.
    """

    script: Callable[[LoginScript], object]
    user: str
    password: str
    outcome: str
    curl: int

    @property
    def last_reply(self) -> str:
        """The last reply."""
        return self.password or self.user

    @property
    def logged_in(self) -> bool:
        """Whether the user is logged in."""
        return self.outcome == "accepted"


ASKED = "331 Password required"

CASES = {
    "accept": Case(lambda on: on.accept(), ASKED, "230 Login successful", "accepted", 0),
    "accept at USER": Case(lambda on: on.accept(stage="USER"), "230 Login successful", "", "accepted", 0),
    "usual": Case(lambda on: on.usual(), ASKED, "230 Login successful", "accepted", 0),
    "ask password": Case(lambda on: on.ask_password("s/key 99"), "331 s/key 99", "230 Login successful", "accepted", 0),
    "reject": Case(lambda on: on.reject(), ASKED, "530 Login incorrect", "rejected", LOGIN_DENIED),
    "reject at USER": Case(lambda on: on.reject("No", stage="USER"), "530 No", "", "rejected", LOGIN_DENIED),
    "430": Case(lambda on: on.reject("Busy", code="430"), ASKED, "430 Busy", "rejected", LOGIN_DENIED),
    # curl treats every 421 as a timeout.
    "close": Case(lambda on: on.close(), ASKED, "421 Too many users", "closed", TIMED_OUT),
    "close at USER": Case(lambda on: on.close("Full", stage="USER"), "421 Full", "", "closed", TIMED_OUT),
    "account": Case(lambda on: on.ask_account("tax"), ASKED, "332 Account needed", "asked", LOGIN_DENIED),
    "account at USER": Case(
        lambda on: on.ask_account("tax", stage="USER"), "332 Account needed", "", "asked", LOGIN_DENIED
    ),
    "raises": Case(lambda on: on.raises(ValueError("typo")), ASKED, INTERNAL_ERROR, "raised", LOGIN_DENIED),
    "raises at USER": Case(
        lambda on: on.raises(OSError("down"), stage="USER"),
        "451 Requested action aborted: local error in processing",
        "",
        "raised",
        LOGIN_DENIED,
    ),
    "time out": Case(lambda on: on.time_out(), ASKED, "", "timed out", TIMED_OUT),
    "time out at USER": Case(lambda on: on.time_out(stage="USER"), "", "", "timed out", TIMED_OUT),
}

every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@pytest.fixture(autouse=True)
def _next_session_works(ftp_users: ScriptedUserManager, ftp_server: FtpServer) -> Iterator[None]:
    """After each test no session is left, and a normal login and upload succeed."""
    yield
    if ftp_server.log.sessions:
        count = len(ftp_server.log.sessions)
        ftp_server.log.wait_for(lambda event: isinstance(event, Disconnected), times=count)
    ftp_users.on("user").usual()
    with ftplib.FTP(timeout=10) as ftp:
        ftp.connect(ftp_server.host, ftp_server.port)
        ftp.login("user", "password")
        ftp.storbinary("STOR /after.txt", io.BytesIO(b"well"))
    assert ftp_server.files["/after.txt"] == b"well"
    assert all(slots.maximum_value == slots.value for slots in ftp_users.available_connections.values())


# The wire.


@every_case
def test_replies(ftp_users: ScriptedUserManager, ftp_server: FtpServer, case: Case) -> None:
    """Code and text are those of the script; after 421 the server closes; without a reply it waits for the client."""
    case.script(ftp_users.on("user"))
    with RawClient(ftp_server.address) as client:
        client.reply()
        replies = [f"{reply.code} {reply.text}" for reply in _login(client, case)]
        assert replies == [text for text in (case.user, case.password) if text]
        if case.outcome == "closed":
            assert client.is_closed()
        elif case.outcome == "timed out":
            client.send("NOOP")
            client.send("QUIT")
            client.sock.shutdown(socket.SHUT_WR)
            assert client.is_closed()
        else:
            assert client.code("PWD") == ("257" if case.logged_in else "530")
            assert client.code("QUIT") == "221"
    ftp_users.wait_for_attempts("user", case.outcome)
    attempt = ftp_users.attempts[0]
    assert (attempt.session, attempt.code) == (1, "" if case.outcome == "timed out" else case.last_reply[:3])
    reason = {"closed": "refused", "timed out": "client closed"}.get(case.outcome, "quit")
    ftp_server.log.wait_for(lambda event: isinstance(event, Disconnected) and event.reason == reason)
    assert ftp_users.logouts == (["user"] if case.logged_in else [])


def _login(client: RawClient, case: Case) -> Iterator[Any]:
    client.send("USER user")
    if case.user:
        yield client.reply()
    if case.user.startswith("331"):
        client.send("PASS password")
        if case.password:
            yield client.reply()


def test_delay(ftp_users: ScriptedUserManager, ftp_server: FtpServer) -> None:
    """The reply is sent only when the server's clock has reached the time."""
    clock = ftp_server.server.clock
    assert isinstance(clock, Clock)
    clock.freeze()
    ftp_users.on("user").delay(300).accept()
    with RawClient(ftp_server.address) as client:
        client.reply()
        assert client.code("USER user") == "331"
        client.send("PASS password")
        ftp_users.wait_for_attempts("user", "accepted")
        clock.move(299)
        assert select.select([client.sock], [], [], 0)[0] == []
        clock.move(1)
        assert client.reply().code == "230"


def test_permissions_change_during_a_session(ftp_users: ScriptedUserManager, ftp_server: FtpServer) -> None:
    """The next command uses the new permissions."""
    ftp_server.files.mkdir("/in")
    with RawClient(ftp_server.address) as client:
        client.login()
        assert client.store("STOR /in/a.txt", b"hi") == ["150", "226"]
        ftp_users.permit("user", Permission("/in", writable=False))
        assert client.store("STOR /in/a.txt", b"hi") == ["550"]
        assert client.code("DELE /in/a.txt") == "550"
        ftp_users.permit("user")
        assert client.code("DELE /in/a.txt") == "250"


def test_scripted_failures_are_counted(ftp_users: ScriptedUserManager) -> None:
    """Scripted rejections count for `maximum_login_failures`, but not an OSError."""
    ftp_users.on("user").raises(OSError("down")).reject("No", code="430").reject("No")
    with (
        FtpServer(users=ftp_users, maximum_login_failures=2) as server,
        RawClient(server.address) as client,
    ):
        client.reply()
        client.code("USER user")
        assert [client.code("PASS x") for _ in range(3)] == ["451", "430", "421"]
        assert client.is_closed()


def test_a_limit_for_several_sessions(ftp_users: ScriptedUserManager, ftp_server: FtpServer) -> None:
    """A session above the limit is refused while the other one is open."""
    ftp_users.limit("user", 1)
    with RawClient(ftp_server.address) as first, RawClient(ftp_server.address) as second:
        first.login()
        second.reply()
        assert str(second.ask("USER user").text) == "Too many connections for user"
        assert first.code("QUIT") == "221"
        ftp_users.wait_for_logout("user")
        assert second.code("USER user") == "331"
    ftp_users.limit("user", None)


def test_stopping_with_waiting_clients() -> None:
    """A server stops at once while clients wait for a reply, and holds nothing afterwards."""
    users = ScriptedUserManager([User("user", "password")])
    users.on("user").time_out().delay(3600).accept()
    users.on("eve").time_out(stage="USER")
    before = held()
    with FtpServer(users=users) as server, ExitStack() as clients:
        for login in ("user", "user", "eve"):
            client = clients.enter_context(RawClient(server.address))
            client.reply()
            client.send(f"USER {login}\r\nPASS password")
        users.wait_for_attempts("user", "timed out", "accepted")
        users.wait_for_attempts("eve", "timed out")
        server.stop()
        assert [session.reason for session in server.log.sessions] == ["shut down"] * 3
    assert held() == before
    assert users.logouts == ["user"]


# Clients.


@every_case
def test_ftplib(ftp_users: ScriptedUserManager, ftp_server: FtpServer, case: Case) -> None:
    """The error has the class of the code, and its text; a missing reply is a timeout of the client."""
    case.script(ftp_users.on("user"))
    with ftplib.FTP(timeout=0.3 if case.outcome == "timed out" else 10) as ftp:
        ftp.connect(ftp_server.host, ftp_server.port)
        if case.logged_in:
            assert ftp.login("user", "password") == case.last_reply
            return
        kind: type[Exception] = {"4": ftplib.error_temp, "5": ftplib.error_perm}.get(case.last_reply[:1], TimeoutError)
        text = case.last_reply
        if case.outcome == "asked":
            kind, text = ftplib.error_perm, "530 Account refused"  # ftplib always has an account, an empty one
        with pytest.raises(kind, match="timed out" if kind is TimeoutError else f"^{re.escape(text)}$"):
            ftp.login("user", "password")


@pytest.mark.parametrize("at", ["USER", "PASS"])
def test_ftplib_with_an_account(ftp_users: ScriptedUserManager, ftp_server: FtpServer, at: Any) -> None:
    """With the right account the login succeeds."""
    ftp_users.on("user").ask_account("tax", stage=at)
    with ftplib.FTP(timeout=10) as ftp:
        ftp.connect(ftp_server.host, ftp_server.port)
        assert ftp.login("user", "password", "tax") == "230 Login successful"
    ftp_users.assert_attempts("user", "asked", "accepted")


@every_case
def test_curl(ftp_users: ScriptedUserManager, ftp_server: FtpServer, tmp_path: Path, case: Case) -> None:
    """The program exits with the right code."""
    limit = "0.5" if case.outcome == "timed out" else "15"
    curl = Program("curl", tmp_path, "-q", "-sS", "--noproxy", "*", "--max-time", limit)
    ftp_server.files["/a.txt"] = b"hi"
    case.script(ftp_users.on("user"))

    done = curl(f"{ftp_server.url}/a.txt", code=case.curl)

    assert done.output == (b"hi" if case.logged_in else b"")
    ftp_users.wait_for_attempts("user", case.outcome)
    assert bool(ftp_server.log.find("PASS")) is case.user.startswith("331")


def test_curl_with_an_account(ftp_users: ScriptedUserManager, ftp_server: FtpServer, tmp_path: Path) -> None:
    """With the right account the login succeeds."""
    ftp_server.files["/a.txt"] = b"hi"
    curl = Program("curl", tmp_path, "-q", "-sS", "--noproxy", "*", "--max-time", "15", "--ftp-account", "tax")
    ftp_users.on("user").ask_account("tax", stage="USER").ask_account("tax").ask_account("other")

    for code in (0, 0, 11):
        curl(f"{ftp_server.url}/a.txt", code=code)

    ftp_users.assert_attempts("user", *["asked", "accepted"] * 2, "asked", "rejected")


LFTP = "set net:timeout 1; set net:reconnect-interval-base 0; set ftp:ssl-allow no; set cmd:fail-exit yes; "


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.logged_in])
def test_lftp(ftp_users: ScriptedUserManager, ftp_server: FtpServer, tmp_path: Path, name: str) -> None:
    """The program gives up, and shows the reason."""
    case = CASES[name]
    case.script(ftp_users.on("user"))
    login = f"open -p {ftp_server.port} -u user,password {ftp_server.host}; ls"

    replies = Program("lftp", tmp_path, "--norc")("-c", f"set net:max-retries 1; {LFTP}{login}", code=1).text

    assert {"asked": "Account is required", "timed out": "max-retries exceeded"}.get(
        case.outcome, case.last_reply
    ) in replies


def test_lftp_retries(ftp_users: ScriptedUserManager, ftp_server: FtpServer, tmp_path: Path) -> None:
    """The program retries after temporary failures, until it is logged in."""
    ftp_server.files["/a.txt"] = b"hi"
    ftp_users.on("user").reject("Busy", code="430").close().raises(OSError("down")).accept()
    login = f"open -p {ftp_server.port} -u user,password {ftp_server.host}; cat a.txt"

    assert Program("lftp", tmp_path, "--norc")("-c", f"set net:max-retries 9; {LFTP}{login}").output == b"hi"

    ftp_users.assert_attempts("user", "rejected", "closed", "raised", "accepted")


@every_case
async def test_our_client(ftp_users: ScriptedUserManager, ftp_server: FtpServer, case: Case) -> None:
    """The error has the code and the text; a missing reply is a timeout of the client."""
    case.script(ftp_users.on("user"))
    client = Client(socket_timeout=0.3 if case.outcome == "timed out" else 10)
    try:
        await client.connect(*ftp_server.address)
        if case.logged_in:
            await client.login("user", "password")
        elif case.outcome == "timed out":
            with pytest.raises(TimeoutError):
                await client.login("user", "password")
        else:
            with pytest.raises(StatusCodeError) as last_reply:
                await client.login("user", "password")
            assert last_reply.value.received_codes == ("530",) if case.outcome == "asked" else (case.last_reply[:3],)
    finally:
        client.close()


async def test_our_client_retries(ftp_users: ScriptedUserManager, ftp_server: FtpServer) -> None:
    """With `Retry` a client reconnects and logs in again after temporary failures."""
    ftp_server.files["/a.txt"] = b"hi"
    async with Client.context(*ftp_server.address, "user", "password", retry=Retry(attempts=4, delay=0)) as client:
        ftp_server.restart()
        ftp_users.on("user").close().reject("Busy", code="430").accept()
        assert [str(path) for path, _ in await client.list("/")] == ["/a.txt"]

    ftp_users.assert_attempts("user", "accepted", "closed", "rejected", "accepted")


# Many clients.


def test_many_clients_at_once(ftp_users: ScriptedUserManager, ftp_server: FtpServer) -> None:
    """Of many logins at once exactly the scripted number is refused, and each attempt is recorded with its session."""
    ftp_users.on("user").reject(times=7).accept()
    last_reply: list[str] = []

    def log_in() -> None:
        with ftplib.FTP(timeout=20) as ftp:
            ftp.connect(ftp_server.host, ftp_server.port)
            try:
                ftp.login("user", "password")
            except ftplib.error_perm as error:
                last_reply.append(str(error))

    threads = [threading.Thread(target=log_in) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert last_reply == ["530 Login incorrect"] * 7
    ftp_users.assert_attempts("user", *["rejected"] * 7, *["accepted"] * 13)
    assert sorted(attempt.session for attempt in ftp_users.attempts) == list(range(1, 21))
    ftp_users.wait_for_logout("user", times=13)
