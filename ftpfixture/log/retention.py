"""How long the log holds the contents of transfers, whose digests a test may still read.

One rule: memory is bounded, and a large transfer is hashed in small pieces, so that no task waits for its release.
"""

from __future__ import annotations

from collections import Counter, deque

from ftpfixture.log.payload import HASHED_AT_ONCE, Payload

__all__ = ["CONTENT_LIMIT", "Retention"]

CONTENT_LIMIT = 1 << 26
"""Bytes of transfers that a log keeps; beyond that it hashes the oldest and releases them."""


class Retention:
    """The contents that are held, oldest first, and those that are to be released.

    Attributes:
        size: Bytes that are held; a buffer that several transfers share counts once.
    """

    def __init__(self) -> None:
        self.size = 0
        self._kept: deque[tuple[Payload, dict[int, int]]] = deque()
        self._leaving: deque[Payload] = deque()
        self._holders: Counter[int] = Counter()

    def keep(self, payload: Payload) -> None:
        """Hold the bytes of a transfer until its digest is read, or until too much is held."""
        buffers = payload.buffers()
        for buffer, size in buffers.items():
            self.size += 0 if self._holders[buffer] else size
            self._holders[buffer] += 1
        for _ in range(len(self._kept)):
            if self.size <= CONTENT_LIMIT:
                break
            oldest, held = self._kept.popleft()
            if all(self._holders[buffer] > 1 for buffer in held):
                self._kept.append((oldest, held))  # another transfer holds the same bytes: this would free nothing
            else:
                self._release(oldest, held)
        self._kept.append((payload, buffers))
        self.hash_some()

    def _release(self, payload: Payload, buffers: dict[int, int]) -> None:
        for buffer, size in buffers.items():
            self._holders[buffer] -= 1
            self.size -= 0 if self._holders[buffer] else size
        self._leaving.append(payload)

    def hash_some(self) -> None:
        """Hash some of what is to be released; called for each piece that moves."""
        left = HASHED_AT_ONCE
        while self._leaving and (left := self._leaving[0].hash_some(left)):
            self._leaving.popleft()

    def clear(self) -> None:
        """Release everything, without a digest."""
        self._kept.clear()
        self._leaving.clear()
        self._holders.clear()
        self.size = 0
