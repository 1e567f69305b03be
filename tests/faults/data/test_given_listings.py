"""A listing given by a test, in place of the server's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ftpfixture import ConfigurationError, Fault, FtpServer, Server, User, on
from ftpfixture.server.connection import Connection
from tests.support.faulty import begin, enter
from tests.support.ways import Way, download, every_way, make_server, replies

RAW = b"total 2\n-rw 1 a\tb\r\n\xff\0\r"


@every_way
@pytest.mark.parametrize(
    ("fault", "sent"),
    [
        (on("LIST").listing(["drwx 1 a", "", "-rw 1 ü"]), "drwx 1 a\r\n\r\n-rw 1 ü\r\n".encode()),
        (on("NLST").listing("a\nb\r\nc\n"), b"a\r\nb\r\nc\r\n"),
        (on("MLSD").listing(RAW), RAW),
        (on("LIST").listing([]), b""),
    ],
    ids=str,
)
async def test_clients_get_exactly_this(
    ftp_server_factory: Callable[..., FtpServer],
    tmp_path: Path,
    fault: Fault,
    sent: bytes,
    program: str,
    kind: str,
    mode: str,
    type_: str,
    layer: str,
) -> None:
    """Lines get CRLF, bytes are sent unchanged, in every type; the replies are those of any listing."""
    server = make_server(ftp_server_factory, layer, tmp_path, {"/a.txt": b"a", "/empty/": None})
    way, verb = Way(program, kind, mode, type_), fault.trigger.verbs[0]
    server.faults.add(fault.times(1))

    assert await download(server, way, verb) == ("226", sent)
    server.faults.assert_fired(fault.times(1))
    assert b"a.txt" in (await download(server, way, verb))[1]
    assert replies(server, verb) == [[("150", "Here comes the listing"), ("226", "Transfer complete")]] * 2


def test_the_text_form(ftp_server_factory: Callable[..., FtpServer]) -> None:
    """The text form; another word sets the encoding, and bytes without CRLF are sent unchanged."""
    server = ftp_server_factory(files={"/a": b""}, faults=["LIST: encoding latin-1; listing 'ü'", "NLST: listing b'x'"])

    with enter(server, "clear") as client:
        assert begin(client, "LIST").rest().content == b"\xfc\r\n"
        assert client.reply().code == "226"
        assert begin(client, "NLST").rest().content == b"x"
        assert client.reply().code == "226"
    assert server.faults.active[1].fault == on("NLST").listing(b"x")


class InParts(Server):
    """A server that sends each line of a listing separately."""

    async def list(self, connection: Connection, rest: str) -> bool:
        """LIST of three lines."""
        stream = await connection.wait_for("data_connection", 10)
        del connection.data_connection
        connection.response("150", "Go")
        async with stream:
            for line in (b"1\r\n", b"2\r\n", b"3\r\n"):
                await stream.write(line)
        connection.response("226", "Done")
        return True


@pytest.mark.parametrize("given", [b"only this\r\n", b""])
def test_a_listing_that_comes_in_parts_is_replaced_once(
    ftp_server_factory: Callable[..., FtpServer], given: bytes
) -> None:
    """A user's handler may write its listing line by line."""
    server = ftp_server_factory(server_class=InParts, users=[User("user", "password")], files={})
    server.faults.add(on("LIST").listing(given))

    with enter(server, "clear") as client:
        assert begin(client, "LIST").rest().content == given
        assert client.reply().code == "226"


@pytest.mark.parametrize("lines", [5, None, ["a", b"b"], bytearray(b"a")])
def test_what_is_no_listing(lines: object) -> None:
    """The error says what would be a listing."""
    with pytest.raises(ConfigurationError, match="lines takes text, a list of lines, or bytes, not "):
        on("LIST").listing(lines)  # type: ignore[arg-type]


def test_a_listing_is_for_listings() -> None:
    """Other commands send no listing."""
    with pytest.raises(ConfigurationError, match="it can happen only with LIST, MLSD, NLST, not with RETR"):
        FtpServer(faults="RETR: listing a")
