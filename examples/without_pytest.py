"""The server without pytest, for a script, a REPL or another test runner: ``python examples/without_pytest.py``."""

from __future__ import annotations

import ftplib
from io import BytesIO

from ftpfixture import FtpServer, User


def main() -> None:
    """Upload a file to a server that runs for the length of the block, and check it."""
    with FtpServer(users=[User("ann", "secret")], files={"/in/": None}) as server:
        with ftplib.FTP() as ftp:
            ftp.connect(server.host, server.port)
            ftp.login("ann", "secret")
            ftp.storbinary("STOR /in/report.csv", BytesIO(b"a,b\n1,2\n"))

        assert server.files["/in/report.csv"] == b"a,b\n1,2\n"
        server.log.assert_sequence("USER ann", "PASS", "STOR /in/report.csv -> 226", "QUIT")
        print(server.log.transcript())


if __name__ == "__main__":
    main()
