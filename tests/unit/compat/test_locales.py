"""The locale for the length of a block."""

from __future__ import annotations

import locale
import threading
from collections.abc import Iterator

import pytest

from ftpfixture.compat.locales import LOCALE_LOCK, setlocale


def current() -> str:
    """Return the locale of the process, as one text."""
    return locale.setlocale(locale.LC_ALL)


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Restore the locale, also after a failed test."""
    before = current()
    yield
    locale.setlocale(locale.LC_ALL, before)


@pytest.fixture
def other() -> str:
    """Set and return a locale that is not the portable one."""
    for name in ("C.UTF-8", "C.utf8", "en_US.UTF-8"):
        try:
            return locale.setlocale(locale.LC_ALL, name)
        except locale.Error:
            continue
    pytest.skip("this system has no locale but C")


def test_set_for_the_block(other: str) -> None:
    """Within the block the requested locale is set and its name returned; after it, the previous one is set."""
    with setlocale("C") as name:
        assert (name, current()) == ("C", "C")

    assert current() == other


def test_the_name_is_that_of_the_locale_set(other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The context returns the name of the locale that was set, also one from the environment."""
    monkeypatch.setenv("LC_ALL", "C")

    with setlocale("") as name:
        assert (name, current()) == ("C", "C")


def test_restored_after_an_error(other: str) -> None:
    """The locale is restored after an exception in the block."""
    with pytest.raises(ZeroDivisionError), setlocale("C"):
        _ = 1 / 0

    assert current() == other


def test_blocks_may_be_nested(other: str) -> None:
    """A nested block does not deadlock; each block restores the locale that it found."""
    with setlocale("C"):
        with setlocale(other) as name:
            assert (name, current()) == (other, other)
        assert current() == "C"

    assert current() == other


def test_a_locale_that_is_not_there(other: str) -> None:
    """The error is that of the standard library; the locale does not change, and the lock is released."""
    with pytest.raises(locale.Error), setlocale("xx_XX.no-such"):
        pass

    assert current() == other
    assert lock_is_free()


def test_other_threads_wait() -> None:
    """While a block is open, no other thread can acquire the lock; after it, one can."""
    with setlocale("C"):
        assert not lock_is_free()

    assert lock_is_free()


def lock_is_free() -> bool:
    """Return whether another thread can acquire the lock."""
    got: list[bool] = []

    def run() -> None:
        got.append(LOCALE_LOCK.acquire(blocking=False))
        if got[0]:
            LOCALE_LOCK.release()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return got[0]
