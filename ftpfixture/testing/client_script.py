"""The shortest story of a failure, as a test that reproduces it without Hypothesis.

One rule: the text is ordinary code of a user of this package: a server, faults, and calls of the adapter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ftpfixture.testing.client_calls import Style
from ftpfixture.testing.client_contract import Finding, Operation, Permitted

__all__ = ["Script", "content"]

_LITERAL = 40  # bytes; longer contents are written as a call
_CONTENT = """
def content(name: str, size: int) -> bytes:
    return "".join(f"{name}{number} " for number in range(size)).encode()[:size]
"""


@lru_cache(maxsize=64)
def content(name: str, size: int) -> bytes:
    """A content no part of which is like another: ``a0 a1 a2 ...``."""
    return "".join(f"{name}{number} " for number in range(size)).encode()[:size]


@dataclass(frozen=True, slots=True)
class _Step:
    """What happens between two checks: a file is stored, or the client is called.

    Attributes:
        stores: The line that stores a file; "" for a call.
        opens: Whether the client is opened first.
        operation: The call; None to close the client.
        faults: Those that happened.
        failed: Whether it raised a clean failure.
    """

    stores: str = ""
    opens: bool = False
    operation: Operation | None = None
    faults: tuple[str, ...] = ()
    failed: bool = False


@dataclass(slots=True)
class Script:
    """Collects the steps.

    Args:
        adapter: Of the user.
        raises: The exceptions that are clean failures.
        settings: Of the server.

    Attributes:
        is_async: Whether the client is awaited.
        style: How the client is opened.
    """

    adapter: Callable[..., Any]
    raises: tuple[type[Exception], ...]
    settings: Mapping[str, object]
    is_async: bool = False
    style: Style = "made"
    _steps: list[_Step] = field(default_factory=list)

    def store(self, path: str, data: bytes) -> None:
        """A file is put on the server."""
        self._steps.append(_Step(stores=f"server.files[{path!r}] = {_data(data)}"))

    def step(self, opens: bool, operation: Operation | None, faults: Iterable[str], failed: bool) -> None:
        """The client is opened, perhaps, and called.

        Args:
            opens: Whether it is opened.
            operation: The call; None to close the client.
            faults: The lines of the faults that happened.
            failed: Whether it raised a clean failure.
        """
        self._steps.append(_Step("", opens, operation, tuple(faults), failed))

    # The text.

    def text(self, finding: Finding) -> str:
        """The test, which fails because of what was found in the last step."""
        body: list[str] = []
        for step in self._steps:
            contexts = [f"server.faults({', '.join(map(repr, step.faults))})"] if step.faults else []
            is_wrong = step is self._steps[-1] and finding.verdict == "failed"
            contexts += ["suppress(*RAISES)"] if step.failed and not is_wrong else []
            indent = "    " if contexts else ""
            body += [f"with {', '.join(contexts)}:"] if contexts else []
            body += [f"{indent}{line}" for line in self._lines(step, finding if step is self._steps[-1] else None)]
        body += self._checks(finding)
        return "\n".join([*self._head(body), *self._function(body)]).strip() + "\n"

    def _lines(self, step: _Step, finding: Finding | None) -> list[str]:
        """The code of a step; of the last one, with what is asserted of its value."""
        if step.stores:
            return [step.stores]
        wait = "await " if self.is_async else ""
        opening = self._opening(wait) if step.opens else []
        if step.operation is None:
            if self.style in ("enter", "aenter"):
                return [*opening, "await stack.aclose()" if self.style == "aenter" else "stack.close()"]
            return [*opening, f"{wait}client.close()"]
        name, args = step.operation.method, step.operation.args
        call = f"{wait}client.{name}({', '.join(_data(one) if isinstance(one, bytes) else repr(one) for one in args)})"
        return [*opening, self._asserted(call, step.operation, finding)]

    @staticmethod
    def _asserted(call: str, operation: Operation, finding: Finding | None) -> str:
        """A call, and what its value should be if that is what was found wrong."""
        if finding is None or not finding.of_value:
            return call
        if finding.names is not None:
            return f"assert sorted({call}) == {list(finding.names)}"
        return f"assert {call} == server.files[{operation.path!r}]"

    def _opening(self, wait: str) -> list[str]:
        made = f"{self.adapter.__name__}(*server.address, *server.credentials)"
        match self.style:
            case "enter":
                return [f"client = stack.enter_context({made})"]
            case "aenter":
                return [f"client = await stack.enter_async_context({made})"]
            case "connect":
                return [f"client = {made}", f"{wait}client.connect()"]
        return [f"client = {made}"]

    def _checks(self, finding: Finding) -> list[str]:
        match finding.verdict:
            case "crashed" | "failed":
                return [f"# {finding.text}"]
            case "hung":
                return ["server.check_hangs()", f"# {finding.text}"]
            case "leaked":
                return ["assert not server.sessions"]
        if finding.permitted is not None:
            return [f"assert {_condition(finding.path, finding.permitted)}"]
        return [f"assert {finding.check}"] if finding.check else []

    def _head(self, body: list[str]) -> list[str]:
        text = "\n".join(body)
        stack = {"enter": "ExitStack", "aenter": "AsyncExitStack"}.get(self.style)
        names = [name for name in (stack, "suppress" if "suppress(" in text else None) if name]
        modules = {one.__module__ for one in self.raises if one.__module__ != "builtins"} if "RAISES" in text else set()
        lines = ["import asyncio"] if self.is_async else []
        lines += [f"import {name}" for name in sorted(modules)]
        lines += [f"from contextlib import {', '.join(names)}"] if names else []
        lines += ["", "from ftpfixture import FtpServer"]
        lines += [f"from {self.adapter.__module__} import {self.adapter.__name__}"]
        if "RAISES" in text:
            shown = [_shown(one) for one in self.raises]
            lines += ["", f"RAISES = ({', '.join(shown)}{',' if len(shown) == 1 else ''})"]
        if "content(" in text:
            lines += ["", *_CONTENT.rstrip().split("\n")]
        return [*lines, "", ""]

    def _function(self, body: list[str]) -> list[str]:
        settings = ", ".join(f"{name}={value!r}" for name, value in self.settings.items())
        server = f"FtpServer({settings}) as server"
        if not self.is_async:
            stack = ", ExitStack() as stack" if self.style == "enter" else ""
            head = ["def test_found():", f"    with {server}{stack}:"]
            return [*head, *(f"        {line}" for line in body)]
        inner = ["async def found(server):"]
        indent = "    "
        if self.style == "aenter":
            inner.append("    async with AsyncExitStack() as stack:")
            indent = "        "
        inner += [f"{indent}{line}" for line in body]
        return [*inner, "", "", "def test_found():", f"    with {server}:", "        asyncio.run(found(server))"]


def _shown(kind: type[Exception]) -> str:
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _data(data: bytes) -> str:
    """A content as it is written in code."""
    if len(data) <= _LITERAL:
        return repr(data)
    name = data[:1].decode()
    call = f"content({name!r}, {len(data)})"
    return call if content(name, len(data)) == data else repr(data)


def _condition(path: str, permitted: Permitted) -> str:
    """An expression that holds for the permitted contents of a file."""
    seen = f"server.files.get({path!r})"
    exactly = ["None" if one is None else _data(one) for one in dict.fromkeys(permitted.exactly)]
    plain = f"{seen} == {exactly[0]}" if len(exactly) == 1 else f"{seen} in ({', '.join(exactly)})"
    if exactly == ["None"]:
        plain = f"{path!r} not in server.files"
    if permitted.prefix_of is None:
        return plain
    return f"{plain} or {_data(permitted.prefix_of)}.startswith(server.files[{path!r}])"
