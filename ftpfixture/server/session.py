r"""The control connection, and the one task that answers its commands one after another.

One rule: this room knows no verb. What may overtake what is said by the marker of the command.

Theory of operation
-------------------
Two things happen side by side. *Reading*: whenever bytes come, the `Inbox` makes commands of them and the task is
woken. *Answering*: the task takes one command after another and awaits its handler. A transfer runs beside it as a
worker; meanwhile only the commands whose marker says so are answered. So a client may send any number of commands
ahead, and their replies come in order.

What the session does is its `state`, and `SESSION_MOVES` says what may follow on what::

    NEW -> GREETING -> WAITING <-> HANDLING       from each of them -> CLOSING -> CLOSED
      \-> SECURING -/                  \<-> SECURING

Why it will end is its `reason`, "" until something ends it: the client closed, the gate cut the connection, a handler
said so. A reason alone changes no state: what was received is still answered, and a transfer finished. `terminate` is
the other way to end: it says 421 and cancels the task at once.

What is said goes through the gate into the `Outbox`, which owns its order: the session waits for it where replies take
their time (`settle`), and before TLS begins or ends, before the end, and for a client that does not read (`empty`).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from ssl import SSLContext
from typing import Any

from ftpfixture.aio import Doorbell, next_turn, take_turns
from ftpfixture.errors import NoReply
from ftpfixture.log.events import Connected, Disconnected, HandlerFailed, LoggedIn
from ftpfixture.net.channel import Channel
from ftpfixture.net.gate import EXCHANGE, Exchange
from ftpfixture.net.outbox import Outbox
from ftpfixture.server.connection import SESSION, Workers
from ftpfixture.server.dispatch import Handler, is_verb
from ftpfixture.server.host import SessionHost
from ftpfixture.server.idle import IdleTimer
from ftpfixture.server.inbox import Inbox
from ftpfixture.server.replies import INTERNAL_ERROR, reply_for
from ftpfixture.server.states import SESSION_MOVES, SessionState
from ftpfixture.server.view import View
from ftpfixture.wire.command import Command, Secret, censor
from ftpfixture.wire.reply import Reply

__all__ = ["Session"]

_IN_A_ROW = 8  # commands of the inbox, after which it is time to look whether other sessions have waited for long
# A global is found three times as fast as a member of an enum, and each command needs several.
_NEW, _SECURING, _GREETING, _WAITING, _HANDLING, _CLOSING, _CLOSED = SessionState
_NAME = re.compile(r"[A-Z0-9_]{1,64}")


class Session:
    """One control connection from accept to close.

    Args:
        host: The server.
        channel: The control connection.
        number: Of the session.

    Attributes:
        state: What it is doing.
        reason: Why it will end; "" while nothing ends it.
    """

    def __init__(self, host: SessionHost, channel: Channel, number: int) -> None:
        self._host = host
        self._inbox = Inbox(channel, host.encoding, self._heard, self._disconnect)
        self._wakeup: Doorbell | None = None
        self.state = _NEW
        self.reason = ""
        self.number = number
        self.channel = channel
        self.workers = Workers(self._worker_ended)
        self._loop = channel.loop
        self.task: asyncio.Task[None] | None = None
        # All that belongs to a session is tied together here.
        self.connection = host.new_connection(self)
        self._idle = IdleTimer(self.connection, self._is_silent, partial(self.terminate, "idle"))
        self._outbox = Outbox(channel, f"replies of session {number}")
        view = View(number, host, channel, self.connection, self._disconnect)
        self.gate = host.gate_factory(view, self._outbox)

    def start(self) -> asyncio.Task[None]:
        """Begin to talk."""
        self.gate.hub.emit(Connected(*self.gate.hub.stamp(self.number), self.channel.peer, self.channel.local))
        self.task = self._loop.create_task(self._run(), name=f"ftp session {self.number}")
        return self.task

    # What handlers call.

    def respond(self, code: str, lines: str | list[str] | tuple[str, ...] = "", list: bool = False) -> None:  # noqa: A002
        """Answer the command that is being handled (`connection.response`)."""
        if self.state >= _CLOSING:
            return
        exchange = EXCHANGE.get()
        if exchange.finals and self.workers.abort is not None:
            # The transfer has its 426: what follows answers the ABOR (RFC 959 4.1.3).
            exchange = self.workers.abort
        texts = (lines,) if isinstance(lines, str) else tuple(lines)
        self.gate.reply(Reply(code, texts or ("",), list), exchange)
        if exchange.awaits_preliminary:
            exchange.awaits_preliminary = False
            self._loop.call_soon(self._wake)  # what may be answered during a transfer waited for this

    def logged_in(self, user: str) -> None:
        """Tell that a user was let in."""
        self.gate.hub.emit(LoggedIn(*self.gate.hub.stamp(self.number), user))

    # TLS.

    async def encrypt(self, context: SSLContext) -> bool:
        """Make the TLS handshake, as its server; False when that failed and the session must end (RFC 4217 10.1).

        Commands that came in clear and wait are dropped: whoever sits between could have put them there.
        """
        try:
            async with self._between():
                self._inbox.clear()
                self.channel.start_tls(context, server_side=True)
                await self.channel.secured()
        except OSError as error:
            self.reason = "no TLS"
            self.gate.tls_failed("control", error)
            return False
        self.gate.tls_begun("control", self.channel)
        self.connection.secured = True
        if self.state is _HANDLING:
            self._inbox.listen()
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
            self.reason = "no end of TLS"
            return False
        self._inbox.drop_line()  # half a line may not be completed in clear
        self.reason = ""  # of a client that said the end of TLS before it was asked to
        self.gate.tls_ended()
        self._inbox.listen()
        return True

    @asynccontextmanager
    async def _between(self) -> AsyncIterator[None]:
        """Neither in clear nor encrypted: nothing is heard or said, for as long as a session may be idle."""
        before = self.state
        if before is not _SECURING:  # with implicit TLS it is, from the start
            self.state = SESSION_MOVES[self.state, _SECURING]
        self._inbox.watch_end()
        try:
            async with self.connection.clock.timeout(self.connection.idle_timeout):
                await self._outbox.empty()
                self._inbox.stop()
                yield
        finally:
            if self.state is _SECURING:
                back = _GREETING if before is _SECURING else before
                self.state = SESSION_MOVES[self.state, back]

    # What comes in.

    def _heard(self) -> None:
        self._idle.touch()
        if self._wakeup is not None:
            self._wakeup.ring()  # as `_wake`, which takes longer to call than to do

    def _disconnect(self, reason: str) -> None:
        self.reason = reason
        self.gate.abandon()
        self._inbox.stop()
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
            if self.channel.closed or self.reason:
                self._unless_over()
            if self._outbox.busy:
                await self._outbox.settle()  # replies leave in order: what is behind one that is held up waits, too
                continue
            if self._inbox and not self.channel.closed:
                index = (
                    0 if not self.workers else self._inbox.overtaking(self._host.specs, self.workers.awaits_preliminary)
                )
                if index is not None:
                    command = self._inbox.take(index)
                    if self._inbox:
                        self._outbox.cork()
                    return command
            self._outbox.uncork()
            self._wakeup = Doorbell(loop=self._loop)
            await self._wakeup

    def _unless_over(self) -> None:
        if not self.workers and (self.channel.closed or not (self._inbox or self._outbox.busy)):
            raise EOFError

    # The conversation.

    async def _run(self) -> None:
        SESSION.set(self.number)
        reason = "failure"
        try:
            # It may have been dismissed before this, its first step.
            reason = await self._converse() if self.state is _NEW else self.reason
        except asyncio.CancelledError:
            reason = self.reason or "shut down"
        except Exception as error:
            self._report("", error)
        finally:
            await self._end(reason)

    async def _converse(self) -> str:
        """Greet, and answer commands until the end; why it came."""
        going_on = await self._greet()
        if not going_on:
            return self.reason
        while True:
            if self.state is _CLOSING:
                await next_turn()  # dismissed by its own handler: the cancellation comes here
            self.state = SESSION_MOVES[self.state, _WAITING]
            if not going_on:
                return await self._finish()
            self._idle.touch()
            if self._outbox.full:
                await self._outbox.empty()
            if len(self._inbox) % _IN_A_ROW == _IN_A_ROW - 1:
                await take_turns()
            try:
                command = await self._next()
            except EOFError:
                return self.reason or "cut off"
            self.state = SESSION_MOVES[self.state, _HANDLING]
            going_on = await self._handle(command)

    async def _finish(self) -> str:
        """A handler has ended the session: wait for what runs, and until its last reply is read."""
        reason = self.reason or "quit"
        if self.workers:
            self.gate.abandon()  # whoever says good-bye waits for nothing that stands still
        await self.workers.idle()
        await self._outbox.empty()
        return reason

    async def _greet(self) -> bool:
        """Say the greeting, and begin to read; False when the session ends with that, for its reason."""
        context = self._host.context_from_the_start(self.connection)
        self.state = SESSION_MOVES[self.state, _GREETING if context is None else _SECURING]
        exchange = await self.gate.accept()
        if self.channel.closed:
            self.reason = self.reason or "cut off"
            return False
        if context is not None and not await self.encrypt(context):
            return False
        if await self.gate.begin(exchange) and not await self._guarded(exchange, self._host.greeting):
            await self._outbox.empty()
            self.reason = "refused"
            return False
        self._inbox.listen()
        return True

    async def _handle(self, command: Command | None) -> bool:
        if command is None:
            exchange = await self.gate.command("", "", too_long=True)
            if await self.gate.begin(exchange):
                self.respond("500", "Command line too long")
            return True
        key = command.verb.lower()
        if key not in self._host.specs and not is_verb(command.verb) and self.connection.login_state.is_due:
            # A password comes without PASS, or in two lines.
            command = Command(Secret(command.verb), Secret(command.argument))
        exchange = await self.gate.command(command.verb, command.argument)
        if not await self.gate.begin(exchange):
            return True
        handler = self._host.commands_mapping.get(key)
        if handler is not None:
            return await self._guarded(exchange, handler, exchange.argument)
        if _NAME.fullmatch(command.verb):
            self.respond("502", f"{censor(command.verb, '')} is not implemented")
        else:
            self.respond("500", "Syntax error, command unrecognized")
        return True

    async def _guarded(self, exchange: Exchange, handler: Handler, rest: str = "") -> bool:
        try:
            return await handler(self.connection, rest)
        except NoReply:
            self.gate.withhold(exchange)
            await self._gone()
            return True
        except Exception as error:
            return self._failed(exchange, error)

    async def _gone(self) -> None:
        """Wait until the client has gone; what it says until then is never answered."""
        while not self.reason:
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
        self.reason = self.reason or "refused"
        return False

    def _report(self, verb: str, error: BaseException) -> None:
        """Tell of an exception that nothing foresaw; it is raised in the test that caused it."""
        self.gate.hub.emit(HandlerFailed(*self.gate.hub.stamp(self.number), verb, error))

    def _answer(self, exchange: Exchange, code: str, text: str) -> None:
        """Give a command its final reply from outside its own task, unless it has one."""
        if not exchange.finals:
            token = EXCHANGE.set(exchange)
            self.respond(code, text)
            EXCHANGE.reset(token)

    def _worker_ended(self, task: asyncio.Task[Any], exchange: Exchange) -> None:
        self._idle.touch()
        if task.cancelled():
            self._answer(exchange, "426", "Transfer aborted")  # it had not begun
            if self.workers.abort is not None:
                self._answer(self.workers.abort, "226", "Abort successful")
        elif (error := task.exception()) is not None:
            if not self._failed(exchange, error):
                self._disconnect("refused")
        elif task.result() is False:
            self._disconnect("quit")
        self._wake()  # last: the session goes on at once, and the next command's reply must come after this one's

    def _is_silent(self) -> bool:
        """Whether it is the client who says nothing; where replies are held up, that begins when they have left."""
        if self._outbox.busy:
            self._outbox.when_settled(self._idle.touch)
            return False
        return not self.workers and self.state is _WAITING

    # The end.

    def terminate(self, reason: str, text: str) -> None:
        """Say 421 and end the session, whatever it does (RFC 959 4.2.1)."""
        if self.state >= _CLOSING or self.task is None:
            return
        before = self.state
        if before is not _SECURING:
            self._answer(Exchange(0, ""), "421", text)
        self.reason = reason
        self.state = SESSION_MOVES[self.state, _CLOSING]
        # A task that is cancelled before its first step never runs, and would leave the channel open.
        if before is not _NEW:
            self.task.cancel()

    async def _end(self, reason: str) -> None:
        if self.state is not _CLOSING:
            self.state = SESSION_MOVES[self.state, _CLOSING]
        self._idle.stop()
        self.gate.abandon()
        await self._outbox.close()
        for task in tuple(self.workers):
            task.cancel()
        if reason == "connection reset":
            self.channel.close()
        else:
            self.channel.close_after_flush()
        try:
            await self.workers.idle()
            await self._host.release(self.connection)
        except Exception as error:
            self._report("", error)
        finally:
            self.state = SESSION_MOVES[self.state, _CLOSED]
            self.gate.hub.emit(Disconnected(*self.gate.hub.stamp(self.number), reason))
