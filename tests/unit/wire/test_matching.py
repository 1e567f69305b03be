"""The command that is nearest to a pattern."""

from __future__ import annotations

from ftpfixture import sent
from ftpfixture.wire.matching import fits_path, nearest
from tests.support.rows import table
from tests.unit.wire.test_patterns import Line


def test_nearest_has_a_verb_of_the_pattern() -> None:
    """A command with another verb is never the nearest, whatever its argument."""
    lines = [Line("STOR", "/in/a.csv"), Line("RETR", "/zzz"), Line("NOOP")]

    assert nearest(sent("RETR", path="/in/a.csv"), lines) == lines[1]
    assert nearest(sent("RETR|NOOP") | sent("SIZE"), lines) == lines[1]
    assert nearest(sent("PWD"), lines) is None
    assert nearest(sent("RETR"), []) is None


def test_nearest_has_the_most_similar_argument() -> None:
    """The argument counts as sent, and as the path that it means."""
    lines = [Line("RETR", "/other"), Line("RETR", "/in/b.csv"), Line("RETR", "b", path="/out/b.csv")]

    assert nearest(sent("RETR", path="/in/a.csv"), lines) == lines[1]
    assert nearest(sent("RETR", path="/out/a.csv"), lines) == lines[2]
    assert nearest(sent("RETR", argument="/out/c"), lines) == lines[0]


def test_nearest_has_the_fewest_differences() -> None:
    """Of commands with equally similar arguments the one with fewer differences is nearer, then the first."""
    lines = [Line("RETR", "/a", "550", session=2), Line("RETR", "/a", "550"), Line("RETR", "/a", "451")]

    assert nearest(sent("RETR", path="/a", reply=226, session=1), lines) is lines[1]


@table(
    ("wanted", "argument", "path", "fit"),
    [
        ("/out/", "out", "/out", True),
        ("/", "", "/", True),
        ("", "", "/", True),
        ("", "a", "/a", False),
        ("/", "a", "", False),
        ("/*", "", "", False),
        ("*", "", "", True),
        ("/out/a", "a", "/in/a", False),
    ],
)
def test_paths(wanted: str, argument: str, path: str, fit: bool) -> None:
    """A slash at the end of the wanted path does not count; a command without a path is matched as sent only."""
    assert fits_path(wanted, argument, path) is fit
