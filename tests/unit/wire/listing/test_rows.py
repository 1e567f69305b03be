"""Lines made straight from results of `lstat`: the same as those of entries, character for character."""

from __future__ import annotations

import stat
from datetime import UTC, timedelta, timezone
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ftpfixture.wire.listing.entry import Entry
from ftpfixture.wire.listing.mlsx import MLSX_FACTS, mlsx_line
from ftpfixture.wire.listing.rows import MlsxRows, UnixRows, type_of, unique
from ftpfixture.wire.listing.unix import unix_line

ZONE = timezone(timedelta(hours=-7))
KINDS = (stat.S_IFREG, stat.S_IFDIR, stat.S_IFIFO)
NAMES = st.text(st.characters(blacklist_characters="\r\n\0/"), min_size=1)
OWNERS = st.sampled_from(["ftp", "a b", "", "100%", "semi;colon", "0"])
TIMES = st.floats(-1e10, 1e11)


@st.composite
def described(draw: st.DrawFn) -> SimpleNamespace:
    """Return a result of `lstat` of a path layer; some attributes may be missing."""
    stats = SimpleNamespace(
        st_mode=draw(st.sampled_from(KINDS)) | draw(st.integers(0, 0o7777)),
        st_nlink=draw(st.integers(1, 70000)),
        st_size=draw(st.integers(0, 1 << 50)),
        st_mtime=draw(TIMES),
    )
    optional: dict[str, st.SearchStrategy[Any]] = {
        "owner": OWNERS,
        "group": OWNERS,
        "st_ino": st.integers(0, 1 << 64),
        "st_dev": st.integers(0, 1 << 32),
        "st_birthtime": TIMES,
    }
    for name, values in optional.items():
        if draw(st.booleans()):
            setattr(stats, name, draw(values))
    return stats


def entry(name: str, stats: Any, perm: str) -> Entry:
    """Return the entry for the same result."""
    create = getattr(stats, "st_birthtime", None)
    return Entry(
        name,
        type_of(stats.st_mode),
        stats.st_size,
        stats.st_mtime // 1,
        None if create is None else create // 1,
        stat.S_IMODE(stats.st_mode),
        stats.st_nlink,
        getattr(stats, "owner", "ftp"),
        getattr(stats, "group", "ftp"),
        unique=unique(stats),
        perm=perm,
    )


@given(st.lists(st.tuples(NAMES, described()), max_size=5), TIMES)
def test_rows_of_list_are_lines_of_ls(files: list[tuple[str, Any]], now: float) -> None:
    """`UnixRows` makes the lines of `unix_line` for any files."""
    row = UnixRows(now, ZONE)
    for name, stats in files:
        assert row(name, stats) == unix_line(entry(name, stats, ""), now=now, timezone=ZONE)


@given(st.lists(st.tuples(NAMES, described()), max_size=5), st.sets(st.sampled_from(MLSX_FACTS)))
def test_rows_of_mlsd_are_lines_of_mlsx(files: list[tuple[str, Any]], facts: set[str]) -> None:
    """`MlsxRows` makes the lines of `mlsx_line` for any choice of facts, unknown ones included."""
    row = MlsxRows(facts, {"file": "adfrw", "dir": "el", "unknown": ""}.__getitem__)
    for name, stats in files:
        perm = {"file": "adfrw", "dir": "el", "unknown": ""}[type_of(stats.st_mode)]
        assert row(name, stats) == mlsx_line(entry(name, stats, perm), facts)


def test_links_are_not_rows() -> None:
    """A link has no row, because a result of `lstat` does not hold its target."""
    link = SimpleNamespace(st_mode=stat.S_IFLNK | 0o777, st_nlink=1, st_size=4, st_mtime=0.0)
    assert UnixRows(0, UTC)("link", link) is None
    assert MlsxRows(MLSX_FACTS, str)("link", link) is None


def test_cached_times_are_limited() -> None:
    """A directory in which every file has its own time needs no more memory than others."""
    row = UnixRows(0, UTC)
    for seconds in range(10_000):
        row("name", SimpleNamespace(st_mode=stat.S_IFREG, st_nlink=1, st_size=4, st_mtime=float(seconds)))
    assert len(row._dates) <= 4096
