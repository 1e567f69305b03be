"""Input that no client should send."""

from __future__ import annotations

import random
import socket

import pytest

from ftpfixture import FtpServer, MemoryUserManager, ServerFailure, User
from tests.support.raw import RawClient


def test_300_pipelined_commands_in_one_packet_are_answered_in_order(raw: RawClient) -> None:
    """Three hundred commands in one send get three hundred replies in their order."""
    lines = [b"NOOP", b"PWD", b"TYPE A", b"SIZE nothing", b"BOGUS", b""] * 50
    expected = ["200", "257", "200", "550", "502", "500"] * 50

    raw.sock.sendall(b"".join(line + b"\r\n" for line in lines))

    assert [raw.reply().code for _ in lines] == expected


def test_octets_at_random_never_kill_the_server(ftp_server: FtpServer) -> None:
    """Random octets on the control connection are answered or ignored; the next session is healthy."""
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


def test_octets_at_random_within_a_session_keep_it_usable(raw: RawClient) -> None:
    """After lines of random octets a session still answers, in step."""
    source = random.Random(7)
    for _ in range(200):
        line = bytes(octet for octet in source.randbytes(60) if octet not in b"\r\n\0\xff")
        raw.send(line.replace(b"QUIT", b""))
        raw.reply()

    assert raw.code("NOOP") == "200"


def test_a_line_without_end_costs_no_memory(raw: RawClient, ftp_server: FtpServer) -> None:
    """Sixteen megabytes without a line feed are swallowed and answered once, with 500."""
    for _ in range(256):
        raw.sock.sendall(b"A" * 65536)
    raw.sock.sendall(b"\r\nNOOP\r\n")

    assert [raw.reply().code, raw.reply().code] == ["500", "200"]
    record = ftp_server.log.commands[-2]
    assert record.verb == ""
    assert len(record.argument) < 100


def test_half_a_line_at_the_end_is_no_command(ftp_server: FtpServer, raw: RawClient) -> None:
    """A line that was cut off by the end of the connection is not executed."""
    ftp_server.files["/keep.txt"] = b"keep"
    raw.sock.sendall(b"NOOP\r\nDELE keep.txt")
    raw.sock.shutdown(socket.SHUT_WR)

    assert raw.reply().code == "200"
    assert raw.is_closed()
    assert "/keep.txt" in ftp_server.files


def test_a_client_that_never_reads_does_not_hurt_others(ftp_server: FtpServer, raw: RawClient) -> None:
    """One client fills the pipe with commands and reads nothing; another one is served meanwhile."""
    raw.flood()

    with RawClient(ftp_server.address) as other:
        other.login()
        assert other.store("STOR /other.txt", b"other") == ["150", "226"]

    assert ftp_server.files["/other.txt"] == b"other"


def test_a_client_that_never_reads_its_download_does_not_hurt_others(ftp_server: FtpServer, raw: RawClient) -> None:
    """One client leaves its download unread; another one gets the same file whole."""
    content = random.Random(1).randbytes(1 << 24)
    ftp_server.files["/big.bin"] = content
    raw.passive()
    assert raw.code("RETR big.bin") == "150"

    with RawClient(ftp_server.address) as other:
        other.login()

        assert other.fetch("RETR big.bin") == (["150", "226"], content)


class LateFailure(MemoryUserManager):
    """Fails when a session is over."""

    async def notify_logout(self, user: User) -> None:
        """See AbstractUserManager."""
        raise RuntimeError("the door is stuck")


def test_a_failure_after_the_last_reply_is_not_lost() -> None:
    """What a user manager raises when a session ends is raised in the test, though nobody can be answered any more."""
    with FtpServer(users=LateFailure([User("user", "password")])) as server:
        with RawClient(server.address) as client:
            client.login()
            assert client.code("QUIT") == "221"
        server.log.wait_for(lambda event: type(event).__name__ == "Disconnected")

        with pytest.raises(ServerFailure, match="the session raised RuntimeError: the door is stuck"):
            server.check()
