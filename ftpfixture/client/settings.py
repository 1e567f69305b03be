"""The settings of a client, and the types that its methods share.

One rule: what cannot work is told when the client is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ssl import SSLContext
from typing import Any, TypedDict

from ftpfixture.errors import ConfigurationError
from ftpfixture.files.base import AbstractPathIO
from ftpfixture.net.network import Network

__all__ = ["Codes", "Parser", "Settings", "check_data_commands"]

Codes = str | tuple[str, ...]
"""One mask such as "2xx", or several of which one must fit."""

Parser = Callable[[bytes], tuple[Any, dict[str, Any]]]
"""Reads a line of LIST: octets with their line end to a path and what is told of it; ValueError when it cannot."""

DATA_COMMANDS = ("epsv", "pasv", "eprt", "port")


class Settings(TypedDict, total=False):
    """The arguments of `BaseClient`, for subclasses that hand them on."""

    socket_timeout: float | None
    connection_timeout: float | None
    read_speed_limit: float | None
    write_speed_limit: float | None
    path_timeout: float | None
    path_io_factory: Callable[..., AbstractPathIO]
    encoding: str
    ask_utf8: bool
    parse_list_line_custom: Parser | None
    parse_list_line_custom_first: bool
    passive_commands: Iterable[str]
    trust_pasv_host: bool
    keep_alive: float | None
    socks_host: str | None
    socks_port: int
    socks_version: int
    username: str | None
    password: str | None
    ssl: SSLContext | bool | None
    network: Network | None


def check_data_commands(names: Iterable[str]) -> tuple[str, ...]:
    """The names of ways to a data connection, in lower case.

    Raises:
        ConfigurationError: There is none, or one is unknown.
    """
    if isinstance(names, str):
        names = (names,)
    chosen = tuple(name.lower() for name in names)
    unknown = set(chosen) - set(DATA_COMMANDS)
    if unknown or not chosen:
        wrong = ", ".join(sorted(unknown)) or "nothing"
        raise ConfigurationError(f"passive_commands takes some of {', '.join(DATA_COMMANDS)}; not {wrong}")
    return chosen
