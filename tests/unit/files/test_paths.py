"""Virtual paths and real paths: the text of a path never leads out of the base."""

from __future__ import annotations

import ntpath
from pathlib import PurePath, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ftpfixture.errors import PathIOError
from ftpfixture.files.paths import is_within, resolve_virtual, to_real
from tests.support.rows import table

# The parts with a meaning on some system.
PARTS = ["a", "b.txt", "..", ".", "", "...", "C:", "c:x", "\\", "..\\..", "\\\\host\\share", ".. ", "NUL", "a:b", "\0"]
arguments = st.lists(st.sampled_from(PARTS), max_size=8).map("/".join)


@table(
    ("current", "argument", "wanted"),
    [
        ("/", "", "/"),
        ("/a/b", "", "/a/b"),
        ("/a", "b", "/a/b"),
        ("/a", "/b", "/b"),
        ("/a", "//b", "/b"),
        ("/a", "///b//c/", "/b/c"),
        ("/a", "./b/.", "/a/b"),
        ("/a/b", "..", "/a"),
        ("/a/b", "../../../../c", "/c"),
        ("/", "/..", "/"),
        ("/", "/../etc/passwd", "/etc/passwd"),
        ("/a", "b/../../c", "/c"),
        ("/a", " b ", "/a/ b "),
        ("/a", "...", "/a/..."),
        ("/a", "~", "/a/~"),
        ("/a", "\\..\\x", "/a/\\..\\x"),
        ("//a", "b", "/a/b"),
    ],
)
def test_resolve_virtual(current: str, argument: str, wanted: str) -> None:
    """Dots and slashes are resolved as text, and ".." stops at "/"."""
    assert str(resolve_virtual(PurePosixPath(current), argument)) == wanted


@given(arguments, arguments)
def test_resolve_virtual_is_plain(current: str, argument: str) -> None:
    """The result is absolute with one slash, has no dots, and does not change when resolved again."""
    resolved = resolve_virtual(resolve_virtual(PurePosixPath("/"), current), argument)
    assert resolved.parts[0] == "/"
    assert not {".", "..", ""} & set(resolved.parts)
    assert resolve_virtual(PurePosixPath("/x"), str(resolved)) == resolved


@table(
    ("base", "virtual", "wanted"),
    [
        ("/srv", "/", "/srv"),
        ("/srv", "/a/b", "/srv/a/b"),
        ("/srv", "a", "/srv/a"),
        ("/srv", "/../../etc", "/srv/etc"),
        ("/srv", "/a/../../b", "/srv/b"),
        ("/srv", "..", "/srv"),
        ("/", "/a", "/a"),
        (".", "/a", "a"),
        ("rel/x", "/a", "rel/x/a"),
        ("/srv", "//a", "/srv/a"),
    ],
)
def test_to_real(base: str, virtual: str, wanted: str) -> None:
    """The real path is the base plus the names of the virtual path."""
    assert to_real(PurePosixPath(base), PurePosixPath(virtual)) == PurePosixPath(wanted)


def test_to_real_keeps_the_class() -> None:
    """A base of any path class returns a path of that class."""

    class Special(PurePosixPath):
        """A user's own class."""

    assert type(to_real(Special("/srv"), PurePosixPath("/a"))) is Special


@table(
    "part",
    [
        *("C:", "c:x", "\\x", "..\\x", "a\\..\\..\\x", "\\\\host\\share\\x", ".. ", "a.", "...", "a ", "file:stream"),
        *("NUL", "nul.txt", "com1", "LPT9.x.y", "COM¹", "CONIN$", "aux .txt", "\0"),
    ],
)
def test_to_real_refuses_special_names_on_windows(part: str) -> None:
    """With a Windows base, a part that is no plain file name there raises PathIOError, at any position."""
    for virtual in (PurePosixPath("/", part), PurePosixPath("/a", part, "b")):
        with pytest.raises(PathIOError) as caught:
            to_real(PureWindowsPath("D:\\ftp"), virtual)
        assert caught.value.reason is not None
        assert isinstance(caught.value.reason[1], OSError)


@table("part", ["a", "a b", ".hidden", "..a", "com", "com10", "nullify", "console.txt", "ü", "a\nb"])
def test_to_real_accepts_plain_names_on_windows(part: str) -> None:
    """Names that only look like those of devices are accepted."""
    assert to_real(PureWindowsPath("D:\\ftp"), PurePosixPath("/", part)) == PureWindowsPath("D:\\ftp") / part


@given(arguments, st.sampled_from([PurePosixPath("/srv"), PurePosixPath("."), PureWindowsPath("D:\\ftp")]))
@example("../x", PurePosixPath("."))
@example("C:/x", PureWindowsPath("D:\\ftp"))
def test_to_real_stays_within_the_base(argument: str, base: PurePath) -> None:
    """For any argument the real path is within the base, or `to_real` raises PathIOError."""
    for virtual in (PurePosixPath(argument), resolve_virtual(PurePosixPath("/"), argument)):
        try:
            real = to_real(base, virtual)
        except PathIOError:
            assert isinstance(base, PureWindowsPath)
            continue
        assert is_within(real, base)
        if isinstance(base, PureWindowsPath):
            assert ntpath.normpath(str(real)).startswith("D:\\ftp")


@table(
    ("path", "base", "wanted"),
    [
        ("/srv/a", "/srv", True),
        ("/srv", "/srv", True),
        ("/srv2", "/srv", False),
        ("/", "/srv", False),
        ("/srv/../etc", "/srv", False),
        ("/srv/a/../b", "/srv", True),
        ("/srv/../../srv/a", "/srv", True),
        ("/x/../srv/a", "/srv", True),
        ("/srv/a", "/srv/b/..", True),
        ("a", ".", True),
        ("../a", ".", False),
        ("a/../../b", ".", False),
        ("../../a", "..", False),
        ("../a", "..", True),
        ("../a/../b", "..", True),
        ("a", "/", False),
        ("/a", ".", False),
    ],
)
def test_is_within(path: str, base: str, wanted: bool) -> None:
    """A path is within itself and its parents; ".." is resolved."""
    assert is_within(PurePosixPath(path), PurePosixPath(base)) is wanted


def test_is_within_on_windows() -> None:
    """On Windows case does not matter, and drives do."""
    base = PureWindowsPath("D:\\Ftp")
    assert is_within(PureWindowsPath("d:\\fTP\\a"), base)
    assert not is_within(PureWindowsPath("C:\\Ftp\\a"), base)
    assert not is_within(PureWindowsPath("D:\\Ftp\\..\\a"), base)
