"""The records of a server in `logging`: connections, failures, and every command and reply line.

One rule: a record contains no secret and no control character of a peer, and no line is made for a disabled level.
"""

from __future__ import annotations

import logging
import sys
from os import getpid
from threading import current_thread

from ftpfixture.driver import REAL_TIME
from ftpfixture.log.events import CommandReceived, Connected, Disconnected, Event, HandlerFailed, ReplySent
from ftpfixture.log.transcript import command_text, reply_texts
from ftpfixture.untouched import wall_time
from ftpfixture.wire.lines import printable

__all__ = ["LogLines", "log", "logger", "place"]

logger = logging.getLogger("ftpfixture.server")

_BEGAN = REAL_TIME.monotonic()


def log(level: int, text: str, *args: object, error: BaseException | None = None) -> None:
    """Log a record, if its level is enabled.

    `logging` calls `time.time` for each record: a mock of it with one value for each call of the code under test would
    run out of values on the servers' thread, and raise there. So the record is made here, unless a user has set a
    factory of records, which then makes all of them.
    """
    if not logger.isEnabledFor(level):
        return
    if logging.getLogRecordFactory() is logging.LogRecord:
        logger.handle(_record(level, text, args, error))
    else:
        logger.log(level, text, *args, exc_info=error)


def _record(level: int, text: str, args: tuple[object, ...], error: BaseException | None) -> logging.LogRecord:
    record, now, thread = logging.LogRecord.__new__(logging.LogRecord), wall_time(), current_thread()
    processes = sys.modules.get("multiprocessing")  # as `logging` does: not imported only for its name
    record.__dict__.update(
        name=logger.name,
        levelno=level,
        levelname=logging.getLevelName(level),
        msg=text,
        args=args,
        exc_info=(type(error), error, error.__traceback__) if error is not None else None,
        exc_text=None,
        stack_info=None,
        pathname=__file__,
        filename="loglines.py",
        module="loglines",
        funcName="log",
        lineno=0,
        created=now,
        msecs=now % 1 * 1000,
        relativeCreated=(REAL_TIME.monotonic() - _BEGAN) * 1000,
        thread=thread.ident,
        threadName=thread.name,
        process=getpid(),
        processName=processes.current_process().name if processes else "MainProcess",
        taskName=None,
    )
    return record


def place(address: tuple[str, int]) -> str:
    """``host:port``, an IPv6 address in brackets."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class LogLines:
    """Logs the events of one server to ``ftpfixture.server``: lines at DEBUG, connections at INFO, failures at ERROR.

    Args:
        encoding: Encoding of replies.
    """

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._peers: dict[int, str] = {}

    def __call__(self, event: Event) -> None:
        """Log an event; a subscriber of the hub."""
        # Most events are commands and replies, and their level is rarely enabled: check them first, without a text.
        if isinstance(event, CommandReceived):
            if logger.isEnabledFor(logging.DEBUG):
                log(logging.DEBUG, "%s", command_text(event))
        elif isinstance(event, ReplySent):
            if logger.isEnabledFor(logging.DEBUG):
                for line in reply_texts(event, self._encoding):
                    log(logging.DEBUG, "%s", line)
        elif isinstance(event, Connected):
            peer = self._peers[event.session] = place(event.peer)
            log(logging.INFO, "new connection from %s", peer)
        elif isinstance(event, Disconnected):
            log(logging.INFO, "closing connection from %s", self._peers.pop(event.session))
        elif isinstance(event, HandlerFailed):
            log(logging.ERROR, "%s failed", printable(event.verb) or "session", error=event.error)
