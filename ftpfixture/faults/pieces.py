"""Replies and bytes as they leave: what the log shows of them, and what is really on the wire.

One rule: nothing is lost. Bytes that are no reply are one in the log, too.
"""

from __future__ import annotations

import functools
import re
from typing import TypeAlias

from ftpfixture.errors import ReplySyntaxError
from ftpfixture.wire.reply import Reply, ReplyParser

__all__ = ["Content", "Piece", "cut_up", "flipped", "reply_of"]

Content: TypeAlias = Reply | bytes
"""What is said: a reply, or bytes in place of one."""

Piece: TypeAlias = tuple[Reply, bytes]
"""What the log shows of a reply, and its bytes."""

_LINES = re.compile(rb"[^\n]*\n|[^\n]+")


def cut_up(content: Content, encoding: str) -> list[Piece]:
    """A reply, or bytes cut into the replies that a client finds in them; what is none is not lost."""
    if isinstance(content, Reply):
        return [(content, content.render(encoding))]
    pieces: list[Piece] = []
    held, parser = list[bytes](), ReplyParser()
    for line in _LINES.findall(content):
        held.append(line)
        try:
            reply = parser.feed_line(line.rstrip(b"\r\n"), encoding)
        except ReplySyntaxError:
            continue
        if reply is not None:
            pieces.append((reply, b"".join(held)))
            held.clear()
    if held:
        rest = b"".join(held)
        pieces.append((reply_of(rest), rest))
    return pieces


def reply_of(raw: bytes) -> Reply:
    """Bytes as the log shows them: with the code that they begin or end with, if there is one."""
    text = raw.decode("utf-8", "backslashreplace").rstrip("\r\n")
    lines = text.split("\r\n")
    code = lines[-1][:3]
    known = len(code) == 3 and code.isascii() and code.isdigit()
    return Reply(code if known else "000", tuple(lines))


def flipped(data: bytes | memoryview, start: int, first: int, every: int | None, mask: int) -> bytes:
    """Bytes with bits flipped.

    Args:
        data: Some of the whole.
        start: Number of the first of them within the whole.
        first: Number of the first byte that is changed.
        every: Each so-many-th after it is changed, too; None for no other.
        mask: Which bits.
    """
    content = bytearray(data)
    end = start + len(content)
    step = every or max(1, end)
    if first < start:
        first += -(-(start - first) // step) * step if every else end
    chosen = slice(first - start, None, step)
    content[chosen] = content[chosen].translate(_flipping(mask))
    return bytes(content)


@functools.lru_cache
def _flipping(mask: int) -> bytes:
    """What each byte becomes."""
    return bytes(byte ^ mask for byte in range(256))
