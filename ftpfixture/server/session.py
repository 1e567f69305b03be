r"""The control connection, and the one task that handles its commands one after another.

One rule: this module knows no verb. The marker of a command decides whether it may overtake others.

Theory of operation
-------------------
Two things happen side by side. *Reading*: whenever bytes arrive, the `Inbox` parses commands from them and wakes the
task. *Handling*: the task takes one command after another and awaits its handler. A transfer runs beside it as a
worker; meanwhile the task takes only commands whose marker allows it. So a client may send any number of commands
ahead, and their replies come in order.

The session is in one `state`, and `SESSION_MOVES` has the possible next states::

    NEW -> GREETING -> WAITING <-> HANDLING       from each of them -> CLOSING -> CLOSED
      \-> SECURING -/                  \<-> SECURING

The `reason` of its end is "" until something ends it: the client closes, the gate ends the connection, or a handler
returns False. A reason alone changes no state: received commands are still handled, and a transfer is finished.
`terminate` is the other way to end: it sends 421 and cancels the task at once.

Replies go through the gate into the `Outbox`, which keeps their order: the session waits for it while replies are
delayed (`settle`), and before TLS begins or ends, before the end, and for a client that does not read (`empty`).
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
from ftpfixture.log.events import Connected, Disconnected, Disconnecting, HandlerFailed, LoggedIn
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
from ftpfixture.server.wording import is_text_of_package
from ftpfixture.wire.command import Command, Secret, censor
from ftpfixture.wire.reply import Reply

__all__ = ["Session"]

_IN_A_ROW = 8  # commands of the inbox, after which other sessions get a turn
# Reading a global is three times as fast as reading a member of an enum, and each command reads several.
_NEW, _SECURING, _GREETING, _WAITING, _HANDLING, _CLOSING, _CLOSED = SessionState
_NAME = re.compile(r"[A-Z0-9_]{1,64}")


class Session:
    """One control connection from accept to close.

    Args:
        host: The server.
        channel: The control connection.
        number: Number of the session.

    Attributes:
        state: The current state.
        reason: Why the session will end; "" while nothing ends it.
    """

    def __init__(self, host: SessionHost, channel: Channel, number: int) -> None:
        self._host = host
        self._wording = host.wording
        self._inbox = Inbox(channel, host.encoding, self._received, self._disconnect)
        self._wakeup: Doorbell | None = None
        self.state = _NEW
        self.reason = ""
        self.number = number
        self.channel = channel
        self.workers = Workers(self._worker_ended)
        self._loop = channel.loop
        self.task: asyncio.Task[None] | None = None
        # The parts of a session are connected here.
        self.connection = host.new_connection(self)
        self._idle = IdleTimer(self.connection, self._is_idle, partial(self.terminate, "idle"))
        self._outbox = Outbox(channel, f"replies of session {number}")
        view = View(number, host, channel, self.connection, self._disconnect)
        self.gate = host.gate_factory(view, self._outbox)

    def start(self) -> asyncio.Task[None]:
        """Start the session's task."""
        self.gate.hub.emit(Connected(*self.gate.hub.stamp(self.number), self.channel.peer, self.channel.local))
        self.task = self._loop.create_task(self._run(), name=f"ftp session {self.number}")
        return self.task

    # What handlers call.

    def respond(self, code: str, lines: str | list[str] | tuple[str, ...] = "", list: bool = False) -> None:  # noqa: A002
        """Reply to the current command (`connection.response`)."""
        if self.state >= _CLOSING:
            return
        exchange = EXCHANGE.get()
        if exchange.finals and self.workers.abort is not None:
            # The transfer has its 426: the next reply belongs to ABOR (RFC 959 4.1.3).
            exchange = self.workers.abort
        texts = (lines,) if isinstance(lines, str) else tuple(lines)
        reply = Reply(code, texts or ("",), list)
        if self._wording is not None:
            reply = self._wording.reply(reply, exchange, self.connection)
        self.gate.reply(reply, exchange)
        if exchange.awaits_preliminary:
            exchange.awaits_preliminary = False
            self._loop.call_soon(self._wake)  # commands that may run during a transfer waited for this

    def pass_on(self, reply: Reply, exchange: Exchange) -> None:
        """Answer a command with the reply of another server."""
        self.gate.reply(reply, exchange)
        if exchange.awaits_preliminary:
            exchange.awaits_preliminary = False
            self._loop.call_soon(self._wake)  # as in `respond`

    def logged_in(self, user: str) -> None:
        """Emit the event of a login."""
        self.gate.hub.emit(LoggedIn(*self.gate.hub.stamp(self.number), user))

    # TLS.

    async def encrypt(self, context: SSLContext) -> bool:
        """Do the TLS handshake as the server; False when it failed and the session must end (RFC 4217 10.1).

        Waiting commands that arrived in clear text are discarded: an attacker could have inserted them.
        """
        try:
            async with self._switching_tls():
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
        """Return to clear text; False when the other side does not end TLS and the session must end.

        Does nothing if the connection is in clear text.
        """
        if not self.channel.is_tls:
            return True
        try:
            async with self._switching_tls():
                await self.channel.end_tls()
        except OSError:
            self.reason = "no end of TLS"
            return False
        self._inbox.drop_line()  # clear text must not complete a line that began under TLS
        self.reason = ""  # a client may have sent close_notify before the server did
        self.gate.tls_ended()
        self._inbox.listen()
        return True

    @asynccontextmanager
    async def _switching_tls(self) -> AsyncIterator[None]:
        """Begin or end TLS inside: nothing else is received or sent; it may last `idle_timeout` seconds."""
        before = self.state
        if before is not _SECURING:  # implicit TLS starts in that state
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

    # Reading.

    def _received(self) -> None:
        self._idle.touch()
        if self._wakeup is not None:
            self._wakeup.ring()  # `_wake` in place, because a call takes longer than its body

    def _disconnect(self, reason: str) -> None:
        self.reason = reason
        self.gate.abandon()
        self._inbox.stop()
        self._host.client_left(self.connection)
        self._wake()

    def _wake(self) -> None:
        if self._wakeup is not None:
            self._wakeup.ring()

    async def _next(self) -> Command | None:
        """The next command to handle; None for a line that was too long.

        Raises:
            EOFError: No command will follow.
        """
        while True:
            if self.channel.closed or self.reason:
                self._raise_if_ended()
            if self._outbox.busy:
                await self._outbox.settle()  # replies keep their order: a delayed reply also delays the next command
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

    def _raise_if_ended(self) -> None:
        if not self.workers and (self.channel.closed or not (self._inbox or self._outbox.busy)):
            raise EOFError

    # Handling.

    async def _run(self) -> None:
        SESSION.set(self.number)
        reason = "failure"
        try:
            # `terminate` may have run before this first step of the task.
            reason = await self._serve() if self.state is _NEW else self.reason
        except asyncio.CancelledError:
            reason = self.reason or "shut down"
        except Exception as error:
            self._report("", error)
        finally:
            await self._end(reason)

    async def _serve(self) -> str:
        """Send the greeting, and handle commands until the end; the reason of the end."""
        continues = await self._greet()
        if not continues:
            return self.reason
        while True:
            if self.state is _CLOSING:
                await next_turn()  # its own handler called `terminate`: the task is cancelled here
            self.state = SESSION_MOVES[self.state, _WAITING]
            if not continues:
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
            continues = await self._handle(command)

    async def _finish(self) -> str:
        """Wait for transfers and for the last reply, after a handler has ended the session."""
        reason = self.reason or "quit"
        if self.workers:
            self.gate.abandon()  # after QUIT no stalled transfer delays the end
        await self.workers.idle()
        await self._outbox.empty()
        return reason

    async def _greet(self) -> bool:
        """Send the greeting, and begin to read; False when the session ends with that, for its `reason`."""
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
            # The client sent a password without PASS, or in two lines.
            command = Command(Secret(command.verb), Secret(command.argument))
        exchange = await self.gate.command(command.verb, command.argument)
        if not await self.gate.begin(exchange):
            return True
        if (
            self._wording is not None
            and not self.connection.login_state.is_in
            and self._wording.needs_login(command.verb)
        ):
            self.respond("530", "Please login with USER and PASS")
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
            await self._wait_for_disconnect()
            return True
        except Exception as error:
            return self._failed(exchange, error)

    async def _wait_for_disconnect(self) -> None:
        """Wait until the client closes the connection; discard the commands that it sends until then."""
        while not self.reason:
            self._wakeup = Doorbell(loop=self._loop)
            await self._wakeup
        self._inbox.clear()

    def _failed(self, exchange: Exchange, error: BaseException) -> bool:
        """Reply for an exception; False when the session must end after it (RFC 959 4.2.2: 421)."""
        answer = reply_for(error)
        if answer is None:
            answer = INTERNAL_ERROR
            self._report(exchange.verb, error)
        if self._wording is None or is_text_of_package(error):
            self._reply_once(exchange, *answer)
        elif self.state < _CLOSING and not exchange.finals:
            self.pass_on(Reply(answer[0], (answer[1],)), exchange)
        if answer[0] != "421":
            return True
        self.reason = self.reason or "refused"
        return False

    def _report(self, verb: str, error: BaseException) -> None:
        """Emit the event of an unexpected exception, which fails the test that caused it."""
        self.gate.hub.emit(HandlerFailed(*self.gate.hub.stamp(self.number), verb, error))

    def _reply_once(self, exchange: Exchange, code: str, text: str) -> None:
        """Send a command's final reply from outside its task, unless it has one."""
        if not exchange.finals:
            token = EXCHANGE.set(exchange)
            self.respond(code, text)
            EXCHANGE.reset(token)

    def _worker_ended(self, task: asyncio.Task[Any], exchange: Exchange) -> None:
        self._idle.touch()
        if task.cancelled():
            self._reply_once(exchange, "426", "Transfer aborted")  # the task was cancelled before its first step
            if self.workers.abort is not None:
                self._reply_once(self.workers.abort, "226", "Abort successful")
        elif (error := task.exception()) is not None:
            if not self._failed(exchange, error):
                self._disconnect("refused")
        elif task.result() is False:
            self._disconnect("quit")
        self._wake()  # last: the session continues at once, and the next command's reply must come after this one's

    def _is_idle(self) -> bool:
        """Whether the session waits for the client; the time of delayed replies does not count."""
        if self._outbox.busy:
            self._outbox.when_settled(self._idle.touch)
            return False
        return not self.workers and self.state is _WAITING

    # The end.

    def terminate(self, reason: str, text: str) -> None:
        """Send 421 and end the session in any state (RFC 959 4.2.1)."""
        if self.state >= _CLOSING or self.task is None:
            return
        before = self.state
        if before is not _SECURING:
            self._reply_once(Exchange(0, ""), "421", text)
        self.reason = reason
        self.state = SESSION_MOVES[self.state, _CLOSING]
        # A task that is cancelled before its first step never runs, and could not close the channel.
        if before is not _NEW:
            self.task.cancel()

    async def _end(self, reason: str) -> None:
        if self.state is not _CLOSING:
            self.state = SESSION_MOVES[self.state, _CLOSING]
        self.gate.hub.emit(Disconnecting(*self.gate.hub.stamp(self.number), reason))
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
