"""The files of a server as a mapping, with and without a running server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from threading import Thread, current_thread

import pytest

from ftpfixture import ConfigurationError, FtpServer, PathIO, PathIsNotAbsolute, User
from ftpfixture.files.content import Snapshot
from ftpfixture.testing.files import Files, FileStat
from tests.support.raw import RawClient

TREE = {"/a.txt": b"a", "/in/b.txt": b"bb", "/in/deep/c.txt": b"ccc"}


@pytest.fixture(params=["running", "not running"])
def files(request: pytest.FixtureRequest) -> Iterator[Files]:
    """A small tree, on the thread of a running server and on that of the test."""
    server = FtpServer(files=TREE)
    if request.param == "running":
        server.start()
    yield server.files
    server.stop()


# Reading.


def test_values_are_the_content(files: Files) -> None:
    """A path gives the bytes of its file."""
    assert files["/in/b.txt"] == b"bb"
    assert files.get("/nothing") is None


def test_a_missing_file_is_a_key_error_with_a_hint(files: Files) -> None:
    """The error names the path, and the files there are."""
    with pytest.raises(KeyError) as caught:
        files["/in/d.txt"]

    assert caught.value.args == ("/in/d.txt: no such file; there are /a.txt, /in/b.txt, /in/deep/c.txt",)


def test_a_missing_file_among_none() -> None:
    """Without any file the hint is "none"."""
    with pytest.raises(KeyError, match="/a: no such file; there are none"):
        FtpServer().files["/a"]


def test_a_directory_has_no_content(files: Files) -> None:
    """A directory is no file, so its content is a KeyError."""
    with pytest.raises(KeyError, match="/in: no such file"):
        files["/in"]


@pytest.mark.parametrize(("path", "hint"), [("a.txt", "/a.txt"), ("../a.txt", "/a.txt"), ("./in/b", "/in/b")])
def test_a_relative_path_is_refused(files: Files, path: str, hint: str) -> None:
    """Every access needs an absolute path, and the error suggests one."""
    for access in (files.__getitem__, files.__delitem__, files.__contains__, files.mkdir, files.stat):
        with pytest.raises(PathIsNotAbsolute, match=f"'{path}' must be absolute: did you mean '{hint}'"):
            access(path)
    with pytest.raises(PathIsNotAbsolute):
        files[path] = b"x"


def test_a_path_with_dots_is_refused(files: Files) -> None:
    """A path that goes up is refused, so that one file has one name."""
    with pytest.raises(PathIsNotAbsolute):
        files["/in/../a.txt"]


def test_iteration_gives_the_files_sorted(files: Files) -> None:
    """Iterating, counting, keys and items are about files only."""
    assert list(files) == sorted(TREE)
    assert len(files) == 3
    assert dict(files) == files.as_dict() == dict(files.items()) == TREE
    assert bool(files)
    assert not FtpServer().files


def test_in_knows_directories_too(files: Files) -> None:
    """`in` is true for files and directories, and false for the rest, also for what is no path."""
    assert "/a.txt" in files
    assert "/in" in files
    assert "/in/" in files
    assert "/" in files
    assert "/nothing" not in files
    assert 5 not in files  # type: ignore[comparison-overlap]


def test_below(files: Files) -> None:
    """The files of a directory and of those in it, by absolute path; an unknown directory is an error."""
    assert files.below("/in") == {"/in/b.txt": b"bb", "/in/deep/c.txt": b"ccc"}
    assert files.below("/in/") == files.below("/in")
    assert files.below("/") == files.as_dict()
    files.mkdir("/in2")
    assert files.below("/in2") == {}
    with pytest.raises(KeyError, match=r"/out: no such directory; there are /, /in, /in/deep"):
        files.below("/out")
    with pytest.raises(KeyError, match=r"/a\.txt: no such directory"):
        files.below("/a.txt")
    with pytest.raises(PathIsNotAbsolute, match="did you mean '/in'"):
        files.below("in")


def test_text(files: Files) -> None:
    """The content as text, line ends untouched; what is no text of the encoding is an error."""
    files["/t"] = "grüße\r\n".encode("latin-1")

    assert files.text("/a.txt") == "a"
    assert files.text("/t", "latin-1") == "grüße\r\n"
    with pytest.raises(UnicodeDecodeError):
        files.text("/t")
    with pytest.raises(KeyError, match="no such file"):
        files.text("/in")
    with pytest.raises(ConfigurationError, match="encoding takes an encoding of Python's"):
        files.text("/t", "latin-0")


def test_directories(files: Files) -> None:
    """All directories but the root are listed, sorted."""
    files.mkdir("/empty")

    assert files.directories == ["/empty", "/in", "/in/deep"]


# Writing.


def test_a_file_is_stored_with_its_directories(files: Files) -> None:
    """Setting makes the directories above, and replaces what was there."""
    files["/new/deep/d.txt"] = b"d"
    files["/a.txt"] = b"other"

    assert files["/new/deep/d.txt"] == b"d"
    assert files["/a.txt"] == b"other"
    assert "/new/deep" in files.directories


@pytest.mark.parametrize("data", ["text", None, 5, [1]])
def test_files_hold_bytes(files: Files, data: object) -> None:
    """Anything but bytes is a TypeError that shows how to make them, and nothing is stored."""
    with pytest.raises(TypeError, match=rf"/t: files hold bytes, not {type(data).__name__}: use b'...' or \.encode"):
        files.set("/t", data)  # type: ignore[arg-type]
    assert "/t" not in files


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_a_stored_buffer_is_copied(files: Files, kind: type) -> None:
    """A buffer that changes later does not change the file."""
    buffer = bytearray(b"before")
    files["/t"] = kind(buffer)
    buffer[:] = b"after!"

    assert files["/t"] == b"before"
    assert type(files["/t"]) is bytes


def test_put_makes_directories() -> None:
    """None, or an empty content for a path that ends in a slash, is a directory."""
    files = FtpServer(files={"/one": None, "/two/": None, "/three/": b"", "/four": b""}).files

    assert files.directories == ["/one", "/three", "/two"]
    assert files == {"/four": b""}


def test_a_directory_with_content_is_refused(files: Files) -> None:
    """Bytes for a path that ends in a slash are a mistake, and nothing is stored."""
    with pytest.raises(ConfigurationError, match="'/new/' is a directory, which has no content"):
        files["/new/"] = b"content"
    with pytest.raises(ConfigurationError, match="'/new/' is a directory"):
        FtpServer(files={"/new/": b"content"})
    assert "/new" not in files


def test_mkdir_makes_all_and_leaves_what_is_there(files: Files) -> None:
    """Directories above are made; one that is there keeps its files."""
    files.mkdir("/x/y/z")
    files.mkdir("/in")

    assert {"/x", "/x/y", "/x/y/z"} < set(files.directories)
    assert files["/in/b.txt"] == b"bb"


def test_mkdir_over_a_file_is_an_error(files: Files) -> None:
    """A file is never replaced by a directory."""
    with pytest.raises(OSError, match=r"a\.txt"):
        files.mkdir("/a.txt")
    assert files["/a.txt"] == b"a"


def test_writing_below_a_file_is_an_error(files: Files) -> None:
    """Nothing can be stored below a file."""
    with pytest.raises(OSError, match=r"a\.txt"):
        files["/a.txt/b"] = b"x"


def test_deleting(files: Files) -> None:
    """A file goes alone, a directory with all that is in it."""
    del files["/a.txt"]
    assert list(files) == ["/in/b.txt", "/in/deep/c.txt"]

    del files["/in"]

    assert (list(files), files.directories) == ([], [])


def test_deleting_what_is_not_there(files: Files) -> None:
    """The error is a KeyError, as for any mapping."""
    with pytest.raises(KeyError, match="/nothing: no such file or directory"):
        del files["/nothing"]
    assert files.pop("/nothing", b"default") == b"default"


def test_the_rest_of_a_mapping(files: Files) -> None:
    """The other methods of a mutable mapping work."""
    files.update({"/u.txt": b"u"})
    assert files.pop("/u.txt") == b"u"
    assert files.setdefault("/a.txt", b"other") == b"a"
    files.clear()

    assert files == {}


# stat and set.


def test_stat_of_a_file(files: Files) -> None:
    """The values that were set are returned: size, time, mode, owner, group."""
    files.set("/s.txt", b"12345", modified=1_000_000_000.5, mode=0o640, owner="ann", group="staff")

    assert files.stat("/s.txt") == FileStat("file", 5, 1_000_000_000.5, 0o640, "ann", "staff")


def test_set_again_changes_only_what_is_given(files: Files) -> None:
    """A second `set` keeps owner, group and mode, but not the time."""
    files.set("/s.txt", b"1", modified=1_000_000_000, mode=0o640, owner="ann", group="staff")
    files.set("/s.txt", b"22")

    stat = files.stat("/s.txt")
    assert (stat.size, stat.mode, stat.owner, stat.group) == (2, 0o640, "ann", "staff")
    assert stat.modified > 1_000_000_000


def test_stat_of_a_directory(files: Files) -> None:
    """A directory has the type "dir" and the size 0."""
    assert (files.stat("/in").type, files.stat("/in").size) == ("dir", 0)
    assert files.stat("/").type == "dir"


def test_stat_of_nothing(files: Files) -> None:
    """A missing path is a KeyError."""
    with pytest.raises(KeyError, match="/nothing: no such file or directory"):
        files.stat("/nothing")


def test_times_are_those_of_the_server() -> None:
    """A file is stored at the time that the server's clock shows."""
    files = FtpServer(files={"/a": b"a"}, clock=lambda: 5.0).files

    assert files.stat("/a").modified == 5.0


def test_symlinks(files: Files) -> None:
    """A link is followed for its content, and is neither listed nor counted as a file; `stat` describes the link."""
    files.symlink("/link", "/in/b.txt")
    files.symlink("/in/up", "../a.txt")
    files.symlink("/gone", "/nothing")

    assert (files["/link"], files["/in/up"]) == (b"bb", b"a")
    assert files.stat("/link").type == "link"
    assert list(files) == sorted(TREE)
    assert "/gone" in files
    with pytest.raises(KeyError):
        files["/gone"]


def test_deleting_a_link_leaves_its_target(files: Files) -> None:
    """`del` of a link removes the link only."""
    files.symlink("/link", "/in")
    del files["/link"]

    assert "/link" not in files
    assert files["/in/b.txt"] == b"bb"


# Equality and repr.


def test_equality_with_mappings(files: Files) -> None:
    """Files are equal to a mapping with the same paths and bytes, either way round, and to other files."""
    assert files == TREE
    plain = dict(TREE)
    assert plain == files
    assert files == FtpServer(files=TREE).files
    assert files != {**TREE, "/a.txt": b"other"}
    assert files != {"/a.txt": b"a"}
    assert files != {}
    assert files != 5
    assert files.__eq__(5) is NotImplemented


def test_files_cannot_be_hashed(files: Files) -> None:
    """Files change, so they have no hash."""
    with pytest.raises(TypeError, match="unhashable"):
        hash(files)


def test_repr_shows_sizes(files: Files) -> None:
    """The repr has the names and sizes of the files, without their content."""
    assert repr(files) == "<Files '/a.txt': 1 bytes, '/in/b.txt': 2 bytes, '/in/deep/c.txt': 3 bytes>"
    assert repr(FtpServer().files) == "<Files none>"


# load and save.


def test_save_and_load(files: Files, tmp_path: Path) -> None:
    """Files that are saved and loaded again are the same, empty directories included."""
    files.mkdir("/empty")
    files.save(tmp_path / "made" / "here")

    assert (tmp_path / "made/here/in/deep/c.txt").read_bytes() == b"ccc"
    assert (tmp_path / "made/here/empty").is_dir()
    again = FtpServer().files
    again.load(tmp_path / "made" / "here")
    assert again == files
    assert again.directories == files.directories


def test_load_and_save_of_a_part(files: Files, tmp_path: Path) -> None:
    """Both take a directory: its name does not appear on the other side."""
    files.save(str(tmp_path), "/in")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["b.txt", "c.txt", "deep"]

    files.load(str(tmp_path), "/copy")

    assert files["/copy/deep/c.txt"] == b"ccc"
    assert files["/a.txt"] == b"a"


def test_load_keeps_times(files: Files, tmp_path: Path) -> None:
    """A file is loaded with its modification time."""
    source = tmp_path / "t.txt"
    source.write_bytes(b"t")
    files.load(tmp_path)

    assert files.stat("/t.txt").modified == source.stat().st_mtime


def test_load_of_no_folder(files: Files, tmp_path: Path) -> None:
    """A folder that is missing, or a file, is an error."""
    (tmp_path / "file").write_bytes(b"")
    for folder in (tmp_path / "missing", tmp_path / "file"):
        with pytest.raises(NotADirectoryError, match=f"{folder.name} is not a folder"):
            files.load(folder)


# With a server.


def test_files_and_clients_see_the_same() -> None:
    """The test reads what a client stores, and the client fetches what the test stores."""
    with FtpServer() as server, RawClient(server.address) as client:
        client.login()
        assert client.store("STOR up.txt", b"from the client") == ["150", "226"]
        server.files["/down.txt"] = b"from the test"

        assert server.files["/up.txt"] == b"from the client"
        assert client.fetch("RETR down.txt") == (["150", "226"], b"from the test")


def test_content_is_copied_on_the_caller_s_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copying a large file takes long, and the loop has other sessions to serve meanwhile."""
    threads: list[Thread] = []
    read = Snapshot.read

    def reading(self: Snapshot, position: int, count: int = -1) -> bytes:
        threads.append(current_thread())
        return read(self, position, count)

    monkeypatch.setattr(Snapshot, "read", reading)
    with FtpServer(files={"/a": b"1", "/b": b"2"}) as server:
        assert server.files["/a"] == b"1"
        assert server.files == {"/a": b"1", "/b": b"2"}
    assert threads == [current_thread()] * 3


def test_files_can_be_used_after_the_stop() -> None:
    """After the server has stopped, its files can still be read and changed."""
    with FtpServer(files=TREE) as server:
        pass

    assert server.files == TREE
    server.files["/after"] = b"x"
    assert server.files["/after"] == b"x"


@pytest.mark.parametrize("access", [list, len, repr, lambda files: files["/a"], lambda files: files.mkdir("/a")])
def test_files_outside_of_memory(access: object, tmp_path: Path) -> None:
    """Files that are not in memory cannot be read here, and the error names where they are."""
    own = FtpServer(path_io_factory=PathIO, users=[User(base_path=tmp_path)])
    for server, text in ((own, "look at the files where that keeps them"), (FtpServer(root=tmp_path), str(tmp_path))):
        with pytest.raises(ConfigurationError, match=re.escape(text)):
            access(server.files)  # type: ignore[operator]
