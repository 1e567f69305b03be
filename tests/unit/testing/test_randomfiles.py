"""Random names and trees."""

from __future__ import annotations

import hashlib
from random import Random

import pytest

from ftpfixture import FtpServer
from ftpfixture.errors import ConfigurationError
from ftpfixture.testing.randomfiles import HOSTILE, SENDABLE, RandomFiles, feed_name, hostile_name, tree


def digest(*values: object) -> str:
    """The beginning of a sum over values."""
    return hashlib.sha256(repr(values).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def test_the_same_on_every_machine() -> None:
    """A seed decides, whatever the version of Python; a change here changes the tests of users."""
    assert digest(sorted(tree(Random(7), 50).items())) == "8054fe7f05c56596"
    random = Random(7)
    assert digest([feed_name(random) for _ in range(100)]) == "948d49fb802ead87"
    assert digest([hostile_name(random, kind) for kind in HOSTILE]) == "b5a9bc6d75895a91"


def test_trees() -> None:
    """As many files as were asked for, with names, folders and sizes of all kinds."""
    files = tree(Random(1), 400)
    assert len(files) == 400
    assert {path.count("/") for path in files} == {1, 2, 3, 4}
    sizes = sorted(map(len, files.values()))
    assert sizes[0] == 0
    assert sizes[-1] > 30_000
    assert any(content.startswith(b"orders;") for content in files.values())
    assert len({path.rpartition("/")[2] for path in files}) > 390


def test_hostile_names() -> None:
    """Each kind is what it is called, fits a file system, and is one name."""
    for seed in range(20):
        random = Random(seed)
        names = {kind: hostile_name(random, kind) for kind in HOSTILE}
        assert all(name and "/" not in name and "\0" not in name and name not in (".", "..") for name in names.values())
        sizes = {kind: len(name.encode("utf-8", "surrogateescape")) for kind, name in names.items()}
        assert max(sizes.values()) == 255 == sizes["255 bytes"] == sizes["255 bytes, two for a letter"]
        assert not any("\r" in names[kind] or "\n" in names[kind] for kind in SENDABLE)
        assert {kind for kind in HOSTILE if not names[kind].isprintable()} >= {"tab", "line feed", "no UTF-8"}
    assert "\n" in "".join(hostile_name(Random(seed), sendable=False) for seed in range(300))
    assert "\n" not in "".join(hostile_name(Random(seed)) for seed in range(300))


@pytest.mark.parametrize("text", ["random:", "random:0", "random:-1", "random:100001", "rnadom:5", "random:5 "])
def test_wrong_texts(text: str) -> None:
    """The error says what would work."""
    with pytest.raises(ConfigurationError, match=r'files takes "random:N" with a number of files from 1 to 100000'):
        RandomFiles.parse(text)
    with pytest.raises(ConfigurationError, match="random:N"):
        FtpServer(files=text)


def test_a_server_with_random_files() -> None:
    """The same seed is the same tree, also after a reset; a seed for other files is an error."""
    with FtpServer(files="random:20", seed=3) as server:
        before = dict(server.files)
        assert before == RandomFiles(20).drawn(3)
        assert server.seed == 3
        server.files.clear()
        server.reset()
        assert server.files == before
        server.reset(seed=4)
        assert server.files == RandomFiles(20).drawn(4)
    assert FtpServer(files="random:1").seed == 0
    assert FtpServer().seed is None
    with pytest.raises(ConfigurationError, match='seed=3 is for files="random:N", and the files are given'):
        FtpServer(seed=3)
