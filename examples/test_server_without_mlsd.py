"""A server whose FEAT lists MLSD, although it does not have it: the client falls back to NLST, which every server has.

A careless client trusts FEAT, and fails with old servers and behind proxies that answer FEAT themselves. A client that
falls back after any error is no better: it takes a missing directory for an empty one. NLST differs between servers,
too: some send paths, some reply 450 or 550 when there is nothing to list.
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
    """The sorted names of the entries of a directory.

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
    ftp.cwd(directory)  # fails if the directory is missing; 550 to NLST may mean an empty one
    try:
        return sorted(PurePosixPath(entry).name for entry in ftp.nlst())
    except ftplib.Error as error:
        if not str(error).startswith(("450", "550")):
            raise
        return []


def names_by_feat(ftp: ftplib.FTP, directory: str) -> list[str]:
    """Careless: trusts FEAT."""
    if "MLST" in ftp.sendcmd("FEAT"):  # MLST stands for MLSD, too (RFC 3659 7.8)
        return sorted(name for name, _ in ftp.mlsd(directory))
    return sorted(ftp.nlst(directory))


# Its tests.


@pytest.fixture
def ftp(ftp_server: FtpServer) -> Iterator[ftplib.FTP]:
    with ftplib.FTP(timeout=10) as ftp:
        ftp.connect(ftp_server.host, ftp_server.port)
        ftp.login(*ftp_server.credentials)
        yield ftp


def test_mlsd_is_used_if_the_server_has_it(ftp_server: FtpServer, ftp: ftplib.FTP) -> None:
    assert names(ftp, "/out") == ["a.csv", "b.csv"]

    ftp_server.log.assert_not_sent("NLST")


@pytest.mark.ftp(faults=["MLSD: not_implemented"])
def test_nlst_replaces_it(ftp_server: FtpServer, ftp: ftplib.FTP) -> None:
    assert "MLST type*;" in ftp.sendcmd("FEAT")

    assert names(ftp, "/out") == ["a.csv", "b.csv"]
    assert names(ftp, "/in") == []
    ftp_server.log.assert_sequence("MLSD /out -> 502", "NLST -> 226", "MLSD /in -> 502", "NLST -> 226")


@pytest.mark.ftp(faults=["MLSD: not_implemented", "nlst-full-paths"])
def test_nlst_sends_paths(ftp: ftplib.FTP) -> None:
    assert names(ftp, "/out") == ["a.csv", "b.csv"]


@pytest.mark.parametrize("fault", ["nlst-nothing-450", "nlst-nothing-550"])
@pytest.mark.ftp(faults=["MLSD: not_implemented"])
def test_nlst_of_an_empty_directory(ftp_server: FtpServer, ftp: ftplib.FTP, fault: str) -> None:
    ftp_server.faults.add(fault)

    assert names(ftp, "/in") == []


@pytest.mark.parametrize("faults", [[], ["MLSD: not_implemented"]])
def test_a_missing_directory_is_not_an_empty_one(ftp_server: FtpServer, ftp: ftplib.FTP, faults: list[str]) -> None:
    for fault in faults:
        ftp_server.faults.add(fault)

    with pytest.raises(ftplib.error_perm, match="550"):
        names(ftp, "/none")


@pytest.mark.ftp(faults=["MLSD: not_implemented"])
def test_careless_code_fails(ftp: ftplib.FTP) -> None:
    with pytest.raises(ftplib.error_perm, match="502"):
        names_by_feat(ftp, "/out")


@pytest.mark.asyncio
@pytest.mark.ftp(faults=["MLSD: not_implemented"])
async def test_the_async_client_falls_back_by_itself(ftp_server: FtpServer, ftp_client: Client) -> None:
    sizes = {path.name: info["size"] async for path, info in ftp_client.list("/out")}

    assert sizes == {"a.csv": "9", "b.csv": "8"}
    ftp_server.log.assert_sequence("MLSD /out -> 502", "LIST -> 226")
