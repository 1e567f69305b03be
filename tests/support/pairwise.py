"""Which cases of a test always run: those that together have every pair of values. The others are `exhaustive`.

Most mistakes show with one value, or where two meet; few need three. So of all combinations of a test's parameters
those are enough which together have each value of each parameter, and each two values of two parameters.

Values that do the same count as one when they meet others: faults that act in the same way at the same moment, whatever
they say, and the ways to TLS.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

import pytest

from ftpfixture import Fault, on

__all__ = ["effect", "mark_the_rest", "needed", "pairwise"]

_WORDS = frozenset(name for name in dir(on("NOOP")) if not name.startswith("_"))
_ACTION = re.compile(r"(?:(?P<commands>[A-Z*][^:]*): )?(?P<word>[a-z]\w*)(?P<values>.*)", re.DOTALL)
_MOMENT = re.compile(r"\b(?:phase=\w+|after_bytes=|at=)")

_PROTECTIONS = frozenset({"lab", "kind"})
"""Parameters for the encryption of connections."""

_TLS = frozenset({"explicit", "implicit", "TLSv1.2", "TLSv1.3"})


def pairwise(cases: Sequence[frozenset[Hashable]]) -> list[int]:
    """Which cases are enough to cover everything that any of them covers.

    Args:
        cases: What each covers. Of those that add as much as each other the one is taken that has the least of what
            was taken before, so that nothing is covered far more often than it must; if that is alike, too, the first.

    Returns:
        Their indices, in order.
    """
    missing: set[Hashable] = set().union(*cases)
    taken: Counter[Hashable] = Counter()
    chosen = []
    while missing:
        best = max(cases, key=lambda case: (len(case & missing), -sum(taken[part] for part in case)))
        chosen.append(cases.index(best))
        missing -= best
        taken.update(best)
    return sorted(chosen)


def effect(value: object) -> tuple[str, ...]:
    """What a fault does and when, whatever it says: the words of its actions, each with its moment.

    Args:
        value: A fault, be it text, with or without the commands it is for; or a row of a table that has one.

    Returns:
        Nothing for anything else.
    """
    return tuple(" ".join([action["word"], *_MOMENT.findall(action["values"])]) for action in _actions(value))


def _actions(value: object) -> list[re.Match[str]]:
    """The actions of a fault, taken apart."""
    if isinstance(value, tuple):
        return next(filter(None, map(_actions, value)), [])
    if not isinstance(value, Fault | str):
        return []
    actions = [match for text in str(value).split("; ") if (match := _ACTION.fullmatch(text))]
    return actions if all(action["word"] in _WORDS for action in actions) else []


def mark_the_rest(items: Iterable[pytest.Item]) -> None:
    """Mark as `exhaustive` the cases of each test that are not needed to have every pair of values."""
    tests: dict[Hashable, list[pytest.Function]] = defaultdict(list)
    for item in items:
        if isinstance(item, pytest.Function) and hasattr(item, "callspec"):
            tests[item.parent, item.originalname].append(item)
    for cases in tests.values():
        for case in set(cases).difference(needed(cases)):
            case.add_marker(pytest.mark.exhaustive)


def needed(cases: Iterable[pytest.Function]) -> list[pytest.Function]:
    """Those cases of a test that have every pair of values: the same in every run, whatever order they come in."""
    in_order = sorted(cases, key=lambda case: sorted(case.callspec.indices.items()))
    return [in_order[index] for index in pairwise([*_covered(in_order)])]


def _covered(cases: Sequence[pytest.Function]) -> Iterator[frozenset[Hashable]]:
    """What each case of a test covers: its values, and pairs of what these do.

    A test with the marker `each_once` needs each value once, in any company; of faults that do the same it needs one,
    and one for each command.
    """
    params = [case.callspec.params for case in cases]
    groups = _independent({name: [_key(case[name]) for case in params] for name in params[0]})
    is_short = cases[0].get_closest_marker("each_once") is not None
    for case in params:
        values = [(group[0], _key(case[group[0]])) for group in groups]
        kinds = [(group[0], _kind(case, group)) for group in groups]
        if is_short:
            commands = [action["commands"] for group in groups for action in _actions(case[group[0]])]
            yield frozenset([*kinds, *commands, *(value for value in values if value[0] in _PROTECTIONS)])
        else:
            yield frozenset([*values, *itertools.combinations(kinds, 2)])


def _independent(keys: Mapping[str, Sequence[Hashable]]) -> list[list[str]]:
    """The parameters of a test, each with those of the same `parametrize`."""
    groups: list[list[str]] = []
    for name in sorted(keys, key=lambda name: -len({*keys[name]})):
        for group in groups:
            if len({*zip(keys[group[0]], keys[name], strict=True)}) == len({*keys[group[0]]}):
                group.append(name)
                break
        else:
            groups.append([name])
    return groups


def _key(value: object) -> Hashable:
    """The identity of a value; equal values may differ, such as 1 and True."""
    try:
        hash(value)
    except TypeError:
        return id(value)
    return type(value), value


def _kind(case: Mapping[str, object], group: Sequence[str]) -> Hashable:
    """What the value of a parameter does, or that of one that follows from it."""
    if group[0] in _PROTECTIONS and case[group[0]] in _TLS:
        return "TLS"
    return next(filter(None, (effect(case[name]) for name in group)), None) or _key(case[group[0]])
