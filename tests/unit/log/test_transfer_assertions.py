"""Assertions on transferred files: what passes, and the text of failures."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

from ftpfixture.errors import ConfigurationError, PathIsNotAbsolute
from ftpfixture.log import CommandLog
from tests.support.story import Story, failure_of, payload_of


def failure_lines(check: Callable[[], object]) -> list[str]:
    """Return the lines of a failure above the dialogue."""
    return failure_of(check).partition("\n\n")[0].splitlines()


def aborted(story: Story, line: str, piece: bytes, session: int = 1) -> None:
    """A transfer that ends with 426."""
    number = story.command(line, session)
    verb, _, path = line.partition(" ")
    story.open(number, path, verb, session)
    story.move(number, len(piece), session)
    story.shut(number, payload_of(piece), completed=False, error="Connection reset by peer", session=session)
    story.reply("426", to=number, session=session)


# One transfer.


def test_a_transfer_that_fits(story: Story) -> None:
    """The first that fits in all fields is returned; a path may be a pattern."""
    story.login()
    other = story.transfer("STOR /in/a.csv", b"1,2\n")
    record = story.transfer("STOR /in/b.csv", b"3,4\n")

    log = story.log
    assert log.assert_transferred("/in/b.csv") is record
    assert log.assert_transferred("/in/*.csv") is other
    assert log.assert_transferred(
        "/in/*.csv",
        direction="upload",
        content=b"3,4\n",
        size=4,
        sha256=hashlib.sha256(b"3,4\n").hexdigest().upper(),
        mode="passive",
        type="I",
        encrypted=False,
        offset=0,
        session=1,
    ) is record  # fmt: skip


def test_a_transfer_that_does_not_fit(story: Story) -> None:
    """The text has the nearest transfer and every field that differs."""
    story.login()
    story.transfer("STOR /in/b.csv", b"3,4\n")
    story.transfer("STOR /in/a.csv", b"1,2\n")

    text = failure_lines(
        lambda: story.log.assert_transferred(
            "/in/a.csv", direction="download", content=b"1,3\n", mode="active", type="A", encrypted=True, offset=7
        )
    )

    assert text == [
        "expected a transfer of /in/a.csv, direction download, content 4 bytes, mode active, type A, encrypted True, "
        "offset 7",
        "nearest: 3.500 passive upload of /in/a.csv (STOR): 4 bytes, complete (session 1), but",
        "    the direction is upload, not download",
        "    the mode is passive, not active",
        "    the type is I, not A",
        "    the offset is 0, not 7",
        "    it was in clear, not encrypted",
        "    the content differs at byte 2: b'2\\n', expected b'3\\n' (4 bytes, expected 4)",
    ]


def test_the_nearest_transfer_has_the_path(story: Story) -> None:
    """A transfer of the path that differs in much is nearer than one of another path that differs in nothing."""
    story.login()
    story.transfer("RETR /b", b"1")
    story.transfer("STOR /a", b"22")

    text = failure_lines(lambda: story.log.assert_transferred("/a", direction="download", size=1))

    assert text[1].startswith("nearest: 3.500 passive upload of /a (STOR): 2 bytes")


def test_an_aborted_or_running_transfer_is_none(story: Story) -> None:
    """Neither counts, and the text has the reason."""
    story.login()
    aborted(story, "RETR /a", b"12")
    assert failure_lines(lambda: story.log.assert_transferred("/a"))[-1] == "    it was aborted"
    number = story.command("RETR /b")
    story.open(number, "/b")

    assert (
        failure_lines(lambda: story.log.assert_transferred("/b"))[-1]
        == "    it still runs: call server.wait_idle() first"
    )


def test_listings_are_no_files(story: Story) -> None:
    """A listing of a directory is no transfer of it."""
    story.login()
    story.transfer("LIST /in", b"")

    assert failure_lines(lambda: story.log.assert_transferred("/in")) == [
        "expected a transfer of /in; no file was transferred"
    ]


def test_a_digest_is_compared_when_the_bytes_are_gone(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """Content is compared by its digest where the log has released the bytes; a difference has no place then."""
    monkeypatch.setattr("ftpfixture.log.retention.CONTENT_LIMIT", 3)
    story.login()
    story.transfer("STOR /a", b"1234")
    story.transfer("STOR /b", b"5678")

    story.log.assert_transferred("/a", content=b"1234")

    digest = hashlib.sha256(b"1234").hexdigest()
    assert failure_lines(lambda: story.log.assert_transferred("/a", content=b"12"))[-1] == (
        f"    the content differs: 4 bytes with sha256 {digest}, expected 2 bytes"
    )


@pytest.mark.parametrize(
    ("check", "reason"),
    [
        (lambda log: log.assert_transferred("a.csv"), "did you mean '/a.csv'"),
        (lambda log: log.assert_transferred(b"/a"), "path takes an absolute path"),
        (lambda log: log.assert_transferred("/a", content="1"), "content takes bytes, such as"),
        (lambda log: log.assert_transferred("/a", direction="up"), "direction takes one of upload, download"),
        (lambda log: log.assert_transferred("/a", mode="PASV"), "mode takes one of passive, active"),
        (lambda log: log.assert_transferred("/a", type="binary"), "type takes one of A, I"),
        (lambda log: log.assert_transferred("/a", sha256="abc"), "sha256 takes 64 hexadecimal digits"),
        (lambda log: log.assert_transferred("/a", encrypted="no"), "encrypted takes True or False"),
        (lambda log: log.assert_transferred("/a", size=-1), "size takes a whole number of bytes, 0 or more"),
        (lambda log: log.assert_transferred("/a", size=1, content=b"12"), "size is 1, but content has 2 bytes"),
        (lambda log: log.assert_transferred("/a", session=7), "there is no session 7"),
        (lambda log: log.assert_uploads({}), r"expects nothing: assert_not_sent\('UPLOADS'\)"),
        (lambda log: log.assert_downloads({}), r"expects nothing: assert_not_sent\('DOWNLOADS'\)"),
        (lambda log: log.assert_uploads(["/a"]), "takes a mapping from absolute path to bytes, not"),
        (lambda log: log.assert_uploads({"/a": "1"}), "content of /a takes bytes"),
        (lambda log: log.assert_uploads({"/a": None}), "content of /a takes bytes"),
        (lambda log: log.assert_uploads({"a": b"1"}), "did you mean '/a'"),
        (lambda log: log.assert_no_path_transferred_twice(session=7), "there is no session 7"),
        (lambda log: log.assert_uploads({"/a": b"1"}, session=7), "there is no session 7"),
    ],
)
def test_wrong_arguments_are_errors(story: Story, check: Callable[[CommandLog], object], reason: str) -> None:
    """A wrong argument is no failed assertion; the error has the valid ones."""
    story.login()
    story.transfer("STOR /a", b"1")

    with pytest.raises((ConfigurationError, PathIsNotAbsolute), match=reason):
        check(story.log)


# All of one direction.


def test_all_uploads(story: Story) -> None:
    """Each expected file has one complete upload; an attempt that was aborted before does not count."""
    story.login()
    aborted(story, "STOR /a", b"1")
    story.transfer("STOR /a", b"12")
    story.transfer("APPE /b", b"")
    story.transfer("RETR /c", b"3")

    story.log.assert_uploads({"/a": b"12", "/b": b""})
    story.log.assert_downloads({"/c": b"3"})


def test_all_that_differs_of_uploads(story: Story) -> None:
    """The text has the missing files, the unexpected ones, and those with another content."""
    story.login()
    story.transfer("STOR /a", b"12")
    story.transfer("STOR /b", b"3")
    story.transfer("STOR /b", b"3")
    aborted(story, "STOR /c", b"4")
    story.transfer("STOR /e", b"5")
    expected = {"/a": b"123", "/b": b"3", "/c": b"4", "/d": b"5"}

    assert failure_lines(lambda: story.log.assert_uploads(expected)) == [
        "expected the uploads /a, /b, /c, /d; 6 differ:",
        "    /d: no upload",
        "    2.000 passive upload of /a (STOR): 2 bytes, complete (session 1): "
        "the content differs at byte 2: the end, expected b'3' (2 bytes, expected 3)",
        "    expected once: 3.500 passive upload of /b (STOR): 1 bytes, complete (session 1)",
        "    expected once: 5.000 passive upload of /b (STOR): 1 bytes, complete (session 1)",
        "    expected once: 6.500 passive upload of /c (STOR): 1 bytes, aborted: Connection reset by peer (session 1)",
        "    not expected: 8.000 passive upload of /e (STOR): 1 bytes, complete (session 1)",
    ]


def test_uploads_of_one_session(story: Story) -> None:
    """With `session` only its transfers count."""
    story.login(1)
    story.login(2)
    story.transfer("STOR /a", b"1", session=1)
    story.transfer("STOR /b", b"2", session=2)

    story.log.assert_uploads({"/b": b"2"}, session=2)


def test_no_path_twice(story: Story) -> None:
    """An upload and a download of a path may both be there; two complete ones of one direction fail."""
    story.login()
    assert failure_lines(story.log.assert_no_path_transferred_twice) == [
        "expected transfers, each path once; no file was transferred"
    ]
    aborted(story, "STOR /a", b"1")
    story.transfer("STOR /a", b"1")
    story.transfer("RETR /a", b"1")
    story.log.assert_no_path_transferred_twice()

    story.transfer("APPE /a", b"1")

    assert failure_lines(story.log.assert_no_path_transferred_twice) == [
        "expected each path to be transferred once; these were not:",
        "    3.500 passive upload of /a (STOR): 1 bytes, complete (session 1)",
        "    6.500 passive upload of /a (APPE): 1 bytes, complete (session 1)",
    ]
