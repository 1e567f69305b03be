"""The form of a listing does not depend on its entries."""

from __future__ import annotations

from ftpfixture.recording.shape import shape_of
from tests.support.rows import table


@table(
    ("verb", "content", "shape"),
    [
        ("LIST", b"", ""),
        ("LIST", b"total 0\r\n", ""),
        ("LIST", b"total 1\r\n-rw-r--r-- 1 ftp ftp 8 Jan 1 2020 a\r\n", "an entry of a Unix listing"),
        ("LIST", b"02-01-20  10:00AM  8 a\nwhat\n", "an entry of an MS-DOS listing and unknown"),
        ("MLSD", b"", ""),
        ("MLSD", b"Size=8;type=file; a\r\ntype=dir; b\r\n", "facts size type"),
        ("MLSD", b"no facts\r\n", "facts unknown"),
        ("NLST", b"", ""),
        ("NLST", b"a\xff\r\nb\r\n", "names"),
        ("NLST", b"/d/a\r\n", "names with a directory"),
    ],
)
def test_the_form(verb: str, content: bytes, shape: str) -> None:
    """It has the format of the lines, the facts of MLSD, the directory of NLST."""
    assert shape_of(verb, content) == shape
