"""What a pattern can do: say of a command whether it matches, and what differs; be combined with others.

One rule: a pattern is asked and never counts, so that any number of tests may use the same.
"""

from __future__ import annotations

import fnmatch
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from ftpfixture.errors import ConfigurationError

__all__ = ["CommandLike", "Pattern", "fits", "fits_path", "nearest"]

_LOOKED_AT = 10_000  # commands among which the nearest is searched: a failing test waits for that


class CommandLike(Protocol):
    """A command and its reply, as far as patterns see them."""

    @property
    def verb(self) -> str:
        """Upper case."""

    @property
    def argument(self) -> str:
        """As sent."""

    @property
    def path(self) -> str:
        """The absolute path that the argument means; "" when it means none."""

    @property
    def code(self) -> str:
        """Of the final reply; "" while there is none."""

    @property
    def session(self) -> int:
        """Number of the control connection."""

    @property
    def user(self) -> str:
        """Name given with USER; "" before that."""

    @property
    def encrypted(self) -> bool:
        """Whether the command was received over TLS."""

    @property
    def offset(self) -> int | None:
        """Where its transfer began, in bytes; None without a transfer."""

    @property
    def faults(self) -> Sequence[str]:
        """The faults that happened to it, as text."""


class Pattern(ABC):
    """A condition on commands. Combine patterns with ``&``, ``|`` and ``~``."""

    __slots__ = ()

    @abstractmethod
    def differ(self, command: CommandLike) -> Iterator[str]:
        """Yield each field of a command that differs, in words."""

    @abstractmethod
    def check(self, known: Iterable[str]) -> None:
        """Make sure that a command can have each verb.

        Args:
            known: Verbs beside the standard ones, upper case.

        Raises:
            ConfigurationError: A verb is unknown; the message names the nearest.
        """

    @abstractmethod
    def fits_verb(self, command: CommandLike) -> bool:
        """Return whether the verb of a command matches, whatever else differs."""

    @abstractmethod
    def similarity(self, command: CommandLike) -> float:
        """Return from 0 to 1 how similar the argument of a command is."""

    @abstractmethod
    def on_arrival(self) -> Pattern:
        """Return the pattern without what only the end of a command decides: reply, offset and faults."""

    def differences(self, command: CommandLike) -> list[str]:
        """Return all fields of a command that differ, in words; empty when it matches."""
        return list(self.differ(command))

    def matches(self, command: CommandLike) -> bool:
        """Return whether nothing differs."""
        return next(self.differ(command), None) is None

    def __and__(self, other: object) -> Pattern:
        return _Both(self, other) if isinstance(other, Pattern) else NotImplemented

    def __or__(self, other: object) -> Pattern:
        return _Either(self, other) if isinstance(other, Pattern) else NotImplemented

    def __invert__(self) -> Pattern:
        return _Not(self)

    def __bool__(self) -> bool:
        raise ConfigurationError("patterns are combined with &, | and ~, not with 'and', 'or' and 'not'")

    def __str__(self) -> str:
        return repr(self)


@dataclass(frozen=True, slots=True, repr=False)
class _Both(Pattern):
    """What matches two patterns."""

    first: Pattern
    second: Pattern

    def differ(self, command: CommandLike) -> Iterator[str]:
        """See Pattern."""
        told = set()
        for part in (self.first, self.second):
            for text in part.differ(command):
                if text not in told:
                    yield text
                told.add(text)

    def check(self, known: Iterable[str]) -> None:
        """See Pattern."""
        _check_both(self.first, self.second, known)

    def fits_verb(self, command: CommandLike) -> bool:
        """See Pattern."""
        return self.first.fits_verb(command) and self.second.fits_verb(command)

    def similarity(self, command: CommandLike) -> float:
        """See Pattern."""
        return min(self.first.similarity(command), self.second.similarity(command))

    def on_arrival(self) -> Pattern:
        """See Pattern."""
        return _Both(self.first.on_arrival(), self.second.on_arrival())

    def __repr__(self) -> str:
        return f"({self.first!r} & {self.second!r})"


@dataclass(frozen=True, slots=True, repr=False)
class _Either(Pattern):
    """What matches one of two patterns."""

    first: Pattern
    second: Pattern

    def differ(self, command: CommandLike) -> Iterator[str]:
        """See Pattern; the fields of the alternative that is nearer."""
        first, second = (part.differences(command) for part in (self.first, self.second))
        yield from min(first, second, key=len)

    def check(self, known: Iterable[str]) -> None:
        """See Pattern."""
        _check_both(self.first, self.second, known)

    def fits_verb(self, command: CommandLike) -> bool:
        """See Pattern."""
        return self.first.fits_verb(command) or self.second.fits_verb(command)

    def similarity(self, command: CommandLike) -> float:
        """See Pattern."""
        return max(self.first.similarity(command), self.second.similarity(command))

    def on_arrival(self) -> Pattern:
        """See Pattern."""
        return _Either(self.first.on_arrival(), self.second.on_arrival())

    def __repr__(self) -> str:
        return f"({self.first!r} | {self.second!r})"


@dataclass(frozen=True, slots=True, repr=False)
class _Not(Pattern):
    """What does not match a pattern."""

    part: Pattern

    def differ(self, command: CommandLike) -> Iterator[str]:
        """See Pattern."""
        if self.part.matches(command):
            yield f"it matches {self.part}"

    def check(self, known: Iterable[str]) -> None:
        """See Pattern."""
        self.part.check(known)

    def fits_verb(self, command: CommandLike) -> bool:
        """See Pattern."""
        return True

    def similarity(self, command: CommandLike) -> float:
        """See Pattern."""
        return 1

    def on_arrival(self) -> Pattern:
        """See Pattern; what is left out may be why a command does not match the part, so any command may match."""
        decided = self.part.on_arrival() == self.part
        return self if decided else _Either(self, self.part)

    def __repr__(self) -> str:
        return f"~{self.part!r}"


def _check_both(first: Pattern, second: Pattern, known: Iterable[str]) -> None:
    verbs = frozenset(known)
    first.check(verbs)
    second.check(verbs)


# Matching.


def fits(text: str, wanted: str) -> bool:
    """Return whether a text is the wanted one, or matches it as a shell pattern."""
    return text == wanted or fnmatch.fnmatchcase(text, wanted)


def fits_path(wanted: str, argument: str, path: str) -> bool:
    """Return whether the argument of a command matches, as sent or as the path it means.

    Args:
        wanted: Text or shell pattern; a "/" at its end does not count for the path.
        argument: As sent.
        path: Absolute; "" when the argument means none.
    """
    return fits(argument, wanted) or (path != "" and wanted != "" and fits(path, wanted.rstrip("/") or "/"))


def nearest(pattern: Pattern, commands: Iterable[CommandLike]) -> CommandLike | None:
    """Return the command with a verb of the pattern that comes closest to it, the first of equals.

    Returns:
        None when no command has such a verb.
    """
    candidates = [command for command in commands if pattern.fits_verb(command)][:_LOOKED_AT]
    return max(candidates, key=lambda one: (pattern.similarity(one), -len(pattern.differences(one))), default=None)
