"""What a server says in the words of another one: greeting, system, features, listings, and the texts of replies.

One rule: pure data and the choice among it. `ftpfixture.server.wording` fills the chosen text and sends it.

A verb that this server does not have may have a text for a given argument, whatever its code: the server sends it, and
does nothing.

A text is a template of `str.format`, so braces of its own are doubled; `ftpfixture.server.wording.PLACEHOLDERS` has
the names. It replaces the text of a reply with the same meaning: one to the same verb with the same code, or with a
code that means the same, such as 226 and 225 to ABOR. A reply without such a text stays as it is.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from ftpfixture.wire.listing.styles import ListStyleName

if TYPE_CHECKING:
    from ftpfixture.server.settings import ServerSettings

__all__ = ["ANY_VERB", "GREETING", "Persona", "ReplyText", "TextTable", "failure_kind", "full_verb", "same_meaning"]

GREETING = ""
"""The verb of the reply before the first command."""

ANY_VERB = "*"
"""The verb of a text for replies to all verbs without one of their own, and to unknown verbs."""


@dataclass(frozen=True, slots=True)
class ReplyText:
    """The text of one reply.

    Attributes:
        verb: Upper case, with the subcommand of SITE and OPTS, such as "SITE CHMOD"; or GREETING, or ANY_VERB.
        code: Three digits.
        lines: Templates, at least one.
        listing: Whether lines between the first and the last are sent without code, indented by one space.
        argument: The only argument with this text, compared without case, such as "A" of TYPE; None for all.
        transfer_type: The TYPE in which this text is preferred to others, such as "A"; "" for none.
        framed: Whether the lines are the first and the last, around those of this server, as in FEAT and MLST.
        instead_of: The code of this server that it replaces although the two mean different things; "" for none.
        seen: Where a server has said it: a program and its version, or a URL.
    """

    verb: str
    code: str
    lines: tuple[str, ...]
    listing: bool = False
    argument: str | None = None
    transfer_type: str = ""
    framed: bool = False
    instead_of: str = ""
    seen: str = ""

    @property
    def kind(self) -> str:
        """The reason of a failure, see `failure_kind`."""
        return failure_kind(self.code, self.lines)


@dataclass(frozen=True, slots=True)
class Persona:
    """Another server, as far as clients can tell it by what is said.

    Settings of the server that are given, such as `system`, take precedence.

    Attributes:
        system: Text of SYST's reply; None for the server's own.
        features: Lines of FEAT's reply; None for the server's own.
        list_style: Format of LIST.
        refused: Verbs that are not offered, upper case; unknown ones are ignored.
        offered: The only verbs that are offered, with the subcommands of SITE and OPTS; None for all but those refused.
        refuse_size_in_ascii: Whether SIZE in TYPE A gets 550.
        replies: The texts; of two that fit equally well the first is sent.
        before_login: Verbs that need no login; all others get its text for 530 then. None for those of this server.
        quirks: Further settings of the server, by name.
        seen: What it is like: a program and its version.
    """

    system: str | None = None
    features: tuple[str, ...] | None = None
    list_style: ListStyleName = "unix"
    refused: frozenset[str] = frozenset()
    refuse_size_in_ascii: bool = False
    replies: tuple[ReplyText, ...] = ()
    offered: frozenset[str] | None = None
    before_login: frozenset[str] | None = None
    quirks: Mapping[str, Any] = field(default_factory=dict)
    seen: str = ""

    def settings(self, verbs: Collection[str], besides: Collection[str] = ()) -> ServerSettings:
        """The settings of a server that it decides.

        Args:
            verbs: Those that the server knows, lower case.
            besides: Names of settings that are given.
        """
        known = {verb.upper() for verb in verbs}
        off = self.refused if self.offered is None else known - self.offered
        decided: dict[str, Any] = {
            "system": self.system,
            "features": None if self.features is None else list(self.features),
            "list_style": self.list_style,
            "refuse_size_in_ascii": self.refuse_size_in_ascii,
            "disable": sorted(off & known),
            **self.quirks,
        }
        chosen = {name: value for name, value in decided.items() if value is not None and name not in besides}
        return cast("ServerSettings", chosen)


def full_verb(verb: str, argument: str) -> tuple[str, str]:
    """A verb with the subcommand of SITE and OPTS, and the rest of the argument."""
    if verb not in ("SITE", "OPTS"):
        return verb, argument
    name, _, rest = argument.partition(" ")
    return f"{verb} {name.upper()}".rstrip(), rest


_SAME = (
    frozenset({"200", "202", "225", "226", "250"}),  # done
    frozenset({"212", "213"}),  # STAT of a path
    frozenset({"430", "530"}),  # wrong login or password
    frozenset({"550", "553"}),  # the path cannot be used
    frozenset({"500", "502", "504"}),  # not offered
)
_NOT_OFFERED = frozenset({"500", "501", "502", "504"})


def same_meaning(code: str, other: str, is_offered: bool = True) -> bool:
    """Whether two codes report the same to one command: servers differ in 226 and 250, or in 550 and 553.

    Args:
        code: The one.
        other: The other.
        is_offered: Whether the server has the verb, and its argument; if not, all codes for that are the same.
    """
    if code == other:
        return True
    if not is_offered and {code, other} <= _NOT_OFFERED:
        return True
    return code[0] == other[0] == "1" or any({code, other} <= group for group in _SAME)


_KINDS: Mapping[str, re.Pattern[str]] = {
    name: re.compile(pattern, re.IGNORECASE)
    for name, pattern in {
        "not empty": "not empty",
        "not a directory": "not a (?:directory|folder)",
        "not a file": "is a directory|not a (?:regular|plain|normal) file|not a file|only retrieve regular files",
        "missing": "no such|not found|not exist|n't exist|cannot find",
        "exists": "exists?\\b|already",
        "type": "ascii|binary|\\btype\\b",
        "denied": "denied|permission|permitted|not allowed|forbidden|access is",
        "full": "quota|space|storage|allocation",
    }.items()
}


def failure_kind(code: str, lines: Iterable[str]) -> str:
    """The reason of a failure by the words of its text, such as "missing" or "denied"; "" where it names none."""
    if code[0] not in "45":
        return ""
    text = " ".join(lines)
    return next((name for name, pattern in _KINDS.items() if pattern.search(text)), "")


class TextTable:
    """The texts of a persona by verb.

    Args:
        texts: Those of two that fit equally well in the order of preference.
    """

    def __init__(self, texts: Iterable[ReplyText]) -> None:
        self._texts: defaultdict[str, list[tuple[ReplyText, str]]] = defaultdict(list)
        for text in texts:
            self._texts[text.verb].append((text, text.kind))

    def fitting(
        self, verb: str, argument: str, code: str, lines: Sequence[str], is_known: bool, transfer_type: str = ""
    ) -> list[ReplyText]:
        """The texts for a reply, the best first.

        Args:
            verb: As `full_verb` returns it.
            argument: Likewise.
            code: Of the reply.
            lines: Text of the reply.
            is_known: Whether the server offers the verb.
            transfer_type: The TYPE of the session.
        """
        kind = failure_kind(code, lines)
        found: list[tuple[tuple[bool, ...], ReplyText]] = []
        names = (verb, verb.partition(" ")[0], ANY_VERB) if verb != GREETING else (verb,)
        for name in dict.fromkeys(names):
            for text, reason in self._texts.get(name, ()):
                if text.argument is not None and text.argument.upper() != argument.upper():
                    continue
                is_about_it = reason in ("", kind) or (text.instead_of and not kind) or _is_result(text, is_known)
                if is_about_it and _fits(text, code, is_known):
                    other_type = text.transfer_type not in ("", transfer_type)
                    is_other = text.code != code and not text.instead_of
                    rank = (name != verb, name == ANY_VERB, is_other, text.argument is None, reason != kind, other_type)
                    found.append((rank, text))
        return [text for _, text in sorted(found, key=lambda each: each[0])]


def _is_result(text: ReplyText, is_known: bool) -> bool:
    """Whether a text is what a verb that this server does not have has done elsewhere."""
    return not is_known and text.argument is not None


def _fits(text: ReplyText, code: str, is_known: bool) -> bool:
    """Whether a text has the meaning of a reply to its verb and its argument."""
    if text.instead_of:
        return text.instead_of == code
    if text.verb == ANY_VERB and is_known:
        return text.code == code  # a verb that is offered is not unknown
    if _is_result(text, is_known):
        return True
    is_offered = is_known and text.argument is None  # of one argument all codes for "not offered" are one
    return same_meaning(code, text.code, is_offered)
