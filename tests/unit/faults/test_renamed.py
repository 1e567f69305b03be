"""Old words of faults: never accepted; the error names the new one, in text and in Python."""

import re

import pytest

from ftpfixture import ConfigurationError, on
from ftpfixture.faults.grammar import parse
from tests.support.rows import table

ROWS = [
    ("NOOP: off", "not_implemented"),
    ("RETR: opening 125", "preliminary"),
    ("RETR: no_opening", "no_preliminary"),
    ("NOOP: duplicate", "repeat_reply"),
    ("RETR: together", "coalesce"),
    ("RETR: held_back", "delay_to_next"),
    ("SIZE: size_lie 1", "wrong_size"),
    ("LIST: names_in latin-1", "encoding"),
    ("NLST: full_names", "absolute_names"),
    ("RETR: throttle 5", "throttle_data"),
    ("RETR after=2: deny", "skip"),
    ("RETR: drop_data after=5", "after_bytes"),
    ("RETR: read_error after=5", "after_bytes"),
    ("STOR: disk_full quota=false", "quota_exceeded for 552 and disk_full for 452"),
    ("NOOP: answer_raw octets=b'x'", "data"),
    ("RETR: slice_data octets=1", "size"),
]


@table(("text", "new"), ROWS)
def test_old_words_in_text(text: str, new: str) -> None:
    """The error marks the old word and names the new one."""
    with pytest.raises(ConfigurationError, match=f"it was renamed, use {re.escape(new)}\n"):
        parse(text)


def test_old_words_in_python() -> None:
    """The error for an old name has the new name; the error for a misspelt name has the nearest one."""
    with pytest.raises(AttributeError, match="no word 'held_back': it was renamed, use delay_to_next"):
        on("RETR").held_back()  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match=r"use skip\(n\) for commands, and after_bytes=n for a place"):
        on("RETR").after(2)  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match="no word 'drop_dtaa': did you mean 'drop_data'"):
        on("RETR").drop_dtaa()  # type: ignore[attr-defined]
    with pytest.raises(ConfigurationError, match=r"drop_data takes .*; after: it was renamed, use after_bytes"):
        on("RETR").drop_data(after=1)  # type: ignore[call-arg]
