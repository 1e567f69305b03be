"""Faults as text, for ini files, command lines and JSON: ``RETR *.csv #2: drop_data after=1024``.

Before the colon stands when, behind it what:

- verbs (``RETR``, ``PASV|EPSV``, ``*``), then perhaps a path as a shell pattern, then perhaps ``#2`` (the 2nd that
  fits; ``#1,3``), and the other triggers as ``name=value``: ``user session type times after every since until
  probability seed``, or bare: ``optional``;
- words as in Python, with their values behind them, bare or named; ``;`` between them. Text with spaces stands in
  quotes, octets are ``b'...'``, several lines are ``['a', 'b']``, parts may be ``50%``.
"""

from __future__ import annotations

import ast
import difflib
import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ftpfixture.errors import ConfigurationError
from ftpfixture.faults.catalog import Fault, on
from ftpfixture.faults.known import KNOWN
from ftpfixture.faults.rule import TRIGGERS

__all__ = ["parse"]

_QUOTED = r"[bB]?\"(?:[^\"\\]|\\.)*\"|[bB]?'(?:[^'\\]|\\.)*'"
_TOKEN = re.compile(rf"(?:[A-Za-z_]+=)?(?:{_QUOTED}|\[(?:{_QUOTED}|[\s,])*\])(?=[\s:;]|\Z)|[^\s;]*[^\s;:]|[:;]+|\S")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")
_NAMED = re.compile(r"([A-Za-z_]+)=(.*)", re.DOTALL)
_PERCENT = re.compile(r"([0-9.]+)%")
_CONSTANTS = {"none": None, "true": True, "false": False}
_MEMBERS = {name: member for name, member in inspect.getmembers(Fault) if getattr(member, "is_word", False)}
_WORDS = {name: member for name, member in _MEMBERS.items() if name not in TRIGGERS}
_ON = ("path", "user", "session", "type")


@dataclass(frozen=True, slots=True)
class _Token:
    """A piece of the text.

    Attributes:
        text: As written.
        start: Its place.
    """

    text: str
    start: int

    @property
    def name(self) -> str | None:
        """What stands before ``=``; None when there is none."""
        found = _NAMED.fullmatch(self.text)
        return found[1] if found else None

    @property
    def value(self) -> Any:
        """What it stands for, behind ``=`` if there is one."""
        found = _NAMED.fullmatch(self.text)
        text = found[2] if found else self.text
        if text[:1] in "\"'[" or text[:2] in ("b'", 'b"', "B'", 'B"'):
            try:
                return ast.literal_eval(text)
            except (ValueError, SyntaxError):
                return text  # a shell pattern such as [ab]*.csv
        if (percent := _PERCENT.fullmatch(text)) is not None:
            return float(percent[1]) / 100
        if text.lower() in _CONSTANTS:
            return _CONSTANTS[text.lower()]
        for kind in (int, float):
            try:
                return kind(text)
            except ValueError:
                pass
        return text


def parse(text: str) -> Fault:
    """Read a fault, or the name of a known one such as ``pasv-behind-nat``.

    Raises:
        ConfigurationError: The text is none; what is wrong is pointed at.
    """
    if text.strip() in KNOWN:
        text = KNOWN[text.strip()].text
    elif _NAME.fullmatch(text.strip()):
        near = difflib.get_close_matches(text.strip(), KNOWN, 1)
        hint = f"did you mean {near[0]!r}?" if near else "see the table of faults that were seen"
        raise ConfigurationError(f"unknown fault {text.strip()!r}: {hint}")
    tokens = [_Token(found[0], found.start()) for found in _TOKEN.finditer(text)]
    colon = next((index for index, token in enumerate(tokens) if token.text == ":"), None)
    if colon is None or colon == 0:
        end = _Token(" ", len(text))
        raise _wrong(text, end if tokens else None, "a fault is verbs, a colon and words: 'RETR *.csv: drop_data'")
    fault = _parse_when(text, tokens[:colon])
    return _parse_words(text, fault, tokens[colon + 1 :])


def _parse_when(text: str, tokens: list[_Token]) -> Fault:
    verbs, rest = tokens[0], tokens[1:]
    first: dict[str, Any] = {}
    triggers: list[tuple[_Token, str, tuple[Any, ...], dict[str, Any]]] = []
    for token in rest:
        name = token.name
        if token.text.startswith("#"):
            numbers = token.text[1:].split(",")
            if not all(number.isascii() and number.isdigit() for number in numbers):
                raise _wrong(text, token, "behind # stands a number, or several: #2 or #1,3")
            triggers.append((token, "nth", tuple(map(int, numbers)), {}))
        elif name in _ON:
            first[name] = token.value if name == "session" else str(token.value)
        elif name == "seed" and triggers and triggers[-1][1] == "probability":
            triggers[-1][3]["seed"] = token.value
        elif name in TRIGGERS:
            triggers.append((token, name, (token.value,), {}))
        elif token.text == "optional":
            triggers.append((token, "optional", (), {}))
        elif name is not None and name.isidentifier():
            raise _wrong(text, token, _unknown("trigger", name, [*_ON, *TRIGGERS, "seed"]))
        elif "path" not in first:
            first["path"] = token.text if token.text[0] not in "\"'" else token.value
        else:
            raise _wrong(text, token, "there is a path already: put a path with spaces in quotes")
    fault = _told(text, verbs, lambda: on(verbs.text, **first))
    for token, name, values, named in triggers:
        fault = _said(text, token, fault, name, values, named)
    return fault


def _parse_words(text: str, fault: Fault, tokens: list[_Token]) -> Fault:
    said = 0
    words: list[list[_Token]] = [[]]
    for token in tokens:
        if set(token.text) == {";"}:
            words.append([])
        else:
            words[-1].append(token)
    for word in filter(None, words):
        name, values = word[0], word[1:]
        if name.text not in _WORDS:
            raise _wrong(text, name, _unknown("word", name.text, _WORDS))
        known = inspect.signature(_WORDS[name.text]).parameters
        for token in values:
            if token.name is not None and token.name not in known:
                raise _wrong(text, token, _unknown(f"parameter of {name.text}", token.name, list(known)[1:]))
        bare = tuple(token.value for token in values if token.name is None)
        named = {token.name: token.value for token in values if token.name is not None}
        fault = _said(text, name, fault, name.text, bare, named)
        said += 1
    if not said:
        raise _wrong(text, None, f"behind the colon stands what goes wrong: one of {', '.join(_WORDS)}")
    return fault


def _said(text: str, token: _Token, fault: Fault, name: str, values: tuple[Any, ...], named: dict[str, Any]) -> Fault:
    return _told(text, token, lambda: getattr(fault, name)(*values, **named))


def _told(text: str, token: _Token, make: Callable[[], Fault]) -> Fault:
    try:
        return make()
    except ConfigurationError as error:
        raise _wrong(text, token, str(error)) from None


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(name, names, 1)
    return f"unknown {kind} {name!r}: " + (f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(names)}")


def _wrong(text: str, token: _Token | None, what: str) -> ConfigurationError:
    """An error that points at a word."""
    pointer = "" if token is None else f"\n    {' ' * token.start}{'^' * max(1, len(token.text))}"
    return ConfigurationError(f"{what}\n    {text}{pointer}")
