"""Apache Commons Net of Java."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ftpfixture import FtpServer
from tests.clients.encrypted import ftp_config as ftp_config
from tests.clients.programs import Program
from tests.clients.walks import VARIANTS, Variant, walk

SCRIPT = Path(__file__).with_name("CommonsNet.java")
QUICK = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]  # less optimization, because the program runs only for a second
LIBRARY = Path("/usr/share/java/commons-net.jar")


@pytest.fixture(scope="session")
def classes(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The class path of the compiled script and the library."""
    if not LIBRARY.exists():
        pytest.skip(f"{LIBRARY} is not installed")
    folder = tmp_path_factory.mktemp("java")
    compiler = Program("javac", folder, "-cp", str(LIBRARY))
    compiler("-d", str(compiler.folder), str(SCRIPT))
    return f"{compiler.folder}:{LIBRARY}"


@pytest.fixture
def commons_net(tmp_path: Path, classes: str) -> Program:
    """The program that runs the scenario."""
    return Program("java", tmp_path, *QUICK, "-cp", classes, "CommonsNet")


@pytest.mark.parametrize("variant", VARIANTS)
def test_walk(ftp_server_factory: Callable[..., FtpServer], commons_net: Program, variant: Variant) -> None:
    """The whole scenario works, with and without TLS, in both modes."""
    server = walk(ftp_server_factory, commons_net, variant)
    server.log.assert_sequence("LIST /tree -> 226", "MDTM -> 213", "REST 700000 -> 350", "APPE -> 226", "MLSD -> 226")
