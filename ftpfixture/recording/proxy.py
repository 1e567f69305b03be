"""A server that passes everything on to a real one: for recordings, and for faults in front of another server.

One rule: it replies by itself only where the real server cannot.

Theory of operation
-------------------
Each session has its own control connection to the real server (`Upstream`). A command is passed on unchanged, and each
reply comes back byte for byte, through the gate: so the log, recordings and faults work as on any other server.
Addresses are rewritten: PASV and EPSV lead to a port of the proxy, PORT and EPRT make the real server connect to one.

A transfer is a worker with three parts: the client's data connection, the real server's, and the replies. Both data
connections are opened when the command is passed on. The TLS handshake with the real server begins after its
1xx, as many servers refuse before that; a refusal closes both data connections at once. The end of each side is passed
on in its kind: end of file, reset, or an end of TLS without close_notify. A final reply that comes while data is still
on its way waits for the end of the data, unless the real server moves no more of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Unpack

from ftpfixture.errors import CommandRefused, ReplySyntaxError
from ftpfixture.net.gate import Exchange
from ftpfixture.net.stream import ThrottleStreamIO
from ftpfixture.recording.answers import RawReply
from ftpfixture.recording.forwarding import Forward, Forwarding
from ftpfixture.recording.passage import Passage, direction_of
from ftpfixture.recording.target import Target
from ftpfixture.recording.upstream import Upstream
from ftpfixture.server import AbstractUserManager, User
from ftpfixture.server.connection import Connection
from ftpfixture.server.dispatch import Handler
from ftpfixture.server.settings import ServerSettings
from ftpfixture.wire.hostport import parse_227, parse_229, parse_eprt, parse_port, render_227, render_port
from ftpfixture.wire.states import DOWNLOADS, TRANSFERS

__all__ = ["Proxy"]

_ADDRESS = re.compile(rb"[0-9]{1,3}(?:,[0-9]{1,3}){5}")
_PORT = re.compile(rb"(\(([!-~])\2\2)[0-9]{1,5}(?=\2\))")


class Proxy(Forwarding):
    """A server in front of a real one.

    Args:
        users: Ignored: the real server has its own users.
        target: The real server.
        settings: Those of a server; with `ssl`, clients may use TLS.
    """

    def __init__(
        self,
        users: Sequence[User] | AbstractUserManager | None = None,
        *,
        target: Target,
        **settings: Unpack[ServerSettings],
    ) -> None:
        super().__init__(users, target=target, **settings)
        self.forwards = {
            **dict.fromkeys(("PASV", "EPSV"), self._passive_mode),
            **dict.fromkeys(("PORT", "EPRT"), self._active_mode),
            **dict.fromkeys(TRANSFERS, self._transfer),
            "ABOR": self._abort,
            "REIN": self._rein,
            **self._tls_forwards(),
        }

    # TLS: that of the client alone, or of both connections.

    def _tls_forwards(self) -> dict[str, Forward]:
        if self.ssl is None:
            return dict.fromkeys(("AUTH", "PBSZ", "PROT", "CCC"), self._no_tls)
        if self.target.tls == "client":
            return {"AUTH": self._auth, "PROT": self._prot, "CCC": self._ccc}
        own = {"AUTH": super().auth, "PBSZ": super().pbsz, "PROT": super().prot, "CCC": super().ccc}
        return {verb: _own(handler) for verb, handler in own.items()}

    async def _no_tls(self, connection: Connection, upstream: Upstream, exchange: Exchange) -> bool:
        raise CommandRefused("502", f"{exchange.verb} is not implemented: the proxy has no certificate, give it tls=")

    async def _auth(self, connection: Connection, upstream: Upstream, exchange: Exchange) -> bool:
        reply = await self.ask(upstream, self.line(connection, exchange), exchange.verb)
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
        reply = await self.ask(upstream, self.line(connection, exchange), exchange.verb)
        if reply.code == "200":
            upstream.private = exchange.argument.upper() == "P"
            self.protect(connection, exchange.argument.upper())
        connection.session.pass_on(reply, exchange)
        return True

    async def _ccc(self, connection: Connection, upstream: Upstream, exchange: Exchange) -> bool:
        reply = await self.ask(upstream, self.line(connection, exchange), exchange.verb)
        if reply.code[0] == "2":
            await upstream.decrypt()
        connection.session.pass_on(reply, exchange)
        return reply.code[0] != "2" or await connection.session.decrypt()

    async def _rein(self, connection: Connection, upstream: Upstream, exchange: Exchange) -> bool:
        if upstream.channel.is_tls:
            raise CommandRefused("502", "REIN is not passed on: the server may end TLS with it, or not (RFC 4217 11)")
        return await self.plain(connection, upstream, exchange)

    # Data connections.

    async def _passive_mode(self, connection: Connection, upstream: Upstream, exchange: Exchange) -> bool:
        line = self.line(connection, exchange)
        if exchange.verb == "PASV":
            if ":" in connection.server_host:
                raise CommandRefused("425", "PASV can name IPv4 addresses only: use EPSV")
            if upstream.is_ipv6:
                line = b"EPSV\r\n"
        reply = await self.ask(upstream, line, exchange.verb)
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
        code = await self.pass_on(connection, upstream, answers, exchange)
        if code[0] != "2":
            self.forget_data(connection)
            upstream.forget()
        return True

    # Transfers.

    async def _transfer(self, connection: Connection, upstream: Upstream, exchange: Exchange) -> bool:
        if upstream.opener is None or "data_source" not in connection:
            return await self.plain(connection, upstream, exchange)  # the real server refuses by itself
        size = await self._size(connection, upstream, exchange)
        self.direct_data(connection, direction_of(exchange.verb))
        answers = await upstream.send(self.line(connection, exchange), exchange.verb)  # before an ABOR that follows it
        exchange.awaits_preliminary = True
        passage = upstream.transfer = Passage(self, connection, upstream, exchange, answers, size)
        connection.extra_workers.add(connection.loop.create_task(passage.run()))
        return True

    async def _size(self, connection: Connection, upstream: Upstream, exchange: Exchange) -> int | None:
        """The size of a file, which faults need that act at a part of it; None if the real server does not tell."""
        if exchange.program is None or exchange.verb not in DOWNLOADS:
            return None
        line = self.line(connection, exchange).replace(exchange.verb.encode(), b"SIZE", 1)
        reply = await self.ask(upstream, line, "SIZE")
        return int(reply.text) if reply.code == "213" and reply.text.isdecimal() else None

    async def _abort(self, connection: Connection, upstream: Upstream, exchange: Exchange) -> bool:
        """Pass on ABOR; later commands do not wait for its reply, which some servers do not send."""
        urgent = connection.session.channel.take_urgent()
        answers = await upstream.send(self.line(connection, exchange), exchange.verb, urgent=urgent)

        async def pass_on() -> None:
            with suppress(EOFError):
                await self.pass_on(connection, upstream, answers, exchange)

        upstream.run(pass_on())
        if upstream.transfer is not None:
            upstream.transfer.abort()
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


def _own(handler: Handler) -> Forward:
    async def handle(connection: Connection, upstream: Upstream, exchange: Exchange) -> bool:
        return await handler(connection, exchange.argument)

    return handle
