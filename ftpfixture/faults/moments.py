"""The moment of an action within its command: a phase, or a number of bytes of the transfer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from ftpfixture import checks
from ftpfixture.errors import ConfigurationError

__all__ = ["PHASES", "TRANSFER_PHASES", "Moment", "Phase"]

Phase = Literal["command", "before_150", "after_150", "before_close", "before_reply", "after_reply"]
PHASES: tuple[Phase, ...] = ("command", "before_150", "after_150", "before_close", "before_reply", "after_reply")
"""The phases of a command.

`command` is before the handler runs, and before TLS if a connection begins with TLS; `before_150` and `after_150` are
before and after the preliminary reply; `before_close` is after the last byte of a transfer, before the server closes
the data connection; `before_reply` and `after_reply` are before and after the final reply.
"""

TRANSFER_PHASES = ("before_150", "after_150", "before_close")
"""The phases that only transfers have."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When an action acts within its command.

    Attributes:
        phase: One of `PHASES`; ignored if `after_bytes` or `at` is set.
        after_bytes: After this many bytes of the transfer.
        at: After this part of the file, from 0 to 1; for downloads, whose size is known.
    """

    phase: Phase = "command"
    after_bytes: int | None = None
    at: float | None = None

    @property
    def is_within(self) -> bool:
        """Whether it is a place within the bytes of a transfer."""
        return self.after_bytes is not None or self.at is not None

    def threshold(self, size: int | None) -> int | None:
        """The number of bytes after which it is reached in a transfer of `size` bytes; None for never."""
        if self.at:
            return None if size is None else math.ceil(self.at * size)
        return self.after_bytes if self.at is None else 0

    @classmethod
    def of(cls, phase: str, after_bytes: int | None = None, at: float | None = None) -> Moment:
        """Check the arguments of a word, and return the moment.

        Raises:
            ConfigurationError: The phase is unknown, a number is out of range, or `after_bytes` and `at` are given.
        """
        if after_bytes is not None and at is not None:
            raise ConfigurationError("at cannot be combined with after_bytes: give only one of them")
        if after_bytes is not None:
            checks.whole("after_bytes", after_bytes)
        if at is not None:
            checks.part("at", at)
        return cls(checks.one_of("phase", phase, PHASES), after_bytes, at)
