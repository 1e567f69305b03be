"""The part of a session that a recording keeps when it ends before the session does.

One rule: pure. A command is kept with all that the server did for it, or not at all, so that a replay of what is kept
ends where the recording ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ftpfixture.recording.format import Command, Data, Line, Reply

__all__ = ["whole"]


@dataclass(slots=True)
class _Begun:
    """A command that is not carried out yet.

    Attributes:
        has_final: Whether its final reply was sent.
        has_data: Whether its data connection ended; True for a command without one.
    """

    has_final: bool = False
    has_data: bool = True


def whole(lines: Sequence[Line]) -> list[Line]:
    """The lines of an open session up to the last moment at which every command was carried out.

    Args:
        lines: Of one session, in the order of the wire.
    """
    begun: list[_Begun] = []
    kept = 0
    for place, line in enumerate(lines, 1):
        match line:
            case Command():
                begun.append(_Begun())
            case Reply():
                _take_reply(begun, line.content()[:1])
            case Data():
                _take_data(begun)
        begun = [one for one in begun if not (one.has_final and one.has_data)]
        kept = kept if begun else place
    return list(lines[:kept])


def _take_reply(begun: list[_Begun], digit: bytes) -> None:
    one = next((one for one in begun if not one.has_final), None)
    if one is None:
        return  # the greeting, or a reply that no command asked for
    if digit == b"1":
        one.has_data = False  # a preliminary reply announces a data connection
    else:
        one.has_final = True
        one.has_data |= digit in (b"4", b"5")  # a transfer that failed may have none


def _take_data(begun: list[_Begun]) -> None:
    one = next((one for one in begun if not one.has_data), None)
    if one is not None:
        one.has_data = True
