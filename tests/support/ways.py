"""Every way in which a client may connect: the program, with or without TLS, passive or active, TYPE A or I.

The parameters of `every_way` make a full product; `tests.support.pairwise` takes of it what is needed.
"""

from __future__ import annotations

import contextlib
import ftplib
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pytest

from ftpfixture import Client, FtpServer, StatusCodeError

__all__ = ["Way", "contents", "download", "every_way", "make_server", "replies", "send_commands", "upload"]

F = TypeVar("F", bound=Callable[..., Any])


class Way(NamedTuple):
    """How a client comes.

    Attributes:
        program: "ftplib" or "ours".
        kind: "clear" or "explicit".
        mode: "passive" or "active".
        type: "A" or "I".
    """

    program: str
    kind: str
    mode: str
    type: str


def every_way(test: F) -> F:
    """Parameters of all ways and path layers, for a test that takes them."""
    for name, values in {**_WAYS, "layer": ("memory", "disk")}.items():
        test = pytest.mark.parametrize(name, values)(test)
    return test


_WAYS = {
    "program": ("ftplib", "ours"),
    "kind": ("clear", "explicit"),
    "mode": ("passive", "active"),
    "type_": ("A", "I"),
}


def make_server(make: Callable[..., FtpServer], layer: str, folder: Path, files: dict[str, bytes | None]) -> FtpServer:
    """A server with TLS, whose files are in memory or on the disk."""
    if layer == "memory":
        return make(tls="explicit", files=files)
    for path, content in files.items():
        place = folder / path.strip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.mkdir() if content is None else place.write_bytes(content)
    return make(tls="explicit", files=None, root=folder)


def contents(server: FtpServer, folder: Path) -> dict[str, bytes]:
    """All files of a server that `make_server` made."""
    if server.files.in_memory:
        return dict(server.files)
    return {f"/{path.relative_to(folder)}": path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def download(server: FtpServer, way: Way, command: str) -> tuple[str, bytes]:
    """The code with which a command ends, and what came for it."""
    if way.program == "ftplib":
        return _with_ftplib(server, way, lambda ftp: _fetch(ftp, command))
    async with _ours(server, way) as client:
        try:
            async with client.get_stream(command, "1xx", conn_type=way.type) as stream:
                content = await stream.read()
        except StatusCodeError as error:
            return str(error.received_codes[-1]), b""
        return "226", content


async def upload(server: FtpServer, way: Way, command: str, content: bytes) -> str:
    """The code with which a command ends that sends `content`."""
    if way.program == "ftplib":
        return _with_ftplib(server, way, lambda ftp: _store(ftp, command, content))[0]
    async with _ours(server, way) as client:
        try:
            async with client.get_stream(command, "1xx", conn_type=way.type) as stream:
                await stream.write(content)
        except StatusCodeError as error:
            return str(error.received_codes[-1])
        return "226"


async def send_commands(server: FtpServer, way: Way, *commands: str) -> list[str]:
    """The codes of commands that have no data connection."""
    if way.program == "ftplib":
        with _ftplib(server, way) as ftp:
            return [_code(ftp, command) for command in commands]
    async with _ours(server, way) as client:
        answers = [await client.command(command, "xxx") for command in commands]
        return [str(answer[0]) for answer in answers if answer is not None]


def replies(server: FtpServer, verb: str) -> list[list[tuple[str, str]]]:
    """Code and text of each reply, for each command of a verb."""
    return [command.replies for command in server.log.commands if command.verb == verb]


@contextlib.asynccontextmanager
async def _ours(server: FtpServer, way: Way) -> AsyncIterator[Client]:
    client = Client(socket_timeout=10, passive_commands=("epsv",) if way.mode == "passive" else ("eprt",))
    try:
        await client.connect(server.host, server.port)
        if way.kind == "explicit":
            await client.upgrade_to_tls(server.tls.client_context())
        await client.login(*server.credentials)
        yield client
        await client.quit()
    finally:
        client.close()


def _ftplib(server: FtpServer, way: Way) -> ftplib.FTP:
    ftp = ftplib.FTP_TLS(context=server.tls.client_context()) if way.kind == "explicit" else ftplib.FTP()
    ftp.connect(server.host, server.port, timeout=10)
    ftp.login(*server.credentials)
    if isinstance(ftp, ftplib.FTP_TLS):
        ftp.prot_p()
    ftp.set_pasv(way.mode == "passive")
    ftp.voidcmd(f"TYPE {way.type}")
    return ftp


def _with_ftplib(server: FtpServer, way: Way, call: Callable[[ftplib.FTP], tuple[str, bytes]]) -> tuple[str, bytes]:
    with _ftplib(server, way) as ftp:
        try:
            return call(ftp)
        except ftplib.Error as error:
            return str(error)[:3], b""


def _fetch(ftp: ftplib.FTP, command: str) -> tuple[str, bytes]:
    with ftp.transfercmd(command) as sock:
        content = b"".join(iter(lambda: sock.recv(1 << 16), b""))
        _end_tls(sock)
    return ftp.voidresp()[:3], content


def _store(ftp: ftplib.FTP, command: str, content: bytes) -> tuple[str, bytes]:
    with ftp.transfercmd(command) as sock:
        sock.sendall(content)
        _end_tls(sock)
    return ftp.voidresp()[:3], b""


def _end_tls(sock: socket.socket) -> None:
    if isinstance(sock, ssl.SSLSocket):
        sock.unwrap()


def _code(ftp: ftplib.FTP, command: str) -> str:
    try:
        return ftp.sendcmd(command)[:3]
    except ftplib.Error as error:
        return str(error)[:3]
