"""Strategies for Hypothesis: names, paths, trees, listings, dialogues and faults of FTP; the extra `hypothesis`.

One rule: what a strategy draws is a plain value that the rest of the package takes, and it shrinks to the simplest one.

Hypothesis knows the strategies of `Entry`, `Fault`, `Permission`, `Stored` and `User`, so that
``@given(st.from_type(Fault))`` and type annotations work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any

try:
    from hypothesis import strategies as st
    from hypothesis.strategies import SearchStrategy
except ImportError as error:
    raise ImportError(
        "ftpfixture.strategies needs Hypothesis: python -m pip install 'ftpfixture[hypothesis]'", name="hypothesis"
    ) from error

from ftpfixture.faults.dsl import Fault
from ftpfixture.faults.grammar import parse
from ftpfixture.files.stored import Stored
from ftpfixture.server import Permission, User
from ftpfixture.wire.listing.entry import Entry
from ftpfixture.wire.listing.styles import ListStyleName, fitting, lines_of

__all__ = ["dialogues", "entries", "faults", "listings", "names", "paths", "permissions", "trees", "users"]

_LONGEST = 255  # bytes of a name, as most file systems have it
_NO_NAMES = ("", ".", "..")
_DAY = 86_400.0
_LATEST = 1_900_000_000


def names(*, ascii_only: bool = False) -> SearchStrategy[str]:
    """Names of files: any text that is one name, that a command can carry, and that has 255 bytes at most.

    Args:
        ascii_only: Draw letters, digits and punctuation of ASCII only, and no spaces at the ends.
    """
    if ascii_only:
        return st.from_regex(r"[A-Za-z0-9_.+=-][A-Za-z0-9 _.+=-]{0,20}[A-Za-z0-9_]", fullmatch=True)
    letters = st.characters(codec="utf-8", exclude_characters="/\0\r\n")
    return st.text(letters, min_size=1).filter(
        lambda name: name not in _NO_NAMES and len(name.encode("utf-8", "surrogateescape")) <= _LONGEST
    )


def paths(*, depth: int = 3, ascii_only: bool = False) -> SearchStrategy[str]:
    """Absolute paths, such as "/in/a.csv".

    Args:
        depth: Names that a path has at most.
        ascii_only: As for `names`.
    """
    parts = st.lists(names(ascii_only=ascii_only), min_size=1, max_size=depth)
    return parts.map(lambda found: "/" + "/".join(found))


def trees(*, most: int = 10, ascii_only: bool = False) -> SearchStrategy[dict[str, bytes]]:
    """Trees for the setting `files`: absolute path to content. No file is in the path of another one.

    Args:
        most: Files that a tree has at most.
        ascii_only: As for `names`.
    """
    content = st.binary(max_size=2000)
    pairs = st.lists(st.tuples(paths(ascii_only=ascii_only), content), max_size=most)
    return pairs.map(_without_files_in_paths)


def _without_files_in_paths(pairs: list[tuple[str, bytes]]) -> dict[str, bytes]:
    found = dict(pairs)
    return {
        path: content for path, content in found.items() if not any(other.startswith(f"{path}/") for other in found)
    }


def entries(*, ascii_only: bool = True) -> SearchStrategy[Entry]:
    """Files and directories as listings show them, with times in whole days, which every style can show.

    Args:
        ascii_only: As for `names`.
    """
    days = st.integers(0, int(_LATEST / _DAY))
    return st.builds(
        lambda name, is_directory, size, day: Entry(
            name, "dir" if is_directory else "file", 0 if is_directory else size, day * _DAY
        ),
        names(ascii_only=ascii_only),
        st.booleans(),
        st.integers(0, 1 << 40),
        days,
    )


def listings(style: ListStyleName = "unix", *, most: int = 10) -> SearchStrategy[list[str]]:
    """Lines of LIST, without their ends.

    Args:
        style: A key of `ftpfixture.wire.listing.styles.LIST_STYLES`.
        most: Entries that a listing has at most; OpenVMS has some on two lines, and z/OS a heading.
    """
    fit = entries().map(lambda entry: fitting(style, entry))
    return st.lists(fit, max_size=most).map(lambda found: lines_of(style, found, now=float(_LATEST), timezone=UTC))


_OPENING = ("USER user", "PASS password")
_ALONE = ("PWD", "NOOP", "SYST", "FEAT", "TYPE I", "TYPE A", "CDUP", "STAT", "HELP")
_WITH_PATH = ("CWD", "MKD", "RMD", "DELE", "SIZE", "MDTM", "MLST", "STAT", "RNFR", "RNTO")


def dialogues(*, most: int = 20) -> SearchStrategy[list[str]]:
    """The commands of a client that logs in and needs no data connection, such as ["USER user", …, "QUIT"].

    Args:
        most: Commands between login and QUIT at most.
    """
    with_path = st.builds(lambda verb, path: f"{verb} {path}", st.sampled_from(_WITH_PATH), paths(ascii_only=True))
    commands = st.lists(st.one_of(st.sampled_from(_ALONE), with_path), max_size=most)
    return commands.map(lambda found: [*_OPENING, *found, "QUIT"])


_CODES = st.sampled_from(["421", "425", "426", "450", "451", "452", "500", "502", "530", "550", "552"])
_BYTES = st.integers(0, 1 << 20).map(lambda count: f"after_bytes={count}")
_PART = st.integers(0, 100).map(lambda part: f"at={part}%")
_PLACE = st.one_of(_BYTES, _PART)
_CONTROL: Mapping[str, SearchStrategy[str]] = {
    "close": st.just(""),
    "reset": st.just(""),
    "ignore": st.just(""),
    "stall": st.just(""),
    "delay": st.integers(0, 60).map(str),
    "answer": _CODES.map(lambda code: f"{code} 'No'"),
}
_DATA: Mapping[str, SearchStrategy[str]] = {
    "drop_data": _PLACE,
    "reset_data": _PLACE,
    "truncate": _PLACE,
    "stall_data": _PLACE,
}
_TRANSFERS = st.sampled_from(["RETR", "LIST", "NLST", "MLSD"])
_ANY = st.sampled_from(["USER", "PASS", "PWD", "CWD", "TYPE", "RETR", "STOR", "LIST", "MKD", "DELE", "SIZE", "QUIT"])


def _fault_of(verbs: SearchStrategy[str], words: Mapping[str, SearchStrategy[str]]) -> SearchStrategy[str]:
    when = st.one_of(st.just(""), st.integers(1, 5).map(lambda nth: f" #{nth}"))
    what = st.sampled_from(sorted(words)).flatmap(lambda word: words[word].map(lambda rest: f"{word} {rest}".rstrip()))
    return st.builds(lambda verb, nth, word: f"{verb}{nth}: {word}", verbs, when, what)


def faults() -> SearchStrategy[Fault]:
    """Faults of control and data connections, all optional: a dialogue need not make them happen."""
    texts = st.one_of(_fault_of(_ANY, _CONTROL), _fault_of(_TRANSFERS, _DATA))
    return texts.map(lambda text: parse(text).optional())


def users() -> SearchStrategy[User]:
    """Users with a login, a password and all rights."""
    words = st.from_regex(r"[a-z][a-z0-9]{0,10}", fullmatch=True)
    secrets = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1, max_size=20)
    return st.builds(lambda login, password: User(login, password, base_path="/"), words, secrets)


def permissions() -> SearchStrategy[Permission]:
    """Rights at a path and below it."""
    return st.builds(
        lambda path, readable, writable: Permission(path, readable=readable, writable=writable),
        st.one_of(st.just("/"), paths(ascii_only=True)),
        st.booleans(),
        st.booleans(),
    )


def _stored() -> SearchStrategy[Stored]:
    return st.builds(
        lambda data, mode, day: Stored(content=((0, data),), mode=mode, modified=day * _DAY),
        st.binary(max_size=2000),
        st.integers(0, 0o777),
        st.integers(0, int(_LATEST / _DAY)),
    )


_OF_TYPES: Mapping[type[Any], Callable[[], SearchStrategy[Any]]] = {
    Entry: entries,
    Fault: faults,
    Permission: permissions,
    Stored: _stored,
    User: users,
}


def register() -> None:
    """Tell Hypothesis the strategies of types; it calls this itself when it is imported."""
    for kind, strategy in _OF_TYPES.items():
        st.register_type_strategy(kind, strategy())
