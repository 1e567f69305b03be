"""Secrets planted anywhere in a session: a recording has none of them, or it is not written."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from ftpfixture.errors import RecordingError
from ftpfixture.log.events import (
    CommandReceived,
    Connected,
    DataClosed,
    DataOpened,
    Disconnected,
    Event,
    Hub,
    ReplySent,
)
from ftpfixture.log.payload import Payload
from ftpfixture.recording.format import Data
from ftpfixture.recording.recorder import Recorder
from ftpfixture.recording.redact import Secrets, pieces
from ftpfixture.recording.store import blob_folder, load, save

HERE = ("127.0.0.1", 2121)
DISGUISES: list[Callable[[str], str]] = [
    lambda secret: secret,
    lambda secret: quote(secret, safe=""),
    lambda secret: quote(quote(secret, safe=""), safe=""),
    quote_plus,
    lambda secret: base64.b64encode(secret.encode()).decode(),
    lambda secret: base64.urlsafe_b64encode(f"u:{secret}".encode()).decode(),
]
words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6)
planted = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=4, max_size=12).filter(str.strip)


@dataclass
class Planted:
    """A session with secrets.

    Attributes:
        secrets: By placeholder; that of the user may be in a transferred file.
        events: Of the server.
    """

    secrets: dict[str, str]
    events: list[Event] = field(default_factory=list)


@st.composite
def sessions(draw: st.DrawFn) -> Planted:
    """A session: greeting, login, commands with paths, echoes in replies, and contents, in any order."""
    secrets = {name: draw(planted) for name in ("user", "password", "account", "token")}
    session, clock = Planted(secrets), iter(range(1 << 30))
    hub = Hub(lambda: next(clock))
    hub.subscribe(session.events.append)
    # One disguise in a session, so that each of them alone must prevent the recording; the others are written.
    disguise = draw(st.sampled_from(DISGUISES))
    secret = st.sampled_from([*secrets.values()])
    texts = st.lists(st.one_of(words, secret), min_size=1, max_size=3).map("".join)
    contents = st.tuples(words, secret.map(disguise), words).map(" ".join) if draw(st.booleans()) else words

    def reply(code: str, text: str, to: int = 0) -> None:
        hub.emit(ReplySent(*hub.stamp(1), code, (text,), to, f"{code} {text}\r\n".encode()))

    def command(verb: str, argument: str) -> None:
        stamp = hub.stamp(1)
        hub.emit(CommandReceived(*stamp, verb, argument))
        reply("250", draw(texts), stamp[1])

    def transfer(content: bytes) -> None:
        stamp = hub.stamp(1)
        hub.emit(CommandReceived(*stamp, "RETR", draw(texts)))
        payload = Payload()
        payload.add(content)
        hub.emit(DataOpened(*hub.stamp(1), stamp[1], "passive", HERE, "download", "RETR", "/a", 0, "I", payload))
        hub.emit(DataClosed(*hub.stamp(1), stamp[1], payload, True, ""))

    acts: list[Callable[[], None]] = [
        *(lambda verb=verb, name=name: command(verb, secrets[name]) for verb, name in _LOGIN),
        lambda: command("CWD", draw(texts)),
        lambda: command("SITE", draw(texts)),
        lambda: transfer(draw(contents).encode() if draw(st.booleans()) else draw(st.binary(max_size=30))),
        lambda: transfer(b"x" * draw(st.integers(4090, 4100)) + draw(contents).encode()),
    ]
    hub.emit(Connected(*hub.stamp(1), HERE, HERE))
    reply("220", draw(texts))
    for act in draw(st.permutations(acts)):
        act()
    hub.emit(Disconnected(*hub.stamp(1), "quit"))
    return session


_LOGIN = (("USER", "user"), ("PASS", "password"), ("ACCT", "account"))


def _contents(path: Path) -> Iterator[tuple[bytes, bool]]:
    """All that a reader of the files gets to see, without placeholders, and whether it is the content of a transfer."""
    lines: list[dict[str, Any]] = [json.loads(line) for line in path.read_bytes().splitlines()]
    for line in lines:
        for text in [line.get(">"), *line.get("<", [])]:
            if text is not None:
                yield "\0".join(part for part, _ in pieces(text)).encode(), False
        for key in (">b", "<b"):
            yield base64.b64decode(line.get(key, "")), False
    recording = load(path)
    for data in recording.lines:
        if isinstance(data, Data):
            yield recording.content(data), True
    assert blob_folder(path).is_dir() is any(line.get("blob") for line in lines)


def _check(session: Planted) -> None:
    known = Secrets()
    known.add("token", session.secrets["token"])
    recorder = Recorder("proxy", secrets=known)
    for happened in session.events:
        recorder(happened)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "feed.ftp.jsonl"
        try:
            save(path, recorder.recording(), recorder.secrets)
        except RecordingError:
            event("refused")
            assert not any(Path(folder).iterdir())
            return
        event("written")
        first = path.read_bytes()
        save(path, load(path))
        assert path.read_bytes() == first
        for content, is_data in _contents(path):
            for name, secret in session.secrets.items():
                if is_data and name == "user":
                    continue
                forms = [secret] if name == "user" else [disguise(secret) for disguise in DISGUISES]
                assert not any(form.encode() in content for form in forms), (name, content)


@given(sessions())
@settings(max_examples=120, deadline=None)
def test_no_secret_is_written(session: Planted) -> None:
    """In USER, PASS, ACCT, paths, the greeting, echoes and contents, as it is, percent-encoded and in base64."""
    _check(session)


@pytest.mark.fuzz
@given(sessions())
@settings(max_examples=10_000, deadline=None)
def test_no_secret_is_written_in_ten_thousand_recordings(session: Planted) -> None:
    """The same, for longer."""
    _check(session)
