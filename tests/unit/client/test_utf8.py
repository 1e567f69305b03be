"""UTF-8 on servers that speak it only when they are asked: when they are asked, and when not."""

from __future__ import annotations

from pathlib import PurePath, PurePosixPath
from typing import Any

import pytest

from ftpfixture import Client, Connection, FtpServer, Server, StatusCodeError
from tests.support.scripted import Step, send, talk, transfer

ASK: list[Step] = ["OPTS UTF8 ON", b"200 on\r\n"]
LOGIN: list[Step] = ["USER ann", b"230 in\r\n"]
FOUND = b"250 type=file; x\r\n"


class AskFirst(Server):
    """Has names in Latin-1 until it hears OPTS UTF8 ON, as IIS has them in the code page of its machine."""

    async def opts_utf8(self, connection: Connection, rest: str) -> bool:
        """Speak UTF-8 from now on."""
        connection.encoding = "utf-8"
        connection.response("200", "UTF8 set to on")
        return True

    @staticmethod
    def get_paths(connection: Connection, path: str | PurePosixPath) -> tuple[PurePath, PurePosixPath]:
        """Paths of what was said: the server decodes all commands as Latin-1."""
        said = str(path)
        if connection.encoding == "utf-8":
            said = said.encode("latin-1").decode("utf-8")
        return Server.get_paths(connection, said)


def ask_first(**settings: Any) -> FtpServer:
    """A server that must be asked."""
    return FtpServer(server_class=AskFirst, encoding="latin-1", files={"/München.txt": b"1"}, **settings)


@pytest.mark.parametrize("disable", [[], ["MLST", "MLSD"]])
async def test_a_server_that_must_be_asked(disable: list[str]) -> None:
    """Names are right from the first call on, whichever that is, and the server is asked once."""
    with ask_first(disable=disable) as server:
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
    """With ask_utf8=False names are as the server has them."""
    with ask_first() as server:
        async with Client.context(*server.address, *server.credentials, ask_utf8=False) as client:
            assert not await client.exists("/München.txt")
            assert [path.name for path, _ in await client.list("/")] == ["M\udcfcnchen.txt"]
        server.log.assert_not_sent("OPTS")


@pytest.mark.parametrize("reply", [b"200 on\r\n", b"500 what?\r\n", b"451 not now\r\n"])
async def test_asked_once(reply: bytes) -> None:
    """A refusal is no error, and nothing is asked again before the next login."""
    script: list[Step] = [*LOGIN, "OPTS UTF8 ON", reply, "MLST ü", FOUND, "MLST ö", FOUND]
    async with talk(*script, *script) as client:
        for _ in range(2):
            await client.login("ann")
            assert await client.exists("ü")
            assert await client.exists("ö")


async def test_when_nobody_is_asked() -> None:
    """Names in ASCII need no question, a server that was not logged in to gets none, nor does one of other encoding."""
    async with talk("MLST ü", FOUND, *LOGIN, "MLST u", FOUND) as client:
        assert await client.exists("ü")
        await client.login("ann")
        assert await client.exists("u")
    async with talk(*LOGIN, b"", "MLST \udcfc", FOUND, encoding="latin-1") as client:
        await client.login("ann")
        assert await client.exists("ü")


async def test_nothing_comes_between_commands_that_belong_together() -> None:
    """The question comes before RNFR and RNTO, and before REST and RETR."""
    async with talk(
        *(*LOGIN, *ASK, "RNFR a", b"350 go\r\n", "RNTO ä", b"250 ok\r\n"),
        *(*LOGIN, *ASK, *transfer("RETR ä", send(b"x"), first=True)[:3]),
        *("REST 2", b"350 ok\r\n", *transfer("RETR ä", send(b"x"))[1:]),
    ) as client:
        await client.login("ann")
        await client.rename("a", "ä")
        await client.login("ann")
        async with client.download_stream("ä", offset=2) as stream:
            assert await stream.read() == b"x"


async def test_a_server_that_hangs_up() -> None:
    """The end of the session is an error like any other."""
    async with talk(*LOGIN, "OPTS UTF8 ON", b"421 bye\r\n") as client:
        await client.login("ann")
        with pytest.raises((ConnectionError, StatusCodeError), match="421"):
            await client.exists("ü")


async def test_the_current_directory_is_asked_for_again() -> None:
    """A path that is no UTF-8 would not lead back, when names are in UTF-8 from the next command on."""
    async with talk(
        *LOGIN, "PWD", b'257 "/\xfc"\r\n', *ASK, "PWD", '257 "/ü"\r\n'.encode(), "PWD", '257 "/ü"\r\n'.encode()
    ) as client:
        await client.login("ann")
        assert await client.get_current_directory() == PurePosixPath("/ü")
        assert await client.get_current_directory() == PurePosixPath("/ü")
