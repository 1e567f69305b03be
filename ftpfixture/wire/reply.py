"""Replies: a code and lines of text, rendered as bytes and parsed from them.

One rule: the server sends strictly, and the parser accepts all that RFC 959 4.2 allows.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar, overload

from ftpfixture.errors import ReplySyntaxError
from ftpfixture.wire.lines import escape_line

__all__ = ["LENIENT", "Code", "Reply", "ReplyParser", "decode_line", "wrap_into_codes", "wrap_with_container"]

T = TypeVar("T")

_DIGITS = frozenset("0123456789")
# A look-up in a set costs a third of checking a string for its length, its digits and their script.
_CODES = frozenset(f"{number:03}" for number in range(1000))


class Code(str):
    """The three digits of a reply."""

    __slots__ = ()

    def matches(self, mask: str) -> bool:
        """Return whether the code fits a mask.

        Args:
            mask: Compared position by position: a digit must be equal, any other character matches any digit. A shorter
                mask compares the beginning, so "2" and "2xx" match the same codes. An empty mask matches nothing.
        """
        if not mask or len(mask) > len(self):
            return False
        return all(
            digit == wanted if wanted in _DIGITS else digit in _DIGITS
            for digit, wanted in zip(self, mask, strict=False)
        )


@overload
def wrap_with_container(o: str) -> tuple[str]: ...


@overload
def wrap_with_container(o: T) -> T: ...


def wrap_with_container(o: object) -> object:
    """Return a tuple of the one string given, and anything else as it is."""
    return (o,) if isinstance(o, str) else o


def wrap_into_codes(iterable: Iterable[str]) -> tuple[Code, ...]:
    """Return every item as a `Code`; those that are codes already stay the same objects."""
    return tuple(item if isinstance(item, Code) else Code(item) for item in iterable)


def _bytes_or_question_mark(error: UnicodeError) -> tuple[bytes, int]:
    """Encode what an encoding cannot: escaped bytes are restored, other characters become "?"."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = error.object[error.start : error.end]
    values = (ord(character) - 0xDC00 for character in characters)
    return bytes(value if 0x80 <= value <= 0xFF else 0x3F for value in values), error.end


# The codec calls a registered handler only for what it cannot encode; plain text costs nothing more.
LENIENT = "ftpfixture.bytes-or-question-mark"
"""How to encode text that an encoding may lack characters for: escaped bytes are restored, others become "?"."""
codecs.register_error(LENIENT, _bytes_or_question_mark)


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply.

    Args:
        code: Three ASCII digits.
        lines: The text, one item for each line; no item is the same as one empty line.
        listing: Whether lines between the first and the last are sent without code, indented by one space, as FEAT,
            MLST and STAT need it.

    Raises:
        ValueError: The code is not three digits.
    """

    code: str
    lines: tuple[str, ...]
    listing: bool = False

    def __post_init__(self) -> None:
        if self.code not in _CODES:
            raise ValueError(f"a reply code is three digits, not {self.code!r}")

    def render(self, encoding: str = "utf-8") -> bytes:
        """Return the bytes to send.

        Each item stays one line: a CR in it becomes CR NUL and a lone LF becomes NUL. Escaped bytes are sent as they
        came, and characters that the encoding lacks become "?", so that a reply never fails for its text.

        Source: RFC 959 4.2, RFC 2389 3.2, RFC 3659 7.2.
        """
        lines = self.lines
        if len(lines) < 2:
            text = f"{self.code} {lines[0]}" if lines else f"{self.code} "
            return escape_line(text.encode(encoding, LENIENT)) + b"\r\n"
        between = " " if self.listing else f"{self.code}-"
        texts = [f"{self.code}-{lines[0]}", *(between + line for line in lines[1:-1]), f"{self.code} {lines[-1]}"]
        whole = "\r\n".join(texts)
        if whole.count("\r") + whole.count("\n") == 2 * len(texts) - 2:
            return whole.encode(encoding, LENIENT) + b"\r\n"  # the same in one call: STAT may list very many names
        return b"".join(escape_line(text.encode(encoding, LENIENT)) + b"\r\n" for text in texts)

    @property
    def is_preliminary(self) -> bool:
        """Whether another reply to the same command follows (1xx)."""
        return self.code[0] == "1"

    @property
    def text(self) -> str:
        """The lines, joined by newlines."""
        return "\n".join(self.lines)


class ReplyParser:
    """Joins the lines of a peer to replies.

    Lines of a reply are returned without their code where they have one, and as they are where not: an indented line
    keeps its space. So ``parse(render(reply))`` is the same reply, except

    - lines between the first and the last of a listing, which keep their indentation and do not set `listing`,
    - a LF that follows no CR, which is sent as NUL, and characters that the encoding lacks, which are sent as "?",
    - escaped bytes that together are a character of the encoding,
    - no lines at all, which become one empty line.

    Source: RFC 959 4.2.

    Attributes:
        code: Code of the reply that the last line belongs to; "" before the first.
    """

    __slots__ = ("_complete", "_texts", "code")

    def __init__(self) -> None:
        self.code = ""
        self._complete = True
        self._texts: list[str] = []

    def feed_line(self, line: bytes, encoding: str = "utf-8") -> Reply | None:
        """Take one line without its line end.

        Returns:
            The reply that this line completes, or None when more lines belong to it.

        Raises:
            ReplySyntaxError: A reply does not begin with three digits. The line is dropped; the next one
                may begin a reply.
        """
        return Reply(self.code, tuple(self.lines)) if self.feed_text(decode_line(line, encoding)) else None

    def feed_text(self, text: str) -> bool:
        """Take one line as text; return whether it completes a reply. Raises as `feed_line` does."""
        if not self._complete:
            self._texts.append(text)
            # Only the code of the first line, then a space or nothing, ends the reply; all else is text, digits or not.
            self._complete = text[:4] in (self.code, f"{self.code} ")
            return self._complete
        code = text[:3]
        if code not in _CODES:
            raise ReplySyntaxError(f"a reply begins with three digits, not {text[:80]!r}")
        self.code = code
        self._texts = [text]
        self._complete = text[3:4] != "-"
        return self._complete

    @property
    def tails(self) -> list[str]:
        """The lines so far without their code, but with the space or hyphen behind it; others as received."""
        first, *others = self._texts
        return [first[3:], *(text[3:] if self._has_code(text) else text for text in others)]

    @property
    def lines(self) -> list[str]:
        """The lines so far, as `Reply` has them."""
        first, *others = self._texts
        # A missing separator ("220Welcome") is a fault of the server that common clients accept.
        behind = 4 if first[3:4] in (" ", "-") else 3
        bare, coded = self.code, (f"{self.code} ", f"{self.code}-")
        return [first[behind:], *[text[4:] if text.startswith(coded) or text == bare else text for text in others]]

    def _has_code(self, text: str) -> bool:
        return text.startswith(self.code) and text[3:4] in ("", " ", "-")


def decode_line(line: bytes, encoding: str) -> str:
    """Return the text of a line; bytes that the encoding cannot decode are escaped, so this never fails."""
    try:
        return line.decode(encoding, "surrogateescape")
    except UnicodeError:  # codecs with shift states fail where they cannot escape an ASCII byte
        return line.decode("ascii", "surrogateescape")
