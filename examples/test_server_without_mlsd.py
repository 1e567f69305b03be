"""A server whose FEAT boasts of MLSD and which does not have it: the client asks for what every server has, NLST.

Without the care a client believes FEAT and fails on old servers and behind proxies that answer FEAT by themselves. One
that falls back after any error is no better: a directory that is missing looks empty to it. And then NLST has its own
ways: some servers give paths, some answer 450 or 550 when there is nothing to list.
"""

from __future__ import annotations

import ftplib
from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest

from ftpfixture import Client, FtpServer

pytestmark = pytest.mark.ftp(files={"/out/a.csv": b"1,apples\n", "/out/b.csv": b"2,pears\n", "/in/": None})

# The code under test.

UNKNOWN = ("500", "502", "504")  # not understood, not implemented (RFC 959 4.2)


def names(ftp: ftplib.FTP, directory: str) -> list[str]:
    """Names of what is in a directory, sorted.

    Raises:
        ftplib.error_perm: There is no such directory.
    """
    try:
        facts = list(ftp.mlsd(directory))
    except ftplib.error_perm as error:
        if not str(error).startswith(UNKNOWN):
            raise
    else:
        return sorted(name for name, fact in facts if fact["type"] not in ("cdir", "pdir"))
    ftp.cwd(directory)  # here a missing directory shows; 550 to NLST may mean an empty one
    try:
        return sorted(PurePosixPath(entry).name for entry in ftp.nlst())
    except ftplib.Error as error:
        if not str(error).startswith(("450", "550")):
            raise
        return []


def names_by_feat(ftp: ftplib.FTP, directory: str) -> list[str]:
    """The careless way."""
    if "MLST" in ftp.sendcmd("FEAT"):  # which stands for MLSD as well (RFC 3659 7.8)
        return sorted(name for name, _ in ftp.mlsd(directory))
    return sorted(ftp.nlst(directory))


# Its tests.


@pytest.fixture
def ftp(ftp_server: FtpServer) -> Iterator[ftplib.FTP]:
    with ftplib.FTP(timeout=10) as ftp:
        ftp.connect(ftp_server.host, ftp_server.port)
        ftp.login(*ftp_server.credentials)
        yield ftp


def test_mlsd_is_used_where_it_is(ftp_server: FtpServer, ftp: ftplib.FTP) -> None:
    assert names(ftp, "/out") == ["a.csv", "b.csv"]

    ftp_server.log.assert_not_sent("NLST")


@pytest.mark.ftp(faults=["MLSD: not_implemented"])
def test_nlst_takes_its_place(ftp_server: FtpServer, ftp: ftplib.FTP) -> None:
    assert "MLST type*;" in ftp.sendcmd("FEAT")

    assert names(ftp, "/out") == ["a.csv", "b.csv"]
    assert names(ftp, "/in") == []
    ftp_server.log.assert_sequence("MLSD /out -> 502", "NLST -> 226", "MLSD /in -> 502", "NLST -> 226")


@pytest.mark.ftp(faults=["MLSD: not_implemented", "nlst-full-paths"])
def test_nlst_gives_paths(ftp: ftplib.FTP) -> None:
    assert names(ftp, "/out") == ["a.csv", "b.csv"]


@pytest.mark.parametrize("fault", ["nlst-nothing-450", "nlst-nothing-550"])
@pytest.mark.ftp(faults=["MLSD: not_implemented"])
def test_nlst_finds_nothing(ftp_server: FtpServer, ftp: ftplib.FTP, fault: str) -> None:
    ftp_server.faults.add(fault)

    assert names(ftp, "/in") == []


@pytest.mark.parametrize("faults", [[], ["MLSD: not_implemented"]])
def test_a_missing_directory_is_not_an_empty_one(ftp_server: FtpServer, ftp: ftplib.FTP, faults: list[str]) -> None:
    for fault in faults:
        ftp_server.faults.add(fault)

    with pytest.raises(ftplib.error_perm, match="550"):
        names(ftp, "/none")


@pytest.mark.ftp(faults=["MLSD: not_implemented"])
def test_the_careless_way_fails(ftp: ftplib.FTP) -> None:
    with pytest.raises(ftplib.error_perm, match="502"):
        names_by_feat(ftp, "/out")


@pytest.mark.asyncio
@pytest.mark.ftp(faults=["MLSD: not_implemented"])
async def test_the_async_client_falls_back_by_itself(ftp_server: FtpServer, ftp_client: Client) -> None:
    sizes = {path.name: info["size"] async for path, info in ftp_client.list("/out")}

    assert sizes == {"a.csv": "9", "b.csv": "8"}
    ftp_server.log.assert_sequence("MLSD /out -> 502", "LIST -> 226")
