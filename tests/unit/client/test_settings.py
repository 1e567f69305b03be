"""The settings of a client, checked when it is created."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

import pytest

from ftpfixture import BaseClient, Client, ConfigurationError, MemoryPathIO, PathIO
from ftpfixture.client.settings import DATA_COMMANDS, BaseClientSettings, data_commands
from tests.support.rows import table


def test_defaults() -> None:
    """A client can be created without a loop, and its settings can be read; there are no limits by default."""
    client = BaseClient()
    assert (client.socket_timeout, client.connection_timeout, client.path_timeout, client.keep_alive) == (None,) * 4
    assert (client.encoding, client.parse_list_line_custom, client.parse_list_line_custom_first) == (
        "utf-8",
        None,
        True,
    )
    assert client.throttle.read.limit is client.throttle.write.limit is None
    assert type(client.path_io) is PathIO
    assert not client.trust_pasv_host
    assert (client.server_host, client.server_port) == ("", 0)


def test_attributes() -> None:
    """Each setting is an attribute of its name; speed limits are in the throttle, and the factory creates `path_io`."""
    settings: dict[str, Any] = {
        "socket_timeout": 1,
        "connection_timeout": 2,
        "path_timeout": 5,
        "encoding": "latin-1",
        "parse_list_line_custom": lambda line: (line, {}),
        "parse_list_line_custom_first": False,
        "trust_pasv_host": True,
        "keep_alive": 6,
    }
    client = BaseClient(read_speed_limit=3, write_speed_limit=4, path_io_factory=MemoryPathIO, **settings)
    assert {name: getattr(client, name) for name in settings} == settings
    assert (client.throttle.read.limit, client.throttle.write.limit) == (3, 4)
    assert isinstance(client.path_io, MemoryPathIO)
    assert client.path_io.timeout == 5


def test_the_type_for_subclasses() -> None:
    """The TypedDict for subclasses has exactly the settings of the base client."""
    parameters = inspect.signature(BaseClient).parameters
    assert list(BaseClientSettings.__annotations__) == list(parameters)
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in parameters.values())


def test_unknown_settings() -> None:
    """An unknown setting is an error when the client is created."""
    with pytest.raises(TypeError, match="sokket_timeout"):
        Client(sokket_timeout=3)  # type: ignore[call-arg]


@table(
    ("settings", "text"),
    [
        ({"socket_timeout": "5"}, "socket_timeout takes a number of seconds, 0 or more, or None for no limit, not '5'"),
        ({"keep_alive": -1}, "keep_alive takes a number of seconds, 0 or more, or None for never, not -1"),
        ({"retry": 3}, "retry takes a Retry, or None for nothing, not 3"),
        ({"ssl": "yes"}, "ssl takes an ssl.SSLContext, or True for the default context of this machine, or None"),
        ({"parse_list_line_custom": "x"}, "parse_list_line_custom takes a function that parses a line of LIST"),
        ({"socks_port": 0}, "socks_port takes a port number from 1 to 65535, not 0"),
        ({"network": 5}, "network takes a network, with listen, connect and resolve, or None for the sockets of this"),
        ({"retri": 3}, "unknown setting 'retri': did you mean 'retry'?"),
    ],
)
def test_invalid_settings(settings: dict[str, Any], text: str) -> None:
    """Invalid settings are an error when the client is created, not when it connects."""
    with pytest.raises(ConfigurationError) as caught:
        Client(**settings)
    assert str(caught.value).startswith(text)


@table(
    ("names", "chosen"),
    [
        (["EPSV", "Port"], ("epsv", "port")),
        ("pasv", ("pasv",)),
        (iter(["eprt"]), ("eprt",)),
        (DATA_COMMANDS, DATA_COMMANDS),
    ],
)
def test_data_commands(names: Iterable[str], chosen: tuple[str, ...]) -> None:
    """The commands are accepted in any case and order; one of them is enough."""
    assert data_commands("passive_commands", names) == chosen


@table(
    "names",
    [["epsv", "spsv"], "LPSV", ["b", "A"], [], (), ["epsv", 5], 5],
)
def test_unknown_data_commands(names: Any) -> None:
    """Unknown commands, or none at all, are an error that lists the known ones."""
    with pytest.raises(ConfigurationError) as caught:
        BaseClient(passive_commands=names)

    assert str(caught.value) == f"passive_commands takes some of epsv, pasv, eprt, port, not {names!r}"


def test_unknown_encoding() -> None:
    """An unknown encoding is an error when the client is created, not at its first command."""
    with pytest.raises(ConfigurationError) as caught:
        Client(encoding="utf-9")
    assert str(caught.value) == "encoding takes an encoding of Python's, such as 'utf-8' or 'latin-1', not 'utf-9'"
