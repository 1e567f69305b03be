"""The base of every fault: its trigger, its actions, and the words that made it.

One rule: a word is a method that returns a new fault. Its name and parameters are the grammar of the text form, and
`repr` shows them; its docstring is its row in the table of the documentation.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from ftpfixture import checks
from ftpfixture.errors import ConfigurationError
from ftpfixture.faults import built
from ftpfixture.faults.action import Action
from ftpfixture.faults.literals import write_value
from ftpfixture.faults.renamed import renamed_parameter
from ftpfixture.faults.trigger import Trigger

__all__ = ["TRIGGERS", "Call", "FaultBuilder", "shown", "word"]

P = ParamSpec("P")
R = TypeVar("R", bound="FaultBuilder")

TRIGGERS = ("nth", "times", "skip", "every", "since", "until", "probability", "optional")
"""The words that say when; all other words say what goes wrong."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a word, with its arguments."""

    name: str
    args: tuple[Any, ...] = ()
    named: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        values = [*map(repr, self.args), *(f"{name}={value!r}" for name, value in self.named)]
        return f"{self.name}({', '.join(values)})"


def word(method: Callable[Concatenate[R, P], R]) -> Callable[Concatenate[R, P], R]:
    """Make a method of a fault a word: the new fault records this call, and not the words that the method calls."""
    signature = inspect.signature(method)

    @functools.wraps(method)
    def recorded(self: R, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            signature.bind(self, *args, **kwargs)
        except TypeError as error:
            taken = ", ".join(map(shown, list(signature.parameters.values())[1:])) or "no parameters"
            new = [f"; {name}: {text}" for name in kwargs if (text := renamed_parameter(method.__name__, name))]
            raise ConfigurationError(f"{method.__name__} takes {taken}: {error}{''.join(new)}") from None
        inner = method(self, *args, **kwargs)
        named = tuple((name, _frozen(value)) for name, value in kwargs.items())
        call = Call(method.__name__, tuple(map(_frozen, args)), named)
        return built.made(replace(inner, calls=(*self.calls, call)), self, inner)

    recorded.__dict__["is_word"] = True
    return recorded


def _frozen(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


@dataclass(frozen=True, slots=True, repr=False)
class FaultBuilder:
    """When something goes wrong, and what; immutable: every word returns a new fault.

    Attributes:
        trigger: The commands to which it applies.
        actions: What goes wrong, in order.
        calls: The words that made it.
    """

    trigger: Trigger
    actions: tuple[Action, ...] = ()
    calls: tuple[Call, ...] = field(default=(), compare=False)

    def doing(self, *actions: Action) -> Self:
        """Return the fault with more actions; for your own words."""
        return built.made(replace(self, actions=(*self.actions, *actions)), self)

    # When.

    @word
    def nth(self, *numbers: int) -> Self:
        """Only these of the matching commands, counted from 1."""
        if not numbers:
            raise ConfigurationError("nth takes numbers from 1, such as nth(2) or nth(1, 3)")
        return replace(
            self, trigger=replace(self.trigger, nth=tuple(checks.whole("nth", number, 1) for number in numbers))
        )

    @word
    def times(self, number: int) -> Self:
        """At most `number` times."""
        return replace(self, trigger=replace(self.trigger, times=checks.whole("times", number, 1)))

    @word
    def skip(self, number: int) -> Self:
        """Not the first `number` matching commands."""
        return replace(self, trigger=replace(self.trigger, skip=checks.whole("skip", number)))

    @word
    def every(self, number: int) -> Self:
        """Only every `number`-th matching command."""
        return replace(self, trigger=replace(self.trigger, every=checks.whole("every", number, 1)))

    @word
    def since(self, after_start: float) -> Self:
        """Not in the first `after_start` seconds of the server, by its clock."""
        return replace(self, trigger=replace(self.trigger, since=checks.seconds("since", after_start)))

    @word
    def until(self, after_start: float) -> Self:
        """Only in the first `after_start` seconds of the server, by its clock."""
        return replace(self, trigger=replace(self.trigger, until=checks.seconds("until", after_start)))

    @word
    def probability(self, part: float, seed: int = 0) -> Self:
        """Only this part of the matching commands, selected by random numbers that are the same in every run."""
        part, seed = checks.part("probability", part), checks.whole("seed", seed)
        return replace(self, trigger=replace(self.trigger, probability=part, seed=seed))

    @word
    def optional(self) -> Self:
        """The test does not fail if the fault never happens."""
        return replace(self, trigger=replace(self.trigger, optional=True))

    def __repr__(self) -> str:
        trigger = self.trigger
        named = [
            ("path", trigger.shown_path),
            ("user", trigger.user),
            ("session", trigger.session),
            ("type", trigger.type),
        ]
        first = Call("on", trigger.words, tuple((name, value) for name, value in named if value is not None))
        return ".".join(map(str, (first, *self.calls)))

    def __str__(self) -> str:
        built.used(self)
        trigger = self.trigger
        words = ["|".join(trigger.words)]
        words += [] if trigger.shown_path is None else [_path(trigger.shown_path)]
        named = [("user", trigger.user), ("session", trigger.session), ("type", trigger.type)]
        words += [f"{name}={write_value(value)}" for name, value in named if value is not None]
        triggers = [call for call in self.calls if call.name in TRIGGERS]
        words += [_trigger(call) for call in triggers]
        return f"{' '.join(words)}: " + "; ".join(_word_text(call) for call in self.calls if call not in triggers)


def _trigger(call: Call) -> str:
    if call.name == "nth":
        return "#" + ",".join(map(str, call.args))
    values = dict(zip((call.name, "seed"), call.args, strict=False))
    values.update((name if name == "seed" else call.name, value) for name, value in call.named)
    words = [f"{name}={write_value(values[name])}" for name in (call.name, "seed") if name in values]
    return " ".join(words) or call.name


def _path(path: str) -> str:
    return repr(path) if path == "optional" else write_value(path)


def _word_text(call: Call) -> str:
    return " ".join(
        [call.name, *map(write_value, call.args), *(f"{name}={write_value(value)}" for name, value in call.named)]
    )


def shown(parameter: inspect.Parameter) -> str:
    """The text of a parameter: its name and its default."""
    return parameter.name if parameter.default is parameter.empty else f"{parameter.name}={parameter.default!r}"
