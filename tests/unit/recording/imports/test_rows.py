"""Pasted text as rows."""

from __future__ import annotations

import pytest

from ftpfixture.recording.imports.rows import Row, rows_of
from tests.support.rows import check_rows


@pytest.mark.parametrize(
    "log",
    [
        "> FEAT\n\n< 502 No\n",
        "> FEAT\r\n\r\n< 502 No\r\n",
        "    > FEAT\n\n    < 502 No",
        "&gt; FEAT\n\n&lt; 502 No",
        "\x1b[32m> FEAT\x1b[0m\n\n< 502 No",
        "12:00:01.123456 > FEAT\n\n12:00:01 < 502 No",
        "[2026-01-02T12:00:01Z] > FEAT\n\n[01.02.2026 12:00:01,5]: < 502 No",
        b"\xef\xbb\xbf> FEAT\n\n< 502 No",
        "> FEAT\n\n< 502 No".encode("utf-16"),
    ],
)
def test_what_a_paste_adds_is_taken_away(log: bytes | str) -> None:
    """Rows keep the numbers of their lines."""
    assert rows_of(log) == [Row(1, "> FEAT"), Row(3, "< 502 No")]


def test_quoting_is_taken_away_only_from_whole_logs() -> None:
    """The sign of a command is no quoting: all lines must have it; quoting may be nested."""

    def check(row: tuple[str, list[str]]) -> None:
        log, texts = row
        assert [row.text for row in rows_of(log)] == texts

    check_rows(
        [
            ("> > FEAT\n>\n> < 502 No", ["> FEAT", "< 502 No"]),
            ("> > > FEAT\n> > < 502 No", ["> FEAT", "< 502 No"]),
            (">> FEAT\n>< 502 No", ["> FEAT", "< 502 No"]),
            ("> FEAT\n< 502 No", ["> FEAT", "< 502 No"]),
            ("> FEAT", ["> FEAT"]),
            ("```\n> FEAT\n< 502 No\n```", ["> FEAT", "< 502 No"]),
        ],
        check,
    )


def test_a_line_that_is_drawn_again_is_several_rows() -> None:
    """A progress bar goes back to the beginning of the line; bytes that are not UTF-8 are read as Latin-1."""
    assert rows_of(b"10%\r20%\r< 220 \xe9\n") == [Row(1, "10%"), Row(1, "20%"), Row(1, "< 220 \xe9")]
    assert rows_of(" \n\t\n") == []
