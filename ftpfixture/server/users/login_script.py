"""The scripts of a scripted user manager: replies in sequence, by login and password.

One rule: a script knows neither users nor sessions; it only chooses the next step. The test's thread adds steps while
the server's thread takes them, so both hold one lock.
"""

from __future__ import annotations

import fnmatch
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, Self

from ftpfixture import checks
from ftpfixture.errors import ConfigurationError
from ftpfixture.forks import lock
from ftpfixture.server.users.base import User

__all__ = [
    "Accept",
    "Act",
    "AskAccount",
    "LoginScript",
    "Raise",
    "Refuse",
    "ScriptStep",
    "Scripts",
    "TimeOut",
    "Usual",
]

Stage = Literal["USER", "PASS"]

_REFUSAL = re.compile(r"[45][0-5][0-9]")


@dataclass(frozen=True, slots=True)
class Usual:
    """Decide by the list of users."""


@dataclass(frozen=True, slots=True)
class Accept:
    """Log in `user`, or the user with the login, with any password."""

    user: User | None = None


@dataclass(frozen=True, slots=True)
class AskAccount:
    """Reply 332, and log in when ACCT sends this account."""

    account: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Refuse:
    """Reply with a code and a text; 421 ends the session."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class TimeOut:
    """Never reply."""


@dataclass(frozen=True, slots=True)
class Raise:
    """Raise an error, as a manager with a bug or without its database does."""

    error: Exception


Act = Usual | Accept | AskAccount | Refuse | TimeOut | Raise


@dataclass(frozen=True, slots=True)
class ScriptStep:
    """The reply to one or more login attempts.

    Attributes:
        act: The decision.
        stage: The command that gets the reply; None for the one that the user needs.
        times: Number of attempts; None for one if another step follows, else for all.
        delay: Seconds before the reply.
        prompt: Text of the 331 to USER; None for the usual one.
        prompt_delay: Seconds before the 331.
        whole: False while only delays and the 331 are set.
    """

    act: Act = Usual()
    stage: Stage | None = None
    times: int | None = None
    delay: float = 0
    prompt: str | None = None
    prompt_delay: float = 0
    whole: bool = False


class LoginScript:
    """The steps of one login, or of one login with one password; `ScriptedUserManager.on` begins it.

    Each method adds a step and returns the script, so that calls can be chained. A step is for one attempt, or for
    `times` attempts; the last one, without `times`, is for all that follow. A finished script has no effect. Steps may
    be added at any time.

    Most steps reply to PASS, after a 331 to USER; with ``stage="USER"`` they reply to USER.

    Args:
        scripts: The collection that the script joins.
        login: Name, or shell pattern.
        password: The script is only for attempts with this password; None for any.

    Attributes:
        is_used: Whether it decided an attempt to log in, or the reply to USER.
        is_optional: Whether a test may pass although it was never used.
    """

    def __init__(self, scripts: Scripts, login: str, password: str | None = None) -> None:
        self._scripts = scripts
        self._steps: list[ScriptStep] = []
        self._index = 0
        self._used = 0
        self.is_used = False
        self.is_optional = False
        self.login = login
        self.password = password
        scripts.begun.append(self)

    def when(self, *, password: str) -> LoginScript:
        """A script for attempts with this password; it has precedence over the script for any password."""
        script = LoginScript(self._scripts, self.login, password)
        script.is_optional = self.is_optional
        if not self._steps:
            self._scripts.begun.remove(self)  # it was only the beginning of this one
        return script

    def optional(self) -> Self:
        """Let a test pass although no attempt to log in used this script."""
        self.is_optional = True
        return self

    # Steps.

    def usual(self, *, times: int | None = None) -> Self:
        """Decide by the list of users."""
        return self._add(Usual(), None, times)

    def accept(self, *, user: User | None = None, stage: Stage = "PASS", times: int | None = None) -> Self:
        """Log in with any password: 230.

        Args:
            user: The user; None for the user with the login, or else one with all rights.
            stage: "USER" for 230 to USER.
            times: Number of attempts; None for one if another step follows, else for all.
        """
        return self._add(Accept(user), stage, times)

    def reject(
        self, text: str = "Login incorrect", *, code: str = "530", stage: Stage = "PASS", times: int | None = None
    ) -> Self:
        """Refuse with 530, or another 4xx or 5xx code such as 430.

        Raises:
            ConfigurationError: The code is no 4xx or 5xx code, or is 421, which needs `close`.
        """
        if not _REFUSAL.fullmatch(code) or code == "421":
            raise checks.wrong("code", "4xx or 5xx, such as 530 or 430 (for 421 use close())", code)
        return self._add(Refuse(code, text), stage, times)

    def close(self, text: str = "Too many users", *, stage: Stage = "PASS", times: int | None = None) -> Self:
        """Reply 421 and close the connection."""
        return self._add(Refuse("421", text), stage, times)

    def ask_account(self, account: str, *, stage: Stage = "PASS", times: int | None = None) -> Self:
        """Reply 332 to any password, and log in when ACCT sends this account."""
        return self._add(AskAccount(account), stage, times)

    def time_out(self, *, stage: Stage = "PASS", times: int | None = None) -> Self:
        """Reply neither to this command nor to later ones, until the client closes or the server stops."""
        return self._add(TimeOut(), stage, times)

    def raises(self, error: Exception, *, stage: Stage = "PASS", times: int | None = None) -> Self:
        """Reply as if the manager had raised `error`, in most cases with 451; it does not fail the test."""
        if not isinstance(error, Exception):
            raise ConfigurationError(f"raises({error!r}): give an exception, as in raises(OSError('database is down'))")
        return self._add(Raise(error), stage, times)

    # Additions to the next step.

    def delay(self, seconds: float) -> Self:
        """Wait before the 331 if `ask_password` follows, else before the reply of the next step."""
        checks.seconds("delay", seconds)
        with self._scripts.lock:
            step = self._begun()
            self._put(replace(step, delay=step.delay + seconds))
        return self

    def ask_password(self, text: str = "Password required") -> Self:
        """Reply to USER with 331 and this text; the next step replies to PASS."""
        if self.password is not None:
            raise ConfigurationError(
                "ask_password() with when(password=...): the 331 comes first, so call it on on(...)"
            )
        with self._scripts.lock:
            step = self._begun()
            if step.prompt is not None:
                raise ConfigurationError("ask_password() twice: first add the step for PASS, such as accept()")
            self._put(replace(step, prompt=text, prompt_delay=step.delay, delay=0, stage="PASS"))
        return self

    def _add(self, act: Act, stage: Stage | None, times: int | None) -> Self:
        if stage not in ("USER", "PASS", None):
            raise checks.wrong("stage", "'USER' or 'PASS'", stage)
        checks.whole_number(1).or_none("one try, or all if no step follows")("times", times)
        if stage == "USER" and self.password is not None:
            raise ConfigurationError("stage='USER' with when(password=...): the password comes later, so omit stage=")
        with self._scripts.lock:
            step = self._begun()
            if stage == "USER" and step.prompt is not None:
                raise ConfigurationError(
                    "stage='USER' after ask_password(): omit stage=, or do not call ask_password()"
                )
            self._put(replace(step, act=act, stage=stage or step.stage, times=times, whole=True))
        return self

    def _begun(self) -> ScriptStep:
        """The last step if it is not whole yet; a new one otherwise. The caller holds the lock."""
        return self._steps[-1] if self._steps and not self._steps[-1].whole else ScriptStep()

    def _put(self, step: ScriptStep) -> None:
        if self._steps and not self._steps[-1].whole:
            self._steps[-1] = step
        else:
            self._steps.append(step)
        if len(self._steps) == 1:
            self._scripts.put(self)

    # The next step; the caller holds the lock.

    def turn(self) -> ScriptStep | None:
        """The step for the next attempt; None after the end of the script."""
        while True:
            step, last = self._steps[self._index], self._index == len(self._steps) - 1
            if self._used < (step.times or (math.inf if last else 1)):
                return step
            if last:
                return None
            self._index, self._used = self._index + 1, 0

    def take(self) -> ScriptStep | None:
        """The step for this attempt, which is counted."""
        step = self.turn()
        self._used += step is not None
        return step

    def users(self) -> Iterator[User]:
        """The users in `Accept` steps."""
        return (step.act.user for step in self._steps if isinstance(step.act, Accept) and step.act.user is not None)

    @property
    def has_steps(self) -> bool:
        """Whether the script has a step."""
        return bool(self._steps)

    def precedence(self, login: str) -> tuple[bool, bool, bool]:
        """Sort key for `login`: the exact name, then a pattern, then "*"; with a password before without."""
        return self.login == login, self.login != "*", self.password is not None

    def __repr__(self) -> str:
        when = "" if self.password is None else ".when(password=***)"
        return f"<LoginScript on({self.login!r}){when}, {len(self._steps)} steps>"


class Scripts:
    """All scripts of a manager.

    Attributes:
        lock: Held to read or change a script, and never during a wait.
        begun: Every script that was begun, with steps or without.
    """

    def __init__(self) -> None:
        self.lock = lock()
        self.begun: list[LoginScript] = []
        self._all: dict[tuple[str, str | None], LoginScript] = {}

    def put(self, script: LoginScript) -> None:
        """Add a script; it replaces the one for the same login and password."""
        self._all.pop((script.login, script.password), None)
        self._all[script.login, script.password] = script

    def turn(self, login: str, password: str | None = None) -> ScriptStep | None:
        """The step for the next attempt, which is not counted; None without a script."""
        with self.lock:
            script = self._nearest(login, password)
            if script is None:
                return None
            script.is_used = True
            return script.turn()

    def take(self, login: str, password: str | None) -> ScriptStep | None:
        """The step for this attempt, which is counted; None without a script."""
        with self.lock:
            script = self._nearest(login, password)
            if script is None:
                return None
            script.is_used = True
            return script.take()

    def unused(self) -> list[LoginScript]:
        """The scripts that decided nothing and are not optional; not those that another one replaced."""
        with self.lock:
            counting = set(map(id, self._all.values()))
            return [
                script
                for script in self.begun
                if not (script.is_used or script.is_optional) and (id(script) in counting or not script.has_steps)
            ]

    def depend_on_password(self, login: str) -> bool:
        """Whether the step depends on the password."""
        with self.lock:
            return any(script.password is not None for script in self._active(login))

    def names(self, login: str) -> bool:
        """Whether a script is for this login."""
        with self.lock:
            return any(True for _ in self._active(login))

    def users(self) -> list[User]:
        """The users in the `Accept` steps of all scripts."""
        with self.lock:
            return [user for script in self._all.values() for user in script.users()]

    def _active(self, login: str) -> Iterator[LoginScript]:
        for script in self._all.values():
            fits = script.login == login or fnmatch.fnmatchcase(login, script.login)
            if fits and script.turn() is not None:
                yield script

    def _nearest(self, login: str, password: str | None) -> LoginScript | None:
        fitting = [script for script in self._active(login) if script.password in (None, password)]
        # Of equal scripts the last added one counts.
        return max(reversed(fitting), key=lambda script: script.precedence(login), default=None)
