"""The client's data stream, which ends with the server's final reply.

One rule: it holds the client's conversation lock until that reply is read, or is accounted for.
"""

from __future__ import annotations

import asyncio
from types import TracebackType

from ftpfixture.client.control import Controlled
from ftpfixture.client.resync import PATIENCE
from ftpfixture.client.settings import Codes
from ftpfixture.client.view import Answer
from ftpfixture.errors import StatusCodeError
from ftpfixture.net.stream import DEFAULT_BLOCK_SIZE, ThrottleStreamIO
from ftpfixture.net.transport import Duplex

__all__ = ["DataConnectionThrottleStreamIO"]


class DataConnectionThrottleStreamIO(ThrottleStreamIO):
    """A data connection of a client.

    As an async context manager it reads the server's final reply when it is left. After an error in the body that is
    done, too, so that the next command gets its own reply; and the data connection is reset, so that half an upload is
    not taken for a whole one. When it was the server that broke the data connection, what is raised is what it says.

    Args:
        client: Whose it is; the conversation on its control connection is this stream's until it is finished.
        channel: The connected socket.
        said: The command that uses it; None when that is still to be sent.
    """

    def __init__(self, client: Controlled, channel: Duplex, said: str | None = None) -> None:
        super().__init__(channel, throttles={"_": client.throttle})
        self.client = client
        self.said = said or ""
        self.finished = False
        self._control = client.control
        self._received = False
        self._holds_lock = True
        self._broke: ConnectionError | None = None
        self._breaker: asyncio.Task[object] | None = None
        self._broken_by = ""
        self._noops = 0
        self._timer: asyncio.TimerHandle | None = None
        self._control.transfers.add(self, running=said is not None)
        if said is not None:
            self._keep_alive(first=True)

    def _keep_alive(self, *, first: bool = False) -> None:
        """Keep the control connection alive, see `BaseClient`."""
        interval = self.client.keep_alive
        if interval is not None:
            if not first:
                self._control.send_noop()
                self._noops += 1
            self._timer = asyncio.get_running_loop().call_later(interval, self._keep_alive)

    async def finish(self, expected_codes: Codes = "2xx", wait_codes: Codes = "1xx") -> None:
        """Close the data connection and read the final reply; once that is done, doing it again does nothing.

        Args:
            expected_codes: Masks of which that reply must fit one.
            wait_codes: Masks of replies to pass over first.

        Raises:
            StatusCodeError: The transfer failed.
            ConnectionAbortedError: Another task broke it off with `abort`, or closed the client.
            OSError: The control connection is broken.
        """
        if self._broken_by and self._breaker is not asyncio.current_task():
            raise ConnectionAbortedError(f"{self.said} was broken off by another task, with {self._broken_by}")
        if not self.finished:
            await self._leave()
            self.completed = True
            self._end()
            self._control.lock.transfer()
            try:
                if self._is_due:
                    await self._read_final_reply(expected_codes, wait_codes)
            finally:
                self._over()

    @property
    def _is_due(self) -> bool:
        """Whether a reply will come: not when no command that uses this connection was sent, or it was answered."""
        return self._control.transfers.running is self or self._control.pending_replies > 0

    async def receive(self, limit: int = DEFAULT_BLOCK_SIZE) -> bytes:
        """See StreamIO."""
        piece = await super().receive(limit)
        self._received = self._received or bool(piece)
        return piece

    async def _leave(self) -> None:
        """End in order: tell the server that nothing more comes, and under TLS let it read everything."""
        try:
            if self._received:
                await self.channel.send_end()
            else:
                await self.channel.leave()
        except OSError:
            pass  # the server's final reply tells what became of the transfer
        except BaseException:
            self._control.lose("closed, because a transfer was cancelled: connect again")
            self.abandon()
            raise

    async def _read_final_reply(self, expected_codes: Codes, wait_codes: Codes) -> None:
        if not self._noops:
            await self.client.command(None, expected_codes, wait_codes)
            return
        replies = await self._control.resync.replies_of_transfer(self._noops)
        failures = [reply for reply in replies if reply[0][0] in "45"]
        self.client.check_codes(expected_codes, *(failures or replies)[-1])

    def close(self) -> None:
        """Close the data connection, and leave the final reply to the next command, which passes over it."""
        if not self.finished:
            self._end()
            self._control.transfers.leave(self, self._noops)
            self._over()

    def hand_over(self) -> None:
        """Leave the replies to the current task, which breaks the transfer off and will `abandon` this stream.

        Whoever reads or writes it meanwhile must not take them, and must not take what there is for the whole.
        """
        self.finished = True
        self._breaker, self._broken_by = asyncio.current_task(), "abort"

    def abandon(self) -> int:
        """Reset the data connection: the other side sees an error, not an end.

        Returns:
            How many NOOPs were sent, which may or may not have been answered.
        """
        if not self.finished or self._broken_by:
            if not self._broken_by:
                self._breaker, self._broken_by = _current_task(), "close"
            self.channel.reset()
            self._end()
            self._over()
        return self._noops

    def _end(self) -> None:
        self.finished = True
        if self._timer is not None:
            self._timer.cancel()
        super().close()

    def _over(self) -> None:
        self._control.transfers.remove(self)
        if self._holds_lock:
            self._holds_lock = False
            self._control.lock.release()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            await self.finish()
        elif isinstance(error, Exception) and not self.finished:
            await self._recover(error)
        elif not self.finished:
            if self._is_due:
                # Cancelled: no task waits any more, and the pending reply would be taken for the next command's.
                self._control.lose("closed, because a transfer was cancelled: connect again")
            self.abandon()

    async def _recover(self, error: Exception) -> None:
        """Bring the control connection back into step after an error in the body, or close it.

        Raises:
            StatusCodeError: It was the server that broke the data connection, and this is its reason.
        """
        self.channel.reset()
        self._end()
        self._control.lock.transfer()
        replies: list[Answer] | None = None if self._is_due else []
        try:
            if replies is None:
                async with asyncio.timeout(self.client.socket_timeout or PATIENCE):
                    replies = await self._control.resync.replies_of_reset_transfer(self._noops)
        except (OSError, StatusCodeError):
            pass  # the error of the body is what the caller must see; the closed connection will tell of this one
        finally:
            self._over()
        if replies is None:
            self._control.lose("closed, because a transfer failed and its final reply did not come: connect again")
        elif error is self._broke and replies and replies[-1][0][0] in "45":
            raise StatusCodeError("2xx", *replies[-1]) from error

    async def _receive(self, size: int) -> bytes:
        try:
            return await super()._receive(size)
        except ConnectionError as error:
            self._broke = error
            raise

    async def _send(self, view: memoryview) -> int:
        try:
            return await super()._send(view)
        except ConnectionError as error:
            self._broke = error
            raise


def _current_task() -> asyncio.Task[object] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None  # a client may be closed when its loop is over
