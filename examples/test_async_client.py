"""The asyncio client: a nightly job that survives an outage, tested with a server that has one."""

from __future__ import annotations

from pathlib import Path, PurePath

import pytest

from ftpfixture import Client, Connection, FtpServer, Retry, Server


async def fetch_reports(host: str, port: int, user: str, password: str, folder: Path) -> list[str]:
    """The job: download every new file of /out, verify it, and return the paths."""
    retry = Retry(attempts=4, delay=0.01)
    async with Client.context(host, port, user, password, retry=retry, socket_timeout=10) as client:
        done = await client.mirror_down("/out", folder, verify=True)
        return [str(path) for path in done.transferred]


class UnreliableServer(Server):
    """Ends the first two sessions that send RETR."""

    retrieved = 0

    async def retr(self, connection: Connection, rest: str) -> bool:
        self.retrieved += 1
        if self.retrieved <= 2:
            connection.response("421", "Closing for a moment")
            return False
        return await super().retr(connection, rest)


@pytest.mark.asyncio
@pytest.mark.ftp(server_class=UnreliableServer, files={"/out/a.csv": b"1,2\n", "/out/old/b.csv": b"3,4\n"})
async def test_outage(ftp_server: FtpServer, tmp_path: Path) -> None:
    fetched = await fetch_reports(*ftp_server.address, *ftp_server.credentials, tmp_path)

    assert fetched == ["a.csv", "old/b.csv"]
    assert (tmp_path / "old" / "b.csv").read_bytes() == b"3,4\n"
    ftp_server.log.assert_sent("RETR -> 421", times=2)
    ftp_server.log.assert_sent("RETR -> 226", times=2)
    assert await fetch_reports(*ftp_server.address, *ftp_server.credentials, tmp_path) == []


@pytest.mark.asyncio
@pytest.mark.ftp(files={"/big.bin": bytes(range(256)) * 4000})
async def test_resume(ftp_client: Client, ftp_server: FtpServer, tmp_path: Path) -> None:
    (tmp_path / "big.bin").write_bytes((bytes(range(256)) * 4000)[:1_000_000])  # from an earlier run
    calls: list[tuple[str, int, int | None]] = []

    def progress(path: PurePath, done: int, total: int | None) -> None:
        calls.append((path.name, done, total))

    await ftp_client.download("/big.bin", tmp_path, resume=True, progress=progress)

    assert (tmp_path / "big.bin").read_bytes() == ftp_server.files["/big.bin"]
    assert calls[0] == ("big.bin", 1_000_000, 1_024_000)
    assert calls[-1] == ("big.bin", 1_024_000, 1_024_000)
    [transfer] = ftp_server.log.transfers
    assert (transfer.offset, transfer.size) == (1_000_000, 24_000)
