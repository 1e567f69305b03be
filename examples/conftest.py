"""Shared by all examples: every server starts with the partner's two directories."""

from __future__ import annotations

import pytest

from ftpfixture import FtpServerSettings


@pytest.fixture(scope="session")
def ftp_config() -> FtpServerSettings:
    return {"files": {"/out/": None, "/in/": None}}
