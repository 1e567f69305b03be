"""The fixture `ftp_client`, and pytest-asyncio."""

from __future__ import annotations

import pytest

from ftpfixture import Client, FtpServer, MemoryPathIO, Server, StatusCodeError

ASYNC_TEST = """
    import pytest

    @pytest.mark.asyncio
    async def test_it(ftp_client, ftp_server):
        async with ftp_client.upload_stream("/a.txt") as stream:
            await stream.write(b"hi")
        assert ftp_server.files == {"/a.txt": b"hi"}
        ftp_server.log.assert_sequence("USER", "PASS", "STOR /a.txt -> 226")
"""


QUIET = ("-p", "no:localftpserver", "-p", "no:randomly")


async def test_the_client_is_logged_in(ftp_client: Client, ftp_server: FtpServer) -> None:
    """The client is logged in to the server of the test."""
    ftp_server.files["/out/a.txt"] = b"hi"

    assert [str(path) for path, _ in await ftp_client.list("/out")] == ["/out/a.txt"]
    ftp_server.log.assert_sequence("USER", "PASS -> 230", "MLSD /out -> 226")


@pytest.mark.ftp(users={"ann": "secret"}, disable=["MLSD"])
async def test_the_marker_reaches_the_client_s_server(ftp_client: Client, ftp_server: FtpServer) -> None:
    """The marker's settings apply to the server of the client."""
    with pytest.raises(StatusCodeError, match="502"):
        await ftp_client.list(raw_command="MLSD")
    ftp_server.log.assert_sent("USER ann")


async def test_a_server_in_the_test_s_own_loop() -> None:
    """Client and server can share the loop of a test, without a thread."""
    async with (
        Server(path_io_factory=MemoryPathIO) as server,
        Client.context(*server.address) as client,
        client.upload_stream("a.txt") as stream,
    ):
        await stream.write(b"hi")
        await stream.finish()
        assert await client.size("a.txt") == 2


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_both_modes(pytester: pytest.Pytester, mode: str) -> None:
    """The fixture works in both modes of pytest-asyncio, with warnings as errors and no other configuration."""
    pytester.makepyprojecttoml(f"[tool.pytest.ini_options]\nfilterwarnings = ['error']\nasyncio_mode = '{mode}'\n")
    pytester.makepyfile(ASYNC_TEST)

    result = pytester.runpytest_subprocess("-p", "no:localftpserver", "-p", "no:randomly", "-W", "error")

    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*warning*")


def test_pytest_asyncio_does_not_affect_other_projects(pytester: pytest.Pytester) -> None:
    """In a project without async tests, with warnings as errors, pytest-asyncio causes no error."""
    pytester.makepyprojecttoml("[tool.pytest.ini_options]\nfilterwarnings = ['error']\n")
    pytester.makepyfile("def test_it(ftp_server):\n    assert ftp_server.files == {}\n")

    result = pytester.runpytest_subprocess("-p", "no:localftpserver", "-p", "no:randomly")

    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*warning*")


def test_a_client_left_in_a_transfer(pytester: pytest.Pytester) -> None:
    """A test may end during a transfer: the client is closed, and no warning follows."""
    pytester.makepyprojecttoml("[tool.pytest.ini_options]\nfilterwarnings = ['error']\n")
    pytester.makepyfile(
        """
        import gc

        import pytest


        @pytest.mark.asyncio
        @pytest.mark.ftp(files={"/big": bytes(9_000_000)})
        async def test_it(ftp_client):
            stream = await ftp_client.download_stream("/big")
            assert await stream.readexactly(5) == bytes(5)


        def test_after_it():
            gc.collect()
        """
    )

    result = pytester.runpytest_subprocess("-p", "no:localftpserver", "-p", "no:randomly")

    result.assert_outcomes(passed=2)


def test_a_server_that_refuses(pytester: pytest.Pytester) -> None:
    """If the client cannot log in, the test has an error, and its report has the dialogue."""
    pytester.makepyfile(
        """
        import pytest


        @pytest.mark.asyncio
        @pytest.mark.ftp(maximum_connections=0)
        async def test_it(ftp_client):
            raise AssertionError("not reached")
        """
    )

    result = pytester.runpytest_subprocess("-p", "no:localftpserver", "-p", "no:randomly")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*StatusCodeError*421*", "*FTP dialogue*", "*< 421 *"])


# Its server.


@pytest.mark.parametrize("tls", ["explicit", "implicit", "required"])
def test_tls_where_the_server_has_it(pytester: pytest.Pytester, tls: str) -> None:
    """All connections are encrypted, with `ftps_server` and with the settings of `ftp_server`."""
    pytester.makepyfile(
        f"""
        import pytest

        pytestmark = [pytest.mark.asyncio, pytest.mark.ftp(tls={tls!r}, files={{"/a.txt": b"hi"}})]

        async def check(client, server):
            assert [str(path) for path, _ in await client.list()] == ["a.txt"]
            assert client.encrypted
            server.log.assert_encrypted()
            assert server.log.transfers[0].tls.where == "data"

        async def test_ftps(ftp_client, ftps_server):
            await check(ftp_client, ftps_server)

        async def test_ftp(ftp_server, ftp_client):
            await check(ftp_client, ftp_server)
        """
    )
    pytester.runpytest_subprocess(*QUIET).assert_outcomes(passed=2)


def test_the_server_of_the_client(pytester: pytest.Pytester) -> None:
    """It is the only server that the test has, a shared one too, or else an `ftp_server`; two are an error."""
    pytester.makepyfile(
        """
        import pytest

        pytestmark = pytest.mark.asyncio

        @pytest.fixture(scope="session")
        def store(ftp_session_server_factory):
            return ftp_session_server_factory(files={"/store.txt": b"hi"})

        async def test_shared(store, ftp_client):
            assert await ftp_client.exists("/store.txt")

        @pytest.mark.ftp(files={"/own.txt": b"hi"})
        async def test_own(store, ftp_server, ftp_client):
            assert await ftp_client.exists("/own.txt")

        @pytest.mark.ftp(files={"/alone.txt": b"hi"})
        async def test_alone(ftp_client):
            assert await ftp_client.exists("/alone.txt")

        async def test_two(ftp_server, ftps_server, ftp_client):
            pass
        """
    )
    result = pytester.runpytest_subprocess(*QUIET)
    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(["*::test_two: the test has ftp_server and ftps_server: connect your own Client *"])


@pytest.mark.parametrize(
    ("test", "text"),
    [
        (
            "def test_it(ftp_client):\n    pass",
            "*the test is no coroutine: write `async def` with *",
        ),
        (
            "async def test_it(ftp_client):\n    pass",
            "*no loop runs the test: mark it with @pytest.mark.asyncio, or *",
        ),
        (
            "@pytest.mark.trio\nasync def test_it(ftp_client):\n    pass",
            "*the plugin of trio runs the test on another: connect your own client to ftp_server.address*",
        ),
        (
            "@pytest.mark.anyio\nasync def test_it(ftp_client):\n    pass",
            "*the plugin of anyio runs the test on another: connect your own client to ftp_server.address*",
        ),
    ],
    ids=["no coroutine", "unmarked", "trio", "anyio"],
)
def test_tests_in_which_it_cannot_work(pytester: pytest.Pytester, test: str, text: str) -> None:
    """The error of the fixture says what to do."""
    pytester.makeini("[pytest]\nmarkers = trio\n    anyio\n")
    pytester.makepyfile(f"import pytest\n\n{test}\n")
    result = pytester.runpytest_subprocess(*QUIET)
    assert result.ret == 1
    result.stdout.fnmatch_lines([text])


def test_unmarked_in_auto_mode(pytester: pytest.Pytester) -> None:
    """With ``asyncio_mode = auto`` a coroutine needs no marker."""
    pytester.makepyfile(ASYNC_TEST.replace("@pytest.mark.asyncio", ""))
    pytester.runpytest_subprocess(*QUIET, "-o", "asyncio_mode=auto").assert_outcomes(passed=1)
