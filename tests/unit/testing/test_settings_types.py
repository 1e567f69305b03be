"""What a type checker reports about settings: wrong names and values are errors before anything runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

USES = """
from collections.abc import Iterator

import pytest

from ftpfixture import Client, ClientSettings, FtpServer, FtpServerFactory, FtpServerSettings, Server, TlsMode

FtpServer(filez={})  # call-arg: Unexpected keyword argument "filez" for "FtpServer"; did you mean "files"?
FtpServer(idle_timeout="5")  # arg-type: Argument "idle_timeout" to "FtpServer" has incompatible type "str";
FtpServer(tls="explict")  # arg-type: Argument "tls" to "FtpServer" has incompatible type "Literal['explict']";
FtpServer({})  # call-arg: Too many positional arguments for "FtpServer"
Server(idle_timeot=5)  # call-arg: Unexpected keyword argument "idle_timeot" for "Server"; did you mean "idle_timeout"?
Server(files={})  # call-arg: Unexpected keyword argument "files" for "Server"
Client(socket_timeot=5)  # call-arg: Unexpected keyword argument "socket_timeot" for "Client"; did you mean
Client(retry=5)  # arg-type: Argument "retry" to "Client" has incompatible type "int"; expected "Retry | None"


def test_copy(ftp_server_factory: FtpServerFactory, tls: TlsMode) -> None:
    server = ftp_server_factory(files={"/a.txt": b"a"}, tls=tls, idle_timeout=None)
    reveal_type(server)  # note: "ftpfixture.testing.ftpserver.FtpServer"
    ftp_server_factory(filez={})  # call-arg: Unexpected keyword argument "filez"


@pytest.fixture
def ftp_config() -> FtpServerSettings:
    return {"disable": ["MLSD"], "port": 0}


@pytest.fixture
def wrong_config() -> FtpServerSettings:
    return {"fils": {}}  # typeddict-unknown-key: Extra key "fils" for TypedDict "FtpServerSettings"


@pytest.fixture
def server(ftp_config: FtpServerSettings) -> Iterator[FtpServer]:
    with FtpServer(**ftp_config) as server:
        yield server


class Moody(Server):
    def __init__(self, *args: object, mood: str = "fine", **settings: object) -> None:
        super().__init__([], idle_timeout=5)
        self.mood = mood


Moody([], mood="splendid", idle_timeout=3)
kept: ClientSettings = {"socket_timeout": 5, "retry": None}
reveal_type(Client(**kept))  # note: "ftpfixture.client.client.Client"
"""


def test_settings_are_known_to_mypy(tmp_path: Path) -> None:
    """Each mistake is reported in its line with the nearest name, and correct code passes."""
    (tmp_path / "uses.py").write_text(USES, encoding="utf-8")
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "uses.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert checked.stderr == ""
    pattern = r"^uses\.py:(\d+): (?:error: (.*)  \[(.*)\]|note: Revealed type is (.*))$"
    reported = {
        int(line): f"{code or 'note'}: {error or revealed}"
        for line, error, code, revealed in re.findall(pattern, checked.stdout, re.MULTILINE)
    }
    lines = enumerate(USES.splitlines(), 1)
    expected = {number: line.split("  # ")[1] for number, line in lines if "  # " in line}
    assert reported.keys() == expected.keys(), checked.stdout
    for number, text in expected.items():
        assert reported[number].startswith(text)
