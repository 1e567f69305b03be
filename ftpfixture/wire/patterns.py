"""Which commands a test means: ``"STOR /in/*.csv -> 226"`` as text, ``sent("STOR", encrypted=True)`` as an object.

A pattern as text is verbs, then perhaps an argument, then perhaps ``->`` and the code of the final reply:

- Verbs are matched without case: ``STOR``, ``MKD|XMKD``, a group such as ``UPLOADS``, ``*`` for any. ``?XYZZ`` is a
  verb that no server knows.
- The argument is matched as sent, or as the absolute path it means, literally or as a shell pattern (``*``, ``?``,
  ``[...]``). Without one, any argument matches.
- The code may be a mask such as ``2xx``.

One rule: a pattern that can match no command is an error where it is written or used.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from ftpfixture import checks
from ftpfixture.checks import Check
from ftpfixture.errors import ConfigurationError
from ftpfixture.wire.command import censor, censored_argument
from ftpfixture.wire.matching import CommandLike, Pattern, fits, fits_path
from ftpfixture.wire.reply import Code
from ftpfixture.wire.verbs import Verbs

__all__ = ["parse_pattern", "pattern_of", "sent"]

_MASK = re.compile(r"[02-9xX][0-9xX]{2}")
_SPACED = re.compile(r"\|(\s|[A-Za-z])")  # the argument of EPRT begins with "|" and a digit
_ARROW = re.compile(r"=+>|[→⇒]")


@dataclass(frozen=True, slots=True, repr=False)
class _Fields(Pattern):
    """Conditions on the fields of a command; None for any value.

    Attributes:
        verbs: Of the command.
        path: Shell pattern for the argument, as sent or as the absolute path it means.
        argument: Shell pattern for the argument as sent.
        reply: Code or mask of the final reply.
        session: Number of the control connection.
        user: Shell pattern for the name given with USER.
        encrypted: Whether it was received over TLS.
        offset: Where its transfer began, in bytes.
        faults: Whether a fault happened to it.
    """

    verbs: Verbs
    path: str | None = None
    argument: str | None = None
    reply: str | None = None
    session: int | None = None
    user: str | None = None
    encrypted: bool | None = None
    offset: int | None = None
    faults: bool | None = None

    def differ(self, command: CommandLike) -> Iterator[str]:
        """See Pattern."""
        if not self.verbs.fit(command.verb):
            yield f"the verb is {command.verb}, not {self.verbs}"
        if self.path is not None and not fits_path(self.path, command.argument, command.path):
            yield self._argument_differs(command, self.path)
        if self.argument is not None and not fits(command.argument, self.argument):
            yield self._argument_differs(command, self.argument)
        if self.reply is not None and not Code(command.code).matches(self.reply):
            yield f"the reply was {command.code or 'not there yet'}, not {self.reply}"
        if self.session not in (None, command.session):
            yield f"the session is {command.session}, not {self.session}"
        if self.user is not None and not fits(command.user, self.user):
            yield f"the user was {command.user!r}, not {self.user!r}"
        if self.encrypted not in (None, command.encrypted):
            yield "it was encrypted" if command.encrypted else "it was not encrypted"
        if self.offset not in (None, command.offset):
            nothing = f"it had no transfer, so no offset {self.offset}"
            yield nothing if command.offset is None else f"the offset was {command.offset}, not {self.offset}"
        if self.faults not in (None, bool(command.faults)):
            yield f"the fault {command.faults[0]} happened to it" if command.faults else "no fault happened to it"

    @staticmethod
    def _argument_differs(command: CommandLike, wanted: str) -> str:
        sent, shown = (censored_argument(command.verb, text) for text in (command.argument, wanted))
        return f"the argument differs: sent {sent!r}, expected {shown!r}"

    def check(self, known: Iterable[str]) -> None:
        """See Pattern."""
        self.verbs.check(known)

    def fits_verb(self, command: CommandLike) -> bool:
        """See Pattern."""
        return self.verbs.fit(command.verb)

    def on_arrival(self) -> Pattern:
        """See Pattern."""
        return replace(self, reply=None, offset=None, faults=None)

    def similarity(self, command: CommandLike) -> float:
        """See Pattern."""
        wanted = self.path if self.path is not None else self.argument
        texts = (command.argument, command.path) if self.path is not None else (command.argument,)
        return 1 if wanted is None else max(SequenceMatcher(None, wanted, text).ratio() for text in texts)

    def __str__(self) -> str:
        argument = "" if self.path is None else f" {self.path}"
        reply = "" if self.reply is None else f" -> {self.reply}"
        try:
            is_text = parse_pattern(f"{self.verbs}{argument}{reply}") == self
        except ConfigurationError:
            is_text = False
        if not is_text:
            return repr(self)
        return f"{self.verbs}{' ' * bool(argument)}{self._shown(self.path) or ''}{reply}"

    def __repr__(self) -> str:
        named = {
            "path": self._shown(self.path),
            "argument": self._shown(self.argument),
            **{name: getattr(self, name) for name in ("reply", "session", "user", "encrypted", "offset", "faults")},
        }
        values = (f"{name}={value!r}" for name, value in named.items() if value is not None)
        return f"sent({', '.join([*map(repr, self.verbs.words), *values])})"

    def _shown(self, argument: str | None) -> str | None:
        """An argument as it may be shown: that of PASS and ACCT is starred."""
        return None if argument is None else censored_argument("|".join(self.verbs.names), argument)


def sent(
    *verbs: str,
    path: str | None = None,
    argument: str | None = None,
    reply: str | int | None = None,
    session: int | None = None,
    user: str | None = None,
    encrypted: bool | None = None,
    offset: int | None = None,
    faults: bool | None = None,
) -> Pattern:
    """Return a pattern for commands; what is not given matches anything.

    Args:
        verbs: Such as "STOR", "MKD|XMKD", "UPLOADS"; none for any.
        path: Shell pattern for the argument, as sent or as the absolute path it means.
        argument: Shell pattern for the argument as sent.
        reply: Code of the final reply, such as 226, or a mask such as "2xx".
        session: Number of the control connection, counted from 1.
        user: Shell pattern for the name given with USER.
        encrypted: Whether the command was received over TLS.
        offset: Where its transfer began, in bytes.
        faults: Whether a fault happened to it.

    Raises:
        ConfigurationError: No command can have such a verb, reply or session.
    """
    mask = None if reply is None else _reply("reply", str(reply))
    return _Fields(
        _verbs(*(verbs or ("*",))),
        None if path is None else checks.line("path", path),
        None if argument is None else checks.line("argument", argument),
        mask,
        None if session is None else checks.whole("session", session, 1),
        None if user is None else checks.line("user", user),
        None if encrypted is None else checks.truth("encrypted", encrypted),
        None if offset is None else checks.whole("offset", offset),
        None if faults is None else checks.truth("faults", faults),
    )


def _verbs(*texts: str) -> Verbs:
    try:
        return Verbs.read(*(checks.line("verb", text) for text in texts))
    except ConfigurationError as error:
        raise ConfigurationError(f"{error}: give the path as path=, as in sent('RETR', path='*.csv')") from None


def _read_mask(value: str) -> str:
    if not _MASK.fullmatch(value):
        raise ValueError
    return value.lower()


_reply = Check("the code of a final reply, such as 226, or a mask such as '2xx'", _read_mask)


def parse_pattern(text: str) -> Pattern:
    """Read a pattern, whatever its verbs are; see the head of this module.

    Raises:
        ConfigurationError: The text is no pattern; the message says what would work.
    """
    if _ARROW.search(text):
        raise _wrong(text, "the arrow in front of the code is '->'")
    before, arrow, after = text.rpartition("->")
    words, mask = (before.strip(), after.strip()) if arrow else (text.strip(), None)
    if mask is not None and not _MASK.fullmatch(mask):
        kind = "1xx is preliminary: " if mask.startswith("1") else ""
        raise _wrong(text, f"{kind}behind the arrow must stand the code of a final reply, such as 226 or 2xx, alone")
    verbs, space, argument = words.partition(" ")
    if not verbs:
        raise ConfigurationError(f"{text!r} is not a pattern: begin with a verb, as in 'RETR /a.txt -> 226'")
    if verbs.endswith("|") or _SPACED.match(argument):
        raise _wrong(text, "verbs are written without spaces, as in 'MKD|XMKD'")
    try:
        read = Verbs.read(verbs)
    except ConfigurationError as error:
        raise _wrong(text, f"{error}; begin with one, as in 'RETR /a.txt -> 226'") from None
    return _Fields(read, argument if space else None, reply=mask and mask.lower())


def _wrong(text: str, what: str) -> ConfigurationError:
    verb, _, rest = text.strip().partition(" ")
    hint = " (a name with an arrow is written sent('RETR', path='a -> b'))" if "arrow" in what else ""
    return ConfigurationError(f"{censor(verb, rest)!r}: {what}{hint}")


def pattern_of(value: object, known: Iterable[str]) -> Pattern:
    """Return a text or a pattern as a pattern whose verbs exist.

    Args:
        value: As a test gave it.
        known: Verbs beside the standard ones, upper case.

    Raises:
        ConfigurationError: It is no pattern, or a verb is unknown.
    """
    if isinstance(value, str):
        value = parse_pattern(value)
    if not isinstance(value, Pattern):
        raise ConfigurationError(f"{value!r} is no pattern: {_instead_of(value)}")
    value.check(known)
    return value


def _instead_of(value: object) -> str:
    if isinstance(value, list | tuple | set | frozenset):
        return "give patterns one by one, as in assert_sequence('USER', 'PASS'), or assert_sequence(*patterns)"
    if callable(value):
        return "sent('STOR') makes a pattern (the decorator command marks a handler)"
    return "give text such as 'STOR /in/*.csv -> 226', or sent('STOR', path='/in/*.csv', reply=226)"
