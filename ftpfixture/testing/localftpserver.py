"""The fixtures `ftpserver` and `ftpserver_TLS` as pytest-localftpserver has them, on the server of this package.

One rule: it is a plugin of its own, which a project asks for: ``-p ftpfixture.testing.localftpserver``, in place of
pytest-localftpserver. Tests keep what they have, and get faults, the log and the dialogue of failures in addition.

Source: https://pytest-localftpserver.readthedocs.io/en/latest/usage.html
"""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from tempfile import mkdtemp
from typing import Any, Literal

import pytest

from ftpfixture.errors import ConfigurationError
from ftpfixture.files.disk import PathIO
from ftpfixture.server import Permission, User
from ftpfixture.testing.certificates import ServerTls
from ftpfixture.testing.ftpserver import FtpServer

__all__ = ["LocalServer", "WrongFixtureError", "ftpserver", "ftpserver_TLS"]

_SCOPES = ("function", "module", "session")
_Scope = Literal["function", "module", "session"]
_CHOICES: dict[str, tuple[str, ...]] = {
    "style": ("rel_path", "url"),
    "read_mode": ("r", "rb"),
    "return_paths": ("all", "input", "new"),
}


WrongFixtureError = ConfigurationError
"""A certificate was asked for, of a server without TLS."""


def _scope(fixture_name: str = "", config: object = None) -> _Scope:
    """The scope of both fixtures, by the environment variable FTP_FIXTURE_SCOPE."""
    scope = os.environ.get("FTP_FIXTURE_SCOPE", "module")
    if scope not in _SCOPES:
        known = ", ".join(_SCOPES)
        warnings.warn(f"FTP_FIXTURE_SCOPE={scope!r} is none of {known}: the scope is module", stacklevel=2)
        return "module"
    return scope  # type: ignore[return-value]


def _check(name: str, value: object, kind: type = str, choices: tuple[str, ...] | None = None) -> None:
    """Check an argument.

    Raises:
        TypeError: It has another type.
        ValueError: It is none of its choices.
    """
    if not isinstance(value, kind):
        raise TypeError(f"{name} has to be of type {kind.__name__}, not {type(value).__name__}: {value!r}")
    known = choices or _CHOICES.get(name)
    if known is not None and value not in known:
        raise ValueError(f"{name} takes one of {', '.join(known)}, not {value!r}")


class LocalServer:
    """A server that shows folders of the disk: one to its user, and one to anonymous users.

    Args:
        use_TLS: Whether it has explicit TLS.

    Attributes:
        username: Of its user; FTP_USER.
        password: Of its user; FTP_PASS.
        server_home: Folder of its user; FTP_HOME or FTP_HOME_TLS, else a temporary one.
        anon_root: Folder of anonymous users.
        uses_TLS: As given.
        server: The server of this package, with its `log` and `faults`.
        server_port: The port that it listens on.
    """

    def __init__(self, use_TLS: bool = False) -> None:
        suffix = "_TLS" if use_TLS else ""
        self.uses_TLS = use_TLS
        self.username = os.environ.get("FTP_USER", "fakeusername")
        self.password = os.environ.get("FTP_PASS", "qweqwe")
        home = os.environ.get(f"FTP_HOME{suffix}")
        self._made_home = not home
        self.server_home = home or mkdtemp(prefix=f"ftp_home{suffix}_")
        self.anon_root = mkdtemp(prefix="anon_root_")
        self._certificate = os.environ.get("FTP_CERTFILE") if use_TLS else None
        users = [User(self.username, self.password, base_path=Path(self.server_home))]
        users.append(User(None, base_path=Path(self.anon_root), permissions=[Permission(writable=False)]))
        port = int(os.environ.get(f"FTP_PORT{suffix}") or 0)
        tls: dict[str, Any] = {}
        if use_TLS:
            tls = (
                {"tls": "explicit"}
                if self._certificate is None
                else {"tls": "explicit", "certificate": self._context()}
            )
        self.server = FtpServer(users=users, path_io_factory=PathIO, port=port, name=f"ftpserver{suffix}", **tls)
        self.server.start()
        self.server_port = self.server.port

    def _context(self) -> SSLContext:
        context = SSLContext(PROTOCOL_TLS_SERVER)
        assert self._certificate is not None
        context.load_cert_chain(self._certificate)
        return context

    @property
    def cert_path(self) -> str:
        """The file of its certificate: FTP_CERTFILE, or that of the authority which has signed its own."""
        return self._certificate or str(ServerTls().ca_file)

    def stop(self) -> None:
        """End it, and remove its temporary folders."""
        self.server.stop()
        self._remove()

    def _remove(self) -> None:
        shutil.rmtree(self.anon_root, ignore_errors=True)
        if self._made_home:
            shutil.rmtree(self.server_home, ignore_errors=True)

    def reset_tmp_dirs(self) -> None:
        """Empty its temporary folders."""
        self._remove()
        os.makedirs(self.anon_root, exist_ok=True)
        os.makedirs(self.server_home, exist_ok=True)

    def get_login_data(self, style: str = "dict", anon: bool = False) -> dict[str, Any] | str:
        """Host and port, and the login unless it is for anonymous users: as a dict for ftplib, or as a URL."""
        _check("style", style, choices=("dict", "url"))
        _check("anon", anon, bool)
        if style == "dict":
            login = {} if anon else {"user": self.username, "passwd": self.password}
            return {"host": "localhost", "port": self.server_port, **login}
        scheme = "ftpes" if self.uses_TLS else "ftp"
        login_part = "" if anon else f"{self.username}:{self.password}@"
        return f"{scheme}://{login_part}localhost:{self.server_port}"

    def format_file_path(self, rel_file_path: str, style: str = "rel_path", anon: bool = False) -> str:
        """A relative path with slashes, or its URL."""
        _check("rel_file_path", rel_file_path)
        _check("style", style)
        _check("anon", anon, bool)
        path = rel_file_path.replace("\\", "/")
        return path if style == "rel_path" else f"{self.get_login_data('url', anon)}/{path}"

    def get_local_base_path(self, anon: bool = False) -> str:
        """The folder on the disk."""
        _check("anon", anon, bool)
        return self.anon_root if anon else self.server_home

    def get_file_paths(self, style: str = "rel_path", anon: bool = False) -> Iterator[str]:
        """The paths of all files, relative to the folder, or as URLs."""
        _check("style", style)
        _check("anon", anon, bool)
        return self._paths(style, anon)

    def _paths(self, style: str, anon: bool) -> Iterator[str]:
        base = Path(self.get_local_base_path(anon))
        for folder, folders, files in os.walk(base):  # a folder's files before those of its folders
            folders.sort()
            for name in sorted(files):
                yield self.format_file_path(Path(folder, name).relative_to(base).as_posix(), style, anon)

    def get_file_contents(
        self,
        rel_file_paths: str | Iterable[str] | None = None,
        style: str = "rel_path",
        anon: bool = False,
        read_mode: str = "r",
    ) -> Iterator[dict[str, Any]]:
        """A dict with the `path` and the `content` of each file, or of those that are named.

        Raises:
            ValueError: There is no such file.
        """
        if rel_file_paths is not None and not isinstance(rel_file_paths, Iterable):
            raise TypeError(f"rel_file_paths has to be a str, or an iterable of them, not {rel_file_paths!r}")
        _check("style", style)
        _check("anon", anon, bool)
        _check("read_mode", read_mode)
        paths = [rel_file_paths] if isinstance(rel_file_paths, str) else rel_file_paths
        return self._contents(paths, style, anon, read_mode)

    def _contents(self, paths: Iterable[str] | None, style: str, anon: bool, mode: str) -> Iterator[dict[str, Any]]:
        base, url = Path(self.get_local_base_path(anon)), str(self.get_login_data("url", anon))
        for path in list(paths or self._paths("rel_path", anon)):
            relative = path.removeprefix(f"{url}/")
            file = base / relative
            if not file.is_file():
                raise ValueError(f"{path} is not a valid relative file path or url.")
            content = file.read_bytes() if mode == "rb" else file.read_text()
            yield {"path": self.format_file_path(relative, style, anon), "content": content}

    def put_files(
        self,
        files_on_local: str | dict[str, str] | Iterable[str | dict[str, str]],
        style: str = "rel_path",
        anon: bool = False,
        overwrite: bool = False,
        return_paths: str = "input",
        return_content: bool = False,
        read_mode: str = "r",
    ) -> Any:
        """Copy local files: each under its own name, or a dict's `src` to its `dest`.

        Returns:
            Paths, or dicts as of `get_file_contents`: of the files that were given, of those that are new, or of all.

        Raises:
            ValueError: There is no such local file.
            KeyError: A dict has no `src` or no `dest`.
            TypeError: An item is neither a str nor a dict.
        """
        for name, value in (("style", style), ("return_paths", return_paths), ("read_mode", read_mode)):
            _check(name, value)
        for name, flag in (("anon", anon), ("overwrite", overwrite), ("return_content", return_content)):
            _check(name, flag, bool)
        given = isinstance(files_on_local, str | dict) or not isinstance(files_on_local, Iterable)
        shown = []
        for item in [files_on_local] if given else files_on_local:
            path, is_new = self._put(item, Path(self.get_local_base_path(anon)), overwrite)
            if return_paths == "input" or (return_paths == "new" and is_new):
                shown.append(self.format_file_path(path, style, anon))
        if return_paths == "all":
            return (
                self.get_file_contents(None, style, anon, read_mode)
                if return_content
                else self.get_file_paths(style, anon)
            )
        return self._contents(shown, style, anon, read_mode) if return_content and shown else shown

    def _put(self, item: Any, base: Path, overwrite: bool) -> tuple[str, bool]:
        """Copy one file; return its relative path, and whether it was copied."""
        if isinstance(item, dict):
            if not {"src", "dest"} <= item.keys():
                raise KeyError("a dict of put_files needs the keys `src` and `dest`")
            source, target = item["src"], PurePosixPath(item["dest"].replace("\\", "/"))
        elif isinstance(item, str):
            source, target = item, PurePosixPath(Path(item).name)
        else:
            raise TypeError(f"files_on_local has to be a str or a dict, or an iterable of them, not {item!r}")
        if not os.path.isfile(source):
            raise ValueError(f"{source} is not a valid file path, to an actual file.")
        path = base / target
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file() and not overwrite:
            warnings.warn(
                f"{path} does already exist and won't be overwritten. Set `overwrite` to True to overwrite it anyway.",
                stacklevel=3,
            )
            return target.as_posix(), False
        shutil.copyfile(source, path)
        return target.as_posix(), True

    def get_cert(self, style: str = "path", read_mode: str = "r") -> str | bytes:
        """The path of the certificate, or its content.

        Raises:
            WrongFixtureError: The server has no TLS.
        """
        _check("style", style, choices=("path", "content"))
        _check("read_mode", read_mode)
        if not self.uses_TLS:
            raise WrongFixtureError("the fixture ftpserver has no TLS, and so no certificate: use ftpserver_TLS")
        if style == "path":
            return os.path.abspath(self.cert_path)
        path = Path(self.cert_path)
        return path.read_bytes() if read_mode == "rb" else path.read_text()


def _served(use_tls: bool) -> Iterator[LocalServer]:
    server = LocalServer(use_TLS=use_tls)
    yield server
    server.stop()


@pytest.fixture(scope=_scope)
def ftpserver() -> Iterator[LocalServer]:
    """A server with folders of the disk, as pytest-localftpserver has it."""
    yield from _served(use_tls=False)


@pytest.fixture(scope=_scope)
def ftpserver_TLS() -> Iterator[LocalServer]:
    """The same with explicit TLS."""
    yield from _served(use_tls=True)
