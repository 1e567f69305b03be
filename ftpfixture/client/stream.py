"""The client's data stream, which ends with the server's final reply.

One rule: it holds the client's conversation lock until that reply was read, or is recorded as pending.
"""

from __future__ import annotations

import asyncio
from types import TracebackType

from ftpfixture.client.control import Controlled
from ftpfixture.client.resync import AFTER_TIMEOUT, PATIENCE
from ftpfixture.client.settings import Codes
from ftpfixture.client.view import Answer
from ftpfixture.errors import StatusCodeError
from ftpfixture.net.stream import DEFAULT_BLOCK_SIZE, ThrottleStreamIO
from ftpfixture.net.transport import Duplex

__all__ = ["DataConnectionThrottleStreamIO"]


class DataConnectionThrottleStreamIO(ThrottleStreamIO):
    """A data connection of a client.

    As an async context manager it reads the server's final reply at the end of the block. After an error in the block
    it does so too, so that the next command gets its own reply, and it resets the data connection, so that the server
    does not take a partial upload for a complete one. When the server has reset the data connection, its reply is
    raised.

    Args:
        client: The client; its control connection belongs to this stream until it is finished.
        channel: The open data connection.
        command: The command that uses it; None when it is still to be sent.
    """

    def __init__(self, client: Controlled, channel: Duplex, command: str | None = None) -> None:
        super().__init__(channel, throttles={"_": client.throttle})
        self.client = client
        self.command = command or ""
        self.finished = False
        self._control = client.control
        self._received = False
        self._holds_lock = True
        self._data_error: ConnectionError | None = None
        self._aborting_task: asyncio.Task[object] | None = None
        self._aborted_by = ""
        self._noops = 0
        self._timer: asyncio.TimerHandle | None = None
        self._control.transfers.add(self, running=command is not None)
        if command is not None:
            self._keep_alive(first=True)

    def _keep_alive(self, *, first: bool = False) -> None:
        """Send NOOP at every `keep_alive` interval of the client."""
        interval = self.client.keep_alive
        if interval is not None:
            if not first:
                self._control.send_noop()
                self._noops += 1
            self._timer = asyncio.get_running_loop().call_later(interval, self._keep_alive)

    async def finish(self, expected_codes: Codes = "2xx", wait_codes: Codes = "1xx") -> None:
        """Close the data connection and read the final reply; a second call does nothing.

        Args:
            expected_codes: Masks; the final reply must match one of them.
            wait_codes: Masks of replies to skip first.

        Raises:
            StatusCodeError: The transfer failed.
            ConnectionAbortedError: Another task called `abort`, or closed the client.
            OSError: The control connection failed.
        """
        if self._aborted_by and self._aborting_task is not asyncio.current_task():
            raise ConnectionAbortedError(f"{self.command} was aborted by another task, with {self._aborted_by}()")
        if not self.finished:
            await self._close_gracefully()
            self.completed = True
            self._close_data_connection()
            self._control.lock.transfer()
            try:
                if self._awaits_reply:
                    await self._read_final_reply(expected_codes, wait_codes)
            finally:
                self._unregister()

    @property
    def _awaits_reply(self) -> bool:
        """Whether a reply is pending: False when no command was sent for this connection, or its reply was read."""
        return self._control.transfers.running is self or self._control.pending_replies > 0

    async def receive(self, limit: int = DEFAULT_BLOCK_SIZE) -> bytes:
        """Receive up to `limit` bytes, b"" at the end."""
        piece = await super().receive(limit)
        self._received = self._received or bool(piece)
        return piece

    async def _close_gracefully(self) -> None:
        """Close after a complete transfer: send the end of the data, and under TLS let the server read everything."""
        try:
            if self._received:
                await self.channel.send_eof()
            else:
                await self.channel.close_when_peer_closes()
        except OSError:
            pass  # the server's final reply reports the result of the transfer
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
        """Close the data connection; the next command reads and skips the final reply."""
        if not self.finished:
            self._close_data_connection()
            self._control.transfers.defer(self, self._noops)
            self._unregister()

    def begin_abort(self) -> None:
        """Give the replies to the current task, which aborts the transfer and will `abandon` this stream.

        A task that reads or writes the stream meanwhile must not read them, and must not take the data received so far
        for the complete file.
        """
        self.finished = True
        self._aborting_task, self._aborted_by = asyncio.current_task(), "abort"

    def abandon(self) -> int:
        """Reset the data connection: the server sees an error, not the end of the data.

        Returns:
            The number of NOOPs that were sent; each may have got a reply or none.
        """
        if not self.finished or self._aborted_by:
            if not self._aborted_by:
                self._aborting_task, self._aborted_by = _current_task(), "close"
            self.channel.reset()
            self._close_data_connection()
            self._unregister()
        return self._noops

    def _close_data_connection(self) -> None:
        self.finished = True
        if self._timer is not None:
            self._timer.cancel()
        super().close()

    def _unregister(self) -> None:
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
            if self._awaits_reply:
                # Cancelled: no task waits any more, and the pending reply would be taken for that of the next command.
                self._control.lose("closed, because a transfer was cancelled: connect again")
            self.abandon()

    async def _recover(self, error: Exception) -> None:
        """Synchronize commands and replies after an error in the block, or close the control connection.

        Raises:
            StatusCodeError: The server has reset the data connection; this is its reply.
        """
        self.channel.reset()
        self._close_data_connection()
        self._control.lock.transfer()
        replies: list[Answer] | None = None if self._awaits_reply else []
        try:
            if replies is None:
                seconds = self.client.socket_timeout or PATIENCE
                if isinstance(error, TimeoutError):
                    seconds = min(seconds, AFTER_TIMEOUT)
                async with self._control.time_limit(seconds, "the final reply of a failed transfer"):
                    replies = await self._control.resync.replies_of_reset_transfer(self._noops, seconds)
        except (OSError, StatusCodeError):
            pass  # the caller must see the error of the block; the reason of this one is in the next ConnectionError
        finally:
            self._unregister()
        if replies is None:
            self._control.lose("closed, because a transfer failed and its final reply did not arrive: connect again")
        elif error is self._data_error and replies and replies[-1][0][0] in "45":
            raise StatusCodeError("2xx", *replies[-1]) from error

    async def _receive(self, size: int) -> bytes:
        try:
            return await super()._receive(size)
        except ConnectionError as error:
            self._data_error = error
            raise

    async def _send(self, view: memoryview) -> int:
        try:
            return await super()._send(view)
        except ConnectionError as error:
            self._data_error = error
            raise


def _current_task() -> asyncio.Task[object] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None  # a client may be closed when its event loop is closed
