"""Names where naive servers go wrong: quotes, other bytes than UTF-8, line ends, dots, links."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from ftpfixture import FtpServer, User
from ftpfixture.files.disk import PathIO
from ftpfixture.log.events import ReplySent
from ftpfixture.wire.lines import LineReader
from ftpfixture.wire.pathname import parse_257
from tests.support.raw import RawClient


def raw_replies(server: FtpServer) -> list[bytes]:
    """The bytes of every reply that a server gave."""
    return [event.raw for event in server.log.events if isinstance(event, ReplySent)]


# 37. Quotes.

QUOTED = ['a"b', '"', '""', '"a"', 'end"', '"start', 'a" is the current directory', "single'quote"]


@pytest.mark.parametrize("name", QUOTED)
def test_37_quotes_are_doubled(raw: RawClient, ftp_server: FtpServer, name: str) -> None:
    """257 doubles the quotes of the path, in the replies to MKD and PWD and their X forms."""
    quoted = '"/{}"'.format(name.replace('"', '""'))
    made = raw.ask(f"MKD {name}")
    assert made.code == "257"
    assert made.text.startswith(quoted)
    assert raw.code(f"CWD {name}") == "250"
    for verb in ("PWD", "XPWD"):
        reply = raw.ask(verb)
        assert reply.code == "257"
        assert reply.text.startswith(quoted)
        assert parse_257(reply.text) == f"/{name}"
    assert raw.ask("XMKD x").text.startswith('{}/x"'.format(quoted.removesuffix('"')))
    assert ftp_server.files.directories == [f"/{name}", f"/{name}/x"]


# 38. Bytes that are not UTF-8.

BYTE_NAMES = [
    b"caf\xe9",
    b"\xa4\xe5\xb8",
    b"\x80",
    b"mixed-\xc3\xa9-\xe9",
    b"cut-\xe2\x98",
    "snow ☃".encode(),
    b"tab\there",
]


@pytest.mark.parametrize("name", BYTE_NAMES)
def test_38_bytes_of_directories_come_back(raw: RawClient, ftp_server: FtpServer, name: bytes) -> None:
    """A directory is named in replies and listings with the bytes that made it."""
    assert raw.code(b"MKD " + name) == "257"
    assert raw_replies(ftp_server)[-1].startswith(b'257 "/' + name + b'"')
    assert raw.fetch("NLST")[1] == name + b"\r\n"
    assert raw.fetch("LIST")[1].endswith(b" " + name + b"\r\n")
    assert raw.fetch("MLSD")[1].endswith(b"; " + name + b"\r\n")
    assert raw.code(b"MLST " + name) == "250"
    assert b"; /" + name + b"\r\n" in raw_replies(ftp_server)[-1]
    assert raw.code(b"CWD " + name) == "250"
    assert raw.code("PWD") == "257"
    assert raw_replies(ftp_server)[-1].startswith(b'257 "/' + name + b'"')
    assert ftp_server.files.directories == ["/" + name.decode("utf-8", "surrogateescape")]
    assert raw.code("CDUP") == "250"
    assert raw.code(b"RMD " + name) == "250"


@pytest.mark.parametrize("name", BYTE_NAMES)
def test_38_bytes_of_files_come_back(raw: RawClient, ftp_server: FtpServer, name: bytes) -> None:
    """A file is stored, found, renamed and deleted under any bytes, and `server.files` escapes them."""
    key = "/" + name.decode("utf-8", "surrogateescape")
    assert raw.store(b"STOR " + name, b"one") == ["150", "226"]
    assert ftp_server.files == {key: b"one"}
    assert raw.fetch(b"RETR " + name) == (["150", "226"], b"one")
    assert raw.ask(b"SIZE " + name).text == "3"
    assert raw.code(b"MDTM " + name) == "213"
    assert raw.store(b"APPE " + name, b"+") == ["150", "226"]
    assert raw.code(b"RNFR " + name) == "350"
    assert raw.code(b"RNTO new-" + name) == "250"
    assert ftp_server.files == {"/new-" + key[1:]: b"one+"}
    assert raw.code(b"DELE new-" + name) == "250"


@pytest.mark.parametrize("name", BYTE_NAMES)
def test_38_bytes_of_initial_files(raw: RawClient, ftp_server: FtpServer, name: bytes) -> None:
    """A name with escaped bytes in `server.files` has those bytes for clients."""
    ftp_server.files["/" + name.decode("utf-8", "surrogateescape")] = b"x"
    assert raw.fetch("NLST")[1] == name + b"\r\n"
    assert raw.fetch(b"RETR " + name)[1] == b"x"
    assert ftp_server.log.transfers[-1].path == "/" + name.decode("utf-8", "surrogateescape")


def test_38_byte_255_is_doubled_by_clients(raw: RawClient, ftp_server: FtpServer) -> None:
    """IAC IAC on the control connection is one byte 255 of the name; the data connection is no Telnet."""
    assert raw.store(b"STOR a\xff\xffb", b"x") == ["150", "226"]
    assert ftp_server.files == {"/a\udcffb": b"x"}
    assert raw.fetch("NLST")[1] == b"a\xffb\r\n"


@pytest.mark.parametrize("name", [b"caf\xe9", b"\xa4\xe5\xb8"])
def test_38_bytes_on_disk(ftp_server_factory: Callable[..., FtpServer], tmp_path: Path, name: bytes) -> None:
    """The path layer over a disk stores and lists the same bytes."""
    server = ftp_server_factory(path_io_factory=PathIO, users=[User("user", "password", base_path=tmp_path)])
    with RawClient(server.address) as client:
        client.login()
        assert client.store(b"STOR " + name, b"x") == ["150", "226"]
        assert client.fetch("NLST")[1] == name + b"\r\n"
        assert client.fetch(b"RETR " + name)[1] == b"x"
    assert [bytes(path.relative_to(tmp_path)) for path in tmp_path.iterdir()] == [name]


# 39. Line ends in names.

BROKEN = "a\r\nb"
SENT = b"a\r\0\nb"  # RFC 2640 3.1


def test_39_line_end_in_a_name_is_escaped_both_ways(raw: RawClient, ftp_server: FtpServer) -> None:
    """CR NUL LF within a command is CR LF of a name, and a reply sends the name so, in one line."""
    assert raw.code(b"MKD " + SENT) == "257"
    assert raw_replies(ftp_server)[-1].startswith(b'257 "/a\r\0\nb"')
    assert ftp_server.files.directories == [f"/{BROKEN}"]
    assert raw.code(b"CWD " + SENT) == "250"
    assert raw.ask("PWD").text.startswith(f'"/{BROKEN}"')
    assert raw.code("NOOP") == "200"


def test_39_lone_cr_in_a_name(raw: RawClient, ftp_server: FtpServer) -> None:
    """CR NUL is one CR of a name, and comes back as CR NUL."""
    assert raw.code(b"MKD a\r\0b") == "257"
    assert raw_replies(ftp_server)[-1].startswith(b'257 "/a\r\0b"')
    assert ftp_server.files.directories == ["/a\rb"]


def test_39_files_with_line_ends_can_be_used(raw: RawClient, ftp_server: FtpServer) -> None:
    """Such a file is stored, named, retrieved and deleted like any other."""
    assert raw.store(b"STOR " + SENT, b"x") == ["150", "226"]
    assert ftp_server.files == {f"/{BROKEN}": b"x"}
    assert raw.fetch(b"RETR " + SENT) == (["150", "226"], b"x")
    assert raw.ask(b"SIZE " + SENT).text == "1"
    reply = raw.ask(b"MLST " + SENT)
    assert (reply.code, len(reply.lines)) == ("250", 3)
    assert reply.lines[1].endswith(f"; /{BROKEN}")
    assert raw.code(b"DELE " + SENT) == "250"


@pytest.mark.parametrize("name", ["a\r\nb", "a\nb", "\n", "x\r\n226 done"])
@pytest.mark.parametrize("line", ["LIST", "NLST", "MLSD", "LIST -R", "NLST *"])
def test_39_left_out_of_listings(raw: RawClient, ftp_server: FtpServer, name: str, line: str) -> None:
    """A name that would be two lines is in no listing."""
    ftp_server.files[f"/{name}"] = b""
    ftp_server.files["/plain"] = b""
    codes, data = raw.fetch(line)
    assert codes == ["150", "226"]
    listed = [text for text in data.decode().split("\r\n") if text and "type=cdir" not in text and text != ".:"]
    assert [text.rpartition(" ")[2] for text in listed] == ["plain"]
    assert b"\n" not in data.replace(b"\r\n", b"")


@pytest.mark.parametrize("name", ["a\r\nb", "a\nb", "x\r\n213 done"])
def test_39_left_out_of_stat(raw: RawClient, ftp_server: FtpServer, name: str) -> None:
    """STAT lists on the control connection, where a second line would be a reply of its own."""
    ftp_server.files[f"/{name}"] = b""
    ftp_server.files["/plain"] = b""
    reply = raw.ask("STAT /")
    assert [text.rpartition(" ")[2] for text in reply.lines[1:-1]] == ["plain"]
    assert raw.code("NOOP") == "200"


@pytest.mark.parametrize("line", ["LIST", "STAT /"])
def test_39_target_of_a_link_breaks_no_line(raw: RawClient, ftp_server: FtpServer, line: str) -> None:
    """A link whose target contains a line end does not make two lines of its entry."""
    ftp_server.files.symlink("/link", "x\r\n-rw-r--r-- 1 a b 5 Jun  5  2025 forged")
    if line == "LIST":
        _, data = raw.fetch(line)
        lines = data.decode().split("\r\n")[:-1]
        assert b"\n" not in data.replace(b"\r\n", b"")
    else:
        lines = list(raw.ask(line).lines[1:-1])
    assert len(lines) <= 1
    assert raw.code("NOOP") == "200"


# 39 b. Reply injection.

FORGED = b"\r\0\n226 forged"


@pytest.mark.ftp(files={"/d/": None})
@pytest.mark.parametrize(
    "line",
    [
        b"HELP x",
        b"SITE x",
        b"SITE CHMOD 644 x",
        b"SITE CHMOD x",
        b"SITE IDLE x",
        b"OPTS x",
        b"OPTS MLST x",
        b"OPTS HASH x",
        b"OPTS UTF8 x",
        b"LANG x",
        b"LANG de",
        b"HOST x",
        b"CLNT x",
        b"USER x",
        b"CWD x",
        b"CWD d",
        b"MKD x",
        b"STAT x",
        b"MLST x",
        b"SIZE x",
        b"MDTM x",
        b"MDTM 20250101000000 x",
        b"MFMT 20250101000000 x",
        b"MFMT x",
        b"MFF x=1; y",
        b"HASH x",
        b"XMD5 x",
        b"RNFR x",
        b"DELE x",
        b"RETR x",
        b"STOR x",
        b"TYPE x",
        b"TYPE A x",
        b"MODE x",
        b"STRU x",
        b"REST x",
        b"RANG 1 x",
        b"ALLO x",
        b"PORT x",
        b"PORT 127,0,0,1,4,1",
        b"EPRT |1|x|1|",
        b"EPRT |3|x|1|",
        b"EPSV x",
        b"FEAT x",
        b"NOSUCH x",
        b"NOSUCH",
    ],
)
def test_39_echoed_argument_forges_no_reply(raw: RawClient, ftp_server: FtpServer, line: bytes) -> None:
    """In any reply to any command, its argument never begins a line."""
    before = len(raw_replies(ftp_server))
    raw.ask(line + FORGED)
    assert raw.ask("SYST").code == "215"
    sent = raw_replies(ftp_server)[before:]
    assert len(sent) == 2
    lines = LineReader().feed(sent[0])
    assert len(lines) in (1, 3)
    assert not any(text is None or text.startswith(b"226") for text in lines)


@pytest.mark.parametrize(("line", "middle"), [(b"STOR x", b""), (b"STOU x", b"FILE: ")])
def test_39_echoed_name_forges_no_final_reply(
    raw: RawClient, ftp_server: FtpServer, line: bytes, middle: bytes
) -> None:
    """The 150 of a transfer has the file's name in one line, so the client waits for the true 226."""
    before = len(raw_replies(ftp_server))
    assert raw.store(line + FORGED, b"data") == ["150", "226"]
    preliminary, final = raw_replies(ftp_server)[before + 1 :]  # after the 229
    assert [len(LineReader().feed(reply)) for reply in (preliminary, final)] == [1, 1]
    assert middle + b"x" + FORGED in preliminary or middle == b""
    assert ftp_server.files == {"/x\r\n226 forged": b"data"}


# 40. Dots and slashes.


@pytest.mark.ftp(files={"/d/e/f.txt": b"f", "/a.txt": b"a"})
@pytest.mark.parametrize(
    ("directory", "path", "means"),
    [
        ("/", "a.txt", b"a"),
        ("/", "//a.txt", b"a"),
        ("/", "./a.txt", b"a"),
        ("/", "a.txt/", b"a"),
        ("/", "d/../a.txt", b"a"),
        ("/", "missing/../a.txt", b"a"),
        ("/", "../a.txt", b"a"),
        ("/", "/../../../a.txt", b"a"),
        ("/d/e", "../../a.txt", b"a"),
        ("/d/e", "../../../../a.txt", b"a"),
        ("/d/e", ".././e/./f.txt", b"f"),
        ("/d", "e//f.txt", b"f"),
        ("/d", "/d///e/f.txt", b"f"),
    ],
)
def test_40_paths_are_resolved_in_the_text(raw: RawClient, directory: str, path: str, means: bytes) -> None:
    """Dots, doubled slashes and a slash at the end mean the same as in URLs; the root is its own parent."""
    assert raw.code(f"CWD {directory}") == "250"
    assert raw.fetch(f"RETR {path}") == (["150", "226"], means)


@pytest.mark.ftp(files={"/d/e/f.txt": b"f"})
@pytest.mark.parametrize(
    ("start", "line", "ends"),
    [
        ("/", "CWD ..", "/"),
        ("/", "CDUP", "/"),
        ("/", "XCUP", "/"),
        ("/", "CWD ../../..", "/"),
        ("/d/e", "CWD ..", "/d"),
        ("/d/e", "CDUP", "/d"),
        ("/d/e", "CWD .", "/d/e"),
        ("/d/e", "CWD /", "/"),
        ("/d/e", "CWD ///", "/"),
        ("/d", "CWD e/", "/d/e"),
        ("/d", "CWD ./e/../e//", "/d/e"),
        ("/", "CWD /d/./e/..", "/d"),
        ("/d/e", "CWD ../../../d", "/d"),
    ],
)
def test_40_working_directory_is_clean(raw: RawClient, start: str, line: str, ends: str) -> None:
    """PWD is absolute and has neither dots nor doubled slashes; above the root there is the root."""
    assert raw.code(f"CWD {start}") == "250"
    assert raw.code(line) == "250"
    assert parse_257(raw.ask("PWD").text) == ends


@pytest.mark.ftp(files={"/d/": None})
def test_40_made_paths_are_clean(raw: RawClient, ftp_server: FtpServer) -> None:
    """A new directory has a clean path, and 257 returns it."""
    assert parse_257(raw.ask("MKD /d/..//./new/").text) == "/new"
    assert raw.store("STOR ../../d/./up.txt", b"x") == ["150", "226"]
    assert ftp_server.files.directories == ["/d", "/new"]
    assert ftp_server.files == {"/d/up.txt": b"x"}


@pytest.mark.parametrize("name", ["...", ". .", "..x", "x..", ".x", "~", "c:", "a\\b", "..\\x", "%2e%2e"])
def test_40_other_names_are_names(raw: RawClient, ftp_server: FtpServer, name: str) -> None:
    """Only "." and ".." are special."""
    assert raw.store(f"STOR {name}", b"x") == ["150", "226"]
    assert ftp_server.files == {f"/{name}": b"x"}


# 40 b. No way out of the base.


@dataclass
class Jail:
    """A user whose base is a directory with many files around it.

    Attributes:
        client: A client that is logged in as that user.
        outside: Returns the files around it, by name.
        inside: Returns those of the user.
        link: Makes a symbolic link below the base; the target is a path of the path layer.
        base: Path of the base in the path layer.
    """

    client: RawClient
    outside: Callable[[], dict[str, bytes]]
    inside: Callable[[], dict[str, bytes]]
    link: Callable[[str, str], None]
    base: str


SECRETS = {"secret.txt": b"secret", "dir/x.txt": b"x"}
OWN = {"own.txt": b"own", "sub/deep.txt": b"deep"}


def memory_jail(stack: ExitStack, make: Callable[..., FtpServer]) -> Jail:
    """Builds it in memory."""
    server = make(
        users=[User("user", "password", base_path="/home/user")],
        files={
            **{f"/outside/{name}": data for name, data in SECRETS.items()},
            **{f"/home/user/{name}": data for name, data in OWN.items()},
        },
    )

    def below(top: str) -> dict[str, bytes]:
        return {name.removeprefix(top): data for name, data in server.files.items() if name.startswith(top)}

    return Jail(
        stack.enter_context(RawClient(server.address)).login(),
        lambda: below("/outside/"),
        lambda: below("/home/user/"),
        lambda path, target: server.files.symlink(f"/home/user/{path}", target),
        "/home/user",
    )


def disk_jail(stack: ExitStack, make: Callable[..., FtpServer], folder: Path) -> Jail:
    """Builds it on a disk."""
    base, around = folder / "home" / "user", folder / "outside"
    for root, files in ((base, OWN), (around, SECRETS)):
        for name, data in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(data)
    server = make(path_io_factory=PathIO, users=[User("user", "password", base_path=base)])

    def below(top: Path) -> dict[str, bytes]:
        found = (path for path in top.rglob("*") if path.is_file() and not path.is_symlink())
        return {path.relative_to(top).as_posix(): path.read_bytes() for path in found}

    return Jail(
        stack.enter_context(RawClient(server.address)).login(),
        lambda: below(around),
        lambda: below(base),
        lambda path, target: (base / path).symlink_to(target),
        str(base),
    )


@pytest.fixture(params=["memory", "disk"])
def jail(
    request: pytest.FixtureRequest, ftp_server_factory: Callable[..., FtpServer], tmp_path: Path
) -> Iterator[Jail]:
    """The jail over both path layers, with links that lead out of it."""
    with ExitStack() as stack:
        if request.param == "memory":
            made = memory_jail(stack, ftp_server_factory)
            outside = "/outside"
        else:
            made = disk_jail(stack, ftp_server_factory, tmp_path)
            outside = str(tmp_path / "outside")
        made.link("file", f"{outside}/secret.txt")
        made.link("rel", "../../outside/secret.txt")
        made.link("dir", f"{outside}/dir")
        made.link("reldir", "../../outside/dir")
        made.link("twice", "file")
        made.link("new", f"{outside}/new.txt")
        made.link("up", "../..")
        yield made


WAYS_OUT = ["file", "rel", "twice", "dir/x.txt", "reldir/x.txt", "up/outside/secret.txt", "sub/../dir/x.txt"]


@pytest.mark.parametrize("path", WAYS_OUT)
def test_40_links_let_no_user_read_outside(jail: Jail, path: str) -> None:
    """A file outside the base is missing for every command that reads through a link."""
    for verb in ("RETR", "SIZE", "MDTM", "MLST", "HASH", "XMD5", "XCRC"):
        codes, data = jail.client.fetch(f"{verb} {path}")
        assert (verb, codes, data) == (verb, ["550"], b"")


@pytest.mark.parametrize("path", WAYS_OUT)
def test_40_links_let_no_user_write_outside(jail: Jail, path: str) -> None:
    """No command can change anything outside the base through a link."""
    for line in (
        f"STOR {path}",
        f"APPE {path}",
        f"MFMT 20000101000000 {path}",
        f"MDTM 20000101000000 {path}",
        f"MFF Modify=20000101000000; {path}",
        f"SITE CHMOD 000 {path}",
        f"SITE UTIME 200001010000 {path}",
    ):
        codes = jail.client.store(line, b"overwritten")
        assert (line, codes[0][0], len(codes)) == (line, "5", 1)
    assert jail.outside() == SECRETS
    assert jail.inside() == OWN


@pytest.mark.parametrize("path", ["new", "dir/new.txt", "reldir/new.txt", "up/new.txt"])
def test_40_nothing_is_made_outside(jail: Jail, path: str) -> None:
    """No command makes a file through a broken link, or in a directory outside."""
    for line in (f"STOR {path}", f"APPE {path}", f"STOU {path}"):
        codes = jail.client.store(line, b"new")
        assert (line, codes[0][0], len(codes)) == (line, "5", 1)
    if path != "new":
        assert jail.client.code(f"MKD {path}") == "550"
        assert jail.client.code(f"SITE SYMLINK own.txt {path}") == "550"
        assert jail.client.code("RNFR own.txt") == "350"
        assert jail.client.code(f"RNTO {path}")[0] == "5"
    assert jail.outside() == SECRETS
    assert jail.inside() == OWN


@pytest.mark.parametrize("directory", ["dir", "reldir", "up", "up/outside/dir"])
def test_40_directories_outside_are_closed(jail: Jail, directory: str) -> None:
    """A directory outside can be neither entered nor listed nor emptied."""
    client = jail.client
    assert client.code(f"CWD {directory}") == "550"
    assert parse_257(client.ask("PWD").text) == "/"
    assert client.fetch(f"MLSD {directory}")[0] == ["550"]
    assert client.code(f"AVBL {directory}") == "550"
    for line in (f"LIST {directory}/", f"NLST {directory}", f"LIST -R {directory}", f"NLST {directory}/*"):
        codes, data = client.fetch(line)
        assert b"x.txt" not in data
        assert b"secret" not in data
        assert codes in (["550"], ["150", "226"])
    assert client.code(f"DELE {directory}/x.txt") == "550"
    assert client.code(f"RNFR {directory}/x.txt") == "550"
    assert client.code(f"RMD {directory}/sub") == "550"
    assert jail.outside() == SECRETS


def test_40_recursion_does_not_follow_links(jail: Jail) -> None:
    """LIST -R from the root shows the links and what is in the base, no more."""
    _, data = jail.client.fetch("LIST -R /")
    assert b"deep.txt" in data
    assert b"x.txt" not in data.replace(b"x.txt ->", b"")


@pytest.mark.parametrize("name", ["file", "dir", "new", "up"])
def test_40_links_themselves_can_be_removed_and_renamed(jail: Jail, name: str) -> None:
    """DELE and RNFR work on the link, with any target."""
    client = jail.client
    assert client.code(f"RNFR {name}") == "350"
    assert client.code(f"RNTO {name}.moved") == "250"
    assert client.code(f"DELE {name}.moved") == "250"
    assert jail.outside() == SECRETS


def test_40_links_within_the_base_work(jail: Jail) -> None:
    """A link that stays within the base is followed, for reading, writing and entering."""
    client = jail.client
    jail.link("in", "own.txt")
    jail.link("in-dir", f"{jail.base}/sub")
    assert client.fetch("RETR in") == (["150", "226"], b"own")
    assert client.store("STOR in", b"changed") == ["150", "226"]
    assert client.fetch("RETR in-dir/deep.txt") == (["150", "226"], b"deep")
    assert client.code("CWD in-dir") == "250"
    assert client.fetch("NLST") == (["150", "226"], b"deep.txt\r\n")
    assert jail.inside() == {**OWN, "own.txt": b"changed"}


def test_40_renamed_link_is_checked_again(jail: Jail) -> None:
    """A relative link into the base is refused when a rename makes it lead out."""
    client = jail.client
    jail.link("sub/hop", "../own.txt")
    assert client.fetch("RETR sub/hop")[1] == b"own"
    jail.link("sub/far", "../../../outside/secret.txt")
    assert client.fetch("RETR sub/far")[0] == ["550"]
    assert client.code("RNFR sub/far") == "350"
    assert client.code("RNTO far") == "250"
    assert client.fetch("RETR far")[0] == ["550"]
    assert client.code("RNFR sub/hop") == "350"
    assert client.code("RNTO hop") == "250"
    assert client.fetch("RETR hop")[0] == ["550"]


@pytest.mark.parametrize(
    "target", ["../../outside/secret.txt", "/../../outside/secret.txt", "dir/x.txt", "file", "up/outside"]
)
def test_40_site_symlink_makes_no_way_out(jail: Jail, target: str) -> None:
    """With any spelling of the target, the link shows nothing outside."""
    client = jail.client
    assert client.code(f"SITE SYMLINK {target} mine") in ("200", "550")
    assert client.fetch("RETR mine")[0] == ["550"]
    assert client.fetch("RETR mine/secret.txt")[0] == ["550"]
    assert client.store("STOR mine", b"overwritten") in (["550"], ["553"], ["150", "226"])
    assert jail.outside() == SECRETS


def test_40_site_symlink_within_the_base_works(jail: Jail) -> None:
    """The target is the user's path."""
    client = jail.client
    assert client.code("SITE SYMLINK /own.txt /sub/mine") == "200"
    assert client.fetch("RETR /sub/mine") == (["150", "226"], b"own")
    assert client.code("CWD sub") == "250"
    assert client.code("SITE SYMLINK deep.txt near") == "200"
    assert client.fetch("RETR near") == (["150", "226"], b"deep")


def test_40_circle_of_links_ends(jail: Jail) -> None:
    """A circle of links is refused, and the session continues."""
    jail.link("ring", "gnir")
    jail.link("gnir", "ring")
    for line in ("RETR ring", "SIZE ring", "CWD ring", "LIST ring/x", "MLSD ring", "STOR ring", "STOR ring/x"):
        codes, _ = jail.client.fetch(line)
        assert (line, codes) in ((line, ["550"]), (line, ["553"]))
    for line in ("MLSD", "LIST", "LIST -R", "LIST ring", "NLST", "NLST */*"):
        codes, data = jail.client.fetch(line)
        assert (line, codes) == (line, ["150", "226"])
        assert b"ring" in data or line == "NLST */*"
    assert jail.client.code("DELE ring") == "250"


@pytest.mark.parametrize("path", ["../../outside/secret.txt", "/../../../outside/secret.txt", "sub/../../../outside/x"])
def test_40_dots_stop_at_the_root(jail: Jail, path: str) -> None:
    """`..` stops at the user's root, which is the base."""
    client = jail.client
    assert client.fetch(f"RETR {path}")[0] == ["550"]
    assert client.store(f"STOR {path}", b"x") == ["553"]
    assert client.code("CWD ../../outside") == "550"
    assert client.fetch("NLST ../..")[1] == client.fetch("NLST ../../../..")[1].replace(b"../../../..", b"../..")
    assert jail.outside() == SECRETS


def test_40_replies_do_not_name_the_base(jail: Jail) -> None:
    """Paths in replies are the user's, never those of the path layer."""
    client = jail.client
    texts = [
        client.ask(line).text
        for line in ("PWD", "MKD made", "MLST own.txt", "STAT own.txt", "CWD made", "RMD /nowhere", "SIZE /nowhere")
    ]
    assert not any(re.search(re.escape(jail.base), text) for text in texts)
