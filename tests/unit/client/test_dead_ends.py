"""Where a client could run for ever, or do what nobody asked for: links that go round, connections that were closed."""

from __future__ import annotations

from pathlib import Path

import pytest

from ftpfixture import Client, Connection, FtpServer, Retry, Server


@pytest.fixture
def loop(ftp_server: FtpServer) -> FtpServer:
    """A server with a link that leads to the directory in which it is."""
    ftp_server.files["/d/a.txt"] = b"hi"
    ftp_server.files.symlink("/d/loop", "/d")
    return ftp_server


async def test_a_listing_ends(loop: FtpServer, ftp_client: Client) -> None:
    """A recursive listing tells of a link that goes round, and goes down it only until it can know."""
    found = {str(path) for path, _ in await ftp_client.list("/", recursive=True)}

    assert {"/d", "/d/a.txt", "/d/loop"} <= found
    assert max(path.count("loop") for path in found) <= 2


async def test_a_download_ends(
    loop: FtpServer, ftp_client: Client, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A tree with a link that goes round comes whole, and the link is left out with a warning."""
    await ftp_client.download("/d", tmp_path)

    assert (tmp_path / "d" / "a.txt").read_bytes() == b"hi"
    assert not (tmp_path / "d" / "loop" / "loop" / "loop").exists()
    assert "leads to a directory above itself" in caplog.text


async def test_a_mirror_ends(loop: FtpServer, ftp_client: Client, tmp_path: Path) -> None:
    """A mirror of such a tree is made, and nothing is left to do the second time."""
    await ftp_client.mirror_down("/d", tmp_path)

    assert (await ftp_client.mirror_down("/d", tmp_path)).transferred == ()


async def test_a_closed_client_stays_closed(ftp_server: FtpServer) -> None:
    """A connection that was lost is made anew by a client that retries; one that was closed is not."""
    ftp_server.files["/a.txt"] = b"hi"
    client = Client(retry=Retry(attempts=2, delay=0))
    await client.connect(*ftp_server.address)
    await client.login(*ftp_server.credentials)
    ftp_server.restart()
    assert len(await client.list("/")) == 1
    client.close()

    with pytest.raises(ConnectionError, match="await connect"):
        await client.list("/")


@pytest.mark.ftp(disable=["MLSD", "MLST", "MDTM"])
async def test_a_mirror_without_times(ftp_client: Client, tmp_path: Path) -> None:
    """Times of LIST are not compared: what was mirrored is not mirrored again."""
    (tmp_path / "a.txt").write_bytes(b"hi")

    assert len((await ftp_client.mirror_up(tmp_path, "/m")).transferred) == 1
    assert len((await ftp_client.mirror_up(tmp_path, "/m")).transferred) == 0


@pytest.mark.ftp(features=["HASH WHIRLPOOL*", "SIZE"])
async def test_unknown_hashes(ftp_client: Client, ftp_server: FtpServer, tmp_path: Path) -> None:
    """A server that offers no hash that is known here is asked for the size."""
    (tmp_path / "a.txt").write_bytes(b"hi")

    await ftp_client.upload(tmp_path / "a.txt", verify=True)

    ftp_server.log.assert_sent("SIZE")
    ftp_server.log.assert_not_sent("HASH")


class Reticent(Server):
    """Does not say where a client is."""

    async def pwd(self, connection: Connection, rest: str) -> bool:
        """PWD, without a path."""
        connection.response("257", "here")
        return True


@pytest.mark.ftp(server_class=Reticent, disable=["MLSD"], files={"/d/a.txt": b"hi"})
async def test_no_way_back(ftp_client: Client, ftp_server: FtpServer) -> None:
    """A client that cannot learn where it is does not go elsewhere to list: LIST gets the path."""
    assert [str(path) for path, _ in await ftp_client.list("d")] == ["d/a.txt"]

    ftp_server.log.assert_sent("LIST d -> 226")
    ftp_server.log.assert_not_sent("CWD")
