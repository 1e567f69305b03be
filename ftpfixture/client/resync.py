"""How transfers end: the replies that are due, whoever broke off and whatever the server makes of it.

One rule: after a transfer the next reply belongs to the next command.

Theory of operation. A reply names no command: it belongs to the command whose turn it is, by counting. After a
transfer that ended in order there is nothing to count: one final reply is read. After one that broke off the number of
replies is not known: servers answer ABOR once or twice, some send nothing for a transfer whose data connection was
reset, and a NOOP that was sent meanwhile may be answered or swallowed. So the client sends PWD, whose reply is like no
other (257, a path in quotes), and reads until that is there: what came before belongs to the transfer, what follows to
the next command. What single servers do differently was measured, and is noted where it matters.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from ftpfixture.client.lock import ConversationLock
from ftpfixture.client.open_transfers import OpenTransfers
from ftpfixture.client.view import Answer

__all__ = ["PATIENCE", "Conversation", "Resync"]

PATIENCE = 10
"""Seconds for the exchange that follows an error on this side, when there is no socket_timeout."""

_GRACE = 0.5  # seconds that a server has to break off by itself
_SILENCE = 3  # seconds after which a server that saw its data connection break will send no reply for it
_ANSWERS_TO_NOOP = ("200", "500", "502")


class Conversation(Protocol):
    """What is needed of a control connection here; see `ControlConnection`."""

    pending_replies: int
    lock: ConversationLock
    transfers: OpenTransfers

    async def send(self, line: bytes, command: str) -> None:
        """Send a line; its reply is still to be read."""

    async def next_reply(self) -> Answer:
        """The next reply, whatever its code."""

    def closed_on_error(self) -> AbstractContextManager[None]:
        """Close the connection when what is done here breaks off."""

    def watched(self, callback: Callable[[], None]) -> AbstractContextManager[None]:
        """Call `callback` while this lasts, when a reply is there or the connection ends."""


class Resync:
    """Breaks off transfers, and finds back into step."""

    def __init__(self, control: Conversation) -> None:
        self._control = control

    async def send_abort(self) -> None:
        """Send ABOR, and leave its replies to whoever reads next."""
        await self._control.send(b"ABOR\r\n", "ABOR")

    async def abort_running(self) -> bool:
        """Break off the transfer that runs, in whatever task; False when none does."""
        running = self._control.transfers.running
        if running is None or running.finished:
            return False
        running.hand_over()
        self._control.lock.transfer()
        async with self._control.lock:
            with self._control.closed_on_error():
                await self.send_abort()
                await self._await_reply(_GRACE)
            await self._aborted(running.abandon())
        return True

    async def _await_reply(self, seconds: float) -> bool:
        """Give the server a moment to break off by itself, as RFC 959 has it.

        vsftpd and proftpd do not hear ABOR while they write; aioftp ends the session when its writing fails.
        """
        heard = asyncio.Event()
        with self._control.watched(heard.set):
            try:
                async with asyncio.timeout(seconds):
                    return await heard.wait()
            except TimeoutError:
                return False

    async def _aborted(self, noops: int) -> None:
        """Read the reply to ABOR and those that were due before it.

        Servers answer with 426 and 226 (RFC 959), with 226 or 225 behind any end of the transfer, or once for both.
        """
        code, _ = await self._reply_beside(noops)
        if not noops and code.startswith("4") and (await self._control.next_reply())[0].startswith("2"):
            return
        await self.synchronize(noops)

    async def _reply_beside(self, noops: int) -> Answer:
        """The first reply that is none to one of the NOOPs, or the last that can come."""
        for _ in range(noops):
            answer = await self._control.next_reply()
            if answer[0] not in _ANSWERS_TO_NOOP:
                return answer
        return await self._control.next_reply()

    async def synchronize(self, noops: int) -> list[Answer]:
        """Send a command with a reply of its own, and read up to that.

        PWD, because its answer is like nothing else that may be under way; only a server that has not even that answers
        as it does to an unknown NOOP.

        Args:
            noops: How many NOOPs were sent while the transfer ran.

        Returns:
            The replies that came before.
        """
        with self._control.closed_on_error():
            await self._control.send(b"PWD\r\n", "PWD")
        replies = [await self._control.next_reply()]
        while not (_tells_directory(replies[-1]) or (not noops and replies[-1][0] in ("500", "502"))):
            replies.append(await self._control.next_reply())
        self._control.pending_replies = 0
        return replies[:-1]

    async def replies_of_transfer(self, noops: int) -> list[Answer]:
        """Read the replies of a transfer that need not come alone, or as they should.

        Pure-FTPd sends 150 once more when a download is broken by the client. While it transfers it takes any command
        for ABOR, and may lose half of it: so nothing is sent before the first reply.

        Args:
            noops: How many NOOPs were sent while it ran.

        Returns:
            Those of the transfer, at least one.
        """
        replies = [await self._reply_beside(noops)]
        if noops or replies[0][0].startswith("1"):
            rest = await self.synchronize(noops)
            replies += [reply for reply in rest if reply[0] not in _ANSWERS_TO_NOOP]
        return replies

    async def replies_of_reset_transfer(self, noops: int) -> list[Answer]:
        """Read the replies of a transfer whose data connection was reset on this side.

        pyftpdlib sends nothing at all when it has not received anything before.

        Args:
            noops: How many NOOPs were sent while it ran.

        Returns:
            Those of the transfer; none when the server sends no more.
        """
        with self._control.closed_on_error():
            heard = noops or await self._await_reply(_SILENCE)
        return await (self.replies_of_transfer(noops) if heard else self.synchronize(noops))

    async def drain_abandoned(self) -> None:
        """Read the replies of transfers that were closed and not finished, before a command is sent."""
        abandoned = self._control.transfers.abandoned
        while abandoned:
            await self.replies_of_transfer(abandoned.pop(0))


def _tells_directory(answer: Answer) -> bool:
    """Say whether it is the reply to PWD: 257, or what servers say instead, which has the path in quotes, too."""
    code, lines = answer
    return code == "257" or (code.startswith("2") and lines[-1].lstrip().startswith('"/'))
