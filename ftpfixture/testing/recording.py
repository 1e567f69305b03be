"""Records the dialogue of clients and a server, for `FtpServer.record`.

One rule: a file is written only for a block that ended in order, and then as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import PathLike
from typing import Literal

from ftpfixture.driver import Driver
from ftpfixture.log.events import Hub

__all__ = ["recorded"]

_PATIENCE = 1.0  # seconds that sessions get to end before they are recorded as open


@contextmanager
def recorded(
    hub: Hub,
    driver: Driver,
    path: str | PathLike[str],
    source: Literal["server", "proxy"],
    tls: bool,
    implicit: bool,
    clock: Callable[[], float],
) -> Iterator[None]:
    """Record the sessions that begin inside the context.

    Args:
        hub: Hub of the server.
        driver: Driver of the server.
        path: Path of the file.
        source: Kind of the server.
        tls: Whether it has TLS.
        implicit: Whether TLS begins with the connection.
        clock: The current time of the server that writes listings.

    Raises:
        RecordingError: A secret would be in the file; nothing is written.
    """
    from ftpfixture.recording.recorder import Recorder  # a server that records nothing imports no msgspec
    from ftpfixture.recording.store import save

    recorder = Recorder(source, "" if not tls else "implicit" if implicit else "explicit", clock=clock)
    driver.call(lambda: hub.subscribe(recorder))
    try:
        yield
        driver.wait_until(lambda: recorder.open_sessions == 0, _PATIENCE)
    finally:
        driver.call(lambda: hub.unsubscribe(recorder))
    save(path, driver.call(recorder.recording), recorder.secrets)
