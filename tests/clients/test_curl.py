"""The program curl."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from ftpfixture import FtpServer, Permission, User
from tests.clients.programs import Program
from tests.clients.samples import LARGE, MODIFIED, NAMES, TEXT, TREE, UNDECODABLE, check, needs_ipv6, transfer

REFUSED_CHANGE_OF_DIRECTORY = 9
PARTIAL = 18
QUOTE_ERROR = 21
UPLOAD_FAILED = 25
LOGIN_DENIED = 67
NOT_FOUND = 78
BAD_URL = 3


@pytest.fixture
def curl(tmp_path: Path) -> Program:
    """The program without a settings file and with short timeouts."""
    return Program("curl", tmp_path, "-q", "-sS", "--noproxy", "*", "--connect-timeout", "5", "--max-time", "15")


def url(server: FtpServer, path: str) -> str:
    """The URL of a path, with special bytes in hexadecimal."""
    return server.url + quote(path, errors="surrogateescape")


@pytest.mark.parametrize("data", [b"", b"x", LARGE], ids=["empty", "one", "large"])
def test_round_trip(ftp_server: FtpServer, curl: Program, data: bytes) -> None:
    """A file is uploaded and downloaded byte for byte, whatever its size."""
    curl.write("a.bin", data)
    curl("-T", "a.bin", url(ftp_server, "/"))
    assert ftp_server.files == {"/a.bin": data}
    assert curl(url(ftp_server, "/a.bin")).output == data
    check(transfer(ftp_server, "STOR"), data)
    check(transfer(ftp_server, "RETR"), data)
    ftp_server.log.assert_sequence("USER user -> 331", "PASS -> 230", "PWD -> 257", "EPSV -> 229", "TYPE I -> 200")
    ftp_server.log.assert_sent("SIZE a.bin -> 213")


@pytest.mark.parametrize(
    ("options", "command"),
    [
        (("--disable-epsv",), "PASV -> 227"),
        (("-P", "127.0.0.1"), "EPRT |1|127.0.0.1|*| -> 200"),
        (("-P", "127.0.0.1", "--disable-eprt"), "PORT 127,0,0,1,* -> 200"),
    ],
    ids=["PASV", "EPRT", "PORT"],
)
@pytest.mark.ftp(files={"/a.bin": LARGE})
def test_modes(ftp_server: FtpServer, curl: Program, options: tuple[str, ...], command: str) -> None:
    """Uploads, downloads and listings work with every data connection command."""
    mode = "passive" if "PASV" in command else "active"
    curl.write("b.bin", TEXT)
    curl(*options, "-T", "b.bin", url(ftp_server, "/"))
    assert curl(*options, url(ftp_server, "/a.bin")).output == LARGE
    assert b"a.bin" in curl(*options, url(ftp_server, "/")).output
    assert ftp_server.files["/b.bin"] == TEXT
    check(transfer(ftp_server, "STOR"), TEXT, mode=mode)
    check(transfer(ftp_server, "RETR"), LARGE, mode=mode)
    ftp_server.log.assert_sent(command, times=3)


@needs_ipv6
@pytest.mark.ftp(host="::1", files={"/a.bin": LARGE})
@pytest.mark.parametrize("active", [False, True], ids=["EPSV", "EPRT"])
def test_ipv6(ftp_server: FtpServer, curl: Program, active: bool) -> None:
    """Both modes work over IPv6."""
    options = ("-P", "::1") if active else ()
    assert curl("-g", *options, url(ftp_server, "/a.bin")).output == LARGE
    check(transfer(ftp_server, "RETR"), LARGE, mode="active" if active else "passive")
    ftp_server.log.assert_sent("EPRT |2|::1|*| -> 200" if active else "EPSV -> 229")


@pytest.mark.ftp(files=TREE)
def test_lists(ftp_server: FtpServer, curl: Program) -> None:
    """LIST and NLST show the same entries."""
    listed = curl(url(ftp_server, "/tree/")).output.decode().splitlines()
    named = curl("-l", url(ftp_server, "/tree/")).output.decode().splitlines()
    assert sorted(line.split(maxsplit=8)[8] for line in listed if not line.startswith("total")) == sorted(named)
    assert sorted(named) == ["a.txt", "empty.bin", "hollow", "sub"]
    assert curl("-l", url(ftp_server, "/tree/hollow/")).output == b""
    check(transfer(ftp_server, "NLST"), b"", kind="A")


@pytest.mark.ftp(files=TREE)
def test_machine_listing(ftp_server: FtpServer, curl: Program) -> None:
    """A listing with MLSD, requested as a custom command, has the facts of the entries."""
    lines = curl("-X", "MLSD", url(ftp_server, "/tree/")).output.decode().splitlines()
    facts = {name: fact.lower() for fact, _, name in (line.partition(" ") for line in lines)}
    assert "type=file;" in facts["a.txt"]
    assert "size=6;" in facts["a.txt"]
    assert "type=dir;" in facts["sub"]


@pytest.mark.parametrize("method", ["multicwd", "nocwd", "singlecwd"])
@pytest.mark.ftp(files=TREE)
def test_path_methods(ftp_server: FtpServer, curl: Program, method: str) -> None:
    """A deep path is reached with several CWD, with one, and with none."""
    name = "/tree/sub/deep/\u00fcn\u00efc\u00f6de \u65e5\u672c.txt"
    assert curl("--ftp-method", method, url(ftp_server, name)).output == b"names\n"
    steps = {"multicwd": 3, "singlecwd": 1, "nocwd": 0}[method]
    assert len(ftp_server.log.find("CWD -> 250")) == steps


@pytest.mark.ftp(files={"/a.bin": LARGE})
def test_resumed_download(ftp_server: FtpServer, curl: Program) -> None:
    """A partial local file is completed."""
    curl.write("a.bin", LARGE[:3_000_000])
    curl("-C", "-", "-O", url(ftp_server, "/a.bin"))
    assert curl.read("a.bin") == LARGE
    check(transfer(ftp_server, "RETR"), LARGE[3_000_000:], offset=3_000_000)
    ftp_server.log.assert_sequence("SIZE a.bin -> 213", "REST 3000000 -> 350", "RETR a.bin -> 226")


@pytest.mark.ftp(files={"/a.bin": LARGE[:3_000_000]})
def test_resumed_upload(ftp_server: FtpServer, curl: Program) -> None:
    """A partial file on the server is completed."""
    curl.write("a.bin", LARGE)
    curl("-C", "-", "-T", "a.bin", url(ftp_server, "/"))
    assert ftp_server.files["/a.bin"] == LARGE
    check(transfer(ftp_server, "APPE"), LARGE[3_000_000:])
    ftp_server.log.assert_sequence("SIZE a.bin -> 213", "APPE a.bin -> 226")


@pytest.mark.ftp(files={"/a.bin": LARGE, "/b.bin": b"0123456789"})
def test_ranges_on_one_connection(ftp_server: FtpServer, curl: Program) -> None:
    """A range is cut out of the middle, and the next transfer on the same connection is not disturbed."""
    outcome = curl("-r", "1000000-1000009", url(ftp_server, "/a.bin"), "--next", "-sS", url(ftp_server, "/b.bin"))
    assert outcome.output == LARGE[1_000_000:1_000_010] + b"0123456789"
    assert curl("-r", "-10", url(ftp_server, "/a.bin")).output == LARGE[-10:]


@pytest.mark.ftp(files={"/a.bin": b"0123"})
def test_append(ftp_server: FtpServer, curl: Program) -> None:
    """Appending writes after the end of the file."""
    curl("-a", "-T", "-", url(ftp_server, "/a.bin"), stdin=b"45")
    assert ftp_server.files["/a.bin"] == b"012345"
    check(transfer(ftp_server, "APPE"), b"45")


@pytest.mark.ftp(files={"/a.txt": TEXT})
def test_ascii(ftp_server: FtpServer, curl: Program) -> None:
    """In ASCII mode lines end with CRLF on the wire."""
    shown = curl("-B", url(ftp_server, "/a.txt")).output
    assert shown.replace(b"\r\n", b"\n") == TEXT
    check(transfer(ftp_server, "RETR"), TEXT.replace(b"\n", b"\r\n"), kind="A")
    curl("-B", "--crlf", "-T", "-", url(ftp_server, "/b.txt"), stdin=TEXT)
    assert ftp_server.files["/b.txt"] == TEXT
    check(transfer(ftp_server, "STOR"), TEXT.replace(b"\n", b"\r\n"), kind="A")


def test_creates_directories(ftp_server: FtpServer, curl: Program) -> None:
    """Missing directories are created one by one."""
    curl("--ftp-create-dirs", "-T", "-", url(ftp_server, "/one/two words/three/a.txt"), stdin=TEXT)
    assert ftp_server.files == {"/one/two words/three/a.txt": TEXT}
    ftp_server.log.assert_sequence("CWD one -> 550", "MKD one -> 257", "CWD one -> 250", "MKD two words -> 257")


@pytest.mark.ftp(files={"/a.txt": b"a", "/b.txt": b"b", "/old/": None})
def test_custom_commands(ftp_server: FtpServer, curl: Program) -> None:
    """Commands before and after the transfer rename, delete, change modes, create and remove directories."""
    custom = ["RNFR a.txt", "RNTO c.txt", "-DELE b.txt", "-MKD new", "-RMD old", "-SITE CHMOD 600 c.txt"]
    custom.append("-MFMT 20200913122640 c.txt")
    options = [part for command in custom for part in ("-Q", command)]
    curl(*options, url(ftp_server, "/"))
    assert ftp_server.files == {"/c.txt": b"a"}
    assert ftp_server.files.directories == ["/new"]
    stat = ftp_server.files.stat("/c.txt")
    assert (stat.mode, stat.modified) == (0o600, MODIFIED)
    ftp_server.log.assert_sequence(
        "RNFR -> 350", "RNTO -> 250", "LIST -> 226", "DELE -> 250", "MKD -> 257", "SITE -> 200"
    )


@pytest.mark.ftp(files={"/a.txt": b"a"})
def test_times(ftp_server: FtpServer, curl: Program) -> None:
    """The time of a file is shown with -I, kept in a download, and decides whether a file is downloaded."""
    ftp_server.files.set("/a.txt", TEXT, modified=MODIFIED)
    head = curl("-I", url(ftp_server, "/a.txt")).output.decode()
    assert "Last-Modified: Sun, 13 Sep 2020 12:26:40 GMT" in head
    assert f"Content-Length: {len(TEXT)}" in head
    assert "Accept-ranges: bytes" in head
    curl("-R", "-O", url(ftp_server, "/a.txt"))
    assert (curl.folder / "a.txt").stat().st_mtime == MODIFIED
    assert curl("-z", "Sun, 13 Sep 2020 12:30:00 GMT", url(ftp_server, "/a.txt")).output == b""
    assert curl("-z", "Sun, 13 Sep 2020 12:20:00 GMT", url(ftp_server, "/a.txt")).output == TEXT
    ftp_server.log.assert_sent("MDTM a.txt -> 213", times=4)
    ftp_server.log.assert_sent("RETR", times=2)


@pytest.mark.parametrize("name", [*NAMES, UNDECODABLE])
def test_names(ftp_server: FtpServer, curl: Program, name: str) -> None:
    """A name with any bytes is uploaded, listed, downloaded and deleted unchanged."""
    curl("-T", "-", url(ftp_server, f"/{name}"), stdin=b"data")
    assert ftp_server.files == {f"/{name}": b"data"}
    assert curl(url(ftp_server, f"/{name}")).output == b"data"
    encoded = name.encode("utf-8", "surrogateescape")
    assert curl("-X", "NLST -a", url(ftp_server, "/")).output == encoded + b"\n"
    curl("-Q", f"DELE {name}", "-l", url(ftp_server, "/"))
    assert ftp_server.files == {}


@pytest.mark.ftp(files={'/a b/q"uote/c.txt': b"c"})
def test_directory_with_quote(ftp_server: FtpServer, curl: Program) -> None:
    """A path through a directory with a quote in its name works."""
    assert curl(url(ftp_server, '/a b/q"uote/c.txt'), url(ftp_server, '/a b/q"uote/c.txt')).output == b"cc"


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("/missing.txt", NOT_FOUND),
        ("/missing/a.txt", REFUSED_CHANGE_OF_DIRECTORY),
        ("/../../../etc/passwd", REFUSED_CHANGE_OF_DIRECTORY),
        ("/a%0d%0aDELE%20a.txt", BAD_URL),
    ],
)
@pytest.mark.ftp(files={"/a.txt": b"a"})
def test_bad_paths(ftp_server: FtpServer, curl: Program, address: str, code: int) -> None:
    """A missing path, a path above the root, and an invalid path are the right errors."""
    assert curl("--path-as-is", ftp_server.url + address, code=code).output == b""
    assert ftp_server.files == {"/a.txt": b"a"}


@pytest.mark.ftp(users=[User("ann", "s:e/c@r#t", permissions=[Permission(writable=False)])], files={"/a.txt": b"a"})
def test_refusals(ftp_server: FtpServer, curl: Program) -> None:
    """A wrong password, a forbidden upload and a forbidden command give the right errors."""
    assert curl(url(ftp_server, "/a.txt")).output == b"a"
    curl("-u", "ann:wrong", f"ftp://{ftp_server.host}:{ftp_server.port}/", code=LOGIN_DENIED)
    curl("-T", "-", url(ftp_server, "/b.txt"), stdin=b"b", code=UPLOAD_FAILED)
    curl("-Q", "DELE a.txt", url(ftp_server, "/"), code=QUOTE_ERROR)
    assert ftp_server.files == {"/a.txt": b"a"}


@pytest.mark.ftp(files={f"/{number}.txt": bytes([number]) * 1000 for number in range(5)})
def test_many_on_one_connection(ftp_server: FtpServer, curl: Program) -> None:
    """Many files are transferred over one control connection, which ends with QUIT."""
    assert curl(ftp_server.url + "/[0-4].txt").output == b"".join(bytes([number]) * 1000 for number in range(5))
    ftp_server.log.wait_for("QUIT -> 221")
    assert len(ftp_server.log.sessions) == 1


@pytest.mark.ftp(files={f"/{number}.bin": LARGE[number::20] for number in range(20)})
def test_many_at_once(ftp_server: FtpServer, curl: Program) -> None:
    """Many files are transferred over several connections at the same time."""
    curl("-Z", "--parallel-max", "8", "--remote-name-all", ftp_server.url + "/[0-19].bin")
    assert curl.tree() == {f"{number}.bin": LARGE[number::20] for number in range(20)}
