"""The settings of a server that is learnt from a recording."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ftpfixture import FtpServer
from ftpfixture.errors import ConfigurationError, RecordingError
from tests.support.raw import RawClient
from tests.support.recordings import LOGIN, recorded

SESSION = (
    LOGIN.replace("220 Hello", "220-Hello\n< 220 you")
    + """
> SYST
< 215 VMS
> MLSD
< 500 What?
> PWD
< 257 "/in" is it
> MDTM a
< 213 20000101000000
> SIZE a
< 213 5
> EPSV opens passive
< 229 Come (|||{port}|)
> RETR a
< 150 Here is a
= down ab rst
< 426 Lost
"""
)


def test_a_living_server_is_like_the_recorded_one() -> None:
    """Files, times, the user with its home, settings and texts; after a reset again."""
    with FtpServer.from_recording(recorded(SESSION)) as server:
        for _ in range(2):
            assert server.credentials == ("user", "password")
            assert server.files == {"/in/a": b"ab\0\0\0"}
            assert server.files.stat("/in/a").modified == 946_684_800
            del server.files["/in/a"]
            with RawClient(server.address) as client:
                assert client.reply().lines == ("Hello", "you")
                replies = [client.ask(line) for line in ("USER user", "PASS password", "PWD", "SYST", "MLSD", "NLST x")]
                assert [f"{reply.code} {reply.text}" for reply in replies] == [
                    "331 Password",
                    "230 Welcome",
                    '257 "/in" is it',
                    "215 VMS",
                    "500 What?",
                    "550 No such file or directory",
                ]
            server.reset()


def test_settings_take_precedence() -> None:
    """A setting that is given is not learnt."""
    settings: dict[str, Any] = {"users": {"ann": "x"}, "files": {"/b": b""}, "system": "X", "disable": ()}
    with FtpServer.from_recording(recorded(SESSION), welcome_message="mine", **settings) as server:
        with RawClient(server.address) as client:
            assert client.reply().text == "mine"
            assert [client.code(line) for line in ("USER ann", "PASS x", "MLSD")] == ["331", "230", "425"]
            assert client.ask("SYST").text == "X"
        assert server.files == {"/b": b""}


@pytest.mark.parametrize("name", ["recording", "upstream", "root", "path_io_factory"])
def test_settings_that_cannot_be(name: str) -> None:
    """They give the server other replies or other files."""
    settings: dict[str, Any] = {name: "x"}
    with pytest.raises(ConfigurationError, match=f"from_recording with {name}=.*leave {name} out"):
        FtpServer.from_recording(recorded(SESSION), **settings)


def test_what_cannot_be_read(tmp_path: Path) -> None:
    """A file that is missing, or damaged, or none."""
    damaged = tmp_path / "x.ftp.jsonl"
    damaged.write_bytes(b"?\n")

    with pytest.raises(ConfigurationError, match="record it first"):
        FtpServer.from_recording(tmp_path / "no.ftp.jsonl")
    with pytest.raises(RecordingError, match="no JSON"):
        FtpServer.from_recording(damaged)
    with pytest.raises(ConfigurationError, match="path of a recording"):
        FtpServer.from_recording(5)


def test_a_line_that_was_not_understood_is_a_warning() -> None:
    """It may be a file that the test needs."""
    lines = r"what is this\r\nand this"
    listing = f"> EPSV opens passive\n< 229 (|||{{port}}|)\n> LIST\n< 150 Go\n= down {lines}\\r\\n eof\n< 226 Done"

    with pytest.warns(UserWarning, match=r"not understood.*what is this: .*\(and 1 more\)") as seen:
        FtpServer.from_recording(recorded(LOGIN + listing))
    assert seen[0].filename == __file__
