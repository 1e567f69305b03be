"""Strategies for Hypothesis: what they draw can be used, and is what was promised."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from datetime import UTC

import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from ftpfixture import FtpServer, Permission, User, strategies
from ftpfixture.faults.dsl import Fault
from ftpfixture.faults.grammar import parse
from ftpfixture.files.memory import MemoryFiles
from ftpfixture.files.stored import Stored
from ftpfixture.wire.listing.entry import Entry
from ftpfixture.wire.listing.reading import read_listing
from ftpfixture.wire.listing.styles import LIST_STYLES, ListStyleName, fitting, lines_of
from tests.support.raw import RawClient

NOW = 1_900_000_000.0


@given(strategies.names(), strategies.names(ascii_only=True), strategies.paths())
def test_names_and_paths(name: str, plain: str, path: str) -> None:
    """Each is one name that a command can carry."""
    for one in (name, plain):
        assert one not in ("", ".", "..")
        assert not set(one) & set("/\0\r\n")
        assert len(one.encode()) <= 255
    assert plain.isascii()
    assert plain == plain.strip()
    assert path.startswith("/")
    assert 1 <= path.count("/") <= 3


@given(strategies.trees())
def test_trees(tree: dict[str, bytes]) -> None:
    """They can be stored as they are."""
    files = MemoryFiles()
    for path, content in tree.items():
        files.write_file(path, content)
    assert all(files.read_file(path) == content for path, content in tree.items())


@pytest.mark.parametrize("style", LIST_STYLES)
def test_listings(style: ListStyleName) -> None:
    """What a server writes in a style is read back, with names, types and sizes."""

    @settings(max_examples=50)
    @given(st.lists(strategies.entries(), max_size=5))
    def check(entries: list[Entry]) -> None:
        fit = [fitting(style, entry) for entry in entries]
        found = read_listing(lines_of(style, fit, now=NOW, timezone=UTC), now=NOW)
        assert found.unread == ()
        assert [entry.name for entry in found.entries] == [entry.name for entry in fit]
        types = ["file" if style == "pds" else entry.type for entry in fit]  # it has no directories
        assert [entry.type for entry in found.entries] == types
        if style in ("vms", "mvs", "pds"):  # they count blocks, tracks and records
            return
        sizes = [entry.size for entry in found.entries if entry.type == "file"]
        assert sizes == [entry.size for entry in fit if entry.type == "file"]

    check()


@given(strategies.faults())
def test_faults(fault: Fault) -> None:
    """Their text is read as the same fault."""
    assert parse(str(fault)) == fault


@given(strategies.users(), strategies.permissions())
def test_users(user: User, permission: Permission) -> None:
    """They can log in."""
    assert user.login
    assert user.password
    assert permission.is_parent(permission.path)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(strategies.dialogues(most=8), strategies.trees(most=3, ascii_only=True))
def test_dialogues(dialogue: list[str], tree: dict[str, bytes]) -> None:
    """A server answers each command once, and is in order afterwards."""
    with FtpServer(files=tree) as server, RawClient(server.address) as client:
        client.reply()
        for command in dialogue:
            assert client.code(command)[0] in "2345"
        server.wait_idle()
        server.check()


def test_simplest_values() -> None:
    """Values shrink to what a reader understands at once."""
    assert find(strategies.names(), lambda name: True) == "0"
    assert find(strategies.trees(), lambda tree: len(tree) > 0) == {"/0": b""}
    assert find(strategies.dialogues(), lambda dialogue: len(dialogue) > 3) == [
        *("USER user", "PASS password", "PWD", "QUIT"),
    ]


def test_types_are_known() -> None:
    """Hypothesis finds the strategies by its entry point."""
    for kind in (Entry, Fault, Permission, Stored, User):
        assert isinstance(find(st.from_type(kind), lambda value: True), kind)


def test_without_hypothesis() -> None:
    """The error says what to install."""
    code = """
        import sys
        sys.modules["hypothesis"] = None
        try:
            import ftpfixture.strategies
        except ImportError as error:
            print(error)
    """
    found = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    assert found.stdout == "ftpfixture.strategies needs Hypothesis: python -m pip install 'ftpfixture[hypothesis]'\n"
