"""Runs the program ``ftpfixture`` in a process of its own, as users do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["Ended", "Running"]

_LONGEST = 30  # seconds that a program on a loaded machine may take to end


@dataclass(frozen=True, slots=True)
class Ended:
    """A program that has ended.

    Attributes:
        code: Exit code.
        lines: What it wrote to standard output.
        errors: What it wrote to standard error.
    """

    code: int
    lines: list[str]
    errors: str


class Running:
    """A command that listens, from its first line on; killed at the end of the context, when it has not ended.

    Args:
        arguments: Of the program.
        folder: The working directory.
        environment: Further environment variables.

    Attributes:
        first: The first line of its output.
        host: Where it listens.
        port: Where it listens.
    """

    def __init__(self, *arguments: str | Path, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self._errors = (folder / "stderr").open("w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ftpfixture", *map(str, arguments)],
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        assert self.process.stdout is not None
        self.output = self.process.stdout
        self.first = self.output.readline().rstrip("\n")
        self.host, _, port = self.first.removeprefix("listening on ").rpartition(":")
        self.port = int(port) if port.isdecimal() else 0

    def line(self, beginning: str) -> str:
        """The rest of the next line of the output that begins so."""
        for line in self.output:
            if line.startswith(beginning):
                return line.removeprefix(beginning).strip()
        raise AssertionError(f"no line begins with {beginning!r}; errors: {self._read_errors()}")

    def send(self, number: int) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def end(self, number: int = signal.SIGTERM) -> Ended:
        """Send a signal, and wait for the end."""
        self.send(number)
        return self.wait()

    def wait(self) -> Ended:
        """Wait for the end."""
        written, _ = self.process.communicate(timeout=_LONGEST)
        return Ended(self.process.returncode, written.splitlines(), self._read_errors())

    def _read_errors(self) -> str:
        self._errors.seek(0)
        return self._errors.read()

    def __enter__(self) -> Self:
        assert self.first.startswith("listening on "), self.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        self.output.close()
        self._errors.close()
