"""Why two things that tests compare are not equal: the files of a server, transcripts, and logs.

One rule: only what differs is shown, with what is on each side.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import unified_diff
from typing import Any

from ftpfixture.faults.trigger import counted
from ftpfixture.log import CommandLog
from ftpfixture.testing.files import Files

__all__ = ["compared"]

_SHOWN = 20  # bytes before and after the first difference
_MOST = 20  # paths that differ
_TIME = re.compile(r"(?m)^ *-?[0-9]+\.[0-9]{3} ")


def compared(left: object, right: object) -> list[str] | None:
    """The explanation for ``left == right``, the summary first; None where pytest explains it."""
    if isinstance(left, Files) and isinstance(right, Mapping):
        return _files(left.as_dict(), dict(right), "the server has", "expected")
    if isinstance(right, Files) and isinstance(left, Mapping):
        return _files(dict(left), right.as_dict(), "expected", "the server has")
    if isinstance(left, str) and isinstance(right, str) and all(map(_is_transcript, (left, right))):
        return _transcripts(left, right)
    if isinstance(left, CommandLog) or isinstance(right, CommandLog):
        return _logs(left, right)
    return None


# Files.


def _files(left: Mapping[Any, object], right: Mapping[Any, object], one: str, other: str) -> list[str]:
    lines = [f"files == files ({one} {len(left)}, {other} {len(right)})"]
    paths = sorted({*left, *right}, key=str)
    wrong = [path for path in paths if path not in left or path not in right or left[path] != right[path]]
    for path in wrong[:_MOST]:
        if path not in right:
            lines.append(f"{path}: only {one} it: {_size(left[path])}")
        elif path not in left:
            lines.append(f"{path}: only {other} it: {_size(right[path])}")
        else:
            lines += [f"{path}: differs", *_contents(left[path], right[path], one, other)]
    if len(wrong) > _MOST:
        lines.append(f"... and {len(wrong) - _MOST} more paths that differ")
    return lines


def _size(content: object) -> str:
    return counted(len(content), "byte") if isinstance(content, bytes) else repr(content)


def _contents(left: object, right: object, one: str, other: str) -> Iterator[str]:
    width = max(len(one), len(other))
    if not isinstance(left, bytes) or not isinstance(right, bytes):
        yield f"    files hold bytes, not {type(right if isinstance(left, bytes) else left).__name__}: use b'...'"
        return
    first = next((n for n, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
    line = left[:first].count(b"\n") + 1
    yield f"    from byte {first} on, which is in line {line}"
    for side, content in ((one, left), (other, right)):
        yield f"    {side:{width}} {_around(content, first)} ({_size(content)})"


def _around(content: bytes, place: int) -> str:
    start, end = max(0, place - _SHOWN), place + _SHOWN
    return f"{'...' if start else ''}{content[start:end]!r}{'...' if end < len(content) else ''}"


# Transcripts and logs.


def _is_transcript(text: str) -> bool:
    return text.startswith("session ") and _TIME.search(text) is not None


def _transcripts(left: str, right: str) -> list[str]:
    old, new = (_TIME.sub("    ", text).splitlines() for text in (left, right))
    differences = list(unified_diff(old, new, "left", "right", lineterm="", n=2))
    if not differences:
        return ["transcript == transcript", "only the times differ: compare log.commands, or use assert_sequence(...)"]
    return ["transcript == transcript (without the times)", *differences]


def _logs(left: object, right: object) -> list[str]:
    if isinstance(left, CommandLog) and isinstance(right, CommandLog):
        return ["a log equals only itself; the dialogues:", *_transcripts(left.transcript(), right.transcript())]
    return [
        "a log equals only itself",
        "to compare the whole dialogue use log.assert_exactly([...]), for a part log.assert_sequence(...), or compare "
        "[str(command) for command in log.commands]",
    ]
