"""The faults of a server, as tests handle them: add, clear, see that they happened."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager

from ftpfixture.errors import ConfigurationError
from ftpfixture.faults.active import ActiveFault, ActiveFaults
from ftpfixture.faults.dsl import Fault
from ftpfixture.faults.grammar import parse
from ftpfixture.faults.trigger import counted
from ftpfixture.faults.validation import check_fault
from ftpfixture.forks import Origin, lock
from ftpfixture.log import CommandLog
from ftpfixture.log.events import FaultApplied

__all__ = ["Faults"]

_PATIENCE = 1.0  # seconds that what is still going on gets before a fault counts as one that never happened


class Faults:
    """What goes wrong on a server. Used from any thread, at any time; what was added acts on the next command.

    Args:
        rules: Where the server looks.
        log: What was said to it.
        verbs: What it answers, upper case.
        origin: Of the server; one that runs in a parent process takes no faults here.
    """

    def __init__(
        self, rules: ActiveFaults, log: CommandLog, verbs: Collection[str], origin: Origin | None = None
    ) -> None:
        self._all = rules
        self._origin = origin or Origin()
        self._log = log
        self._verbs = verbs
        self._lock = lock()

    @property
    def _rules(self) -> ActiveFaults:
        self._origin.check()
        return self._all

    def add(self, fault: Fault | str) -> ActiveFault:
        """Let something go wrong from now on.

        Args:
            fault: Made by `ftpfixture.on`, or its text form such as ``"RETR *.csv #2: drop_data after_bytes=1024"``.

        Returns:
            The fault as this server has it: `fired` tells how often it happened.

        Raises:
            ConfigurationError: It cannot happen; the text says why.
        """
        return self._add(self._checked(fault))[0]

    def _add(self, *faults: Fault) -> list[ActiveFault]:
        armed = [ActiveFault(fault) for fault in faults]
        with self._lock:
            self._rules.active = (*self._rules.active, *armed)
        return armed

    def _checked(self, fault: object) -> Fault:
        if isinstance(fault, str):
            fault = parse(fault)
        if not isinstance(fault, Fault):
            raise ConfigurationError(f"{fault!r} is no fault: use on('RETR').drop_data(), or text 'RETR: drop_data'")
        if not fault.actions:
            raise ConfigurationError(f"{fault!r} does not say what goes wrong: add a word, such as .drop_data()")
        check_fault(fault, self._verbs)
        return fault

    def remove(self, *armed: ActiveFault) -> None:
        """Let faults happen no more; those that were not there do no harm."""
        with self._lock:
            self._rules.active = tuple(one for one in self._rules.active if one not in armed)

    def clear(self) -> None:
        """Let nothing go wrong any more, and expect nothing of the faults that there were."""
        with self._lock:
            self._rules.active = ()

    def begin_again(self, faults: Iterable[Fault], now: float) -> None:
        """Have these faults alone, all of which wait; the server is as old as new.

        Args:
            faults: Checked before.
            now: Monotonic seconds of the server's clock.
        """
        with self._lock:
            self._rules.active = tuple(map(ActiveFault, faults))
            self._rules.started = now

    @contextmanager
    def __call__(self, *faults: Fault | str) -> Iterator[list[ActiveFault]]:
        """Let things go wrong inside the context; each must have happened at its end, unless it is optional.

        Raises:
            AssertionError: One has not, and nothing else was raised inside.
        """
        __tracebackhide__ = True
        armed = self._add(*map(self._checked, faults))
        try:
            yield armed
            self._assert(armed)
        finally:
            self.remove(*armed)

    @property
    def active(self) -> list[ActiveFault]:
        """The faults that there are, in the order in which they were added."""
        return list(self._rules.active)

    @property
    def fired(self) -> list[FaultApplied]:
        """What happened, in order, once for each command that it happened to."""
        return [event for event in self._log.events if isinstance(event, FaultApplied)]

    def assert_fired(self, fault: ActiveFault | Fault | str | None = None, *, times: int | None = None) -> None:
        """Assert that faults happened.

        Args:
            fault: The only one that counts; None for all that are not optional.
            times: How often exactly, each; None for at least once.

        Raises:
            AssertionError: One did not, or not so often; the text says what it waits for.
            ConfigurationError: The fault was never added.
        """
        __tracebackhide__ = True
        if fault is None:
            self._assert(self._rules.active, times)
            return
        wanted = parse(fault) if isinstance(fault, str) else fault
        found = [armed for armed in self._rules.active if wanted in (armed, armed.fault)]
        if not found:
            raise ConfigurationError(f"{wanted!r} was never added, or was taken away")
        self._assert(found, times, even_optional=True)

    def assert_fired_by_now(self) -> None:
        """Assert that all faults that are not optional happened; for a server without sessions, where nothing follows.

        Raises:
            AssertionError: One did not.
        """
        __tracebackhide__ = True
        self._assert(self._rules.active, patience=0)

    def _assert(
        self,
        all_armed: Iterable[ActiveFault],
        times: int | None = None,
        even_optional: bool = False,
        patience: float = _PATIENCE,
    ) -> None:
        __tracebackhide__ = True
        needed = [one for one in all_armed if even_optional or not one.fault.trigger.optional]

        def missed() -> list[ActiveFault]:
            return [one for one in needed if (one.fired != times if times is not None else not one.fired)]

        if missed():
            self._log.wait_until(lambda: not missed() or self._is_over(), patience)
        wrong = missed()
        if wrong:
            expected = "" if times is None else f" (expected {counted(times)})"
            lines = [f"{one.fault!r} happened {counted(one.fired)}{expected}: {one.why_not_fired()}" for one in wrong]
            raise AssertionError("\n".join(lines) + f"\n\n{self._log.transcript()}")

    def _is_over(self) -> bool:
        """Whether nothing can follow: a reply is read before what comes after it, and a line sent is not yet seen."""
        return not self._log.is_busy and all(session.closed_at is not None for session in self._log.sessions)

    def __repr__(self) -> str:
        return f"<Faults {', '.join(map(repr, (armed.fault for armed in self._all.active))) or 'none'}>"
