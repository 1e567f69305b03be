"""One seed is one transcript, in other processes and with other hash seeds too."""

from __future__ import annotations

import os
import subprocess
import sys

SESSIONS = """
import asyncio, logging, sys
from ftpfixture import Client, FtpServer

logging.disable()
faults = ["RETR #7: drop_data after_bytes=100", "RETR #9: stall_data"]
files = {f"/f{number}": bytes([number]) * 3000 for number in range(12)}

async def fetch(server, number, ends):
    try:
        async with Client.context(*server.address, *server.credentials, socket_timeout=30) as client:
            async with client.download_stream(f"/f{number}") as stream:
                await stream.read()
    except Exception as error:
        ends.append((number, type(error).__name__))

async def all_at_once(server, ends):
    await asyncio.gather(*[fetch(server, number, ends) for number in range(12)])

for seed in [None, 1, 1, 2]:
    ends = []
    with FtpServer(simulate=True, schedule=seed, clock=lambda: 1.8e9, files=files, faults=faults) as server:
        asyncio.run(all_at_once(server, ends))
        print(seed, ends, server.log.transcript())
"""


def test_seeds() -> None:
    """Twelve clients at once, in four processes."""
    outputs = {
        subprocess.run(
            [sys.executable, "-c", SESSIONS],
            env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
            capture_output=True,
            check=True,
            text=True,
            timeout=60,
        ).stdout
        for hash_seed in (0, 1, 2, 3)
    }
    [output] = outputs
    none, first, again, second = output.split("session 1\n")[1:]
    assert "TimeoutError" in output
    assert first.rpartition("\n1 ")[0] == again.rpartition("\n2 ")[0] != second.strip()
    assert none != first
