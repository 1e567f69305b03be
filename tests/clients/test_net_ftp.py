"""Net::FTP of Perl's standard library."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ftpfixture import FtpServer
from tests.clients.encrypted import ftp_config as ftp_config
from tests.clients.programs import Program
from tests.clients.walks import VARIANTS, Variant, walk

SCRIPT = Path(__file__).with_name("net_ftp.pl")


@pytest.fixture
def net_ftp(tmp_path: Path) -> Program:
    """The script that runs the scenario."""
    if Program("perl", tmp_path)("-MNet::FTP", "-MIO::Socket::SSL", "-e", "1", code=None).code:
        pytest.skip("perl lacks Net::FTP or IO::Socket::SSL")
    return Program("perl", tmp_path, str(SCRIPT))


@pytest.mark.parametrize("variant", VARIANTS)
def test_walk(ftp_server_factory: Callable[..., FtpServer], net_ftp: Program, variant: Variant) -> None:
    """The whole scenario works, with and without TLS, in both modes."""
    server = walk(ftp_server_factory, net_ftp, variant)
    server.log.assert_sequence("LIST /tree -> 226", "MDTM -> 213", "REST 700000 -> 350", "APPE -> 226")
