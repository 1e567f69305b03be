"""Settings as a table: each is one row of a TypedDict, which holds all facts about it.

One rule: every fact about a setting is in one place. A row is a key of the TypedDict with its type, annotated with a
`Setting`: default, meaning, unit, smallest value, and the meaning of None. Type checkers and editors know the settings
by ``**settings: Unpack[...]``; checks, ``help()`` and the tables of the documentation come from `Table`.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, Generic, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from ftpfixture import checks
from ftpfixture.checks import Check
from ftpfixture.errors import UnknownSetting

__all__ = ["Row", "Setting", "Table", "setting_names", "unknown_setting"]

S = TypeVar("S", bound=Mapping[str, object])
C = TypeVar("C", bound=type)


@dataclass(frozen=True, slots=True)
class Setting:
    """The facts about a setting besides its name and type.

    Attributes:
        default: Value when it is not given.
        doc: Meaning, as part of a sentence.
        unit: Unit of a number, such as "seconds".
        minimum: Smallest value of a number.
        none: Meaning of None, such as "no limit"; "" when it is obvious.
        check: Valid values; None where the type is enough.
    """

    default: Any
    doc: str
    unit: str = ""
    minimum: int | None = 0
    none: str = ""
    check: Check[Any] | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A setting of a table.

    Attributes:
        name: As users write it.
        kind: Its type.
        default: Value when it is not given.
        check: Valid values.
        doc: Meaning, with its unit and the meaning of None, as part of a sentence.
    """

    name: str
    kind: Any
    default: Any
    check: Check[Any]
    doc: str


def _row(name: str, hint: Any, defaults: Mapping[str, Any]) -> Row:
    kind, setting = get_args(hint)
    return Row(name, kind, defaults.get(name, setting.default), _check(kind, setting), _doc(setting))


def _doc(setting: Setting) -> str:
    unit = f"in {setting.unit}" if setting.unit else ""
    none = f"None for {setting.none}" if setting.none else ""
    return "; ".join(filter(None, [setting.doc, ", ".join(filter(None, [unit, none]))]))


def _check(kind: Any, setting: Setting) -> Check[Any]:
    """Return the check for a setting of this type."""
    kinds = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    check = setting.check or _check_of(next(kind for kind in kinds if kind is not NoneType), setting)
    return check.or_none(setting.none) if NoneType in kinds else check


def _check_of(kind: Any, setting: Setting) -> Check[Any]:
    if kind is bool:
        return checks.truth
    if kind is int:
        return checks.whole_number(setting.minimum, setting.unit)
    if kind is float:
        return checks.number_of(setting.unit, setting.minimum or 0)
    if kind is str:
        return checks.line
    if get_origin(kind) is Literal:
        return checks.one_of_these(get_args(kind))
    raise TypeError(f"the valid values of {kind} are unknown: give the setting a check")


class Table(Generic[S]):
    """The settings of a class.

    Args:
        rows: The TypedDict.
        base: The table of the TypedDict that it extends; its settings come last.
        defaults: Defaults that differ from those of the rows, by name.

    Attributes:
        rows: Rows by name.
        own: Names of the settings that the base does not have.
    """

    def __init__(self, rows: type[S], base: Table[Any] | None = None, **defaults: object) -> None:
        hints = get_type_hints(rows, include_extras=True)
        inherited: dict[str, Row] = {} if base is None else base.rows
        self.own = [name for name in hints if name not in inherited]
        self.rows: dict[str, Row] = {name: _row(name, hints[name], defaults) for name in (*self.own, *inherited)}
        self._checks = {name: row.check for name, row in self.rows.items()}
        self._defaults = {name: row.default for name, row in self.rows.items()}
        self._own_defaults = {name: self.rows[name].default for name in self.own}
        self._changed_defaults = defaults

    def complete(self, given: S, owner: type) -> S:
        """Return all settings: the given ones, checked, and defaults for the others.

        Args:
            given: By name.
            owner: The class of the new object; an unknown name is compared with all settings of the class.

        Raises:
            UnknownSetting: There is no such setting.
            ConfigurationError: A setting is invalid.
        """
        chosen: dict[str, Any] = self._defaults.copy()
        for name, value in given.items():
            check = self._checks.get(name)
            if check is None:
                raise unknown_setting(name, setting_names(owner))
            chosen[name] = check(name, value)
        return cast(S, chosen)

    def split(self, given: S) -> tuple[S, dict[str, Any]]:
        """Return the table's own settings, checked and complete, and the settings for the class of the base table.

        The latter are as given, or changed defaults of this table; the class of the base checks them.

        Raises:
            ConfigurationError: One of the table's own settings is invalid.
        """
        own, others = self._own_defaults.copy(), self._changed_defaults.copy()
        for name, value in given.items():
            if name in own:
                own[name] = self._checks[name](name, value)
            else:
                others[name] = value
        return cast(S, own), others

    def describe(self, owner: C) -> C:
        """Decorate a class so that its signature and its docstring name the settings; ``help()`` shows them."""
        if "__init__" in vars(owner):
            init = vars(owner)["__init__"]
            init.__signature__ = self._signature(inspect.signature(init))
        if owner.__doc__ is not None:  # with python -OO there is none
            owner.__doc__ = _ENTRY.sub(lambda found: "\n".join(self._entries(found[1])), owner.__doc__)
        return owner

    def _signature(self, signature: inspect.Signature) -> inspect.Signature:
        """Return the signature with the settings in place of ``**settings``."""
        own = [one for one in signature.parameters.values() if one.kind is not one.VAR_KEYWORD]
        settings = [
            inspect.Parameter(row.name, inspect.Parameter.KEYWORD_ONLY, default=row.default, annotation=row.kind)
            for row in self.rows.values()
        ]
        return signature.replace(parameters=[*own, *settings])

    def _entries(self, indent: str) -> Iterator[str]:
        """Yield the settings as ``Args`` of a docstring."""
        deeper = f"{indent}    "
        for row in self.rows.values():
            text = f"{row.name}: {row.doc[0].upper()}{row.doc[1:]}."
            yield textwrap.fill(text, 120, initial_indent=indent, subsequent_indent=deeper, break_on_hyphens=False)


_ENTRY = re.compile(r"^( *)settings: .*(?:\n\1 +.*)*", re.MULTILINE)
"""The entry of a docstring that the entries of the settings replace."""


def setting_names(owner: type) -> set[str]:
    """Return the names of all keyword-only parameters of the constructor of a class and its bases."""
    names: set[str] = set()
    for kind in owner.__mro__:
        if "__init__" in vars(kind) and kind is not object:
            parameters = inspect.signature(vars(kind)["__init__"]).parameters.values()
            names.update(parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY)
    return names


def unknown_setting(name: str, known: Collection[str]) -> UnknownSetting:
    """Return the error for a setting that does not exist."""
    return UnknownSetting(f"unknown setting {name!r}: {checks.suggest(name, sorted(known))}", name)
