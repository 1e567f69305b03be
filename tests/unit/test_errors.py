"""The exceptions: attributes, messages, and pickling."""

from __future__ import annotations

import pickle
import sys

from ftpfixture import errors
from ftpfixture.errors import (
    CommandSyntaxError,
    ConfigurationError,
    FtpFixtureError,
    InvalidCommand,
    NoAvailablePort,
    PathIOError,
    PathIsNotAbsolute,
    ProtocolError,
    ReplySyntaxError,
    ServerStateError,
    StatusCodeError,
)
from tests.support.rows import table


def test_everything_exported_is_in_one_tree() -> None:
    """The root is the base of every exception of this package."""
    assert all(issubclass(getattr(errors, name), FtpFixtureError) for name in errors.__all__)


@table(
    ("error", "builtin"),
    [
        (PathIsNotAbsolute, ValueError),
        (PathIOError, OSError),
        (NoAvailablePort, OSError),
        (InvalidCommand, ValueError),
        (ConfigurationError, ValueError),
        (ServerStateError, RuntimeError),
        (ProtocolError, ValueError),
        (CommandSyntaxError, ProtocolError),
        (ReplySyntaxError, ProtocolError),
    ],
)
def test_the_natural_builtin_is_a_base(error: type[Exception], builtin: type[Exception]) -> None:
    """Code that catches the builtin exception catches ours, too."""
    assert issubclass(error, builtin)


def test_status_code_error_wraps_single_codes() -> None:
    """Expected and received codes are tuples, for one code or several."""
    error = StatusCodeError("2xx", ("550",), ["no such file"])

    assert (error.expected_codes, error.received_codes, error.info) == (("2xx",), ("550",), ["no such file"])


def test_status_code_error_message() -> None:
    """The message has every expected mask, the received code, and the reply."""
    assert str(StatusCodeError(("2xx", "350"), "550", ["gone"])) == "Waiting for 2xx|350 but got 550 ['gone']"


def test_status_code_error_survives_pickling() -> None:
    """An unpickled status code error has its attributes and its message."""
    error = StatusCodeError(("2xx", "350"), "550", ["gone"])

    copy = pickle.loads(pickle.dumps(error))

    assert type(copy) is StatusCodeError
    assert (copy.expected_codes, copy.received_codes, copy.info) == (("2xx", "350"), ("550",), ["gone"])
    assert str(copy) == str(error)


def _failed() -> PathIOError:
    try:
        raise FileNotFoundError("no /a.txt here")
    except FileNotFoundError:
        return PathIOError(reason=sys.exc_info())


def test_path_io_error_message() -> None:
    """The message of a path layer's error is the class and the message of the original exception."""
    assert str(_failed()) == "FileNotFoundError: no /a.txt here"


def test_path_io_error_keeps_the_reason() -> None:
    """The reason is the whole triple, so that handlers can inspect the original exception."""
    reason = _failed().reason

    assert reason is not None
    assert reason[0] is FileNotFoundError
    assert isinstance(reason[1], FileNotFoundError)
    assert reason[2] is not None


@table("error", [PathIOError("disk is full"), PathIOError("disk is full", reason=(None, None, None))])
def test_path_io_error_message_without_reason(error: PathIOError) -> None:
    """Without a reason, or with an empty one, the message is the argument of the error."""
    assert str(error) == "disk is full"


def test_path_io_error_original() -> None:
    """The original is in the reason, or else in the cause, or None."""
    bare, chained = PathIOError(), PathIOError()
    chained.__cause__ = cause = OSError("disk is full")
    assert [error.original for error in (bare, chained)] == [None, cause]
    assert isinstance(_failed().original, FileNotFoundError)
