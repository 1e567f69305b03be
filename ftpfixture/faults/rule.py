"""What every fault is made of: when, what, and the words that made it.

One rule: a word is a method that gives a new fault. Its name and its parameters are the grammar of the text form, and
what `repr` shows; its docstring is its row in the table of the README.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from ftpfixture import checks
from ftpfixture.errors import ConfigurationError
from ftpfixture.faults.action import Action
from ftpfixture.faults.values import write_value
from ftpfixture.faults.when import When

__all__ = ["TRIGGERS", "Call", "Rule", "shown", "word"]

P = ParamSpec("P")
R = TypeVar("R", bound="Rule")

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
        named = tuple((name, _frozen(value)) for name, value in kwargs.items())
        call = Call(method.__name__, tuple(map(_frozen, args)), named)
        return replace(made, said=(*self.said, call))

    said.__dict__["is_word"] = True
    return said


def _frozen(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


@dataclass(frozen=True, slots=True, repr=False)
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
        return replace(self, when=replace(self.when, nth=tuple(checks.whole("nth", number, 1) for number in numbers)))

    @word
    def times(self, number: int) -> Self:
        """At most so often."""
        return replace(self, when=replace(self.when, times=checks.whole("times", number, 1)))

    @word
    def after(self, number: int) -> Self:
        """Not the first so many of the commands that fit."""
        return replace(self, when=replace(self.when, after=checks.whole("after", number)))

    @word
    def every(self, number: int) -> Self:
        """Only each so-many-th of the commands that fit."""
        return replace(self, when=replace(self.when, every=checks.whole("every", number, 1)))

    @word
    def since(self, after_start: float) -> Self:
        """Not before the server, by its clock, is so many seconds old."""
        return replace(self, when=replace(self.when, since=checks.seconds("since", after_start)))

    @word
    def until(self, after_start: float) -> Self:
        """Not when the server, by its clock, is more than so many seconds old."""
        return replace(self, when=replace(self.when, until=checks.seconds("until", after_start)))

    @word
    def probability(self, part: float, seed: int = 0) -> Self:
        """Only this part of the commands that fit, chosen by random numbers that are the same in every run."""
        part, seed = checks.part("probability", part), checks.whole("seed", seed)
        return replace(self, when=replace(self.when, probability=part, seed=seed))

    @word
    def optional(self) -> Self:
        """It is no failure of the test when the fault never happens."""
        return replace(self, when=replace(self.when, optional=True))

    def __repr__(self) -> str:
        when = self.when
        named = [("path", when.shown_path), ("user", when.user), ("session", when.session), ("type", when.type)]
        first = Call("on", when.verbs, tuple((name, value) for name, value in named if value is not None))
        return ".".join(map(str, (first, *self.said)))

    def __str__(self) -> str:
        when = self.when
        words = ["|".join(when.verbs)]
        words += [] if when.shown_path is None else [_path(when.shown_path)]
        named = [("user", when.user), ("session", when.session), ("type", when.type)]
        words += [f"{name}={write_value(value)}" for name, value in named if value is not None]
        triggers = [call for call in self.said if call.name in TRIGGERS]
        words += [_trigger(call) for call in triggers]
        return f"{' '.join(words)}: " + "; ".join(_said(call) for call in self.said if call not in triggers)


def _trigger(call: Call) -> str:
    if call.name == "nth":
        return "#" + ",".join(map(str, call.args))
    values = dict(zip((call.name, "seed"), call.args, strict=False))
    values.update((name if name == "seed" else call.name, value) for name, value in call.named)
    words = [f"{name}={write_value(values[name])}" for name in (call.name, "seed") if name in values]
    return " ".join(words) or call.name


def _path(path: str) -> str:
    return repr(path) if path == "optional" else write_value(path)


def _said(call: Call) -> str:
    return " ".join(
        [call.name, *map(write_value, call.args), *(f"{name}={write_value(value)}" for name, value in call.named)]
    )


def shown(parameter: inspect.Parameter) -> str:
    """A parameter as a table shows it: its name, and its default."""
    return parameter.name if parameter.default is parameter.empty else f"{parameter.name}={parameter.default!r}"
