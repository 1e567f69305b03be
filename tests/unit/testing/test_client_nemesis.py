"""The faults of check_client: every line can happen, and none is drawn that the client cannot notice."""

from __future__ import annotations

from ftpfixture import FtpServer
from ftpfixture.testing.client_nemesis import NOTICES, Nemesis, Row
from tests.support.rows import check_rows

EVERYTHING = Nemesis(tuple(NOTICES))
OPERATIONS = ("upload", "resume_upload", "download", "resume_download", "rename", "delete", "mkdir", "list", "close")


def lines(nemesis: Nemesis, operation: str, *sent: str) -> set[str]:
    """The lines for an operation."""
    return {row.line for rows in nemesis.lines(operation, sent).values() for row in rows}


def test_a_server_takes_every_line() -> None:
    """All lines of all operations are faults that can happen."""
    found = set().union(*(lines(EVERYTHING, operation, *["NOOP"] * 30) for operation in OPERATIONS))
    with FtpServer(simulate=True) as server:
        check_rows(sorted(found), server.faults.add)
        server.faults.clear()

    assert len(found) > 1000
    assert not any("{" in line for line in found)


def test_every_operation_has_faults_of_every_group() -> None:
    """Each can be broken in silence, half done, and otherwise."""
    for operation in OPERATIONS:
        words = set(EVERYTHING.lines(operation, ()))
        assert all(words & set(group) for group in EVERYTHING.words), operation


def test_what_a_client_does_not_notice_is_left_out() -> None:
    """Without a means, its words and lines are left out, and named."""
    nothing = Nemesis(())

    assert nothing.left_out["truncate"] == "size"
    assert nothing.left_out["garble_data"] == "checksum"
    assert nothing.left_out["repeat_reply"] == "stray"
    assert nothing.left_out["REST: answer 350 Restarting"] == "size"
    assert not any("truncate" in line for line in lines(nothing, "download", "RETR"))
    assert not nothing.spoiling
    assert any("truncate" in line for line in lines(Nemesis(("size",)), "download", "RETR"))
    assert Nemesis((), leave_out=["stall"]).left_out["stall"] == "leave_out"


def test_the_verbs_that_are_sent_decide() -> None:
    """A rename that is a copy can be disturbed like a transfer; faults at any command have numbers that are reached."""
    assert "RETR: drop_data at=50%" not in lines(EVERYTHING, "rename", "RNFR", "RNTO")
    assert "RETR: drop_data at=50%" in lines(EVERYTHING, "rename", "RETR", "STOR", "DELE")
    assert "DELE: ignore" in lines(EVERYTHING, "rename", "RETR", "STOR", "DELE")
    assert "* #20: stall" not in lines(EVERYTHING, "delete", "DELE")
    assert "* #20: stall" in lines(EVERYTHING, "delete", *["DELE"] * 18)


def test_lines_of_the_user() -> None:
    """They are for operations that send their verb."""
    own = Nemesis((), more=["RETR: slice_data 2", "*: delay 1"])

    assert "RETR: slice_data 2" in lines(own, "download", "RETR")
    assert "RETR: slice_data 2" not in lines(own, "delete", "DELE")
    assert "*: delay 1" in lines(own, "delete", "DELE")
    assert own.words[0][:2] == ["RETR: slice_data 2", "*: delay 1"]


def test_pauses() -> None:
    """Delays last as long as they are told."""
    assert {"MKD: delay 0.5", "MKD: delay 9"} <= lines(Nemesis((), pause=(0.5, 9)), "mkdir")


def test_faults_that_go_together() -> None:
    """What needs SIZE to be noticed does not happen together with what takes SIZE away."""
    plain, silent = Row((), "a", "a"), Row((), "b", "b", needs="size")
    blinding, lonely = Row((), "c", "c", blinds=True), Row((), "d", "d", alone=True)

    assert plain.goes_with(silent)
    assert silent.goes_with(silent)
    assert not silent.goes_with(blinding)
    assert not blinding.goes_with(silent)
    assert not lonely.goes_with(plain)
    assert not plain.goes_with(lonely)
