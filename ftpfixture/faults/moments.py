"""Trigger something happens within a command: in one of its phases, or after so many bytes of its transfer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from ftpfixture import checks
from ftpfixture.errors import ConfigurationError

__all__ = ["PHASES", "TRANSFER_PHASES", "Moment", "Phase"]

Phase = Literal["command", "before_150", "after_150", "before_close", "before_reply", "after_reply"]
PHASES: tuple[Phase, ...] = ("command", "before_150", "after_150", "before_close", "before_reply", "after_reply")
"""Where in the life of a command something may happen.

`command` is before anything is done, and before TLS if a connection begins with that; `before_150` and `after_150`
stand around the preliminary reply; `before_close` is after the last byte of a transfer, before the server closes the
data connection; `before_reply` and `after_reply` stand around the final reply.
"""

TRANSFER_PHASES = ("before_150", "after_150", "before_close")
"""Those that only a transfer has."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Trigger an action acts within its command.

    Attributes:
        phase: One of `PHASES`; not looked at when one of the others is set.
        after_bytes: After this many bytes of the transfer.
        at: After this part of the file, from 0 to 1; for downloads, whose size is known.
    """

    phase: Phase = "command"
    after_bytes: int | None = None
    at: float | None = None

    @property
    def is_within(self) -> bool:
        """Whether it is counted in bytes of a transfer."""
        return self.after_bytes is not None or self.at is not None

    def threshold(self, size: int | None) -> int | None:
        """After how many bytes of a transfer of `size` it is there; None for never."""
        if self.at:
            return None if size is None else math.ceil(self.at * size)
        return self.after_bytes if self.at is None else 0

    @classmethod
    def of(cls, phase: str, after_bytes: int | None = None, at: float | None = None) -> Moment:
        """Check what a user gave.

        Raises:
            ConfigurationError: An unknown phase, a negative number, or both a number and a fraction.
        """
        if after_bytes is not None and at is not None:
            raise ConfigurationError("give after_bytes= (a number) or at= (a part of the file), not both")
        if after_bytes is not None:
            checks.whole("after_bytes", after_bytes)
        if at is not None:
            checks.part("at", at)
        return cls(checks.one_of("phase", phase, PHASES), after_bytes, at)
