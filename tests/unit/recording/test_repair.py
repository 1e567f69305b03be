"""The right sizes and digests for contents that were edited."""

from __future__ import annotations

from pathlib import Path

from ftpfixture.recording.format import Data, body_of, line_of
from ftpfixture.recording.repair import repair, repaired
from tests.support.rows import check_rows


def _line(content: bytes, placeholders: bool = False) -> bytes:
    data = Data(session=1, direction="down", number=1, type="I", end="eof", **body_of(content, placeholders))
    return line_of(data).removesuffix(b"\n")


def test_only_sizes_and_digests_change() -> None:
    """An edited content in any of its forms gets the line that it would have been recorded with; other lines stay."""

    def check(row: tuple[bytes, bytes]) -> None:
        edited, right = row
        assert repaired(edited) == right
        assert repaired(right) == right

    text, lines, binary, listing = (
        _line(b"one\n"),
        _line(b"one\r\n"),
        _line(b"\xff\x00\x01"),
        _line(b"{date_ls} a", True),
    )
    blob = _line(bytes(5000))
    check_rows(
        [
            (text.replace(b"one", b"two two"), _line(b"two two\n")),
            (lines.replace(b'"one"', b'"two","three"'), _line(b"two\r\nthree\r\n")),
            (binary.replace(b"/wAB", b"/wABAg=="), _line(b"\xff\x00\x01\x02")),
            (listing.replace(b" a", b" abc"), _line(b"{date_ls} abc", True)),
            (text, text),
            (blob, blob),
            (b"", b""),
            (b"no JSON", b"no JSON"),
            (b'{"s": 1, ">": "NOOP"}', b'{"s": 1, ">": "NOOP"}'),
            (text.replace(b'"text": "one\\n", ', b""), text.replace(b'"text": "one\\n", ', b"")),
        ],
        check,
    )


def test_a_file_without_mistakes_is_not_written(tmp_path: Path) -> None:
    """`repair` returns the numbers of the lines that it changed, and writes only then."""
    path = tmp_path / "a.ftp.jsonl"
    edited = _line(b"one\n").replace(b"one", b"two two")
    path.write_bytes(b"header\n" + edited + b"\n")
    assert repair(path) == [2]
    assert path.read_bytes() == b"header\n" + _line(b"two two\n") + b"\n"

    path.chmod(0o400)
    before = path.stat()
    assert repair(path) == []
    assert path.stat() == before
