"""Every exception of this package, in one tree.

::

    FtpFixtureError
    ├── StatusCodeError           the server sent a reply with an unexpected code
    │   └── NotInListing          a listing without unread lines does not contain the path
    ├── PathIsNotAbsolute         (ValueError) a path that must begin with "/" does not
    ├── PathIOError               (OSError) a path layer failed; `reason` has the original exception
    ├── NoAvailablePort           (OSError) every port of the configured range is in use
    ├── InvalidCommand            (ValueError) a command line that must not be sent
    ├── UnsafeName                (ValueError) a name of the server that is no plain file name on the client
    ├── ConfigurationError        (ValueError) an invalid setting; the message has the valid values
    │   └── UnknownSetting        (TypeError) a setting that does not exist; the message has the nearest name
    ├── ServerStateError          (RuntimeError) a server was started twice, or used when not running
    ├── ClientStateError          (RuntimeError) a call that must wait for another of the same client
    ├── RecordingError            (ValueError) a recording is damaged, or must not be written
    ├── ReplayError               (AssertionError) a client differs from the recording that it plays
    ├── HangError                 (AssertionError) a client without a timeout waited; the server ended its session
    ├── IntegrityError            (OSError) the received bytes are not the sent ones
    ├── TlsError                  (OSError) TLS failed on a connection; the message names it and the cause
    ├── CommandRefused            raised in a handler of the server: the server sends this reply
    ├── NoReply                   raised in a handler of the server: the server sends no reply
    ├── ServerFailure             a handler of the server failed; the test that caused it shows it
    └── ProtocolError             (ValueError) bytes that are not valid at their place
        ├── CommandSyntaxError    a malformed argument of a command
        ├── ReplySyntaxError      a malformed reply of a server
        └── UnreadLinesError      lines of a listing that were not understood, but are needed
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath
from types import TracebackType
from typing import Any

__all__ = [
    "ClientStateError",
    "CommandRefused",
    "CommandSyntaxError",
    "ConfigurationError",
    "FtpFixtureError",
    "HangError",
    "IntegrityError",
    "InvalidCommand",
    "NoAvailablePort",
    "NoReply",
    "NotInListing",
    "PathIOError",
    "PathIsNotAbsolute",
    "ProtocolError",
    "RecordingError",
    "ReplayError",
    "ReplySyntaxError",
    "ServerFailure",
    "ServerStateError",
    "StatusCodeError",
    "TlsError",
    "UnknownSetting",
    "UnreadLinesError",
    "UnsafeName",
]

ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]


class FtpFixtureError(Exception):
    """The root of all exceptions that this package raises on purpose."""


class StatusCodeError(FtpFixtureError):
    """The server sent a reply with an unexpected code.

    Args:
        expected_codes: The expected mask or masks, such as ``"2xx"``.
        received_codes: The received code or codes.
        info: The lines of the reply.
    """

    def __init__(self, expected_codes: str | tuple[str, ...], received_codes: str | tuple[str, ...], info: Any) -> None:
        super().__init__(expected_codes, received_codes, info)
        self.expected_codes = (expected_codes,) if isinstance(expected_codes, str) else tuple(expected_codes)
        self.received_codes = (received_codes,) if isinstance(received_codes, str) else tuple(received_codes)
        self.info = info

    def __str__(self) -> str:
        expected, received = "|".join(self.expected_codes), "|".join(self.received_codes)
        return f"Waiting for {expected} but got {received} {self.info!r}"


class NotInListing(StatusCodeError):
    """The listing of a directory does not contain the path, and the server has no command to ask for one path.

    Every line of that listing was understood. The server did not send an error itself; the code is 550, because callers
    check for it.

    Args:
        path: The missing path.
        listed: The listing, such as "the listing of /a".
    """

    def __init__(self, path: PurePosixPath, listed: str) -> None:
        super().__init__("2xx", "550", [f" {path.name} is not in {listed}"])
        self.args = (path, listed)

    def __str__(self) -> str:
        path, listed = self.args
        return f"{path} is not in {listed}: the server has no MLST to ask for one path, and sent no 550 itself"


class PathIsNotAbsolute(FtpFixtureError, ValueError):
    """A path that must begin with "/" does not; the argument is the path.

    Args:
        path: The path.
        message: What would work; "" for the path alone.
    """

    def __init__(self, path: object, message: str = "") -> None:
        super().__init__(path)
        self.message = message

    def __str__(self) -> str:
        return self.message or super().__str__()


class PathIOError(FtpFixtureError, OSError):
    """A path layer failed.

    Args:
        reason: Result of ``sys.exc_info()`` for the original exception, or None.
    """

    def __init__(self, *args: Any, reason: ExcInfo | None = None) -> None:
        super().__init__(*args)
        self.reason = reason

    @property
    def original(self) -> BaseException | None:
        """The original exception: that of `reason`, or else the cause of this one; None without either."""
        return self.__cause__ if self.reason is None else self.reason[1]

    def __str__(self) -> str:
        if self.reason is not None and self.reason[1] is not None:
            return f"{type(self.reason[1]).__name__}: {self.reason[1]}"
        return super().__str__()


class NoAvailablePort(FtpFixtureError, OSError):
    """Every port of the configured range is in use."""


class InvalidCommand(FtpFixtureError, ValueError):
    """A command line holds a byte that would end it early (CR, LF or NUL)."""


class UnsafeName(FtpFixtureError, ValueError):
    """A name of the server is no plain file name on the client: the client would write outside of the target."""


class ConfigurationError(FtpFixtureError, ValueError):
    """An invalid setting; the message names it and the valid values."""


class UnknownSetting(ConfigurationError, TypeError):
    """A setting that does not exist, like an unexpected keyword argument.

    Args:
        text: The message, with the nearest name.
        name: The unknown name.

    Attributes:
        name: The unknown name.
    """

    def __init__(self, text: str, name: str) -> None:
        super().__init__(text, name)
        self.name = name

    def __str__(self) -> str:
        return str(self.args[0])


class RecordingError(FtpFixtureError, ValueError):
    """A recording is damaged, or must not be written.

    Args:
        path: Of the file.
        line: Number of the line, from 1; 0 for the whole file.
        text: What is wrong, and what to do.
    """

    def __init__(self, path: object, line: int, text: str) -> None:
        super().__init__(path, line, text)
        self.path = path
        self.line = line
        self.text = text

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}" if self.line else f"{self.path}: {self.text}"


class ReplayError(FtpFixtureError, AssertionError):
    """A client sent what was not recorded, or not all that was; the message has the recorded line and what differs."""


class HangError(FtpFixtureError, AssertionError):
    """A client without a timeout waited for what a fault or a login script withholds; the server ended its session."""


class SimulationError(FtpFixtureError, RuntimeError):
    """A client of a simulated server did what cannot be simulated; the text says what, and what to do."""


class ServerStateError(FtpFixtureError, RuntimeError):
    """A server was started twice, or used before its start or after its stop."""


class ClientStateError(FtpFixtureError, RuntimeError):
    """A call must wait for a transfer of the same client; the message says what to do."""


class IntegrityError(FtpFixtureError, OSError):
    """After a transfer the two copies differ in size or hash; the message has the algorithm and both values."""


class TlsError(FtpFixtureError, OSError):
    """TLS failed on a connection; the message names it and the reason, ``__cause__`` is the OpenSSL error."""


class CommandRefused(FtpFixtureError):
    """Raise it in a handler or a user manager to send this reply and end the command.

    Args:
        code: Three digits; 421 ends the session (RFC 959 4.2.2: the server closes the control connection).
        text: Text of the reply.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text


class NoReply(FtpFixtureError):
    """Raise it in a handler or a user manager to send no reply to this command, and none to later ones."""


class ServerFailure(FtpFixtureError):
    """A handler of the server raised an exception that is not a reply; ``__cause__`` is that exception."""


class ProtocolError(FtpFixtureError, ValueError):
    """Bytes from the peer are not valid at their place."""


class CommandSyntaxError(ProtocolError):
    """The argument of a command is malformed: the server replies 501."""


class ReplySyntaxError(ProtocolError):
    """A reply is malformed, and the client cannot continue."""


class UnreadLinesError(ProtocolError):
    """Lines of a listing were not understood, and the call needs them: nothing was changed.

    Args:
        text: The message, with the failed call, the reason and the lines.
        unread: For each line, the listed path, the line and the reason.

    Attributes:
        unread: The lines; each is an `UnreadEntry`.
    """

    def __init__(self, text: str, unread: Iterable[tuple[PurePosixPath, str, str]]) -> None:
        self.unread = tuple(unread)
        super().__init__(text, self.unread)

    def __str__(self) -> str:
        return str(self.args[0])
