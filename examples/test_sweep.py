"""Every fault at every step of a download: `pytest --ftp-sweep=all examples/test_sweep.py` tries all of them.

The maps in `ftp_sweeps` have what was seen. Those of the naive download accept its mistakes, each with its name; its
tests fail without these reasons.
"""

from __future__ import annotations

import ftplib
from collections.abc import Callable
from pathlib import Path

import pytest

from examples.downloads import careful, naive
from ftpfixture import FtpServer

Download = Callable[..., None]

CONTENT = b"a,b\n1,2\n" * 1000
HALF = CONTENT[:4000]


@pytest.mark.ftp_sweep(raises=(OSError, EOFError, ftplib.Error))
@pytest.mark.ftp(files={"/a.csv": CONTENT})
@pytest.mark.parametrize("download", [naive, careful])
def test_a_download(ftp_server: FtpServer, tmp_path: Path, download: Download) -> None:
    """An error leaves no file behind that looks whole."""
    target = tmp_path / "a.csv"
    try:
        download(*ftp_server.address, *ftp_server.credentials, "/a.csv", target)
    except Exception:
        assert not target.exists(), "a partial file under the final name"
        raise
    assert target.read_bytes() == CONTENT


@pytest.mark.ftp_sweep(raises=(OSError, EOFError, ftplib.Error))
@pytest.mark.ftp(files={"/a.csv": CONTENT})
@pytest.mark.parametrize("download", [naive, careful])
def test_a_download_that_goes_on(ftp_server: FtpServer, tmp_path: Path, download: Download) -> None:
    """Half of the file is there already."""
    target = tmp_path / "a.csv"
    (target if download is naive else target.with_name("a.csv.part")).write_bytes(HALF)
    download(*ftp_server.address, *ftp_server.credentials, "/a.csv", target)
    assert target.read_bytes() == CONTENT
