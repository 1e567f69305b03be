"""The kept recordings of real servers: each is shown whole, and is equal to itself and to no other."""

from __future__ import annotations

from itertools import combinations_with_replacement
from pathlib import Path

import pytest

from ftpfixture.cli.main import main
from ftpfixture.recording.compare import compare
from ftpfixture.recording.ladder import ladders, mermaid
from ftpfixture.recording.page import page
from ftpfixture.recording.store import load
from tests.support.rows import check_rows

KEPT = sorted((Path(__file__).parent / "data").glob("*.ftp.jsonl"))


def test_each_is_shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The table, the page and the diagram have every command and every line of every reply."""
    monkeypatch.setenv("COLUMNS", "500")

    def check(path: Path) -> None:
        recording = load(path)
        assert main(["show", str(path)]) == 0
        shown = [capsys.readouterr().out, mermaid(ladders(recording)), page(recording, path.name)]
        steps = [rung for session in ladders(recording) for rung in session.rungs]
        assert len(steps) == len(recording.lines)
        words = {line for rung in steps if rung.kind in ("command", "reply") for line in rung.lines}
        plain = [word for word in words if word.replace(" ", "").isalnum()]
        assert plain, "this recording has no command without special characters"
        assert [word for word in plain for text in shown if word not in text] == []

    check_rows(KEPT, check)


def test_each_is_equal_to_itself_alone() -> None:
    """Two sessions with different servers or clients always differ."""
    recordings = {path.name: load(path) for path in KEPT}

    def check(pair: tuple[str, str]) -> None:
        one, other = (recordings[name] for name in pair)
        assert (compare(one, other) == []) is (pair[0] == pair[1])

    check_rows(combinations_with_replacement(recordings, 2), check)
