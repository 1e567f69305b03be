"""What all assertions share."""

from __future__ import annotations

import pytest

from ftpfixture.errors import ConfigurationError
from tests.support.story import Story


def test_an_unknown_session_is_an_error(story: Story) -> None:
    """The error names the sessions there are."""
    with pytest.raises(ConfigurationError, match=r"^there is no session 7; the log has: none: no client connected$"):
        story.log.sessions_of(7)
    story.connect(1)
    story.connect(3)

    with pytest.raises(ConfigurationError, match=r"^there is no session 2; the log has: 1, 3$"):
        story.log.sessions_of(2)
    assert [record.number for record in story.log.sessions_of(None)] == [1, 3]
    assert [record.number for record in story.log.sessions_of(3)] == [3]
