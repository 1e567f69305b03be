"""Personas as text: a reply a line, as it was seen.

One rule: a line is what the server says, and nothing is computed. ``RETR -> 550 Failed to open file.`` is a text for
all replies to RETR that mean the same, ``TYPE A -> 200 ...`` one for this argument only, ``MODE () -> 501 ...`` one
for none, and ``PASV [503] -> 550 ...`` one in place of a reply of this package with another meaning. ``(greeting)``
stands before the first command, ``*`` for all verbs. Further lines of a reply are indented by four spaces; ``...``
among them stands for the lines of this server, and ``=>`` in place of ``->`` says that lines in the middle are sent
without code. A ``$`` behind spaces at the end of a line keeps them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ftpfixture.server.persona import ANY_VERB, GREETING, ReplyText, full_verb

__all__ = ["texts"]

_LINE = re.compile(
    r"(?P<words>.+?)(?: \[(?P<own>[1-5][0-9]{2})\])? (?P<arrow>[-=]>) (?P<code>[1-5][0-9]{2}) ?(?P<text>.*)"
)
_INDENT = "    "


def texts(table: str, seen: str) -> tuple[ReplyText, ...]:
    """The texts of a table.

    Args:
        table: As described above; empty lines and those that begin with "#" do not count.
        seen: Where it was said.

    Raises:
        ValueError: A line is none of a table.
    """
    replies: list[list[str]] = []
    for line in (line.removesuffix("$") for line in table.splitlines()):
        if line.startswith(_INDENT):
            replies[-1].append(line.removeprefix(_INDENT))
        elif line and not line.startswith("#"):
            replies.append([line])
    return tuple(_texts(replies, seen))


def _texts(replies: list[list[str]], seen: str) -> Iterator[ReplyText]:
    for first, *others in replies:
        found = _LINE.fullmatch(first)
        if found is None:
            raise ValueError(f"{first!r} is no line of a persona: write VERB -> CODE text")
        verb, argument = _command(found["words"])
        yield ReplyText(
            verb,
            found["code"],
            tuple([line for line in (found["text"], *others) if line != "..."]),
            listing=found["arrow"] == "=>",
            argument=argument,
            framed="..." in others,
            instead_of=found["own"] or "",
            seen=seen,
        )


def _command(words: str) -> tuple[str, str | None]:
    if words == "(greeting)":
        return GREETING, None
    verb, _, rest = words.partition(" ")
    if verb == ANY_VERB or not rest:
        return verb, None
    verb, argument = full_verb(verb, rest)
    return verb, "" if argument == "()" else argument or None
