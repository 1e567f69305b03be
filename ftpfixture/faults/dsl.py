"""The class of faults with all words, and `on`, which starts a fault."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, NamedTuple

from ftpfixture import checks
from ftpfixture.checks import suggest
from ftpfixture.errors import ConfigurationError
from ftpfixture.faults import built
from ftpfixture.faults.builder import TRIGGERS, shown
from ftpfixture.faults.control import ControlWords
from ftpfixture.faults.renamed import renamed_word
from ftpfixture.faults.transfer import TransferWords
from ftpfixture.faults.trigger import Trigger
from ftpfixture.wire.verbs import Verbs

__all__ = ["Fault", "Row", "on", "table"]

_SOURCE = re.compile(r"\s+Seen in: (.*)\.\s*\Z")


class Fault(ControlWords, TransferWords):
    """What goes wrong, and when: start with `on`, add words, and pass it to ``server.faults.add``.

    It is immutable: every word returns a new fault. Its `repr` is the Python code that makes it, its `str` is the text
    form; a password is starred.
    """

    __slots__ = ()

    if not TYPE_CHECKING:  # hidden from type checkers, which would accept any name

        def __getattr__(self, name: str) -> object:
            words = [word for word, member in inspect.getmembers(type(self)) if getattr(member, "is_word", False)]
            use = renamed_word(name) or suggest(name, words, "see the table of words in the documentation of faults")
            raise AttributeError(f"a fault has no word {name!r}: {use}", name=name, obj=self)


def on(
    *verbs: str,
    path: str | None = None,
    user: str | None = None,
    session: int | None = None,
    type: str | None = None,  # noqa: A002 - the name of the command that sets it
) -> Fault:
    """Start a fault for some commands.

    Args:
        verbs: Such as "RETR"; several, also as "PASV|EPSV"; a group such as "UPLOADS"; "*" for all; "?XYZZ" for a
            command that the server does not know; "CONNECT" for a control connection that the server has just accepted,
            before the greeting.
        path: Shell pattern for the argument as sent, or for the absolute path that it means; None for any.
        user: Shell pattern for the name given with USER; None for any.
        session: The number of a control connection, counted from 1; None for any.
        type: The transfer type, "A" or "I"; None for any.

    Raises:
        ConfigurationError: A verb or another value is invalid.
    """
    if not verbs:
        raise ConfigurationError("on needs a verb: on('RETR'), or on('*') for all")
    try:
        read = Verbs.read(*map(str, verbs))
    except ConfigurationError as error:
        raise ConfigurationError(f"{error}: give the path as path=, as in on('RETR', path='*.csv')") from None
    if path is not None:
        checks.line("path", path)
    if user is not None:
        checks.line("user", user)
    if session is not None:
        checks.whole("session", session, 1)
    if type is not None:
        checks.one_of("type", type, ("A", "I"))
    return built.made(Fault(Trigger(read.names, path, user, session, type, unknown=read.unknown)))


class Row(NamedTuple):
    """The row of a word in a table.

    Attributes:
        name: The word with its parameters.
        text: What it does.
        source: The bug reports in which it was seen.
    """

    name: str
    text: str
    source: str


def table() -> list[Row]:
    """Every word that says what goes wrong, in the order of the source code."""
    rows = []
    for owner in (ControlWords, TransferWords):
        for name, member in vars(owner).items():
            if getattr(member, "is_word", False) and name not in TRIGGERS:
                text = " ".join((inspect.getdoc(member) or "").split())
                source = _SOURCE.search(text)
                parameters = list(inspect.signature(member).parameters.values())[1:]
                taken = ", ".join(map(shown, parameters))
                rows.append(Row(f"{name}({taken})", _SOURCE.sub("", text), source[1] if source else ""))
    return rows
