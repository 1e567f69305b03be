"""The settings of a client, each in one row, and the types that its methods share.

One rule: a setting that cannot work raises an error when the client is created.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ssl import SSLContext
from typing import Annotated, Any, Literal, TypedDict

from ftpfixture import checks
from ftpfixture.checks import Check
from ftpfixture.files.base import AbstractPathIO
from ftpfixture.files.disk import PathIO
from ftpfixture.net.network import A_NETWORK, Network
from ftpfixture.settings import Setting, Table

__all__ = ["BASE_CLIENT_SETTINGS", "BaseClientSettings", "Codes", "Parser", "data_commands"]

Codes = str | tuple[str, ...]
"""One mask such as "2xx", or several, of which one must match."""

Parser = Callable[[bytes], tuple[Any, dict[str, Any]]]
"""Parses a line of LIST: from bytes with their line end to a path and its facts; ValueError when it cannot."""

DATA_COMMANDS = ("epsv", "pasv", "eprt", "port")


def _read_data_commands(value: str | Iterable[str]) -> tuple[str, ...]:
    chosen = tuple(map(str.lower, [value] if isinstance(value, str) else value))
    if not chosen or not set(chosen) <= set(DATA_COMMANDS):
        raise ValueError
    return chosen


def _read_context(value: object) -> object:
    if not isinstance(value, SSLContext | bool):
        raise ValueError
    return value


def _read_version(value: object) -> object:
    if value not in (4, 5) or isinstance(value, bool | float):
        raise ValueError
    return value


data_commands = Check(f"some of {', '.join(DATA_COMMANDS)}", _read_data_commands)
"""The names of commands that open a data connection, at least one; they are kept in lower case."""

_CONTEXT = Check("an ssl.SSLContext, or True for the default context of this machine", _read_context)
_VERSION = Check("4 or 5", _read_version)


class BaseClientSettings(TypedDict, total=False):
    """The settings of `BaseClient`; a subclass passes them on as ``**settings``."""

    connection_timeout: Annotated[
        float | None,
        Setting(
            None,
            "limit for opening a connection, control or data, including the TLS handshake and the greeting of the "
            "server",
            unit="seconds",
            none="no limit",
        ),
    ]
    socket_timeout: Annotated[
        float | None, Setting(None, "limit for one read or write", unit="seconds", none="no limit")
    ]
    path_timeout: Annotated[
        float | None, Setting(None, "limit for one call of the path layer", unit="seconds", none="no limit")
    ]
    passive_commands: Annotated[
        str | Iterable[str],
        Setting(
            ("epsv", "pasv"),
            'commands that open a data connection, tried in this order; "eprt" and "port" are active mode; a command '
            "that the server refuses is not tried again on the same connection",
            check=data_commands,
        ),
    ]
    trust_pasv_host: Annotated[
        bool,
        Setting(
            False,
            "connect to the host that PASV names even when it is not the server's (RFC 2577 3); ftplib and curl do not",
        ),
    ]
    keep_alive: Annotated[
        float | None,
        Setting(
            None,
            "interval of the NOOPs sent during a transfer, so that firewalls and NAT keep the control connection",
            unit="seconds",
            none="never",
        ),
    ]
    read_speed_limit: Annotated[
        float | None, Setting(None, "rate of downloads", unit="bytes per second", none="no limit")
    ]
    write_speed_limit: Annotated[
        float | None, Setting(None, "rate of uploads", unit="bytes per second", none="no limit")
    ]
    encoding: Annotated[
        str,
        Setting(
            "utf-8",
            "encoding of commands and replies; bytes that do not fit it are kept (surrogateescape)",
            check=checks.encoding,
        ),
    ]
    ask_utf8: Annotated[
        bool,
        Setting(
            True,
            "when encoding is UTF-8, send OPTS UTF8 ON after the login, before the first name beyond ASCII or when the "
            "server sends a name that is not UTF-8: some servers (IIS) use UTF-8 only after that command; a refusal is "
            "no error",
        ),
    ]
    path_io_factory: Annotated[
        Callable[..., AbstractPathIO],
        Setting(
            PathIO,
            "creates the path layer for local files",
            check=checks.function("a class of path layer, or a function that creates one"),
        ),
    ]
    parse_list_line_custom: Annotated[
        Parser | None,
        Setting(
            None,
            "parses lines of LIST in your own format; a subclass may define it as a method",
            check=checks.function("a function that parses a line of LIST"),
        ),
    ]
    parse_list_line_custom_first: Annotated[bool, Setting(True, "try it before the known formats, not after them")]
    socks_host: Annotated[
        str | None,
        Setting(None, "host of a SOCKS proxy for all connections; needs the extra ``socks``", none="no proxy"),
    ]
    socks_port: Annotated[int, Setting(1080, "port of the proxy", check=checks.port)]
    socks_version: Annotated[Literal[4, 5], Setting(5, "version of the SOCKS protocol: 4 or 5", check=_VERSION)]
    username: Annotated[str | None, Setting(None, "user name for the proxy")]
    password: Annotated[str | None, Setting(None, "password for the proxy")]
    ssl: Annotated[
        SSLContext | bool | None,
        Setting(
            None,
            "encrypt all connections from their first byte (implicit TLS): a context, or True for the default context "
            "of this machine; for AUTH TLS call upgrade_to_tls",
            check=_CONTEXT,
        ),
    ]
    network: Annotated[
        Network | None,
        Setting(
            None,
            "the network in which the client connects, and listens in active mode",
            none="the sockets of this machine",
            check=A_NETWORK,
        ),
    ]


BASE_CLIENT_SETTINGS = Table(BaseClientSettings)
