"""The faults of a server as tests handle them: add, take away, and see that they happened."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing

import pytest

from ftpfixture import ConfigurationError, Connection, Fault, FtpServer, Server, ServerFailure, on
from ftpfixture.faults.active import ActiveFault
from ftpfixture.log.events import CommandReceived, FaultApplied, ReplySent
from ftpfixture.testing import faults as faults_module
from tests.support.raw import RawClient
from tests.support.rows import table

OFF = on("NOOP").not_implemented()


def _codes(server: FtpServer, *lines: str) -> list[str]:
    """The codes that a session of these lines gets, behind its greeting."""
    with RawClient(server.address) as client:
        client.reply()
        return [client.code(line) for line in lines]


def _failure(check: Callable[[], object]) -> str:
    with pytest.raises(AssertionError) as caught:
        check()
    return str(caught.value)


# Adding and taking away.


@table("fault", [OFF, "NOOP: not_implemented"])
def test_adding(fault: Fault | str) -> None:
    """Both forms act on the next command of every session, those that live already too, until they are taken away."""
    with FtpServer() as server, RawClient(server.address) as client:
        client.reply()
        assert client.code("NOOP") == "200"

        armed = server.faults.add(fault)

        assert [client.code("NOOP"), *_codes(server, "NOOP")] == ["502", "502"]
        assert (armed.fault, armed.fired, armed.seen) == (OFF, 2, 2)
        assert server.faults.active == [armed]
        server.faults.remove(armed)
        assert client.code("NOOP") == "200"
        assert server.faults.active == []


def test_faults_act_in_the_order_in_which_they_were_added() -> None:
    """Of two answers to one command the first counts; then, when that is spent, the second."""
    with FtpServer() as server:
        server.faults.add("NOOP times=1: answer 500")
        server.faults.add("NOOP: answer 501")

        assert _codes(server, "NOOP", "NOOP") == ["500", "501"]


def test_the_same_fault_twice_is_two() -> None:
    """Each that was added counts for itself, and is taken away by itself."""
    with FtpServer() as server:
        first, second = (
            server.faults.add("NOOP times=1: not_implemented"),
            server.faults.add("NOOP times=1: not_implemented"),
        )
        server.faults.remove(second, second)

        assert _codes(server, "NOOP", "NOOP") == ["502", "200"]
        assert (first.fired, second.fired) == (1, 0)


def test_clearing() -> None:
    """After `clear` nothing goes wrong, and the faults that there were need not happen."""
    with FtpServer(faults=["NOOP: not_implemented", "PWD #2: not_implemented"]) as server:
        server.faults.clear()

        assert _codes(server, "NOOP") == ["200"]
        assert server.faults.active == []
        server.faults.check()


@table(
    ("fault", "text"),
    [
        (
            "NOOP: not_implementd",
            "unknown word 'not_implementd': did you mean 'not_implemented'?\n"
            "    NOOP: not_implementd\n          ^^^^^^^^^^^^^^",
        ),
        (
            "NOOOP: not_implemented",
            "on('NOOOP').not_implemented(): the server has no command 'NOOOP': did you mean 'NOOP'? "
            "(write '?NOOOP' for a command that no server knows)",
        ),
        (
            on("NOOP").refuse_data(),
            "on('NOOP').refuse_data(): it can happen only with EPRT, EPSV, PASV, PORT, not with NOOP",
        ),
        (on("NOOP"), "on('NOOP') does not say what goes wrong: add a word, such as .drop_data()"),
        (on("NOOP").nth(2), "on('NOOP').nth(2) does not say what goes wrong: add a word, such as .drop_data()"),
        (5, "5 is no fault: use on('RETR').drop_data(), or text 'RETR: drop_data'"),
        (
            ["NOOP: not_implemented"],
            "['NOOP: not_implemented'] is no fault: use on('RETR').drop_data(), or text 'RETR: drop_data'",
        ),
    ],
)
def test_what_cannot_happen_is_refused(fault: str, text: str) -> None:
    """What is no fault, or can never happen, is an error of whoever adds it, in every place; nothing is added."""
    server = FtpServer()
    ways: list[Callable[[], object]] = [
        lambda: server.faults.add(fault),
        lambda: ExitStack().enter_context(server.faults("PWD: not_implemented", fault)),
        lambda: FtpServer(faults=["PWD: not_implemented", fault]),
    ]
    for way in ways:
        with pytest.raises(ConfigurationError) as caught:
            way()
        assert str(caught.value) == text
    assert server.faults.active == []


def test_commands_of_ones_own_can_go_wrong() -> None:
    """A command that only this server has is one, and may do what it likes."""

    class Own(Server):
        async def coll(self, connection: Connection, rest: str) -> bool:
            """COLL: answer."""
            connection.response("200", "ok")
            return True

    with FtpServer(server_class=Own, faults=["COLL #2: answer 450; drop_data"]) as server:
        assert _codes(server, "COLL", "COLL") == ["200", "450"]


def test_faults_in_many_threads() -> None:
    """Threads add and remove at once while sessions run; each gets what is its own, and nothing is left or lost."""
    count = 8
    with FtpServer() as server, ExitStack() as stack:
        clients = [stack.enter_context(RawClient(server.address)) for _ in range(count)]
        errors: list[BaseException] = []
        gate = threading.Barrier(count)

        def work(number: int) -> None:
            try:
                client = clients[number]
                client.reply()
                gate.wait()
                for _ in range(25):
                    armed = server.faults.add(on(f"XT{number}", "NOOP", path=f"*{number}*").answer(500 + number))
                    assert client.code(f"NOOP {number}") == str(500 + number)
                    server.faults.remove(armed)
                    assert client.code(f"NOOP {number}") == "200"
                    assert armed.fired == 1
            except BaseException as error:
                errors.append(error)

        server.faults._verbs |= {f"XT{number}" for number in range(count)}  # type: ignore[operator]
        threads = [threading.Thread(target=work, args=[number]) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert errors == []
        assert server.faults.active == []
        assert len(server.faults.fired) == 25 * count


# From the first octet.


@table(
    "faults",
    [
        ["CONNECT: answer 220 spoilt"],
        "CONNECT: answer 220 spoilt",
        on("CONNECT").answer(220, "spoilt"),
        (on("CONNECT").answer(220, "spoilt"),),
        json.loads('["CONNECT: answer 220 spoilt"]'),
    ],
)
def test_the_greeting_is_under_the_fault(faults: list[Fault | str]) -> None:
    """What is given to the server is there before anybody can connect."""
    with FtpServer(faults=faults) as server:
        for _ in range(3):
            with RawClient(server.address) as client:
                assert client.reply().text == "spoilt"
        server.faults.assert_fired(times=3)


def test_a_connection_that_waits_is_under_the_fault() -> None:
    """Whoever connected while the server was paused meets the faults that were added meanwhile."""
    with FtpServer() as server:
        server.pause()
        with closing(socket.create_connection(server.address, 5)) as sock:
            server.faults.add("CONNECT #1: answer 421 busy")
            server.resume()
            assert sock.recv(100) == b"421 busy\r\n"


def test_faults_outlive_a_restart() -> None:
    """A restart changes neither faults nor counts; what happens once has happened."""
    with FtpServer(faults=["NOOP times=1: not_implemented", "PWD #2: deny"]) as server:
        assert _codes(server, "NOOP", "PWD") == ["502", "530"]
        server.restart()
        assert _codes(server, "NOOP", "PWD") == ["200", "550"]


def test_servers_have_faults_of_their_own() -> None:
    """One fault, given to two servers, counts in each for itself."""
    fault = on("NOOP").times(1).not_implemented()
    with FtpServer(faults=[fault]) as one, FtpServer(faults=[fault]) as two:
        assert _codes(one, "NOOP", "NOOP") == ["502", "200"]
        assert two.faults.active[0].fired == 0
        assert _codes(two, "NOOP", "NOOP") == ["502", "200"]


# For a while.


def test_a_context_of_faults() -> None:
    """Things go wrong inside the context and nowhere else; what was added otherwise stays."""
    with FtpServer(faults=["PWD: deny"]) as server:
        with server.faults(OFF, "SYST: not_implemented") as armed:
            assert _codes(server, "NOOP", "SYST", "PWD") == ["502", "502", "550"]
            assert [one.fired for one in armed] == [1, 1]
        assert _codes(server, "NOOP", "SYST", "PWD") == ["200", "215", "550"]


def test_a_context_whose_fault_never_happened() -> None:
    """Leaving the context raises, and takes its faults away all the same."""
    with FtpServer() as server:
        with pytest.raises(AssertionError, match="NOOP was seen 1 time"), server.faults("NOOP #2: not_implemented"):
            _codes(server, "NOOP")
        assert server.faults.active == []


def test_a_context_whose_fault_need_not_happen() -> None:
    """An optional fault is no reason to fail."""
    with FtpServer() as server, server.faults("NOOP optional: not_implemented"):
        _codes(server, "PWD")


def test_a_context_that_fails_otherwise() -> None:
    """What was raised inside is what is seen, and the faults are gone."""
    with FtpServer() as server:
        with pytest.raises(ZeroDivisionError), server.faults(OFF):
            raise ZeroDivisionError
        assert server.faults.active == []


# What happened.


def test_what_happened_is_told_in_order() -> None:
    """Each time is one event of its command and session, before the reply; the record has it, and so has the text."""
    with FtpServer(faults=["CONNECT #2: delay 0", "NOOP: not_implemented", "*: delay 0"]) as server:
        _codes(server, "NOOP")
        _codes(server, "SYST")

        told = [(event.session, event.fault) for event in server.faults.fired]
        assert told == [
            (1, "*: delay 0"),
            (1, "*: delay 0"),
            (1, "NOOP: not_implemented"),
            (2, "CONNECT #2: delay 0"),
            (2, "*: delay 0"),
            (2, "*: delay 0"),
        ]
        assert [record.faults for record in server.log.commands] == [
            ["*: delay 0", "NOOP: not_implemented"],
            ["*: delay 0"],
        ]
        record = server.log.commands[0]
        kinds = (CommandReceived, FaultApplied, ReplySent)
        order = [event for event in server.log.events if isinstance(event, kinds) and event.session == 1][2:]
        assert [type(event) for event in order] == [CommandReceived, FaultApplied, FaultApplied, ReplySent]
        assert [event.command_seq for event in server.faults.fired if event.fault == "NOOP: not_implemented"] == [
            record.seq
        ]
        assert "! NOOP: not_implemented\n" in server.log.transcript()


def test_no_text_shows_a_password() -> None:
    """A fault for one password is compared with what comes; events, records, misses and errors star both."""
    with FtpServer(users={"ann": "dragon"}) as server:
        server.faults.add("PASS dragon: answer 530 no")
        missing = server.faults.add("PASS tiger optional: answer 530 no")

        assert _codes(server, "USER ann", "PASS dragon", "PASS wyvern") == ["331", "530", "530"]

        texts = [
            server.log.transcript(),
            repr(server.faults),
            repr(server.faults.active),
            repr(server.faults.fired),
            repr(server.log.commands),
            str([record.faults for record in server.log.commands]),
            _failure(lambda: server.faults.assert_fired(missing)),
            _failure(lambda: server.faults.assert_fired(times=9)),
        ]
        with pytest.raises(ConfigurationError) as caught:
            server.faults.assert_fired("PASS basilisk: not_implemented")
        texts.append(str(caught.value))
        assert not [text for text in texts for secret in ("dragon", "tiger", "wyvern", "basilisk") if secret in text]
        assert "! PASS ******: answer 530 no" in texts[0]


# Assertions.


def test_assert_fired() -> None:
    """All that are not optional must have happened, at least once or exactly so often."""
    with FtpServer(
        faults=["NOOP: not_implemented", "PWD: not_implemented", "SYST optional: not_implemented"]
    ) as server:
        assert _failure(server.faults.assert_fired).startswith(
            "on('NOOP').not_implemented() happened 0 times: no command was seen\n"
            "on('PWD').not_implemented() happened 0 times: no command was seen\n\n(no client connected)"
        )
        _codes(server, "NOOP", "PWD")
        server.faults.assert_fired()
        server.faults.assert_fired(times=1)
        _codes(server, "NOOP")
        server.faults.assert_fired()
        assert _failure(lambda: server.faults.assert_fired(times=1)).startswith(
            "on('NOOP').not_implemented() happened 2 times (expected 1 time): NOOP was seen 2 times\n\nsession 1\n"
        )


@table("form", ["armed", "fault", "text"])
def test_assert_fired_of_one(form: str) -> None:
    """One fault is asked for by what `add` gave, by itself or as text; then it counts even if it is optional."""
    with FtpServer(faults=["PWD optional: not_implemented"]) as server:
        armed = server.faults.add("NOOP optional: not_implemented")
        forms: dict[str, ActiveFault | Fault | str] = {
            "armed": armed,
            "fault": armed.fault,
            "text": "NOOP optional: not_implemented",
        }
        fault = forms[form]
        text = "on('NOOP').optional().not_implemented() happened 0 times"

        assert text in _failure(lambda: server.faults.assert_fired(fault))
        assert text + " (expected 2 times)" in _failure(lambda: server.faults.assert_fired(fault, times=2))
        server.faults.assert_fired(fault, times=0)
        _codes(server, "NOOP", "NOOP")
        server.faults.assert_fired(fault)
        server.faults.assert_fired(fault, times=2)


def test_assert_fired_of_one_that_is_not_there() -> None:
    """To ask for a fault that was never added is a mistake, and no failed assertion."""
    with FtpServer() as server:
        armed = server.faults.add(OFF)
        server.faults.remove(armed)
        for fault in (OFF, armed, "PWD: not_implemented"):
            with pytest.raises(ConfigurationError, match="was never added, or was removed: add one first, as in"):
                server.faults.assert_fired(fault)


@table(
    ("faults", "text"),
    [
        (
            [],
            "assert_fired() asserts nothing, because the server has no faults: add one first, as in faults.add(",
        ),
        (["PWD optional: reset"], "assert_fired() asserts nothing, because all faults are optional: name one"),
    ],
)
def test_assert_fired_of_nothing(faults: list[str], text: str) -> None:
    """Without a fault that must happen there is nothing to assert, which is an error."""
    with FtpServer(faults=faults) as server:
        for times in (None, 1):
            with pytest.raises(ConfigurationError, match=re.escape(text)):
                server.faults.assert_fired(times=times)
        server.faults.check()


def test_a_context_without_faults() -> None:
    """A context that changes nothing is an error."""
    with (
        FtpServer() as server,
        pytest.raises(ConfigurationError, match="changes nothing: use faults\\('RETR: drop_data"),
    ):
        server.faults().__enter__()


def test_assert_fired_names_the_faults_there_are() -> None:
    """An unknown fault is an error that names those of the server."""
    wrong = pytest.raises(ConfigurationError, match=re.escape("was removed: there are on('NOOP')"))
    with FtpServer(faults=[OFF.optional()]) as server, wrong:
        server.faults.assert_fired("PWD: reset")


def test_a_failed_assertion_shows_all_there_is_to_know() -> None:
    """The text has the line that makes the fault, what came nearest, and the whole dialogue."""
    with FtpServer(faults=[on("CWD", path="/in*").nth(2).not_implemented()]) as server:
        _codes(server, "CWD /in", "CWD /out")

        message = _failure(server.faults.assert_fired)
        server.faults.clear()

    first, empty, *dialogue = message.split("\n")
    assert first == (
        "on('CWD', path='/in*').nth(2).not_implemented() happened 0 times: "
        "CWD was seen 1 time, the fault waits for the 2nd"
    )
    assert empty == ""
    assert dialogue[0] == "session 1"
    assert [line[10:] for line in dialogue if ">" in line] == ["> CWD /in", "> CWD /out"]


def test_assert_fired_waits_for_what_is_going_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """What follows a reply, and what was sent and not yet read, still counts."""
    monkeypatch.setattr(faults_module, "_PATIENCE", 20)
    with FtpServer(faults=["QUIT: not_implemented"]) as server, RawClient(server.address) as client:
        client.reply()
        timer = threading.Timer(0.05, lambda: client.send("QUIT"))
        timer.start()

        server.faults.assert_fired()

        timer.join()
        client.close()


def test_assert_fired_does_not_wait_when_all_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """When nobody is connected nothing can happen any more."""
    monkeypatch.setattr(faults_module, "_PATIENCE", 50)  # with it the test would not end in time
    with FtpServer(faults=["QUIT: not_implemented"]) as server:
        _codes(server, "PWD")

        assert "PWD was seen, but the fault is for QUIT" in _failure(server.faults.assert_fired)
        server.faults.clear()


# The end of a server.


def test_leaving_the_server_with_a_fault_that_never_happened() -> None:
    """The context of the server raises, and the server is stopped."""
    server = FtpServer(faults=["NOOP: not_implemented"])

    with pytest.raises(AssertionError, match="no command was seen"), server:
        pass
    assert repr(server) == "<FtpServer not running>"


def test_leaving_the_server_with_an_optional_fault() -> None:
    """An optional fault is no reason to raise."""
    with FtpServer(faults=["NOOP optional: not_implemented"]):
        pass


def test_leaving_the_server_with_an_error() -> None:
    """When something else is in flight, that is what is seen."""
    server = FtpServer(faults=["NOOP: not_implemented"])

    with pytest.raises(ZeroDivisionError), server:
        raise ZeroDivisionError
    assert repr(server) == "<FtpServer not running>"


def test_what_failed_in_the_server_goes_first() -> None:
    """A fault may never have happened because the server failed: that is what is told."""

    class Broken(Server):
        async def boom(self, connection: Connection, rest: str) -> bool:
            """BOOM: fail."""
            raise RuntimeError("boom")

    server = FtpServer(server_class=Broken, faults=["BOOM: reply 200", "NOOP: not_implemented"])

    with pytest.raises(ServerFailure, match="BOOM raised RuntimeError: boom"), server:
        _codes(server, "BOOM")
    assert repr(server) == "<FtpServer not running>"


def test_stopping_a_server_asks_for_nothing() -> None:
    """`start` and `stop` leave it to the test to assert."""
    server = FtpServer(faults=["NOOP: not_implemented"])
    server.start()
    server.stop()
    assert [armed.fired for armed in server.faults.active] == [0]


# Waiting.


@table(
    "fault",
    ["NOOP: ignore", "NOOP: no_reply", "NOOP: delay_to_next", "NOOP: half_close", "NOOP: stall", "NOOP: reply 150"],
)
def test_nobody_waits_for_a_reply_that_never_comes(fault: str) -> None:
    """The server is idle when all that it still owes is kept back on purpose."""
    with FtpServer(faults=[fault]) as server, RawClient(server.address) as client:
        client.reply()
        client.send("NOOP")
        server.log.wait_for(lambda event: isinstance(event, FaultApplied))

        server.wait_idle()

        assert server.log.commands[0].reply_withheld
        assert server.log.commands[0].code == ""


def test_after_a_half_close_nothing_is_answered() -> None:
    """Commands behind the one that lost the way back keep nobody waiting either."""
    with FtpServer(faults=["NOOP: half_close"]) as server, RawClient(server.address) as client:
        client.reply()
        client.send("NOOP")
        client.send("PWD")
        server.log.wait_for("PWD")

        server.wait_idle()


def test_a_reply_that_is_late_is_waited_for() -> None:
    """A server that takes its time is busy until the reply is out."""
    with FtpServer(faults=["NOOP: delay 3600"]) as server, RawClient(server.address) as client:
        server.clock.freeze()
        client.reply()
        client.send("NOOP")
        server.log.wait_for(lambda event: isinstance(event, FaultApplied))
        with pytest.raises(AssertionError, match=r"still busy after 0\.01 s with NOOP"):
            server.wait_idle(timeout=0.01)

        server.clock.move(3600)

        server.wait_idle()
        assert client.reply().code == "200"
        assert not server.log.commands[0].reply_withheld


def test_what_is_held_back_is_told_when_it_goes() -> None:
    """A reply that leaves with the next one answers its own command then."""
    with FtpServer(faults=["NOOP: delay_to_next"]) as server:
        with RawClient(server.address) as client:
            client.reply()
            client.send("NOOP")
            assert client.code("SYST") == "200"
            assert client.reply().code == "215"
        assert [str(record) for record in server.log.commands] == ["NOOP -> 200", "SYST -> 215"]


def test_repr() -> None:
    """The repr has the lines that make the faults."""
    server = FtpServer()
    assert repr(server.faults) == "<Faults none>"
    server.faults.add("NOOP #2: not_implemented")
    server.faults.add("PWD: not_implemented")
    assert repr(server.faults) == "<Faults on('NOOP').nth(2).not_implemented(), on('PWD').not_implemented()>"
