"""The JSON Schema in the package is that of the types, and an independent validator agrees with the reader."""

from __future__ import annotations

import json
from datetime import date
from importlib.resources import files

import jsonschema
from hypothesis import given

from ftpfixture.recording.format import Header, Line, line_of, read_line
from ftpfixture.recording.schema import FILE_NAME, render, schema
from tests.support.rows import table
from tests.unit.recording.test_format import HELLO, LINES

VALIDATOR = jsonschema.Draft202012Validator(schema())


def test_the_file_in_the_package() -> None:
    """After a change of the types, write it with `render`."""
    assert files("ftpfixture.recording").joinpath(FILE_NAME).read_text("utf-8") == render()
    jsonschema.Draft202012Validator.check_schema(schema())


@given(LINES)
def test_what_is_written_is_valid(value: Line) -> None:
    """Every line that can be written."""
    VALIDATOR.validate(json.loads(line_of(value)))


def test_headers_are_valid() -> None:
    """With all keys, and with none that can be left out."""
    whole = Header(
        version=1,
        source="proxy",
        tls="explicit",
        redacted=("host",),
        loose=("NOOP",),
        host="example.com",
        on=date(2026, 12, 1),
    )
    for header in (whole, Header(version=1, source="import")):
        VALIDATOR.validate(json.loads(line_of(header)))


DATA = f'"s": 1, "=": "up", "d": 1, "type": "I", "bytes": 5, "sha256": "{HELLO}", "end": "eof"'


@table(
    "line",
    [
        "{}",
        "[]",
        '{"s": 1}',
        '{"s": 0, ">": "NOOP"}',
        '{"s": 1, ">": null}',
        '{"s": 1, ">": "NOOP", ">b": "Tk9PUA=="}',
        '{"s": 1, ">": "NOOP", "<": ["200 OK"]}',
        '{"s": 1, ">": "NOOP", "colour": 1}',
        '{"s": 1, "<": "200 OK"}',
        '{"s": 1, "*": "gone"}',
        '{"s": 1, ">": "NOOP", "ms": -1}',
        f"{{{DATA}}}",
        f'{{{DATA}, "text": "hello", "lines": []}}',
        f'{{{DATA.replace(HELLO, "0")}, "text": "hello"}}',
        f'{{{DATA.replace("up", "back")}, "text": "hello"}}',
    ],
)
def test_what_is_invalid(line: str) -> None:
    """The validator and the reader refuse the same lines."""
    assert not VALIDATOR.is_valid(json.loads(line))
    assert not _is_read(line)


def _is_read(line: str) -> bool:
    try:
        read_line(line.encode())
    except ValueError:
        return False
    return True
