"""An in-memory FTP server as a test fixture: real sockets, a log to assert on, and everything to extend."""

from __future__ import annotations

from ftpfixture.errors import (
    CommandSyntaxError,
    ConfigurationError,
    FtpFixtureError,
    InvalidCommand,
    NoAvailablePort,
    PathIOError,
    PathIsNotAbsolute,
    ProtocolError,
    ReplySyntaxError,
    ServerFailure,
    ServerStateError,
    StatusCodeError,
)
from ftpfixture.files.base import AbstractPathIO, PathIONursery
from ftpfixture.files.disk import AsyncPathIO, PathIO
from ftpfixture.files.memory import MemoryPathIO
from ftpfixture.log import CommandLog, CommandRecord, SessionRecord, TransferRecord
from ftpfixture.net.throttle import StreamThrottle, Throttle
from ftpfixture.server import (
    AbstractUserManager,
    Connection,
    ConnectionConditions,
    MemoryUserManager,
    PathConditions,
    PathPermissions,
    Permission,
    Server,
    User,
    worker,
)
from ftpfixture.testing.ftpserver import FtpServer
from ftpfixture.wire.reply import Code

__version__ = "0.1.0"

__all__ = [
    "AbstractPathIO",
    "AbstractUserManager",
    "AsyncPathIO",
    "Code",
    "CommandLog",
    "CommandRecord",
    "CommandSyntaxError",
    "ConfigurationError",
    "Connection",
    "ConnectionConditions",
    "FtpFixtureError",
    "FtpServer",
    "InvalidCommand",
    "MemoryPathIO",
    "MemoryUserManager",
    "NoAvailablePort",
    "PathConditions",
    "PathIO",
    "PathIOError",
    "PathIONursery",
    "PathIsNotAbsolute",
    "PathPermissions",
    "Permission",
    "ProtocolError",
    "ReplySyntaxError",
    "Server",
    "ServerFailure",
    "ServerStateError",
    "SessionRecord",
    "StatusCodeError",
    "StreamThrottle",
    "Throttle",
    "TransferRecord",
    "User",
    "worker",
]
