"""A server that plays a script, octet by octet, in the loop of the test: to show a client odd and hostile servers.

A script is a list of steps; each control connection plays one:

- a `str` is the line that the client must say now, and a compiled pattern must match all of it;
- `bytes` are sent as they are;
- an `asyncio.Event` is waited for;
- anything else is called with the session, and awaited: the functions of this module, or a test's own.

When the script is over the client must say nothing more. What the client does against it is the error of the test, and
comes out where the server is left.
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
    "broken",
    "close",
    "connected",
    "dial_back",
    "dropped",
    "eprt",
    "epsv",
    "fetch",
    "foreign",
    "not_listening",
    "pasv",
    "port",
    "receive",
    "reset",
    "send",
    "slowly",
    "talk",
    "tell",
    "transfer",
    "turns",
    "until_closed",
]

GREETING = b"220 hello\r\n"
HOST = "127.0.0.1"
_LIMIT = 20  # seconds that a client may be silent; no good test comes near it


class Session:
    """One control connection of a scripted server.

    Attributes:
        sock: The control connection.
        line: What the client said last.
        data: The data connection, when there is one.
        target: Where the client wants to be connected to, since it said PORT or EPRT.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.line = ""
        self.data: socket.socket | None = None
        self.target = ("", 0)
        self._loop = asyncio.get_running_loop()
        self._listener: socket.socket | None = None
        self._buffer = b""

    async def hear(self) -> str:
        """The next line of the client; EOFError when it is gone."""
        while b"\n" not in self._buffer:
            octets = await self._loop.sock_recv(self.sock, 65536)
            if not octets:
                raise EOFError
            self._buffer += octets
        line, _, self._buffer = self._buffer.partition(b"\n")
        assert line.endswith(b"\r"), f"the client ended {line!r} without CR"
        self.line = line[:-1].decode("utf-8", "surrogateescape")
        return self.line

    def nothing_said(self) -> None:
        """Hold that the client says nothing just now."""
        with contextlib.suppress(BlockingIOError):
            self._buffer += self.sock.recv(65536)
        assert not self._buffer, f"the client said {self._buffer!r} and should wait"

    async def say(self, octets: bytes) -> None:
        """Send octets."""
        await self._loop.sock_sendall(self.sock, octets)

    def listen(self, host: str = "") -> int:
        """Listen for a data connection; the port."""
        host = host or self.sock.getsockname()[0]
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.forget()
        self._listener = socket.create_server((host, 0), family=family)
        self._listener.setblocking(False)
        port: int = self._listener.getsockname()[1]
        return port

    async def accept(self) -> socket.socket:
        """The data connection; waits for the client to connect."""
        if self.data is None:
            assert self._listener is not None, "the script has no data connection here"
            self.data, _ = await self._loop.sock_accept(self._listener)
        return self.data

    async def dial_back(self, local: str = "") -> socket.socket:
        """Connect to where the client listens."""
        family = socket.AF_INET6 if ":" in self.target[0] else socket.AF_INET
        self.data = socket.socket(family)
        self.data.setblocking(False)
        self.data.bind((local or self.sock.getsockname()[0], 0))
        await self._loop.sock_connect(self.data, self.target)
        return self.data

    async def drain(self) -> bytes:
        """What the client sends on the data connection, to its end."""
        sock, octets = await self.accept(), b""
        while piece := await self._loop.sock_recv(sock, 65536):
            octets += piece
        return octets

    def forget(self) -> None:
        """Close what belongs to the data connection."""
        for sock in (self.data, self._listener):
            if sock is not None:
                sock.close()
        self.data = self._listener = None

    async def play(self, step: Any) -> None:
        """Do one step of a script."""
        match step:
            case str():
                line = await self.hear()
                assert line == step, f"the client said {line!r} where {step!r} belongs"
            case re.Pattern():
                line = await self.hear()
                assert step.fullmatch(line), f"the client said {line!r} where {step.pattern!r} belongs"
            case bytes():
                await self.say(step)
            case asyncio.Event():
                await step.wait()
            case _:
                await step(self)

    def close(self) -> None:
        """Close everything."""
        self.forget()
        self.sock.close()


Step = str | re.Pattern[str] | bytes | asyncio.Event | Callable[[Session], Awaitable[object]]

TYPE_I: list[Step] = ["TYPE I", b"200 octets\r\n"]


class _Abandoned(AssertionError):
    """The client went away, or nothing came: an error of the test, if there is one, tells why."""


class ScriptedServer:
    """Listens on a port of the loopback and plays a script on each control connection, the first on the first.

    Leaving it waits until every script was played, and raises what went against one.

    Args:
        scripts: One for each connection.
        host: Numeric address.

    Attributes:
        lines: What was said by clients, in all sessions, in order.
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
            await _silence(session)
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


async def _silence(session: Session) -> None:
    """Wait until the client is gone, and hold that it says nothing before."""
    if session.sock.fileno() < 0:
        return
    async with asyncio.timeout(_LIMIT):
        with contextlib.suppress(EOFError, ConnectionError):
            raise AssertionError(f"the client said {await session.hear()!r} after the end of the script")


@contextlib.asynccontextmanager
async def talk(*script: Step, client_class: Callable[..., Client] = Client, **settings: Any) -> AsyncIterator[Client]:
    """A client that is connected, but not logged in, to a server that plays a script after its greeting.

    Args:
        script: What comes after the greeting.
        client_class: What the client is.
        settings: Of the client.
    """
    async with ScriptedServer([GREETING, *script]) as server:
        client = client_class(**{"socket_timeout": _LIMIT, **settings})
        try:
            await client.connect(*server.address)
            yield client
        finally:
            client.close()


async def fetch(client: Client, path: str = "a") -> bytes:
    """Download a file by a stream."""
    async with client.download_stream(path) as stream:
        return await stream.read()


# Steps of the control connection.


def slowly(octets: bytes) -> Step:
    """Send octets one by one, and let the client look at each."""

    async def step(session: Session) -> None:
        for number in range(len(octets)):
            await session.say(octets[number : number + 1])
            await turns(session)

    return step


async def turns(session: Session) -> None:
    """Let the client look at what was sent so far."""
    for _ in range(3):
        await asyncio.sleep(0)


async def close(session: Session) -> None:
    """Close everything in order: the client sees the end."""
    session.close()


async def reset(session: Session) -> None:
    """Break the control connection: the client sees an error."""
    _break(session.sock)
    session.close()


async def until_closed(session: Session) -> None:
    """Wait until the client closes the control connection, and hold that it says nothing before."""
    await _silence(session)


def tell(event: asyncio.Event) -> Step:
    """Set an event, for the test to wait for."""

    async def step(session: Session) -> None:
        event.set()

    return step


# Steps of the data connection.


async def epsv(session: Session) -> None:
    """Hear EPSV, and listen."""
    await session.play("EPSV")
    await session.say(f"229 {render_229(session.listen())}\r\n".encode())


async def pasv(session: Session) -> None:
    """Hear PASV, and listen."""
    await session.play("PASV")
    await session.say(f"227 {render_227(HOST, session.listen())}\r\n".encode())


async def eprt(session: Session) -> None:
    """Hear EPRT, and remember where to connect to."""
    _, host, number = parse_eprt((await session.hear()).removeprefix("EPRT "))
    session.forget()
    session.target = host, number
    await session.say(b"200 fine\r\n")


async def port(session: Session) -> None:
    """Hear PORT, and remember where to connect to."""
    session.target = parse_port((await session.hear()).removeprefix("PORT "))
    session.forget()
    await session.say(b"200 fine\r\n")


async def dial_back(session: Session) -> None:
    """Connect to where the client listens."""
    await session.dial_back()


async def foreign(session: Session) -> None:
    """Connect to where the client listens, from another address than the server's, and hold that it is turned away."""
    sock = await session.dial_back("127.0.0.2")
    with contextlib.suppress(ConnectionResetError):
        assert await asyncio.get_running_loop().sock_recv(sock, 1) == b""
    session.forget()


async def not_listening(session: Session) -> None:
    """Hold that the client does not listen any more where it said that it does."""
    with socket.socket() as sock:
        sock.setblocking(False)
        with contextlib.suppress(ConnectionRefusedError):
            await asyncio.get_running_loop().sock_connect(sock, session.target)
            raise AssertionError("the client still listens")


async def accept(session: Session) -> None:
    """Wait for the client's data connection."""
    await session.accept()


def send(octets: bytes, *, end: bool = True) -> Step:
    """Send octets on the data connection, and close it unless it shall stay open."""

    async def step(session: Session) -> None:
        await asyncio.get_running_loop().sock_sendall(await session.accept(), octets)
        if end:
            session.forget()

    return step


def receive(expected: bytes) -> Step:
    """Hold that the client sends these octets on the data connection, and closes it in order."""

    async def step(session: Session) -> None:
        octets = await session.drain()
        session.forget()
        assert octets == expected, f"the client sent {octets!r} where {expected!r} belong"

    return step


async def connected(session: Session) -> None:
    """Hold that the client has a data connection, and has not closed it."""
    sock = await session.accept()
    with contextlib.suppress(BlockingIOError):
        raise AssertionError(f"the client sent {sock.recv(1)!r}")


async def broken(session: Session) -> None:
    """Break the data connection: the client sees an error."""
    _break(await session.accept())
    session.forget()


async def dropped(session: Session) -> None:
    """Hold that the client resets the data connection; what it sent before does not matter."""
    with contextlib.suppress(ConnectionResetError):
        octets = await session.drain()
        raise AssertionError(f"the client sent {octets[-80:]!r} and closed in order")
    session.forget()


def transfer(command: str, *steps: Step, first: bool = False) -> list[Step]:
    """The usual course of a transfer over EPSV: `steps` come between 150 and 226.

    Args:
        command: What the client says.
        steps: What happens to the data connection.
        first: It is the first of its session, so that TYPE I comes before.
    """
    return [*(TYPE_I if first else ()), epsv, command, b"150 here it comes\r\n", *steps, b"226 done\r\n"]


def _break(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
