"""The end of commands that listen: signals, and what is found then."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ftplib import FTP
from pathlib import Path

import pytest

from ftpfixture import FtpServer, Server
from ftpfixture.cli.running import findings, run
from tests.support.commandline import Running
from tests.support.rows import check_rows


def test_signals_end_it_whole_with_an_open_session(tmp_path: Path) -> None:
    """SIGINT, SIGTERM and SIGHUP end open sessions with 421, and the exit code is 0."""

    def check(number: int) -> None:
        with Running("serve", "--port", "0", folder=tmp_path) as server, FTP(timeout=20) as ftp:
            ftp.connect("127.0.0.1", server.port)
            server.send(number)
            assert ftp.getline().startswith("421 ")
            ended = server.wait()
        assert (ended.code, ended.errors) == (0, "")

    check_rows([signal.SIGINT, signal.SIGTERM, signal.SIGHUP], check)


def test_a_second_signal_ends_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    """The handlers of before are back after the first signal, so that a second one interrupts what takes too long."""
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)

    @contextmanager
    def slow() -> Iterator[None]:
        signal.raise_signal(signal.SIGINT)
        yield
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run(FtpServer(), list, quiet=True, recording=slow)

    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    assert capsys.readouterr().out.startswith("listening on 127.0.0.1:")


def test_findings_have_failures_of_handlers() -> None:
    """A handler that raises is a finding, as is a fault that never happened; each is one text."""

    class Broken(Server):
        async def noop(self, connection: object, rest: str) -> bool:
            raise RuntimeError("out of order")

    with FtpServer(server_class=Broken, faults=["QUIT: close", "STOR: delay 1"]) as server:
        with FTP(timeout=20) as ftp:
            ftp.connect(*server.address)
            ftp.putcmd("NOOP")
            assert ftp.getline().startswith("451 ")
        found = findings(server)
        server.faults.clear()

    assert found[0].startswith("NOOP raised an exception:\nTraceback")
    assert found[0].endswith("RuntimeError: out of order\n")
    assert found[1].startswith("STOR: delay 1 never happened: ")


def test_under_nohup_a_closed_terminal_ends_nothing(tmp_path: Path) -> None:
    """A program that ignores SIGHUP from its start goes on ignoring it."""
    code = (
        "import signal, sys\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "from ftpfixture import FtpServer\n"
        "from ftpfixture.cli.running import run\n"
        "def about():\n"
        "    signal.raise_signal(signal.SIGHUP)\n"
        "    yield 'alive'\n"
        "    signal.raise_signal(signal.SIGTERM)\n"
        "sys.exit(run(FtpServer(), about, True))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)

    assert done.stdout.splitlines()[1:] == ["alive", "end with Ctrl-C"]
