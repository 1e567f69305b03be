"""A file, directory or link as it is to be stored: with its attributes, and with zeros for bytes that are not known.

One rule: a value; `put` is its only action, and what it does not say the tree decides.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal

from ftpfixture.files.tree import MemoryFiles

__all__ = ["Stored"]


@dataclass(frozen=True, slots=True)
class Stored:
    """An entry of a directory.

    Attributes:
        kind: "file", "dir" or "link".
        content: Of a file: offset and bytes of each piece that is known; all other bytes are zeros, which cost no
            memory.
        size: Of a file, in bytes; None for the end of its content.
        target: Of a link.
        modified: POSIX seconds; None for now.
        mode: Permission bits; None for those of a new entry.
        owner: Name; None likewise.
        group: Name; None likewise.
    """

    kind: Literal["file", "dir", "link"] = "file"
    content: tuple[tuple[int, bytes], ...] = field(default=(), repr=False)
    size: int | None = None
    target: str = ""
    modified: float | None = None
    mode: int | None = None
    owner: str | None = None
    group: str | None = None

    def put(self, tree: MemoryFiles, path: PurePosixPath) -> None:
        """Store it, with the directories above it.

        Raises:
            OSError: The path or one above it is something else, or there is no space.
        """
        if self.kind == "link":
            tree.make_directory(path.parent)
            tree.make_link(path, self.target)
            return
        if self.kind == "dir":
            tree.make_directory(path)
        else:
            self._write(tree, path)
        if self.mode is not None:
            tree.chmod(path, self.mode)
        tree.chown(path, owner=self.owner, group=self.group)
        tree.set_times(path, modify=self.modified, create=self.modified)

    def _write(self, tree: MemoryFiles, path: PurePosixPath) -> None:
        tree.write_file(path, b"")
        end = max([offset + len(piece) for offset, piece in self.content], default=0)
        with closing(tree.open(path, "r+b")) as file:
            for offset, piece in self.content:
                file.seek(offset)
                file.write(piece)
            if self.size is not None and self.size > end:
                file.seek(self.size - 1)
                file.write(b"\0")
