"""What a test asserts of the commands that were sent.

One rule: an assertion only reads; when it fails, it shows what was expected, what came nearest, and the dialogue.
"""

from __future__ import annotations

from ftpfixture.log.matching import Pattern, nearest
from ftpfixture.log.records import CommandRecord
from ftpfixture.log.view import LogView

__all__ = ["Assertions", "counted_times"]


class Assertions(LogView):
    """Assertions over the records of a log."""

    def find(self, pattern: str, session: int | None = None) -> list[CommandRecord]:
        """The commands that match, in order; perhaps none."""
        wanted = Pattern.parse(pattern)
        return [record for record in self._of(session) if wanted.matches(record)]

    def assert_sent(self, pattern: str, *, times: int | None = None, session: int | None = None) -> CommandRecord:
        """Assert that a command was sent.

        Args:
            pattern: Such as ``"STOR /in/*.csv -> 226"``; see `ftpfixture.log.matching`.
            times: How often exactly; None for at least once.
            session: Number of the only session that counts; None for all.

        Returns:
            The first match (with ``times=0`` there is none to return, so use `assert_not_sent`).

        Raises:
            AssertionError: It was not; the text shows the nearest command and the whole dialogue.
        """
        __tracebackhide__ = True
        if times is not None and times < 1:
            raise ValueError("times must be 1 or more: use assert_not_sent(...)")
        found = self.find(pattern, session)
        if len(found) == (times if times is not None else max(1, len(found))):
            return found[0]
        expected = "at least once" if times is None else counted_times(times)
        raise AssertionError(self.missed(pattern, f"expected {expected}, seen {counted_times(len(found))}", session))

    def assert_not_sent(self, pattern: str, *, session: int | None = None) -> None:
        """Assert that no command matches.

        Raises:
            AssertionError: One does.
        """
        __tracebackhide__ = True
        found = self.find(pattern, session)
        if found:
            raise AssertionError(
                f"{Pattern.parse(pattern)} was sent {counted_times(len(found))}, expected never; first as\n"
                f"    {found[0]} in session {found[0].session}\n\n{self.transcript()}"
            )

    def assert_sequence(self, *patterns: str, session: int | None = None) -> list[CommandRecord]:
        """Assert that commands were sent in this order; others may stand between them.

        Returns:
            The matches, one for each pattern.

        Raises:
            AssertionError: They were not; the text names the first that is missing.
        """
        __tracebackhide__ = True
        rest = iter(self._of(session))
        found: list[CommandRecord] = []
        for pattern in patterns:
            wanted = Pattern.parse(pattern)
            match = next((record for record in rest if wanted.matches(record)), None)
            if match is None:
                place = f"missing after {found[-1]}" if found else "not sent"
                raise AssertionError(self.missed(pattern, f"expected as number {len(found) + 1}, {place}", session))
            found.append(match)
        return found

    def _of(self, session: int | None) -> list[CommandRecord]:
        return [record for record in self.commands if session is None or record.session == session]

    def missed(self, pattern: str, what: str, session: int | None) -> str:
        """The text for a pattern that nothing has matched: what was seen, the nearest command, and the dialogue."""
        wanted = Pattern.parse(pattern)
        lines = [f"{wanted}: {what}"]
        near = nearest(wanted, (record for record in self._of(session) if not wanted.matches(record)))
        if isinstance(near, CommandRecord):
            lines.append(f"nearest: {near} (session {near.session}): {wanted.difference(near)}")
        else:
            lines.append("no other command was sent")
        return "\n".join(lines) + f"\n\n{self.transcript()}"


def counted_times(count: int) -> str:
    """How often, in words."""
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")
