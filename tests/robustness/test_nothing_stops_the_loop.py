"""No command of a client blocks the loop for long, so that the other sessions continue.

The watchdog of all tests fails each of these tests when an iteration of the loop takes 50 ms of CPU time. These tests
make much longer work, and call `stop()`, which waits for none of it.
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
    """Return the files of the server; tests change many of them in pieces, because that runs on the loop, too."""
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
    """A listing has all names, and another session gets its replies meanwhile."""
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
    """STAT sends all lines in one reply."""
    files(tree, "/many", NAMES // 4)
    assert len(raw.ask("STAT /many").lines) == NAMES // 4 + 2


def test_recursive_listings_do_not_follow_links(raw: RawClient, ftp_server: FtpServer, tree: MemoryFiles) -> None:
    """LIST -R shows links and does not follow them, and yields to the loop between directories."""
    fill(tree.make_directory, [f"/top/{number}/below" for number in range(3000)])
    ftp_server.files.symlink("/top/0/up", "/top")
    codes, data = raw.fetch("LIST -R /top")
    assert codes == ["150", "226"]
    assert data.count(b"/below:\r\n") == 3000
    assert data.count(b"up -> /top\r\n") == 1


@pytest.mark.parametrize("verb", ["HASH", "XCRC", "XMD5", "XSHA1", "XSHA512"])
def test_digests(raw: RawClient, other: RawClient, ftp_server: FtpServer, verb: str) -> None:
    """Digests of large files are computed in pieces, and another session gets its replies meanwhile."""
    ftp_server.files["/large"] = bytes(LARGE)
    raw.send(f"{verb} /large")
    assert other.code("NOOP") == "200"
    assert raw.reply().code in ("213", "250")


def test_text_of_nothing_but_line_ends(raw: RawClient, ftp_server: FtpServer) -> None:
    """A text of line ends only, the slowest case of TYPE A, is transferred in both directions."""
    ftp_server.files["/text"] = b"\n" * (LARGE >> 3)
    assert raw.code("TYPE A") == "200"
    codes, data = raw.fetch("RETR /text")
    assert codes == ["150", "226"]
    assert data == b"\r\n" * (LARGE >> 3)
    assert raw.store("STOR /back", data) == ["150", "226"]
    assert ftp_server.files["/back"] == ftp_server.files["/text"]


@pytest.mark.parametrize("kind", ["zeros", "hard"])
def test_deflating(raw: RawClient, ftp_server: FtpServer, kind: str) -> None:
    """MODE Z at level 9 yields to the loop, for data that zlib needs seconds per MiB for, and for zeros."""
    hard = bytes(random.Random(1).choices(b"ab", k=1 << 18))
    ftp_server.files["/file"] = bytes(LARGE) if kind == "zeros" else hard
    assert raw.code("MODE Z") == "200"
    assert raw.code("OPTS MODE Z LEVEL 9") == "200"
    codes, data = raw.fetch("RETR /file")
    assert codes == ["150", "226"]
    assert raw.store("STOR /back", data) == ["150", "226"]
    assert ftp_server.files["/back"] == ftp_server.files["/file"]


def test_stou_is_not_quadratic(raw: RawClient, ftp_server: FtpServer, tree: MemoryFiles) -> None:
    """STOU finds a free name after 2000 existing ones with fewer than 40 checks."""
    checked: list[object] = []
    layer = type(ftp_server.server.path_io_factory())
    with pytest.MonkeyPatch.context() as patch:
        exists = layer.exists

        async def counting(self: object, path: PurePosixPath) -> bool:
            checked.append(path)
            return await exists(self, path)  # type: ignore[arg-type]

        patch.setattr(layer, "exists", counting)
        fill(lambda path: tree.write_file(path, b""), [f"/x.{number}" for number in range(1, 2000)])
        ftp_server.files["/x"] = b""
        assert raw.store("STOU x", b"new") == ["150", "226"]
    assert ftp_server.files["/x.2000"] == b"new"
    assert len(checked) < 40


@pytest.mark.parametrize("line", ["NLST */*/*/*/*/*/*/*/*", "LIST */*/*/*/*/*/*/*/*"])
def test_patterns_have_a_limit(
    ftp_server_factory: Callable[..., FtpServer], line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pattern with too many matches through links gets 550, with what works instead."""
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
        codes, data = client.fetch("NLST */*/*")
        assert codes == ["150", "226"]
        assert data.count(b"\r\n") == 6**3


def test_flags_have_a_limit(raw: RawClient, tree: MemoryFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each word may be a flag or a name: a line of many words gets 550 and does not search the directory for each."""
    monkeypatch.setattr(Patterns, "pattern_limit", 100_000)
    files(tree, "/many", 2000)
    assert raw.code("CWD /many") == "250"
    raw.passive()
    reply = raw.ask("LIST " + "-l* " * 250)
    assert (reply.code, reply.text) == ("550", "The pattern has too many names to compare with: name more of the path")
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
    """`stop` takes less than a second during long work."""
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
    """The server handles 500 pipelined commands in several iterations of the loop."""
    for number in range(50):
        ftp_server.files[f"/file{number}"] = b""
    raw.send(b"\r\n".join([b"STAT /"] * 500))
    assert other.code("NOOP") == "200"
    assert {raw.reply().code for _ in range(500)} == {"212"}
