"""The table from errors to replies."""

from __future__ import annotations

import errno
from collections.abc import Awaitable
from typing import TypeVar

from ftpfixture.errors import CommandRefused, CommandSyntaxError, PathIOError

__all__ = ["ERRNO_REPLIES", "INTERNAL_ERROR", "LOGIN_FAILURES", "offered", "reply_for"]

T = TypeVar("T")

Answer = tuple[str, str]


_NO_SUCH = ("550", "No such file or directory")
_DENIED = ("550", "Permission denied")
_OTHER_OS_ERROR = ("451", "Requested action aborted: local error in processing")
INTERNAL_ERROR = ("451", "Requested action aborted: internal error of the server")
"""The reply to an unexpected exception."""

LOGIN_FAILURES = frozenset({"430", "530"})
"""Codes for a wrong login or password; a manager counts only these as failures of the client."""

ERRNO_REPLIES: dict[int, Answer] = {
    errno.ENOENT: _NO_SUCH,
    errno.ENOTDIR: ("550", "Not a directory"),
    errno.EISDIR: ("550", "Is a directory"),
    errno.EEXIST: ("550", "File exists"),
    errno.ENOTEMPTY: ("550", "Directory not empty"),
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.EROFS: ("550", "Read-only file system"),
    errno.ELOOP: ("550", "Too many levels of symbolic links"),
    errno.ENAMETOOLONG: ("553", "File name too long"),
    errno.EINVAL: ("553", "File name not allowed"),
    errno.EILSEQ: ("553", "File name not allowed"),
    errno.EXDEV: ("553", "Cannot rename across file systems"),
    errno.EBUSY: ("450", "File busy"),
    errno.ETXTBSY: ("450", "File busy"),
    errno.ENOSPC: ("452", "Insufficient storage space"),
    errno.EDQUOT: ("552", "Exceeded storage allocation"),
    errno.EFBIG: ("552", "Exceeded storage allocation"),
}
"""RFC 959 4.2.2: 450 and 452 are temporary, 550, 552 and 553 are permanent, 451 is for all others."""

_BY_CLASS: tuple[tuple[type[OSError], Answer], ...] = (
    # A user's path layer may raise these without an errno.
    (FileNotFoundError, _NO_SUCH),
    (FileExistsError, ERRNO_REPLIES[errno.EEXIST]),
    (NotADirectoryError, ERRNO_REPLIES[errno.ENOTDIR]),
    (IsADirectoryError, ERRNO_REPLIES[errno.EISDIR]),
    (PermissionError, _DENIED),
)

_NO_OS_ERRORS: dict[type[BaseException], Answer] = {
    UnicodeEncodeError: ERRNO_REPLIES[errno.EILSEQ],  # the disk's encoding lacks a character of the name
    LookupError: ("504", "There is no such owner or group"),  # of shutil.chown; KeyError is a bug
}
"""Errors of Python's file functions that are no OSError."""


def reply_for(error: BaseException) -> Answer | None:
    """The reply to an exception of a handler; None for an unexpected one."""
    if isinstance(error, CommandRefused):
        return error.code, error.text
    if isinstance(error, CommandSyntaxError):
        return "501", str(error)
    if isinstance(error, PathIOError):
        cause = error.original
        if cause is None:
            return _OTHER_OS_ERROR
        return _NO_OS_ERRORS.get(type(cause)) or reply_for(cause)
    if isinstance(error, OSError):
        by_class = next((answer for kind, answer in _BY_CLASS if isinstance(error, kind)), _OTHER_OS_ERROR)
        return ERRNO_REPLIES.get(error.errno or 0, by_class)
    return None


async def offered(call: Awaitable[T]) -> T:
    """Await an optional operation of the path layer.

    Raises:
        CommandRefused: 504; the path layer lacks it. Elsewhere NotImplementedError is a bug of a handler.
    """
    try:
        return await call
    except NotImplementedError as error:
        raise CommandRefused("504", "This storage does not offer that") from error
