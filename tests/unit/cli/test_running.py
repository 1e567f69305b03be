"""The end of commands that listen: signals, and what is found then."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from ftplib import FTP
from pathlib import Path

import pytest

from ftpfixture import FtpServer, Server
from ftpfixture.cli.running import findings, run
from tests.support.commandline import Running, run_here


def test_signals_end_it_whole_with_an_open_session(tmp_path: Path) -> None:
    """SIGINT, SIGTERM and SIGHUP end open sessions with 421, and the exit code is 0."""
    with FTP(timeout=20) as ftp, Running("serve", "--port", "0", folder=tmp_path) as server:
        ftp.connect("127.0.0.1", server.port)
        server.send(signal.SIGHUP)
        assert ftp.getline().startswith("421 ")
        ended = server.wait()
        ftp.close()
    assert (ended.code, ended.errors) == (0, "")

    def client(port: int) -> None:
        opened.connect("127.0.0.1", port)

    for number in (signal.SIGINT, signal.SIGTERM):
        with FTP(timeout=20) as opened:
            ended = run_here(client, "serve", "--port", "0", number=number)
            assert opened.getline().startswith("421 ")
            opened.close()
        assert (ended.code, ended.errors) == (0, "")


def test_a_second_signal_ends_the_program(keyboard: None, capsys: pytest.CaptureFixture[str]) -> None:
    """It does what it did before the program, so that it interrupts what takes too long."""
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


def test_two_signals_at_once(capsys: pytest.CaptureFixture[str], keyboard: None) -> None:
    """Both arrive before Python runs a handler: the first ends the server, the second the program."""

    @contextmanager
    def both() -> Iterator[None]:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT, signal.SIGTERM])
        yield

    ended: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: ended.append(number))
    try:
        run(FtpServer(), list, quiet=True, recording=both)
    except KeyboardInterrupt:
        ended.append(signal.SIGINT)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert len(ended) == 1


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


def test_under_nohup_a_closed_terminal_ends_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """A program that ignores SIGHUP from its start goes on ignoring it."""

    def about() -> Iterator[str]:
        signal.raise_signal(signal.SIGHUP)
        yield "alive"
        signal.raise_signal(signal.SIGTERM)

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert run(FtpServer(), about, quiet=True) == 0
    finally:
        signal.signal(signal.SIGHUP, before)
    assert capsys.readouterr().out.splitlines()[1:] == ["alive", "end with Ctrl-C"]
