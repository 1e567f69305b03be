"""The tables of states: transitions, errors, and login commands out of sequence."""

from __future__ import annotations

import itertools

import pytest

from ftpfixture import Connection, FtpServer, Server, ServerFailure, ServerStateError, User
from ftpfixture.log.events import Connected, Disconnected, Event
from ftpfixture.server.dispatch import command
from ftpfixture.server.states import (
    LOGIN_ANSWERS,
    LOGIN_MOVES,
    SESSION_MOVES,
    Login,
    SessionState,
    login_answer,
)
from ftpfixture.wire.states import legal_reply
from tests.support.raw import RawClient

# A second, independent copy of the table: a state, and all that may follow it.
SESSION = """
NEW       SECURING GREETING CLOSING
SECURING  GREETING HANDLING CLOSING
GREETING  WAITING CLOSING
WAITING   HANDLING CLOSING
HANDLING  WAITING SECURING CLOSING
CLOSING   CLOSED
CLOSED
"""

LOGIN = """
NO_USER              NO_USER NAMED
NAMED               NO_USER ACCOUNT_DUE ONLY_ACCOUNT_DUE IN IN_WITHOUT_PASSWORD
ACCOUNT_DUE         NO_USER IN
ONLY_ACCOUNT_DUE    NO_USER IN_WITHOUT_PASSWORD
IN                  NO_USER
IN_WITHOUT_PASSWORD NO_USER
"""

# The code that the state alone decides; "-" where the argument decides.
ANSWERS = """
                    HOST PASS ACCT
NO_USER              -    503  503
NAMED               503  -    503
ACCOUNT_DUE         503  332  -
ONLY_ACCOUNT_DUE    503  332  -
IN                  503  503  202
IN_WITHOUT_PASSWORD 503  202  202
"""


def _pairs(table: str) -> set[tuple[str, str]]:
    rows = (line.split() for line in table.strip().splitlines())
    return {(before, after) for before, *all_after in rows for after in all_after}


def test_transitions_of_a_session() -> None:
    """Each pair of the table is a transition; each missing pair is refused, and the error names both."""
    legal = _pairs(SESSION)
    for before, after in itertools.product(SessionState, repeat=2):
        if (before.name, after.name) in legal:
            assert SESSION_MOVES[before, after] is after
        else:
            with pytest.raises(ServerStateError, match=f"{before.name} cannot become {after.name}"):
                _ = SESSION_MOVES[before, after]


def test_transitions_of_a_login() -> None:
    """`user` and `logged` of the connection are set when the client is logged in, and only then."""
    legal, user = _pairs(LOGIN), User("ann")
    for before, after in itertools.product(Login, repeat=2):
        connection = Connection()
        for state in _way_to(before):
            connection.enter(state)
            if state is Login.NAMED:
                connection.login, connection.claimed = "ann", user
        assert connection.login_state is before
        if (before.name, after.name) not in legal:
            with pytest.raises(ServerStateError, match=f"{before.name} cannot become {after.name}"):
                connection.enter(after)
            continue
        connection.enter(after)
        assert ("logged" in connection, "user" in connection) == (after.is_in, after.is_in)
        assert ("login" in connection, connection.claimed) == (
            (False, None) if Login.NO_USER in (before, after) else (True, user)
        )
    assert {(before.name, after.name) for before, after in LOGIN_MOVES} == legal


def _way_to(state: Login) -> list[Login]:
    """The states before a state, and itself."""
    before = {Login.IN: [Login.NAMED], Login.IN_WITHOUT_PASSWORD: [Login.NAMED], Login.NO_USER: [], Login.NAMED: []}
    return [*before.get(state, [Login.NAMED]), state]


def test_login_commands_out_of_sequence() -> None:
    """Each login command gets the reply of the table in each state, and a legal one; a missing pair is 503."""
    heads, *rows = (line.split() for line in ANSWERS.strip().splitlines())
    for state, *codes in rows:
        for verb, code in zip(heads, codes, strict=True):
            answer = login_answer(Login[state], verb)
            assert (answer[0] if answer else "-") == code, (state, verb)
            assert answer is None or (legal_reply(verb, "", answer[0]) and answer[1])
            assert ((Login[state], verb) in LOGIN_ANSWERS) == (code != "503")


def test_a_handler_of_a_user_may_log_in_and_out() -> None:
    """`logged` and `login` of the extension API count, whichever handler sets or deletes them."""
    connection = Connection()
    seen: list[Login] = []

    def look() -> None:
        seen.append(connection.login_state)

    connection.logged = True
    look()
    del connection.logged
    look()
    connection.login, connection.claimed = "ann", User("ann")
    look()
    connection.enter(Login.IN_WITHOUT_PASSWORD)
    del connection.logged
    look()
    connection.logged = True
    look()
    del connection.logged, connection.login
    look()

    assert [state.name for state in seen] == ["IN", "NO_USER", "NAMED", "NAMED", "IN_WITHOUT_PASSWORD", "NO_USER"]


class OwnLogin(Server):
    """Logs in with a token, and logs out on request."""

    async def token(self, connection: Connection, rest: str) -> bool:
        """Log in without USER."""
        connection.user = User("token", base_path="/")
        connection.logged = True
        connection.response("230", "Welcome")
        return True

    async def logout(self, connection: Connection, rest: str) -> bool:
        """Log out."""
        del connection.logged
        connection.response("200", "Bye")
        return True


@pytest.mark.ftp(server_class=OwnLogin)
def test_a_users_own_login(ftp_server: FtpServer) -> None:
    """Commands that need a login, login commands, and STAT follow what a user's own handlers have set."""
    with RawClient(ftp_server.address) as client:
        client.reply()
        assert [client.code(line) for line in ("PWD", "TOKEN x", "PWD", "PASS y", "ACCT z", "HOST a.b")] == [
            *("530", "230", "257", "503", "202", "503")
        ]
        assert "Logged in as token" in client.ask("STAT").text
        assert [client.code(line) for line in ("LOGOUT", "PWD", "PASS y", "TOKEN x", "USER user", "PASS password")] == [
            *("200", "530", "503", "230", "331", "230")
        ]


class Restless(Server):
    """Does forbidden things in forbidden states."""

    @command("LATER")
    async def later(self, connection: Connection, rest: str) -> bool:
        """Begin TLS from a task beside the session, which handles other commands meanwhile."""

        async def encrypt() -> bool:
            return await connection.session.encrypt(self.context_for(connection))

        connection.response("150", "Soon")
        connection.extra_workers.add(connection.loop.create_task(encrypt()))
        return True

    async def close_all(self, connection: Connection, rest: str) -> bool:
        """Terminate the session from its own handler, and continue."""
        connection.session.terminate("shut down", "Enough")
        connection.response("200", "This is not sent")
        return True


@pytest.mark.ftp(server_class=Restless, tls="explicit")
def test_a_missing_transition_is_raised(ftp_server: FtpServer) -> None:
    """The command gets 451, and the test that caused it fails."""
    with RawClient(ftp_server.address) as client:
        assert [client.reply().code, client.code("LATER"), client.reply().code] == ["220", "150", "451"]
        assert client.code("NOOP") == "200"
    with pytest.raises(ServerFailure, match="WAITING cannot become SECURING"):
        ftp_server.check()


@pytest.mark.parametrize("lines", ["CLOSE_ALL", "CLOSE_ALL\r\nNOOP\r\nNOOP"])
@pytest.mark.ftp(server_class=Restless)
def test_a_session_that_its_own_handler_terminates(ftp_server: FtpServer, lines: str) -> None:
    """421 is the last reply, and later commands are not handled."""
    with RawClient(ftp_server.address) as client:
        assert client.reply().code == "220"
        client.send(lines)
        assert client.reply().code == "421"
        assert client.is_closed()
    assert ftp_server.log.wait_for(lambda event: isinstance(event, Disconnected)).reason == "shut down"
    ftp_server.log.assert_not_sent("NOOP")


def test_a_session_that_is_terminated_before_it_begins(ftp_server: FtpServer) -> None:
    """A server that is closed between accept and greeting sends 421 instead of 220."""

    def terminate(event: Event) -> None:
        if isinstance(event, Connected):
            connection = ftp_server.server.connections[event.session]
            connection.loop.call_soon(connection.session.terminate, "shut down", "Too late")

    ftp_server.server.hub.subscribe(terminate)
    with RawClient(ftp_server.address) as client:
        assert client.reply().code == "421"
        assert client.is_closed()
    assert ftp_server.log.wait_for(lambda event: isinstance(event, Disconnected)).reason == "shut down"
