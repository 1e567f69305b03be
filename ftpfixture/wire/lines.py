"""Lines of a control connection: line ends, Telnet commands and the limit of length.

One rule: the chunks in which bytes arrive never change the lines that come out.
"""

from __future__ import annotations

import re
import sys

__all__ = ["LineReader", "escape_line", "printable"]

# As numbers, because `13 in data` is several times faster than `b"\r" in data`.
NUL = 0x00
LF = 0x0A
CR = 0x0D
IAC = 0xFF

IAC_SB = b"\xff\xfa"
IAC_SE = b"\xff\xf0"

# A stretch without a subnegotiation and without an incomplete command. An IAC that begins no command is a byte of a
# name and stays, as does the byte after it. CR and LF are no options: options 10 and 13 are obsolete since 1978, but
# real lines end right after such a pair.
_STRETCH, _TEXT = (
    re.compile(
        rb"(?:[^\xff]++|\xff(?:[%b\xff]|[\xfb-\xfe](?:[^\r\n]|(?=[\r\n]))|(?=[^\xf0-\xff])))*+" % short, re.DOTALL
    )
    for short in (rb"\xf0-\xf9", rb"\xf0-\xfa")  # in text, IAC SB is two letters
)
_COMMAND = re.compile(rb"\xff(?:(\xff)|[\xf0-\xf9]|[\xfb-\xfe][^\r\n])", re.DOTALL)

# What may be between IAC SB and IAC SE: anything but a line end (CR LF). No FTP peer negotiates, so an IAC SB is far
# more often two letters of a Latin-1 name than Telnet, and a name must not hide the end of its own line.
_INSIDE = re.compile(rb"(?:[^\xff\r]|\r(?=[^\n])|\xff[^\xf0\r])*+", re.DOTALL)

# For the same reason the search ends after 512 bytes, several times what the longest option in use sends.
_LONGEST_INSIDE = 512

_LONE_LINE_FEED = re.compile(rb"(?<!\r)\n")


class LineReader:
    """Cuts what arrives on a control connection into lines.

    CR LF ends a line and so does LF alone. A CR inside a line arrives as CR NUL; therefore a LF after CR NUL belongs to
    the line. Telnet commands are removed, and IAC IAC becomes one byte 255.

    Source: RFC 959 5.3.1, RFC 1123 4.1.2.10 and 4.1.2.12, RFC 2640 3.1, RFC 854.

    Args:
        limit: The longest line that is returned, in bytes without the line end. At most a few bytes more than this are
            buffered between two calls. RFC 959 has no limit; 8192 bytes hold two paths of 4096 (PATH_MAX).
    """

    __slots__ = ("_held", "_inside", "_limit", "_line", "_looked_through", "_overlong", "_pending")

    def __init__(self, limit: int = 8192) -> None:
        self._limit = limit
        self._inside = min(limit, _LONGEST_INSIDE)
        self.clear()

    def clear(self) -> None:
        """Drop what is buffered: after AUTH TLS nothing received in clear text may count as a command."""
        self._line = bytearray()  # the line so far, without Telnet, with CR NUL; of an overlong one the last two bytes
        self._held = b""  # the beginning of a Telnet command
        self._looked_through = 0  # how many bytes of it were searched already
        self._overlong = False  # the line so far was too long: skip up to its LF
        self._pending = False

    @property
    def pending(self) -> bool:
        """Whether the reader holds an incomplete line."""
        return self._pending

    def feed(self, data: bytes) -> list[bytes | None]:
        """Take the received bytes and return the lines that it completes.

        Returns:
            The lines in order, without their line ends, perhaps none. None stands for a line longer than the limit: it
            was dropped up to its end, and the next line is in sync again.
        """
        # Nearly every call has exactly one plain line; four searches at the speed of memchr detect that.
        end = len(data) - 2
        if (
            not self._pending
            and data.find(b"\n") == end + 1
            and data[end:] == b"\r\n"
            and end <= self._limit
            and IAC not in data
            and NUL not in data
        ):
            return [data[:end]]
        return self._feed_anything(data)

    def _feed_anything(self, data: bytes) -> list[bytes | None]:
        if self._held or IAC in data:
            data = self._without_telnet(data)
        lines = []
        start = 0
        end = data.find(b"\n")
        while end >= 0:
            if not self._is_escaped(data, start, end):
                lines.append(self._finish(data[start:end]))
                start = end + 1
            end = data.find(b"\n", end + 1)
        self._keep(data[start:])
        self._pending = bool(self._line or self._held or self._overlong)
        return lines

    def _without_telnet(self, data: bytes) -> bytes:
        """Return the received bytes without Telnet commands; each byte is searched a few times, whatever the chunks."""
        data = self._held + data
        looked_through, self._looked_through, self._held = self._looked_through, 0, b""
        pieces = []
        position = 0
        while position < len(data):
            start = _end(_STRETCH, data, position)
            pieces.append(_COMMAND.sub(rb"\1", data[position:start]))
            position = start
            if data.startswith(IAC_SB, start):
                inside = _end(_INSIDE, data, max(start + 2, looked_through), start + 2 + self._inside + 1)
                looked_through = 0
                position = self._after_subnegotiation(data, start, inside, pieces)
            if position == start:  # the rest has not arrived yet
                self._held = data[start:]
                break
        return b"".join(pieces)

    def _after_subnegotiation(self, data: bytes, start: int, inside: int, pieces: list[bytes]) -> int:
        """Return the position after IAC SB at `start`, which was searched up to `inside`; `start` means: wait for more.

        Bytes that were searched without finding an IAC SE are text, and no other subnegotiation begins in them, so they
        are not searched again.
        """
        length, following = inside - start - len(IAC_SB), data[inside : inside + 2]
        if following == IAC_SE and length <= self._inside:
            return inside + len(IAC_SE)
        ended = following in (b"\r\n", b"\xff\r") or (following not in (b"", b"\xff") and length == self._inside)
        if ended or length > self._inside:
            end = _end(_TEXT, data, start, inside)
            pieces.append(_COMMAND.sub(rb"\1", data[start:end]))
            return end
        self._looked_through = inside - start
        return start

    def _is_escaped(self, data: bytes, start: int, end: int) -> bool:
        """Return whether the LF at `end` follows CR NUL, in the line that continues at `start`."""
        if end - start >= 2:
            return data[end - 2 : end] == b"\r\0"
        return (bytes(self._line[-2:]) + data[start:end]).endswith(b"\r\0")

    def _finish(self, piece: bytes) -> bytes | None:
        overlong, line = self._overlong, (bytes(self._line) + piece).removesuffix(b"\r")
        self._overlong = False
        self._line.clear()
        if overlong or len(line) > self._limit:
            return None
        return line.replace(b"\r\0", b"\r")

    def _keep(self, rest: bytes) -> None:
        self._line += rest
        # One byte more than the limit may be the CR of the line end.
        if self._overlong or len(self._line) > self._limit + 1:
            self._overlong = True
            del self._line[:-2]  # these decide whether a following LF ends the line


def _end(pattern: re.Pattern[bytes], data: bytes, start: int, limit: int = sys.maxsize) -> int:
    """Return where the match of a pattern at `start` ends, at most `limit`."""
    found = pattern.match(data, start, limit)
    return start if found is None else found.end()


def escape_line(text: bytes) -> bytes:
    """Escape line ends, so that a reader that follows the RFCs gets exactly one line.

    A CR becomes CR NUL, which a reader turns back. A LF that follows no CR has no form in RFC 2640 and becomes NUL, as
    vsftpd sends it.

    Byte 255 is not doubled: few peers turn two of them back into one, and a path in UTF-8 has no such byte.

    Source: RFC 2640 3.1.
    """
    if CR not in text and LF not in text:
        return text
    return _LONE_LINE_FEED.sub(b"\0", text).replace(b"\r", b"\r\0")


def printable(text: str) -> str:
    """Return the text with control characters and undecodable bytes as escapes."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
