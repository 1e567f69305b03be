"""What a test asserts of sessions: logins, encryption, how data connections were made, waiting, round trips, the end.

One rule: an assertion over nothing fails: a test whose client never connected must not pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from ftpfixture import checks
from ftpfixture.errors import ConfigurationError
from ftpfixture.log.events import LoggedIn, ReplySent
from ftpfixture.log.failures import failure
from ftpfixture.log.record_lines import command_line, session_line, some, transfer_line
from ftpfixture.log.records import CommandRecord, SessionRecord, TransferRecord
from ftpfixture.log.round_trips import round_trips
from ftpfixture.log.view import LogView
from ftpfixture.wire.lines import printable
from ftpfixture.wire.matching import Pattern

__all__ = ["SessionAssertions"]

_SECRETS = ("USER", "PASS", "ACCT")
_PARTS = ("login", "data")
_ENCRYPT = "right is AUTH TLS before USER, and PROT P before a data connection opens"


class SessionAssertions(LogView):
    """Assertions over the control connections of a log."""

    def assert_logged_in(self, user: str | None = None, *, session: int | None = None) -> SessionRecord:
        """Assert that a user logged in.

        Args:
            user: The login; None for any.
            session: Number of the only session that counts; None for all.

        Returns:
            The first session in which it happened.

        Raises:
            AssertionError: It did not; the text has the logins that succeeded and those that were refused.
            ConfigurationError: There is no such session.
        """
        __tracebackhide__ = True
        chosen = self.sessions_of(session)
        logins = {(event.session, event.user) for event in self.events if isinstance(event, LoggedIn)}
        # A log that was cleared still knows the users of the sessions that live.
        logins |= {(record.number, record.user) for record in chosen if record.user}
        for record in chosen:
            if any(number == record.number and user in (None, name) for number, name in logins):
                return record
        numbers = {record.number for record in chosen}
        names = sorted({name for number, name in logins if number in numbers})
        refused = [one for one in self._secrets(session) if one.code[:1] in ("4", "5")]
        raise AssertionError(
            failure(
                f"expected a login{_of(user)}{_in(session)}; logged in: {', '.join(names) or 'no user'}",
                ["refused:", *some([command_line(one) for one in refused])] if refused else [],
                self,
            )
        )

    def assert_all_quit(self) -> None:
        """Assert that every session ended with a QUIT that the server accepted.

        Raises:
            AssertionError: One did not, or no client connected; the text lists the sessions and how they ended.
        """
        __tracebackhide__ = True
        self.need_all("assert_all_quit")
        sessions = self.sessions
        quitted = {one.session for one in self.commands if one.verb == "QUIT" and one.code.startswith("2")}
        others = [session_line(record) for record in sessions if record.number not in quitted]
        if others:
            raise AssertionError(
                failure(
                    f"expected QUIT in each session; {len(others)} of {len(sessions)} had none:", some(others), self
                )
            )
        if not sessions:
            raise AssertionError(failure("expected QUIT in each session; no client connected", [], self))

    def assert_sessions(self, count: int | None = None, *, at_most_at_once: int | None = None) -> None:
        """Assert how many control connections there were.

        A session lasts from its connection to its QUIT or, without one, until the server saw its connection close.

        Args:
            count: How many exactly; 0 for no client at all.
            at_most_at_once: How many may have been open at the same time; 1 or more.

        Raises:
            AssertionError: The number differs; the text lists the sessions.
            ConfigurationError: Neither was given, or one is no such number.
        """
        __tracebackhide__ = True
        self.need_all("assert_sessions")
        if count is None and at_most_at_once is None:
            raise ConfigurationError("assert_sessions asserts nothing so: give count= or at_most_at_once=")
        sessions = self.sessions
        if count is not None and len(sessions) != checks.whole("count", count):
            headline = f"expected {_number(count, 'session')}, seen {len(sessions)}{':' if sessions else ''}"
            raise AssertionError(failure(headline, some([session_line(record) for record in sessions]), self))
        if at_most_at_once is not None:
            self._assert_at_once(sessions, checks.whole("at_most_at_once", at_most_at_once, 1))

    def _assert_at_once(self, sessions: list[SessionRecord], most: int) -> None:
        __tracebackhide__ = True
        if not sessions:
            raise AssertionError(failure(f"expected sessions, at most {most} at once; no client connected", [], self))
        ends = {one.session: one.time for one in self.commands if one.verb == "QUIT" and one.code.startswith("2")}
        for last in sessions:
            there = [one for one in sessions if one.time <= last.time < ends.get(one.number, _closed(one))]
            if len(there) > most:
                headline = f"expected at most {_number(most, 'session')} at once; {len(there)} at {last.time:.3f}:"
                raise AssertionError(failure(headline, some([session_line(one) for one in there]), self))

    def assert_encrypted(self, part: Literal["login", "data"] | None = None, *, session: int | None = None) -> None:
        """Assert that no login and no data went over the network in clear.

        Args:
            part: "login" for names, passwords and accounts, "data" for data connections; None for both.
            session: Number of the only session that counts; None for all.

        Raises:
            AssertionError: Something did, or there was nothing to encrypt: no login (for "data": no data connection).
            ConfigurationError: There is no such session, or no such part.
        """
        __tracebackhide__ = True
        self.need_all("assert_encrypted")
        if part is not None:
            checks.one_of("part", part, _PARTS)
        secrets = self._secrets(session) if part != "data" else []
        transfers = self._transfers_of(session) if part != "login" else []
        clear = [f"not encrypted: {one} in session {one.session}" for one in secrets if not one.encrypted]
        clear += [
            f"not encrypted: the {one.direction} of {printable(one.path)} in session {one.session}"
            for one in transfers
            if one.tls is None
        ]
        if clear:
            raise AssertionError(failure(clear[0], [*clear[1:], _ENCRYPT], self))
        if not (secrets or part == "data"):
            raise AssertionError(failure(f"no client logged in{_in(session)}, so no login was encrypted", [], self))
        if part == "data" and not transfers:
            text = f"no data connection was used{_in(session)}, so no data were encrypted"
            raise AssertionError(failure(text, [], self))

    def assert_active(self, *, session: int | None = None) -> None:
        """Assert that the server made every data connection (PORT, EPRT).

        Args:
            session: Number of the only session that counts; None for all.

        Raises:
            AssertionError: A client made one, or there was none.
            ConfigurationError: There is no such session.
        """
        __tracebackhide__ = True
        self.need_all("assert_active")
        self._assert_mode("active", "PORT or EPRT", session)

    def assert_passive(self, *, session: int | None = None) -> None:
        """Assert that the clients made every data connection (PASV, EPSV).

        Args:
            session: Number of the only session that counts; None for all.

        Raises:
            AssertionError: The server made one, or there was none.
            ConfigurationError: There is no such session.
        """
        __tracebackhide__ = True
        self.need_all("assert_passive")
        self._assert_mode("passive", "PASV or EPSV", session)

    def _assert_mode(self, mode: str, verbs: str, session: int | None) -> None:
        __tracebackhide__ = True
        transfers = self._transfers_of(session)
        others = [transfer_line(one) for one in transfers if one.mode != mode]
        headline = f"expected {mode} data connections only ({verbs}){_in(session)}"
        if others:
            raise AssertionError(failure(f"{headline}; {len(others)} of {len(transfers)} differ:", some(others), self))
        if not transfers:
            asked = [one for one in self._commands_of(session) if one.verb in ("PASV", "EPSV", "PORT", "EPRT")]
            raise AssertionError(
                failure(f"{headline}; there was none", some([command_line(one) for one in asked]), self)
            )

    def assert_waited(
        self,
        *,
        between: Sequence[str | Pattern],
        at_least: float,
        at_most: float | None = None,
        session: int | None = None,
    ) -> list[float]:
        """Assert how long clients waited between two commands, by the server's clock.

        Each command that matches the first pattern is compared with the next one that matches the second, in whatever
        session, because a client may connect again to retry. The time runs from the final reply to the first command
        until the second one is received.

        Args:
            between: Two patterns, such as ``("RETR -> 4xx", "RETR")``.
            at_least: Seconds.
            at_most: Seconds; None for no limit.
            session: Number of the only session that counts; None for all.

        Returns:
            How long each wait was, in seconds.

        Raises:
            AssertionError: A wait was shorter or longer, or there was none to measure.
            ConfigurationError: `between` is not two patterns, a number is negative, or there is no such session.
        """
        __tracebackhide__ = True
        self.need_all("assert_waited")
        if isinstance(between, str | Pattern) or len(between) != 2:
            raise checks.wrong("between", 'two patterns, such as ("RETR -> 4xx", "RETR")', between)
        limits = (checks.seconds("at_least", at_least), None if at_most is None else checks.seconds("at_most", at_most))
        waits = list(self._waits(between[0], between[1], session))
        expected = f"expected a wait of at least {at_least:g} s" + (f", at most {at_most:g} s" if limits[1] else "")
        headline = f"{expected} between {between[0]} and {between[1]}{_in(session)}"
        wrong = [wait for wait in waits if wait[0] < limits[0] or (limits[1] is not None and wait[0] > limits[1])]
        if wrong:
            lines = [f"{wait:.3f} s from {command_line(one)} to {command_line(two)}" for wait, one, two in wrong]
            raise AssertionError(failure(f"{headline}; {len(wrong)} of {len(waits)} differ:", some(lines), self))
        if not waits:
            first = self.find(between[0], session)
            missing = f"no {between[1]} came after {command_line(first[0])}" if first else f"no {between[0]} came"
            raise AssertionError(failure(f"{headline}; {missing}", [], self))
        return [wait for wait, _, _ in waits]

    def _waits(
        self, first: str | Pattern, second: str | Pattern, session: int | None
    ) -> Iterator[tuple[float, CommandRecord, CommandRecord]]:
        """The pairs that match, each with the seconds between them."""
        answered = {
            event.command_seq: event.time
            for event in self.events
            if isinstance(event, ReplySent) and not event.code.startswith("1")
        }
        later = self.find(second, session)
        for one in self.find(first, session):
            two = next((record for record in later if record.seq > one.seq), None)
            if two is not None:
                begin, end = min(answered.get(one.seq, one.time), two.time), two.time
                yield self.server_time(end) - self.server_time(begin), one, two

    def assert_round_trips(self, *, at_most: int, session: int | None = None) -> int:
        """Assert how often clients waited for the network; over a distance this makes a transfer slow.

        Connecting counts two (TCP, greeting), a command one, a data connection one, a TLS handshake one (TLS 1.2
        without a resumed session: two). Commands that a client sent at once count as if it had waited for each reply.

        Args:
            at_most: How many there may be, 1 or more.
            session: Number of the only session that counts; None for all.

        Returns:
            How many there were.

        Raises:
            AssertionError: There were more, or none; the text has their purposes.
            ConfigurationError: `at_most` is no such number, or there is no such session.
        """
        __tracebackhide__ = True
        self.need_all("assert_round_trips")
        most = checks.whole("at_most", at_most, 1)
        self.sessions_of(session)
        counted = round_trips(event for event in self.events if session in (None, event.session))
        expected = f"expected at most {_number(most, 'round trip')}{_in(session)}"
        if not counted.total:
            raise AssertionError(failure(f"{expected}; there was none", [], self))
        if counted.total > most:
            lines = [f"{verb or '(empty line)'}: {count}" for verb, count in counted.commands.most_common()]
            raise AssertionError(failure(f"{expected}, seen {counted.total}: {counted}", some(lines), self))
        return counted.total

    def _commands_of(self, session: int | None) -> list[CommandRecord]:
        self.sessions_of(session)
        return [record for record in self.commands if session in (None, record.session)]

    def _secrets(self, session: int | None) -> list[CommandRecord]:
        return [record for record in self._commands_of(session) if record.verb in _SECRETS]

    def _transfers_of(self, session: int | None) -> list[TransferRecord]:
        self.sessions_of(session)
        return [record for record in self.transfers if session in (None, record.session)]


def _closed(session: SessionRecord) -> float:
    return float("inf") if session.closed_at is None else session.closed_at


def _in(session: int | None) -> str:
    return "" if session is None else f" in session {session}"


def _of(user: str | None) -> str:
    return "" if user is None else f" as {user!r}"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
