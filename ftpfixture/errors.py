"""Every exception of this package, in one tree.

::

    FtpFixtureError
    ├── StatusCodeError           the server answered with a code that was not expected
    │   └── NotInListing          a listing that was understood as a whole does not name the path
    ├── PathIsNotAbsolute         (ValueError) a path that must begin with "/" does not
    ├── PathIOError               (OSError) a path layer failed; `reason` says how
    ├── NoAvailablePort           (OSError) every port of the configured range is taken
    ├── InvalidCommand            (ValueError) a command line that must not be sent
    ├── UnsafeName                (ValueError) a name of the server that is no plain file name on this side
    ├── ConfigurationError        (ValueError) a setting that cannot work; the text says what can
    │   └── UnknownSetting        (TypeError) a setting that nobody takes; the text names the nearest
    ├── ServerStateError          (RuntimeError) started twice, or used when not running
    ├── ClientStateError          (RuntimeError) a call that has to wait for another of the same client
    ├── IntegrityError            (OSError) what arrived is not what was sent
    ├── TlsError                  (OSError) a connection could not be encrypted; the text says which, and why
    ├── CommandRefused            raised in a handler of the server: its command gets this reply
    ├── NoReply                   raised in a handler of the server: its command is never answered
    ├── ServerFailure             a handler of the server raised; shown in the test that caused it
    └── ProtocolError             (ValueError) octets that do not mean what they must
        ├── CommandSyntaxError    an argument of a command
        ├── ReplySyntaxError      a reply of a server
        └── UnreadLinesError      lines of a listing that were not understood, where all of them are needed
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
    "IntegrityError",
    "InvalidCommand",
    "NoAvailablePort",
    "NoReply",
    "NotInListing",
    "PathIOError",
    "PathIsNotAbsolute",
    "ProtocolError",
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
    """The root: everything this package raises on purpose is one of these."""


class StatusCodeError(FtpFixtureError):
    """The server answered with a code that was not expected.

    Args:
        expected_codes: The mask or masks that would have been right, such as ``"2xx"``.
        received_codes: The code or codes that came instead.
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
    """There is no such path, as far as a listing tells: the server has no command that asks for one path.

    Every line of that listing was understood. The server itself did not send an error; the code is 550 all the same,
    because that is what callers look for.

    Args:
        path: What was looked for.
        listed: What was listed, such as "the listing of /a".
    """

    def __init__(self, path: PurePosixPath, listed: str) -> None:
        super().__init__("2xx", "550", [f" {path.name} is not in {listed}"])
        self.args = (path, listed)

    def __str__(self) -> str:
        path, listed = self.args
        return f"{path} is not in {listed}: the server has no MLST to ask for one path, and sent no 550 itself"


class PathIsNotAbsolute(FtpFixtureError, ValueError):
    """A path that must begin with "/" does not; the argument is the path."""


class PathIOError(FtpFixtureError, OSError):
    """A path layer failed.

    Args:
        reason: What ``sys.exc_info()`` gave for the original exception, or None.
    """

    def __init__(self, *args: Any, reason: ExcInfo | None = None) -> None:
        super().__init__(*args)
        self.reason = reason

    @property
    def original(self) -> BaseException | None:
        """What failed: the exception of `reason`, or else what this one was raised from; None when neither is told."""
        return self.__cause__ if self.reason is None else self.reason[1]

    def __str__(self) -> str:
        if self.reason is not None and self.reason[1] is not None:
            return f"{type(self.reason[1]).__name__}: {self.reason[1]}"
        return super().__str__()


class NoAvailablePort(FtpFixtureError, OSError):
    """Every port of the configured range is taken."""


class InvalidCommand(FtpFixtureError, ValueError):
    """A command line holds an octet that would end it early (CR, LF or NUL)."""


class UnsafeName(FtpFixtureError, ValueError):
    """A name of the server is no plain file name on this side; what it leads to would be written elsewhere."""


class ConfigurationError(FtpFixtureError, ValueError):
    """A setting that cannot work; the text says which, and what would."""


class UnknownSetting(ConfigurationError, TypeError):
    """A setting that nobody takes, as an argument by name that a function does not have.

    Args:
        text: What there is in its place.
        name: What was written.

    Attributes:
        name: What was written.
    """

    def __init__(self, text: str, name: str) -> None:
        super().__init__(text, name)
        self.name = name

    def __str__(self) -> str:
        return str(self.args[0])


class ServerStateError(FtpFixtureError, RuntimeError):
    """A server was started twice, or used before its start or after its stop."""


class ClientStateError(FtpFixtureError, RuntimeError):
    """A client was asked for something that has to wait for a transfer of its own; the text says what to do."""


class IntegrityError(FtpFixtureError, OSError):
    """After a transfer the two copies differ in size or hash; the text says in which, and how."""


class TlsError(FtpFixtureError, OSError):
    """A connection could not be encrypted; the text says which one and why, ``__cause__`` is what OpenSSL said."""


class CommandRefused(FtpFixtureError):
    """Raised within a handler, or a user manager, to answer its command and be done with it.

    Args:
        code: Three digits; 421 ends the session (RFC 959 4.2.2: the service closes the control connection).
        text: Of the reply.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text


class NoReply(FtpFixtureError):
    """Raised within a handler, or a user manager, never to answer its command, nor anything after it."""


class ServerFailure(FtpFixtureError):
    """A handler of the server raised something that is not an answer; ``__cause__`` is what it raised."""


class ProtocolError(FtpFixtureError, ValueError):
    """Octets from the other side do not mean what they must at this place."""


class CommandSyntaxError(ProtocolError):
    """The argument of a command is malformed: the server's answer is 501."""


class ReplySyntaxError(ProtocolError):
    """A reply is malformed: a client cannot go on."""


class UnreadLinesError(ProtocolError):
    """Lines of a listing were not understood, and without them the call cannot be done: nothing was changed.

    Args:
        text: What could not be done and why, and the lines.
        unread: The lines, each with what was listed, and with the reason.

    Attributes:
        unread: The lines; each is an `UnreadEntry`.
    """

    def __init__(self, text: str, unread: Iterable[tuple[PurePosixPath, str, str]]) -> None:
        self.unread = tuple(unread)
        super().__init__(text, self.unread)

    def __str__(self) -> str:
        return str(self.args[0])
