"""Commands in an order: how many patterns of a list match in order, and the evidence about the first that does not.

One rule: nothing here raises or shows a dialogue; the assertions do.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from ftpfixture.log.nearness import Evidence, hits, line_of, near_miss, with_differences
from ftpfixture.log.records import CommandRecord
from ftpfixture.wire.matching import Pattern

__all__ = ["directly", "first_difference", "in_order", "out_of_order", "where"]

Records = Sequence[CommandRecord]


def in_order(wanted: Sequence[Pattern], records: Records) -> list[CommandRecord]:
    """Return the matches of as many patterns as come in this order, others between them."""
    rest, found = iter(records), []
    for pattern in wanted:
        match = next((record for record in rest if pattern.matches(record)), None)
        if match is None:
            break
        found.append(match)
    return found


def directly(wanted: Sequence[Pattern], records: Records) -> list[CommandRecord]:
    """Return the matches of as many patterns as follow one another directly, from the longest such run."""
    best: list[CommandRecord] = []
    for start in range(len(records)):
        found = []
        for pattern, record in zip(wanted, islice(records, start, None), strict=False):
            if not pattern.matches(record):
                break
            found.append(record)
        best = max(best, found, key=len)
        if len(best) == len(wanted):
            break
    return best


def out_of_order(wanted: Sequence[Pattern], found: Records, records: Records, *, strict: bool) -> tuple[str, Evidence]:
    """Return the headline and the evidence about the first pattern of a sequence that is missing."""
    missing = wanted[len(found)]
    headline = f"{missing}: expected as number {len(found) + 1} of the sequence"
    if not found:
        return f"{headline}, not sent", near_miss(missing, records)
    last = found[-1]
    if strict:
        after = list(records).index(last) + 1
        place = f"{headline}, directly after {line_of(last)}"
        if after == len(records):
            return f"{place}, and nothing came after it", Evidence((), (last.seq,))
        return place, Evidence.of(f"after it came {with_differences(missing, records[after])}", records[after], last)
    return f"{headline}, missing after {line_of(last)}", where(
        missing, records, found, f"before {wanted[len(found) - 1]}"
    )


def where(pattern: Pattern, records: Records, found: Records, relation: str) -> Evidence:
    """Return where a command was sent that is missing at its place; without one, what came nearest.

    Args:
        pattern: Of the command.
        records: All that count, in order.
        found: Those that stand for other patterns.
        relation: Of its place to the right one, in words.
    """
    taken = {record.seq for record in found}
    for number, record in enumerate(records, 1):
        if record.seq not in taken and pattern.matches(record):
            return Evidence.of(f"{record.verb} came as number {number}, {relation}: {line_of(record)}", record)
    return near_miss(pattern, records)


def first_difference(wanted: Sequence[Pattern], records: Records, number: int) -> Evidence:
    """Return the evidence about the first command that is not the expected one."""
    if number > len(wanted):
        return Evidence.of(f"number {number} and later were not expected:") + hits(records[number - 1 :])
    if number > len(records):
        missing = ", then ".join(map(str, wanted[number - 1 :]))
        return Evidence.of(f"number {number}: expected {missing}, and nothing came")
    pattern, record = wanted[number - 1], records[number - 1]
    return Evidence.of(f"number {number}: expected {pattern}, came {with_differences(pattern, record)}", record)
