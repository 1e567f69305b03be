"""The program tnftp, the ftp command of the BSDs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ftpfixture import FtpServer
from ftpfixture.log.events import Disconnected
from tests.clients.programs import Outcome, Program
from tests.clients.samples import (
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

Script = Callable[..., Outcome]


@pytest.fixture
def tnftp(tmp_path: Path) -> Program:
    """The program without a settings file and without questions."""
    return Program("tnftp", tmp_path, "-n", "-i", "-v", "-q", "10")


@pytest.fixture
def script(ftp_server: FtpServer, tnftp: Program) -> Script:
    """Runs commands in one session with this test's server, and checks that it ended with QUIT."""

    def run(*commands: str, options: tuple[str, ...] = ()) -> Outcome:
        lines = ["user {} {}".format(*ftp_server.credentials), *commands, "bye", ""]
        outcome = tnftp(*options, ftp_server.host, str(ftp_server.port), stdin="\n".join(lines), code=None)
        ftp_server.log.wait_for("QUIT -> 221")
        return outcome

    return run


def quoted(name: str) -> str:
    """A name as one word of a script, which cannot contain a quote."""
    return f'"{name}"'


@pytest.mark.parametrize(
    ("options", "commands", "sent"),
    [
        (("-p",), [], "EPSV -> 229"),
        (("-p",), ["epsv4"], "PASV -> 227"),
        (("-A",), [], "EPRT |1|127.0.0.1|*| -> 200"),
        (("-A",), ["epsv4"], "PORT -> 200"),
    ],
    ids=["EPSV", "PASV", "EPRT", "PORT"],
)
@pytest.mark.parametrize("data", [b"", LARGE], ids=["empty", "large"])
def test_round_trip(
    ftp_server: FtpServer,
    tnftp: Program,
    script: Script,
    data: bytes,
    options: tuple[str, ...],
    commands: list[str],
    sent: str,
) -> None:
    """A file is uploaded and downloaded byte for byte, in all modes, whatever its size."""
    mode = "active" if options == ("-A",) else "passive"
    tnftp.write("a.bin", data)
    script(*commands, "binary", "put a.bin", "get a.bin b.bin", options=options)
    assert ftp_server.files == {"/a.bin": data}
    assert tnftp.read("b.bin") == data
    check(transfer(ftp_server, "STOR"), data, mode=mode)
    check(transfer(ftp_server, "RETR"), data, mode=mode)
    ftp_server.log.assert_sent(sent)


@needs_ipv6
@pytest.mark.ftp(host="::1", files={"/a.bin": LARGE})
@pytest.mark.parametrize("option", ["-p", "-A"])
def test_ipv6(ftp_server: FtpServer, tnftp: Program, script: Script, option: str) -> None:
    """Both modes work over IPv6."""
    script("get a.bin", options=(option,))
    assert tnftp.read("a.bin") == LARGE
    ftp_server.log.assert_sent("EPSV -> 229" if option == "-p" else "EPRT |2|::1|*| -> 200")


@pytest.mark.ftp(files=TREE)
def test_lists(ftp_server: FtpServer, tnftp: Program, script: Script) -> None:
    """Every command that lists shows the existing names, on the screen or in a file."""
    script(
        "cd tree",
        "ls",
        "dir . dir.out",
        "nlist . nlist.out",
        "mlsd",
        "mlst a.txt",
        "mls . sub mls.out",
        "pwd",
        "binary",
        "size a.txt",
    )
    assert set(tnftp.read("nlist.out").decode().splitlines()) == {"a.txt", "empty.bin", "hollow", "sub"}
    assert b" a.txt" in tnftp.read("dir.out")
    assert b"with space.bin" in tnftp.read("mls.out")
    ftp_server.log.assert_sequence("CWD tree -> 250", "LIST -> 226", "NLST -> 226", "MLSD -> 226", "MLST -> 250")
    ftp_server.log.assert_sequence("NLST sub -> 226", "PWD -> 257", "SIZE a.txt -> 213")


@pytest.mark.ftp(files={"/a.bin": LARGE, "/b.bin": b"0123456789"})
def test_resume(ftp_server: FtpServer, tnftp: Program, script: Script) -> None:
    """A download resumes where it stopped, an upload at a given offset."""
    tnftp.write("a.bin", LARGE[:2_000_000])
    tnftp.write("b.bin", b"abcdefghijkl")
    script("reget a.bin", "restart 5", "put b.bin")
    assert tnftp.read("a.bin") == LARGE
    assert ftp_server.files["/b.bin"] == b"01234fghijkl"
    check(transfer(ftp_server, "RETR"), LARGE[2_000_000:], offset=2_000_000)
    check(transfer(ftp_server, "STOR"), b"fghijkl", offset=5)


@pytest.mark.ftp(files={"/a.bin": b"0123"})
def test_append(ftp_server: FtpServer, tnftp: Program, script: Script) -> None:
    """Appending writes after the end of the file."""
    tnftp.write("b.bin", b"45")
    script("append b.bin a.bin")
    assert ftp_server.files == {"/a.bin": b"012345"}


def test_unique(ftp_server: FtpServer, tnftp: Program, script: Script) -> None:
    """With `sunique` a second file does not replace the first."""
    tnftp.write("a.bin", b"1")
    script("sunique", "put a.bin", "put a.bin")
    assert list(ftp_server.files.as_dict().values()) == [b"1", b"1"]
    ftp_server.log.assert_sent("STOU -> 226", times=2)


def test_ascii(ftp_server: FtpServer, tnftp: Program, script: Script) -> None:
    """In ASCII mode lines end with CRLF on the wire and with LF at both ends."""
    tnftp.write("a.txt", TEXT)
    script("ascii", "put a.txt", "get a.txt b.txt")
    assert ftp_server.files["/a.txt"] == tnftp.read("b.txt") == TEXT
    check(transfer(ftp_server, "STOR"), TEXT.replace(b"\n", b"\r\n"), kind="A")
    check(transfer(ftp_server, "RETR"), TEXT.replace(b"\n", b"\r\n"), kind="A")


def test_times(ftp_server: FtpServer, tnftp: Program, script: Script) -> None:
    """A download keeps its time, and only a newer file is downloaded again."""
    ftp_server.files.set("/a.txt", TEXT, modified=MODIFIED)
    outcome = script("get a.txt", "newer a.txt", "modtime a.txt")
    assert (tnftp.folder / "a.txt").stat().st_mtime == MODIFIED
    assert "Sun, 13 Sep 2020 12:26:40 +0000" in outcome.text
    ftp_server.log.assert_sent("RETR a.txt -> 226", times=1)


@pytest.mark.ftp(files={"/a.txt": b"a", "/b.txt": b"b", "/c.bin": b"c", "/bare/": None})
def test_tree_is_changed(ftp_server: FtpServer, script: Script) -> None:
    """Files and directories are renamed, deleted, created, removed, and get other modes."""
    script(
        'rename a.txt "new name.txt"',
        "mdelete b.*",
        'mkdir "two words"',
        "rmdir bare",
        "chmod 600 c.bin",
        "cd two*",
        "cdup",
    )
    assert ftp_server.files == {"/new name.txt": b"a", "/c.bin": b"c"}
    assert "/two words" in ftp_server.files.directories
    assert "/bare" not in ftp_server.files
    assert ftp_server.files.stat("/c.bin").mode == 0o600
    ftp_server.log.assert_sequence("RNFR -> 350", "RNTO -> 250", "NLST b.* -> 226", "DELE b.txt -> 250", "MKD -> 257")


@pytest.mark.ftp(files={f"/in/{name}": name.encode() for name in ("a1.txt", "a2.txt", "b1.txt")})
def test_patterns(ftp_server: FtpServer, tnftp: Program, script: Script) -> None:
    """Several files are transferred by one pattern, both ways."""
    script("cd in", "mget a*.txt", "mkdir up", "cd up", "mput a?.txt")
    assert tnftp.tree() == {"a1.txt": b"a1.txt", "a2.txt": b"a2.txt"}
    assert ftp_server.files["/in/up/a2.txt"] == b"a2.txt"
    assert "/in/up/b1.txt" not in ftp_server.files


@pytest.mark.parametrize("name", [name for name in [*NAMES, UNDECODABLE] if '"' not in name])
def test_names(ftp_server: FtpServer, tnftp: Program, script: Script, name: str) -> None:
    """A name with any bytes is uploaded, downloaded, renamed and deleted unchanged."""
    tnftp.write("local", b"data")
    word = quoted(name)
    script(f"put local {word}", f"get {word} back", f"rename {word} other", f"rename other {word}")
    assert ftp_server.files == {f"/{name}": b"data"}
    assert tnftp.read("back") == b"data"
    script(f"delete {word}")
    assert ftp_server.files == {}


def test_addresses(ftp_server: FtpServer, tnftp: Program) -> None:
    """A file is uploaded and downloaded by its URL, without a script."""
    tnftp.write("a.bin", LARGE)
    program = Program("tnftp", tnftp.home.parent, "-V")
    program("-u", ftp_server.url + "/in.bin", "a.bin")
    program("-o", "b.bin", ftp_server.url + "/in.bin")
    assert ftp_server.files == {"/in.bin": LARGE}
    assert tnftp.read("b.bin") == LARGE


@pytest.mark.ftp(files={"/a.txt": b"a"})
def test_status_commands(ftp_server: FtpServer, script: Script) -> None:
    """Commands about the server succeed, and refusals do not disturb the session."""
    script(
        "system", "features", "rhelp", "rstatus", "quote NOOP", "site CHMOD 600 a.txt", "get missing.txt", "cd missing"
    )
    ftp_server.log.assert_sequence(
        "SYST -> 215",
        "FEAT -> 211",
        "HELP -> 214",
        "STAT -> 211",
        "NOOP -> 200",
        "SITE -> 200",
        "RETR -> 550",
        "CWD -> 550",
    )
    ended = ftp_server.log.wait_for(lambda event: isinstance(event, Disconnected))
    assert ended.reason == "quit"


@pytest.mark.ftp(files={"/a.txt": b"a"})
def test_wrong_password(ftp_server: FtpServer, tnftp: Program) -> None:
    """A wrong password is refused, and a second login succeeds."""
    lines = ["user user wrong", "user user password", "get a.txt", "bye", ""]
    tnftp(ftp_server.host, str(ftp_server.port), stdin="\n".join(lines), code=None)
    ftp_server.log.assert_sequence("PASS wrong -> 530", "PASS password -> 230", "RETR a.txt -> 226")
    assert tnftp.read("a.txt") == b"a"
