"""Names that code stumbles over, through whole servers: ours with ftplib and our client."""

from __future__ import annotations

import ftplib
import io

import pytest

from ftpfixture import Client, FtpServer

CONTENT = b"content"


def test_ftplib_transfers_all_of_them(ftp_server: FtpServer, ftp_hostile_names: list[str]) -> None:
    """Uploads, sizes, lists, downloads, renames and removes them."""
    with ftplib.FTP(encoding="utf-8", timeout=10) as ftp:
        ftp.connect(*ftp_server.address)
        ftp.login(*ftp_server.credentials)
        ftp.encoding = "utf-8"
        sent = [name for name in ftp_hostile_names if name.isascii() or max(name) < "\udc00"]  # ftplib is strict
        for name in sent:
            ftp.storbinary(f"STOR {name}", io.BytesIO(CONTENT))
        assert sorted(ftp_server.files) == sorted(f"/{name}" for name in sent)
        assert sorted(name for name, facts in ftp.mlsd() if facts["type"] == "file") == sorted(sent)
        for name in sent:
            received = io.BytesIO()
            ftp.retrbinary(f"RETR {name}", received.write)
            assert received.getvalue() == CONTENT
            ftp.rename(name, "plain")
            ftp.delete("plain")
    assert ftp_server.files == {}


@pytest.mark.parametrize("disabled", [[], ["MLSD", "MLST"]], ids=["MLSD", "LIST"])
async def test_our_client_lists_all_of_them(
    ftp_server: FtpServer, ftp_hostile_names: list[str], disabled: list[str]
) -> None:
    """By MLSD and by LIST, also those that are no UTF-8."""
    ftp_server.reset(files={f"/{name}": CONTENT for name in ftp_hostile_names}, disable=disabled)
    async with Client.context(*ftp_server.address, *ftp_server.credentials) as client:
        found = {path.name for path, _ in await client.list()}
        for name in found:
            async with client.download_stream(f"/{name}") as stream:
                assert await stream.read() == CONTENT
    hidden = {name for name in ftp_hostile_names if name.startswith(".")}  # LIST shows them with -a only
    assert found == set(ftp_hostile_names) - (hidden if disabled else set())
