"""Other threads, which may end a wait of the test without the simulation knowing it.

One rule: while one of them runs, no wait is proved to be endless.
"""

from __future__ import annotations

import sys
import threading
from pathlib import PurePath
from types import FrameType
from weakref import WeakSet

__all__ = ["Threads"]

_OWN = ("ftpfixture", "pytest_timeout")
"""How the names of threads begin that never use the objects of a test: that of real servers, and a watchdog."""


class Threads:
    """The threads that a test has begun."""

    def __init__(self) -> None:
        self._before = WeakSet(threading.enumerate())

    def running(self) -> list[str]:
        """The names of those that may do something; idle workers of a pool do not."""
        frames = sys._current_frames()
        return [
            thread.name
            for thread in threading.enumerate()
            if thread not in self._before
            and thread is not threading.current_thread()
            and not thread.name.startswith(_OWN)
            and not _is_idle(frames.get(thread.ident or 0))
        ]


def _is_idle(frame: FrameType | None) -> bool:
    """Whether a thread is a worker of concurrent.futures that waits for work, in a function of C."""
    if frame is None or frame.f_code.co_name != "_worker":
        return False
    return PurePath(frame.f_code.co_filename).parts[-3:] == ("concurrent", "futures", "thread.py")
