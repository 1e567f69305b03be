"""The client of the fixture `ftp_client`: which server it belongs to, and how it connects.

One rule: a test in which an asyncio client cannot work fails with a sentence that has the remedy.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ftpfixture.client import Client
from ftpfixture.testing.ftpserver import FtpServer
from ftpfixture.testing.onlyserver import only_server

__all__ = ["connected", "server_of_client"]

_OTHERS = ("trio", "anyio")
"""Markers of tests that other plugins run."""


def server_of_client(request: pytest.FixtureRequest) -> FtpServer:
    """Return the server that the client of a test connects to; an `ftp_server` is started if there is none.

    Raises:
        pytest.fail.Exception: An asyncio client cannot work in this test, or it has several servers.
    """
    _check_asyncio(request.node)
    return only_server(request, "connect your own Client to one of them")


def _check_asyncio(item: pytest.Item) -> None:
    other = next((name for name in _OTHERS if item.get_closest_marker(name)), None)
    if not inspect.iscoroutinefunction(getattr(item, "function", None)):
        _refuse(
            item,
            "it is a client for asyncio, and the test is no coroutine: write `async def` with @pytest.mark.asyncio, or "
            "use a blocking client such as ftplib with ftp_server.address and ftp_server.credentials",
        )
    if other is not None:
        _refuse(
            item,
            f"it belongs to the loop of pytest-asyncio, and the plugin of {other} runs the test on another: connect "
            "your own client to ftp_server.address; the server runs in its own thread",
        )
    if item.get_closest_marker("asyncio") is None:
        _refuse(item, "no loop runs the test: mark it with @pytest.mark.asyncio, or set asyncio_mode = auto")


def _refuse(item: pytest.Item, text: str) -> None:
    pytest.fail(f"ftp_client of {item.nodeid}: {text}", pytrace=False)


@asynccontextmanager
async def connected(server: FtpServer) -> AsyncIterator[Client]:
    """Yield a client that is logged in as the first user of a server, with TLS if the server has it."""
    implicit, encrypted = server.server.implicit_tls, server.server.ssl is not None
    context = server.tls.client_context() if encrypted else None
    client = Client(ssl=context) if implicit else Client()
    try:
        await client.connect(*server.address)
        if encrypted and not implicit:
            await client.upgrade_to_tls(context)
        await client.login(*server.credentials)
        yield client
    finally:
        client.close()
