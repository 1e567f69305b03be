"""Words for faults of the control connection: replies, and the connection itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from ftpfixture import checks
from ftpfixture.faults.actions import (
    Coalesce,
    EarlyFinalReply,
    EndConnection,
    FixedReply,
    FlipBits,
    Ignore,
    Pause,
    Repeat,
    Rewrite,
    Slice,
    UnsolicitedReply,
    Withhold,
)
from ftpfixture.faults.builder import FaultBuilder, word
from ftpfixture.faults.edits import (
    SHAPES,
    MalformedAddress,
    MismatchedLines,
    ShiftOffset,
    ShiftTime,
    WrongAddress,
    WrongSize,
)
from ftpfixture.faults.effects import Where
from ftpfixture.faults.existing import RefuseExisting
from ftpfixture.faults.moments import Moment

__all__ = ["ControlWords", "bit_flips"]

Text = str | Sequence[str]
"""One line or several lines."""


class ControlWords(FaultBuilder):
    """Words for faults of replies and of the control connection."""

    __slots__ = ()

    # The command is not carried out.

    @word
    def answer(self, code: str | int, text: Text = "") -> Self:
        """The server refuses the command with this reply and does not carry it out.

        Seen in: FluentFTP#1363, curl test145.
        """
        return self.doing(FixedReply(checks.code("code", code), checks.lines("text", text)))

    @word
    def answer_raw(self, data: bytes) -> Self:
        """The server refuses the command with these bytes: no code, odd line ends, NUL, thousands of lines.

        Seen in: twisted#10719.
        """
        return self.doing(FixedReply(raw=checks.byte_string("data", data)))

    @word
    def not_implemented(self) -> Self:
        """The server does not implement the command: 502.

        Seen in: aioftp#39, secsy/goftp#2.
        """
        return self.doing(FixedReply("502", ("Command not implemented",)))

    @word
    def deny(self) -> Self:
        """The server denies permission: 550."""
        return self.doing(FixedReply("550", ("Permission denied",)))

    @word
    def refuse_if_exists(self, code: str | int, text: Text = "File exists") -> Self:
        """MKD, RNTO and STOR are refused with this reply if their target exists, and carried out if it does not."""
        return self.doing(RefuseExisting(checks.code("code", code), checks.lines("text", text)))

    @word
    def ignore(self) -> Self:
        """The server neither carries out the command nor replies.

        Seen in: far2l#1067.
        """
        return self.doing(Ignore())

    @word
    def service_unavailable(self, text: Text = "Service not available, closing control connection") -> Self:
        """The server sends 421 and closes the session.

        Seen in: lftp#335, curl test1120.
        """
        return self.doing(
            FixedReply("421", checks.lines("text", text)), EndConnection(Moment("after_reply"), "control", "fin")
        )

    # The command is carried out.

    @word
    def reply(self, code: str | int, text: Text = "{text}") -> Self:
        """The command is carried out, and its final reply is this one; `{text}` stands for the true text.

        Seen in: rclone#8966.
        """
        return self.doing(Rewrite("final", checks.code("code", code), checks.lines("text", text)))

    @word
    def reply_raw(self, data: bytes) -> Self:
        """The command is carried out, and these bytes replace its final reply.

        Seen in: curl test1152.
        """
        return self.doing(Rewrite("final", raw=checks.byte_string("data", data)))

    @word
    def preliminary(self, code: str | int, text: Text = "{text}") -> Self:
        """The preliminary reply is this one: 125 for 150, another size in it, another name from STOU.

        Seen in: Far-NetBox#236.
        """
        return self.doing(Rewrite("preliminary", checks.code("code", code), checks.lines("text", text)))

    @word
    def no_preliminary(self) -> Self:
        """The preliminary reply is never sent.

        Seen in: curl test1209.
        """
        return self.doing(Withhold("preliminary"))

    @word
    def no_reply(self) -> Self:
        """The command is carried out, and the final reply is never sent.

        Seen in: lftp#346, sradownloader#13.
        """
        return self.doing(Withhold("final"))

    @word
    def early_reply(self, code: str | int = "226", text: str = "Transfer complete") -> Self:
        """The final reply comes before the data.

        Seen in: curl#12841, fineftp-server#63.
        """
        return self.doing(EarlyFinalReply(checks.code("code", code), checks.line("text", text)))

    @word
    def repeat_reply(self) -> Self:
        """The final reply comes twice.

        Seen in: basic-ftp#157.
        """
        return self.doing(Repeat())

    @word
    def say(self, code: str | int, text: Text = "", phase: str = "after_reply") -> Self:
        """The server sends a reply to no command.

        Seen in: FluentFTP#1045, #1522.
        """
        return self.doing(UnsolicitedReply(Moment.of(phase), checks.code("code", code), checks.lines("text", text)))

    @word
    def say_raw(self, data: bytes, phase: str = "after_reply") -> Self:
        """The server sends bytes that answer no command, for example after the 234 to AUTH.

        Seen in: curl test983.
        """
        return self.doing(UnsolicitedReply(Moment.of(phase), raw=checks.byte_string("data", data)))

    @word
    def coalesce(self) -> Self:
        """The preliminary and the final reply are sent in one piece.

        Seen in: curl test126.
        """
        return self.doing(Coalesce("preliminary"))

    @word
    def delay_to_next(self) -> Self:
        """The final reply is sent in one piece with the reply to the next command.

        Seen in: metasploit-framework#21574.
        """
        return self.doing(Coalesce("final"))

    @word
    def mismatched_lines(self) -> Self:
        """The reply has several lines, and the last line has another code than the first.

        Seen in: suppaftp#168.
        """
        return self.doing(MismatchedLines())

    @word
    def wrong_address(self, host: str = "10.0.0.1", port: int | None = None) -> Self:
        """The reply to PASV has this host, the replies to PASV and EPSV this port.

        Seen in: pyftpdlib#39, FluentFTP#376.
        """
        if port is not None:
            checks.whole("port", port)
        return self.doing(WrongAddress(checks.host("host", host), port))

    @word
    def malformed_address(self, shape: str = "no-parentheses") -> Self:
        """The replies to PASV and EPSV have a wrong form.

        `shape` is no-parentheses, no-delimiter, out-of-range, multi-line, swapped, port-zero or empty.

        Seen in: FluentFTP#1793, basic-ftp#164.
        """
        return self.doing(MalformedAddress(checks.one_of("shape", shape, SHAPES)))

    @word
    def wrong_size(self, by: int) -> Self:
        """Sizes are wrong by `by` bytes: in SIZE, MLST, MLSD, and in the 150 to RETR.

        Seen in: FluentFTP#643.
        """
        return self.doing(WrongSize(checks.whole("by", by, None)))

    @word
    def shift_time(self, by: float) -> Self:
        """Times are wrong by `by` seconds: in MDTM, MLST and MLSD.

        Seen in: uFTP#23, jsftp#281.
        """
        return self.doing(ShiftTime(checks.number("by", by)))

    @word
    def shift_offset(self, by: int) -> Self:
        """REST sets an offset that is wrong by `by` bytes.

        Seen in: cyberduck#11902.
        """
        return self.doing(ShiftOffset(checks.whole("by", by, None)))

    # Time and bytes.

    @word
    def delay(
        self,
        duration: float,
        jitter: float = 0,
        phase: str = "command",
        after_bytes: int | None = None,
        at: float | None = None,
    ) -> Self:
        """The command takes `duration` seconds longer, plus a random time of at most `jitter` seconds.

        Seen in: pure-ftpd#70.
        """
        moment = Moment.of(phase, after_bytes, at)
        return self.doing(Pause(moment, checks.seconds("duration", duration), checks.seconds("jitter", jitter)))

    @word
    def stall(
        self,
        duration: float | None = None,
        phase: str = "command",
        after_bytes: int | None = None,
        at: float | None = None,
    ) -> Self:
        """The session stops for `duration` seconds, or for ever without one.

        Seen in: lftp#346, far2l#1067.
        """
        limit = None if duration is None else checks.seconds("duration", duration)
        return self.doing(Pause(Moment.of(phase, after_bytes, at), limit))

    @word
    def slice(self, size: int, pause: float = 0) -> Self:
        """Replies are sent in pieces of `size` bytes, with `pause` seconds between them.

        Seen in: curl test250.
        """
        return self.doing(Slice("control", checks.whole("size", size, 1), checks.seconds("pause", pause)))

    @word
    def garble(self, first: int = 0, every: int | None = None, mask: int = 1) -> Self:
        """Bits of replies are flipped.

        The bits of `mask`, in byte `first` and in every `every`-th byte after it.
        """
        return self.doing(bit_flips("control", first, every, mask))

    # The connection.

    @word
    def close(self, phase: str = "command", after_bytes: int | None = None, at: float | None = None) -> Self:
        """The server closes the control connection.

        Seen in: basic-ftp#101, sradownloader#13.
        """
        return self.doing(EndConnection(Moment.of(phase, after_bytes, at), "control", "fin"))

    @word
    def reset(self, phase: str = "command", after_bytes: int | None = None, at: float | None = None) -> Self:
        """The server resets the control connection: RST, ECONNRESET on the other side.

        Seen in: wiremock#812.
        """
        return self.doing(EndConnection(Moment.of(phase, after_bytes, at), "control", "rst"))

    @word
    def half_close(self, phase: str = "command", after_bytes: int | None = None, at: float | None = None) -> Self:
        """The server ends its side of the control connection, and still reads.

        Seen in: curl#405.
        """
        return self.doing(EndConnection(Moment.of(phase, after_bytes, at), "control", "half"))


def bit_flips(where: Where, first: int, every: int | None, mask: int) -> FlipBits:
    """Return the action that flips these bits.

    Raises:
        ConfigurationError: A number is out of its range.
    """
    checks.whole("first", first)
    if every is not None:
        checks.whole("every", every, 1)
    if not 0 < checks.whole("mask", mask) < 256:
        raise checks.wrong("mask", "the bits to flip, 1 to 255", mask)
    return FlipBits(where, first, every, mask)
