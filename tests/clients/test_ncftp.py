"""The programs ncftpput, ncftpget, ncftpls and ncftp."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ftpfixture import FtpServer
from tests.clients.programs import Outcome, Program
from tests.clients.samples import (
    LARGE,
    MODIFIED,
    NAMES,
    TEXT,
    TREE,
    UNDECODABLE,
    below,
    check,
    transfer,
)

Run = Callable[..., Outcome]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The working directory of the programs."""
    return tmp_path / "work"


@pytest.fixture
def put(ftp_server: FtpServer, tmp_path: Path) -> Program:
    """The program ncftpput with the login of this test's server."""
    return Program("ncftpput", tmp_path, *login(ftp_server))


@pytest.fixture
def get(ftp_server: FtpServer, tmp_path: Path) -> Program:
    """The program ncftpget with the login of this test's server."""
    return Program("ncftpget", tmp_path, *login(ftp_server))


@pytest.fixture
def show(ftp_server: FtpServer, tmp_path: Path) -> Program:
    """The program ncftpls with the login of this test's server."""
    return Program("ncftpls", tmp_path, *(option for option in login(ftp_server) if option != "-V"))


def login(server: FtpServer) -> tuple[str, ...]:
    """Options of all programs: user, server, no retry and no progress bar."""
    user, password = server.credentials
    return ("-u", user, "-p", password, "-P", str(server.port), "-t", "10", "-r", "0", "-V")


@pytest.mark.parametrize(("option", "mode"), [("-F", "passive"), ("-E", "active")], ids=["PASV", "PORT"])
@pytest.mark.parametrize("data", [b"", LARGE], ids=["empty", "large"])
def test_round_trip(ftp_server: FtpServer, put: Program, get: Program, data: bytes, option: str, mode: str) -> None:
    """A file is uploaded and downloaded byte for byte, in both modes, whatever its size."""
    put.write("a.bin", data)
    put(option, "-m", ftp_server.host, "/in/here", "a.bin")
    get(option, "-C", ftp_server.host, "/in/here/a.bin", "b.bin")
    assert ftp_server.files == {"/in/here/a.bin": data}
    assert get.read("b.bin") == data
    check(transfer(ftp_server, "STOR"), data, mode=mode)
    check(transfer(ftp_server, "RETR"), data, mode=mode)
    ftp_server.log.assert_sent("PASV -> 227" if mode == "passive" else "PORT -> 200")


def test_pipes(ftp_server: FtpServer, put: Program, get: Program) -> None:
    """A file is read from standard input and written to standard output."""
    put("-c", ftp_server.host, "/a.bin", stdin=LARGE)
    assert ftp_server.files == {"/a.bin": LARGE}
    assert get("-c", ftp_server.host, "/a.bin").output == LARGE


@pytest.mark.ftp(files={"/a.bin": LARGE, "/b.bin": LARGE[:2_000_000]})
def test_resume(ftp_server: FtpServer, put: Program, get: Program) -> None:
    """A partial file is completed, locally and on the server."""
    ftp_server.files.set("/a.bin", LARGE, modified=MODIFIED)
    get.write("a.bin", LARGE[:2_000_000])
    put.write("b.bin", LARGE)
    get("-z", ftp_server.host, ".", "/a.bin")
    put("-z", "-s", ftp_server.host, "/", "b.bin")
    assert get.read("a.bin") == ftp_server.files["/b.bin"] == LARGE
    assert transfer(ftp_server, "RETR").size < len(LARGE)


@pytest.mark.ftp(files={"/a.bin": b"0123"})
def test_append(ftp_server: FtpServer, put: Program) -> None:
    """Appending writes after the end of the file."""
    put.write("a.bin", b"45")
    put("-A", ftp_server.host, "/", "a.bin")
    assert ftp_server.files == {"/a.bin": b"012345"}


def test_ascii(ftp_server: FtpServer, put: Program, get: Program) -> None:
    """In ASCII mode lines end with CRLF on the wire and with LF at both ends."""
    put.write("a.txt", TEXT)
    put("-a", ftp_server.host, "/", "a.txt")
    get("-a", "-C", ftp_server.host, "/a.txt", "b.txt")
    assert ftp_server.files["/a.txt"] == get.read("b.txt") == TEXT
    check(transfer(ftp_server, "STOR"), TEXT.replace(b"\n", b"\r\n"), kind="A")
    check(transfer(ftp_server, "RETR"), TEXT.replace(b"\n", b"\r\n"), kind="A")


def test_tree_up(ftp_server: FtpServer, put: Program) -> None:
    """A tree is uploaded with its content."""
    for name, data in below("/tree").items():
        put.write(f"tree/{name}", data)
    (put.folder / "tree" / "hollow").mkdir()
    put("-R", ftp_server.host, "/", "tree")
    assert ftp_server.files == {path: data for path, data in TREE.items() if data is not None}
    assert set(ftp_server.files.directories) == {"/tree", "/tree/hollow", "/tree/sub", "/tree/sub/deep"}


@pytest.mark.ftp(files=TREE)
@pytest.mark.parametrize("option", ["useMLSD=1", "useMLSD=0"], ids=["MLSD", "LIST"])
def test_tree_down(ftp_server: FtpServer, get: Program, option: str) -> None:
    """A tree is downloaded with all its files, from each kind of listing."""
    get("-R", "-T", "-o", option, ftp_server.host, ".", "/tree")
    assert get.tree("tree") == below("/tree")


def test_times(ftp_server: FtpServer, put: Program, get: Program) -> None:
    """Times are kept, both ways."""
    ftp_server.files.set("/a.txt", TEXT, modified=MODIFIED)
    get(ftp_server.host, ".", "/a.txt")
    assert (get.folder / "a.txt").stat().st_mtime == MODIFIED
    put.write("b.txt", TEXT, MODIFIED + 2)
    put(ftp_server.host, "/", "b.txt")
    assert ftp_server.files.stat("/b.txt").modified == MODIFIED + 2
    ftp_server.log.assert_sent("MFF Modify=20200913122642;Create=* b.txt -> 213")


@pytest.mark.ftp(disable=["MFF"])
def test_times_without_mff(ftp_server: FtpServer, put: Program) -> None:
    """Without MFF the program uses MFMT."""
    put.write("b.txt", TEXT, MODIFIED + 2)
    put(ftp_server.host, "/", "b.txt")
    assert ftp_server.files.stat("/b.txt").modified == MODIFIED + 2
    ftp_server.log.assert_sent("MFMT 20200913122642 b.txt -> 213")


@pytest.mark.ftp(disable=["MFF", "MFMT"])
def test_times_on_an_old_server(ftp_server: FtpServer, put: Program) -> None:
    """Without MFMT the program uses SITE UTIME with three times."""
    put.write("b.txt", TEXT, MODIFIED)
    put("-y", ftp_server.host, "/", "b.txt")
    assert ftp_server.files.stat("/b.txt").modified == MODIFIED
    ftp_server.log.assert_sent("SITE UTIME b.txt * 20200913122640 * UTC -> 200")


def test_temporary_names(ftp_server: FtpServer, put: Program) -> None:
    """A file is uploaded under a temporary name, renamed when it is complete, and then deleted locally."""
    put.write("a.bin", LARGE)
    put("-S", ".part", "-DD", ftp_server.host, "/", "a.bin")
    assert ftp_server.files == {"/a.bin": LARGE}
    assert put.tree() == {}
    ftp_server.log.assert_sequence("STOR a.bin.part -> 226", "RNFR a.bin.part -> 350", "RNTO a.bin -> 250")


@pytest.mark.ftp(files=TREE)
def test_lists(ftp_server: FtpServer, show: Program) -> None:
    """Names, long lines, facts and the whole tree are shown."""
    url = f"ftp://{ftp_server.host}:{ftp_server.port}/tree/"
    assert sorted(show("-1", url).text.split()) == ["a.txt", "empty.bin", "hollow", "sub"]
    assert " a.txt" in show("-l", url).text
    assert "type=file" in show("-m", url).text.lower()
    assert "with space.bin" in show("-R", url).text
    ftp_server.log.assert_sent("MLSD -> 226")
    ftp_server.log.assert_sent("LIST -> 226")


@pytest.mark.ftp(files={"/in/a1.txt": b"1", "/in/a2.txt": b"2", "/in/b.txt": b"b"})
def test_patterns(ftp_server: FtpServer, get: Program) -> None:
    """A pattern selects files to download, and with -DD the downloaded files are deleted."""
    get("-DD", ftp_server.host, ".", "/in/a*.txt")
    assert get.tree() == {"a1.txt": b"1", "a2.txt": b"2"}
    assert ftp_server.files == {"/in/b.txt": b"b"}


@pytest.mark.parametrize("name", [name for name in [*NAMES, UNDECODABLE] if name[0] != "-" and "\\" not in name])
def test_names(ftp_server: FtpServer, put: Program, get: Program, name: str) -> None:
    """A name is uploaded and downloaded unchanged, unless the program treats it as an option or a path."""
    put.write(name, b"data")
    put("-m", ftp_server.host, "/in", name)
    assert ftp_server.files == {f"/in/{name}": b"data"}
    get("-C", ftp_server.host, f"/in/{name}", "back")
    assert get.read("back") == b"data"


@pytest.mark.ftp(files={"/a.txt": b"a", "/b.txt": b"b", "/bare/": None})
def test_shell(ftp_server: FtpServer, tmp_path: Path) -> None:
    """In the shell files and directories are renamed, deleted, created, removed, and get other modes."""
    user, password = ftp_server.credentials
    ncftp = Program("ncftp", tmp_path, "-u", user, "-p", password, "-P", str(ftp_server.port), "-r", "0")
    commands = [
        'rename a.txt "new name.txt"',
        "rm b.txt",
        "mkdir made",
        "rmdir bare",
        "chmod 600 new*",
        "pwd",
        "quit",
        "",
    ]
    ncftp(ftp_server.host, stdin="\n".join(commands), code=None)
    assert ftp_server.files == {"/new name.txt": b"a"}
    assert ftp_server.files.directories == ["/made"]
    assert ftp_server.files.stat("/new name.txt").mode == 0o600


@pytest.mark.ftp(files={"/a.txt": b"a"})
def test_custom_commands(ftp_server: FtpServer, put: Program) -> None:
    """Custom commands run after the login, after a file and before the end."""
    put.write("b.txt", b"b")
    put("-W", "MKD /made", "-X", "SITE CHMOD 600 /%s", "-Y", "DELE /a.txt", ftp_server.host, "/", "b.txt")
    assert ftp_server.files == {"/b.txt": b"b"}
    assert ftp_server.files.stat("/b.txt").mode == 0o600
    ftp_server.log.assert_sequence("MKD /made -> 257", "STOR b.txt -> 226", "SITE -> 200", "DELE /a.txt -> 250", "QUIT")


def test_refusals(ftp_server: FtpServer, get: Program, tmp_path: Path) -> None:
    """A missing file and a wrong password are errors."""
    assert get(ftp_server.host, ".", "/missing.txt", code=None).code != 0
    wrong = Program("ncftpget", tmp_path, "-u", "user", "-p", "wrong", "-P", str(ftp_server.port), "-r", "0", "-V")
    assert wrong(ftp_server.host, ".", "/missing.txt", code=None).code != 0
    ftp_server.log.assert_sent("PASS wrong -> 530")
    assert get.tree() == {}
