"""Reads the replies that are pending when a transfer ends, fails or is aborted.

One rule: after a transfer the next reply belongs to the next command.

Theory of operation. A reply does not name its command: replies are assigned to commands by counting. After a transfer
that completed, one final reply is read. After a transfer that was aborted or failed, the number of replies is unknown:
servers answer ABOR once or twice, some send no reply for a transfer after a reset of its data connection, and a NOOP
sent during the transfer may get a reply or none. So the client sends PWD, because its reply differs from all others
(257, a path in quotes), and reads up to that: the replies before it belong to the transfer, those after it to the next
command. Deviations of real servers were measured, and are noted where they matter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from ftpfixture.client.lock import ConversationLock
from ftpfixture.client.open_transfers import OpenTransfers
from ftpfixture.client.view import Answer

__all__ = ["AFTER_TIMEOUT", "PATIENCE", "Conversation", "Resync"]

PATIENCE = 10
"""Seconds for the replies after an error in the client, when there is no socket_timeout."""

AFTER_TIMEOUT = 1
"""Seconds for the replies after a timeout, at most: the caller has waited for the server already."""

_GRACE = 0.5  # seconds that a server has to end the transfer by itself
_SILENCE = 3  # seconds after a reset of the data connection without a reply, after which none will come
_NOOP_REPLIES = ("200", "500", "502")


class Conversation(Protocol):
    """The part of `ControlConnection` that is needed here."""

    pending_replies: int
    lock: ConversationLock
    transfers: OpenTransfers

    async def send(self, line: bytes, command: str) -> None:
        """Send a line; its reply is still to be read."""

    async def next_reply(self) -> Answer:
        """The next reply, whatever its code."""

    def closed_on_error(self) -> AbstractContextManager[None]:
        """Close the connection when the body raises anything but StatusCodeError, or is cancelled."""

    def watched(self, callback: Callable[[], None]) -> AbstractContextManager[None]:
        """Call `callback` during the body, when data arrive or the connection ends."""


class Resync:
    """Aborts transfers, and synchronizes commands and replies afterwards."""

    def __init__(self, control: Conversation) -> None:
        self._control = control

    async def send_abort(self) -> None:
        """Send ABOR; the next read gets its replies."""
        await self._control.send(b"ABOR\r\n", "ABOR")

    async def abort_running(self) -> bool:
        """Abort the running transfer, of any task; False when none runs."""
        running = self._control.transfers.running
        if running is None or running.finished:
            return False
        running.begin_abort()
        self._control.lock.transfer()
        async with self._control.lock:
            with self._control.closed_on_error():
                await self.send_abort()
                await self._await_reply(_GRACE)
            await self._read_abort_replies(running.abandon())
        return True

    async def _await_reply(self, seconds: float) -> bool:
        """Give the server time to end the transfer by itself, as in RFC 959; whether a reply came.

        vsftpd and proftpd do not read ABOR while they write; aioftp ends the session when its writing fails.
        """
        replied = asyncio.Event()
        with self._control.watched(replied.set):
            try:
                async with asyncio.timeout(seconds):
                    return await replied.wait()
            except TimeoutError:
                return False

    async def _read_abort_replies(self, noops: int) -> None:
        """Read the reply to ABOR and the pending ones before it.

        Servers send 426 and 226 (RFC 959), 226 or 225 after any final reply of the transfer, or one reply for both.
        """
        code, _ = await self._reply_after_noops(noops)
        if not noops and code.startswith("4") and (await self._control.next_reply())[0].startswith("2"):
            return
        await self.synchronize(noops)

    async def _reply_after_noops(self, noops: int) -> Answer:
        """The first reply that does not belong to one of the NOOPs, at most the one after them."""
        for _ in range(noops):
            reply = await self._control.next_reply()
            if reply[0] not in _NOOP_REPLIES:
                return reply
        return await self._control.next_reply()

    async def synchronize(self, noops: int) -> list[Answer]:
        """Send PWD, and read replies up to its own.

        No other pending reply looks like that to PWD; only a server without PWD answers as it does to an unknown NOOP.

        Args:
            noops: The number of NOOPs that were sent while the transfer ran.

        Returns:
            The replies before it.
        """
        with self._control.closed_on_error():
            await self._control.send(b"PWD\r\n", "PWD")
        replies = [await self._control.next_reply()]
        while not (_is_pwd_reply(replies[-1]) or (not noops and replies[-1][0] in ("500", "502"))):
            replies.append(await self._control.next_reply())
        self._control.pending_replies = 0
        return replies[:-1]

    async def replies_of_transfer(self, noops: int) -> list[Answer]:
        """Read the replies of a transfer, which may be mixed with others or repeated.

        Pure-FTPd sends 150 again when the client resets a download. During a transfer it treats any command as ABOR,
        and may lose half of it: so nothing is sent before the first reply.

        Args:
            noops: The number of NOOPs that were sent while it ran.

        Returns:
            The replies of the transfer, at least one.
        """
        replies = [await self._reply_after_noops(noops)]
        if noops or replies[0][0].startswith("1"):
            rest = await self.synchronize(noops)
            replies += [reply for reply in rest if reply[0] not in _NOOP_REPLIES]
        return replies

    async def replies_of_reset_transfer(self, noops: int, seconds: float) -> list[Answer]:
        """Read the replies of a transfer after the client has reset its data connection.

        pyftpdlib sends no reply when it has not received anything before.

        Args:
            noops: The number of NOOPs that were sent while it ran.
            seconds: The caller's limit for all replies; half of it remains for the reply to PWD.

        Returns:
            The replies of the transfer; empty when the server sent none.
        """
        with self._control.closed_on_error():
            replied = noops or await self._await_reply(min(_SILENCE, seconds / 2))
        return await (self.replies_of_transfer(noops) if replied else self.synchronize(noops))

    async def drain_abandoned(self) -> None:
        """Read the replies of transfers that were closed and not finished, before the next command is sent."""
        abandoned = self._control.transfers.abandoned
        while abandoned:
            await self.replies_of_transfer(abandoned.pop(0))


def _is_pwd_reply(reply: Answer) -> bool:
    """Whether a reply is that to PWD: 257, or another 2xx with an absolute path in quotes, as some servers send."""
    code, lines = reply
    return code == "257" or (code.startswith("2") and lines[-1].lstrip().startswith('"/'))
