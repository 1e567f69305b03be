"""Logins that fail: the client must not repeat a wrong password, and must try again when the server is only busy.

Most servers lock a login after a few failures, so a nightly job with an old password locks out all users of that
login. A temporary error (4xx: busy, too many users) is different: the next attempt may succeed.
"""

from __future__ import annotations

import ftplib
from collections.abc import Callable

import pytest

from ftpfixture import FtpServer, ScriptedUserManager

# The code under test.


class LoginRefused(Exception):
    """The server refused the login, and another attempt would make it worse."""


def patient_login(
    host: str, port: int, user: str, password: str, *, attempts: int, pause: Callable[[int], None]
) -> ftplib.FTP:
    """Log in; after a 4xx reply call `pause` with the number of the attempt, and try again.

    Raises:
        LoginRefused: The password is wrong, or the server stayed busy.
    """
    for attempt in range(1, attempts + 1):
        ftp = ftplib.FTP(timeout=10)
        try:
            ftp.connect(host, port)
            ftp.login(user, password)
        except ftplib.error_perm as error:  # 5xx: the next attempt would fail too, and be counted
            ftp.close()
            raise LoginRefused(f"{user}: {error}") from error
        except ftplib.error_temp:  # 4xx; the server has closed only after 421, but a new session does no harm
            ftp.close()
            pause(attempt)
        else:
            return ftp
    raise LoginRefused(f"{user}: still busy after {attempts} attempts")


# Its tests.


@pytest.fixture
def pauses() -> list[int]:
    return []


@pytest.fixture
def log_in(ftp_server: FtpServer, pauses: list[int]) -> Callable[[str], None]:
    def log_in(password: str) -> None:
        user = ftp_server.user
        patient_login(*ftp_server.address, user, password, attempts=4, pause=pauses.append).quit()

    return log_in


def test_a_wrong_password_is_tried_once(ftp_users: ScriptedUserManager, log_in: Callable[[str], None]) -> None:
    ftp_users.lock(after=3)

    with pytest.raises(LoginRefused, match="530 Login incorrect"):
        log_in("old password")

    ftp_users.assert_attempts("user", "rejected")
    log_in("password")  # the login is not locked for its other users


def test_a_locked_login_is_left_alone(
    ftp_users: ScriptedUserManager, log_in: Callable[[str], None], pauses: list[int]
) -> None:
    ftp_users.lock("user")

    with pytest.raises(LoginRefused, match="530 Account locked"):
        log_in("password")

    ftp_users.assert_attempts("user", "locked")
    assert pauses == []


@pytest.mark.parametrize("code", ["421", "430"])
def test_a_busy_server_is_tried_again(
    ftp_users: ScriptedUserManager, log_in: Callable[[str], None], pauses: list[int], code: str
) -> None:
    script = ftp_users.on("user")
    (script.close(times=2) if code == "421" else script.reject("Busy", code=code, times=2)).accept()

    log_in("password")

    assert pauses == [1, 2]
    assert [attempt.code for attempt in ftp_users.attempts] == [code, code, "230"]


def test_it_gives_up(ftp_users: ScriptedUserManager, log_in: Callable[[str], None], pauses: list[int]) -> None:
    ftp_users.on("user").close("Too many users", stage="USER")

    with pytest.raises(LoginRefused, match="still busy after 4 attempts"):
        log_in("password")

    ftp_users.assert_attempts("user", *["closed"] * 4)


def test_an_expired_password(ftp_users: ScriptedUserManager, log_in: Callable[[str], None]) -> None:
    ftp_users.on("user").when(password="old password").reject("Password expired, ask the partner for a new one")

    with pytest.raises(LoginRefused, match="ask the partner"):
        log_in("old password")
    log_in("password")
