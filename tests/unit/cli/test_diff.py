"""`ftpfixture diff`: what differs in two recordings."""

from __future__ import annotations

from pathlib import Path

import pytest

from ftpfixture.cli.main import main
from ftpfixture.recording.store import save
from tests.support.recordings import LOGIN, recorded

OLD = LOGIN + "> RETR a\n< 150 Go\n= down a eof\n< 226 Done"
NEW = OLD.replace("226 Done", "226 OK\n> NOOP\n< 200 OK")


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three recordings in the current folder."""
    monkeypatch.chdir(tmp_path)
    save("old", recorded(OLD))
    save("new", recorded(NEW))
    save("more", recorded(OLD, LOGIN))


def test_differences(capsys: pytest.CaptureFixture[str]) -> None:
    """Each has its lines in both files, the field, and the values; the exit code is 1."""
    assert main(["diff", "old", "new"]) == 1
    assert capsys.readouterr().out == (
        "--- old\n+++ new\n"
        "@@ session 1, line -11 +11 @@ reply to RETR a\n  - 226 Done\n  + 226 OK\n"
        "@@ session 1, line +12 @@ command\n  + NOOP\n"
    )
    assert main(["diff", "more", "old"]) == 1
    assert capsys.readouterr().out == "--- more\n+++ old\n@@ session 2, line -13 @@ session\n  - one with 2 commands\n"


def test_only_what_a_client_depends_on(capsys: pytest.CaptureFixture[str]) -> None:
    """With --lenient the text of a reply is no difference."""
    assert main(["diff", "--lenient", "old", "new"]) == 1
    assert "226" not in capsys.readouterr().out


def test_no_difference(capsys: pytest.CaptureFixture[str]) -> None:
    """The exit code is 0; it is 2 for a file that is not there or is no recording."""
    assert main(["diff", "old", "old"]) == 0
    assert capsys.readouterr().out == "no difference\n"

    Path("text").write_text("hello\n")
    assert main(["diff", "old", "text"]) == main(["diff", "nothing", "old"]) == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert "text:1: no JSON" in written.err
    assert "nothing: No such file or directory" in written.err
