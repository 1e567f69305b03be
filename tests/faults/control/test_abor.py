"""ABOR and QUIT during transfers: all ways in which servers reply to them, and the outcome of the transfer."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from ftpfixture.log.events import DataClosed
from tests.support.lab import BIG, Lab

ABORTED, DONE = "426 Transfer aborted", "226 Abort successful"


class Variant(NamedTuple):
    """What goes wrong with an ABOR, and the replies between the 150 and the replies to the next command."""

    faults: tuple[str, ...]
    replies: list[str]
    why: str


VARIANTS = [
    Variant((), [ABORTED, DONE], "RFC 959 4.1.3"),
    Variant(("RETR|STOR: no_reply",), [DONE], "426 is missing: suppaftp#141"),
    Variant(("ABOR: no_reply",), [ABORTED], "226 is missing: fsspec#1417"),
    Variant(("RETR|STOR: no_reply", "ABOR: no_reply"), [], "neither comes"),
    Variant(("ABOR: reply 225 'No transfer'",), [ABORTED, "225 No transfer"], "proftpd#1512"),
    Variant(("RETR|STOR: no_reply", "ABOR: reply 225 Aborted"), ["225 Aborted"], "only one, and another"),
    Variant(("RETR|STOR: reply 226 Done",), ["226 Done", DONE], "426 is none"),
    Variant(("RETR|STOR: reply 450",), ["450 Transfer aborted", DONE], "another refusal"),
    Variant(("ABOR: repeat_reply",), [ABORTED, DONE, DONE], "an extra 226"),
    Variant(("RETR|STOR: repeat_reply",), [ABORTED, ABORTED, DONE], "an extra 426"),
    Variant(("ABOR: say 225 'Nothing to abort'",), [ABORTED, DONE, "225 Nothing to abort"], "an extra 225"),
    Variant(("ABOR: say 225 phase=before_reply",), [ABORTED, "225 ", DONE], "an extra 225 between"),
    Variant(("ABOR: say 225 phase=command",), ["225 ", ABORTED, DONE], "an extra 225 before"),
    Variant(("RETR|STOR: say 451 Local phase=after_reply",), [ABORTED, "451 Local", DONE], "two for the transfer"),
    Variant(("ABOR: delay_to_next",), [ABORTED, DONE], "226 comes with what is next"),
    Variant(("RETR|STOR: early_reply",), ["226 Transfer complete", DONE], "the transfer had its reply before"),
    Variant(("ABOR: reply_raw b'226\\r\\n'",), [ABORTED, "226 "], "no text"),
    Variant(("RETR|STOR: coalesce",), ["{preliminary}", ABORTED, DONE], "150 comes with 426"),
    Variant(("ABOR: slice 7", "RETR|STOR: slice 3"), [ABORTED, DONE], "both in pieces"),
]


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.why)
@pytest.mark.parametrize("line", ["RETR big.bin", "STOR new.bin"])
def test_abor(lab: Lab, line: str, variant: Variant) -> None:
    """The transfer is aborted, the replies are these, and the next command gets its own."""
    client = lab.enter()
    lab.add(*variant.faults)
    data = client.begin(line)
    preliminary = []
    if "coalesce" in str(variant.faults):
        lab.wait_applied()  # an ABOR before the 150 would find no transfer
    else:
        preliminary.append(client.reply().code)
    if line.startswith("RETR"):
        data.receive()
    client.send("ABOR")
    replies = client.until_noop()
    if not preliminary:
        assert replies.pop(0).startswith("150")
    assert replies == [reply for reply in variant.replies if reply != "{preliminary}"]
    assert preliminary in ([], ["150"])
    data.rest()
    assert lab.server.log.transfers[-1].completed is False
    data.sock.close()


@pytest.mark.parametrize("fault", ["ABOR: ignore", "ABOR: not_implemented", "ABOR: answer 226 'Abort successful'"])
def test_an_abor_that_does_nothing(lab: Lab, fault: str) -> None:
    """The transfer runs to its end."""
    client = lab.enter(fault)
    data = client.begin("RETR big.bin")
    assert client.reply().code == "150"
    client.send("ABOR")
    expected = {"ABOR: ignore": [], "ABOR: not_implemented": ["502 Command not implemented"]}.get(fault, [DONE])
    assert client.until_noop() == expected
    assert data.rest().content == BIG
    assert client.reply().code == "226"


def test_a_delayed_abor(lab: Lab) -> None:
    """While ABOR is delayed the transfer continues; if it is over by then, there is nothing to abort."""
    client = lab.enter("ABOR: delay 5")
    lab.clock.freeze()
    data = client.begin("RETR big.bin")
    client.send("ABOR")
    lab.wait_applied()
    assert data.rest().content == BIG
    assert client.codes(2) == ["150", "226"]
    lab.clock.move(5)
    assert client.reply().text == "Nothing to abort"


def test_a_delayed_426(lab: Lab) -> None:
    """Replies keep their order: 226 waits for 426."""
    client = lab.enter("RETR: delay 5 phase=before_reply")
    lab.clock.freeze()
    client.begin("RETR big.bin")
    assert client.reply().code == "150"
    client.send("ABOR")
    lab.wait_applied()
    assert client.is_silent()
    lab.clock.move(5)
    assert client.replies(2) == [ABORTED, DONE]


@pytest.mark.parametrize("phase", ["before_150", "after_150"])
def test_abor_waits_for_a_delayed_150(lab: Lab, phase: str) -> None:
    """No reply overtakes a delayed reply, and ABOR waits, too; when ABOR is carried out, the transfer stops."""
    client = lab.enter(f"RETR: delay 5 phase={phase}")
    lab.clock.freeze()
    data = client.begin("RETR big.bin")
    lab.wait_applied()  # or the server might receive ABOR before the data connection
    client.send("ABOR")
    if phase == "after_150":
        assert client.reply().code == "150"
    assert client.is_silent()
    lab.server.log.assert_not_sent("ABOR")
    lab.clock.move(5)
    if phase == "before_150":
        assert client.reply().code == "150"
    assert client.replies(2) == [ABORTED, DONE]
    assert data.rest().content != BIG


@pytest.mark.parametrize("when", ["after_bytes=0", "after_bytes=3", "at=50%", "phase=before_close"])
def test_abor_ends_a_stalled_transfer(lab: Lab, when: str) -> None:
    """If the data are stalled, and no reply is, ABOR aborts the transfer, and nothing of it is left."""
    client = lab.enter(f"RETR: stall {when}")
    data = client.begin("RETR b.txt")
    assert client.reply().code == "150"
    lab.wait_applied()
    client.send("ABOR")
    assert client.replies(2) == [ABORTED, DONE]
    data.rest()
    lab.server.log.wait_for(lambda event: isinstance(event, DataClosed))
    assert lab.server.log.transfers[-1].completed is False
    assert client.code("NOOP") == "200"


def test_abor_ends_a_stalled_upload(lab: Lab) -> None:
    """ABOR aborts an upload that is stalled."""
    client = lab.enter("STOR: stall after_bytes=3")
    data = client.begin("STOR new.txt")
    assert client.reply().code == "150"
    data.send(b"0123456789")
    lab.wait_applied()
    client.send("ABOR")
    assert client.replies(2) == [ABORTED, DONE]
    assert lab.server.log.transfers[-1].size == 3


# QUIT.


@pytest.mark.parametrize(
    ("fault", "codes"),
    [
        ("QUIT: say 299 phase=before_reply", ["299", "221", "226"]),
        ("QUIT: no_reply", ["226"]),
        ("QUIT: reply 250", ["250", "226"]),
        ("RETR: no_reply", ["221"]),
        ("RETR: reply 250", ["221", "250"]),
        ("QUIT: delay_to_next", ["221", "226"]),
    ],
)
def test_quit_during_a_transfer(lab: Lab, fault: str, codes: list[str]) -> None:
    """The transfer is completed first, and the connection ends in order after its reply."""
    client = lab.enter(fault)
    data = client.begin("RETR big.bin")
    assert client.reply().code == "150"
    client.send("QUIT")
    lab.server.log.wait_for("QUIT")  # before the transfer can end
    assert data.rest().content == BIG
    assert client.codes(len(codes)) == codes
    assert client.end() == "in order"
    assert lab.reason(client) == "quit"


@pytest.mark.parametrize("when", ["after_bytes=3", "phase=before_close"])
def test_quit_does_not_wait_for_a_transfer_stalled_for_ever(lab: Lab, when: str) -> None:
    """The transfer is incomplete: the data connection ends after the bytes so far, and the reply is 426."""
    client = lab.enter(f"RETR: stall {when}")
    data = client.begin("RETR b.txt")
    assert client.reply().code == "150"
    lab.wait_applied()
    client.send("QUIT")
    assert client.codes(2) == ["221", "426"]
    assert client.end() == "in order"
    data.rest()
    assert lab.reason(client) == "quit"
    assert lab.server.log.transfers[-1].completed is False


@pytest.mark.parametrize("word", ["stall", "no_reply", "stall phase=before_reply"])
def test_a_client_that_sends_quit_and_closes(lab: Lab, word: str) -> None:
    """The client closes without waiting for a reply, and the session ends."""
    client = lab.enter(f"QUIT: {word}")
    client.send("QUIT")
    lab.wait_applied()
    client.close()
    assert lab.reason(client) in ("quit", "client closed", "connection reset")


def test_a_stall_after_221(lab: Lab) -> None:
    """After 221 the connection stays open until the client closes it."""
    client = lab.enter("QUIT: stall phase=after_reply")
    client.send("QUIT")
    assert client.reply().code == "221"
    lab.wait_applied()
    assert client.is_silent()
    client.close()
    assert lab.reason(client) in ("quit", "client closed", "connection reset")
