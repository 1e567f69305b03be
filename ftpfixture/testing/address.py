"""The address of a server, and everything else that a client needs to reach it.

One rule: a forked child may ask for all of this too, because its clients may reach the parent's server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath
from urllib.parse import quote

from ftpfixture import checks
from ftpfixture.driver import Driver
from ftpfixture.errors import ConfigurationError, PathIsNotAbsolute, ServerStateError
from ftpfixture.forks import Origin, lock
from ftpfixture.server import AbstractUserManager, Server, User
from ftpfixture.testing.certificates import Certified
from ftpfixture.testing.redirect import check_host, redirected

__all__ = ["ServerAddress"]


class ServerAddress:
    """The part of `FtpServer` that names the server for clients.

    Attributes:
        server: The asynchronous server inside.
        driver: Runs it.
    """

    server: Server
    driver: Driver
    _users: list[User] | AbstractUserManager
    _certified: Certified | None

    def __init__(self) -> None:
        self._origin = Origin()
        self._running = False
        self._names: list[str] = []
        self._naming = lock()

    @property
    def inherited(self) -> bool:
        """Whether this process is a fork of the server's process: here the server has only its address."""
        return self._origin.parent is not None

    def _live(self) -> None:
        self._origin.check()
        if not self._running:
            raise ServerStateError("this server does not run: use it as a context manager, or call start() first")

    @property
    def host(self) -> str:
        """The numeric address at which clients on this machine find the control port."""
        return self.address[0]

    @property
    def port(self) -> int:
        """The control port."""
        return self.address[1]

    @property
    def address(self) -> tuple[str, int]:
        """Host and port; in a forked child those of the parent's server, which accepts clients of any process.

        Raises:
            ServerStateError: The server does not run.
        """
        if not self.inherited:
            self._live()
        return self.server.address

    @property
    def user(self) -> str:
        """Login of the first user."""
        return self.credentials[0]

    @property
    def password(self) -> str:
        """Password of the first user."""
        return self.credentials[1]

    @property
    def credentials(self) -> tuple[str, str]:
        """Login and password of the first user; a user with any password has the one that anonymous clients send.

        Raises:
            ConfigurationError: The users are in your user manager, which does not list them.
        """
        users = self._listed_users()
        if not users:
            raise ConfigurationError("the users of this server are in its user manager: ask that for credentials")
        password = users[0].password
        return users[0].login or "anonymous", password if isinstance(password, str) else "anonymous@"

    def _listed_users(self) -> Sequence[User]:
        """Return the users that are in a list."""
        users = self._users if isinstance(self._users, list) else getattr(self._users, "users", None)
        return users or ()

    @property
    def url(self) -> str:
        """``ftp://login:password@host:port``, without a slash at the end."""
        host, port = self.address
        login, password = (quote(part, safe="") for part in self.credentials)
        scheme = "ftps" if self.server.implicit_tls else "ftp"
        place = f"[{quote(host, safe=':')}]" if ":" in host else host  # the % of a zone is %25 (RFC 6874 2)
        return f"{scheme}://{login}:{password}@{place}:{port}"

    def url_for(self, path: str) -> str:
        """Return the URL of a file or directory for the first user.

        Args:
            path: Absolute virtual path; a "/" at its end stays, and means a directory to most programs.

        Raises:
            PathIsNotAbsolute: It does not begin with "/".

        Source: RFC 1738 3.2.2.
        """
        if not path.startswith("/"):
            raise PathIsNotAbsolute(f"{path!r} must be absolute: did you mean {'/' + path!r}?")
        quoted = quote(path[1:], safe="/", encoding=self.server.encoding, errors="surrogateescape")
        # The path of an FTP URL begins in the directory of the login; %2F is the root.
        users = self._listed_users()
        root = "/%2F" if users and users[0].home_path != PurePosixPath("/") else "/"
        return f"{self.url}{root}{quoted}"

    @contextmanager
    def as_host(self, name: str, *, port: int | None = None) -> Iterator[None]:
        """Redirect a host to this server for the clients of this process: for code with a fixed host and port.

        ``with server.as_host("ftp.partner.com"):`` redirects that name, at that port, in `socket.getaddrinfo`,
        `socket.gethostbyname` and `socket.socket.connect`, which ftplib, asyncio, trio and most clients use; other
        names and other ports are as before. A server with TLS has a certificate for the name meanwhile, unless the
        context is yours or the certificate is wrong on purpose. Blocks may be nested and used in threads.

        Other programs and uvloop resolve names by themselves; the guide "Programs and other processes" has
        recipes.

        Args:
            name: Host name or numeric address.
            port: The port that clients connect to; None for 21, or 990 with implicit TLS.

        Raises:
            ConfigurationError: `name` is no host, or `port` no port.
            ServerStateError: The server does not run.
        """
        host = check_host(name)
        standard = 990 if self.server.implicit_tls else 21
        number = standard if port is None else checks.port("port", port)
        with redirected(host, number, self.address):
            self._certify(lambda: self._names.append(host))
            try:
                yield
            finally:
                self._certify(lambda: self._names.remove(host))

    @property
    def _host_names(self) -> tuple[str, ...]:
        return tuple(sorted(set(self._names)))

    def _certify(self, change: Callable[[], None] = lambda: None) -> None:
        """Change the names of the server; its certificate is for all of them from the next session on."""
        with self._naming:
            change()
            if self._certified is not None and not self.inherited:
                context = self._certified(names=self._host_names)
                self.driver.call(lambda: setattr(self.server, "ssl", context))
