"""Which uploads became visible under their final name at once: stored under another name, then renamed.

One rule: a rename counts for every earlier upload of its source, in any session.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ftpfixture.log.record_lines import transfer_line
from ftpfixture.log.records import CommandRecord, TransferRecord

__all__ = ["Rename", "Uploads", "renames"]


@dataclass(frozen=True, slots=True)
class Rename:
    """A rename that the server made.

    Attributes:
        seq: Number of the RNTO.
        source: Absolute path.
        target: Absolute path.
    """

    seq: int
    source: str
    target: str


def renames(commands: Sequence[CommandRecord]) -> Iterator[Rename]:
    """The renames that succeeded, in order."""
    sources: dict[int, str] = {}
    for record in commands:
        if record.verb == "RNFR":
            sources[record.session] = record.path
        elif record.verb == "RNTO" and record.code.startswith("2") and record.session in sources:
            yield Rename(record.seq, sources[record.session], record.path)


class Uploads:
    """The uploads among some commands, and their later renames.

    Args:
        commands: In order.
        path: Final name, or a shell pattern for it; None for all.

    Attributes:
        finals: Final names of uploads that were renamed, in the order of the renames.
    """

    def __init__(self, commands: Sequence[CommandRecord], path: str | None = None) -> None:
        self._path = path
        self._uploads = [
            (record.seq, record.transfer)
            for record in commands
            if record.transfer is not None and record.transfer.direction == "upload"
        ]
        self._renames = list(renames(commands))
        uploaded = {transfer.path for _, transfer in self._uploads}
        found = (one.target for one in self._renames if one.source in uploaded and self._counts(one.target))
        self.finals = list(dict.fromkeys(found))

    def _counts(self, path: str) -> bool:
        return self._path is None or path == self._path or fnmatchcase(path, self._path)

    def straight(self) -> list[tuple[int, TransferRecord]]:
        """The complete uploads that were never renamed, each with the number of its command."""
        return [(seq, one) for seq, one in self._uploads if one.completed and self._renamed(seq, one) is None]

    def problems(self, suffix: str | None) -> list[str]:
        """What was not atomic, as lines.

        Args:
            suffix: What the name of an upload must end with; None for anything.
        """
        return [
            f"{transfer_line(one)}: {what}" for seq, one in self._uploads if (what := self._wrong(seq, one, suffix))
        ]

    def _wrong(self, seq: int, upload: TransferRecord, suffix: str | None) -> str:
        target = self._renamed(seq, upload)
        if upload.path in self.finals:
            return "under the final name"
        if target is None:
            return "never renamed" if self._counts(upload.path) and upload.completed else ""
        if suffix is not None and self._counts(target) and not upload.path.endswith(suffix):
            return f"renamed to {target}, but its first name does not end with {suffix!r}"
        return ""

    def _renamed(self, seq: int, upload: TransferRecord) -> str | None:
        """The name that an upload was renamed to; None when it was not renamed."""
        return next((one.target for one in self._renames if one.seq > seq and one.source == upload.path), None)
