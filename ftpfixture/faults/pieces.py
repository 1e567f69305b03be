"""Replies and bytes to send: how the log shows them, and their bytes on the wire.

One rule: the log shows all bytes. Bytes that are not a reply are logged as a reply, too.
"""

from __future__ import annotations

import functools
import re
from typing import TypeAlias

from ftpfixture.errors import ReplySyntaxError
from ftpfixture.wire.reply import Reply, ReplyParser, decode_line

__all__ = ["Content", "Piece", "flip_bits", "reply_of", "split_replies"]

Content: TypeAlias = Reply | bytes
"""A reply, or bytes in place of a reply."""

Piece: TypeAlias = tuple[Reply, bytes]
"""A reply as the log shows it, and its bytes."""

_LINES = re.compile(rb"[^\n]*\n|[^\n]+")


def split_replies(content: Content, encoding: str) -> list[Piece]:
    """Return a reply as a piece, or split bytes into the replies that a client finds in them, and the rest."""
    if isinstance(content, Reply):
        return [(content, content.render(encoding))]
    pieces: list[Piece] = []
    held, parser = list[bytes](), ReplyParser()
    for line in _LINES.findall(content):
        held.append(line)
        try:
            complete = parser.feed_text(decode_line(line.rstrip(b"\r\n"), encoding))
        except ReplySyntaxError:
            continue
        if complete:
            pieces.append((Reply(parser.code, tuple(parser.lines)), b"".join(held)))
            held.clear()
    if held:
        rest = b"".join(held)
        pieces.append((reply_of(rest), rest))
    return pieces


def reply_of(raw: bytes) -> Reply:
    """Return bytes as the log shows them: with the code of their last line, or 000 if it has none."""
    text = raw.decode("utf-8", "backslashreplace").rstrip("\r\n")
    lines = text.split("\r\n")
    code = lines[-1][:3]
    known = len(code) == 3 and code.isascii() and code.isdigit()
    return Reply(code if known else "000", tuple(lines))


def flip_bits(data: bytes | memoryview, start: int, first: int, every: int | None, mask: int) -> bytes:
    """Return bytes with flipped bits.

    Args:
        data: A part of the stream.
        start: The position of this part in the stream.
        first: The position of the first byte to change.
        every: The distance to the next byte to change; None for no other.
        mask: The bits to flip.
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
    """Return the table for `bytes.translate`."""
    return bytes(byte ^ mask for byte in range(256))
