"""What can go wrong at a step: one table, in the words of faults.

One rule: a row says at which steps it can make a difference; `points` decides which of them are tried.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from ftpfixture.sweep.steps import CONNECT, Step
from ftpfixture.wire.states import DOWNLOADS, LISTINGS, TRANSFERS, UPLOADS

__all__ = ["KINDS", "LEVELS", "Harm", "Kind", "harm_of"]

LEVELS = ("quick", "standard", "all")
"""The sets of points: each has those of the set before it."""


class Harm(IntEnum):
    """What a fault does to the client; what tells most about its code comes first."""

    CORRUPTION = 0
    """The server says that all is well, and it is not."""
    LOSS = 1
    """A connection ends, or work is lost, and the client is told."""
    REFUSAL = 2
    """The server refuses the command."""
    ODDITY = 3
    """Legal or nearly legal, and unusual."""
    STALL = 4
    """Nothing more comes."""


def _always(step: Step) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Kind:
    """A row of the table.

    Attributes:
        name: Its last part in the name of a point.
        phase: Where in the step: "connect", "command", "reply", "handshake", or a place in the data.
        words: The fault after its colon; `{where}`, `{last}` and the like stand for places in the data.
        verbs: The verbs that it is for.
        harm: What it does.
        level: The smallest set that has it.
        forever: The smallest set that has it at this step and all later ones with the verb; "" for none.
        where: Whether it can make a difference at a step with one of these verbs.
        place: How many bytes of the data go before it; None if it has nothing to do with the data.
    """

    name: str
    phase: str
    words: str
    verbs: Callable[[str], bool]
    harm: Harm
    level: str
    forever: str = ""
    where: Callable[[Step], bool] = _always
    place: Callable[[int], int] | None = None

    @property
    def action(self) -> str:
        """Phase and name, such as "data.half-reset_data"."""
        return f"{self.phase}-{self.name}"

    def fault(self, step: Step) -> str:
        """The fault after its colon."""
        size = step.size or 0
        half = _half(size)
        is_sized = step.is_sized and not step.is_upload
        where = "at=50%" if is_sized else f"after_bytes={half}"
        return self.words.format(where=where, half=half, last=size - 1, size=size, piece=max(1, size // 100))


# The verbs of a row.

CHANGES = UPLOADS | {"DELE", "MKD", "RMD", "RNTO", "MFMT", "MFF", "SITE", "XMKD", "XRMD"}
"""Verbs that change what the server has: it makes a difference whether they were carried out."""

_PASSIVE = frozenset({"PASV", "EPSV"})
_OPTIONAL = frozenset(
    {"FEAT", "OPTS", "SYST", "EPSV", "EPRT", "MLSD", "MLST", "SIZE", "MDTM", "MFMT", "REST", "AUTH", "CLNT", "HASH"}
)


def _one_of(*verbs: str) -> Callable[[str], bool]:
    return frozenset(verbs).__contains__


def _any(verb: str) -> bool:
    return verb != CONNECT


def _not_at_the_end(verb: str) -> bool:
    return verb not in (CONNECT, "QUIT")


def _file(verb: str) -> bool:
    return verb in DOWNLOADS | UPLOADS


def _with_result(verb: str) -> bool:
    return verb in CHANGES | TRANSFERS


# The steps of a row.


def _succeeded(step: Step) -> bool:
    return step.succeeded


def _moves(step: Step) -> bool:
    """Whether there are data that something can happen to."""
    return bool(step.size)


def _transferred(step: Step) -> bool:
    return step.is_transfer and step.succeeded


def _handshake(step: Step) -> bool:
    return step.handshake


# Places in the data.


def _open(size: int) -> int:
    return 0


def _first(size: int) -> int:
    return 1


def _half(size: int) -> int:
    return -(-size // 2)


def _last(size: int) -> int:
    return size - 1


def _end(size: int) -> int:
    return size


_PLACES: dict[str, tuple[str, Callable[[int], int]]] = {
    "open": ("after_bytes=0", _open),
    "first": ("after_bytes=1", _first),
    "half": ("{where}", _half),
    "last": ("after_bytes={last}", _last),
    "end": ("after_bytes={size}", _end),
}


def _data(
    name: str,
    words: str,
    harm: Harm,
    verbs: Callable[[str], bool],
    forever: str = "",
    **levels: str,
) -> list[Kind]:
    """A row for each place in the data, with its set."""
    rows = []
    for place, level in levels.items():
        where, position = _PLACES[place]
        always = forever if place == "half" else ""
        text = f"{words} {where}"
        rows.append(Kind(name, f"data.{place}", text, verbs, harm, level, always, _moves, position))
    return rows


QUICK, STANDARD, ALL = LEVELS
CORRUPTION, LOSS, REFUSAL, ODDITY, STALL = Harm

_CONNECTION = [
    Kind("reset", "connect", "reset", _one_of(CONNECT), LOSS, QUICK, STANDARD),
    Kind("close", "connect", "close", _one_of(CONNECT), LOSS, STANDARD),
    Kind("421", "connect", "service_unavailable", _one_of(CONNECT), REFUSAL, QUICK, STANDARD),
    Kind("multi-line", "connect", "answer 220 ['Hi', '220 users', 'Ready']", _one_of(CONNECT), ODDITY, ALL),
    Kind("slice", "connect", "slice 1", _one_of(CONNECT), ODDITY, ALL),
    Kind("stall", "connect", "stall", _one_of(CONNECT), STALL, QUICK),
]

_COMMANDS = [
    Kind("reset", "command", "reset", _any, LOSS, QUICK, ALL),
    Kind("close", "command", "close", _any, LOSS, STANDARD),
    Kind("421", "command", "service_unavailable", _not_at_the_end, REFUSAL, STANDARD, STANDARD),
    Kind("530", "command", "answer 530 'Not logged in'", _one_of("USER", "PASS"), REFUSAL, QUICK, "", _succeeded),
    Kind(
        "550",
        "command",
        "answer 550 'Refused'",
        lambda verb: _not_at_the_end(verb) and verb not in ("USER", "PASS"),
        REFUSAL,
        QUICK,
        ALL,
        _succeeded,
    ),
    Kind("450", "command", "answer 450 'Busy'", _with_result, REFUSAL, STANDARD, STANDARD, _succeeded),
    Kind("502", "command", "not_implemented", _OPTIONAL.__contains__, REFUSAL, STANDARD, ALL, _succeeded),
    Kind("425", "command", "answer 425 'No connection'", TRANSFERS.__contains__, REFUSAL, STANDARD, "", _succeeded),
    Kind("ignore", "command", "ignore", _any, STALL, STANDARD),
]

_REPLIES = [
    Kind("close", "reply", "close before_reply", CHANGES.__contains__, LOSS, QUICK),
    Kind("close", "reply", "close before_reply", lambda verb: _any(verb) and verb not in CHANGES, LOSS, STANDARD),
    Kind("426", "reply", "reply 426 'Transfer aborted'", TRANSFERS.__contains__, LOSS, STANDARD, "", _transferred),
    Kind(
        "451",
        "reply",
        "reply 451 'Local error'",
        lambda verb: verb in CHANGES - TRANSFERS,
        LOSS,
        STANDARD,
        "",
        _succeeded,
    ),
    Kind("repeat", "reply", "repeat_reply", _not_at_the_end, ODDITY, STANDARD),
    Kind("early", "reply", "early_reply", TRANSFERS.__contains__, ODDITY, STANDARD, "", _transferred),
    Kind("125", "reply", "preliminary 125", TRANSFERS.__contains__, ODDITY, ALL, "", _transferred),
    Kind("250", "reply", "reply 250", TRANSFERS.__contains__, ODDITY, ALL, "", _transferred),
    Kind("no_150", "reply", "no_preliminary", TRANSFERS.__contains__, ODDITY, ALL, "", _transferred),
    Kind("together", "reply", "coalesce", TRANSFERS.__contains__, ODDITY, ALL, "", _transferred),
    Kind("slice", "reply", "slice 1", _any, ODDITY, ALL),
    Kind("garble", "reply", "garble", _any, ODDITY, ALL),
    Kind("two_codes", "reply", "mismatched_lines", _any, ODDITY, ALL),
    Kind("stale", "reply", "say 200 'Stale'", _not_at_the_end, ODDITY, ALL),
    Kind("never", "reply", "no_reply", _any, STALL, STANDARD),
]

_SPECIAL = [
    Kind("ignored", "command", "answer 350 'Restarting'", _one_of("REST"), CORRUPTION, QUICK, "", _succeeded),
    Kind("shift_offset", "command", "shift_offset 1", _one_of("REST"), CORRUPTION, ALL, "", _succeeded),
    Kind("wrong_size", "reply", "wrong_size 1", _one_of("SIZE"), CORRUPTION, STANDARD, "", _succeeded),
    Kind("shift_time", "reply", "shift_time 3600", _one_of("MDTM"), CORRUPTION, ALL, "", _succeeded),
    Kind("refuse_data", "data.connect", "refuse_data", _PASSIVE.__contains__, LOSS, QUICK, ALL, _succeeded),
    Kind("wrong_address", "reply", "wrong_address 127.0.0.2", _one_of("PASV"), ODDITY, STANDARD, "", _succeeded),
    Kind("malformed", "reply", "malformed_address out-of-range", _PASSIVE.__contains__, ODDITY, ALL, "", _succeeded),
    Kind("unquoted", "reply", "reply 257 '/ is the directory'", _one_of("PWD"), ODDITY, ALL, "", _succeeded),
    Kind("msdos", "data.end", "list_style msdos", _one_of("LIST"), ODDITY, ALL, "", _moves),
    Kind("total", "data.end", "list_total", _one_of("LIST"), ODDITY, ALL, "", _transferred),
    Kind("absolute", "data.end", "absolute_names", _one_of("NLST"), ODDITY, ALL, "", _moves),
    Kind("ignore_data", "data.connect", "ignore_data", _PASSIVE.__contains__, STALL, STANDARD, "", _succeeded),
    Kind("unreachable", "data.connect", "unreachable_data", _PASSIVE.__contains__, STALL, ALL, "", _succeeded),
]

_DATA = [
    *_data("truncate", "truncate", CORRUPTION, _file, STANDARD, half=QUICK, open=STANDARD, last=STANDARD, first=ALL),
    *_data("truncate", "truncate", CORRUPTION, LISTINGS.__contains__, half=ALL),
    Kind("garble_data", "data.half", "garble_data first={half}", _file, CORRUPTION, ALL, "", _moves),
    Kind("pad", "data.end", "pad b'more'", DOWNLOADS.__contains__, CORRUPTION, ALL, "", _transferred),
    *_data(
        "reset_data",
        "reset_data",
        LOSS,
        TRANSFERS.__contains__,
        STANDARD,
        half=QUICK,
        open=STANDARD,
        last=STANDARD,
        end=STANDARD,
        first=ALL,
    ),
    *_data("drop_data", "drop_data", LOSS, TRANSFERS.__contains__, half=STANDARD, open=ALL, last=ALL),
    *_data("close", "close", LOSS, TRANSFERS.__contains__, half=STANDARD, open=ALL, last=ALL),
    *_data("reset", "reset", LOSS, TRANSFERS.__contains__, half=ALL),
    *_data("451", "fail 451 'Local error'", LOSS, TRANSFERS.__contains__, half=STANDARD),
    *_data("452", "disk_full", REFUSAL, UPLOADS.__contains__, STANDARD, half=STANDARD, open=ALL),
    Kind("slice_data", "data.open", "slice_data {piece}", DOWNLOADS.__contains__, ODDITY, ALL, "", _moves),
    *_data("stall_data", "stall_data", STALL, TRANSFERS.__contains__, half=QUICK, open=STANDARD, last=ALL),
    *_data("half_close_data", "half_close_data", STALL, TRANSFERS.__contains__, half=ALL),
]

_HANDSHAKES = [
    Kind("cut", "handshake", "cut_handshake", _one_of("AUTH"), LOSS, QUICK, "", _handshake),
    Kind("cut", "handshake", "cut_handshake", TRANSFERS.__contains__, LOSS, STANDARD, "", _handshake),
    Kind("refuse", "handshake", "refuse_handshake", _with_result, LOSS, ALL, "", _handshake),
    Kind("refuse", "handshake", "refuse_handshake", _one_of("AUTH"), LOSS, STANDARD, "", _handshake),
    Kind("stall", "handshake", "stall_handshake", _one_of("AUTH", *TRANSFERS), STALL, STANDARD, "", _handshake),
    Kind("no_close_notify", "data.end", "no_close_notify", TRANSFERS.__contains__, ODDITY, STANDARD, "", _handshake),
]

KINDS: tuple[Kind, ...] = (*_CONNECTION, *_COMMANDS, *_SPECIAL, *_DATA, *_HANDSHAKES, *_REPLIES)
"""All rows; in a report the columns of a test are in this order."""

_HARMS = {kind.action: kind.harm for kind in reversed(KINDS)}


def harm_of(action: str) -> Harm:
    """What a fault does, by its phase and name, such as "data.half-reset_data-forever"."""
    return _HARMS.get(action.removesuffix("-forever"), Harm.LOSS)
