"""Verbs as tests write them: ``STOR``, ``MKD|XMKD``, a group such as ``UPLOADS``, ``*`` for any, ``?XYZZ``.

One rule: a verb that no command can have is an error where it is written, with the verb that was perhaps meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ftpfixture.checks import nearest
from ftpfixture.errors import ConfigurationError
from ftpfixture.wire.command import censor
from ftpfixture.wire.states import LEGAL_REPLIES

__all__ = ["GROUPS", "STANDARD_VERBS", "Verbs", "unknown_verb"]

GROUPS: dict[str, tuple[str, ...]] = {
    "TRANSFERS": ("RETR", "STOR", "STOU", "APPE", "LIST", "NLST", "MLSD"),
    "UPLOADS": ("STOR", "STOU", "APPE"),
    "DOWNLOADS": ("RETR",),
    "LISTINGS": ("LIST", "NLST", "MLSD"),
    "PASSIVE": ("PASV", "EPSV"),
    "ACTIVE": ("PORT", "EPRT"),
    "LOGIN": ("USER", "PASS", "ACCT"),
}
"""Names for several verbs at once."""

STANDARD_VERBS = frozenset(verb for verb in LEGAL_REPLIES if " " not in verb) - {"CONNECT"}
"""Every verb of the RFCs and drafts, and those that servers and clients have in common without one."""

_ALWAYS_KNOWN = frozenset({"*", *GROUPS, *STANDARD_VERBS})

_CLIENT_WORDS = {
    "GET": "RETR",
    "RECV": "RETR",
    "PUT": "STOR",
    "SEND": "STOR",
    "APPEND": "APPE",
    "LS": "LIST",
    "DIR": "LIST",
    "CD": "CWD",
    "CHDIR": "CWD",
    "MKDIR": "MKD",
    "RMDIR": "RMD",
    "DELETE": "DELE",
    "RM": "DELE",
    "RENAME": "RNFR",
    "BYE": "QUIT",
    "CLOSE": "QUIT",
    "PASSWORD": "PASS",
    "SYSTEM": "SYST",
}
"""What the user of a client types for a verb that has another name on the wire."""

_WORD = re.compile(r"\*|\??[A-Za-z0-9_]{1,64}")


@dataclass(frozen=True, slots=True)
class Verbs:
    """One or several verbs.

    Attributes:
        words: As written, in upper case: verbs, names of groups, "*" for any; "?" stands in front of a verb that is
            meant although no server may know it.
        names: The verbs themselves, groups as their members; "*" for any.
    """

    words: tuple[str, ...]
    names: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        groups = (GROUPS.get(word, (word.removeprefix("?"),)) for word in self.words)
        object.__setattr__(self, "names", tuple(dict.fromkeys(name for group in groups for name in group)))

    @classmethod
    def read(cls, *texts: str) -> Verbs:
        """Read verbs; each text may hold several, with "|" between them.

        Raises:
            ConfigurationError: A word cannot be a verb; the caller says how the rest of the line is written.
        """
        words = tuple(word.strip() for text in texts for word in text.split("|"))
        wrong = next((word for word in words if not _WORD.fullmatch(word)), None)
        if wrong is not None:
            raise ConfigurationError(f"{censor(wrong, '')!r} is not a verb")
        return cls(tuple(dict.fromkeys(word.upper() for word in words)))

    @property
    def unknown(self) -> tuple[str, ...]:
        """The verbs that no server need know."""
        return tuple(word.removeprefix("?") for word in self.words if word.startswith("?"))

    def fit(self, verb: str) -> bool:
        """Return whether a verb, in upper case, is one of these."""
        return verb in self.names or "*" in self.names

    def check(self, known: Iterable[str]) -> None:
        """Make sure that a command can have each of these verbs.

        Args:
            known: Verbs beside the standard ones, upper case.

        Raises:
            ConfigurationError: One is neither known nor marked with "?".
        """
        unknown = [word for word in self.words if word not in _ALWAYS_KNOWN and not word.startswith("?")]
        if unknown:
            here = frozenset(known)
            for word in unknown:
                if word not in here:
                    raise ConfigurationError(f"the server has no command {word!r}: {unknown_verb(word, here)}")

    def __str__(self) -> str:
        return "|".join(self.words)


def unknown_verb(verb: str, known: Iterable[str]) -> str:
    """Return what to write in place of a verb that no server knows."""
    meant = f"write '?{verb}' for a command that no server knows"
    if verb in _CLIENT_WORDS:
        return f"did you mean {_CLIENT_WORDS[verb]!r}? ({meant})"
    verbs = sorted({*STANDARD_VERBS, *GROUPS, *known})
    swapped = [other for other in verbs if sorted(other) == sorted(verb)]  # letters in another order
    near = swapped or nearest(verb, verbs)
    return f"did you mean {near[0]!r}? ({meant})" if near else meant
