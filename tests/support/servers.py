"""FTP servers of other projects, each with its own folder, on a free port of the loopback interface.

Each is a context manager: within it the server runs, after it none of its processes is left. The properties of a server
are data of its class. A test is skipped when its server is not installed.

vsftpd, ProFTPD and Pure-FTPd are run as by inetd: one process per connection, on a socket that is accepted here. So no
test waits for a daemon to be ready, and no port is released in the hope to get it again.
"""

from __future__ import annotations

import os
import select
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import threading
from abc import ABC, abstractmethod
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

import pytest

from tests.support import serving

__all__ = [
    "LACKS",
    "PEERS",
    "Aioftp",
    "MicroSocks",
    "Peer",
    "Proftpd",
    "PureFtpd",
    "Pyftpdlib",
    "Server",
    "Vsftpd",
    "living",
]

SERVERS = "FTPFIXTURE_TEST_SERVERS"  # environment variable with the folder of unpacked packages; see .ci/run

# What a server may lack besides verbs: the words of `Peer.lacks`.
LACKS = {
    "abort": "the session continues after an urgent ABOR with Telnet's IP and DM, as in RFC 959",
    "active": "the server opens data connections",
    "ascii": "TYPE A translates line ends",
    "epsv-argument": "the session continues after EPSV with a protocol number",
    "hidden": "LIST shows names that begin with a dot",
    "list-file": "LIST of a file shows the file",
    "list-missing": "LIST of a missing path is refused",
    "mdtm-set": "MDTM with a time sets it",
    "mkd-path": "the 257 reply to MKD has the absolute path",
    "nlst-dotless": "NLST shows neither . nor ..",
    "prompt-226": "226 to RETR comes before the client closes its side of the data connection",
    "quotes": "quotes in the path of 257 are doubled",
    "rename-over": "RNTO replaces a file",
    "rest-early": "REST is still in effect after EPSV",
    "stat-missing": "STAT of a missing path is refused",
}

PASSWORD = "password"
# Its crypt(3) hash, because Python has no crypt module any more; with few rounds, because every login runs them.
HASH = (
    "$6$rounds=1000$ftpfixture$31/nHrUQieWIuEeedA1UoHnOeBAlx6jbD7Ul7boBWphgDhuWEnptgmL/649KP68pCJLBrq0d.cLygT13FSWMn0"
)


def program(name: str, package: str) -> Path:
    """A program, from an unpacked package or from this machine."""
    own = [Path(os.environ[SERVERS], package, "usr", folder) for folder in ("sbin", "bin") if SERVERS in os.environ]
    places = [*map(str, own), os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"]
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        pytest.skip(f"{name} is not installed")
    return Path(found)


def library(name: str, package: str) -> Path:
    """A shared library, from an unpacked package or from this machine."""
    roots = [Path("/")]
    if SERVERS in os.environ:
        roots.insert(0, Path(os.environ[SERVERS], package))
    for root in roots:
        for pattern in (f"usr/lib/*/{name}", f"usr/lib/{name}"):
            for path in root.glob(pattern):
                return path
    pytest.skip(f"{name} is not installed")


def living() -> dict[int, int]:
    """The processes that have not ended, each with its session (see setsid(2))."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            # Before these fields is the program's name in parentheses, which may contain anything.
            state, _, _, session = path.read_text(errors="replace").rpartition(")")[2].split()[:4]
        except OSError:
            continue  # it has ended meanwhile
        if state not in "ZX":
            found[int(path.parent.name)] = int(session)
    return found


def members(session: int) -> list[int]:
    """The processes of a session that have not ended."""
    return [pid for pid, its_session in living().items() if its_session == session]


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that leads a session, and all others of the session, and wait until they have ended.

    The leader is reaped last: until then no other process can get its number.
    """
    while pids := members(process.pid):  # again, because a process may have forked before it was killed
        for pid in pids:
            try:
                watched = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            try:
                signal.pidfd_send_signal(watched, signal.SIGKILL)
                ended = select.poll()
                ended.register(watched, select.POLLIN)
                ended.poll()
            except ProcessLookupError:
                pass
            finally:
                os.close(watched)
    process.kill()
    process.wait()


def family(host: str) -> socket.AddressFamily:
    """The family of a numeric address."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET


class Server(ABC):
    """A server that runs in its own processes during the context.

    Args:
        folder: The folder for all its files; it need not exist.
        host: Address to listen on.

    Attributes:
        name: The name of the program or the library.
        host: Address it listens on.
        port: Port it listens on, inside the context.
    """

    name: ClassVar[str]

    def __init__(self, folder: Path, host: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.host = host
        self.port = 0
        self._log = folder / "log"
        self._log.touch()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._spawning = threading.Lock()
        self._undo = ExitStack()

    def _spawn(
        self,
        *arguments: str | Path,
        stdin: int = subprocess.DEVNULL,
        stdout: int = subprocess.DEVNULL,
        environment: dict[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a process that leads a session; its standard error goes to the log."""
        with self._spawning, self._log.open("ab") as log:
            process = subprocess.Popen(
                arguments,
                stdin=stdin,
                stdout=stdout,
                stderr=log,
                cwd=self.folder,
                env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC", **(environment or {})},
                start_new_session=True,
            )
            self._processes.append(process)
        return process

    @property
    def pids(self) -> list[int]:
        """Processes that run now, those of sessions and their helpers among them."""
        with self._spawning:  # a process may serve its client before it is in the list
            return [pid for process in self._processes for pid in members(process.pid)]

    def log_text(self) -> str:
        """The content of its log, including standard error."""
        return self._log.read_text(errors="backslashreplace")

    @abstractmethod
    def _start(self, undo: ExitStack) -> None:
        """Listen, and set the port; `undo` gets callbacks that run before all processes are killed."""

    def _kill(self) -> None:
        sessions = {*living().values()}
        for process in self._processes:
            if process.pid in sessions:
                kill(process)
            else:
                process.wait()  # all of its session have ended
        self._processes.clear()

    def stop(self) -> None:
        """Stop the server and all sessions, as the end of the context does."""
        self._undo.close()

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            undo.callback(self._kill)
            self._start(undo)
            self._undo = undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class Peer(Server):
    """A foreign FTP server, with one user who has all permissions.

    Args:
        folder: The folder for all its files; it need not exist.
        extra: Further settings: see the class.
        host: Address to listen on.

    Attributes:
        root: The folder that the user sees as "/".
        user: The name of the user.
        password: The password of the user.
        lacks: What it lacks: verbs, and words that LACKS explains.
        aborts: Replies to an urgent ABOR during a transfer, when the client closes the data connection after the
            first one: the verb, and all codes in order; "closed" means the end of the session.
    """

    lacks: ClassVar[frozenset[str]]
    aborts: ClassVar[frozenset[str]]
    user = "user"
    password = PASSWORD

    def __init__(self, folder: Path, *extra: str, host: str = "127.0.0.1") -> None:
        super().__init__(folder, host)
        self.root = folder / "root"
        self.root.mkdir()
        self._extra = extra


class _InetdPeer(Peer):
    """A server that is run for each connection, with the accepted socket as its standard input and output."""

    def __init__(self, folder: Path, *extra: str, host: str = "127.0.0.1") -> None:
        if os.geteuid() != 0:
            pytest.skip(f"{self.name} needs root")  # to lock users into their folders with chroot(2)
        super().__init__(folder, *extra, host=host)

    def _start(self, undo: ExitStack) -> None:
        listener = undo.enter_context(socket.create_server((self.host, 0), family=family(self.host)))
        self.port = listener.getsockname()[1]
        ours, theirs = map(undo.enter_context, socket.socketpair())
        thread = threading.Thread(target=self._accept, args=(listener, theirs), name=f"inetd for {self.name}")
        thread.start()
        undo.callback(thread.join)
        undo.callback(ours.close)  # this ends the thread

    def _accept(self, listener: socket.socket, end: socket.socket) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(listener, selectors.EVENT_READ)
            selector.register(end, selectors.EVENT_READ)
            while all(key.fileobj is listener for key, _ in selector.select()):
                connection, _ = listener.accept()
                with connection:
                    self._run(connection.fileno())

    @abstractmethod
    def _run(self, connection: int) -> None:
        """Spawn the program for a connection, given as its descriptor."""

    def _configure(self, *lines: str) -> Path:
        """Write a configuration file."""
        path = self.folder / f"{self.name}.conf"
        path.write_text("".join(f"{line}\n" for line in lines))
        return path


class Vsftpd(_InetdPeer):
    """vsftpd; `extra` are lines of its configuration file.

    It checks passwords with PAM, and PAM reads /etc/pam.d, which tests must not change. So it gets a copy of the PAM
    library that reads a folder of the test instead (pam_wrapper does that too, but in places that processes share), and
    from pam_wrapper a module that reads passwords from a text file. The anonymous user would need no password, but must
    not be able to write into "/".
    """

    name = "vsftpd"
    lacks = frozenset(
        {
            *("CLNT", "HASH", "HOST", "MFF", "MFMT", "MLSD", "MLST", "REIN"),
            "hidden",  # LIST -a shows them
            "list-missing",  # 226 and nothing
            "stat-missing",  # 213 and nothing
        }
    )
    aborts = frozenset({"RETR: 426 226", "STOR: 426 226"})

    def __init__(self, folder: Path, *extra: str, host: str = "127.0.0.1") -> None:
        self._program = program("vsftpd", "vsftpd")
        module = library("pam_wrapper/pam_matrix.so", "vsftpd")
        super().__init__(folder, *extra, host=host)
        self._make_pam(module)
        (folder / "empty").mkdir()
        self._configuration = self._configure(
            "listen=NO",
            "local_enable=YES",
            "anonymous_enable=NO",
            "guest_enable=YES",  # every PAM user becomes this system user, who owns the tests' files
            "guest_username=root",
            "virtual_use_local_privs=YES",
            "pam_service_name=ftp",
            f"local_root={self.root}",
            "chroot_local_user=YES",
            "allow_writeable_chroot=YES",
            f"secure_chroot_dir={folder / 'empty'}",
            "write_enable=YES",
            "local_umask=022",
            "mdtm_write=YES",
            "ascii_upload_enable=YES",
            "ascii_download_enable=YES",
            "async_abor_enable=YES",
            "connect_from_port_20=NO",
            "delay_failed_login=0",
            "seccomp_sandbox=NO",  # this and the next two are not available in every container
            "isolate=NO",
            "isolate_network=NO",
            "xferlog_enable=YES",
            "log_ftp_protocol=YES",
            f"vsftpd_log_file={self._log}",
            *extra,
        )

    def _make_pam(self, module: Path) -> None:
        passwords = self.folder / "passwords"
        passwords.write_text(f"{self.user}:{self.password}:ftp\n")
        services = self.folder / "pam.d"
        services.mkdir()
        rules = [f"{kind} required {module} passdb={passwords}\n" for kind in ("auth", "account")]
        (services / "ftp").write_text("".join(rules))
        (services / "other").write_text("".join(rules))
        linked = subprocess.run(["ldd", self._program], capture_output=True, text=True, check=True).stdout
        [original] = [line.split()[2] for line in linked.splitlines() if line.split()[0] == "libpam.so.0"]
        ours, theirs = b"././/pam.d", b"/etc/pam.d"  # of equal length; vsftpd stays in the folder where it was started
        data = Path(original).read_bytes()
        assert theirs in data
        self._libraries = self.folder / "lib"
        self._libraries.mkdir()
        (self._libraries / "libpam.so.0").write_bytes(data.replace(theirs, ours))

    def _run(self, connection: int) -> None:
        environment = {"LD_LIBRARY_PATH": str(self._libraries)}
        self._spawn(self._program, self._configuration, stdin=connection, stdout=connection, environment=environment)


class Proftpd(_InetdPeer):
    """ProFTPD; `extra` are lines of its configuration file. All modules of its packages can be loaded."""

    name = "proftpd"
    lacks = frozenset(
        {
            *("HASH", "REIN"),
            "hidden",  # LIST -a and MLSD show them
            "mdtm-set",
            "prompt-226",  # it waits TimeoutLinger, 10 s, for the client to close
        }
    )
    aborts = frozenset({"RETR: 426 226", "STOR: 426 226", "STOR: 226 426"})

    def __init__(self, folder: Path, *extra: str, host: str = "127.0.0.1") -> None:
        self._program = program("proftpd", "proftpd-core")
        super().__init__(folder, *extra, host=host)
        users, groups = folder / "passwd", folder / "group"
        users.write_text(f"{self.user}:{HASH}:0:0::{self.root}:/bin/sh\n")
        groups.write_text("root:x:0:\n")
        for path in (users, groups):
            path.chmod(0o600)  # it refuses files that all users may read
        modules = self._program.parent.parent / "lib" / "proftpd"
        shared = [name for name in ("mod_delay", "mod_ls", "mod_xfer") if (modules / f"{name}.so").exists()]
        self._configuration = self._configure(
            f"ModulePath {modules}",
            *(f"LoadModule {name}.c" for name in shared),  # older builds have them inside
            "ServerType inetd",
            "DefaultServer on",
            "Port 0",
            "UseIPv6 on",
            "User root",
            "Group root",
            "AuthOrder mod_auth_file.c",
            f"AuthUserFile {users}",
            f"AuthGroupFile {groups}",
            "RootLogin on",
            "RequireValidShell off",
            "DefaultRoot ~",
            "AllowOverwrite on",
            "AllowStoreRestart on",
            "AllowRetrieveRestart on",
            "UseReverseDNS off",
            "DelayEngine off",
            "WtmpLog off",
            "TransferLog none",
            f"SystemLog {self._log}",
            'LogFormat said "%m %J -> %s %S"',
            f"ExtendedLog {self._log} ALL said",
            f"ScoreboardFile {folder / 'scoreboard'}",
            *extra,
        )
        # Under inetd it would end without a message after an error in its configuration.
        test = subprocess.run([self._program, "-t", "-c", self._configuration], capture_output=True, text=True)
        assert test.returncode == 0, test.stderr

    def _run(self, connection: int) -> None:
        self._spawn(self._program, "-c", self._configuration, stdin=connection, stdout=connection)


class PureFtpd(_InetdPeer):
    """Pure-FTPd; `extra` are arguments of its command line.

    It refuses its own users with the number 0. With uid_wrapper it sees another number, but its files still belong to
    the user of the tests.
    """

    name = "pure-ftpd"
    lacks = frozenset(
        {
            *("CLNT", "HASH", "HOST", "MFF", "REIN"),
            "hidden",  # LIST -a, MLSD and NLST show them
            "list-missing",  # 226 and nothing
            "mdtm-set",
            "mkd-path",  # as in the command
            "nlst-dotless",
            "quotes",
            "stat-missing",  # 213 and nothing
        }
    )
    aborts = frozenset({"RETR: 426 226", "STOR: 426 451"})

    def __init__(self, folder: Path, *extra: str, host: str = "127.0.0.1") -> None:
        self._program = program("pure-ftpd", "pure-ftpd")
        make_users = program("pure-pw", "pure-ftpd")
        self._wrapper = library("libuid_wrapper.so", "pure-ftpd")
        super().__init__(folder, *extra, host=host)
        text = folder / "users"
        text.write_text(f"{self.user}:{HASH}:1000:1000::{self.root}/./::::::::::::\n")  # "/./" locks the user in
        self._users = folder / "users.pdb"
        subprocess.run([make_users, "mkdb", self._users, "-f", text], check=True)

    def _run(self, connection: int) -> None:
        self._spawn(
            self._program,
            *("-l", f"puredb:{self._users}", "-E", "-H", "-O", f"w3c:{self._log}", *self._extra),
            stdin=connection,
            stdout=connection,
            environment={"LD_PRELOAD": str(self._wrapper), "UID_WRAPPER": "1", "UID_WRAPPER_ROOT": "1"},
        )


class _PythonPeer(Peer):
    """A server of a Python library, in its own process."""

    def __init__(self, folder: Path, *extra: str, host: str = "127.0.0.1") -> None:
        if find_spec(self.name) is None:
            pytest.skip(f"{self.name} is not installed")
        super().__init__(folder, *extra, host=host)

    def _start(self, undo: ExitStack) -> None:
        process = self._spawn(
            *(sys.executable, "-P", serving.__file__, self.name, self.host, self.root, self.user, self.password),
            *self._extra,
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        with process.stdout as stdout:
            line = stdout.readline()
        assert line, f"{self.name} did not start:\n{self.log_text()}"
        self.port = int(line)


class Pyftpdlib(_PythonPeer):
    """pyftpdlib; `extra` are attributes of its handler as `name=value`, with TLS when `certfile` is given."""

    name = "pyftpdlib"
    lacks = frozenset({"CLNT", "HASH", "HOST", "MFF", "mdtm-set"})
    aborts = frozenset({"RETR: 426 226", "STOR: 426 226", "STOR: 225"})  # 225 alone if it has seen no data yet


class Aioftp(_PythonPeer):
    """aioftp; `extra` are arguments of its server as `name=value`, `certfile` and `keyfile` for implicit TLS."""

    name = "aioftp"
    lacks = frozenset(
        {
            *("ALLO", "CLNT", "EPRT", "FEAT", "HASH", "HELP", "HOST", "MDTM", "MFF", "MFMT", "MODE", "NLST", "NOOP"),
            *("OPTS", "PORT", "REIN", "SITE", "SIZE", "STAT", "STOU", "STRU"),
            "abort",  # Telnet bytes are not UTF-8; a plain ABOR works while the data connection is open
            "active",
            "ascii",
            "epsv-argument",  # 522 and the end
            "list-file",  # nothing
            "mdtm-set",
            "mkd-path",
            "nlst-dotless",
            "quotes",
            "rename-over",
            "rest-early",  # REST must come right before RETR, STOR or APPE
            "stat-missing",
        }
    )
    aborts = frozenset({"RETR: closed", "RETR: 226 closed", "STOR: closed", "STOR: 226 closed"})


PEERS: tuple[type[Peer], ...] = (Vsftpd, Proftpd, PureFtpd, Pyftpdlib, Aioftp)


class MicroSocks(Server):
    """microsocks, a SOCKS5 server.

    Args:
        folder: The folder for all its files; it need not exist.
        user: The only user; None for access without a password.
        password: The password of the user.
        host: Address to listen on.
    """

    name = "microsocks"

    def __init__(
        self, folder: Path, user: str | None = None, password: str = PASSWORD, *, host: str = "127.0.0.1"
    ) -> None:
        self._program = program("microsocks", "microsocks")
        super().__init__(folder, host)
        self.user = user
        self.password = password

    def _start(self, undo: ExitStack) -> None:
        # A socket that is bound and does not listen reserves the port for the process. With SO_REUSEADDR both may
        # bind it on Linux, and the system gives it to no other process, so an answer there comes from microsocks.
        with socket.socket(family(self.host)) as kept:
            kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            kept.bind((self.host, 0))
            self.port = kept.getsockname()[1]
            login = () if self.user is None else ("-u", self.user, "-P", self.password)
            process = self._spawn(self._program, "-i", self.host, "-p", str(self.port), *login)
            while not self._listens():
                try:
                    process.wait(0.002)  # it does not report when it listens, but it may end before
                except subprocess.TimeoutExpired:
                    continue
                raise AssertionError(f"microsocks did not start:\n{self.log_text()}")

    def _listens(self) -> bool:
        with socket.socket(family(self.host)) as probe:
            return probe.connect_ex((self.host, self.port)) == 0
