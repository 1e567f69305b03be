"""OPTS UTF8 ON: when it is sent, and when not."""

from __future__ import annotations

from pathlib import PurePath, PurePosixPath
from typing import Any

import pytest

from ftpfixture import Client, Connection, FtpServer, Server, StatusCodeError
from tests.support.scripted import Step, send, talk, transfer

OPTS: list[Step] = ["OPTS UTF8 ON", b"200 on\r\n"]
LOGIN: list[Step] = ["USER ann", b"230 in\r\n"]
FOUND = b"250 type=file; x\r\n"


class AfterOpts(Server):
    """Uses Latin-1 until it receives OPTS UTF8 ON, as IIS uses the code page of its machine."""

    async def opts_utf8(self, connection: Connection, rest: str) -> bool:
        """Use UTF-8 from now on."""
        connection.encoding = "utf-8"
        connection.response("200", "UTF8 set to on")
        return True

    @staticmethod
    def get_paths(connection: Connection, path: str | PurePosixPath) -> tuple[PurePath, PurePosixPath]:
        """Decode a path: the server decodes all commands as Latin-1."""
        argument = str(path)
        if connection.encoding == "utf-8":
            argument = argument.encode("latin-1").decode("utf-8")
        return Server.get_paths(connection, argument)


def server_after_opts(**settings: Any) -> FtpServer:
    """A server that uses UTF-8 only after OPTS UTF8 ON."""
    return FtpServer(server_class=AfterOpts, encoding="latin-1", files={"/München.txt": b"1"}, **settings)


@pytest.mark.parametrize("disable", [[], ["MLST", "MLSD"]])
async def test_a_server_that_needs_opts(disable: list[str]) -> None:
    """Names are right from the first call on, and the command is sent once."""
    with server_after_opts(disable=disable) as server:
        for first in ("exists", "list", "nlst", "size"):
            async with Client.context(*server.address, *server.credentials) as client:
                if first == "list":
                    assert [path.name for path, _ in await client.list("/")] == ["München.txt"]
                elif first == "nlst":
                    assert await client.nlst() == ["München.txt"]
                elif first == "size":
                    assert await client.size("/München.txt") == 1
                assert await client.exists("/München.txt")
                assert [path.name for path, _ in await client.list("/")] == ["München.txt"]
        server.log.assert_sent("OPTS UTF8 ON", times=4)


async def test_it_can_be_switched_off() -> None:
    """With ask_utf8=False names are as the server sends them."""
    with server_after_opts() as server:
        async with Client.context(*server.address, *server.credentials, ask_utf8=False) as client:
            assert not await client.exists("/München.txt")
            assert [path.name for path, _ in await client.list("/")] == ["M\udcfcnchen.txt"]
        server.log.assert_not_sent("OPTS")


@pytest.mark.parametrize("reply", [b"200 on\r\n", b"500 what?\r\n", b"451 not now\r\n"])
async def test_opts_is_sent_once(reply: bytes) -> None:
    """A refusal is no error, and the command is not sent again before the next login."""
    script: list[Step] = [*LOGIN, "OPTS UTF8 ON", reply, "MLST ü", FOUND, "MLST ö", FOUND]
    async with talk(*script, *script) as client:
        for _ in range(2):
            await client.login("ann")
            assert await client.exists("ü")
            assert await client.exists("ö")


async def test_when_opts_is_not_sent() -> None:
    """The command is not sent for ASCII names, before a login, or when the client has another encoding."""
    async with talk("MLST ü", FOUND, *LOGIN, "MLST u", FOUND) as client:
        assert await client.exists("ü")
        await client.login("ann")
        assert await client.exists("u")
    async with talk(*LOGIN, b"", "MLST \udcfc", FOUND, encoding="latin-1") as client:
        await client.login("ann")
        assert await client.exists("ü")


async def test_nothing_comes_between_commands_that_belong_together() -> None:
    """The command is sent before RNFR and RNTO, and before REST and RETR."""
    async with talk(
        *(*LOGIN, *OPTS, "RNFR a", b"350 go\r\n", "RNTO ä", b"250 ok\r\n"),
        *(*LOGIN, *OPTS, *transfer("RETR ä", send(b"x"), first=True)[:3]),
        *("REST 2", b"350 ok\r\n", *transfer("RETR ä", send(b"x"))[1:]),
    ) as client:
        await client.login("ann")
        await client.rename("a", "ä")
        await client.login("ann")
        async with client.download_stream("ä", offset=2) as stream:
            assert await stream.read() == b"x"


async def test_a_server_that_closes() -> None:
    """The end of the session is an error as with any command."""
    async with talk(*LOGIN, "OPTS UTF8 ON", b"421 bye\r\n") as client:
        await client.login("ann")
        with pytest.raises((ConnectionError, StatusCodeError), match="421"):
            await client.exists("ü")


async def test_pwd_is_sent_again() -> None:
    """A path that is not UTF-8 could not be used after OPTS UTF8 ON, so the client sends PWD again."""
    async with talk(
        *LOGIN, "PWD", b'257 "/\xfc"\r\n', *OPTS, "PWD", '257 "/ü"\r\n'.encode(), "PWD", '257 "/ü"\r\n'.encode()
    ) as client:
        await client.login("ann")
        assert await client.get_current_directory() == PurePosixPath("/ü")
        assert await client.get_current_directory() == PurePosixPath("/ü")
