"""The server without its commands: errors in settings, and its life cycle."""

from __future__ import annotations

import asyncio
import errno
import re
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ftpfixture import ConfigurationError, Server, ServerStateError
from ftpfixture.log.events import Disconnected
from ftpfixture.wire.listing.styles import LIST_STYLES
from tests.support.rows import table


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A server that is not started yet, and is closed at the end."""
    server = Server()
    yield server
    await server.close()


async def _greeting(server: Server) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]:
    reader, writer = await asyncio.open_connection(*server.address)
    return reader, writer, await asyncio.wait_for(reader.readline(), 5)


# Settings.


@table(
    ("settings", "text"),
    [
        (
            {"disable": ["MLSX"]},
            "cannot disable 'MLSX': no such command; did you mean one of MLSD, MLST, NLST?",
        ),
        ({"disable": ["START"]}, "cannot disable 'START': no such command; did you mean one of STAT, "),
        ({"disable": "MLSD"}, "disable takes a list of verbs, such as ['MLSD'], not 'MLSD'"),
        ({"disable": ["MLSD", 5]}, "disable takes a list of verbs, such as ['MLSD'], not ['MLSD', 5]"),
        (
            {"features": "UTF8"},
            "features takes a list of lines, such as ['UTF8', 'MLST type*;size*;'], or None for",
        ),
        ({"virtual_hosts": "a.example"}, "virtual_hosts takes a list of host names, such as ['ftp.example.org'], or"),
        ({"welcome_message": 5}, "welcome_message takes text, or a list of lines, not 5"),
        ({"system": b"UNIX"}, "system takes text, not b'UNIX'"),
        ({"clock": 5}, "clock takes a Clock, or a function that returns POSIX seconds, not 5"),
        ({"path_io_factory": None}, "path_io_factory takes a class of path layer, or a function that makes one, not"),
        ({"ssl": "valid"}, "ssl takes an ssl.SSLContext, or a function that makes one, or None for a server without"),
        ({"data_ports": []}, "data_ports takes port numbers from 1 to 65535, such as range(50000, 50010)"),
        ({"data_ports": [0]}, "data_ports takes port numbers from 1 to 65535"),
        ({"data_ports": [50000, 65536]}, "data_ports takes port numbers from 1 to 65535"),
        ({"data_ports": [-1]}, "data_ports takes port numbers from 1 to 65535"),
        ({"data_ports": ["2121"]}, "data_ports takes port numbers from 1 to 65535"),
        (
            {"list_style": "VMS"},
            "list_style takes one of unix, msdos, msdos4, eplf, full-iso, unix-de, unix-fr, unix-ru, netware, os2, "
            "os400, vxworks, vms, mvs, pds, not 'VMS'",
        ),
        (
            {"encoding": "utf-9"},
            "encoding takes an encoding of Python's, such as 'utf-8' or 'latin-1', not 'utf-9'",
        ),
        ({"timezone": "UTC"}, "timezone takes a time zone, such as datetime.UTC or zoneinfo.ZoneInfo"),
        (
            {"ipv4_pasv_forced_response_address": "::1"},
            "ipv4_pasv_forced_response_address takes an IPv4 address, such as 10.0.0.1, or None, not '::1'",
        ),
        ({"idle_timeout": -1}, "idle_timeout takes a number of seconds, 0 or more, or None for no limit, not -1"),
        ({"socket_timeout": "5"}, "socket_timeout takes a number of seconds, 0 or more, or None for no limit, not '5'"),
        ({"wait_future_timeout": float("inf")}, "wait_future_timeout takes a number of seconds, 0 or more, or None"),
        ({"login_delay": None}, "login_delay takes a number of seconds, 0 or more, not None"),
        ({"block_size": 0}, "block_size takes a whole number of bytes, 1 or more, not 0"),
        (
            {"inflation_limit": 1e6},
            "inflation_limit takes a whole number of bytes, 0 or more, or None for no limit",
        ),
        (
            {"maximum_connections": True},
            "maximum_connections takes a whole number, 0 or more, or None for no limit",
        ),
        (
            {"maximum_connections_per_address": "2"},
            "maximum_connections_per_address takes a whole number, 0 or more",
        ),
        ({"read_speed_limit": -0.5}, "read_speed_limit takes a number of bytes per second, 0 or more, or None for no"),
        ({"allow_remote": "no"}, "allow_remote takes True or False, not 'no'"),
        ({"allow_foreign_addresses": 1}, "allow_foreign_addresses takes True or False, not 1"),
        ({"allow_privileged_ports": None}, "allow_privileged_ports takes True or False, not None"),
        ({"refuse_size_in_ascii": "yes"}, "refuse_size_in_ascii takes True or False, not 'yes'"),
        ({"implicit_protection": "p"}, "implicit_protection takes one of P, C, not 'p'"),
        (
            {"implicit_protection": "C"},
            "implicit_protection='C' needs tls='implicit': explicit TLS protects no data",
        ),
    ],
)
def test_settings_that_cannot_work(settings: dict[str, Any], text: str) -> None:
    """A wrong setting is refused when the server is made, with what would work."""
    with pytest.raises(ConfigurationError, match=f"^{re.escape(text)}"):
        Server(**settings)


def test_disabling_an_unknown_verb() -> None:
    """When no verb is near, the error names all of them."""
    with pytest.raises(ConfigurationError, match=r"no such command; use one of ABOR, .*, USER, .*"):
        Server(disable=["%%%%"])


def test_a_disabled_verb_disables_its_aliases() -> None:
    """The name of a command also disables its aliases, in any case; an alias disables only itself."""
    assert {"pwd", "xpwd"}.isdisjoint(Server(disable=["pwd"]).commands_mapping)
    only_the_alias = Server(disable=["XPWD"]).commands_mapping
    assert "pwd" in only_the_alias
    assert "xpwd" not in only_the_alias


def test_disable_takes_any_iterable() -> None:
    """A set or a generator of verbs works, too."""
    assert "mlsd" not in Server(disable={"MLSD"}).commands_mapping
    assert "mlsd" not in Server(disable=iter(["MLSD"])).commands_mapping


@table("style", LIST_STYLES)
def test_every_list_style_is_accepted(style: Any) -> None:
    """All the names that the error lists are right."""
    assert Server(list_style=style).list_style is LIST_STYLES[style]


def test_a_server_needs_no_loop_to_be_made() -> None:
    """A server can be made and read outside of asyncio."""
    assert Server().connections == {}


# Life cycle.


async def test_ready_means_listening(server: Server) -> None:
    """When `start` returns the address is known, and a client that connects gets the greeting."""
    await server.start()

    assert server.address == (server.server_host, server.server_port)
    assert server.address[0] == "127.0.0.1"
    _, writer, greeting = await _greeting(server)
    assert greeting == b"220 welcome\r\n"
    writer.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
async def test_other_addresses_than_loopback_need_allow_remote(server: Server, host: str) -> None:
    """An address that other machines can reach is refused with the reason, and no server listens."""
    with pytest.raises(ConfigurationError, match=f"host='{host}' can be reached from other machines") as caught:
        await server.start(host)

    assert "allow_remote=True" in str(caught.value)
    with pytest.raises(ServerStateError):
        _ = server.address


async def test_allow_remote() -> None:
    """With `allow_remote` the server may listen on all addresses of the machine."""
    server = Server(allow_remote=True)
    await server.start("0.0.0.0")

    assert server.server_host == "0.0.0.0"
    assert server.address == ("127.0.0.1", server.server_port)
    await server.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_loopback_needs_no_allow_remote(server: Server, host: str) -> None:
    """The server listens on an address or a name of loopback; its own address is numeric then."""
    await server.start(host)

    assert server.address[0] in ("127.0.0.1", "::1")


async def test_a_name_without_an_address(server: Server) -> None:
    """An unknown name is reported as a wrong setting."""
    with pytest.raises(ConfigurationError, match=r"host='no\.such\.host\.invalid' has no address"):
        await server.start("no.such.host.invalid")


@pytest.mark.parametrize("host", ["127.0.0.1", None])
async def test_a_port_that_is_taken(server: Server, host: str | None) -> None:
    """It is the system's error, and its text names address, port and what would work."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}; use port=0 for a free port") as caught:
            await server.start(host, port)

    assert caught.value.errno == errno.EADDRINUSE
    await server.start()  # a failed start can be tried again


async def test_starting_twice(server: Server) -> None:
    """A second start is refused with the address, and the server keeps running."""
    await server.start()
    port = server.server_port

    with pytest.raises(ServerStateError, match=f"started already, on 127.0.0.1:{port}"):
        await server.start()

    _, writer, greeting = await _greeting(server)
    assert greeting.startswith(b"220")
    writer.close()


async def test_closing_before_the_start_does_nothing(server: Server) -> None:
    """`close` without a start is no error, and neither is a second one."""
    await server.close()
    await server.start()
    await server.close()
    await server.close()


async def test_a_server_can_be_started_again(server: Server) -> None:
    """After `close` the same server can listen again."""
    await server.start()
    await server.close()
    await server.start()

    _, writer, greeting = await _greeting(server)
    assert greeting.startswith(b"220")
    writer.close()


async def test_close_sends_421(server: Server) -> None:
    """Each client gets 421 for the shutdown, and then the end."""
    await server.start()
    reader, writer, _ = await _greeting(server)
    await server.close()

    assert (await reader.readline())[:4] == b"421 "
    assert await reader.read() == b""
    assert server.connections == {}
    writer.close()


async def test_close_right_after_a_connection(server: Server) -> None:
    """A session that is terminated before the first step of its task is closed like any other."""
    reasons: list[str] = []
    server.hub.subscribe(lambda event: reasons.append(event.reason) if isinstance(event, Disconnected) else None)
    await server.start()
    with socket.create_connection(server.address, 5) as client:
        assert server._listener is not None
        server._listener.accept_now()
        assert len(server.connections) == 1

        await server.close()

        assert server.connections == {}
        assert reasons == ["shut down"]
        assert client.recv(100).startswith(b"421 ")
        assert client.recv(100) == b""


@pytest.mark.parametrize("name", ["pause", "resume"])
async def test_what_needs_a_start(server: Server, name: str) -> None:
    """Pausing and resuming a server that does not run is an error."""
    with pytest.raises(ServerStateError, match="not started"):
        getattr(server, name)()


async def test_serving_needs_a_start(server: Server) -> None:
    """Before the start there is no address, and nothing to wait for."""
    with pytest.raises(ServerStateError, match="not started"):
        await server.serve_forever()
    with pytest.raises(ServerStateError, match="has no address: it is not started"):
        _ = server.address


async def test_serve_forever_ends_with_close(server: Server) -> None:
    """`serve_forever` returns when the server is closed."""
    await server.start()
    task = asyncio.create_task(server.serve_forever())
    await asyncio.sleep(0)
    assert not task.done()

    await server.close()

    await asyncio.wait_for(task, 5)


async def test_a_cancelled_run_closes() -> None:
    """`run` starts and serves; after it is cancelled no client can connect any more."""
    serving = asyncio.Event()

    class Own(Server):
        async def start(self, host: str | None = None, port: int = 0) -> None:
            await super().start(host, port)
            serving.set()

    server = Own()
    task = asyncio.create_task(server.run())
    await asyncio.wait_for(serving.wait(), 5)
    address = server.address
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*address)


async def test_a_server_is_an_asynchronous_context() -> None:
    """Entering starts, leaving closes; a server that was started before is not started again."""
    async with Server() as server:
        address = server.address
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*address)

    await server.start()
    async with server as same:
        assert same is server
