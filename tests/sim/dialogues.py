"""Generated dialogues of three clients, and what each client got: for comparing simulated and real connections."""

from __future__ import annotations

import asyncio
import ftplib
import hashlib
import io
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import aioftp

from ftpfixture import Client, FtpServer

__all__ = ["CLIENTS", "Dialogue", "generated", "normalized"]

FILES = {"/a.txt": b"hello\n" * 10, "/b.bin": bytes(range(256)) * 300, "/dir/": None, "/dir/c": b"c"}

FAULTS = (
    "RETR: drop_data after_bytes=1000",
    "RETR: reset_data after_bytes=2000",
    "RETR: truncate after_bytes=10",
    "RETR: fail 451 'Later' after_bytes=3000",
    "RETR: stall_data 0.01 after_bytes=500",
    "RETR: early_reply",
    "RETR: answer 550 'No'",
    "RETR: half_close_data after_bytes=100",
    "RETR: garble_data mask=1",
    "STOR: drop_data after_bytes=100",
    "STOR: answer 552 'Full'",
    "STOR: fail 452 'Full' after_bytes=10",
    "STOR: reply 250",
    "PASV: answer 421 'Bye'",
    "PASV|EPSV: refuse_data",
    "SIZE: not_implemented",
    "CWD: delay 0.01",
    "CWD: close",
    "CWD: half_close",
    "DELE: slice 1",
    "MKD: repeat_reply",
    "RNTO: answer 553 'Name'",
    "LIST|MLSD: truncate after_bytes=5",
    "LIST|MLSD: answer 450 'Busy'",
    "QUIT: close",
    "TYPE: answer 504 'No'",
    "PASS: answer 530 'No'",
)

STEPS: tuple[tuple[str, ...], ...] = (
    ("get", "/a.txt"),
    ("get", "/b.bin"),
    ("get", "/missing"),
    ("put", "/new.bin"),
    ("put", "/dir/new.txt"),
    ("cwd", "/dir"),
    ("cwd", "/missing"),
    ("list", "/"),
    ("list", "/dir"),
    ("delete", "/a.txt"),
    ("delete", "/missing"),
    ("mkdir", "/made"),
    ("rename", "/b.bin", "/renamed"),
)


@dataclass(frozen=True)
class Dialogue:
    """What a client does.

    Attributes:
        client: One of `CLIENTS`.
        steps: In order.
        faults: Of the server.
    """

    client: str
    steps: tuple[tuple[str, ...], ...]
    faults: tuple[str, ...]

    def run(self, **settings: Any) -> tuple[list[str], str]:
        """What the client got, and the transcript."""
        server = FtpServer(files=FILES, clock=_noon, faults=self.faults, **settings)
        server.start()
        try:
            got = CLIENTS[self.client](server, self.steps)
            server.wait_idle()
            server.log.wait_until(lambda: not server.sessions, 10)
            return [normalized(text) for text in got], normalized(server.log.transcript())
        finally:
            server.stop()


def _noon() -> float:
    return 1_800_000_000.0


def generated(seed: int) -> Dialogue:
    """A dialogue."""
    choose = Random(seed)
    steps = tuple(choose.choice(STEPS) for _ in range(choose.randrange(1, 8)))
    faults = tuple(choose.sample(FAULTS, choose.choice((0, 1, 1, 2))))
    return Dialogue(sorted(CLIENTS)[seed % len(CLIENTS)], steps, faults)


def normalized(transcript: str) -> str:
    """A transcript without times and ports."""
    text = re.sub(r"(?m)^ +[0-9]+\.[0-9]{3} ", "", transcript)
    text = re.sub(r"127\.0\.0\.1:[0-9]+", "HOST:PORT", text)
    text = re.sub(r"\(127,0,0,1,[0-9]+,[0-9]+\)", "(ADDRESS)", text)
    return re.sub(r"\(\|\|\|[0-9]+\|\)", "(PORT)", text)


def _outcome(error: BaseException) -> str:
    code = getattr(error, "received_codes", None) or re.findall(r"^[0-9]{3}", str(error))
    return f"{type(error).__name__} {' '.join(map(str, code))}".strip()


def _digest(data: bytes) -> str:
    return f"{len(data)} {hashlib.sha256(data).hexdigest()[:8]}"


# ftplib.


def _ftplib(server: FtpServer, steps: tuple[tuple[str, ...], ...]) -> list[str]:
    got = []
    ftp = ftplib.FTP(timeout=5)

    def attempt(call: Callable[[], object]) -> None:
        try:
            got.append(str(call()))
        except Exception as error:
            got.append(_outcome(error))

    attempt(lambda: ftp.connect(*server.address) and "connected")
    attempt(lambda: ftp.login(*server.credentials))
    for name, *paths in steps:
        attempt(lambda: _FTPLIB[name](ftp, *paths))  # noqa: B023 (called at once)
    attempt(ftp.quit)
    ftp.close()
    return got


def _ftplib_get(ftp: ftplib.FTP, path: str) -> str:
    received: list[bytes] = []
    try:
        reply = ftp.retrbinary(f"RETR {path}", received.append)
    except ftplib.all_errors as error:
        reply = _outcome(error)
    return f"{reply} {_digest(b''.join(received))}"


def _ftplib_list(ftp: ftplib.FTP, path: str) -> str:
    lines: list[str] = []
    reply = ftp.retrlines(f"LIST {path}", lines.append)
    return f"{reply} {len(lines)}"


_FTPLIB: dict[str, Callable[..., object]] = {
    "get": _ftplib_get,
    "put": lambda ftp, path: ftp.storbinary(f"STOR {path}", io.BytesIO(b"x" * 70_000)),
    "cwd": lambda ftp, path: ftp.cwd(path),
    "list": _ftplib_list,
    "delete": lambda ftp, path: ftp.delete(path),
    "mkdir": lambda ftp, path: ftp.mkd(path),
    "rename": lambda ftp, path, other: ftp.rename(path, other),
}


# asyncio clients, which have the same interface.


def _on_asyncio(make: Callable[..., Any]) -> Callable[[FtpServer, tuple[tuple[str, ...], ...]], list[str]]:
    def run(server: FtpServer, steps: tuple[tuple[str, ...], ...]) -> list[str]:
        return asyncio.run(_session(make, server, steps))

    return run


async def _session(make: Callable[..., Any], server: FtpServer, steps: tuple[tuple[str, ...], ...]) -> list[str]:
    got: list[str] = []
    client = make(socket_timeout=5)

    async def attempt(call: Callable[[], Awaitable[object]]) -> None:
        try:
            got.append(str(await call()))
        except Exception as error:
            got.append(_outcome(error))

    async def connect() -> str:
        await client.connect(*server.address)
        return "connected"

    await attempt(connect)
    await attempt(lambda: client.login(*server.credentials))
    for name, *paths in steps:
        await attempt(lambda: _ASYNC[name](client, *paths))  # noqa: B023 (called at once)
    await attempt(client.quit)
    client.close()
    return got


async def _get(client: Any, path: str) -> str:
    received = b""
    try:
        async with client.download_stream(path) as stream:
            async for block in stream.iter_by_block():
                received += block
    except Exception as error:
        return f"{_outcome(error)} {_digest(received)}"
    return _digest(received)


async def _put(client: Any, path: str) -> str:
    async with client.upload_stream(path) as stream:
        await stream.write(b"x" * 70_000)
    return "put"


async def _list(client: Any, path: str) -> str:
    return str(sorted(str(name) for name, _ in await client.list(path)))


_ASYNC: dict[str, Callable[..., Awaitable[object]]] = {
    "get": _get,
    "put": _put,
    "cwd": lambda client, path: client.change_directory(path),
    "list": _list,
    "delete": lambda client, path: client.remove_file(path),
    "mkdir": lambda client, path: client.make_directory(path),
    "rename": lambda client, path, other: client.rename(path, other),
}

CLIENTS: dict[str, Callable[[FtpServer, tuple[tuple[str, ...], ...]], list[str]]] = {
    "aioftp": _on_asyncio(aioftp.Client),
    "ftplib": _ftplib,
    "our client": _on_asyncio(Client),
}
