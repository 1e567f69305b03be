"""A client with one known flaw at each kind of point is classed right: in one process and four, in any order."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

QUIET = ("-p", "no:localftpserver", "-W", "error", "-o", "asyncio_default_fixture_loop_scope=function")

SOURCE = """
import asyncio
import ftplib
import io
import os
import pytest
from ftpfixture import Client, FtpFixtureError

FILES = {"/a": b"0123456789" * 500}

def login(server, **options):
    ftp = ftplib.FTP(**{"timeout": 30, **options})
    try:
        ftp.connect(*server.address)
        ftp.login(*server.credentials)
    except BaseException:
        ftp.close()
        raise
    return ftp

def fetch(ftp):
    content = io.BytesIO()
    ftp.retrbinary("RETR /a", content.write)
    return content.getvalue()

def swept(test):
    return pytest.mark.ftp(files=FILES)(pytest.mark.ftp_sweep(points="quick")(test))

@swept
def test_careful(ftp_server):
    with login(ftp_server) as ftp:
        size = ftp.size("/a")
        content = fetch(ftp)
        if len(content) != size:
            raise EOFError("short")
    assert content == FILES["/a"]

@swept
def test_wrong(ftp_server):  # swallows the error
    with login(ftp_server) as ftp:
        content = io.BytesIO()
        try:
            ftp.retrbinary("RETR /a", content.write)
        except ftplib.all_errors:
            pass
    assert content.getvalue() == FILES["/a"]

@swept
def test_crashed(ftp_server):  # does not expect that there is no reply
    with login(ftp_server) as ftp:
        try:
            fetch(ftp)
        except OSError as error:
            raise KeyError("the file") from error

@swept
def test_hung(ftp_server):  # has no timeout
    with login(ftp_server, timeout=None) as ftp:
        fetch(ftp)

@swept
def test_leaked(ftp_server):  # closes nothing after an error
    ftp = login(ftp_server)
    fetch(ftp)
    ftp.quit()

@swept
def test_leaked_data(ftp_server):  # closes the data connection only when all is well
    with login(ftp_server) as ftp:
        content = b""
        data = ftp.transfercmd("RETR /a")
        while block := data.recv(8192):
            content += block
        data.close()
        ftp.voidresp()
    assert content == FILES["/a"]

@swept
def test_lost_work(ftp_server):  # begins again from the start
    for attempt in range(2):
        try:
            with login(ftp_server) as ftp:
                assert fetch(ftp) == FILES["/a"] or attempt == 0
                return
        except (OSError, ftplib.error_temp):
            if attempt:
                raise

@pytest.mark.asyncio
@pytest.mark.ftp(files=FILES)
@pytest.mark.ftp_sweep(points="quick", raises=(OSError, EOFError, FtpFixtureError))
async def test_asyncio_hung(ftp_server):  # our client without any timeout
    client = Client()
    try:
        await client.connect(*ftp_server.address)
        await client.login(*ftp_server.credentials)
        async with client.download_stream("/a") as stream:
            assert await stream.read() == FILES["/a"]
        await client.quit()
    finally:
        client.close()
"""

# What each test has at some points, by its name; what no other test has there is in the row of its flaw.
EXPECTED = {
    "test_careful": {
        "CONNECT.1-connect-stall": "failed",
        "RETR.1-data.half-truncate": "failed",
        "RETR.1-data.half-stall_data": "failed",
        "SIZE.1-command-550": "failed",
        "QUIT.1-command-reset": "recovered",
    },
    "test_wrong": {
        "RETR.1-data.half-truncate": "wrong",
        "RETR.1-command-550": "wrong",
        "RETR.1-data.half-stall_data": "wrong",
        "USER.1-command-reset": "failed",
    },
    "test_crashed": {
        "RETR.1-data.half-stall_data": "crashed",
        "RETR.1-command-550": "failed",
        "PASS.1-command-reset": "failed",
    },
    "test_hung": {
        "CONNECT.1-connect-stall": "hung",
        "RETR.1-data.half-stall_data": "hung",
        "RETR.1-data.half-reset_data": "failed",
    },
    "test_leaked": {
        "USER.1-command-530": "failed",
        "TYPE.1-command-550": "leaked",
        "RETR.1-data.half-reset_data": "leaked",
        "RETR.1-data.half-stall_data": "leaked",
        "RETR.1-data.half-truncate": "recovered",
    },
    "test_leaked_data": {
        "RETR.1-command-550": "failed",
        "RETR.1-data.half-reset_data": "leaked",
        "RETR.1-data.half-stall_data": "leaked",
        "RETR.1-data.half-truncate": "wrong",
    },
    "test_lost_work": {
        "RETR.1-data.half-reset_data": "lost-work",
        "RETR.1-command-reset": "recovered",
        "RETR.1-command-550": "failed",
    },
    "test_asyncio_hung": {
        "CONNECT.1-connect-stall": "hung",
        "RETR.1-data.half-stall_data": "hung",
        "RETR.1-data.half-truncate": "wrong",
        "RETR.1-data.half-reset_data": "failed",
    },
}

RUNS = {
    "one process": ("-n0", "-p", "no:randomly"),
    "one process, random order": ("-n0", "-p", "randomly"),
    "four processes, random order": ("-n4", "-p", "randomly"),
}


def _verdicts(place: Path) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for point in json.loads(place.read_text())["points"]:
        found.setdefault(point["test"].partition("::")[2], {})[point["point"]] = point["verdict"]
    return found


@pytest.mark.timeout(240)  # four runs of pytest
def test_each_flaw_is_classed_right(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same verdicts however the tests run, simulated and with real connections."""
    monkeypatch.delenv("CI", raising=False)
    pytester.makepyfile(test_it=SOURCE)
    pytester.runpytest_subprocess(*QUIET, "-n0", "-p", "no:randomly", "--ftp-sweep=map")
    results = {}
    for name, options in RUNS.items():
        pytester.runpytest_subprocess(*QUIET, *options, "--ftp-sweep-json=out.json", "--tb=no")
        results[name] = _verdicts(pytester.path / "out.json")
    first = results["one process"]
    for test, points in EXPECTED.items():
        assert {point: first[test].get(point) for point in points} == points, test
    checks = 0
    for name, verdicts in results.items():
        for test, points in verdicts.items():
            for point, verdict in points.items():
                checks += point.endswith("+real")
                assert verdict == first[test][point.removesuffix("+real")], (name, test, point)
    assert checks > 50
