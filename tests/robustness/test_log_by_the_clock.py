"""Waits are measured by the server's clock, which a test may stop and move."""

from __future__ import annotations

import time

import pytest

from ftpfixture import FtpServer
from tests.support.raw import RawClient


def test_a_moved_clock_is_a_wait(ftp_server: FtpServer, raw: RawClient) -> None:
    """A client whose `sleep` moves the clock has waited, although no time passed."""
    began = time.monotonic()
    raw.ask("SIZE /a")
    ftp_server.clock.move(30)
    raw.ask("SIZE /a")

    [wait] = ftp_server.log.assert_waited(between=("SIZE -> 550", "SIZE"), at_least=30)

    assert wait <= 30 + time.monotonic() - began


def test_while_the_clock_stands_no_client_waits(ftp_server: FtpServer, raw: RawClient) -> None:
    """Only what the clock was moved counts."""
    ftp_server.clock.freeze()
    raw.ask("SIZE /a")
    raw.ask("NOOP")
    ftp_server.clock.move(2)
    raw.ask("SIZE /a")

    assert ftp_server.log.assert_waited(between=("SIZE", "NOOP"), at_least=0) == [0]
    assert ftp_server.log.assert_waited(between=("NOOP", "SIZE"), at_least=2) == pytest.approx([2])
