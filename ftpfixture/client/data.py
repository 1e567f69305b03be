"""Operations that open data connections, and choose the type and mode of the data.

One rule: the function that opens a data connection closes it on every error.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Iterator

from ftpfixture.aio import async_enterable
from ftpfixture.client.control import ControlConnection
from ftpfixture.client.operations import NOT_IMPLEMENTED, Operations
from ftpfixture.client.settings import Codes, data_commands
from ftpfixture.client.stream import DataConnectionThrottleStreamIO
from ftpfixture.errors import ConfigurationError, StatusCodeError

__all__ = ["DataOperations"]


class DataOperations:
    """Operations of a client on its data connections, passive and active."""

    async def set_type(self: Operations, conn_type: str) -> None:
        """Send TYPE, unless that type is set already: "I" for bytes as they are, "A" for text lines.

        Source: RFC 959 4.1.2.
        """
        if conn_type != self.control.parameters.type:
            await self.control.query(f"TYPE {conn_type}", "200")
            self.control.parameters.type = conn_type

    async def set_mode(self: Operations, mode: str, level: int = -1) -> None:
        """Choose the transmission mode: "S" for data as they are, "Z" for compressed data.

        Args:
            mode: "S" or "Z".
            level: Of the client's compression, 0 (none) to 9 (best); -1 for the default of zlib. The level of the
                server is set with ``command("OPTS MODE Z LEVEL 9", "2xx")``.

        Raises:
            StatusCodeError: The server has no such mode.

        Source: RFC 959 3.4, draft-preston-ftpext-deflate.
        """
        await self.control.query(f"MODE {mode}", "200")
        self.control.parameters.deflate_level = level if mode.upper() == "Z" else None

    @async_enterable
    async def get_stream(
        self: Operations,
        command: str | None = None,
        expected_codes: Codes = (),
        wait_codes: Codes = (),
        censor_after: int | None = None,
        conn_type: str = "I",
        offset: int = 0,
    ) -> DataConnectionThrottleStreamIO:
        """Open a data connection and send the command that uses it.

        With ``async with`` the stream is finished at the end of the block; after ``await`` call `finish`.

        Args:
            command: The line; None to open the connection only, and to send the command afterwards.
            expected_codes: Masks for its first reply, as in `command`; without them `finish` reads all replies.
            wait_codes: Masks of replies to skip first.
            censor_after: How many characters of the line the log may show.
            conn_type: "I" or "A", see `set_type`.
            offset: Bytes to skip, sent with REST (RFC 3659 5). Without an offset ``REST 0`` is sent if the transfer for
                which REST was sent before was refused: some servers use that offset for the next one.

        Raises:
            StatusCodeError: The server refused; the data connection is closed.
            ConfigurationError: `command` is None, and the client has only active mode.
            OSError: A connection could not be opened, or was lost.
        """
        control, channels = self.control, self.data_channels
        if command is not None:
            control.render(command)  # before a data connection is opened for a command that cannot be sent
        await control.lock.acquire()
        try:
            if command is not None:
                await control.utf8.before(command)  # here, because nothing may come between REST and the command
            names = _usable(self.passive_commands, command)
            await self.set_type(conn_type)
            prepared = await channels.prepare(names)
            try:
                await _restart(self, offset)
                await self.command(command, expected_codes, wait_codes, censor_after)
                control.parameters.restarts = False
                if command is None:
                    channel = await prepared.connected()
                    channels.start_tls(channel)
                else:
                    with _command_accepted(control):
                        channel = await prepared.connected()
                        await channels.encrypt(channel)
                return DataConnectionThrottleStreamIO(self, channels.compressed(channel), command)
            except BaseException as error:
                prepared.close()
                if isinstance(error, StatusCodeError) and command is not None:
                    await _resync_after_refusal(control, error.received_codes[0])
                raise
        except BaseException:
            control.lock.release()
            raise

    async def get_passive_connection(
        self: Operations, conn_type: str = "I", commands: Iterable[str] | None = None
    ) -> DataConnectionThrottleStreamIO:
        """Choose a TYPE and open a data connection to the server, for a command that is sent afterwards.

        Args:
            conn_type: "I" or "A", see `set_type`.
            commands: "epsv" and "pasv" in the order in which to try them; None for those of the client.

        Raises:
            StatusCodeError: The server refused the last of them.
            ConfigurationError: `commands` is empty or has another command.
        """
        names = _usable(self.passive_commands, None) if commands is None else data_commands("commands", commands)
        async with self.control.lock:
            await self.set_type(conn_type)
            channel = await (await self.data_channels.prepare(names)).connected()
            self.data_channels.start_tls(channel)
            await self.control.lock.acquire()  # for the stream, until it is finished
            return DataConnectionThrottleStreamIO(self, self.data_channels.compressed(channel))

    async def abort(self: Operations, *, wait: bool = True) -> None:
        """Abort the running transfer of this or another task; that task gets ConnectionAbortedError.

        Args:
            wait: Reset the data connection and read the replies. With False, ABOR is only sent, and the next read gets
                its replies: `finish` of the stream raises StatusCodeError with 426.

        Raises:
            StatusCodeError: No transfer runs, and the server refused ABOR.
            OSError: The control connection failed.

        Source: RFC 959 4.1.3.
        """
        if not wait:
            await self.control.resync.send_abort()
        elif not await self.control.resync.abort_running():
            await self.command("ABOR", "2xx")


def _usable(names: Iterable[str], command: str | None) -> list[str]:
    usable = [name for name in names if command is not None or name in ("epsv", "pasv")]
    if not usable:
        raise ConfigurationError("in active mode the server connects after the command: give it to get_stream")
    return usable


@contextlib.contextmanager
def _command_accepted(control: ControlConnection) -> Iterator[None]:
    """Count the final reply as pending when the body fails: the server has accepted the command and will send it."""
    try:
        yield
    except StatusCodeError:
        raise  # this was the final reply
    except asyncio.CancelledError:
        control.lose("closed, because a transfer was cancelled: connect again")
        raise
    except Exception:
        control.transfers.abandoned.append(0)
        raise


async def _resync_after_refusal(control: ControlConnection, code: str) -> None:
    """Synchronize commands and replies after an unexpected first reply to a transfer command."""
    if code.startswith("1"):
        control.transfers.abandoned.append(0)  # the server began the transfer and will send a final reply
    elif code.startswith("2") and control.is_open:
        with contextlib.suppress(OSError, StatusCodeError):
            await control.resync.synchronize(0)  # perhaps the reply to another command, before that to the transfer


async def _restart(client: Operations, offset: int) -> None:
    """Send REST if there is an offset, or if the server may have one from before.

    Raises:
        StatusCodeError: The server refused.
    """
    parameters = client.control.parameters
    if not offset and not parameters.restarts:
        return
    parameters.restarts = True
    try:
        await client.command(f"REST {offset}", "350")
    except StatusCodeError as error:
        parameters.restarts = error.received_codes[0] not in NOT_IMPLEMENTED
        raise
