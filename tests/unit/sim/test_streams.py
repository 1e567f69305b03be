"""Streams of asyncio over connections in memory, beside those of a selector loop."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trustme

from ftpfixture.errors import SimulationError
from ftpfixture.net.memory_network import MemoryNetwork
from ftpfixture.sim.loop import SimulatedLoop
from ftpfixture.sim.time import VirtualTime

KINDS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "real": asyncio.SelectorEventLoop,
    "simulated": lambda: SimulatedLoop(VirtualTime(), MemoryNetwork()),
}
Body = Callable[
    [asyncio.StreamReader, asyncio.StreamWriter, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[Any]
]


@pytest.fixture(params=KINDS)
def runner(request: pytest.FixtureRequest) -> Any:
    """Runs a coroutine on one of the loops."""
    with asyncio.Runner(loop_factory=KINDS[request.param]) as runner:
        yield runner


def _connected(runner: asyncio.Runner, body: Body) -> Any:
    """Run a body with the streams of a client and of a server."""

    async def main() -> Any:
        arrived: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Future()
        server = await asyncio.start_server(lambda *streams: arrived.set_result(streams), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            return await body(reader, writer, *(await arrived))
        finally:
            server.close()
            for one in (writer, arrived.result()[1]):
                one.close()

    return runner.run(main())


def test_lines_and_ends(runner: asyncio.Runner) -> None:
    """Bytes in both directions, FIN, and the end."""

    async def body(reader: Any, writer: Any, far_reader: Any, far_writer: Any) -> None:
        far_writer.writelines([b"220 hello\r\n", b"more"])
        assert await reader.readline() == b"220 hello\r\n"
        writer.write(b"QUIT\r\n")
        writer.write_eof()
        assert await far_reader.read() == b"QUIT\r\n"
        with pytest.raises(RuntimeError, match="write_eof"):
            writer.write(b"x")
        assert writer.get_extra_info("peername") == far_writer.get_extra_info("sockname")
        assert writer.can_write_eof()
        far_writer.close()
        assert await reader.read() == b"more"
        await far_writer.wait_closed()
        assert far_writer.is_closing()

    _connected(runner, body)


def test_a_reader_that_is_slow(runner: asyncio.Runner) -> None:
    """The writer waits until the other side has received, and no byte is lost."""
    data = bytes(range(256)) * (1 << 16)

    async def body(reader: Any, writer: Any, far_reader: Any, far_writer: Any) -> None:
        assert far_writer.transport.get_write_buffer_limits() == (1 << 14, 1 << 16)
        far_writer.transport.set_write_buffer_limits(high=1000)
        far_writer.write(data)
        assert far_writer.transport.get_write_buffer_size() > 0
        draining = asyncio.ensure_future(far_writer.drain())
        await asyncio.sleep(0)
        assert not draining.done()
        received = b""
        while len(received) < len(data):
            received += await reader.read(1 << 20)
        await draining
        assert received == data

    _connected(runner, body)


def test_a_reset(runner: asyncio.Runner) -> None:
    """Data that is on its way is lost, and the reader gets the error."""

    async def body(reader: Any, writer: Any, far_reader: Any, far_writer: Any) -> str:
        writer.write(b"unread")
        await asyncio.sleep(0.01)
        far_writer.transport.abort()
        try:
            return repr(await reader.read())
        except ConnectionResetError:
            return "reset"

    assert _connected(runner, body) in ("reset", "b''")


def test_reading_is_paused(runner: asyncio.Runner) -> None:
    """Nothing is received meanwhile, nor lost."""

    async def body(reader: Any, writer: Any, far_reader: Any, far_writer: Any) -> None:
        transport = writer.transport
        assert transport.is_reading()
        transport.pause_reading()
        far_writer.write(b"later")
        for _ in range(5):
            await asyncio.sleep(0.001)
        assert not reader._buffer
        transport.resume_reading()
        assert await reader.read(5) == b"later"

    _connected(runner, body)


def test_refused(runner: asyncio.Runner) -> None:
    """A port without a listener."""

    async def main() -> None:
        server = await asyncio.start_server(print, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        assert server.is_serving()
        server.close()
        await server.wait_closed()
        await asyncio.open_connection("127.0.0.1", port)

    with pytest.raises(ConnectionRefusedError):
        runner.run(main())


def test_tls_of_a_client() -> None:
    """From the start, and later, over a connection to a server that `TlsLayer` encrypts."""
    authority = trustme.CA()
    server_context, client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server_context)
    authority.configure_trust(client_context)
    loop = SimulatedLoop(VirtualTime(), MemoryNetwork())
    echoing: list[Any] = []

    def accept(transport: Any) -> None:
        tls = transport.start_tls(server_context, server_side=True)

        def echo() -> None:
            try:
                if not tls.established:
                    tls.do_handshake()
                tls.send(tls.recv(1000))
            except ssl.SSLError as error:
                echoing.append(error.reason)

        transport.on_readable(echo)

    async def main() -> None:
        listener = loop.network.listen("127.0.0.1", 0, accept)
        for later in (False, True):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", listener.port, ssl=None if later else client_context
            )
            if later:
                await writer.start_tls(client_context, server_hostname="127.0.0.1")
            writer.write(b"hello")
            assert await reader.read(5) == b"hello"
            assert writer.get_extra_info("ssl_object").version() == "TLSv1.3"
            writer.close()
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.open_connection("127.0.0.1", listener.port, ssl=True)
        _, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        with pytest.raises(ssl.SSLCertVerificationError):
            await writer.start_tls(ssl.create_default_context(), server_hostname="127.0.0.1")

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(main())


def test_what_cannot_be_simulated() -> None:
    """Sockets of the caller, and servers with TLS."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        with pytest.raises(SimulationError, match=r"create_connection\(sock=...\)"):
            await loop.create_connection(asyncio.Protocol, sock=object())  # type: ignore[call-overload]
        with pytest.raises(SimulationError, match=r"create_server\(ssl=..., sock=...\)"):
            await loop.create_server(asyncio.Protocol, "127.0.0.1", 0, ssl=True)

    with asyncio.Runner(loop_factory=KINDS["simulated"]) as runner:
        runner.run(main())


def test_a_server_for_ever() -> None:
    """It serves until it is cancelled."""

    async def main() -> None:
        server = await asyncio.start_server(print, None, 0)
        assert server.get_loop() is asyncio.get_running_loop()
        await server.start_serving()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600):
                await server.serve_forever()

    with asyncio.Runner(loop_factory=KINDS["simulated"]) as runner:
        runner.run(main())
