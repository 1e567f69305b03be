"""What a test asserts about the commands that were sent.

One rule: an assertion only reads, and one that could not fail is an error. A failure shows what was expected, what
came nearest, and the dialogue.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Literal

from ftpfixture import checks
from ftpfixture.checks import Check
from ftpfixture.errors import ConfigurationError
from ftpfixture.log.nearness import Evidence, counted_times, hits, line_of, near_miss
from ftpfixture.log.order import directly, first_difference, in_order, out_of_order, where
from ftpfixture.log.records import CommandRecord
from ftpfixture.log.view import LogView
from ftpfixture.wire.matching import Pattern
from ftpfixture.wire.patterns import pattern_of, sent

__all__ = ["Assertions"]

Span = Literal["same", "any"] | int
"""In which sessions commands belong together: in one that fits, in all together, or in that of a number."""

_SPAN = Check("'same', 'any' or the number of a session", checks.whole_number(1).read)
_ERRORS = sent(reply="4xx") | sent(reply="5xx")


class Assertions(LogView):
    """Assertions about the commands of a log. A pattern is text such as "STOR /in/*.csv -> 226", or made by `sent`."""

    @abstractmethod
    def known_verbs(self) -> frozenset[str]:
        """Return the verbs of the server and those that were sent, upper case."""

    def pattern(self, value: str | Pattern) -> Pattern:
        """Return a pattern whose verbs this log can have: standard ones, those of the server, and those that were sent.

        Raises:
            ConfigurationError: It is no pattern, or a verb is unknown; the message has what would work.
        """
        return pattern_of(value, self.known_verbs())

    def find(self, pattern: str | Pattern, session: int | None = None) -> list[CommandRecord]:
        """Return the commands that match, in order.

        Raises:
            ConfigurationError: The pattern can match nothing, or no session has this number.
        """
        return self._matching(self.pattern(pattern), self._of(session))

    # How often.

    def assert_sent(
        self,
        pattern: str | Pattern,
        *,
        times: int | None = None,
        at_least: int | None = None,
        at_most: int | None = None,
        session: int | None = None,
    ) -> CommandRecord:
        """Assert that a command was sent, by default at least once.

        Args:
            pattern: Such as ``"STOR /in/*.csv -> 226"``.
            times: How often exactly.
            at_least: The smallest number; 1 or more.
            at_most: The largest number; None for no limit.
            session: Number of the only session that counts; None for all.

        Returns:
            The first match.

        Raises:
            AssertionError: It was sent less or more often; the text has the matches, or what came nearest.
            ConfigurationError: The numbers or the pattern cannot work.
        """
        __tracebackhide__ = True
        if times is not None or at_most is not None:
            self.need_all("assert_sent with times= or at_most=")
        least, most = _limits(times, at_least, at_most)
        wanted, records = self.pattern(pattern), self._of(session)
        found = self._matching(wanted, records)
        if least <= len(found) <= (len(found) if most is None else most):
            return found[0]
        headline = f"{wanted}: expected {_expected(least, most)}, seen {counted_times(len(found))}"
        nearest = near_miss(wanted, records) if len(found) < least else Evidence()
        raise AssertionError((hits(found) + nearest).failure(headline, self))

    def assert_not_sent(self, pattern: str | Pattern, *, session: int | None = None) -> None:
        """Assert that no command matches.

        Raises:
            AssertionError: A command matches; the text has all that do.
            ConfigurationError: The pattern can match nothing, or no session has this number.
        """
        __tracebackhide__ = True
        self.need_all("assert_not_sent")
        found = self.find(pattern, session)
        if found:
            headline = f"{self.pattern(pattern)}: expected never, seen {counted_times(len(found))}"
            raise AssertionError(hits(found).failure(headline, self))

    def assert_no_commands(self, *, session: int | None = None) -> None:
        """Assert that no command was sent: no client connected, or none went beyond the greeting.

        Raises:
            AssertionError: A command was sent.
        """
        __tracebackhide__ = True
        self.need_all("assert_no_commands")
        records = self._of(session)
        if records:
            raise AssertionError(hits(records).failure(f"expected no command, seen {len(records)}", self))

    # In which order.

    def assert_sequence(
        self, *patterns: str | Pattern, strict: bool = False, session: Span = "same"
    ) -> list[CommandRecord]:
        """Assert that commands were sent in this order.

        Args:
            patterns: One for each command.
            strict: Whether the commands must follow one another directly; otherwise others may stand between them.
            session: "same" when one session, any that fits, must have them all; "any" when all sessions count together;
                or the number of the only session that counts.

        Returns:
            The matches, one for each pattern.

        Raises:
            AssertionError: They were not; the text has the first that is missing, and where it was sent instead.
            ConfigurationError: There is no pattern, one can match nothing, or no session has this number.
        """
        __tracebackhide__ = True
        wanted = self._patterns("assert_sequence", patterns)
        search = directly if strict else in_order
        candidates = self._spans(session)
        tries = [search(wanted, records) for records in candidates]
        best = max(range(len(tries)), key=lambda index: len(tries[index]))
        if len(tries[best]) == len(wanted):
            return tries[best]
        headline, evidence = out_of_order(wanted, tries[best], candidates[best], strict=strict)
        if session == "same" and len(search(wanted, self.commands)) == len(wanted):
            evidence += Evidence.of("no one session sent them all; session='any' counts all sessions together")
        raise AssertionError(evidence.failure(headline, self))

    def assert_order(self, pattern: str | Pattern, *, before: str | Pattern, session: Span = "same") -> None:
        """Assert that one command was sent before another.

        Args:
            pattern: The earlier command.
            before: The later one; at least one must have been sent.
            session: "same" when each session that sent the later command must have sent the earlier one before the
                first of them; "any" when all sessions count together; or the number of the only session that counts.

        Raises:
            AssertionError: The later command came first, or was not sent.
            ConfigurationError: A pattern can match nothing, or no session has this number.
        """
        __tracebackhide__ = True
        self.need_all("assert_order")
        earlier, later = self.pattern(pattern), self.pattern(before)
        spans = self._spans(session)
        everything = [record for records in spans for record in records]
        if not any(map(later.matches, everything)):
            headline = f"{earlier} before {later}: {later} was not sent"
            raise AssertionError(near_miss(later, everything).failure(headline, self))
        for records in spans:
            first = next((record for record in records if later.matches(record)), None)
            if first is not None and not any(map(earlier.matches, records[: records.index(first)])):
                headline = f"{earlier}: expected before {line_of(first)}, seen never before it"
                raise AssertionError(where(earlier, records, (), "after it").failure(headline, self))

    def assert_exactly(self, patterns: Iterable[str | Pattern], *, session: int | None = None) -> list[CommandRecord]:
        """Assert that these commands were sent, in this order, and no others.

        Args:
            patterns: One for each command.
            session: Number of the only session that counts; None for all, in the order of their commands.

        Returns:
            The matches, one for each pattern.

        Raises:
            AssertionError: The dialogue is another one; the text has the first difference.
            ConfigurationError: There is no pattern, one can match nothing, or no session has this number.
        """
        __tracebackhide__ = True
        self.need_all("assert_exactly")
        if isinstance(patterns, str | Pattern):
            raise ConfigurationError(
                f"assert_exactly takes a list of patterns, such as ['USER', 'QUIT'], not {patterns!r}"
            )
        wanted, records = self._patterns("assert_exactly", tuple(patterns)), self._of(session)
        pairs = enumerate(zip(wanted, records, strict=False), 1)
        wrong = next((number for number, (one, record) in pairs if not one.matches(record)), None)
        if wrong is None and len(wanted) == len(records):
            return records
        evidence = first_difference(wanted, records, wrong or min(len(wanted), len(records)) + 1)
        headline = f"expected exactly {len(wanted)} commands, seen {len(records)}"
        raise AssertionError(evidence.failure(headline, self))

    def assert_nothing_after_error(
        self,
        *allowed: str | Pattern,
        error: str | Pattern = _ERRORS,
        session: int | None = None,
    ) -> None:
        """Assert that in each session nothing was sent after the first error reply, but for QUIT.

        Args:
            allowed: What may be sent all the same, beside QUIT.
            error: The commands whose reply counts as an error: by default those answered with 4xx or 5xx.
            session: Number of the only session that counts; None for all.

        Raises:
            AssertionError: A command was sent after an error, or no command got an error reply.
            ConfigurationError: A pattern can match nothing, or no session has this number.
        """
        __tracebackhide__ = True
        self.need_all("assert_nothing_after_error")
        failing, may_follow = self.pattern(error), [self.pattern(one) for one in ("QUIT", *allowed)]
        spans = self._spans("same" if session is None else session)
        failed = 0
        for records in spans:
            first = next((index for index, record in enumerate(records) if failing.matches(record)), None)
            if first is None:
                continue
            failed += 1
            late = [one for one in records[first + 1 :] if not any(pattern.matches(one) for pattern in may_follow)]
            if late:
                headline = f"expected nothing after {line_of(records[first])}, seen {len(late)}"
                raise AssertionError(hits(late).failure(headline, self))
        if not failed:
            raise AssertionError(
                Evidence().failure(f"{failing}: no command got such a reply, so nothing was tested", self)
            )

    # What is common.

    def _of(self, session: int | None) -> list[CommandRecord]:
        """Return the commands of a session, or of all.

        Raises:
            ConfigurationError: No session has this number.
        """
        self.sessions_of(session)
        return [record for record in self.commands if session in (None, record.session)]

    @staticmethod
    def _matching(pattern: Pattern, records: Iterable[CommandRecord]) -> list[CommandRecord]:
        return [record for record in records if pattern.matches(record)]

    def _patterns(self, name: str, patterns: Sequence[str | Pattern]) -> list[Pattern]:
        if not patterns:
            raise ConfigurationError(f"{name} needs at least one pattern; for no command at all: assert_no_commands()")
        return [self.pattern(one) for one in patterns]

    def _spans(self, session: Span) -> list[list[CommandRecord]]:
        """Return the commands that belong together, in one list for each candidate; one empty list without any."""
        if session == "any":
            return [self.commands]
        if session != "same":
            return [self._of(_SPAN("session", session))]
        spans: dict[int, list[CommandRecord]] = {}
        for record in self.commands:
            spans.setdefault(record.session, []).append(record)
        return [*spans.values()] or [[]]


def _limits(times: int | None, at_least: int | None, at_most: int | None) -> tuple[int, int | None]:
    """Return the smallest and the largest number of matches."""
    if times is not None and (at_least is not None or at_most is not None):
        raise ConfigurationError("times is for an exact number: leave out at_least and at_most")
    for name, value in (("times", times), ("at_least", at_least), ("at_most", at_most)):
        if value is not None and checks.whole(name, value, None) < 1:
            raise ConfigurationError(f"{name} must be 1 or more: use assert_not_sent(...) for never")
    if times is not None:
        return times, times
    if at_most is not None and (at_least or 1) > at_most:
        raise ConfigurationError(f"at_least={at_least} is more than at_most={at_most}")
    return at_least or 1, at_most


def _expected(least: int, most: int | None) -> str:
    if most is None:
        return f"at least {counted_times(least)}"
    if least == most:
        return counted_times(least)
    return "once or twice" if (least, most) == (1, 2) else f"{least} to {most} times"
