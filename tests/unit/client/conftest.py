"""For tests of the client."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.support.naps import Naps


@pytest.fixture
def refusing() -> Iterator[tuple[str, int]]:
    """An address where connections are refused: the port is bound, but not listened on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> Naps:
    """Retries do not wait; the fixture records how long they would have waited."""
    naps = Naps()
    monkeypatch.setattr("ftpfixture.client.retry.asyncio", naps)
    return naps
