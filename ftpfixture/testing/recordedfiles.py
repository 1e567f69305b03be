"""The recordings that the tests of a run have, and those beside them that no test has.

One rule: a recording is stale only when all tests of its module were collected, and none of them names it. Whether a
test runs does not count: one that is skipped here may run elsewhere.

Only ``recordings/<module>/*.ftp.jsonl`` beside the tests are looked at. Files with other paths may have other users.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from ftpfixture.errors import FtpFixtureError
from ftpfixture.testing.recordmarker import FIXTURE, FOLDER, SUFFIX, marker_of, place_of

__all__ = ["RecordedFiles", "is_full", "remove"]


class RecordedFiles:
    """The recordings of the tests that were collected.

    Attributes:
        stale: Recordings that no test has; known at the end of a full run.
        removed: Those of them that were removed.
    """

    def __init__(self) -> None:
        self.stale: list[Path] = []
        self.removed: list[Path] = []
        self._tests: dict[Path, set[str]] = {}
        self._folders: set[Path] = set()
        self._parts: set[Path] = set()

    # Collection.

    def collected(self, items: Iterable[pytest.Item]) -> None:
        """Take the tests of the run, before some of them are deselected."""
        for item in items:
            self._folders.add(item.path.parent / FOLDER)
            if FIXTURE in getattr(item, "fixturenames", ()):
                try:
                    self.add(place_of(item, marker_of(item).path), item.nodeid)
                except FtpFixtureError:
                    self.in_part(item.path)  # the test fails with the reason

    def add(self, place: Path, node: str) -> None:
        """Record that a test has a recording."""
        self._tests.setdefault(_key(place), set()).add(node)

    def in_part(self, module: Path) -> None:
        """Record that not all tests of a module are known."""
        self._parts.add(module.parent / FOLDER / module.stem)

    def others(self, place: Path, node: str) -> set[str]:
        """The other tests with the same recording."""
        return self._tests.get(_key(place), set()) - {node}

    # pytest-xdist: workers collect, and the main process looks for stale files.

    def sent(self) -> dict[str, Any]:
        """All of it, as a worker sends it."""
        return {
            "tests": {str(place): sorted(nodes) for place, nodes in self._tests.items()},
            "folders": sorted(map(str, self._folders)),
            "parts": sorted(map(str, self._parts)),
        }

    def received(self, sent: Mapping[str, Any]) -> None:
        """Add what a worker has sent."""
        for place, nodes in sent["tests"].items():
            self._tests.setdefault(Path(place), set()).update(nodes)
        self._folders.update(map(Path, sent["folders"]))
        self._parts.update(map(Path, sent["parts"]))

    # The end.

    def look(self) -> None:
        """Find the stale files."""
        found = (path for folder in self._folders for path in folder.glob(f"*/*{SUFFIX}"))
        self.stale = sorted(path for path in found if path.parent not in self._parts and _key(path) not in self._tests)


def _key(place: Path) -> Path:
    """A path in the form in which paths are compared: some file systems make no difference between A and a."""
    absolute = place.absolute()
    return absolute.with_name(absolute.name.lower())


def is_full(config: pytest.Config, exit_status: int) -> bool:
    """Whether a run has collected all tests of its folders, and has reached its end."""
    chosen = ("keyword", "lf", "stepwise", "ignore", "ignore_glob", "deselect")
    folders = all(Path(config.invocation_params.dir, one).is_dir() for one in config.args)
    ended = exit_status in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    return ended and folders and not any(config.getoption(name, None) for name in chosen)


def remove(place: Path) -> None:
    """Remove a recording with its long contents."""
    from ftpfixture.recording.store import blob_folder

    place.unlink()
    folder = blob_folder(place)
    for blob in folder.iterdir() if folder.is_dir() else ():
        blob.unlink()
    if folder.is_dir():
        folder.rmdir()
    if not any(place.parent.iterdir()):
        place.parent.rmdir()
