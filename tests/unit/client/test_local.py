"""Local file names: which names of a server are not allowed."""

from __future__ import annotations

from pathlib import PurePath, PurePosixPath, PureWindowsPath

from ftpfixture.client.local import child_of


def test_local_names() -> None:
    """A name is allowed when it is one plain component of a local path."""
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
