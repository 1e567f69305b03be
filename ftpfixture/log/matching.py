"""The one language in which tests name commands: ``STOR /in/*.csv -> 226``.

A pattern is a verb, then perhaps an argument, then perhaps ``->`` and the code of the final reply:

- The verb is matched without case; ``*`` stands for any.
- The argument is what the client really sent, matched as it is or as a shell pattern (``*``, ``?``, ``[...]``); left
  out, any argument will do.
- The code may be a mask such as ``2xx``.
"""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from ftpfixture.errors import ConfigurationError
from ftpfixture.wire.command import censored_argument
from ftpfixture.wire.reply import Code

__all__ = ["Pattern", "Said", "nearest"]

_MASK = re.compile(r"[0-9xX]{3}")
_ALMOST_A_MASK = re.compile(r"|[0-9xX]{1,4}|[0-9][0-9A-Za-z]{2}")  # behind an arrow: a mistake, not the end of a name


class Said(Protocol):
    """A command and its answer, as far as patterns look at them."""

    @property
    def verb(self) -> str:
        """Upper case."""

    @property
    def argument(self) -> str:
        """As sent."""

    @property
    def code(self) -> str:
        """Of the final reply; "" while there is none."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a command must look like.

    Attributes:
        verb: Upper case, or "*".
        argument: None for any.
        code: Mask of the final reply; None for any, or for none yet.
    """

    verb: str
    argument: str | None = None
    code: str | None = None

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """Read a pattern.

        Raises:
            ConfigurationError: It has no verb, or what stands behind the arrow is not a code.
        """
        before, arrow, after = text.rpartition("->")
        mask = after.strip()
        said, code = (before, mask) if arrow and _MASK.fullmatch(mask) else (text, None)
        if arrow and code is None and _ALMOST_A_MASK.fullmatch(mask):
            raise ConfigurationError(f"{text!r}: a code such as 226 or 2xx must follow the arrow")
        verb, space, argument = said.strip().partition(" ")
        if not verb:
            raise ConfigurationError(f"{text!r} is not a pattern: begin with a verb, as in 'RETR /a.txt -> 226'")
        return cls(verb.upper(), argument if space else None, code)

    def difference(self, said: Said) -> str | None:
        """The first field that differs, in words; None when the command matches."""
        if self.verb not in ("*", said.verb):
            return f"the verb is {said.verb}, not {self.verb}"
        if self.argument is not None and not _fits(said.argument, self.argument):
            sent, wanted = censored_argument(said.verb, said.argument), censored_argument(said.verb, self.argument)
            return f"the argument differs: sent {sent!r}, expected {wanted!r}"
        if self.code is not None and not Code(said.code).matches(self.code):
            return f"the reply was {said.code or 'not there yet'}, not {self.code}"
        return None

    def matches(self, said: Said) -> bool:
        """True when nothing differs."""
        return self.difference(said) is None

    def __str__(self) -> str:
        argument = "" if self.argument is None else f" {censored_argument(self.verb, self.argument)}"
        return f"{self.verb}{argument}" + ("" if self.code is None else f" -> {self.code}")


def nearest(pattern: Pattern, all_said: Iterable[Said]) -> Said | None:
    """The command that comes closest to the pattern, the first of equals; None when there are none."""
    return max(all_said, key=lambda said: _likeness(pattern, said), default=None)


def _likeness(pattern: Pattern, said: Said) -> tuple[bool, float, float]:
    same = difflib.SequenceMatcher(None, pattern.argument or "", said.argument if pattern.argument else "").ratio()
    return said.verb == pattern.verb, same, difflib.SequenceMatcher(None, pattern.verb, said.verb).ratio()


def _fits(argument: str, wanted: str) -> bool:
    return argument == wanted or fnmatch.fnmatchcase(argument, wanted)
