"""The tables of legal replies, and the check of the replies to one command."""

from __future__ import annotations

import itertools
import re

from hypothesis import given
from hypothesis import strategies as st

from ftpfixture.wire.states import (
    DOWNLOADS,
    LEGAL_REPLIES,
    LISTINGS,
    TRANSFERS,
    UPLOADS,
    check_exchange,
    legal_reply,
)

# RFC 959 5.4, each row as in the RFC.
RFC_959 = {
    "CONNECT": "120 220 421",
    "USER": "230 530 500 501 421 331 332",
    "PASS": "230 202 530 500 501 503 421 332",
    "ACCT": "230 202 530 500 501 503 421",
    "CWD": "250 500 501 502 421 530 550",
    "CDUP": "200 500 501 502 421 530 550",
    "SMNT": "202 250 500 501 502 421 530 550",
    "REIN": "120 220 421 500 502",
    "QUIT": "221 500",
    "PORT": "200 500 501 421 530",
    "PASV": "227 500 501 502 421 530",
    "MODE": "200 500 501 504 421 530",
    "TYPE": "200 500 501 504 421 530",
    "STRU": "200 500 501 504 421 530",
    "ALLO": "200 202 500 501 504 421 530",
    "REST": "500 501 502 421 530 350",
    "STOR": "125 150 110 226 250 425 426 451 551 552 532 450 452 553 500 501 421 530",
    "STOU": "125 150 110 226 250 425 426 451 551 552 532 450 452 553 500 501 421 530",
    "RETR": "125 150 110 226 250 425 426 451 450 550 500 501 421 530",
    "LIST": "125 150 226 250 425 426 451 450 500 501 502 421 530",
    "NLST": "125 150 226 250 425 426 451 450 500 501 502 421 530",
    "APPE": "125 150 110 226 250 425 426 451 551 552 532 450 550 452 553 500 501 502 421 530",
    "RNFR": "450 550 500 501 502 421 530 350",
    "RNTO": "250 532 553 500 501 502 503 421 530",
    "DELE": "250 450 550 500 501 502 421 530",
    "RMD": "250 500 501 502 421 530 550",
    "MKD": "257 500 501 502 421 530 550",
    "PWD": "257 500 501 502 421 550",
    "ABOR": "225 226 500 501 502 421",
    "SYST": "215 500 501 502 421",
    "STAT": "211 212 213 450 500 501 502 421 530",
    "HELP": "211 214 500 501 502 421",
    "SITE": "200 202 500 501 530",
    "NOOP": "200 500 421",
}
VERBS = sorted(key for key in LEGAL_REPLIES if key.isalnum() and key != "CONNECT")


def test_all_replies_of_rfc_959_are_legal() -> None:
    """Every reply that RFC 959 5.4 lists for a command is in its row."""
    assert {
        verb: missing for verb, codes in RFC_959.items() if (missing := {*codes.split()} - LEGAL_REPLIES[verb])
    } == {}


def test_rows_are_well_formed() -> None:
    """Every row has the common refusals and only codes of three digits, with a success among them."""
    rows = {verb: LEGAL_REPLIES[verb] for verb in VERBS}
    assert [verb for verb, row in rows.items() if not {"421", "500", "501", "502", "530"} <= row] == []
    assert [code for row in rows.values() for code in row if not re.fullmatch(r"[1-5][0-5][0-9]", code)] == []
    assert {verb for verb, row in rows.items() if not any(code[0] in "23" for code in row)} == {"MIC", "CONF", "ENC"}


def test_preliminary_replies_only_where_they_may_come() -> None:
    """Only transfers, the greeting and REIN have a 1xx in their row (RFC 959 5.4)."""
    rows = {verb for verb, row in LEGAL_REPLIES.items() if any(code.startswith("1") for code in row)}
    assert rows == TRANSFERS | {"CONNECT", "REIN"}


def test_sets_of_verbs_agree() -> None:
    """Transfers are downloads, uploads and listings, which do not overlap."""
    assert TRANSFERS == DOWNLOADS | UPLOADS | LISTINGS
    assert not any(one & two for one, two in itertools.combinations([DOWNLOADS, UPLOADS, LISTINGS], 2))
    assert set(LEGAL_REPLIES) > TRANSFERS


def test_downloads_take_no_room() -> None:
    """RETR and listings have no reply for a full disk."""
    assert not any(LEGAL_REPLIES[verb] & {"452", "552"} for verb in DOWNLOADS | LISTINGS)
    assert all(LEGAL_REPLIES[verb] >= {"452", "552"} for verb in UPLOADS)


def test_aliases() -> None:
    """The old names have the same replies as the new ones."""
    aliases = {"XCWD": "CWD", "XCUP": "CDUP", "XPWD": "PWD", "XMKD": "MKD", "XRMD": "RMD"}
    assert {alias: LEGAL_REPLIES[alias] for alias in aliases} == {
        alias: LEGAL_REPLIES[verb] for alias, verb in aliases.items()
    }


def test_legal_reply() -> None:
    """Rows are found by verb and first word; an unknown verb may get any valid code."""
    rows = [
        ("NOOP", "", "200", True),
        ("noop", "", "200", True),
        ("NOOP", "", "220", False),
        ("NOOP", "", "20", False),
        ("NOOP", "", "", False),
        ("EPSV", "", "229", True),
        ("EPSV", "2", "229", True),
        ("EPSV", "", "200", False),
        ("EPSV", "all", "200", True),
        ("EPSV", "ALL", "229", False),
        ("SITE", "CHMOD 644 a", "200", True),
        ("SITE", "chmod 644 a", "350", False),
        ("SITE", "CPFR a", "350", True),
        ("SITE", "CHMODX a", "350", True),
        ("SITE", "", "214", True),
        ("OPTS", "UTF8 ON", "202", True),
        ("OPTS", "MLST size;", "202", False),
        ("AUTH", "TLS", "234", True),
        ("MODE", "Z", "200", True),
        ("MODE", "B", "504", True),
        ("RETR", "ALL", "554", True),
        ("COLL", "20", "150", True),
        ("COLL", "20", "299", False),
        ("COLL", "20", "600", False),
        ("COLL", "20", "1500", False),
        ("CONNECT", "", "220", True),
        ("CONNECT", "", "500", False),
        ("CONNECT", "example.test:80 HTTP/1.1", "500", True),
    ]
    assert [(*row, legal_reply(*row)) for *row, _ in rows] == rows


def test_legal_exchanges() -> None:
    """One final reply, at most one preliminary before it, and 421 at any point."""
    rows = [
        ("CONNECT", "220"),
        ("CONNECT", "120 220"),
        ("CONNECT", "421"),
        ("NOOP", "200"),
        ("NOOP", "421"),
        ("NOOP", "200 421"),
        ("REIN", "120 220"),
        ("RETR", "150 226"),
        ("RETR", "125 250"),
        ("RETR", "150 426"),
        ("RETR", "150 421"),
        ("RETR", "150 226 421"),
        ("RETR", "550"),
        ("RETR", "425"),
        ("STOR", "150 110 110 226"),
        ("COLL", "200"),
        ("COLL", "150 200"),
        ("retr", "150 226"),
    ]
    assert {(verb, codes): check_exchange(verb, "", codes.split()) for verb, codes in rows} == dict.fromkeys(rows)


def test_illegal_exchanges() -> None:
    """Any other exchange is described, with the verb and the codes."""
    rows = [
        ("NOOP", "", "NOOP got no final reply"),
        ("RETR", "150", "RETR got no final reply after 150"),
        ("RETR", "226", "RETR got 226 without 125 or 150 before it"),
        ("noop", "200 200", "NOOP got a second final reply 200 after its final 200"),
        ("RETR", "150 426 226", "RETR got a second final reply 226 after its final 426"),
        ("RETR", "150 226 150", "RETR got a preliminary reply 150 after its final 226"),
        ("RETR", "125 150 226", "RETR got 2 preliminary replies: 125 150"),
        ("STOR", "110 226", "STOR got a restart marker (110) before 125 or 150"),
        ("STOR", "110 150 226", "STOR got a restart marker (110) before 125 or 150"),
        ("NOOP", "150 200", "NOOP may not be answered with 150"),
        ("ABOR", "426 226", "ABOR may not be answered with 426"),
        ("LIST", "150 200", "LIST may not be answered with 200"),
        ("NOOP", "421 200", "NOOP got a second final reply 200 after its final 421"),
        ("NOOP", "421 421", "NOOP got a second final reply 421 after its final 421"),
        ("NOOP", "200 421 421", "NOOP got a second final reply 421 after its final 200"),
        ("CONNECT", "120", "CONNECT got no final reply after 120"),
        ("COLL", "999", "COLL may not be answered with 999"),
        ("COLL", "", "COLL got no final reply"),
    ]
    assert [(verb, codes, check_exchange(verb, "", codes.split())) for verb, codes, _ in rows] == rows


@given(
    st.sampled_from([*VERBS, "COLL", ""]),
    st.lists(st.sampled_from(["110", "120", "150", "200", "226", "421", "", "x"])),
)
def test_check_exchange_accepts_any_input(verb: str, codes: list[str]) -> None:
    """For any codes the check returns a text or None, and never accepts an exchange without a final reply."""
    problem = check_exchange(verb, "", codes)
    assert problem is None or problem.startswith(verb)
    assert problem is not None or any(code[0] != "1" for code in codes)
