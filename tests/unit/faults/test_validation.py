"""A fault that can never happen is refused when it is added."""

from __future__ import annotations

import pytest

from ftpfixture import Fault, Server, on
from ftpfixture.errors import ConfigurationError
from ftpfixture.faults.grammar import parse
from ftpfixture.faults.presets import PRESETS
from ftpfixture.faults.validation import check_fault
from ftpfixture.wire.states import LEGAL_REPLIES
from tests.support.faults import WORDS, simplest
from tests.support.rows import table

KNOWN_VERBS = {verb.upper() for verb in Server().specs}


def _error(fault: Fault, known: set[str] = KNOWN_VERBS) -> str:
    with pytest.raises(ConfigurationError) as caught:
        check_fault(fault, known)
    return str(caught.value)


@table(
    ("fault", "text"),
    [
        (
            on("RETRR").not_implemented(),
            "on('RETRR').not_implemented(): the server has no command 'RETRR': did you mean 'RETR'?",
        ),
        (
            on("RETR", "QQQQQ").not_implemented(),
            "on('RETR', 'QQQQQ').not_implemented(): the server has no command 'QQQQQ'",
        ),
        (on("PASSS", path="dragon").not_implemented(), "the server has no command 'PASSS': did you mean 'PASS'?"),
    ],
)
def test_unknown_verbs(fault: Fault, text: str) -> None:
    """A verb that neither the server nor any RFC has is an error, which suggests the nearest one."""
    assert text in _error(fault)


@table("verb", ["*", "CONNECT", "LPRT", "XMKD", *LEGAL_REPLIES])
def test_known_verbs(verb: str) -> None:
    """Every verb of the protocol tables is accepted, even if the server only refuses it."""
    if " " not in verb:
        check_fault(on(verb).delay(1), KNOWN_VERBS)


ADDRESSES = "EPRT, EPSV, PASV, PORT"
DOWNLOADS = "LIST, MLSD, NLST, RETR"
TRANSFERS = "APPE, LIST, MLSD, NLST, RETR, STOR, STOU"


@table(
    ("fault", "verbs"),
    [
        (on("RETR").refuse_data(), ADDRESSES),
        (on("RETR").ignore_data(), ADDRESSES),
        (on("LIST").unreachable_data(), ADDRESSES),
        (on("PORT").wrong_address(), "EPSV, PASV"),
        (on("EPRT").malformed_address("empty"), "EPSV, PASV"),
        (on("RETR").shift_offset(5), "REST"),
        (on("MDTM").wrong_size(5), "AVBL, MLSD, MLST, RETR, SIZE"),
        (on("SIZE").shift_time(5), "MDTM, MFCT, MFF, MFMT, MLSD, MLST"),
        (on("NLST").list_style("msdos"), "LIST, STAT"),
        (on("MLSD").list_total(), "LIST"),
        (on("MLSD").list_without_links(), "LIST"),
        (on("LIST").absolute_names(), "NLST"),
        (on("STOR").read_error(), "RETR"),
        (on("LIST").read_error(), "RETR"),
        (on("RETR").quota_exceeded(), "APPE, STOR, STOU"),
        (on("RETR").write_error(), "APPE, STOR, STOU"),
        (on("STOR").pad(b"x"), DOWNLOADS),
        (on("CWD").drop_data(), TRANSFERS),
        (on("CWD").reset_data(5), TRANSFERS),
        (on("CWD").half_close_data(), TRANSFERS),
        (on("CWD").fail(451), TRANSFERS),
        (on("CWD").truncate(), TRANSFERS),
        (on("CWD").throttle_data(5), TRANSFERS),
        (on("STOR").slice_data(5), DOWNLOADS),
        (on("CWD").garble_data(), TRANSFERS),
        (on("CWD").stall_data(), TRANSFERS),
        (on("PASV").no_close_notify(), TRANSFERS),
        (on("CWD").preliminary(150), TRANSFERS),
        (on("CWD").no_preliminary(), TRANSFERS),
        (on("CWD").early_reply(), TRANSFERS),
        (on("CWD").coalesce(), TRANSFERS),
        (on("CWD").delay(1, phase="before_150"), TRANSFERS),
        (on("CWD").delay(1, phase="after_150"), TRANSFERS),
        (on("CWD").close(phase="before_close"), TRANSFERS),
        (on("CWD").delay(1, after_bytes=5), TRANSFERS),
        (on("CONNECT").drop_data(), TRANSFERS),
        (on("CWD").delay(1).not_implemented().refuse_data(), ADDRESSES),
    ],
)
def test_words_that_are_for_other_verbs(fault: Fault, verbs: str) -> None:
    """The error shows the fault, and the verbs with which it can happen."""
    own = "|".join(fault.trigger.verbs)

    assert _error(fault) == f"{fault!r}: it can happen only with {verbs}, not with {own}"


@table("fault", [on("STOR").drop_data(at=0.5), on("STOR").truncate(at=0.5), on("STOR").delay(1, at=0.5)])
def test_a_part_of_an_upload(fault: Fault) -> None:
    """The size of an upload is unknown, so the error names the parameter for a number of bytes."""
    use = "the size of an upload is unknown, so use after_bytes= in place of at="

    assert _error(fault) == f"{fault!r}: it can happen only with {DOWNLOADS}, not with STOR: {use}"


@table(
    "fault",
    [
        on("STOR", "RETR").read_error(),
        on("CWD", "REST").shift_offset(5),
        on("*").refuse_data(),
        on("*").drop_data(at=0.5),
        on("CWD").delay(1),
        on("CWD").close("before_reply"),
        on("CWD").say(226, phase="after_reply"),
        on("CWD").delay_to_next(),
        on("CWD").no_reply(),
        on("CWD").reply(200),
        on("CWD").slice(3),
        on("CWD").garble(),
        on("CONNECT").refuse_handshake(),
        on("RETR").encoding("latin-1"),
        on("STAT").list_style("msdos"),
        on("RETR").drop_data(at=1),
    ],
)
def test_words_for_one_of_the_verbs(fault: Fault) -> None:
    """One matching verb is enough; "*" always matches."""
    check_fault(fault, KNOWN_VERBS)


def test_a_verb_of_a_user() -> None:
    """A user's command may have data, addresses and files, so any word can apply."""
    check_fault(on("COLL").drop_data().refuse_data().read_error(), {*KNOWN_VERBS, "COLL"})
    check_fault(on("CWD", "COLL").drop_data(), {*KNOWN_VERBS, "COLL"})


@table("name", WORDS)
def test_every_word_has_a_verb(name: str) -> None:
    """Every word is accepted for some verb."""
    verbs = {verb.partition(" ")[0] for verb in LEGAL_REPLIES}
    needed = simplest(WORDS[name])

    check_fault(getattr(on(*verbs), name)(*needed), KNOWN_VERBS)
    check_fault(getattr(on("*"), name)(*needed), KNOWN_VERBS)


@table("name", PRESETS)
def test_every_preset_is_valid(name: str) -> None:
    """Every preset is accepted."""
    check_fault(parse(name), KNOWN_VERBS)
