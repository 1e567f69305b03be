"""Reads the two trees that a mirror compares.

One rule: a size or time that is not certain is None.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import PurePath, PurePosixPath
from typing import TypeVar

from ftpfixture.client.comparison import Item, Tree
from ftpfixture.client.information import size_if_known
from ftpfixture.client.listing import list_directory
from ftpfixture.client.operations import Operations
from ftpfixture.client.queries import modified_by_mdtm, stat_by_other_commands
from ftpfixture.client.reading import DirectoryListing, known_time
from ftpfixture.client.unread import UnreadEntry
from ftpfixture.client.walk import Found, Walk, walk_here
from ftpfixture.errors import ReplySyntaxError, StatusCodeError
from ftpfixture.files.base import AbstractPathIO
from ftpfixture.wire.lines import printable

__all__ = ["may_be_hidden", "overlooked", "set_time_there", "tree_here", "tree_there"]

logger = logging.getLogger("ftpfixture.client")

P = TypeVar("P", bound=PurePath)


# On the server.


async def tree_there(
    client: Operations, root: PurePosixPath, into: PurePath | None = None
) -> tuple[Tree, tuple[UnreadEntry, ...]]:
    """The entries of a tree on the server, and the lines that were not understood.

    Args:
        client: Lists it.
        root: The root of the tree.
        into: The local directory into which the tree is downloaded; None when it is not downloaded.
    """
    walk = Walk(partial(list_directory, client), root, into)
    tree = await _tree_of(walk, partial(_file_there, client))
    for name, item in tree.items():
        if item.left_out:
            logger.warning("%s is not mirrored: %s", printable(str(root / name)), item.left_out)
    return tree, walk.unread


async def _file_there(client: Operations, found: Found[PurePosixPath]) -> Item:
    if found.kind == "file":
        return Item("file", found.size, await _time_there(client, found))
    size = await size_if_known(client, found.path)  # of the target of a link
    if size is None:
        return Item(found.kind, listed_as=found.kind)
    return Item("file", size, await _time_there(client, found), listed_as=found.kind)


async def _time_there(client: Operations, found: Found[PurePosixPath]) -> int | None:
    listed = known_time(found.info)
    if client.control.traits.has_mlsd and found.kind == "file" and listed is not None:
        return listed
    # Times of LIST have no seconds, and their time zone is unknown.
    try:
        return int((await modified_by_mdtm(client, found.path)).timestamp())
    except (StatusCodeError, ReplySyntaxError):
        return None


async def overlooked(client: Operations, path: PurePosixPath, unread: tuple[UnreadEntry, ...]) -> Item | None:
    """The file at a path that a listing does not have, although it may exist; None when it does not.

    Args:
        client: Sends the commands.
        path: The path.
        unread: Lines of the tree that were not understood.

    Raises:
        UnreadLinesError: It is unknown whether the file exists.
    """
    lines = tuple(line for line in unread if line.directory == path.parent)
    if not lines and not may_be_hidden(client, path):
        return None
    try:
        info = await stat_by_other_commands(client, path, DirectoryListing(path.parent, (), lines))
    except StatusCodeError as error:
        if error.received_codes[0] != "550":
            raise
        return None
    return await _file_there(client, Found(path, path, None, "file", info))


def may_be_hidden(client: Operations, path: PurePosixPath) -> bool:
    """Whether a listing may lack the path although it exists: LIST of many servers hides dot files."""
    return path.name.startswith(".") and not client.control.traits.has_mlsd


async def set_time_there(client: Operations, path: PurePosixPath, modified: int | None) -> None:
    """Set the modification time of a file (POSIX seconds), if the server can."""
    if modified is not None and client.control.traits.has_mfmt:
        try:
            await client.set_modified(path, modified)
        except StatusCodeError:
            client.control.traits.has_mfmt = False  # then its time is that of the transfer


# Local.


async def tree_here(path_io: AbstractPathIO, root: PurePath) -> Tree:
    """The entries of a local tree; empty when the root does not exist."""
    if not await path_io.is_dir(root):
        return {}
    return await _tree_of(await walk_here(path_io, root), partial(_file_here, path_io))


async def _file_here(path_io: AbstractPathIO, found: Found[PurePath]) -> Item:
    about = await path_io.stat(found.path)
    return Item("file", about.st_size, int(about.st_mtime))


# On both sides.


async def _tree_of(walk: Walk[P], item_of: Callable[[Found[P]], Awaitable[Item]]) -> Tree:
    tree: Tree = {}
    async for found in walk:
        if found.kind == "dir" or found.left_out:
            tree[found.name] = Item(found.kind, left_out=found.left_out)
        else:
            tree[found.name] = await item_of(found)
    return tree
