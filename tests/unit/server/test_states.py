"""The tables of states: what may follow on what, what is a mistake, and which command comes out of turn."""

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

# Written down a second time, by hand: a state, and all that may follow on it.
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

# The code that the state alone decides; "-" where the argument counts.
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


def test_what_a_session_may_become() -> None:
    """Each pair of the table is a move; each pair that is absent is refused, and the error names both."""
    legal = _pairs(SESSION)
    for before, after in itertools.product(SessionState, repeat=2):
        if (before.name, after.name) in legal:
            assert SESSION_MOVES[before, after] is after
        else:
            with pytest.raises(ServerStateError, match=f"{before.name} cannot become {after.name}"):
                _ = SESSION_MOVES[before, after]


def test_how_a_login_may_go_on() -> None:
    """The same for the login, on a connection: `user` and `logged` are there when the client is in, and only then."""
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
    """What comes before a state, and itself."""
    before = {Login.IN: [Login.NAMED], Login.IN_WITHOUT_PASSWORD: [Login.NAMED], Login.NO_USER: [], Login.NAMED: []}
    return [*before.get(state, [Login.NAMED]), state]


def test_login_commands_out_of_turn() -> None:
    """Each command of the login gets in each state what the table says, and that is a legal reply; absent is 503."""
    heads, *rows = (line.split() for line in ANSWERS.strip().splitlines())
    for state, *codes in rows:
        for verb, code in zip(heads, codes, strict=True):
            answer = login_answer(Login[state], verb)
            assert (answer[0] if answer else "-") == code, (state, verb)
            assert answer is None or (legal_reply(verb, "", answer[0]) and answer[1])
            assert ((Login[state], verb) in LOGIN_ANSWERS) == (code != "503")


def test_a_handler_of_a_user_may_log_in_and_out() -> None:
    """`logged` and `login` of the extension API count, whoever sets or deletes them."""
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
    """Lets in whoever has a token, and puts out whoever says so."""

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
def test_a_login_of_ones_own(ftp_server: FtpServer) -> None:
    """Commands that need a login, those of the login, and STAT follow what a user's own handlers have set."""
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
    """Does what it must not, where it must not."""

    @command("LATER")
    async def later(self, connection: Connection, rest: str) -> bool:
        """Begin TLS from a task beside the session, which answers other commands meanwhile."""

        async def encrypt() -> bool:
            return await connection.session.encrypt(self.context_for(connection))

        connection.response("150", "Soon")
        connection.extra_workers.add(connection.loop.create_task(encrypt()))
        return True

    async def close_all(self, connection: Connection, rest: str) -> bool:
        """Dismiss the session from its own handler, and go on."""
        connection.session.terminate("shut down", "Enough")
        connection.response("200", "This is not said")
        return True


@pytest.mark.ftp(server_class=Restless, tls="explicit")
def test_a_move_that_is_not_in_the_table_is_told(ftp_server: FtpServer) -> None:
    """Nothing happens in silence: the command is answered with 451, and the test that caused it fails."""
    with RawClient(ftp_server.address) as client:
        assert [client.reply().code, client.code("LATER"), client.reply().code] == ["220", "150", "451"]
        assert client.code("NOOP") == "200"
    with pytest.raises(ServerFailure, match="WAITING cannot become SECURING"):
        ftp_server.check()


@pytest.mark.parametrize("lines", ["CLOSE_ALL", "CLOSE_ALL\r\nNOOP\r\nNOOP"])
@pytest.mark.ftp(server_class=Restless)
def test_a_session_that_its_own_handler_dismisses(ftp_server: FtpServer, lines: str) -> None:
    """421 is the last that is said, and what came behind is not carried out."""
    with RawClient(ftp_server.address) as client:
        assert client.reply().code == "220"
        client.send(lines)
        assert client.reply().code == "421"
        assert client.is_closed()
    assert ftp_server.log.wait_for(lambda event: isinstance(event, Disconnected)).reason == "shut down"
    ftp_server.log.assert_not_sent("NOOP")


def test_a_session_that_is_dismissed_before_it_begins(ftp_server: FtpServer) -> None:
    """A server that is closed between accept and greeting says 421 in place of 220."""

    def terminate(event: Event) -> None:
        if isinstance(event, Connected):
            connection = ftp_server.server.connections[event.session]
            connection.loop.call_soon(connection.session.terminate, "shut down", "Too late")

    ftp_server.server.hub.subscribe(terminate)
    with RawClient(ftp_server.address) as client:
        assert client.reply().code == "421"
        assert client.is_closed()
    assert ftp_server.log.wait_for(lambda event: isinstance(event, Disconnected)).reason == "shut down"
