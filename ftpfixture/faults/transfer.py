"""Words for what goes wrong with data connections, files, listings and encryption."""

from __future__ import annotations

import errno
import re
from typing import Self

from ftpfixture import checks
from ftpfixture.errors import ConfigurationError
from ftpfixture.faults.actions import Cut, Pause, Slice
from ftpfixture.faults.control import Text, garbled
from ftpfixture.faults.data_actions import Deaf, Encode, Handshake, Limit, Listed, Pad, Set, Truncate, Unannounced
from ftpfixture.faults.disk import Disk
from ftpfixture.faults.edits import NoLinks, Total
from ftpfixture.faults.existing import MissingAsEmpty
from ftpfixture.faults.moments import Moment
from ftpfixture.faults.rule import Rule, word
from ftpfixture.wire.listing.styles import LIST_STYLES

__all__ = ["TransferWords"]


def _read_listing(value: object) -> tuple[str, ...] | bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return tuple(re.split(r"\r?\n", re.sub(r"\r?\n\Z", "", value)))
    return checks.lines.read(value)


_LISTING = checks.Check("text, a list of lines, or bytes", _read_listing)


def _within(after: int | None, at: float | None) -> Moment:
    """At the first octet, unless something else is said."""
    return Moment.of("after_150", 0 if after is None and at is None else after, at)


class TransferWords(Rule):
    """What may go wrong with transfers."""

    __slots__ = ()

    # How a data connection ends.

    @word
    def drop_data(self, after: int | None = None, at: float | None = None) -> Self:
        """The data connection is closed in the middle; the reply is 426.

        Seen in: basic-ftp#242, curl#405.
        """
        return self.doing(Cut(_within(after, at), "data", "fin"))

    @word
    def reset_data(self, after: int | None = None, at: float | None = None) -> Self:
        """The data connection is reset (RST) in the middle; the reply is 426.

        Seen in: FTP-Deploy-Action#510.
        """
        return self.doing(Cut(_within(after, at), "data", "rst"))

    @word
    def half_close_data(self, after: int | None = None, at: float | None = None) -> Self:
        """The data connection says its end of file, stays open, and nothing more comes.

        Seen in: curl#6149.
        """
        moment = _within(after, at)
        return self.doing(Cut(moment, "data", "half"), Pause(moment, None))

    @word
    def fail(self, code: str | int, text: str = "", after: int | None = None, at: float | None = None) -> Self:
        """The transfer fails in the middle with this reply: 426, 451, 452, 552.

        Seen in: curl#6016, node-ftp#179.
        """
        answer = checks.code("code", code), checks.line("text", text) or "Transfer failed"
        return self.doing(Cut(_within(after, at), "data", "fin", *answer))

    @word
    def truncate(self, after: int | None = None, at: float | None = None) -> Self:
        """The rest of the file is lost, and the reply is one of success.

        Seen in: FluentFTP#845, curl test416.
        """
        return self.doing(Truncate(_within(after, at)))

    @word
    def pad(self, octets: bytes) -> Self:
        """Octets follow the end of a download.

        Seen in: curl test416.
        """
        return self.doing(Pad(checks.octets("octets", octets)))

    # How it goes on.

    @word
    def stall_data(self, duration: float | None = None, after: int | None = None, at: float | None = None) -> Self:
        """The data connection stands still, for so many seconds or for ever.

        Seen in: node-ftp#244, OGGM#1932.
        """
        limit = None if duration is None else checks.seconds("duration", duration)
        return self.doing(Pause(_within(after, at), limit))

    @word
    def throttle(self, limit: float) -> Self:
        """The transfer is held to so many octets per second."""
        return self.doing(Limit(checks.number("limit", limit, above=0)))

    @word
    def slice_data(self, octets: int, pause: float = 0) -> Self:
        """Downloads leave in pieces of so many octets, with `pause` seconds between them.

        Seen in: curl test251.
        """
        return self.doing(Slice("data", checks.whole("octets", octets, 1), checks.seconds("pause", pause)))

    @word
    def garble_data(self, first: int = 0, every: int | None = None, mask: int = 1) -> Self:
        """Bits of the file are flipped, in both directions."""
        return self.doing(garbled("data", first, every, mask))

    # Where it should come from: for PASV, EPSV, PORT and EPRT.

    @word
    def refuse_data(self) -> Self:
        """The data port is closed: connecting is refused.

        Seen in: jlaffaye/ftp#43, curl test1233.
        """
        return self.doing(Deaf("refuse"))

    @word
    def ignore_data(self) -> Self:
        """The data connection is never taken: it is there, and nothing comes.

        Seen in: FTP-Deploy-Action#273.
        """
        return self.doing(Deaf("ignore"))

    @word
    def unreachable_data(self) -> Self:
        """The data port does not answer: connecting times out.

        Seen in: node-ftp#156, WSL#2973.
        """
        return self.doing(Deaf("unreachable"))

    # Files.

    @word
    def disk_full(self, after: int = 0, keep: bool = True, quota: bool = True) -> Self:
        """The disk is full after so many octets: 552, or 452 without `quota`; `keep` the part.

        Seen in: sftpgo#2276.
        """
        error = errno.EDQUOT if checks.truth("quota", quota) else errno.ENOSPC
        return self.doing(Disk(error, False, checks.whole("after", after), checks.truth("keep", keep)))

    @word
    def read_error(self, after: int = 0) -> Self:
        """The file cannot be read any further after so many octets: 451.

        Seen in: fireftp#138.
        """
        return self.doing(Disk(errno.EIO, True, checks.whole("after", after)))

    @word
    def write_error(self, after: int = 0, keep: bool = True) -> Self:
        """The file cannot be written any further after so many octets: 451.

        Seen in: cyberduck#14301.
        """
        return self.doing(Disk(errno.EIO, False, checks.whole("after", after), checks.truth("keep", keep)))

    # Listings.

    @word
    def listing(self, lines: Text | bytes) -> Self:
        """LIST, NLST and MLSD send exactly these lines, each with CRLF behind it, or these bytes."""
        return self.doing(Listed(_LISTING("lines", lines)))

    @word
    def missing_as_empty(self) -> Self:
        """LIST and NLST of what is not there send an empty listing and 226, as vsftpd does, in place of 550."""
        return self.doing(MissingAsEmpty())

    @word
    def list_style(self, style: str) -> Self:
        """LIST comes in this shape.

        Seen in: fsspec#447, aioftp#82.
        """
        return self.doing(
            Set("list_style", LIST_STYLES[checks.one_of("style", style, LIST_STYLES)], frozenset({"LIST", "STAT"}))
        )

    @word
    def list_total(self) -> Self:
        """LIST begins with a line that is no entry: ``total 8``.

        Seen in: pyfilesystem2#451.
        """
        return self.doing(Total())

    @word
    def list_without_links(self) -> Self:
        """LIST has no count of links.

        Seen in: prim-ftpd#159.
        """
        return self.doing(NoLinks())

    @word
    def names_in(self, encoding: str) -> Self:
        """Names in listings and replies are in this encoding.

        Seen in: aioftp#56, fsspec#1287.
        """
        try:
            code = "226".encode(checks.line("encoding", encoding))
        except (LookupError, ValueError):
            raise ConfigurationError(
                f"encoding takes one that Python knows, such as latin-1, not {encoding!r}"
            ) from None
        if code != b"226":
            text = f"encoding takes one that leaves ASCII as it is, such as latin-1, not {encoding!r}"
            raise ConfigurationError(text)
        return self.doing(Encode(encoding))

    @word
    def full_names(self) -> Self:
        """NLST gives absolute paths.

        Seen in: django-storages#26, mina-ftpserver#80.
        """
        return self.doing(Set("full_names", True, frozenset({"NLST"})))

    # Encryption: for AUTH and CONNECT on the control connection, for all others on the data connection. A client that
    # shakes hands before it says its command, as aioftp does, is met by PASV and EPSV only.

    @word
    def refuse_handshake(self) -> Self:
        """The TLS handshake is refused with an alert.

        Seen in: cwl-tes#43.
        """
        return self.doing(Handshake("refuse"))

    @word
    def cut_handshake(self) -> Self:
        """The connection is closed in the TLS handshake.

        Seen in: pyftpdlib#604, curl#7615.
        """
        return self.doing(Handshake("cut"))

    @word
    def stall_handshake(self) -> Self:
        """The TLS handshake is never answered.

        Seen in: curl#7615.
        """
        return self.doing(Handshake("stall"))

    @word
    def no_close_notify(self) -> Self:
        """The encrypted data connection ends without close_notify.

        Seen in: cpython#78738, pyftpdlib#162.
        """
        return self.doing(Unannounced())
