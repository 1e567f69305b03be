"""What `logging` is told of a server: connections, failures, and every line that goes over the wire.

One rule: no secret and no control character of a peer gets into a record, and while nobody wants lines none are made.
"""

from __future__ import annotations

import logging

from ftpfixture.events import CommandReceived, Connected, Disconnected, Event, HandlerFailed, ReplySent
from ftpfixture.transcript import command_text, reply_texts
from ftpfixture.wire.lines import printable

__all__ = ["LogLines", "logger", "place"]

logger = logging.getLogger("ftpfixture.server")


def place(address: tuple[str, int]) -> str:
    """``host:port``, an IPv6 address in brackets."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class LogLines:
    """Tells the logger ``ftpfixture.server`` of one server: lines at DEBUG, connections at INFO, failures at ERROR.

    Args:
        encoding: Of replies.
    """

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._peers: dict[int, str] = {}

    def __call__(self, event: Event) -> None:
        """Log what an event says; a subscriber of the hub."""
        # Most events are commands and replies, and hardly ever wanted: they come first, and are not turned into text.
        if isinstance(event, CommandReceived):
            if logger.isEnabledFor(logging.DEBUG):
                logger.debug("%s", command_text(event))
        elif isinstance(event, ReplySent):
            if logger.isEnabledFor(logging.DEBUG):
                for line in reply_texts(event, self._encoding):
                    logger.debug("%s", line)
        elif isinstance(event, Connected):
            peer = self._peers[event.session] = place(event.peer)
            logger.info("new connection from %s", peer)
        elif isinstance(event, Disconnected):
            logger.info("closing connection from %s", self._peers.pop(event.session))
        elif isinstance(event, HandlerFailed):
            logger.error("%s failed", printable(event.verb) or "session", exc_info=event.error)
