"""A server on which things go wrong, its clients, and what must hold when all of that is over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ftpfixture import FtpServer
from ftpfixture.clock import Clock
from ftpfixture.faults.active import ActiveFault
from ftpfixture.log.events import Disconnected, FaultApplied
from tests.support.witness import Witness

__all__ = ["BIG", "FILES", "Lab"]

BIG = bytes(range(256)) * (1 << 15)  # larger than all buffers: without a reader, the transfer stops
FILES = {"/a.txt": b"hello\n", "/b.txt": b"0123456789", "/c.txt": b"c", "/big.bin": BIG, "/dir/": None}


class Lab:
    """A running server, and its clients.

    Args:
        make: Starts a server.
        settings: The settings of the server.

    Attributes:
        server: The server, with `FILES`.
    """

    def __init__(self, make: Callable[..., FtpServer], **settings: Any) -> None:
        self.server = make(**{"files": FILES, **settings})
        self._clients: list[Witness] = []

    @property
    def clock(self) -> Clock:
        """The clock of the server."""
        return self.server.clock

    @property
    def is_implicit(self) -> bool:
        """Whether TLS comes first."""
        return self.server.server.implicit_tls

    def add(self, *faults: str) -> list[ActiveFault]:
        """Add faults."""
        return [self.server.faults.add(fault) for fault in faults]

    def connect(self) -> Witness:
        """Return a connected client that has sent and read nothing."""
        self._clients.append(Witness(self.server))
        return self._clients[-1]

    def connect_before_it_is_accepted(self) -> Witness:
        """Return a client that is connected before the fault acts: otherwise connecting might fail with the RST."""
        self.server.pause()
        client = self.connect()
        self.server.resume()
        return client

    def visit(self) -> Witness:
        """Return a client that has read the greeting, with TLS if the server has TLS."""
        client = self.connect()
        if self.is_implicit:
            client.encrypt_first()
        assert client.reply().code == "220"
        if self.server.server.ssl and not self.is_implicit:
            client.encrypt()
        return client

    def enter(self, *faults: str) -> Witness:
        """Return a client that has logged in before these faults are added."""
        client = self.connect().enter()
        self.add(*faults)
        return client

    def wait_applied(self, times: int = 1) -> None:
        """Wait until faults were applied this number of times, and the server waits only for their timers."""
        self.server.log.wait_for(lambda event: isinstance(event, FaultApplied), times=times)
        self.clock.move(0)

    def reason(self, client: Witness) -> str:
        """Wait for the end of the session of a client; returns the reason."""
        number = client.number
        self.server.log.wait_for(lambda event: isinstance(event, Disconnected) and event.session == number)
        return self.server.log.sessions[number - 1].reason

    def check(self) -> None:
        """Check that every fault happened and is in the transcript, and that the next session works."""
        self.clock.resume()
        for client in self._clients:
            client.close()
        log = self.server.log
        assert log.wait_until(lambda: not self.server.sessions, 10), log.transcript()
        self.server.check()
        for active in self.server.faults.active:
            if not active.fault.trigger.optional:
                self.server.faults.assert_fired(active)
        transcript = log.transcript()
        for event in self.server.faults.fired:
            assert f"! {event.fault}\n" in transcript
        self.server.faults.clear()
        with Witness(self.server) as client:
            client.enter()
            assert client.fetch_all("RETR b.txt") == (["150", "226"], b"0123456789")
            assert client.code("QUIT") == "221"
            assert client.end() == "in order"
