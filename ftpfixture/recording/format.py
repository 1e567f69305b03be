"""The values of a recording, and each of them as one line of its file ``*.ftp.jsonl``.

One rule: a value has exactly one line, so that the same dialogue is the same file; any other line is an error.

The first line is the header. Every other line has the number of its session under ``s``, and one sign, that of the
transcript: ``>`` a command, ``<`` a reply, ``=`` a data connection that has ended, ``*`` the life of the session. Bytes
that are not UTF-8 stand in base64 under ``>b`` and ``<b``.
"""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

import msgspec

from ftpfixture.recording.volatile import filled

__all__ = [
    "INLINE_LIMIT",
    "LATEST",
    "Body",
    "Command",
    "Data",
    "DataEnd",
    "Header",
    "Line",
    "Note",
    "Reply",
    "body_of",
    "content_of",
    "line_of",
    "read_line",
]

LATEST = 1
"""The version of the format that is written; every version from 1 on is read."""

DataEnd = Literal["eof", "rst", "half-close", "no-close-notify"]

_Number = Annotated[int, msgspec.Meta(ge=1)]
_Amount = Annotated[int, msgspec.Meta(ge=0)]
_Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class _Struct(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The base of all lines: no unknown key, and no key for a default."""


class Header(_Struct, frozen=True, kw_only=True):
    """The first line.

    Attributes:
        version: Of the format.
        source: "server" for a server of this package, "proxy" for a real server behind a proxy, "import" for a log.
        tls: How the client may ask for TLS: "explicit", "implicit"; "" for not at all.
        redacted: Placeholders that the file has in place of sent values, such as "password".
        loose: Verbs that a replay accepts more often or less often than they were recorded.
        host: Of the real server, when the user allows it; "" otherwise.
        on: Day of the recording, in UTC, for recordings whose age matters; None otherwise, because the same session,
            recorded on another day, is not the same file with it.
    """

    version: int = msgspec.field(name="ftp-recording")
    source: Literal["server", "proxy", "import"] = msgspec.field(name="from")
    tls: Literal["", "explicit", "implicit"] = ""
    redacted: tuple[str, ...] = ()
    loose: tuple[str, ...] = ()
    host: str = ""
    on: date | None = None


class Command(_Struct, frozen=True, kw_only=True):
    """A command.

    Attributes:
        session: Number of the control connection, from 1.
        text: As sent, without CRLF, secrets replaced; None when it is not UTF-8.
        raw: The same bytes when they are not UTF-8.
        opens: "passive" or "active" for commands that agree on a data connection.
        ms: Milliseconds since the session began; None for a recording without times.
    """

    session: _Number = msgspec.field(name="s")
    text: str | None = msgspec.field(name=">", default=None)
    raw: bytes | None = msgspec.field(name=">b", default=None)
    opens: Literal["", "passive", "active"] = ""
    ms: _Amount | None = None

    def line(self) -> bytes:
        """The command as sent, without CRLF."""
        return self.raw if self.raw is not None else (self.text or "").encode()


class Reply(_Struct, frozen=True, kw_only=True):
    """A reply.

    Attributes:
        session: Number of the control connection.
        lines: Each with its code, without CRLF; None when the reply is not UTF-8, or no lines that end with CRLF.
        raw: All bytes in that case.
        ms: As of a command.
    """

    session: _Number = msgspec.field(name="s")
    lines: tuple[str, ...] | None = msgspec.field(name="<", default=None)
    raw: bytes | None = msgspec.field(name="<b", default=None)
    ms: _Amount | None = None

    def content(self) -> bytes:
        """All bytes as sent, the last CRLF included."""
        return self.raw if self.raw is not None else "".join([f"{line}\r\n" for line in self.lines or ()]).encode()


class Data(_Struct, frozen=True, kw_only=True):
    """A data connection, at the place where it ended; its content is in one of `text`, `lines`, `base64` and `blob`.

    Attributes:
        session: Number of the control connection.
        direction: "down" for server to client.
        number: Of the data connection in its session, from 1.
        type: "I" or "A".
        mode: "S" or "Z"; with "Z" it is recorded before compression, so that it can be read and compared.
        offset: Bytes skipped by REST.
        size: Bytes sent.
        sha256: Of the bytes, in hexadecimal.
        text: UTF-8 without CR.
        lines: UTF-8 lines that all ended with CRLF.
        base64: Other bytes.
        blob: True when they are in their own file, named by the digest.
        end: How the sending side ended it.
        tls: Version, such as "TLSv1.3"; "" in clear.
        placeholders: True for a listing with placeholders for recent dates; its own braces are doubled, and `size` and
            `sha256` are those with the dates of 1 January 1970.
        ms: As of a command, for the end of the connection.
        synthetic: True for generated bytes: the log that was imported does not have the real ones.
    """

    session: _Number = msgspec.field(name="s")
    direction: Literal["down", "up"] = msgspec.field(name="=")
    number: _Number = msgspec.field(name="d")
    type: Literal["I", "A"]
    mode: Literal["S", "Z"] = "S"
    offset: _Amount = 0
    size: _Amount = msgspec.field(name="bytes")
    sha256: _Digest
    text: str | None = None
    lines: tuple[str, ...] | None = None
    base64: bytes | None = None
    blob: bool = False
    end: DataEnd
    tls: str = ""
    placeholders: bool = False
    ms: _Amount | None = None
    synthetic: bool = False


class Note(_Struct, frozen=True, kw_only=True):
    """The begin or end of a session, or of its TLS.

    Attributes:
        session: Number of the control connection.
        what: "connected", "tls" (a TLS handshake completed on the control connection), "clear" (it ended) or "closed".
        version: Of TLS.
        by: The side that closed: "client" or "server".
        end: How: "eof" or "rst".
        ms: As of a command.
    """

    session: _Number = msgspec.field(name="s")
    what: Literal["connected", "tls", "clear", "closed"] = msgspec.field(name="*")
    version: str = ""
    by: Literal["", "client", "server"] = ""
    end: Literal["", "eof", "rst"] = ""
    ms: _Amount | None = None


Line = Command | Reply | Data | Note
_SIGNS: dict[str, type[Line]] = {">": Command, ">b": Command, "<": Reply, "<b": Reply, "=": Data, "*": Note}

Body = Mapping[str, Any]
"""The keys of `Data` that have its content."""

INLINE_LIMIT = 4096
"""Bytes of a body that stands in the recording itself; a longer body gets its own file."""


def line_of(value: Header | Line) -> bytes:
    """Return a value as its line, with LF."""
    return msgspec.json.format(msgspec.json.encode(value), indent=0) + b"\n"


_NO_RECORDING = 'no recording: its first line begins with {"ftp-recording": 1'


def read_line(line: bytes, first: bool = False) -> Header | Line:
    """Return the value of a line.

    Args:
        line: Without LF.
        first: Whether it must be the header.

    Raises:
        ValueError: It is no line of a recording; the text has the reason.
    """
    if line.startswith((b"<<<<<<<", b"=======", b">>>>>>>", b"|||||||")):
        raise ValueError("a conflict of a merge was not resolved here: keep one side, or record again")
    try:
        value = msgspec.json.decode(line)
    except msgspec.DecodeError as error:
        if first:
            raise ValueError(f"no JSON, so {_NO_RECORDING}; 'ftpfixture import' makes one of a client's log") from None
        raise ValueError(f"no JSON: {error}; the file is truncated, or was edited by hand") from None
    if not isinstance(value, dict):
        raise ValueError("no JSON object")
    return _header(value) if first else _event(value)


def _header(value: dict[str, Any]) -> Header:
    version = value.get("ftp-recording")
    if version is None:
        raise ValueError(_NO_RECORDING)
    if not isinstance(version, int) or not 1 <= version <= LATEST:
        raise ValueError(f"format {version!r} is unknown to this ftpfixture, which reads 1 to {LATEST}: update it")
    header: Header = _converted(value, Header)
    return header


def _event(value: dict[str, Any]) -> Line:
    kinds = [_SIGNS[sign] for sign in _SIGNS if sign in value]
    if len(kinds) != 1:
        found = "none" if not kinds else "several"
        raise ValueError(f"a line has one of the signs {' '.join(_SIGNS)}, and this one has {found}")
    line: Line = _converted(value, kinds[0])
    if isinstance(line, Data):
        _check_body(line)
    return line


def _converted(value: dict[str, Any], kind: type[Any]) -> Any:
    if None in value.values():
        raise ValueError("null is no value: leave out the key")
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, binascii.Error) as error:
        raise ValueError(str(error)) from None


def content_of(data: Data, values: Mapping[str, str] | None = None) -> bytes | None:
    """The bytes of a data connection; None when they are in a blob.

    Args:
        data: The connection.
        values: Of the placeholders of a listing; None for those that its size and digest are of.
    """
    content = _stored(data)
    return content if content is None or not data.placeholders else filled(content, values)


def _stored(data: Data) -> bytes | None:
    if data.text is not None:
        return data.text.encode()
    if data.lines is not None:
        return "".join([f"{line}\r\n" for line in data.lines]).encode()
    return data.base64


def _check_body(data: Data) -> None:
    given = [data.text is not None, data.lines is not None, data.base64 is not None, data.blob]
    if sum(given) != 1:
        raise ValueError("the bytes stand under one of text, lines, base64 and blob")
    content = content_of(data)
    if content is None:
        if data.placeholders:
            raise ValueError("a listing with placeholders is under text, lines or base64, and not in a blob")
        return
    digest = hashlib.sha256(content).hexdigest()
    if (len(content), digest) != (data.size, data.sha256):
        raise ValueError(
            f"bytes and sha256 do not fit the content here, which has {len(content)} bytes and {digest}: "
            "it was edited by hand or by a merge; 'ftpfixture check --repair' writes the right ones"
        )


def body_of(content: bytes, placeholders: bool = False) -> Body:
    """The keys for what was sent: bytes, sha256, and the content itself in its most readable form, or blob.

    Args:
        content: What was sent, or a listing with placeholders, which never is a blob.
        placeholders: Whether it has placeholders.
    """
    sent = filled(content) if placeholders else content
    body: dict[str, Any] = {"size": len(sent), "sha256": hashlib.sha256(sent).hexdigest()}
    if placeholders:
        body["placeholders"] = True
    elif len(content) > INLINE_LIMIT:
        return {**body, "blob": True}
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return {**body, "base64": content}
    lines = text.split("\r\n")
    if len(lines) > 1 and not lines[-1] and not any("\r" in line or "\n" in line for line in lines):
        return {**body, "lines": tuple(lines[:-1])}
    return {**body, "text": text}
