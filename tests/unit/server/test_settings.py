"""The settings of a server as its attributes."""

from __future__ import annotations

from typing import get_type_hints

from ftpfixture import Clock, MemoryPathIO, Server
from ftpfixture.files.base import PathIONursery
from ftpfixture.server.base import BaseServer
from ftpfixture.server.settings import SERVER_SETTINGS
from ftpfixture.wire.listing.styles import LIST_STYLES

MADE_INTO_SOMETHING = {
    "disable": "disabled",
    "data_ports": "available_data_ports",
    "read_speed_limit": "throttle",
    "write_speed_limit": "throttle",
    "read_speed_limit_per_connection": "throttle_per_connection",
    "write_speed_limit_per_connection": "throttle_per_connection",
    "tls": "implicit_tls",
}
"""Settings that are no attributes of their names, and where they went: a copy would look as if it could be changed."""

OF_ANOTHER_TYPE = {
    "network",
    "path_io_factory",
    "list_style",
    "persona",
    "empty_if_missing",
    "clock",
    "virtual_hosts",
    "require_tls",
    "implicit_protection",
}
"""Settings that are kept in another form."""


def test_every_setting_is_an_attribute() -> None:
    """With the same name and the type of its row, except for those that are converted."""
    server = Server()
    hints = get_type_hints(BaseServer)
    for name, row in SERVER_SETTINGS.rows.items():
        assert hasattr(server, MADE_INTO_SOMETHING.get(name, name)), name
        assert (name in vars(server)) is (name not in MADE_INTO_SOMETHING), name
        if name not in MADE_INTO_SOMETHING and name not in OF_ANOTHER_TYPE:
            assert hints[name] == row.kind, name
            assert getattr(server, name) == row.default, name


def test_converted_settings() -> None:
    """Each is stored in the form that the server needs."""
    clock = Clock()
    server = Server(
        clock=clock,
        list_style="msdos",
        path_io_factory=MemoryPathIO,
        virtual_hosts=iter(["FTP.example.org"]),
        data_ports=iter([50000]),
        disable=iter(["mlsd"]),
        read_speed_limit=1,
        write_speed_limit=2,
        read_speed_limit_per_connection=3,
        write_speed_limit_per_connection=4,
    )
    assert server.clock is clock
    assert server.list_style is LIST_STYLES["msdos"]
    assert isinstance(server.path_io_factory, PathIONursery)
    assert isinstance(server.path_io_factory(), MemoryPathIO)
    assert server.virtual_hosts == {"ftp.example.org"}
    assert server.available_data_ports is not None
    assert server.disabled == {"MLSD"}
    assert (server.throttle.read.limit, server.throttle.write.limit) == (1, 2)
    assert (server.throttle_per_connection.read.limit, server.throttle_per_connection.write.limit) == (3, 4)
