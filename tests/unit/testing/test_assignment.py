"""Attributes of a server that cannot be assigned."""

from __future__ import annotations

import re

import pytest

from ftpfixture import ConfigurationError, FtpServer
from tests.support.rows import table


@table(
    ("name", "text"),
    [
        ("files", "the files of a server cannot be replaced: use files['/a.txt'] = b'...' or files.update({...})"),
        ("faults", "the faults of a server cannot be replaced: use faults.add('RETR: drop_data')"),
        ("log", "the log of a server cannot be replaced: use log.clear()"),
        (
            "expectations",
            "the expectations of a server cannot be replaced: use expect(...), and reset() to forget all of them",
        ),
        ("clock", "the clock of a server cannot be replaced: use clock.freeze(at=...)"),
        ("throttle", "the throttle of a server cannot be replaced: use throttle.write.limit = ..."),
        ("tls", "the tls of a server cannot be replaced: use the settings tls=, certificate="),
        ("driver", "the driver of a server cannot be replaced: use the setting driver="),
        ("users", "users is a setting, and assigning it changes nothing: use FtpServer(users=...), the marker ftp("),
        ("disable", "disable is a setting, and assigning it changes nothing: use FtpServer(disable=...)"),
        ("port", "port is a setting, and assigning it changes nothing"),
        ("url", "the url of a server cannot be replaced"),
        ("fautls", "a server has no 'fautls' to assign: did you mean 'faults'?"),
        ("welcome_mesage", "a server has no 'welcome_mesage' to assign: did you mean 'welcome_message'?"),
    ],
)
def test_an_assignment_that_changes_nothing(name: str, text: str) -> None:
    """It is an error that has the remedy, before and after the start, and the server is as it was."""
    server = FtpServer(files={"/a": b"1"})
    with pytest.raises(ConfigurationError, match=re.escape(text)):
        setattr(server, name, {"/b": b"2"})
    with server, pytest.raises(ConfigurationError, match=re.escape(text)):
        setattr(server, name, {"/b": b"2"})
    assert server.files == {"/a": b"1"}


def test_other_attributes_are_free() -> None:
    """A test may keep its own attribute on its server, and so may a class derived from it."""

    class Partner(FtpServer):
        def __init__(self) -> None:
            super().__init__()
            self.orders = ["/in/1.csv"]

    with Partner() as server:
        server.orders = [*server.orders, "/in/2.csv"]
        assert server.orders == ["/in/1.csv", "/in/2.csv"]
