"""A user manager that a test steers: answers by script, limits, locks, expiry, rights that change, and who tried.

One rule: the test's thread says what will be answered, the server's thread answers. What both change is under a lock,
which nobody holds while waiting.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ftpfixture import checks
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
    """Users in a list, and for each login a script that says what is answered to the first try, to the second...

    ::

        users.on("ann").reject("Too busy", code="430").reject(times=2).accept()  # in sequence, the last one for ever
        users.on("bob").close("Too many users")  # 421, and the connection closes
        users.on("eve").accept(stage="USER")  # 230 at once
        users.on("ann").when(password="old").reject("Password expired")
        users.on().delay(30).usual()  # every login; shell patterns are taken, too

    What has something to say decides: first `limit`, then `lock`, then `expire`, then the script of the login (before
    those of patterns, and these before that of all), then the list. Without any of these it is a MemoryUserManager.
    All methods may be called from any thread while servers run, and act on the next command.

    Args:
        users: See MemoryUserManager.
        ask_anonymous: See MemoryUserManager.
        lock_after: Failures (530 or 430) in a row after which a login is locked; None for never.
        timeout: Only stored.

    Raises:
        ConfigurationError: A setting cannot work; so with all methods.
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
        self._visits = AttemptLog(self._clock.time_source)
        self._guests: dict[str, User] = {}
        self._permitted: dict[User, User] = {}
        self._expires: dict[User, float] = {}
        self._lock = lock()  # of the three that follow
        self._failures: Counter[str] = Counter()
        self._locked: set[str] = set()
        self._lock_after: dict[str | None, int | None] = {None: _FAILURES("lock_after", lock_after)}

    # What a test says.

    def on(self, login: str = "*") -> LoginScript:
        """Begin a script for a login, a shell pattern, or all; its first step puts it in place of the one before.

        A login that nobody has is one that a script may let in.
        """
        return LoginScript(self._scripts, login)

    def permit(self, login: str, *permissions: Permission) -> None:
        """Change what a user may do, from the next command of each session on; without permissions all is allowed."""
        self._permitted[self._named(login)] = User(permissions=permissions)

    def limit(self, login: str, count: int | None) -> None:
        """Let a user be connected `count` times at once, None for any number; one more is refused with 530.

        Sessions that are there stay.
        """
        self._slots(self._named(login)).maximum_value = _CONNECTIONS("count", count)

    def expire(self, login: str, *, at: float | None = None, after: float = 0) -> None:
        """Refuse a user from some moment on; sessions that are there stay.

        Args:
            login: Of the user.
            at: The moment, in POSIX seconds by the server's clock; None for `after`.
            after: Seconds from now, by the same clock.
        """
        if at is not None and after:
            raise ConfigurationError(f"at={at!r}, after={after!r}: give one of the two")
        moment = self._clock() + checks.seconds("after", after) if at is None else at
        self._expires[self._named(login)] = float(moment)

    def lock(self, login: str | None = None, *, after: int | None = None) -> None:
        """Lock a login now, or after so many failures in a row; None for every login that has no number of its own.

        A login that is locked is refused with 530, whatever the password is, until `unlock`.
        """
        with self._lock:
            if after is not None:
                self._lock_after[login] = checks.whole("after", after, 1)
            elif login is not None:
                self._locked.add(login)
            else:
                raise ConfigurationError("lock() of nobody: name a login, or a number of failures, as in lock(after=3)")

    def unlock(self, login: str) -> None:
        """Forget the failures of a login, and that it is locked."""
        with self._lock:
            self._locked.discard(login)
            del self._failures[login]

    # What a test sees.

    @property
    def attempts(self) -> list[LoginAttempt]:
        """All tries to log in, in order: who, when, and what came of it."""
        return self._visits.attempts

    @property
    def logouts(self) -> list[str]:
        """Logins whose sessions had been let in and are over, in order (`notify_logout`)."""
        return self._visits.logouts

    def assert_attempts(self, login: str, *outcomes: str) -> list[LoginAttempt]:
        """Assert that a login was tried so often, and what came of each try.

        Args:
            login: As sent.
            outcomes: Of all its tries in order, such as "rejected", "accepted"; none for no try.

        Returns:
            The tries.

        Raises:
            AssertionError: It was otherwise; the text has the first difference, and all tries.
        """
        __tracebackhide__ = True
        return self._visits.assert_attempts(login, outcomes)

    def wait_for_attempts(self, login: str, *outcomes: str, timeout: float = 5) -> list[LoginAttempt]:
        """The same, after waiting up to `timeout` seconds until there are as many; for what the client is not told."""
        __tracebackhide__ = True
        return self._visits.assert_attempts(login, outcomes, timeout)

    def wait_for_logout(self, login: str, *, times: int = 1, timeout: float = 5) -> None:
        """Wait until sessions of a login are over, those included that were before the call.

        Raises:
            AssertionError: That takes longer than `timeout` seconds.
        """
        __tracebackhide__ = True
        self._visits.wait_for_logout(login, times, timeout)

    # What the server asks.

    def use_clock(self, clock: Clock) -> None:
        """See AbstractUserManager."""
        self._clock = clock
        self._visits.time_source = clock.time_source

    async def get_user(self, login: str) -> tuple[Response, User | None, str]:
        """See AbstractUserManager.

        Raises:
            CommandRefused: The script refuses at USER.
            NoReply: The script never answers.
        """
        response, user, text = await super().get_user(login)
        if response is Response.ERROR:
            self._note(login, "full", "530")
            return response, None, text
        visitor = SessionUser(login, user, self._guest(login), self._permitted)
        try:
            return await self._greet(visitor, response, text)
        except BaseException:
            await self.notify_logout(visitor)  # the server has no user, and will not say so
            raise

    async def _greet(self, visitor: SessionUser, usual: Response, text: str) -> tuple[Response, User, str]:
        """Answer USER, where the list would do so with `usual` and `text`."""
        step = self._scripts.turn(visitor.name) or ScriptStep()
        asks = usual is Response.PASSWORD_REQUIRED
        usual_at = "PASS" if asks or self._scripts.depend_on_password(visitor.name) else "USER"
        if (step.stage or usual_at) == "USER":
            await self._decide(visitor, None)
            return Response.OK, visitor, "Login successful" if asks else text
        await self._wait(step.prompt_delay)
        return Response.PASSWORD_REQUIRED, visitor, step.prompt or (text if asks else "Password required")

    async def authenticate(self, user: User, password: str) -> bool:
        """See AbstractUserManager.

        Raises:
            CommandRefused: A lock, an expiry or the script refuses.
            NoReply: The script never answers.
        """
        if not isinstance(user, SessionUser):
            return await super().authenticate(user, password)
        return await self._decide(user, password)

    async def _decide(self, visitor: SessionUser, password: str | None) -> bool:
        """Answer a try, at USER without a password; what else there is to raise see `authenticate`."""
        right = visitor.listed and (password is None or await super().authenticate(visitor.user, password))
        compared = visitor.listed and password is not None and isinstance(visitor.user.password, str)
        visitor.matched = right if compared else None
        barred = self._barred(visitor)
        if barred is not None:
            outcome, text = barred
            self._note(visitor.name, outcome, "530", visitor.matched)
            raise CommandRefused("530", text)
        step = self._scripts.take(visitor.name, password) or ScriptStep()
        answer = self._act(visitor, step.act, right)
        await self._wait(step.delay)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _act(self, visitor: SessionUser, act: Act, right: bool) -> bool | Exception:
        """Note what comes of a try; the answer is given later."""
        match act:
            case Usual():
                return self._let_in(visitor, visitor.user) if right else self._refuse(visitor, "530")
            case Accept(user):
                visitor.account = None
                return self._let_in(visitor, user or visitor.user)
            case AskAccount(account):
                visitor.account = account
                return self._let_in(visitor, visitor.user)
            case Refuse("421", text):
                self._note(visitor.name, "closed", "421", visitor.matched)
                return CommandRefused("421", text)
            case Refuse(code, text):
                self._refuse(visitor, code)
                return CommandRefused(code, text)
            case TimeOut():
                self._note(visitor.name, "timed out", "", visitor.matched)
                return NoReply()
            case Raise(error):
                refusal = CommandRefused(*(reply_for(error) or INTERNAL_ERROR))
                refusal.__cause__ = error
                self._note(visitor.name, "raised", refusal.code, visitor.matched)
                return refusal

    def _let_in(self, visitor: SessionUser, user: User, code: str = "230") -> bool | Exception:
        """Let somebody be `user`, or ask for the account first."""
        if visitor.slot is not user:  # a script lets in whom get_user did not count
            slots = self._slots(user)
            if slots.locked():
                self._note(visitor.name, "full", "530", visitor.matched)
                return CommandRefused("530", f"Too many connections for {visitor.name}")
            slots.acquire()
            self._give_back(visitor)
            visitor.user = visitor.slot = user
        if visitor.account is not None:
            self._note(visitor.name, "asked", "332", visitor.matched)
            return True
        return self._enter(visitor, code)

    def _enter(self, visitor: SessionUser, code: str) -> bool:
        visitor.inside = True
        with self._lock:
            del self._failures[visitor.name]
        self._note(visitor.name, "accepted", code, visitor.matched)
        return True

    def _refuse(self, visitor: SessionUser, code: str) -> bool:
        with self._lock:
            self._failures[visitor.name] += code in LOGIN_FAILURES
            limit = self._lock_after.get(visitor.name, self._lock_after[None])
            if limit is not None and self._failures[visitor.name] >= limit:
                self._locked.add(visitor.name)
        self._note(visitor.name, "rejected", code, visitor.matched)
        return False

    async def check_account(self, user: User, account: str) -> bool:
        """See AbstractUserManager."""
        right = await super().check_account(user, account)
        if isinstance(user, SessionUser):
            return self._enter(user, "230") if right else self._refuse(user, "530")
        return right

    async def authenticate_certificate(self, user: User, certificate: Mapping[str, Any]) -> bool:
        """See AbstractUserManager; a password is asked for where a script, a lock or an expiry has its say."""
        right = await super().authenticate_certificate(user, certificate)
        if not isinstance(user, SessionUser) or not right:
            return right
        step = self._scripts.turn(user.name) or ScriptStep()
        if step.act != Usual() or self._barred(user) is not None:
            return False
        self._scripts.take(user.name, None)
        return self._let_in(user, user.user, "232") is True

    async def notify_logout(self, user: User) -> None:
        """See AbstractUserManager."""
        if not isinstance(user, SessionUser):
            await super().notify_logout(user)
            return
        self._give_back(user)
        if user.inside:
            self._visits.left(user.name)

    # Who somebody is, and what is known of them.

    def _named(self, login: str) -> User:
        """Whoever has a login, or is let in with it by a script.

        Raises:
            ConfigurationError: Nobody.
        """
        brought = {user.login: user for user in self._scripts.users()}
        user = self._find(login) or brought.get(login)
        if user is not None:
            return user
        if self._scripts.names(login):
            return self._guest(login)
        known = ", ".join(repr(name) for name in [*(user.login for user in self.users), *brought] if name)
        raise ConfigurationError(f"nobody has the login {login!r}: use one of {known}, or let it in with on({login!r})")

    def _guest(self, login: str) -> User:
        """The user for a login that nobody has, always the same: what the first user sees, with everything allowed."""
        return self._guests.setdefault(login, User(login, base_path=self.users[0].base_path))

    def _slots(self, user: User) -> AvailableConnections:
        return self.available_connections.setdefault(user, AvailableConnections(user.maximum_connections))

    def _give_back(self, visitor: SessionUser) -> None:
        if visitor.slot is not None:
            self._slots(visitor.slot).release()
            visitor.slot = None

    def _barred(self, visitor: SessionUser) -> tuple[str, str] | None:
        """Outcome and text for somebody who is locked or expired."""
        with self._lock:
            if visitor.name in self._locked:
                return "locked", "Account locked"
        if self._clock() >= self._expires.get(visitor.user, math.inf):
            return "expired", "Account expired"
        return None

    def _note(self, login: str, outcome: str, code: str, matched: bool | None = None) -> None:
        self._visits.tried(LoginAttempt(login, self._clock(), outcome, code, SESSION.get(), matched))

    async def _wait(self, seconds: float) -> None:
        if seconds:
            await self._clock.sleep(seconds)
