"""TYPE A: line ends of text, translated during the transfer.

One rule: both directions are incremental, so a line end may be split between any two chunks.
"""

from __future__ import annotations

__all__ = ["AsciiDecoder", "AsciiEncoder"]

LF = 0x0A


class AsciiEncoder:
    """Local text to the network: LF becomes CRLF, and a CRLF that is there already stays, as on real servers.

    Source: RFC 959 3.1.1.1 and 3.4.
    """

    __slots__ = ("_after_cr",)

    def __init__(self) -> None:
        self._after_cr = False

    def feed(self, data: bytes | memoryview) -> bytes:
        """Translate the next chunk; the result may be longer than the chunk."""
        local = bytes(data)
        if not local:
            return b""
        # The CR of this LF was the end of the previous chunk.
        head, local = (b"\n", local[1:]) if self._after_cr and local[0] == LF else (b"", local)
        self._after_cr = local.endswith(b"\r")
        # Two passes of replace() are several times faster than one of a pattern that looks behind.
        return head + local.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")

    def finish(self) -> bytes:
        """End the text: the encoder keeps no rest. It may be used for another text."""
        self._after_cr = False
        return b""


class AsciiDecoder:
    """Text from the network to local: CRLF becomes LF, and any other CR stays, one at the very end too.

    Source: RFC 959 3.1.1.1 and 3.4.
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes | memoryview) -> bytes:
        """Translate the next chunk; a CR at its end is kept until the next byte arrives."""
        network = self._held + data
        self._held = b"\r" if network.endswith(b"\r") else b""
        return network.removesuffix(b"\r").replace(b"\r\n", b"\n")

    def finish(self) -> bytes:
        """End the text and return the CR that was kept, if any. The decoder may be used for another text."""
        held, self._held = self._held, b""
        return held
