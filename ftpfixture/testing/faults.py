"""The faults of a server, as tests use them: add and remove them, and assert that they happened.

One rule: a fault that a server cannot have is an error where it is added, and one that is not optional must happen.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager

from ftpfixture.errors import ConfigurationError
from ftpfixture.faults import built
from ftpfixture.faults.active import ActiveFault, ActiveFaults
from ftpfixture.faults.dsl import Fault
from ftpfixture.faults.grammar import parse
from ftpfixture.faults.trigger import counted
from ftpfixture.faults.validation import check_fault
from ftpfixture.forks import Origin, lock
from ftpfixture.log import CommandLog
from ftpfixture.log.events import FaultApplied
from ftpfixture.log.failures import failure

__all__ = ["Faults"]

_PATIENCE = 1.0  # seconds that running commands and transfers get before a fault counts as missed
_ADD_ONE = "add one first, as in faults.add('RETR: drop_data')"


class Faults:
    """The faults of a server. Use it in any thread, at any time; an added fault applies from the next command on.

    Args:
        rules: Where the server looks for faults.
        log: Log of the server.
        verbs: The commands of the server, upper case.
        origin: Process of the server; faults cannot be added to a server of a parent process.
        passes_on: Whether the server has no files and no listings itself: a proxy, or a replayed recording.
    """

    def __init__(
        self,
        rules: ActiveFaults,
        log: CommandLog,
        verbs: Collection[str],
        origin: Origin | None = None,
        *,
        passes_on: bool = False,
    ) -> None:
        self._all = rules
        self._origin = origin or Origin()
        self._log = log
        self._verbs = verbs
        self.passes_on = passes_on
        self._lock = lock()

    @property
    def _rules(self) -> ActiveFaults:
        self._origin.check()
        return self._all

    def add(self, fault: Fault | str) -> ActiveFault:
        """Add a fault, which happens from now on.

        Args:
            fault: Made by `ftpfixture.on`, or text such as ``"RETR *.csv #2: drop_data after_bytes=1024"``.

        Returns:
            The fault as this server has it: its `fired` counts how often it happened.

        Raises:
            ConfigurationError: It cannot happen; the text has the reason.
        """
        return self._add(self._checked(fault))[0]

    def _add(self, *faults: Fault) -> list[ActiveFault]:
        added = [ActiveFault(fault) for fault in faults]
        with self._lock:
            self._rules.active = (*self._rules.active, *added)
        return added

    def put(self, fault: ActiveFault) -> None:
        """Add a fault that no test has to see."""
        with self._lock:
            self._rules.active = (*self._rules.active, fault)

    def _checked(self, fault: object) -> Fault:
        built.used(fault)
        if isinstance(fault, str):
            fault = parse(fault)
        if not isinstance(fault, Fault):
            raise ConfigurationError(f"{fault!r} is no fault: use on('RETR').drop_data(), or text 'RETR: drop_data'")
        if not fault.actions:
            raise ConfigurationError(f"{fault!r} does not say what goes wrong: add a word, such as .drop_data()")
        check_fault(fault, self._verbs)
        if self.passes_on and (instead := [action.in_front for action in fault.actions if action.in_front]):
            raise ConfigurationError(
                f"{fault!r}: this word changes files or settings of the server itself, which a proxy or a recording "
                f"does not have: use {instead[0]}"
            )
        return fault

    def remove(self, *faults: ActiveFault) -> None:
        """Remove faults; a fault that the server does not have is ignored."""
        with self._lock:
            self._rules.active = tuple(one for one in self._rules.active if one not in faults)

    def clear(self) -> None:
        """Remove all faults; those that did not happen are then no failure. Answers of expectations stay."""
        with self._lock:
            self._rules.active = tuple(one for one in self._rules.active if not one.by_test)

    def begin_again(self, faults: Iterable[Fault], now: float) -> None:
        """Replace all faults by these, none of which has happened; the age of the server is 0 again.

        Args:
            faults: Checked before.
            now: Monotonic seconds of the server's clock.
        """
        with self._lock:
            self._rules.active = tuple(map(ActiveFault, faults))
            self._rules.started = now

    @contextmanager
    def __call__(self, *faults: Fault | str) -> Iterator[list[ActiveFault]]:
        """Add faults inside the context; each must have happened at its end, unless it is optional.

        Raises:
            AssertionError: A fault did not happen, and the context raised nothing else.
            ConfigurationError: No fault is given, or one cannot happen.
        """
        __tracebackhide__ = True
        if not faults:
            raise ConfigurationError("faults() without a fault changes nothing: use faults('RETR: drop_data')")
        added = self._add(*map(self._checked, faults))
        try:
            yield added
            self._assert(_needed(added))
        finally:
            self.remove(*added)

    @property
    def active(self) -> list[ActiveFault]:
        """The faults of the server, in the order in which they were added."""
        return [one for one in self._rules.active if one.by_test]

    @property
    def added(self) -> tuple[Fault, ...]:
        """The faults of the server, without their counts."""
        return tuple(active.fault for active in self._rules.active)

    @property
    def fired(self) -> list[FaultApplied]:
        """The faults that happened, in order: one event for each command to which a fault happened."""
        return [event for event in self._log.events if isinstance(event, FaultApplied)]

    def assert_fired(self, fault: ActiveFault | Fault | str | None = None, *, times: int | None = None) -> None:
        """Assert that faults happened.

        Args:
            fault: The only fault that counts; None for all that are not optional.
            times: How often each must have happened, exactly; None for at least once.

        Raises:
            AssertionError: A fault did not happen, or not as often; the text has what it waits for.
            ConfigurationError: The fault was not added, or there is none that must happen.
        """
        __tracebackhide__ = True
        if fault is not None:
            self._assert(self._found(fault), times)
            return
        needed = self._needed()
        if not needed:
            which = "all faults are optional: name one" if self.active else f"the server has no faults: {_ADD_ONE}"
            raise ConfigurationError(f"assert_fired() asserts nothing, because {which}")
        self._assert(needed, times)

    def _found(self, fault: ActiveFault | Fault | str) -> list[ActiveFault]:
        """The faults of the server that are this one.

        Raises:
            ConfigurationError: There is none.
        """
        built.used(fault)
        wanted = parse(fault) if isinstance(fault, str) else fault
        found = [one for one in self.active if wanted in (one, one.fault)]
        if not found:
            there = ", ".join(repr(one.fault) for one in self.active)
            which = f"there are {there}" if there else _ADD_ONE
            raise ConfigurationError(f"{wanted!r} was never added, or was removed: {which}")
        return found

    def check(self, patience: float | None = None) -> None:
        """Assert that all faults that are not optional happened; without faults, nothing is wrong.

        Args:
            patience: Seconds that commands and transfers that are still running get; None for a second.

        Raises:
            AssertionError: A fault did not happen.
        """
        __tracebackhide__ = True
        self._assert(self._needed(), patience=patience)

    def wait_fired(self) -> None:
        """Wait until all faults that are not optional happened, or none can happen any more."""
        self.wait(lambda: all(one.fired for one in self._needed()))

    def missed(self) -> list[str]:
        """A sentence for each fault that is not optional and did not happen: why, and what to do."""
        return [_missed(one) for one in self._needed() if not one.fired]

    def _needed(self) -> list[ActiveFault]:
        return _needed(self._rules.active)

    def _assert(self, needed: Collection[ActiveFault], times: int | None = None, patience: float | None = None) -> None:
        __tracebackhide__ = True

        def missed() -> list[ActiveFault]:
            return [one for one in needed if (one.fired != times if times is not None else not one.fired)]

        self.wait(lambda: not missed(), patience)
        wrong = [_missed(one, times) for one in missed()]
        if wrong:
            raise AssertionError(failure(wrong[0], wrong[1:], self._log))

    def wait(self, happened: Callable[[], bool], patience: float | None = None) -> None:
        """Wait until something happened, or until nothing can follow; for one second at most, unless told."""
        if not happened():
            seconds = _PATIENCE if patience is None else patience
            self._log.time_source.wait_until(lambda: happened() or self._is_over(), seconds)

    def _is_over(self) -> bool:
        """Whether nothing can follow: a client that received a reply may send more, so all sessions must be closed."""
        return not self._log.is_busy and all(session.closed_at is not None for session in self._log.sessions)

    def __repr__(self) -> str:
        return f"<Faults {', '.join(map(repr, (one.fault for one in self._all.active))) or 'none'}>"


def _needed(faults: Iterable[ActiveFault]) -> list[ActiveFault]:
    return [one for one in faults if not one.fault.trigger.optional]


def _missed(active: ActiveFault, times: int | None = None) -> str:
    expected = "" if times is None else f" (expected {counted(times)})"
    return f"{active.fault!r} happened {counted(active.fired)}{expected}: {active.why_not_fired()}"
