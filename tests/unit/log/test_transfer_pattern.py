"""How the content of a transfer differs."""

from __future__ import annotations

from ftpfixture.log.payload import Payload
from ftpfixture.log.records import TransferRecord
from ftpfixture.log.transfer_pattern import TransferPattern, content_difference
from tests.support.rows import table
from tests.support.story import payload_of


def _transfer(content: bytes, transfer_type: str = "I") -> TransferRecord:
    payload: Payload = payload_of(content)
    return TransferRecord(
        1, "STOR", "upload", "/a", "passive", 0, transfer_type, 0, len(content), True, "", None, payload
    )


@table(
    "seen, wanted, transfer_type, text",
    [
        (b"", b"", "I", ""),
        (b"ab", b"ab", "I", ""),
        (b"abc", b"ab", "I", "the content differs at byte 2: b'c', expected the end (3 bytes, expected 2)"),
        (b"", b"ab", "I", "the content differs at byte 0: the end, expected b'ab' (0 bytes, expected 2)"),
        (b"axc", b"abc", "I", "the content differs at byte 1: b'xc', expected b'bc' (3 bytes, expected 3)"),
        (
            b"a\r\n",
            b"a\n",
            "A",
            "the content differs at byte 1: b'\\r\\n', expected b'\\n' (3 bytes, expected 2); "
            "with TYPE A lines end in \\r\\n on the wire",
        ),
        (b"a\r\n", b"a\n", "I", "the content differs at byte 1: b'\\r\\n', expected b'\\n' (3 bytes, expected 2)"),
    ],
)
def test_where_contents_differ(seen: bytes, wanted: bytes, transfer_type: str, text: str) -> None:
    """The text has the place, the bytes there on both sides, and both sizes; line ends of TYPE A are explained."""
    assert content_difference(_transfer(seen, transfer_type), wanted) == text


def test_a_pattern_as_text() -> None:
    """Content and digest are short."""
    pattern = TransferPattern.of("/a", content=b"12", sha256="0" * 64, encrypted=True)

    assert str(pattern) == "/a, content 2 bytes, sha256 00000000..., encrypted True"
