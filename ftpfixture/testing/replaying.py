"""The setting `recording` of a server: the server that replays it, and the check that all of it was played.

One rule: a recording decides on every reply. A setting that changes replies is an error.

A server without a recording imports nothing of `ftpfixture.recording`, nor msgspec.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ftpfixture.checks import wrong
from ftpfixture.errors import ConfigurationError
from ftpfixture.log import CommandLog
from ftpfixture.server import Server
from ftpfixture.testing.settings import FtpServerSettings

if TYPE_CHECKING:
    from ftpfixture.recording.store import Recording

__all__ = ["PATIENCE", "recording_from", "unplayed", "use_recording"]

PATIENCE = 1.0
"""Seconds that sessions may take to end before their recordings count as not played."""

_ANSWERS = (
    *("users", "files", "root", "quota", "path_io_factory", "path_timeout", "server_class", "disable", "features"),
    *("welcome_message", "system", "refuse_size_in_ascii", "list_style", "timezone", "encoding", "virtual_hosts"),
    *("maximum_connections", "maximum_connections_per_address", "maximum_login_failures", "login_delay"),
    *("require_tls", "implicit_protection", "inflation_limit", "persona"),
)
"""Settings that change replies."""

_FOR_REPLAY = ("compare_uploads", "allow_unplayed", "allow_repeats", "replay_timing")
"""Settings that a server with a recording has alone."""


def use_recording(given: Mapping[str, Any], own: FtpServerSettings, others: dict[str, Any]) -> None:
    """Make a server with the setting `recording` replay it.

    Args:
        given: All settings as the user gave them.
        own: Those of `FtpServer`; changed.
        others: Those of the server inside; changed.

    Raises:
        ConfigurationError: The recording cannot be played, or a setting does not go with it.
        RecordingError: The file is damaged.
    """
    source = own["recording"]
    if source is None:
        alone = [name for name in _FOR_REPLAY if name in given]
        if alone:
            raise ConfigurationError(f"{alone[0]}= is for a server with a recording: add recording='feed.ftp.jsonl'")
        return
    answers = [name for name in _ANSWERS if given.get(name) is not None]
    if answers:
        raise ConfigurationError(
            f"recording= with {answers[0]}=: the recording has the replies; leave out one of them, or set "
            f"{answers[0]}=None where ftp_config has it"
        )
    from ftpfixture.recording.replay import ReplayServer
    from ftpfixture.recording.tape import Tape

    tape = Tape(recording_from(source), own["allow_repeats"])
    if given.get("tls") not in (None, tape.tls):
        raise ConfigurationError(f"recording= with tls={given['tls']!r}: it was made with tls={tape.tls!r}")
    if own["replay_timing"] and not tape.has_times:
        raise ConfigurationError(
            "replay_timing=True with a recording without times: record it again with record(path, timing=True)"
        )
    own["server_class"] = ReplayServer
    others |= {
        "tape": tape,
        "uploads": own["compare_uploads"],
        "allow_unplayed": own["allow_unplayed"],
        "timing": own["replay_timing"],
        "tls": tape.tls,
    }
    if own["upstream"] is not None:
        from ftpfixture.recording.spy import Spy

        own["server_class"] = Spy
        others |= {"target": own["upstream"], "allow_unplayed": True}


def recording_from(source: object) -> Recording:
    """The recording in a file, or the one given.

    Raises:
        ConfigurationError: It is neither, or the file cannot be read.
        RecordingError: The file is damaged.
    """
    from ftpfixture.recording.store import Recording, load

    if isinstance(source, Recording):
        return source
    if not isinstance(source, str | os.PathLike):
        raise wrong("recording", "the path of a recording, or a Recording", source)
    try:
        return load(source)
    except OSError as error:
        raise ConfigurationError(f"recording={str(source)!r} cannot be read: {error}; record it first") from error


def unplayed(server: Server, log: CommandLog, patience: float) -> list[str]:
    """Describe the parts of a recording that clients have not played when their sessions have ended, with a remedy."""

    def is_over() -> bool:
        return not log.is_busy and all(session.closed_at is not None for session in log.sessions)

    if server.unplayed():
        log.wait_until(lambda: not server.unplayed() or is_over(), patience)
    texts = server.unplayed()
    return [*texts, "(allow_unplayed=True accepts a recording that is not played to its end)"] if texts else []
