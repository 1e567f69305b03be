"""A folder of the disk that a server serves: access is confined to it, and settings that contradict it are refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ftpfixture import AsyncPathIO, FtpServer, MemoryPathIO, MemoryUserManager, PathIO, Permission, User
from ftpfixture.errors import ConfigurationError
from ftpfixture.server import AbstractUserManager, ScriptedUserManager
from tests.support.raw import RawClient


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a neighbour, a link to it, and a link within."""
    inside = tmp_path / "served"
    (inside / "ann").mkdir(parents=True)
    (inside / "a.txt").write_bytes(b"inside")
    (inside / "ann" / "b.txt").write_bytes(b"ann's")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "s.txt").write_bytes(b"secret")
    (inside / "out").symlink_to(tmp_path / "secret")
    (inside / "in").symlink_to(inside / "ann")
    return inside


def test_a_folder_is_served(root: Path) -> None:
    """The client's uploads are on the disk, and it downloads the folder's files; str and Path are both taken."""
    for given in (root, str(root)):
        with FtpServer(root=given) as server, RawClient(server.address) as client:
            client.login()
            assert client.fetch("RETR /a.txt") == (["150", "226"], b"inside")
            assert client.fetch("RETR in/b.txt") == (["150", "226"], b"ann's")
            assert client.store("STOR /ann/new.txt", b"new") == ["150", "226"]
            assert (root / "ann" / "new.txt").read_bytes() == b"new"
            assert client.code("DELE /ann/new.txt") == "250"
            assert not (root / "ann" / "new.txt").exists()


def test_nothing_outside_can_be_reached(root: Path) -> None:
    """Neither by "..", nor by absolute paths, nor by links."""
    outside = root.parent / "secret"
    lines = [
        *("RETR ../secret/s.txt", f"RETR {outside}/s.txt", "RETR out/s.txt", "RETR ann/../../secret/s.txt"),
        *("CWD ..", "CWD out", "DELE out/s.txt", "MKD out/x", "RNFR out/s.txt", "MLST out/s.txt", "SIZE out/s.txt"),
    ]
    with FtpServer(root=root) as server, RawClient(server.address) as client:
        client.login()
        client.passive()
        assert {line: client.code(line) for line in lines} == {**dict.fromkeys(lines, "550"), "CWD ..": "250"}
        assert client.code("STOR out/new.txt") == "550"
        assert client.code("SITE SYMLINK /../secret/s.txt link") == "200"  # its target counts from the folder
        assert client.code("RETR link") == "550"
    assert [path.name for path in outside.iterdir()] == ["s.txt"]
    assert (outside / "s.txt").read_bytes() == b"secret"


def test_users_have_folders_below(root: Path) -> None:
    """Base paths count from the folder; the given users are unchanged, for other servers to use."""
    ann, bob, eve = User("ann", "x", base_path="ann"), User("bob", "x"), User("eve", "x", base_path=root / "ann")
    with FtpServer(users=[ann, bob, eve], root=root) as server:
        for login, names in (("ann", b"b.txt"), ("bob", b"a.txt"), ("eve", b"b.txt")):
            with RawClient(server.address) as client:
                assert names in client.login(login, "x").fetch("NLST")[1]
    assert (ann.base_path, bob.base_path) == (Path("ann"), Path())


def test_read_only(root: Path) -> None:
    """A permission makes the folder read-only."""
    users = [User("ann", "x", permissions=[Permission(writable=False)])]
    with FtpServer(users=users, root=root) as server, RawClient(server.address) as client:
        client.login("ann", "x").passive()
        assert [client.code(line) for line in ("STOR /new", "DELE /a.txt", "MKD /x")] == ["550"] * 3
        assert client.fetch("RETR /a.txt")[1] == b"inside"


@pytest.mark.parametrize("factory", [AsyncPathIO, partial(AsyncPathIO, timeout=5)])
def test_another_layer_of_the_disk(root: Path, factory: Callable[..., Any]) -> None:
    """The layer may be another one over the disk."""
    with FtpServer(root=root, path_io_factory=factory) as server, RawClient(server.address) as client:
        assert client.login().fetch("RETR /a.txt")[1] == b"inside"


def test_managers_whose_users_are_below(root: Path) -> None:
    """A manager is taken when all its users have base paths in the folder."""
    users = [User("ann", "x", base_path=root), User("bob", "x", base_path=root / "ann")]
    for manager in (MemoryUserManager(users), ScriptedUserManager(users)):
        with FtpServer(users=manager, root=root) as server, RawClient(server.address) as client:
            assert client.login("bob", "x").fetch("RETR b.txt")[1] == b"ann's"


class Own(AbstractUserManager):
    """A manager that does not list its users."""

    async def get_user(self, login: str) -> Any:
        """Refuse."""
        return self.GetUserResponse.ERROR, None, "no"

    async def authenticate(self, user: User, password: str) -> bool:
        """Refuse."""
        return False


ROWS: list[tuple[dict[str, Any], str]] = [
    # What is given besides or in place of the folder; "*" in the text stands for anything.
    ({"root": "missing"}, "root='missing' cannot be served: *No such file or directory*; make the folder first"),
    ({"root": "a.txt"}, "root='a.txt' is a file: use the path of a folder"),
    ({"root": ""}, "root takes the path of a folder, as str or pathlib.Path, not ''"),
    ({"root": 5}, "root takes the path of a folder, as str or pathlib.Path, not 5"),
    ({"root": True}, "root takes the path of a folder, as str or pathlib.Path, not True"),
    ({"files": {"/a": b""}}, "are for servers in memory; this one has the files of root="),
    ({"quota": 5}, "files, quota and rules for names are for servers in memory"),
    ({"path_io_factory": MemoryPathIO}, "root= with path_io_factory=MemoryPathIO, whose files are in memory"),
    ({"users": [User("ann", base_path="/")]}, "base_path='/' of 'ann' is not in root="),
    ({"users": [User("ann", base_path="..")]}, "base_path='..' of 'ann' is not in root="),
    ({"users": [User("ann", base_path="out")]}, "base_path='out' of 'ann' is not in root="),
    ({"users": [User("ann", base_path="missing")]}, "base_path='missing' of 'ann': there is no folder"),
    ({"users": [User("ann", base_path="a.txt")]}, "base_path='a.txt' of 'ann': there is no folder"),
    ({"users": Own()}, "root= with a Own, which does not list its users: give them base_path="),
    ({"users": MemoryUserManager([User("ann")])}, "root= with a MemoryUserManager: give 'ann' base_path="),
    ({"users": MemoryUserManager([User("ann", base_path="/")])}, "base_path='/' of 'ann' is not in root="),
]


@pytest.mark.parametrize(("settings", "text"), ROWS)
def test_what_does_not_go_together(
    root: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], text: str
) -> None:
    """Each is an error when the server is made, with a sentence that has the remedy."""
    monkeypatch.chdir(root)
    with pytest.raises(ConfigurationError, match=re.escape(text).replace(r"\*", ".*")):
        FtpServer(**{"root": root, **settings})


@pytest.mark.parametrize("factory", [PathIO, AsyncPathIO, partial(PathIO, timeout=5), type("Own", (PathIO,), {})])
def test_the_disk_is_never_shown_by_accident(tmp_path: Path, factory: Callable[..., Any]) -> None:
    """A layer over the disk serves neither all of it nor the current folder to users without a base path."""
    whole = [None, {"ann": "x"}, [User("ann", base_path="/")], ScriptedUserManager([User("ann", base_path="/")])]
    for users in whole:
        with pytest.raises(
            ConfigurationError, match=r"would show '\w+' the whole disk, to change and to delete: use root=tmp_path"
        ):
            FtpServer(path_io_factory=factory, users=users)
    for users in ([User("ann")], [User("bob", base_path=tmp_path), User("ann")]):
        with pytest.raises(
            ConfigurationError, match="would show 'ann' the current folder, to change and to delete: use root="
        ):
            FtpServer(path_io_factory=factory, users=users)
    FtpServer(path_io_factory=factory, users=[User("ann", base_path=tmp_path)])


def test_all_of_the_disk_on_purpose(root: Path) -> None:
    """The base path "/" gives the whole disk."""
    with FtpServer(root="/") as server, RawClient(server.address) as client:
        assert client.login().fetch(f"RETR {root}/a.txt")[1] == b"inside"
