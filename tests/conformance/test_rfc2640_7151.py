"""RFC 2640 and RFC 7151: UTF-8 names, LANG, and HOST."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ftpfixture import FtpServer
from tests.support.raw import RawClient

# RFC 2640.


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("LANG", "200"),
        ("LANG en", "200"),
        ("LANG EN", "200"),
        ("LANG en-GB", "200"),
        ("LANG de", "504"),
        ("LANG x-klingon", "504"),
        ("LANG !!", "501"),
        ("LANG en_GB", "501"),
        ("LANG en-", "501"),
        ("LANG en de", "501"),
        ("LANG verylonglanguage", "501"),
        ("lang en", "200"),
    ],
)
def test_lang(raw: RawClient, line: str, code: str) -> None:
    """There is English; other tags are 504, what is no tag is 501 (RFC 2640 4.1)."""
    assert raw.code(line) == code


@pytest.mark.parametrize(
    ("line", "code"), [("LANG en", "200"), ("OPTS UTF8 ON", "200"), ("CLNT x", "200"), ("FEAT", "211")]
)
def test_before_login(connect: Callable[[], RawClient], line: str, code: str) -> None:
    """Clients send these before they log in."""
    client = connect()
    assert client.reply().code == "220"
    assert client.code(line) == code


def test_features(raw: RawClient) -> None:
    """FEAT lists UTF8, and the languages with a star at the current one (RFC 2640 4.2)."""
    assert {" UTF8", " LANG EN*"} <= set(raw.ask("FEAT").lines)


@pytest.mark.parametrize("name", ["ümläut", "日本語", "emoji 🐍", "e\u0301", "\u00e9"])
def test_names_are_utf8(raw: RawClient, ftp_server: FtpServer, name: str) -> None:
    """Names are UTF-8 in both directions and are not normalized (RFC 2640 2.2)."""
    assert raw.store(f"STOR {name}", b"x") == ["150", "226"]
    assert ftp_server.files == {f"/{name}": b"x"}
    assert raw.fetch("NLST")[1] == name.encode() + b"\r\n"
    assert raw.ask(f"MLST {name}").lines[1].endswith(f"; /{name}")


def test_two_forms_are_two_files(raw: RawClient, ftp_server: FtpServer) -> None:
    """A composed letter and its decomposed form are different names."""
    assert raw.store("STOR \u00e9", b"one") == ["150", "226"]
    assert raw.store("STOR e\u0301", b"two") == ["150", "226"]
    assert ftp_server.files == {"/\u00e9": b"one", "/e\u0301": b"two"}


@pytest.mark.parametrize("name", [" lead", "trail ", "  two  ", "a  b"])
def test_spaces_belong_to_names(raw: RawClient, ftp_server: FtpServer, name: str) -> None:
    """One space separates verb and name; all others are the name's (RFC 2640 3.1)."""
    assert raw.store(f"STOR {name}", b"x") == ["150", "226"]
    assert ftp_server.files == {f"/{name}": b"x"}
    assert raw.fetch(f"RETR {name}")[1] == b"x"


@pytest.mark.ftp(encoding="latin-1")
def test_other_encoding(raw: RawClient, ftp_server: FtpServer) -> None:
    """A server with another encoding uses it, and does not offer UTF8."""
    assert raw.store("STOR caf\u00e9".encode("latin-1"), b"x") == ["150", "226"]
    assert ftp_server.files == {"/caf\u00e9": b"x"}
    assert raw.fetch("NLST")[1] == b"caf\xe9\r\n"
    assert " UTF8" not in raw.ask("FEAT").lines
    assert raw.code("OPTS UTF8 ON") == "501"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("OPTS UTF8 ON", "200"),
        ("OPTS UTF8", "200"),
        ("OPTS UTF-8 ON", "200"),
        ("OPTS utf8 on", "200"),
        ("OPTS UTF8 OFF", "501"),
        ("OPTS UTF8 x", "501"),
    ],
)
def test_opts_utf8(raw: RawClient, line: str, code: str) -> None:
    """UTF-8 is always on: OPTS may turn it on, but not off."""
    assert raw.code(line) == code


# RFC 7151.


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("HOST ftp.example.com", "220"),
        ("HOST localhost", "220"),
        ("HOST 127.0.0.1", "220"),
        ("HOST [::1]", "220"),
        ("HOST [2001:db8::c000:201]", "220"),
        ("HOST xn--mnchen-3ya.example", "220"),
        ("host FTP.EXAMPLE.COM", "220"),
        ("HOST", "501"),
        ("HOST ftp.example.com:21", "501"),
        ("HOST [::1]:21", "501"),
        ("HOST ::1", "501"),
        ("HOST [127.0.0.1]", "501"),
        ("HOST [nonsense]", "501"),
        ("HOST two words", "501"),
        ("HOST -x.example", "501"),
        ("HOST a..b", "501"),
        ("HOST under_score!", "501"),
        ("HOST " + "a." * 150 + "b", "501"),
    ],
)
def test_host(connect: Callable[[], RawClient], line: str, code: str) -> None:
    """A name or an address in brackets without a port is accepted, all else is 501 (RFC 7151 3)."""
    client = connect()
    assert client.reply().code == "220"
    assert client.code(line) == code
    assert log_in(client) == ["331", "230"]


def log_in(client: RawClient) -> list[str]:
    """The codes of USER and PASS."""
    return [client.code("USER user"), client.code("PASS password")]


@pytest.mark.ftp(virtual_hosts=["one.example", "Two.Example", "[::1]"])
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("one.example", "220"),
        ("ONE.example", "220"),
        ("two.example", "220"),
        ("[::1]", "220"),
        ("three.example", "504"),
        ("127.0.0.1", "504"),
        ("one.example:21", "501"),
    ],
)
def test_virtual_hosts(connect: Callable[[], RawClient], name: str, code: str) -> None:
    """With virtual_hosts= other names are 504, in any case of letters; the session may continue."""
    client = connect()
    assert client.reply().code == "220"
    assert client.code(f"HOST {name}") == code
    assert log_in(client) == ["331", "230"]


def test_host_comes_before_user(connect: Callable[[], RawClient]) -> None:
    """After USER it is 503, until REIN (RFC 7151 3.2)."""
    client = connect()
    assert client.reply().code == "220"
    assert client.code("HOST a.example") == "220"
    assert client.code("HOST b.example") == "220"
    assert client.code("USER user") == "331"
    assert client.code("HOST a.example") == "503"
    assert client.code("PASS password") == "230"
    assert client.code("HOST a.example") == "503"
    assert client.code("REIN") == "220"
    assert client.code("HOST a.example") == "220"
    assert log_in(client) == ["331", "230"]


def test_host_is_announced(raw: RawClient) -> None:
    """FEAT names HOST (RFC 7151 3.3)."""
    assert " HOST" in raw.ask("FEAT").lines
