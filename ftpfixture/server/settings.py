"""The settings of a server, each in one row: type, default, what it means, unit, what it takes.

One rule: a mistake is told where it was made, and with what would be right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, tzinfo
from ssl import SSLContext
from typing import Annotated, Any, Literal, TypedDict

from ftpfixture import checks
from ftpfixture.checks import Check, suggest
from ftpfixture.clock import A_CLOCK
from ftpfixture.errors import ConfigurationError
from ftpfixture.files.base import AbstractPathIO
from ftpfixture.files.disk import PathIO
from ftpfixture.net.network import A_NETWORK, Network
from ftpfixture.net.stream import DEFAULT_BLOCK_SIZE
from ftpfixture.settings import Setting, Table
from ftpfixture.untouched import wall_time
from ftpfixture.wire.listing.styles import ListStyleName

__all__ = [
    "SERVER_SETTINGS",
    "ServerSettings",
    "TlsMode",
    "check_protection",
    "check_tls",
    "unknown_verb",
]

TlsMode = Literal["explicit", "implicit", "required"]
"""When a server encrypts: after AUTH TLS, from the first byte, or after AUTH TLS and nothing without it."""

EncryptedPart = Literal["login", "data"]


def _read_ports(value: Iterable[Any]) -> list[int]:
    found = list(value)
    if not found:
        raise ValueError
    return [checks.port.read(port) for port in found]


def _read_text(value: str | Sequence[str]) -> str | Sequence[str]:
    checks.lines.read(value)
    return value


def _read_encrypted(value: EncryptedPart | Iterable[EncryptedPart]) -> frozenset[EncryptedPart]:
    names: frozenset[EncryptedPart] = frozenset([value] if isinstance(value, str) else value)
    if not names <= {"login", "data"}:
        raise ValueError
    return names


def _read_context(value: SSLContext | Callable[[], SSLContext]) -> SSLContext | Callable[[], SSLContext]:
    return value if isinstance(value, SSLContext) else checks.function("").read(value)


_PORTS = Check("port numbers from 1 to 65535, such as range(50000, 50010)", _read_ports)
_TEXT = Check(checks.lines.wanted, _read_text)
_ENCRYPTED = Check("'login', 'data' or both", _read_encrypted)
_TIMEZONE = checks.instance_of("a time zone, such as datetime.UTC or zoneinfo.ZoneInfo('Europe/Berlin')", tzinfo)
_CONTEXT = Check("an ssl.SSLContext, or a function that makes one", _read_context)


class ServerSettings(TypedDict, total=False):
    """Everything that `Server` takes besides users; for subclasses that hand it on as ``**settings``."""

    disable: Annotated[
        Iterable[str],
        Setting(
            (),
            "verbs that are answered with 502 and left out of FEAT and HELP",
            check=checks.list_of("verbs", "['MLSD']"),
        ),
    ]
    features: Annotated[
        Sequence[str] | None,
        Setting(
            None,
            "lines of FEAT's reply, whatever the server really does",
            none="the truth",
            check=checks.list_of("lines", "['UTF8', 'MLST type*;size*;']"),
        ),
    ]
    welcome_message: Annotated[
        str | Sequence[str],
        Setting("welcome", "text of the greeting; a list for several lines", check=_TEXT),
    ]
    system: Annotated[str, Setting("UNIX Type: L8", "text of SYST's reply")]
    refuse_size_in_ascii: Annotated[
        bool,
        Setting(
            False,
            "answer SIZE with 550 while the type is A, as ProFTPD and pyftpdlib do; False tells the stored size, as "
            "vsftpd and Pure-FTPd do",
        ),
    ]
    list_style: Annotated[
        ListStyleName, Setting("unix", 'shape of LIST: "unix", "msdos", "msdos4" (four-digit years) or "eplf"')
    ]
    timezone: Annotated[
        tzinfo, Setting(UTC, "time zone of the times in LIST (MDTM and MLSx are UTC by definition)", check=_TIMEZONE)
    ]
    encoding: Annotated[
        str,
        Setting(
            "utf-8",
            "encoding of commands and replies; bytes that do not fit survive (surrogateescape)",
            check=checks.encoding,
        ),
    ]
    allow_remote: Annotated[bool, Setting(False, "allow to listen on other addresses than loopback")]
    allow_foreign_addresses: Annotated[
        bool,
        Setting(
            False,
            "let PORT and EPRT name other hosts than the client, and let other hosts connect to passive ports, as "
            "servers do that talk to each other (FXP; ProFTPD's AllowForeignAddress)",
        ),
    ]
    allow_privileged_ports: Annotated[bool, Setting(False, "let PORT and EPRT name ports below 1024")]
    data_ports: Annotated[
        Iterable[int] | None, Setting(None, "ports for passive data connections", none="any", check=_PORTS)
    ]
    ipv4_pasv_forced_response_address: Annotated[
        str | None,
        Setting(None, "IPv4 address that 227 names instead of the control connection's", check=checks.host),
    ]
    virtual_hosts: Annotated[
        Iterable[str] | None,
        Setting(
            None,
            "names that HOST accepts (RFC 7151)",
            none="all",
            check=checks.list_of("host names", "['ftp.example.org']"),
        ),
    ]
    maximum_connections: Annotated[int | None, Setting(None, "sessions at once; one more gets 421", none="no limit")]
    maximum_connections_per_address: Annotated[
        int | None,
        Setting(None, "the same for each client address, as vsftpd's max_per_ip", none="no limit"),
    ]
    maximum_login_failures: Annotated[
        int | None,
        Setting(None, "wrong passwords after which a session gets 421", none="no limit"),
    ]
    login_delay: Annotated[float, Setting(0, "how long the reply to a wrong password is delayed", unit="seconds")]
    idle_timeout: Annotated[
        float | None,
        Setting(
            None,
            "how long a session may send no command before it gets 421; transfers do not count",
            unit="seconds",
            none="no limit",
        ),
    ]
    socket_timeout: Annotated[
        float | None,
        Setting(None, "how long a data connection may stand still before 426", unit="seconds", none="no limit"),
    ]
    wait_future_timeout: Annotated[
        float | None,
        Setting(1, "how long a transfer waits for its data connection before 425", unit="seconds", none="no limit"),
    ]
    handshake_timeout: Annotated[
        float | None,
        Setting(
            10, "how long the TLS handshake of a data connection may take before 522", unit="seconds", none="no limit"
        ),
    ]
    read_speed_limit: Annotated[
        float | None, Setting(None, "rate of all uploads together", unit="bytes per second", none="no limit")
    ]
    write_speed_limit: Annotated[
        float | None, Setting(None, "rate of all downloads together", unit="bytes per second", none="no limit")
    ]
    read_speed_limit_per_connection: Annotated[
        float | None, Setting(None, "rate of the uploads of each session", unit="bytes per second", none="no limit")
    ]
    write_speed_limit_per_connection: Annotated[
        float | None, Setting(None, "rate of the downloads of each session", unit="bytes per second", none="no limit")
    ]
    block_size: Annotated[
        int, Setting(DEFAULT_BLOCK_SIZE, "size of the blocks moved between files and sockets", unit="bytes", minimum=1)
    ]
    inflation_limit: Annotated[
        int | None,
        Setting(1 << 28, "size that one compressed upload (MODE Z) may grow to", unit="bytes", none="no limit"),
    ]
    path_io_factory: Annotated[
        Callable[..., AbstractPathIO],
        Setting(
            PathIO,
            "makes the path layer of each connection; all share the state of the first: your own, or AsyncPathIO for a "
            "slow disk",
            check=checks.function("a class of path layer, or a function that makes one"),
        ),
    ]
    path_timeout: Annotated[float | None, Setting(None, "handed to the path layer", unit="seconds", none="no limit")]
    clock: Annotated[
        Callable[[], float],
        Setting(
            wall_time,
            "wall clock: a function that gives POSIX seconds, or a Clock, which servers may share; all times go by it "
            "but for speed limits, path_timeout and the log; the default is the time of day as freezegun and "
            "time-machine set it",
            check=A_CLOCK,
        ),
    ]
    ssl: Annotated[
        SSLContext | Callable[[], SSLContext] | None,
        Setting(
            None,
            "a context with the server's certificate, or a function that makes one for each control connection and its "
            "data connections, so that nothing else can resume their session",
            none="a server without TLS",
            check=_CONTEXT,
        ),
    ]
    tls: Annotated[
        TlsMode | None,
        Setting(
            None,
            '"explicit" (AUTH TLS), "implicit" (from the first byte), or "required" (explicit, and nothing without it)',
            none='"implicit" where there is a context',
        ),
    ]
    implicit_protection: Annotated[
        Literal["P", "C"],
        Setting(
            "P",
            'what data connections are with implicit TLS before the client says PROT: "P" (private), as for Pure-FTPd, '
            'or "C" (clear), as for vsftpd and FileZilla Server',
        ),
    ]
    require_tls: Annotated[
        EncryptedPart | Iterable[EncryptedPart],
        Setting(
            (),
            'what is refused in clear: "login", "data" or both',
            check=_ENCRYPTED,
        ),
    ]
    require_session_reuse: Annotated[
        bool,
        Setting(
            False,
            "refuse data connections that do not resume the control connection's TLS session, as vsftpd does; where "
            "ssl is a context, that of any control connection will do",
        ),
    ]
    require_close_notify: Annotated[
        bool,
        Setting(
            True,
            "answer an encrypted upload that ends without close_notify with 426, because it may be cut; False takes "
            "any end for that of the file",
        ),
    ]
    network: Annotated[
        Network | None,
        Setting(
            None,
            "where the server listens and connects",
            none="the sockets of this machine",
            check=A_NETWORK,
        ),
    ]


SERVER_SETTINGS = Table(ServerSettings)


def check_tls(has_context: bool, mode: TlsMode | None, required: Iterable[str]) -> tuple[bool, frozenset[str]]:
    """Whether TLS comes first, and what is refused without it.

    Raises:
        ConfigurationError: There is no certificate.
    """
    names = frozenset(required)
    if not has_context and (mode is not None or names):
        raise ConfigurationError("TLS needs a certificate: give an ssl.SSLContext as ssl=")
    return has_context and mode in (None, "implicit"), names | ({"login", "data"} if mode == "required" else set())


def check_protection(level: str, implicit: bool) -> None:
    """See that data connections in clear are for implicit TLS.

    Raises:
        ConfigurationError: They are not.
    """
    if level != "P" and not implicit:
        raise ConfigurationError(
            f"implicit_protection={level!r} is for tls='implicit': with explicit TLS data are clear until PROT P"
        )


def unknown_verb(verb: str, known: Iterable[str]) -> ConfigurationError:
    """The error for a verb that cannot be switched off; it names the nearest that can."""
    names = [name.upper() for name in known]
    return ConfigurationError(f"cannot disable {verb!r}: no such command; {suggest(verb, sorted(names), most=3)}")
