"""The fixtures of pytest-localftpserver: what its documentation shows."""

from __future__ import annotations

import ftplib
import io
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from ftpfixture.testing.localftpserver import LocalServer, WrongFixtureError, _scope


@pytest.fixture
def server() -> Iterator[LocalServer]:
    """A server without TLS."""
    server = LocalServer()
    yield server
    server.stop()


@pytest.fixture
def local(tmp_path: Path) -> Path:
    """A folder with two files."""
    (tmp_path / "a.txt").write_text("text")
    (tmp_path / "b.bin").write_bytes(b"\x00\xff")
    return tmp_path


def test_login_data(server: LocalServer) -> None:
    """As a dict and as a URL, for the user and for anonymous users."""
    port = server.server_port
    assert server.get_login_data() == {"host": "localhost", "port": port, "user": "fakeusername", "passwd": "qweqwe"}
    assert server.get_login_data(anon=True) == {"host": "localhost", "port": port}
    assert server.get_login_data(style="url") == f"ftp://fakeusername:qweqwe@localhost:{port}"
    assert server.get_login_data("url", anon=True) == f"ftp://localhost:{port}"
    assert server.format_file_path("d\\f", "url") == f"ftp://fakeusername:qweqwe@localhost:{port}/d/f"


def test_files_on_both_sides(server: LocalServer, local: Path) -> None:
    """What is put is served, and what is uploaded is found; anonymous users have a folder of their own, for reading."""
    paths: list[str | dict[str, str]] = [str(local / "a.txt"), {"src": str(local / "b.bin"), "dest": "in/c.bin"}]
    assert server.put_files(paths) == ["a.txt", "in/c.bin"]
    assert list(server.get_file_paths()) == ["a.txt", "in/c.bin"]
    assert list(server.get_file_contents("a.txt")) == [{"path": "a.txt", "content": "text"}]
    with ftplib.FTP(timeout=10) as ftp:
        login = server.get_login_data()
        assert isinstance(login, dict)
        ftp.connect(login["host"], login["port"])
        ftp.login(login["user"], login["passwd"])
        received = io.BytesIO()
        ftp.retrbinary("RETR in/c.bin", received.write)
        assert received.getvalue() == b"\x00\xff"
        ftp.storbinary("STOR up", io.BytesIO(b"new"))
    assert (Path(server.get_local_base_path()) / "up").read_bytes() == b"new"
    assert list(server.get_file_paths(anon=True)) == []
    server.put_files(str(local / "a.txt"), anon=True)
    with ftplib.FTP(timeout=10) as ftp:
        ftp.connect("localhost", server.server_port)
        ftp.login()
        assert ftp.nlst() == ["a.txt"]
        with pytest.raises(ftplib.error_perm):
            ftp.storbinary("STOR x", io.BytesIO(b""))
    server.reset_tmp_dirs()
    assert list(server.get_file_paths()) == list(server.get_file_paths(anon=True)) == []
    server.server.log.assert_sent("STOR up")


def test_what_put_files_returns(server: LocalServer, local: Path) -> None:
    """New ones, those that were given, or all, as paths, URLs or contents; a file that is there stays."""
    a = str(local / "a.txt")
    assert server.put_files(a, return_paths="new") == ["a.txt"]
    with pytest.warns(UserWarning, match="a.txt does already exist and won't be overwritten"):
        assert server.put_files(a, return_paths="new") == []
    assert server.put_files(a, return_paths="new", overwrite=True, style="url")[0].endswith("/a.txt")
    assert list(server.put_files(str(local / "b.bin"), return_paths="all")) == ["a.txt", "b.bin"]
    contents = list(server.put_files(a, overwrite=True, return_content=True, read_mode="rb"))
    assert contents == [{"path": "a.txt", "content": b"text"}]


def test_wrong_arguments(server: LocalServer, local: Path) -> None:
    """Errors of the classes that its documentation has."""
    rows = [
        (lambda: server.get_login_data("xml"), ValueError),
        (lambda: server.get_login_data(anon="yes"), TypeError),  # type: ignore[arg-type]
        (lambda: server.format_file_path(1), TypeError),  # type: ignore[arg-type]
        (lambda: list(server.get_file_paths("list")), ValueError),
        (lambda: list(server.get_file_contents("nothing")), ValueError),
        (lambda: list(server.get_file_contents(1)), TypeError),  # type: ignore[arg-type]
        (lambda: server.put_files(str(local / "nothing")), ValueError),
        (lambda: server.put_files({"src": "x"}), KeyError),
        (lambda: server.put_files(1), TypeError),  # type: ignore[arg-type]
        (lambda: server.put_files([], return_paths="some"), ValueError),
        (lambda: server.get_cert(), WrongFixtureError),
    ]
    for call, kind in rows:
        with pytest.raises(kind):
            call()  # type: ignore[no-untyped-call]


def test_tls_and_settings_of_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A client that trusts the certificate, a user and a folder of the environment, and a certificate of one's own."""
    monkeypatch.setenv("FTP_USER", "benz")
    monkeypatch.setenv("FTP_PASS", "erni1")
    monkeypatch.setenv("FTP_HOME_TLS", str(tmp_path))
    server = LocalServer(use_TLS=True)
    try:
        path = server.get_cert()
        assert server.get_cert("content", "rb") == Path(str(path)).read_bytes()
        context = ssl.create_default_context(cafile=str(path))
        with ftplib.FTP_TLS(context=context, timeout=10) as ftp:
            ftp.connect("localhost", server.server_port)
            ftp.login("benz", "erni1")
            ftp.prot_p()
            ftp.storbinary("STOR x", io.BytesIO(b"1"))
        assert (tmp_path / "x").read_bytes() == b"1"
        assert str(server.get_login_data("url")).startswith("ftpes://benz:erni1@localhost:")
    finally:
        server.stop()
    assert (tmp_path / "x").exists()
    assert not Path(server.anon_root).exists()


def test_a_scope_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a warning, and the scope is a module."""
    monkeypatch.setenv("FTP_FIXTURE_SCOPE", "class")
    with pytest.warns(UserWarning, match="FTP_FIXTURE_SCOPE='class' is none of function, module, session"):
        assert _scope() == "module"
