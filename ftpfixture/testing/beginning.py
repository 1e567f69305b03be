"""The state of a server at its begin, so that one server can serve many tests.

One rule: changes by the handle of a server are undone here, or the docstring of `FtpServer.reset` names them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ftpfixture.aio import take_turns
from ftpfixture.errors import ConfigurationError
from ftpfixture.faults.dsl import Fault
from ftpfixture.files.stored import Stored
from ftpfixture.server import AbstractUserManager, Server, User
from ftpfixture.testing.certificates import Certified
from ftpfixture.testing.faults import Faults
from ftpfixture.testing.files import Files

if TYPE_CHECKING:
    from ftpfixture.testing.ftpserver import FtpServer
    from ftpfixture.testing.settings import FtpServerSettings

__all__ = ["Beginning", "changed", "check_changes"]

_FIXED = (
    *(
        "host",
        "port",
        "allow_remote",
        "root",
        "fakefs",
        "path_io_factory",
        "server_class",
        "driver",
        "clock",
        "network",
        "name",
        "case_sensitive",
        "normalize_names",
    ),
    *("simulate", "schedule", "simulate_time"),
    *("recording", "compare_uploads", "allow_unplayed", "allow_repeats", "replay_timing", "upstream"),
)


def check_changes(settings: Mapping[str, Any]) -> None:
    """Check the settings with which a running server is to begin again.

    Raises:
        ConfigurationError: A running server cannot change one of them.
    """
    for name in settings:
        if name in _FIXED:
            raise ConfigurationError(f"reset({name}=...): a running server keeps its {name}; start another server")


def changed(server: FtpServer, own: FtpServerSettings, settings: FtpServerSettings) -> FtpServerSettings:
    """The settings of a running server with some others, for a server on the same loop, network and clock."""
    fixed: FtpServerSettings = {
        "driver": server.driver,
        "network": server.server.network,
        "clock": server.clock,
        "simulate": False,  # as a setting it would choose driver and network
        "schedule": None,
        "simulate_time": False,
    }
    return {**own, **settings, **fixed}


class Beginning:
    """The settings, users, files, quota, speed limits and faults with which a server begins.

    Args:
        server: The server inside, made from the settings.
        users: The users, or their manager.
        certified: Makes its certificate for other host names, too; None without TLS, or with a context of the user.
        contents: The setting `files`.
        quota: The setting `quota`.
        hang_after: The setting `hang_after`.
        strict: The setting `strict`.
        loose: The setting `loose`.

    Attributes:
        server: As given.
        users: As given.
        certified: As given.
        hang_after: As given.
        faults: Those that the server has when it is first started.
        strict: As given.
        loose: As given.
    """

    def __init__(
        self,
        server: Server,
        users: list[User] | AbstractUserManager,
        certified: Certified | None,
        contents: Mapping[str, bytes | Stored | None],
        quota: int | None,
        hang_after: float | None,
        strict: bool,
        loose: object,
    ) -> None:
        self.hang_after = hang_after
        self.server = server
        self.users = users
        self.certified = certified
        self.strict = strict
        self.loose = loose
        self._contents = dict(contents)
        self._quota = quota
        self.faults: tuple[Fault, ...] = ()
        self._started = False
        throttles = (*server.throttle, *server.throttle_per_connection)
        self._limits = [(throttle, throttle.limit) for throttle in throttles]

    def start(self, faults: tuple[Fault, ...]) -> None:
        """Store the faults that the server has when it is first started."""
        if not self._started:
            self._started = True
            self.faults = faults

    async def bring_back(self, files: Files, faults: Faults) -> None:
        """Restore speed limits, files and faults; on the loop, when all sessions have ended."""
        for throttle, limit in self._limits:
            throttle.limit = limit
        files.begin_again(self._quota)
        for path, data in self._contents.items():
            files.put(path, data)
            await take_turns()
        faults.begin_again(self.faults, self.server.clock.monotonic())
