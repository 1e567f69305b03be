"""Time and waiting come from a driver: no other module asks the system for them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import ftpfixture
from tests.support.rows import table

PACKAGE = Path(ftpfixture.__file__).parent

DRIVERS = (
    *("untouched.py", "driver.py", "testing/loopthread.py", "testing/serverloop.py", "testing/interrupts.py"),
    "sim/clocks.py",
)
"""The modules with real time, and the one that replaces it."""

USERS_SIDE = ("client/", "cli/")
"""Modules that run on the user's own loop or at the user's terminal, in the user's time."""

OF_TIME = {
    "time": frozenset({"thread_time", "process_time"}),  # CPU time is not used for waiting
    "threading": frozenset(
        {"Lock", "RLock", "Thread", "current_thread", "enumerate", "get_ident", "local", "main_thread"}
    ),
    "ftpfixture.untouched": frozenset(
        {"RealFiles", "is_travelling", "wall_time"}
    ),  # the time of day, for objects without a server
    "queue": frozenset[str](),
    "concurrent.futures": frozenset({"Executor"}),
    "sched": frozenset[str](),
    "datetime": frozenset({"UTC", "date", "datetime", "timedelta", "timezone", "tzinfo"}),
}
"""Modules with time or waiting, and the names that every module may import from them."""

NOW = frozenset({"now", "utcnow", "today"})
"""Methods that return the time of day."""


def asked(source: str) -> Iterator[str]:
    """Yield the names that a module uses from `OF_TIME` and that only a driver may use."""
    tree = ast.parse(source)
    whole: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            whole.update(name.name for name in node.names if name.name in OF_TIME and name.asname is None)
            yield from (name.name for name in node.names if name.name in OF_TIME and name.asname is not None)
        elif isinstance(node, ast.ImportFrom) and node.module in OF_TIME:
            yield from (f"{node.module}.{name.name}" for name in node.names if name.name not in OF_TIME[node.module])
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in NOW:
            yield node.func.attr
    yield from (
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in whole
        and node.attr not in OF_TIME[node.value.id]
    )


def test_only_drivers_ask_the_system_for_time_or_wait() -> None:
    """All other modules use a clock, a `TimeSource` or a loop, and so work in virtual time, too."""
    paths = {path.relative_to(PACKAGE).as_posix(): path for path in PACKAGE.rglob("*.py")}
    others = {name: path for name, path in paths.items() if name not in DRIVERS and not name.startswith(USERS_SIDE)}
    found = [
        f"{name} asks for {what}"
        for name, path in sorted(others.items())
        for what in asked(path.read_text(encoding="utf-8"))
    ]

    assert found == []
    assert set(DRIVERS) <= set(paths)


@table(
    ("source", "what"),
    [
        ("from time import monotonic", ["time.monotonic"]),
        ("from time import thread_time", []),
        ("import time\ntime.sleep(1)", ["time.sleep"]),
        ("import time as t", ["time"]),
        ("import threading\nx = threading.Condition()", ["threading.Condition"]),
        ("import threading\nx: threading.Lock = threading.RLock()", []),
        ("from threading import Event", ["threading.Event"]),
        ("from ftpfixture.untouched import monotonic, wall_time", ["ftpfixture.untouched.monotonic"]),
        ("from datetime import UTC, datetime\ndatetime.now(UTC)", ["now"]),
    ],
)
def test_the_search_for_time_sources(source: str, what: list[str]) -> None:
    """The search finds each way to use time, and nothing else."""
    assert list(asked(source)) == what
