"""A provider for Faker: what FTP servers have, drawn by the generator of Faker, so that its seed decides.

One rule: it is only the entrance; `ftpfixture.testing.randomfiles` draws, and its results depend on nothing else.
"""

from __future__ import annotations

from datetime import UTC

from faker.providers import BaseProvider

from ftpfixture.server.users import User
from ftpfixture.testing import randomfiles
from ftpfixture.wire.listing.entry import Entry
from ftpfixture.wire.listing.styles import ListStyleName, fitting, lines_of

__all__ = ["FtpProvider"]

_GREETINGS = (
    "(vsFTPd 3.0.3)",
    "ProFTPD Server (ProFTPD) [127.0.0.1]",
    "Microsoft FTP Service",
    "pyftpdlib 2.2.0 ready.",
    "FTP server ready; all activity is logged.",
    "Welcome. Please do not use this service without permission.",
)
_LATEST = 1_900_000_000  # seconds since 1970


class FtpProvider(BaseProvider):
    """Methods of a `Faker` instance: ``faker.add_provider(FtpProvider)``; the fixture `faker` has it already."""

    def ftp_file_name(self) -> str:
        """The name of a file as partners send it, such as "ORDERS_20260131_000123.csv"."""
        return randomfiles.feed_name(self.generator.random)

    def ftp_hostile_name(self, kind: str | None = None, sendable: bool = True) -> str:
        """A name that code stumbles over.

        Args:
            kind: A key of `ftpfixture.testing.randomfiles.HOSTILE`, such as "glob"; None for any.
            sendable: Whether it can be sent in a command, which a line end cannot.

        Raises:
            KeyError: There is no such kind.
        """
        return randomfiles.hostile_name(self.generator.random, kind, sendable)

    def ftp_tree(self, count: int = 20) -> dict[str, bytes]:
        """Files for the setting `files`: absolute path to content.

        Args:
            count: Number of files.
        """
        return randomfiles.tree(self.generator.random, count)

    def ftp_password(self) -> str:
        """A password of 6 to 16 characters, some of which need quoting in URLs and shells."""
        letters = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789-_.!@#$%&*:/ "
        rng = self.generator.random
        return "".join(randomfiles.one(rng, letters) for _ in range(6 + randomfiles.below(rng, 11))).strip() or "x"

    def ftp_user(self) -> User:
        """A user with a login, a password and a home directory."""
        login = f"{randomfiles.word(self.generator.random)}{randomfiles.below(self.generator.random, 1000)}"
        return User(login, self.ftp_password(), base_path="/")

    def ftp_greeting(self) -> str:
        """The text of a greeting, for the setting `welcome_message`."""
        return randomfiles.one(self.generator.random, _GREETINGS)

    def ftp_listing(self, style: ListStyleName = "unix", count: int = 10) -> list[str]:
        """Lines of LIST, without their ends.

        Args:
            style: A key of `ftpfixture.wire.listing.styles.LIST_STYLES`.
            count: Number of entries; OpenVMS has some on two lines, and z/OS a heading.
        """
        entries = [fitting(style, self._entry()) for _ in range(count)]
        return lines_of(style, entries, now=float(_LATEST), timezone=UTC)

    def _entry(self) -> Entry:
        rng = self.generator.random
        is_directory = rng.random() < 0.2
        name = randomfiles.word(rng) if is_directory else randomfiles.feed_name(rng)
        return Entry(
            name,
            "dir" if is_directory else "file",
            size=0 if is_directory else randomfiles.below(rng, 1 << 24),
            modify=float(randomfiles.below(rng, _LATEST)),
        )
