"""`Connection` declares every name that the package uses, so that mypy sees it; other names are flags of users."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import ftpfixture
from ftpfixture import Connection, ConnectionConditions
from ftpfixture.server.conditions import ConnectionField

PACKAGE = Path(ftpfixture.__file__).parent
DECLARED = frozenset(name for name in [*inspect.get_annotations(Connection), *vars(Connection)] if name[0] != "_")
PACKAGES = ("server", "testing")  # lower packages have no Connection, and use the word for other things
BY_NAME = frozenset({"getattr", "hasattr", "setattr", "delattr"})


def _is_connection(node: ast.AST) -> bool:
    """Return whether an expression is named connection, or is `connection.future`, which has the same names."""
    match node:
        case ast.Name(id="connection") | ast.Attribute(attr="connection" | "_connection"):
            return True
        case ast.Attribute(attr="future", value=value):
            return _is_connection(value)
    return False


def _names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield every name of a connection that a module uses in any way, and its line."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=value, attr=name) if _is_connection(value):
                yield node.lineno, name
            case ast.Compare(left=ast.Constant(value=str(name)), ops=[ast.In() | ast.NotIn()], comparators=[where]) if (
                _is_connection(where)
            ):
                yield node.lineno, name
            case ast.Subscript(value=value, slice=ast.Constant(value=str(name))) if _is_connection(value):
                yield node.lineno, name
            case ast.Call(func=ast.Attribute(value=value, attr="wait_for" | "when_wanted"), args=[first, *_]) if (
                _is_connection(value) and isinstance(first, ast.Constant)
            ):
                yield node.lineno, str(first.value)
            case ast.Call(func=ast.Name(id=function), args=[value, ast.Constant(value=str(name)), *_]) if (
                function in BY_NAME and _is_connection(value)
            ):
                yield node.lineno, name


def _undeclared(tree: ast.AST) -> list[tuple[int, str]]:
    return sorted((line, name) for line, name in _names(tree) if name not in DECLARED)


def test_the_package_uses_declared_names_only() -> None:
    """The package uses declared names only, because others are `Any` for mypy; only connection.py uses `__dict__`."""
    found = [
        f"{path.relative_to(PACKAGE.parent)}:{line} uses connection.{name}"
        for package in PACKAGES
        for path in sorted((PACKAGE / package).rglob("*.py"))
        for line, name in _undeclared(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert found == []


def test_conditions_ask_for_declared_names() -> None:
    """The names that the decorators check are declared."""
    fields = [value for value in vars(ConnectionConditions).values() if isinstance(value, ConnectionField)]
    assert len(fields) > 3
    assert {field.name for field in fields} <= DECLARED


def test_the_search_finds_every_use() -> None:
    """The search finds an undeclared name in every kind of use, and ignores other objects."""
    source = """
connection.first = 1
del self.connection.second
"third" in connection
await connection["fourth"]
await connection.future.fifth
connection.wait_for("sixth", 1)
getattr(connection, "seventh", None)
connection.__dict__.get("login")
other.eighth
"""
    found = [name for _, name in _undeclared(ast.parse(source))]
    assert found == ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "__dict__"]
