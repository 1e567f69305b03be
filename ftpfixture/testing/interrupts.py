"""The dialogue of a test that is interrupted: by Ctrl-C, or by pytest-timeout where that ends the process.

One rule: nothing is printed for a test that ends by itself; `ftpfixture.testing.reports` makes its report.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from threading import Timer
from typing import Any

import pytest

from ftpfixture.testing.reports import dialogues

__all__ = ["Interrupts"]

_EARLIER = 0.1  # seconds before pytest-timeout ends the process: time to print


class Interrupts:
    """Hooks of pytest around each test, and for an interrupt.

    Args:
        config: Configuration of the run.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._item: pytest.Item | None = None
        self._timer: Timer | None = None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Store the running test."""
        self._item = item
        result = yield
        self._item = None  # it stays where an interrupt passes through here, for the hook below
        return result

    @pytest.hookimpl
    def pytest_keyboard_interrupt(self) -> None:
        """Print the dialogues of the test that was interrupted."""
        writer = self._config.get_terminal_writer()
        for title, dialogue in dialogues(self._item) if self._item is not None else ():
            writer.line()
            writer.sep("-", title)
            writer.line(dialogue)

    @pytest.hookimpl(optionalhook=True)
    def pytest_timeout_set_timer(self, item: pytest.Item, settings: Any) -> None:
        """Print the dialogues shortly before pytest-timeout ends the process, which it does with method "thread".

        It prints what was captured. With method "signal" it fails the test, and the report has the dialogues.
        """
        if settings.method == "thread":
            self._timer = Timer(max(0, settings.timeout - _EARLIER), _print, (item,))
            self._timer.daemon = True
            self._timer.start()

    @pytest.hookimpl(optionalhook=True)
    def pytest_timeout_cancel_timer(self) -> None:
        """Print nothing: the test has ended in time."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _print(item: pytest.Item) -> None:
    for title, dialogue in dialogues(item):
        print(f"{title} when the time was over:\n{dialogue}", file=sys.stderr)
