"""`ftpfixture sweep`, with curl and small programs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from ftpfixture import FtpServer
from ftpfixture.cli.main import main
from tests.clients.programs import Program

CONTENT = b"a,b\n1,2\n" * 500


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    """A file to serve."""
    path = tmp_path / "a.csv"
    path.write_bytes(CONTENT)
    return path


def _verdicts(path: Path) -> dict[str, str]:
    return {point["point"]: point["verdict"] for point in json.loads(path.read_text())["points"]}


def test_a_download_with_curl(
    feed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Curl sees a short file by its size, and waits for ever for what never comes."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    (tmp_path / "summary.md").write_text("before\n")
    code = main(
        [
            *("sweep", "--file", str(feed), "--set", "quick", "--timeout", "0.5", "--jobs", "4"),
            *("--json", str(tmp_path / "out.json"), "--html", str(tmp_path / "out.html")),
            *("--check", f"cmp {{dir}}/a.csv {feed}", "--", "curl", "-sSO", "{url}/a.csv"),
        ]
    )
    output = capsys.readouterr()
    assert code == 1, output
    assert output.err.startswith("22 of ")
    verdicts = _verdicts(tmp_path / "out.json")
    assert {name for name, verdict in verdicts.items() if verdict == "hung"} == {
        "CONNECT.1-connect-stall",
        "RETR.1-data.half-stall_data",
    }
    assert verdicts["RETR.1-data.half-truncate"] == "failed"
    assert verdicts["EPSV.1-command-550"] == "recovered"
    assert "one cause: hung at data.half: exit 56: curl: (56)" in output.out
    assert "in the map" not in output.out
    assert (tmp_path / "summary.md").read_text().startswith("before\n### FTP sweep: curl -sSO {url}/a.csv\n")
    assert (tmp_path / "out.html").read_text().count("<article") == len(verdicts)


NAIVE = """
import ftplib, os, sys
ftp = ftplib.FTP(timeout=5)
ftp.connect(sys.argv[1], int(sys.argv[2]))
ftp.login("user", "password")
with open("a.csv", "wb") as out:
    try:
        ftp.retrbinary("RETR /a.csv", out.write)
    except ftplib.all_errors:
        pass
    except MemoryError:
        os.abort()
if not os.path.getsize("a.csv"):
    os.abort()
"""


def test_a_wrong_program(feed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0 and another result, a signal, and an error are told apart."""
    program = tmp_path / "naive.py"
    program.write_text(NAIVE)
    arguments = ["sweep", "--file", str(feed), "--set", "standard", "--max", "30", "--jobs", "4"]
    arguments += ["--json", str(tmp_path / "out.json"), "--markdown", str(tmp_path / "out.md")]
    arguments += ["--check", f"cmp a.csv {feed}", "--", sys.executable, str(program), "{host}", "{port}"]
    assert main(arguments) == 1
    verdicts = _verdicts(tmp_path / "out.json")
    assert verdicts["RETR.1-data.half-truncate"] == "wrong"
    assert verdicts["RETR.1-data.open-truncate"] == "crashed"
    assert verdicts["USER.1-command-530"] == "failed"
    assert len(verdicts) == 30
    output = capsys.readouterr().out
    assert "wrong at data.half: the check failed with exit 1: " in output
    assert "crashed at data.open: SIGABRT" in output


def test_a_recording_in_place_of_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The replayed server has faults, too."""
    recording = tmp_path / "feed.ftp.jsonl"
    curl = Program("curl", tmp_path, "-sS", "--max-time", "15")
    with FtpServer(files={"/a.csv": CONTENT}) as server, server.record(recording):
        curl(f"{server.url}/a.csv")
    arguments = ["sweep", "--recording", str(recording), "--set", "quick", "--max", "5", "--timeout", "1"]
    arguments += ["--json", str(tmp_path / "out.json"), "--", "curl", "-sSO", "ftp://user:any@{host}:{port}/a.csv"]
    assert main(arguments) in (0, 1), capsys.readouterr()
    assert _verdicts(tmp_path / "out.json")["RETR.1-data.half-reset_data"] == "failed"


def test_an_upload(feed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The check sees the files of the server."""
    folder = tmp_path / "in"
    folder.mkdir()
    feed.rename(folder / "b.csv")
    arguments = ["sweep", "--input", str(folder), "--set", "standard", "--max", "12", "--timeout", "1", "--jobs", "3"]
    arguments += ["--check", f"cmp {{served}}/b.csv {folder}/b.csv", "--json", str(tmp_path / "out.json")]
    assert main([*arguments, "--", "curl", "-sST", "b.csv", "{url}/"]) == 1
    verdicts = _verdicts(tmp_path / "out.json")
    assert verdicts["STOR.1-data.half-truncate"] == "wrong", capsys.readouterr()
    assert verdicts["STOR.1-data.half-reset_data"] == "failed"


def test_a_program_that_does_otherwise_in_each_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A fault that never happened proves nothing, and is no success."""
    script = tmp_path / "sometimes.sh"
    script.write_text(
        f"""
        echo run >> {tmp_path}/runs
        [ $(wc -l < {tmp_path}/runs) -gt 2 ] || exec curl -sSO "$1/a.csv"
        """
    )
    arguments = ["sweep", "--set", "quick", "--max", "2", "--file", str(tmp_path / "a.csv"), "--", "sh", str(script)]
    (tmp_path / "a.csv").write_bytes(CONTENT)
    assert main([*arguments, "{url}"]) == 1
    text = capsys.readouterr().err
    assert text.count("never happened: COMMAND does not say the same in each run") == 2, text
    assert "RETR.1-data.half-truncate: 'RETR #1: truncate at=50%' never happened" in text


WRONG = {
    ("--", "no-such-program", "{url}"): "there is no program 'no-such-program' in PATH",
    ("--", "true"): "the command has neither {url} nor {port}, so it finds no server; there are {url}, {host}, ",
    ("--", "false", "{url}"): "false {url}: it fails without a fault: exit 1: ",
    ("--", "true", "{url}"): "true {url}: no client connected to a server of it",
    ("--recording", "x", "--upstream", "y", "--", "true", "{url}"): "are for different servers: use one",
}


@pytest.mark.parametrize("arguments", WRONG, ids=lambda arguments: " ".join(arguments))
def test_what_cannot_be_swept(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence, and the exit code 2."""
    assert main(["sweep", *arguments]) == 2
    assert WRONG[arguments] in capsys.readouterr().err
