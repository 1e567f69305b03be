"""The FTP client: groups of operations over one control connection, combined in `Client`.

One rule: the groups do not inherit from each other. Each calls the others as a user would, on the client, so that a
subclass may override every operation; `Operations` lists what a group may call.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from ssl import SSLContext
from typing import Annotated, Any, Self, Unpack

from ftpfixture import checks
from ftpfixture.client.base import BaseClient
from ftpfixture.client.data import DataOperations
from ftpfixture.client.data_channels import DataChannels
from ftpfixture.client.files import FileOperations
from ftpfixture.client.information import InformationOperations
from ftpfixture.client.listing import ListingOperations
from ftpfixture.client.mirror import MirrorOperations
from ftpfixture.client.parsers import Parsers
from ftpfixture.client.resync import PATIENCE
from ftpfixture.client.retry import Retry
from ftpfixture.client.security import SecurityOperations
from ftpfixture.client.session import SessionOperations
from ftpfixture.client.settings import BASE_CLIENT_SETTINGS, BaseClientSettings
from ftpfixture.client.transfers import TransferOperations
from ftpfixture.client.tree import TreeOperations
from ftpfixture.compat.constants import DEFAULT_ACCOUNT, DEFAULT_PASSWORD, DEFAULT_PORT, DEFAULT_USER
from ftpfixture.errors import StatusCodeError
from ftpfixture.settings import Setting, Table

__all__ = ["CLIENT_SETTINGS", "Client", "ClientSettings"]


class ClientSettings(BaseClientSettings, total=False):
    """The settings of `Client`; a subclass passes them on as ``**settings``."""

    retry: Annotated[
        Retry | None,
        Setting(
            None,
            "a ``Retry(attempts, delay, factor, longest, codes)``: repeat what failed; transfers resume",
            none="nothing",
            check=checks.instance_of("a Retry", Retry),
        ),
    ]


CLIENT_SETTINGS = Table(ClientSettings, BASE_CLIENT_SETTINGS)


@CLIENT_SETTINGS.describe
class Client(
    SessionOperations,
    SecurityOperations,
    DataOperations,
    ListingOperations,
    InformationOperations,
    TreeOperations,
    FileOperations,
    TransferOperations,
    MirrorOperations,
    Parsers,
    BaseClient,
):
    """An FTP client for asyncio; subclass it to add your own operations.

    ::

        async with Client.context("127.0.0.1", 2121, "ann", "secret") as client:
            async for path, info in client.list("/out"):
                await client.download(path, "inbox")

    A client sends nothing before `connect`, and can be created without an event loop. Several tasks may share a client;
    each call waits until the call before it has its reply.

    Args:
        settings: See `ClientSettings`.
    """

    def __init__(self, **settings: Unpack[ClientSettings]) -> None:
        own, others = CLIENT_SETTINGS.split(settings)
        super().__init__(**others)
        self.retry = own["retry"]
        self.data_channels = DataChannels(self)

    @classmethod
    @contextlib.asynccontextmanager
    async def context(
        cls,
        host: str,
        port: int = DEFAULT_PORT,
        user: str = DEFAULT_USER,
        password: str = DEFAULT_PASSWORD,
        account: str = DEFAULT_ACCOUNT,
        upgrade_to_tls: bool | SSLContext = False,
        **settings: Any,
    ) -> AsyncIterator[Self]:
        """Connect and log in; at the end quit and close: ``async with Client.context("127.0.0.1", 2121) as client``.

        When the body raises, QUIT is still sent if that is possible, and the error of the body is raised.

        Args:
            host: Name or address.
            port: Of the server.
            user: As for `login`.
            password: As for `login`.
            account: As for `login`.
            upgrade_to_tls: Encrypt before the login: a context, or True for the default context of this machine.
            settings: See `ClientSettings`.

        Raises:
            StatusCodeError: The server refuses the login, or answers QUIT with an error.
            OSError: The connection was refused.
        """
        client = cls(**settings)
        try:
            await client.connect(host, port)
            if upgrade_to_tls:
                await client.upgrade_to_tls(None if upgrade_to_tls is True else upgrade_to_tls)
            await client.login(user, password, account)
            yield client
        except Exception:
            # These errors mean only that QUIT failed; the caller must see the error of the body.
            with contextlib.suppress(OSError, StatusCodeError):
                async with asyncio.timeout(client.socket_timeout or PATIENCE):
                    await _quit(client)
            raise
        else:
            await _quit(client)
        finally:
            client.close()


async def _quit(client: Client) -> None:
    """Quit, unless the connection is closed or a transfer of another task runs."""
    if client.control.is_open and client.control.transfers.running is None:
        await client.quit()
