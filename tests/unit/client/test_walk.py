"""Going through trees: in which order, where not, and which names stay outside."""

from __future__ import annotations

from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Any

import pytest

from ftpfixture.client.reading import DirectoryListing
from ftpfixture.client.unread import UnreadEntry
from ftpfixture.client.walk import Walk, child_of

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
    """Level by level, or each directory where it stands; unread lines are told with their directory."""
    told: list[Any] = []
    walk = Walk(fetch, PurePosixPath("/t"), tell=told.append, **settings)
    found = [found async for found in walk]
    assert " ".join(str(each.name) for each in found) == order
    assert {each.local for each in found} == {None}
    assert walk.unread == ((UNREAD,) if settings.get("recursive", True) else ())
    assert told == ([walk.unread] if walk.unread else [])
    kinds = {str(each.name): each.kind for each in found}
    if "a/h" in kinds:
        assert (kinds["a"], kinds["f"], kinds["a/h"], kinds["a/i"]) == ("dir", "file", "link", "unknown")


async def test_where_things_belong_here() -> None:
    """Each has its place below the directory here."""
    walk = Walk(fetch, PurePosixPath("/t"), PureWindowsPath("C:/in"))
    assert [str(found.local) async for found in walk][-2:] == [r"C:\in\a\h", r"C:\in\a\i"]


async def test_circles_end() -> None:
    """A directory that is one of those above it is given, with the reason why it is not gone into."""

    async def circle(path: PurePosixPath) -> DirectoryListing:
        entries = [(path / "d", {"type": "dir", "unique": "1"}), (path / "e", {"type": "dir", "unique": ""})]
        return DirectoryListing(path, entries if len(path.parts) < 4 else [], ())

    found = {str(each.name): each.left_out async for each in Walk(circle, PurePosixPath("/"))}
    assert found["d"] == found["e"] == found["e/d"] == ""
    assert found["d/d"] == found["e/d/d"] == "it leads to a directory above itself"
    assert "d/d/d" not in found


async def test_nothing_below_a_name_that_is_none_here() -> None:
    """A directory whose name leads elsewhere is not gone into."""

    async def hostile(path: PurePosixPath) -> DirectoryListing:
        assert path == PurePosixPath("/")
        return DirectoryListing(path, [(path / "..\\up", DIR), (path / "f", FILE)], ())

    walk = Walk(hostile, PurePosixPath("/"), PureWindowsPath("C:/in"))
    assert [(str(each.name), each.left_out) async for each in walk] == [("..\\up", "it is no name here"), ("f", "")]


def test_names_here() -> None:
    """A name is one plain part of a path of this side, or none."""
    plain = ("a", "a b", ".hidden", "ü", "CONSOLE", "NULL", "COM10", "a.NUL", "...a", " a")
    never = ("", ".", "..", "a/b", "../x", "/x", "a\0b")
    not_on_windows = (
        *("..\\..\\evil.txt", "a\\b", "\\x", "C:", "C:x", "C:\\x", "\\\\h\\s\\x", "a:b", "a.", "a ", "...", "a\x1fb"),
        *("CON", "nul", "NUL.txt", "aux.", "prn .x", "COM1", "lpt9.log", "COM\u00b2", "CONIN$", *'<>"|?*'),
    )
    for directory in (PurePosixPath("/d"), PurePosixPath(), PureWindowsPath("C:/d"), PureWindowsPath("d")):
        windows = isinstance(directory, PureWindowsPath)
        for name in plain:
            assert child_of(directory, name) == directory / name, (directory, name)
        for name in never:
            assert child_of(directory, name) is None, (directory, name)
        for name in not_on_windows:
            inside: PurePath | None = None if windows else directory / name
            assert child_of(directory, name) == inside, (directory, name)
