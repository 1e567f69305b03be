"""The dialogue that really took place, for tests to assert on: a view over events, readable from any thread.

One rule: code that looks at more than one attribute holds the lock, in the servers' thread too, and does not wait
while it holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

from ftpfixture import checks
from ftpfixture.clock import Clock
from ftpfixture.driver import REAL_TIME, TimeSource
from ftpfixture.forks import Origin, rlock
from ftpfixture.log.advice import Advice, Sessions, advise
from ftpfixture.log.assertions import Assertions
from ftpfixture.log.events import Event, HandlerFailed, Hub
from ftpfixture.log.failures import failure
from ftpfixture.log.folding import fold
from ftpfixture.log.keeping import Keeper, Keeping
from ftpfixture.log.nearness import counted_times, near_miss
from ftpfixture.log.projection import Projection
from ftpfixture.log.records import CommandRecord, SessionRecord, TransferRecord
from ftpfixture.log.round_trips import RoundTrips, round_trips
from ftpfixture.log.session_assertions import SessionAssertions
from ftpfixture.log.transcript import render
from ftpfixture.log.transfer_assertions import TransferAssertions
from ftpfixture.wire.matching import Pattern

__all__ = ["CommandLog"]


class CommandLog(Assertions, TransferAssertions, SessionAssertions, Keeping):
    """Every command, reply and transfer of a server, in order.

    Args:
        hub: Where the events come from.
        origin: Process of the server; reading the log in a forked child of it is an error.
        time_source: Time by which readers wait: the driver of the server.
        clock: Clock of the server; None for one that is never stopped nor moved.
        verbs: Returns the verbs that the server answers, upper case: a pattern with a verb that neither the server nor
            a standard knows is an error.
        offers: Returns the verbs of these that are not disabled; replies to FEAT are known without it.
        limit: How many events to keep at least; at most a quarter more are kept. None for all.
        keeper: Makes recordings for `save` and `assert_matches`; None for a log without them.

    Attributes:
        made: When the server was made, in monotonic seconds of its clock: from there the times of events count.
        time_source: As given.
    """

    def __init__(
        self,
        hub: Hub,
        origin: Origin | None = None,
        time_source: TimeSource = REAL_TIME,
        *,
        clock: Clock | None = None,
        verbs: Callable[[], Collection[str]] = frozenset,
        offers: Callable[[], Collection[str]] = frozenset,
        limit: int | None = None,
        keeper: Keeper | None = None,
    ) -> None:
        self._clock = clock
        self._origin = origin or Origin()
        self._lock = rlock()
        self._verbs = verbs
        self._offers = offers
        self._notify = time_source.notify
        self.time_source = time_source
        self._waiting = time_source.waiting
        self.made = hub.started
        self._projection = Projection()
        # Each event of each server comes here, so lookups are made once.
        self._takers = self._projection.takers
        self._keep = self._projection.events.append
        self._limit = limit
        self._most = 0 if limit is None else limit + limit // 4
        self._forgotten = 0
        self._is_whole = True
        self._keeper = keeper
        hub.subscribe(self._on_event if limit is None else self._on_event_limited)

    # What comes in, on the loop thread.

    def _on_event(self, event: Event) -> None:
        take = self._takers.get(type(event))
        with self._lock:
            if take is not None:
                take(event)
            self._keep(event)
        if self._waiting:
            self._notify()

    def _on_event_limited(self, event: Event) -> None:
        self._on_event(event)
        if self._limit is not None and len(self._projection.events) > self._most:  # in large steps: each examines all
            with self._lock:
                self._forgotten += self._projection.forget(self._limit)
                self._is_whole = False

    # What tests read.

    @contextmanager
    def _at_rest(self) -> Iterator[None]:
        """Hold the lock, so that no event comes in meanwhile."""
        self._origin.check()
        with self._lock:
            yield

    @property
    def commands(self) -> list[CommandRecord]:
        """All commands in the order in which they were handled; live records in a new list."""
        with self._at_rest():
            return list(self._projection.commands.values())

    @property
    def transfers(self) -> list[TransferRecord]:
        """All data connections that were used, in the order in which they opened."""
        with self._at_rest():
            return list(self._projection.transfers.values())

    @property
    def sessions(self) -> list[SessionRecord]:
        """All control connections, in the order in which they were accepted."""
        with self._at_rest():
            return list(self._projection.sessions.values())

    @property
    def events(self) -> list[Event]:
        """All events, in order."""
        with self._at_rest():
            return list(self._projection.events)

    def known_verbs(self) -> frozenset[str]:
        """Return the verbs of the server and those that were sent, upper case."""
        with self._at_rest():
            return frozenset([*self._verbs(), *(record.verb for record in self._projection.commands.values())])

    @property
    def failures(self) -> list[HandlerFailed]:
        """The exceptions of handlers that are no replies."""
        with self._at_rest():
            return list(self._projection.failures)

    def server_time(self, time: float) -> float:
        """Return the time of the server's clock, in seconds since an arbitrary start, at the `time` of an event."""
        moment = self.made + time
        return moment if self._clock is None else self._clock.monotonic_at(moment)

    @property
    def forgotten(self) -> int:
        """How many commands were forgotten because of the limit, since the log was made or cleared."""
        with self._at_rest():
            return self._forgotten

    @property
    def is_whole(self) -> bool:
        """Whether no event was forgotten because of the limit, since the log was made or cleared."""
        with self._at_rest():
            return self._is_whole

    def take_failures(self) -> list[HandlerFailed]:
        """Return the failures, and forget them."""
        with self._at_rest():
            taken, self._projection.failures = self._projection.failures, []
        return taken

    def clear(self) -> None:
        """Forget everything but the open sessions; for tests that share a server."""
        with self._at_rest():
            self._projection.clear()
            self._forgotten, self._is_whole = 0, True

    # Advice.

    def advice(self, *, ignore: Collection[str] = (), session: int | None = None) -> list[Advice]:
        """Return what the clients could do better, such as a password in clear although the server offers TLS.

        Args:
            ignore: Names of rules that do not count, such as ``["no-quit"]``.
            session: Number of the only session that counts; None for all.

        Raises:
            ConfigurationError: A rule or the session is unknown, or no command was sent, so that nothing is judged.
        """
        self.need_all("advice")
        sessions = self.sessions_of(session)
        numbers = {record.number for record in sessions}
        commands = [record for record in self.commands if record.session in numbers]
        events = [event for event in self.events if event.session in numbers]
        listed = (line for record in self.commands if record.verb == "FEAT" for line in record.reply.splitlines())
        offers = {*self._offers(), *(line.split()[0].upper() for line in listed if line.strip())}
        return advise(Sessions(commands, sessions, events, offers), ignore)

    def round_trips(self) -> RoundTrips:
        """Return how often clients waited for the network; as text, what it was for and what it costs."""
        return round_trips(self.events)

    # Waiting.

    def wait_for(
        self,
        wanted: str | Pattern | Callable[[Event], bool],
        *,
        timeout: float = 5,
        times: int = 1,
        session: int | None = None,
    ) -> Any:
        """Wait until something has happened, without polling; what happened before the call counts too.

        Args:
            wanted: A pattern, or a function that returns whether an event is the wanted one.
            timeout: Seconds.
            times: How many matches there must be.
            session: For patterns: number of the only session that counts.

        Returns:
            The last match: a CommandRecord, or the event.

        Raises:
            AssertionError: It did not happen in time.
            ServerStateError: It was called in a coroutine, and has to wait: await `wait_for_async`.
        """
        __tracebackhide__ = True
        search = _Search(self, wanted, times, session)
        return search.result(self.time_source.block_until("log.wait_for", search.enough, timeout), timeout)

    async def wait_for_async(
        self,
        wanted: str | Pattern | Callable[[Event], bool],
        *,
        timeout: float = 5,
        times: int = 1,
        session: int | None = None,
    ) -> Any:
        """Wait as `wait_for` does, in a coroutine: the client of the test runs on."""
        __tracebackhide__ = True
        search = _Search(self, wanted, times, session)
        return search.result(await self.time_source.wait_until_async(search.enough, timeout), timeout)

    def wait_idle(self, timeout: float = 5) -> None:
        """Wait until every command of an open session has its final reply, or gets none, and no transfer runs.

        Sessions whose clients have quit or closed their connection have ended, and their records say why.

        Raises:
            AssertionError: It takes longer than `timeout` seconds.
            ServerStateError: It was called in a coroutine, and has to wait: await `wait_idle_async`.
        """
        __tracebackhide__ = True
        self._origin.check()
        self.time_source.settle()
        if not self.time_source.block_until("log.wait_idle", lambda: not self.is_busy, timeout):
            raise AssertionError(self._still_busy(timeout))

    async def wait_idle_async(self, timeout: float = 5) -> None:
        """Wait as `wait_idle` does, in a coroutine: the client of the test runs on."""
        __tracebackhide__ = True
        self._origin.check()
        await self.time_source.settle_async()
        if not await self.time_source.wait_until_async(lambda: not self.is_busy, timeout):
            raise AssertionError(self._still_busy(timeout))

    def _still_busy(self, timeout: float) -> str:
        return failure(f"still busy after {timeout:g} s with {', '.join(self._busy())}", [], self)

    @property
    def is_busy(self) -> bool:
        """Whether a command of an open session waits for its reply, or a transfer runs."""
        return bool(self._busy())

    def _busy(self) -> list[str]:
        with self._at_rest():
            return self._projection.busy()

    def wait_until(self, holds: Callable[[], bool], timeout: float) -> bool:
        """Wait until `holds` is true; it is called at first and after each event. Return False when time is up.

        Raises:
            ServerStateError: It was called in a coroutine, and has to wait: await `wait_until_async`.
        """
        self._origin.check()
        return self.time_source.block_until("log.wait_until", holds, timeout)

    async def wait_until_async(self, holds: Callable[[], bool], timeout: float) -> bool:
        """Wait as `wait_until` does, in a coroutine: the client of the test runs on."""
        self._origin.check()
        return await self.time_source.wait_until_async(holds, timeout)

    # The dialogue as text.

    def transcript(self, session: int | None = None) -> str:
        """The dialogue of all sessions, or of one, as text; passwords are starred."""
        return self._gap() + render(*self._selected(session))

    def dialogue(self, around: Collection[int] = (), *, zero: float = 0, folded: bool = True) -> str:
        """The dialogue of all sessions, folded: begin, end, and the surroundings of some commands; repetitions count.

        Args:
            around: The `seq` of commands, the most important first.
            zero: Seconds after the server was made, from which the times count.
            folded: Whether a long dialogue is folded at all.
        """
        events, sessions = self._selected()
        return self._gap() + (fold(events, sessions, around, zero) if folded else render(events, sessions, zero))

    def _gap(self) -> str:
        """The line above a dialogue whose begin is forgotten; "" for a whole one."""
        return f"(the first {self.forgotten} commands are forgotten: log_limit)\n" if self.forgotten else ""

    def _selected(self, session: int | None = None) -> tuple[list[Event], list[int]]:
        """All events, and the numbers of the selected sessions."""
        with self._at_rest():
            numbers = [number for number in sorted(self._projection.sessions) if session in (None, number)]
            return list(self._projection.events), numbers


class _Search:
    """What a caller waits for, and the matches so far."""

    def __init__(
        self, log: CommandLog, wanted: str | Pattern | Callable[[Event], bool], times: int, session: int | None
    ) -> None:
        self._log = log
        self._pattern = pattern = None if callable(wanted) else log.pattern(wanted)
        if callable(wanted):
            self._look: Callable[[], list[Any]] = lambda: [event for event in log.events if wanted(event)]
        else:
            assert pattern is not None
            self._look = lambda: [record for record in self._records() if pattern.matches(record)]
        self._times = checks.whole("times", times, 1)
        self._session = session
        self._found: list[Any] = []  # kept: another thread may clear the log before the next search

    def _records(self) -> list[CommandRecord]:
        return [record for record in self._log.commands if self._session in (None, record.session)]

    def enough(self) -> bool:
        """Search once; return whether there are enough matches."""
        self._found = self._look()
        return len(self._found) >= self._times

    def result(self, enough: bool, timeout: float) -> Any:
        """Return the last match.

        Raises:
            AssertionError: There are not enough.
        """
        __tracebackhide__ = True
        if enough:
            return self._found[self._times - 1]
        seen = f"wanted {counted_times(self._times)}, seen {counted_times(len(self._found))}"
        text = f"not seen within {timeout:g} s ({seen})"
        if self._pattern is None:
            raise AssertionError(failure(f"the event was {text}", [], self._log))
        nearest = near_miss(self._pattern, self._records())
        raise AssertionError(nearest.failure(f"{self._pattern}: {text}", self._log))
