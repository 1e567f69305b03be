"""Simulated servers in tests: the marker, the option, schedules, asyncio tests and reports."""

from __future__ import annotations

import re
from textwrap import dedent

import pytest

QUIET = (
    *("-p", "no:localftpserver", "-p", "no:randomly", "-W", "error"),
    *("-o", "asyncio_default_fixture_loop_scope=function"),
)

LOGIN = """
import ftplib
import pytest

def login(server, **options):
    ftp = ftplib.FTP(**options)
    ftp.connect(*server.address)
    ftp.login(*server.credentials)
    return ftp
"""


def _run(pytester: pytest.Pytester, source: str, *options: str) -> pytest.RunResult:
    pytester.makepyfile(LOGIN + dedent(source))
    return pytester.runpytest_subprocess(*QUIET, *options)


WAITS = """
@pytest.mark.ftp(simulate=True, faults=["NOOP: stall"])
def test_a_timeout_of_an_hour(ftp_server):
    with login(ftp_server, timeout=3600) as ftp, pytest.raises(TimeoutError):
        ftp.sendcmd("NOOP")
    assert ftp_server.driver.monotonic() == 3600

@pytest.mark.ftp(simulate=True, simulate_time=True)
def test_a_back_off(ftp_server):
    import time
    began = time.monotonic()
    for attempt in range(10):
        with login(ftp_server):
            time.sleep(2 ** attempt)
    assert time.monotonic() - began == 1023

@pytest.mark.ftp(simulate=True, tls="explicit", files={"/a": b"x"})
def test_tls(ftp_server):
    with ftplib.FTP_TLS(context=ftp_server.tls.client_context()) as ftp:
        ftp.connect(*ftp_server.address)
        ftp.login(*ftp_server.credentials)
        ftp.prot_p()
        assert ftp.nlst() == ["a"]
"""


def test_blocking_clients(pytester: pytest.Pytester) -> None:
    """Hours take no time; TLS works."""
    result = _run(pytester, WAITS)
    result.assert_outcomes(passed=3)
    assert result.duration < 30


HUNG = """
@pytest.mark.ftp(simulate=True, faults=["RETR: stall_data after_bytes=3"], files={"/a.csv": b"a,b"})
def test_a_client_without_a_timeout(ftp_server):
    ftp = login(ftp_server)
    ftp.retrbinary("RETR /a.csv", print)

@pytest.mark.ftp(simulate=True, faults=["NOOP: no_reply"])
def test_an_error_that_is_swallowed(ftp_server):
    ftp = login(ftp_server)
    try:
        ftp.sendcmd("NOOP")
    except Exception:
        pass
    ftp.close()
"""


def test_a_hang_is_proved(pytester: pytest.Pytester) -> None:
    """The test fails at once with the command, its line and the dialogue, also when the code swallows the error."""
    result = _run(pytester, HUNG, "-W", "ignore::pytest.PytestUnraisableExceptionWarning")
    result.assert_outcomes(failed=2)
    text = (
        "the client waits for ever at {}: it has no timeout, and nothing is left to happen: give the client a timeout"
    )
    result.stdout.fnmatch_lines_random(
        [
            f"*HangError: {text.format('RETR /a.csv')}",
            f"*HangError: {text.format('NOOP')}",
            '*ftp.retrbinary("RETR /a.csv", print)',
            "*! RETR: stall_data after_bytes=3",
        ]
    )


ASYNC = """
import asyncio
from ftpfixture import Client

pytestmark = pytest.mark.ftp(simulate=True, files={"/a": b"x"}, faults=["NOOP: stall"])

@pytest.mark.asyncio
async def test_the_client_of_the_fixture(ftp_server, ftp_client):
    assert [str(path) for path, _ in await ftp_client.list("/")] == ["/a"]
    waiting = asyncio.ensure_future(ftp_client.command("NOOP", "200"))
    await asyncio.sleep(86400)
    assert not waiting.done()
    assert ftp_server.driver.monotonic() >= 86400
    waiting.cancel()

def test_asyncio_run(ftp_server):
    async def main():
        client = Client(socket_timeout=600)
        await client.connect(*ftp_server.address)
        await client.login(*ftp_server.credentials)
        with pytest.raises(TimeoutError):
            await client.command("NOOP", "200")
        client.close()
    asyncio.run(main())
    assert ftp_server.driver.monotonic() >= 600
"""


def test_asyncio(pytester: pytest.Pytester) -> None:
    """Tests and `asyncio.run` get a loop in virtual time."""
    _run(pytester, ASYNC).assert_outcomes(passed=2)


SCHEDULES = """
import io

@pytest.mark.ftp(simulate=30, faults=["STOR: fail 452 Full after_bytes=10"])
def test_an_upload(ftp_server):
    ftp = login(ftp_server, timeout=10)
    try:
        with pytest.raises(ERRORS):
            ftp.storbinary("STOR /a", io.BytesIO(bytes(70_000)))
    finally:
        ftp.close()
"""


def test_schedules(pytester: pytest.Pytester) -> None:
    """A test runs under 30 of them; the report of one that fails says how to repeat it, and it repeats exactly."""
    result = _run(pytester, SCHEDULES.replace("ERRORS", "ftplib.error_temp"))
    failed = result.parseoutcomes().get("failed", 0)
    assert 0 < failed < 30
    numbers = re.findall(r"FTP schedule ([0-9]+)", result.stdout.str())
    assert len(numbers) == failed
    result.stdout.fnmatch_lines([f"it repeats exactly with @pytest.mark.ftp(simulate=True, schedule={numbers[0]})"])
    again = pytester.runpytest_subprocess(*QUIET, f"test_schedules.py::test_an_upload[schedule={numbers[0]}]")
    again.assert_outcomes(failed=1)
    source = SCHEDULES.replace("ERRORS", "ftplib.error_temp").replace(
        "simulate=30", f"simulate=True, schedule={numbers[0]}"
    )
    _run(pytester, source).assert_outcomes(failed=1)
    _run(pytester, SCHEDULES.replace("ERRORS", "(ftplib.error_temp, BrokenPipeError)")).assert_outcomes(passed=30)


OPTION = """
import subprocess

def test_simulated(ftp_server):
    assert type(ftp_server.driver).__name__ == "Simulation"

@pytest.mark.ftp(simulate=False)
def test_real(ftp_server):
    assert type(ftp_server.driver).__name__ == "LoopThread"

def test_another_program(ftp_server):
    subprocess.run(["curl", ftp_server.url])

def test_no_server():
    import asyncio
    assert asyncio.new_event_loop is asyncio.events.new_event_loop
    loop = asyncio.new_event_loop()
    assert isinstance(loop, asyncio.BaseEventLoop)
    loop.close()
"""


@pytest.mark.parametrize("options", [("--ftp-simulate",), ("-o", "ftp_simulate=true")])
def test_the_option(pytester: pytest.Pytester, options: tuple[str, ...]) -> None:
    """It simulates all servers of fixtures, unless a marker says otherwise; what cannot be simulated says so."""
    result = _run(pytester, OPTION, *options)
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(
        ["*SimulationError: 'curl' is another process, which cannot reach the simulated server*"]
    )


def test_shared_servers_are_real(pytester: pytest.Pytester) -> None:
    """A simulation belongs to one test."""
    source = """
    @pytest.fixture(scope="session")
    def shared(ftp_session_server_factory):
        return ftp_session_server_factory(simulate=True)

    def test_one(shared):
        pass
    """
    result = _run(pytester, source)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*simulate=True for a server of many tests: a simulation belongs to one test*"])


ASYNC_HANGS = """
import asyncio
from ftpfixture import Client, HangError, on

FAULTS = [on("NOOP").no_reply().optional(), on("RETR").stall_data(after_bytes=1).optional()]
pytestmark = [pytest.mark.asyncio, pytest.mark.ftp(simulate=True, files={"/a": b"abc"}, faults=FAULTS)]

async def test_our_client(ftp_client):
    await ftp_client.command("NOOP", "200")

async def test_a_hang_is_expected(ftp_server, ftp_client):
    with pytest.raises(HangError, match="a coroutine waits on the connection from 127.0.0.1:"):
        await ftp_client.command("NOOP", "200")
    with pytest.raises(HangError, match="the client waits for ever at NOOP"):
        ftp_server.check_hangs()

async def test_a_hang_is_swallowed(ftp_server, ftp_client):
    try:
        async with ftp_client.download_stream("/a") as stream:
            await stream.read()
    except HangError:
        pass

async def test_streams(ftp_server):
    reader, writer = await asyncio.open_connection(*ftp_server.address)
    await reader.readline()
    try:
        writer.write(b"NOOP" + bytes([13, 10]))
        await reader.readline()
    finally:
        writer.close()

async def test_a_thread(ftp_server):
    import threading
    future, loop = asyncio.get_running_loop().create_future(), asyncio.get_running_loop()
    def ends():
        try:
            loop.call_soon_threadsafe(future.set_result, 1)
        except RuntimeError:
            pass
    thread = threading.Thread(target=ends, name="worker 7")
    thread.start()
    thread.join()
    await future
"""


def test_hangs_of_coroutines(pytester: pytest.Pytester) -> None:
    """The wait raises the error, with its line; swallowed, it fails the test all the same; threads are named."""
    result = _run(pytester, ASYNC_HANGS, "-W", "ignore::ResourceWarning")
    result.assert_outcomes(passed=1, failed=4)
    result.stdout.fnmatch_lines_random(
        [
            '> *await ftp_client.command("NOOP", "200")',
            "> *await reader.readline()",
            "*HangError: the client waits for ever at RETR /a: it has no timeout*",
            "*HangError: the client waits for ever at NOOP: it has no timeout*",
            "*SimulationError: the thread 'worker 7' uses a simulated server or loop*",
        ]
    )


NUMBERS = """
@pytest.mark.ftp(simulate=0)
def test_none(ftp_server):
    pass

@pytest.mark.ftp(simulate=-1)
def test_less(ftp_server):
    pass

@pytest.mark.ftp(simulate=1, schedule=3)
def test_both(ftp_server):
    pass

@pytest.mark.ftp(simulate=True, schedule=-3)
def test_negative(ftp_server):
    pass
"""


def test_numbers_that_mean_nothing(pytester: pytest.Pytester) -> None:
    """Each is an error that says what would work."""
    result = _run(pytester, NUMBERS)
    assert result.parseoutcomes() == {"errors": 4}
    wanted = "simulate takes True or False, and in the marker ftp also a number of schedules from 1, not"
    result.stdout.fnmatch_lines_random(
        [
            f"*: {wanted} 0",
            f"*: {wanted} -1",
            "*simulate=1 runs the test under schedules 0 to 0, and schedule=3 under one: leave out schedule=*",
            "*: schedule takes a whole number, 0 or more*not -3",
        ]
    )


ACTIVE = """
import io
import socket
import threading

FILES = {"/a": b"x" * 100_000}

@pytest.mark.ftp(simulate=20, files=FILES)
def test_active(ftp_server):
    with login(ftp_server, timeout=30) as ftp:
        ftp.set_pasv(False)
        content = io.BytesIO()
        ftp.retrbinary("RETR /a", content.write)
        ftp.storbinary("STOR /b", io.BytesIO(content.getvalue()))
        assert ftp_server.files["/b"] == FILES["/a"]

@pytest.mark.ftp(simulate=True, tls="explicit", files=FILES)
def test_active_with_tls(ftp_server):
    with ftplib.FTP_TLS(timeout=30, context=ftp_server.tls.client_context()) as ftp:
        ftp.connect(*ftp_server.address)
        ftp.login(*ftp_server.credentials)
        ftp.prot_p()
        ftp.set_pasv(False)
        content = io.BytesIO()
        ftp.retrbinary("RETR /a", content.write)
        assert content.getvalue() == FILES["/a"]

@pytest.mark.ftp(simulate=True, files=FILES, faults=["RETR: delay 20"])
def test_a_late_connection(ftp_server):
    with login(ftp_server, timeout=30) as ftp:
        with ftp.makeport() as listener:
            ftp.putcmd("RETR /a")
            listener.settimeout(None)
            conn, _ = listener.accept()
            with conn:
                while conn.recv(8192):
                    pass
            assert ftp.getresp().startswith("150")
            ftp.voidresp()
    assert ftp_server.driver.monotonic() >= 20

@pytest.mark.ftp(simulate=True)
def test_a_real_listener_beside_it(ftp_server):
    with login(ftp_server, timeout=30) as ftp, socket.create_server(("127.0.0.1", 0)) as listener:
        def call():
            with socket.create_connection(listener.getsockname(), timeout=30) as sock:
                sock.sendall(b"real")
        thread = threading.Thread(target=call)
        thread.start()
        sock, _ = listener.accept()
        with sock:
            assert sock.recv(10) == b"real"
        thread.join()
        ftp.voidcmd("NOOP")

def test_two_simulated_servers(ftp_server_factory):
    one, other = ftp_server_factory(simulate=True, files=FILES), ftp_server_factory(simulate=True)
    with login(one, timeout=30) as source, login(other, timeout=30) as target:
        for ftp in (source, target):
            ftp.voidcmd("TYPE I")
        reply = target.sendcmd("PASV")
        source.voidcmd("PORT " + reply.partition("(")[2].partition(")")[0])
        target.putcmd("STOR /copy")
        source.sendcmd("RETR /a")
        source.voidresp()
        assert target.getresp().startswith("150")
        target.voidresp()
        assert other.files["/copy"] == FILES["/a"]
"""


def test_active_mode_and_two_servers(pytester: pytest.Pytester) -> None:
    """Servers connect to listeners of clients, under each schedule, and to each other; real listeners stay real."""
    _run(pytester, ACTIVE).assert_outcomes(passed=24)
