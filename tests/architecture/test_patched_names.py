"""The thread of the servers never looks up names of the standard library that tests patch.

`unittest.mock.patch("asyncio.sleep")` and the like replace an attribute of a module for the whole process. Code that
bound the function at import is not affected; code that calls ``asyncio.sleep(...)`` in a function is.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import ftpfixture
from tests.support.rows import table

PACKAGE = Path(ftpfixture.__file__).parent

PATCHED = {
    "asyncio": {
        *("Event", "Lock", "Queue", "create_task", "gather", "get_event_loop", "new_event_loop", "open_connection"),
        *("run", "shield", "sleep", "start_server", "timeout", "timeout_at", "to_thread", "wait", "wait_for"),
    },
    "time": {"monotonic", "monotonic_ns", "perf_counter", "sleep", "time", "time_ns"},
    "datetime": {"date", "datetime"},
    "socket": {
        *("create_connection", "create_server", "getaddrinfo", "gethostbyname", "gethostname", "getnameinfo"),
        *("socket", "socketpair"),
    },
    "ssl": {"SSLContext", "create_default_context", "wrap_socket"},
    "select": {"epoll", "kqueue", "poll", "select"},
    "selectors": {"DefaultSelector"},
    "threading": {"Event", "Thread", "Timer"},
    "tempfile": {"NamedTemporaryFile", "TemporaryDirectory", "mkdtemp", "mkstemp"},
    "random": {"choice", "randint", "random"},
    "subprocess": {"Popen", "run"},
}
"""Names that tests patch, by module."""

USERS_SIDE = (
    *("client", "sim", "net/dial.py", "testing/pathio_", "testing/usermanager_check.py"),
    *("testing/stream_check.py", "testing/transport_check.py", "testing/redirect.py", "testing/client_calls.py"),
)
"""Modules that run in the thread of the user, where a patch is intended."""


def looked_up(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and name of look-ups in modules at the time of a call; annotations are no look-ups."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            body = function.body if isinstance(function.body, list) else [function.body]
            for statement in body:
                yield from _in(statement)


def _in(node: ast.AST) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return  # it is searched by itself
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and _is_patched(node.value.id, node.attr):
        yield node.lineno, f"{node.value.id}.{node.attr}"
    for name, value in ast.iter_fields(node):
        if name not in ("annotation", "returns"):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from _in(child)


def _is_patched(module: str, name: str) -> bool:
    return name in PATCHED.get(module, ())


def _servers_side() -> list[Path]:
    names = {path: path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")}
    return sorted(path for path, name in names.items() if not name.startswith(USERS_SIDE))


def test_the_thread_of_the_servers_looks_up_no_patched_name() -> None:
    """Import the function itself, or use `ftpfixture.aio.next_turn`, `Clock.sleep` and `ftpfixture.untouched`."""
    paths = _servers_side()
    found = [
        f"{path.relative_to(PACKAGE.parent)}:{line} looks up {name}"
        for path in paths
        for line, name in looked_up(ast.parse(path.read_text(encoding="utf-8")))
    ]

    assert found == []
    assert len(paths) > 50


@table(
    ("source", "names"),
    [
        ("async def f():\n    await asyncio.sleep(0)", ["asyncio.sleep"]),
        ("def f():\n    def g():\n        return time.time()", ["time.time"]),
        ("f = lambda: time.monotonic()", ["time.monotonic"]),
        ("class A:\n    def f(self):\n        return [socket.socket() for _ in x]", ["socket.socket"]),
        ("def f(sock: socket.socket) -> ssl.SSLContext:\n    x: socket.socket = sock", []),
        ("def f(wall=time.time):\n    return wall()", []),
        ("def f():\n    return asyncio.get_running_loop(), socket.SOCK_STREAM", []),
        ("limit = asyncio.timeout", []),
    ],
)
def test_the_search_for_names(source: str, names: list[str]) -> None:
    """The search finds look-ups in calls, and nothing else."""
    assert [name for _, name in looked_up(ast.parse(source))] == names
