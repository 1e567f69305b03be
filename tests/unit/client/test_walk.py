"""Walks through trees: their order, and what they do not enter."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import pytest

from ftpfixture import Client, FtpServer, PathIO
from ftpfixture.client.reading import DirectoryListing
from ftpfixture.client.unread import UnreadEntry
from ftpfixture.client.walk import Walk, walk_here

DIR, FILE = {"type": "dir"}, {"type": "file"}
TREE: dict[str, dict[str, dict[str, Any]]] = {
    "/t": {"b": DIR, "f": FILE, "a": DIR},
    "/t/b": {"c": DIR, "g": FILE},
    "/t/b/c": {},
    "/t/a": {"h": {"type": "link"}, "i": {"type": "os.unix=chr-1/3"}},
}
UNREAD = UnreadEntry(PurePosixPath("/t/b"), "what?", "no")


async def fetch(path: PurePosixPath) -> DirectoryListing:
    """List a directory of the tree."""
    entries = [(path / name, info) for name, info in TREE[str(path)].items()]
    return DirectoryListing(path, entries, (UNREAD,) if path == UNREAD.directory else ())


@pytest.mark.parametrize(
    ("settings", "order"),
    [
        ({}, "b f a b/c b/g a/h a/i"),
        ({"deep": True}, "b b/c b/g f a a/h a/i"),
        ({"recursive": False}, "b f a"),
    ],
)
async def test_order(settings: dict[str, Any], order: str) -> None:
    """Level by level, or depth first; unread lines are reported once for their directory."""
    reported: list[Any] = []
    walk = Walk(fetch, PurePosixPath("/t"), on_unread=reported.append, **settings)
    found = [found async for found in walk]
    assert " ".join(str(each.name) for each in found) == order
    assert {each.local for each in found} == {None}
    assert walk.unread == ((UNREAD,) if settings.get("recursive", True) else ())
    assert reported == ([walk.unread] if walk.unread else [])
    kinds = {str(each.name): each.kind for each in found}
    if "a/h" in kinds:
        assert (kinds["a"], kinds["f"], kinds["a/h"], kinds["a/i"]) == ("dir", "file", "link", "unknown")


async def test_local_paths() -> None:
    """Every entry has its path below the local directory."""
    walk = Walk(fetch, PurePosixPath("/t"), PureWindowsPath("C:/in"))
    assert [str(found.local) async for found in walk][-2:] == [r"C:\in\a\h", r"C:\in\a\i"]


async def test_circles_end() -> None:
    """A directory that is one of those above it is given with a reason, and not entered."""

    async def circle(path: PurePosixPath) -> DirectoryListing:
        entries = [(path / "d", {"type": "dir", "unique": "1"}), (path / "e", {"type": "dir", "unique": ""})]
        return DirectoryListing(path, entries if len(path.parts) < 4 else [], ())

    found = {str(each.name): each.left_out async for each in Walk(circle, PurePosixPath("/"))}
    assert found["d"] == found["e"] == found["e/d"] == ""
    assert found["d/d"] == found["e/d/d"] == "it leads to a directory above itself"
    assert "d/d/d" not in found


async def test_a_directory_with_a_forbidden_name() -> None:
    """A directory with a name that would lead elsewhere is not entered."""

    async def hostile(path: PurePosixPath) -> DirectoryListing:
        assert path == PurePosixPath("/")
        return DirectoryListing(path, [(path / "..\\up", DIR), (path / "f", FILE)], ())

    walk = Walk(hostile, PurePosixPath("/"), PureWindowsPath("C:/in"))
    assert [(str(each.name), each.left_out) async for each in walk] == [("..\\up", "it is no local name"), ("f", "")]


async def test_a_local_tree(tmp_path: Path) -> None:
    """A local tree is walked depth first; links are treated as their targets."""
    root = tmp_path / "t"
    (root / "d" / "e").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    for path in (root / "f", root / "d" / "g", tmp_path / "outside" / "h"):
        path.write_bytes(b"x")
    (root / "d" / "e" / "up").symlink_to(root / "d")
    (root / "d" / "e" / "top").symlink_to(root)
    (root / "link").symlink_to(tmp_path / "outside")
    (root / "nothing").symlink_to(tmp_path / "gone")
    back, no_file = "it leads to a directory above itself", "it is no file, nor a link that leads to one"

    assert [(str(each.name), each.kind, each.left_out) async for each in await walk_here(PathIO(), root)] == [
        ("d", "dir", ""),
        ("d/e", "dir", ""),
        ("d/e/top", "dir", back),
        ("d/e/up", "dir", back),
        ("d/g", "file", ""),
        ("f", "file", ""),
        ("link", "dir", ""),
        ("link/h", "file", ""),
        ("nothing", "unknown", no_file),
    ]


@pytest.fixture
def loop(ftp_server: FtpServer) -> FtpServer:
    """A server with a link that leads to the directory that contains it."""
    ftp_server.files["/d/a.txt"] = b"hi"
    ftp_server.files.symlink("/d/loop", "/d")
    return ftp_server


async def test_a_listing_ends(loop: FtpServer, ftp_client: Client) -> None:
    """A recursive listing shows a link that leads back, and enters it only until it is recognized."""
    found = {str(path) for path, _ in await ftp_client.list("/", recursive=True)}

    assert {"/d", "/d/a.txt", "/d/loop"} <= found
    assert max(path.count("loop") for path in found) <= 2


async def test_a_download_ends(
    loop: FtpServer, ftp_client: Client, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A tree with a link that leads back is downloaded completely, without the link, with a warning."""
    await ftp_client.download("/d", tmp_path)

    assert (tmp_path / "d" / "a.txt").read_bytes() == b"hi"
    assert not (tmp_path / "d" / "loop" / "loop" / "loop").exists()
    assert "leads to a directory above itself" in caplog.text


async def test_a_mirror_ends(loop: FtpServer, ftp_client: Client, tmp_path: Path) -> None:
    """A tree with a link that leads back can be mirrored; a second mirror transfers nothing."""
    await ftp_client.mirror_down("/d", tmp_path)

    assert (await ftp_client.mirror_down("/d", tmp_path)).transferred == ()
