"""Asynchronous clients: the server runs on its own thread, so the loop of the test is free for the client.

With an asyncio plugin installed, the same fixture serves ``async def`` tests.
"""

from __future__ import annotations

import asyncio
import ftplib
from io import BytesIO

from ftpfixture import FtpServer


async def greet(host: str, port: int) -> list[str]:
    """A minimal asyncio client."""
    reader, writer = await asyncio.open_connection(host, port)
    replies = [await reader.readline()]
    for line in (b"NOOP\r\n", b"QUIT\r\n"):
        writer.write(line)
        replies.append(await reader.readline())
    writer.close()
    await writer.wait_closed()
    return [reply[:3].decode() for reply in replies]


def test_an_asyncio_client(ftp_server: FtpServer) -> None:
    assert asyncio.run(greet(*ftp_server.address)) == ["220", "200", "221"]

    ftp_server.log.assert_sequence("NOOP -> 200", "QUIT -> 221")


def test_many_clients_at_once(ftp_server: FtpServer) -> None:
    def upload(number: int) -> None:
        with ftplib.FTP() as ftp:
            ftp.connect(*ftp_server.address)
            ftp.login(*ftp_server.credentials)
            ftp.storbinary(f"STOR /in/{number}.bin", BytesIO(bytes([number])))

    async def upload_all() -> None:
        await asyncio.gather(*(asyncio.to_thread(upload, number) for number in range(4)))

    asyncio.run(upload_all())

    assert ftp_server.files == {f"/in/{number}.bin": bytes([number]) for number in range(4)}
    ftp_server.log.assert_sent("STOR -> 226", times=4)
