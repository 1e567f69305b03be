"""What a client says: read as it comes, and kept until its turn.

One rule: this room knows no verb. What may overtake what is said by the marker of the command.
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
    """The commands of a session in the order they came; None stands for a line that was too long.

    Args:
        channel: Where they come from.
        encoding: Of commands.
        heard: Called when something came.
        ended: Called with the reason when nothing more will come.
    """

    def __init__(
        self, channel: Channel, encoding: str, heard: Callable[[], None], ended: Callable[[str], None]
    ) -> None:
        super().__init__()
        self._channel = channel
        self._encoding = encoding
        self._heard = heard
        self._ended = ended
        self._reader = LineReader(_LINE_LIMIT)
        self._full = False  # nothing more is read until half of what waits is gone

    def listen(self) -> None:
        """Read whenever something comes, and what is there already."""
        self._channel.watch(self._readable)
        self._readable()  # TLS may have received what the loop will not tell of

    def watch_end(self) -> None:
        """Read nothing, but notice when the client is gone."""
        self._channel.watch_end(self._closed)

    def stop(self) -> None:
        """Neither read nor notice anything."""
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
        self._heard()

    def _closed(self) -> None:
        self._ended("client closed")

    def take(self, index: int) -> Command | None:
        """Take one out."""
        command = self[index]
        del self[index]
        if self._full and len(self) < _LIMIT // 2:
            self._full = False
            self._channel.watch(self._readable)
        return command

    def overtaking(self, specs: Mapping[str, CommandSpec], awaits_preliminary: bool) -> int | None:
        """Which command may be answered while a transfer runs: the first if it may at all, or one that overtakes.

        The first waits until the transfer has its preliminary reply or its refusal: whoever sends commands ahead counts
        replies. What overtakes ends the transfer, which then is answered before it.

        Args:
            specs: Lower-case verb to what is known of the command.
            awaits_preliminary: Whether a transfer has got no reply yet.

        Returns:
            Its index; None when all have to wait.
        """
        for index, command in enumerate(self):
            spec = specs.get(command.verb.lower()) if command is not None else None
            if spec is None:
                continue
            if spec.overtakes or (spec.during_transfer and index == 0 and not awaits_preliminary):
                return index
        return None

    def drop_line(self) -> None:
        """Forget the beginning of a line, of which the end has not come."""
        self._reader.clear()

    def clear(self) -> None:
        """Forget everything."""
        super().clear()
        self._reader.clear()
