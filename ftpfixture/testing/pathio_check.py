"""A check that a path layer, anybody's, does what the server relies on.

One rule: every failure names the rule that was broken, what was seen, and what to do about it.
"""

from __future__ import annotations

import stat
from collections.abc import Awaitable, Callable
from pathlib import PurePath, PurePosixPath
from typing import Any

from ftpfixture.errors import PathIOError
from ftpfixture.files.base import AbstractPathIO, PathIONursery
from ftpfixture.testing.rules import hold, same

__all__ = ["check_path_io"]

Check = Callable[[AbstractPathIO, PurePath], Awaitable[None]]

_TOP = PurePosixPath("/")
_WRAP = "decorate the method with universal_exception"


async def check_path_io(factory: Callable[..., AbstractPathIO], root: PurePath = _TOP) -> None:
    """Check that the layers a factory makes do what the server relies on.

    Everything happens in a directory that is made for it, and removed in the end. What a layer need not offer (links,
    permissions, times, space) is checked only when it does: NotImplementedError says that it does not.

    Args:
        factory: As for ``Server(path_io_factory=...)``: a class, or anything that takes its place.
        root: A directory that exists, of the path class that the layer works with. For a layer over the disk give a
            temporary one.

    Raises:
        AssertionError: A rule is broken. The text says which, what was seen, and what to do.
    """
    make = PathIONursery(factory)
    path_io = make()
    work = await _unused(path_io, root)
    await _done(
        "mkdir makes a directory below an existing one", path_io.mkdir(work), f"give a root that exists: {root}"
    )
    try:
        await _check_shared_state(make, work)
        for number, check in enumerate(_CHECKS):
            place = work / f"{number}"
            await path_io.mkdir(place)
            await check(path_io, place)
    except Exception as error:
        try:
            await _remove(path_io, work)
        except Exception:
            # A broken layer may not be able to; the broken rule is what matters.
            pass
        if isinstance(error, AssertionError):
            raise
        raise AssertionError(
            f"what the server does every day succeeds; but {type(error).__name__} was raised: {error}. "
            "To do: see the traceback above for the call"
        ) from error
    await _remove(path_io, work)
    hold("what was removed is gone", not await path_io.exists(work), f"{work} is still there", "make rmdir remove it")


# How checks speak.


async def _done(rule: str, call: Awaitable[Any], advice: str) -> Any:
    """Await what must succeed."""
    __tracebackhide__ = True
    try:
        return await call
    except NotImplementedError as error:
        raise AssertionError(f"{rule}; but it is not implemented. To do: implement it") from error
    except Exception as error:
        raise AssertionError(f"{rule}; but it raised {type(error).__name__}: {error}. To do: {advice}") from error


async def _refused(rule: str, call: Awaitable[Any], *wanted: type[Exception]) -> None:
    """Await what must raise PathIOError over one of the wanted exceptions."""
    __tracebackhide__ = True
    names = " or ".join(kind.__name__ for kind in wanted)
    try:
        await call
    except PathIOError as error:
        reason = error.reason[1] if error.reason is not None else None
        hold(rule, isinstance(reason, wanted), f"the reason is {reason!r}", f"raise {names}, and {_WRAP}")
    except Exception as error:
        raise AssertionError(
            f"{rule}; but {type(error).__name__} came out without a PathIOError around it. To do: {_WRAP}"
        ) from error
    else:
        raise AssertionError(f"{rule}; but nothing was raised. To do: raise {names}, and {_WRAP}")


async def _offered(call: Awaitable[Any], rule: str, advice: str) -> bool:
    """Await what need not be implemented; False when it is not."""
    __tracebackhide__ = True
    try:
        await call
    except NotImplementedError:
        return False
    except Exception as error:
        raise AssertionError(f"{rule}; but it raised {type(error).__name__}: {error}. To do: {advice}") from error
    return True


# Small steps.


async def _unused(path_io: AbstractPathIO, root: PurePath) -> PurePath:
    number = 0
    while await path_io.exists(root / f"ftpfixture-check-{number}"):
        number += 1
    return root / f"ftpfixture-check-{number}"


async def _put(path_io: AbstractPathIO, path: PurePath, data: bytes) -> None:
    async with path_io.open(path, mode="wb") as file:
        await file.write(data)


async def _get(path_io: AbstractPathIO, path: PurePath) -> bytes:
    async with path_io.open(path, mode="rb") as file:
        return bytes(await file.read())


async def _remove(path_io: AbstractPathIO, path: PurePath) -> None:
    for child in await path_io.list(path):
        if stat.S_ISDIR((await path_io.lstat(child)).st_mode):
            await _remove(path_io, child)
        else:
            await path_io.unlink(child)
    await path_io.rmdir(path)


# The checks. Each has an empty directory of its own.


async def _check_shared_state(make: PathIONursery, work: PurePath) -> None:
    other = make(timeout=None, connection=None)
    hold(
        "instances that share a state see the same files",
        await other.is_dir(work),
        "the second does not see a directory that the first has made",
        "give the files as `state`, and use the `state` that __init__ is given",
    )


async def _check_kinds(path_io: AbstractPathIO, root: PurePath) -> None:
    await _put(path_io, root / "file", b"x")
    await path_io.mkdir(root / "folder")
    for path, wanted in [
        (root / "folder", (True, True, False)),
        (root / "file", (True, False, True)),
        (root / "missing", (False, False, False)),
        (root / "missing" / "below", (False, False, False)),
        (root / "file" / "below", (False, False, False)),
    ]:
        rule = f"exists, is_dir and is_file tell what {path.relative_to(root)} is"
        advice = "answer, and raise nothing, for a path below a file or a missing directory, too"
        asked = [
            await _done(rule, question(path), advice) for question in (path_io.exists, path_io.is_dir, path_io.is_file)
        ]
        same(rule, tuple(asked), wanted, advice)


async def _check_mkdir(path_io: AbstractPathIO, root: PurePath) -> None:
    await _put(path_io, root / "file", b"x")
    await path_io.mkdir(root / "folder")
    await _refused("mkdir over a file is FileExistsError", path_io.mkdir(root / "file"), FileExistsError)
    await _refused(
        "mkdir over a file is FileExistsError even with exist_ok",
        path_io.mkdir(root / "file", exist_ok=True),
        FileExistsError,
    )
    await _refused("mkdir over a directory is FileExistsError", path_io.mkdir(root / "folder"), FileExistsError)
    await _refused("mkdir without its parent is FileNotFoundError", path_io.mkdir(root / "a" / "b"), FileNotFoundError)
    for parents in (False, True):
        await _refused(
            f"mkdir below a file is NotADirectoryError, parents={parents}",
            path_io.mkdir(root / "file" / "below", parents=parents),
            NotADirectoryError,
        )
    rule = "mkdir with exist_ok takes a directory that is there"
    await _done(rule, path_io.mkdir(root / "folder", exist_ok=True), "do nothing then")
    rule = "mkdir with parents makes what is missing above"
    await _done(rule, path_io.mkdir(root / "a" / "b" / "c", parents=True), "make each directory on the way")
    hold(rule, await path_io.is_dir(root / "a" / "b" / "c"), "the directory is not there", "make it")


async def _check_rmdir(path_io: AbstractPathIO, root: PurePath) -> None:
    await path_io.mkdir(root / "full" / "empty", parents=True)
    await _put(path_io, root / "file", b"x")
    await _refused("rmdir of nothing is FileNotFoundError", path_io.rmdir(root / "missing"), FileNotFoundError)
    await _refused("rmdir of a file is NotADirectoryError", path_io.rmdir(root / "file"), NotADirectoryError)
    await _refused("rmdir of a directory that is not empty is OSError", path_io.rmdir(root / "full"), OSError)
    await _done("rmdir removes an empty directory", path_io.rmdir(root / "full" / "empty"), "remove it")
    hold(
        "rmdir removes an empty directory",
        not await path_io.exists(root / "full" / "empty"),
        "it is still there",
        "remove it",
    )


async def _check_unlink(path_io: AbstractPathIO, root: PurePath) -> None:
    await path_io.mkdir(root / "folder")
    await _put(path_io, root / "file", b"x")
    await _refused("unlink of nothing is FileNotFoundError", path_io.unlink(root / "missing"), FileNotFoundError)
    await _refused(
        "unlink of a directory is IsADirectoryError or PermissionError",
        path_io.unlink(root / "folder"),
        IsADirectoryError,
        PermissionError,
    )
    await _done("unlink removes a file", path_io.unlink(root / "file"), "remove it")
    hold("unlink removes a file", not await path_io.exists(root / "file"), "it is still there", "remove it")


async def _check_list(path_io: AbstractPathIO, root: PurePath) -> None:
    await path_io.mkdir(root / "folder")
    for name in ("file", ".hidden"):
        await _put(path_io, root / name, b"x")
    await _put(path_io, root / "folder" / "deeper", b"x")
    wanted = sorted([root / ".hidden", root / "file", root / "folder"])
    rule = "list gives path / name of each child, hidden ones too"
    same(rule, sorted(await _done(rule, path_io.list(root), "return a lister")), wanted, "list children, as full paths")
    rule, advice = "a lister can be iterated as well as awaited", "derive the lister from AbstractAsyncLister"
    same(rule, sorted(await _done(rule, _iterated(path_io, root), advice)), wanted, advice)
    for name in ("missing", "file"):
        rule = f"list of a path that is no directory ({name}) is empty"
        same(rule, await _done(rule, path_io.list(root / name), "end at once"), [], "end at once")


async def _iterated(path_io: AbstractPathIO, path: PurePath) -> list[PurePath]:
    return [child async for child in path_io.list(path)]


async def _check_stat(path_io: AbstractPathIO, root: PurePath) -> None:
    await _put(path_io, root / "file", b"12345")
    await _refused("stat of nothing is FileNotFoundError", path_io.stat(root / "missing"), FileNotFoundError)
    file, folder = await path_io.stat(root / "file"), await path_io.stat(root)
    for name in ("st_size", "st_mtime", "st_ctime", "st_nlink", "st_mode"):
        hold(f"stat tells {name}", hasattr(file, name), f"{file!r:.100} does not have it", "add it")
    same("st_size is the number of octets", file.st_size, 5, "count what was written")
    hold("st_mode says that a file is one", stat.S_ISREG(file.st_mode), oct(file.st_mode), "add stat.S_IFREG")
    hold("st_mode says that a directory is one", stat.S_ISDIR(folder.st_mode), oct(folder.st_mode), "add stat.S_IFDIR")


async def _check_open(path_io: AbstractPathIO, root: PurePath) -> None:
    await path_io.mkdir(root / "folder")
    await _put(path_io, root / "file", b"x")
    for mode in ("rb", "r+b"):
        rule = f"{mode} of a missing file is FileNotFoundError"
        await _refused(rule, _opened(path_io, root / "missing", mode), FileNotFoundError)
    for mode in ("wb", "ab"):
        rule = f"{mode} in a missing directory is FileNotFoundError"
        await _refused(rule, _opened(path_io, root / "missing" / "file", mode), FileNotFoundError)
    for mode in ("rb", "wb", "ab", "r+b"):
        rule = f"{mode} of a directory is IsADirectoryError"
        await _refused(rule, _opened(path_io, root / "folder", mode), IsADirectoryError, PermissionError)
    for mode in ("r", "w", "xb", ""):
        await _refused(f"mode {mode!r} is ValueError", _opened(path_io, root / "file", mode), ValueError)


async def _opened(path_io: AbstractPathIO, path: PurePath, mode: str) -> None:
    async with path_io.open(path, mode=mode):
        pass


async def _check_write(path_io: AbstractPathIO, root: PurePath) -> None:
    path = root / "file"
    await _done("wb makes a file", _put(path_io, path, b"0123456789"), "make it")
    same("what was written is read", await _get(path_io, path), b"0123456789", "keep all octets in order")
    await _put(path_io, path, b"abc")
    same("wb begins anew", await _get(path_io, path), b"abc", "drop the old content when opening")
    async with path_io.open(path, mode="ab") as file:
        await file.seek(0)
        for data in (b"d", bytearray(b"e"), memoryview(b"f")):
            await _done("write takes bytes, bytearray and memoryview", file.write(data), "take any buffer")
    same("ab writes at the end, wherever the position is", await _get(path_io, path), b"abcdef", "go to the end first")
    async with path_io.open(path, mode="r+b") as file:
        await file.seek(2)
        await file.write(b"--")
        await file.seek(0)
        same("r+b reads, and writes in place", await file.read(), b"ab--ef", "keep what is around")
        await file.seek(9)
        await file.write(b"!")
    same(
        "a write past the end fills with zeros",
        await _get(path_io, path),
        b"ab--ef\0\0\0!",
        "put zeros between the old end and the position",
    )


async def _check_read(path_io: AbstractPathIO, root: PurePath) -> None:
    data = bytes(range(256)) * 1000
    await _put(path_io, root / "file", data)
    async with path_io.open(root / "file") as file:
        rule = "read(n) gives exactly n octets unless the end comes"
        same(rule, await file.read(100_000), data[:100_000], "read until there are n")
        same("read() gives all that is left", await file.read(), data[100_000:], "read to the end")
        same("read at the end gives nothing", await file.read(10), b"", "return b''")
        same("seek returns the new position", await file.seek(-6, 2), len(data) - 6, "return it")
        same("seek counts from the end with whence 2", await file.read(), data[-6:], "add the offset to the size")
        await file.seek(10)
        await file.seek(5, 1)
        same("seek counts from the position with whence 1", await file.read(1), data[15:16], "add the offset to it")
        await file.seek(len(data) + 5)
        same("read past the end gives nothing", await file.read(1), b"", "return b''")
        await file.seek(0)
        seen = b""
        while piece := await _done("read_some reads a piece", file.read_some(5000), "return octets"):
            hold("read_some gives at most count octets", len(piece) <= 5000, f"it gave {len(piece)}", "give fewer")
            seen += bytes(piece)
        same("read_some gives all octets, piece by piece", seen, data, "move the position by what was given")
        await file.seek(0)
        blocks = [len(block) async for block in file.iter_by_block(100_000)]
        same("iter_by_block gives blocks of count octets", blocks, [100_000, 100_000, 56_000], "let read(n) give n")


async def _check_two_openers(path_io: AbstractPathIO, root: PurePath) -> None:
    await _put(path_io, root / "file", b"0123456789")
    first = await path_io.open(root / "file")
    async with first, path_io.open(root / "file") as second:
        seen = [await first.read(4), await second.read(4), await first.read(4), await second.read(4)]
    same(
        "each open file has a position of its own",
        seen,
        [b"0123", b"0123", b"4567", b"4567"],
        "keep the position in what _open returns, not in the stored file",
    )


async def _check_rename(path_io: AbstractPathIO, root: PurePath) -> None:
    for name in ("empty", "folder/in", "target"):
        await path_io.mkdir(root / name, parents=True)
    for name in ("file", "other"):
        await _put(path_io, root / name, name.encode())
    await _refused(
        "rename of nothing is FileNotFoundError", path_io.rename(root / "missing", root / "new"), FileNotFoundError
    )
    await _refused(
        "rename into a missing directory is FileNotFoundError",
        path_io.rename(root / "file", root / "missing" / "file"),
        FileNotFoundError,
    )
    await _refused(
        "rename of a file over a directory is OSError", path_io.rename(root / "file", root / "empty"), OSError
    )
    await _refused(
        "rename of a directory over a file is OSError", path_io.rename(root / "empty", root / "file"), OSError
    )
    await _refused(
        "rename over a directory that is not empty is OSError", path_io.rename(root / "empty", root / "folder"), OSError
    )
    await _refused(
        "rename of a directory into itself is OSError",
        path_io.rename(root / "folder", root / "folder" / "in" / "new"),
        OSError,
    )
    rule = "rename to the same name changes nothing"
    await _done(rule, path_io.rename(root / "file", root / "file"), "do nothing then")
    hold(rule, await path_io.is_file(root / "file"), "the file is lost", "do nothing then")
    rule = "rename of a file over a file replaces it"
    await _done(rule, path_io.rename(root / "file", root / "other"), "replace it")
    same(rule, await _get(path_io, root / "other"), b"file", "replace it")
    hold(rule, not await path_io.exists(root / "file"), "the old name is still there", "remove it")
    rule = "rename moves a directory with all that is in it"
    await _done(rule, path_io.rename(root / "folder", root / "target" / "moved"), "move it")
    hold(rule, await path_io.is_dir(root / "target" / "moved" / "in"), "what was in it is lost", "move it whole")


async def _check_links(path_io: AbstractPathIO, root: PurePath) -> None:
    await path_io.mkdir(root / "folder")
    await _put(path_io, root / "folder" / "file", b"data")
    link, loop, to_folder = root / "link", root / "loop", root / "to-folder"
    if not await _offered(
        path_io.symlink(type(root)("folder/file"), link), "symlink makes a link", f"make it, and {_WRAP}"
    ):
        resolved = await path_io.resolve(root / "folder")
        same("resolve changes no path in a layer without links", resolved, root / "folder", "leave it out")
        return
    await path_io.symlink(root / "folder", to_folder)
    await path_io.symlink(loop, loop)
    await path_io.symlink(type(root)("missing"), root / "dangling")
    hold("stat follows links", stat.S_ISREG((await path_io.stat(link)).st_mode), "it tells of the link", "follow it")
    hold("lstat does not follow", stat.S_ISLNK((await path_io.lstat(link)).st_mode), "it tells of a file", "do not")
    same("readlink tells what a link holds", await path_io.readlink(link), type(root)("folder/file"), "return it")
    await _refused("readlink of a file is OSError", path_io.readlink(root / "folder" / "file"), OSError)
    same("open follows links", await _get(path_io, link), b"data", "follow them")
    same("a link may stand in the middle of a path", await _get(path_io, to_folder / "file"), b"data", "follow it")
    same("list of a link gives path / name", await path_io.list(to_folder), [to_folder / "file"], "keep path as given")
    for path in (root / "dangling", loop):
        rule = f"exists, is_dir and is_file are False for a link that leads nowhere ({path.name})"
        asked = [await _done(rule, ask(path), _WRAP) for ask in (path_io.exists, path_io.is_dir, path_io.is_file)]
        same(rule, asked, [False] * 3, "follow the link, and answer False")
    resolved = await path_io.resolve(root)
    for path, wanted in [
        (link, resolved / "folder" / "file"),
        (to_folder / "new" / "name", resolved / "folder" / "new" / "name"),
    ]:
        same("resolve follows all links", await path_io.resolve(path), wanted, "also where the last parts are missing")
    await _refused("resolve of a loop is OSError ELOOP", path_io.resolve(loop), OSError)
    await _done("rename moves a link itself", path_io.rename(link, root / "renamed"), "do not follow it")
    await _done("unlink removes a link itself", path_io.unlink(root / "renamed"), "do not follow it")
    hold(
        "rename and unlink leave alone what a link leads to",
        await path_io.is_file(root / "folder" / "file"),
        "the file is gone",
        "do not follow links at the end of their paths",
    )


async def _check_changes(path_io: AbstractPathIO, root: PurePath) -> None:
    path = root / "file"
    await _put(path_io, path, b"x")
    rule = "chmod sets the permission bits"
    if await _offered(path_io.chmod(path, 0o600), rule, "set them"):
        for mode in (0o400, 0o600):
            await path_io.chmod(path, mode)
            # Windows knows only the owner's bits, and gives them to all.
            seen = (await path_io.stat(path)).st_mode & 0o700
            same(rule, oct(seen), oct(mode), "show them in st_mode")
    rule = "set_times sets the time of modification"
    if await _offered(path_io.set_times(path, modify=1_000_000_000.0), rule, "set it"):
        same(rule, (await path_io.stat(path)).st_mtime, 1_000_000_000, "show it in st_mtime")
    rule = "set_times sets the time of creation"
    if await _offered(path_io.set_times(path, create=900_000_000.0), rule, "set it, or NotImplementedError"):
        created = getattr(await path_io.stat(path), "st_birthtime", None)
        same(rule, created, 900_000_000, "show it in st_birthtime")
    rule = "chown without names changes nothing"
    await _offered(path_io.chown(path), rule, "do nothing then")


async def _check_space(path_io: AbstractPathIO, root: PurePath) -> None:
    try:
        free = await path_io.free_space(root)
    except NotImplementedError:
        return
    hold(
        "free_space is a number of octets",
        free >= 0,
        f"it gave {free!r}",
        "return an int >= 0",
    )


_CHECKS: tuple[Check, ...] = (
    _check_kinds,
    _check_mkdir,
    _check_rmdir,
    _check_unlink,
    _check_list,
    _check_stat,
    _check_open,
    _check_write,
    _check_read,
    _check_two_openers,
    _check_rename,
    _check_links,
    _check_changes,
    _check_space,
)
