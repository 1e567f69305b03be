"""A user manager that a test controls: scripts, limits, locks, expiry, changes of rights, and records of attempts.

One rule: the test's thread sets the decisions, the server's thread makes them. A lock protects what both change, and no
thread holds it during a wait.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ftpfixture import checks
from ftpfixture.checks import nearest
from ftpfixture.clock import Clock
from ftpfixture.errors import CommandRefused, ConfigurationError, NoReply
from ftpfixture.forks import lock
from ftpfixture.server.connection import SESSION
from ftpfixture.server.replies import INTERNAL_ERROR, LOGIN_FAILURES, reply_for
from ftpfixture.server.users.attempts import AttemptLog, LoginAttempt, SessionUser
from ftpfixture.server.users.base import AbstractUserManager, AvailableConnections, Permission, User
from ftpfixture.server.users.login_script import (
    Accept,
    Act,
    AskAccount,
    LoginScript,
    Raise,
    Refuse,
    Scripts,
    ScriptStep,
    TimeOut,
    Usual,
)
from ftpfixture.server.users.memory import MemoryUserManager

__all__ = ["ScriptedUserManager"]

Response = AbstractUserManager.GetUserResponse

_FAILURES = checks.whole_number(1, of="failures").or_none("never")
_CONNECTIONS = checks.whole_number(of="connections").or_none("any number")


class ScriptedUserManager(MemoryUserManager):
    """A list of users, and for each login a script with the replies to the first attempt, to the second...

    ::

        users.on("ann").reject("Too busy", code="430").reject(times=2).accept()  # in sequence, the last one for ever
        users.on("bob").close("Too many users")  # 421, and the connection closes
        users.on("eve").accept(stage="USER")  # 230 at once
        users.on("ann").when(password="old").reject("Password expired")
        users.on().delay(30).usual()  # every login; shell patterns work, too

    The first of these that applies decides: `limit`, `lock`, `expire`, the script of the login, the script of a
    pattern, the script of all logins, the list. Without them it behaves as MemoryUserManager. All methods may be called
    from any thread while servers run, and take effect at the next command.

    Args:
        users: The users; None or empty for one anonymous user.
        ask_anonymous: Ask "anonymous" and "ftp" for a password, and accept any, if they need none.
        lock_after: Failures (530 or 430) in a row after which a login is locked; None for never.
        timeout: Only stored.

    Raises:
        ConfigurationError: A setting has an impossible value; every method raises it, too.
    """

    def __init__(
        self,
        users: Sequence[User] | None = None,
        *,
        ask_anonymous: bool = False,
        lock_after: int | None = None,
        timeout: float | None = None,
    ) -> None:
        super().__init__(users, ask_anonymous=ask_anonymous, timeout=timeout)
        self._clock = Clock()
        self._scripts = Scripts()
        self._attempt_log = AttemptLog(self._clock.time_source)
        self._guests: dict[str, User] = {}
        self._permitted: dict[User, User] = {}
        self._expires: dict[User, float] = {}
        self._lock = lock()  # protects the next three
        self._failures: Counter[str] = Counter()
        self._locked: set[str] = set()
        self._lock_after: dict[str | None, int | None] = {None: _FAILURES("lock_after", lock_after)}

    # Called by a test.

    def on(self, login: str = "*") -> LoginScript:
        """Begin a script for a login, a shell pattern, or all logins; its first step replaces the earlier script.

        The script may also log in a name that no user has.
        """
        return LoginScript(self._scripts, login)

    @property
    def scripts(self) -> list[LoginScript]:
        """The scripts that were begun, in order; a new list."""
        return list(self._scripts.begun)

    def unused_scripts(self, besides: Collection[LoginScript] = ()) -> list[str]:
        """A sentence for each script that no attempt to log in used: what was tried, and what to do.

        Args:
            besides: Scripts that need not be used, as the optional ones.
        """
        tried = sorted({attempt.login for attempt in self.attempts})
        return [_unused(script, tried) for script in self._scripts.unused() if script not in besides]

    def permit(self, login: str, *permissions: Permission) -> None:
        """Replace a user's rights, from the next command of each session on; without permissions by all rights."""
        self._permitted[self._named(login)] = User(permissions=permissions)

    def limit(self, login: str, count: int | None) -> None:
        """Limit the simultaneous sessions of a user to `count`, None for no limit; one more gets 530.

        Existing sessions continue.
        """
        self._slots(self._named(login)).maximum_value = _CONNECTIONS("count", count)

    def expire(self, login: str, *, at: float | None = None, after: float = 0) -> None:
        """Refuse a user from a point in time on; existing sessions continue.

        Args:
            login: The user's login.
            at: The time in POSIX seconds by the server's clock; None to use `after`.
            after: Seconds from now, by the same clock.
        """
        if at is not None and after:
            raise ConfigurationError(f"at={at!r}, after={after!r}: give one of the two")
        moment = self._clock() + checks.seconds("after", after) if at is None else at
        self._expires[self._named(login)] = float(moment)

    def lock(self, login: str | None = None, *, after: int | None = None) -> None:
        """Lock a login now, or after a number of failures in a row.

        A locked login gets 530 with any password, until `unlock`.

        Args:
            login: The login; None for every login without its own number of failures.
            after: Number of failures; None to lock now.
        """
        with self._lock:
            if after is not None:
                self._lock_after[login] = checks.whole("after", after, 1)
            elif login is not None:
                self._locked.add(login)
            else:
                raise ConfigurationError("lock() needs a login, or a number of failures, as in lock(after=3)")

    def unlock(self, login: str) -> None:
        """Unlock a login, and reset its failures."""
        with self._lock:
            self._locked.discard(login)
            del self._failures[login]

    # Read by a test.

    @property
    def attempts(self) -> list[LoginAttempt]:
        """All login attempts, in order, with time and outcome."""
        return self._attempt_log.attempts

    @property
    def logouts(self) -> list[str]:
        """Logins of the ended sessions that had been logged in, in order (`notify_logout`)."""
        return self._attempt_log.logouts

    def assert_attempts(self, login: str, *outcomes: str) -> list[LoginAttempt]:
        """Assert the outcomes of all attempts with a login.

        Args:
            login: The login, as sent.
            outcomes: The outcomes in order, such as "rejected", "accepted"; none for no attempt.

        Returns:
            The attempts.

        Raises:
            AssertionError: The outcomes differ; the text has the first difference, and all attempts.
        """
        __tracebackhide__ = True
        return self._attempt_log.assert_attempts(login, outcomes)

    def wait_for_attempts(self, login: str, *outcomes: str, timeout: float = 5) -> list[LoginAttempt]:
        """Wait until a login has that number of attempts, and assert their outcomes.

        It is for attempts that the client does not wait for.

        Args:
            login: The login, as sent.
            outcomes: The outcomes in order.
            timeout: Seconds to wait.

        Returns:
            The attempts.

        Raises:
            AssertionError: The outcomes differ after `timeout` seconds.
        """
        __tracebackhide__ = True
        return self._attempt_log.assert_attempts(login, outcomes, timeout)

    async def wait_for_attempts_async(self, login: str, *outcomes: str, timeout: float = 5) -> list[LoginAttempt]:
        """Wait as `wait_for_attempts` does, in a coroutine: the client of the test runs on.

        Raises:
            AssertionError: The outcomes differ, or there are fewer after `timeout` seconds.
        """
        __tracebackhide__ = True
        return await self._attempt_log.wait_for_attempts_async(login, outcomes, timeout)

    def wait_for_logout(self, login: str, *, times: int = 1, timeout: float = 5) -> None:
        """Wait until `times` sessions of a login have ended, including those that ended before the call.

        Raises:
            AssertionError: That takes longer than `timeout` seconds.
            ServerStateError: It was called in a coroutine, and would have to wait: await `wait_for_logout_async`.
        """
        __tracebackhide__ = True
        self._attempt_log.wait_for_logout(login, times, timeout)

    async def wait_for_logout_async(self, login: str, *, times: int = 1, timeout: float = 5) -> None:
        """Wait as `wait_for_logout` does, in a coroutine: the client of the test runs on.

        Raises:
            AssertionError: That takes longer than `timeout` seconds.
        """
        __tracebackhide__ = True
        await self._attempt_log.wait_for_logout_async(login, times, timeout)

    # Called by the server.

    def use_clock(self, clock: Clock) -> None:
        """See AbstractUserManager."""
        self._clock = clock
        self._attempt_log.time_source = clock.time_source

    async def get_user(self, login: str) -> tuple[Response, User | None, str]:
        """See AbstractUserManager.

        Raises:
            CommandRefused: The script refuses at USER.
            NoReply: The script never replies.
        """
        response, user, text = await super().get_user(login)
        if response is Response.ERROR:
            self._note(login, "full", "530")
            return response, None, text
        session_user = SessionUser(login, user, self._guest(login), self._permitted)
        try:
            return await self._greet(session_user, response, text)
        except BaseException:
            await self.notify_logout(session_user)  # the server gets no user, and so reports no logout
            raise

    async def _greet(self, session_user: SessionUser, usual: Response, text: str) -> tuple[Response, User, str]:
        """The reply to USER; that of the list would be `usual` with `text`."""
        step = self._scripts.turn(session_user.name) or ScriptStep()
        asks = usual is Response.PASSWORD_REQUIRED
        usual_stage = "PASS" if asks or self._scripts.depend_on_password(session_user.name) else "USER"
        if (step.stage or usual_stage) == "USER":
            await self._decide(session_user, None)
            return Response.OK, session_user, "Login successful" if asks else text
        await self._wait(step.prompt_delay)
        return Response.PASSWORD_REQUIRED, session_user, step.prompt or (text if asks else "Password required")

    async def authenticate(self, user: User, password: str) -> bool:
        """See AbstractUserManager.

        Raises:
            CommandRefused: A lock, an expiry or the script refuses.
            NoReply: The script never replies.
        """
        if not isinstance(user, SessionUser):
            return await super().authenticate(user, password)
        return await self._decide(user, password)

    async def _decide(self, session_user: SessionUser, password: str | None) -> bool:
        """The result of an attempt, at USER without a password; raises what `authenticate` raises."""
        right = session_user.listed and (password is None or await super().authenticate(session_user.user, password))
        compared = session_user.listed and password is not None and isinstance(session_user.user.password, str)
        session_user.matched = right if compared else None
        refused = self._locked_or_expired(session_user)
        if refused is not None:
            outcome, text = refused
            self._note(session_user.name, outcome, "530", session_user.matched)
            raise CommandRefused("530", text)
        step = self._scripts.take(session_user.name, password) or ScriptStep()
        answer = self._act(session_user, step.act, right)
        await self._wait(step.delay)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _act(self, session_user: SessionUser, act: Act, right: bool) -> bool | Exception:
        """Decide about an attempt and record it; the reply may come later."""
        match act:
            case Usual():
                return self._accept(session_user, session_user.user) if right else self._refuse(session_user, "530")
            case Accept(user):
                session_user.account = None
                return self._accept(session_user, user or session_user.user)
            case AskAccount(account):
                session_user.account = account
                return self._accept(session_user, session_user.user)
            case Refuse("421", text):
                self._note(session_user.name, "closed", "421", session_user.matched)
                return CommandRefused("421", text)
            case Refuse(code, text):
                self._refuse(session_user, code)
                return CommandRefused(code, text)
            case TimeOut():
                self._note(session_user.name, "timed out", "", session_user.matched)
                return NoReply()
            case Raise(error):
                refusal = CommandRefused(*(reply_for(error) or INTERNAL_ERROR))
                refusal.__cause__ = error
                self._note(session_user.name, "raised", refusal.code, session_user.matched)
                return refusal

    def _accept(self, session_user: SessionUser, user: User, code: str = "230") -> bool | Exception:
        """Log in as `user`, or ask for the account first."""
        if session_user.slot is not user:  # a script logs in a user that get_user did not count
            slots = self._slots(user)
            if slots.locked():
                self._note(session_user.name, "full", "530", session_user.matched)
                return CommandRefused("530", f"Too many connections for {session_user.name}")
            slots.acquire()
            self._release_slot(session_user)
            session_user.user = session_user.slot = user
        if session_user.account is not None:
            self._note(session_user.name, "asked", "332", session_user.matched)
            return True
        return self._enter(session_user, code)

    def _enter(self, session_user: SessionUser, code: str) -> bool:
        session_user.logged_in = True
        with self._lock:
            del self._failures[session_user.name]
        self._note(session_user.name, "accepted", code, session_user.matched)
        return True

    def _refuse(self, session_user: SessionUser, code: str) -> bool:
        with self._lock:
            self._failures[session_user.name] += code in LOGIN_FAILURES
            limit = self._lock_after.get(session_user.name, self._lock_after[None])
            if limit is not None and self._failures[session_user.name] >= limit:
                self._locked.add(session_user.name)
        self._note(session_user.name, "rejected", code, session_user.matched)
        return False

    async def check_account(self, user: User, account: str) -> bool:
        """See AbstractUserManager."""
        right = await super().check_account(user, account)
        if isinstance(user, SessionUser):
            return self._enter(user, "230") if right else self._refuse(user, "530")
        return right

    async def authenticate_certificate(self, user: User, certificate: Mapping[str, Any]) -> bool:
        """See AbstractUserManager; the server asks for a password if a script, a lock or an expiry applies."""
        right = await super().authenticate_certificate(user, certificate)
        if not isinstance(user, SessionUser) or not right:
            return right
        step = self._scripts.turn(user.name) or ScriptStep()
        if step.act != Usual() or self._locked_or_expired(user) is not None:
            return False
        self._scripts.take(user.name, None)
        return self._accept(user, user.user, "232") is True

    async def notify_logout(self, user: User) -> None:
        """See AbstractUserManager."""
        if not isinstance(user, SessionUser):
            await super().notify_logout(user)
            return
        self._release_slot(user)
        if user.logged_in:
            self._attempt_log.add_logout(user.name)

    # Users.

    def _named(self, login: str) -> User:
        """The user with a login, in the list or in a script.

        Raises:
            ConfigurationError: No user has the login.
        """
        scripted = {user.login: user for user in self._scripts.users()}
        user = self._find(login) or scripted.get(login)
        if user is not None:
            return user
        if self._scripts.names(login):
            return self._guest(login)
        known = ", ".join(repr(name) for name in [*(user.login for user in self.users), *scripted] if name)
        raise ConfigurationError(
            f"no user has the login {login!r}: use one of {known}, or accept it with on({login!r})"
        )

    def _guest(self, login: str) -> User:
        """The user for a login that no user has, always the same: the first user's base path with all rights."""
        return self._guests.setdefault(login, User(login, base_path=self.users[0].base_path))

    def _slots(self, user: User) -> AvailableConnections:
        return self.available_connections.setdefault(user, AvailableConnections(user.maximum_connections))

    def _release_slot(self, session_user: SessionUser) -> None:
        if session_user.slot is not None:
            self._slots(session_user.slot).release()
            session_user.slot = None

    def _locked_or_expired(self, session_user: SessionUser) -> tuple[str, str] | None:
        """Outcome and text for a login that is locked or expired; None for any other."""
        with self._lock:
            if session_user.name in self._locked:
                return "locked", "Account locked"
        if self._clock() >= self._expires.get(session_user.user, math.inf):
            return "expired", "Account expired"
        return None

    def _note(self, login: str, outcome: str, code: str, matched: bool | None = None) -> None:
        self._attempt_log.add_attempt(LoginAttempt(login, self._clock(), outcome, code, SESSION.get(), matched))

    async def _wait(self, seconds: float) -> None:
        if seconds:
            await self._clock.sleep(seconds)


def _unused(script: LoginScript, tried: Sequence[str]) -> str:
    if not script.has_steps:
        return f"the login script on({script.login!r}) has no step: add one, as in on({script.login!r}).reject()"
    seen = f"clients logged in as {', '.join(map(repr, tried))}" if tried else "no client tried to log in"
    near = nearest(script.login, tried)
    meant = f"did you mean {near[0]!r}? If" if near else "if"
    with_password = "" if script.password is None else " with its password"
    return (
        f"the login script on({script.login!r}){with_password} was never used: {seen}; {meant} no login need use it, "
        "add .optional()"
    )
