"""Progress bars of transfers."""

from __future__ import annotations

import io

from rich.console import Console

from ftpfixture.cli.progress import Bars
from ftpfixture.log.events import DataClosed, DataMoved, DataOpened, Disconnected, Event, ReplySent
from ftpfixture.log.payload import Payload


def _opened(seq: int, path: str) -> DataOpened:
    return DataOpened(1, seq + 1, 0.1, seq, "passive", ("127.0.0.1", 1), "download", "RETR", path, 0, "I")


def _closed(seq: int) -> DataClosed:
    return DataClosed(1, 99, 0.2, seq, Payload(), True, "")


def _drawn(*events: Event) -> str:
    """What a terminal gets for events."""
    file = io.StringIO()
    bars = Bars(Console(file=file, force_terminal=True, width=100, color_system=None))
    for event in events:
        bars.take(event)
    bars.stop()
    return file.getvalue()


def test_a_transfer_has_a_bar_with_its_bytes() -> None:
    """The bar has the path, the bytes, and the size that the preliminary reply has."""
    begin = ReplySent(1, 5, 0.1, "150", ("Opening data connection for a.bin (2000 bytes)",), 3, b"")
    drawn = _drawn(_opened(3, "/a[b].bin"), begin, DataMoved(1, 6, 0.1, 3, 500), DataMoved(1, 7, 0.1, 4, 9))

    assert "/a[b].bin" in drawn
    assert "0.5/2.0 kB" in drawn


def test_bars_of_transfers_at_the_same_time() -> None:
    """Each transfer has its own bar, which is removed with it; after the last one, no bar is drawn."""
    drawn = _drawn(_opened(3, "/a"), _opened(5, "/b"), DataMoved(1, 6, 0.1, 5, 700), _closed(3))
    assert "/b" in drawn
    assert "700/? bytes" in drawn

    over = _drawn(_opened(3, "/a"), _closed(3), Disconnected(1, 9, 0.3, "quit"))
    assert over.rindex("\x1b[2K") > over.rindex("/a")  # the line of the bar is erased
