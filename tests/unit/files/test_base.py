"""The base class of all path layers, and the decorators of their methods."""

from __future__ import annotations

import asyncio
import functools
import io
from collections.abc import Awaitable, Callable
from pathlib import PurePath, PurePosixPath
from typing import Any

import pytest

from ftpfixture.aio import AbstractAsyncLister
from ftpfixture.errors import PathIOError
from ftpfixture.files.base import AbstractPathIO, NameLister, PathIONursery
from ftpfixture.files.disk import PathIO
from ftpfixture.files.handles import check_mode, defend_file_methods, universal_exception
from ftpfixture.files.memory import MemoryPathIO
from tests.support.rows import table

FILE = PurePosixPath("/file")


class Minimal(AbstractPathIO):
    """The methods that a user has to write, over a dictionary."""

    def __init__(self, timeout: float | None = None, connection: Any = None, state: Any = None) -> None:
        super().__init__(timeout, connection, {} if state is None else state)

    async def exists(self, path: PurePath) -> bool:
        """Return True when the path exists, links followed."""
        return path in self.state

    async def is_dir(self, path: PurePath) -> bool:
        """Return True for a directory, links followed."""
        return False

    async def is_file(self, path: PurePath) -> bool:
        """Return True for a regular file, links followed."""
        return path in self.state

    async def mkdir(self, path: PurePath, *, parents: bool = False, exist_ok: bool = False) -> None:
        """Make a directory."""

    async def rmdir(self, path: PurePath) -> None:
        """Remove an empty directory."""

    async def unlink(self, path: PurePath) -> None:
        """Remove a file, or a link but not its target."""

    def list(self, path: PurePath) -> AbstractAsyncLister[Any]:
        """List the children of a directory."""
        raise NotImplementedError

    async def stat(self, path: PurePath) -> Any:
        """Describe a file or directory, links followed."""
        return ("stats", path)

    async def _open(self, path: PurePath, mode: str) -> Any:
        return self.state.setdefault(path, io.BytesIO())

    async def seek(self, file: Any, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position of a raw file."""
        return int(file.seek(offset, whence))

    async def write(self, file: Any, data: bytes | bytearray | memoryview) -> int:
        """Write all of `data` at the position of a raw file."""
        return int(file.write(data))

    async def read(self, file: Any, n: int = -1) -> bytes:
        """Read `n` bytes from a raw file, or all that are left."""
        return bytes(file.read(n))

    async def close(self, file: Any) -> None:
        """Close a raw file."""
        file.seek(0)

    async def rename(self, source: PurePath, destination: PurePath) -> None:
        """Rename or move a file or directory; a file at the destination is replaced."""


def test_abstract_methods() -> None:
    """A layer that lacks a method cannot be instantiated; the error names the missing method."""
    with pytest.raises(TypeError, match="rename"):
        AbstractPathIO()  # type: ignore[abstract]


def test_settings_outside_a_loop() -> None:
    """Timeout, connection and state can be passed by position and read without a loop."""
    made = Minimal(3, "connection", {"shared": True})
    assert (made.timeout, made.connection, made.state) == (3, "connection", {"shared": True})
    assert PathIO().state is None


def test_settings_without_the_base_constructor() -> None:
    """A subclass that does not call the base's __init__ still has the attributes."""

    class Lazy(Minimal):
        def __init__(self) -> None:
            pass

    made = Lazy()
    assert (made.timeout, made.connection, made.state) == (None, None, None)


async def test_defaults() -> None:
    """A minimal layer reads pieces with `read`, has no links, and raises NotImplementedError for the rest."""
    layer = Minimal()
    async with layer.open(FILE, "wb") as file:
        await file.write(b"0123456789")
    async with layer.open(FILE) as file:
        assert await file.read_some(4) == b"0123"
    assert await layer.resolve(FILE) is FILE
    assert await layer.lstat(FILE) == ("stats", FILE)
    calls: list[Awaitable[object]] = [
        layer.readlink(FILE),
        layer.symlink(FILE, FILE),
        layer.chmod(FILE, 0o600),
        layer.set_times(FILE, modify=1.0),
        layer.chown(FILE, owner="ann"),
        layer.free_space(FILE),
    ]
    for call in calls:
        with pytest.raises(NotImplementedError, match="this path layer"):
            await call


@table("mode", ["rb", "wb", "ab", "r+b"])
def test_check_mode_accepts_the_four(mode: str) -> None:
    """The four modes are accepted."""
    check_mode(mode)


@table("mode", ["r", "w", "a", "xb", "w+b", "rb+", "", "rw"])
def test_check_mode_refuses_others(mode: str) -> None:
    """All others raise ValueError, and the message lists the four."""
    with pytest.raises(ValueError, match=r"is not one of rb, wb, ab, r\+b"):
        check_mode(mode)


# Open files.


async def test_open_is_awaited_or_entered() -> None:
    """Both ways return the same object; leaving the context closes it."""
    layer = MemoryPathIO()
    context = layer.open(FILE, "wb")
    assert await context is context
    assert context.file is not None
    raw = context.file
    async with context as entered:
        assert entered is context
        assert entered.file is raw
        await entered.write(b"abc")
    assert raw.closed
    async with layer.open(FILE) as file:
        assert await file.seek(1) == 1
        assert await file.read() == b"bc"
        assert await file.seek(-1, io.SEEK_END) == 2
        assert await file.read(5) == b"c"


async def test_exit_closes_after_an_error() -> None:
    """An exception within the context closes the file and is raised."""
    layer = MemoryPathIO()
    files = []

    async def fail() -> None:
        async with layer.open(FILE, "wb") as file:
            files.append(file.file)
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert files[0].closed


@pytest.mark.parametrize(
    "use",
    [
        lambda file: file.seek(0),
        lambda file: file.write(b""),
        lambda file: file.read(),
        lambda file: file.read_some(1),
        lambda file: file.iter_by_block(),
    ],
)
async def test_use_before_opening_and_after_closing(use: Callable[[Any], object]) -> None:
    """Using a file that is not open raises ValueError with the way to open it."""
    context = MemoryPathIO().open(FILE, "wb")
    with pytest.raises(ValueError, match="/file is not open: use `async with"):
        use(context)
    async with context:
        pass
    with pytest.raises(ValueError, match="is not open"):
        use(context)


async def test_close_twice() -> None:
    """Closing early, twice, or without opening is allowed."""
    layer = MemoryPathIO()
    await layer.open(FILE).close()
    async with layer.open(FILE, "wb") as file:
        await file.close()
        await file.close()


async def test_failing_open_is_a_path_io_error() -> None:
    """An error of opening is raised from the context, and nothing is closed."""
    with pytest.raises(PathIOError) as caught:
        async with MemoryPathIO().open(FILE):
            raise AssertionError("unreachable")
    assert caught.value.reason is not None
    assert caught.value.reason[0] is FileNotFoundError


async def test_iter_by_block() -> None:
    """All blocks but the last are full, whatever the chunks are."""
    layer = MemoryPathIO()
    async with layer.open(FILE, "wb") as file:
        for size in (20_000, 5, 30_000, 17_000):
            await file.write(bytes(size))
    async with layer.open(FILE) as file:
        assert [len(block) async for block in file.iter_by_block(20_000)] == [20_000, 20_000, 20_000, 7_005]
    async with layer.open(FILE) as file:
        assert len(await anext(file.iter_by_block())) == 8192


async def test_repr_of_an_open_file() -> None:
    """The repr has path, mode and whether the file is open."""
    context = MemoryPathIO().open(FILE, "wb")
    assert repr(context) == "<AsyncPathIOContext /file wb closed>"
    async with context:
        assert repr(context) == "<AsyncPathIOContext /file wb open>"


# Decorators.


async def test_universal_exception() -> None:
    """Any exception becomes a PathIOError, with the original as reason and as cause."""
    original = KeyError("x")

    @universal_exception
    async def fail() -> None:
        raise original

    with pytest.raises(PathIOError) as caught:
        await fail()
    assert caught.value.reason is not None
    assert caught.value.reason[:2] == (KeyError, original)
    assert caught.value.reason[2] is original.__traceback__
    assert caught.value.__cause__ is original
    assert fail.__name__ == "fail"


@pytest.mark.parametrize(
    "error",
    [asyncio.CancelledError(), NotImplementedError(), StopAsyncIteration(), PathIOError("once"), KeyboardInterrupt()],
    ids=lambda error: type(error).__name__,
)
async def test_universal_exception_passes(error: BaseException) -> None:
    """Exceptions that are no failure of the layer, and PathIOError, pass unchanged."""

    @universal_exception
    async def fail() -> None:
        raise error

    # Not pytest.raises, because pytest and asyncio handle some of these themselves.
    try:
        await fail()
    except BaseException as seen:
        caught = seen
    assert caught is error


async def test_universal_exception_returns() -> None:
    """Arguments and result pass."""

    @universal_exception
    async def add(first: int, *, second: int) -> int:
        return first + second

    assert await add(1, second=2) == 3


@pytest.mark.parametrize("name", ["seek", "write", "read", "read_some", "close"])
async def test_defend_file_methods(name: str) -> None:
    """The layers of the package reject the context of a file in place of the file."""
    layer = MemoryPathIO()
    async with layer.open(FILE, "wb") as file:
        arguments = {"seek": (0,), "write": (b"x",), "read_some": (1,)}.get(name, ())
        with pytest.raises(PathIOError, match=f"{name} of the opened context") as caught:
            await getattr(layer, name)(file, *arguments)
    assert isinstance(caught.value.__cause__, ValueError)


async def test_defend_file_methods_without_arguments() -> None:
    """A method without arguments is called as it is."""

    @defend_file_methods
    async def nothing(self: object) -> int:
        return 5

    assert await nothing(None) == 5


# Overrides.


@table("base", [MemoryPathIO, PathIO])
def test_read_some_uses_an_override_of_read(base: type[AbstractPathIO]) -> None:
    """A subclass that overrides `read` reads pieces through it, also when a mixin has the override."""

    class Mixin:
        async def read(self, file: Any, n: int = -1) -> bytes:
            return b"mine"

    direct = type("Direct", (base,), {"read": Mixin.read})
    mixed = type("Mixed", (Mixin, base), {})
    below = type("Below", (direct,), {})
    both = type("Both", (direct,), {"read": Mixin.read, "read_some": "mine"})
    neither = type("Neither", (base,), {})
    for made in (direct, mixed, below):
        assert made.read_some is AbstractPathIO.read_some  # type: ignore[attr-defined]
    assert both.read_some == "mine"  # type: ignore[attr-defined]
    assert neither.read_some is base.read_some  # type: ignore[attr-defined]


async def test_read_override_is_used() -> None:
    """`read_some` of an open file returns bytes of the overridden `read`."""

    class Shouting(MemoryPathIO):
        @universal_exception
        async def read(self, file: Any, n: int = -1) -> bytes:
            return (await super().read(file, n)).upper()

    layer = Shouting()
    layer.state.write_file(FILE, b"hello")
    async with layer.open(FILE) as file:
        assert await file.read_some(3) == b"HEL"


async def test_lstat_uses_an_override_of_stat() -> None:
    """A subclass that overrides `stat` shows the same in listings, which use `lstat`."""

    class Flat(MemoryPathIO):
        async def stat(self, path: PurePath) -> Any:
            return "flat"

    seen: object = await Flat().lstat(FILE)
    assert seen == "flat"


# The nursery.


def test_nursery_shares_the_first_state() -> None:
    """All layers see the files of the first; a state passed to the nursery is ignored."""
    nursery = PathIONursery(MemoryPathIO)
    first, second = nursery(), nursery(timeout=3, connection="c", state="other")
    assert first.state is second.state is nursery.state
    assert (second.timeout, second.connection) == (3, "c")
    assert nursery.factory is MemoryPathIO


def test_nursery_with_a_state_in_a_partial() -> None:
    """The state in a partial is the shared one."""
    state = MemoryPathIO().state
    nursery = PathIONursery(functools.partial(MemoryPathIO, state=state))
    assert nursery().state is state
    assert nursery().state is state


def test_nursery_with_factories_that_take_less() -> None:
    """A factory gets only the arguments that it takes, and None for a required state at first."""

    def nothing() -> AbstractPathIO:
        return MemoryPathIO()

    def some(*, timeout: float | None) -> AbstractPathIO:
        return MemoryPathIO(timeout=timeout)

    def everything(timeout: float | None, connection: Any, state: Any) -> AbstractPathIO:
        return MemoryPathIO(timeout, connection, state)

    def keywords(**kwargs: Any) -> AbstractPathIO:
        return MemoryPathIO(**kwargs)

    assert PathIONursery(nothing)(timeout=1).timeout is None
    assert PathIONursery(some)(timeout=1).timeout == 1
    for factory in (everything, keywords):
        nursery = PathIONursery(factory)
        assert nursery(1).state is nursery(2, "c").state


def test_nursery_with_a_factory_without_signature() -> None:
    """A factory without a signature gets all arguments."""

    class Opaque:
        __signature__ = "none"

        def __call__(self, **kwargs: Any) -> AbstractPathIO:
            return MemoryPathIO(**kwargs)

    assert PathIONursery(Opaque())(timeout=4).timeout == 4


# The lister of names.


async def test_name_lister() -> None:
    """Names become paths; they are fetched once, when the first is needed."""
    calls = []

    async def fetch(path: PurePath) -> list[str]:
        calls.append(path)
        return ["a", "b"]

    lister = NameLister(PurePosixPath("/d"), fetch, timeout=2)
    assert (calls, lister.timeout) == ([], 2)
    assert await lister == [PurePosixPath("/d/a"), PurePosixPath("/d/b")]
    assert await lister == []
    assert len(calls) == 1


async def test_name_lister_wraps_errors() -> None:
    """An exception of `fetch` becomes a PathIOError."""

    async def fetch(path: PurePath) -> list[str]:
        raise PermissionError

    with pytest.raises(PathIOError):
        await NameLister(FILE, fetch)
