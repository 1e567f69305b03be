"""What was sent in place of the commands that a test expects: the nearest command, those that match, or the verbs.

One rule: a line names the command as sent, the path it means and its session, so that it is found in the dialogue.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ftpfixture.log.failures import Dialogue, failure
from ftpfixture.log.records import CommandRecord
from ftpfixture.wire.lines import printable
from ftpfixture.wire.matching import Pattern, nearest

__all__ = ["Evidence", "counted_times", "hits", "line_of", "near_miss", "with_differences"]

_MOST_HITS = 20


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a failure text shows beside its headline.

    Attributes:
        lines: About the commands that matter.
        around: Their `seq`.
    """

    lines: tuple[str, ...] = ()
    around: tuple[int, ...] = ()

    @classmethod
    def of(cls, line: str, *records: CommandRecord) -> Evidence:
        """Return one line about some commands."""
        return cls((line,), tuple(record.seq for record in records))

    def __add__(self, other: Evidence) -> Evidence:
        return Evidence(self.lines + other.lines, self.around + other.around)

    def failure(self, headline: str, log: Dialogue) -> str:
        """Return the text of a failure, with the dialogue of a log."""
        return failure(headline, self.lines, log, self.around)


def counted_times(count: int) -> str:
    """Return how often, in words."""
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")


def line_of(record: CommandRecord) -> str:
    """Return a command as one line, with the path it means and its session."""
    path = record.path
    meant = "" if path in ("", record.argument) else f" (that is {path})"
    return printable(f"{record}{meant}") + f" (session {record.session})"


def with_differences(pattern: Pattern, record: CommandRecord) -> str:
    """Return a command as one line, with all that differs from a pattern."""
    return f"{line_of(record)}: {'; '.join(pattern.differences(record))}"


def hits(records: Sequence[CommandRecord]) -> Evidence:
    """Return the commands as lines of a list, the first twenty of them."""
    shown, more = records[:_MOST_HITS], len(records) - _MOST_HITS
    lines = [f"    {record.time:.3f} s: {line_of(record)}" for record in shown]
    return Evidence((*lines, *([f"    and {more} more"] if more > 0 else [])), tuple(record.seq for record in shown))


def near_miss(pattern: Pattern, records: Iterable[CommandRecord]) -> Evidence:
    """Return the line about the command nearest to a pattern, with all that differs, or about the verbs sent."""
    everything = list(records)
    others = [record for record in everything if not pattern.matches(record)]
    near = nearest(pattern, others)
    if isinstance(near, CommandRecord):
        return Evidence.of(f"nearest: {with_differences(pattern, near)}", near)
    counts = Counter(record.verb or "(empty line)" for record in others)
    verbs = (verb if count == 1 else f"{verb} ({counted_times(count)})" for verb, count in counts.items())
    other = "other " * (len(others) < len(everything))
    return Evidence.of(f"the {other}commands were {', '.join(verbs)}" if counts else f"no {other}command was sent")
