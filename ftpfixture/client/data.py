"""The client's data connections: passive and active, old ways and new.

One rule: whoever opens a data connection closes it, whatever happens.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial
from typing import Unpack

from ftpfixture.aio import async_enterable
from ftpfixture.client.agreed import Active, Agreed, Passive
from ftpfixture.client.security import SecureClient
from ftpfixture.client.settings import BaseClientSettings, Codes, data_commands
from ftpfixture.client.streams import DataConnectionThrottleStreamIO
from ftpfixture.errors import ConfigurationError, StatusCodeError
from ftpfixture.net.channel import Channel
from ftpfixture.net.deflate import Deflated
from ftpfixture.wire.hostport import parse_227, parse_229, render_eprt, render_port

__all__ = ["DataClient"]

# What a server answers that has not this way, or cannot go it just now (RFC 959 5.4, RFC 2428 2 and 3).
_NOT_THIS_WAY = ("425", "500", "501", "502", "503", "504", "522", "550")


class DataClient(SecureClient):
    """A client that can open data connections, passive and active."""

    def __init__(self, **settings: Unpack[BaseClientSettings]) -> None:
        super().__init__(**settings)
        self._ways: dict[str, Callable[[], Awaitable[Agreed]]] = {
            "epsv": self._epsv,
            "pasv": self._pasv,
            "eprt": partial(self._listen, "EPRT", render_eprt),
            "port": partial(self._listen, "PORT", render_port),
        }
        self._useless: set[str] = set()
        self._type = ""
        self._level_of_z: int | None = None

    def _forget(self, verb: str) -> None:
        super()._forget(verb)
        if verb in ("", "TYPE", "USER", "REIN", "AUTH"):  # RFC 4217 4.2
            self._type = ""
        if verb in ("", "MODE", "REIN", "AUTH"):
            self._level_of_z = None
        if verb == "":
            self._useless.clear()

    async def set_type(self, conn_type: str) -> None:
        """Choose how files are sent, if that is not chosen yet: "I" for octets as they are, "A" for text lines.

        Source: RFC 959 4.1.2.
        """
        if conn_type != self._type:
            await self._ask_for_content(f"TYPE {conn_type}", "200")
            self._type = conn_type

    async def set_mode(self, mode: str, level: int = -1) -> None:
        """Choose how data go over the wire: "S" as they are, "Z" compressed.

        Args:
            mode: "S" or "Z".
            level: Of our own compression, 0 (none) to 9 (best); -1 for zlib's own choice. That of the server is set
                with ``command("OPTS MODE Z LEVEL 9", "2xx")``.

        Raises:
            StatusCodeError: The server has no such mode.

        Source: RFC 959 3.4, draft-preston-ftpext-deflate.
        """
        await self._ask_for_content(f"MODE {mode}", "200")
        self._level_of_z = level if mode.upper() == "Z" else None

    def _compressed(self, channel: Channel) -> Channel | Deflated:
        return channel if self._level_of_z is None else Deflated(channel, self._level_of_z)

    @async_enterable
    async def get_stream(
        self,
        command: str | None = None,
        expected_codes: Codes = (),
        wait_codes: Codes = (),
        censor_after: int | None = None,
        conn_type: str = "I",
        offset: int = 0,
    ) -> DataConnectionThrottleStreamIO:
        """Open a data connection and say the command that uses it. Await it, or enter it; then it is finished for you.

        Args:
            command: The line; None to open the connection only, and to say the command afterwards.
            expected_codes: Masks for its first reply, as in `command`; none, to leave all replies to `finish`.
            wait_codes: Replies to pass over first.
            censor_after: How many characters of the line the log may show.
            conn_type: "I" or "A", see `set_type`.
            offset: Octets to skip, said with REST (RFC 3659 5).

        Raises:
            StatusCodeError: The server refused; the data connection is closed.
            ConfigurationError: There is no command, and only active mode is allowed.
            OSError: A connection could not be made, or broke.
        """
        if command is not None:
            self._encode(command)  # what cannot be said must not cost a data connection
        await self._turns.take()
        try:
            if command is not None:
                await self._before(command)  # nothing may come between REST and the command
            agreed = await self._agree(self._allowed(command), conn_type)
            try:
                if offset:
                    await self.command(f"REST {offset}", "350")
                await self.command(command, expected_codes, wait_codes, censor_after)
                if command is None:
                    channel = await agreed.take()
                    self._secure_later(channel)
                else:
                    with self._begun():
                        channel = await agreed.take()
                        await self._secure_data(channel)
                return DataConnectionThrottleStreamIO(self, self._compressed(channel), command)
            except BaseException as error:
                agreed.drop()
                if isinstance(error, StatusCodeError) and command is not None:
                    await self._refused(error.received_codes[0])
                raise
        except BaseException:
            self._turns.give()
            raise

    async def _refused(self, code: str) -> None:
        """Fall into step again after a first reply to a transfer that was not expected."""
        if code.startswith("1"):
            self._owed.append(0)  # the server began what the caller did not want, and will say how it ended
        elif code.startswith("2") and self._channel is not None:
            with contextlib.suppress(OSError, StatusCodeError):
                await self._synchronize(0)  # it may be the reply to something else, with that to the transfer behind it

    @contextlib.contextmanager
    def _begun(self) -> Iterator[None]:
        """What fails here does so after the command was accepted: the server will yet say how it ended."""
        try:
            yield
        except StatusCodeError:
            raise  # it has said so
        except asyncio.CancelledError:
            self._close("closed, because a transfer was cancelled: connect again")
            raise
        except Exception:
            self._owed.append(0)
            raise

    def _allowed(self, command: str | None) -> list[str]:
        names = [name for name in self._passive_commands if command is not None or name in ("epsv", "pasv")]
        if not names:
            raise ConfigurationError("in active mode the server connects after the command: give it to get_stream")
        return names

    async def get_passive_connection(
        self, conn_type: str = "I", commands: Iterable[str] | None = None
    ) -> DataConnectionThrottleStreamIO:
        """Choose a TYPE and open a data connection to the server, for a command that is said afterwards.

        Args:
            conn_type: "I" or "A", see `set_type`.
            commands: "epsv" and "pasv" in the order in which to try them; None for the client's own.

        Raises:
            StatusCodeError: The server refused the last of them.
            ConfigurationError: Something else was given, or nothing.
        """
        names = self._allowed(None) if commands is None else data_commands("commands", commands)
        async with self._turns:
            channel = await (await self._agree(names, conn_type)).take()
            self._secure_later(channel)
            await self._turns.take()  # for the stream, until it is finished
            return DataConnectionThrottleStreamIO(self, self._compressed(channel))

    async def _agree(self, names: Iterable[str], conn_type: str) -> Agreed:
        """Go the first way that works."""
        await self.set_type(conn_type)
        *others, last = [name for name in names if name not in self._useless] or list(names)
        for name in others:
            try:
                return await self._ways[name]()
            except StatusCodeError as error:
                if error.received_codes[0] not in _NOT_THIS_WAY:
                    raise
            except (OSError, ValueError):  # a reply that nobody understands, PORT over IPv6, active mode behind a proxy
                if self._channel is None:
                    raise
            self._useless.add(name)  # as curl does: once is enough
        return await self._ways[last]()

    async def _epsv(self) -> Agreed:
        _, info = await self._ask_for_content("EPSV", "229")
        return await self._connected(self.server_host, parse_229("\n".join(info)))

    async def _pasv(self) -> Agreed:
        _, info = await self._ask_for_content("PASV", "227")
        host, port = parse_227("\n".join(info))
        trusted = self.trust_pasv_host and host != "0.0.0.0"
        return await self._connected(host if trusted else self.server_host, port)

    async def _connected(self, host: str, port: int) -> Agreed:
        return Passive(await self._open_channel(host, port))

    async def _listen(self, verb: str, render: Callable[[str, int], str]) -> Agreed:
        active = Active(self)
        try:
            await self.command(f"{verb} {render(*active.address)}", "2xx")
        except BaseException:
            active.drop()
            raise
        return active
