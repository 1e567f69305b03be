"""Coming and going: connect, log in, quit, and come back after the connection was lost.

One rule: whoever has a client has at most one connection, and it is closed when they are done with it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import PurePosixPath
from ssl import SSLContext
from typing import Annotated, Any, Self, TypeVar, Unpack

from ftpfixture import checks
from ftpfixture.client.asking import RemotePath, Texts
from ftpfixture.client.endings import PATIENCE
from ftpfixture.client.retry import Retry
from ftpfixture.client.settings import BASE_CLIENT_SETTINGS, BaseClientSettings
from ftpfixture.client.tree import TreeClient
from ftpfixture.compat.constants import DEFAULT_ACCOUNT, DEFAULT_PASSWORD, DEFAULT_PORT, DEFAULT_USER
from ftpfixture.errors import StatusCodeError
from ftpfixture.settings import Setting, Table

__all__ = ["CLIENT_SETTINGS", "AccessClient", "ClientSettings"]

T = TypeVar("T")


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
class AccessClient(TreeClient):
    """A client that can log in.

    Args:
        settings: Those of `ClientSettings`.
    """

    def __init__(self, **settings: Unpack[ClientSettings]) -> None:
        own, others = CLIENT_SETTINGS.split(settings)
        super().__init__(**others)
        self.retry = own["retry"]
        self._address: tuple[str, int] | None = None
        self._credentials: tuple[str, str, str] | None = None
        self._steps: Texts = []

    async def connect(self, host: str, port: int = DEFAULT_PORT) -> Texts:
        """Open the control connection and read the greeting.

        Args:
            host: Name or address.
            port: Of the server.

        Returns:
            The lines of the greeting, each with the space or hyphen before it.

        Raises:
            StatusCodeError: The server does not want us (421, 530).
            OSError: Nobody listens there, or the name is not known.
            TimeoutError: It took longer than `connection_timeout`, or nothing was said for `socket_timeout`.
        """
        self._address = host, port
        self._credentials = None
        self._steps = []

        async def attempt() -> Texts:
            return await self._connect(host, port)

        return await attempt() if self.retry is None else await self.retry.run(attempt)

    async def _connect(self, host: str, port: int) -> Texts:
        self.close()  # so that no transfer keeps the turn
        async with self._turns, self._in_time(self.connection_timeout, f"connecting to {host}:{port}"):
            await super().connect(host, port)
            try:
                _, info = await self.ask("", "220", "120")
                if self.ssl is not None:
                    await self._protect_if_known()
            except BaseException:
                self.close()
                raise
            return info

    async def login(
        self, user: str = DEFAULT_USER, password: str = DEFAULT_PASSWORD, account: str = DEFAULT_ACCOUNT
    ) -> None:
        """Say who we are, and the password and account if the server asks for them.

        When the client's encoding is UTF-8 the server is asked to speak it, see `ask_utf8` of `BaseClient`.

        Raises:
            StatusCodeError: The server does not let us in.

        Source: RFC 959 4.1.1.
        """
        answers = {"331": "PASS", "332": "ACCT"}
        said = {"PASS": password, "ACCT": account}
        async with self._turns:
            code, info = await self.ask(f"USER {user}", ("230", "232", "33x"))
            while code.startswith("3"):  # 232: a certificate was enough (RFC 2228, proftpd); 202: superfluous
                verb = answers.pop(code, "")
                if not verb:
                    raise StatusCodeError("230", code, info)  # asked for twice, or for what we do not know
                code, info = await self.ask(f"{verb} {said[verb]}", ("230", "202", "33x"))
            self._logged_in()
        self._credentials = user, password, account
        self._steps = []

    async def change_directory(self, path: RemotePath = "..") -> None:
        """Go to a directory; ".." is its parent.

        Raises:
            StatusCodeError: There is no such directory.
        """
        path = PurePosixPath(path)
        await self.command("CDUP" if str(path) == ".." else f"CWD {path}", "2xx")
        if path.is_absolute():
            self._steps.clear()
        self._steps.append(str(path))

    async def reconnect(self) -> None:
        """Connect, log in and change the directory as before, after the connection was lost or closed.

        Raises:
            ConnectionError: There was none.
            StatusCodeError: The server does not let us in any more, or the directory is gone.
            OSError: Nobody listens there any more.
        """
        if self._address is None:
            raise ConnectionError("never connected: await connect(host, port) first")
        self.close()  # so that no transfer keeps the turn
        async with self._turns:  # nobody else says anything before all is as it was
            credentials, steps, context = self._credentials, self._steps, self._context
            try:
                await self._connect(*self._address)
                if context is not None and self.ssl is None:
                    await self.upgrade_to_tls(context)
                self._steps = []
                if credentials is not None:
                    await self.login(*credentials)
                for step in steps:
                    await self.change_directory(step)
            except BaseException:
                self.close()
                self._credentials, self._steps, self._context, self._lost = credentials, steps, context, True
                raise

    async def _retried(self, call: Callable[[], Awaitable[T]]) -> T:
        """Await ``call()``, again and again if that was wanted; a lost connection is made anew before."""
        if self.retry is None:
            return await call()

        async def attempt() -> T:
            if self._lost and self._credentials is not None:
                async with self._turns:
                    if self._lost:  # of several tasks that lost it, the first one makes it anew
                        await self.reconnect()
            return await call()

        return await self.retry.run(attempt)

    async def quit(self) -> None:
        """Say goodbye and close; the connection is closed whatever the server answers.

        Raises:
            StatusCodeError: The server answered with an error.
            ConnectionError: The connection was lost before.
            TimeoutError: It said nothing for `socket_timeout`, or for ten seconds when there is none.
        """
        try:
            async with self._in_time(self._unless_bounded(PATIENCE), "the answer to QUIT"):
                await self.command("QUIT", "2xx")
        finally:
            self.close()

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

        When the body raises, the server is still told goodbye if that is possible, and the error goes on as it is.

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
            # Only goodbye is lost with these; the error of the body is what the caller must see.
            with contextlib.suppress(OSError, StatusCodeError):
                async with asyncio.timeout(client.socket_timeout or PATIENCE):
                    await client._leave()
            raise
        else:
            await client._leave()
        finally:
            client.close()

    async def _leave(self) -> None:
        """Quit, unless the connection is gone already or a transfer of some other task runs."""
        if self._channel is not None and self._transfer is None:
            await self.quit()
