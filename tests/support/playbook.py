"""From a fault and a dialogue to the effects, as text that is easy to compare: no socket, no server, no time.

A line of a dialogue is one of:

- ``RETR a``: the command is received; the last effect is its outcome: ``do RETR a``, ``answer 550 No`` or ``ignore``;
- ``150 Go``: the server replies to it;
- ``|abc`` and ``|abc|``: these bytes are about to be sent on its data connection; the second form ends the file;
- ``^abc`` and ``^abc|``: these bytes are received on its data connection;
- ``TLS``: a TLS handshake begins; the outcome is ``fail refuse`` or ``succeed``.

A line ends after an effect that nothing can follow: a wait for ever, and the end of the data connection.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import TypeVar

from ftpfixture.faults.active import ActiveFault, ActiveFaults
from ftpfixture.faults.effects import Data, Effect, End, Exists, Fired, Hold, Hook, NoFinalReply, Send, Use, Wait
from ftpfixture.faults.grammar import parse
from ftpfixture.faults.pieces import Content, Piece
from ftpfixture.faults.program import Program, TransferProgram
from ftpfixture.wire.reply import Reply
from tests.support.faults import situation

__all__ = ["Play", "play", "untouched"]

T = TypeVar("T")


def play(
    faults: str, *dialogue: str, size: int | None = None, encrypted: bool = False, known: bool = True
) -> list[list[str]]:
    """Return the effects of each line of a dialogue; `faults` has one fault on each line."""
    armed = [ActiveFault(parse(line.strip())) for line in faults.strip().split("\n")]
    stage = Play(armed, size=size, encrypted=encrypted, known=known)
    return [stage.perform(line) for line in dialogue]


def untouched(line: str) -> str:
    """Return the effect of a line of a dialogue without faults."""
    if line == "TLS":
        return "succeed"
    kinds = {"|": "data", "^": "got"}
    if line[0] in kinds:
        return f"{kinds[line[0]]} {line[1:].removesuffix('|')}"
    return f"do {line}" if line[0].isupper() else f"send {line}"


class _OverError(Exception):
    """No effect can follow."""


class Play:
    """Faults, and the commands to which they apply.

    Args:
        armed: The faults.
        size: The size of a download in bytes; None if it is not known.
        encrypted: Whether data connections are encrypted.
        known: Whether `Exists` has a result: True for every path except "missing".
        taken: Whether the faults reach their limit with other commands, and so do not happen to these.
    """

    def __init__(
        self,
        armed: Iterable[ActiveFault],
        *,
        size: int | None = None,
        encrypted: bool = False,
        known: bool = True,
        taken: bool = False,
    ) -> None:
        self._faults = ActiveFaults()
        self._faults.active = tuple(armed)
        self._size = size
        self._encrypted = encrypted
        self._known = known
        self._taken = taken
        self._program: Program | None = None
        self._transfer: TransferProgram | None = None
        self._moved = 0

    def perform(self, line: str) -> list[str]:
        """Return the effects of a line of a dialogue."""
        effects = []
        try:
            for effect in self._performed(line):
                effects.append(effect)
        except _OverError:
            pass
        return effects

    def _performed(self, line: str) -> Iterator[str]:
        if line[0].isupper() and line != "TLS":
            yield from self._command(line)
        elif self._program is None:
            yield "nothing"
        elif line == "TLS":
            how = yield from self._shown(self._program.handshake())
            yield f"fail {how}" if how else "succeed"
        elif line[0] in "|^":
            yield from self._data(self._program, line)
        else:
            yield from self._shown(self._program.reply(Reply(line[:3], (line[4:],))))

    def _command(self, line: str) -> Iterator[str]:
        self._program, self._transfer, self._moved = self._faults.program(situation(line)), None, 0
        if self._taken:
            for armed in self._faults.active:
                armed.fired = armed.fault.trigger.times or 0
        if self._program is None:
            yield f"do {line}"
            return
        effects = []
        for effect in self._shown(self._program.phase("command")):
            effects.append(effect)
            yield effect
        if {"end control fin", "end control rst"}.intersection(effects):
            return  # the connection is closed, so the command is not carried out
        outcome = yield from self._shown(self._program.command())
        if isinstance(outcome, str):
            yield f"do {line.partition(' ')[0]} {outcome}".strip()
        else:
            yield "ignore" if outcome is None else f"answer {_text(outcome)}"

    def _data(self, program: Program, line: str) -> Iterator[str]:
        if self._transfer is None:
            self._transfer = program.transfer(self._size)
            yield from self._shown(self._transfer.start())
        content = line[1:].removesuffix("|").encode()
        if line[0] == "|":
            yield from self._shown(self._transfer.send(content, self._moved))
            self._moved += len(content)
        else:
            yield from self._receive(self._transfer, content)
        if line.endswith("|"):
            yield from self._shown(self._transfer.end(self._moved, self._encrypted))

    def _receive(self, transfer: TransferProgram, content: bytes) -> Iterator[str]:
        while content:
            yield from self._shown(transfer.reach(self._moved))
            if transfer.lost:
                return
            piece = content[: transfer.largest_piece(self._moved)]
            got = yield from self._shown(transfer.data(piece, self._moved))
            yield f"got {_text(bytes(got))}"
            self._moved += len(piece)
            content = content[len(piece) :]

    def _shown(self, hook: Hook[T]) -> Generator[str, None, T]:
        """Yield the effects of a hook as text, to its end or until no effect can follow."""
        answer: bool | None = None
        while True:
            try:
                effect = hook.send(answer)
            except StopIteration as done:
                returned: T = done.value
                return returned
            yield _line(effect)
            match effect:
                case Wait(seconds=None) | End("data", "fin" | "rst"):
                    raise _OverError
            answer = "missing" not in effect.path if self._known and isinstance(effect, Exists) else None


def _line(effect: Effect) -> str:
    match effect:
        case Fired():
            return "fired"
        case NoFinalReply(if_held):
            return "silent if held" if if_held else "silent"
        case Wait(seconds, jitter, discard_input):
            words = ["wait", "for ever" if seconds is None else f"{seconds:g}"]
            return " ".join(
                words + [f"to {seconds or 0 + jitter:g}"] * bool(jitter) + ["discarding input"] * discard_input
            )
        case Send((), drain=True):
            return "drain"
        case Send(pieces, size, pause):
            return f"send {_pieces(pieces)}" + (f" by {size} every {pause:g}" if size else "")
        case Hold(pieces):
            return f"hold {_pieces(pieces)}"
        case Data(b"", flush=True):
            return "flush"
        case Data(content, flush):
            return f"data {_text(bytes(content))}" + " flushed" * flush
        case End(where, how):
            return f"end {where} {how}"
        case Exists(path, pattern):
            return f"exists {path}" + " as a pattern" * pattern
        case Use(name, value):
            return f"use {name}" if callable(value) else f"use {name} {value}"


def _pieces(pieces: tuple[Piece, ...]) -> str:
    return " + ".join(_text(raw) for _, raw in pieces)


def _text(content: Content) -> str:
    raw = content.render() if isinstance(content, Reply) else content
    return raw.decode("latin-1").removesuffix("\r\n").encode("unicode_escape").decode()
