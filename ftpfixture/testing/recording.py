"""Records the dialogue of clients and a server, for `FtpServer.record`.

One rule: a file is written only for a block that ended in order, and then as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ftpfixture.driver import Driver
from ftpfixture.server import Server
from ftpfixture.wire.verbs import Verbs

if TYPE_CHECKING:
    from ftpfixture.recording.recorder import Recorder
    from ftpfixture.recording.store import Recording

__all__ = ["clock_of_listings", "recorded", "recorder_of", "recording_of", "subscribed"]

_PATIENCE = 1.0  # seconds that sessions get to end before they are recorded as open


def recorder_of(
    server: Server,
    clock: Callable[[], float],
    *,
    redact: Mapping[str, str] | None = None,
    loose: Iterable[str] = (),
    timing: bool = False,
    began: float | None = None,
    path: str | PathLike[str] | None = None,
) -> Recorder:
    """Make a recorder for the events of a server.

    Args:
        server: The server, or a proxy.
        clock: The current time of the server that writes listings.
        redact: Secrets by the names of their placeholders.
        loose: Verbs that a replay takes more often or less often than they were recorded.
        timing: Whether lines get the time that had passed in their sessions.
        began: When the dialogue began, by the clock; None for now.
        path: Path of the file, beside which long bodies are stored while they are recorded.

    Raises:
        ConfigurationError: A placeholder or a verb is invalid.
    """
    # A server that records nothing imports no msgspec.
    from ftpfixture.recording.named_secrets import named_secrets
    from ftpfixture.recording.recorder import Recorder
    from ftpfixture.recording.spool import Spool
    from ftpfixture.recording.steps import check_loose

    verbs = Verbs.read(*[loose] if isinstance(loose, str) else loose)
    verbs.check(verb.upper() for verb in server.specs)
    check_loose(verbs.names)
    secrets = named_secrets(redact or {})
    tls: Literal["", "explicit", "implicit"]
    source: Literal["server", "proxy"]
    tls = "" if server.ssl is None else "implicit" if server.implicit_tls else "explicit"
    source = "proxy" if server.upstream_hosts() else "server"
    spool = None if path is None else Spool(Path(path).parent, f".{Path(path).name}.")
    return Recorder(source, tls, secrets, clock, loose=verbs.names, timing=timing, began=began, spool=spool)


def recording_of(server: Server, recorder: Recorder) -> Recording:
    """The recording so far; its secrets are complete, too."""
    for host in server.upstream_hosts():
        recorder.secrets.add("host", host, searched=False)
    return recorder.recording()


def clock_of_listings(server: Server) -> Callable[[], float]:
    """The clock by which the dates in listings are written: behind a proxy, that of the real server."""
    return server.clock.time_source.wall if server.upstream_hosts() else server.clock


@contextmanager
def subscribed(server: Server, driver: Driver, recorder: Recorder) -> Iterator[None]:
    """Give a recorder the sessions that begin inside the context; at its end they get a second to end."""
    driver.call(lambda: server.hub.subscribe(recorder))
    try:
        yield
        driver.wait_until(lambda: recorder.open_sessions == 0, _PATIENCE)
    finally:
        driver.call(lambda: server.hub.unsubscribe(recorder))


@contextmanager
def recorded(server: Server, driver: Driver, path: str | PathLike[str], recorder: Recorder) -> Iterator[None]:
    """Record the sessions that begin inside the context.

    Args:
        server: The server, or a proxy.
        driver: Driver of the server.
        path: Path of the file.
        recorder: For the server.

    Raises:
        RecordingError: A secret would be in the file; nothing is written.
        OSError: The file or a body cannot be written, as when the disk is full; likewise.
    """
    from ftpfixture.recording.store import save

    try:
        with subscribed(server, driver, recorder):
            yield
        # Here and not on the thread of the loop, which other servers share: long listings take a tenth of a second.
        save(path, recording_of(server, recorder), recorder.secrets)
    finally:
        recorder.spool.close()
