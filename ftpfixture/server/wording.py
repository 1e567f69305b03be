"""Sends the replies of a server in the words of its persona.

One rule: only a text of this package is replaced. A reply of a subclass, of its own user manager or of a handler in
`commands_mapping` stays as it is, and so does the text of an error that such code raises.

A server without a persona has no `Wording`, so its replies take the same way as ever.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC
from string import Formatter
from typing import NamedTuple, Protocol

from ftpfixture.checks import suggest
from ftpfixture.errors import CommandRefused, CommandSyntaxError, ConfigurationError
from ftpfixture.files.paths import resolve_virtual
from ftpfixture.net.gate import Exchange
from ftpfixture.server.connection import Connection
from ftpfixture.server.dispatch import Handler, is_of_package
from ftpfixture.server.persona import GREETING, Persona, ReplyText, TextTable, full_verb
from ftpfixture.server.users import AbstractUserManager, MemoryUserManager
from ftpfixture.wire.pathname import path_in
from ftpfixture.wire.reply import Reply
from ftpfixture.wire.timestamps import local_time

__all__ = ["PLACEHOLDERS", "Wording", "is_text_of_package"]

_LOGIN = frozenset({"USER", "PASS", "ACCT"})
_ADDRESS = re.compile(r"\(([0-9]{1,3}(?:,[0-9]{1,3}){5})\)")
_CODE = re.compile("[1-5][0-9][0-9]")
_PORT = re.compile(r"\|\|\|([0-9]+)\|")


class WordingHost(Protocol):
    """The part of a server that a wording uses."""

    commands_mapping: dict[str, Handler]
    user_manager: AbstractUserManager

    async def greeting(self, connection: Connection, rest: str) -> bool:
        """Send the greeting."""


class _Moment(NamedTuple):
    """What a reply is about."""

    own: Reply
    verb: str
    argument: str
    exchange: Exchange
    connection: Connection


def _path_of(moment: _Moment) -> str | None:
    return path_in(moment.exchange.verb, moment.exchange.argument)


def _quoted(moment: _Moment, path: object) -> str | None:
    """A path as it stands in the reply: 257 doubles quotes."""
    return str(path).replace('"', '""') if moment.own.code == "257" else str(path)


def _file(moment: _Moment) -> str | None:
    path = _path_of(moment)
    return None if path is None else _quoted(moment, path)


def _absolute(moment: _Moment) -> str | None:
    path = _path_of(moment)
    return None if path is None else _quoted(moment, resolve_virtual(moment.connection.current_directory, path))


def _size(moment: _Moment, from_start: bool) -> int | None:
    transfer = moment.connection.transfer
    if transfer is None or transfer.size is None:
        return None
    return transfer.size + (transfer.offset if from_start else 0)


def _found(pattern: re.Pattern[str], moment: _Moment) -> str | None:
    found = pattern.search(moment.own.text)
    return None if found is None else found[1]


PLACEHOLDERS: Mapping[str, Callable[[_Moment], object]] = {
    "verb": lambda moment: moment.exchange.verb,
    "lower_verb": lambda moment: moment.exchange.verb.lower(),
    "command": lambda moment: moment.verb,
    "argument": lambda moment: moment.argument,
    "word": lambda moment: moment.argument.partition(" ")[0] or None,
    "file": _file,
    "path": _absolute,
    "directory": lambda moment: _quoted(moment, moment.connection.current_directory),
    "size": lambda moment: _size(moment, from_start=False),
    "whole_size": lambda moment: _size(moment, from_start=True),
    "entries": lambda moment: None if moment.connection.transfer is None else moment.connection.transfer.entries,
    "unit": lambda moment: {None: None, 1: "byte"}.get(_size(moment, from_start=False), "bytes"),
    "type": lambda moment: "ASCII" if moment.connection.transfer_type == "A" else "BINARY",
    "user": lambda moment: moment.connection.login or None,
    "address": lambda moment: _found(_ADDRESS, moment),
    "data_port": lambda moment: _found(_PORT, moment),
    "host": lambda moment: moment.connection.server_host,
    "port": lambda moment: moment.connection.server_port,
    "client": lambda moment: moment.connection.client_host,
    "session": lambda moment: moment.connection.number,
    "now": lambda moment: local_time(moment.connection.clock(), UTC),
}
"""The values of placeholders in texts.

Of the command: `verb`, `lower_verb`, and `command` with the subcommand of SITE and OPTS; its `argument`, and the
first `word` of it; the path in it as sent, `file`, and the absolute `path`. Of the session: `directory`, `user`,
`type` "ASCII" or "BINARY", its number `session`, the address `client`. Of the transfer: `size`, its `unit` "byte" or
"bytes", and `whole_size` with what REST skips; the `entries` of a listing. Of PASV and EPSV: `address`, `data_port`.
Of the server: `host`, `port`, and `now`, a `datetime` in UTC.
"""


class _Values(dict[str, object]):
    """The values for one reply, each made when a text has it."""

    def __init__(self, moment: _Moment) -> None:
        super().__init__()
        self._moment = moment

    def __missing__(self, name: str) -> object:
        value = PLACEHOLDERS[name](self._moment)
        if value is None:
            raise KeyError(name)
        return value


class Wording:
    """The words of a persona for the replies of one server.

    Args:
        persona: Whose words they are.
        host: The server.
        greets: Whether its greeting is used, too.

    Raises:
        ConfigurationError: A text cannot be filled; the text of the error has what would work.
    """

    def __init__(self, persona: Persona, host: WordingHost, greets: bool) -> None:
        for text in persona.replies:
            _check(text)
        self._table = TextTable(text for text in persona.replies if greets or text.verb != GREETING)
        self._host = host
        self._before_login = persona.before_login

    def reply(self, own: Reply, exchange: Exchange, connection: Connection) -> Reply:
        """The reply to send in place of one of this server; that one itself when the persona has none.

        Args:
            own: As this server would send it.
            exchange: The command; the greeting has none.
            connection: The session.
        """
        # Before the first command an exchange has no number, whatever verb its gate gives it.
        verb, argument = full_verb(exchange.verb, exchange.argument) if exchange.seq else (GREETING, "")
        if not self._is_of_package(verb, exchange.verb if exchange.seq else GREETING):
            return own
        is_known = verb == GREETING or verb.lower() in self._host.commands_mapping
        moment = _Moment(own, verb, argument, exchange, connection)
        for text in self._table.fitting(verb, argument, own.code, own.lines, is_known, connection.transfer_type):
            filled = _filled(text, moment)
            if filled is not None:
                return filled
        return own

    def needs_login(self, verb: str) -> bool:
        """Whether a command gets 530 before the login, whatever it is."""
        allowed = self._before_login
        return allowed is not None and verb not in allowed

    def _is_of_package(self, *verbs: str) -> bool:
        if _LOGIN.intersection(verbs) and type(self._host.user_manager) is not MemoryUserManager:
            return False
        mapping = self._host.commands_mapping
        handlers = [self._host.greeting if verb == GREETING else mapping.get(verb.lower()) for verb in verbs]
        return all(handler is None or is_of_package(handler.__module__) for handler in handlers)


def _check(text: ReplyText) -> None:
    try:
        names = [name for line in text.lines for _, name, _, _ in Formatter().parse(line) if name is not None]
    except ValueError as error:
        raise ConfigurationError(f"the text {text.lines} of a persona: {error}; double a brace of its own") from None
    for name in names:
        if name not in PLACEHOLDERS:
            raise ConfigurationError(
                f"the text {text.lines} of a persona has the placeholder {{{name}}}: {suggest(name, PLACEHOLDERS)}"
            )
    if not _CODE.fullmatch(text.code) or not text.lines:
        raise ConfigurationError(f"{text} of a persona: a reply has a code such as '550', and a line at least")


def _filled(text: ReplyText, moment: _Moment) -> Reply | None:
    """The text with its values; None when one of them is unknown now, or there is nothing to put a frame around."""
    try:
        lines = tuple([line.format_map(_Values(moment)) for line in text.lines])
    except KeyError:
        return None
    if not text.framed:
        return Reply(text.code, lines, text.listing)
    if len(moment.own.lines) < 2:
        return None
    return Reply(text.code, (lines[0], *moment.own.lines[1:-1], lines[-1]), moment.own.listing)


def is_text_of_package(error: BaseException) -> bool:
    """Whether the reply to an error has a text of this package, and none of the code that raised it."""
    if not isinstance(error, CommandRefused | CommandSyntaxError) or error.__traceback__ is None:
        return True
    trace = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    return is_of_package(trace.tb_frame.f_globals.get("__name__", ""))
