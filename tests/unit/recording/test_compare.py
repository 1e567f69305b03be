r"""Two recordings differ in the fields that a reader sees, and only there."""

from __future__ import annotations

import msgspec

from ftpfixture.recording.compare import Difference, compare
from ftpfixture.recording.format import Data, Note, Reply
from ftpfixture.recording.store import Recording
from tests.support.recordings import LOGIN, recorded
from tests.support.rows import table

FEED = """
> EPSV opens passive
< 229 (|||{port}|)
> RETR a
< 150 Go
= down a,b\\n1,2\\n eof
< 226 Done
"""
LISTED = "> {verb} opens passive\n< 229 (|||{{port}}|)\n> {what}\n< 150 Go\n= down {content} eof\n< 226 Done"


def sentences(expected: str, seen: str, *, strict: bool = True, loose: tuple[str, ...] = ()) -> list[str]:
    """The differences of two sessions after a login."""
    recordings = recorded(LOGIN + expected, loose=loose), recorded(LOGIN + seen)
    return [str(difference) for difference in compare(*recordings, strict=strict)]


@table(
    ("old", "new", "strict", "lenient"),
    [
        ("RETR a", "RETR b", ["line 10: command: expected RETR a; seen RETR b"], None),
        ("RETR a", "STOR a", ["line 10: command: expected RETR a; seen STOR a"], None),
        ("226 Done", "426 Cut", ["line 13: reply to RETR a: expected 226 Done; seen 426 Cut"], None),
        ("226 Done", "226 OK", ["line 13: reply to RETR a: expected 226 Done; seen 226 OK"], []),
        (
            "226 Done",
            "226-Done\n< 226 in 1 s",
            ["line 13: reply to RETR a: expected 226 Done; seen 226-Done / 226 in 1 s"],
            [],
        ),
        (
            "1,2",
            "1,3",
            ["line 12: data of RETR a: expected '1,2' in line 2 (byte 5 of 8); seen '1,3' in line 2 (byte 5 of 8)"],
            None,
        ),
        (
            "2\\n eof",
            "2 rst",
            [
                "line 12: data connection of RETR a: expected download, TYPE I; seen download, TYPE I, reset",
                "line 12: data of RETR a: expected '1,2' in line 2 (byte 5 of 8); seen '1,2' in line 2 (byte 5 of 7)",
            ],
            None,
        ),
        (
            "= down a,b\\n1,2\\n eof\n< 226 Done",
            "< 226 Done\n= down a,b\\n1,2\\n eof",
            ["line 10: order after RETR a: expected 150, down, 226; seen 150, 226, down"],
            [],
        ),
        (
            "= down a,b\\n1,2\\n eof\n",
            "",
            ["line 12: after RETR a: expected download, TYPE I, 8 bytes; seen none"],
            None,
        ),
        (
            "< 226 Done",
            "< 226 Done\n< 421 Bye",
            ["line 14 of what was seen: after RETR a: expected none; seen 421 Bye"],
            None,
        ),
        (
            "> RETR a",
            "> NOOP\n< 200 OK\n> RETR a",
            ["line 10 of what was seen: command: expected none; seen NOOP"],
            None,
        ),
        (
            "< 226 Done",
            "< 226 Done\n* closed server",
            ["line 14: session: expected closed by client; seen closed by server"],
            None,
        ),
    ],
)
def test_a_difference(old: str, new: str, strict: list[str], lenient: list[str] | None) -> None:
    """It has the line and the value on both sides; `strict=False` leaves out what clients do not depend on."""
    changed = FEED.replace(old, new)
    assert changed != FEED
    assert sentences(FEED, changed) == [f"session 1, {text}" for text in strict]
    assert sentences(FEED, changed, strict=False) == [
        f"session 1, {text}" for text in (strict if lenient is None else lenient)
    ]


@table(
    ("what", "old", "new", "difference"),
    [
        (
            "LIST",
            "-rw-r--r-- 1 ftp ftp 8 Jan 1 2020 a\\r\\n",
            "total 1\\r\\n-rw------- 1 root root 80 Feb 2 10:00 b\\r\\n",
            "",
        ),
        (
            "LIST",
            "-rw-r--r-- 1 ftp ftp 8 Jan 1 2020 a\\r\\n",
            "02-01-20  10:00AM  8 a\\r\\n",
            "expected an entry of a Unix listing; seen an entry of an MS-DOS listing",
        ),
        ("MLSD", "type=file;size=8; a\\r\\n", "size=9;type=dir; b\\r\\n", ""),
        ("MLSD", "type=file;size=8; a\\r\\n", "type=dir; b\\r\\n", "expected facts size type; seen facts type"),
        ("NLST /d", "a\\r\\nb\\r\\n", "c\\r\\n", ""),
        ("NLST /d", "a\\r\\n", "/d/a\\r\\n", "expected names; seen names with a directory"),
        ("RETR a", "a", "b", "expected 'a' in line 1 (byte 1 of 1); seen 'b' in line 1 (byte 1 of 1)"),
    ],
)
def test_the_form_of_a_listing_counts(what: str, old: str, new: str, difference: str) -> None:
    """Without `strict` other entries are no difference, and another format is one."""
    texts = [LISTED.format(verb="EPSV", what=what, content=content) for content in (old, new)]
    found = [f"session 1, line 12: data of {what}: {difference}"] if difference else []

    assert sentences(texts[0], texts[1], strict=False) == found
    assert sentences(texts[0], texts[1]) != []


def test_features() -> None:
    """Without `strict` each feature counts, and neither their order nor the other lines."""
    old, new, other = (
        f"> FEAT\n< 211-{first}\n<  {one}\n<  {two}\n< 211 End"
        for first, one, two in [("Has", "MDTM", "SIZE"), ("Features:", "size", "MDTM"), ("Has", "MDTM", "MLST type*;")]
    )
    assert sentences(old, new, strict=False) == []
    assert sentences(old, other, strict=False) == ["session 1, line 9: reply to FEAT: expected SIZE; seen MLST TYPE*;"]


def test_loose_commands() -> None:
    """They may be on one side only; where they are on both sides, their replies are compared."""
    noop = "> NOOP\n< 200 OK\n"
    assert sentences(FEED + noop, FEED, loose=("noop",)) == []
    assert sentences(FEED, FEED.replace("> RETR", f"{noop}> RETR"), loose=("NOOP",)) == []
    assert sentences(FEED + noop, f"{FEED}> CWD a\n< 250 OK", loose=("NOOP",)) == [
        "session 1, line 14 of what was seen: command: expected none; seen CWD a"
    ]
    assert sentences(FEED + noop, FEED + noop.replace("200", "500"), loose=("NOOP",)) == [
        "session 1, line 15: reply to NOOP: expected 200 OK; seen 500 OK"
    ]


def test_numbers_of_sessions_do_not_count() -> None:
    """Sessions are compared in the order in which they began, also where their lines are mixed."""
    one = recorded(LOGIN + FEED, LOGIN)
    lines = sorted(one.lines, key=lambda line: isinstance(line, Note) and line.what == "closed")
    other = Recording(one.header, tuple(msgspec.structs.replace(line, session=line.session + 4) for line in lines))

    assert compare(one, other) == compare(other, one) == []
    assert compare(one, recorded(LOGIN + FEED)) == [Difference(2, 15, 0, "session", "one with 2 commands", "")]
    assert [str(found) for found in compare(recorded(LOGIN), recorded(LOGIN, LOGIN))] == [
        "session 2, line 9 of what was seen: session: expected none; seen one with 2 commands"
    ]


def test_generated_bytes_are_not_compared() -> None:
    """An imported log does not have the real ones; all else is compared."""
    lines = recorded(LOGIN + FEED).lines
    made_up = [msgspec.structs.replace(line, synthetic=True) if isinstance(line, Data) else line for line in lines]
    imported, real = recorded([*made_up[1:]]), recorded(LOGIN + FEED.replace("1,2", "1,3"))

    assert compare(imported, real) == compare(real, imported) == []
    assert len(compare(imported, recorded(LOGIN + FEED.replace("eof", "rst")))) == 1


def test_long_contents() -> None:
    """Of contents with their own files size and digest are shown."""
    [difference] = compare(
        *(recorded([*LOGIN.splitlines()[1:], "> RETR a", f"= down {'a' * size} eof"]) for size in (5000, 5001))
    )
    assert difference.what == "data of RETR a"
    assert difference.expected.startswith("5000 bytes with SHA-256 ")
    assert difference.seen.startswith("5001 bytes with SHA-256 ")


def test_nothing_secret_and_nothing_that_breaks_a_line() -> None:
    """Passwords in clear are starred, control characters and bytes that are not UTF-8 are escaped, long texts cut."""
    raw = Reply(session=1, raw=b"200 \xff\x1b[0m\xe2\x80\xae" + b"x" * 300 + b"\r\n")
    expected, seen = recorded(["> PASS secret", "< 230 Hi"]), recorded(["> PASS {password}", raw])
    commands, replies = compare(expected, seen)

    assert str(commands) == "session 1, line 3: command: expected PASS ******; seen PASS {password}"
    assert str(replies).startswith("session 1, line 4: reply to PASS ******: expected 230 Hi; seen 200 ")
    assert str(replies).isprintable()
    assert str(replies).endswith("xxx...")
