"""Lines of a listing that are known to hold no entry.

One rule: only what servers are known to send is here; a message about something that could not be listed is no heading.
"""

from __future__ import annotations

import re

__all__ = ["is_heading"]

_HEADING = re.compile(r"\s*|total [0-9.,]+[A-Za-z]?", re.IGNORECASE)


def is_heading(text: str) -> bool:
    """Say whether a line, without its end, is empty or a heading."""
    return _HEADING.fullmatch(text) is not None
