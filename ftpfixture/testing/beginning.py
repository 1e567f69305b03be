"""What a server was when it began, so that one server can serve many tests.

One rule: what a test changes by the handle of a server is brought back here, or `FtpServer.reset` says that it stays.
"""

from __future__ import annotations

from collections.abc import Mapping

from ftpfixture.aio import take_turns
from ftpfixture.clock import Clock
from ftpfixture.errors import ConfigurationError
from ftpfixture.faults.active import ActiveFaults
from ftpfixture.faults.dsl import Fault
from ftpfixture.server import Server
from ftpfixture.testing.faults import Faults
from ftpfixture.testing.files import Files

__all__ = ["Beginning"]


class Beginning:
    """The files, speed limits and faults with which a server begins.

    Args:
        server: The server inside.
        contents: The setting `files`.
        files: What the server has now.
        faults: What goes wrong now.
        rules: Where the server looks for that.
        own_clock: The server's clock, when it has one of its own.
    """

    def __init__(
        self,
        server: Server,
        contents: Mapping[str, bytes | None],
        files: Files,
        faults: Faults,
        rules: ActiveFaults,
        own_clock: Clock | None,
    ) -> None:
        self._server = server
        self._contents = dict(contents)
        self._files = files
        self._faults = faults
        self._rules = rules
        self._clock = own_clock
        self._first_faults: tuple[Fault, ...] | None = None
        throttles = (*server.throttle, *server.throttle_per_connection)
        self._limits = [(throttle, throttle.limit) for throttle in throttles]

    def started(self) -> None:
        """Remember the faults that there are when the server is first started."""
        if self._first_faults is None:
            self._first_faults = tuple(armed.fault for armed in self._faults.active)

    def check(self) -> None:
        """Make sure that all can be brought back.

        Raises:
            ConfigurationError: The files are not in memory.
        """
        if not self._files.in_memory:
            raise ConfigurationError(
                "reset() brings back files in memory, and this server has others: start a new server for each test"
            )

    async def bring_back(self) -> None:
        """Let everything be as it was; on the loop, when all sessions have ended."""
        if self._clock is not None:
            self._clock.reset()
        for throttle, limit in self._limits:
            throttle.limit = limit
        self._files.clear()
        for path, data in self._contents.items():
            self._files.put(path, data)
            await take_turns()
        self._rules.started = self._server.clock.monotonic()
        self._faults.clear()
        for fault in self._first_faults or ():
            self._faults.add(fault)
