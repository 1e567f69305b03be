"""What all examples share: every server of these tests begins with the partner's two directories."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(scope="session")
def ftp_config() -> dict[str, Any]:
    return {"files": {"/out/": None, "/in/": None}}
