"""The foreign servers themselves, with the standard library's client: they start, work as recorded, and stop."""

from __future__ import annotations

import errno
import ftplib
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path

import pytest

from tests.support.leaks import held
from tests.support.servers import (
    LACKS,
    Aioftp,
    MicroSocks,
    Peer,
    Proftpd,
    PureFtpd,
    Pyftpdlib,
    Vsftpd,
    library,
    living,
    program,
)

LARGE = bytes(range(256)) * 20_000  # 5 MB
HUGE = 1 << 26  # more than all buffers between two sockets hold
NAME = "\u00fcn\u00efc\u00f6de \u65e5\u672c.txt"
IP_AND_DM = b"\xff\xf4\xff\xf2"  # Telnet's interrupt process and data mark, which is the urgent byte

BANNERS: dict[type[Peer], tuple[str, ...]] = {
    Vsftpd: ("ftpd_banner=hello from the test",),
    Proftpd: ('ServerIdent on "hello from the test"',),
    PureFtpd: ("--fortunesfile", "{folder}/banner"),
    Pyftpdlib: ("banner=hello from the test",),
    Aioftp: ("welcome_message=hello from the test",),
}

VERBS = {  # with arguments that every server accepts
    "ALLO": "ALLO 5",
    "CLNT": "CLNT test",
    "EPRT": "EPRT |1|127.0.0.1|65000|",
    "FEAT": "FEAT",
    "HASH": "HASH a.txt",
    "HELP": "HELP",
    "HOST": "HOST localhost",
    "MDTM": "MDTM a.txt",
    "MFF": "MFF modify=20200101000000; a.txt",
    "MFMT": "MFMT 20200101000000 a.txt",
    "MLSD": "MLSD",
    "MLST": "MLST a.txt",
    "MODE": "MODE S",
    "NLST": "NLST",
    "NOOP": "NOOP",
    "OPTS": "OPTS UTF8 ON",
    "PORT": "PORT 127,0,0,1,253,232",
    "REIN": "REIN",
    "SITE": "SITE HELP",
    "SIZE": "SIZE a.txt",
    "STAT": "STAT",
    "STOU": "STOU",
    "STRU": "STRU F",
}


@contextmanager
def session(peer: Peer) -> Iterator[ftplib.FTP]:
    """A session that is logged in and transfers in type I; at the end it is closed without QUIT."""
    ftp = ftplib.FTP(timeout=20)
    try:
        ftp.connect(peer.host, peer.port)
        ftp.login(peer.user, peer.password)
        ftp.voidcmd("TYPE I")
        yield ftp
    finally:
        ftp.close()


def code(ftp: ftplib.FTP, command: str) -> str:
    """The code of the reply to a command."""
    try:
        return ftp.sendcmd(command)[:3]
    except ftplib.Error as refused:
        return str(refused)[:3]


def download(ftp: ftplib.FTP, path: str, rest: int | None = None) -> bytes:
    """Content of a file."""
    parts: list[bytes] = []
    ftp.retrbinary(f"RETR {path}", parts.append, rest=rest)
    return b"".join(parts)


def lines(ftp: ftplib.FTP, command: str) -> list[str]:
    """Lines of a listing."""
    found: list[str] = []
    ftp.retrlines(command, found.append)
    return found


def refused(call: Callable[[], object]) -> bool:
    """Whether a call ends with a negative reply."""
    try:
        call()
    except (ftplib.error_temp, ftplib.error_perm):
        return True
    return False


def test_login(peer: Peer) -> None:
    """A login with the right password starts in the root; a wrong password is refused."""
    with session(peer) as ftp:
        assert ftp.pwd() == "/"
        assert ftp.quit().startswith("2")  # RFC 959 requires 221
    with ftplib.FTP(timeout=20) as ftp:
        ftp.connect(peer.host, peer.port)
        with pytest.raises(ftplib.error_perm, match="530"):
            ftp.login(peer.user, "wrong")


@pytest.mark.parametrize("mode", ["passive", "active"])
def test_files(peer: Peer, mode: str) -> None:
    """Files are transferred both ways, from an offset and to one, appended and replaced, in both modes."""
    (peer.root / "there.bin").write_bytes(LARGE)
    with session(peer) as ftp:
        ftp.set_pasv(mode == "passive")
        if mode == "active" and "active" in peer.lacks:
            assert code(ftp, VERBS["PORT"]) == "502"
            return
        assert download(ftp, "there.bin") == LARGE
        assert download(ftp, "/there.bin", rest=len(LARGE) - 3) == LARGE[-3:]
        ftp.storbinary("STOR there.bin", BytesIO(b"another"))
        assert (peer.root / "there.bin").read_bytes() == b"another"
        ftp.storbinary("STOR /new.bin", BytesIO(LARGE))
        assert (peer.root / "new.bin").read_bytes() == LARGE
        ftp.storbinary("STOR a.txt", BytesIO(b"0123"))
        ftp.storbinary("STOR a.txt", BytesIO(b"xy"), rest=2)
        assert (peer.root / "a.txt").read_bytes() == b"01xy"
        ftp.storbinary("APPE a.txt", BytesIO(b"end"))
        ftp.storbinary("APPE b.txt", BytesIO(b"start"))
        assert (peer.root / "a.txt").read_bytes() == b"01xyend"
        assert (peer.root / "b.txt").read_bytes() == b"start"
        ftp.delete("a.txt")
        assert not (peer.root / "a.txt").exists()
        assert refused(lambda: download(ftp, "a.txt"))


def test_folders(peer: Peer) -> None:
    """Directories are created, entered, listed, renamed and removed, with names of any characters."""
    (peer.root / "ours").mkdir()
    (peer.root / "ours" / "x").write_bytes(b"x")
    with session(peer) as ftp:
        ftp.mkd("/new")
        ftp.cwd("new")
        assert ftp.pwd() == "/new"
        ftp.storbinary(f"STOR {NAME}", BytesIO(b"text"))
        assert [line.endswith(f" {NAME}") for line in lines(ftp, "LIST")] == [True]
        if "MLSD" not in peer.lacks:
            listed = {name: {key.lower(): value for key, value in facts.items()} for name, facts in ftp.mlsd()}
            assert (listed[NAME]["type"], listed[NAME]["size"]) == ("file", "4")
        if "NLST" not in peer.lacks:
            assert NAME in ftp.nlst()
        ftp.rename(NAME, "/ours/y")
        ftp.cwd("/")
        ftp.rmd("new")
        assert sorted(path.name for path in (peer.root / "ours").iterdir()) == ["x", "y"]
        ftp.delete("ours/x")
        ftp.delete("ours/y")
        ftp.rename("ours", "theirs")
        ftp.rmd("theirs")
    assert list(peer.root.iterdir()) == []


@pytest.mark.parametrize("mode", ["passive", "active"])
def test_ipv6(peer6: Peer, mode: str) -> None:
    """The server works at ::1 too."""
    with session(peer6) as ftp:
        assert ftp.af == socket.AF_INET6
        ftp.set_pasv(mode == "passive" or "active" in peer6.lacks)
        ftp.storbinary("STOR a.bin", BytesIO(LARGE))
        assert download(ftp, "a.bin") == LARGE
        assert len(lines(ftp, "LIST")) == 1


def test_two_sessions(peer: Peer) -> None:
    """A session in the middle of a download does not block another one."""
    (peer.root / "large.bin").write_bytes(LARGE)
    with session(peer) as first, session(peer) as second:
        with first.transfercmd("RETR large.bin") as data, data.makefile("rb") as stream:
            received = stream.read(1)
            second.storbinary("STOR a.txt", BytesIO(b"a"))
            assert download(second, "large.bin") == LARGE
            received += stream.read()
        assert first.voidresp().startswith("226")
        assert received == LARGE
        assert download(first, "a.txt") == b"a"


def test_no_leaks(kind: type[Peer], tmp_path: Path) -> None:
    """After the context nothing runs or listens, and no resource is held, whatever the sessions did."""
    before = held()
    with ExitStack() as clients:
        with kind(tmp_path / "peer") as peer:
            make_huge(peer)
            clients.enter_context(session(peer))
            busy = clients.enter_context(session(peer))
            data = clients.enter_context(busy.transfercmd("RETR huge.bin"))
            assert data.recv(1)
            pids = peer.pids
            assert pids
        assert not living().keys() & set(pids)
        assert running_below(tmp_path) == []
        with socket.socket() as probe:
            assert probe.connect_ex((peer.host, peer.port)) == errno.ECONNREFUSED
    assert held() == before


def make_huge(peer: Peer) -> None:
    """Create huge.bin, a sparse file."""
    with (peer.root / "huge.bin").open("wb") as file:
        file.truncate(HUGE)


def running_below(folder: Path) -> list[int]:
    """Processes with a working directory in a folder or below it."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if link.readlink().is_relative_to(folder):
                found.append(int(link.parent.name))
        except OSError:
            continue  # it has ended, or is a zombie
    return found


def test_pids(peer: Peer) -> None:
    """The processes of a server are known: all that work below its folder, including helpers of a session."""
    with session(peer):
        pids = peer.pids
        assert pids
        assert set(running_below(peer.folder)) <= set(pids)


def test_verbs(peer: Peer) -> None:
    """Exactly the verbs in `lacks` are unknown to the server."""
    (peer.root / "a.txt").write_bytes(b"a")
    unknown = set()
    for verb, command in VERBS.items():
        with session(peer) as ftp:
            if code(ftp, command) in ("500", "502"):
                unknown.add(verb)
    assert unknown == {word for word in peer.lacks if word.isupper()}
    assert {word for word in peer.lacks if not word.isupper()} <= set(LACKS)


def lists(ftp: ftplib.FTP, command: str, name: str) -> bool:
    """Whether a listing has a name."""
    return any(line.endswith(f" {name}") for line in lines(ftp, command))


def can_ascii(ftp: ftplib.FTP, root: Path) -> bool:
    """Upload lines as text."""
    ftp.storlines("STOR lines.txt", BytesIO(b"a\r\nb\r\n"))
    return (root / "lines.txt").read_bytes() == b"a\nb\n"


def can_mdtm_set(ftp: ftplib.FTP, root: Path) -> bool:
    """Set a time with MDTM."""
    return code(ftp, "MDTM 20200102030405 a.txt") == "213" and (root / "a.txt").stat().st_mtime == 1577934245


def can_nlst_dotless(ftp: ftplib.FTP, root: Path) -> bool:
    """List the names in an empty folder."""
    try:
        return lines(ftp, "NLST folder") == []
    except ftplib.error_perm:
        return False


def can_rest_early(ftp: ftplib.FTP, root: Path) -> bool:
    """Send REST before EPSV."""
    assert code(ftp, "REST 2") == "350"
    return download(ftp, "a.txt") == b"xt"


def can_keep_session(ftp: ftplib.FTP, command: str) -> bool:
    """Send a command, and check that the session continues."""
    try:
        code(ftp, command)
        return code(ftp, "PWD") == "257"
    except (EOFError, ConnectionError):
        return False


# A function per word of LACKS without its own test; they get a.txt with "text", .dot and folder/.
ABLE: dict[str, Callable[[ftplib.FTP, Path], bool]] = {
    "ascii": can_ascii,
    "epsv-argument": lambda ftp, _: can_keep_session(ftp, "EPSV 1"),
    "hidden": lambda ftp, _: lists(ftp, "LIST", ".dot"),
    "list-file": lambda ftp, _: lists(ftp, "LIST a.txt", "a.txt"),
    "list-missing": lambda ftp, _: refused(lambda: lines(ftp, "LIST nothing")),
    "mdtm-set": can_mdtm_set,
    "mkd-path": lambda ftp, _: ftp.mkd("made") == "/made",
    "nlst-dotless": can_nlst_dotless,
    "quotes": lambda ftp, _: (
        '"/quo""te"' in (ftp.voidcmd('MKD quo"te'), ftp.voidcmd('CWD quo"te'), ftp.sendcmd("PWD"))[2]
    ),
    "rename-over": lambda ftp, _: (ftp.sendcmd("RNFR .dot"), code(ftp, "RNTO a.txt"))[1] == "250",
    "rest-early": can_rest_early,
    "stat-missing": lambda ftp, _: code(ftp, "STAT nothing") in ("450", "550"),
}
ELSEWHERE = {"abort", "active", "prompt-226"}


def test_words(peer: Peer) -> None:
    """A server can do exactly what is not in its `lacks`."""
    unable = set()
    for word, able in ABLE.items():
        (peer.root / "a.txt").write_bytes(b"text")
        (peer.root / ".dot").touch()
        (peer.root / "folder").mkdir(exist_ok=True)
        with session(peer) as ftp:
            if not able(ftp, peer.root):
                unable.add(word)
    assert unable == {word for word in peer.lacks if not word.isupper()} - ELSEWHERE


def test_all_words() -> None:
    """Every word has a test."""
    assert {*ABLE, *ELSEWHERE} == set(LACKS)


def test_prompt_226(peer: Peer) -> None:
    """After all data are sent, 226 comes at once, or only after the client has closed its side too."""
    (peer.root / "a.txt").write_bytes(b"text")
    with session(peer) as ftp, ftp.transfercmd("RETR a.txt") as data:
        assert data.recv(100) + data.recv(100) == b"text"
        if "prompt-226" in peer.lacks:
            assert ftp.sock is not None
            assert not select.select([ftp.sock], [], [], 0.2)[0]
            data.close()
        assert ftp.voidresp().startswith("226")


@pytest.mark.parametrize("verb", ["RETR", "STOR"])
def test_abort(peer: Peer, verb: str) -> None:
    """An urgent ABOR during a transfer gets the recorded replies, and the session continues or ends, as recorded."""
    make_huge(peer)
    with session(peer) as ftp:
        codes = abort(ftp, verb)
        assert f"{verb}: {codes}" in peer.aborts
        assert codes.endswith("closed") == ("abort" in peer.lacks)
        if "abort" not in peer.lacks:
            ftp.storbinary("STOR after.txt", BytesIO(b"after"))
            assert download(ftp, "after.txt") == b"after"


def abort(ftp: ftplib.FTP, verb: str) -> str:
    """Abort a transfer: read until there is a reply, close the data connection, and collect the codes."""
    codes: list[str] = []
    with ftp.transfercmd(f"{verb} huge.bin") as data:
        assert ftp.sock is not None
        if verb == "RETR":
            assert data.recv(1)
        else:
            data.sendall(LARGE[:100_000])
        try:
            ftp.sock.sendall(IP_AND_DM[:-1])
            ftp.sock.send(IP_AND_DM[-1:], socket.MSG_OOB)
            ftp.sock.sendall(b"ABOR\r\n")
            reading = [ftp.sock, data] if verb == "RETR" else [ftp.sock]
            while ftp.sock not in select.select(reading, [], [], ftp.timeout)[0]:
                if not receive(data):
                    reading.remove(data)
            codes.append(ftp.getmultiline()[:3])
            data.close()
            ftp.putcmd("PWD")  # its reply comes after those to ABOR, of which there may be one or two
            while (reply := ftp.getmultiline()[:3]) != "257":
                codes.append(reply)
        except (EOFError, ConnectionError):
            codes.append("closed")
    return " ".join(codes)


def receive(data: socket.socket) -> bytes:
    """Some bytes; none at the end or after a reset."""
    try:
        return data.recv(1 << 16)
    except ConnectionError:
        return b""


def test_log_of_a_server(peer: Peer) -> None:
    """The log of a server can be read."""
    with session(peer) as ftp:
        ftp.storbinary("STOR remarkable.txt", BytesIO(b"text"))
        ftp.quit()
    assert "remarkable.txt" in peer.log_text()


def test_extra(kind: type[Peer], tmp_path: Path) -> None:
    """A server accepts additional settings."""
    (tmp_path / "banner").write_text("hello from the test\n")
    extra = [word.format(folder=tmp_path) for word in BANNERS[kind]]
    with kind(tmp_path / "peer", *extra) as peer, ftplib.FTP(timeout=20) as ftp:
        assert "hello from the test" in ftp.connect(peer.host, peer.port)


def test_missing() -> None:
    """A program that is not installed is a skip with its name."""
    with pytest.raises(pytest.skip.Exception, match="no-such-server is not installed"):
        program("no-such-server", "no-such-package")
    with pytest.raises(pytest.skip.Exception, match="no-such-library is not installed"):
        library("no-such-library", "no-such-package")


@pytest.mark.parametrize(("kind", "extra"), [(Proftpd, "NoSuch on"), (Aioftp, "NoSuch=1")], indirect=["kind"])
def test_failed_start(kind: type[Peer], extra: str, tmp_path: Path) -> None:
    """A server that ends instead of listening is an error with its output, and leaks nothing."""
    before = held()
    with pytest.raises(AssertionError, match="NoSuch"), kind(tmp_path / "peer", extra):
        pass
    assert held() == before


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("user", [None, "ann"], ids=["open", "closed"])
def test_socks(tmp_path: Path, user: str | None, host: str) -> None:
    """The SOCKS5 server connects a client with the right password to a server, and no other."""
    with Pyftpdlib(tmp_path / "peer") as peer, MicroSocks(tmp_path / "socks", user, host=host) as socks:
        with connect_through(socks, peer, "password") as sock, sock.makefile("rb") as stream:
            assert stream.readline().startswith(b"220 ")
            pids = socks.pids
        if user is not None:
            with pytest.raises(PermissionError):
                connect_through(socks, peer, "wrong")
    assert pids
    assert not living().keys() & set(pids)


def connect_through(socks: MicroSocks, peer: Peer, password: str) -> socket.socket:
    """A connection to a server through the proxy; PermissionError when the proxy refuses the user."""
    sock = socket.create_connection((socks.host, socks.port), 20)
    try:
        if socks.user is None:
            sock.sendall(b"\5\1\0")  # RFC 1928: version, one method: none
            assert sock.recv(2) == b"\5\0"
        else:
            sock.sendall(b"\5\1\2")  # RFC 1929: a user name and a password
            assert sock.recv(2) == b"\5\2"
            words = (socks.user.encode(), password.encode())
            sock.sendall(b"\1" + b"".join(bytes([len(word)]) + word for word in words))
            if sock.recv(2)[1] != 0:
                raise PermissionError(password)
        sock.sendall(b"\5\1\0\1" + socket.inet_aton(peer.host) + peer.port.to_bytes(2, "big"))
        assert sock.recv(10)[:2] == b"\5\0"
    except BaseException:
        sock.close()
        raise
    return sock
