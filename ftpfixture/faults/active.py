"""Faults that wait for their command, and count.

One rule: everything here is called on the thread of the server's loop, but for reading and for setting
`ActiveFaults.active`, which need no lock: a tuple is put in the place of another.
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
        fault: What it is.

    Attributes:
        fault: As given.
        name: The fault in its text form.
        seen: How many commands fitted, counted or not.
        fired: How often it happened.
    """

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.name = str(fault)
        self.seen = 0
        self.fired = 0
        self._claimed = 0
        self._nearest = (-1, "no command came")
        self._random = random.Random(fault.trigger.seed)

    @property
    def spent(self) -> bool:
        """Whether it has happened as often as it may."""
        limit = self.fault.trigger.times
        return limit is not None and self.fired >= limit

    def look(self, situation: Situation) -> Claim | None:
        """Whether it is for this command; counts it if it fits."""
        trigger = self.fault.trigger
        difference = trigger.difference(situation)
        if difference is not None:
            nearness = int(situation.verb in trigger.verbs or "*" in trigger.verbs)
            if nearness >= self._nearest[0]:
                line = printable(censor(situation.verb, situation.argument))
                self._nearest = nearness, f"{line} came, but {difference}"
            return None
        self.seen += 1
        if not trigger.counts(self.seen) or self.spent:
            return None
        if trigger.probability < 1 and self._random.random() >= trigger.probability:
            return None
        self._claimed += 1
        return Claim(self)

    def miss(self) -> str:
        """Why it has not happened, or not more often, in words."""
        if not self.seen:
            return self._nearest[1]
        trigger = self.fault.trigger
        seen = f"{'|'.join(trigger.verbs)} was seen {counted(self.seen)}"
        if self.fired:
            return seen
        if self.seen < trigger.first:
            return f"{seen}, fault waits for the {ordinal(trigger.first)}"
        if not self._claimed:
            return f"{seen}, and probability={trigger.probability:g} chose none"
        after = next((action.counted for action in self.fault.actions if action.counted is not None), None)
        if after is None:
            return f"{seen}, but the moment never came"
        return f"{seen}, but no transfer " + (f"came to {counted(after, 'octet')}" if after else "began")

    def __repr__(self) -> str:
        return f"<{self.fault!r}: fired {counted(self.fired)}>"


class Claim:
    """A fault and the one command that it is for.

    Args:
        armed: The fault.
    """

    __slots__ = ("_taken", "active")

    def __init__(self, armed: ActiveFault) -> None:
        self.active = armed
        self._taken: bool | None = None

    @property
    def name(self) -> str:
        """The fault in its text form."""
        return self.active.name

    def take(self) -> bool | None:
        """Let the fault happen to the command, if it still may.

        Returns:
            True when it begins now, None when it had begun, False when another command was faster.
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
        started: Trigger the server was made, in monotonic seconds of its clock.

    Attributes:
        started: As given; a server that is reset is as old as new.
        armed: The faults, in the order in which they were added.
    """

    def __init__(self, started: float = 0) -> None:
        self.active: tuple[ActiveFault, ...] = ()
        self.started = started

    def age(self, now: float) -> float:
        """Seconds that the server is old."""
        return now - self.started

    def program(self, situation: Situation) -> Program | None:
        """What is to go wrong with a command; None for nothing."""
        claims = [claim for armed in self.active if (claim := armed.look(situation)) is not None]
        actions = [(claim, action) for claim in claims for action in claim.active.fault.actions]
        return Program(actions, situation) if claims else None
