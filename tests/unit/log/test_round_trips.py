"""How round trips are counted."""

from __future__ import annotations

from ftpfixture.log.events import TlsEstablished
from ftpfixture.log.round_trips import RoundTrips, round_trips
from tests.support.story import Story


def test_each_wait_counts(story: Story) -> None:
    """A connection counts two, a command one, a data connection one."""
    story.login()
    story.transfer("RETR /a", b"ab")

    counted = round_trips(story.log.events)

    assert (counted.connecting, counted.commands, counted.data, counted.tls) == (
        2,
        {"USER": 1, "PASS": 1, "RETR": 1},
        1,
        0,
    )
    assert counted.total == 6
    assert str(counted) == (
        "2 to connect (TCP and greeting), 3 for commands, 1 for data connections; 0.3 s at 50 ms, 1.2 s at 200 ms"
    )


def test_a_tls_handshake_counts_by_its_version() -> None:
    """TLS 1.3 takes one round trip; TLS 1.2 takes two, and one with a resumed session."""
    handshakes = [("TLSv1.3", False), ("TLSv1.2", False), ("TLSv1.2", True)]
    events = [TlsEstablished(1, 1, 0, "data", 1, version, "", resumed, "") for version, resumed in handshakes]

    assert [round_trips([event]).tls for event in events] == [1, 2, 1]
    assert round_trips(events).tls == 4


def test_nothing_takes_none() -> None:
    """Without events there is no round trip."""
    assert (RoundTrips().total, str(round_trips([]))) == (0, "none; 0 s at 50 ms, 0 s at 200 ms")
