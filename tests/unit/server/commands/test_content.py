"""STOU reserves a name until its file exists, and no longer."""

from __future__ import annotations

from ftpfixture import FtpServer
from tests.support.raw import RawClient


def test_a_name_that_was_refused_is_released(raw: RawClient, ftp_server: FtpServer) -> None:
    """Neither a STOU without a data connection, nor one whose client never connected, keeps its name."""
    assert raw.code("STOU keep.txt") == "425"
    assert raw.code("EPSV") == "229"
    ftp_server.server.connections[ftp_server.sessions[0].number].wait_future_timeout = 0.01
    assert raw.code("STOU keep.txt") == "425"
    assert raw.code("STOU missing/keep.txt") == "553"
    assert raw.store("STOU keep.txt", b"1") == ["150", "226"]
    assert raw.store("STOU keep.txt", b"2") == ["150", "226"]
    assert dict(ftp_server.files) == {"/keep.txt": b"1", "/keep.txt.1": b"2"}


def test_two_sessions_get_two_names(raw: RawClient, ftp_server: FtpServer) -> None:
    """A name is reserved until its file exists."""
    with RawClient(ftp_server.address) as other:
        other.login()
        first, second = raw.passive(), other.passive()
        assert raw.ask("STOU x").text == "FILE: x"
        assert other.ask("STOU x").text == "FILE: x.1"
        first.close()
        second.close()
        assert (raw.reply().code, other.reply().code) == ("226", "226")
