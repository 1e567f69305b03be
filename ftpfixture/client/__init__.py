"""The FTP client: groups of operations over one control connection, combined in `Client`."""

from __future__ import annotations

from ftpfixture.client.base import BaseClient
from ftpfixture.client.client import Client, ClientSettings
from ftpfixture.client.comparison import Mirrored
from ftpfixture.client.hashes import FileHash
from ftpfixture.client.parsers import BasicListInfo, ListInfo, UnixListInfo
from ftpfixture.client.retry import Retry
from ftpfixture.client.stream import DataConnectionThrottleStreamIO
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
