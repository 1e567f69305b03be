"""`ftpfixture replay`, with curl as its client."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ftpfixture import FtpServer
from ftpfixture.cli.main import main
from tests.clients.programs import Program
from tests.support.commandline import Running, run_here


@pytest.fixture
def curl(tmp_path: Path) -> Program:
    """Curl, with a limit for each call."""
    return Program("curl", tmp_path, "-sS", "--max-time", "15")


@pytest.fixture
def recording(tmp_path: Path, curl: Program) -> Path:
    """A recording of curl that downloads /a.csv."""
    path = tmp_path / "feed.ftp.jsonl"
    with FtpServer(files={"/a.csv": b"a,b\n1,2\n"}) as server, server.record(path):
        curl(f"{server.url}/a.csv")
    return path


def test_the_recorded_client_gets_the_same(curl: Program, recording: Path) -> None:
    """The same call of curl has the same result; the exit code is 0."""

    def client(port: int) -> None:
        assert curl(f"ftp://user:any@127.0.0.1:{port}/a.csv").output == b"a,b\n1,2\n"

    ended = run_here(client, "replay", "--port", "0", recording)
    assert (ended.code, ended.errors) == (0, "")
    assert any(line.endswith("> RETR a.csv") for line in ended.lines)


@pytest.mark.illegal_replies
def test_another_client_is_a_finding(curl: Program, recording: Path) -> None:
    """A command that was not recorded, and a recording that is not played, are printed, with exit code 1."""
    url = "ftp://user:any@127.0.0.1:{}/b.csv"
    ended = run_here(lambda port: curl(url.format(port), code=None), "replay", "--port", "0", recording)
    assert ended.code == 1
    first, *others = ended.errors.splitlines()
    assert first.startswith("SIZE b.csv was not recorded here: ")
    assert others[-1] == "(--allow-unplayed accepts a recording that is not played to its end)"
    assert "Traceback" not in ended.errors

    ended = run_here(lambda _: None, "replay", "--port", "0", recording)
    assert ended.code == 1
    assert "session 1" in ended.errors

    ended = run_here(lambda _: None, "replay", "--port", "0", "--allow-unplayed", recording)
    assert (ended.code, ended.errors) == (0, "")


def test_more_clients_than_were_recorded(tmp_path: Path, curl: Program, recording: Path) -> None:
    """One more client is a finding, which names the option with which it is none."""
    with Running("replay", "--port", "0", recording, folder=tmp_path) as server:
        curl(f"ftp://user:any@127.0.0.1:{server.port}/a.csv")
        curl(f"ftp://user:any@127.0.0.1:{server.port}/a.csv", code=None)
        ended = server.end()
    assert ended.code == 1
    assert ended.errors == (
        "the client connected once more than was recorded: 1 session; record again if that is right, or set "
        "--allow-repeats to play them again\n"
    )

    def client(port: int) -> None:
        for _ in range(2):
            assert curl(f"ftp://user:any@127.0.0.1:{port}/a.csv").output == b"a,b\n1,2\n"

    ended = run_here(client, "replay", "--port", "0", "--allow-repeats", recording)
    assert (ended.code, ended.errors) == (0, "")


def test_the_original_timing(
    tmp_path: Path, curl: Program, capsys: pytest.CaptureFixture[str], recording: Path
) -> None:
    """A reply that took 300 ms takes as long again; a recording without times is an error."""
    assert main(["replay", "--timing", str(recording)]) == 2
    assert capsys.readouterr().err.startswith("Error: --timing with a recording without times: ")

    path = tmp_path / "timed.ftp.jsonl"
    with FtpServer(files={"/a.csv": b"a,b\n"}) as server, server.record(path, timing=True):
        curl(f"{server.url}/a.csv")
    text = path.read_text()
    path.write_text(re.sub(r'(220 welcome.*"ms": )[0-9]+', r"\g<1>300", text))

    ended = run_here(lambda port: curl(f"ftp://user:any@127.0.0.1:{port}/a.csv"), "replay", "--timing", path, "-p", "0")
    assert (ended.code, ended.errors) == (0, "")
    times = {line.split()[3]: float(line.split()[1]) for line in ended.lines if line.startswith("  1 ")}
    assert times["220"] - times["connected"] >= 0.3


def test_a_file_that_cannot_be_played(tmp_path: Path, capsys: pytest.CaptureFixture[str], recording: Path) -> None:
    """A missing or a damaged file is one sentence, with the line, before anything listens."""
    assert main(["replay", str(tmp_path / "none.ftp.jsonl")]) == 2
    assert capsys.readouterr() == ("", f"Error: {tmp_path / 'none.ftp.jsonl'}: No such file or directory\n")

    recording.write_bytes(recording.read_bytes()[:-1])
    assert main(["replay", str(recording)]) == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err.startswith(f"Error: {recording}:")
    assert "the file is truncated in this line" in written.err
