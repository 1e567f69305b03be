"""TLS in the log, fed with events: the records, `assert_encrypted`, and the dialogue."""

from __future__ import annotations

import re
import textwrap

import pytest

from ftpfixture.errors import ConfigurationError
from ftpfixture.log.events import TlsEnded, TlsEstablished, TlsFailed
from ftpfixture.log.records import TransferRecord
from tests.support.story import Story, failure_of, payload_of


class TlsStory(Story):
    """Emits the events of a server with TLS."""

    def encrypt(self, session: int = 1, where: str = "control", to: int = 0, *, resumed: bool = False) -> None:
        """A TLS handshake completed."""
        stamp = self.hub.stamp(session)
        self.hub.emit(TlsEstablished(*stamp, where, to, "TLSv1.3", "TLS_AES_256_GCM_SHA384", resumed, "CN=ann"))

    def fail(self, error: str, where: str = "control", to: int = 0, session: int = 1) -> None:
        """A TLS handshake failed."""
        self.hub.emit(TlsFailed(*self.hub.stamp(session), where, to, error))

    def auth(self, session: int = 1) -> None:
        """A client that is connected sends AUTH, and the TLS handshake completes."""
        self.encrypt(session, to=self.say("AUTH TLS", "234", session))

    def enter(self, session: int = 1, user: str = "ann") -> None:
        """A client that is connected logs in."""
        self.say(f"USER {user}", "331", session)
        self.say("PASS secret", "230", session)

    def clear(self, session: int = 1) -> None:
        """A client says CCC."""
        self.say("CCC", "200", session)
        self.hub.emit(TlsEnded(*self.hub.stamp(session)))

    def carry(self, line: str, session: int = 1, *, encrypted: bool = True) -> TransferRecord:
        """A whole transfer."""
        number = self.command(line, session)
        verb, _, path = line.partition(" ")
        self.open(number, path, verb, session)
        if encrypted:
            self.encrypt(session, "data", number, resumed=True)
        self.shut(number, payload_of(b"hi"), session=session)
        self.reply("226", to=number, session=session)
        return self.log.transfers[-1]


@pytest.fixture
def story() -> TlsStory:
    """An empty log, with the methods that fill it."""
    return TlsStory()


def _refused(story: TlsStory, session: int | None = None) -> str:
    """Return the first line of the failure of `assert_encrypted`; the whole dialogue follows it."""
    message = failure_of(lambda: story.log.assert_encrypted(session=session))
    assert message.partition("\n\n")[2] == story.log.transcript()
    return message.partition("\n")[0]


# Records.


def test_a_session_knows_how_it_is_encrypted(story: TlsStory) -> None:
    """`tls` of a session is None in clear, then version, cipher, resumption and the subject of the certificate."""
    story.connect(1)
    story.connect(2)
    first, second = story.log.sessions
    assert (first.tls, first.tls_ended_seq) == (None, None)

    story.auth(1)

    assert first.tls is not None
    assert (first.tls.version, first.tls.cipher) == ("TLSv1.3", "TLS_AES_256_GCM_SHA384")
    assert (first.tls.resumed, first.tls.subject) == (False, "CN=ann")
    assert second.tls is None


def test_a_transfer_knows_how_it_is_encrypted(story: TlsStory) -> None:
    """`tls` of a transfer is its own: None for one in clear, and that of the session does not change."""
    story.connect()
    story.auth()

    private, clear = story.carry("RETR /a"), story.carry("RETR /b", encrypted=False)

    assert private.tls is not None
    assert (private.tls.where, private.tls.resumed) == ("data", True)
    assert clear.tls is None
    session_tls = story.log.sessions[0].tls
    assert session_tls is not None
    assert session_tls.where == "control"


def test_a_session_knows_when_it_was_cleared(story: TlsStory) -> None:
    """`tls_ended_seq` is the number of the event of CCC; how it was encrypted before stays known."""
    story.connect()
    story.auth()
    story.clear()

    session = story.log.sessions[0]
    [cleared] = [event for event in story.log.events if isinstance(event, TlsEnded)]

    assert session.tls_ended_seq == cleared.seq
    assert session.tls is not None


def test_a_command_knows_whether_it_was_encrypted(story: TlsStory) -> None:
    """`encrypted` of a command is that of its control connection when it came."""
    story.connect()
    story.auth()
    story.say("PWD", "257")
    story.clear()
    story.say("NOOP", "200")
    story.auth()
    story.say("QUIT", "221")

    seen = [(record.verb, record.encrypted) for record in story.log.commands]

    assert seen == [("AUTH", False), ("PWD", True), ("CCC", True), ("NOOP", False), ("AUTH", False), ("QUIT", True)]


def test_a_handshake_that_failed_is_in_no_record(story: TlsStory) -> None:
    """After a failed handshake neither the session nor a transfer counts as encrypted."""
    story.connect()
    number = story.say("AUTH TLS", "234")
    story.fail("unknown ca", to=number)
    story.auth()
    retr = story.command("RETR /a")
    story.open(retr, "/a")
    story.fail("unknown ca", "data", retr)

    assert story.log.transfers[0].tls is None
    tls = story.log.sessions[0].tls
    assert tls is not None
    assert tls.command_seq != number


# What is encrypted.


def test_encrypted_sessions_pass(story: TlsStory) -> None:
    """Sessions that logged in after their handshake, with private transfers or none, explicit or implicit, pass."""
    story.connect(1)
    story.auth(1)
    story.enter(1)
    story.carry("STOR /a", 1)
    story.carry("RETR /a", 1)
    story.connect(2)
    story.encrypt(2)
    story.enter(2)

    story.log.assert_encrypted()
    story.log.assert_encrypted(session=1)
    story.log.assert_encrypted(session=2)


def test_what_is_no_secret_may_be_in_clear(story: TlsStory) -> None:
    """Commands before AUTH and after CCC do not count, unless they have a name, a password or an account."""
    story.connect()
    story.say("FEAT", "211")
    story.auth()
    story.enter()
    story.clear()
    story.say("PWD", "257")
    story.carry("RETR /a")

    story.log.assert_encrypted()


def test_a_session_without_a_login_does_not_count(story: TlsStory) -> None:
    """A client that connects in clear and sends no name has sent no secret."""
    story.connect(1)
    story.say("NOOP", "200", 1)
    story.connect(2)
    story.auth(2)
    story.enter(2)

    story.log.assert_encrypted()


def test_a_clear_session_is_refused(story: TlsStory) -> None:
    """A login without TLS is named, with its session and the dialogue, and the password is not shown."""
    story.connect()
    story.enter()

    message = failure_of(story.log.assert_encrypted)

    assert message == textwrap.dedent(
        """\
        not encrypted: USER ann -> 331 in session 1
        not encrypted: PASS ****** -> 230 in session 1
        right is AUTH TLS before USER, and PROT P before a data connection opens

        session 1
            0.250 * connected from 127.0.0.1:50001
            0.500 > USER ann
            0.750 < 331 ok
            1.000 > PASS ******
            1.250 < 230 ok"""
    )


def test_one_clear_session_among_encrypted_ones_is_refused(story: TlsStory) -> None:
    """Every session counts, unless one is asked for."""
    for session in (1, 3):
        story.connect(session)
        story.auth(session)
        story.enter(session)
    story.connect(2)
    story.enter(2, "bob")

    assert _refused(story) == "not encrypted: USER bob -> 331 in session 2"
    assert _refused(story, 2) == "not encrypted: USER bob -> 331 in session 2"
    story.log.assert_encrypted(session=1)
    story.log.assert_encrypted(session=3)


@pytest.mark.parametrize("line", ["USER ann", "PASS secret", "ACCT sales"])
def test_a_secret_before_auth_is_refused(story: TlsStory, line: str) -> None:
    """A name, a password or an account that was told in clear stays told, whatever is encrypted afterwards."""
    story.connect()
    story.say(line, "530")
    story.auth()
    story.enter()

    assert _refused(story) == f"not encrypted: {story.log.commands[0]} in session 1"


@pytest.mark.parametrize("line", ["USER ann", "PASS secret", "ACCT sales"])
def test_a_secret_after_ccc_is_refused(story: TlsStory, line: str) -> None:
    """After CCC the connection is in clear again."""
    story.connect()
    story.auth()
    story.enter()
    story.clear()
    story.log.assert_encrypted()

    story.say(line, "503")

    assert _refused(story) == f"not encrypted: {story.log.commands[-1]} in session 1"


def test_auth_after_ccc(story: TlsStory) -> None:
    """A connection that was encrypted twice has kept its secrets both times, but not those sent between."""
    story.connect()
    story.auth()
    story.enter()
    story.clear()
    story.auth()
    story.enter()

    story.log.assert_encrypted()
    assert story.log.sessions[0].tls_ended_seq is None

    story.clear()
    story.say("USER bob", "331")
    story.auth()
    assert _refused(story) == "not encrypted: USER bob -> 331 in session 1"


def test_a_secret_after_a_failed_handshake_is_refused(story: TlsStory) -> None:
    """AUTH alone encrypts nothing."""
    story.connect()
    story.fail("unknown ca", to=story.say("AUTH TLS", "234"))
    story.say("USER ann", "331")

    assert _refused(story) == "not encrypted: USER ann -> 331 in session 1"


def test_no_message_shows_a_password(story: TlsStory) -> None:
    """A command with a password is named with stars."""
    story.connect()
    story.say("PASS secret", "503")

    assert _refused(story) == "not encrypted: PASS ****** -> 503 in session 1"


@pytest.mark.parametrize(("line", "direction"), [("RETR /in/a", "download"), ("STOR /in/a", "upload")])
def test_a_clear_transfer_in_an_encrypted_session_is_refused(story: TlsStory, line: str, direction: str) -> None:
    """A transfer without PROT P is named by its path and session, even among private ones."""
    story.connect()
    story.auth()
    story.enter()
    story.carry("RETR /b")
    story.log.assert_encrypted()

    story.carry(line, encrypted=False)

    assert _refused(story) == f"not encrypted: the {direction} of /in/a in session 1"


def test_a_transfer_whose_handshake_failed_is_refused(story: TlsStory) -> None:
    """A data connection whose handshake failed was not encrypted; the dialogue has the reason."""
    story.connect()
    story.auth()
    story.enter()
    number = story.command("RETR /a")
    story.open(number, "/a")
    story.fail("unknown ca", "data", number)

    assert _refused(story) == "not encrypted: the download of /a in session 1"


def test_clear_transfers_of_other_sessions_do_not_count(story: TlsStory) -> None:
    """With `session` only its own transfers count."""
    for session in (1, 2):
        story.connect(session)
        story.auth(session)
        story.enter(session)
    story.carry("RETR /a", 1, encrypted=False)
    story.carry("RETR /a", 2)

    story.log.assert_encrypted(session=2)
    assert _refused(story, 1) == "not encrypted: the download of /a in session 1"
    assert _refused(story) == "not encrypted: the download of /a in session 1"


def test_nothing_at_all_is_refused(story: TlsStory) -> None:
    """Without a login there is no encrypted one: a test whose client never logged in must not pass."""

    def refused(session: int | None = None) -> str:
        return failure_of(lambda: story.log.assert_encrypted(session=session)).partition("\n")[0]

    assert refused() == "no client logged in, so no login was encrypted"
    story.connect(1)
    story.auth(1)
    assert refused() == "no client logged in, so no login was encrypted"
    story.enter(1)
    story.connect(2)
    assert refused(2) == "no client logged in in session 2, so no login was encrypted"


def test_the_login_alone(story: TlsStory) -> None:
    """With "login" a data connection in clear does not count."""
    story.connect()
    story.auth()
    story.enter()
    story.carry("RETR /a", encrypted=False)

    story.log.assert_encrypted("login")
    assert _refused(story) == "not encrypted: the download of /a in session 1"


def test_the_data_alone(story: TlsStory) -> None:
    """With "data" a login in clear does not count, and there must be a data connection."""
    story.connect()
    story.enter()
    message = failure_of(lambda: story.log.assert_encrypted("data"))
    assert message.startswith("no data connection was used, so no data were encrypted\n\n")
    story.auth()
    story.carry("RETR /a")
    story.log.assert_encrypted("data")

    story.carry("RETR /b", encrypted=False)

    message = failure_of(lambda: story.log.assert_encrypted("data"))
    assert message.startswith("not encrypted: the download of /b in session 1\n")


def test_an_unknown_part_is_an_error(story: TlsStory) -> None:
    """The error lists the known parts."""
    with pytest.raises(ConfigurationError, match="part takes one of login, data, not 'control'"):
        story.log.assert_encrypted("control")  # type: ignore[arg-type]


def test_an_open_session_stays_encrypted_after_clear(story: TlsStory) -> None:
    """The log forgets the commands, but not that an open session is encrypted."""
    story.connect()
    story.auth()
    story.log.clear()
    story.enter()

    story.log.assert_encrypted()


# The dialogue as text.


def test_the_dialogue_has_tls(story: TlsStory) -> None:
    """Begin and end of encryption have lines at their places, with version, cipher and resumption."""
    story.connect()
    story.auth()
    story.carry("RETR /a")
    story.clear()

    assert [line[10:] for line in story.log.transcript().splitlines()[1:]] == [
        "* connected from 127.0.0.1:50001",
        "> AUTH TLS",
        "< 234 ok",
        "* control connection encrypted: TLSv1.3, TLS_AES_256_GCM_SHA384",
        "> RETR /a",
        "= passive download of /a",
        "< 150 ok",
        "* data connection encrypted: TLSv1.3, TLS_AES_256_GCM_SHA384, resumed",
        "= 2 bytes, complete",
        "< 226 ok",
        "> CCC",
        "< 200 ok",
        "* control connection not encrypted any more",
    ]


@pytest.mark.parametrize("where", ["control", "data"])
def test_the_dialogue_has_failed_handshakes(story: TlsStory, where: str) -> None:
    """A failed handshake has a line with its reason, control characters escaped."""
    story.connect()
    story.fail("tlsv1 alert\nunknown ca", where)

    assert re.search(rf"\* no TLS on the {where} connection: tlsv1 alert\\nunknown ca$", story.log.transcript())


def test_the_dialogue_of_one_session_has_its_own_tls_only(story: TlsStory) -> None:
    """Encryption has its line in its own session."""
    story.connect(1)
    story.connect(2)
    story.auth(2)

    assert "encrypted" not in story.log.transcript(1)
    assert "encrypted" in story.log.transcript(2)
