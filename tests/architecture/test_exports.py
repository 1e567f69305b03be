"""The exports of the package: listed names, each with a docstring."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Literal, get_origin

import ftpfixture
from ftpfixture import errors
from tests.support.rows import table

PACKAGE = Path(ftpfixture.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))


def _dotted(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def _importable() -> list[str]:
    """Return every module that can be imported without side effects."""
    return [_dotted(path) for path in MODULES if path.name != "__main__.py"]


def _order(name: str) -> tuple[int, str]:
    """Return the sort key of the linter: constants, then classes, then functions."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


def test_all_is_complete() -> None:
    """`__all__` has every public name of the package but its modules, and no other."""
    public = {
        name
        for name, value in vars(ftpfixture).items()
        if not name.startswith("_") and name != "annotations" and not isinstance(value, ModuleType)
    }

    assert public == set(ftpfixture.__all__)


def test_all_has_the_core_first_and_is_sorted() -> None:
    """Names for tests come first, names for authors of servers after them; both lists are sorted."""
    tree = ast.parse(Path(str(ftpfixture.__file__)).read_text(encoding="utf-8"))
    lists = [node.value for node in tree.body if isinstance(node, ast.Assign | ast.AugAssign)]
    core, helpers = ([str(name) for name in ast.literal_eval(value)] for value in lists if isinstance(value, ast.List))

    assert [*core, *helpers] == list(ftpfixture.__all__)
    for names in (core, helpers):
        assert names == sorted(set(names), key=_order)
    assert {"FtpServer", "Server", "Client", "on", "CommandLog", "CommandReceived", "check_path_io"} <= set(core)


def test_all_exceptions_are_in_one_tree() -> None:
    """Every exception that the package defines for users is in errors.py, drawn in its tree, and public."""
    drawn = set(re.findall(r"[├└]── (\w+)", str(errors.__doc__)))
    defined = {name for name in errors.__all__ if issubclass(getattr(errors, name), errors.FtpFixtureError)}
    elsewhere = [
        f"{_dotted(path)}.{node.name}"
        for path in MODULES
        if path.name != "errors.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
        and any(ast.unparse(base).endswith(("Error", "Exception")) for base in node.bases)
        and node.name != "EndlessLoop"  # it ends a test whose code handles every Exception
    ]

    assert drawn | {"FtpFixtureError"} == defined
    assert defined <= set(ftpfixture.__all__)
    assert elsewhere == []


@table("name", ftpfixture.__all__)
def test_every_export_has_a_docstring(name: str) -> None:
    """Each public name has its own docstring."""
    value = getattr(ftpfixture, name)
    if not callable(value) or get_origin(value) is Literal:
        return  # a constant, or a name for a type; its text follows it in the source

    text = value.__doc__

    assert text
    assert text.strip().split("\n")[0].endswith((".", ":")) or "\n" in text.strip()
    # A class without a docstring has that of its base, or the generated one of a NamedTuple.
    assert not (inspect.isclass(value) and text in [base.__doc__ for base in value.__mro__[1:]])
    assert not text.startswith(f"{name}(")


def test_the_version() -> None:
    """The version has three numbers, perhaps with a suffix."""
    numbers = ftpfixture.__version__.split(".")

    assert len(numbers) >= 3
    assert all(number.isdigit() for number in numbers[:2])


@table("module", _importable())
def test_all_of_a_module_exists(module: str) -> None:
    """`__all__` of a module has existing names only, each once."""
    loaded = import_module(module)
    names = getattr(loaded, "__all__", [])

    assert len(names) == len(set(names))
    assert [name for name in names if not hasattr(loaded, name)] == []


@table("module", _importable())
def test_all_of_a_module_has_its_own_names(module: str) -> None:
    """`__all__` of a module that is no package has names that the module defines, not imported ones."""
    loaded = import_module(module)
    if module in COMPATIBLE or (loaded.__file__ is not None and loaded.__file__.endswith("__init__.py")):
        return
    tree = ast.parse(Path(str(loaded.__file__)).read_text(encoding="utf-8"))
    imported = {
        name.asname or name.name
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    reexported = imported & set(getattr(loaded, "__all__", []))

    # A module that was split exports the moved names, so that old imports still work.
    assert reexported <= REEXPORTS.get(module, set())


REEXPORTS = {
    "ftpfixture.files.memory": {"DirectoryNode", "FileNode", "LinkNode", "MemoryFiles", "MemoryStats", "Node"},
}
"""Names that a module exports for another."""


COMPATIBLE = ["ftpfixture.common", "ftpfixture.pathio"]
"""Modules that only export names of other modules, under the module names of aioftp."""


@table("module", COMPATIBLE)
def test_a_compatible_module_defines_nothing(module: str) -> None:
    """Such a module imports names, lists them in `__all__`, and does nothing else."""
    loaded = import_module(module)
    tree = ast.parse(Path(str(loaded.__file__)).read_text(encoding="utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module != "__future__"]
    others = [node for node in tree.body if not isinstance(node, ast.ImportFrom)]

    assert {name.name for node in imports for name in node.names} == set(loaded.__all__)
    assert [name.asname for node in imports for name in node.names if name.asname] == []
    assert list(loaded.__all__) == sorted(loaded.__all__, key=_order)
    assert [type(node) for node in others] == [ast.Expr, ast.Assign]  # its docstring, and `__all__`


@table("module", ["common", "errors", "pathio", "server"])
def test_modules_are_attributes_of_the_package(module: str) -> None:
    """`import ftpfixture` is enough for `ftpfixture.common.setlocale` and the like."""
    program = f"import ftpfixture; print(ftpfixture.{module}.__name__)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == f"ftpfixture.{module}"


Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def _decorators(node: Definition) -> set[str]:
    names = [getattr(decorator, "func", decorator) for decorator in node.decorator_list]
    return {ast.unparse(name).rpartition(".")[2] for name in names}


def _public(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, Definition]]:
    """Yield all public classes, functions and methods, not those inside functions."""
    for node in body:
        if not isinstance(node, Definition) or node.name.startswith("_"):
            continue
        if _decorators(node) & {"overload", "setter", "deleter"}:
            continue  # documented at the main definition
        yield f"{prefix}{node.name}", node
        if isinstance(node, ast.ClassDef):
            yield from _public(node.body, f"{prefix}{node.name}.")


@table("path", MODULES)
def test_every_public_name_has_a_docstring(path: Path) -> None:
    """Every module, public class, function and method has a docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))

    assert ast.get_docstring(tree), "the module has none"
    assert [name for name, node in _public(tree.body) if not ast.get_docstring(node)] == []
