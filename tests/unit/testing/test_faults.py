"""The faults of a server: a test adds and removes them, and asserts that they happened."""

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
    """Return the codes that a session of these lines gets after its greeting."""
    with RawClient(server.address) as client:
        client.reply()
        return [client.code(line) for line in lines]


def _failure(check: Callable[[], object]) -> str:
    with pytest.raises(AssertionError) as caught:
        check()
    return str(caught.value)


# Adding and removing.


@table("fault", [OFF, "NOOP: not_implemented"])
def test_adding(fault: Fault | str) -> None:
    """Both forms act on the next command of every session, open ones too, until they are removed."""
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
    """Of two replies to one command the first counts; after its `times` the second."""
    with FtpServer() as server:
        server.faults.add("NOOP times=1: answer 500")
        server.faults.add("NOOP: answer 501")

        assert _codes(server, "NOOP", "NOOP") == ["500", "501"]


def test_the_same_fault_twice_is_two() -> None:
    """Each fault that was added counts for itself, and is removed by itself."""
    with FtpServer() as server:
        first, second = (
            server.faults.add("NOOP times=1: not_implemented"),
            server.faults.add("NOOP times=1: not_implemented"),
        )
        server.faults.remove(second, second)

        assert _codes(server, "NOOP", "NOOP") == ["502", "200"]
        assert (first.fired, second.fired) == (1, 0)


def test_clearing() -> None:
    """After `clear` there are no faults, and the removed ones need not happen."""
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
    """A value that is no fault, or can never happen, is an error of the call, in every place; nothing is added."""
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


def test_faults_of_your_own_commands() -> None:
    """A command that only this server has can have every fault."""

    class Own(Server):
        async def coll(self, connection: Connection, rest: str) -> bool:
            """COLL: answer."""
            connection.response("200", "ok")
            return True

    with FtpServer(server_class=Own, faults=["COLL #2: answer 450; drop_data"]) as server:
        assert _codes(server, "COLL", "COLL") == ["200", "450"]


def test_faults_in_many_threads() -> None:
    """Threads add and remove at once while sessions run; each gets its own faults, and none is left or lost."""
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


# From the first byte.


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
    """Faults given to the server are active before a client can connect."""
    with FtpServer(faults=faults) as server:
        for _ in range(3):
            with RawClient(server.address) as client:
                assert client.reply().text == "spoilt"
        server.faults.assert_fired(times=3)


def test_a_connection_that_waits_is_under_the_fault() -> None:
    """A client that connected while the server was paused gets the faults that were added meanwhile."""
    with FtpServer() as server:
        server.pause()
        with closing(socket.create_connection(server.address, 5)) as sock:
            server.faults.add("CONNECT #1: answer 421 busy")
            server.resume()
            assert sock.recv(100) == b"421 busy\r\n"


def test_faults_outlive_a_restart() -> None:
    """A restart changes neither faults nor counts; a fault with `times=1` does not happen again."""
    with FtpServer(faults=["NOOP times=1: not_implemented", "PWD #2: deny"]) as server:
        assert _codes(server, "NOOP", "PWD") == ["502", "530"]
        server.restart()
        assert _codes(server, "NOOP", "PWD") == ["200", "550"]


def test_servers_have_their_own_faults() -> None:
    """One fault, given to two servers, counts in each for itself."""
    fault = on("NOOP").times(1).not_implemented()
    with FtpServer(faults=[fault]) as one, FtpServer(faults=[fault]) as two:
        assert _codes(one, "NOOP", "NOOP") == ["502", "200"]
        assert two.faults.active[0].fired == 0
        assert _codes(two, "NOOP", "NOOP") == ["502", "200"]


# For a while.


def test_a_context_of_faults() -> None:
    """The faults happen inside the context and nowhere else; other faults stay."""
    with FtpServer(faults=["PWD: deny"]) as server:
        with server.faults(OFF, "SYST: not_implemented") as armed:
            assert _codes(server, "NOOP", "SYST", "PWD") == ["502", "502", "550"]
            assert [one.fired for one in armed] == [1, 1]
        assert _codes(server, "NOOP", "SYST", "PWD") == ["200", "215", "550"]


def test_a_context_whose_fault_never_happened() -> None:
    """Leaving the context raises, and removes its faults too."""
    with FtpServer() as server:
        with pytest.raises(AssertionError, match="NOOP was seen 1 time"), server.faults("NOOP #2: not_implemented"):
            _codes(server, "NOOP")
        assert server.faults.active == []


def test_a_context_whose_fault_need_not_happen() -> None:
    """An optional fault is no reason to fail."""
    with FtpServer() as server, server.faults("NOOP optional: not_implemented"):
        _codes(server, "PWD")


def test_a_context_that_fails_otherwise() -> None:
    """An error from inside comes out, and the faults are removed."""
    with FtpServer() as server:
        with pytest.raises(ZeroDivisionError), server.faults(OFF):
            raise ZeroDivisionError
        assert server.faults.active == []


# What happened.


def test_faults_are_recorded_in_order() -> None:
    """Each time is one event of its command and session, before the reply; the record has it, and so has the text."""
    with FtpServer(faults=["CONNECT #2: delay 0", "NOOP: not_implemented", "*: delay 0"]) as server:
        _codes(server, "NOOP")
        _codes(server, "SYST")

        happened = [(event.session, event.fault) for event in server.faults.fired]
        assert happened == [
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
    """A fault for one password is compared with the password that is sent; events, records and errors star both."""
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
    """All that are not optional must have happened, at least once or exactly `times` times."""
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
    """One fault is named by the value of `add`, by itself or as text; then it counts even if it is optional."""
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
    """A fault that was never added is an error of the call, and no failed assertion."""
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


def test_the_text_of_a_failed_assertion() -> None:
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


def test_assert_fired_waits_for_commands_on_their_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Effects that follow a reply, and commands that the server has not yet read, still count."""
    monkeypatch.setattr(faults_module, "_PATIENCE", 20)
    with FtpServer(faults=["QUIT: not_implemented"]) as server, RawClient(server.address) as client:
        client.reply()
        timer = threading.Timer(0.05, lambda: client.send("QUIT"))
        timer.start()

        server.faults.assert_fired()

        timer.join()
        client.close()


def test_assert_fired_does_not_wait_without_a_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """When no client is connected, nothing more can happen."""
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
    """An error of the test comes out in place of the failed assertion."""
    server = FtpServer(faults=["NOOP: not_implemented"])

    with pytest.raises(ZeroDivisionError), server:
        raise ZeroDivisionError
    assert repr(server) == "<FtpServer not running>"


def test_a_failure_of_the_server_goes_first() -> None:
    """The server may fail before a fault happens: that failure is raised."""

    class Broken(Server):
        async def boom(self, connection: Connection, rest: str) -> bool:
            """BOOM: fail."""
            raise RuntimeError("boom")

    server = FtpServer(server_class=Broken, faults=["BOOM: reply 200", "NOOP: not_implemented"])

    with pytest.raises(ServerFailure, match="BOOM raised RuntimeError: boom"), server:
        _codes(server, "BOOM")
    assert repr(server) == "<FtpServer not running>"


def test_stop_asserts_nothing() -> None:
    """`stop` does not assert that faults happened."""
    server = FtpServer(faults=["NOOP: not_implemented"])
    server.start()
    server.stop()
    assert [armed.fired for armed in server.faults.active] == [0]


# Waiting.


@table(
    "fault",
    ["NOOP: ignore", "NOOP: no_reply", "NOOP: delay_to_next", "NOOP: half_close", "NOOP: stall", "NOOP: reply 150"],
)
def test_wait_idle_does_not_wait_for_a_reply_that_never_comes(fault: str) -> None:
    """The server is idle when a fault withholds every reply that is missing."""
    with FtpServer(faults=[fault]) as server, RawClient(server.address) as client:
        client.reply()
        client.send("NOOP")
        server.log.wait_for(lambda event: isinstance(event, FaultApplied))

        server.wait_idle()

        assert server.log.commands[0].reply_withheld
        assert server.log.commands[0].code == ""


def test_after_a_half_close_nothing_is_answered() -> None:
    """`wait_idle` does not wait for the commands after the half close either."""
    with FtpServer(faults=["NOOP: half_close"]) as server, RawClient(server.address) as client:
        client.reply()
        client.send("NOOP")
        client.send("PWD")
        server.log.wait_for("PWD")

        server.wait_idle()


def test_a_reply_that_is_late_is_waited_for() -> None:
    """A server that delays a reply is busy until it is sent."""
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


def test_a_delayed_reply_is_recorded_when_it_is_sent() -> None:
    """A reply that is sent with the next one is recorded at its own command."""
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
