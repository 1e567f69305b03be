"""The bytes of transfers that a log keeps."""

from __future__ import annotations

import hashlib

import pytest

from ftpfixture.errors import ServerStateError
from ftpfixture.log import retention
from ftpfixture.log.records import TransferRecord
from tests.support.story import Story


def _held(transfer: TransferRecord) -> bool:
    assert transfer._payload is not None
    return bool(transfer._payload.buffers())


def test_bytes_are_kept_up_to_the_limit(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit the oldest transfers are hashed and their bytes released; the digest stays right."""
    monkeypatch.setattr(retention, "CONTENT_LIMIT", 10)
    story.connect()
    transfers = [story.transfer(f"RETR /{letter}", letter.encode() * 6) for letter in "abc"]
    # The newest is never released because of its own size: a test may be about to read its digest.
    assert [_held(transfer) for transfer in transfers] == [False, False, True]

    assert [transfer.sha256 for transfer in transfers] == [
        hashlib.sha256(letter * 6).hexdigest() for letter in (b"a", b"b", b"c")
    ]


def test_a_large_transfer_is_released_in_small_pieces(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """With each piece that moves, some bytes to be released are hashed, so that no single step costs much."""
    monkeypatch.setattr(retention, "CONTENT_LIMIT", 10)
    monkeypatch.setattr(retention, "HASHED_AT_ONCE", 30)
    story.connect()
    large = story.transfer("RETR /large", b"x" * 100)
    held = []
    for number in range(3):
        story.transfer(f"RETR /{number}", b"y" * 6)
        held.append(_held(large))

    assert held == [True, True, False]
    assert large.sha256 == hashlib.sha256(b"x" * 100).hexdigest()


def test_bytes_within_the_limit_are_kept(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the limit no transfer is hashed before its digest is read."""
    monkeypatch.setattr(retention, "CONTENT_LIMIT", 12)
    story.connect()
    transfers = [story.transfer(f"RETR /{letter}", letter.encode() * 6) for letter in "ab"]

    assert [_held(transfer) for transfer in transfers] == [True, True]


def test_a_file_that_is_sent_often_counts_once(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """Transfers of one stored file share its bytes, so any number of them stays within the limit."""
    monkeypatch.setattr(retention, "CONTENT_LIMIT", 10)
    stored = b"x" * 8
    story.connect()
    other = story.transfer("RETR /y", b"y")

    transfers = [story.transfer("RETR /x", memoryview(stored)) for _ in range(5)]

    assert all(_held(transfer) for transfer in (other, *transfers))


def test_release_skips_shared_buffers(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """The release of a transfer whose bytes another one holds frees nothing: the next one is released."""
    monkeypatch.setattr(retention, "CONTENT_LIMIT", 15)
    stored = b"x" * 8
    story.connect()
    shared = [story.transfer("RETR /x", memoryview(stored)) for _ in range(2)]
    alone = story.transfer("RETR /y", b"y" * 6)

    newest = story.transfer("RETR /z", b"z" * 5)

    assert [_held(transfer) for transfer in (*shared, alone, newest)] == [True, True, False, True]


def test_the_limit_is_named_where_the_bytes_are_gone(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """`content` of an old transfer is an error with the known values; an earlier read of the digest changes nothing."""
    monkeypatch.setattr(retention, "CONTENT_LIMIT", 10)
    story.connect()
    old = story.transfer("RETR /a", b"a" * 6)
    assert old.sha256 == hashlib.sha256(b"a" * 6).hexdigest()
    assert old.content == b"a" * 6

    new = story.transfer("RETR /b", b"b" * 20)

    assert (new.content, old.kept_content) == (b"b" * 20, None)
    with pytest.raises(ServerStateError, match=r"^the log has released the 6 bytes of /a: .* compare size and sha256"):
        _ = old.content
    assert old.sha256 == hashlib.sha256(b"a" * 6).hexdigest()
