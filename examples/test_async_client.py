"""The asyncio client at work: a nightly job that survives an outage, tested with the server that has it."""

from __future__ import annotations

from pathlib import Path, PurePath

import pytest

from ftpfixture import Client, Connection, FtpServer, Retry, Server


async def fetch_reports(host: str, port: int, user: str, password: str, folder: Path) -> list[str]:
    """The job: bring everything of /out that is new, check it, and tell what came."""
    patience = Retry(attempts=4, delay=0.01)
    async with Client.context(host, port, user, password, retry=patience, socket_timeout=10) as client:
        done = await client.mirror_down("/out", folder, verify=True)
        return [str(path) for path in done.transferred]


class ShakyServer(Server):
    """Ends the first two sessions that ask for a file."""

    asked = 0

    async def retr(self, connection: Connection, rest: str) -> bool:
        self.asked += 1
        if self.asked <= 2:
            connection.response("421", "Closing for a moment")
            return False
        return await super().retr(connection, rest)


@pytest.mark.asyncio
@pytest.mark.ftp(server_class=ShakyServer, files={"/out/a.csv": b"1,2\n", "/out/old/b.csv": b"3,4\n"})
async def test_outage(ftp_server: FtpServer, tmp_path: Path) -> None:
    came = await fetch_reports(*ftp_server.address, *ftp_server.credentials, tmp_path)

    assert came == ["a.csv", "old/b.csv"]
    assert (tmp_path / "old" / "b.csv").read_bytes() == b"3,4\n"
    ftp_server.log.assert_sent("RETR -> 421", times=2)
    ftp_server.log.assert_sent("RETR -> 226", times=2)
    assert await fetch_reports(*ftp_server.address, *ftp_server.credentials, tmp_path) == []


@pytest.mark.asyncio
@pytest.mark.ftp(files={"/big.bin": bytes(range(256)) * 4000})
async def test_resume(ftp_client: Client, ftp_server: FtpServer, tmp_path: Path) -> None:
    (tmp_path / "big.bin").write_bytes((bytes(range(256)) * 4000)[:1_000_000])  # what an earlier run has left
    told: list[tuple[str, int, int | None]] = []

    def progress(path: PurePath, done: int, total: int | None) -> None:
        told.append((path.name, done, total))

    await ftp_client.download("/big.bin", tmp_path, resume=True, progress=progress)

    assert (tmp_path / "big.bin").read_bytes() == ftp_server.files["/big.bin"]
    assert told[0] == ("big.bin", 1_000_000, 1_024_000)
    assert told[-1] == ("big.bin", 1_024_000, 1_024_000)
    [transfer] = ftp_server.log.transfers
    assert (transfer.offset, transfer.size) == (1_000_000, 24_000)
