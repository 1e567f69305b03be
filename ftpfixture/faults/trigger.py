"""The commands to which a fault applies: verb, path, user, session, number, time, probability.

One rule: nothing here changes; `ftpfixture.faults.active` counts.
"""

from __future__ import annotations

from dataclasses import dataclass

from ftpfixture.wire.command import censored_argument
from ftpfixture.wire.matching import fits, fits_path

__all__ = ["Situation", "Trigger", "counted", "ordinal"]


@dataclass(frozen=True, slots=True)
class Situation:
    """A command that the server has just received.

    Attributes:
        verb: In upper case; "CONNECT" for a connection that the server has just accepted.
        argument: The argument as sent.
        path: The absolute path that the argument means.
        user: The name given with USER; "" before.
        session: The number of the control connection.
        transfer_type: "A" or "I".
        age: Seconds since the server was created, by its clock.
        host: The host of the server, as the client sees it.
        encoding: The encoding of its replies.
    """

    verb: str
    argument: str
    path: str
    user: str
    session: int
    transfer_type: str
    age: float
    host: str
    encoding: str


@dataclass(frozen=True, slots=True)
class Trigger:
    """The commands to which a fault applies.

    Attributes:
        verbs: In upper case; "*" for any.
        path: Shell pattern for the argument as sent, or for the absolute path that it means; None for any.
        user: Shell pattern for the user's name; None for any.
        session: The number of a control connection; None for any.
        type: The transfer type, "A" or "I"; None for any.
        nth: The numbers of the matching commands, counted from 1; empty for all.
        skip: The number of matching commands to skip at first.
        every: Only every `every`-th matching command; None for all.
        times: The largest number of times that the fault happens; None for no limit.
        since: Seconds after the creation of the server before which the fault does not happen.
        until: Seconds after the creation of the server after which the fault does not happen; None for no end.
        probability: The part of the matching commands, from 0 to 1.
        seed: The seed of the random numbers that select them.
        optional: Whether a test does not fail if the fault never happens.
        unknown: Those of `verbs` that the server need not know.
    """

    verbs: tuple[str, ...]
    path: str | None = None
    user: str | None = None
    session: int | None = None
    type: str | None = None
    nth: tuple[int, ...] = ()
    skip: int = 0
    every: int | None = None
    times: int | None = None
    since: float = 0
    until: float | None = None
    probability: float = 1
    seed: int = 0
    optional: bool = False
    unknown: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """The verbs as they are written: with "?" in front of those that the server need not know."""
        return tuple(f"?{verb}" if verb in self.unknown else verb for verb in self.verbs)

    @property
    def shown_path(self) -> str | None:
        """The path as it may be shown: a password is starred."""
        return None if self.path is None else censored_argument("|".join(self.verbs), self.path)

    def difference(self, situation: Situation) -> str | None:
        """Why a command does not match, as text; None if it matches. The number of the command is not checked."""
        if "*" not in self.verbs and situation.verb not in self.verbs:
            return f"the fault is for {'|'.join(self.verbs)}"
        if self.path is not None and not fits_path(self.path, situation.argument, situation.path):
            return f"the path was {censored_argument(situation.verb, situation.argument)!r}, not {self.shown_path!r}"
        if self.user is not None and not fits(situation.user, self.user):
            return f"the user was {situation.user!r}, not {self.user!r}"
        if self.session not in (None, situation.session):
            return f"the session was number {situation.session}, not {self.session}"
        if self.type not in (None, situation.transfer_type):
            return f"the type was {situation.transfer_type}, not {self.type}"
        if situation.age < self.since:
            return f"it was received after {situation.age:.3g} s, and since={self.since:g}"
        if self.until is not None and situation.age > self.until:
            return f"it was received after {situation.age:.3g} s, and until={self.until:g}"
        return None

    def counts(self, number: int) -> bool:
        """Whether the fault applies to the matching command with this number, counted from 1."""
        if self.nth:
            return number in self.nth
        position = number - self.skip
        return position > 0 and (self.every is None or position % self.every == 0)

    @property
    def first(self) -> int:
        """The number of the first matching command to which the fault applies."""
        return min(self.nth) if self.nth else self.skip + (self.every or 1)


def ordinal(number: int) -> str:
    """Return the number as an ordinal: 1st, 2nd, 3rd, 4th, 11th."""
    ending = "th" if number // 10 % 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def counted(number: int, noun: str = "time") -> str:
    """Return the number with its noun: 1 time, 2 times."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
