"""The pictures of README and guide, from the maps of examples: ``python -m tests.support.sweep_pictures``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ftpfixture.sweep.kinds import LEVELS
from ftpfixture.sweep.mapfile import SweepMap, load
from ftpfixture.sweep.matrix import matrices
from ftpfixture.sweep.outcome import Outcome
from ftpfixture.sweep.page import picture

ROOT = Path(__file__).parents[2]
MAPS = ROOT / "examples" / "ftp_sweeps" / "test_sweep"
PICTURES = ROOT / "docs" / "_static"


def _outcomes(found: SweepMap) -> Iterator[Outcome]:
    for row in found.rows.values():
        point = row.value
        if row.seen and row.set in LEVELS[:2]:
            yield Outcome("", point.name, point.step, point.shown, point.action, point.fault, row.seen)


def pictures() -> dict[Path, str]:
    """The pictures, by the files that they are in."""
    made = {}
    for name in ("naive", "careful"):
        [matrix] = matrices(_outcomes(load(MAPS / f"test_a_download_that_goes_on[{name}].jsonl")))
        made[PICTURES / f"sweep-{name}.svg"] = picture(matrix, f"{name} download")
    return made


if __name__ == "__main__":
    for place, text in pictures().items():
        place.write_text(text, encoding="utf-8")
