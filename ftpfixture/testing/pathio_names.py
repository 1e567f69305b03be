"""The checks of a path layer that concern names: directories, listings, links, attributes.

One rule: each check has its own empty directory, and uses nothing outside of it.
"""

from __future__ import annotations

import stat
from pathlib import PurePath

from ftpfixture.files.base import AbstractPathIO
from ftpfixture.testing.pathio_steps import WRAP, PathCheck, done, get, offered, put, refused
from ftpfixture.testing.rules import hold, same

__all__ = ["NAME_CHECKS"]


async def _check_kinds(path_io: AbstractPathIO, root: PurePath) -> None:
    await put(path_io, root / "file", b"x")
    await path_io.mkdir(root / "folder")
    for path, wanted in [
        (root / "folder", (True, True, False)),
        (root / "file", (True, False, True)),
        (root / "missing", (False, False, False)),
        (root / "missing" / "below", (False, False, False)),
        (root / "file" / "below", (False, False, False)),
    ]:
        rule = f"exists, is_dir and is_file return what {path.relative_to(root)} is"
        advice = "return False for a path below a file or a missing directory, too"
        asked = [
            await done(rule, question(path), advice) for question in (path_io.exists, path_io.is_dir, path_io.is_file)
        ]
        same(rule, tuple(asked), wanted, advice)


async def _check_mkdir(path_io: AbstractPathIO, root: PurePath) -> None:
    await put(path_io, root / "file", b"x")
    await path_io.mkdir(root / "folder")
    await refused("mkdir over a file is FileExistsError", path_io.mkdir(root / "file"), FileExistsError)
    await refused(
        "mkdir over a file is FileExistsError even with exist_ok",
        path_io.mkdir(root / "file", exist_ok=True),
        FileExistsError,
    )
    await refused("mkdir over a directory is FileExistsError", path_io.mkdir(root / "folder"), FileExistsError)
    await refused("mkdir without its parent is FileNotFoundError", path_io.mkdir(root / "a" / "b"), FileNotFoundError)
    for parents in (False, True):
        await refused(
            f"mkdir below a file is NotADirectoryError, parents={parents}",
            path_io.mkdir(root / "file" / "below", parents=parents),
            NotADirectoryError,
        )
    rule = "mkdir with exist_ok accepts an existing directory"
    await done(rule, path_io.mkdir(root / "folder", exist_ok=True), "do nothing in this case")
    rule = "mkdir with parents makes the missing parents"
    await done(rule, path_io.mkdir(root / "a" / "b" / "c", parents=True), "make each directory on the way")
    hold(rule, await path_io.is_dir(root / "a" / "b" / "c"), "the directory is not there", "make it")


async def _check_rmdir(path_io: AbstractPathIO, root: PurePath) -> None:
    await path_io.mkdir(root / "full" / "empty", parents=True)
    await put(path_io, root / "file", b"x")
    await refused("rmdir of nothing is FileNotFoundError", path_io.rmdir(root / "missing"), FileNotFoundError)
    await refused("rmdir of a file is NotADirectoryError", path_io.rmdir(root / "file"), NotADirectoryError)
    await refused("rmdir of a directory that is not empty is OSError", path_io.rmdir(root / "full"), OSError)
    await done("rmdir removes an empty directory", path_io.rmdir(root / "full" / "empty"), "remove it")
    hold(
        "rmdir removes an empty directory",
        not await path_io.exists(root / "full" / "empty"),
        "it is still there",
        "remove it",
    )


async def _check_unlink(path_io: AbstractPathIO, root: PurePath) -> None:
    await path_io.mkdir(root / "folder")
    await put(path_io, root / "file", b"x")
    await refused("unlink of nothing is FileNotFoundError", path_io.unlink(root / "missing"), FileNotFoundError)
    await refused(
        "unlink of a directory is IsADirectoryError or PermissionError",
        path_io.unlink(root / "folder"),
        IsADirectoryError,
        PermissionError,
    )
    await done("unlink removes a file", path_io.unlink(root / "file"), "remove it")
    hold("unlink removes a file", not await path_io.exists(root / "file"), "it is still there", "remove it")


async def _check_list(path_io: AbstractPathIO, root: PurePath) -> None:
    await path_io.mkdir(root / "folder")
    for name in ("file", ".hidden"):
        await put(path_io, root / name, b"x")
    await put(path_io, root / "folder" / "deeper", b"x")
    wanted = sorted([root / ".hidden", root / "file", root / "folder"])
    rule = "list returns path / name of each child, hidden ones too"
    same(rule, sorted(await done(rule, path_io.list(root), "return a lister")), wanted, "list children, as full paths")
    rule, advice = "a lister can be iterated as well as awaited", "derive the lister from AbstractAsyncLister"
    same(rule, sorted(await done(rule, _iterated(path_io, root), advice)), wanted, advice)
    for name in ("missing", "file"):
        rule = f"list of a path that is no directory ({name}) is empty"
        same(rule, await done(rule, path_io.list(root / name), "end at once"), [], "end at once")


async def _iterated(path_io: AbstractPathIO, path: PurePath) -> list[PurePath]:
    return [child async for child in path_io.list(path)]


async def _check_stat(path_io: AbstractPathIO, root: PurePath) -> None:
    await put(path_io, root / "file", b"12345")
    await refused("stat of nothing is FileNotFoundError", path_io.stat(root / "missing"), FileNotFoundError)
    file, folder = await path_io.stat(root / "file"), await path_io.stat(root)
    for name in ("st_size", "st_mtime", "st_ctime", "st_nlink", "st_mode"):
        hold(f"stat has {name}", hasattr(file, name), f"{file!r:.100} does not have it", "add it")
    same("st_size is the number of bytes", file.st_size, 5, "count what was written")
    hold("st_mode of a file is that of a file", stat.S_ISREG(file.st_mode), oct(file.st_mode), "add stat.S_IFREG")
    hold("st_mode of a directory is that of one", stat.S_ISDIR(folder.st_mode), oct(folder.st_mode), "add stat.S_IFDIR")


async def _check_rename(path_io: AbstractPathIO, root: PurePath) -> None:
    for name in ("empty", "folder/in", "target"):
        await path_io.mkdir(root / name, parents=True)
    for name in ("file", "other"):
        await put(path_io, root / name, name.encode())
    await refused(
        "rename of nothing is FileNotFoundError", path_io.rename(root / "missing", root / "new"), FileNotFoundError
    )
    await refused(
        "rename into a missing directory is FileNotFoundError",
        path_io.rename(root / "file", root / "missing" / "file"),
        FileNotFoundError,
    )
    await refused(
        "rename of a file over a directory is OSError", path_io.rename(root / "file", root / "empty"), OSError
    )
    await refused(
        "rename of a directory over a file is OSError", path_io.rename(root / "empty", root / "file"), OSError
    )
    await refused(
        "rename over a directory that is not empty is OSError", path_io.rename(root / "empty", root / "folder"), OSError
    )
    await refused(
        "rename of a directory into itself is OSError",
        path_io.rename(root / "folder", root / "folder" / "in" / "new"),
        OSError,
    )
    rule = "rename to the same name changes nothing"
    await done(rule, path_io.rename(root / "file", root / "file"), "do nothing in this case")
    hold(rule, await path_io.is_file(root / "file"), "the file is lost", "do nothing in this case")
    rule = "rename of a file over a file replaces it"
    await done(rule, path_io.rename(root / "file", root / "other"), "replace it")
    same(rule, await get(path_io, root / "other"), b"file", "replace it")
    hold(rule, not await path_io.exists(root / "file"), "the old name is still there", "remove it")
    rule = "rename moves a directory with its content"
    await done(rule, path_io.rename(root / "folder", root / "target" / "moved"), "move it")
    hold(rule, await path_io.is_dir(root / "target" / "moved" / "in"), "its content is lost", "move it whole")


async def _check_links(path_io: AbstractPathIO, root: PurePath) -> None:
    await path_io.mkdir(root / "folder")
    await put(path_io, root / "folder" / "file", b"data")
    link, loop, to_folder = root / "link", root / "loop", root / "to-folder"
    if not await offered(
        path_io.symlink(type(root)("folder/file"), link), "symlink makes a link", f"make it, and {WRAP}"
    ):
        resolved = await path_io.resolve(root / "folder")
        same("resolve changes no path in a layer without links", resolved, root / "folder", "return the path as given")
        return
    await path_io.symlink(root / "folder", to_folder)
    await path_io.symlink(loop, loop)
    await path_io.symlink(type(root)("missing"), root / "dangling")
    hold("stat follows links", stat.S_ISREG((await path_io.stat(link)).st_mode), "it describes the link", "follow it")
    hold(
        "lstat does not follow",
        stat.S_ISLNK((await path_io.lstat(link)).st_mode),
        "it describes a file",
        "do not follow it",
    )
    same("readlink returns the target of a link", await path_io.readlink(link), type(root)("folder/file"), "return it")
    await refused("readlink of a file is OSError", path_io.readlink(root / "folder" / "file"), OSError)
    same("open follows links", await get(path_io, link), b"data", "follow them")
    same("a link may stand in the middle of a path", await get(path_io, to_folder / "file"), b"data", "follow it")
    same(
        "list of a link returns path / name", await path_io.list(to_folder), [to_folder / "file"], "keep path as given"
    )
    for path in (root / "dangling", loop):
        rule = f"exists, is_dir and is_file are False for a dangling link ({path.name})"
        asked = [await done(rule, ask(path), WRAP) for ask in (path_io.exists, path_io.is_dir, path_io.is_file)]
        same(rule, asked, [False] * 3, "follow the link, and return False")
    resolved = await path_io.resolve(root)
    for path, wanted in [
        (link, resolved / "folder" / "file"),
        (to_folder / "new" / "name", resolved / "folder" / "new" / "name"),
    ]:
        same("resolve follows all links", await path_io.resolve(path), wanted, "also where the last parts are missing")
    await refused("resolve of a loop is OSError ELOOP", path_io.resolve(loop), OSError)
    await done("rename moves a link itself", path_io.rename(link, root / "renamed"), "do not follow it")
    await done("unlink removes a link itself", path_io.unlink(root / "renamed"), "do not follow it")
    hold(
        "rename and unlink do not change the target of a link",
        await path_io.is_file(root / "folder" / "file"),
        "the file is gone",
        "do not follow links at the end of their paths",
    )


async def _check_changes(path_io: AbstractPathIO, root: PurePath) -> None:
    path = root / "file"
    await put(path_io, path, b"x")
    rule = "chmod sets the permission bits"
    if await offered(path_io.chmod(path, 0o600), rule, "set them"):
        for mode in (0o400, 0o600):
            await path_io.chmod(path, mode)
            # Windows knows only the owner's bits, and gives them to all.
            seen = (await path_io.stat(path)).st_mode & 0o700
            same(rule, oct(seen), oct(mode), "return them in st_mode")
    rule = "set_times sets the time of modification"
    if await offered(path_io.set_times(path, modify=1_000_000_000.0), rule, "set it"):
        same(rule, (await path_io.stat(path)).st_mtime, 1_000_000_000, "return it in st_mtime")
    rule = "set_times sets the time of creation"
    if await offered(path_io.set_times(path, create=900_000_000.0), rule, "set it, or NotImplementedError"):
        created = getattr(await path_io.stat(path), "st_birthtime", None)
        same(rule, created, 900_000_000, "return it in st_birthtime")
    rule = "chown without names changes nothing"
    await offered(path_io.chown(path), rule, "do nothing in this case")


async def _check_space(path_io: AbstractPathIO, root: PurePath) -> None:
    try:
        free = await path_io.free_space(root)
    except NotImplementedError:
        return
    hold(
        "free_space is a number of bytes",
        free >= 0,
        f"it returned {free!r}",
        "return an int >= 0",
    )


NAME_CHECKS: tuple[PathCheck, ...] = (
    _check_kinds,
    _check_mkdir,
    _check_rmdir,
    _check_unlink,
    _check_list,
    _check_stat,
    _check_rename,
    _check_links,
    _check_changes,
    _check_space,
)
