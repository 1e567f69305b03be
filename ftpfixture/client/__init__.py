"""The FTP client: groups of operations, put together in `Client`."""

from __future__ import annotations

from ftpfixture.client.access import CLIENT_SETTINGS, ClientSettings
from ftpfixture.client.base import BaseClient
from ftpfixture.client.information import FileHash
from ftpfixture.client.mirror import MirrorClient, Mirrored
from ftpfixture.client.parsers import BasicListInfo, ListInfo, UnixListInfo
from ftpfixture.client.retry import Retry
from ftpfixture.client.streams import DataConnectionThrottleStreamIO
from ftpfixture.client.unread import UnreadEntry

__all__ = [
    "BaseClient",
    "BasicListInfo",
    "Client",
    "ClientSettings",
    "DataConnectionThrottleStreamIO",
    "FileHash",
    "ListInfo",
    "Mirrored",
    "Retry",
    "UnixListInfo",
    "UnreadEntry",
]


@CLIENT_SETTINGS.describe
class Client(MirrorClient):
    """An FTP client for asyncio; subclass it to add operations of your own.

    ::

        async with Client.context("127.0.0.1", 2121, "ann", "secret") as client:
            async for path, info in client.list("/out"):
                await client.download(path, "inbox")

    Nothing is sent before `connect`, and no event loop is needed to make one. Several tasks may share a client; each
    call waits until the one before it has its answer.

    Args:
        settings: Those of `ClientSettings`.
    """
