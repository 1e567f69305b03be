"""Where a client is at each command, as a server in the same process sees it."""

import asyncio
import ftplib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ftpfixture import Client, FtpServer
from ftpfixture.sweep.callsites import CallSites

HERE = Path(__file__).name


@pytest.fixture
def server() -> Iterator[FtpServer]:
    """A server with files."""
    with FtpServer(simulate=True, files={"/a": b"1", "/b": b"2"}) as running:
        yield running


def _sites(server: FtpServer, act: Callable[[], object]) -> list[tuple[str, tuple[str, ...]]]:
    sites = CallSites()
    server.server.hub.subscribe(sites)
    act()
    server.wait_idle()
    return [(str(command).partition(" ->")[0], sites.found[command.seq]) for command in server.log.commands]


def test_a_blocking_client(server: FtpServer) -> None:
    """The same line in a loop is one place, and another line another."""

    def act() -> None:
        with ftplib.FTP(timeout=10) as ftp:
            ftp.connect(*server.address)
            ftp.login(*server.credentials)
            for name in ("/a", "/b"):
                ftp.size(name)
            ftp.size("/a")

    sites = dict.fromkeys(site for text, site in _sites(server, act) if text.startswith("SIZE"))
    assert len(sites) == 2
    for site in sites:
        assert any("ftplib.py:" in line for line in site)
        assert any(line.rpartition("/")[2].startswith(f"{HERE}:") for line in site)
        assert not any("/ftpfixture/" in line.partition("site-packages")[2] for line in site)


def test_an_asyncio_client(server: FtpServer) -> None:
    """The place is that of the task, not that of the event loop."""

    async def use() -> None:
        async with Client.context(*server.address, *server.credentials) as client:
            for name in ("/a", "/b"):
                await client.stat(name)
            await client.stat("/a")

    found = [site for text, site in _sites(server, lambda: asyncio.run(use())) if text.startswith("MLST")]
    assert len(found) == 3
    assert found[0] == found[1] != found[2]
    assert all(f"{HERE}:" in " ".join(site) for site in found)
