"""The log while other threads emit events, read and clear: its records stay consistent, and nothing raises."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from ftpfixture.log import CommandLog
from ftpfixture.log.events import (
    CommandReceived,
    Connected,
    DataClosed,
    DataMoved,
    DataOpened,
    Disconnected,
    Event,
    Hub,
    ReplySent,
)
from ftpfixture.log.payload import Payload

HERE = ("127.0.0.1", 1)
ROUNDS = 300


@pytest.fixture
def restless() -> Iterator[None]:
    """Switch between threads as often as Python can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def emit_session(hub: Hub) -> None:
    """Emit one session with one download, whose bytes have a digest."""
    session = next(_NUMBERS)
    hub.emit(Connected(*hub.stamp(session), HERE, HERE))
    stamp = hub.stamp(session)
    hub.emit(CommandReceived(*stamp, "RETR", "a"))
    number = stamp[1]
    hub.emit(DataOpened(*hub.stamp(session), number, "passive", HERE, "download", "RETR", "/a", 0, "I"))
    payload = Payload()
    payload.add(bytes(10))
    hub.emit(DataMoved(*hub.stamp(session), number, 10))
    hub.emit(DataClosed(*hub.stamp(session), number, payload, True, ""))
    hub.emit(ReplySent(*hub.stamp(session), "226", ("ok",), number, b"226 ok\r\n"))
    hub.emit(Disconnected(*hub.stamp(session), "quit"))


_NUMBERS = iter(range(1, sys.maxsize))


def _look(log: CommandLog) -> None:
    assert all(transfer.sha256 for transfer in log.transfers if transfer.completed)
    assert all(session.reason for session in log.sessions if session.closed_at is not None)
    for record in log.find("RETR"):
        assert str(record)
    _ = log.is_busy, log.events, log.failures, log.take_failures()


def _never(event: Event) -> bool:
    return False


def _wait_in_vain(log: CommandLog) -> None:
    with pytest.raises(AssertionError, match="not seen"):
        log.wait_for(_never, timeout=0)


@pytest.mark.usefixtures("restless")
@pytest.mark.parametrize(
    "use",
    [CommandLog.clear, _look, CommandLog.transcript, CommandLog.wait_idle, _wait_in_vain],
    ids=["clear", "look", "transcript", "wait_idle", "wait_for"],
)
def test_any_method_while_another_thread_emits_and_a_third_clears(use: Callable[[CommandLog], None]) -> None:
    """Every method may be called at any moment."""
    hub = Hub(lambda: 0.0)
    log = CommandLog(hub)
    over = threading.Event()
    errors: list[BaseException] = []

    def repeat(step: Callable[[], None]) -> None:
        try:
            while not over.is_set():
                step()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=repeat, args=(step,)) for step in (lambda: use(log), log.clear)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(ROUNDS):
            emit_session(hub)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert errors == []
    log.clear()
    assert (log.commands, log.transfers, log.sessions, log._projection.retention.size) == ([], [], [], 0)
