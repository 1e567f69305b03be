"""How fsspec handles faults of data connections; it uses ftplib, and adds its own reading."""

from __future__ import annotations

import contextlib
import ftplib
import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fsspec.implementations.ftp import FTPFileSystem

from ftpfixture import FtpServer
from tests.support.endings import is_logged_once
from tests.support.faulty import DATA

COUNT = 70_000


@pytest.fixture
def open_fs(ftp_server: FtpServer) -> Iterator[Callable[[float], Any]]:
    """Makes file systems on this test's server, with a timeout."""
    with contextlib.ExitStack() as made:

        def open_one(timeout: float) -> Any:
            user, password = ftp_server.credentials
            fs = FTPFileSystem(
                ftp_server.host,
                ftp_server.port,
                user,
                password,
                timeout=timeout,
                skip_instance_cache=True,
                use_listings_cache=False,
            )
            made.callback(fs.ftp.close)
            return fs

        yield open_one


READING: list[tuple[str, type[Exception] | bytes, type[Exception] | bytes]] = [
    ("RETR: drop_data after_bytes=70000", FileNotFoundError, ftplib.error_temp),
    ("RETR: fail 451 after_bytes=70000", FileNotFoundError, ftplib.error_temp),
    ("RETR: read_error after_bytes=70000", FileNotFoundError, ftplib.error_temp),
    ("RETR: reset_data after_bytes=70000", ConnectionResetError, ConnectionResetError),
    ("RETR: truncate after_bytes=70000", DATA[:COUNT], DATA[:COUNT]),
    ("RETR: garble_data mask=255", bytes([DATA[0] ^ 255]) + DATA[1:], bytes([DATA[0] ^ 255]) + DATA[1:]),
    ("RETR: slice_data 5000", DATA, DATA),
    ("RETR: close after_bytes=70000", EOFError, EOFError),
]


@pytest.mark.parametrize(("fault", "cat", "get"), READING, ids=[row[0] for row in READING])
def test_reading(
    ftp_server: FtpServer,
    open_fs: Callable[[float], Any],
    fault: str,
    cat: type[Exception] | bytes,
    get: type[Exception] | bytes,
) -> None:
    """`cat` takes every 4xx or 5xx for a missing file, `get` raises the reply; neither notices lost bytes."""
    ftp_server.faults.add(fault)

    assert outcome(lambda: open_fs(10).cat("/data.bin")) == cat
    ftp_server.faults.clear()
    ftp_server.faults.add(fault)
    assert outcome(lambda: read_file(open_fs(10))) == get

    ftp_server.faults.clear()
    assert open_fs(10).cat("/data.bin") == DATA


def read_file(fs: Any) -> bytes:
    """Download into an open file: fsspec closes its own file only after success."""
    file = io.BytesIO()
    fs.get_file("/data.bin", file)
    return file.getvalue()


def outcome(call: Callable[[], bytes]) -> type[Exception] | bytes:
    """The result of a call, or the type of its exception."""
    try:
        return call()
    except Exception as error:
        return type(error)


@pytest.mark.parametrize(
    ("fault", "error", "stored"),
    [
        ("STOR: drop_data after_bytes=70000", ftplib.error_temp, COUNT),
        ("STOR: quota_exceeded after_bytes=69999", ftplib.error_perm, COUNT - 1),
        ("STOR: fail 552 after_bytes=70000", ftplib.error_perm, COUNT),
        ("STOR: write_error after_bytes=69999 keep=false", ftplib.error_temp, None),
    ],
)
def test_writing(
    ftp_server: FtpServer,
    open_fs: Callable[[float], Any],
    fault: str,
    error: type[Exception],
    stored: int | None,
) -> None:
    """The reply of the server is raised, and the stored part stays."""
    ftp_server.faults.add(f"{fault.replace(':', ' times=1:', 1)}")
    fs = open_fs(10)

    with fs.open("/new.bin", "wb", block_size=1 << 20) as file:
        file.write(DATA[:COUNT])
        with pytest.raises(error):
            file.flush(force=True)
        file.buffer = None  # otherwise closing would send it again
        file.closed = True

    assert is_logged_once(ftp_server)
    assert ftp_server.files.get("/new.bin") == (None if stored is None else DATA[:stored])


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("MLSD: drop_data after_bytes=5", FileNotFoundError),
        ("MLSD: truncate after_bytes=5", [""]),
        ("MLSD: truncate", []),
        ("MLSD: reset_data after_bytes=5", ConnectionResetError),
        ("PASSIVE: refuse_data", ConnectionRefusedError),
    ],
)
def test_listing(ftp_server: FtpServer, open_fs: Callable[[float], Any], fault: str, expected: Any) -> None:
    """The received part of an interrupted listing is accepted, unless the reply reports the failure."""
    ftp_server.faults.add(fault)

    assert outcome(lambda: open_fs(10).ls("/few", detail=False)) == expected
    assert is_logged_once(ftp_server) or len(ftp_server.faults.fired) > 1

    ftp_server.faults.clear()
    assert open_fs(10).ls("/few", detail=False) == ["a.txt", "b.txt"]


@pytest.mark.parametrize(
    "fault", ["RETR: stall_data after_bytes=70000", "PASSIVE: ignore_data", "PASSIVE: unreachable_data"]
)
def test_silence(ftp_server: FtpServer, open_fs: Callable[[float], Any], fault: str) -> None:
    """Only its timeout ends the wait."""
    ftp_server.faults.add(fault)

    with pytest.raises(TimeoutError):
        open_fs(1).cat("/data.bin")
    assert ftp_server.faults.fired
