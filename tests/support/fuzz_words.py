"""What a client may send to a server, right and wrong: steps of sessions, made from a seed.

One rule: the same seed makes the same steps, and a step is a plain tuple, so that a session that went wrong can be
printed, cut down and played again.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

__all__ = ["Step", "session"]

Step = tuple[str, bytes]
"""The kind of a step, and its bytes; `tests.support.fuzz_client.Player` performs them."""

HUGE = "9" * 4400  # more than int() takes
NUMBERS = ("0", "1", "7", "8", "255", "4096", "-1", "1.5", "", "٣", "²", str(1 << 31), str(1 << 63), str(10**19), HUGE)
TIMES = ("20240229123456", "20230229123456", "99991231235959", "00010101000000", "00000101000000", "20240101000060",
         "20240101000000.5", "20240101000000." + "9" * 50, "202401010000", "2024", HUGE)  # fmt: skip
NAMES = (
    "a.txt",
    "b.txt",
    "d",
    "d/e",
    "d/e/f.bin",
    "link",
    "loop",
    "dangling",
    "two words",
    "ä.txt",
    "new",
    "new2",
    "up/x",
)
ODD_NAMES = ("", ".", "..", "/", "//", "/..", "../../x", "d/..", "d/", "a.txt/", "a.txt/x", "missing/x", "-la", "-a d",
             "-R", "-Rla /", "*", "d/*", "[", "[a", "?.txt", "a\0b", "\0", "a\r\0b", "a\r\0\nb", "x" * 256, "y/" * 2000,
             "z" * 8000, "~", "~/x", "C:\\x", "con", "a\tb", " ", "  a", "a ", '"', '""', '"a.txt" 0 3', '"a', "%s%n",
             "{argument}", "\x7f", "\x1b[2J", "\udcff\udcfe", "\udced\udca0\udc80", "\u2028", "😀",
             "a;b=c; d")  # fmt: skip
USERS = ("ann", "bob", "carol", "dave", "anonymous", "nobody", "", "ann\0", "x" * 300)
PASSWORDS = ("secret", "wrong", "", "secret ", "\udcff", "x" * 300)
WORDS = ("A", "A N", "A T", "I", "L 8", "L 7", "E", "S", "Z", "B", "C", "F", "R", "P", "TLS", "SSL", "TLS-P", "ALL",
         "1", "2", "3", "ON", "OFF", "UTF8 ON", "MLST type;size;", "MLST", "HASH MD5", "HASH", "en", "fr", "localhost",
         "[::1]", "MODE Z LEVEL 9", "SITE", "NOOP", "?!?", "UTF-8", "R", "ftp.example.org:21")  # fmt: skip
TRANSFERS = ("RETR", "STOR", "APPE", "STOU", "LIST", "NLST", "MLSD")
PATH_VERBS = ("CWD", "XCWD", "MKD", "XMKD", "RMD", "XRMD", "DELE", "RNFR", "RNTO", "SIZE", "MDTM", "MLST", "STAT",
              "HASH", "XCRC", "XMD5", "XSHA", "XSHA1", "XSHA256", "XSHA512", "AVBL",
              "DSIZ", "RMDA", "SITE CPFR", "SITE CPTO")  # fmt: skip
ADDRESSES = ("127,0,0,1,4,1", "127,0,0,1,0,21", "10,0,0,1,4,1", "127,0,0,1,256,1", "127,0,0,1", "1,2,3,4,5,6,7",
             f"127,0,0,1,{HUGE},1", "127.0.0.1,4,1", "|1|127.0.0.1|1025|", "|2|::1|1025|", "|1|127.0.0.1|21|", "|1||1|",
             f"|{HUGE}|x|1|", "|1|127.0.0.1|65536|", "|3|x|1|", "!1!127.0.0.1!1025!", "|", "|||||")  # fmt: skip
UNKNOWN = ("XYZZY", "", " ", "?", "NO_OP", "noop\tx", "SITEX", "SMNT", "ADAT", "MIC", "ENC", "PASV\0", "RETR\0",
           "ÄÖ", "NOOP\u0131", "X" * 200, "PASSWORD", "XPASS", "GET", "\x16\x03\x01", "THMB")  # fmt: skip


class Words:
    """Makes command lines.

    Args:
        source: Of all choices.
        verbs: All that the server knows, with SITE and OPTS words, as "SITE CHMOD".
    """

    def __init__(self, source: random.Random, verbs: Sequence[str]) -> None:
        self._source = source
        self._verbs = verbs

    def _one(self, choices: Sequence[str]) -> str:
        return self._source.choice(choices)

    def path(self) -> str:
        """A path: mostly one that may be there."""
        name = self._one(NAMES if self._source.random() < 0.75 else ODD_NAMES)
        return f"/{name}" if self._source.random() < 0.25 else name

    def argument(self) -> str:
        """Anything that some command takes."""
        makers: Sequence[Callable[[], str]] = (
            self.path,
            lambda: self._one(NUMBERS),
            lambda: self._one(WORDS),
            lambda: self._one(ADDRESSES),
            lambda: f"{self._one(TIMES)} {self.path()}",
            lambda: f"{self._one(NUMBERS)} {self._one(NUMBERS)}",
            lambda: self._source.randbytes(self._source.randrange(40)).decode("utf-8", "surrogateescape"),
        )
        return self._source.choice(makers)()

    def line(self) -> str:
        """A command: of a known form, of a known verb with any argument, or of an unknown verb."""
        chance = self._source.random()
        if chance < 0.6:
            return self._source.choice(self._forms)(self)
        verb = self._one(self._verbs if chance < 0.95 else UNKNOWN)
        if self._source.random() < 0.1:
            verb = verb.lower()
        return f"{verb} {self.argument()}" if self._source.random() < 0.8 else verb

    _forms: Sequence[Callable[[Words], str]] = (
        lambda self: f"{self._one(TRANSFERS)} {self.path()}",
        lambda self: f"{self._one(TRANSFERS)} {self.path()}",
        lambda self: f"{self._one(PATH_VERBS)} {self.path()}",
        lambda self: f"{self._one(PATH_VERBS)} {self.path()}",
        lambda self: f"{self._one(PATH_VERBS)} {self.path()}",
        lambda self: f"USER {self._one(USERS)}",
        lambda self: f"PASS {self._one(PASSWORDS)}",
        lambda self: f"REST {self._one(NUMBERS)}",
        lambda self: f"RANG {self._one(NUMBERS)} {self._one(NUMBERS)}",
        lambda self: f"TYPE {self._one(('A', 'I', 'I', 'L 8', 'E', 'L ' + HUGE))}",
        lambda self: f"MODE {self._one(('S', 'S', 'Z', 'B'))}",
        lambda self: self._one(("PASV", "EPSV", "EPSV 1", "EPSV ALL", f"EPSV {HUGE}")),
        lambda self: f"{self._one(('PORT', 'EPRT'))} {self._one(ADDRESSES)}",
        lambda self: f"{self._one(('MFMT', 'MFCT', 'MDTM', 'SITE UTIME'))} {self._one(TIMES)} {self.path()}",
        lambda self: (
            f"MFF {self._one(('Modify', 'Create', 'UNIX.mode', 'UNIX.owner', 'Size'))}="
            f"{self._one((*TIMES, *NUMBERS))}; {self.path()}"
        ),
        lambda self: f"SITE CHMOD {self._one(('644', '000', '7777', '8', HUGE))} {self.path()}",
        lambda self: f"SITE SYMLINK {self.path()} {self.path()}",
        lambda self: f"{self._one(('SITE CPFR', 'SITE CPTO', 'RMDA', 'DSIZ'))} {self.path()}",
        lambda self: f'COMB "{self.path()}" {self.path()} "{self.path()}"',
        lambda self: f"COMB {self.path()} {self.path()} {self.path()}",
        lambda self: f"SITE UMASK {self._one(('077', '0', '777', '8', HUGE))}",
        lambda self: f"CSID Name={self.argument()}; Version={self.argument()};",
        lambda self: f"{self._one(('XCRC', 'XMD5', 'XSHA'))} {self.path()} {self._one(NUMBERS)} {self._one(NUMBERS)}",
        lambda self: self._one(("NOOP", "STAT", "PWD", "CDUP", "FEAT", "HELP", "SYST", "ABOR", "SITE HELP", "REIN")),
        lambda self: (
            f"{self._one(('HELP', 'SITE HELP', 'OPTS', 'SITE', 'STAT', 'HOST', 'CLNT', 'LANG', 'PROT'))} "
            f"{self.argument()}"
        ),
    )


def session(seed: int, verbs: Sequence[str], commands: int) -> list[Step]:
    """The steps of one session.

    Args:
        seed: Of all that is chosen.
        verbs: As for `Words`.
        commands: About how many lines are sent.
    """
    source = random.Random(seed)
    words = Words(source, verbs)
    steps: list[Step] = []
    if source.random() < 0.9:
        steps.append(("send", _login(source)))
    sent = 0
    while sent < commands:
        count = source.choice((1, 1, 2, 4, 8, 16, 32))
        sent += count
        steps += _turn(source, words, count)
    if source.random() < 0.25:
        steps.append((source.choice(("reset", "close", "shut")), b""))
    return steps


def _login(source: random.Random) -> bytes:
    user = source.choice(("ann", "ann", "ann", "bob", "carol", "dave", "anonymous"))
    lines = [f"USER {user}", "PASS secret"] + (["ACCT gold"] if user == "carol" else []) + ["TYPE I"]
    return "".join(f"{line}\r\n" for line in lines).encode()


def _turn(source: random.Random, words: Words, count: int) -> list[Step]:
    """Some lines in one piece or in two, and what happens on data connections around them."""
    lines = [words.line() for _ in range(count)]
    if source.random() < 0.3:
        lines[-1] = f"{source.choice(TRANSFERS)} {words.path()}"
    content = b"".join(line.encode("utf-8", "surrogateescape") + _end(source) for line in lines)
    steps: list[Step] = []
    if source.random() < 0.5:
        steps += [("passive" if source.random() < 0.8 else "active", source.choice((b"EPSV", b"PASV")))]
    if source.random() < 0.3:
        cut = source.randrange(len(content) + 1)
        steps += [("send", content[:cut]), ("send", content[cut:])]
    else:
        steps.append(("send", content))
    for _ in range(source.choice((0, 1, 1, 2))):
        steps.append(_on_data(source))
    if source.random() < 0.1:
        steps.append(("urgent", source.choice((b"ABOR\r\n", b"STAT\r\n", b"NOOP\r\n", b""))))
    if source.random() < 0.5:
        steps.append(("listen", b""))
    return steps


def _end(source: random.Random) -> bytes:
    chance = source.random()
    return b"\r\n" if chance < 0.94 else source.choice((b"\n", b"\r\0\r\n", b"\xff\xf1\r\n", b"\xff\xfa\r\n", b" \r\n"))


def _on_data(source: random.Random) -> Step:
    what = source.choice(("feed", "feed", "drain", "drain", "drain", "half", "hang up", "drop"))
    return what, source.randbytes(source.choice((0, 1, 100, 5000))) if what == "feed" else b""
