"""What an operation on files may do: a model of the tree, and the states that are permitted after each operation.

One rule: an operation that returned has done exactly what it says; one that failed has left a state from which nothing
is lost and nothing is mixed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from posixpath import basename, dirname

__all__ = ["Finding", "Model", "Operation", "Permitted", "difference"]


@dataclass(frozen=True, slots=True)
class Operation:
    """A call of the client.

    Attributes:
        method: Its name.
        path: Its path.
        data: What is uploaded.
        target: The new name, for a rename.
        begin: What is there already, when a transfer is resumed.
    """

    method: str
    path: str
    data: bytes = b""
    target: str = ""
    begin: bytes = b""

    @property
    def args(self) -> tuple[str | bytes, ...]:
        """The arguments of the call."""
        if self.method in ("upload", "resume_upload"):
            return (self.path, self.data)
        if self.method == "resume_download":
            return (self.path, self.begin)
        return (self.path, self.target) if self.method == "rename" else (self.path,)


@dataclass(frozen=True, slots=True)
class Permitted:
    """The contents that a file may have.

    Attributes:
        exactly: These; None stands for no file.
        prefix_of: Each beginning of this, too.
        anything: All contents.
    """

    exactly: tuple[bytes | None, ...]
    prefix_of: bytes | None = None
    anything: bool = False

    def allows(self, content: bytes | None) -> bool:
        """Whether a content is one of them."""
        if self.anything or content in self.exactly:
            return True
        return self.prefix_of is not None and content is not None and self.prefix_of.startswith(content)


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong.

    Attributes:
        verdict: A word: "truncated", "doubled", "lost", "mixed", "wrong", "crashed", "hung", "leaked", "failed".
        text: A sentence.
        path: The file of which the content is wrong; "" when it is something else.
        permitted: What it may be.
        of_value: Whether the value that was returned is wrong.
        names: The names that a listing should have.
        check: An expression about `server` that should hold; "" for none.
    """

    verdict: str
    text: str
    path: str = ""
    permitted: Permitted | None = None
    of_value: bool = False
    names: tuple[str, ...] | None = None
    check: str = ""


def difference(seen: bytes | None, wanted: bytes | None) -> tuple[str, str]:
    """A word and a phrase for the difference between two contents of a file; None stands for no file."""
    if seen is None:
        return "lost", "there is no such file"
    if wanted is None:
        return "wrong", f"there is a file of {len(seen)} bytes"
    if wanted.startswith(seen):
        return "truncated", f"it has {len(seen)} of {len(wanted)} bytes"
    begin = _common(seen, wanted)
    again = seen.find(wanted, 1)
    if len(seen) > len(wanted) > 0 and (seen[begin:] in wanted or (again > 0 and seen[:again] in wanted)):
        return "doubled", f"it has {len(seen)} bytes for {len(wanted)}: a part of it is there twice"
    if seen.startswith(wanted):
        return "mixed", f"it has {len(seen) - len(wanted)} bytes more after its {len(wanted)}"
    return "mixed", f"it has {len(seen)} bytes for {len(wanted)}, and other ones from byte {begin} on"


def _common(one: bytes, other: bytes) -> int:
    """The number of bytes that both begin with."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return low


@dataclass(slots=True)
class Model:
    """The tree of the server as operations have left it.

    Attributes:
        atomic: Whether a failed upload leaves the old file, or the whole new one.
        temporary: Shell patterns of names that the client uses for itself.
        files: From path to content.
        directories: Their paths, without the root.
        unsettled: Files of failed operations, which the server may change while that client is connected.
        unsettled_directories: Likewise.
    """

    atomic: bool = False
    temporary: tuple[str, ...] = ()
    files: dict[str, bytes] = field(default_factory=dict)
    directories: set[str] = field(default_factory=set)
    unsettled: dict[str, Permitted] = field(default_factory=dict)
    unsettled_directories: set[str] = field(default_factory=set)

    def names(self, path: str) -> list[str]:
        """The names in a directory, sorted."""
        return sorted(basename(name) for name in (*self.files, *self.directories) if dirname(name) == path)

    def without_temporary(self, names: Iterable[str]) -> list[str]:
        """Paths or names without those that the client uses for itself, sorted."""
        return sorted(
            name for name in names if not any(fnmatchcase(basename(name), pattern) for pattern in self.temporary)
        )

    def adopt(self, files: dict[str, bytes], directories: Iterable[str]) -> None:
        """Take what is on the server as the tree."""
        self.files = {path: files[path] for path in self.without_temporary(files)}
        self.directories = set(self.without_temporary(directories))

    def leave_open(self, operation: Operation, failed: bool, spoiled: bool = False) -> None:
        """What the server may still change: it may carry out a failed operation while that client is connected."""
        states = self.permitted(operation, failed, spoiled)
        for path in states:
            self.unsettled.pop(path, None)
        if failed:
            self.unsettled.update(states)
            self.unsettled_directories |= {operation.path} if operation.method == "mkdir" else set()

    def settle(self) -> None:
        """No client is connected: what is there stays."""
        self.unsettled.clear()
        self.unsettled_directories.clear()

    # Judging.

    def permitted(self, operation: Operation, failed: bool, spoiled: bool = False) -> dict[str, Permitted]:
        """What the files of an operation may be after it.

        Args:
            operation: What was called.
            failed: Whether it raised a clean failure.
            spoiled: Whether a fault of its own has changed what was written, as the failure says.
        """
        old = self.files.get(operation.path)
        if failed and spoiled:
            return {path: Permitted((), anything=True) for path in (operation.path, operation.target) if path}
        match operation.method:
            case "upload" | "resume_upload" if failed:
                if self.atomic and operation.method == "upload":
                    return {operation.path: Permitted((old, operation.data))}
                return {operation.path: Permitted((old, None), operation.data)}
            case "upload" | "resume_upload":
                return {operation.path: Permitted((operation.data,))}
            case "rename" if old is not None and failed:
                target = self.files.get(operation.target)
                return {operation.path: Permitted((old, None)), operation.target: Permitted((target, old))}
            case "rename" if old is not None:
                return {operation.path: Permitted((None,)), operation.target: Permitted((old,))}
            case "delete":
                return {operation.path: Permitted((old, None) if failed else (None,))}
        return {}

    def judge(
        self,
        operation: Operation,
        failed: bool,
        files: dict[str, bytes],
        directories: Iterable[str],
        spoiled: bool = False,
    ) -> Finding | None:
        """What is wrong with the tree after an operation; None if nothing is.

        Args:
            operation: What was called.
            failed: Whether it raised a clean failure.
            files: What is on the server.
            directories: Likewise.
            spoiled: See `permitted`.
        """
        how = f"{operation.method} {'failed' if failed else 'returned'}"
        permitted = self.permitted(operation, failed, spoiled)
        if (
            operation.method == "rename"
            and failed
            and not spoiled
            and (old := self.files.get(operation.path)) is not None
        ):
            seen = (files.get(operation.path), files.get(operation.target))
            if old not in seen:
                return Finding("lost", f"{how}, and the file is under neither name", operation.path, Permitted((old,)))
        for path in dict.fromkeys((*permitted, *self.without_temporary((*self.files, *files)))):
            content = files.get(path)
            states = permitted.get(path) or self.unsettled.get(path) or Permitted((self.files.get(path),))
            if not states.allows(content):
                return self._wrong(how, path, content, states, other=path not in permitted)
        return self._wrong_directories(operation, failed, how, directories)

    def _wrong(self, how: str, path: str, content: bytes | None, states: Permitted, other: bool) -> Finding:
        wanted = states.prefix_of if states.prefix_of is not None else states.exactly[-1]
        if wanted is None:
            wanted = next((one for one in states.exactly if one is not None), None)
        word, phrase = difference(content, wanted)
        which = f"{path}, which it has nothing to do with, is not as it was" if other else f"{path} is not as it may be"
        return Finding(word, f"{how}, and {which}: {phrase}", path, states)

    def _wrong_directories(
        self, operation: Operation, failed: bool, how: str, directories: Iterable[str]
    ) -> Finding | None:
        there = set(self.without_temporary(directories))
        free = self.unsettled_directories | ({operation.path} if operation.method == "mkdir" and failed else set())
        wanted = self.directories | ({operation.path} if operation.method == "mkdir" else set())
        if wrong := sorted((there ^ wanted) - free):
            if wrong[0] in wanted:
                return Finding(
                    "lost", f"{how}, and there is no directory {wrong[0]}", check=f"{wrong[0]!r} in server.files"
                )
            text = f"{how}, and there is a new directory {wrong[0]}"
            return Finding("wrong", text, check=f"{wrong[0]!r} not in server.files")
        return None

    def judge_value(self, operation: Operation, value: object, files: dict[str, bytes]) -> Finding | None:
        """What is wrong with the value that an operation returned; None if nothing is.

        Args:
            operation: What was called.
            value: What it returned.
            files: What is on the server.
        """
        how, path = f"{operation.method} returned", operation.path
        if operation.method in ("download", "rename") and path not in self.files:
            return Finding("wrong", f"{how}, and there is no file {path}", check=f"{path!r} in server.files")
        if operation.method in ("download", "resume_download"):
            if not isinstance(value, bytes | bytearray | memoryview):
                return Finding("wrong", f"{how} a {type(value).__name__} instead of bytes", of_value=True)
            if bytes(value) not in (self.files[path], files.get(path)):
                word, phrase = difference(bytes(value), self.files[path])
                return Finding(word, f"{how} other bytes than {path} has: {phrase}", of_value=True)
        if operation.method == "list":
            names = self.without_temporary(map(str, value))  # type: ignore[call-overload]
            wanted = self.names(path)
            if names != wanted:
                return Finding("wrong", f"{how} {names} and not {wanted}", of_value=True, names=tuple(wanted))
        return None
