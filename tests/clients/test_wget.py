"""The program wget, which only downloads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, unquote

import pytest

from ftpfixture import FtpServer
from tests.clients.programs import Program
from tests.clients.samples import (
    BREAKING,
    HOSTILE,
    LARGE,
    MODIFIED,
    NAMES,
    TEXT,
    TREE,
    UNDECODABLE,
    below,
    check,
    needs_ipv6,
    transfer,
)

LOGIN_DENIED = 6
SERVER_ERROR = 8


@pytest.fixture
def wget(tmp_path: Path) -> Program:
    """The program without settings, proxies and retries."""
    return Program(
        "wget",
        tmp_path,
        *("--no-config", "--no-netrc", "--no-hsts", "--no-proxy", "-nv", "--tries=1", "--timeout=10"),
        "--restrict-file-names=nocontrol",
    )


def url(server: FtpServer, path: str) -> str:
    """The URL of a path, with special bytes in hexadecimal."""
    return server.url + quote(path, errors="surrogateescape")


@pytest.mark.parametrize("passive", [True, False], ids=["PASV", "PORT"])
@pytest.mark.parametrize("data", [b"", b"x", LARGE], ids=["empty", "one", "large"])
def test_download(ftp_server: FtpServer, wget: Program, data: bytes, passive: bool) -> None:
    """A file is downloaded byte for byte in both modes, whatever its size."""
    ftp_server.files["/sub/a.bin"] = data
    wget(*([] if passive else ["--no-passive-ftp"]), url(ftp_server, "/sub/a.bin"))
    assert wget.tree() == {"a.bin": data}
    check(transfer(ftp_server, "RETR"), data, mode="passive" if passive else "active")
    ftp_server.log.assert_sequence(
        "USER user -> 331", "PASS -> 230", "SYST -> 215", "PWD -> 257", "TYPE I -> 200", "CWD -> 250"
    )
    ftp_server.log.assert_sent("PASV -> 227" if passive else "PORT -> 200")


@needs_ipv6
@pytest.mark.ftp(host="::1", files={"/a.bin": LARGE})
@pytest.mark.parametrize("passive", [True, False], ids=["EPSV", "EPRT"])
def test_ipv6(ftp_server: FtpServer, wget: Program, passive: bool) -> None:
    """Both modes work over IPv6."""
    wget(*([] if passive else ["--no-passive-ftp"]), url(ftp_server, "/a.bin"))
    assert wget.read("a.bin") == LARGE
    ftp_server.log.assert_sent("EPSV -> 229" if passive else "EPRT |2|::1|*| -> 200")


@pytest.mark.ftp(files={"/a.bin": LARGE})
def test_resume(ftp_server: FtpServer, wget: Program) -> None:
    """A partial file is completed; a complete one is not downloaded."""
    wget.write("a.bin", LARGE[:2_000_000])
    wget("-c", url(ftp_server, "/a.bin"))
    assert wget.read("a.bin") == LARGE
    check(transfer(ftp_server, "RETR"), LARGE[2_000_000:], offset=2_000_000)
    ftp_server.log.clear()
    wget("-c", url(ftp_server, "/a.bin"))
    assert wget.read("a.bin") == LARGE
    ftp_server.log.assert_not_sent("RETR -> 226")


@pytest.mark.ftp(files={"/a.bin": LARGE})
def test_start_position(ftp_server: FtpServer, wget: Program) -> None:
    """A download with a start position transfers the rest."""
    wget("--start-pos=5000000", url(ftp_server, "/a.bin"))
    assert wget.read("a.bin") == LARGE[5_000_000:]


@pytest.mark.ftp(files=TREE)
@pytest.mark.parametrize("passive", [True, False], ids=["passive", "active"])
def test_recursive(ftp_server: FtpServer, wget: Program, passive: bool) -> None:
    """A tree is downloaded with all its files, including times."""
    ftp_server.files.set("/tree/a.txt", b"alpha\n", modified=MODIFIED)
    options = () if passive else ("--no-passive-ftp",)
    wget("-r", "-nH", "--cut-dirs=1", *options, url(ftp_server, "/tree/"))
    assert wget.tree() == below("/tree")
    assert int((wget.folder / "a.txt").stat().st_mtime) // 86400 == int(MODIFIED) // 86400
    assert all(record.completed for record in ftp_server.log.transfers)


@pytest.mark.parametrize("style", ["msdos", "msdos4"])
def test_recursive_from_windows(ftp_server_factory: Callable[..., FtpServer], wget: Program, style: str) -> None:
    """A tree is downloaded from a server that reports Windows and lists in its format."""
    server = ftp_server_factory(files=TREE, list_style=style, system="Windows_NT")
    wget("-r", "-nH", "--cut-dirs=1", url(server, "/tree/"))
    assert wget.tree() == below("/tree")


@pytest.mark.ftp(files={"/a.txt": TEXT})
def test_timestamps(ftp_server: FtpServer, wget: Program) -> None:
    """A file is downloaded once, with its time, and again only when it has become newer."""
    ftp_server.files.set("/a.txt", TEXT, modified=MODIFIED)
    wget("-N", url(ftp_server, "/a.txt"))
    assert wget.read("a.txt") == TEXT
    assert int((wget.folder / "a.txt").stat().st_mtime) // 86400 == int(MODIFIED) // 86400
    wget("-N", url(ftp_server, "/a.txt"))
    ftp_server.log.assert_sent("RETR", times=1)
    ftp_server.files.set("/a.txt", TEXT * 2, modified=MODIFIED + 86400 * 2)
    wget("-N", url(ftp_server, "/a.txt"))
    assert wget.read("a.txt") == TEXT * 2


@pytest.mark.ftp(files={"/in/a1.txt": b"1", "/in/a2.txt": b"2", "/in/b.txt": b"b", "/in/a.bin": b"a"})
def test_patterns(ftp_server: FtpServer, wget: Program) -> None:
    """A pattern in the URL selects the files to download."""
    wget(ftp_server.url + "/in/a?.txt")
    assert wget.tree() == {"a1.txt": b"1", "a2.txt": b"2"}


@pytest.mark.ftp(files={"/a.txt": TEXT})
def test_ascii(ftp_server: FtpServer, wget: Program) -> None:
    """In ASCII mode lines end with CRLF on the wire."""
    wget(ftp_server.url + "/a.txt;type=a", "-O", "a.txt")
    assert wget.read("a.txt").replace(b"\r\n", b"\n") == TEXT
    check(transfer(ftp_server, "RETR"), TEXT.replace(b"\n", b"\r\n"), kind="A")


@pytest.mark.ftp(files=TREE)
def test_index(ftp_server: FtpServer, wget: Program) -> None:
    """A directory becomes a page of links to its entries."""
    page = wget("-O", "-", url(ftp_server, "/tree/")).output
    for name in (b"a.txt", b"empty.bin", b"hollow/", b"sub/"):
        assert b">" + name + b"</a>" in page
    ftp_server.log.assert_sent("LIST -> 226")


@pytest.mark.parametrize("name", [*NAMES, UNDECODABLE])
def test_names(ftp_server: FtpServer, wget: Program, name: str) -> None:
    """A name with any bytes is found in a listing and downloaded unchanged."""
    ftp_server.files[f"/tree/{name}"] = b"data"
    wget("-r", "-nH", "--cut-dirs=1", url(ftp_server, "/tree/"))
    assert wget.tree() == {unquote(name): b"data"}  # wget decodes a % in the name as in a URL
    ftp_server.log.assert_sent("RETR -> 226", times=1)


@pytest.mark.ftp(files={f"/tree/{name}": b"data" for name in [*HOSTILE, BREAKING]})
def test_hostile_names(ftp_server: FtpServer, wget: Program) -> None:
    """Names that imitate a listing are downloaded unchanged, and a name that would break it is left out."""
    wget("-r", "-nH", "--cut-dirs=1", url(ftp_server, "/tree/"))
    expected = [name for name in HOSTILE if "\t" not in name]  # wget reads a tab as a space
    assert wget.tree() == dict.fromkeys(expected, b"data")


@pytest.mark.ftp(files={'/in a "dir"/a.txt': b"a"})
def test_directory_with_quote(ftp_server: FtpServer, wget: Program) -> None:
    """A directory with quotes and spaces is entered."""
    wget(url(ftp_server, '/in a "dir"/a.txt'))
    assert wget.tree() == {"a.txt": b"a"}


@pytest.mark.ftp(files={"/tree/a.txt": b"a"})
def test_links(ftp_server: FtpServer, wget: Program) -> None:
    """A symbolic link is created locally, or followed with --retr-symlinks."""
    ftp_server.files.symlink("/tree/link.txt", "a.txt")
    wget("-r", "-nH", "--cut-dirs=1", "--retr-symlinks=no", url(ftp_server, "/tree/"))
    assert (wget.folder / "link.txt").readlink() == Path("a.txt")
    wget("-r", "-nH", "--retr-symlinks=yes", url(ftp_server, "/tree/"))
    assert wget.tree("tree") == {"a.txt": b"a", "link.txt": b"a"}


@pytest.mark.ftp(files={"/a.txt": b"a"})
def test_modes_are_kept(ftp_server: FtpServer, wget: Program) -> None:
    """With --preserve-permissions the permissions of a file are kept."""
    ftp_server.files.set("/tree/a.txt", b"a", mode=0o640)
    wget("-r", "-nH", "--preserve-permissions", url(ftp_server, "/tree/"))
    assert (wget.folder / "tree" / "a.txt").stat().st_mode & 0o777 == 0o640


@pytest.mark.ftp(files={"/a.txt": b"a"})
def test_spider(ftp_server: FtpServer, wget: Program) -> None:
    """With --spider wget checks whether a file exists without downloading it."""
    wget("--spider", url(ftp_server, "/a.txt"))
    wget("--spider", url(ftp_server, "/missing.txt"), code=SERVER_ERROR)
    assert wget.tree() == {}
    ftp_server.log.assert_not_sent("RETR")


@pytest.mark.ftp(files={"/a.txt": b"a"})
def test_refusals(ftp_server: FtpServer, wget: Program) -> None:
    """A missing file and a wrong password are the right errors."""
    wget(url(ftp_server, "/missing.txt"), code=SERVER_ERROR)
    wget(url(ftp_server, "/missing/a.txt"), code=SERVER_ERROR)
    wget(f"ftp://user:wrong@{ftp_server.host}:{ftp_server.port}/a.txt", code=LOGIN_DENIED)
    assert wget.tree() == {}
