"""Airflow: a task on top of `FTPHook`, which leaves half a file under the final name when a download is cut.

Runs with `pip install -e ".[recipes]"` and `python -m pytest -m recipes examples/recipes`.
"""

from __future__ import annotations

import ftplib
import os
from pathlib import Path

import pytest

from ftpfixture import FtpServer

pytestmark = [pytest.mark.recipes, pytest.mark.filterwarnings("default")]


# The code under test; Airflow is imported on use, because it reads its settings then.


def fetch_careless(connection: str, path: str, target: Path) -> None:
    from airflow.providers.ftp.hooks.ftp import FTPHook

    with FTPHook(connection) as hook:
        hook.retrieve_file(path, str(target))


def fetch(connection: str, path: str, target: Path) -> None:
    """The file has its final name only when it is complete."""
    part = target.with_suffix(".part")
    try:
        fetch_careless(connection, path, part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


# Its tests.


@pytest.fixture
def connection(ftp_server: FtpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of an Airflow connection to the server; the environment is enough, no database."""
    monkeypatch.setenv("AIRFLOW_HOME", os.environ.get("AIRFLOW_HOME", str(tmp_path / "airflow")))
    user, password = ftp_server.credentials
    monkeypatch.setenv("AIRFLOW_CONN_PARTNER", f"ftp://{user}:{password}@{ftp_server.host}:{ftp_server.port}")
    return "partner"


@pytest.mark.ftp(files={"/out/orders.csv": b"1,apples\n"})
def test_fetch(ftp_server: FtpServer, connection: str, tmp_path: Path) -> None:
    fetch(connection, "/out/orders.csv", tmp_path / "orders.csv")

    assert (tmp_path / "orders.csv").read_bytes() == b"1,apples\n"
    ftp_server.log.assert_sequence("USER", "PASS", "RETR /out/orders.csv -> 226", "QUIT")


@pytest.mark.ftp(files={"/out/orders.csv": b"1,apples\n2,pears\n"}, faults=["RETR: drop_data at=50%"])
def test_a_cut_download(connection: str, tmp_path: Path) -> None:
    with pytest.raises(ftplib.error_temp, match="426"):
        fetch(connection, "/out/orders.csv", tmp_path / "orders.csv")

    assert not (tmp_path / "orders.csv").exists()
    assert not (tmp_path / "orders.part").exists()


@pytest.mark.ftp(files={"/out/orders.csv": b"1,apples\n2,pears\n"}, faults=["RETR: drop_data at=50%"])
def test_careless_code_leaves_half_a_file(connection: str, tmp_path: Path) -> None:
    with pytest.raises(ftplib.error_temp, match="426"):
        fetch_careless(connection, "/out/orders.csv", tmp_path / "orders.csv")

    assert (tmp_path / "orders.csv").read_bytes() == b"1,apples\n"


@pytest.mark.ftp(faults=["PASS: answer 530 'Login incorrect'"])
def test_a_wrong_password(connection: str, tmp_path: Path) -> None:
    with pytest.raises(ftplib.error_perm, match="530 Login incorrect"):
        fetch(connection, "/out/orders.csv", tmp_path / "orders.csv")


def test_the_connection_test_of_airflow(connection: str) -> None:
    """The button of its web page."""
    from airflow.providers.ftp.hooks.ftp import FTPHook

    with FTPHook(connection) as hook:
        assert hook.test_connection() == (True, "Connection successfully tested")
