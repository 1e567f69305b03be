"""A server that plays a recording, without the server that was recorded.

Theory of operation
-------------------
`ReplayServer` is a server whose table of commands has one handler for every verb: it gets the step from the tape.
Sessions, TLS, data connections, the gate with faults, and the log are those of any other server. A `Player` carries
out the steps: it sends replies byte for byte, negotiates data connections, moves their bytes, begins and ends TLS,
closes.

The steps of a session are carried out one after another. A step with a data connection runs beside the session, because
the client may send ABOR, STAT or NOOP meanwhile; ABOR stops what still moves. A data connection belongs to the command
that used it, and ends where its line stands, which may be in a later step: after ABOR, or after an early 226.

One rule: a command that was not recorded never gets a recorded reply. The server sends 503 and closes the session, and
the test fails.
"""

from __future__ import annotations

from asyncio import Lock
from typing import Unpack

from ftpfixture.errors import CommandRefused, ReplayError
from ftpfixture.faults.pieces import split_replies
from ftpfixture.files.paths import resolve_virtual
from ftpfixture.log.events import HandlerFailed
from ftpfixture.log.retention import CONTENT_LIMIT
from ftpfixture.net.gate import EXCHANGE, UNASKED, Exchange
from ftpfixture.recording.answers import RawReply
from ftpfixture.recording.format import Data, Line, Note
from ftpfixture.recording.format import Reply as Recorded
from ftpfixture.recording.redact import fill
from ftpfixture.recording.replaydata import ReplayedData
from ftpfixture.recording.replaystate import follow
from ftpfixture.recording.steps import Step
from ftpfixture.recording.tape import Playback, Tape
from ftpfixture.recording.uploads import Comparison
from ftpfixture.server import AbstractUserManager, Connection, Server
from ftpfixture.server.base import BaseServer
from ftpfixture.server.dispatch import CommandSpec, EveryVerb
from ftpfixture.server.settings import ServerSettings
from ftpfixture.wire.hostport import parse_eprt, parse_port, render_227, render_229, render_port
from ftpfixture.wire.reply import Reply
from ftpfixture.wire.states import legal_reply

__all__ = ["Player", "ReplayServer"]


class ReplayServer(Server):
    """A server that answers from a tape.

    Args:
        users: Not used for logins; they are for the handle of the server.
        tape: What was recorded.
        uploads: The part of an upload that must be as recorded.
        allow_unplayed: Whether clients need not play all of it.
        timing: Whether replies and ends of data connections wait as long as they were recorded.
        settings: Those of `ServerSettings` that do not change replies.
    """

    def __init__(
        self,
        users: AbstractUserManager,
        *,
        tape: Tape,
        uploads: Comparison = "exact",
        allow_unplayed: bool = False,
        timing: bool = False,
        **settings: Unpack[ServerSettings],
    ) -> None:
        super().__init__(users, **settings)
        self.hub.content_limit = CONTENT_LIMIT
        self.tape = tape
        self.uploads: Comparison = uploads
        self._allow_unplayed = allow_unplayed
        self.timing = timing
        self.specs |= {
            verb.lower(): CommandSpec((verb,)) for verb in sorted(tape.verbs) if verb.lower() not in self.specs
        }
        self.commands_mapping = EveryVerb(self._replayed)
        self.players: dict[int, Player] = {}

    def unplayed(self) -> list[str]:
        """One text for each session that clients have not played, or not to its end."""
        return [] if self._allow_unplayed else self.tape.unplayed()

    def begin_again(self, user_manager: AbstractUserManager, other: BaseServer) -> None:
        """See BaseServer."""
        super().begin_again(user_manager, other)
        self.tape.rewind()

    async def greeting(self, connection: Connection, rest: str) -> bool:
        """Send the recorded lines before the first command, or 421 when no session is left."""
        try:
            playback = self.tape.connect(self.clock())
        except ReplayError as error:
            return await self.unrecorded_session(connection, error)
        player = self.players[connection.number] = Player(self, connection, playback)
        return await player.play(playback.beginning, EXCHANGE.get())

    async def _replayed(self, connection: Connection, rest: str) -> bool:
        player = self.players[connection.number]
        exchange = EXCHANGE.get()
        try:
            step = player.playback.command(exchange.verb, rest)
        except ReplayError as error:
            return await self.unrecorded(connection, player, exchange, error)
        return await player.answer(step, exchange)

    async def unrecorded_session(self, connection: Connection, error: ReplayError) -> bool:
        """Refuse a client that connects once more than was recorded, and fail the test."""
        self.report(connection, "", error)
        connection.response("421", "This session was not recorded")
        return False

    async def unrecorded(self, connection: Connection, player: Player, exchange: Exchange, error: ReplayError) -> bool:
        """Refuse a command that was not recorded, end the session, and fail the test."""
        self.report(connection, exchange.verb, error)
        await player.abort()
        connection.response("503", "This command was not recorded")
        return False

    def report(self, connection: Connection, verb: str, error: ReplayError) -> None:
        """Make the test fail."""
        self.hub.emit(HandlerFailed(*self.hub.stamp(connection.number), verb, error))

    async def release(self, connection: Connection) -> None:
        """See BaseServer."""
        player = self.players.pop(connection.number, None)
        if player is not None:
            await player.close()
        await super().release(connection)

    async def take_data(self, connection: Connection, data: ReplayedData, path: str) -> None:
        """Connect a recorded data connection with the one that the client has opened, or waits for.

        Raises:
            CommandRefused: There is none.
        """
        if not connection.data_source:
            raise CommandRefused("425", "Use PORT or PASV first")
        self.direct_data(connection, data.direction)
        data.use(await self._take_stream(connection), path)

    async def secure(self, connection: Connection, data: ReplayedData) -> None:
        """Complete the TLS handshake of a data connection that has one.

        Raises:
            CommandRefused: It failed.
        """
        if not data.is_secured:
            self._require_tls(connection, data.channel, await self._handshake_error(data.channel))
            data.is_secured = True


class Player:
    """Carries out a recorded session on a control connection.

    Attributes:
        playback: What is played.
        codes: The code of the last reply to each command, by its number in the log.
    """

    def __init__(self, server: ReplayServer, connection: Connection, playback: Playback) -> None:
        self.playback = playback
        self.codes: dict[int, str] = {}
        self._server = server
        self._connection = connection
        self._session = connection.session
        self._turn = Lock()
        self._data: ReplayedData | None = None
        self._ended: list[ReplayedData] = []
        playback.values |= {"host": connection.server_host, "server_port": str(connection.server_port)}

    async def answer(self, step: Step, exchange: Exchange) -> bool:
        """Carry out the step for a command; False to end the session."""
        if exchange.verb == "ABOR" and self._data is not None:
            await self._data.abort()
        is_beside = step.data is not None or self._data is not None or self._turn.locked()
        if not is_beside or any(isinstance(line, Note) and line.what in ("tls", "clear") for line in step.lines):
            return await self.play(step, exchange)
        task = self._connection.loop.create_task(self.play(step, exchange))
        self._connection.extra_workers.add(task)
        return True

    async def play(self, step: Step, exchange: Exchange) -> bool:
        """Carry out a step after those before it; False to end the session.

        Raises:
            CommandRefused: The client cannot have its data connection.
        """
        async with self._turn:
            try:
                lines = self._agree(step, exchange) if step.opens else step.lines
                if step.data is not None:
                    await self._take(step, step.data, exchange)
                clock, begun = self._server.clock, self._server.clock.monotonic()
                for line in lines:
                    if self._server.timing and not isinstance(line, Reply):
                        await clock.sleep(begun + step.delay(line) - clock.monotonic())
                    if not await self._carry_out(line, exchange):
                        return False
            except CommandRefused:
                await self._give_up()
                raise
        return not _is_goodbye(step)

    async def _carry_out(self, line: Line | Reply, exchange: Exchange) -> bool:
        """Carry out a line; False to end the session."""
        match line:
            case Reply():
                await self._send(line, exchange)
            case Recorded():
                text = fill(line.content().decode("utf-8", "surrogateescape"), self.playback.values)
                for reply, raw in split_replies(text.encode("utf-8", "surrogateescape"), self._connection.encoding):
                    await self._send(RawReply(reply.code, reply.lines, raw=raw), exchange)
            case Data():
                await self._end_data()
            case Note(what="tls") if not self._session.channel.is_tls:
                return await self._session.encrypt(self._server.context_for(self._connection))
            case Note(what="clear"):
                return await self._session.decrypt()
            case Note(what="closed", end=end):
                await self._disconnect(end)
                return False
        return True

    # Replies.

    async def _send(self, reply: Reply, exchange: Exchange) -> None:
        """Send a reply, and act on its code."""
        owner = self._owner(reply, exchange)
        self._session.gate.reply(reply, owner)
        self.codes[owner.seq] = reply.code
        follow(self._connection, owner, reply)
        data = self._data
        if data is None:
            return
        if reply.is_preliminary and data.exchange is exchange:
            await self._move(data)
        elif data.is_over and data.exchange.finals:
            self._forget(data)

    def _owner(self, reply: Reply, exchange: Exchange) -> Exchange:
        """The command that a reply belongs to: the last one, or the running transfer."""
        data = self._data
        if (
            data is not None
            and data.exchange is not exchange
            and not data.exchange.finals
            and (data.is_over or not legal_reply(exchange.verb, exchange.argument, reply.code))
        ):
            return data.exchange
        return UNASKED if exchange.finals else exchange

    # Data connections.

    def _agree(self, step: Step, exchange: Exchange) -> list[Line | Reply]:
        """Negotiate a data connection in the form that the client uses; return the lines to send.

        Raises:
            CommandRefused: There is none.
            CommandSyntaxError: The client's address is none.
        """
        verb, connection, server = exchange.verb, self._connection, self._server
        data = self.playback.upcoming()
        if data is not None:
            connection.protection = "P" if data.tls else "C"
        if verb in ("PORT", "EPRT"):
            address = parse_port(exchange.argument) if verb == "PORT" else parse_eprt(exchange.argument)[1:]
            server.expect_client(connection, address)
            self.playback.values["client_port"] = str(address[1])
            own = Reply("200", (f"{verb} command successful",))
        else:
            host = server.ipv4_pasv_forced_response_address or connection.server_host
            if verb == "PASV" and ":" in host:
                raise CommandRefused("425", "PASV can name IPv4 addresses only: use EPSV")
            port = server.expect_passive(connection)
            self.playback.values["port"] = str(port)
            if ":" not in host:  # also for EPSV: servers of field reports answer it with 227
                self.playback.values["address"] = render_port(host, port)
            own = Reply("227", (render_227(host, port),)) if verb == "PASV" else Reply("229", (render_229(port),))
        return [own if verb != step.verb and isinstance(line, Recorded) else line for line in step.lines]

    async def _take(self, step: Step, recorded: Data, exchange: Exchange) -> None:
        body = self._server.tape.recording.body(recorded, self.playback.values)
        data = ReplayedData(step, recorded, body, exchange, "ignore" if recorded.synthetic else self._server.uploads)
        path = resolve_virtual(self._connection.current_directory, exchange.argument)
        await self._server.take_data(self._connection, data, str(path))
        self._data = data
        if data.direction == "upload" and data.channel.offers_tickets:
            await self._server.secure(self._connection, data)  # in the order of other transfers, for curl

    async def _move(self, data: ReplayedData) -> None:
        await self._server.secure(self._connection, data)
        data.start(self._connection.block_size)

    async def _end_data(self) -> None:
        data = self._data
        if data is None:
            return
        await self._move(data)  # where there was no preliminary reply
        error = await data.end()
        if error is not None:
            self._server.report(self._connection, data.exchange.verb, error)
        if data.exchange.finals:
            self._forget(data)

    def _forget(self, data: ReplayedData) -> None:
        """Go on without a data connection that has ended; one that is half closed is closed with the session."""
        self._ended.append(data)
        self._data = None

    async def _give_up(self) -> None:
        if self._data is not None:
            await self._data.close()
            self._data = None

    # The end.

    async def _disconnect(self, end: str) -> None:
        if end == "rst":
            await self._session.gate.outbox.empty()
            await self._session.channel.wait_sent()
            self._session.channel.reset()

    @property
    def is_busy(self) -> bool:
        """Whether a transfer runs, or a step is being carried out."""
        return self._data is not None or self._turn.locked()

    async def abort(self) -> None:
        """Abort the running transfer: the client does something else."""
        for task in tuple(self._session.workers):
            task.cancel()
        await self._session.workers.idle()

    async def close(self) -> None:
        """The session has ended."""
        for data in (*self._ended, *filter(None, [self._data])):
            await data.close()
        self.playback.close()


def _is_goodbye(step: Step) -> bool:
    """Whether a server closes after this, even where the client closed first."""
    replies = [line.content() for line in step.lines if isinstance(line, Recorded)]
    return step.verb == "QUIT" and any(reply.startswith(b"221") for reply in replies)
