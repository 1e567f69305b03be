"""Connections through a SOCKS proxy, by the package python-socks.

One rule: without a proxy the package is not imported.
"""

from __future__ import annotations

import asyncio
from typing import NoReturn

from ftpfixture.checks import wrong
from ftpfixture.errors import ConfigurationError
from ftpfixture.net.dial import ClientNetwork
from ftpfixture.net.network import BACKLOG, OnTransport
from ftpfixture.net.socket_transport import SocketTransport
from ftpfixture.net.transport import Address

__all__ = ["SocksProxy"]

_NO_LIMIT = 1e6  # seconds; the caller has its own timeout, and None would mean 60 s in python-socks


class SocksProxy(ClientNetwork):
    """The network behind a proxy that connects on behalf of a client (RFC 1928, RFC 1929).

    Args:
        host: Host of the proxy.
        port: Port of the proxy.
        version: 4 or 5.
        username: User on the proxy; None for no authentication.
        password: Password of that user.

    Raises:
        ConfigurationError: The version is not 4 or 5, or python-socks is not installed.
    """

    def __init__(self, host: str, port: int, version: int, username: str | None, password: str | None) -> None:
        try:
            from python_socks import ProxyType
        except ImportError as error:
            raise ConfigurationError(
                "socks_host needs the package python-socks: pip install 'ftpfixture[socks]'"
            ) from error
        types = {4: ProxyType.SOCKS4, 5: ProxyType.SOCKS5}
        if version not in types:
            raise wrong("socks_version", "4 or 5", version)
        self._settings = (types[version], host, port, username, password)

    async def connect(self, local: str | None, address: Address) -> SocketTransport:
        """Connect to a host by name or address; the proxy resolves the name and ignores `local`.

        Raises:
            ConnectionError: The proxy cannot be reached, refuses, or cannot reach the host.
        """
        from python_socks import ProxyConnectionError, ProxyError
        from python_socks.async_.asyncio import Proxy

        host, port = address
        try:
            # True: the proxy resolves names, in version 4, too (SOCKS4a).
            sock = await Proxy(*self._settings, True).connect(host, port, timeout=_NO_LIMIT)
        except (ProxyError, ProxyConnectionError) as error:
            raise ConnectionError(f"the SOCKS proxy does not connect to {host}:{port}: {error}") from error
        try:
            return SocketTransport(sock, asyncio.get_running_loop(), address)
        except OSError:
            sock.close()  # the proxy has already reset it
            raise

    def listen(self, host: str, port: int, on_transport: OnTransport, backlog: int = BACKLOG) -> NoReturn:
        """See Network.

        Raises:
            ConfigurationError: Always.
        """
        raise ConfigurationError("the server cannot connect to a client behind a SOCKS proxy: use passive commands")
