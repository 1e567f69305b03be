"""Commands: a verb and an argument, parsed from a line and rendered as one.

One rule: a command with a password is shown with asterisks; only its argument and its rendered line hold the password.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from ftpfixture.errors import InvalidCommand
from ftpfixture.wire.lines import escape_line, printable
from ftpfixture.wire.reply import decode_line
from ftpfixture.wire.states import LEGAL_REPLIES

__all__ = ["Command", "Secret", "censor", "censored_argument", "guarded", "render_line", "starred", "verb_of"]

# Malformed lines have secrets, too: "PASS\tsecret", "PASSsecret", or bytes before the verb.
_SECRET_VERB = re.compile(r"pass|acct", re.IGNORECASE)
_FIRST_WORD = re.compile(r"[^A-Za-z]*([A-Za-z]*)")


def _slips(verb: str) -> Iterator[str]:
    """Yield patterns of the typing errors in a verb: a letter missing, added or replaced, or two letters swapped."""
    for index in range(len(verb)):
        head, letter, tail = verb[:index], verb[index], verb[index + 1 :]
        yield from (f"{head}{tail}", f"{head}[a-z]{tail}", f"{head}[a-z]{letter}{tail}")
        yield f"{head}{tail[:1]}{letter}{tail[1:]}"


_NEARLY_SECRET = re.compile("|".join(pattern for verb in ("pass", "acct") for pattern in _slips(verb)), re.IGNORECASE)

_SITE_SECRET = re.compile(r" *pswd(?= )", re.IGNORECASE)
"""SITE PSWD of Serv-U, followed by the old password and the new one."""

_NOT_IN_A_VERB = re.compile(r"[\x00-\x20\x7f]")
_NOT_IN_A_LINE = frozenset("\r\n\0")


class Secret(str):
    """A password or account: a str with a repr of asterisks.

    Tracebacks, debuggers and failed assertions show arguments and variables by their repr.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return repr("*" * len(self))


def censor(verb: str, argument: str) -> str:
    """Return the command as text that may be shown: a password or account becomes asterisks, one per character.

    This includes verbs that look like a misspelled PASS or ACCT, and a line that is a `Secret` as a whole.
    """
    verb, argument = starred(verb, argument)
    return f"{verb} {argument}" if argument else verb


def censored_argument(verb: str, argument: str) -> str:
    """Return an argument of a command, or a pattern for it, as `censor` shows it."""
    return argument if argument == "*" else censor(verb, argument).partition(" ")[2]


def guarded(verb: str, argument: str) -> str:
    """Return the argument, as a `Secret` where `censor` shows asterisks for it."""
    if not argument or (_shown(verb) is None and not _has_site_secret(verb, argument)):
        return argument
    return Secret(argument)


def _has_site_secret(verb: str, argument: str) -> bool:
    return verb.upper() == "SITE" and _SITE_SECRET.match(argument) is not None


def starred(verb: str, argument: str) -> tuple[str, str]:
    """Return verb and argument as `censor` shows them."""
    if _has_site_secret(verb, argument):
        word, space, secret = argument.lstrip(" ").partition(" ")
        return verb, f"{word}{space}{'*' * len(secret)}"
    shown = 0 if isinstance(verb, Secret) else _shown(verb)
    if shown is None:
        return verb, argument
    return verb[:shown].ljust(len(verb), "*"), "*" * len(argument)


@lru_cache(maxsize=256)
def _shown(verb: str) -> int | None:
    """Return how many characters of the verb of a secret may be shown; None when there is no secret."""
    if found := _SECRET_VERB.search(verb):
        return found.end()
    word = _FIRST_WORD.match(verb)
    assert word is not None
    if word[1].upper() in LEGAL_REPLIES or not _NEARLY_SECRET.fullmatch(word[1]):
        return None
    return word.end()


# A NamedTuple, because one is made for every received line: a frozen dataclass with slots takes 50 % longer to make,
# as it must bypass its own __setattr__.
class Command(NamedTuple):
    """One command.

    Attributes:
        verb: In upper case; empty for an empty line.
        argument: All that follows the one space after the verb, spaces included; empty if there is nothing.
    """

    verb: str
    argument: str

    @classmethod
    def parse(cls, line: bytes, encoding: str = "utf-8") -> Command:
        """Parse a line without its line end; this never fails, whatever the bytes are.

        Spaces before the verb are skipped. Exactly one space separates verb and argument, because further spaces, and
        those at the end, belong to a name. Bytes that the encoding cannot decode are escaped; `render` restores them.

        Source: RFC 959 5.3, RFC 2640 3.1.
        """
        verb, _, argument = decode_line(line, encoding).lstrip(" ").partition(" ")
        # The upper case of a dotless i is I: a verb with other letters than ASCII must not become one that exists.
        if verb.isascii():
            verb = verb.upper()
        return cls(verb, guarded(verb, argument))

    def render(self, encoding: str = "utf-8") -> bytes:
        """Return the line to send, with CRLF.

        Raises:
            InvalidCommand: The verb holds a space or a control character, or the encoding lacks a character.
        """
        wrong = _NOT_IN_A_VERB.search(self.verb)
        if wrong is not None:
            # The message ends there: what follows a space may be a password.
            raise InvalidCommand(f"a verb cannot hold {wrong[0]!r}, which follows {self.verb[: wrong.start()]!r}")
        text = f"{self.verb} {self.argument}" if self.argument else self.verb
        return escape_line(_encode(text, encoding)) + b"\r\n"

    @property
    def censored(self) -> str:
        """The command as text that may be shown."""
        return censor(self.verb, self.argument)

    def __str__(self) -> str:
        return censor(self.verb, self.argument)

    def __repr__(self) -> str:
        verb, argument = starred(self.verb, self.argument)
        return f"Command(verb={verb!r}, argument={argument!r})"


def verb_of(line: str) -> str:
    """Return the verb of a line in upper case as printable text, without the rest, which may be a password."""
    return printable(next(iter(line.upper().split()), ""))


def render_line(line: str, encoding: str = "utf-8") -> bytes:
    """Return a line as it is, with CRLF: case and spaces stay, because "PASS " is not "PASS" everywhere.

    Raises:
        InvalidCommand: The line holds CR, LF or NUL, or the encoding lacks a character.
    """
    if not _NOT_IN_A_LINE.isdisjoint(line):
        raise InvalidCommand(f"CR, LF or NUL in {verb_of(line)} would end the command early")
    return _encode(line, encoding) + b"\r\n"


def _encode(line: str, encoding: str) -> bytes:
    try:
        return line.encode(encoding, "surrogateescape")
    except UnicodeEncodeError as error:
        # From None: the original exception holds the whole line, which may have a password.
        text = f"{encoding} cannot express a character of {verb_of(line)} ({error.reason})"
        raise InvalidCommand(f"{text}: give the client another encoding") from None
