"""Names as other systems have them, in a tree in memory and through a server."""

from __future__ import annotations

import ftplib
import io
from pathlib import PurePosixPath

import pytest

from ftpfixture import FtpServer, MemoryPathIO, User
from ftpfixture.errors import ConfigurationError
from ftpfixture.files.memory import MemoryFiles
from ftpfixture.files.names import NamedNodes, NameRule
from ftpfixture.testing import check_path_io

NFC, NFD = "caf\u00e9", "cafe\u0301"
WINDOWS = NameRule(case_sensitive=False)
HFS = NameRule(case_sensitive=False, normalize="NFD")


def test_rules() -> None:
    """Which names are one, and how they are stored."""
    rows = [
        (NameRule(), "A", "a", False, "A"),
        (WINDOWS, "Straße.CSV", "STRASSE.csv", True, "Straße.CSV"),
        (WINDOWS, NFC, NFD, False, NFC),
        (NameRule(normalize="NFC"), NFD, NFC, True, NFC),
        (NameRule(normalize="NFC"), "A", "a", False, "A"),
        (NameRule(normalize="NFD"), NFC, NFD, True, NFD),
        (HFS, NFC.upper(), NFD, True, NFD.upper()),
        (HFS, "caf\udce9", "CAF\udce9", True, "caf\udce9"),
    ]
    for rule, name, other, are_one, stored in rows:
        assert (rule.key(name) == rule.key(other)) is are_one, (rule, name)
        assert rule.stored(name) == stored, (rule, name)
    assert [bool(rule) for rule in (NameRule(), WINDOWS, NameRule(normalize="NFC"))] == [False, True, True]


def test_entries() -> None:
    """A dictionary that finds each spelling, and shows the first."""
    nodes = NamedNodes(WINDOWS)
    nodes["Report.csv"] = 1
    nodes["REPORT.CSV"] = 2
    assert (dict(nodes), nodes["report.csv"], nodes.get("rePort.csv"), nodes.get("x", 5)) == (
        {"Report.csv": 2},
        2,
        2,
        5,
    )
    assert "rEPORT.csv" in nodes
    assert "other" not in nodes
    assert nodes.pop("report.CSV") == 2
    assert nodes.pop("report.CSV", None) is None
    nodes["report.csv"] = 3
    assert list(nodes) == ["report.csv"]
    nodes.clear()
    nodes["REPORT.csv"] = 4
    assert list(nodes) == ["REPORT.csv"]


@pytest.mark.parametrize("rule", [WINDOWS, HFS, NameRule(normalize="NFC")], ids=["windows", "hfs", "nfc"])
async def test_the_check_of_path_layers(rule: NameRule) -> None:
    """It keeps the contract of the path layer."""
    tree = MemoryFiles(names=rule)
    await check_path_io(lambda: MemoryPathIO(state=tree), PurePosixPath("/"))


def test_a_tree() -> None:
    """Every operation finds an entry under each spelling; a rename changes it."""
    tree = MemoryFiles(names=WINDOWS)
    tree.write_file("/In/A.csv", b"1")
    tree.write_file("/IN/a.CSV", b"2")
    assert [str(path) for path, _ in tree.walk()] == ["/In", "/In/A.csv"]
    assert tree.read_file("/in/a.csv") == b"2"
    with pytest.raises(FileExistsError):
        tree.mkdir("/iN")
    tree.rename("/in/a.csv", "/in/a.csv")
    tree.rename("/in/A.csv", "/in/a.csv")
    assert [str(path) for path, _ in tree.walk()] == ["/In", "/In/a.csv"]
    tree.write_file("/In/b", b"")
    tree.rename("/in/B", "/IN/A.CSV")
    assert [str(path) for path, _ in tree.walk()] == ["/In", "/In/A.CSV"]
    tree.unlink("/IN/a.csv")
    tree.rmdir("/in")
    assert tree.used == 0


@pytest.mark.ftp(case_sensitive=False, files={"/In/Report.csv": b"1"})
def test_a_server_without_case(ftp_server: FtpServer) -> None:
    """An upload under another spelling replaces the content, and keeps the name, as on Windows and macOS."""
    with ftplib.FTP(timeout=10) as ftp:
        ftp.connect(*ftp_server.address)
        ftp.login(*ftp_server.credentials)
        ftp.cwd("IN")
        ftp.storbinary("STOR REPORT.CSV", io.BytesIO(b"22"))
        assert ftp.nlst() == ["Report.csv"]
        assert ftp.size("report.csv") == 2
        ftp.rename("report.csv", "report.csv")
        ftp.rename("report.csv", "REPORT.csv")
        assert ftp.nlst("/in") == ["/in/REPORT.csv"]
    assert ftp_server.files["/in/report.CSV"] == b"22"
    ftp_server.reset()
    assert ftp_server.files == {"/In/Report.csv": b"1"}


@pytest.mark.ftp(normalize_names="NFD")
def test_a_server_with_a_normal_form(ftp_server: FtpServer) -> None:
    """What was sent in NFC is listed in NFD, which clients stumble over on macOS."""
    with ftplib.FTP(timeout=10, encoding="utf-8") as ftp:
        ftp.connect(*ftp_server.address)
        ftp.login(*ftp_server.credentials)
        ftp.storbinary(f"STOR {NFC}", io.BytesIO(b"x"))
        assert ftp.nlst() == [NFD]
        assert ftp.size(NFC) == 1


def test_settings_that_cannot_work() -> None:
    """Two names that are one, a form that is none, and a server that has its files elsewhere."""
    with pytest.raises(ConfigurationError, match="files has '/a/B' and '/A/b', which are one file to this server"):
        FtpServer(files={"/a/B": b"", "/A/b": b""}, case_sensitive=False)
    with pytest.raises(ConfigurationError, match="normalize_names"):
        FtpServer(normalize_names="NFKC")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="rules for names are for servers in memory"):
        FtpServer(root="/", case_sensitive=False)
    with FtpServer() as server, pytest.raises(ConfigurationError, match="a running server keeps its case_sensitive"):
        server.reset(case_sensitive=False)


def test_a_quota_that_changes(ftp_server: FtpServer) -> None:
    """At run time, in the middle of an upload: what does not fit gets 452."""
    with ftplib.FTP(timeout=10) as ftp:
        ftp.connect(*ftp_server.address)
        ftp.login(*ftp_server.credentials)
        ftp.storbinary("STOR a", io.BytesIO(bytes(1000)))
        assert (ftp_server.files.quota, ftp_server.files.used) == (None, 1000)
        ftp_server.files.quota = 1500
        with pytest.raises(ftplib.error_temp, match="452"):
            ftp.storbinary("STOR b", io.BytesIO(bytes(1000)))
        ftp_server.files.quota = 3000
        ftp.storbinary("STOR b", io.BytesIO(bytes(1000)))
    with pytest.raises(ConfigurationError, match="quota takes a whole number, 0 or more, or None for no limit"):
        ftp_server.files.quota = -1


@pytest.mark.parametrize("code", ["421", "530"])
def test_too_many_sessions_of_a_user(code: str) -> None:
    """530 leaves the session open for another login, 421 ends it."""
    users = [User("ann", "a", base_path="/", maximum_connections=1, refused_with=code), User("bob", "b", base_path="/")]  # type: ignore[arg-type]
    with FtpServer(users=users) as server, ftplib.FTP() as first, ftplib.FTP() as second:
        first.connect(*server.address)
        first.login("ann", "a")
        second.connect(*server.address)
        with pytest.raises(ftplib.Error, match=f"^{code} Too many connections for ann"):
            second.login("ann", "a")
        if code == "530":
            second.login("bob", "b")
        else:
            with pytest.raises((EOFError, OSError)):
                second.voidcmd("NOOP")
            second.close()
    with pytest.raises(ConfigurationError, match="refused_with"):
        User("ann", refused_with="500")  # type: ignore[arg-type]
