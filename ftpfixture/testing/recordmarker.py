"""The marker ``ftp_recording``: the recording of one test, and the real server that it is made from.

One rule: markers of a class or a module give defaults, and the nearest marker of the test decides each value.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import pytest

from ftpfixture import checks
from ftpfixture.checks import Check, suggest
from ftpfixture.errors import ConfigurationError
from ftpfixture.recording.target import Target
from ftpfixture.server.settings import TlsMode
from ftpfixture.testing.settings import FTP_SERVER_SETTINGS

__all__ = ["FIXTURE", "FOLDER", "MARKER", "SUFFIX", "RecordingMarker", "marker_of", "place_of"]

FIXTURE = "ftp_recording"
"""The name of the fixture, and of the marker."""

MARKER = (
    "ftp_recording(upstream=None, path=None, ...): the recording of a test with the fixture ftp_recording, and the "
    "real server that it is made from, such as upstream=os.environ.get('PARTNER_FTP_URL')"
)

FOLDER = "recordings"
"""The folder beside the tests with their recordings."""

SUFFIX = ".ftp.jsonl"
"""The end of the name of a recording."""

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
_LONGEST = 100  # with suffix, and those of a temporary file, less than the 143 bytes of eCryptfs; others have 255


def _read_path(value: object) -> Path:
    if not isinstance(value, str | os.PathLike) or not os.fspath(value).endswith(SUFFIX):
        raise ValueError
    return Path(value)


def _read_redact(value: Any) -> dict[str, str | None]:
    if not isinstance(value, Mapping):
        raise TypeError
    return dict(value)


def _read_age(value: str) -> int:
    found = re.fullmatch("([1-9][0-9]*)d", value)
    if found is None:
        raise ValueError
    return int(found[1])


_ROWS = FTP_SERVER_SETTINGS.rows
_CHECKS: Mapping[str, Check[Any]] = {
    "upstream": Check(
        'a server, such as "HOST:PORT" or "ftp://ann:secret@HOST:PORT", a Target, or None',
        lambda value: _ROWS["upstream"].check.read(value or None),  # a secret that CI does not have is ""
    ),
    "path": Check(f"a path that ends in {SUFFIX}", _read_path).or_none("a file of the test's name"),
    "redact": Check("a mapping from placeholder to secret", _read_redact),
    "loose": checks.anything,
    "compare_uploads": _ROWS["compare_uploads"].check,
    "allow_unplayed": _ROWS["allow_unplayed"].check,
    "max_age": Check('days, such as "180d"', _read_age).or_none("any age"),
    "tls": _ROWS["tls"].check,
    "allow_network": checks.truth,
}


@dataclass(frozen=True, slots=True)
class RecordingMarker:
    """The values of the markers of a test.

    Attributes:
        upstream: The real server; None where there is none, so that recordings can only be played.
        path: Of the recording, from the folder of the test; None for `place_of` to choose.
        redact: More secrets, by the names of their placeholders; None for a value that only recording needs.
        loose: Verbs that clients may send more often or less often than they were recorded.
        compare_uploads: The setting of a server that plays.
        allow_unplayed: The setting of a server that plays.
        max_age: Days after which a recording that is played gets a warning; None for no limit.
        tls: How clients may encrypt; None for not at all.
        allow_network: Whether the test may connect to other machines where nothing is recorded.
    """

    upstream: Target | None = None
    path: Path | None = None
    redact: Mapping[str, str | None] = field(default_factory=dict)
    loose: Iterable[str] = ()
    compare_uploads: Any = "exact"
    allow_unplayed: bool = False
    max_age: int | None = None
    tls: TlsMode | None = None
    allow_network: bool = False

    @property
    def secrets(self) -> dict[str, str]:
        """All of `redact`.

        Raises:
            ConfigurationError: A value is missing.
        """
        for name, value in self.redact.items():
            if value is None:
                raise ConfigurationError(
                    f"redact={{{name!r}: None}}: to record, the text that {{{name}}} stands for must be known; set the "
                    "variable of the environment that it comes from"
                )
        return {name: str(value) for name, value in self.redact.items()}


_NAMES = tuple(one.name for one in fields(RecordingMarker))


def marker_of(item: pytest.Item) -> RecordingMarker:
    """Return the values of the markers of a test.

    Raises:
        ConfigurationError: A marker has an unknown name or an invalid value; the text says what would work.
    """
    given: dict[str, Any] = {}
    for marker in reversed(list(item.iter_markers(FIXTURE))):
        if marker.args:
            raise ConfigurationError(f"the marker {FIXTURE} takes names, as in {FIXTURE}(path='feed{SUFFIX}')")
        given |= marker.kwargs
    for name in given:
        if name not in _NAMES:
            raise ConfigurationError(f"the marker {FIXTURE} has no {name}=: {suggest(name, _NAMES)}")
    return RecordingMarker(**{name: _CHECKS[name](f"{FIXTURE}({name})", value) for name, value in given.items()})


def place_of(item: pytest.Item, path: Path | None) -> Path:
    """Return the path of the recording of a test.

    Without a path it is ``recordings/<module>/<test>.ftp.jsonl`` beside the module, with the names of classes before
    that of the test and the parameters after it. Characters that are not safe in file names become "-", and long names
    are cut; then part of a digest of the whole name keeps two tests apart.
    """
    folder = item.path.parent
    if path is not None:
        return folder / path
    names = [node.name for node in item.listchain() if isinstance(node, pytest.Class)]
    return folder / FOLDER / item.path.stem / f"{_safe('.'.join([*names, item.name]))}{SUFFIX}"


def _safe(name: str) -> str:
    plain = name.replace("[", "-", 1).removesuffix("]")
    safe = _UNSAFE.sub("-", plain)
    if safe == plain and len(safe) <= _LONGEST:
        return safe
    return f"{safe[:_LONGEST].rstrip('-')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
