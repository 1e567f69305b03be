"""The expectations of a server: declared on any thread, asked where a command arrives, checked at the end of a test.

One rule: a command costs nothing here unless an expectation answers.
"""

from __future__ import annotations

from collections.abc import Iterable

from ftpfixture.checks import wrong
from ftpfixture.errors import ConfigurationError
from ftpfixture.faults.active import ActiveFault, Claim
from ftpfixture.faults.dsl import on
from ftpfixture.faults.trigger import Situation
from ftpfixture.forks import rlock
from ftpfixture.log import CommandLog
from ftpfixture.log.expectations import Expectation, Expectations
from ftpfixture.log.failures import failure
from ftpfixture.log.nearness import Evidence
from ftpfixture.testing.faults import Faults
from ftpfixture.wire.matching import Pattern

__all__ = ["ServerExpectations"]


class ServerExpectations(Expectations):
    """What tests expect of the commands of a server.

    Args:
        log: Of the server.
        faults: Of the server; answers are faults.
    """

    def __init__(self, log: CommandLog, faults: Faults) -> None:
        super().__init__(log.pattern, lambda: log.commands)
        self._log = log
        self._faults = faults
        self._lock = rlock()

    def begin_again(self, strict: bool, loose: object) -> None:
        """Forget all expectations; their answers are gone with the faults.

        Args:
            strict: Whether a command that nothing expected is a problem.
            loose: A pattern, or patterns, of commands that may come all the same.

        Raises:
            ConfigurationError: A loose pattern can match nothing.
        """
        patterns = self._patterns(loose)
        with self._lock:
            self.declared, self.strict, self.loose = [], strict, patterns
            self.forget()

    def _patterns(self, loose: object) -> tuple[Pattern, ...]:
        if isinstance(loose, str | Pattern):
            loose = [loose]
        if not isinstance(loose, Iterable):
            raise wrong("loose", "patterns of commands, such as ['QUIT', 'NOOP']", loose)
        try:
            return tuple(map(self._pattern, loose))
        except ConfigurationError as error:
            raise ConfigurationError(f"loose: {error}") from None

    def follow(self) -> None:
        """See Expectations."""
        with self._lock:
            super().follow()

    def answer(self, expectation: Expectation, code: int | str, text: str) -> None:
        """See Expectations."""
        self._faults.put(_Answer(self, expectation, code, text))

    def taker(self, session: int) -> Expectation | None:
        """Return the expectation that took the last command of a session; on the thread of the server's loop."""
        with self._lock:
            self.follow()
            last = next((record for record in reversed(self._log.commands) if record.session == session), None)
            return next((one for one in self.declared if last is not None and one.took(last)), None)

    # The end of a test.

    def wait_met(self) -> None:
        """Wait until all expectations are met, or can be met no more."""
        self._faults.wait(lambda: not self.unmet())

    def missed(self) -> list[str]:
        """Return a text for each problem: what was expected, or was not, and what is known of it."""
        return [
            "\n    ".join([headline, *(line.strip() for line in evidence.lines)])
            for headline, evidence in self.problems()
        ]

    def check(self, patience: float | None = None) -> None:
        """Assert that all is as expected.

        Args:
            patience: Seconds that running commands get; None for one second.

        Raises:
            AssertionError: An expectation is not met, or a strict server got a command that nothing expected.
        """
        __tracebackhide__ = True
        self._faults.wait(lambda: not self.unmet(), patience)
        found = list(self.problems())
        if found:
            lines = [
                line
                for headline, evidence in found
                for line in (headline, *(f"    {line.strip()}" for line in evidence.lines))
            ]
            around = sum((evidence for _, evidence in found), Evidence()).around
            raise AssertionError(failure(lines[0], lines[1:], self._log, around))


class _Answer(ActiveFault):
    """The reply that an expectation gives to the commands that it takes."""

    by_test = False

    def __init__(self, owner: ServerExpectations, expectation: Expectation, code: int | str, text: str) -> None:
        super().__init__(on("*").answer(code, text).optional())
        self.name = f"expected {expectation.pattern}: answer {code} {text}".rstrip()
        self._owner = owner
        self._expectation = expectation

    def claim(self, situation: Situation) -> Claim | None:
        """See ActiveFault; only a command that the expectation took matches."""
        if situation.verb == "CONNECT" or self._owner.taker(situation.session) is not self._expectation:
            return None
        return super().claim(situation)
