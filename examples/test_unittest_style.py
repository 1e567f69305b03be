"""The server in a unittest.TestCase: without pytest, or by the pytest fixture."""

from __future__ import annotations

import ftplib
import unittest

import pytest

from ftpfixture import FtpServer


def first_name(server: FtpServer) -> str:
    with ftplib.FTP() as ftp:
        ftp.connect(*server.address)
        ftp.login(*server.credentials)
        return ftp.nlst()[0]


class WithoutPytest(unittest.TestCase):
    """Also runs under ``python -m unittest``."""

    def setUp(self) -> None:
        self.server = FtpServer(files={"/a.txt": b"hi"})
        self.server.start()
        self.addCleanup(self.server.check)  # cleanups run last to first: stop, then raise errors of the server
        self.addCleanup(self.server.stop)

    def test_listing(self) -> None:
        assert first_name(self.server) == "a.txt"
        self.server.log.assert_sent("NLST -> 226", times=1)


class WithTheFixture(unittest.TestCase):
    """Runs under pytest, with the marker and the dialogue in the report."""

    server: FtpServer

    @pytest.fixture(autouse=True)
    def _use_ftp_server(self, ftp_server: FtpServer) -> None:
        self.server = ftp_server

    @pytest.mark.ftp(files={"/b.txt": b"ho"})
    def test_listing(self) -> None:
        assert first_name(self.server) == "b.txt"
