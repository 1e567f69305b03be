"""What a session can be, how far its login can be, and what may follow on what.

One rule: the tables are the whole truth. A change of state that is not in its table is a mistake of this package and
raises; a command that is not in the table of the login comes out of turn, and is answered with 503.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum, auto
from typing import TypeVar

from ftpfixture.errors import ServerStateError

__all__ = ["LOGIN_ANSWERS", "LOGIN_MOVES", "SESSION_MOVES", "Login", "Moves", "SessionState", "login_answer"]

State = TypeVar("State", bound=IntEnum)


class Moves(dict[tuple[State, State], State]):
    """What may follow on what: ``state = moves[state, next]`` is the next state, or an error.

    Args:
        table: State to the states that may follow on it.

    Raises:
        ServerStateError: For a pair that the table does not have.
    """

    def __init__(self, table: Mapping[State, Iterable[State]]) -> None:
        super().__init__({(before, after): after for before, all_after in table.items() for after in all_after})

    def __missing__(self, pair: tuple[State, State]) -> State:
        before, after = pair
        raise ServerStateError(f"{type(before).__name__} {before.name} cannot become {after.name}")


class SessionState(IntEnum):
    """What a session is doing. They are numbers, because their hash is then that of a number: each command needs it."""

    NEW = auto()
    """It was accepted, and its task has not begun."""
    SECURING = auto()
    """TLS begins or ends on the control connection: nothing can be said or heard."""
    GREETING = auto()
    """The greeting is on its way; no command is read yet."""
    WAITING = auto()
    """It waits for a command; a transfer may run."""
    HANDLING = auto()
    """A handler carries out a command."""
    CLOSING = auto()
    """The last reply was said; what still runs is broken off."""
    CLOSED = auto()
    """The connection is closed, and everything it held is given back."""


_S = SessionState

SESSION_MOVES = Moves(
    {
        _S.NEW: (_S.SECURING, _S.GREETING, _S.CLOSING),  # SECURING: implicit TLS
        _S.SECURING: (_S.GREETING, _S.HANDLING, _S.CLOSING),
        _S.GREETING: (_S.WAITING, _S.CLOSING),
        _S.WAITING: (_S.HANDLING, _S.CLOSING),
        _S.HANDLING: (_S.WAITING, _S.SECURING, _S.CLOSING),  # SECURING: AUTH, CCC, REIN
        _S.CLOSING: (_S.CLOSED,),
        _S.CLOSED: (),
    }
)
"""What a session may do next."""


class Login(IntEnum):
    """How far a client has got with its login."""

    NOBODY = auto()
    """USER was not said."""
    NAMED = auto()
    """USER was said, and a password is due."""
    ACCOUNT_DUE = auto()
    """The password was right, and an account is due."""
    ONLY_ACCOUNT_DUE = auto()
    """No password was needed, and an account is due."""
    IN = auto()
    """Logged in, with a password."""
    IN_WITHOUT_PASSWORD = auto()
    """Logged in, and no password was needed."""

    @property
    def is_in(self) -> bool:
        """Whether the client is logged in."""
        return self >= Login.IN

    @property
    def is_due(self) -> bool:
        """Whether the client is expected to prove who it is."""
        return Login.NOBODY < self < Login.IN


_L = Login

LOGIN_MOVES = Moves(
    {
        _L.NOBODY: (_L.NOBODY, _L.NAMED),
        _L.NAMED: (_L.NOBODY, _L.ACCOUNT_DUE, _L.ONLY_ACCOUNT_DUE, _L.IN, _L.IN_WITHOUT_PASSWORD),
        _L.ACCOUNT_DUE: (_L.NOBODY, _L.IN),
        _L.ONLY_ACCOUNT_DUE: (_L.NOBODY, _L.IN_WITHOUT_PASSWORD),
        _L.IN: (_L.NOBODY,),
        _L.IN_WITHOUT_PASSWORD: (_L.NOBODY,),
    }
)
"""How a login may go on; every new USER, REIN and AUTH begins with NOBODY."""

Answer = tuple[str, str]

# ftplib and lftp would take 202 to PASS for being logged in, so that is not said while an account is due.
_PASS_IS_NO_ACCOUNT = ("332", "Account needed")
_NO_ACCOUNT = ("202", "No account needed")

LOGIN_ANSWERS: Mapping[tuple[Login, str], Answer | None] = {
    (_L.NOBODY, "HOST"): None,
    (_L.NAMED, "PASS"): None,
    (_L.ACCOUNT_DUE, "PASS"): _PASS_IS_NO_ACCOUNT,
    (_L.ONLY_ACCOUNT_DUE, "PASS"): _PASS_IS_NO_ACCOUNT,
    (_L.IN_WITHOUT_PASSWORD, "PASS"): ("202", "No password needed"),
    (_L.ACCOUNT_DUE, "ACCT"): None,
    (_L.ONLY_ACCOUNT_DUE, "ACCT"): None,
    (_L.IN, "ACCT"): _NO_ACCOUNT,
    (_L.IN_WITHOUT_PASSWORD, "ACCT"): _NO_ACCOUNT,
}
"""State and verb to the reply that is due without looking at the argument; None where it counts. Absent: 503."""

_OUT_OF_TURN = {"HOST": "HOST comes before USER", "PASS": "Login with USER first", "ACCT": "Login first"}


def login_answer(state: Login, verb: str) -> Answer | None:
    """The reply to a command of the login that follows from the state alone; None when its argument counts.

    Args:
        state: How far the login is.
        verb: PASS, ACCT or HOST.

    Source: RFC 959 5.4 and 6; RFC 7151 3.
    """
    if (state, verb) in LOGIN_ANSWERS:
        return LOGIN_ANSWERS[state, verb]
    return "503", "Already logged in" if (state, verb) == (Login.IN, "PASS") else _OUT_OF_TURN[verb]
