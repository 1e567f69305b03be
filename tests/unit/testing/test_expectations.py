"""Expectations of a server: they answer, they are checked at the end, and they begin anew with the server."""

from __future__ import annotations

import ftplib
from io import BytesIO

import pytest

from ftpfixture import FtpServer, on
from ftpfixture.errors import ConfigurationError
from tests.support.rows import table


def connected(server: FtpServer) -> ftplib.FTP:
    """A client of ftplib that is logged in."""
    ftp = ftplib.FTP(timeout=10)
    ftp.connect(*server.address)
    ftp.login(*server.credentials)
    return ftp


def code_of(ftp: ftplib.FTP, line: str) -> str:
    """The code of the reply to a command."""
    try:
        return ftp.sendcmd(line)[:3]
    except ftplib.Error as error:
        return str(error)[:3]


def missed(server: FtpServer) -> list[str]:
    """What is not as expected, without the dialogue."""
    with pytest.raises(AssertionError) as caught:
        server.expectations.check(patience=0)
    return str(caught.value).partition("\n\n")[0].splitlines()


def test_a_context_checks_its_expectations() -> None:
    """A server without pytest raises at the end of its context what was not met, with the dialogue."""

    def use() -> None:
        with FtpServer() as server, connected(server) as ftp:
            server.expect("MKD", "/b")
            ftp.mkd("/a")

    with pytest.raises(AssertionError, match=r"(?s)^MKD /b: expected once, seen never\n    nearest: MKD /a.*> MKD /a"):
        use()


def test_answers() -> None:
    """An expectation replies to the commands that it takes, and to no others; a log shows it as what goes wrong."""
    with FtpServer() as server, connected(server) as ftp:
        server.expect("MKD", "/a")
        server.expect("MKD", "/*").times(2).answer(450, "Busy")
        server.expect("RNFR").answer("350").then("RNTO").answer(250)

        assert [code_of(ftp, line) for line in ("MKD /a", "MKD /b", "MKD /c", "MKD /d")] == ["257", "450", "450", "257"]
        assert [code_of(ftp, line) for line in ("RNTO /x", "RNFR /x", "RNTO /x")] == ["503", "350", "250"]
        assert server.log.find("MKD /b")[0].reply == "450 Busy"
        assert server.log.find("MKD /b")[0].faults == ["expected MKD /*: answer 450 Busy"]
        assert "/b" not in server.files


def test_answers_and_faults() -> None:
    """Faults that a test adds are apart from answers: neither list nor `clear` has these, and both happen."""
    with FtpServer(faults=["NOOP #1: answer 421"]) as server, connected(server) as ftp:
        server.expect("NOOP", "").at_least(2).answer(450)
        assert [one.fault for one in server.faults.active] == [on("NOOP").nth(1).answer(421)]
        server.faults.clear()

        assert [code_of(ftp, "NOOP"), code_of(ftp, "NOOP")] == ["450", "450"]


def test_a_transfer_with_an_expected_reply() -> None:
    """The reply of a transfer that has ended counts, though the command was taken when it came."""
    with FtpServer() as server, connected(server) as ftp:
        server.expect_in_order("STOR /a -> 226", "STOR /a -> 226")
        ftp.storbinary("STOR a", BytesIO(b"1"))
        assert missed(server)[0] == "STOR /a -> 226 (after STOR /a -> 226): expected once, seen never"
        ftp.storbinary("STOR a", BytesIO(b"1"))


def test_strict() -> None:
    """A strict server has each command expected or loose; groups are loose as a whole."""
    with FtpServer(strict=True, loose=["LOGIN", "QUIT"]) as server:
        server.expect("PWD")
        with connected(server) as ftp:
            ftp.pwd()
            server.expectations.check()
            ftp.voidcmd("NOOP")
        assert missed(server) == [
            "not expected: NOOP -> 200 (session 1)",
            "    no expectation has this verb; expected are PWD",
        ]
        server.expectations.begin_again(strict=False, loose=())


def test_reset_forgets_expectations() -> None:
    """After a reset nothing is expected, nothing answers, and the server is as strict as its settings say."""
    with FtpServer(strict=True, loose="*") as server:
        with connected(server) as ftp:
            server.expect("NOOP").answer(450).permanent()
            assert code_of(ftp, "NOOP") == "450"
        server.reset()
        with connected(server) as ftp:
            assert code_of(ftp, "NOOP") == "200"
        assert (server.expectations.declared, server.expectations.strict) == ([], True)
        server.reset(strict=False, loose=())
        assert (server.expectations.loose, server.expectations.strict) == ((), False)
        server.expect("NOOP")
        with pytest.raises(AssertionError, match=r"^NOOP: expected once, seen never"):
            server.reset()
        server.expectations.check()


@table(
    ("settings", "message"),
    [
        ({"strict": "yes"}, "strict takes True or False, not 'yes'"),
        ({"loose": 5}, r"loose takes patterns of commands, such as \['QUIT', 'NOOP'\], not 5"),
        ({"loose": ["QIUT"]}, "the server has no command 'QIUT': did you mean 'QUIT'?"),
        ({"loose": [5]}, "5 is no pattern"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, object], message: str) -> None:
    """A wrong setting is an error before anything listens."""
    with pytest.raises(ConfigurationError, match=message):
        FtpServer(**settings)  # type: ignore[arg-type]


def test_expectations_before_the_start() -> None:
    """A server that does not run yet may expect what will come; nothing in order is no order."""
    server = FtpServer()
    server.expect("PWD")
    with server, connected(server) as ftp:
        ftp.pwd()
    with pytest.raises(ConfigurationError, match="expect_in_order needs patterns"):
        server.expect_in_order()
