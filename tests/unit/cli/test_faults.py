"""`ftpfixture faults`: the catalogue of words and named faults."""

from __future__ import annotations

import pytest

from ftpfixture.cli.main import main
from ftpfixture.faults.dsl import table
from ftpfixture.faults.presets import PRESETS


def test_all_words_and_named_faults_are_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a text, every word and every named fault has its row, with the fault and its reports."""
    monkeypatch.setenv("COLUMNS", "400")
    assert main(["faults"]) == 0
    written = capsys.readouterr().out

    assert len(table()) > 40
    assert [row.name for row in table() if row.name not in written] == []
    rows = [(name, known.text, known.source) for name, known in PRESETS.items()]
    assert [row for row in rows if not all(cell in written for cell in row)] == []


def test_texts_choose_rows(capsys: pytest.CaptureFixture[str]) -> None:
    """Only rows with all texts are listed, in any case of letters; a table without rows is not there."""
    assert main(["faults", "EARLY-226"]) == 0
    written = capsys.readouterr().out
    assert "early-226" in written
    assert "pasv-behind-nat" not in written
    assert "what goes wrong" not in written

    assert main(["faults", "reset", "node-ftp"]) == 1
    assert capsys.readouterr() == ("", "No fault has 'reset' and 'node-ftp' in its row.\n")
