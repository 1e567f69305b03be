"""A scenario for client libraries: scripts in other languages run it, and this module checks the result.

A script gets these arguments: host, port, user, password, kind of TLS, mode, file of the CA certificate. It works
in the current folder, prints one JSON object, and exits with 0. In this order, it

- prints the listing of /tree, names with sizes and null for directories, as "listing";
- prints size and modification time (POSIX seconds) of /big.bin, as "size" and "modified";
- prints the code of the refusal when it fetches /missing.bin, as "missing";
- creates the directory named QUOTED, enters it, prints the current directory, as "directory", and leaves it;
- uploads big.bin as /sent.bin, and appends to /part.bin the rest of big.bin;
- downloads /big.bin as got.bin, and the rest of /big.bin into part.bin;
- renames /old.txt to /new.txt, removes /gone.txt, creates /unmade and removes it;
- mirrors /tree to the folder down, and the folder up to /up.
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

__all__ = ["PASSIVE", "VARIANTS", "Variant", "walk"]

SENT = 700_000  # bytes of it that /part.bin and part.bin begin with
DOWN = below("/tree")
# No empty files: basic-ftp 6.2 closes their data connections within a resumed TLS handshake, with any server.
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
class Variant:
    """A variant of the scenario.

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
    return pytest.param(Variant(tls, mode, host), id=f"{tls}-{mode}", marks=marks)


PASSIVE = [
    _row("none", "passive", "127.0.0.1"),
    _row("explicit", "passive", "::1"),
    _row("implicit", "passive", "127.0.0.1"),
]
"""Variants for clients without active mode."""

VARIANTS = [
    *PASSIVE,
    _row("none", "active", "::1"),
    _row("explicit", "active", "127.0.0.1"),
    _row("implicit", "active", "::1"),
]
"""All pairs of TLS and mode, each mode over IPv4 and over IPv6."""


def walk(make_server: Callable[..., FtpServer], program: Program, variant: Variant) -> FtpServer:
    """Run the scenario with a script, and check files and log afterwards.

    Args:
        make_server: The fixture `ftp_server_factory`.
        program: The script; its last arguments describe the variant.
        variant: TLS, mode and host.

    Returns:
        The server, for its log.
    """
    __tracebackhide__ = True
    server = make_server(host=variant.host, tls=None if variant.tls == "none" else variant.tls)
    _prepare(server, program)
    outcome = program(
        variant.host, str(server.port), *server.credentials, variant.tls, variant.mode, server.tls.ca_file
    )
    assert json.loads(outcome.output) == REPORT
    _check_files(server, program)
    _check_log(server, variant)
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
    created = {f"{top}{name}" for top in ("/tree", "/up") for name in ("", "/hollow", "/sub", "/sub/deep")}
    assert set(server.files.directories) == {QUOTED, *created}
    big = dict.fromkeys(("big.bin", "got.bin", "part.bin"), BIG)
    assert program.tree() == {**big, **_at("up", UP), **_at("down", DOWN)}
    assert (program.folder / "down" / "hollow").is_dir()


def _check_log(server: FtpServer, variant: Variant) -> None:
    __tracebackhide__ = True
    transferred = server.log.transfers
    assert {(record.mode, record.completed) for record in transferred} == {(variant.mode, True)}
    files = {record.path: record for record in transferred}
    check(files["/sent.bin"], BIG, mode=variant.mode)
    rest = next(record for record in transferred if record.path == "/big.bin" and record.offset)
    check(rest, BIG[SENT:], mode=variant.mode, offset=SENT)
    assert files["/part.bin"].size == len(BIG) - SENT
    for path, data in (_at("/tree", DOWN) | _at("/up", UP)).items():
        check(files[path], data, mode=variant.mode)
    if variant.tls != "none":
        check_tls(server, None)
