"""Sockets that clients have left open, real and simulated."""

from __future__ import annotations

import asyncio
import ftplib
import gc
import socket

import pytest

from ftpfixture.testing import FtpServer
from ftpfixture.testing.opensockets import close_left_open, new_objects_only


@pytest.mark.parametrize("simulate", [False, True])
def test_sockets_of_a_blocking_client(simulate: bool) -> None:
    """Those of data connections, and of sessions that have ended; they are closed, also under files made of them."""
    with FtpServer(files={"/a": b"0123456789"}, simulate=simulate) as server:
        ftp = ftplib.FTP()
        ftp.connect(*server.address, timeout=30)
        ftp.login(*server.credentials)
        data = ftp.transfercmd("RETR /a")
        assert data.recv(100) == b"0123456789"
        ftp.voidresp()
        server.faults.add("NOOP: close")
        with pytest.raises(EOFError):
            ftp.sendcmd("NOOP")
        assert server.log.wait_until(lambda: not server.sessions, 30)
        found = close_left_open([server])
        assert sorted(text.partition(",")[0] for text in found) == [
            "the control connection of session 1",
            "the data connection of session 1",
        ]
        assert all("from 127.0.0.1:" in text for text in found)
        assert close_left_open([server]) == []
        with pytest.raises(OSError, match=r"Bad file descriptor|not connected"):
            data.recv(1)
        ftp.close()


@pytest.mark.parametrize("simulate", [False, True])
def test_what_is_no_leak(simulate: bool) -> None:
    """What is closed, a session that goes on, and the socket of something else; the socket of a session is closed."""
    with socket.create_server(("127.0.0.1", 0)) as other, FtpServer(simulate=simulate) as server:
        with ftplib.FTP() as ftp:
            ftp.connect(*server.address, timeout=30)
            ftp.login(*server.credentials)
        going = ftplib.FTP()
        going.connect(*server.address, timeout=30)
        assert close_left_open([server]) == []
        with pytest.raises((OSError, EOFError)):
            going.sendcmd("NOOP")
        going.close()
        assert other.fileno() != -1


async def test_clients_on_a_loop_close_later() -> None:
    """A transport that is about to close still has its socket."""
    with FtpServer() as server:
        _, writer = await asyncio.open_connection(*server.address)
        assert close_left_open([server]) == []
        writer.close()
        await writer.wait_closed()


def test_freezing() -> None:
    """What there was before is passed over, unless the program itself has frozen objects, as these tests do."""
    frozen = gc.get_freeze_count()
    assert frozen
    with new_objects_only():
        pass
    assert gc.get_freeze_count() > frozen - 100  # a few were freed
    gc.unfreeze()
    try:
        before = socket.socket()
        with before, new_objects_only(), socket.socket() as made:
            found = [one for one in gc.get_objects() if isinstance(one, socket.socket)]
            assert any(one is made for one in found)
            assert not any(one is before for one in found)
        assert gc.get_freeze_count() == 0
    finally:
        gc.freeze()
