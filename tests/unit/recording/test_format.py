"""Each value is one line, each line one value, and any other line is an error with its reason."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftpfixture.recording.format import (
    Command,
    Data,
    Header,
    Line,
    Note,
    Reply,
    body_of,
    content_of,
    line_of,
    read_line,
)
from tests.support.rows import table

HELLO = hashlib.sha256(b"hello").hexdigest()
texts = st.text(st.characters(exclude_categories=["Cs"]))
sessions = st.integers(1, 1 << 40)
bodies = st.one_of(
    st.binary(max_size=40),
    texts.map(str.encode),
    st.lists(texts, max_size=3).map(lambda rows: "".join(f"{row}\r\n" for row in rows).encode()),
)
LINES = st.one_of(
    st.builds(Command, session=sessions, text=texts, opens=st.sampled_from(["", "passive", "active"])),
    st.builds(Command, session=sessions, raw=st.binary()),
    st.builds(Reply, session=sessions, lines=st.lists(texts, min_size=1).map(tuple)),
    st.builds(Reply, session=sessions, raw=st.binary()),
    st.builds(Note, session=sessions, what=st.sampled_from(["connected", "clear"])),
    st.builds(Note, session=sessions, what=st.just("closed"), by=st.sampled_from(["client", "server"])),
    st.builds(
        lambda body, **values: Data(**values, **body_of(body)),
        body=bodies,
        session=sessions,
        direction=st.sampled_from(["down", "up"]),
        number=sessions,
        type=st.sampled_from(["I", "A"]),
        mode=st.sampled_from(["S", "Z"]),
        offset=st.integers(0, 1 << 40),
        end=st.sampled_from(["eof", "rst", "half-close", "no-close-notify"]),
        tls=st.sampled_from(["", "TLSv1.3"]),
    ),
)
"""All kinds of lines."""


@given(LINES)
def test_a_line_is_read_as_what_was_written(value: Line) -> None:
    """It is one line of JSON, and the first key after the session is the sign."""
    line = line_of(value)

    assert line.count(b"\n") == 1
    assert read_line(line[:-1]) == value
    assert line_of(read_line(line[:-1])) == line
    assert list(json.loads(line))[1] in (">", ">b", "<", "<b", "=", "*")


@given(bodies)
def test_a_body_is_what_was_sent(content: bytes) -> None:
    """A body in each form has the sent bytes."""
    data = Data(session=1, direction="up", number=1, type="I", end="eof", **body_of(content))
    assert content_of(data) == content
    assert (data.size, data.sha256) == (len(content), hashlib.sha256(content).hexdigest())


@table(
    ("content", "key"),
    [
        (b"", "text"),
        (b"a,b\n1,2\n", "text"),
        (b"a\r\n", "lines"),
        (b"a\r\n\r\nb\r\n", "lines"),
        (b"a\r\nb", "text"),
        (b"a\r\nb\n\r\n", "text"),
        (b"\xff", "base64"),
        (b"x" * 4096, "text"),
        (b"x" * 4097, "blob"),
    ],
)
def test_forms_of_bodies(content: bytes, key: str) -> None:
    """A body has the most readable form that is exact; a long body has its own file."""
    assert set(body_of(content)) == {"size", "sha256", key}


def test_the_lines_of_the_documentation() -> None:
    """Keys have one order, defaults are left out, and there are spaces for readers."""
    header = Header(version=1, source="proxy", tls="explicit", redacted=("password",), loose=("NOOP",))
    data = Data(session=1, direction="down", number=1, type="I", end="eof", **body_of(b"hello"))

    assert line_of(header) == (
        b'{"ftp-recording": 1, "from": "proxy", "tls": "explicit", "redacted": ["password"], "loose": ["NOOP"]}\n'
    )
    assert line_of(Command(session=1, text="EPSV", opens="passive")) == b'{"s": 1, ">": "EPSV", "opens": "passive"}\n'
    assert line_of(Reply(session=2, lines=("220 a",))) == b'{"s": 2, "<": ["220 a"]}\n'
    assert line_of(data) == (
        b'{"s": 1, "=": "down", "d": 1, "type": "I", "bytes": 5, "sha256": "%s", "text": "hello", "end": "eof"}\n'
        % HELLO.encode()
    )


@table(
    ("line", "text"),
    [
        (b"<<<<<<< HEAD", "a conflict of a merge was not resolved here"),
        (b"=======", "a conflict of a merge was not resolved here"),
        (b'{"s": 1, ">": "NO', "no JSON: .*the file is truncated, or was edited by hand"),
        (b"[1]", "no JSON object"),
        (b"{}", "a line has one of the signs > >b < <b = \\*, and this one has none"),
        (b'{"s": 1, ">": "NOOP", "<": ["200 OK"]}', "this one has several"),
        (b'{"s": 1, ">": "NOOP", "colour": 1}', "unknown field `colour`"),
        (b'{"s": 1, ">": 5}', r"Expected `str \| null`, got `int`"),
        (b'{">": "NOOP"}', "missing required field `s`"),
        (b'{"s": 1, "*": "gone"}', "Invalid enum value 'gone'"),
        (b'{"s": 1, "<b": "?"}', "base64"),
        (b'{"s": 0, ">": "NOOP"}', "Expected `int` >= 1"),
        (b'{"s": 1, ">": null}', "null is no value: leave out the key"),
    ],
)
def test_what_is_no_line(line: bytes, text: str) -> None:
    """The error names the mistake."""
    with pytest.raises(ValueError, match=text):
        read_line(line)


def _data(**changes: Any) -> bytes:
    values = {"s": 1, "=": "up", "d": 1, "type": "I", "bytes": 5, "sha256": HELLO, "text": "hello", "end": "eof"}
    return json.dumps({key: value for key, value in {**values, **changes}.items() if value is not None}).encode()


@table(
    ("line", "text"),
    [
        (_data(text="hallo"), "do not fit the content here, which has 5 bytes"),
        (_data(bytes=6), "do not fit the content here, which has 5 bytes"),
        (_data(sha256="0" * 64), f"which has 5 bytes and {HELLO}"),
        (_data(text=None), "the bytes stand under one of text, lines, base64 and blob"),
        (_data(blob=True), "the bytes stand under one of"),
        (_data(sha256="../../etc/passwd"), "matching regex"),
        (_data(end="dropped"), "Invalid enum value 'dropped'"),
    ],
)
def test_a_body_that_does_not_fit(line: bytes, text: str) -> None:
    """Bytes that a merge or an editor changed are an error, with the values that would be right."""
    with pytest.raises(ValueError, match=text):
        read_line(line)
    read_line(_data())


@table(
    ("line", "text"),
    [
        (b'{"s": 1, ">": "NOOP"}', 'its first line begins with {"ftp-recording": 1'),
        (b'{"ftp-recording": 2, "from": "proxy"}', "format 2 is unknown to this ftpfixture, which reads 1 to 1"),
        (b'{"ftp-recording": "1", "from": "proxy"}', "format '1' is unknown"),
        (b'{"ftp-recording": 1}', "missing required field `from`"),
        (b'{"ftp-recording": 1, "from": "proxy", "x": 1}', "unknown field `x`"),
    ],
)
def test_what_is_no_header(line: bytes, text: str) -> None:
    """A recording of a later version, or another file, is an error."""
    with pytest.raises(ValueError, match=text):
        read_line(line, first=True)
