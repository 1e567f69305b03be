"""The form of a listing without its entries: what a client that parses it depends on.

One rule: two directories of one server have the same form.
"""

from __future__ import annotations

from ftpfixture.errors import ReplySyntaxError
from ftpfixture.wire.listing import split_mlsx_line
from ftpfixture.wire.listing.reading import formats_of

__all__ = ["LISTINGS", "shape_of"]

LISTINGS = frozenset({"LIST", "NLST", "MLSD"})
"""Verbs whose data is a listing."""


def shape_of(verb: str, content: bytes) -> str:
    """Describe the form of a listing; "" for an empty one, which has none.

    Args:
        verb: That has listed it.
        content: As sent on the data connection.
    """
    lines = [line for line in content.decode("utf-8", "surrogateescape").split("\n") if line.strip()]
    if verb == "MLSD":
        facts = {name.lower() for line in lines for name, _ in _facts(line.rstrip("\r"))}
        return f"facts {' '.join(sorted(facts))}" if facts else ""
    if verb == "NLST":
        return "" if not lines else "names with a directory" if any("/" in line for line in lines) else "names"
    return " and ".join(formats_of(lines))


def _facts(line: str) -> list[tuple[str, str]]:
    try:
        return split_mlsx_line(line)[0]
    except ReplySyntaxError:
        return [("unknown", "")]
