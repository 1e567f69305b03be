"""Rules for all actions: they are immutable, and the program calls all their hooks."""

from __future__ import annotations

import dataclasses
from typing import TypeVar

import pytest

from ftpfixture import on
from ftpfixture.faults import actions, data_actions, disk, edits, existing
from ftpfixture.faults.action import Action, CommandState, Context, Timed
from ftpfixture.faults.active import ActiveFault
from ftpfixture.faults.effects import Effect, Hook
from ftpfixture.faults.moments import Moment
from ftpfixture.faults.pieces import split_replies
from ftpfixture.wire.reply import Reply
from tests.support.faults import situation

T = TypeVar("T")

MODULES = (actions, data_actions, disk, edits, existing)

ACTIONS = [
    value
    for module in MODULES
    for value in vars(module).values()
    if isinstance(value, type) and issubclass(value, Action) and value.__module__ == module.__name__
    if "__dataclass_fields__" in vars(value)
]
"""Every class of actions."""


def test_every_action_is_exported() -> None:
    """The modules of actions export them, and each action has its own docstring."""
    named = {name for module in MODULES for name in module.__all__}

    assert len(ACTIONS) > 20
    assert {kind.__name__ for kind in ACTIONS} <= named
    assert not [kind for kind in ACTIONS if (kind.__doc__ or "").startswith(f"{kind.__name__}(")]


def test_actions_are_immutable() -> None:
    """No field of an action can be set, and none can be added."""
    for kind in ACTIONS:
        action: object = object.__new__(kind)
        for name in (*vars(kind)["__dataclass_fields__"], "extra"):
            # For a name that is not a field, Python 3.11 raises TypeError if a frozen class has slots.
            with pytest.raises((dataclasses.FrozenInstanceError, TypeError)):
                setattr(action, name, 1)
        assert not hasattr(action, "__dict__"), kind


def test_every_hook_is_called() -> None:
    """An action has no public method that its base does not have: a hook of another name would never be called."""
    for kind in ACTIONS:
        methods = {name for name, member in vars(kind).items() if callable(member) and not name.startswith("_")}
        assert methods <= {name for base in kind.__mro__[1:] for name in vars(base)}, kind


def test_every_action_does_something() -> None:
    """An action overrides a hook, or its base does."""
    for kind in ACTIONS:
        bases = [base for base in kind.__mro__ if base not in (Action, Timed, object)]
        hooks = {name for base in bases for name in vars(base)} & (set(vars(Action)) | set(vars(Timed)))
        assert {name for name in hooks if not name.startswith("_")} - {"verbs", "counted", "fits"}, kind


def _all_of(hook: Hook[T]) -> tuple[list[Effect], T]:
    """The effects of a hook, and its result."""
    effects = []
    while True:
        try:
            effects.append(next(hook))
        except StopIteration as done:
            returned: T = done.value
            return effects, returned


def test_default_hooks_change_nothing() -> None:
    """An action that does not override a hook changes nothing there, and does not happen."""
    action, reply, raw = Action(), Reply("226", ("Done",)), b"bytes"
    state = CommandState(situation(), "a.csv", "utf-8")
    context = Context(action, ActiveFault(on("RETR").not_implemented()).claim(state.situation), state)  # type: ignore[arg-type]
    pieces = split_replies(reply, "utf-8")

    assert _all_of(action.handshake(context)) == ([], None)
    assert _all_of(action.command(context, "a")) == ([], "a")
    for outcome in ("a", reply, raw, None):
        assert _all_of(action.instead(context, outcome)) == ([], outcome)
    assert _all_of(action.reply(context, raw, reply)) == ([], raw)
    assert _all_of(action.pieces(context, pieces, reply)) == ([], pieces)
    assert _all_of(action.hold(context, pieces, reply)) == ([], pieces)
    assert _all_of(action.transmit(context, pieces)) == ([], pieces)
    assert _all_of(action.listing(context, raw, 0)) == ([], raw)
    assert _all_of(action.data(context, raw, 0)) == ([], raw)
    for nothing in (action.start(context), action.end(context), action.closing(context, encrypted=True)):
        assert _all_of(nothing) == ([], None)
    assert _all_of(action.pace(context)) == ([], None)
    assert action.hooks == frozenset()


def test_a_timed_action_needs_act() -> None:
    """An action with a moment and without `act` cannot be created."""
    with pytest.raises(TypeError, match="abstract"):
        Timed(Moment())  # type: ignore[abstract]
