"""A server whose sessions have a control connection to a real server, to which they pass commands on.

One rule: replies reach the client byte for byte, in the order of the real server.
"""

from __future__ import annotations

import re
from asyncio import timeout
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath
from typing import Unpack

from ftpfixture.errors import CommandRefused, CommandSyntaxError
from ftpfixture.files.paths import resolve_virtual
from ftpfixture.log.retention import CONTENT_LIMIT
from ftpfixture.net.gate import EXCHANGE, UNASKED, Exchange
from ftpfixture.recording.answers import Answers, RawReply
from ftpfixture.recording.target import Target
from ftpfixture.recording.upstream import Upstream
from ftpfixture.server import AbstractUserManager, Server, User
from ftpfixture.server.connection import Connection
from ftpfixture.server.dispatch import EveryVerb
from ftpfixture.server.settings import ServerSettings
from ftpfixture.wire.lines import escape_line
from ftpfixture.wire.reply import LENIENT

__all__ = ["Forward", "Forwarding"]

Forward = Callable[[Connection, Upstream, Exchange], Awaitable[bool]]
"""Passes on one command; False ends the session."""

_QUOTED = re.compile(r'"((?:[^"]|"")*)"')


class Forwarding(Server):
    """Passes on all commands unchanged.

    Args:
        users: Ignored: the real server has its own users.
        target: The real server.
        settings: Those of a server; with `ssl`, clients may use TLS.

    Attributes:
        target: The real server; for a client with implicit TLS, which sends no command for it, with implicit TLS.
        forwards: The functions for verbs that are not passed on unchanged.
    """

    def __init__(
        self,
        users: Sequence[User] | AbstractUserManager | None = None,
        *,
        target: Target,
        **settings: Unpack[ServerSettings],
    ) -> None:
        super().__init__(users, **settings)
        self.target = replace(target, tls="implicit") if target.tls == "client" and self.implicit_tls else target
        self.commands_mapping = EveryVerb(self.forward)
        self.forwards: dict[str, Forward] = {}
        self._upstreams: dict[int, Upstream] = {}
        self._hosts = {target.host}
        self.hub.content_limit = CONTENT_LIMIT

    # Sessions.

    def upstream_hosts(self) -> frozenset[str]:
        """See BaseServer."""
        return frozenset(self._hosts)

    async def greeting(self, connection: Connection, rest: str) -> bool:
        """Connect to the real server, and pass on its greeting."""
        exchange = EXCHANGE.get()
        channel = connection.session.channel
        channel.watch_end(partial(connection.session.gate.view.disconnect, "client closed"))
        upstream, greeting = await self._connected(connection, exchange)
        if greeting is not None:
            connection.session.pass_on(greeting, exchange)
        return upstream is not None

    async def _connected(self, connection: Connection, exchange: Exchange) -> tuple[Upstream | None, RawReply | None]:
        """A new connection to the real server, ready for commands, and its greeting.

        Without a connection, the client has a 421 with the reason, or gets the greeting that ends the session.
        """
        upstream = self._upstreams[connection.number] = Upstream(
            self.target, None, partial(self._unsolicited, connection)
        )
        connection.session.channel.note_urgent()
        try:
            async with timeout(self.target.timeout):
                answers = await upstream.open()
                self._hosts.add(upstream.channel.peer[0])
                while (greeting := await answers.next()).is_preliminary:
                    connection.session.pass_on(greeting, exchange)
                upstream.order.passed_on(answers)
                if greeting.code != "220":
                    return None, greeting
                if self.target.tls in ("explicit", "implicit"):
                    await upstream.protect()
        except (OSError, EOFError) as error:
            sent = f", only {upstream.beginning!r}" if upstream.beginning else ""
            reason = str(error) or f"no greeting within {self.target.timeout:g} s{sent}"
            connection.response("421", f"No connection to {self.target.host}:{self.target.port}: {reason}")
            return None, None
        return upstream, greeting

    @staticmethod
    def _unsolicited(connection: Connection, reply: RawReply | None) -> None:
        """Pass on a reply to no command, or the end of the real server's control connection."""
        if reply is not None:
            connection.session.pass_on(reply, UNASKED)
        else:
            # As a callback of the loop: a task must not wake its own session.
            connection.loop.call_soon(connection.session.gate.view.disconnect, "upstream closed")

    def client_left(self, connection: Connection) -> None:
        """Let commands that the real server does not answer end, too."""
        upstream = self._upstreams.get(connection.number)
        if upstream is not None:
            upstream.leave()

    async def release(self, connection: Connection) -> None:
        """Close the connections to the real server, too."""
        upstream = self._upstreams.pop(connection.number, None)
        if upstream is not None:
            upstream.close()
        await super().release(connection)

    # Commands.

    async def forward(self, connection: Connection, rest: str) -> bool:
        """Pass on a command, and its replies."""
        exchange = EXCHANGE.get()
        upstream = self._upstreams.get(connection.number)
        if upstream is None:  # a fault has replaced the greeting
            upstream, greeting = await self._connected(connection, exchange)
            if upstream is None:
                if greeting is not None:
                    connection.session.pass_on(greeting, exchange)
                return False
        try:
            return await self.forwards.get(exchange.verb, self.plain)(connection, upstream, exchange)
        except (CommandRefused, CommandSyntaxError):
            await upstream.settle()  # the reply of the proxy comes in its turn, too
            raise
        except (EOFError, ConnectionError):
            return True  # the end of the session is on its way

    async def plain(self, connection: Connection, upstream: Upstream, exchange: Exchange) -> bool:
        """Pass on a command that concerns the control connection alone."""
        answers = await upstream.send(self.line(connection, exchange), exchange.verb)
        code = await self.pass_on(connection, upstream, answers, exchange)
        if code[0] in "23":
            self._follow(connection, exchange)
        return code != "421" and exchange.verb != "QUIT"

    @staticmethod
    def line(connection: Connection, exchange: Exchange) -> bytes:
        """A command as it is sent, with CRLF."""
        text = f"{exchange.verb} {exchange.argument}" if exchange.argument else exchange.verb
        return escape_line(text.encode(connection.encoding, LENIENT)) + b"\r\n"

    @staticmethod
    async def pass_on(connection: Connection, upstream: Upstream, answers: Answers, exchange: Exchange) -> str:
        """Pass on all replies to a command, after earlier ones; return the code of the final one."""
        while True:
            reply = await answers.next()
            if not reply.is_preliminary:
                await upstream.order.turn(answers)
                upstream.order.passed_on(answers)
            connection.session.pass_on(reply, exchange)
            if not reply.is_preliminary:
                if exchange.verb in ("PWD", "XPWD") and (found := _QUOTED.search(reply.text)):
                    connection.current_directory = resolve_virtual(connection.current_directory, found[1])
                return reply.code

    @staticmethod
    async def ask(upstream: Upstream, line: bytes, verb: str) -> RawReply:
        """Send a command; its final reply, which the client gets changed, later or not at all.

        Args:
            upstream: The control connection.
            line: With CRLF.
            verb: Its verb.
        """
        answers = await upstream.send(line, verb)
        reply = await answers.final()
        await upstream.order.turn(answers)
        upstream.order.passed_on(answers)
        return reply

    @staticmethod
    def _follow(connection: Connection, exchange: Exchange) -> None:
        """Record what a command has changed, for the log and for faults."""
        argument = exchange.argument
        match exchange.verb:
            case "USER":
                connection.login = argument
            case "REIN":
                connection.login, connection.transfer_type, connection.restart_offset = "", "A", 0
                connection.current_directory = PurePosixPath("/")
            case "TYPE":
                connection.transfer_type = argument[:1].upper()
            case "REST":
                connection.restart_offset = int(argument) if argument.isdecimal() else 0
            case "CWD" | "XCWD":
                connection.current_directory = resolve_virtual(connection.current_directory, argument)
            case "CDUP" | "XCUP":
                connection.current_directory = connection.current_directory.parent
