"""A recording as steps: their texts, the parts that are shown, and the diagram."""

from __future__ import annotations

from typing import Any

from ftpfixture.recording.format import Command, Data, Line, Note, Reply, body_of
from ftpfixture.recording.ladder import Ladder, Rung, ladders, mermaid
from tests.support.recordings import recorded
from tests.support.rows import table
from tests.support.shown import HOSTILE, SHOWN

DATA: dict[str, Any] = {"session": 1, "direction": "down", "number": 1, "type": "I", "end": "eof"}


def _rung(line: Line) -> Rung:
    whole = recorded(["< 220 Hi", "> RETR a", line])
    return [*ladders(whole)[0].rungs][-2]  # the last one is the end


def test_steps_of_a_session() -> None:
    """A command stands with what the server did until the next one; the end of the session stands alone."""
    first, second = ladders(SHOWN)

    assert (first.session, first.commands, second.session, second.commands) == (1, 7, 2, 4)
    assert [[f"{rung.number} {rung.kind} {rung.lines[0]}" for rung in one.rungs] for one in first.exchanges] == [
        ["2 note connected", "3 reply 220 Hello"],
        ["4 command USER {user}", "5 reply 331 Password"],
        ["6 command PASS {password}", "7 reply 230 Welcome"],
        ["8 command EPSV", "9 reply 229 (|||{port}|)"],
        [
            "10 command RETR a.csv",
            "11 reply 150 Go",
            "12 download download, TYPE I, 8 bytes",
            "13 reply 226 Done",
        ],
        [
            "14 command STOR b.csv",
            "15 reply 150 Go",
            "16 upload upload, TYPE I, reset, 4 bytes",
            "17 reply 426 Cut; aborted",
        ],
        ["18 command FEAT", "19 reply 211-Has"],
        ["20 command QUIT", "21 reply 221 Bye"],
        ["22 note closed by server"],
    ]
    assert first.exchanges[4].text == "RETR a.csv\n150 Go\ndownload, TYPE I, 8 bytes\na,b\n1,2\n226 Done"


@table(
    ("content", "shown", "more"),
    [
        (b"a\nb\n", ("a", "b"), ""),
        (b"a\r\n", ("a",), ""),
        (b"\n\n", ("", ""), ""),
        (b"", (), ""),
        (b"\xff", (), "the content is not text"),
        (b"x" * 5000, (), "the content is in a file of its own"),
        (b"a\x1b\n" * 42, (r"a\x1b",) * 40, "and 2 more lines"),
    ],
)
def test_the_content_of_a_data_connection(content: bytes, shown: tuple[str, ...], more: str) -> None:
    """Its first lines are shown, and the rest in words."""
    rung = _rung(Data(**DATA, **body_of(content)))
    assert (rung.content, rung.more) == (shown, more)


def test_recent_dates_are_placeholders() -> None:
    """They stand in a listing as in its file; braces of names are not doubled."""
    values = {**body_of(b"x\r\n"), "lines": ("-rw-r--r-- 1 a a 1 {date_ls} {{a}}",), "placeholders": True}
    assert _rung(Data(**DATA, **values)).content == ("-rw-r--r-- 1 a a 1 {date_ls} {a}",)


@table(
    ("line", "ms"),
    [
        (Command(session=1, text="NOOP", ms=3), 3),
        (Reply(session=1, lines=("200 OK",), ms=4), 4),
        (Data(**DATA, **body_of(b""), ms=5), 5),
        (Note(session=1, what="clear", ms=6), 6),
        (Note(session=1, what="clear"), None),
    ],
)
def test_times(line: Line, ms: int | None) -> None:
    """A step has its time where it was recorded."""
    assert _rung(line).ms == ms


def test_all_text_is_printable() -> None:
    """Also what a server sends to confuse a reader."""
    lines = [line for one in ladders(SHOWN) for rung in one.rungs for line in (*rung.lines, *rung.content)]
    assert [line for line in lines if not line.isprintable()] == []
    assert f"550 {HOSTILE}" in lines
    assert r"257 \xff\x1b[2J\u202efdp.exe" in lines


def test_a_diagram() -> None:
    """Each step is one line of the language of Mermaid, and a text is never syntax there."""
    [first, second] = (mermaid([one]).splitlines() for one in ladders(SHOWN))

    assert first[:8] == [
        "sequenceDiagram",
        "    participant C as client",
        "    participant S as server",
        "    Note over C,S: session 1",
        "    Note over C,S: connected",
        "    S-->>C: 220 Hello",
        "    C->>S: USER {user}",
        "    S-->>C: 331 Password",
    ]
    assert first[12:15] == ["    C->>S: RETR a.csv", "    S-->>C: 150 Go", "    S-)C: download, TYPE I, 8 bytes"]
    assert "    S-->>C: 211-Has<br/> MDTM<br/>211 End" in first
    assert "    C-)S: upload, TYPE I, reset, 4 bytes" in first
    assert "    S-->>C: 426 Cut#59; aborted" in first
    assert any("#60;script#62;" in line for line in second)
    assert max(map(len, second)) < 400


def test_a_diagram_of_nothing() -> None:
    """It has the two sides."""
    assert mermaid([]) == "sequenceDiagram\n    participant C as client\n    participant S as server\n"
    assert mermaid([Ladder(4, ())]).endswith("    Note over C,S: session 4\n")


@table(
    ("text", "escaped"),
    [
        ("end; # {port} | 7:30", "end#59; #35; {port} | 7:30"),
        ("wrap:a", "wrap#58;a"),
        ("<br/> &amp; $$x$$ %%", "#60;br/#62; #38;amp#59; #36;#36;x#36;#36; #37;#37;"),
    ],
)
def test_what_ends_a_text_or_is_more_than_text(text: str, escaped: str) -> None:
    """In Mermaid ";" and "#" end a message, HTML is drawn, and so are formulas; all else is shown as it is."""
    [ladder] = ladders(recorded([f"< 220 {text.replace('{', '{{').replace('}', '}}')}"]))
    assert f": 220 {escaped}\n" in mermaid([ladder])
