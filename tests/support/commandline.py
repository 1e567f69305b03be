"""Runs the program ``ftpfixture``: in a process of its own, as users do, or in that of the test, which is faster."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO, TextIOWrapper
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from ftpfixture.cli.main import main

__all__ = ["Ended", "Running", "run_here"]

_LONGEST = 30  # seconds that a program on a loaded machine may take to end


@dataclass(frozen=True, slots=True)
class Ended:
    """A program that has ended.

    Attributes:
        code: Exit code.
        lines: What it wrote to standard output, and was not read before.
        errors: What it wrote to standard error.
    """

    code: int
    lines: list[str]
    errors: str


def run_here(client: Callable[[int], object], *arguments: str | Path, number: int = signal.SIGTERM) -> Ended:
    """Run a command that listens in this process, on the main thread, with its client on another one.

    Args:
        client: Gets the port; when it returns or fails, the program gets a signal.
        arguments: Of the program.
        number: The signal.

    Returns:
        The end of the program.
    """
    reading, writing = os.pipe()
    lines: list[str] = []
    problems: list[BaseException] = []
    errors = StringIO()

    def use() -> None:
        with open(reading, encoding="utf-8") as output:
            first = output.readline()
            lines.append(first.removesuffix("\n"))
            if first.startswith("listening on "):
                try:
                    client(int(first.rpartition(":")[2]))
                except BaseException as error:  # raised on the main thread below
                    problems.append(error)
                os.kill(os.getpid(), number)
            lines.extend(output.read().splitlines())

    before = signal.signal(number, lambda *_: None)  # for a program that has ended by itself
    thread = threading.Thread(target=use)
    thread.start()
    try:
        with open(writing, "w", encoding="utf-8") as output, redirect_stdout(output), redirect_stderr(errors):
            code = main([*map(str, arguments)])
        thread.join()
    finally:
        signal.signal(number, before)
    for problem in problems:
        raise problem
    return Ended(code, lines, errors.getvalue())


class Running:
    """A command that listens, from its first line on; killed at the end of the context, when it has not ended.

    Args:
        arguments: Of the program.
        folder: The working directory.
        environment: Further environment variables.
        terminal: Whether the output is a terminal; then it is read with `until` alone.

    Attributes:
        first: The first line of its output.
        host: Where it listens.
        port: Where it listens.
    """

    def __init__(
        self,
        *arguments: str | Path,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        terminal: bool = False,
    ) -> None:
        screen, slave = pty.openpty() if terminal else (None, subprocess.PIPE)
        self._errors = (folder / "stderr").open("w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ftpfixture", *map(str, arguments)],
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=slave,
            stderr=self._errors,
        )
        if screen is not None:
            os.close(slave)
        self.output = _opened(screen, self.process)
        self.first = self.output.readline().rstrip("\r\n")
        self.host, _, port = self.first.removeprefix("listening on ").rpartition(":")
        self.port = int(port) if port.isdecimal() else 0

    def line(self, beginning: str) -> str:
        """The rest of the next line of the output that begins so."""
        for line in self.output:
            if line.startswith(beginning):
                return line.removeprefix(beginning).strip()
        raise AssertionError(f"no line begins with {beginning!r}; errors: {self._read_errors()}")

    def until(self, text: str) -> str:
        """The output of a terminal, up to a text."""
        seen = ""
        while text not in seen:
            seen += os.read(self.output.fileno(), 1 << 16).decode()
        return seen

    def send(self, number: int) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def end(self, number: int = signal.SIGTERM) -> Ended:
        """Send a signal, and wait for the end."""
        self.send(number)
        return self.wait()

    def wait(self) -> Ended:
        """Wait for the end."""
        lines = [] if self.output.isatty() else self.output.read().splitlines()
        return Ended(self.process.wait(_LONGEST), lines, self._read_errors())

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


def _opened(screen: int | None, process: subprocess.Popen[bytes]) -> TextIO:
    """The output of a program as text."""
    if screen is not None:
        return open(screen, encoding="utf-8", newline="")
    assert process.stdout is not None
    return TextIOWrapper(process.stdout, encoding="utf-8")
