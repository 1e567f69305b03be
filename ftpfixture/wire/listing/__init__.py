"""Listings, one module a format: lines are written, and become entries again, whatever server they came from.

One rule: nothing is guessed from half a line, and what is not understood is told. Names come out exactly as they stand
in the line, with every space that is not known to be padding.
"""

from ftpfixture.wire.listing.dates import parse_ls_date
from ftpfixture.wire.listing.eplf import parse_eplf_line
from ftpfixture.wire.listing.mlsx import split_mlsx_line
from ftpfixture.wire.listing.msdos import parse_msdos_line
from ftpfixture.wire.listing.reading import Reading, UnreadLine, read_listing, without_ends
from ftpfixture.wire.listing.unix import parse_unix_line
from ftpfixture.wire.listing.unix_mode import parse_unix_mode

__all__ = [
    "Reading",
    "UnreadLine",
    "parse_eplf_line",
    "parse_ls_date",
    "parse_msdos_line",
    "parse_unix_line",
    "parse_unix_mode",
    "read_listing",
    "split_mlsx_line",
    "without_ends",
]
