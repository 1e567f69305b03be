"""The steps of the checks of a path layer: calls that must succeed, must fail, or may be missing.

One rule: every failure names the rule, what the layer did, and what to change in it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import PurePath
from typing import Any

from ftpfixture.errors import PathIOError
from ftpfixture.files.base import AbstractPathIO
from ftpfixture.testing.rules import hold

__all__ = ["WRAP", "PathCheck", "done", "get", "offered", "put", "refused"]

PathCheck = Callable[[AbstractPathIO, PurePath], Awaitable[None]]
"""Checks a layer, in an empty directory of its own."""

WRAP = "decorate the method with universal_exception"


async def done(rule: str, call: Awaitable[Any], advice: str) -> Any:
    """Await a call that must succeed."""
    __tracebackhide__ = True
    try:
        return await call
    except NotImplementedError as error:
        raise AssertionError(f"{rule}; but it is not implemented. To do: implement it") from error
    except Exception as error:
        raise AssertionError(f"{rule}; but it raised {type(error).__name__}: {error}. To do: {advice}") from error


async def refused(rule: str, call: Awaitable[Any], *wanted: type[Exception]) -> None:
    """Await a call that must raise PathIOError with one of the wanted exceptions as its reason."""
    __tracebackhide__ = True
    names = " or ".join(kind.__name__ for kind in wanted)
    try:
        await call
    except PathIOError as error:
        reason = error.reason[1] if error.reason is not None else None
        hold(rule, isinstance(reason, wanted), f"the reason is {reason!r}", f"raise {names}, and {WRAP}")
    except Exception as error:
        raise AssertionError(
            f"{rule}; but {type(error).__name__} was raised without a PathIOError around it. To do: {WRAP}"
        ) from error
    else:
        raise AssertionError(f"{rule}; but nothing was raised. To do: raise {names}, and {WRAP}")


async def offered(call: Awaitable[Any], rule: str, advice: str) -> bool:
    """Await a call that a layer need not implement; return whether it does."""
    __tracebackhide__ = True
    try:
        await call
    except NotImplementedError:
        return False
    except Exception as error:
        raise AssertionError(f"{rule}; but it raised {type(error).__name__}: {error}. To do: {advice}") from error
    return True


async def put(path_io: AbstractPathIO, path: PurePath, data: bytes) -> None:
    """Write a file."""
    async with path_io.open(path, mode="wb") as file:
        await file.write(data)


async def get(path_io: AbstractPathIO, path: PurePath) -> bytes:
    """Read a file."""
    async with path_io.open(path, mode="rb") as file:
        return bytes(await file.read())
