"""Runs client programs independently of user settings, proxies and the time zone."""

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
    """The result of a program.

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
    """A program of this machine, run in its own folder; the test is skipped when it is not installed.

    Args:
        name: The name of the program.
        folder: An empty folder: the working directory is ``work`` below it, the home directory ``home``.
        arguments: The first arguments of every call.
        timeout: Limit for a call, in seconds.

    Attributes:
        environment: The environment variables of the program.
    """

    def __init__(self, name: str, folder: Path, *arguments: str, timeout: float = 20) -> None:
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not installed")
        self.name = name
        self.folder = folder / "work"
        self._arguments = arguments
        self._timeout = timeout
        self.home = folder / "home"
        for directory in (self.folder, self.home):
            directory.mkdir(exist_ok=True)
        self.environment = {
            "HOME": str(self.home),
            "PATH": os.environ.get("PATH", os.defpath),
            "LC_ALL": "C.UTF-8",
            "TERM": "dumb",
            "TZ": "UTC",
        }

    def __call__(self, *arguments: str, stdin: str | bytes = b"", code: int | None = 0) -> Outcome:
        """Run the program, and fail the test when it hangs or its exit code is not the expected one.

        Args:
            arguments: Further arguments.
            stdin: Its standard input; text is sent as UTF-8, undecodable bytes as they are.
            code: The expected exit code; None for any.
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
            written = (expired.stdout or b"") + (expired.stderr or b"")
            pytest.fail(f"{self.name} {arguments} hangs after {written.decode(errors='backslashreplace')}")
        outcome = Outcome(done.returncode, done.stdout, done.stderr)
        if code is not None and outcome.code != code:
            pytest.fail(f"{self.name} {arguments} ended with {outcome.code}, not {code}:\n{outcome.text}")
        return outcome

    def write(self, name: str, data: bytes, modified: float | None = None) -> Path:
        """Create a file in the working directory of the program; `modified` is in POSIX seconds."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        if modified is not None:
            os.utime(path, (modified, modified))
        return path

    def read(self, name: str) -> bytes:
        """Content of a file in the working directory of the program."""
        return (self.folder / name).read_bytes()

    def tree(self, name: str = ".") -> dict[str, bytes]:
        """All files below a folder of the program, by their relative paths."""
        root = self.folder / name
        return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
