"""Runs client programs, so that nothing counts but their arguments: no settings of a user, no proxy, no time zone."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

__all__ = ["Outcome", "Program"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended.

    Attributes:
        code: Its exit code.
        output: What it wrote to standard output.
        errors: What it wrote to standard error.
    """

    code: int
    output: bytes
    errors: bytes

    @property
    def text(self) -> str:
        """Both outputs as text."""
        return (self.output + self.errors).decode(errors="backslashreplace")


class Program:
    """A program of this machine, that works in a folder of its own; a test is skipped when it is not there.

    Args:
        name: Of the program.
        folder: An empty one: the program works in ``work`` below it, its home is ``home``.
        arguments: Those that every call begins with.
        timeout: Seconds that a call may last.

    Attributes:
        environment: The variables that it sees.
    """

    def __init__(self, name: str, folder: Path, *arguments: str, timeout: float = 20) -> None:
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not installed")
        self.name = name
        self.folder = folder / "work"
        self._arguments = arguments
        self._timeout = timeout
        self.home = folder / "home"
        for made in (self.folder, self.home):
            made.mkdir(exist_ok=True)
        self.environment = {
            "HOME": str(self.home),
            "PATH": os.environ.get("PATH", os.defpath),
            "LC_ALL": "C.UTF-8",
            "TERM": "dumb",
            "TZ": "UTC",
        }

    def __call__(self, *arguments: str, stdin: str | bytes = b"", code: int | None = 0) -> Outcome:
        """Run it to its end, and fail when that is not the expected one.

        Args:
            arguments: Behind those of every call.
            stdin: What it reads; text goes as UTF-8, undecodable octets as they are.
            code: The exit code that is expected; None for any.
        """
        __tracebackhide__ = True
        try:
            done = subprocess.run(
                [self.name, *self._arguments, *arguments],
                cwd=self.folder,
                env=self.environment,
                input=os.fsencode(stdin),
                capture_output=True,
                timeout=self._timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as expired:
            said = (expired.stdout or b"") + (expired.stderr or b"")
            pytest.fail(f"{self.name} {arguments} hangs after {said.decode(errors='backslashreplace')}")
        outcome = Outcome(done.returncode, done.stdout, done.stderr)
        if code is not None and outcome.code != code:
            pytest.fail(f"{self.name} {arguments} ended with {outcome.code}, not {code}:\n{outcome.text}")
        return outcome

    def write(self, name: str, data: bytes, modified: float | None = None) -> Path:
        """Make a file in the folder where the program works; `modified` is in POSIX seconds."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        if modified is not None:
            os.utime(path, (modified, modified))
        return path

    def read(self, name: str) -> bytes:
        """Content of a file in the folder where the program works."""
        return (self.folder / name).read_bytes()

    def tree(self, name: str = ".") -> dict[str, bytes]:
        """All files below a folder of the program, by their paths in it."""
        root = self.folder / name
        return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
