"""A server that plays a recording, and asks the real server for what is not in it.

One rule: a session plays the tape for as long as it can, and never after it went live.

A session goes live when a command was not recorded at its place, or when no recorded session is left. The real server
does not know what the client and the tape have said to each other, so the commands that still count are sent to it
first, and their replies are dropped: login, TLS, working directory, type, and a data connection that was negotiated.
Transfers and changes of files are not repeated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from ftpfixture.errors import ReplayError, ReplySyntaxError
from ftpfixture.net.gate import EXCHANGE, Exchange
from ftpfixture.recording.proxy import Proxy
from ftpfixture.recording.replay import Player, ReplayServer
from ftpfixture.recording.steps import OPENERS
from ftpfixture.recording.tape import Tape
from ftpfixture.recording.target import Target
from ftpfixture.recording.upstream import Upstream
from ftpfixture.server import AbstractUserManager
from ftpfixture.server.connection import Connection
from ftpfixture.server.settings import ServerSettings
from ftpfixture.wire.hostport import parse_227, parse_229
from ftpfixture.wire.states import TRANSFERS

__all__ = ["Spy"]

_STATE = frozenset(
    {"USER", "PASS", "ACCT", "HOST", "CWD", "XCWD", "CDUP", "XCUP", "TYPE", "MODE", "STRU", "OPTS", "CLNT", "LANG"}
)
"""Commands that count until the end of the session."""

_FOR_THE_NEXT = frozenset({"REST", "RNFR", "ALLO"})
"""Commands that count for the next one."""


class Spy(ReplayServer, Proxy):
    """A server that plays a tape, and becomes a proxy where the tape ends.

    Args:
        users: Not used for logins.
        tape: What was recorded.
        target: The real server.
        settings: Those of both kinds of server.

    Attributes:
        live: The numbers of the sessions that went live, in order.
    """

    def __init__(
        self, users: AbstractUserManager, *, tape: Tape, target: Target, **settings: Unpack[ServerSettings]
    ) -> None:
        both: dict[str, Any] = {"target": target, **settings}
        super().__init__(users, tape=tape, **both)
        self.live: list[int] = []
        self._sent: dict[int, list[Exchange]] = {}

    async def _replayed(self, connection: Connection, rest: str) -> bool:
        if connection.number not in self.players:
            return await self.forward(connection, rest)
        exchange = EXCHANGE.get()
        going_on = await super()._replayed(connection, rest)
        self._sent.setdefault(connection.number, []).append(exchange)
        return going_on

    async def unrecorded_session(self, connection: Connection, error: ReplayError) -> bool:
        """Go live with the greeting."""
        self.live.append(connection.number)
        return await Proxy.greeting(self, connection, "")

    async def unrecorded(self, connection: Connection, player: Player, exchange: Exchange, error: ReplayError) -> bool:
        """Go live with a command; in the middle of a transfer of the tape that is impossible."""
        if player.is_busy:
            return await super().unrecorded(connection, player, exchange, error)
        self.live.append(connection.number)
        upstream, greeting = await self._connected(connection, exchange)
        if upstream is None:
            if greeting is not None:
                connection.session.pass_on(greeting, exchange)
            return False
        problem = await self._catch_up(connection, upstream, player.codes)
        if problem:
            connection.response("421", f"The real server does not go on from here: {problem}")
            return False
        await self.players.pop(connection.number).close()
        return await self.forward(connection, exchange.argument)

    async def _catch_up(self, connection: Connection, upstream: Upstream, codes: Mapping[int, str]) -> str:
        """Send what still counts of the session; the reply that makes that impossible, or ""."""
        if connection.session.channel.is_tls and self.target.tls == "client":
            await upstream.protect()
        sent = self._sent.get(connection.number, [])
        for exchange in sent:
            counts = exchange.verb in _STATE or (exchange is sent[-1] and exchange.verb in _FOR_THE_NEXT)
            if counts and codes.get(exchange.seq, "")[:1] in ("2", "3"):
                reply = await self.ask(upstream, self.line(connection, exchange), exchange.verb)
                if reply.code[0] not in "23":
                    return f"{exchange.verb}: {reply.code} {reply.text}"
        return await self._negotiate(connection, upstream, sent)

    async def _negotiate(self, connection: Connection, upstream: Upstream, sent: Sequence[Exchange]) -> str:
        """Negotiate the data connection that the client has negotiated with the tape, if it has not used it."""
        last = next((one for one in reversed(sent) if one.verb in OPENERS | TRANSFERS), None)
        if last is None or last.verb in TRANSFERS or "data_source" not in connection:
            return ""
        if last.verb in ("PORT", "EPRT"):
            answers = await upstream.send(upstream.listen(last.verb), last.verb)
            reply = await answers.final()
            upstream.order.passed_on(answers)
            return "" if reply.code[0] == "2" else f"{last.verb}: {reply.code} {reply.text}"
        verb = "EPSV" if upstream.is_ipv6 else last.verb
        reply = await self.ask(upstream, verb.encode() + b"\r\n", verb)
        try:
            upstream.connect_to(parse_227(reply.text)[1] if reply.code == "227" else parse_229(reply.text))
        except ReplySyntaxError:
            return f"{verb}: {reply.code} {reply.text}"
        return ""
