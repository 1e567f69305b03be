"""The part of `FtpServer` that says whether all is well: what tests expect, failures, hung clients, and waiting.

One rule: each check raises an error whose text has the dialogue.
"""

from __future__ import annotations

from ftpfixture.checks import seconds as seconds_of
from ftpfixture.driver import RealTime
from ftpfixture.errors import ConfigurationError, HangError, ReplayError, ServerFailure
from ftpfixture.log import CommandLog
from ftpfixture.log.expectations import Expectation
from ftpfixture.log.failures import failure
from ftpfixture.net.hangs import Hangs
from ftpfixture.testing.address import ServerAddress
from ftpfixture.testing.expectations import ServerExpectations
from ftpfixture.testing.faults import Faults
from ftpfixture.testing.replaying import PATIENCE, unplayed
from ftpfixture.wire.matching import Pattern

__all__ = ["ServerChecks"]


class ServerChecks(ServerAddress):
    """The checks of a server.

    Attributes:
        log: Its log.
        faults: Its faults.
        expectations: The commands that tests expect.
    """

    log: CommandLog
    faults: Faults
    expectations: ServerExpectations
    _hangs: Hangs

    def expect(self, what: str | Pattern, path: str | None = None) -> Expectation:
        """Expect a command from now on, once; ``expect("STOR", "/in/*.csv").times(2)``.

        Args:
            what: Verbs such as "STOR", or a pattern such as ``"STOR /in/*.csv -> 226"``, or one made by `sent`.
            path: Shell pattern for the argument, as sent or as the absolute path it means, when `what` is verbs alone.

        Returns:
            The expectation. `times`, `at_least`, `at_most`, `permanent` and `optional` change how often it is expected,
            `answer` what the server replies, and `then` expects the next command. An expectation that is not met fails
            the test.

        Raises:
            ConfigurationError: No command can match; the text says what would work.
        """
        self._origin.check()
        return self.expectations.expect(what, path)

    def expect_in_order(self, *patterns: str | Pattern) -> list[Expectation]:
        """Expect commands from now on, one after another; others may come between them.

        Returns:
            The expectations, one for each pattern: each takes a command only when the one before it is met.

        Raises:
            ConfigurationError: There is no pattern, or one can match no command.
        """
        self._origin.check()
        if not patterns:
            raise ConfigurationError("expect_in_order needs patterns, as in expect_in_order('RNFR', 'RNTO')")
        made = [self.expectations.expect(patterns[0])]
        for pattern in patterns[1:]:
            made.append(made[-1].then(pattern))
        return made

    def check(self) -> None:
        """Raise the first failure inside the server, once.

        Raises:
            HangError: A client waited without a timeout for what a fault or a login script withholds.
            ServerFailure: A handler, a path layer or a user manager raised an exception that is no reply; it is the
                cause.
            ReplayError: A client differs from the recording that this server replays.
        """
        __tracebackhide__ = True
        self.check_hangs()
        failures = [] if self.inherited else self.log.take_failures()
        if failures:
            first = failures[0]
            more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
            if isinstance(first.error, ReplayError):
                raise ReplayError(failure(f"{first.error}{more}", [], self.log, [first.seq]))
            text = f"{first.verb or 'the session'} raised {type(first.error).__name__}: {first.error}{more}"
            raise ServerFailure(failure(text, [], self.log, [first.seq])) from first.error

    def assert_played(self, patience: float = PATIENCE) -> None:
        """Assert that clients have played all of the recording that this server replays; without one, do nothing.

        Args:
            patience: Seconds that open sessions may take to end.

        Raises:
            ReplayError: A session or a command of it is missing.
        """
        __tracebackhide__ = True
        if texts := self.unplayed(patience):
            raise ReplayError(failure("not all that was recorded was played:", texts, self.log))

    def unplayed(self, patience: float = PATIENCE) -> list[str]:
        """A sentence for each recorded session that clients have not played to its end; see `assert_played`."""
        return [] if self.inherited else unplayed(self.server, self.log, patience)

    def check_hangs(self) -> None:
        """Raise an error if a client hung, once.

        Raises:
            HangError: A client waited without a timeout for what a fault or a login script withholds.
        """
        __tracebackhide__ = True
        hangs = self._hangs.found.copy()
        self._hangs.found.clear()
        if hangs and not self.inherited:
            more = f" (and {len(hangs) - 1} more)" if len(hangs) > 1 else ""
            remedy = "limit its attempts" if hangs[0].repeats else "give the client a timeout"
            text = f"{hangs[0]}{more}: {remedy}"
            raise HangError(failure(text, [], self.log, [hangs[0].seq]))

    def watch_silence(self, seconds: float) -> None:
        """Reset sessions that begin from now on after silence in all of them, whatever its reason: their client hangs.

        `check_hangs` raises it, as it does for a client that waits for what a fault withholds. In simulated time it
        changes nothing: there a hang is proved.

        Args:
            seconds: Without a byte in either direction.

        Raises:
            ConfigurationError: It is no number of seconds.
        """
        if isinstance(self.log.time_source, RealTime):
            self._hangs.limit, self._hangs.always = seconds_of("seconds", seconds), True

    def wait_idle(self, timeout: float = 5) -> None:
        """Wait until every received command has its reply and no transfer runs.

        Raises:
            AssertionError: It takes longer than `timeout` seconds.
        """
        __tracebackhide__ = True
        self._live()
        self.log.wait_idle(timeout)

    async def wait_idle_async(self, timeout: float = 5) -> None:
        """Wait as `wait_idle` does, in a coroutine: the client of the test runs on.

        Raises:
            AssertionError: It takes longer than `timeout` seconds.
        """
        __tracebackhide__ = True
        self._live()
        await self.log.wait_idle_async(timeout)

    def _problem(self) -> Exception | None:
        __tracebackhide__ = True
        try:
            self.check()
            self.assert_played(0)
            self.faults.check(patience=0)
            self.expectations.check(patience=0)
        except (ServerFailure, AssertionError) as error:
            return error
        return None
