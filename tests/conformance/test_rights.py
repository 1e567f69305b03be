"""The rights that each command needs: refused without one, with no change; accepted with them, and no other."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import PurePosixPath

from ftpfixture import FtpServer, Permission, User
from tests.support.raw import RawClient

FILES = {"/f": b"hello", "/other": b"other", "/d/g": b"g", "/hollow/": None, "/hollow2/": None}
RIGHTS = ("readable", "list", "create", "overwrite", "append", "delete", "rename", "mkdir")
UPLOADS = ("STOR", "APPE", "STOU")
DOWNLOADS = ("RETR", "LIST", "NLST", "MLSD")

# Commands, the last of which needs these rights; steps are separated by " | ". Refused with 550, but for "overwrite!".
TABLE: dict[str, str] = {
    **dict.fromkeys(("CWD d", "XCWD d", "CWD", "CDUP", "XCUP"), "readable"),
    **dict.fromkeys(("RETR f", "SIZE f", "MDTM f", "MLST f", "MLST d", "MLST", "AVBL", "AVBL d"), "readable"),
    **dict.fromkeys(("HASH f", "XCRC f", "XMD5 f", "XSHA f", "XSHA1 f", "XSHA256 f", "XSHA512 f"), "readable"),
    **dict.fromkeys(("LIST", "LIST d", "LIST f", "LIST -d d", "NLST", "NLST d", "NLST f", "MLSD", "MLSD d"), "list"),
    **dict.fromkeys(("STAT d", "STAT f"), "list"),
    **dict.fromkeys(("STOR new", "APPE new", "STOU", "STOU f"), "create"),
    **dict.fromkeys(("STOR f", "REST 2 | STOR f", "REST 2 | APPE f"), "overwrite"),
    **dict.fromkeys(("APPE f", "MFMT 20240101000000 f", "MFCT 20240101000000 f"), "append"),
    **dict.fromkeys(("MFF Modify=20240101000000;UNIX.mode=600; f", "MDTM 20240101000000 f"), "append"),
    **dict.fromkeys(("SITE CHMOD 600 f", "SITE CHMOD 700 d", "SITE UTIME 20240101000000 f"), "append"),
    **dict.fromkeys(("DELE f", "RMD hollow", "XRMD hollow"), "delete"),
    **dict.fromkeys(("MKD new", "XMKD new"), "mkdir"),
    **dict.fromkeys(("RNFR f", "RNFR d", "RNFR f | RNTO new", "RNFR d | RNTO hollow/d", "RNFR f | RNTO f"), "rename"),
    **dict.fromkeys(
        ("RNFR f | RNTO other", "RNFR f | RNTO dangling", "RNFR hollow | RNTO hollow2"), "rename overwrite!"
    ),
    "SITE SYMLINK f new": "readable create",
    "RMDA hollow": "delete list",
    "RMDA d": "delete list",
    **dict.fromkeys(("DSIZ", "DSIZ d"), "list"),
    "COMB new f other": "create readable delete",
    "COMB other f": "append readable delete",
    **dict.fromkeys(("SITE CPFR f", "SITE CPFR d"), "readable"),
    "SITE CPFR f | SITE CPTO new": "readable create",
    "SITE CPFR f | SITE CPTO other": "readable overwrite",
    "SITE CPFR d | SITE CPTO new": "readable list mkdir create",
}
# Commands without a path, or that only prepare a later command.
WITHOUT = frozenset(
    {
        *("USER", "PASS", "ACCT", "REIN", "QUIT", "HOST", "AUTH", "PBSZ", "PROT", "CCC"),
        *("PORT", "EPRT", "PASV", "EPSV", "TYPE", "STRU", "MODE", "ALLO", "REST", "RANG", "ABOR"),
        *("PWD", "XPWD", "SYST", "NOOP", "HELP", "FEAT", "OPTS", "CLNT", "LANG", "SITE", "CSID"),
        *("SITE HELP", "SITE IDLE", "SITE UMASK", "OPTS UTF8", "OPTS UTF-8", "OPTS MODE", "OPTS MLST", "OPTS HASH"),
    }
)


def serve(*permissions: Permission) -> FtpServer:
    """A server whose user has these rights."""
    server = FtpServer(users=[User("user", "password", base_path="/", permissions=permissions)], files=FILES)
    server.start()
    server.files.symlink("/dangling", "nowhere")
    return server


def only(rights: set[str]) -> Permission:
    """These rights, and no others."""
    return Permission(**{"writable": False, **{right: right in rights for right in RIGHTS}})  # type: ignore[arg-type]


def play(server: FtpServer, lines: str) -> str:
    """Log in and send lines; the code of the first that is refused, else that of the last."""
    code = ""
    with RawClient(server.address) as client:
        client.login()
        for line in lines.split(" | "):
            verb = line.partition(" ")[0]
            if verb in UPLOADS:
                code = client.store(line, b"new content")[-1]
            else:
                code = client.fetch(line)[0][-1] if verb in DOWNLOADS else client.code(line)
            if code >= "4":
                break
    server.wait_idle()
    return code


def everything(server: FtpServer) -> dict[str, object]:
    """All paths with the facts that can be changed."""
    state = server.server.path_io_factory().state
    found: dict[str, object] = {}
    for path, _ in state.walk():
        stats = state.stat(path, follow=False)
        content = server.files.get(str(path), b"")
        found[str(path)] = (stats.st_mode, stats.st_mtime, stats.st_birthtime, hashlib.sha256(content).hexdigest())
    return found


def test_the_table_has_every_command() -> None:
    """A new command needs a row with its rights."""
    in_table = set()
    for lines in TABLE:
        words = lines.rpartition(" | ")[2].split(" ")
        in_table.add(" ".join(words[:2]) if words[0] == "SITE" else words[0])
    with FtpServer(tls="explicit") as server:
        known = {verb.upper() for verb in server.server.commands_mapping}
    assert in_table | known.intersection(WITHOUT) == known
    assert not in_table.intersection(WITHOUT)


def test_each_command_is_done_with_exactly_its_rights() -> None:
    """No other right is needed."""
    for lines, needed in TABLE.items():
        server = serve(only(set(needed.replace("!", "").split())))
        with server:
            code = play(server, lines)
            assert code[0] in "23", (lines, code)


def test_each_command_is_refused_without_one_of_its_rights() -> None:
    """All other rights do not replace it, and nothing is changed."""
    for lines, needed in TABLE.items():
        for missing in needed.split():
            with serve(only(set(RIGHTS) - {missing.removesuffix("!")})) as server:
                before = everything(server)
                assert play(server, lines) == ("553" if missing.endswith("!") else "550"), (lines, missing)
                assert everything(server) == before, (lines, missing)


@dataclasses.dataclass(frozen=True)
class Place:
    """Rights of paths, and the replies to commands there."""

    permissions: tuple[Permission, ...]
    codes: dict[str, str]


READ_ONLY = Permission("/ro", writable=False)
DARK = Permission("/dark", readable=False)
PLACES = [
    # Rights are those of each end.
    Place(
        (Permission("/"), READ_ONLY),
        {
            "RNFR ro/f": "550",  # nothing is moved out
            "RNFR f | RNTO ro/new": "550",  # nor in
            "RNFR f | RNTO ro/f": "550",
            "RNFR f | RNTO d/f": "250",
            "STOR ro/new": "550",
            "RMD ro/hollow": "550",
            "RMD d": "550",  # it is not empty
            "RNFR hollow | RNTO d": "550",  # nor is this one
            "RNFR f | RNTO hollow": "550",
            "RNFR d | RNTO f": "550",
            "RNFR f | RNTO missing/f": "553",
            "MKD ro/new": "550",
            "SITE SYMLINK f ro/new": "550",
        },
    ),
    # A link does not bypass the rights at its target, and its path has rights, too.
    Place(
        (Permission("/"), READ_ONLY, DARK),
        {
            **dict.fromkeys(("STOR to-ro/f", "APPE to-ro/f", "STOR to-ro/new", "MKD to-ro/new", "DELE to-ro/f"), "550"),
            **dict.fromkeys(("STOR to-file", "APPE to-file", "REST 1 | STOR to-file", "SITE CHMOD 600 to-file"), "550"),
            **dict.fromkeys(("MFMT 20240101000000 to-file", "RNFR to-ro/f", "RNFR f | RNTO to-ro/new"), "550"),
            **dict.fromkeys(("RETR to-dark/f", "CWD to-dark", "LIST to-dark", "MLSD to-dark", "SIZE to-dark/f"), "550"),
            **dict.fromkeys(("MLST to-dark/f", "HASH to-dark/f", "NLST to-dark", "SITE SYMLINK to-dark/f new"), "550"),
            "RMD to-ro/hollow": "550",
            "SITE SYMLINK ro/f mine | STOR mine": "550",
            "RETR to-file": "226",
            "LIST to-ro": "226",
            "DELE to-file": "250",
            "RNFR to-file | RNTO moved": "250",
            "RNFR f | RNTO to-file": "250",  # the link is replaced, and not the file
        },
    ),
    # Rights belong to paths, so a directory with restricted paths below it cannot be moved or replaced.
    Place(
        (Permission("/"), Permission("/d/below", readable=False), Permission("/new/g", delete=False)),
        {
            "RNFR d": "550",
            "RNFR dark | RNTO d/dark": "250",
            "RNFR dark | RNTO new": "550",
            "RNFR d/g | RNTO g": "250",
            "RNFR ro | RNTO d/ro": "250",
        },
    ),
    Place(
        (Permission("/", overwrite=False),),
        {
            "RNFR f | RNTO other": "553",
            "RNFR f | RNTO f": "250",
            "RNFR f | RNTO ./d/../f": "250",
            "RNFR f | RNTO to-file": "553",
            "RNFR hollow | RNTO hollow2": "553",
            "RNFR f | RNTO new": "250",
            "STOR f": "550",
            "REST 1 | STOR f": "550",
        },
    ),
    Place((Permission("/", append=False),), {"APPE f": "550", "REST 1 | APPE f": "226", "APPE new": "226"}),
]


def test_rights_of_places() -> None:
    """Both ends of a move, targets of links, and paths below a directory."""
    more = {"/ro/f": b"ro", "/ro/hollow/": None, "/dark/f": b"dark"}
    for place in PLACES:
        for lines, code in place.codes.items():
            with serve(*place.permissions) as server:
                for path, content in more.items():
                    server.files.put(path, content)
                for path, target in {"/to-ro": "ro", "/to-dark": "/dark", "/to-file": "ro/f"}.items():
                    server.files.symlink(path, target)
                before = everything(server)
                assert play(server, lines) == code, (lines, place.permissions)
                if code[0] == "5" and "SYMLINK" not in lines:
                    assert everything(server) == before, lines
                assert b"ro" in server.files.values(), lines


def test_rights_below_another_base() -> None:
    """Rights belong to virtual paths, with any base, also through a link."""
    ann = User("ann", "x", base_path=PurePosixPath("/way/ann"), permissions=[Permission("/"), READ_ONLY])
    with FtpServer(users=[ann], files={"/home/ann/ro/f": b"ro", "/home/ann/f": b"f"}) as server:
        server.files.symlink("/way", "home")
        server.files.symlink("/home/ann/link", "ro/f")
        with RawClient(server.address) as client:
            client.login("ann", "x")
            assert client.store("STOR link", b"!") == ["550"]
            assert client.store("STOR f", b"!") == ["150", "226"]
            assert client.fetch("RETR link") == (["150", "226"], b"ro")
        assert server.files["/home/ann/ro/f"] == b"ro"
