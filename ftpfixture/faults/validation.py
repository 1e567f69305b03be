"""The check that a fault can happen: an error is raised where the fault is added."""

from __future__ import annotations

from collections.abc import Collection

from ftpfixture.errors import ConfigurationError
from ftpfixture.faults.dsl import Fault
from ftpfixture.wire.verbs import Verbs

__all__ = ["check_fault"]


def check_fault(fault: Fault, known: Collection[str]) -> None:
    """Check that the server has the fault's verbs, and that each word can apply to one of them.

    Args:
        fault: The fault.
        known: Every verb that the server answers, in upper case; any word can apply to a verb of no RFC.

    Raises:
        ConfigurationError: A verb is unknown, or a word cannot apply; the text says what would work.
    """
    try:
        Verbs(fault.trigger.words).check({"CONNECT", *known})
    except ConfigurationError as error:
        raise ConfigurationError(f"{fault!r}: {error}") from None
    for action in fault.actions:
        if not any(map(action.is_for, fault.trigger.verbs)):
            verbs, others = ", ".join(sorted(action.fits or ())), "|".join(fault.trigger.verbs)
            advice = "; ".join(dict.fromkeys(filter(None, map(action.advice, fault.trigger.verbs))))
            use = f": {advice}" if advice else ""
            raise ConfigurationError(f"{fault!r}: it can happen only with {verbs}, not with {others}{use}")
