"""Which replies each command may get, and in what order (RFC 959 5.4 and the RFCs that extend it).

One rule: facts only. The tables hold what the protocol allows, not what our server does; tests compare the two.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = [
    "DOWNLOADS",
    "LEGAL_REPLIES",
    "LISTINGS",
    "TRANSFERS",
    "UPLOADS",
    "check_exchange",
    "legal_reply",
]

DOWNLOADS = frozenset({"RETR"})
"""Verbs that send a file to the client (RFC 959 4.1.3)."""

UPLOADS = frozenset({"STOR", "STOU", "APPE"})
"""Verbs that receive a file from the client (RFC 959 4.1.3)."""

LISTINGS = frozenset({"LIST", "NLST", "MLSD"})
"""Verbs that send a listing over the data connection (RFC 959 4.1.3, RFC 3659 7)."""

TRANSFERS = DOWNLOADS | UPLOADS | LISTINGS
"""Verbs that use a data connection: a preliminary reply 125 or 150 comes before success."""

# Groups of codes that many commands share.
_COMMON = "421 451 500 501 502 530"  # any command: shutting down, internal error, syntax, not offered, not logged in
_PATH = "450 451 550 553"  # any path: busy, local error, missing or not allowed, not a name (RFC 959 4.2.2)
_STORING = "452 532 552"  # commands that need space: none now, needs an account, quota (RFC 959 4.2.2)
_PRELIMINARY = "125 150"  # RFC 959 5.4
_DATA = "226 250 425 426 503"  # RFC 959 5.4; 503 without PORT or PASV before
_RESTART = "110 551 554 555"  # markers of MODE B and C; RFC 1123 4.1.3.4: what may be wrong with a restart point
_PROTECTION = "431 521 522 534 535"  # the data connection is not protected as it must be (RFC 2228 5, RFC 4217 10)
_LISTING = f"504 {_PRELIMINARY} {_DATA} {_PATH} {_PROTECTION}"
_DOWNLOAD = f"{_LISTING} {_RESTART}"
_UPLOAD = f"{_DOWNLOAD} {_STORING}"
_ADDRESS = "425 451 503 504 521 522 534 550"  # no port, after EPSV ALL, another family, policy (RFC 2428, 2577, 4217)
_DIGEST = f"{_PATH} 504 551 552 556"  # draft-bryan-ftp-hash: bad range, too much, not allowed

_ACCESS = {
    "USER": "230 331 332 232 336 503 504 534 550",  # RFC 959 5.4, RFC 2228 5; the last three: TLS is demanded first
    "PASS": "202 230 332 503 504",  # RFC 959 5.4
    "ACCT": "202 230 503 504 532",  # RFC 959 5.4
    "CWD": f"200 250 504 {_PATH}",  # RFC 959 5.4
    "CDUP": f"200 250 {_PATH}",  # RFC 959 5.4 has 200, 4.1.1 the codes of CWD
    "SMNT": f"202 250 504 {_PATH}",  # RFC 959 5.4
    "REIN": "120 220",  # RFC 959 5.4
    "QUIT": "221",  # RFC 959 5.4
    "HOST": "220 503 504",  # RFC 7151 3
    "LANG": "200 503 504",  # RFC 2640 4.1
    "CLNT": "200 504",  # de facto
    "CSID": "200 504",  # draft-peterson-streamlined-ftp-command-extensions
}

_PARAMETERS = {
    "PORT": f"200 {_ADDRESS}",  # RFC 959 5.4, RFC 2577 3
    "PASV": f"227 {_ADDRESS}",  # RFC 959 5.4
    "EPRT": f"200 {_ADDRESS}",  # RFC 2428 2
    "EPSV": f"229 {_ADDRESS}",  # RFC 2428 3
    "EPSV ALL": "200 503 504",  # RFC 2428 4
    "LPRT": f"200 {_ADDRESS}",  # RFC 1639 4
    "LPSV": f"228 {_ADDRESS}",  # RFC 1639 4
    "CPSV": f"227 {_ADDRESS}",  # de facto: PASV where the server is the TLS client
    "SSCN": "200 503 504 534",  # de facto: the same as a setting
    "PRET": f"200 504 {_PATH}",  # de facto
    "TYPE": "200 504",  # RFC 959 5.4
    "STRU": "200 504",  # RFC 959 5.4
    "MODE": "200 504",  # RFC 959 5.4
    "MODE Z": "200 503 504",  # draft-preston-ftpext-deflate
    "ALLO": f"200 202 504 {_PATH} {_STORING}",  # RFC 959 5.4; 552 from servers that check the free space
    "REST": "350 504",  # RFC 959 5.4; a wrong number shows in the transfer
    "RANG": "350 504 551",  # draft-bryan-ftp-range
}

_SECURITY = {
    "AUTH": "234 334 431 503 504 534",  # RFC 2228 5, RFC 4217 4
    "ADAT": "235 335 503 535",  # RFC 2228 5
    "PBSZ": "200 503 504 534",  # RFC 2228 5
    "PROT": "200 431 503 504 534 536",  # RFC 2228 5
    "CCC": "200 503 533 534",  # RFC 2228 5
    "MIC": "503 504 533 534 535 536 537",  # RFC 2228 5
    "CONF": "503 504 533 534 535 536 537",  # RFC 2228 5
    "ENC": "503 504 533 534 535 536 537",  # RFC 2228 5
}

_SERVICE = {
    "RETR": _DOWNLOAD,  # RFC 959 5.4
    "STOR": _UPLOAD,  # RFC 959 5.4
    "STOU": _UPLOAD,  # RFC 959 5.4
    "APPE": _UPLOAD,  # RFC 959 5.4
    "LIST": _LISTING,  # RFC 959 5.4
    "NLST": _LISTING,  # RFC 959 5.4
    "MLSD": _LISTING,  # RFC 3659 7.2.1
    "MLST": f"250 504 {_PATH}",  # RFC 3659 7.2.2
    "ABOR": "225 226",  # RFC 959 5.4; the 426 belongs to the transfer
    "PWD": f"257 {_PATH}",  # RFC 959 5.4
    "MKD": f"257 504 521 {_PATH} {_STORING}",  # RFC 959 5.4; 521 of RFC 959 Appendix II: it exists
    "RMD": f"250 504 {_PATH}",  # RFC 959 5.4
    "RMDA": f"250 504 {_PATH}",  # draft-peterson-streamlined-ftp-command-extensions
    "DELE": f"250 504 {_PATH}",  # RFC 959 5.4
    "RNFR": f"350 504 {_PATH}",  # RFC 959 5.4
    "RNTO": f"250 503 504 {_PATH} {_STORING}",  # RFC 959 5.4
    "SIZE": f"213 504 {_PATH}",  # RFC 3659 4
    "MDTM": f"213 504 {_PATH}",  # RFC 3659 3
    "MFMT": f"213 504 {_PATH}",  # draft-somers-ftp-mfxx
    "MFCT": f"213 504 {_PATH}",  # draft-somers-ftp-mfxx
    "MFF": f"213 504 {_PATH}",  # draft-somers-ftp-mfxx
    "AVBL": f"202 213 504 {_PATH}",  # draft-peterson-streamlined-ftp-command-extensions
    "DSIZ": f"202 213 504 {_PATH}",  # draft-peterson-streamlined-ftp-command-extensions
    "COMB": f"250 504 {_PATH} {_STORING}",  # de facto
    "HASH": f"213 {_DIGEST}",  # draft-bryan-ftp-hash
    "MD5": f"251 {_DIGEST}",  # draft-twine-ftpmd5
    "MMD5": f"252 {_DIGEST}",  # draft-twine-ftpmd5
    **dict.fromkeys(("XCRC", "XMD5", "XSHA", "XSHA1", "XSHA256", "XSHA512"), f"213 250 {_DIGEST}"),  # de facto
}

_INFORMATION = {
    "SYST": "215",  # RFC 959 5.4
    "STAT": f"211 212 213 504 {_PATH}",  # RFC 959 5.4
    "HELP": "211 214 504",  # RFC 959 5.4
    "NOOP": "200",  # RFC 959 5.4
    "FEAT": "211",  # RFC 2389 3.2
    "OPTS": "200 451 504",  # RFC 2389 4
    "OPTS UTF8": "200 202 451 504",  # draft-ietf-ftpext-utf-8-option
    "SITE": f"200 202 211 212 213 214 250 257 350 503 504 {_PATH} {_STORING}",  # RFC 959 5.4: 200 202; free-form
    "SITE HELP": "200 202 214 504",
    "SITE CHMOD": f"200 202 504 {_PATH}",
    "SITE CHGRP": f"200 202 504 {_PATH}",
    "SITE CHOWN": f"200 202 504 {_PATH}",
    "SITE UTIME": f"200 202 213 504 {_PATH}",
    "SITE UMASK": "200 202 504",
    "SITE IDLE": "200 202 504",
    "SITE SYMLINK": f"200 202 250 504 {_PATH} {_STORING}",
    "SITE MKDIR": f"200 202 250 257 504 {_PATH} {_STORING}",
    "SITE RMDIR": f"200 202 250 504 {_PATH}",
    "SITE COPY": f"200 202 250 504 {_PATH} {_STORING}",
    "SITE CPFR": f"350 504 {_PATH}",
    "SITE CPTO": f"200 250 503 504 {_PATH} {_STORING}",
    "SITE EXEC": "502 504",
}

# RFC 775 and RFC 1123 4.1.3.1: the names before RFC 959.
_ALIASES = {"XCWD": "CWD", "XCUP": "CDUP", "XPWD": "PWD", "XMKD": "MKD", "XRMD": "RMD"}


def _table() -> dict[str, frozenset[str]]:
    rows = {**_ACCESS, **_PARAMETERS, **_SECURITY, **_SERVICE, **_INFORMATION}
    table = {key: frozenset(f"{codes} {_COMMON}".split()) for key, codes in rows.items()}
    table.update({alias: table[verb] for alias, verb in _ALIASES.items()})
    table["CONNECT"] = frozenset({"120", "220", "421"})  # RFC 959 5.4: not a command, so it has no syntax error
    return table


LEGAL_REPLIES: dict[str, frozenset[str]] = _table()
"""Verb, or verb and first word of its argument, to every code that may answer it, preliminary or final."""

_CODE = re.compile(r"[1-5][0-5][0-9]")
"""A reply code (RFC 959 4.2)."""


def legal_reply(verb: str, argument: str, code: str) -> bool:
    """Return whether `code` may be among the replies to a command.

    A verb that no RFC defines is an extension: it may get any valid reply code.

    Args:
        verb: In any case; "CONNECT" for the greeting.
        argument: Its first word counts where the table has a row for it, as for SITE CHMOD.
        code: Three digits.
    """
    codes = _row(verb, argument)
    return code in codes if codes is not None else _CODE.fullmatch(code) is not None


def _row(verb: str, argument: str) -> frozenset[str] | None:
    verb, word = verb.upper(), argument.partition(" ")[0].upper()
    if verb == "CONNECT" and word:
        return None  # CONNECT of HTTP, which a client may send to the wrong port, with a host name
    return LEGAL_REPLIES.get(f"{verb} {word}", LEGAL_REPLIES.get(verb))


def check_exchange(verb: str, argument: str, codes: Sequence[str]) -> str | None:
    """Describe what is wrong with the replies to one command.

    A 421 may come at any point, also in place of the final reply. An aborted transfer gets one 426; the 225 or 226
    after it belongs to the ABOR.

    Args:
        verb: In any case; "CONNECT" for the greeting.
        argument: As for `legal_reply`.
        codes: In the order in which they were received.

    Returns:
        None when the replies are legal.

    Source: RFC 959 5.4 and 6.
    """
    verb = verb.upper()
    illegal = _illegal(verb, argument, codes)
    if illegal is not None:
        return f"{verb} may not be answered with {illegal}"
    preliminary, final = _parted(codes)
    return _check_preliminary(verb, preliminary) or _check_final(verb, preliminary, final)


def _illegal(verb: str, argument: str, codes: Sequence[str]) -> str | None:
    return next((code for code in codes if not legal_reply(verb, argument, code)), None)


def _parted(codes: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the preliminary replies at the head, and all replies from the first final one on."""
    count = next((index for index, code in enumerate(codes) if code[0] != "1"), len(codes))
    return list(codes[:count]), list(codes[count:])


def _check_preliminary(verb: str, codes: list[str]) -> str | None:
    # Restart markers come between the 1xx and the end, any number of them (RFC 959 5.4); other 1xx come once.
    others = [code for code in codes if code != "110"]
    if len(others) > 1:
        return f"{verb} got {len(others)} preliminary replies: {' '.join(others)}"
    if "110" in codes and codes[0] == "110":
        return f"{verb} got a restart marker (110) before 125 or 150"
    return None


def _check_final(verb: str, preliminary: list[str], codes: list[str]) -> str | None:
    if not codes:
        return f"{verb} got no final reply" + (f" after {preliminary[-1]}" if preliminary else "")
    first, rest = codes[0], codes[1:]
    if rest and (rest != ["421"] or first == "421"):
        kind = "preliminary" if rest[0].startswith("1") else "second final"
        return f"{verb} got a {kind} reply {rest[0]} after its final {first}"
    if verb in TRANSFERS and first.startswith("2") and not preliminary:
        return f"{verb} got {first} without 125 or 150 before it"
    return None
