"""Names that users of aioftp know are where they look for them, and are the same things as in their rooms."""

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
    """Each module shows what its namesake there shows, and the package shows the same object."""
    for name in names.split():
        found = getattr(module, name)
        if name not in NOT_AT_THE_TOP:
            assert getattr(ftpfixture, name) is found


def test_a_face_shows_the_thing_itself() -> None:
    """What a face has is no copy: a subclass or a check of identity means the same everywhere."""
    assert common.with_timeout is aio.with_timeout
    assert common.StreamIO is net.stream.StreamIO
    assert common.END_OF_LINE is constants.END_OF_LINE
    assert pathio.universal_exception is handles.universal_exception
    assert pathio.AbstractPathIO is files.base.AbstractPathIO


def test_constants() -> None:
    """Values that clients and listings rely on."""
    assert (constants.END_OF_LINE, constants.DEFAULT_PORT) == ("\r\n", 21)
    assert (constants.DEFAULT_USER, constants.DEFAULT_PASSWORD, constants.DEFAULT_ACCOUNT) == ("anonymous", "anon@", "")
    assert constants.HALF_OF_YEAR_IN_SECONDS * 2 == 3652425 * 24 * 60 * 60 // 10000
    assert constants.TWO_YEARS_IN_SECONDS == 2 * 365.25 * 24 * 60 * 60


def test_reached_through_the_package() -> None:
    """`import ftpfixture` is enough for all of them."""
    with ftpfixture.common.setlocale("C") as name:
        assert name == locale.setlocale(locale.LC_ALL)
    assert ftpfixture.pathio.PathIO is ftpfixture.PathIO
