"""What the server says on a control connection, line by line.

One rule: a line that no command asked for is never taken for a reply.
"""

from __future__ import annotations

import logging
from collections import deque

from ftpfixture.client.connector import Connector
from ftpfixture.net.channel import Channel
from ftpfixture.wire.lines import LineReader, printable

__all__ = ["IncomingLines"]

logger = logging.getLogger("ftpfixture.client")

_RECEIVE = 1 << 16
_LINE_LIMIT = 1 << 20  # replies of 17 kB are seen; a line that never ends must not eat the memory
_UNSOLICITED = 16  # reads of unsolicited lines, after which no more are looked for: the server may never stop


class IncomingLines:
    """Lines of a control connection that were received, or will be.

    Args:
        connector: Tells why a connection breaks.
    """

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._reader = LineReader(_LINE_LIMIT)
        self._lines: deque[bytes | None] = deque()

    def __bool__(self) -> bool:
        """Whether a line is there to be read at once."""
        return bool(self._lines)

    @property
    def has_begun(self) -> bool:
        """Whether anything was received that is not read, be it half a line."""
        return bool(self._lines) or self._reader.pending

    def clear(self) -> None:
        """Drop what was received: it belongs to another connection."""
        self._reader.clear()
        self._lines.clear()

    async def receive(self, channel: Channel) -> bool:
        """Wait for more; False when the server closed the connection.

        Raises:
            TimeoutError: The server took longer than the timeout of the channel.
            TlsError: The server refuses this client's certificate.
        """
        try:
            data = await channel.receive(_RECEIVE)
        except TimeoutError:
            raise TimeoutError(f"the server said nothing for {channel.timeout:g} seconds") from None
        except ConnectionAbortedError as error:
            self._connector.raise_refusal(channel, error)
            raise
        self._lines.extend(self._reader.feed(data))
        return bool(data)

    def pop(self) -> bytes:
        """The next line without its end.

        Raises:
            ConnectionAbortedError: The line is longer than a megabyte.
        """
        line = self._lines.popleft()
        if line is None:
            raise ConnectionAbortedError("the server sent a line that does not end")
        return line

    def discard_unsolicited(self, channel: Channel) -> None:
        """Discard what the server sent unasked, or it would be taken for a reply; 421 stays: it closes the session."""
        try:
            for _ in range(_UNSOLICITED):
                if not (data := channel.receive_now(_RECEIVE)):
                    break
                self._lines.extend(self._reader.feed(data))
        except ConnectionAbortedError as error:
            self._connector.raise_refusal(channel, error)
            raise
        while self._lines and not (self._lines[0] or b"").startswith(b"421"):
            logger.warning("nobody asked for %s", printable((self._lines.popleft() or b"").decode("utf-8", "replace")))
        if not self._lines:
            self._reader.clear()
