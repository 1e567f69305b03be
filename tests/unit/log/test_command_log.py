"""The log, fed with events: the records that it makes of them, and how it waits."""

from __future__ import annotations

import hashlib
import textwrap
import threading
from collections.abc import Callable

import pytest

from ftpfixture.errors import ServerStateError
from ftpfixture.log.events import (
    Disconnected,
    Disconnecting,
    Event,
    FaultApplied,
    HandlerFailed,
)
from ftpfixture.log.records import SessionRecord, TransferRecord
from tests.support.story import PEER, Story, failure_of, payload_of


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
    assert [record.time for record in records] == [0.5, 1.0]


def test_a_record_knows_all_replies_and_the_final_one(story: Story) -> None:
    """`replies` has the preliminary ones too; `code` and `reply` are those of the final one, "" without one."""
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
    """In whichever order replies are sent, each is recorded at its own command."""
    story.connect()
    first, second = story.command("PWD"), story.command("NOOP")
    story.reply("200", to=second)
    story.reply("257", to=first)

    assert [str(record) for record in story.log.commands] == ["PWD -> 257", "NOOP -> 200"]


def test_the_replies_around_abor_are_distinguished(story: Story) -> None:
    """The 426 belongs to the transfer and the 226 to ABOR, although they are sent together."""
    story.connect()
    retr = story.command("RETR /a")
    story.open(retr, "/a")
    abor = story.command("ABOR")
    story.shut(retr, payload_of(), completed=False)
    story.reply("426", to=retr)
    story.reply("226", to=abor)

    assert [str(record) for record in story.log.commands] == ["RETR /a -> 426", "ABOR -> 226"]


def test_unsolicited_replies_are_events_only(story: Story) -> None:
    """A greeting or an unsolicited 421 belongs to no command, but is in the events and the transcript."""
    story.connect()
    story.say("NOOP", "200")
    story.reply("421", "Timeout", to=0)

    assert [record.replies for record in story.log.commands] == [[("200", "ok")]]
    assert "< 421 Timeout" in story.log.transcript()


def test_transfers_are_recorded(story: Story) -> None:
    """A data connection has its own record, which its command points to."""
    story.connect()
    number = story.command("STOR /in/a")
    story.open(number, "/in/a", "STOR", offset=7)

    assert story.log.transfers == [TransferRecord(1, "STOR", "upload", "/in/a", "passive", 7, "I", 0.75)]
    assert story.log.commands[0].transfer is story.log.transfers[0]


def test_a_transfer_counts_its_bytes_while_it_runs(story: Story) -> None:
    """`size` grows with every piece; `completed` is None and the digest "" until the end."""
    story.connect()
    number = story.command("RETR /a")
    story.open(number, "/a")
    transfer = story.log.transfers[0]
    story.move(number, 3)
    story.move(number, 4)
    assert (transfer.size, transfer.completed, transfer.sha256) == (7, None, "")

    story.shut(number, payload_of(b"abc", b"defg"))

    assert (transfer.size, transfer.completed, transfer.error) == (7, True, "")
    assert transfer.sha256 == hashlib.sha256(b"abcdefg").hexdigest()


def test_an_aborted_transfer_has_the_reason(story: Story) -> None:
    """A transfer that was aborted is not completed, and has the reason in words."""
    story.connect()
    number = story.command("RETR /a")
    story.open(number, "/a")
    story.shut(number, payload_of(b"ab"), completed=False, error="Connection reset by peer")

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
    """A list does not grow after it was read, but its records are completed."""
    story.connect()
    number = story.command("NOOP")
    taken = story.log.commands
    story.reply("200", to=number)
    story.say("PWD", "257")

    assert [str(record) for record in taken] == ["NOOP -> 200"]


def test_a_line_that_was_too_long_is_recorded(story: Story) -> None:
    """A line that was discarded is a command without a verb, and its argument is a note of that."""
    story.connect()
    story.reply("500", to=story.command("", too_long=True))

    assert (story.log.commands[0].verb, story.log.commands[0].argument) == ("", "(a line that was too long)")
    assert "> (a line that was too long)" in story.log.transcript()


def test_unknown_events_are_kept(story: Story) -> None:
    """Events that the log does not use are in `events`, too."""
    event = Event(*story.hub.stamp(1))
    story.hub.emit(event)

    assert story.log.events == [event]


def test_faults_are_recorded_with_their_command(story: Story) -> None:
    """A command has its faults, in order; those of no command are in the events only."""
    story.connect()
    story.spoil("CONNECT: delay 1", to=0)
    number = story.say("NOOP", "200")
    story.spoil("*: delay 1", to=number)
    story.spoil("NOOP: repeat_reply", to=number)
    story.say("PWD", "257")

    assert [record.faults for record in story.log.commands] == [["*: delay 1", "NOOP: repeat_reply"], []]
    faults = [event.fault for event in story.log.events if isinstance(event, FaultApplied)]
    assert faults == ["CONNECT: delay 1", "*: delay 1", "NOOP: repeat_reply"]


def test_a_withheld_reply_is_recorded(story: Story) -> None:
    """The record of a command has that; a connection just accepted has no record."""
    story.connect()
    story.withhold(to=0)
    story.withhold(to=story.command("NOOP"))
    story.say("PWD", "257")

    assert [record.reply_withheld for record in story.log.commands] == [True, False]


def test_failures_are_taken_once(story: Story) -> None:
    """`failures` has the exceptions of handlers; `take_failures` removes them, so that one test only raises them."""
    story.connect()
    failure = HandlerFailed(*story.hub.stamp(1), "RETR", RuntimeError("boom"))
    story.hub.emit(failure)
    assert story.log.failures == [failure]

    assert story.log.take_failures() == [failure]

    assert story.log.take_failures() == []
    assert story.log.failures == []
    assert "RETR raised RuntimeError: boom" in story.log.transcript()


class Waiter:
    """Runs a call in another thread and keeps its result."""

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
        """Wait for the end, and return the result."""
        self._thread.join(10)
        assert not self._thread.is_alive()
        return self.result


def test_wait_for_an_earlier_command_does_not_wait(story: Story) -> None:
    """A command from before the call counts, even with a timeout of 0."""
    story.connect()
    story.say("NOOP", "200")

    assert story.log.wait_for("NOOP -> 200", timeout=0) is story.log.commands[0]


def test_wait_for_is_woken_by_the_event(story: Story) -> None:
    """A waiting thread gets the record as soon as another thread sends the reply that makes it match."""
    story.connect()
    waiter = Waiter(story, lambda: story.log.wait_for("NOOP -> 200", timeout=30))

    story.say("NOOP", "200")

    assert waiter.join() is story.log.commands[0]


def test_wait_for_does_not_poll(story: Story) -> None:
    """A waiting thread searches once at first, and then once after each event."""
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


def test_a_condition_may_wait_for_the_thread_that_emits(story: Story) -> None:
    """While a waiting thread calls its condition, others can emit events: `files` of a server needs their thread."""

    def holds() -> bool:
        teller = threading.Thread(target=story.say, args=("NOOP", "200"))
        teller.start()
        teller.join(10)
        return not teller.is_alive()

    story.connect()

    assert story.log.wait_until(holds, 0)


def test_wait_for_several_times_returns_the_last(story: Story) -> None:
    """With `times` the call returns when `times` matches are there, with the last of them."""
    story.connect()
    story.say("NOOP", "200")
    waiter = Waiter(story, lambda: story.log.wait_for("NOOP", times=2, timeout=30))

    story.say("NOOP", "200")

    assert waiter.join() is story.log.commands[1]


def test_wait_for_in_one_session(story: Story) -> None:
    """With `session` the commands of other sessions do not count."""
    story.connect(1)
    story.connect(2)
    story.say("NOOP", "200", session=1)
    waiter = Waiter(story, lambda: story.log.wait_for("NOOP", session=2, timeout=30))

    story.say("NOOP", "200", session=2)

    assert waiter.join() is story.log.commands[1]


def test_the_text_of_a_wait_that_times_out(story: Story) -> None:
    """The message has the pattern, the time, the numbers, the nearest line and the dialogue."""
    story.connect()
    story.say("SIZE /a", "213")

    message = failure_of(lambda: story.log.wait_for("SIZE /b", timeout=0.01, times=2))

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
    """For a function the message has no pattern, but the dialogue."""
    message = failure_of(lambda: story.log.wait_for(lambda event: False, timeout=0))

    assert message == "the event was not seen within 0 s (wanted once, seen never)\n\n(no client connected)"


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
    message = failure_of(lambda: story.log.wait_idle(timeout=0))
    assert message.startswith("still busy after 0 s with RETR /a.bin -> 226\n\nsession 1\n")

    story.shut(number, payload_of())

    story.log.wait_idle(timeout=0)


def test_wait_idle_waits_for_the_end_of_a_session(story: Story) -> None:
    """A session that is ending keeps the server busy; its record has the reason already."""
    story.connect()
    story.say("QUIT", "221")
    story.hub.emit(Disconnecting(*story.hub.stamp(1), "quit"))
    assert story.log.sessions[0].reason == "quit"
    assert failure_of(lambda: story.log.wait_idle(timeout=0)).startswith(
        "still busy after 0 s with the end of session 1 (quit)\n"
    )

    story.disconnect(reason="quit")

    story.log.wait_idle(timeout=0)


def test_wait_idle_does_not_wait_for_ended_sessions(story: Story) -> None:
    """A command without a final reply at the end of its session gets none any more."""
    story.connect()
    story.command("LIST")
    story.disconnect()

    story.log.wait_idle(timeout=0)


def test_wait_idle_does_not_wait_for_withheld_replies(story: Story) -> None:
    """A withheld reply does not keep the server busy; another fault does not end the wait for a reply."""
    story.connect()
    number = story.command("LIST")
    story.spoil("LIST: no_reply", to=number)
    assert failure_of(lambda: story.log.wait_idle(timeout=0)).startswith("still busy after 0 s with LIST\n")
    waiter = Waiter(story, story.log.wait_idle)

    story.withhold(to=number)

    assert waiter.join() is None
    assert not story.log.is_busy


def test_wait_idle_waits_for_the_transfer_of_a_withheld_reply(story: Story) -> None:
    """A final reply that is withheld does not hide that the transfer still runs."""
    story.connect()
    number = story.command("RETR /a.bin")
    story.open(number)
    story.withhold(to=number)
    assert story.log.is_busy

    story.shut(number, payload_of())

    story.log.wait_idle(timeout=0)


def test_wait_idle_names_every_busy_command(story: Story) -> None:
    """The message names all commands that are not done, passwords starred."""
    story.connect()
    story.command("PASS secret")
    story.command("NOOP")

    assert failure_of(lambda: story.log.wait_idle(timeout=0)).startswith(
        "still busy after 0 s with PASS ******, NOOP\n"
    )


def test_clear_forgets_all_but_open_sessions(story: Story) -> None:
    """After `clear` there are no commands, transfers, failures or events, and only the open sessions."""
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
    """Later commands of an open session are recorded, and its end too; replies to forgotten commands are ignored."""
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
    assert "RETR" in failure_of(lambda: story.log.wait_idle(timeout=0))

    story.move(number, 2)
    story.shut(number, payload_of(b"ab"))

    assert [(record.size, record.completed) for record in story.log.transfers] == [(2, True)]
    story.log.wait_idle(timeout=0)


def test_the_content_of_a_transfer(story: Story) -> None:
    """`content` has the bytes at the end, before and after the digest was read; while it runs it is an error."""
    story.connect()
    number = story.command("RETR /a")
    story.open(number, "/a")
    transfer = story.log.transfers[0]
    with pytest.raises(ServerStateError, match=r"^the download of /a runs: call server\.wait_idle\(\) first$"):
        _ = transfer.content
    assert transfer.kept_content is None

    story.shut(number, payload_of(b"abc", memoryview(b"defg")))

    assert transfer.content == b"abcdefg"
    assert transfer.sha256 == hashlib.sha256(b"abcdefg").hexdigest()
    assert transfer.content == b"abcdefg"
