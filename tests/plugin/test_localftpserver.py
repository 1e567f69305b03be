"""The plugin in place of pytest-localftpserver, with its scopes."""

from __future__ import annotations

import pytest

QUIET = (
    *("-p", "no:localftpserver", "-p", "ftpfixture.testing.localftpserver", "-p", "no:randomly", "-W", "error"),
    *("-o", "asyncio_default_fixture_loop_scope=function"),
)

SOURCE = """
import ftplib

def connect(server, kind=ftplib.FTP):
    ftp = kind(timeout=10)
    ftp.connect("localhost", server.server_port)
    return ftp

def test_one(ftpserver):
    with connect(ftpserver) as ftp:
        ftp.login(ftpserver.username, ftpserver.password)
        ftp.mkd("made")

def test_two(ftpserver, ftpserver_TLS):
    with connect(ftpserver) as ftp:
        ftp.login(ftpserver.username, ftpserver.password)
        print("seen", ftp.nlst())
    assert ftpserver_TLS.uses_TLS and not ftpserver.uses_TLS

def test_with_a_fault(ftpserver):
    with connect(ftpserver) as ftp, ftpserver.server.faults("PWD: answer 550 'No'"):
        ftp.login(ftpserver.username, ftpserver.password)
        try:
            ftp.pwd()
        except ftplib.error_perm as error:
            assert "No" in str(error)
"""


@pytest.mark.parametrize(("scope", "seen"), [("module", "['made']"), ("function", "[]"), ("", "['made']")])
def test_scopes(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, scope: str, seen: str) -> None:
    """By FTP_FIXTURE_SCOPE; a module by itself."""
    if scope:
        monkeypatch.setenv("FTP_FIXTURE_SCOPE", scope)
    pytester.makepyfile(test_it=SOURCE)
    result = pytester.runpytest_subprocess(*QUIET, "-s")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines([f"*seen {seen.replace('[', '[[]')}*"])
