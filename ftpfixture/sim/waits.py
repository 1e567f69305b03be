"""What a coroutine waits for, through the tasks and coroutines that it awaits.

One rule: it only looks, and where it does not know a construction, the wait is that of the task itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any

from ftpfixture.net.transport import Address

__all__ = ["end_of", "innermost"]


def innermost(task: asyncio.Future[Any], seen: set[int] | None = None) -> tuple[asyncio.Task[Any], Any] | None:
    """The first task, from a task down, that waits for something else than tasks, and the future it waits for.

    Returns:
        Both; None if nothing waits, as inside a step of the task.
    """
    seen = set() if seen is None else seen
    if id(task) in seen or task.done():
        return None
    seen.add(id(task))
    if not isinstance(task, asyncio.Task):
        return next((found for child in getattr(task, "_children", ()) if (found := innermost(child, seen))), None)
    awaited: asyncio.Future[Any] | None = getattr(task, "_fut_waiter", None)
    if awaited is None or awaited.done():
        return None
    children = [awaited, *_children(task)]
    return next((found for child in children if (found := innermost(child, seen))), (task, awaited))


def _children(task: asyncio.Task[Any]) -> Iterable[asyncio.Future[Any]]:
    """The tasks that a task awaits by a future of `asyncio.wait` or of a task group."""
    for values in _locals(task.get_coro()):
        own = values.get("self")
        if isinstance(own, asyncio.TaskGroup):
            yield from tuple(own._tasks)
        elif isinstance(values.get("fs"), set | list | tuple):  # of asyncio.wait
            yield from (one for one in values["fs"] if isinstance(one, asyncio.Future))


def end_of(task: asyncio.Task[Any]) -> Address | None:
    """The address of the client's end of the connection that a task waits on; None if it is not seen."""
    for values in reversed(tuple(_locals(task.get_coro()))):
        own = values.get("self")
        for transport in (own, *(getattr(own, name, None) for name in ("_transport", "transport"))):
            name = getattr(transport, "local", None)
            if name is None and isinstance(transport, asyncio.BaseTransport):
                name = transport.get_extra_info("sockname")
            if isinstance(name, tuple) and len(name) >= 2:
                return name[0], name[1]
    return None


def _locals(coroutine: Any) -> Iterator[dict[str, Any]]:
    """The variables of a coroutine, then those of the one it awaits, and so on."""
    while coroutine is not None:
        frame = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "gi_frame", None)
        if frame is not None:
            yield frame.f_locals
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "gi_yieldfrom", None)
