"""What a client remembers about its server and its session, so that it need not ask twice.

One rule: a command, or a new connection, that may change a remembered value discards it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ssl import SSLContext, SSLSession

__all__ = ["ServerTraits", "SessionHistory", "SessionParameters"]

_FORGETTING = frozenset({"AUTH", "MODE", "REIN", "TYPE", "USER"})


@dataclass(slots=True)
class ServerTraits:
    """Commands that the server was found to lack; a new connection begins with a new object.

    Attributes:
        has_mlsd: Whether it may have MLSD.
        has_mlst: Whether it may have MLST.
        has_mfmt: Whether it may be able to set times.
        refused_data_commands: Those of EPSV, PASV, EPRT and PORT that failed, in lower case; one failure is enough, as
            for curl.
    """

    has_mlsd: bool = True
    has_mlst: bool = True
    has_mfmt: bool = True
    refused_data_commands: set[str] = field(default_factory=set)


@dataclass(slots=True)
class SessionParameters:
    """The parameters of the session, which commands set.

    Attributes:
        type: The representation type, "I" or "A"; "" when unknown.
        deflate_level: In MODE Z the level of the client's compression; None in MODE S.
        protection: "P" when data connections are encrypted, else "C".
        tls_context: The context that encrypts connections; None without TLS.
        tls_session: The TLS session of the control connection before CCC; data connections resume it.
        may_ask_utf8: Whether the client may still send OPTS UTF8 ON.
        restarts: Whether the server may have an offset of REST that no transfer has used.
    """

    type: str = ""
    deflate_level: int | None = None
    protection: str = "C"
    tls_context: SSLContext | None = None
    tls_session: SSLSession | None = None
    may_ask_utf8: bool = False
    restarts: bool = False

    @classmethod
    def of_new_session(cls, context: SSLContext | None) -> SessionParameters:
        """The parameters of a new connection; implicit TLS encrypts data connections too."""
        return cls(protection="C" if context is None else "P", tls_context=context)

    def forget(self, verb: str, context: SSLContext | None) -> None:
        """Discard the parameters that a command may change.

        Args:
            verb: Of the command.
            context: The context of implicit TLS; None without it.
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
    """What the client repeats on a new connection after one was lost.

    Attributes:
        address: Host and port; None before the first connection.
        credentials: User, password and account; None before a login.
        directories: Changes of directory since the last absolute one.
    """

    address: tuple[str, int] | None = None
    credentials: tuple[str, str, str] | None = None
    directories: list[str] = field(default_factory=list)
