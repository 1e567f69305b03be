"""Lines of a control connection: where they end, what Telnet hid in them, and how long they may get.

One rule: the chunks in which octets arrive never change the lines that come out.
"""

from __future__ import annotations

import re

__all__ = ["LineReader", "escape_line", "printable"]

# As numbers, because `13 in octets` is several times faster than `b"\r" in octets`.
NUL = 0x00
LF = 0x0A
CR = 0x0D
IAC = 0xFF

# What may stand between IAC SB and IAC SE: anything but a line end (CR LF). No FTP peer negotiates, so an IAC SB is far
# more often two letters of a Latin-1 name than Telnet, and a name must not hide the end of its own line. For the same
# reason it is given up after 512 octets, several times what the longest option in use sends.
_INSIDE = rb"(?:[^\xff\r]|\r(?!\n)|\xff[^\xf0\r]){0,512}+"

# An IAC that matches none of these branches is an octet of a name and stays, as does what follows it. CR and LF are no
# options: options 10 and 13 died in 1978, but a line that ends right after such a pair is alive.
_TELNET = re.compile(
    rb"\xff(?:(?P<octet>\xff)|[\xf0-\xf9]|[\xfb-\xfe][^\r\n]|\xfa" + _INSIDE + rb"\xff\xf0"
    rb"|(?P<open>(?:[\xfb-\xfe]?|\xfa" + _INSIDE + rb"\xff?)\Z))",
    re.DOTALL,
)
_LINE_FEED = re.compile(rb"(?<!\r\0)\n")
_LONE_LINE_FEED = re.compile(rb"(?<!\r)\n")


class LineReader:
    """Cuts what arrives on a control connection into lines.

    CR LF ends a line and so does LF alone. A CR inside a line arrives as CR NUL; therefore a LF after CR NUL belongs to
    the line. Telnet commands are taken out, and IAC IAC becomes one octet 255.

    Source: RFC 959 5.3.1, RFC 1123 4.1.2.10 and 4.1.2.12, RFC 2640 3.1, RFC 854.

    Args:
        limit: The longest line that is handed out, in octets without the line end. Never more than a little over this
            number is kept between two calls. RFC 959 names no limit; 8192 leaves room for two paths of 4096 (PATH_MAX).
    """

    __slots__ = ("_buffer", "_held", "_limit", "_overlong", "_pending")

    def __init__(self, limit: int = 8192) -> None:
        self._limit = limit
        self.clear()

    def clear(self) -> None:
        """Drop what is buffered: after AUTH TLS nothing that came in clear may be taken for a command."""
        self._buffer = b""  # the line so far, without Telnet, with CR NUL
        self._held = b""  # the beginning of a Telnet command
        self._overlong = False  # the line so far was too long: only its LF is waited for
        self._pending = False

    @property
    def pending(self) -> bool:
        """Whether a line has begun that has not ended yet."""
        return self._pending

    def feed(self, data: bytes) -> list[bytes | None]:
        """Take what arrived and return the lines that it completes.

        Returns:
            The lines in order, without their line ends, perhaps none. None stands for a line longer than the limit: it
            was swallowed up to its end, and the next one is in step again.
        """
        # Nearly every call brings exactly one plain line; four searches at the speed of memchr find that out.
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
        text = self._buffer + data
        pieces = _LINE_FEED.split(text) if NUL in text else text.split(b"\n")
        rest = pieces.pop()
        lines = [self._finish(piece) for piece in pieces]
        self._keep(rest)
        self._pending = bool(self._buffer or self._held or self._overlong)
        return lines

    def _without_telnet(self, data: bytes) -> bytes:
        data = self._held + data
        self._held = b""
        return _TELNET.sub(self._replace, data)

    def _replace(self, match: re.Match[bytes]) -> bytes:
        if match["open"] is not None:
            self._held = match[0]
        return match["octet"] or b""

    def _finish(self, line: bytes) -> bytes | None:
        overlong, self._overlong = self._overlong, False
        line = line.removesuffix(b"\r")
        if overlong or len(line) > self._limit:
            return None
        return line.replace(b"\r\0", b"\r")

    def _keep(self, rest: bytes) -> None:
        # One octet more than the limit may still be the CR of the line end.
        if self._overlong or len(rest) > self._limit + 1:
            self._overlong = True
            # The last two octets decide whether a LF that comes next ends the line; one already passed never does.
            rest = rest[-2:].rpartition(b"\n")[2]
        self._buffer = rest


def escape_line(text: bytes) -> bytes:
    """Make octets fit into one line, so that a reader that follows the rules never takes them for two.

    A CR becomes CR NUL, which a reader turns back. A LF that follows no CR has no form of its own in RFC 2640 and
    becomes NUL, as vsftpd sends it.

    Octet 255 is not doubled: hardly any peer would make one of the two, and a path in UTF-8 has no such octet.

    Source: RFC 2640 3.1.
    """
    if CR not in text and LF not in text:
        return text
    return _LONE_LINE_FEED.sub(b"\0", text).replace(b"\r", b"\r\0")


def printable(text: str) -> str:
    """Return text that may be written anywhere: control characters and undecodable octets as escapes."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
