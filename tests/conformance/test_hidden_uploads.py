"""Uploads that are hidden until they are complete."""

from __future__ import annotations

import ftplib
import io
import socket
import struct

import pytest

from ftpfixture import FtpServer
from tests.support.raw import RawClient

pytestmark = pytest.mark.ftp(hidden_uploads=True, files={"/a": b"old"})


def test_a_file_appears_when_it_is_complete(ftp_server: FtpServer) -> None:
    """The old content stays until then, LIST hides the new one, and LIST -a shows it."""
    with RawClient(ftp_server.address) as client:
        client.login()
        data = client.passive()
        assert client.code("STOR a") == "150"
        data.sendall(b"new")
        assert ftp_server.log.wait_until(lambda: "/.in.a." in ftp_server.files, 10)
        with ftplib.FTP(timeout=10) as other:
            other.connect(*ftp_server.address)
            other.login(*ftp_server.credentials)
            assert other.nlst() == ["a"]
            assert sorted(other.nlst("-a")) == [".in.a.", "a"]
            assert other.size("a") == 3
        assert ftp_server.files["/a"] == b"old"
        data.close()
        assert client.reply().code == "226"
        assert ftp_server.files == {"/a": b"new"}


@pytest.mark.ftp(faults=["STOR: reset_data after_bytes=2"])
def test_a_part_vanishes_with_its_connection(ftp_server: FtpServer) -> None:
    """A reset of the data connection, and of the session."""
    with ftplib.FTP(timeout=10) as ftp:
        ftp.connect(*ftp_server.address)
        ftp.login(*ftp_server.credentials)
        with pytest.raises((ftplib.Error, OSError)):
            ftp.storbinary("STOR a", io.BytesIO(bytes(100_000)))
        ftp.close()
    ftp_server.wait_idle()
    assert ftp_server.files == {"/a": b"old"}


def test_a_part_vanishes_with_its_client(ftp_server: FtpServer) -> None:
    """It dies in the middle, and the system resets its connections."""
    with RawClient(ftp_server.address) as client:
        client.login()
        data = client.passive()
        assert client.code("STOR new") == "150"
        data.sendall(b"part")
        assert ftp_server.log.wait_until(lambda: "/.in.new." in ftp_server.files, 10)
        for sock in (data, client.sock):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
        ftp_server.wait_idle()
    assert ftp_server.files == {"/a": b"old"}


def test_what_cannot_be_hidden(ftp_server: FtpServer) -> None:
    """APPE and REST begin with what there is; STOU and a full disk work as ever."""
    with ftplib.FTP(timeout=10) as ftp:
        ftp.connect(*ftp_server.address)
        ftp.login(*ftp_server.credentials)
        with pytest.raises(ftplib.error_perm, match="550 APPE is not possible"):
            ftp.storbinary("APPE a", io.BytesIO(b"x"))
        with pytest.raises(ftplib.error_perm, match="501 REST is not possible"):
            ftp.storbinary("STOR a", io.BytesIO(b"x"), rest=1)
        ftp.storbinary("STOU b", io.BytesIO(b"b"))
        ftp_server.files.quota = 10
        with pytest.raises(ftplib.error_temp, match="452"):
            ftp.storbinary("STOR big", io.BytesIO(bytes(100)))
    assert ftp_server.files == {"/a": b"old", "/b": b"b"}
