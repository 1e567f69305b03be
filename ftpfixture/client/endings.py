"""How transfers end: the replies that are due, whoever broke off and whatever the server makes of it.

One rule: after a transfer the next reply belongs to the next command. What servers say at its end differs more than the
standard knows, so what was measured is told where it matters.
"""

from __future__ import annotations

import asyncio

from ftpfixture.client.base import BaseClient, logger
from ftpfixture.wire.reply import Code

__all__ = ["PATIENCE", "Answer", "EndingClient"]

PATIENCE = 10
"""Seconds for what must be said after an error on this side, when there is no socket_timeout."""

Answer = tuple[Code, list[str]]

_GRACE = 0.5  # seconds that a server has to break off by itself
_SILENCE = 3  # seconds after which a server that saw its data connection break will say nothing of it
_ANSWERS_TO_NOOP = ("200", "500", "502")


class EndingClient(BaseClient):
    """A client that can break off transfers and find back into step."""

    async def abort(self, *, wait: bool = True) -> None:
        """Break off the transfer that runs, be it in this task or another, which meets ConnectionAbortedError.

        Args:
            wait: Break the data connection, and read the replies. Otherwise ABOR is only sent, and its replies come to
                whoever reads next: `finish` of the stream raises StatusCodeError with 426.

        Raises:
            StatusCodeError: Nothing runs, and the server refused.
            OSError: The control connection is broken.

        Source: RFC 959 4.1.3.
        """
        running = self._transfer
        if not wait:
            await self._send(b"ABOR\r\n", "ABOR")
        elif running is None or running.finished:
            await self.command("ABOR", "2xx")
        else:
            running.hand_over()
            self._turns.adopt()
            async with self._turns:
                with self._whole():
                    await self._send(b"ABOR\r\n", "ABOR")
                    await self._await_reply(_GRACE)
                await self._aborted(running.abandon())

    async def _await_reply(self, seconds: float) -> bool:
        """Give the server a moment to break off by itself, as RFC 959 has it.

        vsftpd and proftpd do not hear ABOR while they write; aioftp ends the session when its writing fails.
        """
        heard = asyncio.Event()
        self._watch(heard.set)
        try:
            async with asyncio.timeout(seconds):
                return await heard.wait()
        except TimeoutError:
            return False
        finally:
            self._unwatch()

    async def _aborted(self, ticks: int) -> None:
        """Read the reply to ABOR and those that were due before it.

        Servers answer with 426 and 226 (RFC 959), with 226 or 225 behind any end of the transfer, or once for both.
        """
        code, _ = await self._reply_beside(ticks)
        if not ticks and code.startswith("4") and (await self._next_reply())[0].startswith("2"):
            return
        await self._synchronize(ticks)

    async def _reply_beside(self, ticks: int) -> Answer:
        """The first reply that is none to one of the NOOPs, or the last that can come."""
        for _ in range(ticks):
            answer = await self._next_reply()
            if answer[0] not in _ANSWERS_TO_NOOP:
                return answer
        return await self._next_reply()

    async def _synchronize(self, ticks: int) -> list[Answer]:
        """Say something with an answer of its own, and read up to that.

        PWD, because its answer is like nothing else that may be under way; only a server that has not even that answers
        as it does to an unknown NOOP.

        Args:
            ticks: How many NOOPs were said while the transfer ran.

        Returns:
            The replies that came before.
        """
        with self._whole():
            await self._send(b"PWD\r\n", "PWD")
        replies = [await self._next_reply()]
        while not (_tells_directory(replies[-1]) or (not ticks and replies[-1][0] in ("500", "502"))):
            replies.append(await self._next_reply())
        self._due = 0
        return replies[:-1]

    async def _replies_of_transfer(self, ticks: int) -> list[Answer]:
        """Read the replies of a transfer that need not come alone, or as they should.

        Pure-FTPd says 150 once more when a download is broken by the client. While it transfers it takes any command
        for ABOR, and may lose half of it: so nothing is said before the first reply.

        Args:
            ticks: How many NOOPs were said while it ran.

        Returns:
            Those of the transfer, at least one.
        """
        replies = [await self._reply_beside(ticks)]
        if ticks or replies[0][0].startswith("1"):
            rest = await self._synchronize(ticks)
            replies += [reply for reply in rest if reply[0] not in _ANSWERS_TO_NOOP]
        return replies

    async def _replies_of_broken_transfer(self, ticks: int) -> list[Answer]:
        """Read the replies of a transfer whose data connection was reset on this side.

        pyftpdlib says nothing at all when it has not received anything before.

        Args:
            ticks: How many NOOPs were said while it ran.

        Returns:
            Those of the transfer; none when the server says no more of it.
        """
        with self._whole():
            heard = ticks or await self._await_reply(_SILENCE)
        return await (self._replies_of_transfer(ticks) if heard else self._synchronize(ticks))

    async def _pay_debts(self) -> None:
        while self._owed:
            await self._replies_of_transfer(self._owed.pop(0))

    def _say_noop(self) -> None:
        """Send NOOP now, and leave its reply to whoever counts it."""
        if self._channel is not None:
            logger.debug("NOOP")
            self._due += 1
            self.outbox.write(b"NOOP\r\n")


def _tells_directory(answer: Answer) -> bool:
    """Say whether it is the reply to PWD: 257, or what servers say instead, which has the path in quotes, too."""
    code, lines = answer
    return code == "257" or (code.startswith("2") and lines[-1].lstrip().startswith('"/'))
