"""Words for faults of data connections, files, listings and TLS."""

from __future__ import annotations

import errno
import re
from typing import Self

from ftpfixture import checks
from ftpfixture.errors import ConfigurationError
from ftpfixture.faults.actions import EndConnection, Pause, Slice
from ftpfixture.faults.builder import FaultBuilder, word
from ftpfixture.faults.control import Text, bit_flips
from ftpfixture.faults.data_actions import (
    Encode,
    FixedListing,
    Handshake,
    LimitRate,
    NoCloseNotify,
    NoDataConnection,
    Override,
    TrailingBytes,
    Truncate,
)
from ftpfixture.faults.disk import DiskError
from ftpfixture.faults.edits import NoLinkCounts, TotalLine
from ftpfixture.faults.existing import MissingAsEmpty
from ftpfixture.faults.moments import Moment
from ftpfixture.wire.listing.styles import LIST_STYLES

__all__ = ["TransferWords"]


def _read_listing(value: object) -> tuple[str, ...] | bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return tuple(re.split(r"\r?\n", re.sub(r"\r?\n\Z", "", value)))
    return checks.lines.read(value)


_LISTING = checks.Check("text, a list of lines, or bytes", _read_listing)


def _within(after_bytes: int | None, at: float | None) -> Moment:
    """The moment within a transfer; before its first byte if none is given."""
    return Moment.of("after_150", 0 if after_bytes is None and at is None else after_bytes, at)


class TransferWords(FaultBuilder):
    """Words for faults of transfers."""

    __slots__ = ()

    # How a data connection ends.

    @word
    def drop_data(self, after_bytes: int | None = None, at: float | None = None) -> Self:
        """The server closes the data connection within the transfer and replies 426.

        Seen in: basic-ftp#242, curl#405.
        """
        return self.doing(EndConnection(_within(after_bytes, at), "data", "fin"))

    @word
    def reset_data(self, after_bytes: int | None = None, at: float | None = None) -> Self:
        """The server resets (RST) the data connection within the transfer and replies 426.

        Seen in: FTP-Deploy-Action#510.
        """
        return self.doing(EndConnection(_within(after_bytes, at), "data", "rst"))

    @word
    def half_close_data(self, after_bytes: int | None = None, at: float | None = None) -> Self:
        """The server ends its side of the data connection, keeps it open, and sends no reply.

        Seen in: curl#6149.
        """
        moment = _within(after_bytes, at)
        return self.doing(EndConnection(moment, "data", "half"), Pause(moment, None))

    @word
    def fail(self, code: str | int, text: str = "", after_bytes: int | None = None, at: float | None = None) -> Self:
        """The transfer fails within the data with this reply: 426, 451, 452, 552.

        Seen in: curl#6016, node-ftp#179.
        """
        answer = checks.code("code", code), checks.line("text", text) or "Transfer failed"
        return self.doing(EndConnection(_within(after_bytes, at), "data", "fin", *answer))

    @word
    def truncate(self, after_bytes: int | None = None, at: float | None = None) -> Self:
        """The rest of the file is lost, and the reply says success.

        Seen in: FluentFTP#845, curl test416.
        """
        return self.doing(Truncate(_within(after_bytes, at)))

    @word
    def pad(self, data: bytes) -> Self:
        """A download has these bytes after its end.

        Seen in: curl test416.
        """
        return self.doing(TrailingBytes(checks.byte_string("data", data)))

    # The speed and the bytes of a data connection.

    @word
    def stall_data(
        self, duration: float | None = None, after_bytes: int | None = None, at: float | None = None
    ) -> Self:
        """The data connection stops for `duration` seconds, or for ever without one.

        Seen in: node-ftp#244, OGGM#1932.
        """
        limit = None if duration is None else checks.seconds("duration", duration)
        return self.doing(Pause(_within(after_bytes, at), limit))

    @word
    def throttle_data(self, limit: float) -> Self:
        """The transfer moves at most `limit` bytes per second."""
        return self.doing(LimitRate(checks.number("limit", limit, above=0)))

    @word
    def slice_data(self, size: int, pause: float = 0) -> Self:
        """Downloads are sent in pieces of `size` bytes, with `pause` seconds between them.

        Seen in: curl test251.
        """
        return self.doing(Slice("data", checks.whole("size", size, 1), checks.seconds("pause", pause)))

    @word
    def garble_data(self, first: int = 0, every: int | None = None, mask: int = 1) -> Self:
        """Bits of the file are flipped, in uploads and downloads.

        The bits of `mask`, in byte `first` and in every `every`-th byte after it.
        """
        return self.doing(bit_flips("data", first, every, mask))

    # The data connection is never made: for PASV, EPSV, PORT and EPRT.

    @word
    def refuse_data(self) -> Self:
        """The data port is closed: the connection is refused.

        Seen in: jlaffaye/ftp#43, curl test1233.
        """
        return self.doing(NoDataConnection("refuse"))

    @word
    def ignore_data(self) -> Self:
        """The data connection is established, and the server never uses it.

        Seen in: FTP-Deploy-Action#273.
        """
        return self.doing(NoDataConnection("ignore"))

    @word
    def unreachable_data(self) -> Self:
        """The data port does not answer: the client's connect times out.

        Seen in: node-ftp#156, WSL#2973.
        """
        return self.doing(NoDataConnection("unreachable"))

    # Files.

    @word
    def disk_full(self, after_bytes: int = 0, keep: bool = True) -> Self:
        """The disk is full after `after_bytes` bytes: 452; with `keep=False` what was written is removed.

        Seen in: sftpgo#2276.
        """
        return self._fails(errno.ENOSPC, False, after_bytes, keep)

    @word
    def quota_exceeded(self, after_bytes: int = 0, keep: bool = True) -> Self:
        """The user's storage is used up after `after_bytes` bytes: 552; with `keep=False` what was written is removed.

        Seen in: curl#6016.
        """
        return self._fails(errno.EDQUOT, False, after_bytes, keep)

    @word
    def read_error(self, after_bytes: int = 0) -> Self:
        """Reading the file fails after `after_bytes` bytes: 451.

        Seen in: fireftp#138.
        """
        return self._fails(errno.EIO, True, after_bytes)

    @word
    def write_error(self, after_bytes: int = 0, keep: bool = True) -> Self:
        """Writing the file fails after `after_bytes` bytes: 451; with `keep=False` what was written is removed.

        Seen in: cyberduck#14301.
        """
        return self._fails(errno.EIO, False, after_bytes, keep)

    def _fails(self, error: int, reading: bool, after_bytes: int, keep: bool = True) -> Self:
        return self.doing(
            DiskError(error, reading, checks.whole("after_bytes", after_bytes), checks.truth("keep", keep))
        )

    # Listings.

    @word
    def listing(self, lines: Text | bytes) -> Self:
        """LIST, NLST and MLSD send exactly these lines, each with CRLF, or exactly these bytes."""
        return self.doing(FixedListing(_LISTING("lines", lines)))

    @word
    def missing_as_empty(self) -> Self:
        """LIST and NLST of a missing path send an empty listing and 226, as vsftpd does, instead of 550."""
        return self.doing(MissingAsEmpty())

    @word
    def list_style(self, style: str) -> Self:
        """LIST has this format.

        Seen in: fsspec#447, aioftp#82.
        """
        return self.doing(
            Override("list_style", LIST_STYLES[checks.one_of("style", style, LIST_STYLES)], frozenset({"LIST", "STAT"}))
        )

    @word
    def list_total(self) -> Self:
        """LIST begins with a line that is not an entry: ``total 8``.

        Seen in: pyfilesystem2#451.
        """
        return self.doing(TotalLine())

    @word
    def list_without_links(self) -> Self:
        """LIST has no column of link counts.

        Seen in: prim-ftpd#159.
        """
        return self.doing(NoLinkCounts())

    @word
    def encoding(self, encoding: str) -> Self:
        """Names in listings and replies have this encoding.

        Seen in: aioftp#56, fsspec#1287.
        """
        try:
            code = "226".encode(checks.line("encoding", encoding))
        except (LookupError, ValueError):
            raise ConfigurationError(
                f"encoding takes the name of an encoding of Python, such as latin-1, not {encoding!r}"
            ) from None
        if code != b"226":
            text = f"encoding takes an encoding that contains ASCII, such as latin-1, not {encoding!r}"
            raise ConfigurationError(text)
        return self.doing(Encode(encoding))

    @word
    def absolute_names(self) -> Self:
        """NLST gives absolute paths.

        Seen in: django-storages#26, mina-ftpserver#80.
        """
        return self.doing(Override("absolute_names", True, frozenset({"NLST"})))

    # TLS: AUTH and CONNECT are for the control connection, all other verbs for the data connection. If a client makes
    # the data handshake before it sends its command, as aioftp does, only PASV and EPSV apply.

    @word
    def refuse_handshake(self) -> Self:
        """The server refuses the TLS handshake with an alert.

        Seen in: cwl-tes#43.
        """
        return self.doing(Handshake("refuse"))

    @word
    def cut_handshake(self) -> Self:
        """The server closes the connection within the TLS handshake.

        Seen in: pyftpdlib#604, curl#7615.
        """
        return self.doing(Handshake("cut"))

    @word
    def stall_handshake(self) -> Self:
        """The server never answers the TLS handshake.

        Seen in: curl#7615.
        """
        return self.doing(Handshake("stall"))

    @word
    def no_close_notify(self) -> Self:
        """The encrypted data connection ends without close_notify.

        Seen in: cpython#78738, pyftpdlib#162.
        """
        return self.doing(NoCloseNotify())
