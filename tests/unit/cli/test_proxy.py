"""`ftpfixture proxy`, with curl as its client and a server of this package behind it."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from ftpfixture import FtpServer
from ftpfixture.cli.main import main
from ftpfixture.testing.certificates import ServerTls
from tests.clients.programs import Program
from tests.support.commandline import run_here
from tests.support.rows import check_rows

FILES = {"/a.csv": b"a,b\n1,2\n", "/b.csv": b"c,d\n3,4\n"}


@pytest.fixture
def curl(tmp_path: Path) -> Program:
    """Curl, with a limit for each call."""
    return Program("curl", tmp_path, "-sS", "--max-time", "15")


def test_faults_in_front_of_a_server(curl: Program) -> None:
    """The second download is reset, the first is not; the upstream is named, its password is not."""

    def client(port: int) -> None:
        url = f"ftp://user:password@127.0.0.1:{port}"
        assert curl(f"{url}/a.csv").output == FILES["/a.csv"]
        assert curl(f"{url}/b.csv", code=None).code in (18, 56)  # partial file; receive error

    with FtpServer(files=FILES) as real:
        arguments = ("--upstream", real.url, "-p", "0", "--fault", "RETR #2: reset_data at=50%")
        ended = run_here(client, "proxy", *arguments, number=signal.SIGINT)
        assert ended.lines[1] == f"upstream: 127.0.0.1:{real.port}, TLS as the client asks"

    assert (ended.code, ended.errors) == (0, "")
    assert any(line.endswith("! RETR #2: reset_data at=0.5") for line in ended.lines)
    assert [line for line in ended.lines if "password" in line] == []


def test_tls_on_each_side(curl: Program) -> None:
    """A client without TLS reaches a server that requires it, and a client with TLS one that has none."""
    authority = ServerTls().ca_file

    def client(port: int) -> None:
        assert curl(f"ftp://user:password@127.0.0.1:{port}/a.csv").output == FILES["/a.csv"]

    def client_with_tls(port: int) -> None:
        url = f"ftp://user:password@localhost:{port}/a.csv"
        assert curl("--cacert", authority, "--ssl-reqd", url).output == FILES["/a.csv"]

    with FtpServer(files=FILES, tls="required") as real:
        place = ("--upstream", f"127.0.0.1:{real.port}", "-p", "0")
        ended = run_here(client, "proxy", *place, "--upstream-tls", "explicit", "-q")
    assert (ended.code, ended.errors) == (0, "")
    with FtpServer(files=FILES) as real:
        place = ("--upstream", f"127.0.0.1:{real.port}", "-p", "0")
        ended = run_here(client_with_tls, "proxy", *place, "--upstream-tls", "none", "--tls", "explicit")
    assert (ended.code, ended.errors) == (0, "")
    assert f"CA certificate: {authority}" in ended.lines


def test_an_upstream_that_is_away(curl: Program) -> None:
    """The client gets 421 with the reason, and the proxy lives on."""
    with FtpServer() as real:
        gone = real.port

    def client(port: int) -> None:
        assert curl(f"ftp://127.0.0.1:{port}/", code=None).code != 0

    ended = run_here(client, "proxy", "--upstream", f"127.0.0.1:{gone}", "-p", "0")

    assert ended.code == 0
    assert any(f"< 421 No connection to 127.0.0.1:{gone}: " in line for line in ended.lines)


def test_mistakes(capsys: pytest.CaptureFixture[str]) -> None:
    """A mistake is found before the proxy listens: one sentence that says what would work, and exit code 2."""

    def check(row: tuple[str, str]) -> None:
        arguments, error = row
        assert main(["proxy", *arguments.split()]) == 2
        written = capsys.readouterr()
        assert written.out == ""
        assert written.err.partition("\n")[0].startswith(f"Error: {error}")

    takes = "--upstream takes HOST, HOST:PORT or a URL such as ftp://HOST:PORT, without a path, not "
    check_rows(
        [
            ("", "Missing option '--upstream'."),
            ("--upstream ftp://a/b", f"{takes}'ftp://a/b'"),
            ("--upstream a:port", f"{takes}'a:port'"),
            ("--upstream http://a", f"{takes}'http://a'"),
            (
                "--upstream ftps://a --upstream-tls explicit",
                "--upstream ftps://a with --upstream-tls explicit: ftps:// is implicit TLS, and ftp:// is not",
            ),
            ("--upstream ftp://a --upstream-tls implicit", "--upstream ftp://a with --upstream-tls implicit: ftps://"),
            ("--upstream a --fault STOR:disk_full", "a fault is a verb, a colon and a space"),
            (
                "--upstream a --fault quota-552",
                "on('STOR', 'STOU', 'APPE').quota_exceeded(after_bytes=1): this word changes files",
            ),
        ],
        check,
    )
