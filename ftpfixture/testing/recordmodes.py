"""``--ftp-record``: what a run does with the recordings of its tests.

One rule: a run in CI records nothing unless it is told to.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import pytest

from ftpfixture import checks
from ftpfixture.errors import ConfigurationError

__all__ = ["MODES", "RECORD", "Mode", "add_option", "read_mode"]


@dataclass(frozen=True, slots=True)
class Mode:
    """What a run does with recordings.

    Attributes:
        name: The word for it.
        text: The same for readers.
        plays: Whether a recording that is there is played.
        connects: Whether a server may connect to the real one.
        goes_on: Whether a session goes on at the real server where its recording ends.
        keeps: Whether the dialogues with the real server become recordings.
    """

    name: str
    text: str
    plays: bool = False
    connects: bool = True
    goes_on: bool = False
    keeps: bool = False


_MODES = (
    Mode("none", "play recordings, and connect to this machine alone", plays=True, connects=False),
    Mode("once", "play recordings, and record those that are not there", plays=True, keeps=True),
    Mode("new", "play recordings, and record what is not in them", plays=True, goes_on=True, keeps=True),
    Mode("all", "record all again", keeps=True),
    Mode("rewrite", "record all again, and remove the recordings of tests that are gone", keeps=True),
    Mode("verify", "compare the real servers with the recordings, and write nothing"),
    Mode("spy", "play recordings, ask the real server for what is not in them, and write nothing", True, goes_on=True),
)

MODES = {mode.name: mode for mode in _MODES}
"""All modes by their words."""

RECORD = pytest.StashKey[Mode]()
"""The key of the mode in the configuration of pytest."""


def add_option(parser: pytest.Parser) -> None:
    """Add the option to the command line and to the ini file."""
    words = "; ".join(f"{mode.name}: {mode.text}" for mode in MODES.values())
    text = f"what ftp_recording does, by default 'none' where CI is set and 'once' elsewhere. {words}"
    parser.getgroup("ftp").addoption("--ftp-record", choices=list(MODES), default=None, help=text)
    parser.addini("ftp_record", f"as --ftp-record: {', '.join(MODES)}", default="")


def read_mode(config: pytest.Config) -> Mode:
    """The mode of a run: that of the command line, of the ini file, or the default.

    Raises:
        pytest.UsageError: That of the ini file is none; the text has the list.
    """
    word = config.getoption("--ftp-record") or config.getini("ftp_record")
    if not word:
        return MODES["none" if os.environ.get("CI") else "once"]
    try:
        return MODES[checks.one_of("ftp_record", word, MODES)]
    except ConfigurationError as error:
        raise pytest.UsageError(f"{error} (in the ini file)") from None
