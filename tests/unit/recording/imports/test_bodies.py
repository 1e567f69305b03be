"""The bytes of data connections that a log does not have."""

from __future__ import annotations

import pytest

from ftpfixture.recording.imports import bodies
from ftpfixture.recording.imports.bodies import body_of
from ftpfixture.recording.imports.items import Shown
from ftpfixture.recording.imports.session import Transfer
from ftpfixture.wire.listing import read_listing


def _transfer(verb: str, size: int | None, *shown: str) -> Transfer:
    lines = [Shown(number=number, text=text) for number, text in enumerate(shown, 1)]
    return Transfer(1, verb, True, "S", 0, False, whole=size, shown=lines)


def test_generated_bytes_have_the_size() -> None:
    """A file is repeated text; a listing has whole lines that are entries, from the size of one on."""
    for size in (0, 1, 2, 11, 100, 4097):
        for verb in ("RETR", "STOR", "LIST", "NLST", "MLSD"):
            body = body_of(_transfer(verb, size))
            assert len(body.content) == size, verb
            assert body.generated is bool(size)
    for verb in ("LIST", "MLSD"):
        for size in (90, 143, 150, 1000, 10_000):
            reading = read_listing(body_of(_transfer(verb, size)).content.decode().split("\r\n")[:-1], now=0)
            assert reading.entries
            assert not reading.unread


def test_an_unknown_size_is_reported() -> None:
    """Then the data are empty."""
    body = body_of(_transfer("RETR", None))
    assert (body.content, body.generated) == (b"", True)
    assert body.remark == "the log has neither the data of RETR nor its size: it is empty"


def test_a_size_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than `LARGEST` bytes are generated, and the remark has both numbers."""
    monkeypatch.setattr(bodies, "LARGEST", 100)
    body = body_of(_transfer("STOR", 12345))
    assert len(body.content) == 100
    assert body.remark == (
        "the log does not have this upload: 100 bytes were generated, of 12345: more are not generated"
    )


def test_lines_that_are_shown() -> None:
    """Lines of a listing are its content; others only when they have the size of the data."""
    line = "-rw-r--r-- 1 a b 8 Jan  1  2020 a.csv"
    body = body_of(_transfer("LIST", None, line, "my own output"))
    assert (body.content, [row.text for row in body.unread]) == (f"{line}\r\n".encode(), ["my own output"])
    assert body_of(_transfer("LIST", len(line) + 1, line)).content == f"{line}\n".encode()
    assert "39 bytes of this listing, and names 500" in body_of(_transfer("LIST", 500, line)).remark

    assert body_of(_transfer("NLST", 6, "a", "b")).content == b"a\r\nb\r\n"
    other = body_of(_transfer("NLST", 7, "a", "b"))
    assert other.generated
    assert [row.text for row in other.unread] == ["a", "b"]
