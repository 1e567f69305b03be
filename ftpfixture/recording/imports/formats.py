"""The table of formats, and the choice of one for a log."""

from __future__ import annotations

from collections.abc import Sequence

from ftpfixture.checks import suggest
from ftpfixture.errors import ConfigurationError
from ftpfixture.recording.imports.basic_ftp import BASIC_FTP
from ftpfixture.recording.imports.curl import CURL
from ftpfixture.recording.imports.filezilla import FILEZILLA
from ftpfixture.recording.imports.fluentftp import FLUENTFTP
from ftpfixture.recording.imports.items import Format
from ftpfixture.recording.imports.lftp import LFTP
from ftpfixture.recording.imports.python_ftplib import FTPLIB
from ftpfixture.recording.imports.rows import Row
from ftpfixture.recording.imports.winscp import WINSCP

__all__ = ["FORMATS", "chosen", "detected"]

FORMATS = {one.name: one for one in (CURL, FTPLIB, LFTP, FILEZILLA, WINSCP, FLUENTFTP, BASIC_FTP)}
"""The formats by name, the more frequent ones first."""


def chosen(name: str) -> Format:
    """The format of a name.

    Raises:
        ConfigurationError: There is none.
    """
    try:
        return FORMATS[name]
    except KeyError:
        raise ConfigurationError(f"there is no format {name!r} of logs: {suggest(name, FORMATS)}") from None


def detected(rows: Sequence[Row]) -> Format | None:
    """The format that most lines of a log have, None when no line has any; lines of one program only count twice."""

    def score(one: Format) -> int:
        return sum(bool(one.sign.match(row.text)) + bool(one.mark.match(row.text)) for row in rows)

    best = max(FORMATS.values(), key=score)
    return best if score(best) else None
