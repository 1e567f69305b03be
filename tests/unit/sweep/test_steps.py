"""The steps of sessions with a simulated server, by name."""

import ftplib
import io

from ftpfixture import FtpServer
from ftpfixture.sweep.steps import Step, steps_of, total_bytes


def _session(server: FtpServer) -> ftplib.FTP:
    ftp = ftplib.FTP(timeout=10)
    ftp.connect(*server.address)
    ftp.login(*server.credentials)
    return ftp


def _steps(server: FtpServer, number: int = 1) -> list[Step]:
    return steps_of(server.log.events, server.log.commands, server=number)


def test_steps_of_two_sessions_are_counted_by_session_and_by_server() -> None:
    """A session has its own numbers; a connection counts on the server."""
    with FtpServer(simulate=True, files={"/a": b"12345"}) as server:
        first, second = _session(server), _session(server)
        content = io.BytesIO()
        second.retrbinary("RETR /a", content.write)
        first.storbinary("STOR /b", io.BytesIO(b"123"))
        for ftp in (first, second):
            ftp.quit()
        steps = _steps(server)
        assert [step.name for step in steps] == [
            "CONNECT.1",
            "USER.1",
            "PASS.1",
            "CONNECT.2",
            "s2.USER.1",
            "s2.PASS.1",
            "s2.TYPE.1",
            "s2.PASV.1",
            "s2.RETR.1",
            "TYPE.1",
            "PASV.1",
            "STOR.1",
            "QUIT.1",
            "s2.QUIT.1",
        ]
        assert total_bytes(server.log.commands) == 8
    by_name = {step.name: step for step in steps}
    assert [(by_name[name].nth, by_name[name].total) for name in ("USER.1", "s2.USER.1", "TYPE.1")] == [
        (1, 1),
        (1, 2),
        (1, 2),
    ]
    assert [(step.name, step.size) for step in steps if step.is_transfer] == [("s2.RETR.1", 5), ("STOR.1", 3)]
    assert by_name["PASS.1"].shown == "PASS " + "*" * len("password")
    assert by_name["STOR.1"].is_upload
    assert not by_name["s2.RETR.1"].is_upload
    assert all(step.succeeded for step in steps)


def test_other_servers_refusals_and_what_is_no_command() -> None:
    """Lines that no fault can name are no steps."""
    with FtpServer(simulate=True) as server:
        ftp = _session(server)
        for line in ("", "(x)", "RETR /missing"):
            ftp.putline(line)
            try:
                ftp.getresp()
            except ftplib.error_perm:
                pass
        ftp.close()
        steps = _steps(server, 2)
    assert [step.name for step in steps][-2:] == ["srv2.PASS.1", "srv2.RETR.1"]
    assert (steps[-1].code, steps[-1].succeeded, steps[-1].is_transfer) == ("550", False, False)


def test_steps_with_a_tls_handshake() -> None:
    """A handshake belongs to AUTH, or to the command of its data connection."""
    with FtpServer(simulate=True, tls="explicit", files={"/a": b"1"}) as server:
        ftp = ftplib.FTP_TLS(timeout=10, context=server.tls.client_context())
        ftp.connect(*server.address)
        ftp.login(*server.credentials)
        ftp.prot_p()
        ftp.retrbinary("RETR /a", bytes)
        ftp.quit()
        assert [step.name for step in _steps(server) if step.handshake] == ["AUTH.1", "RETR.1"]
