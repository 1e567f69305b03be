"""Commands of drafts and de facto: MFMT MFCT MFF, HASH RANG, the X digests, AVBL, CLNT, SITE, MDTM with a time."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from ftpfixture import FtpServer, Permission, User
from ftpfixture.files.disk import PathIO
from ftpfixture.log.events import Disconnected
from tests.support.raw import RawClient
from tests.support.rows import check_rows

CONTENT = bytes(range(256)) * 300
FILES = {"/f.bin": CONTENT, "/empty": b"", "/two words": b"12", "/d/g.txt": b"hello"}
NEW_YEAR = 1_735_689_600.0  # 20250101000000

pytestmark = pytest.mark.ftp(files=FILES)


def mlst(raw: RawClient, path: str) -> dict[str, str]:
    """The facts of MLST, names in lower case."""
    reply = raw.ask(f"MLST {path}")
    assert reply.code == "250"
    facts = reply.lines[1].strip().partition("; ")[0].split(";")
    return {name.lower(): value for name, _, value in (fact.partition("=") for fact in facts)}


REPLIES = {
    "somers": [
        ("MFMT 20250101000000 /f.bin", "213"),
        ("MFMT 20250101000000 two words", "213"),
        ("MFMT 20250101000000.5 /f.bin", "213"),
        ("MFMT 20250101000000 /d", "213"),
        ("MFMT 20250101000000 /missing", "550"),
        ("MFMT", "501"),
        ("MFMT 20250101000000", "501"),
        ("MFMT 2025 /f.bin", "501"),
        ("MFMT 20251301000000 /f.bin", "501"),
        ("MFMT 20250230000000 /f.bin", "501"),
        ("MFMT 20250101240000 /f.bin", "501"),
        ("MFMT 2025010100000x /f.bin", "501"),
        ("MFMT /f.bin 20250101000000", "501"),
        ("MFCT 20250101000000 /f.bin", "213"),
        ("MFCT 20250101000000 /missing", "550"),
        ("MFCT 20250101 /f.bin", "501"),
        ("MFCT", "501"),
        ("MFF Modify=20250101000000; /f.bin", "213"),
        ("MFF modify=20250101000000;unix.mode=0600; /f.bin", "213"),
        ("MFF UNIX.owner=ann;UNIX.group=staff; two words", "213"),
        ("MFF Modify=20250101000000; /missing", "550"),
        ("MFF Size=5; /f.bin", "504"),
        ("MFF Nonsense=5; /f.bin", "504"),
        ("MFF Modify=x; /f.bin", "501"),
        ("MFF UNIX.mode=999; /f.bin", "501"),
        ("MFF Modify=20250101000000 /f.bin", "213"),
        ("MFF Modify=20250101000000;", "501"),
        ("MFF Modify=;UNIX.mode=0644; /f.bin", "501"),
        ("MFF /f.bin", "501"),
        ("MFF", "501"),
    ],
    "bryan": [
        ("HASH /f.bin", "213"),
        ("HASH two words", "213"),
        ("HASH /missing", "550"),
        ("HASH /d", "553"),
        ("OPTS HASH", "200"),
        ("OPTS HASH SHA-1", "200"),
        ("OPTS HASH sha-512", "200"),
        ("OPTS HASH MD9", "501"),
        ("RANG 0 10", "350"),
        ("RANG 5 5", "350"),
        ("RANG 1 0", "350"),
        ("RANG", "501"),
        ("RANG 5", "501"),
        ("RANG 5 2", "501"),
        ("RANG -1 2", "501"),
        ("RANG a b", "501"),
        ("RANG 1 2 3", "501"),
    ],
    "custom": [
        ("XMD5 /f.bin", "250"),
        ("XMD5 /missing", "550"),
        ("XMD5 /d", "550"),
        ("XCRC /f.bin", "250"),
        ("XSHA /f.bin", "250"),
        ("XSHA1 /f.bin", "250"),
        ("XSHA256 /f.bin", "250"),
        ("XSHA512 /f.bin", "250"),
        ("XMD5 /f.bin 5 2", "501"),
        ("XMD5 /f.bin 0 999999", "501"),
        ("XMD5 /f.bin 0", "550"),
        ('XMD5 "/f.bin" 0 10', "250"),
        ("CLNT some client 1.0", "200"),
        ("CLNT", "200"),
        ("MDTM 20250101000000 /f.bin", "213"),
        ("MDTM 20250101000000 /missing", "550"),
        ("MDTM 20251301000000 /f.bin", "501"),
    ],
    "peterson": [
        ("AVBL /missing", "550"),
        ("AVBL /f.bin", "550"),
    ],
    "site": [
        ("SITE HELP", "214"),
        ("SITE NOSUCH", "504"),
        ("SITE", "501"),
        ("SITE CHMOD 644 /f.bin", "200"),
        ("site chmod 0644 two words", "200"),
        ("SITE CHMOD 999 /f.bin", "501"),
        ("SITE CHMOD 9z9 /f.bin", "501"),
        ("SITE CHMOD 64 /f.bin", "501"),
        ("SITE CHMOD u+x /f.bin", "501"),
        ("SITE CHMOD 644", "501"),
        ("SITE CHMOD", "501"),
        ("SITE CHMOD 644 /missing", "550"),
        ("SITE UTIME 20250101000000 /f.bin", "200"),
        ("SITE UTIME 202501010000 /f.bin", "200"),
        ("SITE UTIME 20251301000000 /f.bin", "501"),
        ("SITE UTIME 20250101000000", "501"),
        ("SITE UTIME /f.bin", "501"),
        ("SITE UTIME", "501"),
        ("SITE UTIME 20250101000000 /missing", "550"),
        ("SITE UTIME /f.bin 20250101000000 20250101000000 20250101000000 UTC", "200"),
        ("SITE UTIME /missing 20250101000000 20250101000000 20250101000000 UTC", "550"),
        ("SITE UTIME /f.bin 20250101000000 20251301000000 20250101000000 UTC", "501"),
        ("SITE SYMLINK /f.bin /link", "200"),
        ("SITE SYMLINK /f.bin /d/g.txt", "550"),
        ("SITE SYMLINK /f.bin /no/link", "550"),
        ("SITE SYMLINK /f.bin", "501"),
        ("SITE SYMLINK", "501"),
        ("SITE SYMLINK a b c", "501"),
        ("SITE IDLE", "200"),
        ("SITE IDLE 60", "200"),
        ("SITE IDLE 0", "501"),
        ("SITE IDLE -1", "501"),
        ("SITE IDLE x", "501"),
        ("SITE IDLE 999999", "501"),
    ],
}


@pytest.mark.parametrize("draft", REPLIES)
def test_replies(ftp_server_factory: Callable[..., FtpServer], draft: str) -> None:
    """Every form gets its reply on a fresh server, and the session continues."""

    def check(row: tuple[str, str]) -> None:
        line, code = row
        with RawClient(ftp_server_factory(files=FILES).address) as raw:
            assert raw.login().code(line) == code
            assert raw.code("NOOP") == "200"

    check_rows(REPLIES[draft], check)


@pytest.mark.parametrize(
    "line",
    [
        "MFMT 20250101000000 /f.bin",
        "MFCT 20250101000000 /f.bin",
        "MFF Modify=20250101000000; /f.bin",
        "MDTM 20250101000000 /f.bin",
        "HASH /f.bin",
        "RANG 0 1",
        "XCRC /f.bin",
        "XMD5 /f.bin",
        "XSHA1 /f.bin",
        "XSHA256 /f.bin",
        "XSHA512 /f.bin",
        "AVBL /",
        "SITE CHMOD 644 /f.bin",
        "SITE UTIME 20250101000000 /f.bin",
        "SITE SYMLINK /f.bin /link",
        "SITE IDLE 60",
    ],
)
def test_login_is_needed(connect: Callable[[], RawClient], ftp_server: FtpServer, line: str) -> None:
    """Commands about files or the session are 530 before the login, and do nothing."""
    client = connect()
    assert client.reply().code == "220"
    before = ftp_server.files.stat("/f.bin")
    assert client.code(line) == "530"
    assert ftp_server.files.stat("/f.bin") == before


@pytest.mark.parametrize(
    "line",
    [
        "MFMT 20250101000000 /f.bin",
        "MFF Modify=20250101000000;UNIX.mode=0600; /f.bin",
        "MDTM 20250101000000 /f.bin",
        "SITE CHMOD 600 /f.bin",
        "SITE UTIME 20250101000000 /f.bin",
        "SITE SYMLINK /f.bin /link",
    ],
)
def test_right_to_write_is_needed(ftp_server_factory: Callable[..., FtpServer], line: str) -> None:
    """A user who may only read changes no times, no modes, and makes no links."""
    users = [User("user", "password", base_path="/", permissions=[Permission(writable=False)])]
    server = ftp_server_factory(files=FILES, users=users)
    before = server.files.stat("/f.bin")
    with RawClient(server.address) as client:
        assert client.login().code(line) == "550"
    assert server.files.stat("/f.bin") == before
    assert "/link" not in server.files


@pytest.mark.parametrize("line", ["HASH /f.bin", "XMD5 /f.bin", "XCRC /f.bin", "XSHA256 /f.bin"])
def test_right_to_read_is_needed(ftp_server_factory: Callable[..., FtpServer], line: str) -> None:
    """A digest reveals the content, so it needs the right to read."""
    users = [User("user", "password", base_path="/", permissions=[Permission(readable=False)])]
    server = ftp_server_factory(files=FILES, users=users)
    with RawClient(server.address) as client:
        assert client.login().code(line) == "550"


# draft-somers-ftp-mfxx.


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("MFMT 20250101000000 /f.bin", "Modify=20250101000000; /f.bin"),
        ("MFMT 20250101000000 f.bin", "Modify=20250101000000; f.bin"),
        ("MDTM 20250101000000 /f.bin", "Modify=20250101000000; /f.bin"),
        ("MFF Modify=20250101000000; /f.bin", "Modify=20250101000000; /f.bin"),
        ("MFF modify=20250101000000;UNIX.mode=0600; f.bin", "modify=20250101000000;UNIX.mode=0600; f.bin"),
    ],
)
def test_modification_time_is_set(raw: RawClient, ftp_server: FtpServer, line: str, answer: str) -> None:
    """All ways to set the time set it, in UTC; 213 has the facts and the path as it was sent."""
    reply = raw.ask(line)
    assert reply.code == "213"
    assert reply.text.lower() == answer.lower()
    assert ftp_server.files.stat("/f.bin").modified == NEW_YEAR
    assert raw.ask("MDTM /f.bin").text == "20250101000000"
    assert ftp_server.files["/f.bin"] == CONTENT


def test_creation_time_is_set(raw: RawClient) -> None:
    """MFCT sets the fact create, and does not change modify."""
    before = mlst(raw, "/f.bin")["modify"]
    reply = raw.ask("MFCT 20250101000000 /f.bin")
    assert (reply.code, reply.text.lower()) == ("213", "create=20250101000000; /f.bin")
    facts = mlst(raw, "/f.bin")
    assert facts["create"] == "20250101000000"
    assert facts["modify"] == before


def test_creation_time_that_a_storage_cannot_set_is_504(
    ftp_server_factory: Callable[..., FtpServer], tmp_path: Path
) -> None:
    """A disk cannot set the creation time of a file."""
    (tmp_path / "a.txt").write_bytes(b"x")
    server = ftp_server_factory(path_io_factory=PathIO, users=[User("user", "password", base_path=tmp_path)])
    with RawClient(server.address) as client:
        client.login()
        assert client.code("MFCT 20250101000000 a.txt") == "504"
        assert client.code("MFMT 20250101000000 a.txt") == "213"
    assert (tmp_path / "a.txt").stat().st_mtime == NEW_YEAR


def test_mff_sets_several_facts(raw: RawClient, ftp_server: FtpServer) -> None:
    """Every named fact is set."""
    line = "MFF Modify=20250101000000;UNIX.mode=0640;UNIX.owner=ann;UNIX.group=staff; /f.bin"
    assert raw.code(line) == "213"
    found = ftp_server.files.stat("/f.bin")
    assert (found.modified, found.mode, found.owner, found.group) == (NEW_YEAR, 0o640, "ann", "staff")


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ("Modify=20250101000000;Size=1;", "504"),
        ("UNIX.mode=0600;Modify=x;", "501"),
        ("Modify=20250101000000;UNIX.mode=9;", "501"),
    ],
)
def test_mff_sets_all_or_nothing(raw: RawClient, ftp_server: FtpServer, facts: str, code: str) -> None:
    """One fact that cannot be set prevents the others from being set."""
    before = ftp_server.files.stat("/f.bin")
    assert raw.code(f"MFF {facts} /f.bin") == code
    assert ftp_server.files.stat("/f.bin") == before


def test_mff_names_only_facts_that_can_be_set(raw: RawClient) -> None:
    """Each fact of the FEAT line is accepted."""
    (feature,) = [line for line in raw.ask("FEAT").lines if line.startswith(" MFF ")]
    values = {
        "modify": "20250101000000",
        "create": "20250101000000",
        "unix.mode": "0600",
        "unix.owner": "ann",
        "unix.group": "staff",
    }
    offered = feature.removeprefix(" MFF ").rstrip(";").split(";")
    assert {name.lower() for name in offered} == set(values)
    for name in offered:
        assert raw.code(f"MFF {name}={values[name.lower()]}; /f.bin") == "213"


# MDTM with a time.


@pytest.mark.ftp(files={"/20250101000000 x": b"", "/x": b""})
def test_file_that_looks_like_a_time_comes_first(raw: RawClient, ftp_server: FtpServer) -> None:
    """MDTM with one argument keeps its meaning when a file has such a name."""
    ftp_server.files.set("/20250101000000 x", b"", modified=86400)
    before = ftp_server.files.stat("/x")
    assert raw.ask("MDTM 20250101000000 x").text == "19700102000000"
    assert ftp_server.files.stat("/x") == before


# draft-bryan-ftpext-hash and draft-bryan-ftp-range.

ALGORITHMS = {"SHA-256": "sha256", "SHA-512": "sha512", "SHA-1": "sha1", "MD5": "md5"}


def digest(name: str, data: bytes) -> str:
    """The digest that HASH must return for some bytes."""
    if name == "CRC32":
        return f"{zlib.crc32(data):08x}"
    return hashlib.new(ALGORITHMS[name], data).hexdigest()


@pytest.mark.parametrize("name", [*ALGORITHMS, "CRC32"])
@pytest.mark.parametrize("path", ["/f.bin", "/empty", "two words"])
def test_hash(raw: RawClient, ftp_server: FtpServer, name: str, path: str) -> None:
    """213 has algorithm, range, digest and the path as it was sent, in one line."""
    content = ftp_server.files["/" + path.lstrip("/")]
    assert raw.ask(f"OPTS HASH {name}").text == name
    reply = raw.ask(f"HASH {path}")
    end = max(len(content) - 1, 0)
    assert (reply.code, reply.lines) == ("213", (f"{name} 0-{end} {digest(name, content)} {path}",))


def test_hash_begins_with_sha_256(raw: RawClient) -> None:
    """SHA-256 is the default, also after REIN."""
    assert raw.ask("OPTS HASH").text == "SHA-256"
    assert raw.ask("HASH /f.bin").text.startswith("SHA-256 ")
    assert raw.ask("OPTS HASH md5").text == "MD5"
    assert raw.code("REIN") == "220"
    assert raw.ask("OPTS HASH").text == "SHA-256"


def test_unknown_algorithm_changes_nothing(raw: RawClient) -> None:
    """After a 501 the old one is still chosen."""
    assert raw.code("OPTS HASH MD5") == "200"
    assert raw.code("OPTS HASH MD9") == "501"
    assert raw.ask("OPTS HASH").text == "MD5"


@pytest.mark.parametrize("name", [*ALGORITHMS, "CRC32"])
def test_star_of_feat_follows(raw: RawClient, name: str) -> None:
    """FEAT lists the algorithms, SHA-1 among them, with a star at the chosen one."""
    assert raw.code(f"OPTS HASH {name}") == "200"
    (feature,) = [line for line in raw.ask("FEAT").lines if line.startswith(" HASH ")]
    listed = feature.removeprefix(" HASH ").rstrip(";").split(";")
    assert [word for word in listed if word.endswith("*")] == [f"{name}*"]
    assert {word.rstrip("*") for word in listed} >= set(ALGORITHMS)


@pytest.mark.parametrize(
    ("first", "last", "range_text"),
    [(0, 0, "0-0"), (5, 9, "5-9"), (0, 76799, "0-76799"), (76799, 90000, "76799-76799"), (70000, 99999, "70000-76799")],
)
def test_rang_with_hash(raw: RawClient, first: int, last: int, range_text: str) -> None:
    """RANG chooses the bytes of the next HASH, both ends included, and of that one only."""
    assert raw.code(f"RANG {first} {last}") == "350"
    part = hashlib.sha256(CONTENT[first : last + 1]).hexdigest()
    assert raw.ask("HASH /f.bin").text == f"SHA-256 {range_text} {part} /f.bin"
    whole = hashlib.sha256(CONTENT).hexdigest()
    assert raw.ask("HASH /f.bin").text == f"SHA-256 0-76799 {whole} /f.bin"


@pytest.mark.parametrize(("first", "last"), [(0, 0), (5, 9), (0, 76799), (76799, 99999), (70000, 70255)])
def test_rang_with_retr(raw: RawClient, first: int, last: int) -> None:
    """RANG chooses the bytes of the next RETR, both ends included, and of that one only."""
    assert raw.code(f"RANG {first} {last}") == "350"
    assert raw.fetch("RETR /f.bin") == (["150", "226"], CONTENT[first : last + 1])
    assert raw.fetch("RETR /f.bin") == (["150", "226"], CONTENT)


def test_rang_reset(raw: RawClient) -> None:
    """RANG 1 0 removes the range."""
    assert raw.code("RANG 5 9") == "350"
    assert raw.code("RANG 1 0") == "350"
    assert raw.fetch("RETR /f.bin")[1] == CONTENT


@pytest.mark.parametrize(("line", "code"), [("RETR /f.bin", "554"), ("HASH /f.bin", "551")])
def test_rang_beyond_the_end(raw: RawClient, line: str, code: str) -> None:
    """A range that begins after the end is an error of the command that uses it, which resets it."""
    assert raw.code("RANG 76801 76900") == "350"
    assert raw.fetch(line) == ([code], b"")
    assert raw.fetch("RETR /f.bin")[1] == CONTENT


@pytest.mark.parametrize(
    ("lines", "expected"),
    [(("REST 76790", "RANG 3 4"), CONTENT[3:5]), (("RANG 3 4", "REST 76790"), CONTENT[76790:])],
)
def test_rest_and_rang_replace_each_other(raw: RawClient, lines: tuple[str, str], expected: bytes) -> None:
    """The last of the two counts."""
    for line in lines:
        assert raw.code(line) == "350"
    assert raw.fetch("RETR /f.bin")[1] == expected


# Custom digests.


@pytest.mark.parametrize(
    ("verb", "name"),
    [
        ("XCRC", "CRC32"),
        ("XMD5", "MD5"),
        ("XSHA", "SHA-1"),
        ("XSHA1", "SHA-1"),
        ("XSHA256", "SHA-256"),
        ("XSHA512", "SHA-512"),
    ],
)
def test_custom_digests(raw: RawClient, verb: str, name: str) -> None:
    """250 and nothing but the digest in upper case, of the file or a part of it; the path may be in quotes."""
    for path, data in (
        ("/f.bin", CONTENT),
        ("/empty", b""),
        ("two words", b"12"),
        ('"two words"', b"12"),
        ("/f.bin 0 76800", CONTENT),
        ("/f.bin 10 20", CONTENT[10:20]),
        ('"/f.bin" 10 20', CONTENT[10:20]),
        ("/f.bin 7 7", b""),
    ):
        reply = raw.ask(f"{verb} {path}")
        assert (reply.code, reply.lines) == ("250", (digest(name, data).upper(),))


def test_crc_keeps_leading_zeros(raw: RawClient, ftp_server: FtpServer) -> None:
    """A CRC-32 always has eight digits."""
    content = next(
        data for data in (bytes([a, b]) for a in range(256) for b in range(256)) if zlib.crc32(data) < 1 << 24
    )
    ftp_server.files["/zeros"] = content
    assert raw.ask("XCRC /zeros").text == f"{zlib.crc32(content):08X}"
    assert raw.ask("XCRC /zeros").text.startswith("00")


@pytest.mark.ftp(files={"/f 1 2": b"spaces", "/f": b"plain", '/q"q': b"quote"})
def test_names_that_look_like_ranges(raw: RawClient) -> None:
    """An existing file with the whole name has precedence; quotes within quotes are doubled."""
    assert raw.ask("XMD5 /f 1 2").text == digest("MD5", b"spaces").upper()
    assert raw.ask("XMD5 /f 1 3").text == digest("MD5", b"la").upper()
    assert raw.ask('XMD5 "/q""q"').text == digest("MD5", b"quote").upper()
    assert raw.ask('XMD5 /q"q').text == digest("MD5", b"quote").upper()


# AVBL and CLNT.


@pytest.mark.parametrize("line", ["AVBL", "AVBL /", "AVBL /d"])
def test_avbl_returns_the_free_bytes(ftp_server_factory: Callable[..., FtpServer], line: str) -> None:
    """213 and a number: what the quota leaves."""
    server = ftp_server_factory(files={"/d/a": b"x" * 40}, quota=100)
    with RawClient(server.address) as client:
        client.login()
        reply = client.ask(line)
        assert (reply.code, reply.lines) == ("213", ("60",))
        assert client.store("STOR b", b"x" * 10) == ["150", "226"]
        assert client.ask(line).text == "50"
        assert client.code("DELE /d/a") == "250"
        assert client.ask(line).text == "90"


def test_avbl_of_a_disk(ftp_server_factory: Callable[..., FtpServer], tmp_path: Path) -> None:
    """On a disk it is the free space of that disk."""
    server = ftp_server_factory(path_io_factory=PathIO, users=[User("user", "password", base_path=tmp_path)])
    with RawClient(server.address) as client:
        reply = client.login().ask("AVBL")
    assert reply.code == "213"
    assert int(reply.text) > 0


def test_clnt_is_in_the_log(raw: RawClient, ftp_server: FtpServer) -> None:
    """A test can assert the name that the client sent."""
    assert raw.code("CLNT some client 1.0") == "200"
    ftp_server.log.assert_sent("CLNT some client 1.0 -> 200")


# SITE.


def test_site_help_lists_them(raw: RawClient) -> None:
    """SITE HELP names every SITE command, and HELP names SITE."""
    assert set(raw.ask("SITE HELP").text.split()) >= {"HELP", "CHMOD", "UTIME", "SYMLINK", "IDLE"}
    assert set(raw.ask("HELP SITE").text.split()) >= {"HELP", "CHMOD", "UTIME", "SYMLINK", "IDLE"}
    assert "SITE" in raw.ask("HELP").text.split()


@pytest.mark.parametrize(("text", "mode"), [("640", 0o640), ("0751", 0o751), ("000", 0), ("4755", 0o4755)])
def test_site_chmod(raw: RawClient, ftp_server: FtpServer, text: str, mode: int) -> None:
    """The bits are set and LIST and MLST show them."""
    assert raw.code(f"SITE CHMOD {text} /f.bin") == "200"
    assert ftp_server.files.stat("/f.bin").mode == mode
    assert int(mlst(raw, "/f.bin")["unix.mode"], 8) == mode


@pytest.mark.parametrize(
    "arguments",
    [
        "20250101000000 two words",
        "202501010000 two words",
        "two words 19990101000000 20250101000000 19980101000000 UTC",
        "two words 199901010000 202501010000 199801010000 UTC",
    ],
)
def test_site_utime(raw: RawClient, ftp_server: FtpServer, arguments: str) -> None:
    """Both forms set the modification time, in UTC."""
    assert raw.code(f"SITE UTIME {arguments}") == "200"
    assert ftp_server.files.stat("/two words").modified == NEW_YEAR


@pytest.mark.parametrize("base", [".", "/", "/home"])
def test_site_symlink(ftp_server_factory: Callable[..., FtpServer], base: str) -> None:
    """The link shows its target, with any spelling of the base, and is removed without it."""
    top = "/home" if base == "/home" else ""
    server = ftp_server_factory(users=[User("user", "password", base_path=base)], files={f"{top}/d/g.txt": b"hello"})
    with RawClient(server.address) as client:
        client.login()
        assert client.code("CWD d") == "250"
        assert client.code("SITE SYMLINK g.txt link") == "200"
        assert server.files.stat(f"{top}/d/link").type == "link"
        assert client.fetch("RETR link") == (["150", "226"], b"hello")
        assert client.code("DELE link") == "250"
    assert server.files == {f"{top}/d/g.txt": b"hello"}


def test_site_idle_returns_and_sets(raw: RawClient) -> None:
    """Without a number SITE IDLE returns the limit, with one it sets it."""
    assert not re.search(r"\d", raw.ask("SITE IDLE").text)
    assert "77" in raw.ask("SITE IDLE 77").text
    assert "77" in raw.ask("SITE IDLE").text


@pytest.mark.ftp(idle_timeout=77)
def test_site_idle_applies_to_one_session(connect: Callable[[], RawClient]) -> None:
    """It does not change the limit of another session."""
    first, second = connect().login(), connect().login()
    assert "88" in first.ask("SITE IDLE 88").text
    assert "77" in second.ask("SITE IDLE").text


def test_site_idle_takes_effect(raw: RawClient, ftp_server: FtpServer) -> None:
    """A session without a command for that long gets 421."""
    assert raw.code("SITE IDLE 1") == "200"
    assert raw.reply().code == "421"
    gone = ftp_server.log.wait_for(lambda event: isinstance(event, Disconnected))
    assert gone.reason == "idle"


def test_features(raw: RawClient) -> None:
    """FEAT lists all of them except SITE, which is in RFC 959."""
    words = {line.split(" ")[1] for line in raw.ask("FEAT").lines[1:-1]}
    assert words >= {"MFMT", "MFCT", "MFF", "HASH", "RANG", "XCRC", "XMD5", "XSHA1", "XSHA256", "XSHA512"}
    assert words >= {"AVBL", "CLNT"}
    assert "SITE" not in words
