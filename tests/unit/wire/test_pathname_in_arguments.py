"""The path name in the argument of a command."""

from __future__ import annotations

from ftpfixture.wire.pathname import path_in
from tests.support.rows import table


@table(
    ("line", "path"),
    [
        ("STOR a.csv", "a.csv"),
        ("STOR two words ", "two words "),
        ("STOR -a", "-a"),
        ("RETR ", None),
        ("LIST ", ""),
        ("LIST -la", ""),
        ("LIST -l -a /pub", "/pub"),
        ("NLST /pub/*.txt", "/pub/*.txt"),
        ("MLSD ", ""),
        ("STAT ", None),
        ("CDUP ", None),
        ("TYPE I", None),
        ("USER ann", None),
        ("PASS /a", None),
        ("NOOP ", None),
        ("MFMT 20260101000000 a b", "a b"),
        ("SITE CHMOD 644 a b", "a b"),
        ("SITE chmod 644 a", "a"),
        ("SITE HELP", None),
        ("PRET RETR a", "a"),
        ("XYZZ a b", "a b"),
        ("XYZZ ", None),
        (" ", None),
    ],
)
def test_path_in(line: str, path: str | None) -> None:
    """Flags, times and modes are no part of it; no argument of a listing is the current directory."""
    verb, _, argument = line.partition(" ")

    assert path_in(verb, argument) == path
