"""Whatever a client asks for, the other sessions have their turn: no turn of the loop takes very long.

The watchdog of all tests fails each of these when a turn takes 50 ms of CPU time; here it is about work that is much
longer than that, and about `stop()`, which waits for none of it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import PurePosixPath

import pytest

from ftpfixture import FtpServer
from ftpfixture.files.memory import MemoryFiles
from ftpfixture.server.patterns import Patterns
from ftpfixture.testing.loopthread import shared_thread
from tests.support.raw import RawClient, read_all

LARGE = 1 << 26
NAMES = 30_000


@pytest.fixture
def tree(ftp_server: FtpServer) -> MemoryFiles:
    """The files of the server; whoever changes much of them does so in pieces, for that is on the loop, too."""
    tree: MemoryFiles = ftp_server.server.path_io_factory.state
    return tree


def fill(make: Callable[[str], None], paths: list[str]) -> None:
    """Make many files or directories."""

    def some(start: int) -> None:
        for path in paths[start : start + 200]:
            make(path)

    for start in range(0, len(paths), 200):
        shared_thread().call(partial(some, start))


def files(tree: MemoryFiles, directory: str, names: int) -> None:
    """Make many empty files."""
    fill(lambda path: tree.write_file(path, b""), [f"{directory}/{number:x}" for number in range(names)])


@pytest.fixture
def other(ftp_server: FtpServer) -> Iterator[RawClient]:
    """Another session."""
    with RawClient(ftp_server.address) as client:
        yield client.login()


def test_long_listings(raw: RawClient, other: RawClient, tree: MemoryFiles) -> None:
    """All names come, and another session has its answers meanwhile."""
    files(tree, "/many", NAMES)
    raw.limit(30)
    for line, lines in (
        ("NLST /many", NAMES),
        ("LIST /many", NAMES),
        ("MLSD /many", NAMES + 2),
        ("NLST /many/*", NAMES),
        ("LIST /many/1?", 16),
    ):
        data = raw.passive()
        assert raw.code(line) == "150"
        assert other.code("NOOP") == "200"
        assert read_all(data).count(b"\r\n") == lines
        assert raw.reply().code == "226"


def test_a_listing_in_a_reply(raw: RawClient, tree: MemoryFiles) -> None:
    """STAT puts all lines into one reply, which is made at once."""
    files(tree, "/many", NAMES // 4)
    assert len(raw.ask("STAT /many").lines) == NAMES // 4 + 2


def test_recursion_goes_round_in_no_circle(raw: RawClient, ftp_server: FtpServer, tree: MemoryFiles) -> None:
    """LIST -R shows links and does not follow them; many directories are many steps."""
    fill(tree.make_directory, [f"/top/{number}/below" for number in range(3000)])
    ftp_server.files.symlink("/top/0/up", "/top")
    codes, octets = raw.fetch("LIST -R /top")
    assert codes == ["150", "226"]
    assert octets.count(b"/below:\r\n") == 3000
    assert octets.count(b"up -> /top\r\n") == 1


@pytest.mark.parametrize("verb", ["HASH", "XCRC", "XMD5", "XSHA1", "XSHA512"])
def test_digests(raw: RawClient, other: RawClient, ftp_server: FtpServer, verb: str) -> None:
    """Digests of large files are computed in pieces."""
    ftp_server.files["/large"] = bytes(LARGE)
    raw.send(f"{verb} /large")
    assert other.code("NOOP") == "200"
    assert raw.reply().code in ("213", "250")


def test_text_of_nothing_but_line_ends(raw: RawClient, ftp_server: FtpServer) -> None:
    """What costs most in TYPE A, both ways."""
    ftp_server.files["/text"] = b"\n" * (LARGE >> 3)
    assert raw.code("TYPE A") == "200"
    codes, octets = raw.fetch("RETR /text")
    assert codes == ["150", "226"]
    assert octets == b"\r\n" * (LARGE >> 3)
    assert raw.store("STOR /back", octets) == ["150", "226"]
    assert ftp_server.files["/back"] == ftp_server.files["/text"]


@pytest.mark.parametrize("kind", ["zeros", "hard"])
def test_deflating(raw: RawClient, ftp_server: FtpServer, kind: str) -> None:
    """At its best level zlib needs seconds for a MiB of some texts, and next to nothing for others."""
    hard = bytes(random.Random(1).choices(b"ab", k=1 << 18))
    ftp_server.files["/file"] = bytes(LARGE) if kind == "zeros" else hard
    assert raw.code("MODE Z") == "200"
    assert raw.code("OPTS MODE Z LEVEL 9") == "200"
    codes, octets = raw.fetch("RETR /file")
    assert codes == ["150", "226"]
    assert raw.store("STOR /back", octets) == ["150", "226"]
    assert ftp_server.files["/back"] == ftp_server.files["/file"]


def test_stou_is_not_quadratic(raw: RawClient, ftp_server: FtpServer, tree: MemoryFiles) -> None:
    """The two thousandth name is found as fast as the tenth."""
    looks: list[object] = []
    layer = type(ftp_server.server.path_io_factory())
    with pytest.MonkeyPatch.context() as patch:
        exists = layer.exists

        async def counting(self: object, path: PurePosixPath) -> bool:
            looks.append(path)
            return await exists(self, path)  # type: ignore[arg-type]

        patch.setattr(layer, "exists", counting)
        fill(lambda path: tree.write_file(path, b""), [f"/x.{number}" for number in range(1, 2000)])
        ftp_server.files["/x"] = b""
        assert raw.store("STOU x", b"new") == ["150", "226"]
    assert ftp_server.files["/x.2000"] == b"new"
    assert len(looks) < 40


@pytest.mark.parametrize("line", ["NLST */*/*/*/*/*/*/*/*", "LIST */*/*/*/*/*/*/*/*"])
def test_patterns_have_an_end(
    ftp_server_factory: Callable[..., FtpServer], line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six links to the root make six directories of each: what cannot be searched is refused, with what would work."""
    monkeypatch.setattr(Patterns, "pattern_limit", 100_000)
    server = ftp_server_factory()
    for number in range(6):
        server.files.symlink(f"/link{number}", "/")
    with RawClient(server.address) as client, RawClient(server.address) as other:
        client.login()
        other.login()
        client.passive()
        client.send(line)
        assert other.code("NOOP") == "200"
        reply = client.reply()
        assert reply.code == "550"
        assert "name more of the path" in reply.text
        codes, octets = client.fetch("NLST */*/*")
        assert codes == ["150", "226"]
        assert octets.count(b"\r\n") == 6**3


def test_flags_have_an_end(raw: RawClient, tree: MemoryFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each word may be a flag or a name: a line full of them is no reason to search a directory as often."""
    monkeypatch.setattr(Patterns, "pattern_limit", 100_000)
    files(tree, "/many", 2000)
    assert raw.code("CWD /many") == "250"
    raw.passive()
    reply = raw.ask("LIST " + "-l* " * 250)
    assert (reply.code, reply.text) == ("550", "The pattern has too much to be compared with: name more of the path")
    reply = raw.ask("LIST " + "-l* " * 2000)
    assert (reply.code, "1024 characters" in reply.text) == ("550", True)


@pytest.mark.parametrize(
    ("line", "prepare"),
    [
        ("NLST */*/*/*/*/*/*", ()),
        ("HASH large", ()),
        ("RETR large", ("MODE Z", "OPTS MODE Z LEVEL 9")),
        ("LIST -R /", ()),
    ],
)
def test_stop_waits_for_none_of_it(
    ftp_server_factory: Callable[..., FtpServer], line: str, prepare: tuple[str, ...]
) -> None:
    """A server is gone within a second, whatever it does at the moment."""
    server = ftp_server_factory()
    server.files["/large"] = bytes(random.Random(1).choices(b"ab", k=1 << 20)) * 200
    for number in range(8):
        server.files.symlink(f"/link{number}", "/")
    with RawClient(server.address) as client:
        client.login()
        for command in prepare:
            assert client.code(command) == "200"
        client.passive()
        client.send(line)
        server.log.wait_for(line.partition(" ")[0])
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 1


def test_pipelined_commands(raw: RawClient, other: RawClient, ftp_server: FtpServer) -> None:
    """A thousand commands at once are some turns, and not one."""
    for number in range(50):
        ftp_server.files[f"/file{number}"] = b""
    raw.send(b"\r\n".join([b"STAT /"] * 500))
    assert other.code("NOOP") == "200"
    assert {raw.reply().code for _ in range(500)} == {"212"}
