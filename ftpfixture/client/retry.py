"""When a client retries, and how long it waits before.

One rule: only calls that may succeed the next time are retried, and only those that are safe to repeat.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from ssl import SSLCertVerificationError
from typing import TypeVar

from ftpfixture.client.settings import Codes
from ftpfixture.errors import ConfigurationError, IntegrityError, PathIOError, StatusCodeError, TlsError
from ftpfixture.net.tls import refusal
from ftpfixture.wire.reply import Code, wrap_with_container

__all__ = ["Retry"]

logger = logging.getLogger("ftpfixture.client")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a client tries, and how long it waits between attempts.

    The client retries connecting, listing, and the transfer of each file, which then resumes where it stopped; if the
    connection was lost, it first connects, logs in and changes the directory as before. It retries after a lost
    connection, after a timeout, and after a reply that means "try again": 4xx (RFC 959 4.2.1). It does not retry after
    local files that cannot be read or written, after 5xx replies, and after a refused certificate.

    Args:
        attempts: The maximum number of attempts, the first one included.
        delay: Seconds before the second attempt.
        factor: The factor by which the delay grows each time.
        longest: The maximum delay in seconds.
        codes: One mask or several of replies after which the client retries.

    Raises:
        ConfigurationError: `attempts` is less than 1, or another number is negative.
    """

    attempts: int = 3
    delay: float = 0.5
    factor: float = 2
    longest: float = 30
    codes: Codes = ("4xx",)

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.delay < 0 or self.factor < 0 or self.longest < 0:
            raise ConfigurationError(f"{self}: use at least one attempt, and no negative number")

    def delays(self) -> Iterator[float]:
        """Seconds to wait before the second attempt, the third and so on."""
        delay = self.delay
        for _ in range(self.attempts - 1):
            yield min(delay, self.longest)
            delay *= self.factor

    def is_worth_it(self, error: BaseException) -> bool:
        """Whether another attempt may succeed after this error."""
        if isinstance(error, StatusCodeError):
            masks = wrap_with_container(self.codes)
            return any(Code(code).matches(mask) for code in error.received_codes for mask in masks)
        if isinstance(error, TlsError):
            return not (isinstance(error.__cause__, SSLCertVerificationError) or refusal(error.__cause__))
        if isinstance(error, ConnectionAbortedError) and error.errno is None:
            return False  # not an error of the system: the client aborted
        return isinstance(error, OSError | EOFError) and not isinstance(error, PathIOError | IntegrityError)

    async def run(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Await ``attempt()`` until it succeeds, fails with a permanent error, or was tried `attempts` times.

        Raises:
            Exception: The error of the last attempt.
        """
        for delay in self.delays():
            try:
                return await attempt()
            except Exception as error:
                if not self.is_worth_it(error):
                    raise
                logger.warning("%s: retrying in %g s", str(error) or type(error).__name__, delay)
            await asyncio.sleep(delay)
        return await attempt()
