"""Change the locale of the process for the length of a block.

One rule: the lock is held until the locale is restored, because all threads share it.
"""

from __future__ import annotations

import locale
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["LOCALE_LOCK", "setlocale"]

LOCALE_LOCK = threading.RLock()
"""Held while the locale is changed; the thread that holds it may acquire it again."""

if hasattr(os, "register_at_fork"):
    # A child must not start in a locale that only a thread of the parent would restore.
    os.register_at_fork(
        before=LOCALE_LOCK.acquire, after_in_parent=LOCALE_LOCK.release, after_in_child=LOCALE_LOCK.release
    )


@contextmanager
def setlocale(name: str) -> Iterator[str]:
    """Set every category of the locale (LC_ALL) for the length of a block, and restore the previous locale.

    Other threads that call this function wait until the block ends; blocks of one thread may be nested.
    Do not await within the block: another task of the same thread would run in this locale.

    Args:
        name: As for `locale.setlocale`, such as "C".

    Returns:
        A context manager; it returns the name of the new locale, as `locale.setlocale` does.

    Raises:
        locale.Error: The system does not have this locale; the locale is unchanged.
    """
    with LOCALE_LOCK:
        before = locale.setlocale(locale.LC_ALL)
        new = locale.setlocale(locale.LC_ALL, name)
        try:
            yield new
        finally:
            locale.setlocale(locale.LC_ALL, before)
