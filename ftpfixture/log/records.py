"""The dialogue as records that grow while it takes place: sessions, commands, transfers.

One rule: a record is made from events, and from nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath

from ftpfixture.errors import ServerStateError
from ftpfixture.files.paths import resolve_virtual
from ftpfixture.log.events import TlsEstablished
from ftpfixture.log.payload import Payload
from ftpfixture.log.retention import CONTENT_LIMIT
from ftpfixture.wire.command import censor
from ftpfixture.wire.pathname import path_in

__all__ = ["CommandRecord", "SessionRecord", "TransferRecord", "meant_path"]

_ROOT = PurePosixPath("/")


@dataclass(slots=True)
class TransferRecord:
    """One data connection and what it carried.

    Attributes:
        session: Number of the control connection.
        verb: Of the command.
        direction: "download" (server to client) or "upload".
        path: Virtual path, absolute; the directory for listings.
        mode: "passive" or "active".
        offset: Bytes skipped by REST.
        transfer_type: "I" or "A".
        time: Seconds since the server was made, when it opened.
        size: Bytes transferred, as on the wire.
        completed: True when all bytes were transferred, False when not, None while it runs.
        error: Why the transfer is not complete, in words.
        tls: How it was encrypted: version, cipher, whether the session was resumed; None in clear.
    """

    session: int
    verb: str
    direction: str
    path: str
    mode: str
    offset: int
    transfer_type: str
    time: float
    size: int = 0
    completed: bool | None = None
    error: str = ""
    tls: TlsEstablished | None = None
    _payload: Payload | None = field(default=None, repr=False)

    @property
    def sha256(self) -> str:
        """SHA-256 of the bytes as on the wire, in hexadecimal; "" while the transfer runs."""
        return "" if self._payload is None else self._payload.sha256

    @property
    def content(self) -> bytes:
        """The bytes as on the wire: of TYPE A with its line ends, of MODE Z inflated.

        A log keeps those of the newest transfers, 64 MiB in all, and in any case those of the last one; a proxy, a
        replayed server and one with `root=` release those of a transfer over 64 MiB while it runs.

        Raises:
            ServerStateError: The transfer runs, or the log has released its bytes; `size` and `sha256` are still known.
        """
        content = self.kept_content
        if self._payload is None:
            raise ServerStateError(f"the {self.direction} of {self.path} runs: call server.wait_idle() first")
        if content is None:
            raise ServerStateError(
                f"the log has released the {self.size} bytes of {self.path}: it keeps the newest transfers, "
                f"{CONTENT_LIMIT} bytes in all; compare size and sha256, which it still has"
            )
        return content

    @property
    def kept_content(self) -> bytes | None:
        """The bytes as `content` has them; None while the transfer runs, and when the log has released them."""
        return None if self._payload is None else self._payload.content()


@dataclass(slots=True)
class CommandRecord:
    """One command and its replies, which are added as they are sent.

    Attributes:
        session: Number of the control connection.
        seq: Number of its event.
        time: Seconds since the server was made.
        verb: Upper case; "" for an empty line.
        argument: As sent, passwords included.
        replies: Code and text of each reply so far, preliminary ones included.
        transfer: The data connection it used.
        encrypted: Whether it came over an encrypted control connection.
        faults: The faults that happened to it, as text.
        reply_withheld: Whether a fault, or the script of a user, withholds its final reply.
        user: Name given with USER, by this command or before; "" without one.
    """

    session: int
    seq: int
    time: float
    verb: str
    argument: str
    replies: list[tuple[str, str]] = field(default_factory=list)
    transfer: TransferRecord | None = None
    encrypted: bool = False
    faults: list[str] = field(default_factory=list)
    reply_withheld: bool = False
    user: str = ""
    _directory: PurePosixPath = field(default=_ROOT, repr=False)

    @property
    def path(self) -> str:
        """The absolute virtual path that the argument means; "" when it means none."""
        return meant_path(self._directory, self.verb, self.argument)

    @property
    def offset(self) -> int | None:
        """Where its transfer began, in bytes; None without a transfer."""
        return None if self.transfer is None else self.transfer.offset

    @property
    def code(self) -> str:
        """Code of the final reply; "" while there is none."""
        return next((code for code, _ in reversed(self.replies) if not code.startswith("1")), "")

    @property
    def reply(self) -> str:
        """Code and text of the final reply; "" while there is none."""
        return next((f"{code} {text}" for code, text in reversed(self.replies) if not code.startswith("1")), "")

    def __str__(self) -> str:
        return censor(self.verb, self.argument) + (f" -> {self.code}" if self.code else "")

    def __repr__(self) -> str:
        return f"<CommandRecord {self} in session {self.session}>"


@dataclass(slots=True)
class SessionRecord:
    """One control connection.

    Attributes:
        number: Counted from 1 per server.
        peer: Address and port of the client.
        time: Seconds since the server was made, when it connected.
        user: Name of the last login; "" without one.
        closed_at: When it was closed; None while it is open.
        tls: How it was encrypted, with the subject of the client's certificate; None in clear.
        tls_ended_seq: `seq` of the event with which CCC or REIN ended TLS; None without one, or after a new AUTH.
        reason: Why it ended: "quit", "client closed", "connection reset", "idle", "shut down", "refused", "cut off",
            "no TLS", "no end of TLS", "client hung", "failure".
    """

    number: int
    peer: tuple[str, int]
    time: float
    user: str = ""
    closed_at: float | None = None
    reason: str = ""
    tls: TlsEstablished | None = None
    tls_ended_seq: int | None = None
    _login: str = field(default="", repr=False, compare=False)  # the name of the last USER


def meant_path(directory: PurePosixPath, verb: str, argument: str) -> str:
    """Return the absolute path that the argument of a command means; "" when it means none.

    Args:
        directory: The current directory of the session.
        verb: Upper case.
        argument: As sent.
    """
    path = path_in(verb, argument)
    return "" if path is None else str(resolve_virtual(directory, path))
