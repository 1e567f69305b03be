"""Whether a fault can happen at all: a word that does not fit its verb is told where it was written."""

from __future__ import annotations

from collections.abc import Collection

from ftpfixture.checks import suggest
from ftpfixture.errors import ConfigurationError
from ftpfixture.faults.dsl import Fault
from ftpfixture.wire.states import LEGAL_REPLIES

__all__ = ["check_fault"]


def check_fault(fault: Fault, known: Collection[str]) -> None:
    """See that the fault's verbs exist, and that its words are for them.

    Args:
        fault: What was written.
        known: Every verb that the server answers, upper case; those that no RFC has may do anything.

    Raises:
        ConfigurationError: They are not; the text says what would be right.
    """
    for verb in fault.trigger.verbs:
        if verb in ("*", "CONNECT"):
            continue
        if verb not in known and verb not in LEGAL_REPLIES:
            raise ConfigurationError(f"{fault!r}: no such command {verb!r}: {suggest(verb, sorted(known))}")
    for action in fault.actions:
        if not any(map(action.is_for, fault.trigger.verbs)):
            verbs = ", ".join(sorted(action.fits or ()))
            raise ConfigurationError(f"{fault!r}: that happens to {verbs} only, not to {'|'.join(fault.trigger.verbs)}")
