"""Whether a fault can happen at all: a word that does not fit its verb is told where it was written."""

from __future__ import annotations

from collections.abc import Collection

from ftpfixture.checks import suggest
from ftpfixture.errors import ConfigurationError
from ftpfixture.faults.actions import (
    Action,
    Cut,
    Deaf,
    Disk,
    Early,
    Edit,
    Garble,
    Join,
    Limit,
    Moment,
    Pad,
    Rewrite,
    Set,
    Slice,
    Truncate,
    Unannounced,
    Withhold,
    moment_of,
)
from ftpfixture.faults.catalog import Fault
from ftpfixture.faults.edits import SHAPES
from ftpfixture.wire.states import DOWNLOADS, LEGAL_REPLIES, LISTINGS, TRANSFERS, UPLOADS

__all__ = ["check_fault"]

_ANNOUNCING = frozenset({"PASV", "EPSV", "PORT", "EPRT"})
_PASSIVE = frozenset({"PASV", "EPSV"})
_OF_TRANSFERS = ("before_150", "after_150", "before_close")


def check_fault(fault: Fault, known: Collection[str]) -> None:
    """See that the fault's verbs exist, and that its words are for them.

    Args:
        fault: What was written.
        known: Every verb that the server answers, upper case; those that no RFC has may do anything.

    Raises:
        ConfigurationError: They are not; the text says what would be right.
    """
    for verb in fault.when.verbs:
        if verb in ("*", "CONNECT"):
            continue
        if verb not in known and verb not in LEGAL_REPLIES:
            raise ConfigurationError(f"{fault!r}: no such command {verb!r}: {suggest(verb, sorted(known))}")
    own = {verb for verb in fault.when.verbs if verb == "*" or (verb in known and verb not in LEGAL_REPLIES)}
    if own:
        return
    for action in fault.actions:
        fitting = _fitting(action)
        if fitting is not None and fitting.isdisjoint(fault.when.verbs):
            verbs = ", ".join(sorted(fitting))
            raise ConfigurationError(f"{fault!r}: that happens to {verbs} only, not to {'|'.join(fault.when.verbs)}")


def _fitting(action: Action) -> frozenset[str] | None:
    """The verbs that an action can happen to; None for all."""
    moment = moment_of(action) or Moment()
    if moment.fraction is not None:
        return DOWNLOADS | LISTINGS  # nobody knows the size of an upload before its end
    match action:
        case Deaf():
            return _ANNOUNCING
        case Edit(kind=kind) if kind == "address" or kind in SHAPES:
            return _PASSIVE
        case Edit(kind="total" | "no-links"):
            return frozenset({"LIST"})
        case Edit(kind="offset"):
            return frozenset({"REST"})
        case Edit(kind="size"):
            return frozenset({"SIZE", "MLST", "MLSD", "RETR", "AVBL"})
        case Edit(kind="time"):
            return frozenset({"MDTM", "MLST", "MLSD", "MFMT", "MFCT", "MFF"})
        case Set(name="list_style"):
            return frozenset({"LIST", "STAT"})
        case Set(name="full_names"):
            return frozenset({"NLST"})
        case Early() | Join(stage="opening") | Rewrite(stage="opening") | Withhold(stage="opening"):
            return TRANSFERS  # no other command of ours has a preliminary reply
        case Disk(reading=reading):
            return DOWNLOADS if reading else UPLOADS
        case Pad() | Slice(where="data"):
            return DOWNLOADS | LISTINGS
        case Limit() | Truncate() | Unannounced() | Garble(where="data") | Cut(where="data"):
            return TRANSFERS
    return TRANSFERS if moment.is_within or moment.phase in _OF_TRANSFERS else None
