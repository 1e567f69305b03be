"""The client's data connections: passive and active, and the stream that ends with the server's final reply.

One rule: whoever opens a data connection closes it, whatever happens, and every reply that is due is read or accounted
for.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from types import TracebackType
from typing import Protocol, Unpack

from ftpfixture.aio import async_enterable
from ftpfixture.client.base import BaseClient, Codes, Settings, check_data_commands
from ftpfixture.errors import ConfigurationError, ReplySyntaxError, StatusCodeError
from ftpfixture.net.channel import Channel
from ftpfixture.net.ports import Listener, same_host
from ftpfixture.net.stream import ThrottleStreamIO
from ftpfixture.wire.hostport import parse_227, parse_229, render_eprt, render_port
from ftpfixture.wire.reply import Code

__all__ = ["DataClient", "DataConnectionThrottleStreamIO"]

PATIENCE = 10
"""Seconds for what must be said after an error on this side, when there is no socket_timeout."""

_GRACE = 0.5  # seconds
_ANSWERS_TO_NOOP = ("200", "500", "502")

# What a server answers that has not this way, or cannot go it just now (RFC 959 5.4, RFC 2428 2 and 3).
_NOT_THIS_WAY = ("425", "500", "501", "502", "503", "504", "522", "550")


Answer = tuple[Code, list[str]]


class DataConnectionThrottleStreamIO(ThrottleStreamIO):
    """A data connection of a client.

    As an async context manager it reads the server's final reply when it is left. After an error in the body that is
    done, too, so that the next command gets its own reply; and the data connection is reset, so that half an upload is
    not taken for a whole one.

    Args:
        client: Whose it is; it is this stream's turn to talk until it is finished.
        channel: The connected socket.
        said: The command that uses it; None when that is still to be said.
    """

    def __init__(self, client: DataClient, channel: Channel, said: str | None = None) -> None:
        super().__init__(channel, throttles={"_": client.throttle})
        self.client = client
        self.said = said or ""
        self.finished = False
        self._ticks = 0
        self._ticker: asyncio.TimerHandle | None = None
        if said is not None:
            client._transfer = self
            self._tick(first=True)

    def _tick(self, *, first: bool = False) -> None:
        """Keep the control connection alive, see `BaseClient`."""
        interval = self.client.keep_alive
        if interval is not None:
            if not first:
                self.client._say_noop()
                self._ticks += 1
            self._ticker = asyncio.get_running_loop().call_later(interval, self._tick)

    async def finish(self, expected_codes: Codes = "2xx", wait_codes: Codes = "1xx") -> None:
        """Close the data connection and read the final reply; once that is done, doing it again does nothing.

        Args:
            expected_codes: Masks of which that reply must fit one.
            wait_codes: Masks of replies to pass over first.

        Raises:
            StatusCodeError: The transfer failed.
            OSError: The control connection is broken.
        """
        if not self.finished:
            self.completed = True
            self._end()
            self.client._turns.adopt()
            try:
                await self._final(expected_codes, wait_codes)
            finally:
                self._over()

    async def _final(self, expected_codes: Codes, wait_codes: Codes) -> None:
        if not self._ticks:
            await self.client.command(None, expected_codes, wait_codes)
            return
        replies = await self.client._replies_of_transfer(self._ticks)
        failures = [reply for reply in replies if reply[0][0] in "45"]
        self.client.check_codes(expected_codes, *(failures or replies)[-1])

    def close(self) -> None:
        """Close the data connection, and leave the final reply to the next command, which passes over it."""
        if not self.finished:
            self._end()
            if self.client._transfer is self:
                self.client._owed.append(self._ticks)
            self._over()

    def abandon(self) -> int:
        """Reset the data connection: the other side sees an error, not an end.

        Returns:
            How many NOOPs were said, which may or may not have been answered.
        """
        if not self.finished:
            self.channel.reset()
            self._end()
            self._over()
        return self._ticks

    def _end(self) -> None:
        self.finished = True
        if self._ticker is not None:
            self._ticker.cancel()
        super().close()

    def _over(self) -> None:
        if self.client._transfer is self:
            self.client._transfer = None
        self.client._turns.give()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            await self.finish()
        elif isinstance(error, Exception) and not self.finished:
            await self._recover()
        elif not self.finished:
            # Cancelled: nobody waits any more, and the reply that is due would be taken for the next command's.
            self.client._close("closed, because a transfer was cancelled: connect again")
            self.abandon()

    async def _recover(self) -> None:
        """Bring the control connection back into step after an error in the body, or close it."""
        self.channel.reset()
        self._end()
        self.client._turns.adopt()
        try:
            async with asyncio.timeout(self.client.socket_timeout or PATIENCE):
                await self.client._replies_of_transfer(self._ticks)
        except (OSError, StatusCodeError):
            # The error of the body is what the caller must see; the closed connection will tell of this one.
            self.client._close("closed, because a transfer failed and its final reply did not come: connect again")
        finally:
            self._over()


class _Agreed(Protocol):
    """A data connection that was agreed on."""

    async def take(self) -> Channel:
        """The connection, once the command that uses it was accepted."""

    def drop(self) -> None:
        """Give it up."""


class _Passive:
    """A connection that we made."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    async def take(self) -> Channel:
        return self._channel

    def drop(self) -> None:
        self._channel.close()


class _Active:
    """A connection that the server will make, when it has the command."""

    def __init__(self, client: DataClient) -> None:
        self._client = client
        self._loop = asyncio.get_running_loop()
        self._something = asyncio.Event()
        self._accepted: Channel | None = None
        self._listener = Listener(self._loop, client.channel.local[0], 0, self._on_socket)
        self.address = self._listener.host, self._listener.port

    def _on_socket(self, sock: socket.socket, address: tuple[str, int]) -> None:
        if self._accepted is None and same_host(address[0], self._client.channel.peer[0]):
            self._accepted = Channel(sock, self._loop, address, self._client.socket_timeout)
            self._something.set()
        else:
            sock.close()

    async def take(self) -> Channel:
        """Wait for the server, but no longer than until it says that it gives up."""
        try:
            async with asyncio.timeout(self._client.connection_timeout):
                return await self._arrival()
        except TimeoutError:
            self._client._owed.append(0)  # the server will give up one day, and say so
            raise
        except asyncio.CancelledError:
            self._client._close("closed, because a transfer was cancelled: connect again")
            raise

    async def _arrival(self) -> Channel:
        while (channel := self._taken()) is None:
            if not self._something.is_set():
                await self._wait()
            else:
                # No connection, so it is a reply: one that came before it, or the end of hope.
                self._something.clear()
                self._client.check_codes("1xx", *await self._client._next_reply())
        return channel

    def _taken(self) -> Channel | None:
        self._listener.accept_now()
        channel, self._accepted = self._accepted, None
        if channel is not None:
            self._listener.close()
        return channel

    async def _wait(self) -> None:
        self._client._watch(self._something.set)
        try:
            await self._something.wait()
        finally:
            self._client._unwatch()

    def drop(self) -> None:
        self._listener.close()
        if self._accepted is not None:
            self._accepted.close()


class DataClient(BaseClient):
    """A client that can open data connections, passive and active."""

    def __init__(self, **settings: Unpack[Settings]) -> None:
        super().__init__(**settings)
        self._ways: dict[str, Callable[[], Awaitable[_Agreed]]] = {
            "epsv": self._epsv,
            "pasv": self._pasv,
            "eprt": partial(self._listen, "EPRT", render_eprt),
            "port": partial(self._listen, "PORT", render_port),
        }
        self._useless: set[str] = set()
        self._type = ""

    def _forget(self, verb: str) -> None:
        super()._forget(verb)
        if verb in ("", "TYPE", "USER", "REIN"):
            self._type = ""
        if verb == "":
            self._useless.clear()

    async def set_type(self, conn_type: str) -> None:
        """Choose how files are sent, if that is not chosen yet: "I" for octets as they are, "A" for text lines.

        Source: RFC 959 4.1.2.
        """
        if conn_type != self._type:
            await self.command(f"TYPE {conn_type}", "200")
            self._type = conn_type

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
            agreed = await self._agree(self._allowed(command), conn_type)
            try:
                if offset:
                    await self.command(f"REST {offset}", "350")
                await self.command(command, expected_codes, wait_codes, censor_after)
                return DataConnectionThrottleStreamIO(self, await agreed.take(), command)
            except BaseException as error:
                agreed.drop()
                if isinstance(error, StatusCodeError) and error.received_codes[0].startswith("1"):
                    self._owed.append(0)  # the server began what the caller did not want, and will say how it ended
                raise
        except BaseException:
            self._turns.give()
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
        names = self._allowed(None) if commands is None else check_data_commands(commands)
        async with self._turns:
            channel = await (await self._agree(names, conn_type)).take()
            await self._turns.take()  # for the stream, until it is finished
            return DataConnectionThrottleStreamIO(self, channel)

    async def _agree(self, names: Iterable[str], conn_type: str) -> _Agreed:
        """Go the first way that works."""
        await self.set_type(conn_type)
        *others, last = [name for name in names if name not in self._useless] or list(names)
        for name in others:
            try:
                return await self._ways[name]()
            except StatusCodeError as error:
                if error.received_codes[0] not in _NOT_THIS_WAY:
                    raise
            except (OSError, ReplySyntaxError):
                if self._channel is None:
                    raise
            self._useless.add(name)  # as curl does: once is enough
        return await self._ways[last]()

    async def _epsv(self) -> _Agreed:
        _, info = await self.ask("EPSV", "229")
        return await self._connected(self.server_host, parse_229("\n".join(info)))

    async def _pasv(self) -> _Agreed:
        _, info = await self.ask("PASV", "227")
        host, port = parse_227("\n".join(info))
        trusted = self.trust_pasv_host and host != "0.0.0.0"
        return await self._connected(host if trusted else self.server_host, port)

    async def _connected(self, host: str, port: int) -> _Agreed:
        return _Passive(await self._open_channel(host, port))

    async def _listen(self, verb: str, render: Callable[[str, int], str]) -> _Agreed:
        if self._proxy is not None:
            raise ConfigurationError("the server cannot connect to a client behind a SOCKS proxy: use passive commands")
        active = _Active(self)
        try:
            await self.command(f"{verb} {render(*active.address)}", "2xx")
        except BaseException:
            active.drop()
            raise
        return active

    async def abort(self, *, wait: bool = True) -> None:
        """Break off the transfer that runs, be it in this task or another.

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
        elif running is None:
            await self.command("ABOR", "2xx")
        else:
            self._turns.adopt()
            async with self._turns:
                with self._whole():
                    await self._send(b"ABOR\r\n", "ABOR")
                    await self._await_reply(_GRACE)
                await self._aborted(running.abandon())

    async def _await_reply(self, seconds: float) -> None:
        """Give the server a moment to break off by itself, as RFC 959 has it.

        vsftpd and proftpd do not hear ABOR while they write; aioftp ends the session when its writing fails.
        """
        heard = asyncio.Event()
        self._watch(heard.set)
        try:
            async with asyncio.timeout(seconds):
                await heard.wait()
        except TimeoutError:
            pass
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

        PWD, because its 257 is like nothing else that may be under way; only a server that has not even that answers as
        it does to an unknown NOOP.

        Args:
            ticks: How many NOOPs were said while the transfer ran.

        Returns:
            The replies that came before.
        """
        with self._whole():
            await self._send(b"PWD\r\n", "PWD")
        replies = [await self._next_reply()]
        while not (replies[-1][0] == "257" or (not ticks and replies[-1][0] in ("500", "502"))):
            replies.append(await self._next_reply())
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

    async def _settle(self, ticks: int) -> None:
        await self._replies_of_transfer(ticks)
