"""Secrets that must not be in a recording: placeholders in their place, and a search of the finished file.

One rule: there are two checks. `Secrets.hide` replaces known secrets before anything is written; `Secrets.found_in`
searches the result for every secret of the run, in other encodings too, and a file with one is never written.

A placeholder is a name in braces, such as ``{password}``; braces of the dialogue itself are doubled, as in Python's
`str.format`, so that every text has one redacted form and one original form.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from urllib.parse import unquote_to_bytes

__all__ = ["Secrets", "escape", "fill", "pattern_of", "pieces", "without_placeholders"]

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([a-z_]+)\}")
_SHORT = 4  # characters below which a secret is replaced as a whole word only: "a" is in every text
_LONG = 1 << 16  # bytes in which the base64 of four characters is likely to be found by chance


class Secrets:
    """The secrets of one run, by the placeholder that stands for them."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._searched: set[str] = set()

    def add(self, name: str, value: str, *, searched: bool = True) -> None:
        """Add a secret; an empty one is ignored.

        Args:
            name: Of its placeholder, lower case.
            value: The secret; the first name of a value stays.
            searched: Whether `found_in` searches for it; a user's name gets a placeholder, but may be in a file.
        """
        if value:
            self._names.setdefault(value, name)
            if searched:
                self._searched.add(value)

    @property
    def names(self) -> list[str]:
        """The placeholders, sorted."""
        return sorted(set(self._names.values()))

    def hide(self, text: str) -> str:
        """A text of the dialogue with placeholders in place of secrets, and its own braces doubled."""
        if not self._names:
            return escape(text)
        parts = [_pattern(value) for value in sorted(self._names, key=len, reverse=True)]
        pieces, end = [], 0
        for match in re.finditer("|".join(parts), text):
            pieces += [escape(text[end : match.start()]), "{", self._names[match[0]], "}"]
            end = match.end()
        return "".join([*pieces, escape(text[end:])])

    def found_in(self, content: bytes) -> tuple[str, str] | None:
        """The placeholder of a secret that is in these bytes, and how it is written there; None when none is.

        Args:
            content: Such as a line, a reply or a file, as it is to be written.
        """
        return self.found_in_pieces([content])

    def found_in_pieces(self, pieces: Iterable[bytes]) -> tuple[str, str] | None:
        """Search the bytes of some pieces as `found_in` does; a secret may begin in one and end in another."""
        raws = {value: value.encode("utf-8", "surrogateescape") for value in self._searched}
        if not raws:
            return None
        # Percent-encoded twice, a byte has five; around a short secret stands what makes it a word.
        overlap = 5 * max(map(len, raws.values())) + 16
        found = (self._found(window, raws) for window in _windows(pieces, overlap))
        return next(filter(None, found), None)

    def _found(self, content: bytes, raws: Mapping[str, bytes]) -> tuple[str, str] | None:
        for form, read in _readings(content):
            for value, raw in raws.items():
                if re.search(_bytes_pattern(value, raw), read):
                    return self._names[value], form
        for value, raw in raws.items():
            if len(raw) >= (_SHORT if len(content) < _LONG else 6) and any(
                core in content for core in _base64_cores(raw)
            ):
                return self._names[value], "in base64"
        return None


def _pattern(value: str) -> str:
    return re.escape(value) if len(value) >= _SHORT else rf"(?<!\w){re.escape(value)}(?!\w)"


def _bytes_pattern(value: str, disguised: bytes) -> bytes:
    found = re.escape(disguised)
    return found if len(value) >= _SHORT else rb"(?<!\w)" + found + rb"(?!\w)"


def _windows(pieces: Iterable[bytes], overlap: int) -> Iterator[bytes]:
    """The pieces, each after the last bytes before it; where one is cut stands "_", so that no word begins there."""
    before = b""
    waiting: bytes | None = None
    for piece in pieces:
        if waiting is not None:
            window = before + waiting
            yield window + b"_"
            before = window if len(window) <= overlap else b"_" + window[-overlap:]
        waiting = piece
    if waiting is not None:
        yield before + waiting


def _readings(content: bytes) -> Iterator[tuple[str, bytes]]:
    """The decoded forms of bytes, each with the name of its encoding."""
    yield "as it is", content
    if b"%" in content or b"+" in content:
        once = unquote_to_bytes(content)
        yield "percent-encoded", once
        yield "percent-encoded twice", unquote_to_bytes(once)
        yield "percent-encoded as a form", unquote_to_bytes(content.replace(b"+", b" "))


def _base64_cores(raw: bytes) -> Iterator[bytes]:
    """The base64 of a secret, at each place in three bytes: the characters that depend on it alone."""
    for shift in range(3):
        first = -(-shift * 8 // 6)
        whole = (shift + len(raw)) * 8 // 6  # characters without a bit of the bytes after it
        for alphabet in (b"+/", b"-_"):
            yield base64.b64encode(b"\0" * shift + raw, alphabet)[first:whole]


def escape(text: str) -> str:
    """A text with its braces doubled: it has no placeholder."""
    return text.replace("{", "{{").replace("}", "}}")


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return the original form of a redacted text.

    Args:
        text: With placeholders.
        values: The value of each placeholder; one without a value stays as it is.
    """

    def value(match: re.Match[str]) -> str:
        return match[0][0] if match[1] is None else values.get(match[1], match[0])

    return _PLACEHOLDER.sub(value, text)


def pieces(text: str) -> Iterator[tuple[str, str | None]]:
    """Yield a redacted text in pieces: original text, and the placeholder behind it; None behind the last piece."""
    plain, end = list[str](), 0
    for match in _PLACEHOLDER.finditer(text):
        plain.append(text[end : match.start()])
        end = match.end()
        if match[1] is None:
            plain.append(match[0][0])
        else:
            yield "".join(plain), match[1]
            plain = []
    yield "".join([*plain, text[end:]]), None


@lru_cache(maxsize=1024)
def pattern_of(text: str) -> re.Pattern[str]:
    """The pattern of all original forms of a redacted text: each placeholder is a group of its name that fits any text.

    A placeholder that occurs twice has the same value both times.
    """
    names: set[str] = set()
    parts = list[str]()
    for plain, name in pieces(text):
        parts.append(re.escape(plain))
        if name is not None:
            parts.append(f"(?P={name})" if name in names else f"(?P<{name}>.*)")
            names.add(name)
    return re.compile("".join(parts), re.DOTALL)


def without_placeholders(content: bytes) -> bytes:
    """A redacted text with ``{}`` for each placeholder: its name may be a secret, such as the password "password"."""
    return re.sub(rb"\{\{|\}\}|\{[a-z_]+\}", lambda match: match[0] if match[0] in (b"{{", b"}}") else b"{}", content)
