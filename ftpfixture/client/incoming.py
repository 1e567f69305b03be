"""The lines that the server sends on a control connection.

One rule: a line that belongs to no command is never taken for a reply.
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
_LINE_LIMIT = 1 << 20  # real replies have up to 17 kB; a line that never ends must not fill the memory
_UNSOLICITED = 16  # reads of unsolicited lines before a command; a limit, because the server may never stop


class IncomingLines:
    """Receives and queues the lines of a control connection.

    Args:
        connector: Recognizes a refused client certificate when the connection fails.
    """

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._reader = LineReader(_LINE_LIMIT)
        self._lines: deque[bytes | None] = deque()

    def __bool__(self) -> bool:
        """Whether a line can be read at once."""
        return bool(self._lines)

    @property
    def has_begun(self) -> bool:
        """Whether anything was received that is not read, even part of a line."""
        return bool(self._lines) or self._reader.pending

    def clear(self) -> None:
        """Discard what was received on another connection."""
        self._reader.clear()
        self._lines.clear()

    async def receive(self, channel: Channel) -> bool:
        """Wait for more data; False when the server closed the connection.

        Raises:
            TimeoutError: The server took longer than the timeout of the channel.
            TlsError: The server refused this client's certificate.
        """
        try:
            data = await channel.receive(_RECEIVE)
        except TimeoutError:
            raise TimeoutError(f"the server sent nothing for {channel.timeout:g} seconds") from None
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
        """Discard unsolicited lines, which would be taken for a reply; 421 stays, because it ends the session."""
        try:
            for _ in range(_UNSOLICITED):
                if not (data := channel.receive_now(_RECEIVE)):
                    break
                self._lines.extend(self._reader.feed(data))
        except ConnectionAbortedError as error:
            self._connector.raise_refusal(channel, error)
            raise
        while self._lines and not (self._lines[0] or b"").startswith(b"421"):
            line = (self._lines.popleft() or b"").decode("utf-8", "replace")
            logger.warning("unsolicited reply ignored: %s", printable(line))
        if not self._lines:
            self._reader.clear()
