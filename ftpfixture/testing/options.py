"""The options of the command line and the ini file for every server of a run.

One rule: a value that cannot work ends the run before its first test, with a sentence that has the valid values.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from ftpfixture.errors import ConfigurationError
from ftpfixture.faults.dsl import Fault
from ftpfixture.faults.grammar import parse
from ftpfixture.testing.settings import FTP_SERVER_SETTINGS, FtpServerSettings

__all__ = ["RUN", "RunOptions", "add_options", "read_options"]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of a run.

    Attributes:
        faults: For every server; all of them are optional.
        settings: For every server that is not given others.
    """

    faults: tuple[Fault, ...]
    settings: FtpServerSettings


RUN = pytest.StashKey[RunOptions]()
"""The key of the options in the configuration of pytest."""


def add_options(parser: pytest.Parser) -> None:
    """Add the options to the command line and to the ini file."""
    text = (
        "a fault for every server of this run, as text: 'RETR *.csv #2: drop_data after_bytes=1024'; may be given again"
    )
    parser.getgroup("ftp").addoption("--ftp-fault", action="append", default=[], metavar="FAULT", help=text)
    parser.addini("ftp_faults", "faults for every server, one a line, as for --ftp-fault", type="linelist", default=[])
    simulate = "simulate connections and time of every server that a fixture makes: waiting takes no real time"
    parser.getgroup("ftp").addoption("--ftp-simulate", action="store_true", default=None, help=simulate)
    parser.addini("ftp_simulate", "the setting simulate of every server, as --ftp-simulate", type="bool")
    parser.addini("ftp_strict", "the setting strict of every server: fail for unexpected commands", type="bool")
    parser.addini("ftp_loose", "the setting loose of every server, such as QUIT, one a line", type="linelist")
    parser.addini(
        "ftp_hang_after",
        "seconds that a client may wait for what a fault withholds for ever, before the test fails; none for no limit",
    )


def read_options(config: pytest.Config) -> RunOptions:
    """Return the options of a run.

    Raises:
        pytest.UsageError: One of them cannot work.
    """
    try:
        faults = tuple(
            parse(line).optional() for line in (*config.getini("ftp_faults"), *config.getoption("--ftp-fault"))
        )
    except ConfigurationError as error:
        raise pytest.UsageError(f"--ftp-fault, or ftp_faults of the ini file: {error}") from None
    return RunOptions(faults, _settings(config))


def _settings(config: pytest.Config) -> FtpServerSettings:
    settings: FtpServerSettings = {"strict": config.getini("ftp_strict"), "loose": config.getini("ftp_loose")}
    if config.getoption("--ftp-simulate") or config.getini("ftp_simulate"):
        settings["simulate"] = True
    text = str(config.getini("ftp_hang_after") or "").strip().lower()
    if not text:
        return settings
    try:
        check = FTP_SERVER_SETTINGS.rows["hang_after"].check
        return {**settings, "hang_after": check("hang_after", None if text == "none" else float(text))}
    except ValueError:
        raise pytest.UsageError(
            f"ftp_hang_after of the ini file takes seconds, such as 30, or none, not {text!r}"
        ) from None
