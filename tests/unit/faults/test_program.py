"""Programs of several faults and words: the order of effects, and the command that gets a fault."""

from __future__ import annotations

from ftpfixture.faults.active import ActiveFault
from ftpfixture.faults.grammar import parse
from tests.support.playbook import Play, play

DOWNLOAD = ("RETR a", "150 Go", "|0123|", "226 Done")


def _last(faults: str, *dialogue: str, size: int | None = None) -> str:
    """The effects of the last line of a dialogue."""
    return "; ".join(play(faults, *dialogue, size=size)[-1])


# The order of effects.


def test_faults_act_in_the_order_in_which_they_were_added() -> None:
    """The words of one fault do so, too; each fault is logged once, before its effects."""
    assert _last("CWD: delay 1; delay 2\n*: delay 3", "CWD a") == "fired; wait 1; wait 2; fired; wait 3; do CWD a"
    assert _last("*: delay 3\nCWD: delay 1; delay 2", "CWD a") == "fired; wait 3; fired; wait 1; wait 2; do CWD a"


def test_what_is_counted_in_bytes_acts_in_the_order_of_the_bytes() -> None:
    """A part of the file is converted with its size; equal numbers act in the order of the words."""
    faults = "RETR: delay 1 at=50%; stall_data 6 3; delay 2 after_bytes=2; delay 3; delay 9 at=100%"
    lines = DOWNLOAD[:3]

    known = "data 01; flush; wait 1; flush; wait 2; data 2; flush; wait 6; data 3; flush; wait 9"
    assert _last(faults, *lines, size=4) == known
    unknown = "data 01; flush; wait 2; data 2; flush; wait 6; data 3; flush; wait 9"
    assert _last(faults, *lines) == unknown
    longer = "data 01; flush; wait 2; data 2; flush; wait 1; flush; wait 6; data 3; flush; wait 9"
    assert _last(faults, *lines, size=6) == longer


def test_bytes_are_counted_over_all_pieces() -> None:
    """However a file is sent, the fault acts at the same byte."""
    for pieces in (["|01234|"], ["|0", "|1", "|2", "|3", "|4|"], ["|", "|0123", "|4|"]):
        effects = [effect for line in play("RETR: delay 1 after_bytes=3", "RETR a", *pieces) for effect in line]
        text = "".join(
            effect.removeprefix("data ") if effect.startswith("data ") else f"<{effect}>" for effect in effects
        )
        assert text == "<do RETR a>012<fired><flush><wait 1>34"


def test_parameters_come_before_a_reply_in_place_of_the_command() -> None:
    """A reply in place of the command has the encoding of another word, in any order of the words."""
    assert _last("CWD: answer 550 No; encoding latin-1", "CWD a") == "fired; use encoding latin-1; answer 550 No"
    assert _last("REST: not_implemented; shift_offset 5", "REST 4") == "fired; answer 502 Command not implemented"
    assert _last("CWD: not_implemented\nCWD: deny", "CWD a") == "fired; answer 502 Command not implemented"


def test_replies_are_in_the_encoding_that_a_word_has_set() -> None:
    """So do replies of other words, and early replies."""
    lines = ("LIST", "150 Go", "226 D\xf6ne")

    assert play("LIST: encoding latin-1", *lines)[-1] == ["send 226 D\\xf6ne"]
    assert play("LIST: encoding latin-1; early_reply text=D\xf6ne", *lines)[1] == ["send 150 Go + 226 D\\xf6ne"]


def test_a_reply_is_changed_before_it_is_garbled_repeated_or_withheld() -> None:
    """Words for the text act before words for the bytes, and these before words for the sending."""
    lines = ("CWD a", "250 Done")

    assert _last("CWD: repeat_reply; reply 200 Hi", *lines) == "fired; send 200 Hi + 200 Hi"
    assert _last("CWD: slice 3; repeat_reply", *lines) == "fired; send 250 Done + 250 Done by 3 every 0"
    assert _last("CWD: slice 3; delay_to_next", *lines) == "fired; hold 250 Done; silent"
    assert _last("CWD: slice 3\nCWD: delay_to_next", *lines) == "fired; hold 250 Done; silent"
    assert _last("CWD: reply_raw b'200 Hi'; mismatched_lines", *lines) == "fired; send 200 Hi"
    assert _last("CWD: no_reply; repeat_reply", *lines) == "fired; silent"


def test_replies_around_a_reply_are_sent_with_it() -> None:
    """Except a reply before or after a pause."""
    before = "CWD: say 200 a phase=before_reply; delay 1 phase=before_reply; say 201 b phase=before_reply"
    assert _last(before, "CWD a", "250 Done") == "fired; send 200 a; wait 1; send 201 b + 250 Done"
    after = "CWD: say 200 a; delay 1 phase=after_reply; say 201 b"
    assert _last(after, "CWD a", "250 Done") == "fired; send 250 Done + 200 a; drain; wait 1; send 201 b"
    assert _last("CWD: no_reply; say 200 a", "CWD a", "250 Done") == "fired; send 200 a"


def test_the_end_of_a_transfer() -> None:
    """The actions at the end of the file, trailing bytes, actions before the close, and the close."""
    faults = "RETR: no_close_notify; delay 1 phase=before_close; pad b'45'; delay 2 at=100%"
    wanted = ["data 0123", "fired", "flush", "wait 2", "data 45", "wait 1", "use close_notify False"]

    assert play(faults, *DOWNLOAD[:3], encrypted=True)[-1] == wanted


def test_a_download_in_pieces_is_garbled_in_them() -> None:
    """Bits are flipped at their position in the file, and no fault is logged if no bit is flipped."""
    faults = "RETR: slice_data 2 1\nRETR: garble_data 3 mask=4"
    wanted = "fired; use small_packets True; data 01 flushed; wait 1; fired; data 27 flushed"

    assert _last(faults, *DOWNLOAD[:3]) == wanted
    assert _last("RETR: garble_data 9", *DOWNLOAD[:3]) == "data 0123"


def test_lost_bytes_are_not_sent() -> None:
    """After the loss only trailing bytes are sent; the rest of uploads is discarded, too."""
    assert (
        _last("RETR: truncate after_bytes=2; pad b'x'", *DOWNLOAD[:3]) == "data 01; fired; flush; end data lost; data x"
    )
    assert _last("STOR: truncate after_bytes=2", "STOR a", "150 Go", "^01", "^23") == "fired; flush; end data lost"


def test_early_replies_that_are_held() -> None:
    """The final reply was sent early or is held with the preliminary one; the gate knows which."""
    assert play("RETR: early_reply; coalesce", "RETR a", "150 Go", "226 Done") == [
        ["do RETR a"],
        ["fired", "hold 150 Go + 226 Transfer complete"],
        ["silent if held"],
    ]


# The command that gets a fault.


def test_the_command_that_reaches_the_moment_gets_the_fault() -> None:
    """A fault that did not happen to the first command is left to the second; one that happened is not."""
    stage = Play([ActiveFault(parse("RETR times=1: drop_data after_bytes=3"))])

    assert stage.perform("RETR a") == ["do RETR a"]
    assert stage.perform("|01|") == ["data 01"]
    assert stage.perform("RETR b") == ["do RETR b"]
    assert stage.perform("|0123|") == ["data 012", "fired", "flush", "end data fin"]
    assert stage.perform("RETR c") == ["do RETR c"]
    assert stage.perform("|0123|") == ["nothing"]


def test_the_first_word_decides_how_a_handshake_fails() -> None:
    """The other faults have not happened."""
    assert play("AUTH: cut_handshake\nAUTH: stall_handshake", "AUTH TLS", "TLS")[-1] == ["fired", "fail cut"]


def test_a_word_applies_only_to_its_commands() -> None:
    """A command that the fault cannot change does not use it up; any word can apply to a user's command."""
    stage = Play([ActiveFault(parse("* times=1: absolute_names"))])

    assert stage.perform("CWD a") == ["do CWD a"]
    assert stage.perform("NLST") == ["fired", "use absolute_names True", "do NLST"]
    assert play("*: absolute_names", "COLL a")[0] == ["fired", "use absolute_names True", "do COLL a"]


def test_a_fault_of_one_connection_does_not_affect_the_other() -> None:
    """Flipped bits of replies and of files are different words, and so are pieces of them."""
    assert play("RETR: garble; slice 9", "RETR a", "|0123|") == [["do RETR a"], ["data 0123"]]
    assert play("RETR: garble_data; slice_data 9", "RETR a", "226 Done") == [["do RETR a"], ["send 226 Done"]]
