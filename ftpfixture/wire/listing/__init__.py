"""Listings, one module a format: lines are written, and parsed into entries, whatever server they come from.

One rule: nothing is guessed from half a line, and every line that is not understood is reported. Names are returned
exactly as in the line, with every space that is not known to be padding.
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
