"""All the words together: the class that tests use, and its beginning `on`."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, NamedTuple

from ftpfixture import checks
from ftpfixture.checks import suggest
from ftpfixture.errors import ConfigurationError
from ftpfixture.faults.builder import TRIGGERS, shown
from ftpfixture.faults.control import ControlWords
from ftpfixture.faults.renamed import renamed_word
from ftpfixture.faults.transfer import TransferWords
from ftpfixture.faults.trigger import Trigger
from ftpfixture.wire.command import censor

__all__ = ["GROUPS", "Fault", "Row", "on", "table"]

GROUPS: dict[str, tuple[str, ...]] = {
    "TRANSFERS": ("RETR", "STOR", "STOU", "APPE", "LIST", "NLST", "MLSD"),
    "UPLOADS": ("STOR", "STOU", "APPE"),
    "LISTINGS": ("LIST", "NLST", "MLSD"),
    "PASSIVE": ("PASV", "EPSV"),
    "ACTIVE": ("PORT", "EPRT"),
}
"""Names for several verbs at once."""

_VERB = re.compile(r"\*|[A-Za-z0-9_]{1,64}")
_SOURCE = re.compile(r"\s+Seen in: (.*)\.\s*\Z")


class Fault(ControlWords, TransferWords):
    """What goes wrong, and when; begin with `on`, go on with words, and give it to ``server.faults.add``.

    It never changes: every word gives a new fault. Its `repr` is the line that makes it, its `str` the same as text;
    only a password is starred.
    """

    __slots__ = ()

    if not TYPE_CHECKING:  # a type checker knows the words, and would take any name

        def __getattr__(self, name: str) -> object:
            words = [word for word, member in inspect.getmembers(type(self)) if getattr(member, "is_word", False)]
            text = (
                f"a fault has no word {name!r}: {renamed_word(name) or suggest(name, words, 'see the table of words')}"
            )
            raise AttributeError(text, name=name, obj=self)


def on(
    *verbs: str,
    path: str | None = None,
    user: str | None = None,
    session: int | None = None,
    type: str | None = None,  # noqa: A002 - the name of the command that sets it
) -> Fault:
    """Begin a fault: which commands it is for.

    Args:
        verbs: Such as "RETR"; several, also as "PASV|EPSV"; one of `GROUPS`; "*" for any; "CONNECT" for a connection
            just accepted.
        path: Shell pattern for the argument, as sent or as the absolute path it means; None for any.
        user: Shell pattern for the name given with USER; None for any.
        session: Number of the only control connection, counted from 1; None for any.
        type: "A" or "I", of the transfer type in force; None for any.

    Raises:
        ConfigurationError: Something cannot be a verb, or a type.
    """
    said = [name.strip() for verb in verbs for name in str(verb).split("|")]
    if not said:
        raise ConfigurationError("on needs a verb: on('RETR'), or on('*') for all")
    for name in said:
        if not _VERB.fullmatch(name):
            text = f"{censor(name, '')!r} is not a verb: give the path as path=, as in on('RETR', path='*.csv')"
            raise ConfigurationError(text)
    names = dict.fromkeys(name for word in said for name in GROUPS.get(word.upper(), (word.upper(),)))
    if path is not None:
        checks.line("path", path)
    if user is not None:
        checks.line("user", user)
    if session is not None:
        checks.whole("session", session, 1)
    if type is not None:
        checks.one_of("type", type, ("A", "I"))
    return Fault(Trigger(tuple(names), path, user, session, type))


class Row(NamedTuple):
    """A word, as a table tells of it.

    Attributes:
        name: With its parameters.
        text: What it does.
        source: Where that was seen.
    """

    name: str
    text: str
    source: str


def table() -> list[Row]:
    """Every word that says what goes wrong, in the order of the source."""
    rows = []
    for owner in (ControlWords, TransferWords):
        for name, member in vars(owner).items():
            if getattr(member, "is_word", False) and name not in TRIGGERS:
                text = (inspect.getdoc(member) or "").replace("\n", " ")
                source = _SOURCE.search(text)
                parameters = list(inspect.signature(member).parameters.values())[1:]
                taken = ", ".join(map(shown, parameters))
                rows.append(Row(f"{name}({taken})", _SOURCE.sub("", text), source[1] if source else ""))
    return rows
