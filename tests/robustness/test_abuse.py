"""Malformed and hostile input on the control connection."""

from __future__ import annotations

import random
import socket

import pytest

from ftpfixture import FtpServer, MemoryUserManager, ServerFailure, User
from tests.support.raw import RawClient


def test_300_pipelined_commands_get_their_replies_in_order(raw: RawClient) -> None:
    """300 commands in one packet get 300 replies in order."""
    lines = [b"NOOP", b"PWD", b"TYPE A", b"SIZE nothing", b"BOGUS", b""] * 50
    expected = ["200", "257", "200", "550", "502", "500"] * 50

    raw.sock.sendall(b"".join(line + b"\r\n" for line in lines))

    assert [raw.reply().code for _ in lines] == expected


def test_random_bytes_do_not_stop_the_server(ftp_server: FtpServer) -> None:
    """Random bytes on the control connection get replies or are ignored; the next session works."""
    source = random.Random(20261122)
    for _ in range(50):
        with RawClient(ftp_server.address) as client:
            client.sock.sendall(source.randbytes(5000) + b"\r\n")
            client.sock.shutdown(socket.SHUT_WR)
            while client.sock.recv(65536):
                pass
    with RawClient(ftp_server.address) as client:
        client.login()
        assert client.code("NOOP") == "200"
    ftp_server.check()


def test_random_bytes_in_a_session_keep_it_usable(raw: RawClient) -> None:
    """After lines of random bytes a session still sends replies, in sync."""
    source = random.Random(7)
    for _ in range(200):
        line = bytes(byte for byte in source.randbytes(60) if byte not in b"\r\n\0\xff")
        raw.send(line.replace(b"QUIT", b""))
        raw.reply()

    assert raw.code("NOOP") == "200"


def test_a_line_without_end_costs_no_memory(raw: RawClient, ftp_server: FtpServer) -> None:
    """16 MiB without a line feed are dropped, and get one reply 500."""
    for _ in range(256):
        raw.sock.sendall(b"A" * 65536)
    raw.sock.sendall(b"\r\nNOOP\r\n")

    assert [raw.reply().code, raw.reply().code] == ["500", "200"]
    record = ftp_server.log.commands[-2]
    assert record.verb == ""
    assert len(record.argument) < 100


def test_an_incomplete_line_at_the_end_is_no_command(ftp_server: FtpServer, raw: RawClient) -> None:
    """The server does not execute a line that the end of the connection cut off."""
    ftp_server.files["/keep.txt"] = b"keep"
    raw.sock.sendall(b"NOOP\r\nDELE keep.txt")
    raw.sock.shutdown(socket.SHUT_WR)

    assert raw.reply().code == "200"
    assert raw.is_closed()
    assert "/keep.txt" in ftp_server.files


def test_a_client_that_never_reads_does_not_hurt_others(ftp_server: FtpServer, raw: RawClient) -> None:
    """While one client sends commands and reads nothing, the server serves another one."""
    raw.flood()

    with RawClient(ftp_server.address) as other:
        other.login()
        assert other.store("STOR /other.txt", b"other") == ["150", "226"]

    assert ftp_server.files["/other.txt"] == b"other"


def test_a_client_that_never_reads_its_download_does_not_hurt_others(ftp_server: FtpServer, raw: RawClient) -> None:
    """While one client does not read its download, another one downloads the same file."""
    content = random.Random(1).randbytes(1 << 24)
    ftp_server.files["/big.bin"] = content
    raw.passive()
    assert raw.code("RETR big.bin") == "150"

    with RawClient(ftp_server.address) as other:
        other.login()

        assert other.fetch("RETR big.bin") == (["150", "226"], content)


class LateFailure(MemoryUserManager):
    """Raises at the end of a session."""

    async def notify_logout(self, user: User) -> None:
        """Raise."""
        raise RuntimeError("no logout")


def test_a_failure_after_the_last_reply_is_not_lost() -> None:
    """An exception of the user manager at the end of a session is raised in the test, though no reply can have it."""
    with FtpServer(users=LateFailure([User("user", "password")])) as server:
        with RawClient(server.address) as client:
            client.login()
            assert client.code("QUIT") == "221"
        server.log.wait_for(lambda event: type(event).__name__ == "Disconnected")

        with pytest.raises(ServerFailure, match="the session raised RuntimeError: no logout"):
            server.check()
