"""The settings of a living server that is like a recorded one.

One rule: a setting of the user takes precedence, and a line of a listing that was not understood is told.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, cast

from ftpfixture.errors import ConfigurationError
from ftpfixture.recording.learn import Account, Learnt, learn
from ftpfixture.server import User
from ftpfixture.testing.replaying import recording_from
from ftpfixture.testing.settings import FtpServerSettings
from ftpfixture.untouched import wall_time

__all__ = ["learnt_settings"]

_OTHERS = ("recording", "upstream", "root", "path_io_factory")


def learnt_settings(source: object, given: FtpServerSettings) -> FtpServerSettings:
    """The settings of a server that is learnt from a recording.

    Args:
        source: Path of a recording, or a `Recording`.
        given: Settings that take precedence.

    Raises:
        ConfigurationError: The recording cannot be read, or a setting gives the server other files or replies.
        RecordingError: It is damaged.
    """
    wrong = [name for name in _OTHERS if given.get(name) is not None]
    if wrong:
        raise ConfigurationError(
            f"from_recording with {wrong[0]}=: a learnt server has its files in memory and answers by itself; leave "
            f"{wrong[0]} out"
        )
    clock = given.get("clock") or wall_time
    learnt = learn(recording_from(source), clock())
    _tell_unread(learnt)
    return cast("FtpServerSettings", {**_settings(learnt), **given})


def _tell_unread(learnt: Learnt) -> None:
    if learnt.unread:
        first, more = learnt.unread[0], len(learnt.unread) - 1
        rest = f" (and {more} more)" if more else ""
        warnings.warn(
            f"a line of a recorded listing was not understood and is no file here: {first}{rest}", stacklevel=4
        )


def _settings(learnt: Learnt) -> Mapping[str, Any]:
    users = [_user(account) for account in learnt.users]
    return {
        "persona": learnt.persona,
        "files": learnt.files,
        **({"users": users} if users else {}),
        **({"tls": learnt.tls} if learnt.tls else {}),
    }


def _user(account: Account) -> User:
    return User(
        account.login,
        account.password,
        account=account.account,
        base_path=PurePosixPath("/"),
        home_path=account.home,
    )
