"""The faults of a server: they count commands and decide which of them they apply to.

One rule: all calls are on the thread of the server's loop, except for reading and setting `ActiveFaults.active`, which
need no lock: one tuple replaces another.
"""

from __future__ import annotations

import random

from ftpfixture.faults.dsl import Fault
from ftpfixture.faults.program import Program
from ftpfixture.faults.trigger import Situation, counted, ordinal
from ftpfixture.wire.command import censor
from ftpfixture.wire.lines import printable

__all__ = ["ActiveFault", "ActiveFaults", "Claim"]


class ActiveFault:
    """A fault that was added to a server.

    Args:
        fault: The fault.

    Attributes:
        fault: The fault.
        name: The fault as text.
        seen: The number of commands that matched, also those that `skip` or `nth` excluded.
        fired: The number of times that it has happened.
        by_test: Whether a test added it; False for the answer of an expectation, which is checked there.
    """

    by_test = True

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.name = str(fault)
        self.seen = 0
        self.fired = 0
        self._claimed = 0
        self._nearest = (-1, "no command was seen")
        self._random = random.Random(fault.trigger.seed)

    @property
    def spent(self) -> bool:
        """Whether it has reached its limit of times."""
        limit = self.fault.trigger.times
        return limit is not None and self.fired >= limit

    def claim(self, situation: Situation) -> Claim | None:
        """Count the command if it matches; returns a claim if the fault applies to it."""
        trigger = self.fault.trigger
        difference = trigger.difference(situation)
        if difference is not None:
            nearness = int(situation.verb in trigger.verbs or "*" in trigger.verbs)
            if nearness >= self._nearest[0]:
                line = printable(censor(situation.verb, situation.argument))
                self._nearest = nearness, f"{line} was seen, but {difference}"
            return None
        self.seen += 1
        if not trigger.counts(self.seen) or self.spent:
            return None
        if trigger.probability < 1 and self._random.random() >= trigger.probability:
            return None
        self._claimed += 1
        return Claim(self)

    def why_not_fired(self) -> str:
        """The reason, as text, why it has not happened, or not more often."""
        if not self.seen:
            return self._nearest[1]
        trigger = self.fault.trigger
        seen = f"{'|'.join(trigger.verbs)} was seen {counted(self.seen)}"
        if self.fired:
            return seen
        if self.seen < trigger.first:
            return f"{seen}, the fault waits for the {ordinal(trigger.first)}"
        if not self._claimed:
            return f"{seen}, and probability={trigger.probability:g} selected none"
        after = next((action.after_bytes for action in self.fault.actions if action.after_bytes is not None), None)
        if after is None:
            return f"{seen}, but never reached the point where the fault acts"
        return f"{seen}, but no transfer " + (f"reached {counted(after, 'byte')}" if after else "began")

    def __repr__(self) -> str:
        return f"<{self.fault!r}: fired {counted(self.fired)}>"


class Claim:
    """A fault that applies to one command.

    Args:
        active: The fault.
    """

    __slots__ = ("_taken", "active")

    def __init__(self, active: ActiveFault) -> None:
        self.active = active
        self._taken: bool | None = None

    @property
    def name(self) -> str:
        """The fault as text."""
        return self.active.name

    def take(self) -> bool | None:
        """Count the fault, unless its limit is reached.

        Returns:
            True if it begins now, None if it has begun already, False if another command was first.
        """
        if self._taken is None:
            self._taken = not self.active.spent
            if self._taken:
                self.active.fired += 1
                return True
            return False
        return None if self._taken else False


class ActiveFaults:
    """All faults of a server.

    Args:
        started: When the server was created, in monotonic seconds of its clock.

    Attributes:
        started: When the server was created or reset, in monotonic seconds of its clock.
        active: The faults, in the order in which they were added.
    """

    def __init__(self, started: float = 0) -> None:
        self.active: tuple[ActiveFault, ...] = ()
        self.started = started

    def age(self, now: float) -> float:
        """Seconds since the server was created or reset."""
        return now - self.started

    def program(self, situation: Situation) -> Program | None:
        """The program of a command; None if no fault applies to it."""
        claims = [claim for fault in self.active if (claim := fault.claim(situation)) is not None]
        actions = [(claim, action) for claim in claims for action in claim.active.fault.actions]
        return Program(actions, situation) if claims else None
