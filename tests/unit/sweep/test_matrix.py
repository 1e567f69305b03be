"""Outcomes as a matrix of text."""

from hypothesis import given
from hypothesis import strategies as st

from ftpfixture.sweep.kinds import KINDS
from ftpfixture.sweep.matrix import LETTERS, cell_letter, matrices, matrix_text
from ftpfixture.sweep.outcome import VERDICTS, Outcome


def _outcome(step: str, action: str, verdict: str = "recovered", test: str = "t", shown: str = "RETR /a") -> Outcome:
    return Outcome(test, f"{step}-{action}", step, shown, action, "f", verdict)


def test_a_matrix_as_text() -> None:
    """Columns in the order of the table, rows in that of the wire; a cell has its worst verdict."""
    outcomes = [
        _outcome("CONNECT.1", "connect-stall", "hung", shown="CONNECT"),
        _outcome("CONNECT.1", "connect-reset", "failed", shown="CONNECT"),
        _outcome("RETR.1", "data.half-truncate", "wrong"),
        _outcome("RETR.1", "data.half-truncate-forever", "failed"),
        _outcome("RETR.1", "command-reset", "lost-work"),
        _outcome("RETR.1-data.half-truncate~REST.1", "command-reset", "leaked", shown="REST 5"),
        Outcome("t", "clean", "", "", "", "", "recovered"),
    ]
    [matrix] = matrices(outcomes)
    assert matrix_text(matrix, 60) == [
        "                                    1234",
        "CONNECT.1                           fH..",
        "RETR.1 /a                           ..lW",
        "REST.1 after RETR.1-data.half-tru…  ..L.",
        "1 connect-reset       2 connect-stall",
        "3 command-reset       4 data.half-truncate",
        "f failed 2, l lost-work 1, W wrong 1, H hung 1, L leaked 1",
    ]
    assert matrix.counts() == {"failed": 2, "lost-work": 1, "wrong": 1, "hung": 1, "leaked": 1}


def test_letters() -> None:
    """Each verdict has its own; those that fail are capitals."""
    assert len(set(LETTERS.values())) == len(VERDICTS) == len(LETTERS)
    assert cell_letter(()) == "."


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["RETR.1", "s2.STOR.3", "CONNECT.1"]), st.sampled_from(KINDS), st.sampled_from([*VERDICTS])
        ),
        max_size=60,
    ),
    st.integers(60, 140),
    st.text(max_size=80),
)
def test_every_point_is_in_one_cell(rows: list[tuple[str, object, str]], width: int, shown: str) -> None:
    """No line is wider than asked for, whatever a client has sent."""
    outcomes = [_outcome(step, kind.action, verdict, shown=f"RETR {shown}") for step, kind, verdict in rows]  # type: ignore[attr-defined]
    for matrix in matrices(outcomes):
        assert sorted(map(id, matrix.outcomes)) == sorted(map(id, outcomes))
        lines = matrix_text(matrix, width)
        assert max(map(len, lines)) <= max(width, 100)
        assert all(line.isprintable() for line in lines)


def test_each_test_has_its_matrix() -> None:
    """In the order of the outcomes."""
    found = matrices([_outcome("A.1", "x", test="b"), _outcome("A.1", "x", test="a"), _outcome("B.1", "x", test="b")])
    assert [(matrix.test, list(matrix.steps)) for matrix in found] == [("b", ["A.1", "B.1"]), ("a", ["A.1"])]
