"""Passwords from the wire: no report of pytest and no log shows one, whatever fails."""

from __future__ import annotations

import pytest

from ftpfixture import FtpServer
from tests.support.raw import RawClient
from tests.support.rows import table

# The suite builds the passwords, because a report shows its source.
SUITE = """
    import pytest
    from ftpfixture import FtpServer, MemoryUserManager, Server, User
    from tests.support.raw import RawClient

    HIDDEN = "".join(reversed("2retnuh"))
    USERS = [User("ann", HIDDEN, account=HIDDEN)]

    class Authenticate(MemoryUserManager):
        async def authenticate(self, user, password):
            if password == HIDDEN:
                raise RuntimeError("the manager is broken")
            return await super().authenticate(user, password)

    class Lookup(MemoryUserManager):
        async def authenticate(self, user, password):
            return {}[password]

    class Account(MemoryUserManager):
        async def check_account(self, user, account):
            attempts = [("ann", account)]
            raise RuntimeError(f"the manager is broken: {attempts}")

    class Pass(Server):
        async def pass_(self, connection, rest):
            kept = {"password": rest}
            raise RuntimeError(f"the handler is broken: {kept}")

    class Acct(Server):
        async def acct(self, connection, rest):
            assert rest.isdigit(), f"{rest!r} is no number"

    CASES = {
        "manager": {"users": Authenticate(USERS)},
        "lookup": {"users": Lookup(USERS)},
        "account": {"users": Account(USERS)},
        "pass": {"users": USERS, "server_class": Pass},
        "acct": {"users": USERS, "server_class": Acct},
    }

    def log_in(address):
        with RawClient(address) as client:
            client.reply()
            for line in ("USER ann", "PASS " + HIDDEN, "ACCT " + HIDDEN):
                client.code(line)

    @pytest.mark.parametrize("name", CASES)
    def test_it(name):
        with FtpServer(**CASES[name]) as server:
            log_in(server.address)
            assert server.log.commands[1].argument == HIDDEN
"""


@pytest.mark.illegal_replies
def test_no_report_shows_a_password(pytester: pytest.Pytester, request: pytest.FixtureRequest) -> None:
    """Arguments and variables in long tracebacks, messages of exceptions, the dialogue and log records."""
    pytester.makepyfile(SUITE)
    pytester.syspathinsert(request.config.rootpath)
    for style in ("long", "short"):
        result = pytester.runpytest_inprocess("-p", "no:randomly", "-l", f"--tb={style}", "-vv", "--log-level=DEBUG")
        result.assert_outcomes(failed=5)
        report = result.stdout.str() + result.stderr.str()
        assert "hunter2" not in report
        assert "> PASS *******" in report
        assert "HUNTER" not in report
    assert "RuntimeError: the manager is broken: [('ann', '*******')]" in report
    assert "RuntimeError: the handler is broken: {'password': '*******'}" in report


LINES: dict[str | bytes, str] = {
    "PASS hunter2": "PASS *******",
    "pass hunter2": "PASS *******",
    "PASS  hunter2": "PASS ********",
    "PASShunter2": "PASS*******",
    "PASS\thunter2": "PASS********",
    "XPASS hunter2": "XPASS *******",
    "PASSWORD hunter2": "PASS**** *******",
    "PASSWD hunter2": "PASS** *******",
    "PAS hunter2": "PAS *******",
    "PSAS hunter2": "PSAS *******",
    "PAAS hunter2": "PAAS *******",
    "ACCT hunter2": "ACCT *******",
    "ACT hunter2": "ACT *******",
    "SITE PSWD hunter2 hunter3": "SITE PSWD ***************",
    "site  pswd hunter2 hunter3": "SITE pswd ***************",
    # Telnet codes in front of a verb are taken out, and a lone byte 255 is none.
    b"\xff\xf1PASS hunter2": "PASS *******",
    b"\xff\xf4\xff\xf2pas hunter2": "PAS *******",
    b"\x80PASS hunter2": "\\udc80PASS *******",
    # Lines where PASS was due: the password alone, in two lines, or with a word before it.
    "hunter2": "*******",
    "hunter2 hunter2": "******* *******",
    "pw: hunter2": "*** *******",
}
SHOWN = ("XYZZY hunter2", "SITE PASS hunter2", "PASV hunter2", "USER hunter2", "CWD hunter2")


def test_what_looks_like_a_password_is_starred_in_every_sink(caplog: pytest.LogCaptureFixture) -> None:
    """Misspelt PASS and ACCT, and unknown lines where a password is due: events, records, replies, logging."""
    caplog.set_level("DEBUG", "ftpfixture")
    for line, shown in LINES.items():
        with FtpServer(users={"ann": "other"}) as server, RawClient(server.address) as client:
            client.reply()
            client.code("USER ann")
            client.ask(line)
            client.ask("NOOP")
            log = server.log
            sinks = [repr(log.events), repr(log.commands), str(log.commands[1]), log.transcript(), repr(log)]
        assert f"> {shown}\n" in sinks[3], line
        for text in [*sinks, caplog.text]:
            assert "hunter2" not in text.lower(), (line, text)
        caplog.clear()


def test_what_is_no_password_is_shown() -> None:
    """Unknown verbs where no password is due, known verbs everywhere."""
    with FtpServer(users={"ann": "other"}) as server, RawClient(server.address) as client:
        client.reply()
        for line in SHOWN:
            client.ask(line)
            assert f"> {line}\n" in server.log.transcript()


@table("verb", ["PASS", "ACCT"])
def test_no_fault_repeats_a_password(verb: str) -> None:
    """`{argument}` in the text of a reply is starred as in the log."""
    with FtpServer(users={"ann": "hunter2"}, faults=[f"{verb}: reply 230 'hello {{argument}}'"]) as server:
        with RawClient(server.address) as client:
            client.reply()
            client.code("USER ann")
            if verb == "ACCT":
                client.code("PASS hunter2")
            assert client.ask(f"{verb} hunter2").text == "hello *******"
        assert "hunter2" not in server.log.transcript()
