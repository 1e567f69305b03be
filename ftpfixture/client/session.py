"""Connect, log in, quit, and reconnect after the connection was lost.

One rule: a client has at most one control connection, and closes it at the end and on every error.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import PurePosixPath
from typing import TypeVar

from ftpfixture.client.operations import Operations, RemotePath, Texts
from ftpfixture.client.resync import PATIENCE
from ftpfixture.client.security import protect_if_known
from ftpfixture.compat.constants import DEFAULT_ACCOUNT, DEFAULT_PASSWORD, DEFAULT_PORT, DEFAULT_USER
from ftpfixture.errors import StatusCodeError

__all__ = ["SessionOperations", "retried"]

T = TypeVar("T")


class SessionOperations:
    """Operations of a client that begin and end its session."""

    async def connect(self: Operations, host: str, port: int = DEFAULT_PORT) -> Texts:
        """Open the control connection and read the greeting.

        Args:
            host: Name or address.
            port: Of the server.

        Returns:
            The lines of the greeting, each with the space or hyphen before it.

        Raises:
            StatusCodeError: The server refuses the session (421, 530).
            OSError: The connection was refused, or the name cannot be resolved.
            TimeoutError: It took longer than `connection_timeout`, or the server sent nothing for `socket_timeout`.
        """
        history = self.control.history
        history.address, history.credentials, history.directories = (host, port), None, []

        async def attempt() -> Texts:
            return await _connect(self, host, port)

        return await attempt() if self.retry is None else await self.retry.run(attempt)

    async def login(
        self: Operations, user: str = DEFAULT_USER, password: str = DEFAULT_PASSWORD, account: str = DEFAULT_ACCOUNT
    ) -> None:
        """Send USER, and PASS and ACCT if the server asks for them.

        When the client's encoding is UTF-8, it may ask the server to use it, see `ask_utf8` of `BaseClient`.

        Raises:
            StatusCodeError: The server refuses the login.

        Source: RFC 959 4.1.1.
        """
        answers = {"331": "PASS", "332": "ACCT"}
        arguments = {"PASS": password, "ACCT": account}
        async with self.control.lock:
            code, info = await self.ask(f"USER {user}", ("230", "232", "33x"))
            while code.startswith("3"):  # 232: a certificate was enough (RFC 2228, proftpd); 202: superfluous
                verb = answers.pop(code, "")
                if not verb:
                    raise StatusCodeError("230", code, info)  # the server asked twice, or with an unknown code
                code, info = await self.ask(f"{verb} {arguments[verb]}", ("230", "202", "33x"))
            self.control.utf8.logged_in()
        self.control.history.credentials = user, password, account
        self.control.history.directories = []

    async def change_directory(self: Operations, path: RemotePath = "..") -> None:
        """Change the current directory; ".." is its parent.

        Raises:
            StatusCodeError: The directory does not exist or may not be entered.
        """
        path = PurePosixPath(path)
        await self.command("CDUP" if str(path) == ".." else f"CWD {path}", "2xx")
        directories = self.control.history.directories
        if path.is_absolute():
            directories.clear()
        directories.append(str(path))

    async def reconnect(self: Operations) -> None:
        """Connect, log in and change the directory as before, after the connection was lost or closed.

        Raises:
            ConnectionError: The client was never connected.
            StatusCodeError: The server refuses the login now, or the directory does not exist any more.
            OSError: The connection was refused.
        """
        control, history = self.control, self.control.history
        if history.address is None:
            raise ConnectionError("never connected: await connect(host, port) first")
        self.close()  # so that no transfer keeps the lock
        async with control.lock:  # no other task may send anything before the session is restored
            credentials, directories = history.credentials, history.directories
            context = control.parameters.tls_context
            try:
                await _connect(self, *history.address)
                if context is not None and self.ssl is None:
                    await self.upgrade_to_tls(context)
                history.directories = []
                if credentials is not None:
                    await self.login(*credentials)
                for path in directories:
                    await self.change_directory(path)
            except BaseException:
                self.close()
                history.credentials, history.directories = credentials, directories
                control.parameters.tls_context, control.lost = context, True
                raise

    async def quit(self: Operations) -> None:
        """Send QUIT and close the connection, whatever the reply is.

        Raises:
            StatusCodeError: The server replied with an error.
            ConnectionError: The connection was lost before.
            TimeoutError: The server sent nothing for `socket_timeout`, or for ten seconds without that setting.
        """
        try:
            seconds = None if self.socket_timeout is not None else PATIENCE
            async with self.control.time_limit(seconds, "the reply to QUIT"):
                await self.command("QUIT", "2xx")
        finally:
            self.close()


async def _connect(client: Operations, host: str, port: int) -> Texts:
    control = client.control
    client.close()  # so that no transfer keeps the lock
    async with control.lock, control.time_limit(client.connection_timeout, f"connecting to {host}:{port}"):
        client.close()  # a connection that another task has opened meanwhile
        await control.open(host, port)
        try:
            _, info = await client.ask("", "220", "120")
            if client.ssl is not None:
                await protect_if_known(client)
        except BaseException:
            client.close()
            raise
        return info


async def retried(client: Operations, call: Callable[[], Awaitable[T]]) -> T:
    """Await ``call()``, with the retries of the client; a lost connection is opened again before each attempt."""
    if client.retry is None:
        return await call()
    control = client.control

    async def attempt() -> T:
        if control.lost and control.history.credentials is not None:
            async with control.lock:
                if control.lost:  # of several tasks that lost it, the first one reconnects
                    await client.reconnect()
        return await call()

    return await client.retry.run(attempt)
