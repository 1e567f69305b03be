"""The modules with names of aioftp have all its names, which are the objects of our own modules."""

from __future__ import annotations

import locale

import ftpfixture
from ftpfixture import aio, common, errors, files, net, pathio, server
from ftpfixture.compat import constants
from ftpfixture.files import handles
from tests.support.rows import table

COMMON = """
    with_timeout StreamIO Throttle StreamThrottle ThrottleStreamIO END_OF_LINE DEFAULT_BLOCK_SIZE wrap_with_container
    AsyncStreamIterator AbstractAsyncLister AsyncListerMixin async_enterable DEFAULT_PORT DEFAULT_USER DEFAULT_PASSWORD
    DEFAULT_ACCOUNT setlocale Code wrap_into_codes Connection HALF_OF_YEAR_IN_SECONDS TWO_YEARS_IN_SECONDS LOCALE_LOCK
"""
PATHIO = """
    AbstractPathIO PathIO AsyncPathIO MemoryPathIO PathIONursery universal_exception AsyncPathIOContext
    defend_file_methods Node
"""
SERVER = """
    Permission User AbstractUserManager MemoryUserManager AvailableConnections ConnectionConditions PathConditions
    PathPermissions worker Server
"""
ERRORS = "StatusCodeError PathIsNotAbsolute PathIOError NoAvailablePort InvalidCommand"
NOT_AT_THE_TOP = {"LOCALE_LOCK", "defend_file_methods", "Node"}


@table(
    ("module", "names"),
    [(common, COMMON), (pathio, PATHIO), (server, SERVER), (errors, ERRORS)],
)
def test_modules_have_their_names(module: object, names: str) -> None:
    """Each module has the names of its counterpart in aioftp, and the package has the same objects."""
    for name in names.split():
        found = getattr(module, name)
        if name not in NOT_AT_THE_TOP:
            assert getattr(ftpfixture, name) is found


def test_compatible_names_are_the_same_objects() -> None:
    """A name in a module for compatibility is no copy: subclasses and identity checks work."""
    assert common.with_timeout is aio.with_timeout
    assert common.StreamIO is net.stream.StreamIO
    assert common.END_OF_LINE is constants.END_OF_LINE
    assert pathio.universal_exception is handles.universal_exception
    assert pathio.AbstractPathIO is files.base.AbstractPathIO


def test_constants() -> None:
    """The constants have the values of aioftp."""
    assert (constants.END_OF_LINE, constants.DEFAULT_PORT) == ("\r\n", 21)
    assert (constants.DEFAULT_USER, constants.DEFAULT_PASSWORD, constants.DEFAULT_ACCOUNT) == ("anonymous", "anon@", "")
    assert constants.HALF_OF_YEAR_IN_SECONDS * 2 == 3652425 * 24 * 60 * 60 // 10000
    assert constants.TWO_YEARS_IN_SECONDS == 2 * 365.25 * 24 * 60 * 60


def test_reached_through_the_package() -> None:
    """`import ftpfixture` imports these modules."""
    with ftpfixture.common.setlocale("C") as name:
        assert name == locale.setlocale(locale.LC_ALL)
    assert ftpfixture.pathio.PathIO is ftpfixture.PathIO
