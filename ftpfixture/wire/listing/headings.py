"""Lines of a listing that hold no entry.

One rule: only lines that real servers send are here; a message about an entry that cannot be listed is no heading.
"""

from __future__ import annotations

import re

from ftpfixture.wire.listing.format import pattern

__all__ = ["is_heading", "listed_directory"]

# ls writes it in the language of the server.
_TOTAL = (
    "total|totale|totaal|totalt|insgesamt|yhteensä|razem|celkem|ukupno|összesen|toplam|итого|всего"
    "|合計|总用量|总计|合计|합계"
)
_HEADING = pattern(
    r"(?:"
    rf"(?:{_TOTAL}) *[0-9.,]+ ?[A-Za-z]?"
    r"|(?:Grand )?Total of [0-9]+ (?:file|director).*"  # VMS
    r"|%DIRECT-W-NOFILES\b.*"
    r"|\s*size +date +time +name\s*|\s*-+(?: +-+)+\s*|value = [0-9]+ = 0x[0-9a-f]+.*"  # VxWorks and its shell
    r"|\s*Volume in drive \S+ (?:is|has) .*|\s*Volume Serial Number is .*"  # DIR
    r"|\s*[0-9]+ (?:File|Dir)\(s\) .*|\s*Total Files Listed:\s*"
    r")",
    re.IGNORECASE,
)
_DIRECTORY = pattern(
    r"(?P<unix>.*[^ :]):"  # ls -R
    r"|Directory (?P<vms>\S+:\[.*\]\S*) *"
    r"|\s*Directory of (?P<msdos>.*)"
)


def is_heading(text: str) -> bool:
    """Return whether a line of LIST, without its end, is a heading."""
    return _HEADING().fullmatch(text) is not None


def listed_directory(text: str) -> str | None:
    """Return the directory that the lines below this one list, or None when the line names no directory."""
    found = _DIRECTORY().fullmatch(text)
    return None if found is None else found["unix"] or found["vms"] or found["msdos"]
