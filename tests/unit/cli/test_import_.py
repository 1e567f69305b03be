"""`ftpfixture import`."""

from __future__ import annotations

import ftplib
import io
import sys
from pathlib import Path

import pytest

from ftpfixture import FtpServer
from ftpfixture.cli.main import main
from ftpfixture.recording.store import load

LOG = "$ curl -v\n< 220 Hi\n> USER ann\n< 331 Go\n> PASS s3cret!\n< 230 In, ann of acme\n> QUIT\n< 221 Bye\n"


def test_a_log_becomes_a_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is in the current folder, under the name of the log; remarks have their lines; a server plays it."""
    monkeypatch.chdir(tmp_path)
    Path("issue-1.txt").write_text(LOG)
    assert main(["import", "issue-1.txt", "--redact", "partner=acme"]) == 0

    assert capsys.readouterr() == (
        "imported: issue-1.ftp.jsonl (a log of curl: 1 session, 3 commands)\n",
        "issue-1.txt:1: not understood: $ curl -v\n",
    )
    content = Path("issue-1.ftp.jsonl").read_text()
    assert not [secret for secret in ("ann", "s3cret", "acme") if secret in content]
    with FtpServer(recording="issue-1.ftp.jsonl") as server, ftplib.FTP(timeout=10) as ftp:
        ftp.connect(*server.address)
        assert ftp.login("bob", "x") == "230 In, bob of partner"
        ftp.quit()


def test_standard_input_and_a_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A log from standard input needs a name for the recording."""

    class _Input:
        buffer = io.BytesIO(b"< 220 Hi\n> FEAT\n< 211-A\n B\n211 End\n")

    monkeypatch.setattr(sys, "stdin", _Input)
    assert main(["import", "-"]) == 2
    assert "add -o FILE for the recording" in capsys.readouterr().err
    assert main(["import", "-", "-f", "basic-ftp", "-o", str(tmp_path / "a.ftp.jsonl")]) == 0
    assert len(load(tmp_path / "a.ftp.jsonl").lines) == 5
    assert capsys.readouterr().err == ""


def test_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is no log, and what has a secret in its data, is refused, and nothing is written."""
    log = tmp_path / "a.txt"
    recording = tmp_path / "a.ftp.jsonl"

    def error(content: str, *options: str) -> str:
        log.write_text(content)
        assert main(["import", str(log), "-o", str(recording), *options]) == 2
        assert not recording.exists()
        return capsys.readouterr().err

    assert error("Hello").startswith(f"Error: {log}: no line of this log is one of a known format")
    assert error(LOG, "--redact", "port=21").startswith("Error: redact takes another name: ")
    listed = "> LIST\n< 150 Go\n-rw-r--r-- 1 a b 8 Jan  1  2020 s3cret!\n< 226 Done\n"
    assert "nothing was written: this line would have the password" in error(LOG.replace("> QUIT\n< 221 Bye\n", listed))
    assert main(["import", str(tmp_path / "nothing")]) == 2
    assert capsys.readouterr().err == f"Error: {tmp_path / 'nothing'}: No such file or directory\n"
