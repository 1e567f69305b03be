"""`ftpfixture serve`, with curl as its client."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from ftpfixture import FtpServer
from ftpfixture.cli.main import main
from ftpfixture.testing.certificates import ServerTls
from tests.clients.programs import Program
from tests.support.commandline import Running, run_here
from tests.support.rows import check_rows


@pytest.fixture
def curl(tmp_path: Path) -> Program:
    """Curl, with a limit for each call."""
    return Program("curl", tmp_path, "-sS", "--max-time", "15")


def test_a_newcomer_serves_files(tmp_path: Path, curl: Program) -> None:
    """Files in memory, the dialogue on the terminal, a fault, and the end by SIGTERM with exit code 0."""
    (tmp_path / "data" / "in").mkdir(parents=True)
    (tmp_path / "data" / "a.csv").write_bytes(b"a,b\n1,2\n")
    (tmp_path / "b.bin").write_bytes(b"12345678")
    files = ("--copy", "data", "--file", "b.bin", "--file", "/in/c=b.bin")
    fault = "RETR /b.bin: drop_data after_bytes=4"
    with Running("serve", "--port", "0", *files, "--fault", fault, folder=tmp_path) as server:
        url = f"ftp://127.0.0.1:{server.port}"
        assert server.line("files: ") == "in memory, 3"
        assert curl(f"{url}/a.csv").output == b"a,b\n1,2\n"
        assert curl("-u", "user:password", f"{url}/in/c").output == b"12345678"
        assert curl(f"{url}/b.bin", code=None).output == b"1234"
        curl("-T", "-", f"{url}/in/new", stdin=b"new")
        ended = server.end()

    assert (ended.code, ended.errors) == (0, "")
    dialogue = [re.sub(r"^ {2}1 +[0-9.]+ ", "", line) for line in ended.lines]
    assert {"< 220 welcome", "> USER anonymous", "> PASS ***************", "> RETR a.csv", "= 8 bytes, complete"} <= {
        *dialogue
    }
    assert any(" 3 " in line and f"! {fault}" in line for line in ended.lines)
    assert not (tmp_path / "data" / "in" / "new").exists()


def test_a_folder_with_tls(tmp_path: Path, curl: Program) -> None:
    """A folder of the disk that clients change, with TLS required: curl needs only the CA file of the output."""
    (tmp_path / "served").mkdir()
    authority = ServerTls().ca_file

    def client(port: int) -> None:
        login = ("--cacert", authority, "--ssl-reqd", "-u", "ann:secret")
        curl(*login, "-T", "-", f"ftp://localhost:{port}/new", stdin=b"new")
        curl("-u", "ann:secret", f"ftp://localhost:{port}/new", code=67)  # the login is denied

    arguments = ("--port", "0", "--root", tmp_path / "served", "--tls", "required", "--user", "ann:secret", "--quiet")
    ended = run_here(client, "serve", *arguments, number=signal.SIGINT)

    assert (tmp_path / "served" / "new").read_bytes() == b"new"
    assert (ended.code, ended.errors) == (0, "")
    assert f"CA certificate: {authority}" in ended.lines
    assert [line for line in ended.lines if " > " in line or "secret" in line] == []


def test_a_folder_for_reading_alone_over_ipv6(tmp_path: Path, curl: Program) -> None:
    """Implicit TLS on ::1 has brackets in the first line; a client that may only read changes nothing."""
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "a").write_bytes(b"a")
    authority = ServerTls().ca_file
    ports = []

    def client(port: int) -> None:
        ports.append(port)
        assert curl("--cacert", authority, f"ftps://[::1]:{port}/a").output == b"a"
        curl("--cacert", authority, "-T", "-", f"ftps://[::1]:{port}/a", stdin=b"b", code=25)  # STOR is refused

    arguments = ("-p", "0", "--host", "::1", "--root", tmp_path / "served", "--read-only", "--tls", "implicit")
    ended = run_here(client, "serve", *arguments, "--fault", "NOOP: delay 1")

    assert ended.lines[0] == f"listening on [::1]:{ports[0]}"
    assert (tmp_path / "served" / "a").read_bytes() == b"a"
    assert ended.code == 1
    assert ended.errors.startswith("NOOP: delay 1 never happened: ")


def test_another_server(curl: Program) -> None:
    """Its greeting and its texts."""

    def client(port: int) -> None:
        curl("-u", "user:password", f"ftp://localhost:{port}/nothing", code=78)

    ended = run_here(client, "serve", "--port", "0", "--persona", "vsftpd", number=signal.SIGINT)
    said = [line.partition(" < ")[2] for line in ended.lines]
    assert {"220 (vsFTPd 3.0.3)", "230 Login successful."} <= {*said}


def test_the_reader_of_the_output_may_go(tmp_path: Path, curl: Program) -> None:
    """A script that reads only the first line keeps its server."""
    with Running("serve", "-p", "0", "--file", __file__, folder=tmp_path) as server:
        server.output.close()
        for _ in range(3):
            assert curl(f"ftp://127.0.0.1:{server.port}/{Path(__file__).name}").output == Path(__file__).read_bytes()
        server.send(signal.SIGTERM)
        assert server.process.wait(30) == 0
        assert (tmp_path / "stderr").read_text() == ""


def test_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake is found before the server listens: one sentence that says what would work, and exit code 2."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()

    def check(row: tuple[str, str]) -> None:
        arguments, error = row
        assert main(["serve", *arguments.split()]) == 2
        written = capsys.readouterr()
        assert written.out == ""
        assert written.err.partition("\n")[0] == f"Error: {error}"

    check_rows(
        [
            (".", "serve takes options only: --root . serves that folder, --copy . a copy of it"),
            ("--fault early-227", "unknown preset 'early-227': did you mean 'early-226'?"),
            ("--port 99999", "port takes a port number from 1 to 65535, or 0 for a free one, not 99999"),
            ("--user :x", "--user takes NAME:PASSWORD, or NAME for any password, not ':x'"),
            ("--file none.csv", "none.csv: No such file or directory"),
            ("--file folder", "folder: Is a directory"),
            (
                "--root folder --copy folder",
                "--root serves a folder of the disk, --copy and --file are for files in memory: use one",
            ),
            (
                "--host 0.0.0.0",
                "--host 0.0.0.0 can be reached from other machines, and every user and password of a test is public: "
                "use 127.0.0.1 or ::1, or set --allow-remote",
            ),
            (
                "--host 0.0.0.0 --allow-remote",
                "--allow-remote lets other machines in: say who may log in, with --user NAME:PASSWORD",
            ),
            (
                "--certificate expired",
                "--certificate expired: no effect without TLS; use the fixture ftps_server, or set --tls explicit or "
                "'implicit'",
            ),
        ],
        check,
    )


def test_a_port_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    """The second of two servers on a port does not listen, and says what to do."""
    with FtpServer() as server:
        port = server.port
        assert main(["serve", "--port", str(port)]) == 2

    error = f"Error: Address already in use: cannot listen on 127.0.0.1:{port}; use --port 0 for a free port\n"
    assert capsys.readouterr() == ("", error)
