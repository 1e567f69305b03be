"""Runs a server until Ctrl-C or SIGTERM, and reports what went wrong.

One rule: the first line of the output is ``listening on HOST:PORT``, printed when the server accepts connections; a
first signal ends the server whole, a second one ends the program at once.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from traceback import format_exception
from types import FrameType

import rich_click as click

from ftpfixture.cli.terminal import Dialogue, console
from ftpfixture.cli.wording import with_options
from ftpfixture.errors import FtpFixtureError
from ftpfixture.log.events import HandlerFailed
from ftpfixture.testing.ftpserver import FtpServer

__all__ = ["about_tls", "findings", "place", "run"]

_SILENT = logging.NullHandler()


def place(server: FtpServer) -> str:
    """``HOST:PORT``, with brackets around an IPv6 address."""
    host, port = server.address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def about_tls(server: FtpServer) -> Iterator[str]:
    """Lines that tell the user how clients trust the server; none without TLS."""
    if server.server.ssl is not None:
        yield f"CA certificate: {server.tls.ca_file}"


def run(
    server: FtpServer,
    about: Callable[[], Iterable[str]],
    quiet: bool,
    recording: Callable[[], AbstractContextManager[None]] | None = None,
) -> int:
    """Run a server until the user ends it.

    Args:
        server: Not started.
        about: Lines for the user, printed when the server listens.
        quiet: Do not print the dialogue.
        recording: Records within its context; transfers have progress bars then.

    Returns:
        The exit code: 1 for anything that would fail a test; it is printed.

    Raises:
        OSError: It cannot listen.
        RecordingError: The recording cannot be written.
    """
    logging.getLogger("ftpfixture").addHandler(_SILENT)  # the dialogue has what would be logged
    out = console()
    dialogue = Dialogue(out, quiet, bars=recording is not None)
    with _until_signal(dialogue.end):
        server.driver.call(lambda: server.server.hub.subscribe(dialogue))
        server.start()
        try:
            with recording() if recording is not None else nullcontext():
                for line in (f"listening on {place(server)}", *about(), "end with Ctrl-C"):
                    out.print(line)
                dialogue.show()
                server.pause()  # a session that begins while the recording ends would be in no file
            found = findings(server)
        finally:
            server.stop()
    context = click.get_current_context(silent=True)
    for text in found:
        click.echo(with_options(text, None if context is None else context.command), err=True)
    return 1 if found else 0


def findings(server: FtpServer) -> list[str]:
    """What would fail a test, one text for each finding."""
    failures = [_failure(failed) for failed in server.log.take_failures()]
    missed = [one for one in server.faults.active if not (one.fired or one.fault.trigger.optional)]
    return [*failures, *server.unplayed(), *(f"{one.fault} never happened: {one.why_not_fired()}" for one in missed)]


def _failure(failed: HandlerFailed) -> str:
    """What failed; with its traceback when that is no finding about the client, but a bug of this package."""
    if isinstance(failed.error, FtpFixtureError):
        return str(failed.error)
    return "".join([f"{failed.verb or 'the session'} raised an exception:\n", *format_exception(failed.error)])


@contextmanager
def _until_signal(end: Callable[[], None]) -> Iterator[None]:
    """Call `end` for the first signal that ends programs, and let the second one do what it did before."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # else it is under nohup
        numbers.append(signal.SIGHUP)
    before = {number: signal.getsignal(number) or signal.SIG_DFL for number in numbers}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    seen = []

    def handle(number: int, frame: FrameType | None) -> None:
        # Not at once: Python reports a signal that is on its way while its handler is taken away as an error.
        seen.append(number)
        if len(seen) == 1:
            end()
        else:
            restore()
            signal.raise_signal(number)

    for number in numbers:
        signal.signal(number, handle)
    try:
        yield
    finally:
        restore()
