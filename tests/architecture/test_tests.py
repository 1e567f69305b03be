"""Rules for the tests themselves: few cases a function, and the helpers for that."""

from __future__ import annotations

from collections import Counter
from random import Random
from types import SimpleNamespace
from typing import cast

import pytest

from ftpfixture import on
from tests.support.pairwise import effect, needed, pairwise
from tests.support.rows import check_rows, table

MOST = 60
"""Cases of a function that always run: a table of pure code is one test; pairs are enough of combinations."""


def test_no_function_has_too_many_cases(request: pytest.FixtureRequest) -> None:
    """No test that was collected in this run has more cases than the limit."""
    marked = ("exhaustive", "ftp_point")  # a sweep is one test, and its map is what is reviewed
    always = [item for item in request.session.items if not any(map(item.get_closest_marker, marked))]
    functions = Counter(item.nodeid.partition("[")[0] for item in always)

    assert [f"{name} has {count} cases" for name, count in functions.items() if count > MOST] == []


def test_pairs() -> None:
    """Pairwise rows of a product of three cover every pair, with little more rows than the two longest have pairs."""
    rows = [frozenset({("a", a), ("b", b), ("c", c)}) for a in range(4) for b in range(3) for c in range(3)]
    pairs = [frozenset((one, two) for one in row for two in row if one < two) for row in rows]

    chosen = pairwise(pairs)

    assert len(chosen) <= 15
    assert frozenset().union(*(pairs[index] for index in chosen)) == frozenset().union(*pairs)
    assert chosen == sorted(set(chosen))


def test_what_adds_nothing_is_left_out() -> None:
    """A case is chosen only if it covers something that no other chosen case covers."""
    assert pairwise([frozenset("ab"), frozenset("a"), frozenset("bc")]) == [0, 2]
    assert pairwise([]) == []


def test_the_choice_is_the_same_in_every_run() -> None:
    """pytest-randomly shuffles the cases of a test; the choice of those that always run does not depend on that."""

    def case(**values: int) -> pytest.Function:
        callspec = SimpleNamespace(params=values, indices=values)
        return cast(pytest.Function, SimpleNamespace(callspec=callspec, get_closest_marker=lambda _: None))

    cases = [case(a=a, b=b, c=c) for a in range(4) for b in range(3) for c in range(2)]
    chosen = needed(cases)

    assert 12 <= len(chosen) < len(cases)
    for seed in range(20):
        assert needed(Random(seed).sample(cases, len(cases))) == chosen


@table(
    ("value", "expected"),
    [
        ("RETR: stall after_bytes=10", ("stall after_bytes=",)),
        ("RETR: stall after_bytes=99", ("stall after_bytes=",)),
        ("stall phase=before_reply", ("stall phase=before_reply",)),
        ("PASV|EPSV #1,2: reply 200 Fine", ("reply",)),
        ("RETR: preliminary 125 a; reply 250 b", ("preliminary", "reply")),
        (on("CWD").answer(550), ("answer",)),
        (("get", "RETR: close", 7), ("close",)),
        ("RETR a.txt", ()),
        ("clear", ()),
        ("stalling", ()),
        (7, ()),
        (("get", 7), ()),
    ],
)
def test_effects(value: object, expected: tuple[str, ...]) -> None:
    """Faults that act in the same way at the same moment have one effect, and other values have none."""
    assert effect(value) == expected


def test_wrong_rows() -> None:
    """The check of a table reports all wrong rows, and a table without rows is wrong itself."""

    def check(row: int) -> None:
        assert row < 2

    check_rows([0, 1], check)
    with pytest.raises(AssertionError, match=r"2 of 4 rows are wrong:\s+2: [^\n]*\s+7: "):
        check_rows([0, 2, 7, 1], check)
    with pytest.raises(AssertionError, match="no rows"):
        check_rows([], check)


def test_an_exception_names_its_row() -> None:
    """An exception other than a failed check is raised, with a note that names the row."""
    with pytest.raises(ZeroDivisionError) as caught:
        check_rows([1, 0], lambda row: 1 / row)
    assert caught.value.__notes__ == ["in the row 0"]
