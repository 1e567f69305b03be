"""The server inside of a handle, made from the settings of both.

One rule: settings that exclude each other are refused here, before the server listens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, cast

from ftpfixture.clock import Clock
from ftpfixture.driver import Driver
from ftpfixture.errors import ConfigurationError, UnknownSetting
from ftpfixture.files.memory import MemoryPathIO
from ftpfixture.files.names import NameRule
from ftpfixture.files.stored import Stored
from ftpfixture.recording.target import Target
from ftpfixture.server import AbstractUserManager, Server, User
from ftpfixture.settings import setting_names, unknown_setting
from ftpfixture.testing.certificates import Certified, context_for, contexts_for, refuse_without_tls
from ftpfixture.testing.loopthread import shared_thread
from ftpfixture.testing.randomfiles import RandomFiles
from ftpfixture.testing.settings import FTP_SERVER_SETTINGS, FtpServerSettings

__all__ = [
    "check_names",
    "clock_of",
    "contents_of",
    "encrypt",
    "offered_by",
    "server_of",
    "upstream_users",
    "use_fake_files",
    "verbs_of",
]

_ITS_OWN = ("users", "files", "root", "quota", "fakefs")


def proxy_of(own: FtpServerSettings, users: AbstractUserManager, settings: dict[str, Any]) -> Server:
    """The server inside that passes everything on.

    Raises:
        ConfigurationError: Something of this server's own is set.
    """
    from ftpfixture.recording.proxy import Proxy  # a proxy needs the client, which other servers do not

    names = [name for name in _ITS_OWN if own.get(name) is not None]
    names += [name for name in ("disable", "features", "persona") if settings.get(name) is not None]
    if settings.get("path_io_factory") is not MemoryPathIO:
        names.append("path_io_factory")
    if own["server_class"] is not Server:
        names.append("server_class")
    if names:
        raise ConfigurationError(f"{names[0]}= with upstream=: the real server has that, a proxy only passes on")
    target = own["upstream"]
    assert isinstance(target, Target)
    return Proxy(users, target=target, **settings)


def upstream_users(own: FtpServerSettings) -> list[User] | None:
    """The login to the real server, when its URL has one."""
    target = own["upstream"]
    if not isinstance(target, Target) or not target.user:
        return None
    return [User(target.user, target.password)]


def driver_of(own: FtpServerSettings, others: dict[str, Any]) -> Driver:
    """The driver of a server; a simulated one also gives the network.

    Args:
        own: Settings of `FtpServer`.
        others: Settings of the server inside; changed.

    Raises:
        ConfigurationError: Settings contradict each other.
    """
    if not own["simulate"]:
        alone = [name for name in ("schedule", "simulate_time") if own[name]]
        if alone:
            raise ConfigurationError(f"{alone[0]}= is for a simulated server: add simulate=True")
        return own["driver"] or shared_thread()
    given = "driver" if own["driver"] is not None else "network" if others.get("network") is not None else None
    if given is not None:
        raise ConfigurationError(f"simulate=True with {given}=: a simulated server has its own; leave out one of them")
    from ftpfixture.sim.simulation import simulation  # real servers need none of it

    driver = simulation(own["schedule"], own["simulate_time"])
    others["network"] = driver.network
    return driver


def clock_of(clock: Clock | Callable[[], float] | None, driver: Driver) -> Clock:
    """The setting `clock` as a clock with the time of the driver.

    Raises:
        ConfigurationError: It has another source of time.
    """
    if not isinstance(clock, Clock):
        return Clock(clock, driver)
    if clock.time_source.monotonic != driver.monotonic:
        raise ConfigurationError("clock= has another time than driver=: make it with Clock(time_source=driver)")
    return clock


def contents_of(own: FtpServerSettings) -> Mapping[str, bytes | Stored | None] | None:
    """The setting `files`, drawn where it is random.

    Raises:
        ConfigurationError: There is a seed, and nothing to draw.
    """
    files: object = own["files"]
    if isinstance(files, RandomFiles):
        return files.drawn(own["seed"] or 0)
    if own["seed"] is not None:
        raise ConfigurationError(f'seed={own["seed"]} is for files="random:N", and the files are given: leave it out')
    return cast("Mapping[str, bytes | Stored | None] | None", files)


def use_fake_files(
    own: FtpServerSettings, others: dict[str, Any], users: list[User] | AbstractUserManager
) -> list[User] | AbstractUserManager:
    """Set the path layer of a server over a fake file system; return its users, who see the folder `root`.

    Raises:
        ConfigurationError: There is no such folder, or the server has another path layer.
    """
    from ftpfixture.testing import fakefs

    if others.get("path_io_factory", MemoryPathIO) is not MemoryPathIO:
        raise ConfigurationError("fakefs= with path_io_factory=: the fake file system is a path layer, leave one out")
    filesystem: Any = own["fakefs"]
    others["path_io_factory"] = fakefs.factory_of(filesystem)
    return fakefs.users_of(users, fakefs.root_of(filesystem, own["root"]))


def check_names(paths: Iterable[str], rule: NameRule) -> None:
    """Refuse two paths that are one by the rule of the server.

    Raises:
        ConfigurationError: There are two.
    """
    seen: dict[str, str] = {}
    for path in paths:
        other = seen.setdefault(rule.key(path.rstrip("/")), path)
        if other is not path:
            raise ConfigurationError(
                f"files has {other!r} and {path!r}, which are one file to this server: leave one out"
            )


def encrypt(own: FtpServerSettings, others: dict[str, Any]) -> Certified | None:
    """Set the context of a server that has TLS.

    Returns:
        Makes contexts for other host names; None without TLS, and where the context is the user's own.

    Raises:
        ConfigurationError: It has not, and something was set that means nothing without; or a context cannot be made.
    """
    asked: dict[str, Any] = {
        "client_certificates": own["client_certificates"],
        "minimum_tls": own["minimum_tls"],
        "ciphers": own["ciphers"],
    }
    context = FTP_SERVER_SETTINGS.rows["ssl"].check("ssl", others.get("ssl"))
    if others.get("tls") is not None:
        choose = contexts_for if others.get("require_session_reuse") else context_for
        make: Certified = partial(choose, context or own["certificate"], **asked)
        others["ssl"] = make()
        return make if context is None and isinstance(own["certificate"], str) else None
    if context is None:
        refuse_without_tls(own["certificate"], **asked)
    return None


def server_of(own: FtpServerSettings, users: AbstractUserManager, settings: dict[str, Any]) -> Server:
    """The server inside.

    Raises:
        UnknownSetting: A setting belongs neither to the handle nor to the class.
        ConfigurationError: Something of this server's own is set, and everything is passed on to another.
    """
    server_class = own["server_class"]
    try:
        if own["upstream"] is not None and own["recording"] is None:
            return proxy_of(own, users, settings)
        return server_class(users, **settings)
    except UnknownSetting as error:
        raise unknown_setting(error.name, setting_names(server_class) | FTP_SERVER_SETTINGS.rows.keys()) from None


def offered_by(server: Server) -> set[str]:
    """Return the verbs that a server answers, upper case; disabled ones are not among them."""
    return {verb.upper() for verb in server.commands_mapping}


def verbs_of(server: Server) -> set[str]:
    """Return the verbs that a server answers, or would if they were not disabled, upper case."""
    return {verb.upper() for verb in (*server.specs, *server.commands_mapping)}
