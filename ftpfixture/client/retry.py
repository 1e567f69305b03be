"""When a client tries again, and how long it waits before.

One rule: only what may be different next time is tried again, and only what does no harm when it is done twice.
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
    """How often a client tries, and how long it waits in between.

    Tried again are connecting, listing, and the transfer of each file, which then goes on where it stopped; a client
    that lost its connection connects, logs in and changes its directory as before. Reasons are broken connections and
    time limits, and replies that say "try again": 4xx (RFC 959 4.2.1). Files of this side that cannot be read or
    written are no reason, nor are replies 5xx, nor is a certificate that is refused.

    Args:
        attempts: How often at most, the first time included.
        delay: Seconds before the second attempt.
        factor: By which the delay grows each time.
        longest: Seconds that it never exceeds.
        codes: One mask or several of replies that are worth another attempt.

    Raises:
        ConfigurationError: There would be no attempt, or a delay would be negative.
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
        """Say whether another attempt may end better than with this error."""
        if isinstance(error, StatusCodeError):
            masks = wrap_with_container(self.codes)
            return any(Code(code).matches(mask) for code in error.received_codes for mask in masks)
        if isinstance(error, TlsError):
            return not (isinstance(error.__cause__, SSLCertVerificationError) or refusal(error.__cause__))
        if isinstance(error, ConnectionAbortedError) and error.errno is None:
            return False  # not the system's error: it was this side that broke off
        return isinstance(error, OSError | EOFError) and not isinstance(error, PathIOError | IntegrityError)

    async def run(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Await ``attempt()`` until it succeeds, it is not worth it, or it was tried often enough.

        Raises:
            Exception: What the last attempt raised.
        """
        for delay in self.delays():
            try:
                return await attempt()
            except Exception as error:
                if not self.is_worth_it(error):
                    raise
                logger.warning("%s: trying again in %g s", str(error) or type(error).__name__, delay)
            await asyncio.sleep(delay)
        return await attempt()
