"""RFC 2389: FEAT and OPTS, and the settings that change their replies."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from ftpfixture import FtpServer
from ftpfixture.errors import ConfigurationError
from ftpfixture.log.events import ReplySent
from tests.support.raw import RawClient
from tests.support.rows import table

RFC_959 = (
    {"USER", "PASS", "ACCT", "CWD", "CDUP", "SMNT", "REIN", "QUIT", "PORT", "PASV", "TYPE", "STRU", "MODE", "RETR"}
    | {"STOR", "STOU", "APPE", "ALLO", "RNFR", "RNTO", "ABOR", "DELE", "RMD", "MKD", "PWD", "LIST", "NLST", "SITE"}
    | {"SYST", "STAT", "HELP", "NOOP"}
)


def features(client: RawClient) -> list[str]:
    """The lines between the first and the last, without the space before each."""
    reply = client.ask("FEAT")
    assert reply.code == "211"
    assert all(line.startswith(" ") for line in reply.lines[1:-1])
    return [line[1:] for line in reply.lines[1:-1]]


def help_words(client: RawClient) -> set[str]:
    """All words of HELP's reply."""
    return set(client.ask("HELP").text.split())


def test_bytes_of_feat(raw: RawClient, ftp_server: FtpServer) -> None:
    """211-, then one line for each feature that begins with exactly one space, then 211 (3.2)."""
    raw.ask("FEAT")
    sent = [event.raw for event in ftp_server.log.events if isinstance(event, ReplySent)][-1]
    assert re.fullmatch(rb"211-[^\r\n]*\r\n( [A-Z0-9][^\r\n]*\r\n)+211 [^\r\n]*\r\n", sent)


def test_every_extension_is_announced(raw: RawClient) -> None:
    """What the server does beyond RFC 959 has a line, once, and each line begins with a verb or a known keyword."""
    lines = features(raw)
    assert len(set(lines)) == len(lines)
    words = {line.partition(" ")[0] for line in lines}
    assert words >= {"EPRT", "EPSV", "MDTM", "SIZE", "REST", "TVFS", "MLST", "UTF8", "LANG", "HOST", "CLNT"}
    assert words >= {"HASH", "RANG", "MFMT", "MFCT", "MFF", "AVBL", "XCRC", "XMD5", "XSHA1", "XSHA256", "XSHA512"}


def test_nothing_of_rfc_959_is_announced(raw: RawClient) -> None:
    """FEAT is for extensions; REST has a line because RFC 3659 gave it STREAM, MODE because Z is not of RFC 959."""
    assert {line for line in features(raw) if line.partition(" ")[0] in RFC_959} <= {"MODE Z"}


def test_announced_verbs_are_implemented(raw: RawClient) -> None:
    """No line names a command that is not implemented."""
    for word in {line.partition(" ")[0] for line in features(raw)} - {"TVFS", "UTF8"}:
        assert raw.code(f"HELP {word}") == "214"


def test_feat_is_equal_before_and_after_login(connect: Callable[[], RawClient]) -> None:
    """FEAT needs no login, and does not change with it."""
    client = connect()
    assert client.reply().code == "220"
    before = features(client)
    assert client.code("USER user") == "331"
    assert client.code("PASS password") == "230"
    assert features(client) == before


@pytest.mark.parametrize("line", ["FEAT x", "FEAT MLST"])
def test_feat_takes_no_argument(raw: RawClient, line: str) -> None:
    """An argument is 501."""
    assert raw.code(line) == "501"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("OPTS", "501"),
        ("OPTS NOSUCH", "501"),
        ("OPTS RETR x", "501"),
        ("OPTS MLST x", "501"),
        ("OPTS HASH MD9", "501"),
        ("OPTS UTF8 MAYBE", "501"),
        ("OPTS MLST size;", "200"),
        ("OPTS mlst size;", "200"),
        ("OPTS HASH MD5", "200"),
        ("OPTS UTF8 ON", "200"),
        ("opts utf8 on", "200"),
        ("OPTS UTF8", "200"),
    ],
)
def test_opts(raw: RawClient, line: str, code: str) -> None:
    """Options that cannot be set are 501, not 500: the command itself is known (4)."""
    assert raw.code(line) == code


def test_opts_applies_to_one_session(connect: Callable[[], RawClient]) -> None:
    """It does not change the options of another client."""
    first, second = connect().login(), connect().login()
    assert first.code("OPTS HASH MD5") == "200"
    assert second.ask("OPTS HASH").text == "SHA-256"


# Settings.


@pytest.mark.parametrize(
    ("verb", "word"),
    [
        ("SIZE", "SIZE"),
        ("MDTM", "MDTM"),
        ("MLSD", "MLST"),
        ("MLST", "MLST"),
        ("EPSV", "EPSV"),
        ("EPRT", "EPRT"),
        ("REST", "REST"),
        ("RANG", "RANG"),
        ("HASH", "HASH"),
        ("MFMT", "MFMT"),
        ("MFCT", "MFCT"),
        ("MFF", "MFF"),
        ("XMD5", "XMD5"),
        ("XSHA1", "XSHA1"),
        ("AVBL", "AVBL"),
        ("CLNT", "CLNT"),
        ("LANG", "LANG"),
        ("HOST", "HOST"),
        ("epsv", "EPSV"),
    ],
)
def test_disabled_verbs_are_missing_everywhere(
    ftp_server_factory: Callable[..., FtpServer], verb: str, word: str
) -> None:
    """disable= removes a verb from FEAT and HELP, and the verb gets 502."""
    server = ftp_server_factory(disable=[verb])
    with RawClient(server.address) as client:
        client.login()
        assert word not in {line.partition(" ")[0] for line in features(client)}
        assert verb.upper() not in help_words(client)
        assert client.code(f"HELP {verb}") == "501"
        assert client.code(verb) == "502"
        assert client.code(f"{verb} x") == "502"
        assert client.code("NOOP") == "200"


def test_disabled_aliases_go_with_their_verb(ftp_server_factory: Callable[..., FtpServer]) -> None:
    """Disabling a command by its first name also disables its alias; an alias is disabled alone."""
    server = ftp_server_factory(disable=["PWD", "XMKD"])
    with RawClient(server.address) as client:
        client.login()
        assert {client.code(line) for line in ("PWD", "XPWD", "XMKD a")} == {"502"}
        assert client.code("MKD a") == "257"
        assert {"PWD", "XPWD", "MKD", "XMKD"} & help_words(client) == {"MKD"}


def test_without_feat(ftp_server_factory: Callable[..., FtpServer]) -> None:
    """FEAT itself can be disabled, as on servers older than RFC 2389."""
    server = ftp_server_factory(disable=["FEAT", "OPTS"])
    with RawClient(server.address) as client:
        client.login()
        assert client.code("FEAT") == "502"
        assert client.code("OPTS MLST type;") == "502"


def test_disable_of_one_server_is_its_own(ftp_server_factory: Callable[..., FtpServer]) -> None:
    """Another server in the same process keeps the verb."""
    ftp_server_factory(disable=["SIZE"])
    with RawClient(ftp_server_factory().address) as client:
        assert "SIZE" in features(client.login())


@table(("disable", "hint"), [(["MLSX"], "MLST"), ("MLSD", r"\['MLSD'\]")])
def test_disable_of_nonsense_is_refused(disable: Any, hint: str) -> None:
    """An unknown verb is an error that names near ones, and so is a string instead of a list."""
    with pytest.raises(ConfigurationError, match=hint):
        FtpServer(disable=disable)


@pytest.mark.ftp(features=["MLST size*;", "AUTH TLS", "X-MINE some thing"])
def test_features_replaces_feat(raw: RawClient) -> None:
    """features= sets the lines of FEAT, without regard to the real features."""
    assert features(raw) == ["MLST size*;", "AUTH TLS", "X-MINE some thing"]
    assert raw.code("SIZE /x") == "550"


@pytest.mark.ftp(features=[])
def test_no_features_is_one_line(raw: RawClient, ftp_server: FtpServer) -> None:
    """Without features the reply is a single line (3.2)."""
    reply = raw.ask("FEAT")
    assert (reply.code, len(reply.lines)) == ("211", 1)
    sent = [event.raw for event in ftp_server.log.events if isinstance(event, ReplySent)][-1]
    assert re.fullmatch(rb"211 [^\r\n]*\r\n", sent)


@pytest.mark.ftp(disable=["SIZE"], features=["SIZE"])
def test_features_may_promise_what_is_disabled(raw: RawClient) -> None:
    """A server may announce SIZE without having it."""
    assert features(raw) == ["SIZE"]
    assert raw.code("SIZE /x") == "502"
