"""Disks that fail: the reply, the bytes received before, and what is stored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ftpfixture import Connection, ConnectionConditions, Fault, FtpServer, Server, User, on
from ftpfixture.files.disk import PathIO
from tests.support.endings import each_kind, is_logged_once
from tests.support.faulty import DATA, LINES, begin, enter, goes_on, last
from tests.support.ftps import FtpsClient

LIMITS = (0, 1, 1023, (1 << 20) + 1)


@each_kind
@pytest.mark.parametrize("count", [*LIMITS, len(DATA)])
def test_a_file_that_cannot_be_read_to_its_end(
    ftp_server: FtpServer, client: FtpsClient, kind: str, count: int
) -> None:
    """The client receives N bytes, then FIN without close_notify, and 451."""
    ftp_server.faults.add(on("RETR").read_error(after_bytes=count).times(1))

    came = begin(client, "RETR data.bin").rest()

    assert came == (DATA[:count], "FIN")
    assert is_logged_once(ftp_server)
    assert client.reply().code == "451"
    assert (last(ftp_server).completed, last(ftp_server).size) == (False, count)
    assert "Input/output error" in last(ftp_server).error
    assert goes_on(client, ftp_server)


def test_bytes_count_from_the_restart_point(ftp_server: FtpServer, client: FtpsClient) -> None:
    """After REST the first byte that is read counts; in TYPE A stored bytes count."""
    ftp_server.faults.add(on("RETR").read_error(after_bytes=10))
    assert client.code("REST 100") == "350"
    assert begin(client, "RETR data.bin").rest().content == DATA[100:110]
    assert client.reply().code == "451"

    assert client.code("TYPE A") == "200"
    assert begin(client, "RETR lines.txt").rest().content == b"line 0\r\nlin"
    assert client.reply().code == "451"


def test_a_shorter_file_is_complete(ftp_server: FtpServer, client: FtpsClient) -> None:
    """A shorter file never reaches the failure."""
    armed = ftp_server.faults.add(on("RETR").read_error(after_bytes=len(DATA) + 1).optional())

    assert client.fetch("RETR data.bin") == (["150", "226"], DATA)
    assert armed.fired == 0


WRITING: list[tuple[Callable[..., Fault], dict[str, bool], str]] = [
    (Fault.quota_exceeded, {}, "552"),
    (Fault.disk_full, {}, "452"),
    (Fault.write_error, {}, "451"),
]
each_failure = pytest.mark.parametrize(("word", "values", "code"), WRITING, ids=["quota", "disk full", "broken"])
each_keep = pytest.mark.parametrize("keep", [True, False], ids=["kept", "not kept"])


@each_kind
@each_keep
@each_failure
@pytest.mark.parametrize("count", LIMITS)
def test_an_upload_that_does_not_fit(
    ftp_server: FtpServer,
    client: FtpsClient,
    kind: str,
    word: Callable[..., Fault],
    values: dict[str, bool],
    code: str,
    keep: bool,
    count: int,
) -> None:
    """N bytes are stored, and writing the next one fails; the stored bytes stay, or are removed."""
    ftp_server.faults.add(word(on("STOR"), after_bytes=count, keep=keep, **values).times(1))
    line = begin(client, "STOR new.bin")

    line.send(DATA[: count + 1])

    assert line.rest().content == b""
    assert is_logged_once(ftp_server)
    assert client.reply().code == code
    assert ftp_server.files.get("/new.bin") == (DATA[:count] if keep else None)
    assert (last(ftp_server).completed, last(ftp_server).size) == (False, count + 1)
    assert goes_on(client, ftp_server)


@each_failure
def test_an_upload_that_just_fits(
    ftp_server: FtpServer, client: FtpsClient, word: Callable[..., Fault], values: dict[str, bool], code: str
) -> None:
    """N bytes fit on a disk with room for N bytes."""
    armed = ftp_server.faults.add(word(on("STOR"), after_bytes=len(DATA), **values).optional())

    assert client.store("STOR new.bin", DATA) == ["150", "226"]
    assert (armed.fired, ftp_server.files["/new.bin"]) == (0, DATA)


@each_keep
@each_failure
@pytest.mark.parametrize(
    ("rest", "line", "kept", "lost"),
    [
        (None, "STOR old.bin", b"abc", None),
        (None, "APPE old.bin", b"0123456789abc", b"0123456789"),
        (None, "APPE new.bin", b"abc", None),
        ("REST 8", "STOR old.bin", b"01234567abc", b"0123456789"),
        ("REST 2", "STOR old.bin", b"01abc56789", b"0123456789"),
        ("REST 8", "APPE old.bin", b"01234567abc", b"0123456789"),
        (None, "STOU in/new", b"abc", None),
    ],
    ids=str,
)
def test_all_commands(
    ftp_server: FtpServer,
    client: FtpsClient,
    word: Callable[..., Fault],
    values: dict[str, bool],
    code: str,
    keep: bool,
    rest: str | None,
    line: str,
    kept: bytes,
    lost: bytes | None,
) -> None:
    """Only uploaded bytes count; if they are removed, the earlier content is restored."""
    verb, _, path = line.partition(" ")
    ftp_server.files["/old.bin"] = b"0123456789"
    ftp_server.faults.add(word(on(verb), after_bytes=3, keep=keep, **values).times(1))
    if rest is not None:
        assert client.code(rest) == "350"

    assert client.store(line, b"abcdefgh") == ["150", code]

    assert ftp_server.files.get(f"/{path}") == (kept if keep else lost)
    assert goes_on(client, ftp_server)


def test_stored_bytes_count(ftp_server: FtpServer, client: FtpsClient) -> None:
    """In TYPE A a line end takes one byte on the disk."""
    ftp_server.faults.add(on("STOR").quota_exceeded(after_bytes=8))
    assert client.code("TYPE A") == "200"

    assert client.store("STOR new.txt", LINES.replace(b"\n", b"\r\n")[:1000]) == ["150", "552"]

    assert ftp_server.files["/new.txt"] == b"line 0\nl"


def test_a_part_that_was_removed(ftp_server: FtpServer, client: FtpsClient) -> None:
    """The part that the server should remove may be gone already; the reply is the same."""
    ftp_server.faults.add(on("STOR").quota_exceeded(after_bytes=3, keep=False))
    line = begin(client, "STOR new.bin")
    line.send(b"abc")
    ftp_server.log.wait_until(lambda: last(ftp_server).size == 3, 10)
    del ftp_server.files["/new.bin"]

    line.send(b"d")

    assert client.reply().code == "552"


def test_a_real_disk(ftp_server_factory: Callable[..., FtpServer], tmp_path: Path) -> None:
    """Files of another path layer fail in the same way."""
    (tmp_path / "data.bin").write_bytes(DATA)
    (tmp_path / "old.bin").write_bytes(b"0123456789")
    server = ftp_server_factory(
        path_io_factory=PathIO, users=[User("user", "password", base_path=tmp_path)], files=None
    )
    server.faults.add(on("RETR").read_error(after_bytes=70_000))
    server.faults.add(on("STOR").quota_exceeded(after_bytes=3))
    server.faults.add(on("APPE").write_error(after_bytes=3, keep=False))

    with enter(server) as client:
        assert begin(client, "RETR data.bin").rest() == (DATA[:70_000], "FIN")
        assert client.reply().code == "451"
        assert client.store("STOR new.bin", b"abcdefgh") == ["150", "552"]
        assert client.store("APPE old.bin", b"abcdefgh") == ["150", "451"]

    assert (tmp_path / "new.bin").read_bytes() == b"abc"
    assert (tmp_path / "old.bin").read_bytes() == b"0123456789"


class Digest(Server):
    """Has a command that reads a whole file at once."""

    @ConnectionConditions(ConnectionConditions.login_required)
    async def sumx(self, connection: Connection, rest: str) -> bool:
        """SUMX <SP> pathname: the number of bytes that can be read."""
        path, _ = self.get_paths(connection, rest)
        async with connection.path_io.open(path) as file:
            connection.response("213", str(len(await file.read())))
        return True


@pytest.mark.ftp(server_class=Digest)
@pytest.mark.parametrize(
    ("after", "code"), [(0, "451"), (1, "451"), (len(DATA), "451"), (len(DATA) + 1, "213")], ids=str
)
def test_a_handler_that_reads_everything_gets_all_or_nothing(
    ftp_server: FtpServer, client: FtpsClient, after: int, code: str
) -> None:
    """A handler that reads a whole file at once gets the same error, and no part of the file."""
    ftp_server.faults.add(on("SUMX").read_error(after_bytes=after).optional())

    assert client.code("SUMX data.bin") == code


@pytest.mark.ftp(server_class=Digest)
def test_a_handler_that_reads_everything_after_the_fault(ftp_server: FtpServer, client: FtpsClient) -> None:
    """After a fault with `times(1)` the next handler reads the whole file."""
    ftp_server.faults.add(on("SUMX|RETR").read_error(after_bytes=5).times(1))

    assert [client.code("SUMX data.bin"), client.ask("SUMX data.bin").text] == ["451", str(len(DATA))]
