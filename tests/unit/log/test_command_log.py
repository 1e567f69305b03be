"""The log, fed by hand: what it makes of events, what its assertions say, and how it waits."""

from __future__ import annotations

import hashlib
import textwrap
import threading
from collections.abc import Callable

import pytest

from ftpfixture.driver import RealTime
from ftpfixture.errors import ConfigurationError
from ftpfixture.log import CommandLog, retention
from ftpfixture.log.events import (
    CommandReceived,
    Connected,
    DataClosed,
    DataMoved,
    DataOpened,
    Disconnected,
    Event,
    FaultApplied,
    HandlerFailed,
    Hub,
    LoggedIn,
    Payload,
    ReplySent,
    Silenced,
)
from ftpfixture.log.records import SessionRecord, TransferRecord

PEER, LOCAL = ("127.0.0.1", 50001), ("127.0.0.1", 2121)


class Watched(RealTime):
    """Real time that tells when somebody who waits has looked: what comes from now on wakes him.

    Attributes:
        looked: Set after each look.
    """

    def __init__(self) -> None:
        super().__init__()
        self.looked = threading.Event()

    def wait_until(self, holds: Callable[[], bool], timeout: float) -> bool:
        """As for real time."""

        def look() -> bool:
            try:
                return holds()
            finally:
                self.looked.set()

        return super().wait_until(look, timeout)


class Story:
    """Tells a log what a server would tell it; one event each quarter of a second."""

    def __init__(self) -> None:
        self._now = 0.0
        self.hub = Hub(self._clock)
        self.time = Watched()
        self.log = CommandLog(self.hub, time_source=self.time)

    def _clock(self) -> float:
        now, self._now = self._now, self._now + 0.25
        return now

    def connect(self, session: int = 1) -> None:
        """A client connects."""
        self.hub.emit(Connected(*self.hub.stamp(session), PEER, LOCAL))

    def disconnect(self, session: int = 1, reason: str = "client closed") -> None:
        """A session ends."""
        self.hub.emit(Disconnected(*self.hub.stamp(session), reason))

    def command(self, line: str, session: int = 1, *, too_long: bool = False) -> int:
        """A command comes in; its number."""
        stamp = self.hub.stamp(session)
        verb, _, argument = line.partition(" ")
        self.hub.emit(CommandReceived(*stamp, verb, argument, too_long))
        return stamp[1]

    def reply(self, code: str, text: str = "ok", *, to: int, session: int = 1) -> None:
        """A reply goes out; lines are separated by a newline."""
        lines = tuple(text.split("\n"))
        raw = "".join(f"{code} {line}\r\n" for line in lines).encode()
        self.hub.emit(ReplySent(*self.hub.stamp(session), code, lines, to, raw))

    def say(self, line: str, code: str, session: int = 1) -> int:
        """A command with its one reply; its number."""
        number = self.command(line, session)
        self.reply(code, to=number, session=session)
        return number

    def spoil(self, fault: str, to: int, session: int = 1) -> None:
        """A fault begins to happen."""
        self.hub.emit(FaultApplied(*self.hub.stamp(session), to, fault))

    def silence(self, to: int, session: int = 1) -> None:
        """A command is left without its final reply."""
        self.hub.emit(Silenced(*self.hub.stamp(session), to))

    def open(self, to: int, path: str = "/a.bin", verb: str = "RETR", session: int = 1, offset: int = 0) -> None:
        """A data connection opens, and the 150 goes out."""
        direction = "upload" if verb in ("STOR", "APPE") else "download"
        stamp = self.hub.stamp(session)
        self.hub.emit(DataOpened(*stamp, to, "passive", PEER, direction, verb, path, offset, "I"))
        self.reply("150", to=to, session=session)

    def move(self, to: int, octets: int, session: int = 1) -> None:
        """Octets go over the data connection."""
        self.hub.emit(DataMoved(*self.hub.stamp(session), to, octets))

    def shut(self, to: int, payload: Payload, completed: bool = True, error: str = "", session: int = 1) -> None:
        """The data connection closes."""
        self.hub.emit(DataClosed(*self.hub.stamp(session), to, payload, completed, error))

    def transfer(self, line: str, piece: bytes | memoryview, session: int = 1) -> TransferRecord:
        """A whole transfer of one piece."""
        number = self.command(line, session)
        verb, _, path = line.partition(" ")
        payload = _payload(piece)
        self.open(number, path, verb, session)
        self.move(number, len(piece), session)
        self.shut(number, payload, session=session)
        self.reply("226", to=number, session=session)
        return self.log.transfers[-1]

    def login(self, session: int = 1, user: str = "ann") -> None:
        """A client connects, and logs in with the password "secret"."""
        self.connect(session)
        self.say(f"USER {user}", "331", session)
        number = self.command("PASS secret", session)
        self.hub.emit(LoggedIn(*self.hub.stamp(session), user))
        self.reply("230", to=number, session=session)


def _payload(*pieces: bytes | memoryview) -> Payload:
    payload = Payload()
    for piece in pieces:
        payload.add(piece)
    return payload


@pytest.fixture
def story() -> Story:
    """An empty log and who fills it."""
    return Story()


def _message(check: Callable[[], object]) -> str:
    with pytest.raises(AssertionError) as caught:
        check()
    return str(caught.value)


# Records.


def test_commands_are_recorded_in_order(story: Story) -> None:
    """Each command has a record with its session, number, time, verb and argument, in the order of arrival."""
    story.connect()
    story.say("CWD /in", "250")
    story.say("NOOP", "200")

    records = story.log.commands

    assert [(record.session, record.seq, record.verb, record.argument) for record in records] == [
        (1, 2, "CWD", "/in"),
        (1, 4, "NOOP", ""),
    ]
    assert [record.at for record in records] == [0.5, 1.0]


def test_a_record_knows_all_replies_and_the_final_one(story: Story) -> None:
    """`replies` has the preliminary ones too; `code` and `reply` are those of the final one, "" while there is none."""
    story.connect()
    number = story.command("RETR /a")
    record = story.log.commands[0]
    assert (record.replies, record.code, record.reply) == ([], "", "")

    story.reply("150", "here it comes", to=number)
    assert (record.replies, record.code, record.reply) == ([("150", "here it comes")], "", "")

    story.reply("226", "done", to=number)
    assert record.replies == [("150", "here it comes"), ("226", "done")]
    assert (record.code, record.reply) == ("226", "226 done")


def test_lines_of_a_reply_are_joined_by_newlines(story: Story) -> None:
    """A reply of several lines is one text."""
    story.connect()
    story.reply("211", "Features\nSIZE\nEnd", to=story.command("FEAT"))

    assert story.log.commands[0].reply == "211 Features\nSIZE\nEnd"


def test_replies_of_pipelined_commands_go_to_their_commands(story: Story) -> None:
    """Whatever the order in which replies go out, each is put to the command that it answers."""
    story.connect()
    first, second = story.command("PWD"), story.command("NOOP")
    story.reply("200", to=second)
    story.reply("257", to=first)

    assert [str(record) for record in story.log.commands] == ["PWD -> 257", "NOOP -> 200"]


def test_the_replies_around_abor_are_told_apart(story: Story) -> None:
    """The 426 belongs to the transfer and the 226 to ABOR, although they go out together."""
    story.connect()
    retr = story.command("RETR /a")
    story.open(retr, "/a")
    abor = story.command("ABOR")
    story.shut(retr, _payload(), completed=False)
    story.reply("426", to=retr)
    story.reply("226", to=abor)

    assert [str(record) for record in story.log.commands] == ["RETR /a -> 426", "ABOR -> 226"]


def test_replies_that_nobody_asked_for_are_events_only(story: Story) -> None:
    """A greeting or a 421 of its own accord belongs to no command, but it is in the events and the transcript."""
    story.connect()
    story.say("NOOP", "200")
    story.reply("421", "Timeout", to=0)

    assert [record.replies for record in story.log.commands] == [[("200", "ok")]]
    assert "< 421 Timeout" in story.log.transcript()


def test_transfers_are_recorded(story: Story) -> None:
    """A data connection has a record of its own, which its command points to."""
    story.connect()
    number = story.command("STOR /in/a")
    story.open(number, "/in/a", "STOR", offset=7)

    assert story.log.transfers == [TransferRecord(1, "STOR", "upload", "/in/a", "passive", 7, "I", 0.75)]
    assert story.log.commands[0].transfer is story.log.transfers[0]


def test_a_transfer_counts_its_octets_while_it_runs(story: Story) -> None:
    """`octets` grows with every piece; `completed` is None and the digest "" until the end."""
    story.connect()
    number = story.command("RETR /a")
    story.open(number, "/a")
    transfer = story.log.transfers[0]
    story.move(number, 3)
    story.move(number, 4)
    assert (transfer.octets, transfer.completed, transfer.sha256) == (7, None, "")

    story.shut(number, _payload(b"abc", b"defg"))

    assert (transfer.octets, transfer.completed, transfer.error) == (7, True, "")
    assert transfer.sha256 == hashlib.sha256(b"abcdefg").hexdigest()


def test_a_broken_transfer_says_why(story: Story) -> None:
    """A transfer that did not come to its end is not completed, and has the reason in words."""
    story.connect()
    number = story.command("RETR /a")
    story.open(number, "/a")
    story.shut(number, _payload(b"ab"), completed=False, error="Connection reset by peer")

    transfer = story.log.transfers[0]

    assert (transfer.completed, transfer.error) == (False, "Connection reset by peer")
    assert transfer.sha256 == hashlib.sha256(b"ab").hexdigest()


def test_sessions_are_recorded(story: Story) -> None:
    """A session has its peer, its user, and when and why it ended."""
    story.login(1, "ann")
    story.connect(2)
    story.disconnect(2, "idle")

    first, second = story.log.sessions

    assert first == SessionRecord(1, PEER, 0.25, "ann", None, "")
    assert (second.number, second.user, second.reason, second.closed_at) == (2, "", "idle", 2.0)


def test_lists_are_copies_of_live_records(story: Story) -> None:
    """A list that was taken does not grow, but its records are completed."""
    story.connect()
    number = story.command("NOOP")
    taken = story.log.commands
    story.reply("200", to=number)
    story.say("PWD", "257")

    assert [str(record) for record in taken] == ["NOOP -> 200"]


def test_a_line_that_was_too_long_stands_as_such(story: Story) -> None:
    """A line that was thrown away is a command without a verb, whose argument says what it was."""
    story.connect()
    story.reply("500", to=story.command("", too_long=True))

    assert (story.log.commands[0].verb, story.log.commands[0].argument) == ("", "(a line that was too long)")
    assert "> (a line that was too long)" in story.log.transcript()


def test_unknown_events_are_kept(story: Story) -> None:
    """Events that the log has no use for are in `events` all the same."""
    event = Event(*story.hub.stamp(1))
    story.hub.emit(event)

    assert story.log.events == [event]


def test_faults_are_recorded_with_their_command(story: Story) -> None:
    """A command knows what was made to go wrong with it, in order; what nobody asked for is in the events alone."""
    story.connect()
    story.spoil("CONNECT: delay 1", to=0)
    number = story.say("NOOP", "200")
    story.spoil("*: delay 1", to=number)
    story.spoil("NOOP: duplicate", to=number)
    story.say("PWD", "257")

    assert [record.faults for record in story.log.commands] == [["*: delay 1", "NOOP: duplicate"], []]
    faults = [event.fault for event in story.log.events if isinstance(event, FaultApplied)]
    assert faults == ["CONNECT: delay 1", "*: delay 1", "NOOP: duplicate"]


def test_a_command_that_is_left_unanswered_is_recorded_as_such(story: Story) -> None:
    """A record tells that no final reply is to come; of a connection just accepted there is no record."""
    story.connect()
    story.silence(to=0)
    story.silence(to=story.command("NOOP"))
    story.say("PWD", "257")

    assert [record.silent for record in story.log.commands] == [True, False]


def test_failures_are_taken_once(story: Story) -> None:
    """`failures` shows what handlers raised; `take_failures` gives it away, so that it is raised in one test only."""
    story.connect()
    failure = HandlerFailed(*story.hub.stamp(1), "RETR", RuntimeError("boom"))
    story.hub.emit(failure)
    assert story.log.failures == [failure]

    assert story.log.take_failures() == [failure]

    assert story.log.take_failures() == []
    assert story.log.failures == []
    assert "RETR raised RuntimeError: boom" in story.log.transcript()


# Assertions.


def test_assert_sent_returns_the_first_match(story: Story) -> None:
    """A command that was sent passes, and the record of the first match comes back."""
    story.connect()
    story.say("SIZE /a", "213")
    number = story.say("SIZE /b", "213")
    story.say("SIZE /b", "550")

    assert story.log.assert_sent("SIZE /b").seq == number
    assert story.log.assert_sent("size /b -> 5xx").code == "550"


def test_assert_sent_shows_the_nearest_line_the_difference_and_the_dialogue(story: Story) -> None:
    """The message has the pattern, how often it was seen, the nearest command, what differs, and the transcript."""
    story.login()
    story.transfer("STOR /in/reprot.csv", b"ab")
    story.disconnect(reason="quit")

    message = _message(lambda: story.log.assert_sent("STOR /in/report.csv -> 226"))

    assert message == textwrap.dedent(
        """\
        STOR /in/report.csv -> 226: expected at least once, seen never
        nearest: STOR /in/reprot.csv -> 226 (session 1): the argument differs: \
sent '/in/reprot.csv', expected '/in/report.csv'

        session 1
            0.250 * connected from 127.0.0.1:50001
            0.500 > USER ann
            0.750 < 331 ok
            1.000 > PASS ******
            1.250 * ann logged in
            1.500 < 230 ok
            1.750 > STOR /in/reprot.csv
            2.000 = passive upload of /in/reprot.csv
            2.250 < 150 ok
            2.750 = 2 octets, complete
            3.000 < 226 ok
            3.250 * closed: quit"""
    )


def test_assert_sent_names_the_code_that_differs(story: Story) -> None:
    """When only the reply is another one, the message says which it was."""
    story.connect()
    story.say("SIZE /a", "550")

    lines = _message(lambda: story.log.assert_sent("SIZE /a -> 213")).splitlines()

    assert lines[:2] == [
        "SIZE /a -> 213: expected at least once, seen never",
        "nearest: SIZE /a -> 550 (session 1): the reply was 550, not 213",
    ]


def test_assert_sent_to_a_silent_server(story: Story) -> None:
    """Without any command or session the message says so."""
    assert _message(lambda: story.log.assert_sent("NOOP")) == (
        "NOOP: expected at least once, seen never\nno other command was sent\n\n(nobody connected)"
    )


def test_assert_sent_with_times(story: Story) -> None:
    """`times` means exactly: neither fewer nor more pass, and the message tells both numbers."""
    story.connect()
    for _ in range(2):
        story.say("NOOP", "200")
    story.log.assert_sent("NOOP", times=2)

    assert _message(lambda: story.log.assert_sent("NOOP", times=1)).startswith("NOOP: expected once, seen twice\n")
    assert _message(lambda: story.log.assert_sent("NOOP", times=3)).startswith("NOOP: expected 3 times, seen twice\n")


def test_the_nearest_line_is_never_one_that_matches(story: Story) -> None:
    """When a command was sent too seldom, the nearest line is one that differs, not one that was counted."""
    story.connect()
    story.say("SIZE /a", "213")
    story.say("SIZE /b", "213")

    message = _message(lambda: story.log.assert_sent("SIZE /a", times=2))

    assert "nearest: SIZE /b -> 213 (session 1)" in message


@pytest.mark.parametrize("times", [0, -1])
def test_assert_sent_zero_times_points_to_assert_not_sent(story: Story, times: int) -> None:
    """Zero times is another assertion, and the error names it."""
    with pytest.raises(ValueError, match="use assert_not_sent"):
        story.log.assert_sent("NOOP", times=times)


def test_assert_sent_in_one_session(story: Story) -> None:
    """With `session` the other sessions do not count, neither for the match nor for the nearest line."""
    story.connect(1)
    story.connect(2)
    story.say("SIZE /a", "213", session=1)
    story.say("SIZE /bb", "213", session=2)
    story.log.assert_sent("SIZE /a", times=1, session=1)

    message = _message(lambda: story.log.assert_sent("SIZE /a", session=2))

    assert "nearest: SIZE /bb -> 213 (session 2)" in message


def test_assert_sent_never_shows_a_password(story: Story) -> None:
    """A message about a PASS shows neither the password that came nor the one that was expected."""
    story.login()

    message = _message(lambda: story.log.assert_sent("PASS other-secret"))

    assert "secret" not in message
    assert "nearest: PASS ****** -> 230 (session 1)" in message


def test_assertions_see_the_true_password(story: Story) -> None:
    """A password can be asserted on, although it is shown nowhere."""
    story.login()

    assert story.log.assert_sent("PASS secret -> 230").argument == "secret"
    story.log.assert_not_sent("PASS other")


def test_assert_not_sent(story: Story) -> None:
    """What was not sent passes; what was fails with the number, the first match and the dialogue."""
    story.connect()
    story.say("DELE /a", "250")
    story.say("DELE /a", "550")
    story.log.assert_not_sent("DELE /b")

    message = _message(lambda: story.log.assert_not_sent("DELE"))

    assert message == textwrap.dedent(
        """\
        DELE was sent twice, expected never; first as
            DELE /a -> 250 in session 1

        session 1
            0.250 * connected from 127.0.0.1:50001
            0.500 > DELE /a
            0.750 < 250 ok
            1.000 > DELE /a
            1.250 < 550 ok"""
    )


def test_assert_not_sent_in_one_session(story: Story) -> None:
    """With `session` only that one must not have said it."""
    story.connect(1)
    story.connect(2)
    story.say("NOOP", "200", session=2)

    story.log.assert_not_sent("NOOP", session=1)
    with pytest.raises(AssertionError):
        story.log.assert_not_sent("NOOP", session=2)


def test_assert_sequence(story: Story) -> None:
    """Commands in the given order pass, whatever stands between them, and their records come back."""
    story.login()
    story.say("SYST", "215")
    story.say("CWD /in", "250")
    story.say("QUIT", "221")

    found = story.log.assert_sequence("USER ann", "PASS", "CWD /in -> 2xx", "QUIT")

    assert [record.verb for record in found] == ["USER", "PASS", "CWD", "QUIT"]


def test_assert_sequence_needs_one_command_for_each_pattern(story: Story) -> None:
    """One command does not stand for two patterns."""
    story.connect()
    story.say("NOOP", "200")

    with pytest.raises(AssertionError):
        story.log.assert_sequence("NOOP", "NOOP")


def test_assert_sequence_names_the_first_that_is_missing(story: Story) -> None:
    """A wrong order fails, with the place in the sequence and what stood before it."""
    story.connect()
    story.say("SIZE /a", "213")
    story.say("MDTM /a", "213")

    lines = _message(lambda: story.log.assert_sequence("MDTM /a", "SIZE /a", "QUIT")).splitlines()

    assert lines[:3] == [
        "SIZE /a: expected as number 2, missing after MDTM /a -> 213",
        "nearest: MDTM /a -> 213 (session 1): the verb is MDTM, not SIZE",
        "",
    ]
    assert lines[3] == "session 1"


def test_assert_sequence_that_does_not_begin(story: Story) -> None:
    """When the first pattern is missing there is nothing to stand before it."""
    message = _message(lambda: story.log.assert_sequence("USER"))

    assert message.splitlines()[0] == "USER: expected as number 1, not sent"


def test_assert_sequence_in_one_session(story: Story) -> None:
    """Commands of different sessions make no sequence when one session is asked for."""
    story.connect(1)
    story.connect(2)
    story.say("PWD", "257", session=1)
    story.say("NOOP", "200", session=2)
    story.log.assert_sequence("PWD", "NOOP")

    with pytest.raises(AssertionError):
        story.log.assert_sequence("PWD", "NOOP", session=1)


def test_a_wrong_pattern_is_no_failed_assertion(story: Story) -> None:
    """A pattern that cannot be read is an error of its own kind, in negative assertions too."""
    with pytest.raises(ConfigurationError):
        story.log.assert_not_sent("RETR ->")


# Waiting.


class Waiter:
    """Runs a call in another thread and keeps what comes of it."""

    def __init__(self, story: Story, call: Callable[[], object]) -> None:
        self.result: object = None
        self._call = call
        story.time.looked.clear()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert story.time.looked.wait(10), "the call never waited"

    def _run(self) -> None:
        try:
            self.result = self._call()
        except BaseException as error:
            self.result = error

    def join(self) -> object:
        """Wait for the end; what came of it."""
        self._thread.join(10)
        assert not self._thread.is_alive()
        return self.result


def test_wait_for_what_is_there_already_does_not_wait(story: Story) -> None:
    """What happened before the call counts, even with no time to wait."""
    story.connect()
    story.say("NOOP", "200")

    assert story.log.wait_for("NOOP -> 200", timeout=0) is story.log.commands[0]


def test_wait_for_is_woken_by_the_event(story: Story) -> None:
    """A waiting thread gets the record as soon as the reply that makes it match goes out, in another thread."""
    story.connect()
    waiter = Waiter(story, lambda: story.log.wait_for("NOOP -> 200", timeout=30))

    story.say("NOOP", "200")

    assert waiter.join() is story.log.commands[0]


def test_wait_for_does_not_poll(story: Story) -> None:
    """A waiting thread looks once at first, and then once after each event."""
    looks: list[int] = []

    def wanted(event: Event) -> bool:
        looks.append(event.seq)
        return event.seq == 2

    story.connect()
    waiter = Waiter(story, lambda: story.log.wait_for(wanted, timeout=30))
    assert looks == [1]

    event = Disconnected(*story.hub.stamp(1), "quit")
    story.hub.emit(event)

    assert waiter.join() is event
    assert looks == [1, 1, 2]  # at first, and after the event


def test_what_is_waited_for_may_ask_the_thread_that_tells(story: Story) -> None:
    """While a waiting thread looks, others can tell of events: who looks may need them, as `files` of a server does."""

    def holds() -> bool:
        teller = threading.Thread(target=story.say, args=("NOOP", "200"))
        teller.start()
        teller.join(10)
        return not teller.is_alive()

    story.connect()

    assert story.log.wait_until(holds, 0)


def test_wait_for_several_times_returns_the_last(story: Story) -> None:
    """With `times` the call returns when so many are there, with the last of them."""
    story.connect()
    story.say("NOOP", "200")
    waiter = Waiter(story, lambda: story.log.wait_for("NOOP", times=2, timeout=30))

    story.say("NOOP", "200")

    assert waiter.join() is story.log.commands[1]


def test_wait_for_in_one_session(story: Story) -> None:
    """With `session` what others say does not count."""
    story.connect(1)
    story.connect(2)
    story.say("NOOP", "200", session=1)
    waiter = Waiter(story, lambda: story.log.wait_for("NOOP", session=2, timeout=30))

    story.say("NOOP", "200", session=2)

    assert waiter.join() is story.log.commands[1]


def test_wait_for_that_runs_out_of_time_says_what_it_saw(story: Story) -> None:
    """The message has the pattern, the time, the numbers, the nearest line and the dialogue."""
    story.connect()
    story.say("SIZE /a", "213")

    message = _message(lambda: story.log.wait_for("SIZE /b", timeout=0.01, times=2))

    assert message == textwrap.dedent(
        """\
        SIZE /b: not seen within 0.01 s (wanted twice, seen never)
        nearest: SIZE /a -> 213 (session 1): the argument differs: sent '/a', expected '/b'

        session 1
            0.250 * connected from 127.0.0.1:50001
            0.500 > SIZE /a
            0.750 < 213 ok"""
    )


def test_wait_for_an_event_that_does_not_come(story: Story) -> None:
    """For a function the message has no pattern to show, but the dialogue."""
    message = _message(lambda: story.log.wait_for(lambda event: False, timeout=0))

    assert message == "the event was not seen within 0 s (wanted once, seen never)\n\n(nobody connected)"


def test_wait_idle_passes_when_nothing_runs(story: Story) -> None:
    """When every command has its final reply and every transfer its end, there is nothing to wait for."""
    story.login()
    story.transfer("RETR /a", b"ab")

    story.log.wait_idle(timeout=0)


def test_wait_idle_waits_for_the_final_reply(story: Story) -> None:
    """A command that has no final reply yet keeps the server busy; its reply wakes the waiting thread."""
    story.connect()
    number = story.command("LIST")
    story.reply("150", to=number)
    waiter = Waiter(story, story.log.wait_idle)

    story.reply("226", to=number)

    assert waiter.join() is None


def test_wait_idle_waits_for_the_end_of_the_transfer(story: Story) -> None:
    """A transfer whose data connection is open keeps the server busy, even after the final reply."""
    story.connect()
    number = story.command("RETR /a.bin")
    story.open(number)
    story.reply("226", to=number)
    message = _message(lambda: story.log.wait_idle(timeout=0))
    assert message.startswith("still busy after 0 s with RETR /a.bin -> 226\n\nsession 1\n")

    story.shut(number, _payload())

    story.log.wait_idle(timeout=0)


def test_wait_idle_does_not_wait_for_the_dead(story: Story) -> None:
    """A command that a session left unanswered at its end will never be answered."""
    story.connect()
    story.command("LIST")
    story.disconnect()

    story.log.wait_idle(timeout=0)


def test_wait_idle_does_not_wait_for_what_is_never_said(story: Story) -> None:
    """A command that was left unanswered on purpose keeps nobody waiting; one to which a fault happens does."""
    story.connect()
    number = story.command("LIST")
    story.spoil("LIST: no_reply", to=number)
    assert _message(lambda: story.log.wait_idle(timeout=0)).startswith("still busy after 0 s with LIST\n")
    waiter = Waiter(story, story.log.wait_idle)

    story.silence(to=number)

    assert waiter.join() is None
    assert not story.log.is_busy


def test_wait_idle_waits_for_the_transfer_of_a_silent_command(story: Story) -> None:
    """A final reply that never comes does not hide that octets still go."""
    story.connect()
    number = story.command("RETR /a.bin")
    story.open(number)
    story.silence(to=number)
    assert story.log.is_busy

    story.shut(number, _payload())

    story.log.wait_idle(timeout=0)


def test_wait_idle_names_every_busy_command(story: Story) -> None:
    """The message names all commands that are not done, passwords starred."""
    story.connect()
    story.command("PASS secret")
    story.command("NOOP")

    assert _message(lambda: story.log.wait_idle(timeout=0)).startswith("still busy after 0 s with PASS ******, NOOP\n")


# Clearing, keeping.


def test_clear_forgets_all_but_live_sessions(story: Story) -> None:
    """After `clear` there are no commands, transfers, failures or events, and only the sessions that live."""
    story.login(1)
    story.transfer("RETR /a", b"ab")
    story.connect(2)
    story.disconnect(2)
    story.hub.emit(HandlerFailed(*story.hub.stamp(1), "RETR", RuntimeError("boom")))

    story.log.clear()

    log = story.log
    assert (log.commands, log.transfers, log.failures, log.events) == ([], [], [], [])
    assert [(session.number, session.user) for session in log.sessions] == [(1, "ann")]
    assert log.transcript() == "session 1"


def test_the_log_goes_on_after_clear(story: Story) -> None:
    """What a live session says later is recorded, and its end too; replies to forgotten commands are not missed."""
    story.login()
    number = story.command("NOOP")
    story.log.clear()
    story.reply("200", to=number)
    story.say("PWD", "257")
    story.disconnect(reason="quit")

    assert [str(record) for record in story.log.commands] == ["PWD -> 257"]
    assert story.log.sessions[0].reason == "quit"


def test_clear_keeps_running_transfers(story: Story) -> None:
    """A transfer that runs during `clear` is counted to its end, and `wait_idle` still waits for it."""
    story.connect()
    number = story.command("RETR /a.bin")
    story.open(number)
    story.log.clear()
    assert "RETR" in _message(lambda: story.log.wait_idle(timeout=0))

    story.move(number, 2)
    story.shut(number, _payload(b"ab"))

    assert [(record.octets, record.completed) for record in story.log.transfers] == [(2, True)]
    story.log.wait_idle(timeout=0)


def _held(transfer: TransferRecord) -> bool:
    assert transfer._payload is not None
    return bool(transfer._payload.buffers())


def test_octets_are_kept_until_there_are_too_many(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit the oldest transfers are hashed and their octets let go; the digest is right all the same."""
    monkeypatch.setattr(retention, "_MOST_KEPT", 10)
    story.connect()
    transfers = [story.transfer(f"RETR /{letter}", letter.encode() * 6) for letter in "abc"]
    # The newest is never let go for its own sake: somebody may be about to ask for its digest.
    assert [_held(transfer) for transfer in transfers] == [False, False, True]

    assert [transfer.sha256 for transfer in transfers] == [
        hashlib.sha256(letter * 6).hexdigest() for letter in (b"a", b"b", b"c")
    ]


def test_a_large_transfer_is_let_go_little_by_little(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """With each piece that moves some of what is to be let go is hashed, so that no single one costs much."""
    monkeypatch.setattr(retention, "_MOST_KEPT", 10)
    monkeypatch.setattr(retention, "_HASHED_AT_ONCE", 30)
    story.connect()
    large = story.transfer("RETR /large", b"x" * 100)
    held = []
    for number in range(3):
        story.transfer(f"RETR /{number}", b"y" * 6)
        held.append(_held(large))

    assert held == [True, True, False]
    assert large.sha256 == hashlib.sha256(b"x" * 100).hexdigest()


def test_octets_within_the_limit_are_kept(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as there are few octets, no transfer is hashed before somebody asks."""
    monkeypatch.setattr(retention, "_MOST_KEPT", 12)
    story.connect()
    transfers = [story.transfer(f"RETR /{letter}", letter.encode() * 6) for letter in "ab"]

    assert [_held(transfer) for transfer in transfers] == [True, True]


def test_a_file_that_is_sent_often_counts_once(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """Transfers of one stored file share its octets, so any number of them stays within the limit."""
    monkeypatch.setattr(retention, "_MOST_KEPT", 10)
    stored = b"x" * 8
    story.connect()
    other = story.transfer("RETR /y", b"y")

    transfers = [story.transfer("RETR /x", memoryview(stored)) for _ in range(5)]

    assert all(_held(transfer) for transfer in (other, *transfers))


def test_letting_go_skips_what_others_hold(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """To hash a transfer whose octets another one holds gains nothing: the next one goes instead."""
    monkeypatch.setattr(retention, "_MOST_KEPT", 15)
    stored = b"x" * 8
    story.connect()
    shared = [story.transfer("RETR /x", memoryview(stored)) for _ in range(2)]
    alone = story.transfer("RETR /y", b"y" * 6)

    newest = story.transfer("RETR /z", b"z" * 5)

    assert [_held(transfer) for transfer in (*shared, alone, newest)] == [True, True, False, True]


# The dialogue as text.


def test_transcript_of_one_session(story: Story) -> None:
    """With a number only that session is told; without, all of them one after another."""
    story.connect(1)
    story.connect(2)
    story.say("NOOP", "200", session=2)
    story.say("PWD", "257", session=1)

    assert [line[10:] for line in story.log.transcript(2).splitlines()[1:]] == [
        "* connected from 127.0.0.1:50001",
        "> NOOP",
        "< 200 ok",
    ]
    assert [line for line in story.log.transcript().splitlines() if line.startswith("session")] == [
        "session 1",
        "session 2",
    ]


def test_transcript_of_a_session_that_never_was(story: Story) -> None:
    """Of nobody there is nothing to tell."""
    story.connect(1)

    assert story.log.transcript(7) == "(nobody connected)"


@pytest.mark.parametrize("verb", ["PASS", "pass", "ACCT"])
def test_no_text_of_the_log_shows_a_password(story: Story, verb: str) -> None:
    """Transcript, records and events show a password as stars, one for each character."""
    story.connect()
    story.say(f"{verb} secret", "503")

    texts = [story.log.transcript(), repr(story.log.commands), str(story.log.commands[0]), repr(story.log.events)]

    assert not [text for text in texts if "secret" in text]
    assert f"> {verb} ******" in texts[0]


def test_transcript_makes_control_characters_visible(story: Story) -> None:
    """Characters that would break the lines of a report are escaped."""
    story.connect()
    story.say("CWD a\nb\x1b[31m\udcff", "550")

    assert r"> CWD a\nb\x1b[31m\udcff" in story.log.transcript()


def test_transcript_tells_of_faults(story: Story) -> None:
    """A fault stands where it began, behind its command; control characters are made visible."""
    story.connect()
    number = story.command("NOOP")
    story.spoil("NOOP: answer 200 'a\x1b[31m'", to=number)
    story.silence(to=number)

    lines = [line[10:] for line in story.log.transcript().splitlines()[2:]]

    assert lines == ["> NOOP", r"! NOOP: answer 200 'a\x1b[31m'"]


def test_transcript_tells_of_transfers(story: Story) -> None:
    """Opening, offset, size and end of a data connection are told, and why it broke."""
    story.connect()
    number = story.command("RETR /a.bin")
    story.open(number, offset=100)
    story.shut(number, _payload(b"abc"), completed=False, error="timed out")
    story.reply("426", to=number)

    lines = [line[10:] for line in story.log.transcript().splitlines()]

    assert "= passive download of /a.bin from octet 100" in lines
    assert "= 3 octets, broken off: timed out" in lines
