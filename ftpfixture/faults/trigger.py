"""Which commands a fault is for: verb, path, user, session, how often, from when on, how probably.

One rule: looking changes nothing; who counts is `ftpfixture.faults.active`.
"""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass

from ftpfixture.wire.command import censored_argument

__all__ = ["Situation", "Trigger", "counted", "ordinal"]


@dataclass(frozen=True, slots=True)
class Situation:
    """A command that has just come.

    Attributes:
        verb: Upper case; "CONNECT" for a connection just accepted.
        argument: As sent.
        path: What the argument means as a path, absolute.
        user: Name given with USER; "" before.
        session: Number of the control connection.
        transfer_type: "A" or "I".
        age: Seconds since the server was made, by its clock.
        host: Of the server, as the client sees it.
        encoding: Of its replies.
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
    """The commands that a fault is for.

    Attributes:
        verbs: Upper case; "*" for any.
        path: Shell pattern for the argument as sent, or for the absolute path that it means; None for any.
        user: Shell pattern for the user's name; None for any.
        session: Number of the only control connection; None for any.
        type: "A" or "I"; None for any.
        nth: Which of the commands that fit, counted from 1; empty for all.
        skip: How many commands that fit pass before the fault counts.
        every: Only each so-many-th of those that fit; None for all.
        times: How often the fault happens at most; None for no limit.
        since: Seconds after the server was made, before which nothing happens.
        until: Seconds after which nothing happens any more; None for no end.
        probability: From 0 to 1.
        seed: Of the random numbers that decide.
        optional: Whether it is no failure when the fault never happens.
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

    @property
    def shown_path(self) -> str | None:
        """The path as it may be shown: what stands for a password is starred."""
        return None if self.path is None else censored_argument("|".join(self.verbs), self.path)

    def difference(self, situation: Situation) -> str | None:
        """What keeps a command from being one of these, in words; None when nothing does. Counting comes later."""
        if "*" not in self.verbs and situation.verb not in self.verbs:
            return f"the fault is for {'|'.join(self.verbs)}"
        if self.path is not None and not any(_fits(text, self.path) for text in (situation.argument, situation.path)):
            return f"the path was {censored_argument(situation.verb, situation.argument)!r}, not {self.shown_path!r}"
        if self.user is not None and not _fits(situation.user, self.user):
            return f"the user was {situation.user!r}, not {self.user!r}"
        if self.session not in (None, situation.session):
            return f"the session was number {situation.session}, not {self.session}"
        if self.type not in (None, situation.transfer_type):
            return f"the type was {situation.transfer_type}, not {self.type}"
        if situation.age < self.since:
            return f"it came after {situation.age:.3g} s, before {self.since:g} s"
        if self.until is not None and situation.age > self.until:
            return f"it came after {situation.age:.3g} s, later than {self.until:g} s"
        return None

    def counts(self, number: int) -> bool:
        """Whether the command that is the `number`-th to fit, from 1, is one of these."""
        if self.nth:
            return number in self.nth
        beyond = number - self.skip
        return beyond > 0 and (self.every is None or beyond % self.every == 0)

    @property
    def first(self) -> int:
        """Number of the first command that fits and counts."""
        return min(self.nth) if self.nth else self.skip + (self.every or 1)


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th."""
    ending = "th" if number // 10 % 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def counted(number: int, noun: str = "time") -> str:
    """1 time, 2 times."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _fits(text: str, pattern: str) -> bool:
    return text == pattern or fnmatch.fnmatchcase(text, pattern)
