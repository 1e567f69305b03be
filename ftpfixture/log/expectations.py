"""What a test expects of the commands, said before they come: how often, in which order, and what else may come.

Commands are given to expectations in the order in which they arrive. A command is taken by one expectation that
matches it as far as its arrival decides: one with a limit before one without, one that is not met yet before others,
and then the one that was declared first. What only the end of a command decides, its reply say, must match as well.

One rule: each command is taken once, and nothing here waits or raises on its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Self

from ftpfixture import checks
from ftpfixture.errors import ConfigurationError
from ftpfixture.log.nearness import Evidence, counted_times, hits, line_of, near_miss, with_differences
from ftpfixture.log.records import CommandRecord
from ftpfixture.wire.matching import Pattern
from ftpfixture.wire.patterns import sent

__all__ = ["Expectation", "Expectations"]

_MOST_UNEXPECTED = 10


class Expectation:
    """A command that a test expects once, unless it says otherwise.

    Args:
        owner: All expectations of the server.
        pattern: Of the command.
        since: Number of the last event before; earlier commands are not taken.
        after: The expectation that must be met before this one takes a command.

    Attributes:
        pattern: As given.
        since: As given.
        after: As given.
        taken: The commands that it took, in order.
    """

    def __init__(self, owner: Expectations, pattern: Pattern, since: int, after: Expectation | None = None) -> None:
        self.pattern = pattern
        self.after = after
        self.taken: list[CommandRecord] = []
        self._owner = owner
        self._arrival = pattern.on_arrival()
        self.since = since
        self._least: int = 1
        self._most: int | None = 1

    # How often.

    def times(self, number: int) -> Self:
        """Expect it exactly this often."""
        return self._limit(checks.whole("times", number, 1), number)

    def at_least(self, number: int) -> Self:
        """Expect it this often or more often."""
        return self._limit(checks.whole("at_least", number, 1), None)

    def at_most(self, number: int) -> Self:
        """Expect it at least once, and not more often than this."""
        return self._limit(min(1, self._least), checks.whole("at_most", number, 1))

    def permanent(self) -> Self:
        """Expect it once or more often, without a limit."""
        return self._limit(self._least, None)

    def optional(self) -> Self:
        """Allow it, and do not require it."""
        return self._limit(0, self._most)

    def _limit(self, least: int, most: int | None) -> Self:
        self._least, self._most = least, most
        return self

    # What happens then.

    def then(self, what: str | Pattern, path: str | None = None) -> Expectation:
        """Expect another command after this one.

        Args:
            what: Verbs, or a pattern.
            path: Shell pattern for the argument, when `what` is verbs alone.

        Returns:
            The new expectation, which takes a command only when this one is met.
        """
        return self._owner.expect(what, path, after=self)

    def answer(self, code: int | str, text: str = "") -> Self:
        """Reply to the commands that it takes, in place of the server, which does not carry them out.

        Args:
            code: Of the reply.
            text: Of the reply; "" for the usual one.
        """
        self._owner.answer(self, code, text)
        return self

    # What came.

    @property
    def is_met(self) -> bool:
        """Whether it was taken often enough."""
        return len(self.taken) >= self._least

    @property
    def is_full(self) -> bool:
        """Whether it takes no more commands."""
        return self._most is not None and len(self.taken) >= self._most

    @property
    def is_due(self) -> bool:
        """Whether the expectation before it is met."""
        return self.after is None or self.after.is_met

    @property
    def rank(self) -> tuple[bool, bool]:
        """Which of several expectations takes a command: the smallest."""
        return self._most is None, self.is_met

    def wants(self, record: CommandRecord) -> bool:
        """Return whether it may take a command that has arrived."""
        return self.is_due and not self.is_full and record.seq > self.since and self.fits(record)

    def fits(self, record: CommandRecord) -> bool:
        """Return whether a command matches as far as its arrival decides, whether or not it may be taken now."""
        return self._arrival.matches(record)

    def took(self, record: CommandRecord) -> bool:
        """Return whether it took this command."""
        return any(record.seq == one.seq for one in reversed(self.taken))

    @property
    def expected(self) -> str:
        """How often, in words."""
        if self._most is None:
            return f"at least {counted_times(self._least)}" if self._least else "any number of times"
        if self._least == self._most:
            return counted_times(self._least)
        return f"{counted_times(self._least) if self._least else 'never'} to {counted_times(self._most)}"

    def __str__(self) -> str:
        return f"{self.pattern}" + (f" (after {self.after.pattern})" if self.after is not None else "")

    def __repr__(self) -> str:
        return f"<Expectation {self}: {self.expected}, seen {counted_times(len(self.taken))}>"


class Expectations:
    """All expectations of a server.

    Args:
        pattern: Checks a pattern, and makes one of text.
        records: Returns all commands, in order.
        strict: Whether a command that nothing expected is a problem.
        loose: Patterns of commands that may come all the same.

    Attributes:
        declared: All, in the order of their declaration.
        strict: As given.
        loose: As given.
    """

    def __init__(
        self,
        pattern: Callable[[str | Pattern], Pattern],
        records: Callable[[], Sequence[CommandRecord]],
        *,
        strict: bool = False,
        loose: Sequence[Pattern] = (),
    ) -> None:
        self.declared: list[Expectation] = []
        self.strict = strict
        self.loose = tuple(loose)
        self._pattern = pattern
        self._records = records
        self._unexpected: list[CommandRecord] = []
        self._last = 0

    def expect(self, what: str | Pattern, path: str | None = None, after: Expectation | None = None) -> Expectation:
        """Declare an expectation of a command that comes from now on.

        Args:
            what: Verbs, or a pattern.
            path: Shell pattern for the argument, when `what` is verbs alone.
            after: The expectation that must be met before.

        Raises:
            ConfigurationError: No command can match.
        """
        if path is not None:
            what = self._with_path(what, path)
        pattern = self._pattern(what)
        self.follow()
        made = Expectation(self, pattern, self._last, after)
        self.declared.append(made)
        return made

    @staticmethod
    def _with_path(verbs: object, path: str) -> Pattern:
        if not isinstance(verbs, str):
            raise ConfigurationError(
                "path= goes with verbs, as in expect('STOR', '/in/*.csv'): put it into the pattern"
            )
        return sent(verbs, path=path)

    def answer(self, expectation: Expectation, code: int | str, text: str) -> None:
        """Let the server reply so to the commands that an expectation takes.

        Raises:
            ConfigurationError: These expectations are not those of a server.
        """
        raise ConfigurationError("only a server can answer: declare it with ftp_server.expect(...)")

    # What came.

    def follow(self) -> None:
        """Give each command that has arrived since the last call to an expectation."""
        fresh: list[CommandRecord] = []
        for record in reversed(self._records()):
            if record.seq <= self._last:
                break
            fresh.append(record)
        for record in reversed(fresh):
            self._last = record.seq
            takers = [one for one in self.declared if one.wants(record)]
            if takers:
                min(takers, key=lambda one: one.rank).taken.append(record)
            elif not any(pattern.matches(record) for pattern in self.loose):
                self._unexpected.append(record)

    def forget(self) -> None:
        """Forget the commands that arrived so far."""
        self._unexpected, self._last = [], 0

    def unmet(self) -> list[Expectation]:
        """Return the expectations that lack a command, or the end of one that they took."""
        self.follow()
        return [one for one in self.declared if not one.is_met or not all(map(one.pattern.matches, one.taken))]

    def problems(self) -> Iterator[tuple[str, Evidence]]:
        """Yield what is not as expected: a headline, and what is known of it."""
        records = self._records()
        for one in self.unmet():
            wrong = [record for record in one.taken if not one.pattern.matches(record)]
            if wrong:
                lines = (Evidence.of(with_differences(one.pattern, record), record) for record in wrong)
                yield f"{one}: expected, and came otherwise", sum(lines, Evidence())
            else:
                yield f"{one}: expected {one.expected}, seen {counted_times(len(one.taken))}", self._why(one, records)
        if self.strict:
            for record in self._unexpected[:_MOST_UNEXPECTED]:
                yield f"not expected: {line_of(record)}", Evidence.of(self._nearest(record), record)
            if (more := len(self._unexpected) - _MOST_UNEXPECTED) > 0:
                yield f"not expected: {more} more commands", Evidence()

    def _why(self, expectation: Expectation, records: Sequence[CommandRecord]) -> Evidence:
        """Return why an expectation is not met."""
        early = [record for record in self._unexpected if expectation.fits(record)]
        if early:
            return Evidence.of(f"it came too early: {line_of(early[0])}", early[0])
        return hits(expectation.taken) + near_miss(expectation.pattern, records)

    def _nearest(self, record: CommandRecord) -> str:
        """Return why no expectation took a command."""
        if not self.declared:
            return "nothing is expected: expect(...) a command, or name it in loose=[...]"
        fitting = [one for one in self.declared if one.fits(record)]
        if fitting:
            one = fitting[0]
            if one.is_full and one.taken[-1].seq < record.seq:
                return f"{one.pattern} is expected {one.expected}, and {line_of(one.taken[-1])} was it"
            before = one.after.pattern if one.after is not None and record.seq > one.since else "its declaration"
            return f"{one.pattern} is expected only after {before}"
        near = [one for one in self.declared if one.pattern.fits_verb(record)]
        if not near:
            expected = ", ".join(dict.fromkeys(str(one.pattern) for one in self.declared))
            return f"no expectation has this verb; expected are {expected}"
        best = max(near, key=lambda one: (one.pattern.similarity(record), -len(one.pattern.differences(record))))
        return f"nearest expectation: {best}: {'; '.join(best.pattern.differences(record))}"
