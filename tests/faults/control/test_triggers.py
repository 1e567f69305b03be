"""The commands to which a fault applies, how often, and two faults on one command."""

from __future__ import annotations

import pytest

from ftpfixture import FtpServer
from tests.support.lab import BIG, Lab
from tests.support.witness import Witness, shown

pytestmark = pytest.mark.parametrize("lab", ["clear", "explicit"], indirect=True)


def answers(client: Witness, *lines: str) -> str:
    """The codes of the replies to lines, one after another."""
    return " ".join(client.code(line) for line in lines)


# Which of the matching commands.


@pytest.mark.parametrize(
    ("trigger", "codes"),
    [
        ("", "500 500 500 500 500 500"),
        ("#1", "500 200 200 200 200 200"),
        ("#2", "200 500 200 200 200 200"),
        ("#1,3", "500 200 500 200 200 200"),
        ("times=2", "500 500 200 200 200 200"),
        ("skip=2", "200 200 500 500 500 500"),
        ("skip=2 times=1", "200 200 500 200 200 200"),
        ("every=2", "200 500 200 500 200 500"),
        ("every=2 times=2", "200 500 200 500 200 200"),
        ("skip=1 every=2", "200 200 500 200 500 200"),
    ],
)
def test_which(lab: Lab, trigger: str, codes: str) -> None:
    """Matching commands are counted, and the fault happens to these."""
    client = lab.enter(f"NOOP {trigger}: answer 500")
    assert answers(client, *["NOOP"] * 6) == codes
    assert len(client.applied) == codes.count("500")


def test_counting_includes_all_sessions(lab: Lab) -> None:
    """The second command is the second of the server, in any session."""
    lab.add("NOOP #2: answer 500")
    first, second = lab.enter(), lab.enter()
    assert [first.code("NOOP"), second.code("NOOP"), first.code("NOOP")] == ["200", "500", "200"]
    assert (first.applied, len(second.applied)) == ([], 1)


def test_each_server_counts_separately(lab: Lab, ftp_server: FtpServer) -> None:
    """A fault that was added to two servers happens on both."""
    fault = "NOOP #2: answer 500"
    client = lab.enter(fault)
    ftp_server.faults.add(fault)
    with Witness(ftp_server) as other:
        other.login()
        assert [client.code("NOOP"), other.code("NOOP"), client.code("NOOP"), other.code("NOOP")] == [
            "200",
            "200",
            "500",
            "500",
        ]


def test_fail_twice_then_succeed(lab: Lab) -> None:
    """A test of retries: two temporary errors, each different, and then success."""
    client = lab.enter("STOR #1: answer 450 Busy", "STOR #2: answer 452 Full")
    data = client.begin("STOR new.txt")
    assert shown(client.reply()) == "450 Busy"
    assert shown(client.ask("STOR new.txt")) == "452 Full"
    client.send("STOR new.txt")
    data.send(b"new")
    data.finish()
    assert client.codes(2) == ["150", "226"]
    assert lab.server.files["/new.txt"] == b"new"


def test_the_login_fails_twice_in_two_sessions(lab: Lab) -> None:
    """A sequence may use several connections: closed at once, reset, then a login."""
    lab.add("CONNECT #1: close", "CONNECT #2: reset")
    assert lab.connect_before_it_is_accepted().end() == "in order"
    assert lab.connect_before_it_is_accepted().end() == "reset"
    assert lab.enter().code("NOOP") == "200"


@pytest.mark.parametrize(("part", "hits"), [("0%", 0), ("100%", 40)])
def test_certain_probabilities(lab: Lab, part: str, hits: int) -> None:
    """0 is never, and 1 is always."""
    client = lab.enter(f"NOOP probability={part} optional: answer 500")
    assert answers(client, *["NOOP"] * 40).count("500") == hits


def test_probability(lab: Lab) -> None:
    """A seed selects the same commands in every run, another seed other commands; about the part that was given."""

    def run(seed: int) -> str:
        lab.server.faults.clear()
        return answers(lab.enter(f"NOOP probability=30% seed={seed}: answer 500"), *["NOOP"] * 100)

    first, again, other = run(1), run(1), run(2)
    assert first == again != other
    assert 15 < first.count("500") < 45


# What matches.


@pytest.mark.parametrize(
    ("fault", "hit", "missed"),
    [
        ("SIZE a.txt: not_implemented", ["SIZE a.txt"], ["SIZE b.txt", "SIZE dir/../a.txt.gz"]),
        ("SIZE /a.txt: not_implemented", ["SIZE a.txt", "SIZE /a.txt", "SIZE dir/../a.txt"], ["SIZE b.txt"]),
        ("SIZE *.txt: not_implemented", ["SIZE a.txt", "SIZE /b.txt"], ["SIZE big.bin"]),
        ("SIZE /dir/*: not_implemented", ["SIZE dir/x", "SIZE /dir/a/b"], ["SIZE a.txt", "SIZE dir"]),
        ("SIZE [ab].txt: not_implemented", ["SIZE a.txt", "SIZE b.txt"], ["SIZE c.txt"]),
        ("SIZE|MDTM: not_implemented", ["SIZE a.txt", "MDTM a.txt"], ["NOOP"]),
        ("* a.txt: not_implemented", ["SIZE a.txt", "MDTM a.txt", "DELE a.txt"], ["SIZE b.txt", "NOOP"]),
        ("CWD ..: not_implemented", ["CWD .."], ["CWD /"]),
        ("CWD /: not_implemented", ["CWD ..", "CWD /", "CWD dir/.."], ["CWD dir"]),
        ("SITE HELP*: not_implemented", ["SITE HELP", "SITE HELP CHMOD"], ["SITE CHMOD 644 a.txt"]),
    ],
)
def test_verbs_and_paths(lab: Lab, fault: str, hit: list[str], missed: list[str]) -> None:
    """A path is the argument as sent, or the absolute path that it means; both may match a shell pattern."""
    client = lab.enter(fault)
    assert answers(client, *hit) == " ".join(["502"] * len(hit))
    assert "502" not in answers(client, *missed)


def test_relative_paths(lab: Lab) -> None:
    """A relative path is resolved from the working directory."""
    client = lab.enter("SIZE /dir/a.txt: not_implemented")
    assert answers(client, "SIZE a.txt", "CWD dir", "SIZE a.txt", "SIZE ../a.txt") == "213 250 502 213"


@pytest.mark.lab(users={"ann": "a", "bob": "b", "user": "password"})
def test_users(lab: Lab) -> None:
    """Only the commands of this user, from USER on; USER matches by its argument."""
    lab.add("* user=bo*: not_implemented")
    client = lab.visit()
    assert answers(client, "NOOP", "USER ann", "PASS a", "NOOP", "USER bob", "NOOP") == "200 331 230 200 502 200"
    lab.server.faults.clear()
    assert answers(client, "USER bob", "PASS b") == "331 230"
    lab.add("NOOP user=bob: not_implemented", "USER user=ann: deny")
    assert answers(client, "NOOP", "USER ann", "NOOP", "USER user", "NOOP") == "502 550 502 331 200"


def test_sessions(lab: Lab) -> None:
    """Only the session with this number."""
    lab.add("NOOP session=2: not_implemented")
    clients = [lab.enter() for _ in range(3)]
    assert [client.code("NOOP") for client in clients] == ["200", "502", "200"]
    assert [client.number for client in clients] == [1, 2, 3]


def test_types(lab: Lab) -> None:
    """Only while this TYPE is in force."""
    client = lab.enter("SIZE type=A: not_implemented")
    assert answers(client, "SIZE a.txt", "TYPE A", "SIZE a.txt", "TYPE I", "SIZE a.txt") == "213 200 502 200 213"


def test_since_and_until(lab: Lab) -> None:
    """Only in this time after the start of the server."""
    lab.clock.freeze()
    client = lab.enter("NOOP since=100 until=200: not_implemented")
    codes = []
    for seconds in (0, 101, 98, 2):
        lab.clock.move(seconds)
        codes.append(client.code("NOOP"))
    assert codes == ["200", "502", "502", "200"]


def test_a_line_that_is_too_long(lab: Lab) -> None:
    """It is a command without a verb."""
    client = lab.enter("* #1: answer 421 Enough")
    client.send("A" * 10_000)
    assert shown(client.reply()) == "421 Enough"
    assert client.code("NOOP") == "200"


# Happening once.


@pytest.mark.parametrize(
    ("word", "changed", "healthy"),
    [
        ("no_reply", b"", b"226 Transfer complete\r\n"),
        ("reply 451 Oh", b"451 Oh\r\n", b"226 Transfer complete\r\n"),
        ("repeat_reply", b"226 Transfer complete\r\n" * 2, b"226 Transfer complete\r\n"),
        ("say 299 Hm", b"226 Transfer complete\r\n299 Hm\r\n", b"226 Transfer complete\r\n"),
        ("close phase=before_reply", b"", b"226 Transfer complete\r\n"),
        ("delay 1 phase=before_close", b"226 Transfer complete\r\n", b"226 Transfer complete\r\n"),
    ],
)
def test_two_sessions_race(lab: Lab, word: str, changed: bytes, healthy: bytes) -> None:
    """A fault with `times(1)` happens to the session that reaches its moment first, and to no other."""
    [armed] = lab.add(f"RETR times=1: {word}")
    slow, fast = lab.enter(), lab.enter()
    slow_data, fast_data = slow.begin("RETR big.bin"), fast.begin("RETR big.bin")
    assert [slow.reply().code, fast.reply().code] == ["150", "150"]
    assert armed.fired == 0
    assert fast_data.rest().content == BIG
    assert fast.read(len(changed)) == changed
    lab.wait_applied()
    assert slow_data.rest().content == BIG
    assert slow.read(len(healthy)) == healthy
    assert (len(fast.applied), slow.applied, armed.fired) == (1, [], 1)


@pytest.mark.parametrize("word", ["slice 3 pause=1", "delay_to_next", "stall phase=before_reply"])
def test_two_sessions_race_for_what_takes_time(lab: Lab, word: str) -> None:
    """While it happens to one session, the other matching session continues normally."""
    [armed] = lab.add(f"ABOR times=1: {word}")
    lab.add("ABOR: delay 1")
    lab.clock.freeze()
    first, second = lab.enter(), lab.enter()
    first.send("ABOR")
    lab.wait_applied()
    second.send("ABOR")
    lab.wait_applied(2)
    assert armed.fired == 0
    lab.clock.move(1)
    assert second.piece() == b"226 Nothing to abort\r\n"
    assert armed.fired == 1
    assert len(first.applied) == 2
    assert len(second.applied) == 1


# Two faults on one command.


@pytest.mark.parametrize(
    ("faults", "content"),
    [
        (["NOOP: answer 500 a", "NOOP optional: answer 501 b"], b"500 a\r\n"),
        (["NOOP: ignore", "NOOP optional: answer 501 b"], b""),
        (["NOOP: answer 501 b", "NOOP optional: ignore"], b"501 b\r\n"),
        (["NOOP: reply 201 a", "NOOP: reply 202 '{text} b'"], b"202 a b\r\n"),
        (["NOOP: reply 202 '{text} b'", "NOOP: reply 201 a"], b"201 a\r\n"),
        (["NOOP: answer 500 a", "NOOP: reply 501 '{text} b'"], b"501 a b\r\n"),
        (["NOOP: answer 500 a", "NOOP: repeat_reply"], b"500 a\r\n500 a\r\n"),
        (["NOOP: repeat_reply", "NOOP: garble"], b"300 Nothing done\r\n300 Nothing done\r\n"),
        (["NOOP: repeat_reply", "NOOP: repeat_reply"], b"200 Nothing done\r\n" * 4),
        (["NOOP: no_reply", "NOOP: say 299 a"], b"299 a\r\n"),
        (["NOOP: no_reply", "NOOP: repeat_reply"], b""),
        (["NOOP: say 298 a", "NOOP: say 299 b"], b"200 Nothing done\r\n298 a\r\n299 b\r\n"),
        (["NOOP: say 299 b", "NOOP: say 298 a"], b"200 Nothing done\r\n299 b\r\n298 a\r\n"),
        (["NOOP: say 299 b", "NOOP: say 298 a phase=command"], b"298 a\r\n200 Nothing done\r\n299 b\r\n"),
        (["NOOP: no_reply; say 299 b phase=before_reply"], b"299 b\r\n"),
        (["NOOP: reply 201 a; say 299 b; repeat_reply"], b"201 a\r\n201 a\r\n299 b\r\n"),
        (["NOOP: reply_raw b'2'", "NOOP: say_raw b'00\\r\\n'"], b"200\r\n"),
        (["*: reply 201 a", "NOOP: reply 202 '{text}{text}'"], b"202 aa\r\n"),
    ],
    ids=lambda value: " + ".join(value) if isinstance(value, list) else "",
)
def test_two_faults(lab: Lab, faults: list[str], content: bytes) -> None:
    """They happen in the order in which they were added; of two that replace the command, the first does."""
    client = lab.enter(*faults)
    client.send("NOOP")
    assert client.read(len(content)) == content
    happen = [fault for fault in faults if "optional" not in fault]
    lab.wait_applied(len(happen))
    assert sorted(client.applied) == sorted(happen)
    lab.server.faults.clear()
    assert client.until_noop() == []


def test_a_delay_and_an_end(lab: Lab) -> None:
    """A delay before the end delays it, a delay after it does not."""
    client, other = lab.enter(), lab.enter()
    lab.add("PWD: delay 5", "PWD: close", "SYST: close", "SYST: delay 5")
    lab.clock.freeze()
    other.send("SYST")
    assert other.end() == "in order"
    client.send("PWD")
    lab.wait_applied(2)
    assert client.is_silent()
    lab.clock.move(5)
    assert client.end() == "in order"


def test_slices_of_changed_replies(lab: Lab) -> None:
    """All bytes that are sent at once are split into pieces."""
    client = lab.enter("NOOP: slice 10 pause=1", "NOOP: reply 201 abc", "NOOP: say 299 def")
    lab.clock.freeze()
    client.send("NOOP")
    for expected in (b"201 abc\r\n2", b"99 def\r\n"):
        assert client.piece() == expected
        lab.clock.move(1)


def test_slices_of_held_replies(lab: Lab) -> None:
    """A held reply is sent in pieces with the reply that is sent in pieces."""
    client = lab.enter("CWD: delay_to_next", "NOOP: slice 40 pause=1")
    lab.clock.freeze()
    client._put(b"CWD dir\r\nNOOP\r\n")
    assert client.piece() == b"250 Directory changed to /dir\r\n200 Nothi"
    lab.clock.move(1)
    assert client.piece() == b"ng done\r\n"


def test_one_fault_on_the_data_and_one_on_the_reply(lab: Lab) -> None:
    """The file is truncated, and the other fault changes the reply."""
    client = lab.enter("RETR: truncate after_bytes=3", "RETR: reply 250 'All of it'")
    data = client.begin("RETR a.txt")
    assert data.rest().content == b"hel"
    assert client.replies(2)[1] == "250 All of it"


def test_added_and_removed_faults(lab: Lab) -> None:
    """An added fault applies from the next command on, a removed fault does not."""
    client = lab.enter()
    assert client.code("NOOP") == "200"
    with lab.server.faults("NOOP: answer 500"):
        assert client.code("NOOP") == "500"
    assert client.code("NOOP") == "200"
