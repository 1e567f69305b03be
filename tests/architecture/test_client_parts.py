"""The client by composition: its parts use public names of each other, and groups of operations are flat."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import ftpfixture
from ftpfixture import BaseClient, Client
from ftpfixture.client.parsers import Parsers

CLIENT = Path(ftpfixture.__file__).parent / "client"
TREES = {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(CLIENT.glob("*.py"))}


def _private_names(tree: ast.AST) -> Iterator[tuple[str, ast.Attribute]]:
    """Yield the look-ups of private attributes, with their owner: "self", "super()" and so on."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.endswith("__"):
            yield ast.unparse(node.value), node


def _reaches(tree: ast.AST) -> list[str]:
    """Return the lines that look up a private name of another object."""
    own = ("self", "cls", "super()")
    return [f"{node.lineno}: {ast.unparse(node)}" for owner, node in _private_names(tree) if owner not in own]


def _defined(node: ast.ClassDef) -> set[str]:
    """Return the names of a class: methods, class attributes, and attributes that its methods assign."""
    names = {child.name for child in node.body if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)}
    for child in ast.walk(node):
        if isinstance(child, ast.Attribute) and isinstance(child.ctx, ast.Store):
            names.add(child.attr)
        elif isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            names.add(child.id)
    return names


def _borrowed(tree: ast.Module) -> list[str]:
    """Return private names of self that no class of the same module defines for it."""
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}

    def known(node: ast.ClassDef) -> set[str]:
        bases = [classes[base] for base in map(ast.unparse, node.bases) if base in classes]
        return _defined(node).union(*map(known, bases))

    return [
        f"{name}.{found.attr}"
        for name, node in classes.items()
        for owner, found in _private_names(node)
        if owner == "self" and found.attr not in known(node)
    ]


def test_no_private_name_of_another_object() -> None:
    """Parts of the client use only public names of other parts."""
    assert {name: found for name, tree in TREES.items() if (found := _reaches(tree))} == {}


def test_no_private_name_of_another_class_over_self() -> None:
    """Groups of operations are one object, but a group does not use private names of another."""
    assert {name: found for name, tree in TREES.items() if (found := _borrowed(tree))} == {}


def test_the_search_finds_both() -> None:
    """The search finds private names of other objects and classes, and not those of the class and its bases."""
    source = """
class Base:
    _level = 1
    def _look(self):
        return self._far
class Part(Base):
    def __init__(self, client):
        self._client = client
        self._look() + self._level + self._client._secret + super()._receive() + self.__dict__
"""
    tree = ast.parse(source)
    assert _reaches(tree) == ["9: self._client._secret"]
    assert _borrowed(tree) == ["Base._far"]


def test_groups_of_operations_are_flat() -> None:
    """Each group is a direct base of `Client`, and inherits nothing."""
    groups = Client.__bases__
    assert {Parsers, BaseClient} < set(groups)
    assert {group.__bases__ for group in groups} == {(object,)}
    assert len(groups) == len(Client.__mro__) - 2


def test_modules_have_an_order() -> None:
    """Imports between modules of the client have no cycle, type imports included."""
    graph: dict[str, set[str]] = {}
    for name, tree in TREES.items():
        found = (node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
        imported = {module.rpartition(".")[2] for module in found if module.startswith("ftpfixture.client.")}
        graph[name] = imported
    assert len(list(TopologicalSorter(graph).static_order())) == len(TREES)
