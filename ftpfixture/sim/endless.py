"""Loops that never end: what clients do again and again, and turns in which they do nothing.

One rule: only what is repeated counts. A command line that is new, or a new server, begins the count again, so that
honest work of any length is no loop.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from ftpfixture.errors import HangError
from ftpfixture.net.transport import Address
from ftpfixture.wire.command import censor
from ftpfixture.wire.lines import printable

__all__ = ["Endless", "EndlessLoop"]

_TURNS = 1_000_000  # in which no client connects and none sends a command: some seconds of CPU
_SHOWN = 3  # lines that are repeated most often
_HEEDED = 5  # errors that code may handle, before one that it does not


class EndlessLoop(BaseException):
    """A loop that handles every HangError ends by this one; it is no Exception, as KeyboardInterrupt is none."""


class Endless:
    """What clients have done since something was new.

    Attributes:
        max_connections: Connections that clients may open, refused ones too, while they send no command line that is
            new. A loop of logins comes to 10 000 in a few seconds.
        max_commands: Commands that they may send meanwhile.
        on_found: Called when a loop is found, with what is repeated most often and how often.
    """

    def __init__(self) -> None:
        self.max_connections = 10_000
        self.max_commands = 100_000
        self.on_found: list[Callable[[str, int], object]] = []
        self._seen: set[tuple[str, str]] = set()
        self._lines = Counter[tuple[str, str]]()
        self._places = Counter[Address]()
        self._connections = self._commands = self._turns = self._errors = 0
        self._pending = ""

    def restart(self) -> None:
        """Begin again, with a new server or with one that was reset."""
        self._seen.clear()
        self._begin()
        self._pending = ""

    def _begin(self) -> None:
        self._lines.clear()
        self._places.clear()
        self._connections = self._commands = self._turns = 0

    def connects(self, address: Address) -> None:
        """Count a connection that a client wants.

        Raises:
            HangError: There were too many.
        """
        self._turns = 0
        self._connections += 1
        self._places[address] += 1
        if self._connections > self.max_connections:
            self._find()
            self.check()

    def sends(self, verb: str, argument: str) -> None:
        """Count a command; the arguments of PORT and EPRT are always new, and say nothing."""
        line = verb, "" if verb in ("PORT", "EPRT") else argument
        self._turns = 0
        if line not in self._seen:
            self._seen.add(line)
            self._begin()
        self._lines[line] += 1
        self._commands += 1
        if self._commands > self.max_commands:
            self._find()

    def turns(self) -> None:
        """Count a turn of the loops, or a step of the time.

        Raises:
            HangError: There were a million of them, and clients did nothing.
        """
        self._turns += 1
        if self._turns > _TURNS:
            self._turns = 0
            self._raise(
                f"{_TURNS} turns and pauses, in which no client connected or sent a command: a loop waits and looks "
                "again, or runs in circles, for ever"
            )

    def _find(self) -> None:
        is_first = not self._pending and not self._errors
        most = [(printable(censor(*line)), count) for line, count in self._lines.most_common(_SHOWN)]
        if not most:
            most = [("the connection to {}:{}".format(*place), n) for place, n in self._places.most_common(_SHOWN)]
        shown = ", ".join(f"{what} ({count} times)" for what, count in most)
        self._pending = (
            f"the client does the same again and again: {self._connections} connections and {self._commands} commands, "
            f"none of them new: {shown}; limit its attempts, or raise driver.endless.max_connections and max_commands "
            "of the server"
        )
        if is_first:
            for callback in tuple(self.on_found):
                callback(*most[0])

    def check(self) -> None:
        """Check at each wait of a client.

        Raises:
            HangError: It repeats something for ever.
        """
        if self._pending:
            text, self._pending = self._pending, ""
            self._raise(text)

    def _raise(self, text: str) -> None:
        self._errors += 1
        if self._errors > _HEEDED:
            raise EndlessLoop(text)
        raise HangError(text)
