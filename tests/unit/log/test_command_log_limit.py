"""A log with a limit: it forgets the oldest events, and no assertion passes because of that."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import pytest

from ftpfixture import ConfigurationError, FtpServer
from ftpfixture.errors import ServerStateError
from tests.support.story import Story, failure_of, payload_of

LIMIT = 100


@pytest.fixture
def story() -> Story:
    """A story whose log keeps few events."""
    return Story(limit=LIMIT)


def test_the_oldest_is_forgotten(story: Story) -> None:
    """At least the limit and at most a quarter more is kept, of the newest; ended sessions go with their commands."""
    story.login(1)
    story.disconnect(1)
    story.login(2)
    sizes = []
    for number in range(500):
        story.say(f"SIZE /{number}", "213", 2)
        sizes.append(len(story.log.events))

    assert max(sizes) == LIMIT + LIMIT // 4
    assert min(sizes[LIMIT:]) >= LIMIT
    assert story.log.commands[-1].argument == "/499"
    assert len(story.log.commands) + story.log.forgotten == 504
    assert [(record.number, record.user) for record in story.log.sessions] == [(2, "ann")]
    assert story.log.transcript().startswith(f"(the first {story.log.forgotten} commands are forgotten: log_limit)\n")


def test_running_transfers_are_kept(story: Story) -> None:
    """A running transfer is counted to its end, with any number of events meanwhile."""
    story.login()
    number = story.command("RETR /a.bin")
    story.open(number)
    for _ in range(LIMIT):
        story.say("NOOP", "200")
    story.move(number, 2)
    assert story.log.is_busy

    story.shut(number, payload_of(b"ab"))
    story.reply("226", to=number)

    assert [(record.size, record.completed) for record in story.log.transfers] == [(2, True)]
    story.log.assert_transferred("/a.bin", content=b"ab")
    story.log.assert_sent("RETR /a.bin -> 226")
    for _ in range(LIMIT):
        story.say("NOOP", "200")
    assert story.log.transfers == []


def test_assertions_about_all_commands_are_errors(story: Story) -> None:
    """They could pass because a command is forgotten; an assertion about one command works, and its text has a note."""
    story.login()
    story.say("DELE /a", "250")
    for _ in range(LIMIT):
        story.say("NOOP", "200")
    log = story.log
    checks: list[Callable[[], object]] = [
        lambda: log.assert_not_sent("DELE"),
        lambda: log.assert_sent("NOOP", times=1),
        lambda: log.assert_sent("NOOP", at_most=1),
        log.assert_no_commands,
        lambda: log.assert_order("NOOP", before="NOOP"),
        lambda: log.assert_exactly(["NOOP"]),
        log.assert_nothing_after_error,
        log.assert_all_quit,
        lambda: log.assert_sessions(1),
        log.assert_encrypted,
        log.assert_active,
        log.assert_passive,
        lambda: log.assert_waited(between=("NOOP", "NOOP"), at_least=0),
        lambda: log.assert_round_trips(at_most=1),
        lambda: log.assert_uploads({"/a": b""}),
        lambda: log.assert_downloads({"/a": b""}),
        log.assert_no_path_transferred_twice,
        log.assert_uploaded_atomically,
        log.advice,
    ]
    for check in checks:
        with pytest.raises(ServerStateError, match=r"the log has forgotten \d+ of them: give the server a larger"):
            check()
    log.assert_sent("NOOP")
    assert "commands are forgotten: log_limit)\n" in failure_of(lambda: log.assert_sent("DELE"))

    log.clear()
    story.say("NOOP", "200")

    log.assert_not_sent("DELE")
    assert log.forgotten == 0


def test_the_memory_of_a_limited_log_does_not_grow(story: Story) -> None:
    """After the limit, ten times as many commands take no more memory."""

    def speak(count: int) -> int:
        for _ in range(count):
            story.say("NOOP", "200")
        return tracemalloc.get_traced_memory()[0]

    story.connect()
    tracemalloc.start()
    try:
        before = speak(10 * LIMIT)
        assert speak(100 * LIMIT) < before + 100 * LIMIT  # one byte for each would fail this
    finally:
        tracemalloc.stop()


def test_the_setting() -> None:
    """`log_limit` of a server; a wrong one is refused."""
    with FtpServer(log_limit=LIMIT) as server:
        assert server.log.forgotten == 0
    with pytest.raises(ConfigurationError, match="log_limit takes a whole number, 1 or more, or None for all, not 0"):
        FtpServer(log_limit=0)
