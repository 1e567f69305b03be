"""One run of a check of a client: steps on a server of its own, each judged by the model of the tree.

One rule: a run is a function of its steps, so that a failure can be repeated with fewer of them. Therefore nothing is
collected during a run: a connection that only the garbage collector would close is left open.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from posixpath import dirname
from typing import Any

from ftpfixture.errors import HangError
from ftpfixture.testing.client_calls import Calls, Ended
from ftpfixture.testing.client_contract import Finding, Model, Operation
from ftpfixture.testing.client_nemesis import Nemesis
from ftpfixture.testing.client_script import Script
from ftpfixture.testing.ftpserver import FtpServer

__all__ = ["Counts", "Plan", "Run", "Step"]

_PATIENCE = 5  # seconds that a real server gets until it has seen that a client is gone
_LONG = 1000  # the same for a simulated one: longer than all delays
_SETTLING = 0.2  # seconds that a real server gets after a failure, where a fault may keep it from coming to rest

Step = tuple[Operation, tuple[str, ...]]
"""An operation, and the lines of the faults that may happen in it; "store" and "close" are operations, too."""


@dataclass(slots=True)
class Counts:
    """What a check has tried.

    Attributes:
        examples: Runs, each with a new server.
        operations: Calls, by method.
        failures: Clean failures, by method.
        faults: Faults that happened, by word.
    """

    examples: int = 0
    operations: dict[str, int] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)

    def add(self, method: str, ended: Ended, happened: Iterable[str]) -> None:
        """Count a call."""
        self.operations[method] = self.operations.get(method, 0) + 1
        if ended.verdict == "failed":
            self.failures[method] = self.failures.get(method, 0) + 1
        for line in happened:
            word = line.partition(": ")[2].split()[0]
            self.faults[word] = self.faults.get(word, 0) + 1


@dataclass(frozen=True, slots=True)
class Plan:
    """What is checked, and how.

    Attributes:
        adapter: Makes a client.
        methods: Those that it has, with the verbs that each sends when nothing goes wrong.
        raises: The exceptions that are clean failures.
        atomic: See `Model`.
        temporary: See `Model`.
        reuse: Whether a client is used further after a failure.
        nemesis: The faults.
        server: The settings of the servers.
        simulate: Whether they are simulated.
        counts: Of this check.
    """

    adapter: Callable[[str, int, str, str], Any]
    methods: Mapping[str, Sequence[str]]
    raises: tuple[type[Exception], ...]
    atomic: bool
    temporary: tuple[str, ...]
    reuse: bool
    nemesis: Nemesis
    server: Mapping[str, Any]
    simulate: bool
    counts: Counts


class Run:
    """A server, a client and a model.

    Args:
        plan: Of the check.

    Attributes:
        model: The tree as it should be.
        steps: What was done.
        finding: What was wrong, after which nothing more is done; None so far.
    """

    def __init__(self, plan: Plan) -> None:
        self.model = Model(plan.atomic, plan.temporary, directories={"/d"})
        self.steps: list[Step] = []
        self.finding: Finding | None = None
        self._plan = plan
        self._calls = Calls(plan.adapter, plan.raises)
        settings = {**plan.server, "files": {"/d/": b""}}
        self._script = Script(plan.adapter, plan.raises, settings)
        self._disturbed = False  # whether a fault has happened since the client was opened
        self._collects = gc.isenabled()
        gc.disable()
        self._server = FtpServer(**settings)
        self._server.start()

    @property
    def is_open(self) -> bool:
        """Whether there is a client."""
        return self._calls.client is not None

    def can(self, operation: Operation) -> bool:
        """Whether an operation says something about the client here and now."""
        model, path = self.model, operation.path
        match operation.method:
            case "store":
                return not model.unsettled and dirname(path) in {"/", *model.directories}
            case "close":
                return self.is_open
            case "resume_upload":
                there = model.files.get(path)
                return not model.unsettled and there is not None and operation.data.startswith(there)
            case "resume_download":
                return path in model.files and model.files[path].startswith(operation.begin)
            case "rename":
                return path != operation.target and not {path, operation.target} & {*model.unsettled}
            case "delete":
                return path in model.files
            case "mkdir":
                return path not in model.directories
        return True

    def do(self, operation: Operation, lines: Sequence[str] = ()) -> Finding | None:
        """Take a step; what is wrong after it, or None."""
        self.steps.append((operation, tuple(lines)))
        if operation.method == "store":
            self._server.files[operation.path] = self.model.files[operation.path] = operation.data
            self._script.store(operation.path, operation.data)
        elif operation.method == "close":
            self.finding = self._close(lines)
        else:
            self.finding = self._call(operation, lines)
        return self.finding

    def finish(self) -> Finding | None:
        """Close the client, without faults; what is wrong after it, or was before."""
        if self.finding is None and self.is_open:
            self.do(Operation("close", "/"))
        return self.finding

    def end(self) -> None:
        """Stop everything."""
        try:
            self._calls.end()
        finally:
            self._server.stop()
            if self._collects:
                gc.enable()

    def text(self) -> str:
        """What is wrong, a test that reproduces it, and its dialogue."""
        finding, script = self.finding, self._script
        assert finding is not None
        script.is_async, script.style = self._calls.is_async, self._calls.style
        told = f"{finding.verdict}: {finding.text}\n\nThis test reproduces it:\n\n{script.text(finding)}"
        return f"{told}\nThe dialogue:\n\n{self._server.log.dialogue()}"

    # A call.

    def _call(self, operation: Operation, lines: Sequence[str]) -> Finding | None:
        server, calls = self._server, self._calls
        opens = not self.is_open
        self._disturbed &= not opens
        faults = [server.faults.add(line) for line in lines]
        ended = calls.open(*server.address, *server.credentials) if opens else Ended()
        if ended.error is None:
            ended = calls.call(operation.method, *operation.args)
        happened = [line for line, fault in zip(lines, faults, strict=True) if fault.fired]
        self._disturbed |= bool(happened)
        self._plan.counts.add(operation.method, ended, happened)
        self._script.step(opens, operation, happened, ended.verdict == "failed")
        spoiled = ended.error is not None and not self._plan.nemesis.spoiling.isdisjoint(happened)
        finding = self._judge_end(operation, ended) or self._judge_tree(operation, ended, spoiled)
        server.faults.clear()
        if finding is not None:
            return finding
        if not self.is_open:
            self.model.settle()
            return self._judge_sessions("a client that could not be opened")
        if ended.error is not None and not (self._plan.reuse and self._plan.simulate):
            return self._close([])
        return None

    def _judge_end(self, operation: Operation, ended: Ended) -> Finding | None:
        """What is wrong with the way in which a call ended."""
        what = operation.method if operation.method == "close" else f"{operation.method} of {operation.path}"
        if ended.verdict == "hung":
            return Finding("hung", f"{what}: {ended.error}")
        try:
            self._server.check_hangs()
        except HangError as error:
            return Finding("hung", f"{what}: {str(error).partition(chr(10))[0]}")
        if ended.verdict == "crashed":
            return Finding("crashed", f"{what} raised {ended.error} at {ended.place}, which is not one of raises")
        may_fail = operation.method in ("download", "rename") and operation.path not in self.model.files
        may_fail |= operation.method == "rename" and operation.target in self.model.files
        may_fail |= operation.path in self.model.unsettled
        if ended.verdict == "failed" and not self._disturbed and not may_fail:
            return Finding("failed", f"{what} raised {ended.error}, and nothing had gone wrong")
        return None

    def _judge_tree(self, operation: Operation, ended: Ended, spoiled: bool = False) -> Finding | None:
        """What is wrong with the files, and with the value that was returned; without a finding, the model follows."""
        failed = ended.error is not None
        if not self._plan.simulate:
            self._come_to_rest(failed)
        files, directories = self._server.files.as_dict(), self._server.files.directories
        finding = self.model.judge(operation, failed, files, directories, spoiled)
        if finding is None and not failed:
            finding = self.model.judge_value(operation, ended.value, files)
        if finding is None:
            self.model.leave_open(operation, failed, spoiled)
            self.model.adopt(files, directories)
            if not self._server.sessions:
                self.model.settle()
        return finding

    def _close(self, lines: Sequence[str]) -> Finding | None:
        """Close the client; then the server has no session any more, and its tree stays as it is."""
        operation = Operation("close", "/")
        faults = [self._server.faults.add(line) for line in lines]
        ended = self._calls.close()
        happened = [line for line, fault in zip(lines, faults, strict=True) if fault.fired]
        self._disturbed |= bool(happened)
        self._plan.counts.add("close", ended, happened)
        self._script.step(False, None, happened, ended.verdict == "failed")
        finding = self._judge_end(operation, ended) or self._judge_sessions("a closed client")
        self._server.faults.clear()
        if finding is None:
            finding = self._judge_tree(operation, Ended())
            self.model.settle()
        return finding

    def _judge_sessions(self, whose: str) -> Finding | None:
        server, patience = self._server, _LONG if self._plan.simulate else _PATIENCE
        if server.driver.wait_until(lambda: not server.sessions, patience):
            return None
        count = len(server.sessions)
        return Finding("leaked", f"{whose} leaves {count} session{'s' * (count > 1)} open")

    def _come_to_rest(self, failed: bool) -> None:
        """Wait until a real server has done what it was told, if nothing keeps it from that."""
        try:
            self._server.wait_idle(_SETTLING if failed else _PATIENCE)
        except AssertionError:
            pass  # a fault withholds a reply; what is there by now is judged
