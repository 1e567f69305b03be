"""What a scripted user manager is told to answer: steps in sequence, by login and password.

One rule: a script knows neither users nor sessions; it says which step is next. The test's thread adds steps while the
server's thread takes them, so both do it under one lock.
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
    """Do what the list of users says."""


@dataclass(frozen=True, slots=True)
class Accept:
    """Let in, whatever the password is: `user`, or whoever has the login."""

    user: User | None = None


@dataclass(frozen=True, slots=True)
class AskAccount:
    """Ask for an account with 332, and let in who brings this one."""

    account: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer with a code and a text; 421 ends the session."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class TimeOut:
    """Never answer."""


@dataclass(frozen=True, slots=True)
class Raise:
    """Fail as a manager does that has a mistake, or whose database is down."""

    error: Exception


Act = Usual | Accept | AskAccount | Refuse | TimeOut | Raise


@dataclass(frozen=True, slots=True)
class ScriptStep:
    """How tries to log in are answered, until the next step's turn.

    Attributes:
        act: What is done.
        stage: Which command is answered; None for the one that the user needs.
        times: Of how many tries; None for one if another step follows, else for all that come.
        delay: Seconds before the answer.
        prompt: Text of the 331 to USER; None for the usual one.
        prompt_delay: Seconds before the 331.
        whole: False while nothing but delays and the 331 is known.
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

    Each method adds a step and gives the script back, so that steps stand in a row. A step answers one try, or `times`
    of them; the last one, if it has no `times`, answers all that follow. A script that is over counts for nothing.
    Steps may be added at any time.

    Most steps answer PASS, after a 331 to USER; with ``stage="USER"`` they answer USER.

    Args:
        scripts: Where it belongs.
        login: Name, or shell pattern.
        password: The only one that the script is for; None for any.
    """

    def __init__(self, scripts: Scripts, login: str, password: str | None = None) -> None:
        self._scripts = scripts
        self._steps: list[ScriptStep] = []
        self._index = 0
        self._used = 0
        self.login = login
        self.password = password

    def when(self, *, password: str) -> LoginScript:
        """A script for those tries only that bring this password; it goes before the one for any password."""
        return LoginScript(self._scripts, self.login, password)

    # Steps.

    def usual(self, *, times: int | None = None) -> Self:
        """Do what the list of users says."""
        return self._add(Usual(), None, times)

    def accept(self, *, user: User | None = None, stage: Stage = "PASS", times: int | None = None) -> Self:
        """Let in, whatever the password is: 230.

        Args:
            user: Who is let in; None for the user who has the login, or else one with everything allowed.
            stage: "USER" for 230 at once.
            times: How many tries; None for one if another step follows, else for ever.
        """
        return self._add(Accept(user), stage, times)

    def reject(
        self, text: str = "Login incorrect", *, code: str = "530", stage: Stage = "PASS", times: int | None = None
    ) -> Self:
        """Refuse with 530, or another code of 4xx or 5xx such as 430.

        Raises:
            ConfigurationError: The code is none of these, or 421, which is for `close`.
        """
        if not _REFUSAL.fullmatch(code) or code == "421":
            raise checks.wrong("code", "4xx or 5xx, such as 530 or 430 (for 421 use close())", code)
        return self._add(Refuse(code, text), stage, times)

    def close(self, text: str = "Too many users", *, stage: Stage = "PASS", times: int | None = None) -> Self:
        """Answer 421 and close the connection."""
        return self._add(Refuse("421", text), stage, times)

    def ask_account(self, account: str, *, stage: Stage = "PASS", times: int | None = None) -> Self:
        """Ask for an account with 332, whatever the password is, and let in who brings this one with ACCT."""
        return self._add(AskAccount(account), stage, times)

    def time_out(self, *, stage: Stage = "PASS", times: int | None = None) -> Self:
        """Never answer, nor anything that follows, until the client goes or the server stops."""
        return self._add(TimeOut(), stage, times)

    def raises(self, error: Exception, *, stage: Stage = "PASS", times: int | None = None) -> Self:
        """Answer as if the manager had raised `error`, with 451 mostly; it does not fail the test."""
        if not isinstance(error, Exception):
            raise ConfigurationError(f"raises({error!r}): give an exception, as in raises(OSError('database is down'))")
        return self._add(Raise(error), stage, times)

    # What comes before the answer of the step that follows.

    def delay(self, seconds: float) -> Self:
        """Wait before the 331 if `ask_password` follows, else before the answer of the next step; then do that."""
        checks.seconds("delay", seconds)
        with self._scripts.lock:
            step = self._begun()
            self._put(replace(step, delay=step.delay + seconds))
        return self

    def ask_password(self, text: str = "Password required") -> Self:
        """Answer USER with 331 and this text, then go on with the next step at PASS."""
        if self.password is not None:
            raise ConfigurationError("ask_password() with when(password=...): the 331 comes first, so say it before")
        with self._scripts.lock:
            step = self._begun()
            if step.prompt is not None:
                raise ConfigurationError("ask_password() twice: say what follows the password, as in accept()")
            self._put(replace(step, prompt=text, prompt_delay=step.delay, delay=0, stage="PASS"))
        return self

    def _add(self, act: Act, stage: Stage | None, times: int | None) -> Self:
        if stage not in ("USER", "PASS", None):
            raise checks.wrong("stage", "'USER' or 'PASS'", stage)
        checks.whole_number(1).or_none("one try, or all if no step follows")("times", times)
        if stage == "USER" and self.password is not None:
            raise ConfigurationError(
                "stage='USER' with when(password=...): the password comes later, so leave stage= away"
            )
        with self._scripts.lock:
            step = self._begun()
            if stage == "USER" and step.prompt is not None:
                raise ConfigurationError("stage='USER' after ask_password(): leave stage= away, or do not ask")
            self._put(replace(step, act=act, stage=stage or step.stage, times=times, whole=True))
        return self

    def _begun(self) -> ScriptStep:
        """The step of which only the beginning was said; a new one otherwise. The lock is held."""
        return self._steps[-1] if self._steps and not self._steps[-1].whole else ScriptStep()

    def _put(self, step: ScriptStep) -> None:
        if self._steps and not self._steps[-1].whole:
            self._steps[-1] = step
        else:
            self._steps.append(step)
        if len(self._steps) == 1:
            self._scripts.put(self)

    # Whose turn it is; the lock is held.

    def turn(self) -> ScriptStep | None:
        """The step for the next try; None when the script is over."""
        while True:
            step, last = self._steps[self._index], self._index == len(self._steps) - 1
            if self._used < (step.times or (math.inf if last else 1)):
                return step
            if last:
                return None
            self._index, self._used = self._index + 1, 0

    def take(self) -> ScriptStep | None:
        """The step for this try, which counts."""
        step = self.turn()
        self._used += step is not None
        return step

    def users(self) -> Iterator[User]:
        """Those whom steps bring with them."""
        return (step.act.user for step in self._steps if isinstance(step.act, Accept) and step.act.user is not None)

    def precedence(self, login: str) -> tuple[bool, bool, bool]:
        """How near it is to `login`: its very name, then a pattern, then all; with a password before without."""
        return self.login == login, self.login != "*", self.password is not None

    def __repr__(self) -> str:
        when = "" if self.password is None else ".when(password=***)"
        return f"<LoginScript on({self.login!r}){when}, {len(self._steps)} steps>"


class Scripts:
    """All scripts of a manager.

    Attributes:
        lock: Held for every look at a script and every change of one, and never while anybody waits.
    """

    def __init__(self) -> None:
        self.lock = lock()
        self._all: dict[tuple[str, str | None], LoginScript] = {}

    def put(self, script: LoginScript) -> None:
        """Let a script count, in place of the one for the same login and password."""
        self._all.pop((script.login, script.password), None)
        self._all[script.login, script.password] = script

    def turn(self, login: str, password: str | None = None) -> ScriptStep | None:
        """The step for the next try, as far as it is known without a password; None when no script says anything."""
        with self.lock:
            script = self._nearest(login, password)
            return script.turn() if script is not None else None

    def take(self, login: str, password: str | None) -> ScriptStep | None:
        """The step for this try, which counts."""
        with self.lock:
            script = self._nearest(login, password)
            return script.take() if script is not None else None

    def depend_on_password(self, login: str) -> bool:
        """Whether a password decides which step it will be."""
        with self.lock:
            return any(script.password is not None for script in self._living(login))

    def names(self, login: str) -> bool:
        """Whether a script says anything of this login."""
        with self.lock:
            return any(True for _ in self._living(login))

    def users(self) -> list[User]:
        """Those whom scripts bring with them."""
        with self.lock:
            return [user for script in self._all.values() for user in script.users()]

    def _living(self, login: str) -> Iterator[LoginScript]:
        for script in self._all.values():
            fits = script.login == login or fnmatch.fnmatchcase(login, script.login)
            if fits and script.turn() is not None:
                yield script

    def _nearest(self, login: str, password: str | None) -> LoginScript | None:
        fitting = [script for script in self._living(login) if script.password in (None, password)]
        # Of equals the last one counts: it was said last.
        return max(reversed(fitting), key=lambda script: script.precedence(login), default=None)
