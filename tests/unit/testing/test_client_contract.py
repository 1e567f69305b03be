"""The model of a tree: which states an operation may leave, and what a difference is called."""

from __future__ import annotations

from typing import Any

from ftpfixture.testing.client_contract import Model, Operation, difference
from tests.support.rows import table

OLD, NEW, OTHER = b"old old", b"new content", b"other"
BEFORE = {"/a": OLD, "/b": OTHER}

UP = Operation("upload", "/a", NEW)
FRESH = Operation("upload", "/c", NEW)
AGAIN = Operation("resume_upload", "/a", b"old old and the rest")
MOVE = Operation("rename", "/a", target="/c")
OVER = Operation("rename", "/a", target="/b")
GONE = Operation("delete", "/a")
MAKE = Operation("mkdir", "/d")


@table(
    ("seen", "wanted", "told"),
    [
        (None, b"abc", ("lost", "there is no such file")),
        (b"abc", None, ("wrong", "there is a file of 3 bytes")),
        (b"", b"abc", ("truncated", "it has 0 of 3 bytes")),
        (b"ab", b"abc", ("truncated", "it has 2 of 3 bytes")),
        (b"abcabc", b"abc", ("doubled", "it has 6 bytes for 3: a part of it is there twice")),
        (b"abcbc", b"abc", ("doubled", "it has 5 bytes for 3: a part of it is there twice")),
        (b"ababc", b"abc", ("doubled", "it has 5 bytes for 3: a part of it is there twice")),
        (b"abcxyz", b"abc", ("mixed", "it has 3 bytes more after its 3")),
        (b"axc", b"abc", ("mixed", "it has 3 bytes for 3, and other ones from byte 1 on")),
        (b"x", b"", ("mixed", "it has 1 bytes more after its 0")),
    ],
)
def test_differences(seen: bytes | None, wanted: bytes | None, told: tuple[str, str]) -> None:
    """Each has a word and a phrase."""
    assert difference(seen, wanted) == told


def judged(operation: Operation, failed: bool, changes: dict[str, bytes | None], **options: Any) -> str | None:
    """The verdict when an operation has left these changes; None for no finding."""
    model = Model(files=dict(BEFORE), directories=set(options.pop("directories", ())), **options)
    after = {path: data for path, data in {**BEFORE, **changes}.items() if data is not None}
    finding = model.judge(operation, failed, after, options.get("there", ()))
    return None if finding is None else finding.verdict


@table(
    ("operation", "failed", "changes", "verdict"),
    [
        # An upload that returned.
        (UP, False, {"/a": NEW}, None),
        (UP, False, {}, "mixed"),
        (UP, False, {"/a": NEW[:3]}, "truncated"),
        (UP, False, {"/a": None}, "lost"),
        (UP, False, {"/a": NEW, "/b": None}, "lost"),
        (UP, False, {"/a": NEW, "/x": NEW}, "wrong"),
        (FRESH, False, {"/c": NEW + NEW}, "doubled"),
        # One that failed.
        (UP, True, {}, None),
        (UP, True, {"/a": b""}, None),
        (UP, True, {"/a": NEW[:3]}, None),
        (UP, True, {"/a": NEW}, None),
        (UP, True, {"/a": None}, None),
        (UP, True, {"/a": NEW + NEW[2:]}, "doubled"),
        (UP, True, {"/a": OLD + NEW}, "mixed"),
        (UP, True, {"/b": b"x"}, "mixed"),
        (FRESH, True, {"/c": NEW[:3]}, None),
        # A resumed one.
        (AGAIN, False, {"/a": b"old old and the rest"}, None),
        (AGAIN, False, {"/a": b"old old old old and the rest"}, "doubled"),
        (AGAIN, True, {"/a": b"old old an"}, None),
        (AGAIN, True, {"/a": b"old oldold old an"}, "mixed"),
        # A rename.
        (MOVE, False, {"/a": None, "/c": OLD}, None),
        (MOVE, False, {}, "wrong"),
        (MOVE, False, {"/a": None}, "lost"),
        (MOVE, True, {}, None),
        (MOVE, True, {"/a": None, "/c": OLD}, None),
        (MOVE, True, {"/c": OLD}, None),
        (MOVE, True, {"/a": None}, "lost"),
        (MOVE, True, {"/c": OLD[:2]}, "truncated"),
        (OVER, False, {"/a": None, "/b": OLD}, None),
        (OVER, True, {}, None),
        (OVER, True, {"/b": None}, "lost"),
        # A deletion.
        (GONE, False, {"/a": None}, None),
        (GONE, False, {}, "wrong"),
        (GONE, True, {}, None),
        (GONE, True, {"/a": None}, None),
        (GONE, True, {"/a": b"o"}, "truncated"),
        # What changes nothing.
        (Operation("list", "/"), True, {"/a": None}, "lost"),
        (Operation("download", "/a"), False, {}, None),
        (MAKE, True, {}, None),
        (MAKE, False, {}, "lost"),
    ],
)
def test_what_may_be_there(
    operation: Operation, failed: bool, changes: dict[str, bytes | None], verdict: str | None
) -> None:
    """After each operation, each state is permitted or has a verdict."""
    assert judged(operation, failed, changes) == verdict


@table(
    ("changes", "verdict"),
    [({}, None), ({"/a": NEW}, None), ({"/a": NEW[:3]}, "truncated"), ({"/a": None}, "lost"), ({"/x.part": b""}, None)],
)
def test_an_atomic_upload_that_failed(changes: dict[str, bytes | None], verdict: str | None) -> None:
    """The old file is there, or the new one, and perhaps a temporary one."""
    assert judged(UP, True, changes, atomic=True, temporary=("*.part",)) == verdict


def test_directories() -> None:
    """A new directory that was not asked for, and one that is gone, are findings; a temporary one is none."""
    model = Model(directories={"/d"}, temporary=(".tmp*",))

    assert model.judge(Operation("list", "/"), False, {}, ["/d", "/.tmp1"]) is None
    assert model.judge(MAKE, True, {}, ["/d"]) is None
    for there, text in ((["/d", "/x"], "new directory /x"), ([], "no directory /d")):
        finding = model.judge(Operation("list", "/"), False, {}, there)
        assert finding is not None
        assert text in finding.text


def test_what_a_failed_operation_leaves_open() -> None:
    """The server may carry it out later, until the client is gone, or the client has written the file again."""
    model = Model(files=dict(BEFORE))
    late = {**BEFORE, "/a": NEW[:4]}
    nothing = Operation("list", "/")

    model.leave_open(UP, failed=True)
    assert model.judge(nothing, False, late, []) is None
    model.leave_open(UP, failed=False)
    assert model.judge(nothing, False, late, []) is not None
    model.leave_open(UP, failed=True)
    model.settle()
    assert model.judge(nothing, False, late, []) is not None
    model.leave_open(UP, failed=True, spoiled=True)
    assert model.judge(nothing, False, {**BEFORE, "/a": b"anything"}, []) is None


@table(
    ("operation", "value", "verdict"),
    [
        (Operation("download", "/a"), OLD, None),
        (Operation("download", "/a"), bytearray(OLD), None),
        (Operation("download", "/a"), OLD[:2], "truncated"),
        (Operation("download", "/a"), "old old", "wrong"),
        (Operation("download", "/x"), b"", "wrong"),
        (Operation("resume_download", "/a", begin=OLD[:2]), OLD[:2] + OLD, "doubled"),
        (Operation("rename", "/x", target="/y"), None, "wrong"),
        (Operation("list", "/"), ["b", "a"], None),
        (Operation("list", "/"), iter(["a", "b"]), None),
        (Operation("list", "/"), ["a"], "wrong"),
        (Operation("list", "/"), ["a", "a", "b"], "wrong"),
        (Operation("delete", "/a"), True, None),
    ],
)
def test_what_is_returned(operation: Operation, value: object, verdict: str | None) -> None:
    """A download returns the bytes of the file, a listing each name once; what is not there cannot be returned."""
    finding = Model(files=dict(BEFORE)).judge_value(operation, value, BEFORE)

    assert (finding and finding.verdict) == verdict
