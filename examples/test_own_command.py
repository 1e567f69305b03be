"""A server with a new command, and with a known command that it answers differently."""

from __future__ import annotations

import ftplib
from io import BytesIO

import pytest

from ftpfixture import Connection, ConnectionConditions, FtpServer, FtpServerSettings, Server


class PartnerServer(Server):
    """Has the verb MOOD, and is closed for uploads at night."""

    # A new coroutine method with these two parameters answers its name.
    @ConnectionConditions(ConnectionConditions.login_required)
    async def mood(self, connection: Connection, rest: str) -> bool:
        """MOOD [<SP> person]: ask how a person feels."""
        connection.response("200", f"{rest or 'The server'} is fine")
        return True  # go on; False would end the session

    async def stor(self, connection: Connection, rest: str) -> bool:
        """STOR, but not into /in/night."""
        if rest.startswith("/in/night/"):
            connection.response("450", "Come back in the morning")
            return True
        return await super().stor(connection, rest)


@pytest.fixture
def ftp_config() -> FtpServerSettings:
    return {"server_class": PartnerServer}


def test_new_command(ftp_server: FtpServer) -> None:
    with ftplib.FTP() as ftp:
        ftp.connect(*ftp_server.address)
        with pytest.raises(ftplib.error_perm, match="530"):
            ftp.sendcmd("MOOD")
        ftp.login(*ftp_server.credentials)
        assert ftp.sendcmd("MOOD") == "200 The server is fine"
        assert ftp.sendcmd("MOOD Ann") == "200 Ann is fine"


@pytest.mark.ftp(files={"/in/night/": None})
def test_changed_command(ftp_server: FtpServer) -> None:
    with ftplib.FTP() as ftp:
        ftp.connect(*ftp_server.address)
        ftp.login(*ftp_server.credentials)
        with pytest.raises(ftplib.error_temp, match="450 Come back"):
            ftp.storbinary("STOR /in/night/a.txt", BytesIO(b"hi"))
        ftp.storbinary("STOR /in/a.txt", BytesIO(b"hi"))

    assert ftp_server.files == {"/in/a.txt": b"hi"}
