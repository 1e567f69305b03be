"""Assertions on sessions: a poller that keeps to what its partner asks of clients.

The partner allows one session at a time and no password in clear, wants a QUIT at the end, and a pause of a minute
after each refusal.
"""

from __future__ import annotations

import ftplib
import ssl
from collections.abc import Callable

import pytest

from ftpfixture import FtpServer

# The code under test.


class Poller:
    """Looks for files, and waits after each refusal.

    Args:
        address: Host and port.
        credentials: Login and password.
        context: Which certificates to trust.
        sleep: Waits for seconds.
    """

    def __init__(
        self,
        address: tuple[str, int],
        credentials: tuple[str, str],
        context: ssl.SSLContext,
        sleep: Callable[[float], object],
    ) -> None:
        self._address = address
        self._credentials = credentials
        self._context = context
        self._sleep = sleep

    def poll(self, attempts: int = 3) -> list[str]:
        """The names of the files there are."""
        for _ in range(attempts):
            with ftplib.FTP_TLS(context=self._context, timeout=10) as ftp:
                ftp.connect(*self._address)
                ftp.login(*self._credentials)
                ftp.prot_p()
                try:
                    return ftp.nlst("/out")
                except ftplib.error_temp:
                    pass
            self._sleep(60)
        raise TimeoutError("the partner is busy")


# Its tests.


@pytest.fixture
def poller(ftps_server: FtpServer) -> Poller:
    # The pause moves the clock of the server, by which waits are measured: no test takes a minute.
    context = ftps_server.tls.client_context()
    return Poller(ftps_server.address, ftps_server.credentials, context, ftps_server.clock.move)


def test_nothing_goes_in_clear(ftps_server: FtpServer, poller: Poller) -> None:
    assert poller.poll() == []

    ftps_server.log.assert_encrypted("login")
    ftps_server.log.assert_encrypted("data")


def test_each_session_is_short_and_ends_well(ftps_server: FtpServer, poller: Poller) -> None:
    poller.poll()

    log = ftps_server.log
    assert log.assert_logged_in(ftps_server.user).number == 1
    log.assert_sessions(count=1)
    log.assert_passive()
    log.assert_all_quit()
    log.assert_round_trips(at_most=16)


@pytest.mark.ftp(faults=["NLST times=2: reply 450"])
def test_a_refusal_is_followed_by_a_pause(ftps_server: FtpServer, poller: Poller) -> None:
    poller.poll()

    log = ftps_server.log
    waits = log.assert_waited(between=("NLST -> 450", "NLST"), at_least=60)
    assert len(waits) == 2
    log.assert_sessions(count=3, at_most_at_once=1)
    log.assert_all_quit()


def test_the_log_has_no_better_advice(ftps_server: FtpServer, poller: Poller) -> None:
    poller.poll()

    assert ftps_server.log.advice() == []
