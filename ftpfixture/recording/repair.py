"""Writes the right size and digest for contents of a recording that were edited by hand.

One rule: nothing else changes. A line that is no line of a recording stays as it is, for `load` to refuse.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec

from ftpfixture.recording.format import Data, content_of, line_of
from ftpfixture.recording.store import replace_file

__all__ = ["repair", "repaired"]


def repair(path: str | os.PathLike[str]) -> list[int]:
    """Write the right sizes and digests into a recording, in one step.

    Returns:
        The numbers of the lines that were changed, from 1; without any, the file is not written.

    Raises:
        OSError: It cannot be read or written.
    """
    place = Path(path)
    lines = place.read_bytes().split(b"\n")
    right = [repaired(line) for line in lines]
    changed = [number for number, (old, new) in enumerate(zip(lines, right, strict=True), 1) if old != new]
    if changed:
        replace_file(place, [b"\n".join(right)])
    return changed


def repaired(line: bytes) -> bytes:
    """A line with the size and the digest of the content that it has; any other line as it is."""
    try:
        data = msgspec.json.decode(line, type=Data)
        content = content_of(data)
    except (msgspec.DecodeError, ValueError):
        return line
    if content is None:
        return line
    digest = hashlib.sha256(content).hexdigest()
    if (data.size, data.sha256) == (len(content), digest):
        return line
    return line_of(msgspec.structs.replace(data, size=len(content), sha256=digest)).removesuffix(b"\n")
