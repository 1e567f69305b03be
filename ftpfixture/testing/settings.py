"""The settings of `FtpServer`, of the marker and of the fixtures: its own, and those of the server inside.

One rule: each setting has its default, check and description in one table, as in `ftpfixture.server.settings`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from os import PathLike
from ssl import SSLContext
from typing import Annotated, Literal

from ftpfixture import checks
from ftpfixture.checks import Check
from ftpfixture.driver import Driver
from ftpfixture.faults.dsl import Fault
from ftpfixture.files.memory import MemoryPathIO
from ftpfixture.files.names import NormalForm
from ftpfixture.files.stored import Stored
from ftpfixture.recording.target import Target
from ftpfixture.server import Server
from ftpfixture.server.settings import SERVER_SETTINGS, ServerSettings
from ftpfixture.settings import Setting, Table
from ftpfixture.testing.certificates import KINDS, CertificateKind
from ftpfixture.testing.randomfiles import RandomFiles
from ftpfixture.testing.users import Users
from ftpfixture.wire.matching import Pattern

__all__ = ["FTP_SERVER_SETTINGS", "FtpServerSettings"]


def _read_certificate(value: object) -> object:
    return value if isinstance(value, SSLContext) else checks.one_of_these(KINDS).read(value)


def _read_class(value: type[Server]) -> type[Server]:
    if not issubclass(value, Server):
        raise ValueError
    return value


def _read_target(value: object) -> Target:
    return value if isinstance(value, Target) else Target.parse(value)


_CERTIFICATE = Check(f"one of {', '.join(KINDS)}, or an ssl.SSLContext", _read_certificate)


def _read_files(value: object) -> object:
    if isinstance(value, str):
        return RandomFiles.parse(value)
    if not isinstance(value, Mapping):
        raise ValueError
    return value


def _read_fake(value: object) -> object:
    if not hasattr(value, "get_disk_usage"):
        raise ValueError
    return value


_FILES = Check('a mapping from absolute path to bytes, or "random:N" with a number of files', _read_files)
_HANG = Check("a number of seconds above 0", lambda value: checks.number("hang_after", value, above=0))
_CLASS = Check("a subclass of Server", _read_class)


class FtpServerSettings(ServerSettings, total=False):
    """Everything that `FtpServer`, the marker ``ftp``, `ftp_config` and `ftp_server_factory` take."""

    users: Annotated[
        Users | None,
        Setting(
            None,
            "users, a mapping from login to password (ANY_PASSWORD to take any, None to ask for none), or a user "
            'manager; without a manager, "anonymous" and "ftp" are asked for a password, of which any will do, when '
            "they need none",
            none='one user, "user" with the password "password"',
            check=checks.anything,
        ),
    ]
    files: Annotated[
        Mapping[str, bytes | Stored | None] | str | None,
        Setting(
            None,
            'absolute path to content as bytes, or a `Stored` with attributes; None, or a path that ends in "/", makes '
            'a directory; ``"random:50"`` is a tree of 50 files with names of business data',
            check=_FILES,
        ),
    ]
    seed: Annotated[
        int | None,
        Setting(
            None,
            'which tree ``files="random:50"`` is: the same number is the same tree, on every machine',
            none="0, and in a test a number that depends on its name, which the report of a failing test has",
            minimum=0,
        ),
    ]
    root: Annotated[
        str | PathLike[str] | None,
        Setting(
            None,
            "a folder of the disk to serve in place of files in memory; nothing outside of it can be reached, not by "
            "links either; base paths of users are below it (for reading alone give the users "
            "permissions=[Permission(writable=False)])",
            check=checks.anything,
        ),
    ]
    fakefs: Annotated[
        object | None,
        Setting(
            None,
            "a `FakeFilesystem` of pyfakefs, such as the fixture `fs`, to serve in place of files in memory; `root` is "
            "a folder of it",
            check=Check("a FakeFilesystem of pyfakefs", _read_fake),
        ),
    ]
    case_sensitive: Annotated[
        bool,
        Setting(
            True,
            'whether "A" and "a" are two files in memory; else they are one, which keeps the name that it was made '
            "with, as on Windows and macOS",
        ),
    ]
    normalize_names: Annotated[
        NormalForm | None,
        Setting(
            None,
            'normal form of Unicode in which files in memory get their names, and in which names are one: "NFD" as '
            'HFS+ has it, or "NFC"',
            none="names as they come",
        ),
    ]
    quota: Annotated[
        int | None,
        Setting(None, "size that all files together may have; more gets 452", unit="bytes", none="no limit"),
    ]
    host: Annotated[
        str,
        Setting(
            "127.0.0.1",
            'address or name to listen on, of loopback unless allow_remote is set: then "0.0.0.0" is every IPv4 '
            'address and "::" every address of both families',
        ),
    ]
    port: Annotated[int, Setting(0, "port to listen on; 0 for a free one", check=checks.port_to_listen)]
    server_class: Annotated[type[Server], Setting(Server, "your own subclass of Server", check=_CLASS)]
    certificate: Annotated[
        CertificateKind | SSLContext,
        Setting(
            "valid",
            'certificate of the server: "valid", "expired", "wrong-host", "self-signed", "untrusted", or a context of '
            "yours",
            check=_CERTIFICATE,
        ),
    ]
    client_certificates: Annotated[
        Literal["optional", "required"] | None,
        Setting(
            None,
            '"optional" to ask clients for a certificate, "required" to insist; those of '
            '``server.tls.client_context("ann")`` are trusted',
            none="not asking",
        ),
    ]
    minimum_tls: Annotated[
        Literal["TLSv1.2", "TLSv1.3"] | None,
        Setting(None, 'lowest version: "TLSv1.2" or "TLSv1.3"', none="Python's own minimum"),
    ]
    ciphers: Annotated[str | None, Setting(None, "ciphers of TLS 1.2, as OpenSSL takes them", none="Python's own")]
    faults: Annotated[
        Iterable[Fault | str] | Fault,
        Setting(
            (),
            'faults from the first byte on: made by `ftpfixture.on`, or text such as ``"RETR #2: reset"``',
            check=checks.anything,
        ),
    ]
    recording: Annotated[
        str | PathLike[str] | object | None,
        Setting(
            None,
            "a recording to replay, as the path of a file ``*.ftp.jsonl`` or a `Recording`: the server sends what was "
            "recorded, and a command that was not recorded gets 503 and fails the test",
            none="a server that answers by itself",
            check=checks.anything,
        ),
    ]
    compare_uploads: Annotated[
        Literal["exact", "size", "ignore"],
        Setting(
            "exact",
            'what an upload must have as recorded: "exact" for all bytes, "size" for their number, "ignore" '
            "for nothing",
        ),
    ]
    allow_unplayed: Annotated[
        bool,
        Setting(False, "do not fail a test whose clients have not played all sessions and commands of a recording"),
    ]
    allow_repeats: Annotated[
        bool,
        Setting(False, "play a recording again from its beginning when clients have played all its sessions"),
    ]
    replay_timing: Annotated[
        bool,
        Setting(
            False,
            "let each reply and each end of a data connection wait as long after its command as it was recorded, by "
            "the clock of the server; for recordings made with ``record(path, timing=True)``",
        ),
    ]
    upstream: Annotated[
        str | Target | None,
        Setting(
            None,
            "a real server to which everything is passed on, with faults and the log in front of it: "
            '"HOST", "HOST:PORT" or a URL such as "ftp://ann:secret@HOST:PORT"; see `Target` for TLS',
            none="a server that answers by itself",
            check=Check('"HOST", "HOST:PORT", a URL with ftp:// or ftps://, or a Target', _read_target),
        ),
    ]
    hang_after: Annotated[
        float | None,
        Setting(
            30.0,
            "how long a client may wait for what a fault or a login script withholds for ever, while no byte moves in "
            "either direction; then the server resets the session, and the test fails; it is in real time, and with a "
            "driver of another time there is no limit unless it is given",
            unit="seconds",
            none="no limit",
            check=_HANG,
        ),
    ]
    name: Annotated[
        str | None,
        Setting(None, "name of the server in reports", none="the name of its fixture, or a number"),
    ]
    log_limit: Annotated[
        int | None,
        Setting(
            None,
            "how many events the log keeps at least, and a quarter more at most; a command is two or three, a transfer "
            "about six. Older commands are forgotten, and an assertion that looks at all of them is an error then",
            none="all",
            minimum=1,
        ),
    ]
    strict: Annotated[
        bool,
        Setting(
            False,
            "whether a command that no expectation (`FtpServer.expect`) and no pattern of `loose` has named fails the "
            "test",
        ),
    ]
    loose: Annotated[
        Iterable[str | Pattern] | str | Pattern,
        Setting(
            (),
            'commands that a strict server takes without an expectation, such as ``["LOGIN", "QUIT", "NOOP"]``',
            check=checks.anything,
        ),
    ]
    simulate: Annotated[
        bool,
        Setting(
            False,
            "whether connections and time are simulated: the server runs on the thread of its clients while they wait, "
            "without sockets, and waiting takes no real time; in the marker ``ftp`` also a number of schedules, under "
            "each of which the test runs",
            check=replace(
                checks.truth, wanted="True or False, and in the marker ftp also a number of schedules from 1"
            ),
        ),
    ]
    schedule: Annotated[
        int | None,
        Setting(
            None,
            "number of the order in which a simulated server, its clients and their connections go on; the same number "
            "repeats it exactly",
            none="the order in which each goes on as far as it can",
            minimum=0,
        ),
    ]
    simulate_time: Annotated[
        bool,
        Setting(
            False,
            "whether `time.sleep`, the clocks of `time` and waits with a timeout on conditions, events and queues of "
            "`threading` and `queue` have the virtual time of a simulated server, in the thread of the test",
        ),
    ]
    driver: Annotated[
        Driver | None,
        Setting(
            None,
            "the loop and the time of the server",
            none="real time, on a thread that all servers of the process share",
            check=checks.instance_of("a Driver", Driver),
        ),
    ]


FTP_SERVER_SETTINGS = Table(
    FtpServerSettings,
    SERVER_SETTINGS,
    maximum_login_failures=5,  # as BSD's ftpd, wu-ftpd and Pure-FTPd; vsftpd, ProFTPD and pyftpdlib allow three
    path_io_factory=MemoryPathIO,
)
