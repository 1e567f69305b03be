"""How often a client waited for the network: what its sessions would cost over a distance.

One rule: a log cannot see that a client sent several commands at once, so each command counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from ftpfixture.log.events import CommandReceived, Connected, DataOpened, Event, TlsEstablished

__all__ = ["RoundTrips", "round_trips"]

_CONNECT = 2  # the handshake of TCP, and the greeting, which comes when that is complete
_FULL_TLS_12 = 2  # RFC 5246 7.3; with a resumed session, and with TLS 1.3 (RFC 8446 2), it is one


@dataclass(slots=True)
class RoundTrips:
    """The round trips of sessions, by what they were for.

    Attributes:
        connecting: For control connections: two each, for TCP and the greeting.
        commands: One each, by verb.
        data: For data connections: one each.
        tls: For TLS handshakes: one each; two for TLS 1.2 without a resumed session.
    """

    connecting: int = 0
    commands: Counter[str] = field(default_factory=Counter)
    data: int = 0
    tls: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.connecting + self.commands.total() + self.data + self.tls

    def seconds(self, latency: float) -> float:
        """Return what they cost where one takes `latency` seconds."""
        return self.total * latency

    def __str__(self) -> str:
        parts = [
            f"{count} {what}"
            for count, what in (
                (self.connecting, "to connect (TCP and greeting)"),
                (self.tls, "for TLS handshakes"),
                (self.commands.total(), "for commands"),
                (self.data, "for data connections"),
            )
            if count
        ]
        return f"{', '.join(parts) or 'none'}; {self.seconds(0.05):.3g} s at 50 ms, {self.seconds(0.2):.3g} s at 200 ms"


def round_trips(events: Iterable[Event]) -> RoundTrips:
    """Count the round trips that these events took."""
    counted = RoundTrips()
    for event in events:
        if isinstance(event, CommandReceived):
            counted.commands[event.verb] += 1
        elif isinstance(event, DataOpened):
            counted.data += 1
        elif isinstance(event, Connected):
            counted.connecting += _CONNECT
        elif isinstance(event, TlsEstablished):
            counted.tls += 1 if event.resumed or event.version == "TLSv1.3" else _FULL_TLS_12
    return counted
