"""Directories and names: make, remove, rename.

One rule: what is there already, or gone already, is no error where the caller asked for a state and not for an act.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from ftpfixture.client.information import InformationClient
from ftpfixture.client.listing import RemotePath
from ftpfixture.errors import StatusCodeError

__all__ = ["TreeClient"]


class TreeClient(InformationClient):
    """A client that can change the tree."""

    async def make_directory(self, path: RemotePath, *, parents: bool = True) -> None:
        """Make a directory.

        Args:
            path: Of the directory.
            parents: Make what is missing above it, too; then a directory that is there already is no error.

        Raises:
            StatusCodeError: It cannot be made, or there is a file.
        """
        path = PurePosixPath(path)
        if not path.name:
            return
        try:
            await self.command(f"MKD {path}", "2xx")
        except StatusCodeError as error:
            if not parents or not error.received_codes[0].startswith("5"):
                raise
            if await self.is_dir(path):
                return
            if not path.parent.name or await self.is_dir(path.parent):
                raise
            await self.make_directory(path.parent)
            await self.command(f"MKD {path}", "2xx")

    async def remove_directory(self, path: RemotePath) -> None:
        """Remove an empty directory.

        Raises:
            StatusCodeError: It is not empty, or not there.
        """
        await self.command(f"RMD {path}", "2xx")

    async def remove_file(self, path: RemotePath) -> None:
        """Remove a file.

        Raises:
            StatusCodeError: It is not there.
        """
        await self.command(f"DELE {path}", "2xx")

    async def remove(self, path: RemotePath) -> None:
        """Remove a file, or a directory with all that is in it; links are removed and not followed.

        Does nothing when there is nothing.

        Raises:
            StatusCodeError: Something cannot be removed.
        """
        kind = await self._type_of(path)
        if kind in ("dir", "cdir", "pdir"):
            await self._remove_tree(PurePosixPath(path))
        elif kind is not None:
            await self.remove_file(path)

    async def _remove_tree(self, path: PurePosixPath) -> None:
        try:
            # MLSD often tells of what a link leads to. DELE takes the link itself, and refuses directories; without it
            # all that is behind the link would go.
            await self.remove_file(path)
            return
        except StatusCodeError:
            pass
        for name, info in await self.list(path):
            if info["type"] == "dir":
                await self._remove_tree(name)
            else:
                await self.remove_file(name)
        await self.remove_directory(path)

    async def rename(self, source: RemotePath, destination: RemotePath) -> None:
        """Rename a file or directory, or move it.

        Raises:
            StatusCodeError: The source is not there, or the destination cannot be.

        Source: RFC 959 4.1.3, RNFR and RNTO.
        """
        async with self._turns:
            await self.command(f"RNFR {source}", "350")
            await self.command(f"RNTO {destination}", "2xx")

    async def chmod(self, path: RemotePath, mode: int) -> None:
        """Set permission bits with SITE CHMOD, which Unix servers have.

        Args:
            path: Of the file or directory.
            mode: Such as 0o640.

        Raises:
            StatusCodeError: The server does not.
        """
        await self.command(f"SITE CHMOD {mode:03o} {path}", "2xx")
