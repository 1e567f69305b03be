"""Control connections that end: with FIN, RST, or FIN in one direction; in each phase, with and without TLS."""

from __future__ import annotations

import pytest

from ftpfixture.log.events import CommandReceived, DataClosed, Disconnected, FaultApplied, ReplySent
from tests.support.lab import BIG, Lab
from tests.support.witness import End, Witness

WORDS = ("close", "reset", "half_close")


def ending(word: str, client: Witness) -> End:
    """How a client sees the effect of a word."""
    if word == "half_close" and client.control is not None:
        return "cut"  # without close_notify, because TLS is still open in the other direction
    return "reset" if word == "reset" else "in order"


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize(
    ("phase", "codes", "done"),
    [("command", [], False), ("before_reply", [], True), ("after_reply", ["250"], True)],
)
def test_a_command(lab: Lab, word: str, phase: str, codes: list[str], done: bool) -> None:
    """The connection ends before the command is carried out, or before or after its reply; no later command is read."""
    client = lab.enter(f"DELE: {word} phase={phase}")
    client.send("DELE a.txt")
    assert client.codes(len(codes)) == codes
    assert client.end() == ending(word, client)
    assert client.applied == [f"DELE: {word} phase={phase}"]
    if word == "half_close":
        client.close()
        assert lab.reason(client) in ("client closed", "connection reset")
        done = True  # after a half close commands are still carried out
    else:
        assert lab.reason(client) == "cut off"
    assert ("/a.txt" not in lab.server.files) == done


@pytest.mark.parametrize("word", ["close", "reset"])
def test_what_is_logged(lab: Lab, word: str) -> None:
    """The log has the fault before the end, and no reply that was not sent."""
    client = lab.enter(f"CWD: {word} phase=before_reply")
    client._put(b"CWD dir\r\nNOOP\r\n")
    assert client.end() == ending(word, client)
    assert lab.reason(client) == "cut off"
    logged = client.events(CommandReceived, ReplySent, FaultApplied, Disconnected)
    assert [type(event) for event in logged[-3:]] == [CommandReceived, FaultApplied, Disconnected]
    assert lab.server.log.find("CWD")[0].replies == []


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("phase", ["before_150", "after_150", "before_close", "before_reply", "after_reply"])
def test_a_download(lab: Lab, word: str, phase: str) -> None:
    """The control connection ends in this phase, and the transfer runs to its end, as after a lost connection."""
    client = lab.enter(f"RETR: {word} phase={phase}")
    data = client.begin("RETR big.bin")
    if phase != "before_150":
        assert client.reply().code == "150"
    if phase in ("before_150", "after_150"):
        assert client.end() == ending(word, client)
    else:
        assert client.is_silent()  # the data are stalled until the client reads
    assert data.rest().content == BIG
    if phase == "after_reply":
        assert client.reply().code == "226"
    if phase not in ("before_150", "after_150"):
        assert client.end() == ending(word, client)
    client.close()
    lab.server.log.wait_for(lambda event: isinstance(event, DataClosed))
    assert lab.server.log.transfers[-1].completed
    replies = {"before_150": 0, "after_reply": 2}.get(phase, 1)
    assert len(lab.server.log.find("RETR")[0].replies) == replies


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("moment", ["after_bytes=0", "after_bytes=1000000", "at=50%", "at=1"])
def test_within_a_download(lab: Lab, word: str, moment: str) -> None:
    """The control connection ends after this number of bytes, and all data are received."""
    client = lab.enter(f"RETR: {word} {moment}")
    data = client.begin("RETR big.bin")
    assert client.reply().code == "150"
    content = data.rest().content
    assert client.end() == ending(word, client)
    assert content == BIG
    client.close()
    lab.server.log.wait_for(lambda event: isinstance(event, Disconnected))
    assert lab.server.log.find("RETR")[0].replies[1:] == []


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize(
    "moment", ["phase=before_150", "phase=after_150", "after_bytes=4", "phase=before_reply", "phase=after_reply"]
)
def test_an_upload(lab: Lab, word: str, moment: str) -> None:
    """The file is stored completely, but the client gets no reply."""
    client = lab.enter(f"STOR: {word} {moment}")
    data = client.begin("STOR new.txt")
    data.send(b"0123456789")
    data.finish()
    codes = {"phase=before_150": [], "phase=after_reply": ["150", "226"]}.get(moment, ["150"])
    assert client.codes(len(codes)) == codes
    assert client.end() == ending(word, client)
    lab.server.log.wait_for(lambda event: isinstance(event, DataClosed))
    assert lab.server.files["/new.txt"] == b"0123456789"


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("line", ["CWD dir", "PASV", "NOOP", "QUIT", "ABOR", "USER eve", "RETR a.txt"])
def test_before_any_command(lab: Lab, word: str, line: str) -> None:
    """Any command may be the last."""
    client = lab.enter(f"{line.split()[0]}: {word}")
    client.send(line)
    assert client.end() == ending(word, client)
    lab.server.log.assert_sent(line)


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("line", ["USER user", "PASS password"])
def test_at_the_login(lab: Lab, word: str, line: str) -> None:
    """The connection may end before the login."""
    client = lab.visit()
    lab.add(f"{line.split()[0]} #1: {word}")
    if line.startswith("PASS"):
        assert client.code("USER user") == "331"
    client.send(line)
    assert client.end() == ending(word, client)


@pytest.mark.parametrize("word", WORDS)
def test_at_once(lab: Lab, word: str) -> None:
    """The connection ends after it is accepted: before the greeting and before TLS."""
    lab.add(f"CONNECT #1: {word}")
    client = lab.connect_before_it_is_accepted()
    assert client.end() == ("reset" if word == "reset" else "in order")
    client.close()
    assert lab.reason(client) in (("client closed", "no TLS") if word == "half_close" else ("cut off",))


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("phase", ["before_reply", "after_reply"])
def test_at_the_greeting(lab: Lab, word: str, phase: str) -> None:
    """The connection ends before or after the greeting, inside TLS if the connection begins with TLS."""
    lab.add(f"CONNECT #1: {word} phase={phase}")
    client = lab.connect_before_it_is_accepted()
    if lab.is_implicit:
        client.encrypt_first()
    if phase == "after_reply":
        assert client.reply().code == "220"
    assert client.end() == ending(word, client)


@pytest.mark.parametrize("lab", ["explicit"], indirect=True)
@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("phase", ["command", "before_reply", "after_reply"])
def test_at_auth(lab: Lab, word: str, phase: str) -> None:
    """The connection ends before the TLS handshake."""
    lab.add(f"AUTH #1: {word} phase={phase}")
    client = lab.connect()
    assert client.reply().code == "220"
    client.send("AUTH TLS")
    if phase == "after_reply":
        assert client.reply().code == "234"
    assert client.end() == ending(word, client)


@pytest.mark.parametrize("word", ["close", "reset"])
def test_during_a_transfer(lab: Lab, word: str) -> None:
    """A connection that ends at a NOOP does not affect the transfer."""
    client = lab.enter(f"NOOP: {word}")
    data = client.begin("RETR big.bin")
    assert client.reply().code == "150"
    client.send("NOOP")
    assert client.end() == ending(word, client)
    assert data.rest().content == BIG
    assert lab.reason(client) == "cut off"


@pytest.mark.parametrize("word", WORDS)
def test_replies_before_the_end_can_be_read(lab: Lab, word: str) -> None:
    """Replies sent before the end can be read, although later commands are never read."""
    client = lab.enter(f"CWD: {word}")
    # More than a session reads ahead, so bytes are left unread in the system: closing must not send RST.
    client._put(b"NOOP\r\n" * 500 + b"CWD dir\r\n" + b"NOOP\r\n" * 5000)
    assert client.codes(500) == ["200"] * 500
    if word != "close":
        assert client.end() == ending(word, client)
    else:
        assert client.ends() != "cut"  # data after FIN may be answered with RST


@pytest.mark.parametrize("lab", ["clear"], indirect=True)
@pytest.mark.parametrize("word", ["close", "half_close"])
def test_an_end_after_more_than_the_buffers_hold(lab: Lab, word: str) -> None:
    """All replies arrive before the end, however slowly the client reads them."""
    client = lab.enter(f"HELP: reply 214 {'x' * 4000}{'; repeat_reply' * 11}; {word} phase=after_reply")
    client.send("HELP")
    lab.wait_applied()
    content = sum(map(len, iter(lambda: client.sock.recv(1 << 16), b"")))
    assert content == len(f"214 {'x' * 4000}\r\n") << 11


def test_commands_after_a_half_close_are_carried_out(lab: Lab) -> None:
    """After a half close commands are carried out and logged without replies; the client's QUIT ends the session."""
    client = lab.enter("NOOP: half_close")
    client.send("NOOP")
    lab.wait_applied()
    client._put(b"DELE a.txt\r\nQUIT\r\n")  # now: OpenSSL sends nothing after a cut
    assert client.end() == ending("half_close", client)
    lab.server.log.wait_for("QUIT")
    assert lab.reason(client) == "quit"
    assert "/a.txt" not in lab.server.files
    assert lab.server.log.find("DELE")[0].replies == []


@pytest.mark.parametrize("word", ["close", "reset"])
def test_an_end_after_a_delay(lab: Lab, word: str) -> None:
    """Actions run in order: first the delay, then the end."""
    client = lab.enter(f"NOOP: delay 5; {word}")
    lab.clock.freeze()
    client.send("NOOP")
    lab.wait_applied()
    assert client.is_silent()
    lab.clock.move(5)
    assert client.end() == ending(word, client)
