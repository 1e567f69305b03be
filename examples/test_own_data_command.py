"""A server with a new command that sends over a data connection: TAIL, the last lines of a file.

Some partners' servers have such verbs, and the code under test uses them.
"""

from __future__ import annotations

import ftplib

import pytest

from ftpfixture import (
    Connection,
    ConnectionConditions,
    FtpServer,
    FtpServerSettings,
    PathConditions,
    PathPermissions,
    Server,
    worker,
)

LOG = b"06:00 begin\n06:01 orders.csv\n06:02 prices.csv\n06:03 end\n"


class LogServer(Server):
    """Has the verb TAIL."""

    # What must hold before the handler runs: the checks run in this order, each with its own reply.
    @ConnectionConditions(ConnectionConditions.login_required, ConnectionConditions.passive_server_started)
    @PathConditions(PathConditions.path_must_exists, PathConditions.path_must_be_file)
    @PathPermissions(PathPermissions.readable)
    async def tail(self, connection: Connection, rest: str) -> bool:
        """TAIL <SP> pathname: send the last two lines of a file."""

        # The transfer runs as a task while the session reads the next commands; ABOR cancels it.
        @ConnectionConditions(ConnectionConditions.data_connection_made, wait=True)
        @worker
        async def tail_worker(self: LogServer, connection: Connection, rest: str) -> bool:
            stream = connection.data_connection
            del connection.data_connection  # take it, so that no other command uses it
            async with stream:
                for line in lines:
                    await stream.write(line)
            connection.response("226", "That was the end")
            return True

        path, _ = self.get_paths(connection, rest)
        async with connection.path_io.open(path) as file:
            lines = (await file.read()).splitlines(keepends=True)[-2:]
        task = connection.loop.create_task(tail_worker(self, connection, rest))
        connection.extra_workers.add(task)
        connection.response("150", "Here comes the end")
        return True


@pytest.fixture
def ftp_config() -> FtpServerSettings:
    return {"server_class": LogServer, "files": {"/log.txt": LOG, "/old/": None}}


def last_event(ftp: ftplib.FTP) -> str:
    """The code under test: what the partner's server did last."""
    lines: list[str] = []
    ftp.retrlines("TAIL /log.txt", lines.append)
    return lines[-1].partition(" ")[2]


def test_last_event(ftp_server: FtpServer) -> None:
    with ftplib.FTP() as ftp:
        ftp.connect(*ftp_server.address)
        ftp.login(*ftp_server.credentials)
        assert last_event(ftp) == "end"

    ftp_server.log.assert_sent("TAIL /log.txt -> 226", times=1)
    assert ftp_server.log.transfers[0].size == len(b"06:02 prices.csv\n06:03 end\n")


@pytest.mark.parametrize(("command", "code"), [("TAIL /missing", "550"), ("TAIL /old", "550")])
def test_paths_that_cannot_be_sent(ftp_server: FtpServer, command: str, code: str) -> None:
    with ftplib.FTP() as ftp:
        ftp.connect(*ftp_server.address)
        ftp.login(*ftp_server.credentials)
        with pytest.raises(ftplib.error_perm, match=code):
            ftp.retrlines(command)


def test_without_a_data_connection(ftp_server: FtpServer) -> None:
    with ftplib.FTP() as ftp:
        ftp.connect(*ftp_server.address)
        ftp.login(*ftp_server.credentials)
        with pytest.raises(ftplib.error_perm, match="503"):
            ftp.sendcmd("TAIL /log.txt")
