"""The settings of a server, each in one row: type, default, meaning, unit, allowed values.

One rule: a wrong value raises where it is set, and the error names what would work.
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
from ftpfixture.server.persona import Persona
from ftpfixture.server.personas import PERSONAS, PersonaName, named
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


def _read_persona(value: object) -> Persona:
    return value if isinstance(value, Persona) else named(checks.one_of_these(PERSONAS).read(value))


def _read_empty(value: str | Iterable[str]) -> frozenset[str]:
    verbs = frozenset([value] if isinstance(value, str) else value)
    if not verbs <= {"LIST", "NLST"}:
        raise ValueError
    return verbs


def _read_context(value: SSLContext | Callable[[], SSLContext]) -> SSLContext | Callable[[], SSLContext]:
    return value if isinstance(value, SSLContext) else checks.function("").read(value)


_PORTS = Check("port numbers from 1 to 65535, such as range(50000, 50010)", _read_ports)
_TEXT = Check(checks.lines.wanted, _read_text)
_ENCRYPTED = Check("'login', 'data' or both", _read_encrypted)
_TIMEZONE = checks.instance_of("a time zone, such as datetime.UTC or zoneinfo.ZoneInfo('Europe/Berlin')", tzinfo)
_EMPTY = Check("'LIST', 'NLST' or both", _read_empty)
_CONTEXT = Check("an ssl.SSLContext, or a function that makes one", _read_context)


class ServerSettings(TypedDict, total=False):
    """All settings of `Server`; for subclasses that pass them on as ``**settings``."""

    disable: Annotated[
        Iterable[str],
        Setting(
            (),
            "verbs that get 502 and are missing in FEAT and HELP",
            check=checks.list_of("verbs", "['MLSD']"),
        ),
    ]
    features: Annotated[
        Sequence[str] | None,
        Setting(
            None,
            "lines of FEAT's reply, instead of the server's real features",
            none="the real features",
            check=checks.list_of("lines", "['UTF8', 'MLST type*;size*;']"),
        ),
    ]
    welcome_message: Annotated[
        str | Sequence[str],
        Setting("welcome", "text of the greeting; a list for several lines", check=_TEXT),
    ]
    system: Annotated[str, Setting("UNIX Type: L8", "text of SYST's reply")]
    persona: Annotated[
        Persona | PersonaName | None,
        Setting(
            None,
            "another server: its texts in place of those of this server's replies, its features, and what it does "
            f"otherwise; one of {', '.join(PERSONAS)}, or a `Persona`; settings that are given take precedence, and "
            "handlers of a subclass keep their texts",
            none="the texts of this package",
            check=Check(f"one of {', '.join(PERSONAS)}, or a Persona", _read_persona),
        ),
    ]
    refuse_size_in_ascii: Annotated[
        bool,
        Setting(
            False,
            "reply 550 to SIZE in TYPE A, as ProFTPD and pyftpdlib do; False returns the stored size, as vsftpd and "
            "Pure-FTPd do",
        ),
    ]
    hidden_uploads: Annotated[
        bool,
        Setting(
            False,
            'whether an upload has a hidden name, ".in.NAME.", until it is complete, and vanishes when it is not, as '
            "with HiddenStores of ProFTPD; APPE and STOR after REST are refused then",
        ),
    ]
    empty_if_missing: Annotated[
        Iterable[str],
        Setting(
            (),
            "LIST, NLST or both: a path that is missing, or a pattern without matches, is an empty directory to them, "
            "as in vsftpd and Pure-FTPd; STAT of a path follows LIST",
            check=_EMPTY,
        ),
    ]
    list_style: Annotated[
        ListStyleName,
        Setting(
            "unix",
            'format of LIST: "unix" as `ls -l`, also with months of other languages ("unix-de", "unix-fr", "unix-ru"), '
            'and "full-iso"; "msdos" as IIS, "msdos4" with years of four digits; "eplf", "netware", "os2", '
            '"os400" (IBM i), "vxworks", "vms" (OpenVMS), "mvs" (data sets of z/OS), "pds" (their members)',
        ),
    ]
    timezone: Annotated[
        tzinfo, Setting(UTC, "time zone of the times in LIST (MDTM and MLSx are UTC by definition)", check=_TIMEZONE)
    ]
    encoding: Annotated[
        str,
        Setting(
            "utf-8",
            "encoding of commands and replies; undecodable bytes are kept (surrogateescape)",
            check=checks.encoding,
        ),
    ]
    allow_remote: Annotated[bool, Setting(False, "listen on addresses other than loopback")]
    allow_foreign_addresses: Annotated[
        bool,
        Setting(
            False,
            "let PORT and EPRT name other hosts than the client, and let other hosts connect to passive ports, for "
            "transfers between two servers (FXP; ProFTPD's AllowForeignAddress)",
        ),
    ]
    allow_privileged_ports: Annotated[bool, Setting(False, "let PORT and EPRT name ports below 1024")]
    data_ports: Annotated[
        Iterable[int] | None, Setting(None, "ports for passive data connections", none="any", check=_PORTS)
    ]
    ipv4_pasv_forced_response_address: Annotated[
        str | None,
        Setting(None, "IPv4 address in the 227 reply, instead of the control connection's", check=checks.host),
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
    maximum_connections: Annotated[
        int | None, Setting(None, "simultaneous sessions; one more gets 421", none="no limit")
    ]
    maximum_connections_per_address: Annotated[
        int | None,
        Setting(
            None,
            "simultaneous sessions of one client address, as vsftpd's max_per_ip; one more gets 421",
            none="no limit",
        ),
    ]
    maximum_login_failures: Annotated[
        int | None,
        Setting(None, "wrong passwords after which the server sends 421 and ends the session", none="no limit"),
    ]
    login_delay: Annotated[float, Setting(0, "delay of the reply to a wrong password", unit="seconds")]
    idle_timeout: Annotated[
        float | None,
        Setting(
            None,
            "time without a command after which the server sends 421 and ends the session; the time of transfers does "
            "not count",
            unit="seconds",
            none="no limit",
        ),
    ]
    socket_timeout: Annotated[
        float | None,
        Setting(None, "time without a byte on a data connection before 426", unit="seconds", none="no limit"),
    ]
    wait_future_timeout: Annotated[
        float | None,
        Setting(1, "time that a transfer waits for its data connection before 425", unit="seconds", none="no limit"),
    ]
    handshake_timeout: Annotated[
        float | None,
        Setting(10, "time for the TLS handshake of a data connection before 522", unit="seconds", none="no limit"),
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
        int, Setting(DEFAULT_BLOCK_SIZE, "size of the blocks copied between files and sockets", unit="bytes", minimum=1)
    ]
    inflation_limit: Annotated[
        int | None,
        Setting(1 << 28, "largest inflated size of one compressed upload (MODE Z)", unit="bytes", none="no limit"),
    ]
    path_io_factory: Annotated[
        Callable[..., AbstractPathIO],
        Setting(
            PathIO,
            "makes the path layer of each connection, which all share the state of the first: your own class, or "
            "AsyncPathIO for a slow disk",
            check=checks.function("a class of path layer, or a function that makes one"),
        ),
    ]
    path_timeout: Annotated[
        float | None, Setting(None, "timeout that the path layer gets", unit="seconds", none="no limit")
    ]
    clock: Annotated[
        Callable[[], float],
        Setting(
            wall_time,
            "wall clock: a function that returns POSIX seconds, or a Clock, which servers may share; all times use it "
            "except speed limits, path_timeout and the log; the default is the time of day as freezegun and "
            "time-machine set it",
            check=A_CLOCK,
        ),
    ]
    ssl: Annotated[
        SSLContext | Callable[[], SSLContext] | None,
        Setting(
            None,
            "an SSLContext with the server's certificate, or a function that makes one for each control connection and "
            "its data connections, so that no other connection can resume their TLS session",
            none="a server without TLS",
            check=_CONTEXT,
        ),
    ]
    tls: Annotated[
        TlsMode | None,
        Setting(
            None,
            '"explicit" (AUTH TLS), "implicit" (from the first byte), or "required" (explicit, and nothing without it)',
            none='"implicit" if ssl is given',
        ),
    ]
    implicit_protection: Annotated[
        Literal["P", "C"],
        Setting(
            "P",
            'protection of data connections with implicit TLS before the client sends PROT: "P" (private), as '
            'Pure-FTPd, or "C" (clear), as vsftpd and FileZilla Server',
        ),
    ]
    require_tls: Annotated[
        EncryptedPart | Iterable[EncryptedPart],
        Setting(
            (),
            'what the server refuses without TLS: "login", "data" or both',
            check=_ENCRYPTED,
        ),
    ]
    require_session_reuse: Annotated[
        bool,
        Setting(
            False,
            "refuse data connections that do not resume the control connection's TLS session, as vsftpd does; if ssl "
            "is an SSLContext, the session of any control connection is accepted",
        ),
    ]
    require_close_notify: Annotated[
        bool,
        Setting(
            True,
            "reply 426 to an encrypted upload that ends without close_notify, because it may be incomplete; False "
            "accepts any end as the end of the file",
        ),
    ]
    network: Annotated[
        Network | None,
        Setting(
            None,
            "the network that the server listens and connects on",
            none="the sockets of this machine",
            check=A_NETWORK,
        ),
    ]


SERVER_SETTINGS = Table(ServerSettings)


def check_tls(has_context: bool, mode: TlsMode | None, required: Iterable[str]) -> tuple[bool, frozenset[str]]:
    """Whether TLS is implicit, and what the server refuses without TLS.

    Raises:
        ConfigurationError: A TLS setting needs `ssl`, which is missing.
    """
    names = frozenset(required)
    if not has_context and (mode is not None or names):
        raise ConfigurationError("TLS needs a certificate: give an ssl.SSLContext as ssl=")
    return has_context and mode in (None, "implicit"), names | ({"login", "data"} if mode == "required" else set())


def check_protection(level: str, implicit: bool) -> None:
    """Check that `implicit_protection` is "C" only with implicit TLS.

    Raises:
        ConfigurationError: TLS is explicit.
    """
    if level != "P" and not implicit:
        raise ConfigurationError(
            f"implicit_protection={level!r} needs tls='implicit': explicit TLS protects no data before PROT P"
        )


def unknown_verb(verb: str, known: Iterable[str]) -> ConfigurationError:
    """The error for an unknown verb in `disable`; it names the nearest known verb."""
    names = [name.upper() for name in known]
    return ConfigurationError(f"cannot disable {verb!r}: no such command; {suggest(verb, sorted(names), most=3)}")
