"""Makes a recording of a log: the dialogue as people paste it into bug reports becomes a server that says the same.

One rule: pure, and nothing of the log is dropped silently. Every line is understood, repaired with a remark, or
reported as not understood; a log that cannot be a dialogue is an error with the number of a line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ftpfixture.errors import RecordingError
from ftpfixture.recording.imports.formats import FORMATS, chosen, detected
from ftpfixture.recording.imports.items import Item, Received, Remarked, Sent, Shown
from ftpfixture.recording.imports.rendering import Rendering
from ftpfixture.recording.imports.repair import repair
from ftpfixture.recording.imports.rows import Row, rows_of
from ftpfixture.recording.imports.session import Session
from ftpfixture.recording.redact import Secrets
from ftpfixture.recording.store import Recording
from ftpfixture.wire.lines import printable
from ftpfixture.wire.listing import read_listing

__all__ = ["Imported", "Remark", "import_log"]

_WIDTHS = range(50, 101)  # columns of texts that a mail program has wrapped
_SHOWN = 60  # characters of a line that was not understood


@dataclass(frozen=True, slots=True, order=True)
class Remark:
    """What was done with a line of a log.

    Attributes:
        line: Its number, from 1.
        text: A sentence without a full stop.
    """

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Imported:
    """The result of an import.

    Attributes:
        recording: What was in the log.
        format: Name of the format of the log.
        remarks: What was repaired, added or not understood, in the order of the lines.
        secrets: Passwords of the log, for `ftpfixture.recording.store.save`.
    """

    recording: Recording
    format: str
    remarks: tuple[Remark, ...]
    secrets: Secrets = field(repr=False)


def import_log(
    log: bytes | str,
    format: str | None = None,  # noqa: A002
    name: str = "log",
    redact: Mapping[str, str] | None = None,
) -> Imported:
    """Return the dialogue of a log.

    Args:
        log: What a client wrote, as it was pasted.
        format: Name of its format; None to detect it.
        name: Of the log, for errors.
        redact: Further texts that get placeholders, by the names of these; None for none.

    Raises:
        RecordingError: It has no dialogue.
        ConfigurationError: There is no such format.
    """
    rows = rows_of(log)
    known = detected(rows) if format is None else chosen(format)
    if known is None:
        made = "; ".join(f"{one.name}: {one.made_by}" for one in FORMATS.values())
        raise RecordingError(name, 0, f"no line of this log is one of a known format ({made})")
    remarks: set[Remark] = set()

    def remark(number: int, text: str) -> None:
        remarks.add(Remark(number, text))

    reader = _Reader(remark)
    for item in _unwrapped(known.read(rows), rows):
        reader.take(item)
    sessions = reader.sessions()
    if not any(len(session.turns) > 1 for session in sessions):
        number = rows[0].number if rows else 0
        raise RecordingError(name, number, f"this log has no command; a useful one is made by {known.made_by}")
    for session in sessions:
        repair(session, remark)
    rendering = Rendering(sessions, remark, reader.unread, redact or {})
    recording = rendering.recording(name)
    remarks.update(_not_understood(reader.unread, rendering.secrets))
    return Imported(recording, known.name, tuple(sorted(remarks)), rendering.secrets)


class _Reader:
    """Distributes items to sessions.

    Attributes:
        unread: Lines that belong to no session.
    """

    def __init__(self, remark: Callable[[int, str], None]) -> None:
        self.unread: list[Shown] = []
        self._remark = remark
        self._all: list[Session] = []
        self._current: dict[str, Session] = {}

    def take(self, item: Item) -> None:
        """Give an item to the session of its connection, which may begin here."""
        if isinstance(item, Remarked):
            self._remark(item.number, item.text)
            return
        session = self._current.get(item.source)
        if session is None or session.begins_with(item):
            session = self._current[item.source] = Session(item.number, self._remark)
            self._all.append(session)
        if not session.take(item) and isinstance(item, Shown):
            self.unread.append(item)

    def sessions(self) -> list[Session]:
        """All sessions with any line of a dialogue."""
        return [session for session in self._all if len(session.turns) > 1 or session.turns[0].events]


def _unwrapped(items: Iterable[Item], rows: Sequence[Row]) -> Iterator[Item]:
    """Join a line of the dialogue with the next, where a mail program has wrapped it.

    That is so when all lines of the log are short, and the first word of the next one would have made this one longer
    than all others.
    """
    widths = {row.number: len(row.text) for row in rows}
    widest = max(widths.values(), default=0)
    held: Sent | Received | None = None
    last = 0  # number of the last line of the held item
    for item in items:
        if isinstance(item, Shown) and held is not None and item.number == last + 1:
            word = item.text.lstrip().partition(" ")[0]
            is_wrapped = widest in _WIDTHS and widths[last] + 1 + len(word) > widest
            if is_wrapped and not item.known and not item.text.startswith(" ") and not _is_listed(item.text):
                yield Remarked(number=item.number, text=f"this line was joined with line {last}, which was wrapped")
                held, last = replace(held, text=f"{held.text} {item.text.strip()}"), item.number
                continue
        if held is not None:
            yield held
            held = None
        if isinstance(item, Sent | Received):
            held, last = item, item.number
        else:
            yield item
    if held is not None:
        yield held


def _is_listed(text: str) -> bool:
    reading = read_listing([text], now=0)
    return not reading.unread and bool(reading.entries)


def _not_understood(unread: Iterable[Shown], secrets: Secrets) -> Iterator[Remark]:
    """One remark for lines that stand together."""
    numbers = {line.number: line.text.strip() for line in unread}
    first = last = 0
    for number in [*sorted(numbers), 0]:
        if number != last + 1 or not first:
            if first:
                more = f" (and {last - first} more lines)" if last > first else ""
                yield Remark(first, f"not understood: {printable(secrets.hide(numbers[first]))[:_SHOWN]}{more}")
            first = number
        last = number
