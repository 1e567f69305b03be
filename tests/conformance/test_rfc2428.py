"""RFC 2428: EPRT and EPSV, with every reply."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable

import pytest

from ftpfixture import FtpServer
from ftpfixture.wire.hostport import parse_229
from tests.support.raw import RawClient, read_all


def has_ipv6() -> bool:
    """True when this machine has ::1."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="needs ::1")


@pytest.mark.parametrize(
    ("section", "line", "code"),
    [
        ("2", "EPRT |1|127.0.0.1|50000|", "200"),
        ("2", "EPRT !1!127.0.0.1!50000!", "200"),
        ("2", "EPRT ~1~127.0.0.1~50000~", "200"),
        ("2", "EPRT ,1,127.0.0.1,50000,", "200"),
        ("2", "eprt |1|127.0.0.1|65535|", "200"),
        ("2", "EPRT |2|::1|50000|", "522"),
        ("2", "EPRT |3|whatever|50000|", "522"),
        ("2", "EPRT |0|127.0.0.1|50000|", "522"),
        ("2", "EPRT", "501"),
        ("2", "EPRT |", "501"),
        ("2", "EPRT ||||", "501"),
        ("2", "EPRT |1|127.0.0.1|50000", "501"),
        ("2", "EPRT 1|127.0.0.1|50000|", "501"),
        ("2", "EPRT |1|127.0.0.1|50000|x", "501"),
        ("2", "EPRT |1|127.0.0.1|65536|", "501"),
        ("2", "EPRT |1|127.0.0.1|x|", "501"),
        ("2", "EPRT |1|127.0.0.256|50000|", "501"),
        ("2", "EPRT |1|::1|50000|", "501"),
        ("2", "EPRT |x|127.0.0.1|50000|", "501"),
        ("2", "EPRT \x7f1\x7f127.0.0.1\x7f50000\x7f", "501"),
        ("2", "EPRT é1é127.0.0.1é50000é", "501"),
        ("2", "EPRT |1|127.0.0.9|50000|", "504"),
        ("2", "EPRT |1|127.0.0.1|80|", "504"),
        ("3", "EPSV", "229"),
        ("3", "EPSV 1", "229"),
        ("3", "EPSV 2", "522"),
        ("3", "EPSV 3", "522"),
        ("3", "EPSV x", "501"),
        ("3", "EPSV 1 1", "501"),
        ("3", "EPSV ALL", "200"),
        ("3", "EPSV all", "200"),
        ("3", "EPSV ALL x", "501"),
    ],
)
def test_replies(raw: RawClient, section: str, line: str, code: str) -> None:
    """Every form gets its reply, and the session continues."""
    assert (section, raw.code(line)) == (section, code)
    assert raw.code("NOOP") == "200"


@pytest.mark.parametrize("line", ["EPRT |1|127.0.0.1|50000|", "EPSV", "EPSV ALL", "EPSV 2"])
def test_login_is_needed(connect: Callable[[], RawClient], line: str) -> None:
    """Both are 530 before the login."""
    client = connect()
    assert client.reply().code == "220"
    assert client.code(line) == "530"


@pytest.mark.parametrize("line", ["EPRT |2|::1|50000|", "EPRT |3|x|50000|", "EPSV 2", "EPSV 3"])
def test_522_lists_the_families(raw: RawClient, line: str) -> None:
    """522 has the supported families in parentheses, so that a client can try again (2)."""
    reply = raw.ask(line)
    assert reply.code == "522"
    assert re.search(r"\(1(,2)?\)$", reply.text)


@needs_ipv6
@pytest.mark.ftp(host="::1")
@pytest.mark.parametrize("line", ["EPRT |1|127.0.0.1|50000|", "EPRT |3|x|50000|", "EPSV 1", "EPSV 3"])
def test_522_lists_the_families_over_ipv6(raw: RawClient, line: str) -> None:
    """Over IPv6 the list names 2."""
    reply = raw.ask(line)
    assert reply.code == "522"
    assert re.search(r"\((1,)?2\)$", reply.text)


@needs_ipv6
@pytest.mark.ftp(host="::1", files={"/a.txt": b"hi"})
@pytest.mark.parametrize("verb", ["EPSV", "EPSV 2"])
def test_epsv_over_ipv6(raw: RawClient, verb: str) -> None:
    """EPSV works over IPv6."""
    assert raw.fetch("RETR /a.txt", verb) == (["150", "226"], b"hi")


@needs_ipv6
@pytest.mark.ftp(host="::1", files={"/a.txt": b"hi"})
@pytest.mark.parametrize("spelling", ["::1", "0:0:0:0:0:0:0:1", "0000:0000:0000:0000:0000:0000:0000:0001"])
def test_eprt_over_ipv6(raw: RawClient, spelling: str) -> None:
    """EPRT works over IPv6, however the address is written."""
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
        listener.settimeout(10)
        assert raw.code(f"EPRT |2|{spelling}|{listener.getsockname()[1]}|") == "200"
        raw.send("RETR /a.txt")
        data, _ = listener.accept()
    assert raw.reply().code == "150"
    assert read_all(data) == b"hi"
    assert raw.reply().code == "226"


@needs_ipv6
@pytest.mark.ftp(host="::1")
@pytest.mark.parametrize(("line", "code"), [("EPRT |2|::2|50000|", "504"), ("EPRT |2|::1|1023|", "504")])
def test_eprt_guard_over_ipv6(raw: RawClient, line: str, code: str) -> None:
    """The guard against bounces knows IPv6 (RFC 2577 3)."""
    assert raw.code(line) == code


def test_229_names_a_port_only(raw: RawClient) -> None:
    """229 has the port between three delimiters and one, in parentheses, and no address (3)."""
    reply = raw.ask("EPSV")
    assert reply.code == "229"
    assert re.search(r"\(\|\|\|[1-9]\d{0,4}\|\)$", reply.text)


@pytest.mark.ftp(files={"/a.txt": b"hi"})
@pytest.mark.parametrize("delimiter", ["|", "!", "/", "a", "1", "~"])
def test_eprt_with_any_delimiter(raw: RawClient, delimiter: str) -> None:
    """The first character is the delimiter; one that occurs in a field makes the argument malformed."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        port = listener.getsockname()[1]
        code = raw.code("EPRT " + delimiter.join(["", "1", "127.0.0.1", str(port), ""]))
        if delimiter == "1":
            assert code == "501"
            return
        assert code == "200"
        raw.send("RETR /a.txt")
        data, _ = listener.accept()
    assert raw.reply().code == "150"
    assert read_all(data) == b"hi"
    assert raw.reply().code == "226"


def test_eprt_to_a_closed_port_is_425(raw: RawClient) -> None:
    """A refused connection is an error of the transfer, and the session continues."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # no other program gets the port, and none listens there
        assert raw.code(f"EPRT |1|127.0.0.1|{bound.getsockname()[1]}|") == "200"
        assert raw.code("LIST") == "425"
    assert raw.fetch("NLST") == (["150", "226"], b"")


@pytest.mark.real("sockets of the test occupy the ports")
def test_epsv_without_a_free_port_is_425(ftp_server_factory: Callable[..., FtpServer]) -> None:
    """When every data port is in use EPSV is 425, and the session continues."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = ftp_server_factory(data_ports=[taken.getsockname()[1]])
        with RawClient(server.address) as client:
            client.login()
            assert [client.code(line) for line in ("EPSV", "EPSV 1", "PASV")] == ["425", "425", "425"]
            listener = client.active()
            client.send("NLST")
            data, _ = listener.accept()
            assert client.reply().code == "150"
            assert read_all(data) == b""
            assert client.reply().code == "226"


def test_newer_epsv_drops_the_older(raw: RawClient) -> None:
    """A connection that was made for the first EPSV is closed by the second."""
    old = raw.passive()
    new = raw.passive()
    assert read_all(old) == b""
    assert raw.code("NLST") == "150"
    assert read_all(new) == b""
    assert raw.reply().code == "226"


def test_refused_epsv_keeps_what_was_prepared(raw: RawClient) -> None:
    """EPSV with another family changes nothing."""
    data = raw.passive()
    assert raw.code("EPSV 2") == "522"
    assert raw.code("NLST") == "150"
    assert read_all(data) == b""
    assert raw.reply().code == "226"


def test_epsv_all_keeps_what_was_prepared(raw: RawClient) -> None:
    """EPSV ALL only affects later commands."""
    port = parse_229(raw.ask("EPSV").text)
    assert raw.code("EPSV ALL") == "200"
    with socket.create_connection(("127.0.0.1", port), 10) as data:
        assert raw.code("NLST") == "150"
        assert read_all(data) == b""
    assert raw.reply().code == "226"


def test_features(raw: RawClient) -> None:
    """FEAT names both."""
    assert {" EPRT", " EPSV"} <= set(raw.ask("FEAT").lines)
