"""Records of login attempts and logouts, and assertions about them.

One rule: the server's thread makes records and any thread reads them; no record has a password.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import PurePosixPath
from typing import Any

from ftpfixture.checks import nearest
from ftpfixture.driver import TimeSource
from ftpfixture.errors import ConfigurationError
from ftpfixture.server.users.base import Permission, User

__all__ = ["OUTCOMES", "AttemptLog", "LoginAttempt", "SessionUser"]

OUTCOMES = ("accepted", "asked", "rejected", "closed", "full", "locked", "expired", "timed out", "raised")
"""The outcomes of an attempt: logged in; 332 for an account; refused; 421; too many connections; locked after failures;
expired; no reply; the manager raised."""


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """One attempt to log in, recorded when the manager decides, before any delay of the reply.

    Attributes:
        login: The name, as sent.
        time: POSIX seconds by the server's clock.
        outcome: "accepted", "asked" (for an account), "rejected", "closed", "full" (too many connections), "locked",
            "expired", "timed out" or "raised".
        code: Code of the reply; "" without one.
        session: Number of the session; 0 outside a server.
        password_matched: Whether the password was that of the listed user; None when none was compared.
    """

    login: str
    time: float
    outcome: str
    code: str
    session: int
    password_matched: bool | None = None

    def __str__(self) -> str:
        password = {True: ", right password", False: ", wrong password", None: ""}[self.password_matched]
        code = f" ({self.code})" if self.code else ""
        session = f" in session {self.session}" if self.session else ""
        return f"{self.login} {self.outcome}{code}{session}{password}"


class SessionUser(User):
    """A user in one session: every attribute that is not named here is that of `user`.

    Args:
        name: The login, as sent.
        user: The user with that login; None if no user has it.
        guest: Used as `user` if no user has the login.
        permitted: Each user with changed rights, to a user that has the current ones.

    Attributes:
        listed: Whether a user has the login.
        user: The user.
        account: The account that ACCT must send; None for none.
        slot: The user one of whose connections the session uses.
        matched: Whether the password was right; None when none was compared.
        logged_in: Whether the session was logged in.
    """

    def __init__(self, name: str, user: User | None, guest: User, permitted: Mapping[User, User]) -> None:
        self.name = name
        self.listed = user is not None
        self.user = user or guest
        self.account = self.user.account
        self.slot = user
        self.matched: bool | None = None
        self.logged_in = False
        self._permitted = permitted

    async def get_permissions(self, path: str | PurePosixPath) -> Permission:
        """See User."""
        return await self._permitted.get(self.user, self.user).get_permissions(path)

    def __getattr__(self, name: str) -> Any:
        user = object.__getattribute__(self, "user")
        return getattr(self._permitted.get(user, user) if name == "permissions" else user, name)

    def __eq__(self, other: object) -> bool:
        return self.user == (other.user if isinstance(other, SessionUser) else other)

    def __hash__(self) -> int:
        return hash(self.user)  # speed limits belong to the user


class AttemptLog:
    """The login attempts and logouts of a user manager.

    Args:
        time_source: Readers wait by it.

    Attributes:
        time_source: The current one; may be assigned.
    """

    def __init__(self, time_source: TimeSource) -> None:
        self.time_source = time_source
        self._attempts: list[LoginAttempt] = []
        self._logouts: list[str] = []

    def add_attempt(self, attempt: LoginAttempt) -> None:
        """Record an attempt."""
        self._attempts.append(attempt)
        self.time_source.notify()

    def add_logout(self, login: str) -> None:
        """Record the end of a session that was logged in."""
        self._logouts.append(login)
        self.time_source.notify()

    @property
    def attempts(self) -> list[LoginAttempt]:
        """All attempts, in order; a new list."""
        return list(self._attempts)

    @property
    def logouts(self) -> list[str]:
        """Logins of the ended sessions, in order; a new list."""
        return list(self._logouts)

    def assert_attempts(self, login: str, outcomes: tuple[str, ...], timeout: float = 0) -> list[LoginAttempt]:
        """See ScriptedUserManager.assert_attempts; waits up to `timeout` seconds for that number of attempts."""
        __tracebackhide__ = True
        _check(outcomes)
        self.time_source.block_until("users.wait_for_attempts", lambda: self._has(login, outcomes), timeout)
        return self._assert_outcomes(login, outcomes)

    async def wait_for_attempts_async(
        self, login: str, outcomes: tuple[str, ...], timeout: float
    ) -> list[LoginAttempt]:
        """See ScriptedUserManager.wait_for_attempts_async."""
        __tracebackhide__ = True
        _check(outcomes)
        await self.time_source.wait_until_async(lambda: self._has(login, outcomes), timeout)
        return self._assert_outcomes(login, outcomes)

    def _of(self, login: str) -> list[LoginAttempt]:
        return [attempt for attempt in self._attempts if attempt.login == login]

    def _has(self, login: str, outcomes: tuple[str, ...]) -> bool:
        return len(self._of(login)) >= len(outcomes)

    def _assert_outcomes(self, login: str, outcomes: tuple[str, ...]) -> list[LoginAttempt]:
        __tracebackhide__ = True
        seen = self._of(login)
        if tuple(attempt.outcome for attempt in seen) != outcomes:
            raise AssertionError(self._missed(login, outcomes, seen))
        return seen

    def wait_for_logout(self, login: str, times: int, timeout: float) -> None:
        """See ScriptedUserManager.wait_for_logout."""
        __tracebackhide__ = True
        ended = self.time_source.block_until(
            "users.wait_for_logout", lambda: self._logouts.count(login) >= times, timeout
        )
        self._assert_ended(ended, login, times, timeout)

    async def wait_for_logout_async(self, login: str, times: int, timeout: float) -> None:
        """See ScriptedUserManager.wait_for_logout_async."""
        __tracebackhide__ = True
        ended = await self.time_source.wait_until_async(lambda: self._logouts.count(login) >= times, timeout)
        self._assert_ended(ended, login, times, timeout)

    def _assert_ended(self, ended: bool, login: str, times: int, timeout: float) -> None:
        __tracebackhide__ = True
        if not ended:
            seen = f"{self._logouts.count(login)} of {times} times within {timeout:g} s"
            raise AssertionError(f"{login!r} logged out {seen}; logouts: {', '.join(self.logouts) or 'none'}")

    def _missed(self, login: str, expected: tuple[str, ...], seen: list[LoginAttempt]) -> str:
        outcomes = [attempt.outcome for attempt in seen]
        lines = [f"attempts of {login!r}: expected {_listed(expected)}; seen {_listed(outcomes)}"]
        lines.append(_difference(expected, seen) if seen else self._nearest(login))
        attempts = self.attempts
        lines += ["", *(f"    {attempt.time - attempts[0].time:+.3f} {attempt}" for attempt in attempts)]
        return "\n".join(lines).rstrip()

    def _nearest(self, login: str) -> str:
        logins = sorted({attempt.login for attempt in self._attempts})
        near = nearest(login, logins) or logins
        return f"nearest: {', '.join(map(repr, near))}" if near else "no login was attempted"


def _listed(outcomes: Sequence[str]) -> str:
    return ", ".join(outcomes) or "none"


def _difference(expected: Sequence[str], seen: Sequence[LoginAttempt]) -> str:
    """A sentence about the first difference."""
    pairs = enumerate(zip_longest(expected, seen), 1)
    number, outcome, attempt = next((n, *pair) for n, pair in pairs if pair[1] is None or pair[0] != pair[1].outcome)
    if attempt is None:
        return f"number {number} is missing: {outcome}"
    return f"number {number} differs: {attempt}" if outcome else f"number {number} is one too many: {attempt}"


def _check(outcomes: tuple[str, ...]) -> None:
    """Make sure that attempts can have these outcomes.

    Raises:
        ConfigurationError: They cannot; the text names those there are.
    """
    for outcome in outcomes:
        if outcome not in OUTCOMES:
            raise ConfigurationError(f"{outcome!r} is no outcome: use {', '.join(OUTCOMES)}")
