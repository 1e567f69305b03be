"""Faults as text, for ini files, command lines and JSON: ``RETR *.csv #2: drop_data after_bytes=1024``.

The part before the colon says when, the part after it what goes wrong:

- verbs (``RETR``, ``PASV|EPSV``, ``*``), an optional path as a shell pattern, and triggers: ``#2`` (only the 2nd
  matching command; ``#1,3``), ``name=value`` for ``user session type times skip every since until probability seed``,
  and ``optional``;
- words as in Python, each followed by its values or ``name=value``, with ``;`` between words. Text with spaces needs
  quotes, bytes are ``b'...'``, several lines are ``['a', 'b']``, a part of a file may be ``50%``.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ftpfixture.checks import suggest
from ftpfixture.errors import ConfigurationError
from ftpfixture.faults import built
from ftpfixture.faults.builder import TRIGGERS
from ftpfixture.faults.dsl import Fault, on
from ftpfixture.faults.literals import QUOTED, read_text, read_value
from ftpfixture.faults.presets import PRESETS
from ftpfixture.faults.renamed import renamed_parameter, renamed_trigger, renamed_word
from ftpfixture.wire.command import censored_argument

__all__ = ["WORDS", "parse"]

_TOKEN = re.compile(rf"(?:[A-Za-z_]+=)?(?:{QUOTED}|\[(?:{QUOTED}|[\s,])*\])(?=[\s:;]|\Z)|[^\s;]*[^\s;:]|[:;]+|\S")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")
_NAMED = re.compile(r"([A-Za-z_]+)=(.*)", re.DOTALL)
_NUMBERS = re.compile(r"#[0-9]{1,9}(,[0-9]{1,9})*")
_MEMBERS = {name: member for name, member in inspect.getmembers(Fault) if getattr(member, "is_word", False)}
WORDS = {name: member for name, member in _MEMBERS.items() if name not in TRIGGERS}
_ON = ("path", "user", "session", "type")


@dataclass(frozen=True, slots=True)
class _Token:
    """A part of the text.

    Attributes:
        text: The characters.
        start: The position of the first character.
    """

    text: str
    start: int

    @property
    def name(self) -> str:
        """The characters before ``=``; "" if there is none."""
        found = _NAMED.fullmatch(self.text)
        return found[1] if found else ""

    @property
    def rest(self) -> str:
        """The characters after ``=``; the whole token if there is none."""
        found = _NAMED.fullmatch(self.text)
        return found[2] if found else self.text


def parse(text: str) -> Fault:
    """Parse a fault, or the name of a preset such as ``pasv-behind-nat``.

    Raises:
        ConfigurationError: The text is not a fault; the message marks the wrong part.
    """
    with built.unwatched():
        return _parse(_expanded(text))


def _parse(text: str) -> Fault:
    tokens = [_Token(found[0], found.start()) for found in _TOKEN.finditer(text)]
    colon = next((index for index, token in enumerate(tokens) if token.text == ":"), 0)
    if not colon:
        wrong = next((token for token in tokens if token.text in WORDS or ":" in token.text), _end(text))
        what = "a fault is a verb, a colon and a space, and a word for what goes wrong, such as 'RETR *.csv: drop_data'"
        raise _wrong(text, wrong, what)
    fault = _parse_when(text, tokens[0], tokens[1:colon])
    words = _words(tokens[colon + 1 :])
    if not words:
        raise _wrong(text, _end(text), f"after the colon, say what goes wrong: one of {', '.join(WORDS)}")
    for word, *parameters in words:
        fault = _parse_word(text, fault, word, parameters)
    return fault


def _expanded(text: str) -> str:
    """Return the text of a preset for its name, and any other text unchanged."""
    name = text.strip()
    if name in PRESETS:
        return PRESETS[name].text
    if _NAME.fullmatch(name):
        use = suggest(name, PRESETS, "see the table of presets in the documentation")
        raise ConfigurationError(f"unknown preset {name!r}: {use}")
    return text


def _words(tokens: Sequence[_Token]) -> list[list[_Token]]:
    """Split tokens at semicolons."""
    words: list[list[_Token]] = [[]]
    for token in tokens:
        if set(token.text) == {";"}:
            words.append([])
        else:
            words[-1].append(token)
    return [word for word in words if word]


_Trigger = tuple[str, list[Any], dict[str, _Token]]
"""A word that says when: its name, its values, and the token of each value."""


def _parse_when(text: str, verbs: _Token, tokens: list[_Token]) -> Fault:
    conditions: dict[str, _Token] = {}
    triggers: list[_Trigger] = []
    for token in tokens:
        if token.name == "seed":
            _add_seed(text, token, triggers)
        elif (trigger := _trigger(text, token)) is not None:
            triggers.append(trigger)
        else:
            _add_condition(text, token, conditions, verbs)
    given: dict[str, Any] = {
        name: _value(text, token, read_value if name == "session" else read_text) for name, token in conditions.items()
    }
    fault = _call(text, partial(on, verbs.text, **given), conditions, verbs)
    for name, values, where in triggers:
        fault = _call(text, partial(getattr(fault, name), *values), where, where.get(name, verbs))
    return fault


def _trigger(text: str, token: _Token) -> _Trigger | None:
    """Return the trigger of a token; None if it is not a trigger."""
    if token.text.startswith("#"):
        if not _NUMBERS.fullmatch(token.text):
            raise _wrong(text, token, "# takes one or more numbers, such as #2 or #1,3")
        return "nth", [int(number) for number in token.text[1:].split(",")], {"nth": token}
    if token.text == "optional":
        return "optional", [], {}
    if token.name in TRIGGERS:
        return token.name, [_value(text, token, read_value)], {token.name: token}
    return None


def _add_seed(text: str, token: _Token, triggers: list[_Trigger]) -> None:
    if not triggers or triggers[-1][0] != "probability":
        raise _wrong(text, token, "seed= must follow probability=")
    _, values, where = triggers[-1]
    values.append(_value(text, token, read_value))
    where[token.name] = token


def _add_condition(text: str, token: _Token, conditions: dict[str, _Token], verbs: _Token) -> None:
    """Add a token that restricts the commands of the fault; without a name it is the path."""
    name = token.name
    if name and name not in _ON:
        shown = censored_argument(verbs.text, name)
        raise _wrong(text, token, _unknown("trigger", shown, [*_ON, *TRIGGERS, "seed"], renamed_trigger(name)))
    if (what := name or "path") in conditions:
        raise _wrong(text, token, f"{what} is given twice; a value with spaces needs quotes")
    conditions[what] = token


def _parse_word(text: str, fault: Fault, word: _Token, tokens: list[_Token]) -> Fault:
    if word.text not in WORDS:
        raise _wrong(text, word, _unknown("word", word.text, WORDS, renamed_word(word.text)))
    known = list(inspect.signature(WORDS[word.text]).parameters)[1:]
    bare = [token for token in tokens if not token.name]
    named = [token for token in tokens if token.name]
    where = dict(zip(known, bare, strict=False))
    for token in named:
        if token.name not in known:
            new = renamed_parameter(word.text, token.name)
            raise _wrong(text, token, _unknown(f"parameter of {word.text}", token.name, known, new))
        if token.name in where:
            raise _wrong(text, token, f"{token.name} of {word.text} is given twice")
        where[token.name] = token
    values = [_value(text, token, read_value) for token in bare]
    options = {token.name: _value(text, token, read_value) for token in named}
    make = partial(getattr(fault, word.text), *values, **options)
    return _call(text, make, where, bare[len(known)] if len(bare) > len(known) else word, bare)


def _value(text: str, token: _Token, read: Callable[[str], object]) -> Any:
    try:
        return read(token.rest)
    except ConfigurationError as error:
        raise _wrong(text, token, str(error)) from None


def _call(
    text: str, make: Callable[[], Fault], where: Mapping[str, _Token], otherwise: _Token, bare: Sequence[_Token] = ()
) -> Fault:
    """Return the result of `make`; an error marks the parameter with whose name its message begins."""
    try:
        return make()
    except ConfigurationError as error:
        wrong, what = where.get(str(error).partition(" ")[0], otherwise), str(error)
        for token in bare[: bare.index(wrong) + 1] if wrong in bare else ():
            if token.text in WORDS:
                raise _wrong(text, token, f"{what}; put a semicolon before the next word") from None
        raise _wrong(text, wrong, what) from None


def _unknown(kind: str, name: str, known: Iterable[str], new: str) -> str:
    names = list(known)
    return f"unknown {kind} {name!r}: {new or suggest(name, names, None if names else 'it takes no parameters')}"


def _end(text: str) -> _Token:
    return _Token(" ", len(text))


def _wrong(text: str, token: _Token, what: str) -> ConfigurationError:
    """Return an error that marks a token in the text, with passwords starred."""
    end = text.rfind(": ")
    head = text[:end] if end >= 0 else text
    verbs, *rest = re.split(r"(?<=\S)\s", head, maxsplit=1)
    shown = " ".join([verbs, *(censored_argument(verbs.strip(), part) for part in rest)]) + text[len(head) :]
    shown = re.sub(r"\s", " ", shown)
    return ConfigurationError(f"{what}\n    {shown}\n    {' ' * token.start}{'^' * len(token.text)}")
