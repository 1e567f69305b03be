"""What a client knows of its server and its session, so that it need not ask twice.

One rule: what is remembered is forgotten by the command, or the new connection, that may change it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ssl import SSLContext, SSLSession

__all__ = ["ServerTraits", "SessionHistory", "SessionParameters"]

_FORGETTING = frozenset({"AUTH", "MODE", "REIN", "TYPE", "USER"})


@dataclass(slots=True)
class ServerTraits:
    """What the server of a connection was found to lack; a new connection begins with a new one.

    Attributes:
        has_mlsd: Whether it may know MLSD.
        has_mlst: Whether it may know MLST.
        has_mfmt: Whether it may be able to set times.
        refused_data_commands: Of EPSV, PASV, EPRT and PORT those that do not work, in lower case; once is enough, as
            for curl.
    """

    has_mlsd: bool = True
    has_mlst: bool = True
    has_mfmt: bool = True
    refused_data_commands: set[str] = field(default_factory=set)


@dataclass(slots=True)
class SessionParameters:
    """What client and server agreed on, until a command changes it.

    Attributes:
        type: The representation type, "I" or "A"; "" when it is not known.
        deflate_level: In MODE Z the level of our own compression; None in MODE S.
        protection: "P" when data connections are encrypted, else "C".
        tls_context: With which connections are encrypted.
        tls_session: Of a control connection that is in clear again; data connections resume it.
        may_ask_utf8: Whether OPTS UTF8 ON may still be of use.
    """

    type: str = ""
    deflate_level: int | None = None
    protection: str = "C"
    tls_context: SSLContext | None = None
    tls_session: SSLSession | None = None
    may_ask_utf8: bool = False

    @classmethod
    def of_new_session(cls, context: SSLContext | None) -> SessionParameters:
        """Those of a new connection; with implicit TLS all is encrypted from the first byte."""
        return cls(protection="C" if context is None else "P", tls_context=context)

    def forget(self, verb: str, context: SSLContext | None) -> None:
        """Forget what a command may change.

        Args:
            verb: Of the command.
            context: That of implicit TLS; None without.
        """
        if verb not in _FORGETTING:
            return
        if verb in ("TYPE", "USER", "REIN", "AUTH"):  # RFC 4217 4.2
            self.type = ""
        if verb in ("MODE", "REIN", "AUTH"):
            self.deflate_level = None
        if verb == "REIN":
            self.protection = "C" if context is None else "P"
        if verb in ("USER", "REIN"):
            self.may_ask_utf8 = False


@dataclass(slots=True)
class SessionHistory:
    """What is repeated on a new connection after one was lost.

    Attributes:
        address: Host and port; None before the first connection.
        credentials: User, password and account; None before a login.
        directories: Changes of directory since the last absolute one.
    """

    address: tuple[str, int] | None = None
    credentials: tuple[str, str, str] | None = None
    directories: list[str] = field(default_factory=list)
