"""Uploads under another name that were renamed, and those that were not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ftpfixture.errors import PathIsNotAbsolute
from tests.support.story import Story, failure_of, payload_of


def failure_lines(check: Callable[[], object]) -> list[str]:
    """Return the lines of a failure above the dialogue."""
    return failure_of(check).partition("\n\n")[0].splitlines()


def rename(story: Story, source: str, target: str, session: int = 1, code: str = "250") -> None:
    """A client renames a file."""
    story.say(f"RNFR {source}", "350", session)
    story.say(f"RNTO {target}", code, session)


def test_uploads_that_are_renamed(story: Story) -> None:
    """Their final names are returned; `suffix` checks the first name, and the rename may be in another session."""
    story.login(1)
    story.transfer("STOR /in/a.csv.tmp", b"1")
    rename(story, "/in/a.csv.tmp", "/in/a.csv")
    story.transfer("STOR /in/b.csv.tmp", b"2")
    story.disconnect(1)
    story.login(2)
    rename(story, "/in/b.csv.tmp", "/in/b.csv", 2)

    log = story.log
    assert log.assert_uploaded_atomically() == ["/in/a.csv", "/in/b.csv"]
    assert log.assert_uploaded_atomically(suffix=".tmp") == ["/in/a.csv", "/in/b.csv"]
    assert log.assert_uploaded_atomically("/in/b.csv") == ["/in/b.csv"]
    assert log.assert_uploaded_atomically("/in/*", suffix=".tmp") == ["/in/a.csv", "/in/b.csv"]
    with pytest.raises(AssertionError, match=r"first name does not end with '\.part'"):
        log.assert_uploaded_atomically(suffix=".part")


def test_an_upload_straight_to_its_name_fails(story: Story) -> None:
    """It was never renamed, or another upload was renamed to its name; the text has each."""
    story.login()
    story.transfer("STOR /a", b"1")
    story.transfer("STOR /b.tmp", b"2")
    rename(story, "/b.tmp", "/b")
    story.transfer("STOR /b", b"3")
    story.transfer("STOR /c.tmp", b"4")
    rename(story, "/c.tmp", "/c", code="550")

    assert failure_lines(story.log.assert_uploaded_atomically) == [
        "expected uploads under another name, then RNTO; 3 differ:",
        "    2.000 passive upload of /a (STOR): 1 bytes, complete (session 1): never renamed",
        "    6.000 passive upload of /b (STOR): 1 bytes, complete (session 1): under the final name",
        "    7.500 passive upload of /c.tmp (STOR): 1 bytes, complete (session 1): never renamed",
    ]
    assert failure_lines(lambda: story.log.assert_uploaded_atomically("/a")) == [
        "expected uploads of /a under another name, then RNTO; 1 differ:",
        "    2.000 passive upload of /a (STOR): 1 bytes, complete (session 1): never renamed",
    ]


def test_a_rename_before_the_upload_does_not_count(story: Story) -> None:
    """A file of the same name that was renamed earlier is another one."""
    story.login()
    rename(story, "/a.tmp", "/old")
    story.transfer("STOR /a.tmp", b"1")

    assert failure_lines(story.log.assert_uploaded_atomically)[-1].endswith(": never renamed")


def test_no_upload_fails(story: Story) -> None:
    """Neither a download nor an aborted upload is one; a relative path is an error."""
    story.login()
    story.transfer("RETR /a", b"1")
    number = story.command("STOR /b.tmp")
    story.open(number, "/b.tmp", "STOR")
    story.shut(number, payload_of(), completed=False, error="aborted")
    story.reply("426", to=number)

    assert failure_lines(lambda: story.log.assert_uploaded_atomically("/b")) == [
        "expected uploads of /b under another name, then RNTO; there was no such upload"
    ]
    with pytest.raises(PathIsNotAbsolute, match="did you mean '/b'"):
        story.log.assert_uploaded_atomically("b")
