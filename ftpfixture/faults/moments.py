"""When something happens within a command: in one of its phases, or after so many bytes of its transfer."""

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
stand around the preliminary reply; `before_close` is after the last octet of a transfer, before the server closes the
data connection; `before_reply` and `after_reply` stand around the final reply.
"""

TRANSFER_PHASES = ("before_150", "after_150", "before_close")
"""Those that only a transfer has."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When an action acts within its command.

    Attributes:
        phase: One of `PHASES`; not looked at when one of the others is set.
        octets: After so many octets of the transfer.
        fraction: After this part of the file, from 0 to 1; for downloads, whose size is known.
    """

    phase: Phase = "command"
    octets: int | None = None
    fraction: float | None = None

    @property
    def is_within(self) -> bool:
        """Whether it is counted in octets of a transfer."""
        return self.octets is not None or self.fraction is not None

    def threshold(self, size: int | None) -> int | None:
        """After how many octets of a transfer of `size` it is there; None for never."""
        if self.fraction:
            return None if size is None else math.ceil(self.fraction * size)
        return self.octets if self.fraction is None else 0

    @classmethod
    def of(cls, phase: str, after: int | None = None, at: float | None = None) -> Moment:
        """Check what a user gave.

        Raises:
            ConfigurationError: An unknown phase, a negative number, or both a number and a fraction.
        """
        if after is not None and at is not None:
            raise ConfigurationError("give after= (octets) or at= (a part of the file), not both")
        if after is not None:
            checks.whole("after", after)
        if at is not None:
            checks.part("at", at)
        return cls(checks.one_of("phase", phase, PHASES), after, at)
