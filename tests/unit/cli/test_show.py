"""`ftpfixture show`: a recording as a table, a page, a diagram."""

from __future__ import annotations

from pathlib import Path

import pytest

from ftpfixture.cli.main import main
from ftpfixture.recording.format import Reply
from ftpfixture.recording.ladder import ladders, mermaid
from ftpfixture.recording.page import page
from ftpfixture.recording.store import save
from tests.support.recordings import recorded
from tests.support.rows import check_rows
from tests.support.shown import SHOWN


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The path of a recording, and a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    save("feed.ftp.jsonl", SHOWN)
    return "feed.ftp.jsonl"


def _rows(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines() if line.strip()]


def test_the_table(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It has a line for each line of the recording, with the number and the sign that it has there."""
    assert main(["show", file, "--session", "1"]) == 0
    rows = _rows(capsys)

    assert rows[:4] == ["session 1", "2 * connected", "3 < 220 Hello", "4 > USER {user}"]
    assert rows[11:16] == [
        "12 = download, TYPE I, 8 bytes",
        "13 < 226 Done",
        "14 > STOR b.csv",
        "15 < 150 Go",
        "16 = upload, TYPE I, reset, 4 bytes",
    ]
    assert rows[-1] == "22 * closed by server"
    assert main(["show", file]) == 0
    assert [row for row in _rows(capsys) if row.startswith("session")] == ["session 1", "session 2"]


def test_texts_choose_commands(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A command is shown with all that belongs to it, when that has all texts in any case of letters."""
    assert main(["show", file, "226", "a,B"]) == 0
    assert _rows(capsys) == [
        "session 1",
        "10 > RETR a.csv",
        "11 < 150 Go",
        "12 = download, TYPE I, 8 bytes",
        "13 < 226 Done",
    ]


def test_times_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the recording has them."""
    timed = Reply(session=1, lines=("220-Hi", "220 there"), ms=12)
    save(tmp_path / "a", recorded([timed]))
    assert main(["show", str(tmp_path / "a")]) == 0
    assert _rows(capsys)[2:4] == ["3 < 220-Hi (12 ms)", "220 there"]


def test_the_page_and_the_diagram(file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The page has the name of the file; the diagram is of the chosen commands."""
    assert main(["show", file, "--html", "feed.html"]) == 0
    assert capsys.readouterr().out == "written: feed.html\n"
    assert (tmp_path / "feed.html").read_text(encoding="utf-8") == page(SHOWN, "feed.ftp.jsonl")

    assert main(["show", "--mermaid", file]) == 0
    assert capsys.readouterr().out == mermaid(ladders(SHOWN))
    assert main(["show", "--mermaid", file, "STOR"]) == 0
    assert "RETR" not in capsys.readouterr().out


def test_what_is_not_there(file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing found is the exit code 1; a mistake is 2; nothing is written then."""
    save("empty", recorded())

    def check(row: tuple[list[str], int, str]) -> None:
        arguments, code, text = row
        assert main(["show", *arguments]) == code
        written = capsys.readouterr()
        assert written.out == ""
        assert text in written.err

    check_rows(
        [
            ([file, "MKD"], 1, "feed.ftp.jsonl: no command has 'MKD'\n"),
            ([file, "MKD", "550"], 1, "feed.ftp.jsonl: no command has 'MKD' and '550'\n"),
            ([file, "--session", "3"], 1, "feed.ftp.jsonl: there is no session 3; it has: 1, 2\n"),
            (["empty"], 1, "empty: the recording has no session\n"),
            (["nothing"], 2, "Error: nothing: No such file or directory\n"),
            ([file, "STOR", "--html", "x.html"], 2, "Error: --html writes the whole recording"),
        ],
        check,
    )
    assert not (tmp_path / "x.html").exists()
