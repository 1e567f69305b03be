"""How ftplib handles faults of data connections: the exception, and the bytes that it received.

OK in the table means that ftplib notices nothing: the code under test must detect it.
"""

from __future__ import annotations

import ftplib
import io
import re
import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from ftpfixture import FtpServer, on
from tests.support.endings import is_logged_once
from tests.support.faulty import DATA, last

COUNT = 70_000
OK = type(None)
GARBLED = bytes([DATA[0] ^ 1]) + DATA[1:]
LISTED = b"few/a.txt\nfew/b.txt"
RESET_UNDER_TLS = (
    ConnectionResetError if sys.version_info >= (3, 13) else EOFError
)  # before, ssl reports an end of file


class Row(NamedTuple):
    """A fault, and its effect on a call.

    Attributes:
        fault: The fault as text.
        call: The call of the client.
        error: The exception without TLS; OK for none.
        text: The beginning of its message.
        tls: The exception with TLS. The messages of OpenSSL differ between versions.
        came: The received bytes of a download, the stored bytes of an upload.
    """

    fault: str
    call: str
    error: type[BaseException] | type[None]
    text: str
    tls: type[BaseException] | type[None]
    came: bytes | None


class Upload(io.BytesIO):
    """A file whose next block after `COUNT` bytes is available only when the server has ended the transfer.

    Args:
        server: The server.
    """

    def __init__(self, server: FtpServer) -> None:
        super().__init__(DATA)
        self._server = server

    def read(self, size: int | None = -1) -> bytes:
        """See BytesIO."""
        if self.tell() == COUNT:
            self._server.log.wait_until(lambda: last(self._server).completed is not None, 10)
        elif self.tell() < COUNT:
            size = min(size or 0, COUNT - self.tell())
        return super().read(size)


def retr(ftp: ftplib.FTP, server: FtpServer, got: bytearray) -> None:
    """Download a file."""
    ftp.retrbinary("RETR data.bin", got.extend)


def stor(ftp: ftplib.FTP, server: FtpServer, got: bytearray) -> None:
    """Upload a file whose bytes are all sent when the fault happens."""
    ftp.storbinary("STOR new.bin", io.BytesIO(DATA[:COUNT]))


def more(ftp: ftplib.FTP, server: FtpServer, got: bytearray) -> None:
    """Upload a file that is longer than `COUNT`."""
    ftp.storbinary("STOR new.bin", Upload(server))


def nlst(ftp: ftplib.FTP, server: FtpServer, got: bytearray) -> None:
    """List names."""
    got += "\n".join(ftp.nlst("few")).encode()


CALLS: dict[str, Callable[[ftplib.FTP, FtpServer, bytearray], None]] = {
    "retr": retr,
    "stor": stor,
    "more": more,
    "nlst": nlst,
}

ROWS = [
    # The end. With TLS ftplib takes any end for the end of the file, and fails when it sends close_notify.
    Row("RETR: drop_data after_bytes=70000", "retr", ftplib.error_temp, "426 Data", OSError, DATA[:COUNT]),
    Row("RETR: reset_data after_bytes=70000", "retr", ConnectionResetError, "[Errno 104]", OSError, DATA[:COUNT]),
    Row("RETR: fail 451 after_bytes=70000", "retr", ftplib.error_temp, "451 Transfer", OSError, DATA[:COUNT]),
    Row("RETR: fail 551 after_bytes=70000", "retr", ftplib.error_perm, "551 Transfer", OSError, DATA[:COUNT]),
    Row("RETR: truncate after_bytes=70000", "retr", OK, "", OK, DATA[:COUNT]),
    Row("RETR: pad b'..'", "retr", OK, "", OK, DATA + b".."),
    Row("RETR: garble_data", "retr", OK, "", OK, GARBLED),
    Row("RETR: read_error after_bytes=70000", "retr", ftplib.error_temp, "451 Requested", OSError, DATA[:COUNT]),
    Row("STOR: drop_data after_bytes=70000", "stor", ftplib.error_temp, "426 Data", OSError, DATA[:COUNT]),
    Row("STOR: reset_data after_bytes=70000", "stor", ftplib.error_temp, "426 Data", OSError, DATA[:COUNT]),
    Row("STOR: drop_data after_bytes=70000", "more", ConnectionError, "[Errno", OSError, DATA[:COUNT]),
    Row("STOR: reset_data after_bytes=70000", "more", ConnectionError, "[Errno", OSError, DATA[:COUNT]),
    Row("STOR: truncate after_bytes=70000", "stor", OK, "", OK, DATA[:COUNT]),
    Row("STOR: truncate after_bytes=5", "stor", OK, "", OK, DATA[:5]),
    Row("STOR: garble_data", "stor", OK, "", OK, GARBLED[:COUNT]),
    Row(
        "STOR: quota_exceeded after_bytes=69999", "stor", ftplib.error_perm, "552 Exceeded", OSError, DATA[: COUNT - 1]
    ),
    Row("STOR: disk_full after_bytes=69999", "stor", ftplib.error_temp, "452", OSError, DATA[: COUNT - 1]),
    Row("STOR: write_error after_bytes=69999 keep=false", "stor", ftplib.error_temp, "451", OSError, None),
    Row("NLST: drop_data after_bytes=5", "nlst", ftplib.error_temp, "426 Data", OSError, b""),
    Row("NLST: reset_data after_bytes=5", "nlst", ConnectionResetError, "[Errno 104]", OSError, b""),
    Row("NLST: truncate after_bytes=5", "nlst", OK, "", OK, b"few/a"),
    Row("NLST: pad b'?\\r\\n'", "nlst", OK, "", OK, LISTED + b"\n?"),
    # Speed and pieces: nothing changes for ftplib.
    Row("RETR: slice_data 1000", "retr", OK, "", OK, DATA),
    Row("NLST: slice_data 1", "nlst", OK, "", OK, LISTED),
    # No data connection. ftplib does not try another way.
    Row("PASV: refuse_data", "retr", ConnectionRefusedError, "[Errno 111]", ConnectionRefusedError, b""),
    Row("PASV: refuse_data", "stor", ConnectionRefusedError, "[Errno 111]", ConnectionRefusedError, None),
    # The control connection.
    Row("RETR: close after_bytes=70000", "retr", EOFError, "", EOFError, DATA),
    Row("RETR: reset after_bytes=70000", "retr", ConnectionResetError, "[Errno 104]", RESET_UNDER_TLS, DATA),
    Row("RETR: half_close after_bytes=70000", "retr", EOFError, "", EOFError, DATA),
    Row("STOR: close after_bytes=70000", "stor", EOFError, "", EOFError, DATA[:COUNT]),
    Row("STOR: reset after_bytes=70000", "stor", ConnectionResetError, "[Errno 104]", RESET_UNDER_TLS, DATA[:COUNT]),
]

SILENT = [
    Row("RETR: stall_data after_bytes=70000", "retr", TimeoutError, "timed out", TimeoutError, DATA[:COUNT]),
    Row("STOR: stall_data after_bytes=5", "stor", TimeoutError, "timed out", TimeoutError, DATA[:5]),
    Row("RETR: half_close_data after_bytes=70000", "retr", TimeoutError, "timed out", OSError, DATA[:COUNT]),
    Row("PASV: ignore_data", "retr", TimeoutError, "timed out", TimeoutError, b""),
    Row("PASV: unreachable_data", "retr", TimeoutError, "timed out", TimeoutError, b""),
]
"""The server sends nothing; without a timeout ftplib waits for ever."""

HANDSHAKES = [
    Row("RETR: refuse_handshake", "retr", OK, "", OSError, b""),
    Row("RETR: cut_handshake", "retr", OK, "", OSError, b""),
    Row("STOR: refuse_handshake", "stor", OK, "", OSError, b""),
    Row("STOR: cut_handshake", "stor", OK, "", OSError, b""),
    Row("RETR: no_close_notify", "retr", OK, "", OSError, DATA),
    Row("STOR: no_close_notify", "stor", OK, "", OSError, DATA[:COUNT]),
]

pytestmark = pytest.mark.ftp(wait_future_timeout=10)


@pytest.fixture
def clients() -> Iterator[list[ftplib.FTP]]:
    """Clients that are closed after the test."""
    made: list[ftplib.FTP] = []
    yield made
    for ftp in made:
        ftp.close()


def enter(server: FtpServer, clients: list[ftplib.FTP], *, tls: bool, timeout: float) -> ftplib.FTP:
    """Return a client that is logged in."""
    ftp: ftplib.FTP = ftplib.FTP_TLS(timeout=timeout, context=server.tls.client_context()) if tls else ftplib.FTP()
    clients.append(ftp)
    ftp.connect("localhost", server.port, timeout)
    ftp.login(*server.credentials)
    if isinstance(ftp, ftplib.FTP_TLS):
        ftp.prot_p()
    return ftp


def run(server: FtpServer, clients: list[ftplib.FTP], row: Row, *, tls: bool, timeout: float) -> None:
    """Perform a row, and check its result; then a new client works."""
    server.faults.add(row.fault)
    ftp = enter(server, clients, tls=tls, timeout=timeout)
    got = bytearray()
    error, text = (row.tls, "") if tls else (row.error, row.text)

    if issubclass(error, Exception):
        with pytest.raises(error, match=re.escape(text) or None):
            CALLS[row.call](ftp, server, got)
    else:
        CALLS[row.call](ftp, server, got)

    assert is_logged_once(server)
    ftp.close()
    if row.call in ("retr", "nlst"):
        assert bytes(got) == row.came
    else:
        assert server.log.wait_until(lambda: all(one.completed is not None for one in server.log.transfers), 10)
        assert server.files.get("/new.bin") == row.came
    server.faults.clear()
    again = bytearray()
    retr(enter(server, clients, tls=tls, timeout=10), server, again)
    assert bytes(again) == DATA


def name(row: Row) -> str:
    """The id of a row."""
    return f"{row.call} of {row.fault}"


@pytest.mark.each_once
@pytest.mark.parametrize("tls", [False, True], ids=["clear", "TLS"])
@pytest.mark.parametrize("row", ROWS, ids=name)
def test_faults(ftp_server: FtpServer, clients: list[ftplib.FTP], row: Row, tls: bool) -> None:
    """The exception and its message, and the bytes."""
    run(ftp_server, clients, row, tls=tls, timeout=10)


@pytest.mark.each_once
@pytest.mark.parametrize("tls", [False, True], ids=["clear", "TLS"])
@pytest.mark.parametrize("row", SILENT, ids=name)
def test_stalls(ftp_server: FtpServer, clients: list[ftplib.FTP], row: Row, tls: bool) -> None:
    """Only its timeout ends the wait."""
    run(ftp_server, clients, row, tls=tls, timeout=1)


@pytest.mark.parametrize("row", HANDSHAKES, ids=name)
def test_faults_of_tls(ftp_server: FtpServer, clients: list[ftplib.FTP], row: Row) -> None:
    """It does the TLS handshake after the 150, and needs close_notify in both directions."""
    run(ftp_server, clients, row, tls=True, timeout=10)


def test_a_handshake_that_is_never_answered(ftp_server: FtpServer, clients: list[ftplib.FTP]) -> None:
    """Only its timeout ends the wait."""
    row = Row("RETR: stall_handshake", "retr", OK, "", TimeoutError, b"")
    run(ftp_server, clients, row, tls=True, timeout=1)


@pytest.mark.parametrize("word", ["drop_data", "reset_data"])
def test_a_download_resumes(ftp_server: FtpServer, clients: list[ftplib.FTP], word: str) -> None:
    """With `rest` the second attempt downloads the remaining bytes, and together they are the file."""
    ftp_server.faults.add(getattr(on("RETR"), word)(after_bytes=COUNT).times(1))
    got = bytearray()
    with pytest.raises((ftplib.error_temp, ConnectionResetError)):
        retr(enter(ftp_server, clients, tls=False, timeout=10), ftp_server, got)

    enter(ftp_server, clients, tls=False, timeout=10).retrbinary("RETR data.bin", got.extend, rest=len(got))

    assert bytes(got) == DATA
    assert [record.offset for record in ftp_server.log.transfers] == [0, COUNT]
