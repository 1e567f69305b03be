"""One script for a real server and for the persona of this package: every command in every situation that has a text.

One rule: what is compared is what was said; addresses, ports and random names are replaced by fixed words.
"""

from __future__ import annotations

import os
import re
from contextlib import ExitStack, closing
from pathlib import Path

from ftpfixture.wire.reply import Reply
from tests.support.raw import RawClient

__all__ = ["FILES", "MODIFIED", "Said", "fill", "play"]

MODIFIED = 981_173_106  # 2001-02-03 04:05:06 UTC
FILES = {"a.csv": b"a,b\n1,2\n", "out/b.bin": bytes(range(256)) * 8, "out/sub/c.txt": b"c"}
"""The files before the script; there is a directory "empty", too."""

Said = dict[str, list[str]]
"""Each step and the lines that the server said in it; "(closed)" for the end of the session."""

BEFORE_LOGIN = """
PWD; NOOP; SYST; FEAT; HELP; XFOO; LIST; CWD /; TYPE I; STAT; AUTH XFOO; PASS password; USER stranger;
PASS wrong; USER user; NOOP; PASS wrong; USER user; PASS password; QUIT
"""

WITHOUT_DATA = "USER user; PASS password; TYPE I; RETR a.csv; STOR x; LIST; NLST; MLSD; APPE x"
"""In a session of its own: some servers go on waiting for a data connection."""

SESSION = """
USER user; PASS password; SYST; FEAT; PWD; XPWD; NOOP; HELP; HELP RETR; HELP XFOO; SITE; SITE HELP; SITE XFOO;
SITE CHMOD 644 a.csv; SITE CHMOD 644 missing; SITE CHMOD; SITE UMASK; SITE UMASK 022; SITE IDLE; STAT; ALLO 10; ALLO;
ACCT the-account; ACCT; TYPE A; SIZE a.csv; TYPE I; TYPE L 8; TYPE L 7; TYPE E; TYPE X; TYPE; MODE S; MODE B; MODE C;
MODE X; MODE; STRU F; STRU R; STRU P; STRU X; STRU; TYPE I; SIZE a.csv; SIZE missing; SIZE out; SIZE; MDTM a.csv;
MDTM missing; MDTM out; MDTM; MFMT 20010203040506 a.csv; MFMT 20010203040506 missing; MFMT x a.csv; MLST a.csv;
MLST out; MLST missing; MLST; REST 3; REST x; REST -1; REST; REST 0; CWD out; PWD; CDUP; PWD; CDUP; PWD; CWD missing;
CWD a.csv; CWD; XCWD out; XCUP; CWD /; CWD out/sub; CWD ..; CWD /; MKD new; MKD new; MKD missing/new; MKD a.csv;
MKD "q"; MKD; XMKD other; RMD "q"; RMD new; RMD new; RMD out; RMD a.csv; RMD; XRMD other; DELE missing; DELE out;
DELE; RNFR missing; RNFR; RNTO x; RNFR a.csv; RNTO moved; RNFR moved; NOOP; RNTO a.csv; RNFR moved; RNTO missing/x;
RNFR moved; RNTO a.csv; RNFR a.csv; RNTO out; RNTO; RETR; STOR; APPE; EPSV; PASV; EPSV 1; EPSV 2; EPSV 9; EPSV x;
EPSV; PORT; PORT 1,2,3; PORT 127,0,0,1,0,5; PORT 10,0,0,1,200,1; EPRT; EPRT |9|::1|1|; EPRT |1|127.0.0.1|99|; EPRT x;
< LIST; < LIST out; < LIST empty; < LIST missing; < LIST -a out; < LIST a.csv; < LIST *.csv; < LIST *.none; < NLST;
< NLST out; < NLST empty; < NLST missing; < NLST a.csv; < NLST *.csv; < NLST *.none; < MLSD; < MLSD out; < MLSD empty;
< MLSD missing; < MLSD a.csv; STAT a.csv; STAT out; STAT empty; STAT missing; < RETR a.csv; < RETR out/b.bin;
< RETR missing; < RETR out; REST 3; < RETR a.csv; REST 100; < RETR a.csv; TYPE A; < RETR a.csv; < LIST out/sub;
TYPE I; > STOR up.bin; > STOR up.bin; > APPE up.bin; > APPE fresh.bin; > STOR missing/x; > STOR out; > APPE out;
REST 2; > STOR up.bin; > STOU; > STOU name; TYPE A; > STOR up.txt; TYPE I; REST 3; NOOP; < RETR a.csv; AUTH TLS; AUTH;
PBSZ 0; PBSZ; PROT P; PROT C; PROT X; PROT; CCC; LANG; LANG en; LANG xx; OPTS UTF8 ON; OPTS UTF8 OFF; OPTS UTF8;
OPTS MLST size¦type¦; OPTS XFOO; OPTS; CLNT test; HOST example; HASH a.csv; RANG 0 3; AVBL; XCRC a.csv; XMD5 a.csv;
XSHA1 a.csv; MFCT 20010203040506 a.csv; MFF Modify=20010203040506¦ a.csv; SMNT /; PRET RETR a.csv; CSID x; MIC x;
ABOR; XFOO; XFOO bar; FOO; noop; EPSV ALL; PASV; PORT 127,0,0,1,200,1; EPSV; USER user; PASS password; REIN; PWD; QUIT
"""

_PREFIXES = {BEFORE_LOGIN: "1 ", WITHOUT_DATA: "2 ", SESSION: ""}
_LISTED = re.compile(r" ?[-d](?:[r-][w-][x-]){3} ")  # a line of a listing, whose shape is another matter
_EITHER = re.compile(r"^(?:125|150) (Data connection already open\. Transfer starting\.|FILE: NAME)$")
_VARIES = [
    (re.compile(pattern), word)
    for pattern, word in (
        (r"[0-9]{1,3}(?:,[0-9]{1,3}){5}", "ADDRESS"),
        (r"\|\|\|[0-9]+\|", "|||PORT|"),
        (r"(127\.0\.0\.1): ?[0-9]+", r"\1:PORT"),
        (r"[0-9.]+ seconds \(measured here\), [0-9.]+ [KM]?bytes per second", "SPEED"),
        (r"FILE: .*", "FILE: NAME"),
        (r"now [0-9:]+\. Server port: [0-9]+", "now TIME. Server port: PORT"),
        (r"uploaded [0-9]+ and downloaded [0-9]+", "uploaded N and downloaded N"),
        (r"^[0-9]+ matches", "N matches"),
        (r"^ ?(?:[\w.]+=[^;]*;)+ (?:\S*)$", "FACTS"),
        # Of pyftpdlib: which of the two it says depends on the moment at which the data connection is made.
        (r"^File status okay\. About to open data connection\.$", "Data connection already open. Transfer starting."),
    )
]


def fill(root: Path) -> None:
    """Put `FILES` into the folder of a server."""
    (root / "empty").mkdir()
    for name, content in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for path in (*root.rglob("*"), root):
        os.utime(path, (MODIFIED, MODIFIED))


def play(address: tuple[str, int]) -> Said:
    """Play the script, and return what the server said."""
    said: Said = {}
    for script in (BEFORE_LOGIN, WITHOUT_DATA, SESSION):
        with ExitStack() as open_clients:
            client = open_clients.enter_context(closing(RawClient(address)))
            said.setdefault("(greeting)", _lines(client.reply()))
            for step in (step.strip().replace("¦", ";") for step in script.split(";")):
                label = f"{_PREFIXES[script]}{step}"
                while label in said:
                    label += "'"
                try:
                    said[label] = [line for reply in _step(client, step) for line in _lines(reply)]
                except (EOFError, ConnectionError):
                    said[label] = ["(closed)"]
                    client = open_clients.enter_context(closing(RawClient(address)))
                    if script is SESSION:
                        client.login()
    return said


def _lines(reply: Reply) -> list[str]:
    lines = [_plain(line) for line in reply.lines if not _LISTED.match(line)]
    return [_EITHER.sub(r"125 or 150 \1", f"{reply.code} {line}") for line in lines]


def _plain(line: str) -> str:
    """A line without what differs from run to run, or depends on the files and on the machine."""
    for pattern, word in _VARIES:
        line = pattern.sub(word, line)
    return line


def _step(client: RawClient, step: str) -> list[Reply]:
    if step[:2] not in ("< ", "> "):
        return [client.ask(step)]
    try:
        data = client.passive()
    except AssertionError:
        data = client.passive("PASV")
    with data:
        first = client.ask(step[2:])
        if first.code[0] != "1":
            return [first]
        if step[0] == ">":
            data.sendall(b"12345\r\n")
        else:
            while data.recv(65536):
                pass
    return [first, client.reply()]
