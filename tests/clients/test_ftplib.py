"""The client of the standard library, ftplib."""

from __future__ import annotations

import ftplib
import io
from collections.abc import Callable, Iterator

import pytest

from ftpfixture import FtpServer, Permission, User
from tests.clients.samples import (
    BREAKING,
    HOSTILE,
    LARGE,
    MODIFIED,
    NAMES,
    TEXT,
    TREE,
    UNDECODABLE,
    check,
    needs_ipv6,
    transfer,
)

Connect = Callable[[FtpServer], ftplib.FTP]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Creates clients that are logged in, and closes them."""
    clients: list[ftplib.FTP] = []

    def make(server: FtpServer) -> ftplib.FTP:
        client = ftplib.FTP(timeout=10)
        clients.append(client)
        client.connect(server.host, server.port)
        client.login(*server.credentials)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def ftp(ftp_server: FtpServer, connect: Connect) -> ftplib.FTP:
    """A client of this test's server."""
    return connect(ftp_server)


def fetch(ftp: ftplib.FTP, path: str, rest: int | None = None) -> bytes:
    """Content of a file."""
    content = io.BytesIO()
    ftp.retrbinary(f"RETR {path}", content.write, rest=rest)
    return content.getvalue()


def test_session(ftp_server: FtpServer, ftp: ftplib.FTP) -> None:
    """Greeting, login and QUIT are understood, and the log has them in order."""
    assert ftp.getwelcome().startswith("220")
    assert ftp.quit().startswith("221")
    ftp_server.log.assert_sequence("USER user -> 331", "PASS password -> 230", "QUIT -> 221")
    assert ftp_server.log.sessions[0].user == "user"


def test_wrong_password(ftp_server: FtpServer) -> None:
    """A wrong password is a permanent error, and a second login in the session succeeds."""
    with ftplib.FTP(timeout=10) as ftp:
        ftp.connect(ftp_server.host, ftp_server.port)
        with pytest.raises(ftplib.error_perm, match=r"^530"):
            ftp.login("user", "wrong")
        assert ftp.login(*ftp_server.credentials).startswith("230")


@pytest.mark.parametrize("passive", [True, False], ids=["passive", "active"])
@pytest.mark.parametrize("data", [b"", b"x", LARGE], ids=["empty", "one", "large"])
def test_round_trip(ftp_server: FtpServer, ftp: ftplib.FTP, data: bytes, passive: bool) -> None:
    """A file is stored and retrieved byte for byte, in both modes, whatever its size."""
    ftp.set_pasv(passive)
    mode = "passive" if passive else "active"
    ftp.storbinary("STOR a.bin", io.BytesIO(data))
    assert ftp_server.files == {"/a.bin": data}
    assert fetch(ftp, "/a.bin") == data
    check(transfer(ftp_server, "STOR"), data, mode=mode)
    check(transfer(ftp_server, "RETR"), data, mode=mode)
    ftp_server.log.assert_sent("PASV -> 227" if passive else "PORT -> 200", times=2)


@needs_ipv6
@pytest.mark.ftp(host="::1")
@pytest.mark.parametrize("passive", [True, False], ids=["passive", "active"])
def test_ipv6(ftp_server: FtpServer, ftp: ftplib.FTP, passive: bool) -> None:
    """EPSV and EPRT transfer data over IPv6."""
    ftp.set_pasv(passive)
    ftp.storbinary("STOR a.bin", io.BytesIO(TEXT))
    assert fetch(ftp, "a.bin") == TEXT
    check(transfer(ftp_server, "RETR"), TEXT, mode="passive" if passive else "active")
    ftp_server.log.assert_sent("EPSV -> 229" if passive else "EPRT |2|::1|*| -> 200", times=2)


@pytest.mark.ftp(files={"/a.bin": LARGE})
def test_resumed_download(ftp_server: FtpServer, ftp: ftplib.FTP) -> None:
    """REST skips bytes of the next download only."""
    assert fetch(ftp, "a.bin", rest=1_000_001) == LARGE[1_000_001:]
    check(transfer(ftp_server, "RETR"), LARGE[1_000_001:], offset=1_000_001)
    assert fetch(ftp, "a.bin") == LARGE


@pytest.mark.ftp(files={"/a.bin": b"0123456789"})
def test_resumed_upload(ftp_server: FtpServer, ftp: ftplib.FTP) -> None:
    """REST before STOR keeps the bytes before the offset."""
    ftp.storbinary("STOR a.bin", io.BytesIO(b"abcdef"), rest=5)
    assert ftp_server.files["/a.bin"] == b"01234abcdef"
    check(transfer(ftp_server, "STOR"), b"abcdef", offset=5)


@pytest.mark.ftp(files={"/a.bin": b"0123"})
def test_append(ftp_server: FtpServer, ftp: ftplib.FTP) -> None:
    """APPE writes after the end of a file, and creates a missing file."""
    ftp.storbinary("APPE a.bin", io.BytesIO(b"45"))
    ftp.storbinary("APPE b.bin", io.BytesIO(b"new"))
    assert ftp_server.files == {"/a.bin": b"012345", "/b.bin": b"new"}


def test_unique(ftp_server: FtpServer, ftp: ftplib.FTP) -> None:
    """STOU never overwrites, and reports the chosen name."""
    for data in (b"1", b"2"):
        assert ftp.storbinary("STOU", io.BytesIO(data)).startswith(("226", "250"))
    assert sorted(ftp_server.files.values()) == [b"1", b"2"]


def test_ascii(ftp_server: FtpServer, ftp: ftplib.FTP) -> None:
    """Lines end with CRLF on the wire and with LF in the file, both ways."""
    ftp.storlines("STOR a.txt", io.BytesIO(TEXT))
    lines: list[str] = []
    ftp.retrlines("RETR a.txt", lines.append)
    assert ftp_server.files["/a.txt"] == TEXT
    assert lines == TEXT.decode().splitlines()
    check(transfer(ftp_server, "STOR"), TEXT.replace(b"\n", b"\r\n"), kind="A")
    check(transfer(ftp_server, "RETR"), TEXT.replace(b"\n", b"\r\n"), kind="A")


@pytest.mark.ftp(files=TREE)
def test_mlsd(ftp: ftplib.FTP) -> None:
    """MLSD gives the entries with the requested facts."""
    entries = dict(ftp.mlsd("/tree", facts=["type", "size"]))
    kinds = {
        name: (facts["type"], facts.get("size"))
        for name, facts in entries.items()
        if not facts["type"].endswith("dir") or facts["type"] == "dir"
    }
    assert {name for name, (kind, _) in kinds.items() if kind == "dir"} == {"hollow", "sub"}
    assert {name: size for name, (kind, size) in kinds.items() if kind == "file"} == {"a.txt": "6", "empty.bin": "0"}


@pytest.mark.ftp(files=TREE)
def test_nlst_and_list(ftp: ftplib.FTP) -> None:
    """NLST gives the names at the ends of the lines of LIST."""
    lines: list[str] = []
    ftp.dir("/tree", lines.append)
    names = {line.split(maxsplit=8)[8] for line in lines if not line.startswith("total")}
    assert names == {"a.txt", "empty.bin", "hollow", "sub"}
    ftp.cwd("/tree")
    assert set(ftp.nlst()) == names


@pytest.mark.ftp(files=TREE)
def test_empty_directory(ftp: ftplib.FTP) -> None:
    """The listing of an empty directory is empty, over a data connection."""
    lines: list[str] = []
    ftp.dir("/tree/hollow", lines.append)
    assert [line for line in lines if not line.startswith("total")] == []
    assert [name for name, facts in ftp.mlsd("/tree/hollow") if facts["type"] not in ("cdir", "pdir")] == []


@pytest.mark.ftp(files=TREE)
def test_tree_is_changed(ftp_server: FtpServer, ftp: ftplib.FTP) -> None:
    """Directories are created, entered, shown and removed; files are renamed and deleted."""
    assert ftp.mkd('/tree/new "one"') == '/tree/new "one"'
    ftp.cwd('/tree/new "one"')
    assert ftp.pwd() == '/tree/new "one"'
    ftp.cwd("..")
    ftp.rename("a.txt", 'new "one"/b.txt')
    assert ftp_server.files['/tree/new "one"/b.txt'] == b"alpha\n"
    ftp.voidcmd("TYPE I")
    assert ftp.size('new "one"/b.txt') == 6
    with pytest.raises(ftplib.error_perm, match=r"^550"):
        ftp.rmd('new "one"')
    ftp.delete('new "one"/b.txt')
    ftp.rmd('new "one"')
    assert '/tree/new "one"' not in ftp_server.files
    ftp_server.log.assert_sequence("MKD -> 257", "CWD -> 250", "PWD -> 257", "RNFR -> 350", "RNTO -> 250", "RMD -> 550")


@pytest.mark.ftp(files={"/a.txt": b"a"})
def test_times_and_modes(ftp_server: FtpServer, ftp: ftplib.FTP) -> None:
    """MFMT sets what MDTM reports, in UTC; SITE CHMOD sets the mode, in octal."""
    assert ftp.sendcmd("MFMT 20200913122640 a.txt").startswith("213 ")
    assert ftp.sendcmd("MDTM a.txt") == "213 20200913122640"
    ftp.sendcmd("SITE CHMOD 640 a.txt")
    stat = ftp_server.files.stat("/a.txt")
    assert (stat.modified, stat.mode) == (MODIFIED, 0o640)


@pytest.mark.parametrize("name", [*NAMES, " leading.txt"])
def test_names(ftp_server: FtpServer, ftp: ftplib.FTP, name: str) -> None:
    """A name with any characters is stored, listed with every command, renamed and deleted unchanged."""
    ftp.storbinary(f"STOR {name}", io.BytesIO(b"data"))
    assert ftp_server.files == {f"/{name}": b"data"}
    assert fetch(ftp, name) == b"data"
    assert ftp.nlst("-a") == [name]
    assert [entry for entry, facts in ftp.mlsd() if facts["type"] == "file"] == [name]
    lines: list[str] = []
    ftp.dir("-a", lines.append)
    assert lines[-1].endswith(f" {name}")
    ftp.rename(name, "other")
    ftp.rename("other", name)
    ftp.delete(name)
    assert ftp_server.files == {}


@pytest.mark.ftp(files={f"/{UNDECODABLE}": b"data"})
def test_undecodable_name(ftp_server: FtpServer) -> None:
    """Bytes that are not UTF-8 are sent and received unchanged, for a client with another encoding."""
    name = UNDECODABLE.encode("utf-8", "surrogateescape").decode("latin-1")
    with ftplib.FTP(timeout=10, encoding="latin-1") as ftp:
        ftp.connect(ftp_server.host, ftp_server.port)
        ftp.login(*ftp_server.credentials)
        assert ftp.nlst() == [name]
        assert fetch(ftp, name) == b"data"
        ftp.storbinary(f"STOR 2{name}", io.BytesIO(b"more"))
    assert ftp_server.files[f"/2{UNDECODABLE}"] == b"more"


@pytest.mark.ftp(files={f"/tree/{name}": b"data" for name in [*HOSTILE, BREAKING]})
def test_hostile_names(ftp: ftplib.FTP) -> None:
    """Names that imitate a listing are listed unchanged, and a name that would break it is left out."""
    ftp.cwd("/tree")
    lines: list[str] = []
    ftp.dir(lines.append)
    assert sorted(ftp.nlst()) == sorted(HOSTILE)
    assert sorted(name for name, facts in ftp.mlsd() if facts["type"] == "file") == sorted(HOSTILE)
    assert len([line for line in lines if not line.startswith("total")]) == len(HOSTILE)


@pytest.mark.ftp(files={"/a.txt": b"a"})
def test_hostile_paths(ftp_server: FtpServer, ftp: ftplib.FTP) -> None:
    """No path leads out of the root."""
    with pytest.raises(ftplib.error_perm, match=r"^550"):
        fetch(ftp, "../../../etc/passwd")
    ftp.cwd("/../..")
    assert ftp.pwd() == "/"
    assert fetch(ftp, "./..//./a.txt") == b"a"
    with pytest.raises(ValueError, match="newline"):
        ftp.delete("a\r\nDELE b")
    assert list(ftp_server.files) == ["/a.txt"]


@pytest.mark.ftp(files={"/a.bin": LARGE})
def test_abort(ftp_server: FtpServer, ftp: ftplib.FTP) -> None:
    """ABOR as urgent data ends a download in the middle, and the session continues."""
    ftp.voidcmd("TYPE I")
    with ftp.transfercmd("RETR a.bin") as data:
        assert data.recv(10) == LARGE[:10]
        first = ftp.abort()
    assert first[:3] in ("225", "226", "426")
    if first.startswith("426"):
        assert ftp.getmultiline()[:3] in ("225", "226")
    assert ftp.voidcmd("NOOP").startswith("200")
    assert transfer(ftp_server, "RETR").completed is False
    assert fetch(ftp, "a.bin") == LARGE


@pytest.mark.ftp(files={"/a.bin": LARGE})
def test_data_connection_closed_early(ftp_server: FtpServer, ftp: ftplib.FTP) -> None:
    """When the client closes the data connection early, the final reply is an error, and the session continues."""
    ftp.voidcmd("TYPE I")
    with ftp.transfercmd("RETR a.bin") as data:
        assert data.recv(10) == LARGE[:10]
    with pytest.raises(ftplib.error_temp, match=r"^(426|451)"):
        ftp.voidresp()
    assert transfer(ftp_server, "RETR").completed is False
    assert fetch(ftp, "a.bin") == LARGE


@pytest.mark.ftp(
    users=[User("ann", "secret", home_path="/home", permissions=[Permission("/", writable=False)])],
    files={"/home/a.txt": b"a"},
)
def test_permissions(ftp_server: FtpServer, ftp: ftplib.FTP) -> None:
    """A user with read permission starts in the home directory, reads, and is refused all changes."""
    assert ftp.pwd() == "/home"
    assert fetch(ftp, "a.txt") == b"a"
    for refused in ("DELE a.txt", "MKD new", "RNFR a.txt"):
        with pytest.raises(ftplib.error_perm, match=r"^550"):
            ftp.sendcmd(refused)
    with pytest.raises(ftplib.error_perm, match=r"^55"):
        ftp.storbinary("STOR a.txt", io.BytesIO(b"b"))
    assert ftp_server.files == {"/home/a.txt": b"a"}


@pytest.mark.ftp(users=[User()], files={"/a.txt": b"a"})
def test_anonymous(ftp_server: FtpServer) -> None:
    """The anonymous user needs no password."""
    with ftplib.FTP(timeout=10) as ftp:
        ftp.connect(ftp_server.host, ftp_server.port)
        ftp.login()
        assert ftp.nlst() == ["a.txt"]


@pytest.mark.ftp(users=[User("ann", "secret", account="tax")])
def test_account(ftp_server: FtpServer) -> None:
    """A user with an account is logged in after ACCT."""
    with ftplib.FTP(timeout=10) as ftp:
        ftp.connect(ftp_server.host, ftp_server.port)
        assert ftp.login("ann", "secret", "tax").startswith("230")
    ftp_server.log.assert_sequence("USER ann -> 331", "PASS -> 332", "ACCT tax -> 230")


def test_many_sessions(ftp_server: FtpServer, connect: Connect) -> None:
    """Each session has its own current directory, and all share the files."""
    clients = [connect(ftp_server) for _ in range(10)]
    for number, ftp in enumerate(clients):
        ftp.mkd(f"/{number}")
        ftp.cwd(f"/{number}")
    for number, ftp in enumerate(clients):
        ftp.storbinary("STOR own.bin", io.BytesIO(bytes([number])))
    assert ftp_server.files == {f"/{number}/own.bin": bytes([number]) for number in range(10)}
    assert sorted(clients[0].nlst("/")) == [f"/{number}" for number in range(10)]
