"""A server that passes everything on to a real one: for recordings, and for faults in front of another server.

One rule: it replies by itself only where the real server cannot.

Theory of operation
-------------------
Each session has its own control connection to the real server (`Upstream`). A command is passed on unchanged, and each
reply comes back byte for byte, through the gate: so the log, recordings and faults work as on any other server.
Addresses are rewritten: PASV and EPSV lead to a port of the proxy, PORT and EPRT make the real server connect to one.

A transfer is a worker with three parts: the client's data connection, the real server's, and the replies. The command
is passed on when the client's data connection is available. The TLS handshake with the real server begins after its
1xx, as many servers refuse before that; a refusal closes both data connections at once. The end of each side is passed
on in its kind: end of file, reset, or an end of TLS without close_notify. A final reply that comes while data is still
on its way waits for the end of the data, unless the data stands still.
"""

from __future__ import annotations

import re
from asyncio import timeout
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, Unpack

from ftpfixture.errors import CommandRefused, ReplySyntaxError
from ftpfixture.files.paths import resolve_virtual
from ftpfixture.net.gate import EXCHANGE, UNASKED, Exchange
from ftpfixture.net.stream import ThrottleStreamIO
from ftpfixture.recording.answers import Answers, RawReply
from ftpfixture.recording.passage import Passage
from ftpfixture.recording.target import Target
from ftpfixture.recording.upstream import Upstream
from ftpfixture.server import AbstractUserManager, Server, User
from ftpfixture.server.connection import Connection
from ftpfixture.server.dispatch import Handler
from ftpfixture.server.settings import ServerSettings
from ftpfixture.wire.hostport import parse_227, parse_229, parse_eprt, parse_port, render_227, render_port
from ftpfixture.wire.lines import escape_line
from ftpfixture.wire.reply import LENIENT
from ftpfixture.wire.states import TRANSFERS

__all__ = ["Proxy"]

_ADDRESS = re.compile(rb"[0-9]{1,3}(?:,[0-9]{1,3}){5}")
_PORT = re.compile(rb"(\(([!-~])\2\2)[0-9]{1,5}(?=\2\))")
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')


class _Every(dict[str, Handler]):
    """A table in which every verb has the same handler."""

    def __init__(self, handler: Handler) -> None:
        super().__init__()
        self._handler = handler

    def get(self, verb: str, default: Any = None) -> Any:
        return self._handler


class Proxy(Server):
    """A server in front of a real one.

    Args:
        target: The real server.
        users: Ignored: the real server has its own users.
        settings: Those of a server; with `ssl`, clients may use TLS.
    """

    def __init__(
        self,
        target: Target,
        users: Sequence[User] | AbstractUserManager | None = None,
        **settings: Unpack[ServerSettings],
    ) -> None:
        super().__init__(users, **settings)
        # Implicit TLS has no command that could be passed on.
        self.target = replace(target, tls="implicit") if target.tls == "client" and self.implicit_tls else target
        self.commands_mapping = _Every(self.forward)
        self._upstreams: dict[int, Upstream] = {}
        self._handlers: dict[str, Callable[[Connection, Upstream, Exchange], Awaitable[bool]]] = {
            **dict.fromkeys(("PASV", "EPSV"), self._passive_mode),
            **dict.fromkeys(("PORT", "EPRT"), self._active_mode),
            **dict.fromkeys(TRANSFERS, self._transfer),
            "ABOR": self._abort,
            **self._tls_handlers(),
        }

    def _tls_handlers(self) -> dict[str, Callable[[Connection, Upstream, Exchange], Awaitable[bool]]]:
        if self.ssl is None:
            return dict.fromkeys(("AUTH", "PBSZ", "PROT", "CCC"), self._no_tls)
        if self.target.tls == "client":
            return {"AUTH": self._auth, "PROT": self._prot, "CCC": self._ccc}
        own = {"AUTH": super().auth, "PBSZ": super().pbsz, "PROT": super().prot, "CCC": super().ccc}
        return {verb: _own(handler) for verb, handler in own.items()}

    # Sessions.

    async def greeting(self, connection: Connection, rest: str) -> bool:
        """Connect to the real server, and pass on its greeting."""
        number = connection.number

        def unsolicited(reply: RawReply | None) -> None:
            if reply is not None:
                connection.session.pass_on(reply, UNASKED)
            else:
                self._upstream_closed(connection)

        upstream = self._upstreams[number] = Upstream(self.target, None, unsolicited)
        channel = connection.session.channel
        channel.watch_end(partial(connection.session.gate.view.disconnect, "client closed"))
        channel.note_urgent()
        try:
            async with timeout(self.target.timeout):
                return await self._greeted(connection, upstream)
        except (OSError, EOFError) as error:
            reason = str(error) or f"no greeting within {self.target.timeout:g} s"
            connection.response("421", f"No connection to {self.target.host}:{self.target.port}: {reason}")
            return False

    async def _greeted(self, connection: Connection, upstream: Upstream) -> bool:
        answers = await upstream.open()
        code = await self._pass_on(connection, upstream, answers, EXCHANGE.get())
        if self.target.tls in ("explicit", "implicit") and code == "220":
            await upstream.protect()
        return code == "220"

    def _upstream_closed(self, connection: Connection) -> None:
        """The real server closed its control connection: so does the proxy, when all replies are sent."""
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
        upstream = self._upstreams[connection.number]
        try:
            return await self._handlers.get(exchange.verb, self._plain)(connection, upstream, exchange)
        except (EOFError, ConnectionError):
            return True  # the end of the session is on its way

    async def _plain(self, connection: Connection, upstream: Upstream, exchange: Exchange) -> bool:
        answers = await upstream.send(self._line(connection, exchange), exchange.verb)
        code = await self._pass_on(connection, upstream, answers, exchange)
        if code[0] in "23":
            self._follow(connection, exchange)
        return code != "421" and exchange.verb != "QUIT"

    @staticmethod
    def _line(connection: Connection, exchange: Exchange) -> bytes:
        text = f"{exchange.verb} {exchange.argument}" if exchange.argument else exchange.verb
        return escape_line(text.encode(connection.encoding, LENIENT)) + b"\r\n"

    @staticmethod
    async def _pass_on(connection: Connection, upstream: Upstream, answers: Answers, exchange: Exchange) -> str:
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

    def _follow(self, connection: Connection, exchange: Exchange) -> None:
        """Record what a command has changed, for the log and for faults."""
        argument = exchange.argument
        match exchange.verb:
            case "USER":
                connection.login = argument
            case "TYPE":
                connection.transfer_type = argument[:1].upper()
            case "REST":
                connection.restart_offset = int(argument) if argument.isdecimal() else 0
            case "CWD" | "XCWD":
                connection.current_directory = resolve_virtual(connection.current_directory, argument)
            case "CDUP" | "XCUP":
                connection.current_directory = connection.current_directory.parent

    async def _asked(self, connection: Connection, upstream: Upstream, exchange: Exchange) -> RawReply:
        """The final reply to a command, which is then changed or carried out before it is passed on."""
        return await self._ask(upstream, self._line(connection, exchange), exchange)

    @staticmethod
    async def _ask(upstream: Upstream, line: bytes, exchange: Exchange) -> RawReply:
        answers = await upstream.send(line, exchange.verb)
        reply = await answers.final()
        await upstream.order.turn(answers)
        upstream.order.passed_on(answers)
        return reply

    # TLS of the client, when the connection to the real server uses it too.

    async def _no_tls(self, connection: Connection, upstream: Upstream, exchange: Exchange) -> bool:
        raise CommandRefused("502", f"{exchange.verb} is not implemented: the proxy has no certificate, give it tls=")

    async def _auth(self, connection: Connection, upstream: Upstream, exchange: Exchange) -> bool:
        reply = await self._asked(connection, upstream, exchange)
        if reply.code != "234":
            # Not in its place: with a server without TLS, passwords would leave this machine in clear text.
            hint = 'Target(..., tls="none") uses TLS with the client alone'
            raise CommandRefused(reply.code, f"{reply.text} (from the server behind the proxy; {hint})")
        try:
            await upstream.encrypt()
        except OSError as error:
            raise CommandRefused("421", f"The server behind the proxy: {error}") from error
        connection.session.pass_on(reply, exchange)
        return await connection.session.encrypt(self.context_for(connection))

    async def _prot(self, connection: Connection, upstream: Upstream, exchange: Exchange) -> bool:
        reply = await self._asked(connection, upstream, exchange)
        if reply.code == "200":
            upstream.private = exchange.argument.upper() == "P"
            self.protect(connection, exchange.argument.upper())
        connection.session.pass_on(reply, exchange)
        return True

    async def _ccc(self, connection: Connection, upstream: Upstream, exchange: Exchange) -> bool:
        reply = await self._asked(connection, upstream, exchange)
        if reply.code[0] == "2":
            await upstream.decrypt()
        connection.session.pass_on(reply, exchange)
        return reply.code[0] != "2" or await connection.session.decrypt()

    # Data connections.

    async def _passive_mode(self, connection: Connection, upstream: Upstream, exchange: Exchange) -> bool:
        line = self._line(connection, exchange)
        if exchange.verb == "PASV":
            if ":" in connection.server_host:
                raise CommandRefused("425", "PASV can name IPv4 addresses only: use EPSV")
            if upstream.is_ipv6:
                line = b"EPSV\r\n"
        reply = await self._ask(upstream, line, exchange)
        with suppress(ReplySyntaxError):  # a reply that names no address is passed on as it is
            reply = self._with_own_address(connection, upstream, exchange, reply)
        connection.session.pass_on(reply, exchange)
        return True

    def _with_own_address(
        self, connection: Connection, upstream: Upstream, exchange: Exchange, reply: RawReply
    ) -> RawReply:
        """The reply to PASV or EPSV, with an address of the proxy in place of the server's.

        Raises:
            ReplySyntaxError: It names no address.
        """
        if reply.code not in ("227", "229"):
            return reply
        upstream.connect_to(parse_227(reply.text)[1] if reply.code == "227" else parse_229(reply.text))
        port = self.expect_passive(connection)
        if exchange.verb == "EPSV":
            return _rewritten(reply, _PORT, rb"\g<1>%d" % port)
        numbers = render_port(self.ipv4_pasv_forced_response_address or connection.server_host, port)
        if reply.code == "229":  # the control connection to the server is IPv6
            text = render_227(*parse_port(numbers))
            return RawReply("227", (text,), raw=f"227 {text}\r\n".encode())
        return _rewritten(reply, _ADDRESS, numbers.encode())

    async def _active_mode(self, connection: Connection, upstream: Upstream, exchange: Exchange) -> bool:
        address = parse_port(exchange.argument) if exchange.verb == "PORT" else parse_eprt(exchange.argument)[1:]
        self.expect_client(connection, address)
        answers = await upstream.send(upstream.listen(exchange.verb), exchange.verb)
        code = await self._pass_on(connection, upstream, answers, exchange)
        if code[0] != "2":
            self.forget_data(connection)
            upstream.forget()
        return True

    # Transfers.

    async def _transfer(self, connection: Connection, upstream: Upstream, exchange: Exchange) -> bool:
        if upstream.opener is None or "data_source" not in connection:
            return await self._plain(connection, upstream, exchange)  # the real server refuses by itself
        exchange.awaits_preliminary = True
        passage = Passage(self, connection, upstream, exchange)
        connection.data_direction = passage.direction
        connection.extra_workers.add(connection.loop.create_task(passage.run(self._line(connection, exchange))))
        return True

    async def _abort(self, connection: Connection, upstream: Upstream, exchange: Exchange) -> bool:
        """Pass on ABOR; later commands do not wait for its reply, which some servers do not send."""
        upstream.aborting = True
        urgent = connection.session.channel.take_urgent()
        answers = await upstream.send(self._line(connection, exchange), exchange.verb, urgent=urgent)

        async def pass_on() -> None:
            with suppress(EOFError):
                await self._pass_on(connection, upstream, answers, exchange)

        upstream.run(pass_on())
        return True

    async def client_stream(self, connection: Connection) -> ThrottleStreamIO:
        """The client's data connection.

        Raises:
            CommandRefused: The client does not open it.
        """
        return await self._take_stream(connection)

    async def secure_client(self, connection: Connection, stream: ThrottleStreamIO) -> None:
        """Wait for the TLS handshake of the client's data connection, if there is one.

        Raises:
            CommandRefused: It failed.
        """
        self._require_tls(connection, stream.channel, await self._handshake_error(stream.channel))


def _rewritten(reply: RawReply, place: re.Pattern[bytes], text: bytes) -> RawReply:
    raw = place.sub(text, reply.raw, count=1)
    changed = [place.sub(text, line.encode("utf-8", "surrogateescape"), count=1) for line in reply.lines]
    lines = tuple(line.decode("utf-8", "surrogateescape") for line in changed)
    return RawReply(reply.code, lines, raw=raw)


def _own(handler: Handler) -> Callable[[Connection, Upstream, Exchange], Awaitable[bool]]:
    async def handle(connection: Connection, upstream: Upstream, exchange: Exchange) -> bool:
        return await handler(connection, exchange.argument)

    return handle
