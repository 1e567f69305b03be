"""Faults that depend on what is there: they ask, and leave alone what they are not about."""

from __future__ import annotations

from ftpfixture.faults.armed import Armed
from ftpfixture.faults.grammar import parse
from tests.support.playbook import Play, play


def test_only_what_is_missing_is_an_empty_directory() -> None:
    """Leading flags are no part of the path; a fault that had nothing to do is there for the next command."""
    stage = Play([Armed(parse("LIST times=1: missing_as_empty"))])

    assert stage.perform("LIST a") == ["exists a as a pattern", "do LIST a"]
    assert stage.perform("LIST") == ["exists  as a pattern", "do LIST"]
    assert stage.perform("LIST -la") == ["exists  as a pattern", "do LIST -la"]
    assert stage.perform("LIST -l -R missing-a b") == [
        "exists missing-a b as a pattern",
        "fired",
        "use path_io",
        "do LIST missing-a b",
    ]
    assert stage.perform("LIST missing") == ["do LIST missing"]


def test_nobody_knows_what_is_missing_before_the_login() -> None:
    """The command is refused for that, and the fault has not happened."""
    assert play("NLST: missing_as_empty", "NLST missing", known=False) == [
        ["exists missing as a pattern", "do NLST missing"]
    ]
