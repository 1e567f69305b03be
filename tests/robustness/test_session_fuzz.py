"""Random sessions: whatever a client sends and does, the server sends legal replies and stays usable."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from ftpfixture import Connection, Server
from tests.support.fuzz import WORLDS, Case, Fuzzer, play, shrink

SEED = 20261130

LOGIN = ("send", b"USER ann\r\nPASS secret\r\nTYPE I\r\n")

# Findings of earlier runs, reduced by `shrink`.
FOUND = [
    # A download that was reset left its remaining pieces in a task on the loop.
    *(
        Case(world, (LOGIN, ("passive", b"PASV"), ("send", b"RETR d/e/f.bin\r\n"), ("drop", b"")))
        for world in WORLDS[:5]
    ),
    # A data connection that was closed before the first step of its TLS handshake was awaited nevertheless.
    Case("explicit", (LOGIN, ("passive", b"EPSV"), ("send", b"USER bob\r\nPASV\r\n"), ("close", b""))),
    Case("explicit", (LOGIN, ("passive", b"EPSV"), ("send", b"ABOR\r\n"), ("reset", b""))),
]


@pytest.mark.illegal_replies  # for sessions with faults; the fuzzer checks those without against the same table
@pytest.mark.parametrize("world", WORLDS)
def test_some_sessions(world: str, tmp_path: Path) -> None:
    """A few hundred commands pass over each path layer, with TLS, and with faults."""
    assert Fuzzer(tmp_path, SEED).batch(world, 8) is None


@pytest.mark.illegal_replies
def test_earlier_findings_are_fixed(tmp_path: Path) -> None:
    """Each session that failed once passes."""
    for case, folder in zip(FOUND, _folders(tmp_path), strict=False):
        assert play(case, folder) == [], case


@pytest.mark.fuzz
@pytest.mark.illegal_replies
@pytest.mark.timeout(0)
def test_a_million_commands(tmp_path: Path) -> None:
    """A million commands pass, without growth of memory; the first seed is from the environment."""
    first = int(os.environ.get("FTPFIXTURE_FUZZ_SEED", SEED))
    done, kept = 0, 0
    for seed in count(first):
        for world in WORLDS:
            folder = tmp_path / f"{seed}-{world}"
            folder.mkdir()
            fuzzer = Fuzzer(folder, seed)
            assert fuzzer.batch(world, 25) is None
            done += fuzzer.commands
        kept = kept or _resident()
        assert _resident() < kept + (64 << 20)
        if done >= 1_000_000:
            return


def _resident() -> int:
    """Return the bytes of memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Broken(Server):
    """A server with mistakes that the fuzzer must find."""

    async def noop(self, connection: Connection, rest: str) -> bool:
        """Send two final replies."""
        connection.response("200", "Once")
        connection.response("200", "Twice")
        return True

    async def feat(self, connection: Connection, rest: str) -> bool:
        """Send no reply."""
        return True

    async def syst(self, connection: Connection, rest: str) -> bool:
        """Raise an unexpected exception."""
        raise ValueError("not foreseen")


def _folders(parent: Path) -> Iterator[Path]:
    for number in count():
        folder = parent / str(number)
        folder.mkdir()
        yield folder


@pytest.mark.illegal_replies
def test_the_fuzzer_finds_and_reduces_mistakes(tmp_path: Path) -> None:
    """The fuzzer reports each kind of mistake, with the one step that reproduces it."""
    folders = _folders(tmp_path)
    for line, finding in {
        b"NOOP\r\n": "NOOP -> 200: NOOP got a second final reply 200 after its final 200",
        b"FEAT\r\n": "FEAT was not answered",
        b"SYST\r\n": "SYST raised ValueError('not foreseen')",
    }.items():
        case = Case("memory", (("send", b"PWD\r\nHELP\r\n"), ("listen", b""), ("send", b"CWD /\r\n" + line)))
        assert finding in play(case, next(folders), Broken)
        assert shrink(case, lambda tried: bool(play(tried, next(folders), Broken))).steps == (("send", line),)
    found = Fuzzer(next(folders), SEED, Broken).batch("memory", 25)
    assert found is not None
    assert f"seed {SEED}" in found
    assert "play again: Case(world='memory'" in found
