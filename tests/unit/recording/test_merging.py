"""Sessions of one recording in another."""

from __future__ import annotations

from ftpfixture.recording.format import LATEST, Command, Data, Header, Line, Note, body_of
from ftpfixture.recording.merging import with_sessions
from ftpfixture.recording.store import Recording

LONG = b"long" * 2000


def _recording(sessions: dict[int, str], redacted: tuple[str, ...], long: int = 0) -> Recording:
    lines: list[Line] = []
    blobs: dict[str, bytes] = {}
    for session, command in sessions.items():
        lines += [Note(session=session, what="connected"), Command(session=session, text=command)]
        if session == long:
            data = Data(session=session, direction="down", number=1, type="I", end="eof", **body_of(LONG))
            blobs[data.sha256] = LONG
            lines.append(data)
        lines.append(Note(session=session, what="closed", by="client", end="eof"))
    return Recording(Header(version=LATEST, source="proxy", redacted=redacted), tuple(lines), blobs)


def test_sessions_follow_the_own_ones() -> None:
    """They are numbered anew, and bring their long contents and placeholders; other sessions stay away."""
    own = _recording({1: "PWD", 2: "SYST"}, ("password",))
    other = _recording({1: "NOOP", 2: "FEAT", 3: "STAT"}, ("password", "token"), long=3)

    merged = with_sessions(own, other, [3, 1])

    assert [(line.session, line.text) for line in merged.lines if isinstance(line, Command)] == [
        (1, "PWD"),
        (2, "SYST"),
        (3, "NOOP"),
        (4, "STAT"),
    ]
    assert [line.session for line in merged.lines if isinstance(line, Data)] == [4]
    assert list(merged.blobs.values()) == [LONG]
    assert merged.header.redacted == ("password", "token")
    assert with_sessions(own, other, []) == own
