"""Makes the story of a failure as short and as plain as it can be.

One rule: what is left out or replaced is tried again, from scratch, and must end with the same verdict.

Hypothesis would shorten what it has drawn, where a step that is left out changes what later draws mean; here steps are
left out as they are, which takes a tenth of the runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

from ftpfixture.testing.client_contract import Operation
from ftpfixture.testing.client_run import Plan, Run, Step

__all__ = ["shortest"]

_SIZES = (3, 20, 1000)  # bytes to which all contents are cut
_PATHS = ("/b c", "/d/a")  # which are replaced by a plainer one if that is free
_PLAIN = "/a"
_MOMENT = re.compile(r" #\d+(?=:)")


def shortest(plan: Plan, steps: Sequence[Step], verdict: str) -> str:
    """The text of a run with the same verdict of which no one or two steps, no fault and no long content can go.

    Args:
        plan: Of the check.
        steps: What ended with this verdict.
        verdict: The word.

    Raises:
        AssertionError: The same steps do not end like that again: the client is not deterministic.
    """
    text, done = _repeated(plan, steps, verdict)
    if text is None:
        raise AssertionError(
            f"{verdict}, but not again with the same calls and faults: the client depends on something else, such as "
            "random numbers, real time or what it keeps between clients"
        )
    changed = True
    while changed:
        changed = False
        for candidate in _simpler(done):
            found, shorter = _repeated(plan, candidate, verdict)
            if found is not None:
                text, done, changed = found, shorter, True
                break
    return text


def _simpler(steps: Sequence[Step]) -> Iterator[Sequence[Step]]:
    """Shorter or plainer steps, the shortest first."""
    places = range(len(steps))
    for count in range(1, len(steps)):
        yield steps[-count:]
    for left_out in (*combinations(places, 1), *combinations(places, 2)):
        yield [step for place, step in enumerate(steps) if place not in left_out]
    for place, (operation, lines) in enumerate(steps):
        for line in lines:
            others = tuple(one for one in lines if one is not line)
            yield [*steps[:place], (operation, others), *steps[place + 1 :]]
            if (plain := _MOMENT.sub("", line)) != line:
                yield [*steps[:place], (operation, (*others, plain)), *steps[place + 1 :]]
    yield from _plainer(steps)


def _plainer(steps: Sequence[Step]) -> Iterator[Sequence[Step]]:
    """The same steps with shorter contents, with plain names, and with files that are there instead of uploads."""
    for place, (operation, lines) in enumerate(steps[:-1]):
        if operation.method in ("upload", "resume_upload") and not lines:
            yield [*steps[:place], (replace(operation, method="store"), ()), *steps[place + 1 :]]
    longest = max((len(operation.data) for operation, _ in steps), default=0)
    for size in _SIZES:
        for stored in (size, size // 2):  # the part of a transfer that is resumed
            if size < longest:
                yield [(_cut(operation, size, stored), lines) for operation, lines in steps]
    used = {path for operation, _ in steps for path in (operation.path, operation.target)}
    if _PLAIN not in used:
        for path in sorted(used & {*_PATHS}):
            yield [(_renamed(operation, path), lines) for operation, lines in steps]


def _cut(operation: Operation, size: int, stored: int) -> Operation:
    limit = stored if operation.method == "store" else size
    return replace(operation, data=operation.data[:limit], begin=operation.begin[: size // 2])


def _renamed(operation: Operation, path: str) -> Operation:
    plain = {path: _PLAIN}
    return replace(
        operation,
        path=plain.get(operation.path, operation.path),
        target=plain.get(operation.target, operation.target),
    )


def _repeated(plan: Plan, steps: Sequence[Step], verdict: str) -> tuple[str | None, Sequence[Step]]:
    """The text of a run with these steps if it has this verdict, and the steps that it took."""
    run = Run(plan)
    try:
        for operation, lines in steps:
            if not run.can(operation) or run.do(operation, lines) is not None:
                break
        done = run.steps.copy()
        if len(done) == len(steps):
            run.finish()
        is_same = run.finding is not None and run.finding.verdict == verdict
        return run.text() if is_same else None, done
    finally:
        run.end()
