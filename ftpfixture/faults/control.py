"""Words for what goes wrong on the control connection: replies, and the connection itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from ftpfixture import checks
from ftpfixture.faults.actions import (
    Answer,
    Cut,
    Early,
    Garble,
    Ignore,
    Join,
    Pause,
    Repeat,
    Rewrite,
    Say,
    Slice,
    Withhold,
)
from ftpfixture.faults.edits import SHAPES, Mismatch, OtherAddress, OtherOffset, OtherShape, OtherSize, OtherTime
from ftpfixture.faults.effects import Where
from ftpfixture.faults.existing import RefuseExisting
from ftpfixture.faults.moments import Moment
from ftpfixture.faults.rule import Rule, word

__all__ = ["ControlWords", "garbled"]

Text = str | Sequence[str]
"""A line, or several."""


class ControlWords(Rule):
    """What may go wrong with replies and with the control connection."""

    __slots__ = ()

    # Instead of what was asked for.

    @word
    def answer(self, code: str | int, text: Text = "") -> Self:
        """The command is refused with this reply, and not carried out.

        Seen in: FluentFTP#1363, curl test145.
        """
        return self.doing(Answer(checks.code("code", code), checks.lines("text", text)))

    @word
    def answer_raw(self, octets: bytes) -> Self:
        """The same with octets as they are: no code, odd line ends, NUL, thousands of lines.

        Seen in: twisted#10719.
        """
        return self.doing(Answer(raw=checks.octets("octets", octets)))

    @word
    def off(self) -> Self:
        """The command is not implemented: 502.

        Seen in: aioftp#39, secsy/goftp#2.
        """
        return self.doing(Answer("502", ("Command not implemented",)))

    @word
    def deny(self) -> Self:
        """Permission is denied: 550."""
        return self.doing(Answer("550", ("Permission denied",)))

    @word
    def refuse_if_exists(self, code: str | int, text: Text = "File exists") -> Self:
        """MKD, RNTO and STOR are refused with this reply when their target is there, and carried out when it is not."""
        return self.doing(RefuseExisting(checks.code("code", code), checks.lines("text", text)))

    @word
    def ignore(self) -> Self:
        """The command is not carried out and gets no reply.

        Seen in: far2l#1067.
        """
        return self.doing(Ignore())

    @word
    def service_unavailable(self, text: Text = "Service not available, closing control connection") -> Self:
        """The session is ended with 421.

        Seen in: lftp#335, curl test1120.
        """
        return self.doing(Answer("421", checks.lines("text", text)), Cut(Moment("after_reply"), "control", "fin"))

    # Besides what was asked for.

    @word
    def reply(self, code: str | int, text: Text = "{text}") -> Self:
        """The command is carried out, its final reply is this; `{text}` is the true one.

        Seen in: rclone#8966.
        """
        return self.doing(Rewrite("final", checks.code("code", code), checks.lines("text", text)))

    @word
    def reply_raw(self, octets: bytes) -> Self:
        """The same with octets as they are.

        Seen in: curl test1152.
        """
        return self.doing(Rewrite("final", raw=checks.octets("octets", octets)))

    @word
    def opening(self, code: str | int, text: Text = "{text}") -> Self:
        """The preliminary reply is this: 125 for 150, an odd size in it, another name of STOU.

        Seen in: Far-NetBox#236.
        """
        return self.doing(Rewrite("opening", checks.code("code", code), checks.lines("text", text)))

    @word
    def no_opening(self) -> Self:
        """The preliminary reply is never sent.

        Seen in: curl test1209.
        """
        return self.doing(Withhold("opening"))

    @word
    def no_reply(self) -> Self:
        """The command is carried out, and the final reply never sent.

        Seen in: lftp#346, sradownloader#13.
        """
        return self.doing(Withhold("final"))

    @word
    def early_reply(self, code: str | int = "226", text: str = "Transfer complete") -> Self:
        """The final reply comes before the data.

        Seen in: curl#12841, fineftp-server#63.
        """
        return self.doing(Early(checks.code("code", code), checks.line("text", text)))

    @word
    def duplicate(self) -> Self:
        """The final reply comes twice.

        Seen in: basic-ftp#157.
        """
        return self.doing(Repeat())

    @word
    def say(self, code: str | int, text: Text = "", phase: str = "after_reply") -> Self:
        """A reply comes that nobody asked for.

        Seen in: FluentFTP#1045, #1522.
        """
        return self.doing(Say(Moment.of(phase), checks.code("code", code), checks.lines("text", text)))

    @word
    def say_raw(self, octets: bytes, phase: str = "after_reply") -> Self:
        """Octets come that nobody asked for, as behind the 234 of AUTH.

        Seen in: curl test983.
        """
        return self.doing(Say(Moment.of(phase), raw=checks.octets("octets", octets)))

    @word
    def together(self) -> Self:
        """The preliminary reply leaves in one piece with the final one.

        Seen in: curl test126.
        """
        return self.doing(Join("opening"))

    @word
    def held_back(self) -> Self:
        """The final reply leaves in one piece with the reply to the next command.

        Seen in: metasploit-framework#21574.
        """
        return self.doing(Join("final"))

    @word
    def mismatched_lines(self) -> Self:
        """The reply has many lines, and the last has another code than the first.

        Seen in: suppaftp#168.
        """
        return self.doing(Mismatch())

    @word
    def wrong_address(self, host: str = "10.0.0.1", port: int | None = None) -> Self:
        """PASV names this host, PASV and EPSV this port.

        Seen in: pyftpdlib#39, FluentFTP#376.
        """
        if port is not None:
            checks.whole("port", port)
        return self.doing(OtherAddress(checks.host("host", host), port))

    @word
    def malformed_address(self, shape: str = "no-parentheses") -> Self:
        """PASV and EPSV are answered in this shape: see `SHAPES`.

        Seen in: FluentFTP#1793, basic-ftp#164.
        """
        return self.doing(OtherShape(checks.one_of("shape", shape, SHAPES)))

    @word
    def size_lie(self, by: int) -> Self:
        """The size is told wrong by so many octets: in SIZE, MLST, MLSD, and the 150 of RETR.

        Seen in: FluentFTP#643.
        """
        return self.doing(OtherSize(checks.whole("by", by, None)))

    @word
    def shift_time(self, by: float) -> Self:
        """Times are wrong by so many seconds: in MDTM, MLST and MLSD.

        Seen in: uFTP#23, jsftp#281.
        """
        return self.doing(OtherTime(checks.number("by", by)))

    @word
    def shift_offset(self, by: int) -> Self:
        """REST goes to an offset that is wrong by so many octets.

        Seen in: cyberduck#11902.
        """
        return self.doing(OtherOffset(checks.whole("by", by, None)))

    # Time and octets.

    @word
    def delay(
        self,
        duration: float,
        jitter: float = 0,
        phase: str = "command",
        after: int | None = None,
        at: float | None = None,
    ) -> Self:
        """It takes so many seconds more, and up to `jitter` on top.

        Seen in: pure-ftpd#70.
        """
        moment = Moment.of(phase, after, at)
        return self.doing(Pause(moment, checks.seconds("duration", duration), checks.seconds("jitter", jitter)))

    @word
    def stall(
        self,
        duration: float | None = None,
        phase: str = "command",
        after: int | None = None,
        at: float | None = None,
    ) -> Self:
        """Nothing goes on, for so many seconds or for ever.

        Seen in: lftp#346, far2l#1067.
        """
        limit = None if duration is None else checks.seconds("duration", duration)
        return self.doing(Pause(Moment.of(phase, after, at), limit))

    @word
    def slice(self, octets: int, pause: float = 0) -> Self:
        """Replies leave in pieces of so many octets, with `pause` seconds between them.

        Seen in: curl test250.
        """
        return self.doing(Slice("control", checks.whole("octets", octets, 1), checks.seconds("pause", pause)))

    @word
    def garble(self, first: int = 0, every: int | None = None, mask: int = 1) -> Self:
        """Bits of replies are flipped."""
        return self.doing(garbled("control", first, every, mask))

    # The connection.

    @word
    def close(self, phase: str = "command", after: int | None = None, at: float | None = None) -> Self:
        """The control connection is closed.

        Seen in: basic-ftp#101, sradownloader#13.
        """
        return self.doing(Cut(Moment.of(phase, after, at), "control", "fin"))

    @word
    def reset(self, phase: str = "command", after: int | None = None, at: float | None = None) -> Self:
        """The control connection is reset: RST, ECONNRESET on the other side.

        Seen in: wiremock#812.
        """
        return self.doing(Cut(Moment.of(phase, after, at), "control", "rst"))

    @word
    def half_close(self, phase: str = "command", after: int | None = None, at: float | None = None) -> Self:
        """The control connection says its end of file, and is read on.

        Seen in: curl#405.
        """
        return self.doing(Cut(Moment.of(phase, after, at), "control", "half"))


def garbled(where: Where, first: int, every: int | None, mask: int) -> Garble:
    """Check what a user gave.

    Raises:
        ConfigurationError: Something is no number in its range.
    """
    checks.whole("first", first)
    if every is not None:
        checks.whole("every", every, 1)
    if not 0 < checks.whole("mask", mask) < 256:
        raise checks.wrong("mask", "the bits to flip, 1 to 255", mask)
    return Garble(where, first, every, mask)
