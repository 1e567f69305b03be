"""The locale for the length of a block."""

from __future__ import annotations

import locale
import threading
from collections.abc import Iterator

import pytest

from ftpfixture.compat.locales import LOCALE_LOCK, setlocale


def current() -> str:
    """The locale of the process, as one text."""
    return locale.setlocale(locale.LC_ALL)


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """A test that fails leaves the locale as it was."""
    before = current()
    yield
    locale.setlocale(locale.LC_ALL, before)


@pytest.fixture
def other() -> str:
    """A locale that is not the portable one, and the current one by now."""
    for name in ("C.UTF-8", "C.utf8", "en_US.UTF-8"):
        try:
            return locale.setlocale(locale.LC_ALL, name)
        except locale.Error:
            continue
    pytest.skip("this system has no locale but C")


def test_set_for_the_block(other: str) -> None:
    """Within the block the locale is the one asked for, whose name entering gives; after it, the one before."""
    with setlocale("C") as name:
        assert (name, current()) == ("C", "C")

    assert current() == other


def test_the_name_is_that_of_the_system(other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What entering gives is the locale that was set, also where the environment chose it."""
    monkeypatch.setenv("LC_ALL", "C")

    with setlocale("") as name:
        assert (name, current()) == ("C", "C")


def test_put_back_after_an_error(other: str) -> None:
    """An exception that leaves the block leaves the locale as it was, too."""
    with pytest.raises(ZeroDivisionError), setlocale("C"):
        _ = 1 / 0

    assert current() == other


def test_blocks_may_be_nested(other: str) -> None:
    """A block within a block does not wait for itself; each puts back what it found."""
    with setlocale("C"):
        with setlocale(other) as name:
            assert (name, current()) == (other, other)
        assert current() == "C"

    assert current() == other


def test_a_locale_that_is_not_there(other: str) -> None:
    """The error is that of the standard library; nothing is changed and the lock is free again."""
    with pytest.raises(locale.Error), setlocale("xx_XX.no-such"):
        pass

    assert current() == other
    assert lock_is_free()


def test_other_threads_wait() -> None:
    """While a block is open no other thread gets the lock; when it is left, one does."""
    with setlocale("C"):
        assert not lock_is_free()

    assert lock_is_free()


def lock_is_free() -> bool:
    """Whether a thread that comes now gets the lock."""
    got: list[bool] = []

    def run() -> None:
        got.append(LOCALE_LOCK.acquire(blocking=False))
        if got[0]:
            LOCALE_LOCK.release()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return got[0]
