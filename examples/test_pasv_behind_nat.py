"""A server behind NAT: its PASV reply has a private address, which clients outside of its network cannot reach.

A careless client connects to this address: it times out or, worse, reaches another machine, as a hostile server may
want (RFC 2577 3). The remedy is to take only the port from the reply, and to connect to the host of the control
connection. ftplib does so since Python 3.10, and so does `ftpfixture.Client`; both have a switch for the careless way.
"""

from __future__ import annotations

import ftplib
import io

import pytest

from ftpfixture import Client, FtpServer

ORDERS = b"1,apples\n"
ELSEWHERE = "PASV: wrong_address 127.0.0.2"  # nothing listens there, and no packet leaves this machine

pytestmark = pytest.mark.ftp(files={"/out/orders.csv": ORDERS})

# The code under test, blocking and asynchronous.


class TrustingFTP(ftplib.FTP):
    """Trusts the address in the reply; ftplib can do so for servers that use another host for data."""

    trust_server_pasv_ipv4_address = True


def fetch(server: FtpServer, path: str, kind: type[ftplib.FTP] = ftplib.FTP) -> bytes:
    """The content of a file."""
    content = io.BytesIO()
    with kind(timeout=10) as ftp:
        ftp.connect(server.host, server.port)
        ftp.login(*server.credentials)
        ftp.retrbinary(f"RETR {path}", content.write)
    return content.getvalue()


async def fetch_async(server: FtpServer, path: str, *, trust: bool = False) -> bytes:
    """The content of a file, read by Client with PASV; it prefers EPSV, whose reply has no host."""
    client = Client.context(
        *server.address, *server.credentials, passive_commands=["pasv"], trust_pasv_host=trust, connection_timeout=10
    )
    async with client as connected, connected.download_stream(path) as stream:
        return await stream.read()


# Its tests.


@pytest.mark.ftp(faults=["pasv-behind-nat"])
def test_the_port_is_enough(ftp_server: FtpServer) -> None:
    assert fetch(ftp_server, "/out/orders.csv") == ORDERS

    assert "(10,0,0,1," in ftp_server.log.assert_sent("PASV -> 227").reply


@pytest.mark.asyncio
@pytest.mark.ftp(faults=["pasv-behind-nat"])
async def test_the_port_is_enough_for_the_async_client(ftp_server: FtpServer) -> None:
    assert await fetch_async(ftp_server, "/out/orders.csv") == ORDERS


@pytest.mark.ftp(faults=[ELSEWHERE])
def test_careless_code_connects_elsewhere(ftp_server: FtpServer) -> None:
    with pytest.raises(ConnectionRefusedError):
        fetch(ftp_server, "/out/orders.csv", TrustingFTP)

    ftp_server.log.assert_not_sent("RETR")


@pytest.mark.asyncio
@pytest.mark.ftp(faults=[ELSEWHERE])
async def test_a_careless_async_client_connects_elsewhere(ftp_server: FtpServer) -> None:
    with pytest.raises(ConnectionRefusedError):
        await fetch_async(ftp_server, "/out/orders.csv", trust=True)

    ftp_server.log.assert_not_sent("RETR")


@pytest.mark.asyncio
@pytest.mark.ftp(faults=["PASV optional: wrong_address"])
async def test_epsv_needs_no_care(ftp_server: FtpServer) -> None:
    client = Client.context(*ftp_server.address, *ftp_server.credentials, trust_pasv_host=True)
    async with client as connected, connected.download_stream("/out/orders.csv") as stream:
        assert await stream.read() == ORDERS

    ftp_server.log.assert_not_sent("PASV")
