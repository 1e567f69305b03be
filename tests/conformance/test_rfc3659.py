"""RFC 3659: MDTM, SIZE, REST STREAM, TVFS, MLST and MLSD, with every refusal."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from ftpfixture import FtpServer, Permission, User
from ftpfixture.log.events import ReplySent
from ftpfixture.wire.pathname import parse_257
from tests.support.raw import RawClient, read_all

MODIFIED = 1_750_000_000.0  # 20250615150640
FILES = {"/f.txt": b"hello world", "/empty": b"", "/two words": b"12", "/d/g.bin": b"\0" * 70_000, "/hollow/": None}

pytestmark = pytest.mark.ftp(files=FILES)


@pytest.mark.parametrize(
    ("section", "line", "code"),
    [
        ("3", "MDTM /f.txt", "213"),
        ("3", "MDTM two words", "213"),
        ("3", "mdtm d/g.bin", "213"),
        ("3", "MDTM /missing", "550"),
        ("3", "MDTM /d", "550"),
        ("3", "MDTM /f.txt/x", "550"),
        ("4", "SIZE /f.txt", "213"),
        ("4", "SIZE /empty", "213"),
        ("4", "SIZE two words", "213"),
        ("4", "SIZE /missing", "550"),
        ("4", "SIZE /d", "550"),
        ("4", "SIZE /f.txt/x", "550"),
        ("5", "REST 0", "350"),
        ("5", "REST 11", "350"),
        ("5", "REST 999999999999", "350"),
        ("5", "REST", "501"),
        ("5", "REST x", "501"),
        ("5", "REST -1", "501"),
        ("5", "REST 1 2", "501"),
        ("7", "MLST", "250"),
        ("7", "MLST /f.txt", "250"),
        ("7", "MLST two words", "250"),
        ("7", "MLST /d", "250"),
        ("7", "MLST /missing", "550"),
        ("7", "MLST /f.txt/x", "550"),
        ("7", "MLSD /missing", "550"),
        ("7", "MLSD /f.txt", "501"),
        ("7", "MLSD /d", "425"),
        ("7.9", "OPTS MLST type;", "200"),
        ("7.9", "OPTS MLST", "200"),
        ("7.9", "OPTS MLST type", "501"),
    ],
)
def test_replies(raw: RawClient, section: str, line: str, code: str) -> None:
    """Every command gets the reply that its section names."""
    assert (section, raw.code(line)) == (section, code)


@pytest.mark.parametrize("line", ["MDTM /f.txt", "SIZE /f.txt", "REST 0", "MLST /f.txt", "MLSD /d"])
def test_login_is_needed(connect: Callable[[], RawClient], line: str) -> None:
    """All of them are 530 before the login, whether or not the file is there."""
    client = connect()
    assert client.reply().code == "220"
    assert client.code(line) == "530"
    assert client.code(line.replace("/", "/missing/")) == "530"


@pytest.mark.parametrize("line", ["MDTM /d/g.bin", "SIZE /d/g.bin", "MLST /d/g.bin", "MLSD /d"])
def test_right_to_read_is_needed(ftp_server_factory: Callable[..., FtpServer], line: str) -> None:
    """A file that the user may not read is 550, and its facts are not revealed."""
    permissions = [Permission(), Permission("/d", readable=False)]
    server = ftp_server_factory(files=FILES, users=[User("user", "password", base_path="/", permissions=permissions)])
    with RawClient(server.address) as client:
        assert client.login().fetch(line) == (["550"], b"")


# 3. MDTM.


@pytest.mark.parametrize(
    ("modified", "text"),
    [(MODIFIED, "20250615150640"), (0, "19700101000000"), (951_782_400, "20000229000000"), (4e9, "20961002070640")],
)
def test_mdtm_is_fourteen_digits(raw: RawClient, ftp_server: FtpServer, modified: float, text: str) -> None:
    """The reply is 213, one line, with only the time in UTC."""
    ftp_server.files.set("/f.txt", b"", modified=modified)
    reply = raw.ask("MDTM /f.txt")
    assert (reply.code, reply.lines) == ("213", (text,))


def test_mdtm_may_have_fractions(raw: RawClient, ftp_server: FtpServer) -> None:
    """A fraction of a second comes after a dot or not at all, and never rounds up."""
    ftp_server.files.set("/f.txt", b"", modified=MODIFIED + 0.75)
    assert re.fullmatch(r"20250615150640(\.750*)?", raw.ask("MDTM /f.txt").text)


def test_mdtm_changes_with_the_file(raw: RawClient, ftp_server: FtpServer) -> None:
    """A file that is stored again has a new time."""
    ftp_server.files.set("/f.txt", b"", modified=MODIFIED)
    assert raw.store("STOR /f.txt", b"new") == ["150", "226"]
    assert raw.ask("MDTM /f.txt").text > "20250615150640"


# 4. SIZE.


@pytest.mark.parametrize("path", ["/f.txt", "/empty", "/two words", "/d/g.bin"])
def test_size_is_what_retr_sends(raw: RawClient, path: str) -> None:
    """213 and one number: the bytes of the transfer in TYPE I."""
    reply = raw.ask(f"SIZE {path}")
    content = FILES[path]
    assert content is not None
    assert (reply.code, reply.lines) == ("213", (str(len(content)),))
    assert raw.fetch(f"RETR {path}")[1] == content


def test_size_does_not_depend_on_rest(raw: RawClient) -> None:
    """REST is for the transfer alone."""
    assert raw.code("REST 5") == "350"
    assert raw.ask("SIZE /f.txt").text == "11"
    assert raw.fetch("RETR /f.txt")[1] == b" world"


def test_size_after_stor_in_one_segment(raw: RawClient) -> None:
    """SIZE that was sent together with STOR waits for the file to be whole."""
    data = raw.passive()
    raw.send(b"STOR /up\r\nSIZE /up")
    assert raw.reply().code == "150"
    data.sendall(b"x" * 12345)
    data.close()
    assert raw.reply().code == "226"
    assert raw.reply().text == "12345"


# 5. REST.


def test_rest_resumes_download_and_upload(raw: RawClient, ftp_server: FtpServer) -> None:
    """A broken transfer continues where it stopped, in both directions (5.3)."""
    assert raw.code("REST 6") == "350"
    assert raw.fetch("RETR /f.txt")[1] == b"world"
    assert raw.store("STOR /part", b"01234") == ["150", "226"]
    assert raw.code("REST 5") == "350"
    assert raw.store("STOR /part", b"56789") == ["150", "226"]
    assert ftp_server.files["/part"] == b"0123456789"


def test_rest_is_reset_by_rein(raw: RawClient) -> None:
    """After REIN transfers begin at the start."""
    assert raw.code("REST 6") == "350"
    assert raw.code("REIN") == "220"
    assert raw.code("USER user") == "331"
    assert raw.code("PASS password") == "230"
    assert raw.code("TYPE I") == "200"
    assert raw.fetch("RETR /f.txt")[1] == b"hello world"


# 6. TVFS.


def test_tvfs_walk(raw: RawClient) -> None:
    """One tree with "/" at its root and between its parts; a path from PWD works everywhere."""
    assert parse_257(raw.ask("PWD").text) == "/"
    assert raw.code("CWD d") == "250"
    where = parse_257(raw.ask("PWD").text)
    assert where == "/d"
    assert raw.code("CWD /hollow") == "250"
    assert raw.code("SIZE g.bin") == "550"
    assert raw.ask(f"SIZE {where}/g.bin").text == "70000"
    assert raw.ask("SIZE ../d/g.bin").text == "70000"
    assert raw.code(f"CWD {where}") == "250"
    assert raw.ask("SIZE ./g.bin").text == "70000"


# 7. MLST and MLSD.


def test_mlst_uses_the_control_connection_only(raw: RawClient, ftp_server: FtpServer) -> None:
    """MLST needs no data connection, and keeps one that was prepared."""
    data = raw.passive()
    assert raw.code("MLST /f.txt") == "250"
    assert raw.code("RETR /f.txt") == "150"
    assert read_all(data) == b"hello world"
    assert raw.reply().code == "226"
    ftp_server.log.assert_sequence("MLST", "RETR -> 226")


def test_mlst_bytes(raw: RawClient, ftp_server: FtpServer) -> None:
    """The reply has the format of 7.2: 250-, a line that begins with a space, 250."""
    assert raw.code("OPTS MLST type;size;") == "200"
    assert raw.code("MLST /two words") == "250"
    sent = [event.raw for event in ftp_server.log.events if isinstance(event, ReplySent)][-1]
    assert re.fullmatch(rb"250-[^\r\n]*\r\n type=file;size=2; /two words\r\n250 [^\r\n]*\r\n", sent)


def test_mlst_without_facts(raw: RawClient) -> None:
    """With no fact chosen there is still a space before the name."""
    assert raw.ask("OPTS MLST").text == "MLST OPTS"
    assert raw.ask("MLST /f.txt").lines[1] == "  /f.txt"
    assert raw.fetch("MLSD /d")[1] == b" g.bin\r\n"


def test_mlsd_names_are_no_paths(raw: RawClient) -> None:
    """Entries are named without their directory, in any form of its path (7.2)."""
    for argument in ("/d", "d", "/hollow/../d/"):
        _, data = raw.fetch(f"MLSD {argument}")
        (entry,) = [line for line in data.split(b"\r\n") if b"type=file" in line]
        assert entry.endswith(b"; g.bin")


def test_mlsd_of_the_working_directory(raw: RawClient) -> None:
    """Without an argument MLSD lists the working directory."""
    assert raw.code("CWD d") == "250"
    codes, data = raw.fetch("MLSD")
    assert codes == ["150", "226"]
    assert data.count(b"type=file;") == 1
    assert b"; g.bin\r\n" in data


def test_mlsd_does_not_send_a_reply_in_the_listing(raw: RawClient) -> None:
    """Every line of MLSD is an entry: facts, a space, a name."""
    _, data = raw.fetch("MLSD /")
    lines = data.decode().split("\r\n")
    assert lines.pop() == ""
    assert all(re.fullmatch(r"([A-Za-z][\w.-]*=[^; ]*;)+ .+", line) for line in lines)
    assert len(lines) == 6


def test_features(raw: RawClient) -> None:
    """FEAT has a line for each of them, in the form that its section gives."""
    lines = raw.ask("FEAT").lines
    assert {" MDTM", " SIZE", " REST STREAM", " TVFS"} <= set(lines)
    assert sum(bool(re.fullmatch(r" MLST ([A-Za-z][\w.-]*\*?;)+", line)) for line in lines) == 1
    assert " MLSD" not in lines
