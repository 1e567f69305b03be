"""What every fault is made of: when, what, and the words that made it.

One rule: a word is a method that gives a new fault. Its name and its parameters are the grammar of the text form, and
what `repr` shows; its docstring is its row in the table of the README.
"""

from __future__ import annotations

import functools
import inspect
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from ftpfixture.errors import ConfigurationError
from ftpfixture.faults.actions import Action
from ftpfixture.faults.when import When

__all__ = ["TRIGGERS", "Call", "Rule", "number_of", "seconds", "shown", "whole", "word"]

P = ParamSpec("P")
R = TypeVar("R", bound="Rule")

_BARE = re.compile(r"[A-Za-z0-9_*?/.,+-][A-Za-z0-9_*?/.,+\[\]{}-]*")
_LITERAL = re.compile(r"none|true|false|[-+]?[0-9.]+(e[-+]?[0-9]+)?|[-+]?(inf|nan)", re.IGNORECASE)

TRIGGERS = ("nth", "times", "after", "every", "since", "until", "probability", "optional")
"""The words that say when; all others say what."""


@dataclass(frozen=True, slots=True)
class Call:
    """A word, as it was said."""

    name: str
    args: tuple[Any, ...] = ()
    named: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        values = [*map(repr, self.args), *(f"{name}={value!r}" for name, value in self.named)]
        return f"{self.name}({', '.join(values)})"


def word(method: Callable[Concatenate[R, P], R]) -> Callable[Concatenate[R, P], R]:
    """Make a method of a fault a word: what it gives remembers how it was said, and not the words within."""
    signature = inspect.signature(method)

    @functools.wraps(method)
    def said(self: R, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            signature.bind(self, *args, **kwargs)
        except TypeError as error:
            taken = ", ".join(map(shown, list(signature.parameters.values())[1:])) or "nothing"
            raise ConfigurationError(f"{method.__name__} takes {taken}: {error}") from None
        made = method(self, *args, **kwargs)
        return replace(made, said=(*self.said, Call(method.__name__, args, tuple(kwargs.items()))))

    said.__dict__["is_word"] = True
    return said


@dataclass(frozen=True, slots=True)
class Rule:
    """When something goes wrong, and what; immutable: every word gives a new one.

    Attributes:
        when: The commands.
        actions: What happens, in order.
        said: The words that made it.
    """

    when: When
    actions: tuple[Action, ...] = ()
    said: tuple[Call, ...] = field(default=(), compare=False)

    def doing(self, *actions: Action) -> Self:
        """The same with more actions; for words of your own."""
        return replace(self, actions=(*self.actions, *actions))

    # When.

    @word
    def nth(self, *numbers: int) -> Self:
        """Only these of the commands that fit, counted from 1."""
        if not numbers:
            raise ConfigurationError("nth takes numbers from 1, such as nth(2) or nth(1, 3)")
        return replace(self, when=replace(self.when, nth=tuple(whole("nth", number, 1) for number in numbers)))

    @word
    def times(self, number: int) -> Self:
        """At most so often."""
        return replace(self, when=replace(self.when, times=whole("times", number, 1)))

    @word
    def after(self, number: int) -> Self:
        """Not the first so many of the commands that fit."""
        return replace(self, when=replace(self.when, after=whole("after", number)))

    @word
    def every(self, number: int) -> Self:
        """Only each so-many-th of the commands that fit."""
        return replace(self, when=replace(self.when, every=whole("every", number, 1)))

    @word
    def since(self, after_start: float) -> Self:
        """Not before the server, by its clock, is so many seconds old."""
        return replace(self, when=replace(self.when, since=seconds("since", after_start)))

    @word
    def until(self, after_start: float) -> Self:
        """Not when the server, by its clock, is more than so many seconds old."""
        return replace(self, when=replace(self.when, until=seconds("until", after_start)))

    @word
    def probability(self, part: float, seed: int = 0) -> Self:
        """Only this part of the commands that fit, chosen by random numbers that are the same in every run."""
        if not 0 <= part <= 1:
            raise ConfigurationError(f"probability takes 0 to 1, not {part!r}")
        return replace(self, when=replace(self.when, probability=part, seed=whole("seed", seed)))

    @word
    def optional(self) -> Self:
        """It is no failure of the test when the fault never happens."""
        return replace(self, when=replace(self.when, optional=True))

    def __repr__(self) -> str:
        when = self.when
        named = [("path", when.path), ("user", when.user), ("session", when.session), ("type", when.type)]
        first = Call("on", when.verbs, tuple((name, value) for name, value in named if value is not None))
        return ".".join(map(str, (first, *self.said)))

    def __str__(self) -> str:
        when = self.when
        words = ["|".join(when.verbs)]
        words += [] if when.path is None else [_as_text(when.path)]
        named = [("user", when.user), ("session", when.session), ("type", when.type)]
        words += [f"{name}={_as_text(value)}" for name, value in named if value is not None]
        triggers = [call for call in self.said if call.name in TRIGGERS]
        words += [_trigger(call) for call in triggers]
        return f"{' '.join(words)}: " + "; ".join(_said(call) for call in self.said if call not in triggers)


def _trigger(call: Call) -> str:
    if call.name == "nth":
        return "#" + ",".join(map(str, call.args))
    names = {"probability": ("probability", "seed")}.get(call.name, (call.name,))
    values = [*zip(names, call.args, strict=False), *call.named]
    return " ".join(f"{name}={_as_text(value)}" for name, value in values) or call.name


def _said(call: Call) -> str:
    return " ".join(
        [call.name, *map(_as_text, call.args), *(f"{name}={_as_text(value)}" for name, value in call.named)]
    )


def _as_text(value: object) -> str:
    """A value as a word of the text form: bare where that is not misread."""
    if isinstance(value, str):
        return value if _BARE.fullmatch(value) and not _LITERAL.fullmatch(value) else repr(value)
    if isinstance(value, tuple | list):
        return repr(list(value))
    return repr(value)


def shown(parameter: inspect.Parameter) -> str:
    """A parameter as a table shows it: its name, and its default."""
    return parameter.name if parameter.default is parameter.empty else f"{parameter.name}={parameter.default!r}"


def whole(name: str, number: object, least: int = 0) -> int:
    """A whole number that is not too small.

    Raises:
        ConfigurationError: It is none.
    """
    if isinstance(number, bool) or not isinstance(number, int) or number < least:
        raise ConfigurationError(f"{name} takes a whole number, {least} or more, not {number!r}")
    return number


def seconds(name: str, number: object) -> float:
    """A number of seconds that is not negative.

    Raises:
        ConfigurationError: It is none.
    """
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number < math.inf:
        raise ConfigurationError(f"{name} takes a number of seconds, 0 or more, not {number!r}")
    return number


def number_of(name: str, number: object, *, above: float = -math.inf) -> float:
    """A number that is greater than `above`.

    Raises:
        ConfigurationError: It is none.
    """
    if isinstance(number, bool) or not isinstance(number, int | float) or not above < number < math.inf:
        limit = "" if above == -math.inf else f", more than {above:g}"
        raise ConfigurationError(f"{name} takes a number{limit}, not {number!r}")
    return number
