"""Which hash of a file the client asks a server for."""

from __future__ import annotations

from pathlib import Path

import pytest

from ftpfixture import Client, FtpServer


@pytest.mark.ftp(features=["HASH WHIRLPOOL*", "SIZE"])
async def test_unknown_hashes(ftp_client: Client, ftp_server: FtpServer, tmp_path: Path) -> None:
    """When a server offers no hash that the client has, the client compares the size."""
    (tmp_path / "a.txt").write_bytes(b"hi")

    await ftp_client.upload(tmp_path / "a.txt", verify=True)

    ftp_server.log.assert_sent("SIZE")
    ftp_server.log.assert_not_sent("HASH")
