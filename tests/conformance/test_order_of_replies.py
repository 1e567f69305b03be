"""Commands sent ahead, during a transfer: their replies never come before its first one."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from ftpfixture import FtpServer
from ftpfixture.wire.hostport import parse_229
from tests.support.raw import RawClient

TRANSFERS = ("RETR big", "STOR new", "APPE new", "STOU", "LIST", "NLST", "MLSD")
UPLOADS = ("STOR new", "APPE new", "STOU")

# Commands that run during a transfer, with their replies; QUIT ends the session.
MEANWHILE = {"NOOP": "200", "STAT": "211", "QUIT": "221"}
# Commands that wait for the end of the transfer.
AFTERWARDS = {
    "HELP": "214",
    "FEAT": "211",
    "SYST": "215",
    "PWD": "257",
    "TYPE I": "200",
    "BOGUS": "502",
    "SIZE f": "213",
}
BIG = b"x" * (1 << 24)  # more than the sockets between two ends hold


@pytest.fixture
def server() -> Iterator[FtpServer]:
    """A server that waits for a data connection without limit."""
    with FtpServer(files={"/big": BIG, "/f": b"hello"}, wait_future_timeout=None) as made:
        yield made


def announced(client: RawClient) -> tuple[str, int]:
    """The address of the next data connection."""
    return client.sock.getpeername()[0], parse_229(client.ask("EPSV").text)


def codes(client: RawClient, count: int) -> list[str]:
    """The codes of `count` replies."""
    return [client.reply().code for _ in range(count)]


def ahead(client: RawClient, *lines: str) -> None:
    """Send lines in one piece."""
    client.sock.sendall("".join(f"{line}\r\n" for line in lines).encode())


@pytest.mark.parametrize("transfer", TRANSFERS)
@pytest.mark.parametrize("opened", ["before", "after"])
def test_the_150_comes_first(server: FtpServer, transfer: str, opened: str) -> None:
    """With the data connection before the commands or after them: 150, then the others."""
    for line, code in {**MEANWHILE, **AFTERWARDS}.items():
        with RawClient(server.address) as client:
            client.login()
            address = announced(client)
            data = socket.create_connection(address) if opened == "before" else None
            ahead(client, transfer, line)
            client.also(data := data or socket.create_connection(address))
            assert client.reply().code == "150", line
            if line in MEANWHILE and transfer in ("RETR big", *UPLOADS):
                assert client.reply().code == code, line  # the data connection is still open, and delays nothing
                finish(data)
                assert client.reply().code == "226", line
            else:
                finish(data)
                got = codes(client, 2)
                assert got == ["226", code] or (line in MEANWHILE and got == [code, "226"]), line


def finish(data: socket.socket) -> None:
    """End this side, and receive all that comes."""
    data.shutdown(socket.SHUT_WR)
    while data.recv(1 << 20):
        pass


@pytest.mark.parametrize("transfer", TRANSFERS)
def test_the_refusal_comes_first(server: FtpServer, transfer: str) -> None:
    """Without a data connection, and for a transfer that is refused at once: the error, then the others."""
    server.server.wait_future_timeout = 0.1
    for line, code in {"NOOP": "200", "QUIT": "221", "HELP": "214"}.items():
        with RawClient(server.address) as client:
            client.login()
            announced(client)
            ahead(client, transfer, line)
            assert codes(client, 2) == ["425", code], line
    with RawClient(server.address) as client:
        client.login()
        for line, code in {**AFTERWARDS, **MEANWHILE}.items():
            ahead(client, transfer, line)
            assert codes(client, 2) == ["425", code], line


@pytest.mark.parametrize("transfer", TRANSFERS)
@pytest.mark.parametrize("opened", ["before", "never"])
def test_abor_ends_a_transfer_before_it_is_answered(server: FtpServer, transfer: str, opened: str) -> None:
    """ABOR does not wait: the transfer gets its final reply, then ABOR its 226, then the others."""
    with RawClient(server.address) as client:
        client.login()
        address = announced(client)
        if opened == "before":
            client.also(socket.create_connection(address))
        ahead(client, transfer, "ABOR", "NOOP")
        replies = [client.reply() for _ in range(3)]
        if replies[0].code == "150":
            replies = [*replies[1:], client.reply()]
        got = [reply.code for reply in replies]
        assert got in (["426", "226", "200"], ["226", "226", "200"])
        assert replies[1].text == ("Abort successful" if got[0] == "426" else "Nothing to abort")
