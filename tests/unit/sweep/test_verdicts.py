"""Verdicts of runs, and where an error began in the user's code."""

import ftplib
import io
import subprocess
from collections.abc import Callable
from weakref import ref

import pytest

from ftpfixture.sweep.verdicts import Run, error_text, innermost, is_foreign, let_go, verdict_of

RAISES = (OSError, EOFError)
WRONG = (AssertionError,)
GROUP = ExceptionGroup("two", [TimeoutError("a"), ExceptionGroup("in", [EOFError("b")])])
MIXED = ExceptionGroup("two", [TimeoutError("a"), KeyError("b")])

ROWS = [
    (Run(), "recovered"),
    (Run(sent=1500, clean=1000), "recovered"),
    (Run(sent=15_000, clean=10_000), "lost-work"),
    (Run(sent=14_999, clean=10_000), "recovered"),
    (Run(sent=10_000, clean=0), "lost-work"),
    (Run(TimeoutError()), "failed"),
    (Run(TimeoutError(), sent=15_000, clean=10_000), "failed"),
    (Run(GROUP), "failed"),
    (Run(MIXED), "crashed"),
    (Run(KeyError("x")), "crashed"),
    (Run(AssertionError()), "wrong"),
    (Run(AssertionError(), left_open=["session 1"]), "wrong"),
    (Run(None, left_open=["session 1"]), "leaked"),
    (Run(EOFError(), left_open=["session 1"]), "leaked"),
    (Run(EOFError(), hung=True), "hung"),
    (Run(None, hung=True, left_open=["session 1"]), "hung"),
]


@pytest.mark.parametrize(("run", "verdict"), ROWS, ids=range(len(ROWS)))
def test_the_worst_that_is_true(run: Run, verdict: str) -> None:
    """One row for each pair of signs that can come together."""
    assert verdict_of(run, RAISES, WRONG) == verdict


def test_an_error_in_one_line() -> None:
    """Also a long one with several lines."""
    assert error_text(None) == ""
    assert error_text(KeyError("x")) == "KeyError: 'x'"
    assert error_text(ValueError("a\n  b")) == "ValueError: a b"
    assert len(error_text(ValueError("x" * 1000))) == 300


def _in_ftplib() -> None:
    ftplib.FTP().connect("127.0.0.1", 1, timeout=5)


def _in_a_built_in() -> None:
    io.BytesIO().read("x")  # type: ignore[arg-type]


@pytest.mark.parametrize("function", [_in_ftplib, _in_a_built_in], ids=lambda function: function.__name__)
def test_the_innermost_line_is_one_of_the_user(function: Callable[[], None]) -> None:
    """The standard library and installed packages are others' code."""
    with pytest.raises((OSError, TypeError)) as caught:
        function()
    line = function.__code__.co_firstlineno + 1
    assert innermost(caught.value.__traceback__) == f"test_verdicts.py:{line}"
    assert innermost(None) == ""


def test_whose_code_a_file_is() -> None:
    """By its folder."""
    assert all(
        map(
            is_foreign,
            (ftplib.__file__, subprocess.__file__, pytest.__file__, "<string>", error_text.__code__.co_filename),
        )
    )
    assert not is_foreign(__file__)


class _Held:
    """Something that a function has when it fails."""


def test_letting_go_of_an_error() -> None:
    """What the functions had that raised it, its cause and the errors in it is freed; its lines stay."""
    found = []

    def fail(error: Exception) -> None:
        held = _Held()
        found.append(ref(held))
        raise error

    def caught(error: Exception, cause: Exception | None = None) -> Exception:
        try:
            if cause is not None:
                raise error from cause
            fail(error)
        except Exception as raised:
            return raised
        raise AssertionError

    error = caught(ExceptionGroup("two", [caught(EOFError()), caught(OSError())]), caught(KeyError()))
    assert [one() is None for one in found] == [False] * 3
    let_go(error)
    assert [one() is None for one in found] == [True] * 3
    assert innermost(error.__traceback__).startswith("test_verdicts.py:")
    let_go(None)
