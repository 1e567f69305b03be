"""The program lftp."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ftpfixture import FtpServer, Permission, User
from tests.clients.programs import Outcome, Program
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

SETTINGS = (
    "set cmd:fail-exit yes",
    "set net:max-retries 1",
    "set net:timeout 8",
    "set ftp:ssl-allow no",
    "set mirror:set-permissions yes",
    "set xfer:use-temp-file no",
)
Script = Callable[..., Outcome]


@pytest.fixture
def lftp(tmp_path: Path) -> Program:
    """The program without a settings file."""
    return Program("lftp", tmp_path, "--norc")


@pytest.fixture
def script(ftp_server: FtpServer, lftp: Program) -> Script:
    """Runs commands in one session with this test's server."""

    def run(*commands: str, code: int | None = 0) -> Outcome:
        login = f"open -p {ftp_server.port} -u {','.join(ftp_server.credentials)} {ftp_server.host}"
        return lftp("-c", "; ".join([*SETTINGS, login, *commands]), code=code)

    return run


def quoted(name: str) -> str:
    """A name as one word of a script."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


@pytest.mark.parametrize(
    ("setting", "command"),
    [
        ("set ftp:prefer-epsv no", "PASV -> 227"),
        ("set ftp:prefer-epsv yes", "EPSV -> 229"),
        ("set ftp:passive-mode no", "PORT -> 200"),
    ],
    ids=["PASV", "EPSV", "PORT"],
)
@pytest.mark.parametrize("data", [b"", LARGE], ids=["empty", "large"])
def test_round_trip(
    ftp_server: FtpServer, lftp: Program, script: Script, data: bytes, setting: str, command: str
) -> None:
    """A file is uploaded and downloaded byte for byte, in all modes, whatever its size."""
    mode = "active" if "PORT" in command else "passive"
    lftp.write("a.bin", data)
    script(setting, "put a.bin", "get a.bin -o b.bin")
    assert ftp_server.files == {"/a.bin": data}
    assert lftp.read("b.bin") == data
    check(transfer(ftp_server, "STOR"), data, mode=mode)
    check(transfer(ftp_server, "RETR"), data, mode=mode)
    ftp_server.log.assert_sent(command)


@needs_ipv6
@pytest.mark.ftp(host="::1", files=TREE)
def test_ipv6(ftp_server: FtpServer, lftp: Program, script: Script) -> None:
    """A mirror works over IPv6 (passive only: lftp sends "::" with EPRT, to which no server can connect)."""
    script("mirror /tree down")
    assert lftp.tree("down") == below("/tree")
    ftp_server.log.assert_sent("EPSV -> 229")


@pytest.mark.ftp(files=TREE)
@pytest.mark.parametrize(
    ("setting", "command"),
    [
        ("set ftp:use-mlsd yes", "MLSD -> 226"),
        ("set ftp:use-mlsd no", "LIST -> 226"),
        ("set ftp:use-mlsd no; set ftp:use-stat-for-list yes", "STAT . -> 212"),
    ],
    ids=["MLSD", "LIST", "STAT"],
)
def test_mirror_down(ftp_server: FtpServer, lftp: Program, script: Script, setting: str, command: str) -> None:
    """A tree is mirrored with its empty files and directories, times and modes, from each kind of listing."""
    ftp_server.files.set("/tree/a.txt", b"alpha\n", modified=MODIFIED, mode=0o640)
    script(setting, "mirror /tree down")
    assert lftp.tree("down") == below("/tree")
    assert (lftp.folder / "down" / "hollow").is_dir()
    stat = (lftp.folder / "down" / "a.txt").stat()
    assert stat.st_mode & 0o777 == 0o640
    assert int(stat.st_mtime) // 86400 == int(MODIFIED) // 86400
    ftp_server.log.assert_sent(command)


@pytest.mark.parametrize("style", ["msdos", "msdos4", "eplf"])
def test_mirror_down_from_other_systems(
    ftp_server_factory: Callable[..., FtpServer], lftp: Program, style: str
) -> None:
    """A tree is mirrored from servers with the LIST formats of other systems."""
    server = ftp_server_factory(files=TREE, list_style=style, disable=["MLSD", "MLST"])
    login = f"open -p {server.port} -u user,password {server.host}"
    lftp("-c", "; ".join([*SETTINGS, login, "mirror /tree down"]))
    assert lftp.tree("down") == below("/tree")
    server.log.assert_sent("LIST -> 226")


def test_mirror_up(ftp_server: FtpServer, lftp: Program, script: Script) -> None:
    """A tree is mirrored to the server with times and modes, and a second mirror transfers nothing."""
    for name, data in below("/tree").items():
        lftp.write(f"up/{name}", data, MODIFIED).chmod(0o600)
    (lftp.folder / "up" / "hollow").mkdir()
    script("mirror -R up /tree")
    assert ftp_server.files == {path: data for path, data in TREE.items() if data is not None}
    assert set(ftp_server.files.directories) == {"/tree", "/tree/hollow", "/tree/sub", "/tree/sub/deep"}
    stat = ftp_server.files.stat("/tree/a.txt")
    assert (stat.modified, stat.mode) == (MODIFIED, 0o600)
    ftp_server.log.assert_sent("STOR", times=4)
    ftp_server.log.clear()
    script("mirror -R up /tree")
    ftp_server.log.assert_not_sent("STOR")


@pytest.mark.ftp(files={"/tree/old.txt": b"old", "/tree/gone/x.txt": b"x", "/tree/same.txt": b"same"})
def test_mirror_deletes(ftp_server: FtpServer, lftp: Program, script: Script) -> None:
    """A mirror with --delete leaves exactly the local files on the server."""
    lftp.write("up/old.txt", b"newer and longer")
    lftp.write("up/same.txt", b"same", MODIFIED)
    script("mirror -R --delete up /tree")
    assert ftp_server.files == {"/tree/old.txt": b"newer and longer", "/tree/same.txt": b"same"}
    assert ftp_server.files.directories == ["/tree"]


@pytest.mark.ftp(files={f"/tree/{number}.bin": LARGE[number::12] for number in range(12)})
def test_parallel_mirror(ftp_server: FtpServer, lftp: Program, script: Script) -> None:
    """A mirror with several sessions downloads every file completely."""
    script("mirror -P 4 /tree down")
    assert lftp.tree("down") == {f"{number}.bin": LARGE[number::12] for number in range(12)}
    assert len(ftp_server.log.sessions) > 1


@pytest.mark.ftp(files={"/a.bin": LARGE}, write_speed_limit_per_connection=8_000_000)
def test_segments(ftp_server: FtpServer, lftp: Program, script: Script) -> None:
    """A file downloaded in segments, each aborted at its end, is complete."""
    script("set pget:min-chunk-size 100k", "pget -n 3 a.bin")
    assert lftp.read("a.bin") == LARGE
    assert len({record.offset for record in ftp_server.log.transfers if record.verb == "RETR"}) == 3


@pytest.mark.ftp(files={"/a.bin": LARGE, "/b.bin": LARGE[:2_000_000]})
def test_resume(ftp_server: FtpServer, lftp: Program, script: Script) -> None:
    """A partial file is completed, locally and on the server."""
    lftp.write("a.bin", LARGE[:2_000_000])
    lftp.write("b.bin", LARGE)
    script("get -c a.bin", "put -c b.bin")
    assert lftp.read("a.bin") == ftp_server.files["/b.bin"] == LARGE
    check(transfer(ftp_server, "RETR"), LARGE[2_000_000:], offset=2_000_000)
    check(transfer(ftp_server, "STOR"), LARGE[2_000_000:], offset=2_000_000)


def test_ascii(ftp_server: FtpServer, lftp: Program, script: Script) -> None:
    """In ASCII mode lines end with CRLF on the wire and with LF at both ends."""
    lftp.write("a.txt", TEXT)
    script("put -a a.txt", "get -a a.txt -o b.txt")
    assert ftp_server.files["/a.txt"] == lftp.read("b.txt") == TEXT
    check(transfer(ftp_server, "STOR"), TEXT.replace(b"\n", b"\r\n"), kind="A")
    check(transfer(ftp_server, "RETR"), TEXT.replace(b"\n", b"\r\n"), kind="A")


@pytest.mark.ftp(files=TREE)
def test_times_are_kept(ftp_server: FtpServer, lftp: Program, script: Script) -> None:
    """Times are kept to the second, both ways."""
    ftp_server.files.set("/a.txt", TEXT, modified=MODIFIED + 1)
    lftp.write("b.txt", TEXT, MODIFIED + 2)
    script("get a.txt", "put b.txt")
    assert (lftp.folder / "a.txt").stat().st_mtime == MODIFIED + 1
    assert ftp_server.files.stat("/b.txt").modified == MODIFIED + 2
    ftp_server.log.assert_sequence("MDTM a.txt -> 213", "MFMT 20200913122642 b.txt -> 213")


@pytest.mark.ftp(files=TREE)
def test_lists(ftp_server: FtpServer, script: Script) -> None:
    """Every command that lists shows the existing names."""
    assert sorted(script("nlist /tree").text.split()) == ["/tree/a.txt", "/tree/empty.bin", "/tree/hollow", "/tree/sub"]
    assert script("cls -1 /tree").text.split() == ["/tree/a.txt", "/tree/empty.bin", "/tree/hollow/", "/tree/sub/"]
    found = set(script("find /tree").text.splitlines())
    expected = {path for path, data in TREE.items() if data is not None}
    assert found == expected | {"/tree/", "/tree/hollow/", "/tree/sub/", "/tree/sub/deep/"}
    assert script("cat /tree/a.txt").output == b"alpha\n"
    assert script("cd /tree/sub", "pwd").text.strip().endswith("/tree/sub")
    ftp_server.log.assert_sent("MLSD -> 226")


@pytest.mark.ftp(files={"/a.txt": b"a", "/b.txt": b"b", "/c.bin": b"c", "/full/x/y.txt": b"y", "/bare/": None})
def test_tree_is_changed(ftp_server: FtpServer, script: Script) -> None:
    """Files and directories are renamed, removed, created, and get other modes."""
    script(
        "mv a.txt 'new name.txt'",
        "mrm b.*",
        "mkdir -p one/two/three",
        "rmdir bare",
        "rm -r full",
        "chmod 600 c.bin",
        "mv one/two/three 'one/deep'",
    )
    assert ftp_server.files == {"/new name.txt": b"a", "/c.bin": b"c"}
    assert ftp_server.files.directories == ["/one", "/one/deep", "/one/two"]
    assert ftp_server.files.stat("/c.bin").mode == 0o600
    ftp_server.log.assert_sequence("RNFR a.txt -> 350", "DELE -> 250", "MKD -> 257", "RMD -> 250", "SITE CHMOD* -> 2xx")


@pytest.mark.ftp(files={f"/{name}": name.encode() for name in ("a1.txt", "a2.txt", "b1.txt")})
def test_patterns(ftp_server: FtpServer, lftp: Program, script: Script) -> None:
    """Several files are transferred by one pattern, both ways."""
    script("mget a*.txt", "mkdir up", "mput -O up a?.txt")
    assert lftp.tree() == {"a1.txt": b"a1.txt", "a2.txt": b"a2.txt"}
    assert ftp_server.files["/up/a2.txt"] == b"a2.txt"
    assert "/up/b1.txt" not in ftp_server.files


@pytest.mark.parametrize("name", NAMES)
def test_names(ftp_server: FtpServer, lftp: Program, script: Script, name: str) -> None:
    """A name with any characters is uploaded, mirrored, renamed and removed unchanged."""
    lftp.write(f"up/{name}", b"data")
    script("mirror -R up /tree")
    assert ftp_server.files == {f"/tree/{name}": b"data"}
    script("mirror /tree down", "set ftp:use-mlsd no; set ftp:list-options -a", "mirror /tree listed")
    assert lftp.tree("down") == lftp.tree("listed") == {name: b"data"}
    word = quoted(f"/tree/{name}")
    script(f"mv {word} /tree/other", f"mv /tree/other {word}", f"rm {word}")
    assert ftp_server.files == {}


@pytest.mark.ftp(files={f"/tree/{UNDECODABLE}": b"data"})
def test_undecodable_name(ftp_server: FtpServer, lftp: Program, script: Script) -> None:
    """Bytes that are not UTF-8 are transferred unchanged, both ways, with `ftp:use-utf8 no`."""
    script("set ftp:use-utf8 no", "set ftp:use-mlsd no", "mirror /tree down", "mirror -R down /up")
    assert lftp.tree("down") == {UNDECODABLE: b"data"}
    assert ftp_server.files[f"/up/{UNDECODABLE}"] == b"data"


@pytest.mark.ftp(files={f"/tree/{name}": b"data" for name in [*HOSTILE, BREAKING]})
@pytest.mark.parametrize("setting", ["set ftp:use-mlsd yes", "set ftp:use-mlsd no"], ids=["MLSD", "LIST"])
def test_hostile_names(lftp: Program, script: Script, setting: str) -> None:
    """Names that imitate a listing are downloaded unchanged, and a name that would break it is left out."""
    script(setting, "mirror /tree down")
    assert lftp.tree("down") == dict.fromkeys(HOSTILE, b"data")


@pytest.mark.ftp(files={"/tree/a.txt": b"a"})
def test_links(ftp_server: FtpServer, lftp: Program, script: Script) -> None:
    """A symbolic link is mirrored as a link."""
    ftp_server.files.symlink("/tree/link.txt", "a.txt")
    script("set ftp:use-mlsd no", "mirror /tree down")
    assert (lftp.folder / "down" / "link.txt").readlink() == Path("a.txt")
    assert lftp.tree("down") == {"a.txt": b"a", "link.txt": b"a"}


@pytest.mark.ftp(files={"/a.bin": LARGE})
def test_interrupted_download(ftp_server: FtpServer, script: Script) -> None:
    """After an interrupted download, the server serves the next one."""
    assert script("cat a.bin | head -c 10", code=None).output == LARGE[:10]
    assert script("cat a.bin").output == LARGE
    check(transfer(ftp_server, "RETR"), LARGE)


@pytest.mark.ftp(users=[User("ann", "secret", permissions=[Permission(writable=False)])], files={"/a.txt": b"a"})
def test_refusals(ftp_server: FtpServer, lftp: Program, script: Script) -> None:
    """A wrong password, missing files and forbidden changes end the script."""
    lftp.write("b.txt", b"b")
    for command in ("get missing.txt", "put b.txt", "rm a.txt", "mkdir x", "mv a.txt c.txt", "get ../../etc/passwd"):
        assert "55" in script(command, code=1).text
    login = f"open -p {ftp_server.port} -u ann,wrong {ftp_server.host}"
    assert "530" in lftp("-c", "; ".join([*SETTINGS, login, "ls"]), code=1).text
    assert ftp_server.files == {"/a.txt": b"a"}


def test_server_to_server(ftp_server_factory: Callable[..., FtpServer], lftp: Program) -> None:
    """A file is transferred directly between two servers that allow the address."""
    source, target = ftp_server_factory(files={"/a.bin": LARGE}), ftp_server_factory()
    lftp("-c", "; ".join([*SETTINGS, "set ftp:use-fxp yes", f"get {source.url}/a.bin -o {target.url}/b.bin"]))
    assert target.files == {"/b.bin": LARGE}
    assert {transfer(source, "RETR").mode, transfer(target, "STOR").mode} == {"active", "passive"}
