"""Recordings of real servers that are kept with the tests: replayed to the programs that were recorded."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ftpfixture.recording.store import load
from tests.support.kept_recordings import DATA, KEPT, replay

PATHS = sorted(DATA.glob("*.ftp.jsonl"))


@pytest.mark.illegal_replies
@pytest.mark.parametrize("name", KEPT)
def test_replayed(name: str, tmp_path: Path) -> None:
    """The program sends what was recorded, all of it is played, and recorded again it is the same dialogue."""
    client, _, tls, work = KEPT[name]
    path = DATA / f"{name}.ftp.jsonl"

    replay(client, work, path, tmp_path / "again.ftp.jsonl", tmp_path)

    assert load(tmp_path / "again.ftp.jsonl").lines == load(path).lines
    assert load(path).header.tls == tls


def test_nothing_of_a_machine() -> None:
    """Each file is of `KEPT`, and has no absolute path, address, login or password."""
    assert [path.name.removesuffix(".ftp.jsonl") for path in PATHS] == sorted(KEPT)
    for path in PATHS:
        text = path.read_text()
        assert re.findall(r"/(?:tmp|home|root|work)\b|127\.0\.0\.1|::1|PASS [^{]|USER [^{]", text) == []
        assert len(text) < 20_000
