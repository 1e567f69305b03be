"""Logs that were cut, mixed and damaged: each is an error with a sentence, or a recording that can be played."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from ftpfixture.errors import RecordingError
from ftpfixture.recording.format import line_of, read_line
from ftpfixture.recording.imports.formats import FORMATS
from ftpfixture.recording.imports.importer import import_log
from ftpfixture.recording.tape import Tape

LOGS = [path.read_text("utf-8").split("\n") for path in sorted((Path(__file__).parent / "dialogues").glob("*.txt"))]


def _damaged(chance: random.Random) -> str:
    """A dialogue of a bug report with lines left out, moved, shortened, or taken from another."""
    rows = list(chance.choice(LOGS))
    for _ in range(chance.randint(1, 8)):
        place = chance.randrange(len(rows))
        match chance.randrange(5):
            case 0:
                rows[place] = ""
            case 1:
                rows.insert(place, chance.choice(chance.choice(LOGS)))
            case 2:
                other = chance.randrange(len(rows))
                rows[place], rows[other] = rows[other], rows[place]
            case 3:
                rows[place] = rows[place][: chance.randrange(len(rows[place]) + 1)]
            case _:
                del rows[place + 1 :]
    return "\n".join(rows)


def _check(seeds: range) -> int:
    """Import one log for each seed; return the number of recordings."""
    count = 0
    for seed in seeds:
        chance = random.Random(seed)
        log, kind = _damaged(chance), chance.choice([None] * 20 + [*FORMATS])
        try:
            recording = import_log(log, kind).recording
        except RecordingError:
            continue
        assert [read_line(line_of(line)[:-1]) for line in recording.lines] == list(recording.lines)
        Tape(recording)
        count += 1
    return count


def test_damaged_logs() -> None:
    """Most are recordings."""
    assert _check(range(400)) > 200


@pytest.mark.fuzz
def test_many_damaged_logs() -> None:
    """As many as one minute has."""
    assert _check(range(400, 40_000)) > 20_000
