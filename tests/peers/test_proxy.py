"""A proxy in front of servers of other projects: each kind of TLS on each side, aborted transfers, and CCC."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from ftpfixture import Client, FtpServer, StatusCodeError
from ftpfixture.recording.target import Target
from tests.peers.test_peers import abort, download, make_huge, session
from tests.support.encrypted_servers import IMPLICIT, context, encrypted
from tests.support.servers import Peer, Proftpd, PureFtpd, Pyftpdlib, Vsftpd

BIG = bytes(range(256)) * 4000


def started(kind: type[Peer], behind: str, folder: Path) -> Peer:
    """The server, with the TLS that the proxy uses; vsftpd and ProFTPD require session reuse."""
    if behind == "none":
        return kind(folder / "peer")
    return encrypted(kind, folder, *(IMPLICIT[kind] if behind == "implicit" else ()))


def settings_of(proxy: FtpServer, front: str) -> dict[str, Any]:
    """The settings of a client for the TLS of the proxy."""
    if front == "clear":
        return {}
    return {"ssl" if front == "implicit" else "upgrade_to_tls": proxy.tls.client_context()}


WAYS = [
    (kind, behind, front)
    for kind in (Vsftpd, Proftpd, PureFtpd)
    for behind in ("none", "client", "explicit", "implicit")
    for front in ("clear", "explicit", "implicit")
    if (behind != "implicit" or kind in IMPLICIT) and (behind != "client" or front == "explicit")
]
ROWS = [
    (*way, ["epsv", "eprt", "pasv", "port"][index % 4], ["TLSv1.3", "TLSv1.2"][index % 2])
    for index, way in enumerate(WAYS)
]


@pytest.mark.parametrize(
    ("kind", "behind", "front", "command", "version"),
    ROWS,
    ids=[f"{kind.name}-{behind}-{front}" for kind, behind, front in WAYS],
)
async def test_tls_on_each_side(
    kind: type[Peer], behind: Any, front: Any, command: str, version: str, tmp_path: Path
) -> None:
    """Files and listings are whole, and several data connections resume the session of one control connection."""
    with started(kind, behind, tmp_path) as peer:
        target = Target(peer.host, peer.port, behind, context(version), user=peer.user, password=peer.password)
        with FtpServer(upstream=target, **({} if front == "clear" else {"tls": front})) as proxy:
            settings: dict[str, Any] = settings_of(proxy, front) | {"passive_commands": [command]}
            async with Client.context(*proxy.address, *proxy.credentials, socket_timeout=20, **settings) as client:
                async with client.upload_stream("f") as upload:
                    await upload.write(BIG)
                for offset in (0, 1000, len(BIG)):
                    async with client.download_stream("f", offset=offset) as stream:
                        assert await stream.read() == BIG[offset:]
                assert [str(path) for path, _ in await client.list(raw_command="LIST")] == ["f"]
                with pytest.raises(StatusCodeError, match="550"):
                    async with client.download_stream("missing"):
                        pass
            assert {record.tls is not None for record in proxy.log.transfers} == {front != "clear"}
        assert (peer.root / "f").read_bytes() == BIG


@contextmanager
def in_front_of(peer: Peer) -> Iterator[Peer]:
    """A proxy, with the address and the login that `session` uses."""
    with FtpServer(upstream=Target(peer.host, peer.port, user=peer.user, password=peer.password)) as proxy:
        yield cast(Peer, proxy)


# Not STOR with ProFTPD: it replies 5 s after an ABOR that comes when it waits for data, with and without a proxy.
ABORTED = [
    (kind, verb)
    for kind in (Vsftpd, Proftpd, PureFtpd, Pyftpdlib)
    for verb in ("RETR", "STOR")
    if (kind, verb) != (Proftpd, "STOR")
]


@pytest.mark.illegal_replies
@pytest.mark.parametrize(("kind", "verb"), ABORTED, indirect=["kind"])
def test_an_urgent_abort(peer: Peer, verb: str) -> None:
    """ABOR with Telnet's signals as urgent data gets the replies of the server, and the session continues."""
    make_huge(peer)
    with in_front_of(peer) as proxy, session(proxy) as ftp:
        assert f"{verb}: {abort(ftp, verb)}" in peer.aborts
        with ftp.transfercmd("STOR after.txt") as data:
            data.sendall(b"after")
        assert ftp.voidresp().startswith("226")
        assert download(ftp, "after.txt") == b"after"


def test_abort_of_ftplib(tmp_path: Path) -> None:
    """During a download vsftpd reads only an urgent ABOR, as that of ftplib is; it is urgent behind the proxy, too."""
    with Vsftpd(tmp_path / "peer") as peer:
        make_huge(peer)
        with in_front_of(peer) as proxy, session(proxy) as ftp, ftp.transfercmd("RETR huge.bin") as data:
            assert data.recv(1)
            assert ftp.sock is not None
            ftp.sock.sendall(b"ABOR\r\n", socket.MSG_OOB)
            received = 1
            while piece := data.recv(1 << 16):
                received += len(piece)
            assert received < (peer.root / "huge.bin").stat().st_size
            assert [ftp.getmultiline()[:3] for _ in range(2)] == ["426", "226"]


@pytest.mark.parametrize("kind", [Proftpd, PureFtpd, Vsftpd], ids=lambda kind: kind.name)
async def test_clear_command_channel(kind: type[Peer], tmp_path: Path) -> None:
    """CCC ends TLS of both control connections, and files stay encrypted; vsftpd refuses it."""
    with encrypted(kind, tmp_path) as peer, FtpServer(upstream=Target(peer.host, peer.port), tls="explicit") as proxy:
        settings = settings_of(proxy, "explicit")
        async with Client.context(*proxy.address, peer.user, peer.password, socket_timeout=20, **settings) as client:
            if kind is Vsftpd:
                with pytest.raises(StatusCodeError, match="500"):
                    await client.clear_command_channel()
            else:
                await client.clear_command_channel()
            assert client.encrypted is (kind is Vsftpd)
            async with client.upload_stream("f") as upload:
                await upload.write(BIG)
            async with client.download_stream("f") as stream:
                assert stream.channel.tls is not None
                assert await stream.read() == BIG
