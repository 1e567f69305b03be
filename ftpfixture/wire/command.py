"""Commands: a verb and an argument, from a line and back.

One rule: what has a password in it is never shown, unless the argument itself is asked for.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ftpfixture.errors import InvalidCommand
from ftpfixture.wire.lines import escape_line

__all__ = ["Command", "censor"]

# A line may be broken ("PASS\tsecret", or octets before the verb): what was meant for a secret is one even then.
_SECRET_VERB = re.compile(r"(?<![a-z0-9])(?:pass|acct)(?![a-z0-9])", re.IGNORECASE)

_NOT_IN_A_VERB = re.compile(r"[\x00-\x20\x7f]")


def censor(verb: str, argument: str) -> str:
    """Return the command as text that may be shown: asterisks stand for a password or account, one per character."""
    verb, argument = _starred(verb, argument)
    return f"{verb} {argument}" if argument else verb


def _starred(verb: str, argument: str) -> tuple[str, str]:
    found = _SECRET_VERB.search(verb)
    if found is None:
        return verb, argument
    return verb[: found.end()].ljust(len(verb), "*"), "*" * len(argument)


# A NamedTuple, because one is made for every line that arrives: a frozen dataclass with slots takes half as long again
# to make, as it must go around its own lock.
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
        """Read a line without its line end; no octets make this fail.

        Spaces before the verb are skipped. Exactly one space separates verb and argument, because further ones, and
        those at the end, belong to a name. Octets that the encoding has no character for come back from `render`.

        Source: RFC 959 5.3, RFC 2640 3.1.
        """
        try:
            text = line.decode(encoding, "surrogateescape")
        except UnicodeError:  # codecs with shift states give up where they cannot escape an ASCII octet
            text = line.decode("ascii", "surrogateescape")
        verb, _, argument = text.lstrip(" ").partition(" ")
        # A dotless i has I for its upper case: a verb in other letters must not turn into one that exists.
        return cls(verb.upper() if verb.isascii() else verb, argument)

    def render(self, encoding: str = "utf-8") -> bytes:
        """Return the line to send, with CRLF.

        Raises:
            InvalidCommand: The verb holds a space or a control character, or the encoding lacks a character.
        """
        wrong = _NOT_IN_A_VERB.search(self.verb)
        if wrong is not None:
            # Only up to there: what follows a space may be a password.
            raise InvalidCommand(f"a verb cannot hold {wrong[0]!r}, which follows {self.verb[: wrong.start()]!r}")
        text = f"{self.verb} {self.argument}" if self.argument else self.verb
        try:
            line = text.encode(encoding, "surrogateescape")
        except UnicodeEncodeError as error:
            # From None: the original holds the whole line, and with it a password.
            raise InvalidCommand(f"{encoding} cannot express a character of {self.verb}: {error.reason}") from None
        return escape_line(line) + b"\r\n"

    @property
    def censored(self) -> str:
        """The command as text that may be shown."""
        return censor(self.verb, self.argument)

    def __str__(self) -> str:
        return censor(self.verb, self.argument)

    def __repr__(self) -> str:
        verb, argument = _starred(self.verb, self.argument)
        return f"Command(verb={verb!r}, argument={argument!r})"
