"""For all tests of the log: a log with a clock of its own."""

from __future__ import annotations

import pytest

from tests.support.story import Story


@pytest.fixture
def story() -> Story:
    """An empty log and who fills it."""
    return Story()
