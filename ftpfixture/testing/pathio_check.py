"""A check that a path layer, of this package or of a user, does what the server needs.

One rule: every failure names the rule, what the layer did, and what to change in it.
"""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import PurePath, PurePosixPath

from ftpfixture.files.base import AbstractPathIO, PathIONursery
from ftpfixture.testing.pathio_content import CONTENT_CHECKS
from ftpfixture.testing.pathio_names import NAME_CHECKS
from ftpfixture.testing.pathio_steps import done
from ftpfixture.testing.rules import hold

__all__ = ["check_path_io"]

_TOP = PurePosixPath("/")


async def check_path_io(factory: Callable[..., AbstractPathIO], root: PurePath = _TOP) -> None:
    """Check that the layers that a factory makes do what the server needs.

    The check uses a directory that it makes, and removes at its end. Links, permissions, times and free space are
    checked only if the layer has them: a method that it does not have raises NotImplementedError.

    Args:
        factory: As for ``Server(path_io_factory=...)``: a class, or another callable that makes a layer.
        root: A directory that exists, of the path class of the layer. For a layer over the disk use a temporary one.

    Raises:
        AssertionError: The layer breaks a rule. The text has the rule, what the layer did, and what to change.
    """
    make = PathIONursery(factory)
    path_io = make()
    work = await _unused(path_io, root)
    await done("mkdir makes a directory below an existing one", path_io.mkdir(work), f"give a root that exists: {root}")
    try:
        await _check_shared_state(make, work)
        for number, check in enumerate((*NAME_CHECKS, *CONTENT_CHECKS)):
            place = work / f"{number}"
            await path_io.mkdir(place)
            await check(path_io, place)
    except Exception as error:
        try:
            await _remove(path_io, work)
        except Exception:
            # A broken layer may be unable to remove it; the broken rule is the error.
            pass
        if isinstance(error, AssertionError):
            raise
        raise AssertionError(
            f"the usual calls of the server succeed; but {type(error).__name__} was raised: {error}. "
            "To do: see the traceback above for the call"
        ) from error
    await _remove(path_io, work)
    hold(
        "a removed directory does not exist any more",
        not await path_io.exists(work),
        f"{work} is still there",
        "make rmdir remove it",
    )


async def _unused(path_io: AbstractPathIO, root: PurePath) -> PurePath:
    number = 0
    while await path_io.exists(root / f"ftpfixture-check-{number}"):
        number += 1
    return root / f"ftpfixture-check-{number}"


async def _remove(path_io: AbstractPathIO, path: PurePath) -> None:
    for child in await path_io.list(path):
        if stat.S_ISDIR((await path_io.lstat(child)).st_mode):
            await _remove(path_io, child)
        else:
            await path_io.unlink(child)
    await path_io.rmdir(path)


async def _check_shared_state(make: PathIONursery, work: PurePath) -> None:
    other = make(timeout=None, connection=None)
    hold(
        "instances that share a state have the same files",
        await other.is_dir(work),
        "the second does not have a directory that the first has made",
        "give the files as `state`, and use the `state` that __init__ gets",
    )
