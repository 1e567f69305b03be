"""Commands for many files at once: RMDA, DSIZ and COMB (draft-peterson, Serv-U), SITE CPFR and CPTO (mod_copy)."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from ftpfixture import AbstractPathIO, FtpServer, MemoryPathIO, Permission, User, aio
from tests.support.raw import RawClient

FILES = {
    "/a": b"aa",
    "/b": b"bbb",
    "/two words": b"2",
    '/q"q': b"quote",
    "/tree/x": b"xxxx",
    "/tree/sub/y": b"yyyyy",
    "/tree/sub/deep/z": b"",
    "/tree/empty/": None,
    "/other/x": b"old",
    "/void/": None,
}
STORED = {path: data for path, data in FILES.items() if data is not None}
TREE = ["/tree/x", "/tree/sub/y", "/tree/sub/deep/z"]

pytestmark = pytest.mark.ftp(files=FILES)


def without(*paths: str) -> dict[str, bytes]:
    """All files except these."""
    return {path: data for path, data in STORED.items() if path not in paths}


REPLIES = {
    "RMDA": "501",
    "RMDA /": "550",
    "RMDA ../..": "550",
    "RMDA /missing": "550",
    "RMDA /a": "550",
    "RMDA /a/x": "550",
    "DSIZ": "213",
    "DSIZ /missing": "550",
    "DSIZ /a": "550",
    "COMB": "501",
    "COMB a": "501",
    'COMB "a"': "501",
    'COMB "a" ""': "501",
    'COMB "a""b"': "501",
    'COMB "a" "b': "501",
    "COMB a  b": "501",
    "COMB a b b": "501",
    "COMB a missing": "550",
    "COMB a tree": "550",
    "COMB tree a": "553",
    "COMB missing/new a": "553",
    "COMB a a": "553",
    "SITE CPFR": "501",
    "SITE CPFR /missing": "550",
    "SITE CPTO": "503",
    "SITE CPTO /x": "503",
}


def test_refused_commands(raw: RawClient, ftp_server: FtpServer) -> None:
    """Each of these is refused, or only returns information, and changes nothing."""
    assert {line: raw.code(line) for line in REPLIES} == REPLIES
    assert ftp_server.files == STORED


def test_before_login(connect: Callable[[], RawClient], ftp_server: FtpServer) -> None:
    """All need a login."""
    client = connect()
    assert client.reply().code == "220"
    lines = ["RMDA /tree", "DSIZ /", "COMB a b", "SITE CPFR /a", "SITE CPTO /x", "SITE UMASK 077"]
    assert [client.code(line) for line in lines] == ["530"] * len(lines)
    assert ftp_server.files == STORED


def test_feat_and_help(raw: RawClient) -> None:
    """FEAT has the lines of Serv-U, which FluentFTP looks for; SITE HELP lists the rest."""
    lines = set(raw.ask("FEAT").lines)
    assert {" RMDA directoryname", " DSIZ", " COMB target;source_list", " CSID Name; Version;"} <= lines
    assert {"CPFR", "CPTO", "UMASK"} <= set(raw.ask("SITE HELP").text.split())


# RMDA.


@pytest.mark.parametrize("path", ["/tree", "tree", "/void/../tree/"])
def test_rmda(raw: RawClient, ftp_server: FtpServer, path: str) -> None:
    """The directory and everything in it are removed, and nothing else."""
    assert raw.code(f"RMDA {path}") == "250"
    assert ftp_server.files == without(*TREE)
    assert "/tree" not in ftp_server.files


def test_rmda_keeps_the_targets_of_links(raw: RawClient, ftp_server: FtpServer) -> None:
    """Links are removed as links, and a link to a directory is no directory."""
    ftp_server.files.symlink("/tree/link", "/other")
    ftp_server.files.symlink("/alias", "/other")
    assert [raw.code("RMDA /alias"), raw.code("RMDA /tree")] == ["550", "250"]
    assert ftp_server.files == without(*TREE)


RIGHTS: list[tuple[str, Permission, str, list[str]]] = [
    # Command, missing right and its path, and the reply; CPTO comes after CPFR.
    ("RMDA /tree", Permission("/", delete=False), "550", []),
    ("RMDA /tree", Permission("/tree/sub/deep/z", delete=False), "550", []),
    ("RMDA /tree", Permission("/tree/sub", delete=False), "550", []),
    ("RMDA /tree", Permission("/tree/empty", list=False), "550", []),
    ("RMDA /tree", Permission("/other", delete=False), "250", TREE),
    ("DSIZ /tree", Permission("/", list=False), "550", []),
    ("DSIZ /tree", Permission("/tree/sub", list=False), "213", []),
    ("COMB b a", Permission("/b", append=False), "550", []),
    ("COMB new a", Permission("/", create=False), "550", []),
    ("COMB b a", Permission("/a", readable=False), "550", []),
    ("COMB b a", Permission("/a", delete=False), "550", []),
    ("COMB b a", Permission("/", create=False, overwrite=False), "250", ["/a", "/b"]),
    ("SITE CPFR /a", Permission("/", readable=False), "550", []),
    ("SITE CPFR /a; SITE CPTO /new", Permission("/", create=False), "550", []),
    ("SITE CPFR /a; SITE CPTO /b", Permission("/", overwrite=False), "550", []),
    ("SITE CPFR /a; SITE CPTO /b", Permission("/", create=False), "250", ["/b"]),
    ("SITE CPFR /tree; SITE CPTO /new", Permission("/", mkdir=False), "550", []),
    ("SITE CPFR /tree; SITE CPTO /new", Permission("/tree/sub/y", readable=False), "550", []),
    ("SITE CPFR /tree; SITE CPTO /new", Permission("/tree/sub", list=False), "550", []),
    ("SITE CPFR /tree; SITE CPTO /other", Permission("/other/x", overwrite=False), "550", []),
]


@pytest.mark.parametrize(("lines", "permission", "code", "changed"), RIGHTS)
def test_rights(
    ftp_server_factory: Callable[..., FtpServer], lines: str, permission: Permission, code: str, changed: list[str]
) -> None:
    """If a right is missing anywhere, nothing is done."""
    users = [User("user", "password", base_path="/", permissions=[permission])]
    server = ftp_server_factory(users=users, files=FILES)
    with RawClient(server.address) as client:
        client.login()
        assert [client.code(line) for line in lines.split("; ")][-1] == code
    left = {path: data for path, data in server.files.items() if path not in changed}
    assert left == without(*changed)


# DSIZ.


def test_dsiz(raw: RawClient, ftp_server: FtpServer) -> None:
    """213 and the size of all files in and below; links do not count."""
    ftp_server.files.symlink("/tree/link", "/a")
    ftp_server.files.symlink("/tree/circle", "/tree")
    sizes = {"DSIZ /tree": "9", "DSIZ /void": "0", "DSIZ tree/sub": "5", "DSIZ": str(sum(map(len, STORED.values())))}
    assert {line: raw.ask(line).text for line in sizes} == sizes


# COMB.


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ("COMB a b", {"/a": b"aabbb"}),
        ('COMB "a" "b" "two words"', {"/a": b"aabbb2"}),
        ('COMB new b "two words" a', {"/new": b"bbb2aa"}),
        ('COMB "/void/new" "/q""q"', {"/void/new": b"quote"}),
    ],
)
def test_comb(raw: RawClient, ftp_server: FtpServer, line: str, changed: dict[str, bytes]) -> None:
    """The parts are appended to the target in the order of the command, and are deleted."""
    assert raw.code(line) == "250"
    parts = {path for path in ("/a", "/b", "/two words", '/q"q') if path.strip("/").replace('"', '""') in line}
    assert ftp_server.files == {**without(*parts), **changed}


def test_comb_of_a_link_to_the_target(raw: RawClient, ftp_server: FtpServer) -> None:
    """A target under another name is a part of itself, too."""
    ftp_server.files.symlink("/link", "/a")
    assert raw.code("COMB a link") == "553"
    assert ftp_server.files["/a"] == b"aa"


@pytest.mark.ftp(files={"/a": b"a" * 60, "/b": b"b" * 30}, quota=100)
def test_comb_without_room(raw: RawClient, ftp_server: FtpServer) -> None:
    """Without room for both, the parts stay."""
    assert raw.code("COMB a b") == "452"
    assert ftp_server.files["/b"] == b"b" * 30


# SITE CPFR and CPTO.


def copy(client: RawClient, source: str, target: str) -> list[str]:
    """The replies to both."""
    return [client.code(f"SITE CPFR {source}"), client.code(f"SITE CPTO {target}")]


@pytest.mark.parametrize(("source", "target"), [("/a", "/new"), ("two words", "void/also two"), ("/b", "/a")])
def test_copy_of_a_file(raw: RawClient, ftp_server: FtpServer, source: str, target: str) -> None:
    """The copy has the same content, and is a separate file; an existing one is replaced."""
    assert copy(raw, source, target) == ["350", "250"]
    path, goal = f"/{source.lstrip('/')}", f"/{target.lstrip('/')}"
    assert ftp_server.files == {**STORED, goal: STORED[path]}
    assert raw.store(f"APPE {target}", b"more") == ["150", "226"]
    assert ftp_server.files[path] == STORED[path]
    assert raw.code("SITE CPTO /again") == "503"


def test_copy_of_a_directory(raw: RawClient, ftp_server: FtpServer) -> None:
    """Everything in it is copied, also empty directories, and merged into an existing one; links stay links."""
    ftp_server.files.symlink("/tree/link", "sub")
    assert copy(raw, "/tree", "/new") == ["350", "250"]
    assert copy(raw, "/tree/sub", "/other") == ["350", "250"]
    copied = {f"/new{path.removeprefix('/tree')}": STORED[path] for path in TREE}
    merged = {"/other/y": b"yyyyy", "/other/deep/z": b""}
    assert ftp_server.files == {**STORED, **copied, **merged}
    assert "/new/empty" in ftp_server.files
    assert ftp_server.files.stat("/new/link").type == "link"
    assert raw.fetch("RETR /new/link/y")[1] == b"yyyyy"


def test_impossible_copies(raw: RawClient, ftp_server: FtpServer) -> None:
    """Onto or into itself, over another kind, and into a missing directory: 553, and nothing is changed."""
    ftp_server.files.symlink("/alias", "/tree")
    pairs = [("/a", "/a"), ("/tree", "/tree/sub/copy"), ("/tree", "/alias/copy"), ("/a", "/tree"), ("/tree", "/a")]
    pairs += [("/a", "/missing/copy"), ("/tree", "/tree")]
    assert [copy(raw, *pair) for pair in pairs] == [["350", "553"]] * len(pairs)
    assert raw.code("SITE CPFR /a") == "350"
    del ftp_server.files["/a"]
    assert raw.code("SITE CPTO /copy") == "550"
    assert ftp_server.files == without("/a")


def test_rein_resets_the_source_of_a_copy(raw: RawClient) -> None:
    """SITE CPFR belongs to the session before REIN."""
    assert raw.code("SITE CPFR /a") == "350"
    assert raw.code("REIN") == "220"
    raw.send("USER user")
    assert [raw.reply().code, raw.code("PASS password"), raw.code("SITE CPTO /new")] == ["331", "230", "503"]


@pytest.mark.parametrize("root", [False, True])
def test_over_memory_and_over_a_disk(ftp_server_factory: Callable[..., FtpServer], tmp_path: Path, root: bool) -> None:
    """Both path layers copy, combine, measure and remove in the same way."""
    (tmp_path / "out").symlink_to("/")
    server = ftp_server_factory(root=tmp_path, files=None) if root else ftp_server_factory(files={})
    with RawClient(server.address) as client:
        client.login()
        assert [client.code(line) for line in ("MKD d", "MKD d/e")] == ["257", "257"]
        assert client.store("STOR d/e/f", b"12345") == ["150", "226"]
        assert copy(client, "d", "copy") == ["350", "250"]
        assert client.ask("DSIZ").text == "10"
        assert client.code("COMB copy/e/f d/e/f") == "250"
        assert client.fetch("RETR copy/e/f")[1] == b"1234512345"
        assert [client.code(f"RMDA {name}") for name in ("d", "copy", "out")] == ["250", "250", "550"]
        assert client.fetch("NLST")[1] == (b"out\r\n" if root else b"")


@pytest.mark.real("work of a simulated server takes no time, so no other session can overtake it")
@pytest.mark.parametrize("line", ["RMDA /many", "DSIZ /many", "SITE CPTO /copy"])
def test_other_sessions_run_meanwhile(
    ftp_server: FtpServer,
    raw: RawClient,
    connect: Callable[[], RawClient],
    line: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While a thousand files are removed, measured or copied, another session is served."""
    monkeypatch.setattr(aio, "TURN_TIME", 0)  # on a fast machine all of it may be one turn
    for number in range(1000):
        ftp_server.files[f"/many/{number % 10}/{number}"] = b"x"
    other = connect().login()
    assert raw.code("SITE CPFR /many") == "350"
    raw.send(line)
    ftp_server.log.wait_for(line)
    assert other.code("NOOP") == "200"
    assert raw.reply().code[0] == "2"
    answers = [event.session for event in ftp_server.log.events if getattr(event, "code", "") in ("200", "213", "250")]
    assert answers[-2:] == [2, 1]


# SITE UMASK.


UMASKS: list[tuple[str, str]] = [
    ("SITE UMASK", "200 The umask is 022"),
    ("SITE UMASK 077", "200 The umask is 077"),
    ("SITE UMASK", "200 The umask is 077"),
    ("SITE UMASK 8", "501"),
    ("SITE UMASK 1000", "501"),
    ("SITE UMASK 00022", "501"),
    ("SITE UMASK -1", "501"),
    ("SITE UMASK 07 7", "501"),
    ("SITE UMASK", "200 The umask is 077"),
    ("SITE UMASK 0", "200 The umask is 000"),
    ("SITE UMASK 0027", "200 The umask is 027"),
]


def test_umask_is_returned_and_set(raw: RawClient) -> None:
    """An octal number of one to four digits is accepted, and anything else changes nothing."""
    for line, answer in UMASKS:
        reply = raw.ask(line)
        assert f"{reply.code} {reply.text}".startswith(answer), line


@pytest.mark.parametrize("over_disk", [False, True])
def test_umask_applies_to_new_files(
    ftp_server_factory: Callable[..., FtpServer], tmp_path: Path, over_disk: bool
) -> None:
    """Files and directories made by any command have the bits that it leaves; existing ones keep theirs."""
    server = ftp_server_factory(root=tmp_path, files=None) if over_disk else ftp_server_factory(files={})

    def modes(client: RawClient, *names: str) -> list[str]:
        facts = [client.ask(f"MLST {name}").lines[1] for name in names]
        return [fact.lower().partition("unix.mode=")[2].partition(";")[0] for fact in facts]

    with RawClient(server.address) as client, RawClient(server.address) as other:
        client.login(), other.login()
        client.store("STOR old", b"1")
        assert client.code("SITE CHMOD 644 old") == "200"
        assert client.code("SITE UMASK 027") == "200"
        client.store("STOR old", b"2")
        client.store("STOR new", b"1")
        client.store("APPE appended", b"1")
        client.store("STOU unique", b"1")
        assert client.code("MKD d") == "257"
        assert copy(client, "old", "copied") == ["350", "250"]
        assert copy(client, "d", "e") == ["350", "250"]
        assert client.code("COMB combined old") == "250"
        assert client.store("STOR old", b"3") == ["150", "226"]
        made = ["new", "appended", "unique", "copied", "combined"]
        assert modes(client, *made) == ["0640"] * len(made)
        assert modes(client, "d", "e") == ["0750", "0750"]
        assert other.ask("SITE UMASK").text in ("The umask is 022", "The umask is that of the storage")


def test_umask_ends_with_rein(raw: RawClient) -> None:
    """The next user has the storage's umask again."""
    assert raw.code("SITE UMASK 077") == "200"
    assert raw.code("REIN") == "220"
    raw.send("USER user")
    assert [raw.reply().code, raw.code("PASS password")] == ["331", "230"]
    assert raw.ask("SITE UMASK").text == "The umask is 022"


def test_umask_without_permissions(ftp_server_factory: Callable[..., FtpServer]) -> None:
    """A storage without permission bits has no umask."""
    plain: Any = type("Plain", (MemoryPathIO,), {"chmod": AbstractPathIO.chmod})
    with RawClient(ftp_server_factory(path_io_factory=plain).address) as client:
        client.login()
        assert [client.code("SITE UMASK"), client.code("SITE UMASK 077")] == ["504", "504"]
        assert client.store("STOR new", b"1") == ["150", "226"]


# CSID.


def test_csid(connect: Callable[[], RawClient], ftp_server: FtpServer) -> None:
    """Both sides exchange names, also before the login; facts in any case and with or without spaces."""
    client = connect()
    assert client.reply().code == "220"
    for line in ("CSID Name=BlowFTP; Version=8.0;", "CSID name=x", "CSID VERSION=1;NAME=y;OS=Unix;"):
        reply = client.ask(line)
        assert reply.code == "200"
        facts = dict(fact.split("=") for fact in reply.text.rstrip(";").split(";"))
        assert facts == {
            "Name": "ftpfixture",
            "Version": version("ftpfixture"),
            "OS": "UNIX",
            "CaseSensitive": "1",
            "DirSep": "/",
        }
    bad = ("CSID", "CSID ;", "CSID BlowFTP", "CSID =x;", "CSID Name=x; 8.0;")
    assert [client.code(line) for line in bad] == ["501"] * len(bad)
    ftp_server.log.assert_sent("CSID name=x -> 200")
