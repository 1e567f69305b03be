"""Who may import whom: the direction of the house, read from the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import ftpfixture
from tests.support.rows import table

PACKAGE = Path(ftpfixture.__file__).parent
NAME = PACKAGE.name

FLOORS: tuple[tuple[str, ...], ...] = (
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
    ("recording",),
    ("testing",),
    ("cli",),
    ("__init__", "__main__"),
)
"""The rooms from the ground to the roof: each may import from lower floors, and never from its own floor's others."""

FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}

PURE = ("wire", "faults")
NOT_PURE = frozenset({"asyncio", "socket", "ssl", "threading", "logging"})
FOR_TESTING_ONLY = frozenset({"pytest", "_pytest", "faker", "pyfakefs"})


@dataclass(frozen=True)
class Import:
    """One imported module, and where that stands."""

    path: Path
    line: int
    module: str

    @property
    def place(self) -> str:
        """File and line, for people."""
        return f"{self.path.relative_to(PACKAGE.parent)}:{self.line} imports {self.module}"

    @property
    def room(self) -> str:
        """The room in which the import stands."""
        return self.path.relative_to(PACKAGE).parts[0].removesuffix(".py")

    @property
    def top(self) -> str:
        """The imported package."""
        return self.module.partition(".")[0]

    @property
    def imported_room(self) -> str:
        """The room of ours that is imported; the roof for the package itself."""
        parts = self.module.split(".")
        return parts[1] if len(parts) > 1 else "__init__"


def _imported(path: Path, source: str) -> Iterator[Import]:
    """Every import of a module, wherever it stands: in functions and under TYPE_CHECKING, too."""
    package = [NAME, *path.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (Import(path, node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            if module == NAME:
                # "from ftpfixture import log" means the room, if there is one of that name.
                yield from (Import(path, node.lineno, _room_or_roof(name.name)) for name in node.names)
            else:
                yield Import(path, node.lineno, module)


def _room_or_roof(name: str) -> str:
    return f"{NAME}.{name}" if name in FLOOR and not name.startswith("__") else NAME


MODULES = sorted(PACKAGE.rglob("*.py"))
IMPORTS = [found for path in MODULES for found in _imported(path, path.read_text(encoding="utf-8"))]
OURS = [found for found in IMPORTS if found.top == NAME]


def _wrong_direction(found: Import) -> bool:
    return found.room != found.imported_room and FLOOR[found.imported_room] >= FLOOR[found.room]


def _places(wrong: Iterator[Import]) -> list[str]:
    return [found.place for found in wrong]


def test_every_room_has_a_floor() -> None:
    """A new module at the top of the package is given its place in the table above."""
    rooms = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in MODULES}

    assert rooms <= set(FLOOR)
    assert len(OURS) > 50


def test_imports_go_down() -> None:
    """Nobody imports from a higher floor, nor from another room of the same floor; types are no exception."""
    assert _places(found for found in OURS if _wrong_direction(found)) == []


@table("room", ["aio", "compat", "errors", "untouched"])
def test_leaves_import_nothing_of_ours(room: str) -> None:
    """What everybody may import imports nothing of this package."""
    assert _places(found for found in OURS if found.room == room) == []


def test_checks_import_nothing_but_errors() -> None:
    """Everybody checks arguments, the pure rooms included."""
    assert {found.imported_room for found in OURS if found.room == "checks"} == {"errors"}
    assert _places(found for found in IMPORTS if found.room == "checks" and found.top in NOT_PURE) == []


def test_only_the_package_imports_faces() -> None:
    """Faces are for users: what is ours imports a name from the room that made it."""
    faces = {"common", "pathio"}
    assert _places(found for found in OURS if found.imported_room in faces and found.room != "__init__") == []


def test_server_and_client_do_not_know_each_other() -> None:
    """A mistake in one must not be hidden by the same mistake in the other."""
    pair = {"server", "client"}
    assert _places(found for found in OURS if {found.room, found.imported_room} == pair) == []


def test_pure_rooms_stay_pure() -> None:
    """Where octets become values there is no asyncio, no socket, no thread and no logging."""
    assert _places(found for found in IMPORTS if found.room in PURE and found.top in NOT_PURE) == []


def test_only_testing_knows_test_tools() -> None:
    """pytest, faker and pyfakefs are imported on the roof, so that everything below runs without them."""
    assert _places(found for found in IMPORTS if found.room != "testing" and found.top in FOR_TESTING_ONLY) == []


SOCKETS = {f"net/{name}.py" for name in ("socket_transport", "network", "dial", "sockets", "hosts", "transport")}
"""The modules that know sockets and their addresses; all others know transports."""

OF_A_SOCKET = frozenset(
    {
        *("setsockopt", "getsockopt", "fileno", "add_reader", "add_writer", "remove_reader", "remove_writer"),
        *("sock_connect", "sock_accept", "sock_recv", "sock_recv_into", "sock_sendall", "detach", "do_handshake"),
    }
)


def _socket_calls(tree: ast.AST) -> list[str]:
    """The calls of functions of `socket`, and of methods that only sockets and their loops have."""
    attributes = [
        node.func for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]
    return [
        name.attr
        for name in attributes
        if name.attr in OF_A_SOCKET or (isinstance(name.value, ast.Name) and name.value.id == "socket")
    ]


def test_only_transports_and_networks_touch_sockets() -> None:
    """No descriptor, no socket option and no address of the system is known above a transport."""
    calls = {
        path.relative_to(PACKAGE).as_posix(): _socket_calls(ast.parse(path.read_text(encoding="utf-8")))
        for path in MODULES
        if path.relative_to(PACKAGE).parts[0] not in ("testing", "recording", "cli")
    }
    assert {path: found for path, found in calls.items() if found and path not in SOCKETS} == {}
    assert {path for path, found in calls.items() if found} == SOCKETS
    assert _socket_calls(ast.parse("a.b.setsockopt(1)\nsocket.socket()\nself.recv(1)")) == ["setsockopt", "socket"]


def test_nobody_asks_for_the_kind_of_a_connection() -> None:
    """What a connection can do is in the protocols `Transport` and `Duplex`."""
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
    ("room", "source", "wrong"),
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
def test_the_reader_of_imports_sees_them_all(room: str, source: str, wrong: bool) -> None:
    """Every form of import is understood, relative ones and those in functions included."""
    found = list(_imported(PACKAGE / room, source))

    assert len(found) == 1
    assert _wrong_direction(found[0]) is wrong
