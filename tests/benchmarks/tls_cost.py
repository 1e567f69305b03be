"""The cost of TLS: an FTPS fixture beside a plain one, and our TLS beside sockets of Python's `ssl`, in one run.

Run it with ``python -m tests.benchmarks.tls_cost`` in an environment with the ``test`` extra. Both ends of every
connection are in this process, so CPU time is that of both; both sides of a comparison have the same client,
certificate and version. The rounds alternate. Compare only the ratios, because machines differ and are noisy.
"""

from __future__ import annotations

import ftplib
import io
import socket
import ssl
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ftpfixture import FtpServer
from ftpfixture.testing.certificates import ServerTls, server_context
from tests.benchmarks.fixture_cost import measure
from tests.support.raw import RawClient

ROUNDS, SESSIONS, SIZE, PIECE = 5, 40, 1 << 26, 1 << 20
VERSIONS = {"TLS 1.2": ssl.TLSVersion.TLSv1_2, "TLS 1.3": ssl.TLSVersion.TLSv1_3}
CONTENT = memoryview(bytes(range(256)) * (SIZE >> 8))

Spent = tuple[float, float]  # seconds of CPU, seconds of wall time


def spent(call: Callable[[], object], times: int = 1) -> Spent:
    """Return the time of one of `times` calls."""
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(times):
        call()
    return (time.process_time() - cpu) / times, (time.perf_counter() - wall) / times


def trusting(version: str) -> ssl.SSLContext:
    """Return a client context for one version."""
    context = ServerTls().client_context()
    context.minimum_version = context.maximum_version = VERSIONS[version]
    return context


def send(sock: socket.socket) -> None:
    """Send the content, and close."""
    for start in range(0, SIZE, PIECE):
        sock.sendall(CONTENT[start : start + PIECE])
    end(sock)


def receive(sock: socket.socket) -> None:
    """Receive the content to its end, and store it, as a server must."""
    pieces = list(iter(lambda: sock.recv(PIECE), b""))
    assert len(b"".join(pieces)) == SIZE
    end(sock)


def end(sock: socket.socket) -> None:
    """Close, with TLS after close_notify of both sides."""
    if isinstance(sock, ssl.SSLSocket):
        sock = sock.unwrap()
    sock.close()


# The comparison: plain sockets.


@contextmanager
def sockets(context: ssl.SSLContext | None, serve: Callable[[socket.socket], None]) -> Iterator[tuple[str, int]]:
    """Listen, and serve connections one after another in a thread."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with sock if context is None else context.wrap_socket(sock, server_side=True) as served:
                serve(served)

    thread = threading.Thread(target=run)
    thread.start()
    yield listener.getsockname()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def handshake_raw(address: tuple[str, int], context: ssl.SSLContext) -> None:
    """Connect, do a TLS handshake, read one line."""
    with socket.create_connection(address) as sock, context.wrap_socket(sock, server_hostname="localhost") as tls:
        assert tls.recv(100) == b"200 hello\r\n"


def copy_raw(address: tuple[str, int], context: ssl.SSLContext | None, work: Callable[[socket.socket], None]) -> None:
    """Send or receive everything over one connection."""
    sock = socket.create_connection(address)
    work(sock if context is None else context.wrap_socket(sock, server_hostname="localhost"))


# Ours.


def handshake_ours(server: FtpServer, context: ssl.SSLContext) -> None:
    """Connect, send AUTH, do a TLS handshake, read the reply to one command; greeting and AUTH count, too."""
    with RawClient(server.address) as client:
        client.reply()
        assert client.code("AUTH TLS") == "234"
        with context.wrap_socket(client.sock, server_hostname="localhost") as tls:
            tls.sendall(b"NOOP\r\n")
            assert tls.recv(100).startswith(b"200")


def copy_ours(ftp: ftplib.FTP, command: str, work: Callable[[socket.socket], None]) -> None:
    """Transfer everything; `ntransfercmd` of FTP_TLS returns a TLS socket."""
    sock, _ = ftp.ntransfercmd(command)
    work(sock)
    ftp.voidresp()


def login(ftp: ftplib.FTP, server: FtpServer) -> None:
    """Log in; with TLS, also send PROT P."""
    ftp.connect(server.host, server.port)
    ftp.login(*server.credentials)
    ftp.voidcmd("TYPE I")
    if isinstance(ftp, ftplib.FTP_TLS):
        ftp.prot_p()


# The measured work.

Rows = dict[str, tuple[Spent, Spent]]  # title to our time and that of the comparison


def handshakes(rows: Rows, server: FtpServer) -> None:
    """Measure AUTH TLS beside a handshake of plain `ssl`."""
    context = server_context("valid", None, None, None)
    for name in VERSIONS:
        client = trusting(name)
        with sockets(context, lambda sock: sock.sendall(b"200 hello\r\n")) as address:
            raw = spent(lambda: handshake_raw(address, client), SESSIONS)  # noqa: B023 - called at once
        ours = spent(lambda: handshake_ours(server, client), SESSIONS)  # noqa: B023
        rows[f"handshake, {name} : ssl"] = ours, raw


def copies(rows: Rows, server: FtpServer) -> None:
    """Measure RETR and STOR of 64 MiB beside a copy from socket to socket."""
    for name in (*VERSIONS, "clear"):
        client = trusting(name) if name in VERSIONS else None
        context = server_context("valid", None, None, None) if client is not None else None
        with ftplib.FTP() if client is None else ftplib.FTP_TLS(context=client) as ftp:
            login(ftp, server)
            for command, work, other in (("RETR /big", receive, send), ("STOR /new", send, receive)):
                with sockets(context, other) as address:
                    raw = spent(lambda: copy_raw(address, client, work))  # noqa: B023
                server.log.clear()  # otherwise it would hash the content of the last transfer
                ours = spent(lambda: copy_ours(ftp, command, work))  # noqa: B023
                rows[f"{command[:4]} of 64 MiB, {name} : socket"] = ours, raw


def small_files(rows: Rows, server: FtpServer) -> None:
    """Measure transfers of files of 100 bytes beside the same without TLS."""

    def up(ftp: ftplib.FTP) -> None:
        ftp.storbinary("STOR /small", io.BytesIO(b"x" * 100))

    def down(ftp: ftplib.FTP) -> None:
        ftp.retrbinary("RETR /small", lambda block: None)

    server.log.clear()
    for name in VERSIONS:
        with ftplib.FTP_TLS(context=trusting(name)) as private, ftplib.FTP() as clear:
            login(private, server)
            login(clear, server)
            for title, work in (("STOR", up), ("RETR", down)):
                plain = spent(lambda: work(clear), SESSIONS)  # noqa: B023
                ours = spent(lambda: work(private), SESSIONS)  # noqa: B023
                rows[f"{title} of 100 bytes, {name} : clear"] = ours, plain


def fixtures() -> None:
    """Measure set-up plus tear-down of both fixtures, in turn."""
    rounds = [
        [statistics.median(measure(fixture, "pass", 200, {})) for fixture in ("ftps_server", "ftp_server")]
        for _ in range(ROUNDS)
    ]
    ours, plain = (statistics.median(column) * 1000 for column in zip(*rounds, strict=True))
    ratio = statistics.median(ftps / ftp for ftps, ftp in rounds)
    print(f"{'ftps_server : ftp_server, per test':42} {'':8} {ours:8.2f} {'':8} {plain:8.2f} {'':8} {ratio:8.2f}")


def main() -> None:
    """Measure in rounds, and print the medians and the medians of the ratios of each round."""
    print(f"{'':42} {'ours, ms':>17} {'the other, ms':>17} {'ratio':>17}")
    print(f"{'':42}" + f" {'CPU':>8} {'wall':>8}" * 3)
    fixtures()
    rounds: list[Rows] = []
    with FtpServer(tls="explicit", files={"/big": bytes(CONTENT)}) as server:
        for _ in range(ROUNDS):
            rows: Rows = {}
            handshakes(rows, server)
            copies(rows, server)
            small_files(rows, server)
            rounds.append(rows)
    for title in rounds[0]:
        mine, theirs = (
            [statistics.median(each[title][side][kind] for each in rounds) * 1000 for kind in (0, 1)] for side in (0, 1)
        )
        ratios = [statistics.median(each[title][0][kind] / each[title][1][kind] for each in rounds) for kind in (0, 1)]
        print(f"{title:42}" + "".join(f" {value:8.2f}" for value in (*mine, *theirs, *ratios)))


if __name__ == "__main__":
    main()
