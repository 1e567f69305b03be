"""Faults that depend on whether a path exists."""

from __future__ import annotations

from ftpfixture.faults.active import ActiveFault
from ftpfixture.faults.grammar import parse
from tests.support.playbook import Play, play


def test_only_missing_paths_are_empty_directories() -> None:
    """Leading flags are not part of the path; a fault that changed nothing stays for the next command."""
    stage = Play([ActiveFault(parse("LIST times=1: missing_as_empty"))])

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


def test_before_the_login_nothing_is_known() -> None:
    """The command is refused by the server, and the fault has not happened."""
    assert play("NLST: missing_as_empty", "NLST missing", known=False) == [
        ["exists missing as a pattern", "do NLST missing"]
    ]


def test_only_existing_targets_are_refused() -> None:
    """A command without an argument is left to the server, and so is one with an unknown result."""
    stage = Play([ActiveFault(parse("MKD|RNTO|STOR times=2: refuse_if_exists 553 'It is there'"))])

    assert stage.perform("STOR missing") == ["exists missing", "do STOR missing"]
    assert stage.perform("MKD") == ["do MKD"]
    assert stage.perform("RNTO a b") == ["exists a b", "fired", "answer 553 It is there"]
    assert stage.perform("MKD a*") == ["exists a*", "fired", "answer 553 It is there"]
    assert stage.perform("STOR a") == ["do STOR a"]
    assert play("STOR: refuse_if_exists 553", "STOR a", known=False) == [["exists a", "do STOR a"]]
    assert play("STOR: not_implemented; refuse_if_exists 553", "STOR a") == [
        ["fired", "answer 502 Command not implemented"]
    ]


def test_commands_that_replace_nothing_are_not_refused() -> None:
    """APPE appends to a file, and STOU finds a new name."""
    for verb in ("APPE", "STOU", "DELE"):
        assert play("*: refuse_if_exists 553", f"{verb} a") == [[f"do {verb} a"]]
