"""A program run with every fault at every step of its session: the sweep of what is not a Python test.

One rule: every run begins from nothing: a new server, a new folder, a new process. Nothing is left running.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT, Popen, TimeoutExpired
from tempfile import TemporaryDirectory
from typing import NamedTuple

from ftpfixture.errors import ConfigurationError, HangError
from ftpfixture.faults.grammar import parse
from ftpfixture.sweep.mapping import AGAIN, REAL, CleanRun, map_of
from ftpfixture.sweep.outcome import CLEAN, Outcome
from ftpfixture.sweep.points import Point
from ftpfixture.sweep.steps import steps_of, total_bytes
from ftpfixture.sweep.verdicts import Run, verdict_of
from ftpfixture.testing.ftpserver import FtpServer

__all__ = ["PLACEHOLDERS", "Program", "Sweep"]

PLACEHOLDERS = ("url", "host", "port", "user", "password", "dir", "ca", "served")
"""What stands in braces in a command for something of its run."""

_NET = 4  # times the limit of silence after which a program is ended that goes on without its server
_LINES = 3  # of the output of a program, the last ones, which a report shows


@dataclass(frozen=True, slots=True)
class Program:
    """What is run.

    Attributes:
        command: The program and its arguments, with placeholders such as "{url}".
        check: A command for the shell that looks whether all is well after the program said so; "" for none.
        timeout: Seconds of silence after which the program hangs.
        make: Makes a server that is not started.
        folder: A folder whose content is copied into the folder of each run; None for an empty one.
    """

    command: Sequence[str]
    check: str
    timeout: float
    make: Callable[[], FtpServer]
    folder: Path | None = None

    @property
    def name(self) -> str:
        """The command in one line."""
        return " ".join(self.command)


class _Result(NamedTuple):
    """How a program ended.

    Attributes:
        verdict: A bad one, or "failed"; "" when all is well.
        text: Why.
    """

    verdict: str = ""
    text: str = ""


class Sweep:
    """The runs of a program.

    Args:
        program: What is run.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._clean = 0

    def points(self) -> tuple[list[Point], Mapping[str, int]]:
        """Run the program twice without a fault; return its points, and how many were left out, by reason.

        Raises:
            ConfigurationError: It fails without a fault, or its two sessions differ.
        """
        runs = {}
        for name in (REAL, AGAIN):
            outcome, clean, _ = self._run(None)
            runs[name] = replace(clean, error="" if outcome.verdict in ("recovered", "lost-work") else outcome.error)
        try:
            header, points = map_of(self._program.name, runs)
        except ValueError as error:
            raise ConfigurationError(f"{self._program.name}: {error}") from None
        self._clean = header.bytes
        return points, header.left

    def run(self, point: Point) -> Outcome | None:
        """Run the program with the fault of a point; return None if the fault never happened, which proves nothing."""
        outcome, _, happened = self._run(point)
        return outcome if happened else None

    def _run(self, point: Point | None) -> tuple[Outcome, CleanRun, bool]:
        server = self._program.make()
        for fault in () if point is None else point.faults:
            server.faults.add(parse(fault).optional())
        server.watch_silence(self._program.timeout)
        with TemporaryDirectory(prefix="ftpfixture-", ignore_cleanup_errors=True) as name:
            server.start()
            try:
                work = Path(name) / "work"
                work.mkdir()
                return self._judge(point, server, work)
            finally:
                server.stop()

    def _judge(self, point: Point | None, server: FtpServer, folder: Path) -> tuple[Outcome, CleanRun, bool]:
        if self._program.folder is not None:
            shutil.copytree(self._program.folder, folder, dirs_exist_ok=True)
        values, clock = _values(server, folder), server.driver
        began = clock.monotonic()
        result = self._execute([_filled(word, values) for word in self._program.command], folder)
        if not result.verdict and self._program.check:
            if "{served}" in self._program.check:
                server.wait_idle()
                server.files.save(values["served"])
            result = self._check(_filled(self._program.check, values), folder)
        seconds = clock.monotonic() - began
        try:
            server.check_hangs()
        except HangError as hang:
            result = _Result("hung", result.text or str(hang).partition("\n")[0])
        with suppress(AssertionError):
            server.wait_idle(1)
        sent = total_bytes(server.log.commands)
        outcome = Outcome(
            self._program.name,
            CLEAN if point is None else point.name,
            step=_of(point, "step"),
            shown=_of(point, "shown"),
            action=_of(point, "action"),
            fault=_of(point, "fault"),
            verdict=result.verdict or verdict_of(Run(sent=sent, clean=self._clean), (), ()),
            seconds=seconds,
            error=result.text,
            dialogue=server.log.dialogue(folded=False),
        )
        steps = steps_of(server.log.events, server.log.commands, is_sized=not server.faults.passes_on)
        return outcome, CleanRun(steps, sent), bool(server.faults.fired)

    def _execute(self, words: Sequence[str], folder: Path) -> _Result:
        """Run the program."""
        try:
            process = Popen(words, cwd=folder, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, start_new_session=True)
        except OSError as error:
            raise ConfigurationError(f"{words[0]}: {error.strerror or error}") from None
        try:
            output, _ = process.communicate(timeout=max(60.0, _NET * self._program.timeout))
        except TimeoutExpired:
            _end(process)
            return _Result("hung", f"{words[0]} goes on although its connections were reset")
        except BaseException:
            _end(process)
            raise
        if process.returncode < 0:
            return _Result("crashed", f"{signal.Signals(-process.returncode).name}: {_last(output)}")
        return _Result("failed", f"exit {process.returncode}: {_last(output)}") if process.returncode else _Result()

    def _check(self, command: str, folder: Path) -> _Result:
        """Look whether all is well."""
        process = Popen(command, cwd=folder, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, shell=True)
        output, _ = process.communicate()
        text = f"the check failed with exit {process.returncode}: {_last(output)}"
        return _Result("wrong", text) if process.returncode else _Result()


def _last(output: bytes) -> str:
    """The last lines of an output, in one."""
    return " / ".join(output.decode(errors="replace").splitlines()[-_LINES:])


def _of(point: Point | None, name: str) -> str:
    return "" if point is None else str(getattr(point, name))


def _end(process: Popen[bytes]) -> None:
    """End a process and those that it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _values(server: FtpServer, folder: Path) -> dict[str, str]:
    user, password = server.credentials
    certificate = "" if server.server.ssl is None else str(server.tls.ca_file)
    return {
        "url": server.url,
        "host": server.host,
        "port": str(server.port),
        "user": user,
        "password": password,
        "dir": str(folder),
        "ca": certificate,
        "served": str(folder.with_name("served")),
    }


def _filled(text: str, values: Mapping[str, str]) -> str:
    """A text with the values in place of their placeholders; other braces stay."""
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def check_program(words: Sequence[str]) -> None:
    """Check that a program can be found.

    Raises:
        ConfigurationError: It cannot.
    """
    if shutil.which(words[0]) is None:
        raise ConfigurationError(f"there is no program {words[0]!r} in PATH")
    known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    if not any(f"{{{name}}}" in word for word in words for name in ("url", "port")):
        raise ConfigurationError(
            f"the command has neither {{url}} nor {{port}}, so it finds no server; there are {known}"
        )
