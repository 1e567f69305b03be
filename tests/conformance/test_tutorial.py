"""Programs as the developer tutorial has them: server and client extended in pairs, run unchanged, and typed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ftpfixture
from ftpfixture import Connection, FtpServer, StatusCodeError

# Pairs.


class MyServer(ftpfixture.Server):
    """NOOP with another text, and COLL over a data connection."""

    async def noop(self, connection: Connection, rest: str) -> bool:
        """Reply differently."""
        connection.response("200", "boring")
        return True

    @ftpfixture.ConnectionConditions(
        ftpfixture.ConnectionConditions.login_required, ftpfixture.ConnectionConditions.passive_server_started
    )
    async def coll(self, connection: Connection, rest: str) -> bool:
        """Send numbers."""

        @ftpfixture.ConnectionConditions(
            ftpfixture.ConnectionConditions.data_connection_made, wait=True, fail_code="425", fail_info="Nobody came"
        )
        @ftpfixture.server.worker
        async def coll_worker(self: MyServer, connection: Connection, rest: str) -> bool:
            stream = connection.data_connection
            del connection.data_connection
            async with stream:
                for number in range(int(rest)):
                    await stream.write(number.to_bytes(8, "big"))
            connection.response("200", "coll transfer done")
            return True

        connection.extra_workers.add(connection.loop.create_task(coll_worker(self, connection, rest)))
        connection.response("150", "coll transfer started")
        return True


class MyClient(ftpfixture.Client):
    """The client side of both."""

    async def noop(self) -> None:
        """Do nothing, politely."""
        await self.command("NOOP", "2xx")

    async def collect(self, count: int) -> list[int]:
        """The numbers that COLL gives."""
        collected = []
        async with self.get_stream(f"COLL {count}", "1xx") as stream:
            async for block in stream.iter_by_block(8):
                collected.append(int.from_bytes(block, "big"))
        return collected


@pytest.fixture
def ftp_config() -> dict[str, object]:
    """Every server here has COLL."""
    return {"server_class": MyServer, "users": {"ann": "secret"}}


async def test_a_command_of_a_pair(ftp_server: FtpServer) -> None:
    """The client's new method gets the server's new reply."""
    async with MyClient.context(*ftp_server.address, "ann", "secret") as client:
        await client.noop()
        assert await client.command("NOOP", "200") == ("200", [" boring"])

    ftp_server.log.assert_sequence("NOOP -> 200", "NOOP -> 200", "QUIT -> 221")


@pytest.mark.parametrize("count", [0, 1, 20, 3000])
async def test_a_stream_of_a_pair(ftp_server: FtpServer, count: int) -> None:
    """Blocks of eight bytes arrive as they were written, and the client can continue afterwards."""
    async with MyClient.context(*ftp_server.address, "ann", "secret") as client:
        assert await client.collect(count) == list(range(count))
        assert await client.collect(2) == [0, 1]

    ftp_server.log.assert_sent(f"COLL {count} -> 200")


async def test_a_stream_that_is_refused(ftp_server: FtpServer) -> None:
    """Without a login the server's condition replies, and the client raises it."""
    client = MyClient()
    await client.connect(*ftp_server.address)
    with pytest.raises(StatusCodeError, match="530"):
        await client.collect(2)
    client.close()


async def test_a_stream_that_is_aborted(ftp_server: FtpServer) -> None:
    """The client aborts a transfer of the server's new verb; both continue."""
    async with MyClient.context(*ftp_server.address, "ann", "secret") as client:
        stream = await client.get_stream("COLL 100000000", "1xx")
        assert await stream.readexactly(8) == bytes(8)
        await client.abort()
        assert await client.collect(2) == [0, 1]

    ftp_server.log.assert_sequence("COLL -> 426", "ABOR -> 226", "COLL 2 -> 200")


# A whole program.

PROGRAM = """
import asyncio
import logging
import ftpfixture


class MyServer(ftpfixture.Server):

    @ftpfixture.ConnectionConditions(
        ftpfixture.ConnectionConditions.login_required,
        ftpfixture.ConnectionConditions.passive_server_started)
    async def coll(self, connection, rest):

        @ftpfixture.ConnectionConditions(
            ftpfixture.ConnectionConditions.data_connection_made,
            wait=True,
            fail_code="425",
            fail_info="Can't open data connection")
        @ftpfixture.server.worker
        async def coll_worker(self, connection, rest):
            stream = connection.data_connection
            del connection.data_connection
            async with stream:
                for number in range(count):
                    await stream.write(number.to_bytes(8, "big"))
            connection.response("200", "coll transfer done")
            return True

        count = int(rest)
        coro = coll_worker(self, connection, rest)
        task = connection.loop.create_task(coro)
        connection.extra_workers.add(task)
        connection.response("150", "coll transfer started")
        return True


class MyClient(ftpfixture.Client):

    async def collect(self, count):
        collected = []
        async with self.get_stream("COLL " + str(count), "1xx") as stream:
            async for block in stream.iter_by_block(8):
                number = int.from_bytes(block, "big")
                print("received:", block, number)
                collected.append(number)
        return collected


async def talk():
    server = MyServer()
    client = MyClient()
    await server.start("127.0.0.1", 0)
    await client.connect("127.0.0.1", server.server_port)
    await client.login()
    collected = await client.collect(20)
    print(collected)
    await client.quit()
    await server.close()


if __name__ == "__main__":
    logging.basicConfig(
        level=logging.DEBUG,
        format="%(asctime)s [%(name)s] %(message)s",
        datefmt="[%H:%M:%S]:",
    )
    loop = asyncio.new_event_loop()
    loop.run_until_complete(talk())
    loop.close()
    print("done")
"""

WIRE = [
    ("<", "220 welcome"),
    (">", "USER anonymous"),
    ("<", "230 Anonymous login"),
    (">", "TYPE I"),
    ("<", "200 Type set to I"),
    (">", "EPSV"),
    ("<", "229 Entering Extended Passive Mode (|||PORT|)"),
    (">", "COLL 20"),
    ("<", "150 coll transfer started"),
    ("<", "200 coll transfer done"),
    (">", "QUIT"),
    ("<", "221 Goodbye"),
]
"""The lines sent: ``>`` by the client, ``<`` by the server."""


def run(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program in a separate process, where only installed packages can be imported."""
    path = folder / "program.py"
    path.write_text(program, encoding="utf-8")
    environment = {**os.environ, "PYTHONWARNINGS": "error", "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, path.name], cwd=folder, env=environment, capture_output=True, text=True, timeout=30, check=True
    )


def test_the_program(tmp_path: Path) -> None:
    """Both sides in one loop: output and log records are those of the tutorial, in this order."""
    done = run(PROGRAM, tmp_path)

    printed = [f"received: {number.to_bytes(8, 'big')!r} {number}" for number in range(20)]
    assert done.stdout.splitlines() == [*printed, str(list(range(20))), "done"]
    lines = [re.fullmatch(r"\[\d\d:\d\d:\d\d\]: \[([\w.]+)\] (.*)", line) for line in done.stderr.splitlines()]
    assert None not in lines, done.stderr
    logged = [(line[1], re.sub(r"(127\.0\.0\.1:|\|\|\|)\d+", r"\1PORT", line[2])) for line in lines if line is not None]

    of_server = [text for name, text in logged if name == "ftpfixture.server"]
    assert of_server == [
        "serving on 127.0.0.1:PORT",
        "new connection from 127.0.0.1:PORT",
        *[text for _, text in WIRE],
        "closing connection from 127.0.0.1:PORT",
    ]
    of_client = [text for name, text in logged if name == "ftpfixture.client" and "127.0.0.1:PORT" not in text]
    assert of_client == [text for _, text in WIRE]
    for direction, text in WIRE:
        sender, receiver = ("client", "server") if direction == ">" else ("server", "client")
        assert logged.index((f"ftpfixture.{sender}", text)) < logged.index((f"ftpfixture.{receiver}", text))


# The program with types.

TYPED = '''
"""What users write, with types, and without a word to the type checker."""

from __future__ import annotations

import asyncio
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

import ftpfixture
from ftpfixture.common import with_timeout
from ftpfixture.pathio import universal_exception


class MyServer(ftpfixture.Server):
    def __init__(self, *args: Any, mood: str = "fine", **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.mood = mood
        self.commands_mapping["feel"] = self._feel
        self.commands_mapping.pop("syst")

    async def noop(self, connection: ftpfixture.Connection, rest: str) -> bool:
        connection.response("200", "boring")
        return True

    async def stor(self, connection: ftpfixture.Connection, rest: str) -> bool:
        if connection.user.login == "eve":
            connection.response("550", ["Not", "you"])
            return True
        return await super().stor(connection, rest)

    @ftpfixture.ConnectionConditions(
        ftpfixture.ConnectionConditions.login_required, ftpfixture.ConnectionConditions.passive_server_started
    )
    async def coll(self, connection: ftpfixture.Connection, rest: str) -> bool:
        @ftpfixture.ConnectionConditions(
            ftpfixture.ConnectionConditions.data_connection_made, wait=True, fail_code="425", fail_info="Nobody came"
        )
        @ftpfixture.server.worker
        async def coll_worker(self: MyServer, connection: ftpfixture.Connection, rest: str) -> bool:
            stream = connection.data_connection
            del connection.data_connection
            async with stream:
                for number in range(count):
                    await stream.write(number.to_bytes(8, "big"))
            connection.response("200", "coll transfer done")
            return True

        count = int(rest)
        coro = coll_worker(self, connection, rest)
        task = connection.loop.create_task(coro)
        connection.extra_workers.add(task)
        connection.response("150", "coll transfer started")
        return True

    @ftpfixture.ConnectionConditions(ftpfixture.ConnectionConditions.login_required, ("licence", "Say LICENCE first"))
    @ftpfixture.PathConditions(ftpfixture.PathConditions.path_must_exists, ftpfixture.PathConditions.path_must_be_file)
    @ftpfixture.PathPermissions(ftpfixture.PathPermissions.readable, ftpfixture.PathPermissions.writable)
    async def head(self, connection: ftpfixture.Connection, rest: str) -> bool:
        real, virtual = self.get_paths(connection, rest)
        async with connection.path_io.open(real, mode="rb") as file:
            first = await file.read(10)
        connection.response("200", [f"{virtual}:", first.decode()], list=True)
        return True

    async def licence(self, connection: ftpfixture.Connection, rest: str) -> bool:
        del connection.licence
        connection.licence = rest
        known = await connection["licence"] == await connection.future.licence == connection.licence
        connection.response("200", str(known))
        return True

    @with_timeout("path_timeout")
    async def slow(self, connection: ftpfixture.Connection, rest: str) -> bool:
        connection.response("200", "not so slow")
        return True

    async def _feel(self, connection: ftpfixture.Connection, rest: str) -> bool:
        connection.response("200", self.mood)
        return True

    async def greeting(self, connection: ftpfixture.Connection, rest: str) -> bool:
        connection.throttles["own"] = ftpfixture.StreamThrottle.from_limits(write_speed_limit=1e9)
        return await super().greeting(connection, rest)

    @staticmethod
    def get_paths(
        connection: ftpfixture.Connection, path: str | PurePosixPath
    ) -> tuple[PurePath, PurePosixPath]:
        return ftpfixture.Server.get_paths(connection, path)


class MyClient(ftpfixture.Client):
    async def noop(self) -> None:
        await self.command("NOOP", "2xx")

    async def collect(self, count: int) -> list[int]:
        collected = []
        async with self.get_stream("COLL " + str(count), "1xx") as stream:
            async for block in stream.iter_by_block(8):
                collected.append(int.from_bytes(block, "big"))
        return collected

    @ftpfixture.with_timeout("socket_timeout")
    async def first_lines(self, path: str) -> list[str]:
        answer = await self.command(f"HEAD {path}", ("200", "25x"))
        assert answer is not None
        _, lines = answer
        return lines


class Shouting(ftpfixture.MemoryPathIO):
    @universal_exception
    async def exists(self, path: PurePath) -> bool:
        return await super().exists(path)

    async def read(self, file: Any, n: int = -1) -> bytes:
        return (await super().read(file, n)).upper()

    def list(self, path: PurePath) -> ftpfixture.AbstractAsyncLister[PurePath]:
        return super().list(path)


class Doorman(ftpfixture.AbstractUserManager):
    def __init__(self) -> None:
        super().__init__(timeout=5)
        self.ann = ftpfixture.User("ann", "secret", base_path=PurePosixPath("/"))

    async def get_user(
        self, login: str
    ) -> tuple[ftpfixture.AbstractUserManager.GetUserResponse, ftpfixture.User | None, str]:
        if login == "ann":
            return self.GetUserResponse.PASSWORD_REQUIRED, self.ann, "Password"
        return self.GetUserResponse.ERROR, None, "Who?"

    async def authenticate(self, user: ftpfixture.User, password: str) -> bool:
        return user.password == password

    async def notify_logout(self, user: ftpfixture.User) -> None:
        print("good-bye,", user.login)


async def main() -> None:
    with ftpfixture.setlocale("C"):
        server = MyServer(Doorman(), path_io_factory=Shouting, path_timeout=5, mood="splendid")
    files = server.path_io_factory()
    async with files.open(PurePosixPath("/a.txt"), mode="wb") as file:
        await file.write(b"hello, world")
    await server.start()
    async with MyClient.context(*server.address, user="ann", password="secret", socket_timeout=5) as client:
        await client.noop()
        print(await client.collect(3))
        for line in ("LICENCE 1", "FEEL", "SLOW"):
            print(await client.command(line, "2xx"))
        print(await client.first_lines("a.txt"))
        await client.upload(Path(__file__), "program.py", write_into=True)
    await server.close()
    print([str(path) for path in await files.list(PurePosixPath("/"))])


if __name__ == "__main__":
    asyncio.run(main())
'''


def test_the_typed_program_runs(tmp_path: Path) -> None:
    """Every extension point works, all at once."""
    assert run(TYPED, tmp_path).stdout.splitlines() == [
        "[0, 1, 2]",
        "('200', [' True'])",
        "('200', [' splendid'])",
        "('200', [' not so slow'])",
        "['-/a.txt:', ' HELLO, WOR']",
        "good-bye, ann",
        "['/a.txt', '/program.py']",
    ]


def test_the_typed_program_passes_the_type_checker(tmp_path: Path) -> None:
    """The strict checker finds nothing in it, and no comment suppresses an error."""
    assert "type: ignore" not in TYPED
    assert "cast(" not in TYPED
    path = tmp_path / "program.py"
    path.write_text(TYPED, encoding="utf-8")
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), path.name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert checked.stdout.strip() == "Success: no issues found in 1 source file", checked.stdout + checked.stderr
