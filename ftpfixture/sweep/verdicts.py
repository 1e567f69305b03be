"""What became of a run with a fault: its verdict, and where in the user's code its error began.

One rule: the worst that is true is the verdict.
"""

from __future__ import annotations

import site
import sysconfig
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from ftpfixture.log.failures import FailureText

__all__ = ["Run", "error_text", "innermost", "is_foreign", "is_only", "let_go", "verdict_of"]

_AGAIN = 1.5  # times the bytes of a run without a fault, from which a file was transferred again as a whole
_SMALL = 1024  # bytes that may be transferred again: no client continues so little
_PACKAGE = Path(__file__).parents[1]
_LIMIT = 300  # characters of an error


@dataclass(frozen=True, slots=True)
class Run:
    """What is known of a run when it has ended.

    Attributes:
        error: What the code or the test raised; None when the test passed.
        hung: Whether it would have waited for ever.
        left_open: What it left open, as text; empty for nothing.
        sent: Bytes of its transfers.
        clean: Bytes of the transfers of a run without a fault.
    """

    error: BaseException | None = None
    hung: bool = False
    left_open: Sequence[str] = ()
    sent: int = 0
    clean: int = 0


def verdict_of(run: Run, raises: tuple[type[BaseException], ...], wrong: tuple[type[BaseException], ...]) -> str:
    """Return the verdict of a run.

    Args:
        run: The run.
        raises: What the code may raise when something goes wrong.
        wrong: What a test raises when the code has said that all is well and it was not.
    """
    if run.hung:
        return "hung"
    if run.error is not None and not is_only(run.error, raises):
        return "wrong" if isinstance(run.error, wrong) else "crashed"
    if run.left_open:
        return "leaked"
    if run.error is not None:
        return "failed"
    again = run.sent >= _AGAIN * run.clean and run.sent - run.clean >= _SMALL
    return "lost-work" if again else "recovered"


def is_only(error: BaseException, kinds: tuple[type[BaseException], ...]) -> bool:
    """Whether an error, or each one in a group, is of these kinds."""
    if isinstance(error, BaseExceptionGroup) and not isinstance(error, kinds):
        return error.split(kinds)[1] is None
    return isinstance(error, kinds)


def let_go(error: BaseException | None) -> None:
    """Free what the user's code had when it raised an error, as it is freed when the error has been handled."""
    waiting, seen = [error], set[int]()
    while waiting:
        error = waiting.pop()
        if error is None or id(error) in seen:
            continue
        seen.add(id(error))
        trace = error.__traceback__
        while trace is not None and is_foreign(trace.tb_frame.f_code.co_filename):  # those of pytest stay as they are
            trace = trace.tb_next
        traceback.clear_frames(trace)
        inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
        waiting += [error.__cause__, error.__context__, *inner]


def error_text(error: BaseException | None) -> str:
    """An exception in one line."""
    if error is None:
        return ""
    first = error.args[0] if error.args else None
    name = type(error).__name__
    whole = traceback.format_exception_only(error)[-1]
    text = f"{name}: {first.problem}" if isinstance(first, FailureText) else " ".join(whole.split())
    return text if len(text) <= _LIMIT else f"{text[: _LIMIT - 1]}…"


def _folders() -> list[Path]:
    """Where code is that is not the user's."""
    paths = sysconfig.get_paths()
    names = [paths["stdlib"], paths["platstdlib"], paths["purelib"], paths["platlib"], *site.getsitepackages()]
    return [*{Path(name).resolve() for name in names}, _PACKAGE]


_FOREIGN = tuple(f"{folder}/" for folder in _folders())


def innermost(trace: TracebackType | None) -> str:
    """The innermost line of the user's own code in a traceback, such as "downloader.py:42"; "" without one."""
    found = ""
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if not is_foreign(name):
            found = f"{Path(name).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found


def is_foreign(name: str) -> bool:
    """Whether a file of code belongs to Python, to an installed package or to this package."""
    return name.startswith(("<", *_FOREIGN)) or "/site-packages/" in name
