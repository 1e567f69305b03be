"""The npm package basic-ftp, which has only passive mode."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ftpfixture import FtpServer
from tests.clients.encrypted import ftp_config as ftp_config
from tests.clients.programs import Program
from tests.clients.walks import PASSIVE, Variant, walk

SCRIPT = Path(__file__).with_name("basic_ftp.cjs")
PACKAGES = "FTPFIXTURE_TEST_NPM"  # environment variable with the folder where it is installed; see .ci/run


@pytest.fixture
def basic_ftp(tmp_path: Path) -> Program:
    """The script that runs the scenario."""
    folder = os.environ.get(PACKAGES)
    if folder is None:
        pytest.skip(f"{PACKAGES} names no folder in which `npm install basic-ftp` was run")
    return Program("node", tmp_path, str(SCRIPT), folder)


@pytest.mark.parametrize("variant", PASSIVE)
def test_walk(ftp_server_factory: Callable[..., FtpServer], basic_ftp: Program, variant: Variant) -> None:
    """The whole scenario works, with and without TLS."""
    server = walk(ftp_server_factory, basic_ftp, variant)
    server.log.assert_sequence("MDTM -> 213", "REST 700000 -> 350", "APPE -> 226")
