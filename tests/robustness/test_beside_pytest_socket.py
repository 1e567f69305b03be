"""pytest-socket blocks the code under test, and not our servers."""

from __future__ import annotations

import pytest

INNER = """
import ftplib
import socket
import pytest
from ftpfixture.net.sockets import PlainSocket, Socket
import pytest_socket

def fetch(server):
    with ftplib.FTP() as ftp:
        ftp.connect(*server.address, timeout=10)
        ftp.login(*server.credentials)
        ftp.set_pasv(False)
        assert ftp.nlst() == ["a.txt"]
        ftp.set_pasv(True)
        assert ftp.nlst() == ["a.txt"]

files = pytest.mark.ftp(files={"/a.txt": b""})
"""

BLOCKED = """
@files
def test_the_server_starts_and_the_test_stays_blocked(ftp_server, ftp_server_factory):
    other = ftp_server_factory(tls="explicit")
    assert len({ftp_server.port, other.port}) == 2
    for make in (lambda: socket.socket(), lambda: socket.create_connection(ftp_server.address)):
        with pytest.warns(UserWarning, match="tried to use"), pytest.raises(pytest_socket.SocketBlockedError):
            make()
    with Socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        client.settimeout(10)
        client.connect(ftp_server.address)
        assert client.recv(100).startswith(b"220")
    ftp_server.log.wait_for(lambda event: type(event).__name__ == "Disconnected")

@pytest.mark.enable_socket
@files
def test_allowed_by_a_marker(ftp_server):
    fetch(ftp_server)
"""

ALLOWED = """
@files
def test_loopback_is_allowed(ftp_server):
    fetch(ftp_server)

@files
@pytest.mark.allow_hosts(["192.0.2.1"])
def test_another_host_is_allowed(ftp_server):
    with pytest.warns(UserWarning, match="tried to use"), pytest.raises(pytest_socket.SocketConnectBlockedError):
        fetch(ftp_server)

@files
def test_active_mode_connects_where_the_client_may_not(ftp_server, monkeypatch):
    control = PlainSocket(socket.AF_INET, socket.SOCK_STREAM)
    with control, socket.create_server(("127.0.0.1", 0)) as listener:
        control.connect(ftp_server.address)
        with control.makefile("rwb", buffering=0) as lines:
            lines.readline()
            pytest_socket.socket_allow_hosts(["192.0.2.1"])
            port = listener.getsockname()[1]
            sent = ["USER user", "PASS password", f"PORT 127,0,0,1,{port // 256},{port % 256}", "NLST"]
            for line in sent:
                lines.write(line.encode() + b"\\r\\n")
                assert lines.readline()[:1] in b"123"
            with listener.accept()[0] as data:
                assert data.recv(100) == b"a.txt\\r\\n"
"""


@pytest.mark.parametrize(
    ("source", "options", "passed"),
    [(BLOCKED, ["--disable-socket"], 2), (ALLOWED, ["--disable-socket", "--allow-hosts=127.0.0.1"], 3)],
    ids=["disabled", "loopback allowed"],
)
def test_servers_beside_pytest_socket(pytester: pytest.Pytester, source: str, options: list[str], passed: int) -> None:
    """A server works under each option; the option applies to the sockets of the test."""
    pytester.makepyfile(test_inner=INNER + source)
    loaded = ["-p", "no:localftpserver", "-p", "no:randomly", "-o", "asyncio_default_fixture_loop_scope=function"]
    result = pytester.runpytest_inprocess(
        *loaded, "-W", "error::pytest.PytestUnhandledThreadExceptionWarning", *options
    )
    result.assert_outcomes(passed=passed)
