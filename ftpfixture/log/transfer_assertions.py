"""What a test asserts about transferred files: which, how, and with what content.

One rule: only a transfer that is complete counts as one, and an assertion over none fails.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Literal

from ftpfixture import checks
from ftpfixture.errors import ConfigurationError
from ftpfixture.log.failures import failure
from ftpfixture.log.record_lines import some, transfer_line
from ftpfixture.log.records import TransferRecord
from ftpfixture.log.transfer_pattern import CONTENT, TransferPattern, content_difference, file_path
from ftpfixture.log.uploads import Uploads
from ftpfixture.log.view import LogView
from ftpfixture.wire.states import LISTINGS

__all__ = ["TransferAssertions"]


_FILES = checks.instance_of("a mapping from absolute path to bytes", Mapping)


class TransferAssertions(LogView):
    """Assertions over the files that a log saw transferred; listings are no files."""

    def assert_transferred(
        self,
        path: str,
        *,
        direction: Literal["upload", "download"] | None = None,
        content: bytes | None = None,
        size: int | None = None,
        sha256: str | None = None,
        mode: Literal["passive", "active"] | None = None,
        type: Literal["A", "I"] | None = None,  # noqa: A002
        encrypted: bool | None = None,
        offset: int | None = None,
        session: int | None = None,
    ) -> TransferRecord:
        """Assert that a file was transferred to its end; what is None may be anything.

        Args:
            path: Absolute; may be a shell pattern such as ``/in/*.csv``.
            direction: "upload" or "download".
            content: All bytes, as on the wire.
            size: Bytes, as on the wire.
            sha256: Of the bytes as on the wire, in hexadecimal.
            mode: "passive" or "active".
            type: "A" or "I".
            encrypted: Whether the data connection was encrypted.
            offset: Bytes skipped by REST.
            session: Number of the only session that counts; None for all.

        Returns:
            The first transfer that fits.

        Raises:
            AssertionError: There is none; the text has the nearest transfer and all that differs.
            ConfigurationError: An argument cannot fit any transfer, or there is no such session.
        """
        __tracebackhide__ = True
        wanted = TransferPattern.of(path, direction, content, size, sha256, mode, type, encrypted, offset)
        files = self._files(session)
        found = next((record for record in files if not wanted.differences(record)), None)
        if found is not None:
            return found
        headline = f"expected a transfer of {wanted}"
        if not files:
            raise AssertionError(failure(f"{headline}; no file was transferred", [], self))
        nearest = min(files, key=wanted.distance)
        lines = some(wanted.differences(nearest))
        raise AssertionError(failure(headline, [f"nearest: {transfer_line(nearest)}, but", *lines], self))

    def assert_uploads(self, expected: Mapping[str, bytes], *, session: int | None = None) -> None:
        """Assert which files were uploaded, with which content, and that no others were.

        Args:
            expected: Absolute path to the bytes as on the wire. Each path must have one complete upload; those aborted
                before it do not count.
            session: Number of the only session that counts; None for all.

        Raises:
            AssertionError: There were others; the text has all that differ.
            ConfigurationError: Nothing is expected, a path is not absolute, content is not bytes, or there is no such
                session.
        """
        __tracebackhide__ = True
        self.need_all("assert_uploads")
        self._assert_files("upload", expected, session)

    def assert_downloads(self, expected: Mapping[str, bytes], *, session: int | None = None) -> None:
        """Assert which files were downloaded, with which content, and that no others were.

        Args:
            expected: Absolute path to the bytes as on the wire. Each path must have one complete download; those that
                were aborted before it do not count.
            session: Number of the only session that counts; None for all.

        Raises:
            AssertionError: There were others; the text has all that differ.
            ConfigurationError: Nothing is expected, a path is not absolute, content is not bytes, or there is no such
                session.
        """
        __tracebackhide__ = True
        self.need_all("assert_downloads")
        self._assert_files("download", expected, session)

    def _assert_files(self, direction: str, expected: Mapping[str, bytes], session: int | None) -> None:
        __tracebackhide__ = True
        name, group = f"assert_{direction}s", f"{direction.upper()}S"
        if not _FILES(name, expected):
            raise ConfigurationError(f"{name}({{}}) expects nothing: assert_not_sent({group!r}) says that none came")
        wanted = {file_path(path): bytes(CONTENT(f"content of {path}", content)) for path, content in expected.items()}
        seen: dict[str, list[TransferRecord]] = defaultdict(list)
        for record in self._files(session):
            if record.direction == direction:
                seen[record.path].append(record)
        wrong = [f"{path}: no {direction}" for path in wanted if path not in seen]
        for path, records in seen.items():
            wrong += _wrong(records, wanted.get(path))
        if wrong:
            headline = f"expected the {direction}s {', '.join(wanted)}; {len(wrong)} differ:"
            raise AssertionError(failure(headline, some(wrong), self))

    def assert_no_path_transferred_twice(self, *, session: int | None = None) -> None:
        """Assert that no file was uploaded twice, and none downloaded twice; aborted transfers do not count.

        Args:
            session: Number of the only session that counts; None for all.

        Raises:
            AssertionError: One was, or no file was transferred at all; the text has all transfers of such files.
            ConfigurationError: There is no such session.
        """
        __tracebackhide__ = True
        self.need_all("assert_no_path_transferred_twice")
        done: dict[tuple[str, str], list[TransferRecord]] = defaultdict(list)
        for record in self._files(session):
            if record.completed:
                done[record.direction, record.path].append(record)
        if not done:
            text = "expected transfers, each path once; no file was transferred"
            raise AssertionError(failure(text, [], self))
        twice = [transfer_line(record) for records in done.values() if len(records) > 1 for record in records]
        if twice:
            raise AssertionError(
                failure("expected each path to be transferred once; these were not:", some(twice), self)
            )

    def assert_uploaded_atomically(
        self, path: str | None = None, *, suffix: str | None = None, session: int | None = None
    ) -> list[str]:
        """Assert that files were uploaded under another name and then renamed (RNFR, RNTO), never under the final name.

        So a reader of the final name never sees half a file.

        Args:
            path: The final name, absolute, perhaps a shell pattern; None for all uploads.
            suffix: What the name of the upload must end with, such as ".tmp"; None for anything.
            session: Number of the only session that counts; None for all, because a client may rename in another one.

        Returns:
            The final names, in the order of the renames.

        Raises:
            AssertionError: One was not, or there was no such upload; the text has all that differ.
            ConfigurationError: `path` is not absolute, or there is no such session.
        """
        __tracebackhide__ = True
        self.need_all("assert_uploaded_atomically")
        wanted = None if path is None else file_path(path)
        self.sessions_of(session)
        commands = [record for record in self.commands if session in (None, record.session)]
        uploads = Uploads(commands, wanted)
        expected = f"expected uploads {'' if path is None else f'of {path} '}under another name, then RNTO"
        if problems := uploads.problems(suffix):
            raise AssertionError(failure(f"{expected}; {len(problems)} differ:", some(problems), self))
        if not uploads.finals:
            raise AssertionError(failure(f"{expected}; there was no such upload", [], self))
        return uploads.finals

    def _files(self, session: int | None) -> list[TransferRecord]:
        self.sessions_of(session)
        return [
            record for record in self.transfers if session in (None, record.session) and record.verb not in LISTINGS
        ]


def _wrong(records: list[TransferRecord], content: bytes | None) -> list[str]:
    """What is wrong with the transfers of one path, of which one with this content is expected; None for none."""
    done = [record for record in records if record.completed]
    if content is None:
        return [f"not expected: {transfer_line(record)}" for record in records]
    if len(done) != 1:
        return [f"expected once: {transfer_line(record)}" for record in (done or records)]
    difference = content_difference(done[0], content)
    return [f"{transfer_line(done[0])}: {difference}"] if difference else []
