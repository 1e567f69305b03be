"""The expected transfer of a file, and how another transfer differs from it.

One rule: all fields that differ are named, not only the first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Self

from ftpfixture import checks
from ftpfixture.errors import ConfigurationError, PathIsNotAbsolute
from ftpfixture.log.records import TransferRecord

__all__ = ["CONTENT", "TransferPattern", "content_difference", "file_path"]

_AROUND = 20  # bytes shown from where two contents differ
CONTENT = checks.instance_of("bytes, such as b'a,b\\r\\n'", bytes, bytearray, memoryview)
"""Valid content."""

_DIGEST = checks.Check("64 hexadecimal digits", lambda value: _digest(value))


@dataclass(frozen=True, slots=True)
class TransferPattern:
    """The expected transfer of a file; None stands for anything.

    Attributes:
        path: Absolute, as it is or as a shell pattern.
        direction: "upload" or "download".
        content: As on the wire.
        size: Bytes.
        sha256: In hexadecimal.
        mode: "passive" or "active".
        type: "A" or "I".
        encrypted: Of the data connection.
        offset: Bytes skipped by REST.
    """

    path: str
    direction: str | None = None
    content: bytes | None = None
    size: int | None = None
    sha256: str | None = None
    mode: str | None = None
    type: str | None = None
    encrypted: bool | None = None
    offset: int | None = None

    @classmethod
    def of(
        cls,
        path: str,
        direction: str | None = None,
        content: bytes | None = None,
        size: int | None = None,
        sha256: str | None = None,
        mode: str | None = None,
        type: str | None = None,  # noqa: A002
        encrypted: bool | None = None,
        offset: int | None = None,
    ) -> Self:
        """Make a pattern of arguments, which are checked.

        Raises:
            PathIsNotAbsolute: No transfer has such a path.
            ConfigurationError: No transfer can have such a value.
        """
        whole = checks.whole_number(0, "bytes").or_none()
        pattern = cls(
            file_path(path),
            checks.one_of_these(("upload", "download")).or_none()("direction", direction),
            None if content is None else bytes(CONTENT("content", content)),
            whole("size", size),
            _DIGEST.or_none()("sha256", sha256),
            checks.one_of_these(("passive", "active")).or_none()("mode", mode),
            checks.one_of_these(("A", "I")).or_none()("type", type),
            checks.truth.or_none()("encrypted", encrypted),
            whole("offset", offset),
        )
        if pattern.content is not None and pattern.size not in (None, len(pattern.content)):
            raise ConfigurationError(f"size is {pattern.size}, but content has {len(pattern.content)} bytes")
        return pattern

    def differences(self, record: TransferRecord) -> list[str]:
        """How a transfer differs, in words; empty when it fits."""
        return list(self._differences(record))

    def _differences(self, record: TransferRecord) -> Iterator[str]:
        if not self._is_path(record.path):
            yield f"the path is {record.path}, not {self.path}"
        if not record.completed:
            yield "it still runs: call server.wait_idle() first" if record.completed is None else "it was aborted"
        fields = (
            ("direction", record.direction, self.direction),
            ("mode", record.mode, self.mode),
            ("type", record.transfer_type, self.type),
            ("offset", record.offset, self.offset),
            ("size", record.size, self.size),
        )
        for name, seen, wanted in fields:
            if wanted is not None and seen != wanted:
                yield f"the {name} is {seen}, not {wanted}"
        if self.encrypted is not None and self.encrypted is (record.tls is None):
            yield "it was in clear, not encrypted" if self.encrypted else "it was encrypted, not in clear"
        if self.sha256 is not None and record.sha256 != self.sha256:
            yield f"the sha256 is {record.sha256 or 'not there yet'}, not {self.sha256}"
        if self.content is not None and (difference := content_difference(record, self.content)):
            yield difference

    def _is_path(self, path: str) -> bool:
        return path == self.path or fnmatchcase(path, self.path)

    def distance(self, record: TransferRecord) -> tuple[bool, bool, int]:
        """How far a transfer is from the pattern; the nearest is the smallest."""
        other_direction = self.direction not in (None, record.direction)
        return not self._is_path(record.path), other_direction, len(self.differences(record))

    def __str__(self) -> str:
        texts = {
            "content": None if self.content is None else f"{len(self.content)} bytes",
            "sha256": None if self.sha256 is None else f"{self.sha256[:8]}...",
        }
        names = ("direction", "content", "size", "sha256", "mode", "type", "encrypted", "offset")
        fields = [f"{name} {texts.get(name, getattr(self, name))}" for name in names if getattr(self, name) is not None]
        return ", ".join([self.path, *fields])


def file_path(path: str) -> str:
    """Return an absolute path.

    Raises:
        PathIsNotAbsolute: It is relative; the text suggests an absolute one.
        ConfigurationError: It is no text.
    """
    if not isinstance(path, str):
        raise checks.wrong("path", "an absolute path, such as '/in/a.csv'", path)
    if not path.startswith("/"):
        raise PathIsNotAbsolute(f"paths of transfers are absolute, not {path!r}: did you mean {'/' + path!r}?")
    return path


def content_difference(record: TransferRecord, content: bytes) -> str:
    """How the bytes of a transfer differ from a content, in words; "" when they are equal."""
    if record.size == len(content) and record.sha256 == hashlib.sha256(content).hexdigest():
        return ""
    seen = record.kept_content
    if seen is None:
        return f"the content differs: {record.size} bytes with sha256 {record.sha256}, expected {len(content)} bytes"
    at = next((at for at, pair in enumerate(zip(seen, content, strict=False)) if pair[0] != pair[1]), None)
    at = min(len(seen), len(content)) if at is None else at
    found, wanted = (f"{data[at : at + _AROUND]!r}" if at < len(data) else "the end" for data in (seen, content))
    text = f"the content differs at byte {at}: {found}, expected {wanted} ({len(seen)} bytes, expected {len(content)})"
    if record.transfer_type == "A" and seen.replace(b"\r\n", b"\n") == content.replace(b"\r\n", b"\n"):
        text += "; with TYPE A lines end in \\r\\n on the wire"
    return text


def _digest(value: str) -> str:
    if len(bytes.fromhex(value)) != hashlib.sha256().digest_size:
        raise ValueError
    return value.lower()
