"""For all tests of the log: a log with its own clock."""

from __future__ import annotations

import pytest

from tests.support.story import Story


@pytest.fixture
def story() -> Story:
    """An empty log, with the methods that fill it."""
    return Story()
