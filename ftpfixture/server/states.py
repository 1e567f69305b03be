"""The states of a session and of its login, and the transitions between them.

One rule: the tables are complete. A transition that is missing in its table is a bug of this package and raises; a
login command that is missing in its table is out of sequence and gets 503.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum, auto
from typing import TypeVar

from ftpfixture.errors import ServerStateError

__all__ = ["LOGIN_ANSWERS", "LOGIN_MOVES", "SESSION_MOVES", "Login", "Moves", "SessionState", "login_answer"]

State = TypeVar("State", bound=IntEnum)


class Moves(dict[tuple[State, State], State]):
    """The allowed transitions: ``state = moves[state, next]`` is the next state, or an error.

    Args:
        table: Each state with the states that may follow it.

    Raises:
        ServerStateError: The table does not have the pair.
    """

    def __init__(self, table: Mapping[State, Iterable[State]]) -> None:
        super().__init__({(before, after): after for before, all_after in table.items() for after in all_after})

    def __missing__(self, pair: tuple[State, State]) -> State:
        before, after = pair
        raise ServerStateError(f"{type(before).__name__} {before.name} cannot become {after.name}")


class SessionState(IntEnum):
    """The states of a session. They are numbers for a fast hash, which each command needs."""

    NEW = auto()
    """The connection was accepted, and the session's task has not begun."""
    SECURING = auto()
    """TLS begins or ends on the control connection: no command is received and no reply is sent."""
    GREETING = auto()
    """The server sends the greeting, and reads no command yet."""
    WAITING = auto()
    """The session waits for a command; a transfer may run."""
    HANDLING = auto()
    """A handler runs."""
    CLOSING = auto()
    """The last reply was sent; transfers that still run are aborted."""
    CLOSED = auto()
    """The connection is closed, and everything it held is released."""


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
"""The transitions of a session."""


class Login(IntEnum):
    """The stages of a login."""

    NO_USER = auto()
    """The client has not sent USER."""
    NAMED = auto()
    """The client has sent USER, and the server expects PASS."""
    ACCOUNT_DUE = auto()
    """The password was right, and the server expects ACCT."""
    ONLY_ACCOUNT_DUE = auto()
    """No password was needed, and the server expects ACCT."""
    IN = auto()
    """The client is logged in, with a password."""
    IN_WITHOUT_PASSWORD = auto()
    """The client is logged in, and no password was needed."""

    @property
    def is_in(self) -> bool:
        """Whether the client is logged in."""
        return self >= Login.IN

    @property
    def is_due(self) -> bool:
        """Whether the server expects PASS or ACCT."""
        return Login.NO_USER < self < Login.IN


_L = Login

LOGIN_MOVES = Moves(
    {
        _L.NO_USER: (_L.NO_USER, _L.NAMED),
        _L.NAMED: (_L.NO_USER, _L.ACCOUNT_DUE, _L.ONLY_ACCOUNT_DUE, _L.IN, _L.IN_WITHOUT_PASSWORD),
        _L.ACCOUNT_DUE: (_L.NO_USER, _L.IN),
        _L.ONLY_ACCOUNT_DUE: (_L.NO_USER, _L.IN_WITHOUT_PASSWORD),
        _L.IN: (_L.NO_USER,),
        _L.IN_WITHOUT_PASSWORD: (_L.NO_USER,),
    }
)
"""The transitions of a login; every USER, REIN and AUTH returns to NO_USER."""

Answer = tuple[str, str]

# ftplib and lftp take 202 to PASS for a login, so the server does not send it while it expects ACCT.
_PASS_IS_NO_ACCOUNT = ("332", "Account needed")
_NO_ACCOUNT = ("202", "No account needed")

LOGIN_ANSWERS: Mapping[tuple[Login, str], Answer | None] = {
    (_L.NO_USER, "HOST"): None,
    (_L.NAMED, "PASS"): None,
    (_L.ACCOUNT_DUE, "PASS"): _PASS_IS_NO_ACCOUNT,
    (_L.ONLY_ACCOUNT_DUE, "PASS"): _PASS_IS_NO_ACCOUNT,
    (_L.IN_WITHOUT_PASSWORD, "PASS"): ("202", "No password needed"),
    (_L.ACCOUNT_DUE, "ACCT"): None,
    (_L.ONLY_ACCOUNT_DUE, "ACCT"): None,
    (_L.IN, "ACCT"): _NO_ACCOUNT,
    (_L.IN_WITHOUT_PASSWORD, "ACCT"): _NO_ACCOUNT,
}
"""State and verb to the reply for any argument; None where the argument decides. A missing pair gets 503."""

_OUT_OF_TURN = {"HOST": "HOST comes before USER", "PASS": "Login with USER first", "ACCT": "Login first"}


def login_answer(state: Login, verb: str) -> Answer | None:
    """The reply to a login command that the state alone decides; None where the argument decides.

    Args:
        state: The stage of the login.
        verb: PASS, ACCT or HOST.

    Source: RFC 959 5.4 and 6; RFC 7151 3.
    """
    if (state, verb) in LOGIN_ANSWERS:
        return LOGIN_ANSWERS[state, verb]
    return "503", "Already logged in" if (state, verb) == (Login.IN, "PASS") else _OUT_OF_TURN[verb]
