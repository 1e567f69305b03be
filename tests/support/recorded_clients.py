"""Client programs with the same tasks, for sessions that are recorded and then replayed to the same program.

A task returns everything that the program got: output, files with their times, replies. Files that are listed or
mirrored are old, because a recent date is that of the replay.
"""

from __future__ import annotations

import asyncio
import ftplib
import hashlib
import io
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ftpfixture import Client, FtpServer, StatusCodeError
from ftpfixture.recording.volatile import Normalizer
from tests.clients.programs import Outcome, Program

__all__ = ["CLIENTS", "TASKS", "Result", "Work", "create_files"]

Result = list[Any]

OLD = 1_600_000_000
LARGE = bytes(range(256)) * 2000


@dataclass(frozen=True)
class Work:
    """What a client does.

    Attributes:
        task: Its name.
        active: Whether the server opens data connections.
        large: The content of the largest file.
    """

    task: str
    active: bool = False
    large: bytes = LARGE

    @property
    def part(self) -> int:
        """Bytes of the large file that are there before a transfer is resumed."""
        return len(self.large) // 3

    @property
    def files(self) -> dict[str, bytes]:
        """The files of a tree."""
        return {"large.bin": self.large, "a.csv": b"a,b\r\n1,2\r\n", "sub/{b}.txt": b"b"}


def _write(folder: Path, name: str, content: bytes) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (OLD, OLD))


def create_files(root: Path, work: Work) -> None:
    """Create the files of a server."""
    for name, content in work.files.items():
        _write(root, f"tree/{name}", content)
    _write(root, "part.bin", work.large[: work.part])
    if work.task == "abort":
        with (root / "huge.bin").open("wb") as file:
            file.truncate(1 << 25)
    for path in [*root.rglob("*"), root]:
        os.utime(path, (OLD, OLD))


def _create_local_files(folder: Path, work: Work) -> Path:
    for name, content in work.files.items():
        _write(folder, f"up/{name}", content)
    _write(folder, "part.bin", work.large)
    _write(folder, "large.bin", work.large[: work.part])
    return folder


def _tree(folder: Path) -> Result:
    """The files below a folder, with the digests of their contents and, where it is old, their time."""
    found = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return [(str(path.relative_to(folder)), _digest(path.read_bytes()), _time(path)) for path in found]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _time(path: Path) -> float | None:
    changed = path.stat().st_mtime
    return changed if changed == OLD else None


def _shown(outcome: Outcome) -> Result:
    """What a program wrote, without the port of the server."""
    return [outcome.code, _digest(outcome.output) if len(outcome.output) > 1000 else outcome.output]


def _stable(reply: object) -> object:
    """A reply without what differs between servers of one kind: ports, times, rates."""
    if not isinstance(reply, str):
        return reply
    now = time.time()
    return Normalizer(now, now).reply(reply.replace("\n", "\r\n") + "\r\n")


def _front(server: FtpServer) -> str:
    """How a client asks for TLS: "", "explicit" or "implicit"."""
    if server.server.ssl is None:
        return ""
    return "implicit" if server.server.implicit_tls else "explicit"


# ftplib.


def _ftplib(work: Work, server: FtpServer, folder: Path) -> Result:
    tls = ftplib.FTP_TLS(context=server.tls.client_context(), timeout=20) if _front(server) else None
    with tls or ftplib.FTP(timeout=20) as ftp:
        got: Result = [ftp.connect(*server.address), ftp.login(*server.credentials)]
        ftp.set_pasv(not work.active)
        if tls is not None:
            got.append(tls.prot_p())
        got += _FTPLIB[work.task](ftp, work)
        return [*map(_stable, got), ftp.quit()]


def _ftplib_files(ftp: ftplib.FTP, work: Work) -> Result:
    content = io.BytesIO()
    got: Result = [ftp.storbinary("STOR up.bin", io.BytesIO(work.large)), ftp.size("up.bin")]
    got += [ftp.retrbinary("RETR up.bin", content.write), content.getvalue() == work.large, ftp.nlst()]
    got += [ftp.cwd("tree"), ftp.retrlines("LIST", got.append), ftp.pwd()]
    try:
        ftp.retrbinary("RETR missing", content.write)
    except ftplib.error_perm as refused:
        got.append(str(refused))
    return [*got, ftp.delete("../up.bin")]


def _ftplib_resume(ftp: ftplib.FTP, work: Work) -> Result:
    content = io.BytesIO(work.large[: work.part])
    content.seek(work.part)
    received = ftp.retrbinary("RETR tree/large.bin", content.write, rest=work.part)
    sent = ftp.storbinary("STOR part.bin", io.BytesIO(work.large[work.part :]), rest=work.part)
    return [received, content.getvalue() == work.large, sent, ftp.size("part.bin")]


def _ftplib_abort(ftp: ftplib.FTP, work: Work) -> Result:
    assert ftp.sock is not None
    ftp.voidcmd("TYPE I")
    with ftp.transfercmd("RETR huge.bin") as data:
        assert data.recv(1)
        ftp.sock.sendall(b"ABOR\r\n", socket.MSG_OOB)
        while data.recv(1 << 16):
            pass
    return [ftp.getmultiline(), ftp.getmultiline(), ftp.pwd()]


_FTPLIB: dict[str, Callable[[ftplib.FTP, Work], Result]] = {
    "files": _ftplib_files,
    "resume": _ftplib_resume,
    "abort": _ftplib_abort,
}


# curl.


def _curl(work: Work, server: FtpServer, folder: Path) -> Result:
    options = ["-P", server.host] if work.active else []
    if _front(server):
        options += ["--ssl-reqd", "--cacert", server.tls.ca_file]
    curl = Program("curl", folder, "-q", "-gsS", "--noproxy", "*", "--max-time", "15", *options)
    _create_local_files(curl.folder, work)
    return [*_CURL[work.task](curl, server.url), _tree(curl.folder)]


def _curl_files(curl: Program, url: str) -> Result:
    calls = [("-T", "up/large.bin", f"{url}/up.bin"), (f"{url}/up.bin",), (f"{url}/tree/",), (f"{url}/missing",)]
    return [_shown(curl(*arguments, code=None)) for arguments in calls]


def _curl_resume(curl: Program, url: str) -> Result:
    calls = [("-C", "-", "-O", f"{url}/tree/large.bin"), ("-C", "-", "-T", "part.bin", f"{url}/part.bin")]
    return [_shown(curl(*arguments)) for arguments in calls]


def _curl_abort(curl: Program, url: str) -> Result:
    """It closes the data connection behind the range, and reads the reply to that."""
    return [_shown(curl("-r", "100-199", f"{url}/huge.bin", code=None))]


_CURL: dict[str, Callable[[Program, str], Result]] = {
    "files": _curl_files,
    "resume": _curl_resume,
    "abort": _curl_abort,
}


# lftp.

_LFTP = {
    "files": "put up/large.bin -o up.bin; get up.bin; cls -1 tree; ls tree; cat missing || echo refused; rm up.bin",
    "resume": "get -c tree/large.bin; put -c part.bin",
    "mirror": "mirror tree down; mirror tree down; mirror -R up new; mirror -R up new",
}


def _lftp(work: Work, server: FtpServer, folder: Path) -> Result:
    front = _front(server)
    settings = [
        *("net:max-retries 1", "net:timeout 15", "ftp:use-mode-z no", "ftp:client ''", "xfer:use-temp-file no"),
        f"ftp:passive-mode {'no' if work.active else 'yes'}",
        *([f"ssl:ca-file {server.tls.ca_file}", "ftp:ssl-force yes"] if front else ["ftp:ssl-allow no"]),
    ]
    scheme = "ftps://" if front == "implicit" else ""
    login = f"open -p {server.port} -u {','.join(server.credentials)} {scheme}{server.host}"
    lftp = Program("lftp", folder, "--norc")
    _create_local_files(lftp.folder, work)
    outcome = lftp("-c", "; ".join([*(f"set {setting}" for setting in settings), login, _LFTP[work.task]]))
    return [*_shown(outcome), _tree(lftp.folder)]


# Our client.


def _own(work: Work, server: FtpServer, folder: Path) -> Result:
    return asyncio.run(_own_session(work, server, _create_local_files(folder, work)))


async def _own_session(work: Work, server: FtpServer, folder: Path) -> Result:
    settings: dict[str, Any] = {"passive_commands": ["eprt"] if work.active else ["epsv"], "socket_timeout": 20}
    front = _front(server)
    if front:
        settings["ssl" if front == "implicit" else "upgrade_to_tls"] = server.tls.client_context()
    async with Client.context(*server.address, *server.credentials, **settings) as client:
        return [*await _OWN[work.task](client, folder), _tree(folder)]


async def _own_files(client: Client, folder: Path) -> Result:
    await client.upload(folder / "up" / "large.bin", "up.bin", write_into=True)
    await client.download("up.bin", folder / "got.bin", write_into=True)
    listed = [(str(path), facts.get("size"), facts["modify"]) for path, facts in await client.list("tree")]
    got: Result = [listed, await client.get_current_directory()]
    try:
        await client.download("missing", folder)
    except StatusCodeError as refused:
        got.append(str(refused))
    await client.remove_file("up.bin")
    return got


async def _own_resume(client: Client, folder: Path) -> Result:
    await client.download("tree/large.bin", folder / "large.bin", write_into=True, resume=True)
    await client.upload(folder / "part.bin", "part.bin", write_into=True, resume=True)
    return []


async def _own_mirror(client: Client, folder: Path) -> Result:
    down = [await client.mirror_down("tree", folder / "down") for _ in range(2)]
    up = [await client.mirror_up(folder / "up", "new") for _ in range(2)]
    return [*down, *up]


async def _own_abort(client: Client, folder: Path) -> Result:
    async with client.get_stream("RETR huge.bin", "1xx") as stream:
        assert await stream.read(1)
        await client.abort()
    return [await client.get_current_directory()]


_OWN = {"files": _own_files, "resume": _own_resume, "mirror": _own_mirror, "abort": _own_abort}

CLIENTS: dict[str, Callable[[Work, FtpServer, Path], Result]] = {
    "ftplib": _ftplib,
    "curl": _curl,
    "lftp": _lftp,
    "our client": _own,
}
"""Each does its work with a server, in an empty folder."""

TASKS: dict[str, frozenset[str]] = {
    "ftplib": frozenset(_FTPLIB),
    "curl": frozenset(_CURL),
    "lftp": frozenset(_LFTP),
    "our client": frozenset(_OWN),
}
"""The tasks of each client."""
