"""Our client through the SOCKS proxy of another project."""

from __future__ import annotations

from pathlib import Path

import pytest

from ftpfixture import Client, ConfigurationError, FtpServer
from tests.support.servers import MicroSocks


@pytest.mark.ftp(files={"/a.txt": b"hi"})
async def test_through_a_proxy(ftp_server: FtpServer, tmp_path: Path) -> None:
    """Control and data connections all come from the proxy, and the proxy resolves names."""
    with MicroSocks(tmp_path / "socks") as proxy:
        for host in ("127.0.0.1", "localhost"):
            async with Client.context(
                host, ftp_server.port, *ftp_server.credentials, socks_host=proxy.host, socks_port=proxy.port
            ) as client:
                async with client.download_stream("/a.txt") as stream:
                    assert await stream.read() == b"hi"
                async with client.upload_stream(f"/{host}") as stream:
                    await stream.write(bytes(1_000_000))
                assert client.server_host == host
    assert len(ftp_server.files["/localhost"]) == len(ftp_server.files["/127.0.0.1"]) == 1_000_000


async def test_proxy_with_a_password(ftp_server: FtpServer, tmp_path: Path) -> None:
    """The proxy asks for user and password, and refuses others."""
    with MicroSocks(tmp_path / "socks", "ann", "secret") as proxy:
        client = Client(socks_host=proxy.host, socks_port=proxy.port, username="ann", password="secret")
        assert await client.connect(*ftp_server.address) == [" welcome"]
        client.close()
        client = Client(socks_host=proxy.host, socks_port=proxy.port, username="ann", password="wrong")
        with pytest.raises(ConnectionError, match="SOCKS proxy does not connect"):
            await client.connect(*ftp_server.address)


async def test_a_proxy_that_cannot_reach_the_server(unused_tcp_port: int, tmp_path: Path) -> None:
    """The error of the proxy is raised, with the requested address."""
    with MicroSocks(tmp_path / "socks") as proxy:
        client = Client(socks_host=proxy.host, socks_port=proxy.port)
        with pytest.raises(ConnectionError, match=f"127.0.0.1:{unused_tcp_port}"):
            await client.connect("127.0.0.1", unused_tcp_port)


async def test_no_active_mode_behind_a_proxy(ftp_server: FtpServer, tmp_path: Path) -> None:
    """A server cannot connect to a client behind a proxy: the error says what to do."""
    with MicroSocks(tmp_path / "socks") as proxy:
        async with Client.context(
            *ftp_server.address,
            *ftp_server.credentials,
            socks_host=proxy.host,
            socks_port=proxy.port,
            passive_commands=["eprt"],
        ) as client:
            with pytest.raises(ConfigurationError, match="use passive commands"):
                await client.list()
            await client.noop()
