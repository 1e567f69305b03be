"""Puts sessions of one recording into another.

One rule: pure, and the result has the form that it would have if all its sessions had been recorded together.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from ftpfixture.recording.format import Data, Line
from ftpfixture.recording.store import Recording

__all__ = ["with_sessions"]


def with_sessions(recording: Recording, other: Recording, sessions: Collection[int]) -> Recording:
    """Return a recording with some sessions of another one after its own.

    Args:
        recording: It stays as it is.
        other: Likewise.
        sessions: Numbers of the sessions in the other one; in the result they follow the last own number.
    """
    if not sessions:
        return recording
    last = max((line.session for line in recording.lines), default=0)
    numbers = {session: number for number, session in enumerate(sorted(sessions), last + 1)}
    added: list[Line] = [
        msgspec.structs.replace(line, session=numbers[line.session])
        for line in sorted(other.lines, key=lambda line: line.session)
        if line.session in numbers
    ]
    blobs = {line.sha256: other.blobs[line.sha256] for line in added if isinstance(line, Data) and line.blob}
    redacted = dict.fromkeys((*recording.header.redacted, *other.header.redacted))
    header = msgspec.structs.replace(recording.header, redacted=tuple(redacted))
    return Recording(header, (*recording.lines, *added), {**recording.blobs, **blobs})
