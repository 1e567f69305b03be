"""What the standards allow: the legal replies of each command, and which command must come before which.

One rule: facts only, as tables; whoever breaks them on purpose does so elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "FOLLOWS",
    "LEGAL_REPLIES",
    "NO_LOGIN",
    "PRELIMINARY",
    "TRANSFERS",
    "check_exchange",
    "legal_reply",
]


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ALWAYS = _codes("421 500 501 502 530")
"""RFC 959 5.4: any command may be unknown, malformed, too early, or the last one."""
_CHOICE = _codes("504")
"""The parameter is known, and not offered."""
_FILE = _codes("450 451 550 553")
_ROOM = _codes("452 532 552")
_DATA = _codes("125 150 226 250 425 426 450 451 503 521 522 534 535 550 551 552 554")
_UPLOAD = _DATA | _codes("110 452 532 553")
_DIGEST = _codes("213 250 450 451 550 551 552 553 556 504")
_SETTING = _codes("200 213 501 504 550 553 451")

_TABLE: dict[str, frozenset[str]] = {
    # Access control: RFC 959 5.4, RFC 2228, RFC 2640, RFC 4217, RFC 7151.
    "CONNECT": _codes("120 220 421"),
    "USER": _codes("230 232 331 332 336 503 534 550"),
    "PASS": _codes("202 230 332 430 503"),
    "ACCT": _codes("202 230 503 532"),
    "CWD": _codes("200 250 550 451"),
    "CDUP": _codes("200 250 550 451"),
    "SMNT": _codes("202 250 550"),
    "QUIT": _codes("221"),
    "REIN": _codes("120 220"),
    "HOST": _codes("220 503 504"),
    "LANG": _codes("200 504"),
    "CLNT": _codes("200"),
    "AUTH": _codes("234 334 431 503 504 534"),
    "PBSZ": _codes("200 503"),
    "PROT": _codes("200 431 503 504 534 536"),
    "CCC": _codes("200 503 533 534"),
    # Transfer parameters: RFC 959 5.4, RFC 2428, RFC 3659.
    "PORT": _codes("200 503 504 425"),
    "EPRT": _codes("200 503 504 522 425"),
    "PASV": _codes("227 425 451 503 522 550 521"),
    "EPSV": _codes("200 229 425 451 503 522"),
    "TYPE": _codes("200 504"),
    "STRU": _codes("200 504"),
    "MODE": _codes("200 504"),
    "ALLO": _codes("200 202 504 552"),
    "REST": _codes("350 504 554"),
    "RANG": _codes("350 551"),
    # Transfers: RFC 959 5.4, RFC 3659 7, RFC 4217 10.
    "RETR": _DATA,
    "STOR": _UPLOAD,
    "STOU": _UPLOAD,
    "APPE": _UPLOAD,
    "LIST": _DATA,
    "NLST": _DATA,
    "MLSD": _DATA,
    "MLST": _codes("250 450 451 504 550 553"),
    "STAT": _codes("211 212 213 450 451 550"),
    "ABOR": _codes("225 226"),
    # File service: RFC 959 5.4, RFC 3659, draft-somers-ftp-mfxx, draft-bryan-ftpext-hash, de facto.
    "PWD": _codes("257 550 451"),
    "MKD": _codes("257 521") | _FILE | _ROOM,
    "RMD": _codes("250") | _FILE,
    "DELE": _codes("250") | _FILE,
    "RNFR": _codes("350 450 451 550 553"),
    "RNTO": _codes("250 503") | _FILE | _ROOM,
    "SIZE": _codes("213 450 451 504 550 553"),
    "MDTM": _codes("213 253 450 451 504 550 553"),
    "MFMT": _SETTING,
    "MFCT": _SETTING,
    "MFF": _SETTING,
    "HASH": _DIGEST,
    "XCRC": _DIGEST,
    "XMD5": _DIGEST,
    "XSHA": _DIGEST,
    "XSHA1": _DIGEST,
    "XSHA256": _DIGEST,
    "XSHA512": _DIGEST,
    "AVBL": _codes("213 450 451 504 550"),
    # Information: RFC 959 5.4, RFC 2389.
    "SYST": _codes("215"),
    "HELP": _codes("211 214"),
    "NOOP": _codes("200"),
    "FEAT": _codes("211"),
    "OPTS": _codes("200 202 451 504"),
    "SITE": _codes("200 202 211 213 214 250 350 450 451 503 504 550 553"),
}

_ALIASES = {"XCWD": "CWD", "XCUP": "CDUP", "XPWD": "PWD", "XMKD": "MKD", "XRMD": "RMD"}

LEGAL_REPLIES: dict[str, frozenset[str]] = {
    **{verb: codes | _ALWAYS for verb, codes in _TABLE.items()},
    **{alias: _TABLE[verb] | _ALWAYS for alias, verb in _ALIASES.items()},
}
"""Verb to all codes that may answer it, preliminary ones included; "CONNECT" is the greeting."""

_ANY_OTHER = _codes("202 421 500 501 502 503 504 530")

UPLOADS = frozenset({"STOR", "STOU", "APPE"})
LISTINGS = frozenset({"LIST", "NLST", "MLSD"})
TRANSFERS = UPLOADS | LISTINGS | {"RETR"}
"""Verbs that use a data connection."""

PRELIMINARY = TRANSFERS | {"REIN", "CONNECT"}
"""Verbs that may be answered with 1xx first; the transfers must be, when they succeed."""

NO_LOGIN = _codes("USER PASS ACCT REIN QUIT AUTH PBSZ PROT CCC FEAT SYST NOOP HELP OPTS HOST LANG CLNT STAT SITE")
"""Verbs that may be said before logging in."""

FOLLOWS = {"PASS": "USER", "ACCT": "PASS", "RNTO": "RNFR", "PROT": "PBSZ"}
"""Verb to the one that must have come before (RFC 959 5.4, RFC 4217 9)."""


def legal_reply(verb: str, argument: str, code: str) -> bool:
    """Say whether a code may answer a command.

    Args:
        verb: In any case; one that is not in the table may only be refused.
        argument: Of the command; unused by the verbs known today.
        code: Three digits.
    """
    return code in LEGAL_REPLIES.get(verb.upper(), _ANY_OTHER)


def check_exchange(verb: str, argument: str, codes: Sequence[str]) -> str | None:
    """Say in words what is wrong with the codes that one command got; None when they are legal.

    Exactly one final reply ends an exchange, and only a transfer has a preliminary one before it. A 421 may stand for
    the final reply of anything. An aborted transfer ends with its own 426; the 226 after it belongs to the ABOR.

    Args:
        verb: Of the command.
        argument: Of the command.
        codes: All that answered it, in order.

    Source: RFC 959 5.4.
    """
    illegal = next((code for code in codes if not legal_reply(verb, argument, code)), None)
    if illegal is not None:
        return f"{illegal} may not answer {verb or 'an empty line'}"
    finals = [code for code in codes if not code.startswith("1")]
    if not finals:
        return "there is no final reply"
    if len(finals) > 1:
        return f"there are {len(finals)} final replies: {' '.join(finals)}"
    if codes[-1].startswith("1"):
        return f"{codes[-1]} came after the final reply"
    if len(codes) > 1 and verb.upper() not in PRELIMINARY:
        return f"{codes[0]} may not come before the final reply to {verb}"
    if verb.upper() in TRANSFERS and finals[0].startswith("2") and len(codes) == 1:
        return f"{finals[0]} came without a preliminary reply"
    return None
