"""A long dialogue, folded."""

from __future__ import annotations

import ftplib
import re
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftpfixture import FtpServer
from ftpfixture.log import transcript
from tests.support.story import Story, payload_of

HINT = "(folded; log.transcript() has all, and so has the report of pytest --ftp-dialogue=all)"
GAP = re.compile(r" {9} \.\.\. ([0-9]+) lines.* left out.*")
AGAIN = re.compile(r" {9} \.\.\. (.+) ([0-9]+) times more, until [0-9.]+")


def folded_text(story: Story, *around: int) -> str:
    """The folded dialogue without the times."""
    return re.sub(r"(?m)^ *[0-9]+\.[0-9]{3} ", "", story.log.dialogue(around))


def test_a_short_dialogue_is_whole(story: Story) -> None:
    """Up to sixty lines nothing is left out."""
    story.connect()
    for number in range(29):
        story.say(f"CWD /{number}", "250")

    assert story.log.dialogue() == story.log.transcript()


def test_no_session(story: Story) -> None:
    """A server without a session has one line."""
    assert story.log.dialogue() == "(no client connected)"


def test_begin_end_and_surroundings(story: Story) -> None:
    """Of a long dialogue the begin, the end and some lines around each of the commands that matter are shown."""
    story.connect()
    numbers = [story.say(f"CWD /{number}", "250") for number in range(200)]

    lines = story.log.dialogue([numbers[100]]).splitlines()

    assert lines[0] == "session 1"
    assert lines[1].endswith("* connected from 127.0.0.1:50001")
    assert [line for line in lines if "> CWD /100" in line]
    assert lines[-2].endswith("< 250 ok")
    assert lines[-1] == HINT
    assert len(lines) < 60
    assert "lines left out: 89 CWD" in "\n".join(lines)


def test_what_is_left_out_is_counted(story: Story) -> None:
    """A gap has its number of lines and the verbs that come most often; few lines are no gap."""
    story.connect()
    for number in range(40):
        for verb in ("CWD", "XCWD", "DELE", "RMD", "XRMD", "CDUP"):
            story.say(f"{verb} /{number}", "250")

    gap = next(line for line in story.log.dialogue().splitlines() if GAP.fullmatch(line))

    assert gap == f"{'':9} ... 449 lines left out: 38 DELE, 38 RMD, 37 XRMD, 37 CDUP, 37 CWD, 37 of other verbs"


def test_repeated_commands_are_one_line(story: Story) -> None:
    """A command that comes again with the same reply code is counted; so are up to four that come again together."""
    story.connect()
    for _ in range(5):
        story.say("NOOP", "200")
    for _ in range(3):
        story.say("TYPE A", "200")
        story.say("PASV", "227")
        number = story.command("LIST /in")
        story.open(number, "/in", "LIST")
        story.shut(number, payload_of(b"abc"), completed=True)
        story.reply("226", to=number)

    assert folded_text(story) == dedent(
        f"""\
        session 1
        * connected from 127.0.0.1:50001
        > NOOP
        < 200 ok
                  ... NOOP 4 times more, until 2.750
        > TYPE A
        < 200 ok
        > PASV
        < 227 ok
        > LIST /in
        = passive download of /in
        < 150 ok
        = 3 bytes, complete
        < 226 ok
                  ... TYPE, PASV, LIST 2 times more, until 9.500
        {HINT}"""
    )


@pytest.mark.parametrize(
    ("first", "second"), [(("SIZE /a", "213"), ("SIZE /b", "213")), (("NOOP", "200"), ("NOOP", "500"))]
)
def test_other_commands_are_no_repetition(story: Story, first: tuple[str, str], second: tuple[str, str]) -> None:
    """An exchange with another argument or reply code is not counted as a repetition."""
    story.connect()
    for exchange in (first, second, first, first, second, second):
        story.say(*exchange)

    assert story.log.dialogue() == story.log.transcript()


def test_a_command_that_matters_is_no_repetition(story: Story) -> None:
    """It is shown, and those before and after it are counted."""
    story.connect()
    numbers = [story.say("NOOP", "200") for _ in range(9)]

    assert folded_text(story, numbers[4]).count("> NOOP") == 3


def test_a_long_reply(story: Story) -> None:
    """Of a reply of many lines the first and the last ones are shown."""
    story.connect()
    number = story.command("STAT /")
    story.reply("213", "\n".join(map(str, range(100))), to=number)

    text = folded_text(story)

    assert "< 213 5\n          ... 88 lines left out\n< 213 94\n" in text


def test_a_long_line(story: Story) -> None:
    """Of a line of any length the beginning is shown, and the hint says where all of it is."""
    story.connect()
    story.say("CWD " + "x" * 10_000, "250")

    text = story.log.dialogue()

    assert f"> CWD {'x' * 484} ... 9516 more characters\n" in text
    assert text.endswith(HINT)
    assert "x" * 10_000 in story.log.transcript()


def test_sessions(story: Story) -> None:
    """Each line stands under the heading of its session, and a gap over several sessions names them."""
    for session in range(1, 31):
        story.connect(session)
        story.say(f"CWD /{session}", "250", session=session)
        story.disconnect(session)

    lines = story.log.dialogue().splitlines()
    gap = next(line for line in lines if "left out" in line)

    assert re.search(r"[0-9]+ lines of sessions [0-9]+ to [0-9]+ left out: [0-9]+ CWD", gap)
    assert lines[lines.index(gap) + 1].startswith("session ")
    assert "session 30" in lines


@given(
    lines=st.lists(st.sampled_from(["CDUP", "DELE /a", "CWD /a", "CWD /b"]), max_size=120),
    marked=st.integers(0, 119),
)
def test_folding_only_leaves_out(lines: list[str], marked: int) -> None:
    """Only lines of the transcript are shown, in their order, with the command that matters among them."""
    story = Story()
    story.connect()
    numbers = [story.say(line, "250") for line in lines]
    around = numbers[marked : marked + 1]
    folded = story.log.dialogue(around).splitlines()
    whole = iter(story.log.transcript().splitlines())

    shown = [line for line in folded if not line.startswith(" " * 9) and line != HINT]
    assert all(line in whole for line in shown)
    assert len(folded) <= 80
    assert (HINT in folded) == (len(shown) < len(story.log.transcript().splitlines()))
    for record in story.log.commands:
        assert record.seq not in around or f"{record.time:9.3f} > {record}".removesuffix(" -> 250") in folded


def test_times_count_from_zero(story: Story) -> None:
    """Times may count from another moment than that in which the server was made."""
    story.connect()
    story.say("NOOP", "200")

    assert story.log.dialogue(zero=0.5).splitlines()[1].startswith("   -0.250 *")


def test_every_line_of_a_real_session_has_its_height() -> None:
    """Heights are counted without making lines, and are right for each kind of event."""
    with FtpServer(files={"/a.txt": b"a"}, faults=["SIZE: answer 550"]) as server, ftplib.FTP() as ftp:
        ftp.connect(*server.address)
        ftp.login(*server.credentials)
        ftp.nlst()
        ftp.sendcmd("FEAT")
        with pytest.raises(ftplib.error_perm):
            ftp.size("/a.txt")
        ftp.quit()
        server.wait_idle()

    events = server.log.events

    assert [transcript.height(event) for event in events] == [len(transcript.event_lines(event)) for event in events]
