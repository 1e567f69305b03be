"""`ftpfixture record`, with curl and ftplib as its clients and a server of this package behind it."""

from __future__ import annotations

import json
import re
import signal
from ftplib import FTP
from pathlib import Path

import pytest

from ftpfixture import FtpServer
from ftpfixture.cli.main import main
from ftpfixture.recording.format import Command
from ftpfixture.recording.store import load
from ftpfixture.testing.certificates import ServerTls
from tests.clients.programs import Program
from tests.support.commandline import Running, run_here
from tests.support.rows import check_rows

BIG = bytes(1 << 25)  # more than the buffers between server and client hold


@pytest.fixture
def curl(tmp_path: Path) -> Program:
    """Curl, with a limit for each call."""
    return Program("curl", tmp_path, "-sS", "--max-time", "15")


def test_a_recording_is_played_without_the_server(
    tmp_path: Path, curl: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Record, replay: curl gets the same; secrets of the environment, of the URL and of the client are placeholders."""
    monkeypatch.setenv("CUSTOMER", "acme")
    path, received = tmp_path / "feed.ftp.jsonl", []

    def client(port: int) -> None:
        received.append(curl(f"ftp://ann:hunter2@127.0.0.1:{port}//acme/a.csv").output)

    with FtpServer(files={"/acme/a.csv": b"a,b\n1,2\n"}, users={"ann": "hunter2"}) as real:
        options = ("--redact", "CUSTOMER", "--loose", "noop", "--timing")
        ended = run_here(client, "record", path, "--upstream", real.url, "-p", "0", *options)
    assert (ended.code, ended.errors, ended.lines[-1]) == (0, "", f"recorded: {path}")
    text = path.read_text()
    assert json.loads(text.partition("\n")[0])["loose"] == ["NOOP"]
    assert re.findall("hunter2|acme|ann", text) == []
    assert '{customer}"' in text
    assert '"ms":' in text

    ended = run_here(client, "replay", path, "-p", "0")
    assert (ended.code, ended.errors) == (0, "")
    assert received == [b"a,b\n1,2\n"] * 2


def test_lftp_mirrors_a_recording(tmp_path: Path) -> None:
    """The program lftp over TLS, in front of a server without: its mirror of the replay is that of the server."""
    files = {"/data/a.csv": b"a,b\n", "/data/sub/b.bin": bytes(range(256)) * 40}
    path, lftp = tmp_path / "a.ftp.jsonl", Program("lftp", tmp_path, "--norc")

    def client(port: int) -> None:
        settings = f"set ssl:ca-file {ServerTls().ca_file}; set ftp:ssl-force yes; set net:timeout 10"
        commands = f"open -u user,password -p {port} localhost; mirror --parallel=1 /data {port}"
        lftp("-c", f"{settings}; set net:max-retries 1; {commands}")
        assert lftp.tree(str(port)) == {"a.csv": b"a,b\n", "sub/b.bin": files["/data/sub/b.bin"]}

    with FtpServer(files=files) as real:
        tls = ("--upstream-tls", "none", "--tls", "required")
        assert run_here(client, "record", path, "--upstream", real.url, "-p", "0", *tls).code == 0
    ended = run_here(client, "replay", path, "-p", "0")
    assert (ended.code, ended.errors) == (0, "")
    assert f"CA certificate: {ServerTls().ca_file}" in ended.lines


def test_an_interrupt_keeps_what_is_whole(tmp_path: Path, curl: Program) -> None:
    """A session that ended is kept, and of one in the middle of a transfer the commands before it."""
    with FtpServer(files={"/big": BIG, "/a": b"a"}) as real:
        arguments = ("a.ftp.jsonl", "--upstream", real.url, "-p", "0")
        with Running("record", *arguments, folder=tmp_path) as proxy, FTP(timeout=20) as ftp:
            curl(f"ftp://user:password@127.0.0.1:{proxy.port}/a")
            ftp.connect("127.0.0.1", proxy.port)
            ftp.login("user", "password")
            ftp.voidcmd("TYPE I")
            with ftp.transfercmd("RETR /big") as data:
                data.recv(1)
                ended = proxy.end(signal.SIGINT)
            ftp.close()

    assert ended.code == 0
    assert ended.errors == "session 2: RETR /big was under way: not recorded\n"
    commands = [line for line in load(tmp_path / "a.ftp.jsonl").lines if isinstance(line, Command)]
    assert [line.text for line in commands if line.session == 1][-2:] == ["RETR a", "QUIT"]
    assert [line.text for line in commands if line.session == 2] == ["USER {user}", "PASS {password}", "TYPE I", "PASV"]


def test_a_terminal_has_a_progress_bar(tmp_path: Path) -> None:
    """While a body is recorded on a terminal, its path and its bytes are below the dialogue."""
    with FtpServer(files={"/big": BIG}) as real:
        arguments = ("a.ftp.jsonl", "--upstream", real.url, "-p", "0")
        with Running("record", *arguments, folder=tmp_path, terminal=True) as proxy:
            with FTP(timeout=20) as ftp:
                ftp.connect("127.0.0.1", proxy.port)
                ftp.login("user", "password")
                ftp.voidcmd("TYPE I")
                with ftp.transfercmd("RETR /big") as data:
                    data.recv(1)
                    assert "/big" in proxy.until("/33.6 MB")
                ftp.close()
            proxy.send(signal.SIGINT)
            proxy.until("recorded: a.ftp.jsonl")
            assert proxy.wait().code == 0


def test_what_must_not_be_written(tmp_path: Path, curl: Program) -> None:
    """A password in a file that was transferred, and a recording of nothing: no file is written or replaced."""
    path = tmp_path / "a.ftp.jsonl"
    path.write_text("the recording of before\n")
    with FtpServer(files={"/a": b"my password"}) as real:
        arguments = ("record", path, "--upstream", real.url, "-p", "0")
        ended = run_here(lambda port: curl(f"ftp://user:password@127.0.0.1:{port}/a"), *arguments)
        assert ended.code == 2
        assert ended.errors.startswith(f"Error: {path}:")
        assert "nothing was written: this line would have the password" in ended.errors

        ended = run_here(lambda _: None, *arguments)
        assert (ended.code, ended.errors) == (1, f"Error: No client connected: {path} was not written.\n")
    assert path.read_text() == "the recording of before\n"


def test_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake is found before the proxy listens: one sentence that says what would work, and exit code 2."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TOKEN", raising=False)
    (tmp_path / "file").touch()

    def check(row: tuple[str, str]) -> None:
        arguments, error = row
        assert main(["record", *arguments.split()]) == 2
        written = capsys.readouterr()
        assert written.out == ""
        assert written.err.partition("\n")[0].startswith(f"Error: {error}")

    check_rows(
        [
            ("--upstream a", "Missing argument 'FILE'."),
            ("a.ftp.jsonl", "Missing option '--upstream'."),
            (". --upstream a", "Invalid value for 'FILE': File '.' is a directory."),
            ("file/a.ftp.jsonl --upstream a", f"file/a.ftp.jsonl cannot be written: {tmp_path / 'file'} is no folder"),
            (
                "a.ftp.jsonl --upstream a --redact TOKEN",
                "--redact TOKEN: it has no value; set the environment variable TOKEN, or use --redact TOKEN=VALUE",
            ),
            ("a.ftp.jsonl --upstream a -p 0 --redact port=x", "redact takes another name"),
            ("a.ftp.jsonl --upstream a -p 0 --loose NOOOP", "the server has no command 'NOOOP': did you mean 'NOOP'?"),
        ],
        check,
    )
