"""`ftpfixture check`."""

from __future__ import annotations

from ftplib import FTP
from pathlib import Path

import pytest

from ftpfixture import FtpServer
from ftpfixture.cli.main import main
from tests.support.rows import check_rows


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A recording of a download, whose content is "a,b" and a line end."""
    path = tmp_path / "feed.ftp.jsonl"
    server = FtpServer(files={"/a.csv": b"a,b\n"}, welcome_message="hello")
    with server, server.record(path), FTP(timeout=20) as ftp:
        ftp.connect(*server.address)
        ftp.login(*server.credentials)
        ftp.retrbinary("RETR /a.csv", lambda _: None)
    return path


def test_a_recording_in_order(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The exit code is 0, and the file has its line of output."""
    assert main(["check", str(recording), str(recording)]) == 0
    count = len(recording.read_bytes().splitlines()) - 1
    assert capsys.readouterr() == (2 * f"{recording}: in order; 1 session, {count} lines\n", "")


def test_damages(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A damaged file is a finding with its line, and the next file is checked all the same."""
    good = recording.with_name("good.ftp.jsonl")
    content = recording.read_bytes()
    good.write_bytes(content)

    def check(row: tuple[bytes, bytes, str]) -> None:
        old, new, finding = row
        assert old in content
        recording.write_bytes(content.replace(old, new))
        assert main(["check", str(recording), str(good)]) == 1
        written = capsys.readouterr()
        assert written.out.startswith(f"{good}: in order; ")
        assert written.err.startswith(f"{recording}:")
        assert finding in written.err

    check_rows(
        [
            (b'"a,b\\n"', b'"a,c\\n"', "'ftpfixture check --repair' writes the right ones"),
            (b'{"ftp-recording": 1', b'{"ftp-recording": 99', ":1: format 99 is unknown"),
            (b'"QUIT"', b"QUIT", "no JSON: "),
            (b'"end": "eof"}\n', b'"end": "eof"}', "truncated"),
        ],
        check,
    )


def test_repair(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The content that was edited gets its size and digest, and nothing else changes; a second time does nothing."""
    right = recording.read_bytes()
    recording.write_bytes(right.replace(b'"a,b\\n"', b'"a,b,c\\n"'))
    edited = recording.read_bytes()
    number = edited[: edited.index(b"a,b,c")].count(b"\n") + 1

    assert main(["check", "--repair", str(recording)]) == 0
    written = capsys.readouterr()
    assert written.out.startswith(f"{recording}: repaired in line {number}\n{recording}: in order; ")
    assert b'"bytes": 6' in recording.read_bytes()
    assert len(recording.read_bytes()) == len(edited)

    assert main(["check", "--repair", str(recording)]) == 0
    assert "repaired" not in capsys.readouterr().out


def test_secrets(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret of the environment or of a file is a finding with its line, which does not have the secret."""
    listed = tmp_path / "secrets.txt"
    listed.write_text("nowhere\n\na.csv\n")
    monkeypatch.setenv("GREETING", "hello")
    monkeypatch.setenv("TOKEN", "is not there")

    assert main(["check", "--secret", "TOKEN", str(recording)]) == 0
    assert capsys.readouterr().err == ""
    assert main(["check", "--secret", "GREETING", "--secret", "TOKEN", str(recording)]) == 1
    assert capsys.readouterr() == ("", f"{recording}:3: has the greeting as it is: a reply of session 1\n")

    assert main(["check", "--secrets", str(listed), str(recording)]) == 1
    written = capsys.readouterr()
    assert f": has the secret in line 3 of {listed} as it is: a command of session 1\n" in written.err
    assert "a.csv" not in written.err


def test_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Files and secrets that are not there are errors of the user."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TOKEN", raising=False)
    (tmp_path / "a").touch()

    def check(row: tuple[str, str]) -> None:
        arguments, error = row
        assert main(["check", *arguments.split()]) == 2
        written = capsys.readouterr()
        assert (written.out, written.err.partition("\n")[0]) == ("", f"Error: {error}")

    check_rows(
        [
            ("", "Missing argument 'FILES...'."),
            ("none", "Invalid value for 'FILES...': File 'none' does not exist."),
            ("a --secrets none", "Invalid value for '--secrets': 'none': No such file or directory"),
            (
                "a --secret TOKEN",
                "--secret TOKEN: it has no value; set the environment variable TOKEN, or use --secret TOKEN=VALUE",
            ),
        ],
        check,
    )
