"""Changed listings."""

from __future__ import annotations

from typing import Any

import pytest

from ftpfixture import ConfigurationError, FtpServer, on
from ftpfixture.log.events import ReplySent
from tests.support.endings import is_logged_once
from tests.support.faulty import begin, enter, goes_on
from tests.support.ftps import FtpsClient

NOW = 1_700_000_000  # 2023-11-14 22:13:20


@pytest.fixture
def ftp_config() -> dict[str, Any]:
    """Settings of all servers."""
    return {"tls": "explicit", "wait_future_timeout": 10, "clock": lambda: NOW}


@pytest.fixture(autouse=True)
def _files(ftp_server: FtpServer) -> None:
    """Names that differ in encodings, and names that look like facts, with fixed times."""
    ftp_server.clock.freeze(at=NOW)
    ftp_server.files["/ü/20231114221320.csv"] = b"12345"
    ftp_server.files["/ü/ä.txt"] = b"\n" * 1234


def listing(client: FtpsClient, command: str) -> bytes:
    """A whole listing."""
    came = begin(client, command).rest()
    assert client.reply().code == "226"
    return came.content


@pytest.mark.parametrize(
    ("style", "line"),
    [
        ("unix", "-rw-r--r--    1 ftp      ftp              1234 Nov 14 22:13 ä.txt"),
        ("msdos", "11-14-23  10:13PM                 1234 ä.txt"),
        ("msdos4", "11-14-2023  10:13PM                 1234 ä.txt"),
        ("eplf", "+i0g4,m1700000000,s1234,r,\tä.txt"),
        ("full-iso", "-rw-r--r--    1 ftp      ftp              1234 2023-11-14 22:13:20.000000000 +0000 ä.txt"),
        ("unix-de", "-rw-r--r--    1 ftp      ftp              1234 14. Nov 22:13 ä.txt"),
        ("netware", "- [RWCEAFMS] ftp                           1234 Nov 14 22:13 ä.txt"),
        ("os2", "              1234          A 11-14-23 22:13  ä.txt"),
        ("os400", "FTP               1234 11/14/23 22:13:20 *STMF      ä.txt"),
        ("vxworks", "    1234    NOV-14-2023  22:13:20   ä.txt"),
    ],
)
def test_styles_of_list(ftp_server: FtpServer, client: FtpsClient, style: str, line: str) -> None:
    """One LIST has another style, the next one is normal."""
    before = listing(client, "LIST ü")
    ftp_server.faults.add(on("LIST").list_style(style).times(1))

    came = listing(client, "LIST ü")

    assert is_logged_once(ftp_server)
    assert came.decode().split("\r\n")[1] == line
    assert listing(client, "LIST ü") == before
    assert goes_on(client, ftp_server)


def test_lines_of_list(ftp_server: FtpServer, client: FtpsClient) -> None:
    """A line that is not an entry precedes the others; or the entries have no link count."""
    before = listing(client, "LIST ü").decode()
    ftp_server.faults.add(on("LIST").nth(2).list_total())
    ftp_server.faults.add(on("LIST").nth(3).list_without_links())

    assert listing(client, "LIST ü").decode() == before
    assert listing(client, "LIST ü").decode() == f"total 8\r\n{before}"
    assert listing(client, "LIST ü").decode() == before.replace("    1 ftp", " ftp")


@pytest.mark.parametrize("command", ["LIST ü", "NLST ü", "MLSD ü", "LIST", "NLST", "MLSD"])
@pytest.mark.parametrize("encoding", ["latin-1", "gb18030", "cp850"])
def test_another_encoding(ftp_server: FtpServer, client: FtpsClient, encoding: str, command: str) -> None:
    """One listing has another encoding, the next one is normal."""
    before = listing(client, command)
    ftp_server.faults.add(on(command.split()[0]).encoding(encoding).times(1))

    assert listing(client, command) == before.decode().encode(encoding)
    assert is_logged_once(ftp_server)
    assert listing(client, command) == before


def test_names_in_replies(ftp_server: FtpServer, client: FtpsClient) -> None:
    """Replies have the encoding, too; a missing character is a question mark."""
    ftp_server.faults.add(on("RETR").encoding("ascii").times(1))
    line = begin(client, "RETR ü/ä.txt")

    assert line.rest().content == b"\n" * 1234
    assert client.reply().code == "226"
    preliminary = [event.raw for event in ftp_server.log.events if isinstance(event, ReplySent) and event.code == "150"]
    assert preliminary == [b"150 Opening BINARY mode data connection for ?/?.txt (1234 bytes).\r\n"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-32", "cp037"])
def test_encodings_in_which_no_reply_can_be_read(ftp_server: FtpServer, encoding: str) -> None:
    """An encoding that changes codes and facts is refused."""
    with pytest.raises(ConfigurationError, match="encoding takes an encoding that contains ASCII, such as latin-1"):
        on("LIST").encoding(encoding)


@pytest.mark.parametrize("encoding", [None, "latin-1", "gb18030", "ascii"])
def test_facts_that_are_wrong(ftp_server: FtpServer, client: FtpsClient, encoding: str | None) -> None:
    """In MLSD sizes and times of all files are wrong in any encoding; names that look like facts are unchanged."""
    before = listing(client, "MLSD ü")
    fault = on("MLSD").wrong_size(-5).shift_time(-86_400)
    ftp_server.faults.add((fault if encoding is None else fault.encoding(encoding)).times(1))

    came = listing(client, "MLSD ü")

    expected = before.replace(b"=20231114221320;", b"=20231113221320;")
    expected = expected.replace(b"size=5;", b"size=0;").replace(b"size=1234;", b"size=1229;")
    assert b" 20231114221320.csv" in expected
    assert came == expected.decode().encode(encoding or "utf-8", "replace")
    assert is_logged_once(ftp_server)
    assert listing(client, "MLSD ü") == before


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("NLST", ["/ü"]),
        ("NLST ü", ["/ü/20231114221320.csv", "/ü/ä.txt"]),
        ("NLST /ü", ["/ü/20231114221320.csv", "/ü/ä.txt"]),
        ("NLST ü/*.txt", ["/ü/ä.txt"]),
    ],
)
def test_absolute_names(ftp_server: FtpServer, client: FtpsClient, command: str, names: list[str]) -> None:
    """One NLST sends absolute paths, which RETR accepts; the next one is normal."""
    before = listing(client, command)
    ftp_server.faults.add(on("NLST").absolute_names().times(1))

    came = listing(client, command).decode().splitlines()

    assert came == names
    assert is_logged_once(ftp_server)
    assert listing(client, command) == before
    if came != ["/ü"]:
        assert begin(client, f"RETR {came[0]}").rest().content == ftp_server.files[came[0]]
        assert client.reply().code == "226"


def test_absolute_names_below_the_current_directory(ftp_server: FtpServer, client: FtpsClient) -> None:
    """Absolute paths do not depend on the current directory."""
    ftp_server.faults.add(on("NLST").absolute_names())
    assert client.code("CWD ü") == "250"

    assert listing(client, "NLST") == "/ü/20231114221320.csv\r\n/ü/ä.txt\r\n".encode()


def test_a_change_ends_with_its_command(ftp_server: FtpServer, client: FtpsClient) -> None:
    """NOOP during the listing, and commands after it, find the session unchanged."""
    ftp_server.faults.add(on("NLST").encoding("latin-1").stall_data(60, after_bytes=3).absolute_names().times(1))
    line = begin(client, "NLST ü")
    assert line.exactly(3) == b"/\xfc/"

    assert client.code("NOOP") == "200"
    ftp_server.clock.move(60)

    assert line.rest().content == b"20231114221320.csv\r\n/\xfc/\xe4.txt\r\n"
    assert client.reply().code == "226"
    assert client.code("CWD ü") == "250"
    assert client.ask("PWD").text.startswith('"/ü"')


def test_two_sessions_at_once(ftp_server: FtpServer, client: FtpsClient) -> None:
    """A fault of a listing in one session does not affect another session."""
    ftp_server.faults.add(on("NLST", session=1).absolute_names())
    with enter(ftp_server) as other:
        assert listing(client, "NLST ü") == "/ü/20231114221320.csv\r\n/ü/ä.txt\r\n".encode()
        assert listing(other, "NLST ü") == "ü/20231114221320.csv\r\nü/ä.txt\r\n".encode()
