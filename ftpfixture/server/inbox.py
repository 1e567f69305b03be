"""The received commands of a session, kept until their turn.

One rule: this module knows no verb. The marker of a command decides whether it may overtake others.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

from ftpfixture.net.channel import Channel
from ftpfixture.server.dispatch import CommandSpec
from ftpfixture.wire.command import Command
from ftpfixture.wire.lines import LineReader

__all__ = ["Inbox"]

_LINE_LIMIT = 8192  # bytes of a command line
_RECEIVE = 1 << 16
_LIMIT = 1024  # commands read ahead before the client has to wait


class Inbox(deque[Command | None]):
    """The commands of a session in the order of arrival; None is a line that was too long.

    Args:
        channel: The control connection.
        encoding: Encoding of commands.
        received: Called after bytes arrived.
        ended: Called with the reason when the connection has ended.
    """

    def __init__(
        self, channel: Channel, encoding: str, received: Callable[[], None], ended: Callable[[str], None]
    ) -> None:
        super().__init__()
        self._channel = channel
        self._encoding = encoding
        self._received = received
        self._ended = ended
        self._reader = LineReader(_LINE_LIMIT)
        self._full = False  # nothing is read until less than half of the limit waits

    def listen(self) -> None:
        """Read what has arrived, and whenever more arrives."""
        self._channel.watch(self._readable)
        self._readable()  # TLS may have buffered bytes, for which the loop calls nothing

    def watch_end(self) -> None:
        """Read nothing, but call `ended` when the client has closed or reset the connection."""
        self._channel.watch_end(self._closed)

    def stop(self) -> None:
        """Stop reading and watching."""
        self._channel.unwatch()

    def _readable(self) -> None:
        try:
            data = self._channel.receive_now(_RECEIVE)
        except OSError:
            self._ended("connection reset")
            return
        if data is None:
            return
        if not data:
            self._closed()
            return
        encoding = self._encoding
        for line in self._reader.feed(data):
            self.append(None if line is None else Command.parse(line, encoding))
        if len(self) > _LIMIT:
            self._full = True
            self.stop()
        self._received()

    def _closed(self) -> None:
        self._ended("client closed")

    def take(self, index: int) -> Command | None:
        """Remove and return one command."""
        command = self[index]
        del self[index]
        if self._full and len(self) < _LIMIT // 2:
            self._full = False
            self._channel.watch(self._readable)
        return command

    def overtaking(self, specs: Mapping[str, CommandSpec], awaits_preliminary: bool) -> int | None:
        """The command that may run during a transfer: the first if its marker allows it, or one that overtakes.

        The first waits until the transfer has its preliminary reply or its error: a client that sends commands ahead
        counts replies. A command that overtakes aborts the transfer, whose final reply then comes before its own.

        Args:
            specs: Lower-case verb to the properties of the command.
            awaits_preliminary: Whether a transfer has no reply yet.

        Returns:
            Its index; None when every command has to wait.
        """
        for index, command in enumerate(self):
            spec = specs.get(command.verb.lower()) if command is not None else None
            if spec is None:
                continue
            if spec.overtakes or (spec.during_transfer and index == 0 and not awaits_preliminary):
                return index
        return None

    def drop_line(self) -> None:
        """Discard the beginning of an incomplete line."""
        self._reader.clear()

    def clear(self) -> None:
        """Discard all commands, and the beginning of an incomplete line."""
        super().clear()
        self._reader.clear()
