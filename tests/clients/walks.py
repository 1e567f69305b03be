"""A walk through what a client library can do: scripts in other languages take it, and here is what it must leave.

A script is told the way by its arguments (host, port, name, password, kind of TLS, mode, file of the authority), works
in the folder where it is started, prints one JSON object, and ends with 0. In this order, it

- tells the listing of /tree, names with sizes and null for directories, as "listing";
- tells size and modification time (POSIX seconds) of /big.bin, as "size" and "modified";
- tells the code of the refusal when it fetches /missing.bin, as "missing";
- makes the directory named QUOTED, enters it, tells where it is, as "directory", and leaves it;
- sends big.bin as /sent.bin, and what /part.bin lacks of it behind /part.bin;
- fetches /big.bin as got.bin, and what part.bin lacks of it into part.bin;
- renames /old.txt to /new.txt, removes /gone.txt, makes /unmade and removes it;
- mirrors /tree into the folder down, and the folder up to /up.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from ftpfixture import FtpServer
from tests.clients.encrypted import BIG, check_tls
from tests.clients.programs import Program
from tests.clients.samples import MODIFIED, TREE, below, check, needs_ipv6

__all__ = ["PASSIVE", "WAYS", "Way", "walk"]

SENT = 700_000  # bytes of it that /part.bin and part.bin begin with
DOWN = below("/tree")
# What goes up: nothing empty, for basic-ftp 6.2 ends that in the middle of a resumed TLS handshake, with any server.
UP = {name: data for name, data in DOWN.items() if data}
QUOTED = '/a "quoted" one'
REPORT = {
    "listing": {"a.txt": 6, "empty.bin": 0, "hollow": None, "sub": None},
    "size": len(BIG),
    "modified": int(MODIFIED),
    "missing": 550,
    "directory": QUOTED,
}


@dataclass(frozen=True, slots=True)
class Way:
    """How a walk goes.

    Attributes:
        tls: "none", "explicit" or "implicit".
        mode: "passive" or "active".
        host: The address of the server.
    """

    tls: str
    mode: str
    host: str


def _row(tls: str, mode: str, host: str) -> Any:
    marks = [needs_ipv6] if host == "::1" else []
    return pytest.param(Way(tls, mode, host), id=f"{tls}-{mode}", marks=marks)


PASSIVE = [
    _row("none", "passive", "127.0.0.1"),
    _row("explicit", "passive", "::1"),
    _row("implicit", "passive", "127.0.0.1"),
]
"""For those who know no active mode."""

WAYS = [
    *PASSIVE,
    _row("none", "active", "::1"),
    _row("explicit", "active", "127.0.0.1"),
    _row("implicit", "active", "::1"),
]
"""All pairs of TLS and mode, each mode over IPv4 and over IPv6."""


def walk(make_server: Callable[..., FtpServer], program: Program, way: Way) -> FtpServer:
    """Let a script take the walk, and hold what it left against what it must have left.

    Args:
        make_server: The fixture `ftp_server_factory`.
        program: The script, which is told the way by its last arguments.
        way: How it goes.

    Returns:
        The server, for its log.
    """
    __tracebackhide__ = True
    server = make_server(host=way.host, tls=None if way.tls == "none" else way.tls)
    _prepare(server, program)
    outcome = program(way.host, str(server.port), *server.credentials, way.tls, way.mode, server.tls.ca_file)
    assert json.loads(outcome.output) == REPORT
    _check_files(server, program)
    _check_log(server, way)
    return server


def _prepare(server: FtpServer, program: Program) -> None:
    for path, data in TREE.items():
        server.files.put(path, data)
    server.files.update({"/part.bin": BIG[:SENT], "/old.txt": b"old", "/gone.txt": b"gone"})
    server.files.set("/big.bin", BIG, modified=MODIFIED)
    for name, data in {"big.bin": BIG, "part.bin": BIG[:SENT], **_at("up", UP)}.items():
        program.write(name, data)
    (program.folder / "up" / "hollow").mkdir()


def _at(top: str, files: dict[str, bytes]) -> dict[str, bytes]:
    return {f"{top}/{name}": data for name, data in files.items()}


def _check_files(server: FtpServer, program: Program) -> None:
    __tracebackhide__ = True
    big = dict.fromkeys(("/big.bin", "/sent.bin", "/part.bin"), BIG)
    assert server.files == {**big, "/new.txt": b"old", **_at("/tree", DOWN), **_at("/up", UP)}
    made = {f"{top}{name}" for top in ("/tree", "/up") for name in ("", "/hollow", "/sub", "/sub/deep")}
    assert set(server.files.directories) == {QUOTED, *made}
    big = dict.fromkeys(("big.bin", "got.bin", "part.bin"), BIG)
    assert program.tree() == {**big, **_at("up", UP), **_at("down", DOWN)}
    assert (program.folder / "down" / "hollow").is_dir()


def _check_log(server: FtpServer, way: Way) -> None:
    __tracebackhide__ = True
    carried = server.log.transfers
    assert {(record.mode, record.completed) for record in carried} == {(way.mode, True)}
    files = {record.path: record for record in carried}
    check(files["/sent.bin"], BIG, mode=way.mode)
    rest = next(record for record in carried if record.path == "/big.bin" and record.offset)
    check(rest, BIG[SENT:], mode=way.mode, offset=SENT)
    assert files["/part.bin"].size == len(BIG) - SENT
    for path, data in (_at("/tree", DOWN) | _at("/up", UP)).items():
        check(files[path], data, mode=way.mode)
    if way.tls != "none":
        check_tls(server, None)
