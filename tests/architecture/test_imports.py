"""The direction of imports between packages, read from the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import ftpfixture
from tests.support.rows import table

PACKAGE = Path(ftpfixture.__file__).parent
NAME = PACKAGE.name

LAYERS: tuple[tuple[str, ...], ...] = (
    ("aio", "compat", "untouched"),
    ("errors",),
    ("checks", "forks"),
    ("settings",),
    ("driver",),
    ("clock", "wire", "files"),
    ("faults", "log"),
    ("net",),
    ("server", "client"),
    ("common", "pathio"),
    ("recording", "sim", "sweep", "strategies"),
    ("testing",),
    ("cli",),
    ("__init__", "__main__"),
)
"""The packages by layer, the lowest first: each may import from lower layers, and not from its own layer."""

LAYER = {package: number for number, packages in enumerate(LAYERS) for package in packages}

PURE = ("wire", "faults")
NOT_PURE = frozenset({"asyncio", "socket", "ssl", "threading", "logging"})
FOR_TESTING_ONLY = frozenset({"pytest", "_pytest", "faker", "pyfakefs"})


@dataclass(frozen=True)
class Import:
    """One import of a module, with its place."""

    path: Path
    line: int
    module: str

    @property
    def place(self) -> str:
        """File and line, for messages."""
        return f"{self.path.relative_to(PACKAGE.parent)}:{self.line} imports {self.module}"

    @property
    def package(self) -> str:
        """The package that contains the import."""
        return self.path.relative_to(PACKAGE).parts[0].removesuffix(".py")

    @property
    def top(self) -> str:
        """The top-level name of the imported module."""
        return self.module.partition(".")[0]

    @property
    def imported_package(self) -> str:
        """The imported package of ours, "__init__" for the top level."""
        parts = self.module.split(".")
        return parts[1] if len(parts) > 1 else "__init__"


def _imported(path: Path, source: str) -> Iterator[Import]:
    """Yield every import of a module, also in functions and under TYPE_CHECKING."""
    parts = [NAME, *path.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (Import(path, node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = parts[: len(parts) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            if module == NAME:
                # "from ftpfixture import log" imports the package log, if there is one.
                yield from (Import(path, node.lineno, _package_or_top(name.name)) for name in node.names)
            else:
                yield Import(path, node.lineno, module)


def _package_or_top(name: str) -> str:
    return f"{NAME}.{name}" if name in LAYER and not name.startswith("__") else NAME


MODULES = sorted(PACKAGE.rglob("*.py"))
IMPORTS = [found for path in MODULES for found in _imported(path, path.read_text(encoding="utf-8"))]
OURS = [found for found in IMPORTS if found.top == NAME]


def _wrong_direction(found: Import) -> bool:
    return found.package != found.imported_package and LAYER[found.imported_package] >= LAYER[found.package]


def _places(wrong: Iterator[Import]) -> list[str]:
    return [found.place for found in wrong]


def test_every_package_has_a_layer() -> None:
    """Every package and module at the top is in the table above."""
    packages = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in MODULES}

    assert packages <= set(LAYER)
    assert len(OURS) > 50


def test_imports_go_down() -> None:
    """No package imports from a higher layer, or from another package of its own layer; types are no exception."""
    assert _places(found for found in OURS if _wrong_direction(found)) == []


@table("package", ["aio", "compat", "errors", "untouched"])
def test_leaves_import_nothing_of_ours(package: str) -> None:
    """Modules that every package may import do not import this package."""
    assert _places(found for found in OURS if found.package == package) == []


def test_checks_import_nothing_but_errors() -> None:
    """Every package checks arguments, pure ones included, so `checks` imports only `errors`."""
    assert {found.imported_package for found in OURS if found.package == "checks"} == {"errors"}
    assert _places(found for found in IMPORTS if found.package == "checks" and found.top in NOT_PURE) == []


def test_only_the_top_imports_compatible_modules() -> None:
    """The modules with names of aioftp are for users: our code imports a name from the module that defines it."""
    names = {"common", "pathio"}
    assert _places(found for found in OURS if found.imported_package in names and found.package != "__init__") == []


def test_server_and_client_are_independent() -> None:
    """Server and client share no code of each other, so that a mistake in one cannot hide a mistake in the other."""
    pair = {"server", "client"}
    assert _places(found for found in OURS if {found.package, found.imported_package} == pair) == []


def test_pure_packages_stay_pure() -> None:
    """`wire` and `faults` import no asyncio, socket, ssl, threading and logging."""
    assert _places(found for found in IMPORTS if found.package in PURE and found.top in NOT_PURE) == []


def test_only_testing_imports_test_tools() -> None:
    """Only `testing` imports pytest, faker and pyfakefs, so that everything else runs without them."""
    assert _places(found for found in IMPORTS if found.package != "testing" and found.top in FOR_TESTING_ONLY) == []


SOCKETS = {f"net/{name}.py" for name in ("socket_transport", "network", "dial", "sockets", "hosts", "transport")}
"""The modules that use sockets and their addresses; all others use transports."""

OF_A_SOCKET = frozenset(
    {
        *("setsockopt", "getsockopt", "fileno", "add_reader", "add_writer", "remove_reader", "remove_writer"),
        *("sock_connect", "sock_accept", "sock_recv", "sock_recv_into", "sock_sendall", "detach", "do_handshake"),
    }
)


def _socket_calls(tree: ast.AST) -> list[str]:
    """Return calls of functions of `socket`, and of methods that only sockets and their loops have."""
    attributes = [
        node.func for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]
    return [
        name.attr
        for name in attributes
        if name.attr in OF_A_SOCKET or (isinstance(name.value, ast.Name) and name.value.id == "socket")
    ]


def test_only_transports_and_networks_use_sockets() -> None:
    """No module above transports uses a descriptor, a socket option or an address of the system."""
    calls = {
        path.relative_to(PACKAGE).as_posix(): _socket_calls(ast.parse(path.read_text(encoding="utf-8")))
        for path in MODULES
        if path.relative_to(PACKAGE).parts[0] not in ("testing", "recording", "sim", "cli")
    }
    assert {path: found for path, found in calls.items() if found and path not in SOCKETS} == {}
    assert {path for path, found in calls.items() if found} == SOCKETS
    assert _socket_calls(ast.parse("a.b.setsockopt(1)\nsocket.socket()\nself.recv(1)")) == ["setsockopt", "socket"]


def test_no_module_checks_the_class_of_a_connection() -> None:
    """The protocols `Transport` and `Duplex` have everything that a connection can do."""
    kinds = {"Channel", "Transport", "SocketTransport", "MemoryTransport", "SocketNetwork", "MemoryNetwork"}
    for path in MODULES:
        asked = [
            node
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "isinstance"
            and kinds & {name.id for name in ast.walk(node.args[1]) if isinstance(name, ast.Name)}
        ]
        assert asked == [], path


@table(
    ("path", "source", "wrong"),
    [
        ("wire/x.py", "from ftpfixture.errors import ProtocolError", False),
        ("wire/x.py", "from ftpfixture.wire.lines import LineReader", False),
        ("wire/x.py", "from ftpfixture.files.base import PathIO", True),
        ("wire/x.py", "import ftpfixture.net.channel", True),
        ("errors.py", "from ftpfixture import aio", False),
        ("net/x.py", "from ftpfixture.log import CommandLog", False),
        ("net/x.py", "from ftpfixture import log", False),
        ("net/x.py", "from ftpfixture import Server", True),
        ("net/x.py", "import ftpfixture", True),
        ("log/x.py", "def f():\n    from ftpfixture.server import Server", True),
        ("log/x.py", "if TYPE_CHECKING:\n    from ftpfixture.server import Server", True),
        ("server/x.py", "from ftpfixture.client.base import BaseClient", True),
        ("server/commands/x.py", "from ...client import base", True),
        ("server/commands/x.py", "from ..connection import Connection", False),
        ("server/commands/x.py", "from . import access", False),
        ("server/commands/x.py", "from ... import testing", True),
        ("testing/x.py", "from ..server import Server", False),
        ("__init__.py", "from ftpfixture.testing import FtpServer", False),
        ("__init__.py", "from .log import CommandLog", False),
    ],
)
def test_the_search_finds_all_imports(path: str, source: str, wrong: bool) -> None:
    """The search finds every form of import, relative ones and those in functions included."""
    found = list(_imported(PACKAGE / path, source))

    assert len(found) == 1
    assert _wrong_direction(found[0]) is wrong
