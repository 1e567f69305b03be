"""The table from errors to replies: one row for each."""

from __future__ import annotations

import errno
import sys

import pytest

from ftpfixture.errors import CommandRefused, CommandSyntaxError, ConfigurationError, PathIOError
from ftpfixture.server.replies import ERRNO_REPLIES, offered, reply_for
from ftpfixture.wire.states import legal_reply
from tests.support.rows import table

LOCAL_ERROR = ("451", "Requested action aborted: local error in processing")


def _wrapped(error: BaseException) -> PathIOError:
    """The error as a path layer raises it."""
    try:
        raise error
    except BaseException:
        return PathIOError(reason=sys.exc_info())


@table(
    ("number", "code"),
    [
        (errno.ENOENT, "550"),
        (errno.ENOTDIR, "550"),
        (errno.EISDIR, "550"),
        (errno.EEXIST, "550"),
        (errno.ENOTEMPTY, "550"),
        (errno.EACCES, "550"),
        (errno.EPERM, "550"),
        (errno.EROFS, "550"),
        (errno.ELOOP, "550"),
        (errno.ENAMETOOLONG, "553"),
        (errno.EINVAL, "553"),
        (errno.EILSEQ, "553"),
        (errno.EXDEV, "553"),
        (errno.EBUSY, "450"),
        (errno.ETXTBSY, "450"),
        (errno.ENOSPC, "452"),
        (errno.EDQUOT, "552"),
        (errno.EFBIG, "552"),
        (errno.EIO, "451"),
        (errno.EMFILE, "451"),
    ],
)
def test_errno(number: int, code: str) -> None:
    """Each number of an OSError has its code, raised directly or wrapped by a path layer."""
    error = OSError(number, "text")

    answer = reply_for(error)

    assert answer is not None
    assert answer[0] == code
    assert reply_for(_wrapped(error)) == answer


@table("number", sorted(ERRNO_REPLIES))
def test_every_row_is_a_reply_to_a_transfer(number: int) -> None:
    """Every error of a path layer during an upload gets a code that STOR may get."""
    code, text = ERRNO_REPLIES[number]

    assert legal_reply("STOR", "/a", code)
    assert text


@table(
    ("kind", "number"),
    [
        (FileNotFoundError, errno.ENOENT),
        (FileExistsError, errno.EEXIST),
        (NotADirectoryError, errno.ENOTDIR),
        (IsADirectoryError, errno.EISDIR),
        (PermissionError, errno.EACCES),
    ],
)
def test_exceptions_without_a_number(kind: type[OSError], number: int) -> None:
    """A user's path layer may raise these with only a text: the class is enough."""
    assert reply_for(kind("text")) == ERRNO_REPLIES[number]
    assert reply_for(_wrapped(kind("text"))) == ERRNO_REPLIES[number]


def test_the_number_has_precedence_over_the_class() -> None:
    """EISDIR in a PermissionError, as some systems raise it for a directory, is a directory."""
    assert reply_for(PermissionError(errno.EISDIR, "text")) == ERRNO_REPLIES[errno.EISDIR]


@table("error", [OSError("text"), TimeoutError("slow"), PathIOError("text"), _wrapped(TimeoutError())])
def test_any_other_error_of_the_system_is_451(error: OSError) -> None:
    """An OSError without a row, or a path layer's error without a reason, is 451."""
    assert reply_for(error) == LOCAL_ERROR


def test_the_cause_counts_as_the_reason() -> None:
    """A path layer's error that was raised from another one gets the reply to that one."""
    error = PathIOError("wrapped by hand")
    error.__cause__ = FileNotFoundError("text")

    assert reply_for(error) == ERRNO_REPLIES[errno.ENOENT]


def test_an_error_wrapped_twice() -> None:
    """The original decides, however often it was wrapped."""
    assert reply_for(_wrapped(_wrapped(OSError(errno.ENOSPC, "full")))) == ERRNO_REPLIES[errno.ENOSPC]


def test_a_refusal_is_its_own_reply() -> None:
    """A refusal has code and text."""
    assert reply_for(CommandRefused("425", "No data port is free")) == ("425", "No data port is free")


def test_a_refusal_may_come_from_a_path_layer() -> None:
    """A path layer may choose the reply."""
    assert reply_for(_wrapped(CommandRefused("450", "Being scanned"))) == ("450", "Being scanned")


def test_a_syntax_error_is_501() -> None:
    """A malformed argument gets the text of the error."""
    assert reply_for(CommandSyntaxError("TYPE needs a letter")) == ("501", "TYPE needs a letter")


async def test_an_optional_operation_that_is_missing() -> None:
    """It is 504, not a failure."""

    async def chmod() -> None:
        raise NotImplementedError

    with pytest.raises(CommandRefused) as refused:
        await offered(chmod())

    assert refused.value.code == "504"


def test_a_handler_that_is_not_written_is_a_failure() -> None:
    """NotImplementedError of a handler is no reply."""
    assert reply_for(NotImplementedError()) is None


@table(
    "error",
    [
        RuntimeError("boom"),
        KeyError("x"),
        AssertionError(),
        ConfigurationError("x"),
        _wrapped(ValueError("closed file")),
    ],
)
def test_an_unexpected_exception_has_no_reply(error: BaseException) -> None:
    """A bug is not a reply: None makes the session send 451 and keep the error for the test."""
    assert reply_for(error) is None
