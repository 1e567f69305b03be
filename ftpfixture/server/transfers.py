"""The frame of every transfer: data connection, preliminary reply, bytes, close, final reply, in this order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from ftpfixture.errors import CommandRefused
from ftpfixture.net.channel import Channel
from ftpfixture.net.deflate import Deflated
from ftpfixture.net.gate import EXCHANGE
from ftpfixture.net.stream import ThrottleStreamIO
from ftpfixture.net.transport import Address, Duplex, Transport
from ftpfixture.server.base import BaseServer
from ftpfixture.server.conditions import worker
from ftpfixture.server.connection import Connection
from ftpfixture.server.transfer import Transfer

__all__ = ["Transfers"]


class Transfers(BaseServer):
    """Data connections and the worker that uses them."""

    # The next data connection.

    def expect_passive(self, connection: Connection) -> int:
        """Listen for the client's data connection; the last PASV, EPSV, PORT or EPRT wins.

        Returns:
            The port.

        Raises:
            CommandRefused: 425; no port is free.
        """
        self.forget_data(connection)
        listener = self.passive_listener(connection)
        try:
            port = listener.arm(partial(self._arrived, connection))
        except OSError as error:
            raise CommandRefused("425", "No data port is free") from error

        async def arrival(timeout: float | None) -> ThrottleStreamIO:
            listener.accept_now()
            connection.when_wanted("data_connection", None)
            stream: ThrottleStreamIO = await connection.wait_for("data_connection", timeout)
            return stream

        connection.passive_server = listener
        connection.passive_server_port = port
        connection.data_source = "passive"
        connection.when_wanted("data_connection", arrival)
        return port

    def expect_active(self, connection: Connection, address: Address) -> None:
        """Connect to the client when the next transfer begins.

        Args:
            connection: The session.
            address: Host and port of PORT or EPRT, which the caller has checked (RFC 2577 3).
        """
        self.forget_data(connection)

        async def dial(timeout: float | None) -> ThrottleStreamIO:
            connection.when_wanted("data_connection", None)
            async with self.clock.timeout(timeout):
                transport = await self.network.connect(connection.server_host, address)
            return self._stream(connection, transport, "active")

        connection.data_source = "active"
        connection.when_wanted("data_connection", dial)

    def forget_data(self, connection: Connection) -> None:
        """Forget the mode and the address of the next data connection, and close an unused one."""
        if "data_connection" in connection:
            connection.data_connection.close()
            del connection.data_connection
        if "passive_server" in connection:
            connection.passive_server.disarm()
        del connection.data_source, connection.data_direction, connection.passive_server
        connection.when_wanted("data_connection", None)

    def _arrived(self, connection: Connection, transport: Transport) -> None:
        try:
            connection.data_connection = self._stream(connection, transport, "passive")
        except OSError:
            transport.close()

    def _stream(self, connection: Connection, transport: Transport, mode: str) -> ThrottleStreamIO:
        channel = Channel(transport, connection.socket_timeout, self.clock.timeout)
        # Net::FTP sends its command, connects and begins the TLS handshake at once; in an upload it reads no ticket.
        self._protect(connection, channel, tickets=connection.data_direction != "upload")
        return connection.session.gate.data(channel, connection.throttles, mode)

    # The worker.

    def start_transfer(self, connection: Connection, transfer: Transfer) -> bool:
        """Start a transfer as a worker of the session, which sends all replies to its command.

        Raises:
            CommandRefused: 425, neither PORT nor PASV was sent before (RFC 959 5.4); 521, PROT P is required.
        """
        connection.restart_offset = 0
        connection.range = None
        if "data" in self.require_tls and connection.protection != "P":
            raise CommandRefused("521", "Data connections must be encrypted: use PROT P")
        if "data_source" not in connection:
            raise CommandRefused("425", "Use PORT or PASV first")
        connection.transfer = transfer
        self.direct_data(connection, transfer.direction)
        EXCHANGE.get().awaits_preliminary = True
        task = connection.loop.create_task(self._run_transfer(connection, transfer))
        connection.extra_workers.add(task)
        if transfer.on_end is not None:
            task.add_done_callback(partial(_call_on_end, transfer.on_end))
        return True

    @worker
    async def _run_transfer(self, connection: Connection, transfer: Transfer) -> bool:
        stream = await self._take_stream(connection)
        transfer.stream = stream
        stream.describe(
            transfer.direction, str(transfer.path), transfer.offset, connection.transfer_type, transfer.size
        )
        async with stream, transfer.open() as file:
            # curl begins the TLS handshake before its STOR, and reads tickets that have arrived when it closes: so the
            # server sends them before the 150.
            early = transfer.direction == "upload" and stream.channel.offers_tickets
            error = await self._handshake_error(stream.channel) if early else None
            connection.response("150", transfer.preliminary)
            if not early:
                error = await self._handshake_error(stream.channel)
            self._require_tls(connection, stream.channel, error)
            self._compress(connection, stream)
            await transfer.move(stream, file)
        connection.response("226", "Transfer complete")
        return True

    def protect(self, connection: Connection, level: str) -> None:
        """Protect data connections with "P" or "C" from now on; a TLS handshake that has begun continues."""
        if "passive_server" in connection:
            connection.passive_server.accept_now()  # a connection that the client made before PROT comes first
        connection.protection = level
        if "data_connection" in connection:
            channel = connection.data_connection.channel
            self._protect(connection, channel)
            if level == "C":
                channel.cancel_tls()

    def direct_data(self, connection: Connection, direction: str) -> None:
        """Set the direction of the next transfer, when its command has come."""
        connection.data_direction = direction
        if direction == "upload" and "data_connection" in connection:
            self._withhold_tickets(connection, connection.data_connection.channel)

    def _withhold_tickets(self, connection: Connection, channel: Duplex) -> None:
        # A client that begins the TLS handshake before its command gets tickets; curl needs them, because it resumes no
        # session twice. A client that begins it after the 150 gets none: lftp would lose the end of an upload.
        if channel.is_tls:
            channel.put_off_tls()
            self._protect(connection, channel, tickets=False)

    def _protect(self, connection: Connection, channel: Duplex, *, tickets: bool = True) -> None:
        # TLS begins at once: some clients begin the handshake before they send their command, others after its 150.
        if connection.protection == "P" and self.ssl is not None:
            context = self.context_for(connection)
            channel.start_tls(
                context, server_side=True, require_close_notify=self.require_close_notify, tickets=tickets
            )

    async def _handshake_error(self, channel: Duplex) -> OSError | None:
        """Wait until the TLS handshake of a data connection has completed, if there is one; its error if it failed."""
        if not channel.is_tls:
            return None
        try:
            async with self.clock.timeout(self.handshake_timeout):
                await channel.secured()
        except OSError as error:
            return error
        return None

    def _require_tls(self, connection: Connection, channel: Duplex, error: OSError | None) -> None:
        """Check the result of a data connection's TLS handshake, if there was one.

        Raises:
            CommandRefused: 522; the handshake failed, or it did not resume a session where it must.
        """
        if not channel.is_tls:
            return
        if error is not None:
            connection.session.gate.tls_failed("data", error)
            channel.reset()
            raise CommandRefused("522", "TLS handshake failed on the data connection") from error
        connection.session.gate.tls_begun("data", channel)
        if self.require_session_reuse and not (channel.tls is not None and channel.tls.resumed):
            channel.close_after_flush()  # as vsftpd does: ftplib reads the reply only after close_notify
            raise CommandRefused("522", "The TLS session of the control connection must be resumed")

    def _compress(self, connection: Connection, stream: ThrottleStreamIO) -> None:
        if connection.transfer_mode == "Z":
            stream.channel = Deflated(stream.channel, connection.compression_level, self.inflation_limit)

    async def _take_stream(self, connection: Connection) -> ThrottleStreamIO:
        """The data connection, which the caller owns from now on.

        Raises:
            CommandRefused: 425; the connection was not made in time, or failed.
        """
        try:
            stream: ThrottleStreamIO = await connection.wait_for("data_connection", connection.wait_future_timeout)
            del connection.data_connection
        except OSError as error:
            raise CommandRefused("425", "Can't open data connection") from error
        finally:
            self.forget_data(connection)
        return stream


def _call_on_end(on_end: Callable[[], object], _: asyncio.Task[bool]) -> None:
    on_end()
