"""The recordings of real servers in tests/recording/data: what each is of, and how it is made.

``python -m tests.support.kept_recordings`` records all of them again, from the servers of this machine.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from ftpfixture import FtpServer
from ftpfixture.recording.target import Target
from tests.support.encrypted_servers import IMPLICIT, context, encrypted
from tests.support.recorded_clients import CLIENTS, Result, Work, create_files
from tests.support.servers import Peer, Proftpd, PureFtpd, Vsftpd

__all__ = ["DATA", "KEPT", "record", "replay"]

DATA = Path(__file__).parent.parent / "recording" / "data"

_LARGE = b"".join([b"%d,%d\n" % (number, number**2) for number in range(300)])

KEPT: dict[str, tuple[str, type[Peer], str, Work]] = {
    "vsftpd-ftplib": ("ftplib", Vsftpd, "", Work("files", large=_LARGE)),
    "vsftpd-lftp-tls": ("lftp", Vsftpd, "explicit", Work("mirror", large=_LARGE)),
    "proftpd-curl-active": ("curl", Proftpd, "", Work("files", active=True, large=_LARGE)),
    "proftpd-our-client-implicit": ("our client", Proftpd, "implicit", Work("mirror", large=_LARGE)),
    "pure-ftpd-ftplib-tls": ("ftplib", PureFtpd, "explicit", Work("resume", active=True, large=_LARGE)),
    "pure-ftpd-lftp": ("lftp", PureFtpd, "", Work("files", large=_LARGE)),
}
"""Client, server, TLS and work of each, by the name of its file."""


def started(kind: type[Peer], tls: str, folder: Path, host: str = "127.0.0.1") -> Peer:
    """A server; with TLS, vsftpd and ProFTPD require session reuse."""
    if not tls:
        return kind(folder / "peer", host=host)
    return encrypted(kind, folder, *(IMPLICIT[kind] if tls == "implicit" else ()), host=host)


def record(
    client: str, kind: type[Peer], tls: str, work: Work, path: Path, folder: Path, host: str = "127.0.0.1"
) -> Result:
    """Record the work of a client with a server; returns what the client got.

    Args:
        client: Name in `CLIENTS`.
        kind: The server.
        tls: "explicit" or "implicit", on both sides of the proxy; "" for none.
        work: What the client does.
        path: Of the recording.
        folder: An empty folder.
        host: Address of server and proxy.
    """
    (folder / "client").mkdir()
    settings: Any = {"host": host, "tls": tls or None}
    with started(kind, tls, folder, host) as peer:
        create_files(peer.root, work)
        behind: Any = "implicit" if tls == "implicit" else "client"
        target = Target(host, peer.port, behind, context(), user=peer.user, password=peer.password)
        with FtpServer(upstream=target, **settings) as proxy, proxy.record(path):
            return CLIENTS[client](work, proxy, folder / "client")


def replay(client: str, work: Work, path: Path, again: Path, folder: Path, host: str = "127.0.0.1") -> Result:
    """Replay a recording to its client, and record that; returns what the client got."""
    with FtpServer(recording=path, host=host) as server, server.record(again, redact={"host": host}):
        return CLIENTS[client](work, server, folder)


def main() -> None:
    """Record all again."""
    for name, (client, kind, tls, work) in KEPT.items():
        with tempfile.TemporaryDirectory() as folder:
            record(client, kind, tls, work, DATA / f"{name}.ftp.jsonl", Path(folder))


if __name__ == "__main__":
    main()
