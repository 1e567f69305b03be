"""The control channel, and the one task that answers its commands one after another.

One rule: this room knows no verb. What may overtake what is said by the marker of the command.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ssl import SSLContext
from typing import Any, Protocol

from ftpfixture.aio import Doorbell, take_turns
from ftpfixture.clock import Timer
from ftpfixture.errors import NoReply
from ftpfixture.log.events import Connected, Disconnected, HandlerFailed, Hub, LoggedIn
from ftpfixture.net.channel import Channel
from ftpfixture.net.gate import EXCHANGE, Exchange, Gate, SessionView
from ftpfixture.net.outbox import Outbox
from ftpfixture.server.connection import SESSION, Connection, Workers
from ftpfixture.server.dispatch import CommandSpec, Handler
from ftpfixture.server.replies import INTERNAL_ERROR, reply_for
from ftpfixture.server.view import View
from ftpfixture.wire.command import Command, Secret, censor
from ftpfixture.wire.lines import LineReader
from ftpfixture.wire.reply import Reply
from ftpfixture.wire.states import LEGAL_REPLIES

__all__ = ["Session", "SessionHost"]

_LINE_LIMIT = 8192  # bytes of a command line; a longer one is answered with 500
_RECEIVE = 1 << 16
_INBOX_LIMIT = 1024  # commands read ahead before the client has to wait
_BACKLOG_LIMIT = 1 << 18  # octets of replies a client may leave unread before its next command has to wait
_IN_A_ROW = 8  # commands of the inbox, after which it is time to look whether other sessions have waited for long
_NAME = re.compile(r"[A-Z0-9_]{1,64}")

Inbox = deque[Command | None]


class SessionHost(Protocol):
    """What a session needs of its server."""

    hub: Hub
    encoding: str
    gate_factory: Callable[[SessionView, Outbox], Gate]
    commands_mapping: dict[str, Handler]
    specs: dict[str, CommandSpec]

    def new_connection(self, session: Session) -> Connection:
        """What handlers will see of the session."""

    def context_from_the_start(self, connection: Connection) -> SSLContext | None:
        """What to shake hands with before the greeting; None to begin in clear."""

    async def greeting(self, connection: Connection, rest: str) -> bool:
        """Say the first reply; False to close."""

    async def farewell(self, connection: Connection) -> None:
        """Give back what the connection held."""


class Session:
    """One control connection from accept to close.

    Args:
        host: The server.
        channel: The control connection.
        number: Of the session.
    """

    def __init__(self, host: SessionHost, channel: Channel, number: int) -> None:
        self._host = host
        self._hub = host.hub
        self._encoding = host.encoding
        self._reader = LineReader(_LINE_LIMIT)
        self._inbox: Inbox = deque()
        self._wakeup: Doorbell | None = None
        self._ended_by = ""
        self._choked = False
        self._closing = False
        self._speechless = False
        self._handling = False
        self._begun = False
        self._begun_to_read = False
        self._idle_timer: Timer | None = None
        self._active_at = 0.0
        self.number = number
        self.channel = channel
        self.workers = Workers(self._worker_ended)
        self._loop = channel.loop
        self.task: asyncio.Task[None] | None = None
        # All that belongs to a session is tied together here.
        self.connection = host.new_connection(self)
        self._clock = self.connection.clock
        self._outbox = Outbox(channel, f"replies of session {number}")
        view = View(number, host.hub, channel, self.connection, self._hang_up)
        self.gate = host.gate_factory(view, self._outbox)

    def start(self) -> asyncio.Task[None]:
        """Begin to talk."""
        self._hub.emit(Connected(*self._hub.stamp(self.number), self.channel.peer, self.channel.local))
        self.task = self._loop.create_task(self._run(), name=f"ftp session {self.number}")
        return self.task

    # What handlers call.

    def respond(self, code: str, lines: str | list[str] | tuple[str, ...] = "", list: bool = False) -> None:  # noqa: A002
        """Answer the command that is being handled (`connection.response`)."""
        if self._closing:
            return
        exchange = EXCHANGE.get()
        if exchange.finals and self.workers.abort is not None:
            # The transfer has its 426: what follows answers the ABOR (RFC 959 4.1.3).
            exchange = self.workers.abort
        texts = (lines,) if isinstance(lines, str) else tuple(lines)
        self.gate.reply(Reply(code, texts or ("",), list), exchange)
        if exchange.opening:
            exchange.opening = False
            self._loop.call_soon(self._wake)  # what may be answered during a transfer waited for this

    def logged_in(self, user: str) -> None:
        """Tell that a user was let in."""
        self._hub.emit(LoggedIn(*self._hub.stamp(self.number), user))

    # TLS.

    async def encrypt(self, context: SSLContext) -> bool:
        """Shake hands, as the server of TLS; False when that failed and the session must end (RFC 4217 10.1).

        Commands that came in clear and wait are dropped: whoever sits between could have put them there.
        """
        try:
            async with self._between():
                self._reader.clear()
                self._inbox.clear()
                self.channel.start_tls(context, server_side=True)
                await self.channel.secured()
        except OSError as error:
            self._ended_by = "no TLS"
            self.gate.tls_failed("control", error)
            return False
        self.gate.tls_begun("control", self.channel)
        self.connection.secured = True
        self._go_on()
        return True

    async def decrypt(self) -> bool:
        """Go back to clear text; False when the other side does not agree and the session must end.

        In clear there is nothing to do.
        """
        if not self.channel.is_tls:
            return True
        try:
            async with self._between():
                await self.channel.end_tls()
        except OSError:
            self._ended_by = "no end of TLS"
            return False
        self._reader.clear()  # half a line may not be completed in clear
        self._ended_by = ""  # of a client that said the end of TLS before it was asked to
        self.gate.tls_ended()
        self._go_on()
        return True

    @asynccontextmanager
    async def _between(self) -> AsyncIterator[None]:
        """Neither in clear nor encrypted: nothing is heard or said, for as long as a session may be idle."""
        self.channel.watch_end(self._client_closed)
        self._speechless = True
        try:
            async with self._clock.timeout(self.connection.idle_timeout):
                await self._outbox.empty()
                self.channel.unwatch()
                yield
        finally:
            self._speechless = False

    def _go_on(self) -> None:
        if self._begun_to_read:
            self.channel.watch(self._readable)
            self._readable()  # TLS may have received what the loop will not tell of

    # What comes in.

    def _readable(self) -> None:
        try:
            data = self.channel.receive_now(_RECEIVE)
        except OSError:
            self._hang_up("connection reset")
            return
        if data is None:
            return
        if not data:
            self._client_closed()
            return
        encoding = self._encoding
        for line in self._reader.feed(data):
            self._inbox.append(None if line is None else Command.parse(line, encoding))
        if len(self._inbox) > _INBOX_LIMIT:
            self._choked = True
            self.channel.unwatch()
        self._touch()
        self._wake()

    def _client_closed(self) -> None:
        self._hang_up("client closed")

    def _hang_up(self, reason: str) -> None:
        self._ended_by = reason
        self.gate.abandon()
        self.channel.unwatch()
        self._wake()

    def _wake(self) -> None:
        if self._wakeup is not None:
            self._wakeup.ring()

    async def _next(self) -> Command | None:
        """The next command to handle, None for one that was too long.

        Raises:
            EOFError: There will be none.
        """
        while True:
            if self.channel.closed and not self.workers:
                raise EOFError
            if self._outbox.busy and (self._inbox or self._ended_by):
                await self._outbox.settle()  # replies leave in order: what is behind one that is held up waits, too
                continue
            if self._inbox and not self.channel.closed:
                index = 0 if not self.workers else self._overtaking()
                if index is not None:
                    return self._take(index)
            elif self._ended_by and not self.workers:
                raise EOFError
            self._outbox.uncork()
            self._wakeup = Doorbell(loop=self._loop)
            await self._wakeup

    def _take(self, index: int) -> Command | None:
        command = self._inbox[index]
        del self._inbox[index]
        if self._choked and len(self._inbox) < _INBOX_LIMIT // 2:
            self._choked = False
            self.channel.watch(self._readable)
        if self._inbox:
            self._outbox.cork()
        return command

    def _overtaking(self) -> int | None:
        """Which command may be answered while a transfer runs: the first if it may at all, or one that overtakes.

        The first waits until the transfer has its preliminary reply or its refusal: whoever sends commands ahead counts
        replies. What overtakes ends the transfer, which then is answered before it.
        """
        for index, command in enumerate(self._inbox):
            spec = self._host.specs.get(command.verb.lower()) if command is not None else None
            if spec is None:
                continue
            if spec.overtakes or (spec.during_transfer and index == 0 and not self.workers.opening):
                return index
        return None

    # The conversation.

    async def _run(self) -> None:
        self._begun = True
        SESSION.set(self.number)
        reason = "failure"
        try:
            reason = await self._converse()
        except asyncio.CancelledError:
            reason = self._ended_by or "shut down"
        except Exception as error:
            self._report("", error)
        finally:
            await self._end(reason)

    async def _converse(self) -> str:
        context = self._host.context_from_the_start(self.connection)
        self._speechless = context is not None  # until hands are shaken
        exchange = await self.gate.accept()
        if self.channel.closed:
            return self._ended_by or "cut off"
        if context is not None and not await self.encrypt(context):
            return self._ended_by
        if await self.gate.begin(exchange) and not await self._guarded(exchange, self._host.greeting):
            await self._outbox.empty()
            return "refused"
        self._touch()
        self._begun_to_read = True
        self._go_on()
        while True:
            try:
                command = await self._next()
            except EOFError:
                return self._ended_by or "cut off"
            self._handling = True
            going_on = await self._handle(command)
            self._handling = False
            if not going_on:
                reason = self._ended_by or "quit"
                if self.workers:
                    self.gate.abandon()  # whoever says good-bye waits for nothing that stands still
                await self.workers.idle()
                await self._outbox.empty()
                return reason
            self._touch()
            if self._outbox.backlog > _BACKLOG_LIMIT:
                await self._outbox.empty()
            if len(self._inbox) % _IN_A_ROW == _IN_A_ROW - 1:
                await take_turns()

    async def _handle(self, command: Command | None) -> bool:
        if command is None:
            exchange = await self.gate.command("", "", too_long=True)
            if await self.gate.begin(exchange):
                self.respond("500", "Command line too long")
            return True
        if self._may_be_a_password(command):
            command = Command(Secret(command.verb), Secret(command.argument))
        exchange = await self.gate.command(command.verb, command.argument)
        if not await self.gate.begin(exchange):
            return True
        handler = self._host.commands_mapping.get(command.verb.lower())
        if handler is not None:
            return await self._guarded(exchange, handler, exchange.argument)
        if _NAME.fullmatch(command.verb):
            self.respond("502", f"{censor(command.verb, '')} is not implemented")
        else:
            self.respond("500", "Syntax error, command unrecognized")
        return True

    def _may_be_a_password(self, command: Command) -> bool:
        """Whether a line is no command, where a password is waited for: it comes without PASS, or in two lines."""
        verb = command.verb
        if verb.lower() in self._host.specs or verb in LEGAL_REPLIES or censor(verb, "x") != f"{verb} x" or not verb:
            return False
        return "login" in self.connection and "logged" not in self.connection

    async def _guarded(self, exchange: Exchange, handler: Handler, rest: str = "") -> bool:
        try:
            return await handler(self.connection, rest)
        except NoReply:
            self.gate.silence(exchange)
            await self._gone()
            return True
        except Exception as error:
            return self._failed(exchange, error)

    async def _gone(self) -> None:
        """Wait until the client has gone; what it says until then is never answered."""
        while not self._ended_by:
            self._wakeup = Doorbell(loop=self._loop)
            await self._wakeup
        self._inbox.clear()

    def _failed(self, exchange: Exchange, error: BaseException) -> bool:
        """Answer for an exception; False when the session must end with that (RFC 959 4.2.2: 421)."""
        answer = reply_for(error)
        if answer is None:
            answer = INTERNAL_ERROR
            self._report(exchange.verb, error)
        self._answer(exchange, *answer)
        if answer[0] != "421":
            return True
        self._ended_by = self._ended_by or "refused"
        return False

    def _report(self, verb: str, error: BaseException) -> None:
        """Tell of an exception that nothing foresaw; it is raised in the test that caused it."""
        self._hub.emit(HandlerFailed(*self._hub.stamp(self.number), verb, error))

    def _answer(self, exchange: Exchange, code: str, text: str) -> None:
        """Give a command its final reply from outside its own task, unless it has one."""
        if not exchange.finals:
            token = EXCHANGE.set(exchange)
            self.respond(code, text)
            EXCHANGE.reset(token)

    def _worker_ended(self, task: asyncio.Task[Any], exchange: Exchange) -> None:
        self._touch()
        if task.cancelled():
            self._answer(exchange, "426", "Transfer aborted")  # it had not begun
            if self.workers.abort is not None:
                self._answer(self.workers.abort, "226", "Abort successful")
        elif (error := task.exception()) is not None:
            if not self._failed(exchange, error):
                self._hang_up("refused")
        elif task.result() is False:
            self._hang_up("quit")
        self._wake()  # last: the session goes on at once, and the next command's reply must come after this one's

    # Time.

    def _touch(self) -> None:
        """Something happened: the idle time begins anew."""
        self._active_at = self._clock.monotonic()
        if self._idle_timer is None and self.connection.idle_timeout is not None and not self._closing:
            self._idle_timer = self._clock.call_later(self.connection.idle_timeout, self._check_idle)

    def _check_idle(self) -> None:
        self._idle_timer = None
        limit = self.connection.idle_timeout
        if limit is None or self._closing:
            return
        if self._outbox.busy:
            self._outbox.when_settled(self._touch)  # until then it is not the client's silence
            return
        left = self._active_at + limit - self._clock.monotonic()
        if self.workers or self._handling:
            left = limit
        if left > 0.0005:
            self._idle_timer = self._clock.call_later(left, self._check_idle)
        else:
            self.dismiss("idle", f"Timeout: nothing was said for {limit:g} seconds")

    # The end.

    def dismiss(self, reason: str, text: str) -> None:
        """Say 421 and end the session, whatever it does (RFC 959 4.2.1)."""
        if self._closing or self.task is None:
            return
        if not self._speechless:
            self._answer(Exchange(0, ""), "421", text)
        self._ended_by = reason
        self._closing = True
        if self._begun:
            self.task.cancel()
        else:
            # A task that is cancelled before its first step never runs, and would leave the channel open.
            self._loop.call_soon(self.task.cancel)

    async def _end(self, reason: str) -> None:
        self._closing = True
        self.gate.abandon()
        await self._outbox.close()
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        for task in tuple(self.workers):
            task.cancel()
        if reason == "connection reset":
            self.channel.close()
        else:
            self.channel.close_gently()
        try:
            await self.workers.idle()
            await self._host.farewell(self.connection)
        except Exception as error:
            self._report("", error)
        finally:
            self._hub.emit(Disconnected(*self._hub.stamp(self.number), reason))
