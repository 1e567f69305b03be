"""The client by composition: its parts know each other by public names, and no group of operations inherits another."""

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
    """Private attributes that are looked up, and on what: "self", "super()" and so on."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.endswith("__"):
            yield ast.unparse(node.value), node


def _reaches(tree: ast.AST) -> list[str]:
    """Where something looks up a private name of another object."""
    own = ("self", "cls", "super()")
    return [f"{node.lineno}: {ast.unparse(node)}" for owner, node in _private_names(tree) if owner not in own]


def _defined(node: ast.ClassDef) -> set[str]:
    """Names that a class gives its objects: methods, attributes of the class, and what its methods assign to self."""
    names = {child.name for child in node.body if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)}
    for child in ast.walk(node):
        if isinstance(child, ast.Attribute) and isinstance(child.ctx, ast.Store):
            names.add(child.attr)
        elif isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            names.add(child.id)
    return names


def _borrowed(tree: ast.Module) -> list[str]:
    """Private names of self that neither the class defines nor a base of it in the same module."""
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
    """Parts of the client use what others offer, and nothing else."""
    assert {name: found for name, tree in TREES.items() if (found := _reaches(tree))} == {}


def test_no_private_name_of_another_class_over_self() -> None:
    """Groups of operations are one object; all the same, what is private in one is not used by another."""
    assert {name: found for name, tree in TREES.items() if (found := _borrowed(tree))} == {}


def test_the_search_finds_both() -> None:
    """A private name of another object is found, and one of another class; one's own and that of a base are neither."""
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
    """Each is a base of `Client` itself, and inherits nothing."""
    groups = Client.__bases__
    assert {Parsers, BaseClient} < set(groups)
    assert {group.__bases__ for group in groups} == {(object,)}
    assert len(groups) == len(Client.__mro__) - 2


def test_modules_have_an_order() -> None:
    """No module of the client imports one that imports it, not even for its types."""
    graph: dict[str, set[str]] = {}
    for name, tree in TREES.items():
        found = (node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
        imported = {module.rpartition(".")[2] for module in found if module.startswith("ftpfixture.client.")}
        graph[name] = imported
    assert len(list(TopologicalSorter(graph).static_order())) == len(TREES)
