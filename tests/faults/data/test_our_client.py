"""How our client handles faults of data connections.

It raises the reply of the server, detects lost bytes if it is asked to verify, resumes where it was interrupted, and
never hangs if it has timeouts.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from ftpfixture import Client, FtpFixtureError, FtpServer, IntegrityError, Retry, StatusCodeError, TlsError
from ftpfixture.faults.moments import PHASES
from tests.support.endings import is_logged_once
from tests.support.faulty import DATA

COUNT = 70_000
ABORTED = "Waiting for 2xx but got 426"


class Row(NamedTuple):
    """A fault, and its effect on a call.

    Attributes:
        fault: The fault as text.
        call: The call of the client.
        error: The exception; None for none.
        text: The beginning of its message.
        came: The local content after a download, the stored content after an upload; None for nothing.
        goes_on: Whether the client can be used afterwards.
    """

    fault: str
    call: str
    error: type[Exception] | None
    text: str
    came: bytes | None
    goes_on: bool = True


async def download(client: Client, here: Path) -> None:
    """Download a file."""
    await client.download("/data.bin", here / "got.bin", write_into=True)


async def verified(client: Client, here: Path) -> None:
    """Download and verify a file."""
    await client.download("/data.bin", here / "got.bin", write_into=True, verify=True)


async def upload(client: Client, here: Path) -> None:
    """Upload a file that is longer than what is received."""
    (here / "new.bin").write_bytes(DATA)
    await client.upload(here / "new.bin", "/new.bin", write_into=True)


async def exact(client: Client, here: Path) -> None:
    """Upload a file whose bytes are all sent when the fault happens."""
    (here / "new.bin").write_bytes(DATA[:COUNT])
    await client.upload(here / "new.bin", "/new.bin", write_into=True)


async def verified_upload(client: Client, here: Path) -> None:
    """Upload and verify a file."""
    (here / "new.bin").write_bytes(DATA)
    await client.upload(here / "new.bin", "/new.bin", write_into=True, verify=True)


async def listing(client: Client, here: Path) -> None:
    """List a directory."""
    (here / "got.bin").write_text(" ".join(str(path) for path, _ in await client.list("/few")))


CALLS: dict[str, Callable[[Client, Path], Awaitable[None]]] = {
    "download": download,
    "verified": verified,
    "upload": upload,
    "exact": exact,
    "verified upload": verified_upload,
    "listing": listing,
}

CUT = [
    *(
        Row(f"{verb}: {word} after_bytes={COUNT}", call, StatusCodeError, text, DATA[:COUNT])
        for word, text in (
            ("drop_data", ABORTED),
            ("reset_data", ABORTED),
            ("fail 451", "Waiting for 2xx but got 451"),
            ("fail 551 'Too old'", "Waiting for 2xx but got 551 [' Too old']"),
        )
        for verb, call in (("RETR", "download"), ("STOR", "upload"), ("STOR", "exact"))
    ),
    *(
        Row(f"MLSD: {word} after_bytes=50", "listing", StatusCodeError, text, None)
        for word, text in (("drop_data", ABORTED), ("reset_data", ABORTED))
    ),
    Row(
        f"RETR: read_error after_bytes={COUNT}",
        "download",
        StatusCodeError,
        "Waiting for 2xx but got 451",
        DATA[:COUNT],
    ),
    Row(
        f"STOR: quota_exceeded after_bytes={COUNT}",
        "upload",
        StatusCodeError,
        "Waiting for 2xx but got 552",
        DATA[:COUNT],
    ),
    Row("STOR: write_error keep=false", "upload", StatusCodeError, "Waiting for 2xx but got 451", None),
]
"""Failures that the server reports; the client may see them on the data connection first."""

LOST = [
    Row(f"RETR: truncate after_bytes={COUNT}", "download", None, "", DATA[:COUNT]),
    Row(f"RETR: truncate after_bytes={COUNT}", "verified", IntegrityError, "/data.bin on the server and", DATA[:COUNT]),
    Row("RETR: pad b'.'", "verified", IntegrityError, "/data.bin on the server and", DATA + b"."),
    Row("RETR: garble_data", "verified", IntegrityError, "/data.bin", bytes([DATA[0] ^ 1]) + DATA[1:]),
    Row(f"STOR: truncate after_bytes={COUNT}", "upload", None, "", DATA[:COUNT]),
    Row(
        f"STOR: truncate after_bytes={COUNT}", "verified upload", IntegrityError, "/new.bin on the server", DATA[:COUNT]
    ),
    Row("STOR: garble_data", "verified upload", IntegrityError, "/new.bin", bytes([DATA[0] ^ 1]) + DATA[1:]),
]
"""Failures that only a client which verifies detects."""

SLOW = [
    Row("RETR: slice_data 1000", "verified", None, "", DATA),
    Row("MLSD: slice_data 1", "listing", None, "", b"/few/a.txt /few/b.txt"),
    # The second way to a data connection works.
    Row("EPSV: refuse_data", "verified", None, "", DATA),
    Row("EPSV: refuse_data", "verified upload", None, "", DATA),
]
"""Harmless faults."""

CONTROL = [
    Row(f"{verb}: {word} after_bytes={COUNT}", call, ConnectionError, "", DATA[:count], goes_on=False)
    for word in ("close", "reset", "half_close")
    for verb, call, count in (("RETR", "download", len(DATA)), ("STOR", "exact", COUNT))
]
"""The data are complete, but there is no reply."""

SILENT = [
    Row(f"RETR: stall_data after_bytes={COUNT}", "download", TimeoutError, "", DATA[:COUNT], goes_on=False),
    Row(f"STOR: stall_data after_bytes={COUNT}", "upload", TimeoutError, "", DATA[:COUNT], goes_on=False),
    Row(f"STOR: stall_data after_bytes={COUNT}", "exact", TimeoutError, "", DATA[:COUNT], goes_on=False),
    Row("MLSD: stall_data after_bytes=50", "listing", TimeoutError, "", None, goes_on=False),
    Row("PASSIVE: ignore_data", "download", TimeoutError, "", None, goes_on=False),
    Row(f"RETR: half_close_data after_bytes={COUNT}", "download", OSError, "", DATA[:COUNT], goes_on=False),
    Row("EPSV: unreachable_data", "verified", None, "", DATA),
]
"""Its timeouts end the wait."""

TLS = [
    Row("EPSV: refuse_handshake", "download", TlsError, "no TLS on the data connection to localhost:", None),
    Row("RETR: refuse_handshake", "download", TlsError, "no TLS on the data connection to localhost:", None),
    Row("RETR: cut_handshake", "download", TlsError, "no TLS on the data connection to localhost:", None),
    Row("STOR: refuse_handshake", "upload", TlsError, "no TLS on the data connection to localhost:", b""),
    Row("STOR: cut_handshake", "upload", TlsError, "no TLS on the data connection to localhost:", b""),
    Row("RETR: no_close_notify", "download", ConnectionResetError, "closed without close_notify", DATA),
    Row("STOR: no_close_notify", "verified upload", None, "", DATA),
]
"""Bytes without TLS do not count, and data without an end may be incomplete."""


@contextlib.asynccontextmanager
async def connected(server: FtpServer, *, tls: bool, limit: float) -> AsyncIterator[Client]:
    """A client that is logged in."""
    client = Client(socket_timeout=limit, connection_timeout=limit)
    try:
        await client.connect("localhost", server.port)
        if tls:
            await client.upgrade_to_tls(server.tls.client_context())
        await client.login(*server.credentials)
        yield client
    finally:
        client.close()


async def run(server: FtpServer, row: Row, here: Path, *, tls: bool, limit: float = 10) -> None:
    """Perform a row, and check its result; then the same client or a new one works."""
    server.faults.add(f"{row.fault.replace(':', ' times=1:', 1)}")
    async with connected(server, tls=tls, limit=limit) as client:
        if row.error is None:
            await CALLS[row.call](client, here)
        else:
            with pytest.raises(row.error) as caught:
                await CALLS[row.call](client, here)
            assert str(caught.value).startswith(row.text)
        assert is_logged_once(server)
        if row.goes_on:
            assert await client.is_file("/data.bin")
    ended = server.log.wait_until_async(lambda: all(one.completed is not None for one in server.log.transfers), 10)
    assert await ended
    if row.call in ("download", "verified", "listing"):
        got = here / "got.bin"
        assert (got.read_bytes() if got.exists() else None) == row.came
    else:
        assert server.files.get("/new.bin") == row.came
    async with connected(server, tls=tls, limit=10) as client:
        await verified(client, here)
        await verified_upload(client, here)


def name(row: Row) -> str:
    """The id of a row."""
    return f"{row.call}, {row.fault}"


both = pytest.mark.parametrize("tls", [False, True], ids=["clear", "TLS"])


@pytest.mark.each_once
@both
@pytest.mark.parametrize("row", [*CUT, *LOST, *SLOW, *CONTROL], ids=name)
async def test_faults(ftp_server: FtpServer, tmp_path: Path, row: Row, tls: bool) -> None:
    """The exception and its message, the bytes, and whether the client can be used afterwards."""
    await run(ftp_server, row, tmp_path, tls=tls)


@pytest.mark.each_once
@both
@pytest.mark.parametrize("row", SILENT, ids=name)
async def test_stalls(ftp_server: FtpServer, tmp_path: Path, row: Row, tls: bool) -> None:
    """The same checks when the server sends nothing."""
    await run(ftp_server, row, tmp_path, tls=tls, limit=1)


@pytest.mark.parametrize("row", TLS, ids=name)
async def test_faults_of_tls(ftp_server: FtpServer, tmp_path: Path, row: Row) -> None:
    """The same checks when a TLS handshake fails, or close_notify is missing."""
    await run(ftp_server, row, tmp_path, tls=True)


async def test_a_handshake_that_is_never_answered(ftp_server: FtpServer, tmp_path: Path) -> None:
    """Its timeout ends this wait, too."""
    text = "no TLS on the data connection to localhost:"
    row = Row("RETR: stall_handshake", "download", TimeoutError, text, None, goes_on=False)
    await run(ftp_server, row, tmp_path, tls=True, limit=1)


@both
@pytest.mark.parametrize("word", ["drop_data", "reset_data", "truncate", "fail 451"])
@pytest.mark.parametrize("after", [0, 1, 65_536, len(DATA) - 1, len(DATA)])
async def test_a_download_resumes(ftp_server: FtpServer, tmp_path: Path, tls: bool, word: str, after: int) -> None:
    """With `resume` a second call completes the file, and transfers no byte twice."""
    ftp_server.faults.add(f"RETR times=1: {word} after_bytes={after}")
    got = tmp_path / "data.bin"
    async with connected(ftp_server, tls=tls, limit=10) as client:
        if word == "truncate":
            await client.download("/data.bin", tmp_path)
        else:
            with pytest.raises(StatusCodeError):
                await client.download("/data.bin", tmp_path)
        assert got.read_bytes() == DATA[:after]

        await client.download("/data.bin", tmp_path, resume=True, verify=True)

    assert got.read_bytes() == DATA
    assert sum(record.size for record in ftp_server.log.transfers if record.verb == "RETR") == len(DATA)


@both
@pytest.mark.parametrize("word", ["drop_data", "reset_data", "truncate", "quota_exceeded"])
@pytest.mark.parametrize("after", [0, 1, 65_536, len(DATA) - 1])
async def test_an_upload_resumes(ftp_server: FtpServer, tmp_path: Path, tls: bool, word: str, after: int) -> None:
    """With `resume` a second call completes the file on the server."""
    ftp_server.faults.add(f"STOR times=1: {word} after_bytes={after}")
    (tmp_path / "new.bin").write_bytes(DATA)
    async with connected(ftp_server, tls=tls, limit=10) as client:
        if word == "truncate":
            await client.upload(tmp_path / "new.bin", "/")
        else:
            with pytest.raises(StatusCodeError):
                await client.upload(tmp_path / "new.bin", "/")
        assert ftp_server.files["/new.bin"] == DATA[:after]

        await client.upload(tmp_path / "new.bin", "/", resume=True, verify=True)

    assert ftp_server.files["/new.bin"] == DATA


@both
@pytest.mark.parametrize(
    "fault",
    [
        "RETR #1,2: drop_data after_bytes=30000",
        "RETR #1,2: reset_data after_bytes=30000",
        "RETR #1: reset_data after_bytes=30000; reset after_bytes=30000",
        "RETR #1,2: close after_bytes=30000; drop_data after_bytes=30000",
        "EPSV #1,2: answer 425 'Try again'",
        "RETR #1,2: fail 450 Busy after_bytes=30000",
    ],
)
async def test_retries(ftp_server: FtpServer, tmp_path: Path, tls: bool, fault: str) -> None:
    """A client with three attempts transfers the file in one call."""
    ftp_server.faults.add(fault)
    client = Client(socket_timeout=10, connection_timeout=10, retry=Retry(attempts=3, delay=0))
    try:
        await client.connect("localhost", ftp_server.port)
        if tls:
            await client.upgrade_to_tls(ftp_server.tls.client_context())
        await client.login(*ftp_server.credentials)

        await client.download("/data.bin", tmp_path, verify=True)
    finally:
        client.close()

    assert (tmp_path / "data.bin").read_bytes() == DATA


HANGS = [
    *(f"TRANSFERS: {word}{at}" for word in ("stall_data", "half_close_data") for at in ("", " after_bytes=3")),
    *(f"TRANSFERS: stall phase={phase}" for phase in PHASES),
    *(
        f"TRANSFERS: {word}"
        for word in ("ignore", "no_preliminary", "no_reply", "early_reply", "coalesce", "delay_to_next")
    ),
    *(
        f"TRANSFERS: {word}"
        for word in ("half_close after_bytes=3", "stall_handshake", "cut_handshake", "throttle_data 1")
    ),
    *(f"PASSIVE: {word}" for word in ("ignore_data", "unreachable_data", "ignore", "no_reply", "stall_handshake")),
    "RETR|LISTINGS: slice_data 1 pause=5",
]


@pytest.mark.each_once
@both
@pytest.mark.parametrize("fault", HANGS)
@pytest.mark.parametrize("call", ["download", "upload", "exact", "listing"])
async def test_it_never_hangs(ftp_server: FtpServer, tmp_path: Path, tls: bool, fault: str, call: str) -> None:
    """Whatever the server withholds, a client with timeouts returns, or raises an exception that says so."""
    ftp_server.faults.add(fault.replace(":", " optional:", 1))

    async with asyncio.timeout(50):  # the limit of the test
        with contextlib.suppress(OSError, FtpFixtureError):
            async with connected(ftp_server, tls=tls, limit=0.2) as client:
                await CALLS[call](client, tmp_path)
