"""A dialogue folded to what a reader of a failure needs: its begin, its end, and the surroundings of some commands.

A dialogue is cut into exchanges: a command and all events up to the next one. Exchanges that repeat become one line,
and so does what lies between the parts that are shown.

One rule: folding only leaves out; each line that is shown is a line of the transcript or describes a gap.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from ftpfixture.log.events import CommandReceived, DataClosed, DataOpened, Event, FaultApplied, ReplySent
from ftpfixture.log.transcript import EMPTY, by_session, command_text, event_lines, heading, height

__all__ = ["fold"]

_WHOLE = 60  # lines: a shorter dialogue is shown whole
_ENDS = 16  # lines at the begin and at the end
_AROUND = 8  # lines before and after each command of `around`
_MARKS = 3  # commands of `around` whose surroundings are shown
_LONGEST_PERIOD = 4  # exchanges that repeat together: a poll by TYPE, PASV, LIST and NOOP
_LONGEST_REPLY = 12  # lines of one event
_LONGEST_LINE = 500  # characters: real commands and replies have fewer, faults with raw bytes have any number
_VERBS = 5  # whose number is in the line for what is left out
_FEWEST = 3  # lines that are left out: for fewer, the line of the gap saves nothing

_LEFT_OUT = " " * 9 + " ... "  # in place of the time
_HINT = "(folded; log.transcript() has all, and so has the report of pytest --ftp-dialogue=all)"


@dataclass(frozen=True, slots=True)
class _Piece:
    """An event, or a line that stands for several.

    Attributes:
        session: Number of the control connection.
        height: Number of lines.
        event: None for the line that stands for several.
        note: That line.
        verbs: Of the commands that are in it.
    """

    session: int
    height: int
    event: Event | None = None
    note: str = ""
    verbs: tuple[str, ...] = ()

    def lines(self, zero: float) -> list[str]:
        """As in the transcript; those in the middle of a long reply are left out."""
        if self.event is None:
            return [self.note] if self.note else []
        lines = [_cut(line) for line in event_lines(self.event, zero)]
        if len(lines) <= _LONGEST_REPLY:
            return lines
        half = _LONGEST_REPLY // 2
        return [*lines[:half], f"{_LEFT_OUT}{len(lines) - 2 * half} lines left out", *lines[-half:]]


def _cut(line: str) -> str:
    more = len(line) - _LONGEST_LINE
    return line if more <= 0 else f"{line[:_LONGEST_LINE]} ... {more} more characters"


def fold(events: Iterable[Event], sessions: Iterable[int], around: Collection[int] = (), zero: float = 0) -> str:
    """The dialogues of these sessions, folded.

    Args:
        events: All events of a server, in order.
        sessions: Numbers of control connections.
        around: The `seq` of the commands that matter most, the first of them first.
        zero: Seconds after the server was made, from which the times count.
    """
    marks = frozenset(list(around)[:_MARKS])
    pieces: list[_Piece] = []
    for number, found in by_session(events, sessions).items():
        exchanges = list(_exchanges(event for event in found if height(event)))
        pieces += _unrepeated(exchanges, marks, zero) or [_Piece(number, 0)]
    lines = list(_shown(pieces, marks, zero))
    folded = any(line.startswith(_LEFT_OUT) or len(line) > _LONGEST_LINE for line in lines)
    hint = [_HINT] if folded else []
    return "\n".join([*lines, *hint]) or EMPTY


# Exchanges that repeat.


def _exchanges(events: Iterable[Event]) -> Iterator[list[Event]]:
    """Each command with all that follows it; first what comes before any command."""
    exchange: list[Event] = []
    for event in events:
        if isinstance(event, CommandReceived) and exchange:
            yield exchange
            exchange = []
        exchange.append(event)
    if exchange:
        yield exchange


def _unrepeated(exchanges: Sequence[list[Event]], marks: Collection[int], zero: float) -> list[_Piece]:
    """The exchanges as pieces; in place of those that repeat the ones before, a line that counts them."""
    keys = [_key(exchange, marks) for exchange in exchanges]
    pieces: list[_Piece] = []
    place = 0
    while place < len(exchanges):
        period, times = _repetition(keys, place)
        for exchange in exchanges[place : place + period]:
            pieces += [_Piece(event.session, height(event), event, verbs=_verbs([event])) for event in exchange]
        place += period * times
        if times > 1:
            pieces.append(_again(exchanges[place - period : place], times - 1, zero))
    return pieces


def _repetition(keys: Sequence[object], place: int) -> tuple[int, int]:
    """How many exchanges from a place on repeat together, and how often they come; (1, 1) when they do not."""
    best = 1, 1
    for period in range(1, _LONGEST_PERIOD + 1):
        first = keys[place : place + period]
        times = 1
        while keys[place + times * period : place + (times + 1) * period] == first:
            times += 1
        if times > 1 and period * times > best[0] * best[1]:
            best = period, times
    return best if best[0] * (best[1] - 1) >= 2 else (1, 1)


def _again(exchanges: Sequence[list[Event]], times: int, zero: float) -> _Piece:
    """Return the line for repeated exchanges; `exchanges` are the last of them."""
    verbs = [_verbs(exchange)[0] for exchange in exchanges]
    last = exchanges[-1][-1]
    note = f"{_LEFT_OUT}{', '.join(verbs)} {times} times more, until {last.time - zero:.3f}"
    return _Piece(last.session, 1, note=note, verbs=tuple(verbs) * times)


def _key(exchange: Sequence[Event], marks: Collection[int]) -> object:
    """A value that is equal for exchanges of which a reader needs one only; the exchange itself if it is unique."""
    first = exchange[0]
    if not isinstance(first, CommandReceived) or first.seq in marks:
        return first.seq
    features = [_FEATURES.get(type(event), _number)(event) for event in exchange]
    return tuple(features)


def _number(event: Event) -> object:
    return event.seq


def _of_command(event: CommandReceived) -> object:
    return event.verb, event.argument, event.too_long


def _of_reply(event: ReplySent) -> object:
    return event.code  # a text may have a port, or a time


def _of_opened(event: DataOpened) -> object:
    return event.mode, event.direction, event.path, event.offset


def _of_closed(event: DataClosed) -> object:
    return event.payload.size, event.completed, event.error


def _of_fault(event: FaultApplied) -> object:
    return event.fault


_FEATURES: dict[type[Event], Callable[..., object]] = {
    CommandReceived: _of_command,
    ReplySent: _of_reply,
    DataOpened: _of_opened,
    DataClosed: _of_closed,
    FaultApplied: _of_fault,
}


# Which pieces are shown.


def _verbs(events: Iterable[Event]) -> tuple[str, ...]:
    return tuple(event.verb or command_text(event) for event in events if isinstance(event, CommandReceived))


def _shown(pieces: Sequence[_Piece], marks: Collection[int], zero: float) -> Iterator[str]:
    """The lines of the pieces that are shown, under the headings of their sessions, and a line for each gap."""
    session: int | None = None
    for chosen, group in groupby(zip(pieces, _chosen(pieces, marks), strict=True), key=lambda pair: pair[1]):
        found = [piece for piece, _ in group]
        if not chosen and sum(piece.height for piece in found) >= _FEWEST:
            yield _gap(found)
            continue
        for piece in found:
            if piece.session != session:
                session = piece.session
                yield heading(session)
            yield from piece.lines(zero)


def _chosen(pieces: Sequence[_Piece], marks: Collection[int]) -> list[bool]:
    """Which pieces are shown: all of a short dialogue."""
    if sum(min(piece.height, _LONGEST_REPLY) for piece in pieces) <= _WHOLE:
        return [True] * len(pieces)
    chosen = [False] * len(pieces)
    for place, step, most in _spans(pieces, marks):
        lines = 0
        while 0 <= place < len(pieces) and lines < most:
            chosen[place] = True
            lines += min(pieces[place].height, _LONGEST_REPLY)
            place += step
    return chosen


def _spans(pieces: Sequence[_Piece], marks: Collection[int]) -> Iterator[tuple[int, int, int]]:
    """The parts that are shown: where each begins, in which direction it goes, and how many lines it has."""
    yield 0, 1, _ENDS
    yield len(pieces) - 1, -1, _ENDS
    for place, piece in enumerate(pieces) if marks else ():
        if piece.event is not None and piece.event.seq in marks:
            yield place, -1, _AROUND
            yield place, 1, _AROUND


def _gap(pieces: Sequence[_Piece]) -> str:
    """The line for what is left out: how much, of which sessions, and which commands."""
    verbs = Counter(verb for piece in pieces for verb in piece.verbs)
    most = verbs.most_common(_VERBS)
    counts = [f"{count} {verb}" for verb, count in most]
    others = verbs.total() - sum(count for _, count in most)
    first, last = pieces[0].session, pieces[-1].session
    sessions = "" if first == last else f" of sessions {first} to {last}"
    commands = ", ".join([*counts, *([f"{others} of other verbs"] if others else [])])
    size = sum(piece.height for piece in pieces)
    return f"{_LEFT_OUT}{size} lines{sessions} left out" + (f": {commands}" if commands else "")
