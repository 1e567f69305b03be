"""Names of ``aioftp.common``, for users of aioftp: the common parts of server and client.

One rule: nothing is defined here; each name is imported from its own module.
"""

from __future__ import annotations

from ftpfixture.aio import AbstractAsyncLister, AsyncListerMixin, AsyncStreamIterator, async_enterable, with_timeout
from ftpfixture.compat.constants import (
    DEFAULT_ACCOUNT,
    DEFAULT_PASSWORD,
    DEFAULT_PORT,
    DEFAULT_USER,
    END_OF_LINE,
    HALF_OF_YEAR_IN_SECONDS,
    TWO_YEARS_IN_SECONDS,
)
from ftpfixture.compat.locales import LOCALE_LOCK, setlocale
from ftpfixture.net.stream import DEFAULT_BLOCK_SIZE, StreamIO, ThrottleStreamIO
from ftpfixture.net.throttle import StreamThrottle, Throttle
from ftpfixture.net.tls import SSLSessionBoundContext
from ftpfixture.server.connection import Connection
from ftpfixture.wire.reply import Code, wrap_into_codes, wrap_with_container

__all__ = [
    "DEFAULT_ACCOUNT",
    "DEFAULT_BLOCK_SIZE",
    "DEFAULT_PASSWORD",
    "DEFAULT_PORT",
    "DEFAULT_USER",
    "END_OF_LINE",
    "HALF_OF_YEAR_IN_SECONDS",
    "LOCALE_LOCK",
    "TWO_YEARS_IN_SECONDS",
    "AbstractAsyncLister",
    "AsyncListerMixin",
    "AsyncStreamIterator",
    "Code",
    "Connection",
    "SSLSessionBoundContext",
    "StreamIO",
    "StreamThrottle",
    "Throttle",
    "ThrottleStreamIO",
    "async_enterable",
    "setlocale",
    "with_timeout",
    "wrap_into_codes",
    "wrap_with_container",
]
