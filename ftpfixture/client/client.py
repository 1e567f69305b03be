"""The FTP client: groups of operations over one control connection, put together in `Client`.

One rule: the groups do not inherit each other. Each calls what it needs of the others as a user would, on the client,
so that a subclass may override it; `Operations` says what that is.
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
    """Everything that `Client` takes; for subclasses that hand it on as ``**settings``."""

    retry: Annotated[
        Retry | None,
        Setting(
            None,
            "a ``Retry(attempts, delay, factor, longest, codes)``: what is tried again, with resumption, and when",
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
        """Connect, log in, and in the end quit and close: ``async with Client.context("127.0.0.1", 2121) as client``.

        When the body raises, QUIT is still sent if that is possible, and the error goes on as it is.

        Args:
            host: Name or address.
            port: Of the server.
            user: As for `login`.
            password: As for `login`.
            account: As for `login`.
            upgrade_to_tls: Encrypt before the login: a context, or True for one that trusts what this machine trusts.
            settings: Those of the client.

        Raises:
            StatusCodeError: The server does not let us in, or answers QUIT with an error.
            OSError: Nobody listens there.
        """
        client = cls(**settings)
        try:
            await client.connect(host, port)
            if upgrade_to_tls:
                await client.upgrade_to_tls(None if upgrade_to_tls is True else upgrade_to_tls)
            await client.login(user, password, account)
            yield client
        except Exception:
            # Only QUIT is lost with these; the error of the body is what the caller must see.
            with contextlib.suppress(OSError, StatusCodeError):
                async with asyncio.timeout(client.socket_timeout or PATIENCE):
                    await _leave(client)
            raise
        else:
            await _leave(client)
        finally:
            client.close()


async def _leave(client: Client) -> None:
    """Quit, unless the connection is gone already or a transfer of some other task runs."""
    if client.control.is_open and client.control.transfers.running is None:
        await client.quit()
