"""The state machine that tries the client of a user: operations in any order, with faults among them.

One rule: a run is a function of what Hypothesis draws; what it does and how that is judged is said in `client_run`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from ftpfixture.testing.client_contract import Finding, Operation
from ftpfixture.testing.client_nemesis import Row
from ftpfixture.testing.client_run import Plan, Run, Step
from ftpfixture.testing.client_script import content
from ftpfixture.testing.client_shorten import shortest

__all__ = ["Machine", "run"]

_PATHS = ("/a", "/b c", "/d/a")
_DIRECTORIES = ("/e", "/d/f")
_SIZES = (20, 1000, 3, 70_000, 0)
_COUNTS = (0, 1, 1, 2)  # of faults in a call
_PARTS = (0.5, 0.0, 0.99)  # of a file that are there when a transfer is resumed


def _has(method: str) -> Callable[[Machine], bool]:
    return lambda machine: method in machine.plan.methods


def _has_file(method: str) -> Callable[[Machine], bool]:
    return lambda machine: method in machine.plan.methods and bool(machine.run.model.files)


class Machine(RuleBasedStateMachine):
    """One run.

    Attributes:
        plan: Of the check; of a subclass.
        lines: The faults of each operation, by word; of a subclass.
        found: The steps and the verdict of the latest failure; of a subclass.
        run: What is done.
    """

    plan: Plan
    lines: Mapping[str, Mapping[str, Sequence[Row]]]
    found: list[tuple[list[Step], str]]

    def __init__(self) -> None:
        super().__init__()
        self.plan.counts.examples += 1
        self.run = Run(self.plan)
        self._words: list[str] = []
        self._choices = Random(0)
        self._uploads = 0
        self._is_well = True  # False within a step, and after one that found something

    # Rules.

    @initialize(size=st.sampled_from(_SIZES))
    def first(self, size: int) -> None:
        """Most of what a client does needs a file."""
        self._do(Operation("store", "/d/a", self._content(size)))

    @initialize(choices=st.randoms(use_true_random=True))
    def nemesis(self, choices: Random) -> None:
        """Each run has a few words of each group, so that each happens often and beside few others."""
        self._choices = choices
        for group in self.plan.nemesis.words:
            self._words += choices.sample(group, min(len(group), choices.randint(1, 3)))

    @precondition(_has("upload"))
    @rule(path=st.sampled_from(_PATHS), size=st.sampled_from(_SIZES))
    def upload(self, path: str, size: int) -> None:
        """Upload a file, also over another one."""
        self._do(Operation("upload", path, self._content(size)))

    @precondition(lambda machine: _has("resume_upload")(machine) and not machine.run.model.unsettled)
    @rule(path=st.sampled_from(_PATHS), size=st.sampled_from(_SIZES), part=st.sampled_from(_PARTS))
    def resume_upload(self, path: str, size: int, part: float) -> None:
        """Go on with an upload of which the server has a part."""
        whole = self._content(size)
        self._do(Operation("store", path, whole[: int(size * part)]))
        self._do(Operation("resume_upload", path, whole))

    @precondition(_has_file("download"))
    @rule(data=st.data())
    def download(self, data: st.DataObject) -> None:
        """Download a file."""
        self._do(Operation("download", self._file(data)))

    @precondition(_has_file("resume_download"))
    @rule(data=st.data(), part=st.sampled_from(_PARTS))
    def resume_download(self, data: st.DataObject, part: float) -> None:
        """Go on with a download of which a part is there."""
        path = self._file(data)
        whole = self.run.model.files[path]
        self._do(Operation("resume_download", path, begin=whole[: int(len(whole) * part)]))

    @precondition(lambda machine: not (_has("upload")(machine) or machine.run.model.unsettled))
    @rule(path=st.sampled_from(_PATHS), size=st.sampled_from(_SIZES))
    def store(self, path: str, size: int) -> None:
        """Someone else puts a file on the server."""
        self._do(Operation("store", path, self._content(size)))

    @precondition(_has_file("rename"))
    @rule(data=st.data(), new=st.sampled_from(_PATHS))
    def rename(self, data: st.DataObject, new: str) -> None:
        """Rename a file, also over another one."""
        self._do(Operation("rename", self._file(data), target=new))

    @precondition(_has_file("delete"))
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        """Delete a file."""
        self._do(Operation("delete", self._file(data)))

    @precondition(_has("mkdir"))
    @rule(path=st.sampled_from(_DIRECTORIES))
    def mkdir(self, path: str) -> None:
        """Make a directory that is not there."""
        self._do(Operation("mkdir", path))

    @precondition(_has("list"))
    @rule(path=st.sampled_from(("/d", "/")))
    def names(self, path: str) -> None:
        """List a directory."""
        self._do(Operation("list", path))

    @precondition(lambda machine: _has("download")(machine) or _has("rename")(machine))
    @rule(data=st.data(), path=st.sampled_from(_PATHS))
    def missing(self, data: st.DataObject, path: str) -> None:
        """Ask for a file that is not there."""
        if path not in self.run.model.files:
            methods = [method for method in ("download", "rename") if method in self.plan.methods]
            self._do(Operation(data.draw(st.sampled_from(methods)), path, target="/d/new"))

    @precondition(lambda machine: machine.run.is_open)
    @rule()
    def close(self) -> None:
        """Close the client."""
        self._do(Operation("close", "/"))

    def teardown(self) -> None:
        """End the run: without faults, and with the client closed."""
        try:
            if self._is_well:
                self._judge(self.run.finish())
        finally:
            self.run.end()

    # Drawing and doing.

    def _content(self, size: int) -> bytes:
        self._uploads += 1
        return content(chr(ord("a") + (self._uploads - 1) % 26), size)

    def _file(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted(self.run.model.files)))

    def _faults(self, by_word: Mapping[str, Sequence[Row]]) -> list[str]:
        """The lines of no, one or two faults, of the words of this run.

        All words, and all lines of a word, are equally probable; Hypothesis itself prefers some values.
        """
        words = [word for word in self._words if word in by_word]
        chosen: list[Row] = []
        for _ in range(self._choices.choice(_COUNTS) if words else 0):
            row = self._choices.choice(by_word[self._choices.choice(words)])
            if row not in chosen and all(row.goes_with(other) for other in chosen):
                chosen.append(row)
        return [row.line for row in chosen]

    def _do(self, operation: Operation) -> None:
        if not self.run.can(operation):
            return
        lines = self._faults(self.lines.get(operation.method, {}))
        self._is_well = False
        self._judge(self.run.do(operation, lines))
        self._is_well = True

    def _judge(self, finding: Finding | None) -> None:
        """End the run if something is wrong.

        Raises:
            AssertionError: It is.
        """
        if finding is not None:
            self.found.append((self.run.steps, finding.verdict))
            raise AssertionError(finding.verdict)


def run(plan: Plan, given: settings | None) -> str | None:
    """Run the machine; the text of what was found, or None.

    Args:
        plan: Of the check.
        given: Settings of Hypothesis.
    """
    base = given or settings(max_examples=300, stateful_step_count=15, derandomize=True, database=None)
    found: list[tuple[list[Step], str]] = []
    lines = {name: plan.nemesis.lines(name, sent) for name, sent in plan.methods.items()}
    machine = type("Machine", (Machine,), {"plan": plan, "found": found, "lines": lines})
    phases = [phase for phase in base.phases if phase not in (Phase.shrink, Phase.explain)]  # see client_shorten
    try:
        run_state_machine_as_test(
            machine,
            settings=settings(
                base,
                deadline=None,
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
                phases=phases,
            ),
        )
    except Exception:  # that of `_judge`, alone or in a group
        if not found:
            raise
        return shortest(plan, *found[-1])
    return None
