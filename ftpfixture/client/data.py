"""Operations that open data connections, and choose what is sent over them.

One rule: whoever opens a data connection closes it, whatever happens.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Iterator

from ftpfixture.aio import async_enterable
from ftpfixture.client.control import ControlConnection
from ftpfixture.client.operations import Operations
from ftpfixture.client.settings import Codes, data_commands
from ftpfixture.client.stream import DataConnectionThrottleStreamIO
from ftpfixture.errors import ConfigurationError, StatusCodeError

__all__ = ["DataOperations"]


class DataOperations:
    """Operations of a client on its data connections, passive and active."""

    async def set_type(self: Operations, conn_type: str) -> None:
        """Choose how files are sent, if that is not chosen yet: "I" for bytes as they are, "A" for text lines.

        Source: RFC 959 4.1.2.
        """
        if conn_type != self.control.parameters.type:
            await self.control.query(f"TYPE {conn_type}", "200")
            self.control.parameters.type = conn_type

    async def set_mode(self: Operations, mode: str, level: int = -1) -> None:
        """Choose how data go over the wire: "S" as they are, "Z" compressed.

        Args:
            mode: "S" or "Z".
            level: Of our own compression, 0 (none) to 9 (best); -1 for zlib's own choice. That of the server is set
                with ``command("OPTS MODE Z LEVEL 9", "2xx")``.

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
        """Open a data connection and send the command that uses it. Await it, or enter it; then it is finished for you.

        Args:
            command: The line; None to open the connection only, and to send the command afterwards.
            expected_codes: Masks for its first reply, as in `command`; none, to leave all replies to `finish`.
            wait_codes: Replies to pass over first.
            censor_after: How many characters of the line the log may show.
            conn_type: "I" or "A", see `set_type`.
            offset: Bytes to skip, sent with REST (RFC 3659 5).

        Raises:
            StatusCodeError: The server refused; the data connection is closed.
            ConfigurationError: There is no command, and only active mode is allowed.
            OSError: A connection could not be made, or broke.
        """
        control, channels = self.control, self.data_channels
        if command is not None:
            control.render(command)  # what cannot be sent must not cost a data connection
        await control.lock.acquire()
        try:
            if command is not None:
                await control.utf8.before(command)  # nothing may come between REST and the command
            names = _usable(self.passive_commands, command)
            await self.set_type(conn_type)
            agreed = await channels.agree(names)
            try:
                if offset:
                    await self.command(f"REST {offset}", "350")
                await self.command(command, expected_codes, wait_codes, censor_after)
                if command is None:
                    channel = await agreed.take()
                    channels.start_tls(channel)
                else:
                    with _accepted(control):
                        channel = await agreed.take()
                        await channels.encrypt(channel)
                return DataConnectionThrottleStreamIO(self, channels.compressed(channel), command)
            except BaseException as error:
                agreed.drop()
                if isinstance(error, StatusCodeError) and command is not None:
                    await _resume_after_refusal(control, error.received_codes[0])
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
            commands: "epsv" and "pasv" in the order in which to try them; None for the client's own.

        Raises:
            StatusCodeError: The server refused the last of them.
            ConfigurationError: Something else was given, or nothing.
        """
        names = _usable(self.passive_commands, None) if commands is None else data_commands("commands", commands)
        async with self.control.lock:
            await self.set_type(conn_type)
            channel = await (await self.data_channels.agree(names)).take()
            self.data_channels.start_tls(channel)
            await self.control.lock.acquire()  # for the stream, until it is finished
            return DataConnectionThrottleStreamIO(self, self.data_channels.compressed(channel))

    async def abort(self: Operations, *, wait: bool = True) -> None:
        """Break off the transfer that runs, be it in this task or another, which meets ConnectionAbortedError.

        Args:
            wait: Break the data connection, and read the replies. Otherwise ABOR is only sent, and its replies come to
                whoever reads next: `finish` of the stream raises StatusCodeError with 426.

        Raises:
            StatusCodeError: Nothing runs, and the server refused.
            OSError: The control connection is broken.

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
def _accepted(control: ControlConnection) -> Iterator[None]:
    """What fails here does so after the command was accepted: the server will still reply how it ended."""
    try:
        yield
    except StatusCodeError:
        raise  # it has replied
    except asyncio.CancelledError:
        control.lose("closed, because a transfer was cancelled: connect again")
        raise
    except Exception:
        control.transfers.abandoned.append(0)
        raise


async def _resume_after_refusal(control: ControlConnection, code: str) -> None:
    """Fall into step again after a first reply to a transfer that was not expected."""
    if code.startswith("1"):
        control.transfers.abandoned.append(0)  # the server began the transfer all the same, and will reply how it ended
    elif code.startswith("2") and control.is_open:
        with contextlib.suppress(OSError, StatusCodeError):
            await control.resync.synchronize(0)  # perhaps the reply to something else, with that to the transfer behind
