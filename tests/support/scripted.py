"""A server that plays a script in the loop of the test, with full control of the bytes: for odd and hostile servers.

A script is a list of steps; each control connection plays one:

- a `str` is the line that the client must send now, and a compiled pattern must match the whole line;
- `bytes` are sent as they are;
- for an `asyncio.Event` the script waits;
- anything else is called with the session and awaited: functions of this module or of a test.

After the script the client must send nothing more. A deviation of the client fails the test: the error is raised when
the server's context ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any, Self

from ftpfixture import Client
from ftpfixture.wire.hostport import parse_eprt, parse_port, render_227, render_229

__all__ = [
    "GREETING",
    "HOST",
    "TYPE_I",
    "ScriptedServer",
    "Session",
    "Step",
    "accept",
    "close",
    "connected",
    "dial_back",
    "eprt",
    "epsv",
    "expect_data_reset",
    "fetch",
    "foreign",
    "not_listening",
    "pasv",
    "port",
    "receive",
    "reset",
    "reset_data",
    "send",
    "signal",
    "slowly",
    "talk",
    "transfer",
    "turns",
    "until_closed",
]

GREETING = b"220 hello\r\n"
HOST = "127.0.0.1"
_LIMIT = 20  # seconds that a step may take; a passing test is far below


class Session:
    """One control connection of a scripted server.

    Attributes:
        sock: The control connection.
        line: The last line of the client.
        data: The data connection; None without one.
        target: The address of the client's last PORT or EPRT.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.line = ""
        self.data: socket.socket | None = None
        self.target = ("", 0)
        self._loop = asyncio.get_running_loop()
        self._listener: socket.socket | None = None
        self._buffer = b""

    async def read_line(self) -> str:
        """The next line of the client; EOFError when it has closed."""
        while b"\n" not in self._buffer:
            data = await self._loop.sock_recv(self.sock, 65536)
            if not data:
                raise EOFError
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        assert line.endswith(b"\r"), f"the client ended {line!r} without CR"
        self.line = line[:-1].decode("utf-8", "surrogateescape")
        return self.line

    def check_no_command(self) -> None:
        """Check that the client has sent nothing."""
        with contextlib.suppress(BlockingIOError):
            self._buffer += self.sock.recv(65536)
        assert not self._buffer, f"the client sent {self._buffer!r} and should wait"

    async def send(self, data: bytes) -> None:
        """Send bytes on the control connection."""
        await self._loop.sock_sendall(self.sock, data)

    def listen(self, host: str = "") -> int:
        """Listen for a data connection; returns the port."""
        host = host or self.sock.getsockname()[0]
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.close_data()
        self._listener = socket.create_server((host, 0), family=family)
        self._listener.setblocking(False)
        port: int = self._listener.getsockname()[1]
        return port

    async def accept(self) -> socket.socket:
        """The data connection; waits until the client has connected."""
        if self.data is None:
            assert self._listener is not None, "the script has no data connection here"
            self.data, _ = await self._loop.sock_accept(self._listener)
        return self.data

    async def dial_back(self, local: str = "") -> socket.socket:
        """Connect to the address on which the client listens."""
        family = socket.AF_INET6 if ":" in self.target[0] else socket.AF_INET
        self.data = socket.socket(family)
        self.data.setblocking(False)
        self.data.bind((local or self.sock.getsockname()[0], 0))
        await self._loop.sock_connect(self.data, self.target)
        return self.data

    async def drain(self) -> bytes:
        """All data that the client sends on the data connection."""
        sock, data = await self.accept(), b""
        while piece := await self._loop.sock_recv(sock, 65536):
            data += piece
        return data

    def close_data(self) -> None:
        """Close the data connection and its listener."""
        for sock in (self.data, self._listener):
            if sock is not None:
                sock.close()
        self.data = self._listener = None

    async def play(self, step: Any) -> None:
        """Play one step of a script."""
        match step:
            case str():
                line = await self.read_line()
                assert line == step, f"the client sent {line!r} instead of {step!r}"
            case re.Pattern():
                line = await self.read_line()
                assert step.fullmatch(line), f"the client sent {line!r} instead of {step.pattern!r}"
            case bytes():
                await self.send(step)
            case asyncio.Event():
                await step.wait()
            case _:
                await step(self)

    def close(self) -> None:
        """Close everything."""
        self.close_data()
        self.sock.close()


Step = str | re.Pattern[str] | bytes | asyncio.Event | Callable[[Session], Awaitable[object]]

TYPE_I: list[Step] = ["TYPE I", b"200 binary\r\n"]


class _Abandoned(AssertionError):
    """The client closed, or sent nothing; an error of the test, if there is one, explains it."""


class ScriptedServer:
    """Listens on a loopback port and plays one script on each control connection, in order.

    The end of the context waits until every script was played, and raises deviations of the client.

    Args:
        scripts: One script for each connection.
        host: The numeric address to listen on.

    Attributes:
        address: Host and port of the server, within the context.
    """

    def __init__(self, *scripts: Sequence[Step], host: str = HOST) -> None:
        self._scripts = list(scripts)
        self._host = host
        self._tasks: list[asyncio.Task[None]] = []
        self._sessions: list[Session] = []

    async def __aenter__(self) -> Self:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        self._listener = socket.create_server((self._host, 0), family=family)
        self._listener.setblocking(False)
        self.address: tuple[str, int] = self._listener.getsockname()[:2]
        self._acceptor = asyncio.create_task(self._accept())
        return self

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        for script in self._scripts:
            sock, _ = await loop.sock_accept(self._listener)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            session = Session(sock)
            self._sessions.append(session)
            self._tasks.append(asyncio.create_task(self._play(session, script)))
        self._listener.close()

    async def _play(self, session: Session, script: Sequence[Step]) -> None:
        try:
            for number, step in enumerate(script):
                try:
                    async with asyncio.timeout(_LIMIT):
                        await session.play(step)
                except (EOFError, ConnectionError, TimeoutError) as error:
                    kind = type(error).__name__
                    raise _Abandoned(f"{kind} in step {number} of the script: {step!r}") from error
            await _until_closed(session)
        finally:
            session.close()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        try:
            if error is None:
                async with asyncio.timeout(_LIMIT):
                    await self._acceptor
                    await asyncio.wait(self._tasks)
            elif self._tasks:
                await asyncio.sleep(0)  # an unexpected line may be under way, and it explains the error
                await asyncio.wait(self._tasks, timeout=0.01)
        finally:
            for task in (self._acceptor, *self._tasks):
                task.cancel()
            results = await asyncio.gather(self._acceptor, *self._tasks, return_exceptions=True)
            self._listener.close()
        for result in results:
            if isinstance(result, Exception) and (error is None or not isinstance(result, _Abandoned)):
                raise result


async def _until_closed(session: Session) -> None:
    """Wait until the client closes, and check that it sends nothing before."""
    if session.sock.fileno() < 0:
        return
    async with asyncio.timeout(_LIMIT):
        with contextlib.suppress(EOFError, ConnectionError):
            raise AssertionError(f"the client sent {await session.read_line()!r} after the end of the script")


@contextlib.asynccontextmanager
async def talk(*script: Step, client_class: Callable[..., Client] = Client, **settings: Any) -> AsyncIterator[Client]:
    """A client that is connected, but not logged in, to a server that plays a script after its greeting.

    Args:
        script: The steps after the greeting.
        client_class: The class of the client.
        settings: Settings of the client.
    """
    async with ScriptedServer([GREETING, *script]) as server:
        client = client_class(**{"socket_timeout": _LIMIT, **settings})
        try:
            await client.connect(*server.address)
            yield client
        finally:
            client.close()


async def fetch(client: Client, path: str = "a") -> bytes:
    """Download a file with a stream."""
    async with client.download_stream(path) as stream:
        return await stream.read()


# Steps of the control connection.


def slowly(data: bytes) -> Step:
    """Send bytes one by one, and let the client read each."""

    async def step(session: Session) -> None:
        for number in range(len(data)):
            await session.send(data[number : number + 1])
            await turns(session)

    return step


async def turns(session: Session) -> None:
    """Let the client read what was sent so far."""
    for _ in range(3):
        await asyncio.sleep(0)


async def close(session: Session) -> None:
    """Close everything with FIN: the client sees the end."""
    session.close()


async def reset(session: Session) -> None:
    """Reset the control connection: the client sees an error."""
    _reset(session.sock)
    session.close()


async def until_closed(session: Session) -> None:
    """Wait until the client closes the control connection, and check that it sends nothing before."""
    await _until_closed(session)


def signal(event: asyncio.Event) -> Step:
    """Set an event, for the test to wait for."""

    async def step(session: Session) -> None:
        event.set()

    return step


# Steps of the data connection.


async def epsv(session: Session) -> None:
    """Receive EPSV, and listen."""
    await session.play("EPSV")
    await session.send(f"229 {render_229(session.listen())}\r\n".encode())


async def pasv(session: Session) -> None:
    """Receive PASV, and listen."""
    await session.play("PASV")
    await session.send(f"227 {render_227(HOST, session.listen())}\r\n".encode())


async def eprt(session: Session) -> None:
    """Receive EPRT, and record the address."""
    _, host, number = parse_eprt((await session.read_line()).removeprefix("EPRT "))
    session.close_data()
    session.target = host, number
    await session.send(b"200 fine\r\n")


async def port(session: Session) -> None:
    """Receive PORT, and record the address."""
    session.target = parse_port((await session.read_line()).removeprefix("PORT "))
    session.close_data()
    await session.send(b"200 fine\r\n")


async def dial_back(session: Session) -> None:
    """Connect to the address on which the client listens."""
    await session.dial_back()


async def foreign(session: Session) -> None:
    """Connect to the client from another address than the server's, and check that the connection is rejected."""
    sock = await session.dial_back("127.0.0.2")
    with contextlib.suppress(ConnectionResetError):
        assert await asyncio.get_running_loop().sock_recv(sock, 1) == b""
    session.close_data()


async def not_listening(session: Session) -> None:
    """Check that the client does not listen any more on the address that it sent."""
    with socket.socket() as sock:
        sock.setblocking(False)
        with contextlib.suppress(ConnectionRefusedError):
            await asyncio.get_running_loop().sock_connect(sock, session.target)
            raise AssertionError("the client still listens")


async def accept(session: Session) -> None:
    """Wait for the client's data connection."""
    await session.accept()


def send(data: bytes, *, end: bool = True) -> Step:
    """Send bytes on the data connection, and close it unless `end` is False."""

    async def step(session: Session) -> None:
        await asyncio.get_running_loop().sock_sendall(await session.accept(), data)
        if end:
            session.close_data()

    return step


def receive(expected: bytes) -> Step:
    """Check that the client sends these bytes on the data connection, and closes it with FIN."""

    async def step(session: Session) -> None:
        data = await session.drain()
        session.close_data()
        assert data == expected, f"the client sent {data!r} instead of {expected!r}"

    return step


async def connected(session: Session) -> None:
    """Check that the client has a data connection, and has not closed it."""
    sock = await session.accept()
    with contextlib.suppress(BlockingIOError):
        raise AssertionError(f"the client sent {sock.recv(1)!r}")


async def reset_data(session: Session) -> None:
    """Reset the data connection: the client sees an error."""
    _reset(await session.accept())
    session.close_data()


async def expect_data_reset(session: Session) -> None:
    """Check that the client resets the data connection; data that it sent before are ignored."""
    with contextlib.suppress(ConnectionResetError):
        data = await session.drain()
        raise AssertionError(f"the client sent {data[-80:]!r} and closed without a reset")
    session.close_data()


def transfer(command: str, *steps: Step, first: bool = False) -> list[Step]:
    """The usual steps of a transfer with EPSV: `steps` are between 150 and 226.

    Args:
        command: The command of the client.
        steps: The steps on the data connection.
        first: It is the first transfer of its session, so TYPE I comes before.
    """
    return [*(TYPE_I if first else ()), epsv, command, b"150 here it comes\r\n", *steps, b"226 done\r\n"]


def _reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
