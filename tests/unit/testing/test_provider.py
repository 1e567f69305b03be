"""The provider for Faker."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import pytest
from faker import Faker

from ftpfixture.testing import randomfiles
from ftpfixture.testing.provider import FtpProvider
from ftpfixture.wire.listing.reading import read_listing
from ftpfixture.wire.listing.styles import LIST_STYLES, ListStyleName


@pytest.fixture
def fake() -> Faker:
    """An instance of Faker with a seed."""
    fake = Faker()
    fake.seed_instance(11)
    fake.add_provider(FtpProvider)
    return fake


def test_its_seed_decides(fake: Faker) -> None:
    """What is drawn is that of the functions with the same generator."""
    random = Random(11)
    assert fake.ftp_tree(3) == randomfiles.tree(random, 3)
    assert fake.ftp_file_name() == randomfiles.feed_name(random)
    assert fake.ftp_hostile_name() == randomfiles.hostile_name(random)
    assert fake.ftp_hostile_name("glob").endswith("*?.csv")
    with pytest.raises(KeyError):
        fake.ftp_hostile_name("globe")


def test_users_and_greetings(fake: Faker) -> None:
    """Many are different, and all can be used."""
    users = [fake.ftp_user() for _ in range(50)]
    assert len({user.login for user in users}) > 40
    passwords = {str(user.password) for user in users}
    assert len(passwords) == 50
    assert all(1 <= len(password) <= 16 and password == password.strip() for password in passwords)
    assert len({fake.ftp_greeting() for _ in range(50)}) > 3


@pytest.mark.parametrize("style", LIST_STYLES)
def test_listings_can_be_read(fake: Faker, style: ListStyleName) -> None:
    """In every style that a server writes."""
    lines = fake.ftp_listing(style, 30)
    found = read_listing(lines, now=datetime(2030, 3, 17, tzinfo=UTC).timestamp())
    assert len(found.entries) == 30
    assert {entry.type for entry in found.entries} == ({"file"} if style == "pds" else {"dir", "file"})
    assert found.unread == ()
