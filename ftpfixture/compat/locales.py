"""The locale of the process, for as long as somebody needs another one.

One rule: whoever changes it holds the lock until it is as it was, because a locale belongs to all threads.
"""

from __future__ import annotations

import locale
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["LOCALE_LOCK", "setlocale"]

LOCALE_LOCK = threading.RLock()
"""Held while the locale is changed; the thread that holds it may take it again."""

if hasattr(os, "register_at_fork"):
    # A child is not to begin in a locale that a thread it does not have would put back.
    os.register_at_fork(
        before=LOCALE_LOCK.acquire, after_in_parent=LOCALE_LOCK.release, after_in_child=LOCALE_LOCK.release
    )


@contextmanager
def setlocale(name: str) -> Iterator[str]:
    """Set every category of the locale (LC_ALL) for the length of a block, and put back what was set before.

    Other threads that want a locale by this function wait until the block is left; blocks of one thread may be nested.
    Do not await within the block: another task of the same thread would run in this locale.

    Args:
        name: As for `locale.setlocale`, such as "C".

    Returns:
        A context manager; entering it gives the name of the new locale as `locale.setlocale` tells it.

    Raises:
        locale.Error: The system does not have this locale; nothing is changed.
    """
    with LOCALE_LOCK:
        before = locale.setlocale(locale.LC_ALL)
        new = locale.setlocale(locale.LC_ALL, name)
        try:
            yield new
        finally:
            locale.setlocale(locale.LC_ALL, before)
