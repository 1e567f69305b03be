"""Fixtures of tests of user managers: a scripted one, and its clock."""

from __future__ import annotations

import pytest

from ftpfixture.clock import Clock
from ftpfixture.server.users import User
from ftpfixture.server.users.scripted import ScriptedUserManager


@pytest.fixture
def clock() -> Clock:
    """A clock that is stopped at 1000."""
    clock = Clock()
    clock.freeze(at=1000)
    return clock


@pytest.fixture
def manager(clock: Clock) -> ScriptedUserManager:
    """A manager with two users with a password, and one without."""
    manager = ScriptedUserManager([User("ann", "secret"), User("bob", "dragon"), User("open")])
    manager.use_clock(clock)
    return manager
