"""Every word in every phase in which it can act: from a fault and a dialogue to the effects, without a socket.

A row is a fault as text, and the lines of its command's dialogue (`DIALOGUES`) at which something happens, each with
its effects; all other lines are unchanged. `tests.support.playbook` describes their form.
"""

from __future__ import annotations

import inspect

from ftpfixture.faults.active import ActiveFault
from ftpfixture.faults.builder import TRIGGERS
from ftpfixture.faults.dsl import table
from ftpfixture.faults.grammar import parse
from ftpfixture.faults.moments import PHASES
from tests.support.faults import WORDS
from tests.support.playbook import Play, play, untouched

DIALOGUES = {
    "RETR": ("RETR a", "150 Go", "TLS", "|0123|", "226 Done"),
    "STOR": ("STOR a", "150 Go", "TLS", "^0123|", "226 Done"),
    "LIST": ("LIST", "150 Go", "|-rw-r--r-- 1 a|", "226 Done"),
    "LIST missing": ("LIST missing", "150 Go", "226 Done"),
    "NLST": ("NLST", "150 Go", "|a|", "226 Done"),
    "MLSD": ("MLSD", "150 Go", "|size=4;modify=20260101000000; a|", "226 Done"),
    "CWD": ("CWD a", "250 Done"),
    "PASV": ("PASV", "227 (127,0,0,1,4,1)"),
    "PORT": ("PORT 127,0,0,1,4,1", "200 Done"),
    "SIZE": ("SIZE a", "213 4"),
    "MDTM": ("MDTM a", "213 20260101000000"),
    "REST": ("REST 4", "350 Go"),
    "AUTH": ("AUTH TLS", "234 Go", "TLS"),
    "CONNECT": ("CONNECT", "TLS", "220 Hello"),
}
"""The dialogue of each command; a file has four bytes."""

PLAYBOOKS: list[tuple[str, dict[str, str]]] = [
    ("RETR: delay 1 phase=command", {"RETR a": "fired; wait 1; do RETR a"}),
    ("RETR: delay 1 phase=before_150", {"150 Go": "fired; wait 1; send 150 Go"}),
    ("RETR: delay 1 phase=after_150", {"150 Go": "fired; send 150 Go; drain; wait 1"}),
    ("RETR: delay 1 phase=before_close", {"|0123|": "data 0123; fired; wait 1"}),
    ("RETR: delay 1 phase=before_reply", {"226 Done": "fired; wait 1; send 226 Done"}),
    ("RETR: delay 1 phase=after_reply", {"226 Done": "fired; send 226 Done; drain; wait 1"}),
    ("RETR: delay 1 after_bytes=3", {"|0123|": "data 012; fired; flush; wait 1; data 3"}),
    ("RETR: delay 1 at=50%", {"|0123|": "data 01; fired; flush; wait 1; data 23"}),
    ("RETR: stall phase=command", {"RETR a": "fired; silent; wait for ever discarding input"}),
    ("RETR: stall phase=before_150", {"150 Go": "fired; silent; wait for ever discarding input"}),
    ("RETR: stall phase=after_150", {"150 Go": "fired; send 150 Go; drain; silent; wait for ever discarding input"}),
    ("RETR: stall phase=before_close", {"|0123|": "data 0123; fired; silent; wait for ever"}),
    ("RETR: stall phase=before_reply", {"226 Done": "fired; silent; wait for ever discarding input"}),
    (
        "RETR: stall phase=after_reply",
        {"226 Done": "fired; send 226 Done; drain; silent; wait for ever discarding input"},
    ),
    ("RETR: stall after_bytes=3", {"|0123|": "data 012; fired; flush; wait for ever"}),
    ("RETR: stall at=50%", {"|0123|": "data 01; fired; flush; wait for ever"}),
    ("RETR: close phase=command", {"RETR a": "fired; end control fin"}),
    ("RETR: close phase=before_150", {"150 Go": "fired; end control fin; send 150 Go"}),
    ("RETR: close phase=after_150", {"150 Go": "fired; send 150 Go; drain; end control fin"}),
    ("RETR: close phase=before_close", {"|0123|": "data 0123; fired; end control fin"}),
    ("RETR: close phase=before_reply", {"226 Done": "fired; end control fin; send 226 Done"}),
    ("RETR: close phase=after_reply", {"226 Done": "fired; send 226 Done; drain; end control fin"}),
    ("RETR: close after_bytes=3", {"|0123|": "data 012; fired; flush; end control fin; data 3"}),
    ("RETR: close at=50%", {"|0123|": "data 01; fired; flush; end control fin; data 23"}),
    ("RETR: reset phase=command", {"RETR a": "fired; end control rst"}),
    ("RETR: reset phase=before_150", {"150 Go": "fired; end control rst; send 150 Go"}),
    ("RETR: reset phase=after_150", {"150 Go": "fired; send 150 Go; drain; end control rst"}),
    ("RETR: reset phase=before_close", {"|0123|": "data 0123; fired; end control rst"}),
    ("RETR: reset phase=before_reply", {"226 Done": "fired; end control rst; send 226 Done"}),
    ("RETR: reset phase=after_reply", {"226 Done": "fired; send 226 Done; drain; end control rst"}),
    ("RETR: reset after_bytes=3", {"|0123|": "data 012; fired; flush; end control rst; data 3"}),
    ("RETR: reset at=50%", {"|0123|": "data 01; fired; flush; end control rst; data 23"}),
    ("RETR: half_close phase=command", {"RETR a": "fired; end control half; do RETR a"}),
    ("RETR: half_close phase=before_150", {"150 Go": "fired; end control half; send 150 Go"}),
    ("RETR: half_close phase=after_150", {"150 Go": "fired; send 150 Go; drain; end control half"}),
    ("RETR: half_close phase=before_close", {"|0123|": "data 0123; fired; end control half"}),
    ("RETR: half_close phase=before_reply", {"226 Done": "fired; end control half; send 226 Done"}),
    ("RETR: half_close phase=after_reply", {"226 Done": "fired; send 226 Done; drain; end control half"}),
    ("RETR: half_close after_bytes=3", {"|0123|": "data 012; fired; flush; end control half; data 3"}),
    ("RETR: half_close at=50%", {"|0123|": "data 01; fired; flush; end control half; data 23"}),
    ("RETR: say 200 Hi phase=command", {"RETR a": "fired; send 200 Hi; do RETR a"}),
    ("RETR: say 200 Hi phase=before_150", {"150 Go": "fired; send 200 Hi + 150 Go"}),
    ("RETR: say 200 Hi phase=after_150", {"150 Go": "fired; send 150 Go + 200 Hi"}),
    ("RETR: say 200 Hi phase=before_close", {"|0123|": "data 0123; fired; send 200 Hi"}),
    ("RETR: say 200 Hi phase=before_reply", {"226 Done": "fired; send 200 Hi + 226 Done"}),
    ("RETR: say 200 Hi phase=after_reply", {"226 Done": "fired; send 226 Done + 200 Hi"}),
    ("RETR: say_raw b'junk' phase=command", {"RETR a": "fired; send junk; do RETR a"}),
    ("RETR: say_raw b'junk' phase=before_150", {"150 Go": "fired; send junk + 150 Go"}),
    ("RETR: say_raw b'junk' phase=after_150", {"150 Go": "fired; send 150 Go + junk"}),
    ("RETR: say_raw b'junk' phase=before_close", {"|0123|": "data 0123; fired; send junk"}),
    ("RETR: say_raw b'junk' phase=before_reply", {"226 Done": "fired; send junk + 226 Done"}),
    ("RETR: say_raw b'junk' phase=after_reply", {"226 Done": "fired; send 226 Done + junk"}),
    ("RETR: drop_data", {"|0123|": "fired; flush; end data fin"}),
    ("RETR: drop_data after_bytes=3", {"|0123|": "data 012; fired; flush; end data fin"}),
    ("RETR: drop_data at=50%", {"|0123|": "data 01; fired; flush; end data fin"}),
    ("RETR: drop_data at=100%", {"|0123|": "data 0123; fired; flush; end data fin"}),
    ("STOR: drop_data after_bytes=3", {"^0123|": "got 012; fired; flush; end data fin"}),
    ("RETR: reset_data", {"|0123|": "fired; flush; end data rst"}),
    ("RETR: reset_data after_bytes=3", {"|0123|": "data 012; fired; flush; end data rst"}),
    ("RETR: reset_data at=50%", {"|0123|": "data 01; fired; flush; end data rst"}),
    ("RETR: reset_data at=100%", {"|0123|": "data 0123; fired; flush; end data rst"}),
    ("STOR: reset_data after_bytes=3", {"^0123|": "got 012; fired; flush; end data rst"}),
    ("RETR: half_close_data", {"|0123|": "fired; flush; end data half; flush; wait for ever"}),
    ("RETR: half_close_data after_bytes=3", {"|0123|": "data 012; fired; flush; end data half; flush; wait for ever"}),
    ("RETR: half_close_data at=50%", {"|0123|": "data 01; fired; flush; end data half; flush; wait for ever"}),
    ("RETR: half_close_data at=100%", {"|0123|": "data 0123; fired; flush; end data half; flush; wait for ever"}),
    ("STOR: half_close_data after_bytes=3", {"^0123|": "got 012; fired; flush; end data half; flush; wait for ever"}),
    ("RETR: fail 451", {"|0123|": "fired; flush; end data fin", "226 Done": "send 451 Transfer failed"}),
    (
        "RETR: fail 451 after_bytes=3",
        {"|0123|": "data 012; fired; flush; end data fin", "226 Done": "send 451 Transfer failed"},
    ),
    (
        "RETR: fail 451 at=50%",
        {"|0123|": "data 01; fired; flush; end data fin", "226 Done": "send 451 Transfer failed"},
    ),
    (
        "RETR: fail 451 at=100%",
        {"|0123|": "data 0123; fired; flush; end data fin", "226 Done": "send 451 Transfer failed"},
    ),
    (
        "STOR: fail 451 after_bytes=3",
        {"^0123|": "got 012; fired; flush; end data fin", "226 Done": "send 451 Transfer failed"},
    ),
    ("RETR: truncate", {"|0123|": "fired; flush; end data lost"}),
    ("RETR: truncate after_bytes=3", {"|0123|": "data 012; fired; flush; end data lost"}),
    ("RETR: truncate at=50%", {"|0123|": "data 01; fired; flush; end data lost"}),
    ("RETR: truncate at=100%", {"|0123|": "data 0123; fired; flush; end data lost"}),
    ("STOR: truncate after_bytes=3", {"^0123|": "got 012; fired; flush; end data lost"}),
    ("RETR: stall_data", {"|0123|": "fired; flush; wait for ever"}),
    ("RETR: stall_data after_bytes=3", {"|0123|": "data 012; fired; flush; wait for ever"}),
    ("RETR: stall_data at=50%", {"|0123|": "data 01; fired; flush; wait for ever"}),
    ("RETR: stall_data at=100%", {"|0123|": "data 0123; fired; flush; wait for ever"}),
    ("STOR: stall_data after_bytes=3", {"^0123|": "got 012; fired; flush; wait for ever"}),
    ("CWD: answer 550 No", {"CWD a": "fired; answer 550 No"}),
    ("CWD: answer_raw b'junk'", {"CWD a": "fired; answer junk", "250 Done": "send junk"}),
    ("CWD: not_implemented", {"CWD a": "fired; answer 502 Command not implemented"}),
    ("CWD: deny", {"CWD a": "fired; answer 550 Permission denied"}),
    ("STOR: refuse_if_exists 553", {"STOR a": "exists a; fired; answer 553 File exists"}),
    ("CWD: ignore", {"CWD a": "fired; silent; ignore"}),
    (
        "CWD: service_unavailable Bye",
        {"CWD a": "fired; answer 421 Bye", "250 Done": "send 250 Done; drain; end control fin"},
    ),
    ("CWD: reply 200 '{text} {argument}'", {"250 Done": "fired; send 200 Done a"}),
    ("CWD: reply_raw b'junk'", {"250 Done": "fired; send junk"}),
    ("RETR: preliminary 125 Now", {"150 Go": "fired; send 125 Now"}),
    ("RETR: no_preliminary", {"150 Go": "fired"}),
    ("CWD: no_reply", {"250 Done": "fired; silent"}),
    ("RETR: early_reply", {"150 Go": "fired; send 150 Go + 226 Transfer complete", "226 Done": "silent if held"}),
    ("CWD: repeat_reply", {"250 Done": "fired; send 250 Done + 250 Done"}),
    ("RETR: coalesce", {"150 Go": "fired; hold 150 Go"}),
    ("CWD: delay_to_next", {"250 Done": "fired; hold 250 Done; silent"}),
    ("CWD: mismatched_lines", {"250 Done": "fired; send 250-Done\\r\\n251 End"}),
    ("PASV: wrong_address port=7", {"227 (127,0,0,1,4,1)": "fired; send 227 Entering Passive Mode (10,0,0,1,0,7)."}),
    ("PASV: malformed_address empty", {"227 (127,0,0,1,4,1)": "fired; send 227 Entering Passive Mode"}),
    ("SIZE: wrong_size 5", {"213 4": "fired; send 213 9"}),
    ("MLSD: wrong_size 5", {"|size=4;modify=20260101000000; a|": "fired; data size=9;modify=20260101000000; a"}),
    ("MDTM: shift_time 60", {"213 20260101000000": "fired; send 213 20260101000100"}),
    ("MLSD: shift_time 60", {"|size=4;modify=20260101000000; a|": "fired; data size=4;modify=20260101000100; a"}),
    ("REST: shift_offset 5", {"REST 4": "fired; do REST 9"}),
    ("CWD: slice 3 1", {"250 Done": "fired; send 250 Done by 3 every 1"}),
    ("CWD: garble 4 mask=32", {"250 Done": "fired; send 250 done"}),
    ("RETR: pad b'45'", {"|0123|": "data 0123; fired; data 45"}),
    ("RETR: throttle_data 100", {"|0123|": "fired; use limit 100; data 0123"}),
    ("RETR: slice_data 3 1", {"|0123|": "fired; use small_packets True; data 012 flushed; wait 1; data 3 flushed"}),
    ("RETR: garble_data 3 mask=4", {"|0123|": "fired; data 0127"}),
    ("STOR: garble_data 3 mask=4", {"^0123|": "fired; got 0127"}),
    ("PASV: refuse_data", {"227 (127,0,0,1,4,1)": "fired; use data_port refuse; send 227 (127,0,0,1,4,1)"}),
    ("PASV: ignore_data", {"227 (127,0,0,1,4,1)": "fired; use data_port ignore; send 227 (127,0,0,1,4,1)"}),
    ("PORT: unreachable_data", {"200 Done": "fired; use data_port unreachable; send 200 Done"}),
    ("STOR: quota_exceeded after_bytes=3", {"STOR a": "use path_io; do STOR a"}),
    ("STOR: disk_full after_bytes=3", {"STOR a": "use path_io; do STOR a"}),
    ("RETR: read_error after_bytes=3", {"RETR a": "use path_io; do RETR a"}),
    ("STOR: write_error after_bytes=3", {"STOR a": "use path_io; do STOR a"}),
    ("LIST: list_style msdos", {"LIST": "fired; use list_style; do LIST"}),
    ("LIST: listing ['x', 'y']", {"|-rw-r--r-- 1 a|": "fired; data x\\r\\ny"}),
    ("NLST: listing 'x'", {"|a|": "fired; data x"}),
    ("MLSD: listing b''", {"|size=4;modify=20260101000000; a|": "fired"}),
    (
        "LIST missing: missing_as_empty",
        {"LIST missing": "exists missing as a pattern; fired; use path_io; do LIST missing"},
    ),
    ("LIST: list_total", {"|-rw-r--r-- 1 a|": "fired; data total 0\\r\\n-rw-r--r-- 1 a"}),
    ("LIST: list_without_links", {"|-rw-r--r-- 1 a|": "fired; data -rw-r--r-- a"}),
    ("LIST: encoding latin-1", {"LIST": "fired; use encoding latin-1; do LIST"}),
    ("NLST: absolute_names", {"NLST": "fired; use absolute_names True; do NLST"}),
    ("AUTH: refuse_handshake", {"TLS": "fired; fail refuse"}),
    ("CONNECT: cut_handshake", {"TLS": "fired; fail cut"}),
    ("RETR: stall_handshake", {"TLS": "fired; fail stall"}),
    ("RETR: no_close_notify", {"|0123|": "data 0123; fired; use close_notify False"}),
]
"""Each fault, and its effects at lines of the dialogue."""


def test_every_word_does_what_it_says_in_every_phase() -> None:
    """A word acts at these lines of the dialogue, in this order, and nowhere else."""
    for fault, lines in PLAYBOOKS:
        dialogue = DIALOGUES[fault.partition(":")[0]]
        happened = play(fault, *dialogue, size=4, encrypted=True)

        wanted = [lines.get(line, untouched(line)) for line in dialogue]
        assert ["; ".join(effects) for effects in happened] == wanted, fault
        assert lines.keys() <= set(dialogue), fault


def test_a_fault_that_another_command_took() -> None:
    """A fault with `times(1)` that applies to two commands happens to one; the other is unchanged."""
    for fault, _ in PLAYBOOKS:
        dialogue = DIALOGUES[fault.partition(":")[0]]
        stage = Play([ActiveFault(parse(fault).times(1))], size=4, encrypted=True, taken=True)

        for line in dialogue:
            # Checking whether a path exists, or preparing a disk error, is not yet the fault.
            effects = [effect for effect in stage.perform(line) if not effect.startswith(("exists ", "use path_io"))]
            # The file is still split where the fault would have acted.
            kind = "data " if line.startswith("|") else "got "
            first, *others = effects
            assert "".join([first, *(other.removeprefix(kind) for other in others)]) == untouched(line), fault


def _variants(word: str) -> set[tuple[str, object]]:
    """A word with each of its moments."""
    known = inspect.signature(WORDS[word]).parameters
    phases = {(word, phase) for phase in PHASES} if "phase" in known else set()
    return phases | {(word, name) for name in ("after_bytes", "at") if name in known} or {(word, None)}


def _variant(fault: str) -> tuple[str, object]:
    word = next(call for call in parse(fault).calls if call.name not in TRIGGERS)
    named = dict(word.named)
    return word.name, named.get("phase", next((name for name in ("after_bytes", "at") if name in named), None))


def test_no_word_is_without_a_playbook() -> None:
    """Every word of the table has a row for each of its phases, and for bytes and parts of a file."""
    words = [row.name.partition("(")[0] for row in table()]

    wanted = {variant for word in words for variant in _variants(word)}
    assert wanted - {_variant(fault) for fault, _ in PLAYBOOKS} == set()


def test_no_close_notify_without_tls() -> None:
    """Without TLS there is no close_notify to omit, and the fault has not happened."""
    assert play("RETR: no_close_notify", "RETR a", "|0123|") == [["do RETR a"], ["data 0123"]]
