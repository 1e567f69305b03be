"""The table from verbs to methods: the marker of built-in commands, and the rule for subclasses.

One rule: a verb reaches only a method that was written as a handler; `build_table` defines which.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, TypeVar

from ftpfixture.wire.command import censor
from ftpfixture.wire.states import LEGAL_REPLIES

__all__ = ["CommandSpec", "EveryVerb", "FeatLine", "Handler", "build_table", "command", "is_of_package", "is_verb"]

Handler = Callable[..., Coroutine[Any, Any, bool]]
"""A bound command handler: ``await handler(connection, rest)`` is True to continue, False to close the session."""

FeatLine = str | Callable[[Any, Any], str]
"""A line of FEAT's reply, or a function that makes it from the server and the connection ("" for none)."""

_MARK = "__ftp_command__"
_PACKAGE = __name__.partition(".")[0]
H = TypeVar("H", bound=Callable[..., Coroutine[Any, Any, bool]])


class EveryVerb(dict[str, Handler]):
    """A table of commands with one handler for all verbs.

    Args:
        handler: The handler.
    """

    def __init__(self, handler: Handler) -> None:
        super().__init__()
        self._handler = handler

    def get(self, verb: str, default: Any = None) -> Any:
        """The handler."""
        return self._handler


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """The properties of a command, from its marker.

    Attributes:
        verbs: The verb and its aliases, upper case.
        feat: Its lines in the reply to FEAT.
        during_transfer: Whether it runs while a transfer of its session runs, after the 150 of the transfer.
        overtakes: Whether it then also runs before earlier commands that wait.
        text: Its line in the reply to HELP.
    """

    verbs: tuple[str, ...]
    feat: tuple[FeatLine, ...] = ()
    during_transfer: bool = False
    overtakes: bool = False
    text: str = field(default="", compare=False)


def command(
    *verbs: str, feat: FeatLine | Iterable[FeatLine] = (), during_transfer: bool = False, overtakes: bool = False
) -> Callable[[H], H]:
    """Mark a method as the handler of `verbs`: the first is the name, the others are aliases."""
    lines: tuple[FeatLine, ...] = (feat,) if isinstance(feat, str) or callable(feat) else tuple(feat)

    def mark(handler: H) -> H:
        setattr(handler, _MARK, CommandSpec(verbs, lines, during_transfer, overtakes, _first_line(handler)))
        return handler

    return mark


def _first_line(handler: object) -> str:
    return (inspect.getdoc(handler) or "").partition("\n")[0].strip()


def build_table(server: type) -> dict[str, tuple[str, CommandSpec]]:
    """Lower-case verb to the name and the properties of its method, for all commands of a server class.

    1. A method marked with `command` handles its verbs.
    2. An override of a handler keeps its verbs; an override of another method is no handler.
    3. In a subclass, a new public coroutine method whose parameters after ``self`` are ``connection, rest``, and
       whose name no base has, handles its upper-cased name; a trailing underscore is dropped.
    4. No command reaches any other method.
    """
    return {verb.lower(): (name, spec) for name, spec in _reachable(server).items() for verb in spec.verbs}


def is_verb(verb: str) -> bool:
    """Whether an upper-case first word of a line is a verb of an RFC, or a misspelling of PASS or its kind."""
    return not verb or verb in LEGAL_REPLIES or censor(verb, "x") != f"{verb} x"


@lru_cache(maxsize=128)
def _reachable(server: type) -> dict[str, CommandSpec]:
    """Method name to its properties, with base classes first, so in the order of definition."""
    known: dict[str, CommandSpec] = {}
    seen: set[str] = set()
    implied: set[str] = set()
    for owner in reversed(server.__mro__):
        for name, member in vars(owner).items():
            spec = getattr(member, _MARK, None)
            if spec is not None:
                known[name] = spec
            elif name in implied and _is_ours(owner):
                # From a mixin that comes after the server in the MRO: the server's own method, a hook, overrides it.
                implied.remove(name)
                del known[name]
            elif name in known:
                known[name] = _overridden(known[name], member)
            elif name not in seen and _means_a_command(owner, name, member):
                known[name] = CommandSpec((name.rstrip("_").upper(),), text=_first_line(member))
                implied.add(name)
        seen.update(vars(owner))
    return {name: spec for name, spec in known.items() if callable(getattr(server, name))}


def _overridden(spec: CommandSpec, member: object) -> CommandSpec:
    return replace(spec, text=_first_line(member) or spec.text)


def _means_a_command(owner: type, name: str, member: object) -> bool:
    if name.startswith("_") or _is_ours(owner) or not inspect.isfunction(member):
        return False
    parameters = list(inspect.signature(member).parameters)
    return inspect.iscoroutinefunction(inspect.unwrap(member)) and parameters[1:] == ["connection", "rest"]


def _is_ours(owner: type) -> bool:
    """The package's own classes mark every command, so their unmarked methods are never commands."""
    return is_of_package(owner.__module__)


def is_of_package(module: str) -> bool:
    """Whether a module, given by its name, belongs to this package and not to a user."""
    return module.partition(".")[0] == _PACKAGE
